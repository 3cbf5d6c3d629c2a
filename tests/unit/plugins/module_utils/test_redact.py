# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is masked, and what must stay readable."""

from __future__ import annotations

import json

import pytest

from ansible_collections.dr.aws.plugins.module_utils.redact import MASK, mask, tags
from ansible_collections.dr.aws.plugins.module_utils.tag_schema import SCHEMA

TOKEN = "IQoJb3JpZ2luX2VjEAoaCXVzLXdlc3QtMiJ"  # how a session's token begins


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("AKIAIOSFODNN7EXAMPLE is gone", f"{MASK} is gone"),
        ("ASIAIOSFODNN7EXAMPLE", MASK),
        (TOKEN, MASK),
        ("https://ann:pw@host/", f"https://{MASK}@host/"),
        ("refused with password=hunter2, retry", f"refused with password={MASK}, retry"),
        ("db_password = hunter2", f"db_password = {MASK}"),
        ("Authorization: Bearer abcdefgh12", f"Authorization: Bearer {MASK}"),
        ("ghp_abcdefghijklmnopqrst0123", MASK),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc", MASK),
    ],
)
def test_a_secret_is_masked_by_its_look(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask({"why": [text]}) == {"why": [masked]}


@pytest.mark.parametrize("name", ["password", "db-password", "SecretString", "auth_token", "external_id"])
def test_a_secret_is_masked_by_its_name(name: str) -> None:
    assert mask({name: "anything"}) == {name: MASK}


@pytest.mark.parametrize("name", ["plan_sha256", "token_sha256", "secret_arn", "why", "execution_id"])
def test_what_is_no_secret_stays(name: str) -> None:
    assert mask({name: "anything"}) == {name: "anything"}


def test_masked_json_is_still_json() -> None:
    """Receipts are kept as text: what follows a secret in it must stay."""
    assert json.loads(mask(json.dumps({"said": "token=abc", "next": 1}))) == {"said": f"token={MASK}", "next": 1}


def test_tags_of_the_schema_are_masked_by_their_look_only() -> None:
    given = {"dr:peer": "us-west-2:secret-store", "token": "t", "note": "AKIAIOSFODNN7EXAMPLE", "Customer": "acme"}
    assert tags(given, SCHEMA) == {"Customer": "acme", "dr:peer": "us-west-2:secret-store", "note": MASK, "token": MASK}
