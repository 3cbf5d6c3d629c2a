# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Estate files, and the generated ones."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import estate, ledger
from sandbox.generate import generate

HUB = {"id": "100000000000", "name": "management", "management": True}
WEB = {"id": "200000000001", "name": "web"}


def an_estate(**changes: Any) -> dict[str, Any]:
    return {"name": "shop", "regions": ["us-east-1", "us-west-2"], "accounts": [HUB, WEB], **changes}


def service(**changes: Any) -> dict[str, Any]:
    return {"kind": "ecs_service", "account": "web", "region": "us-east-1", "name": "api", **changes}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"regions": []}, "regions"),
        ({"nonsense": 1}, "nonsense"),
        ({"accounts": [{"id": 100000000000}]}, "accounts/0/id"),
        ({"accounts": [WEB]}, "exactly one must say management"),
        ({"resources": [service(account="nobody")]}, "account nobody is not declared"),
        ({"resources": [service(region="eu-west-1")]}, "region eu-west-1 is not declared"),
        ({"resources": [service(peer={"region": "eu-west-1"})]}, "region eu-west-1 is not declared"),
        ({"resources": [service(kind="spaceship")]}, "no kind spaceship"),
        ({"resources": [service(tags={"dr:wave": 1})]}, "resources/0/tags"),
    ],
)
def test_mistakes_are_named(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(estate.EstateError, match=says):
        estate.read(an_estate(**changes))


def test_a_file_that_is_not_there_is_named(tmp_path: Any) -> None:
    with pytest.raises(estate.EstateError, match=r"no\.yml"):
        estate.read(tmp_path / "no.yml")


def test_tags_of_the_estate_are_below_those_of_a_resource() -> None:
    given = an_estate(
        tags={"Customer": "shop", "Team": "a"},
        resources=[service(tags={"Team": "b"}), service(tags=None), service()],
    )
    assert [one["tags"] for one in estate.resources(given)] == [
        {"Customer": "shop", "Team": "b"},
        {},
        {"Customer": "shop", "Team": "a"},
    ]
    assert {one["account"] for one in estate.resources(given)} == {"200000000001"}


@pytest.mark.parametrize(("resources", "accounts", "waves"), [(1, 1, 1), (10, 3, 4), (1000, 2, 10)])
def test_generated_estates_are_spread_evenly(resources: int, accounts: int, waves: int) -> None:
    made = generate(resources, accounts, ["ecs", "rds", "route53"], waves, "acme")
    assert len(made["resources"]) == resources
    assert len({one["account"] for one in made["resources"]}) == min(resources, accounts)
    assert {int(one["tags"]["dr:wave"]) for one in made["resources"]} == set(range(1, min(resources, waves) + 1))
    assert estate.read({**made, "resources": []})["name"] == f"acme-{resources}"


def test_the_generator_names_what_it_cannot_make() -> None:
    with pytest.raises(ValueError, match="no generator for spaceship"):
        generate(1, 1, ["spaceship"], 1, "acme")


def test_the_table_of_operations_is_current() -> None:
    assert ledger.current(), "run: python -m sandbox ledger"
