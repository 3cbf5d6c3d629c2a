# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health: what is not proven healthy stops the waves after it, until it is repaired or a person gives a reason to go on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playbook import FULL, SHOP, WEST, Operator, estate, key_of, names, pointing, tasks

#: Health is proven after ACTIVATE.
SERVE = "instantiate,activate"


class Site:
    """A health check address on this host, which answers `code`."""

    def __init__(self) -> None:
        site = self
        self.code = 500

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(site.code)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing on the screen."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/health"


@pytest.fixture
def site() -> Iterator[Site]:
    here = Site()
    thread = threading.Thread(target=here.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield here
    finally:
        here.server.shutdown()
        here.server.server_close()
        thread.join()


def test_an_unhealthy_wave_stops_those_after_it(sandbox: Any, operator: Operator, site: Site) -> None:
    """FAILED, with what to do; the same failure again with a reason goes on, and the reason is on record."""
    basket = key_of(SHOP, "shop", "basket")
    operator.load(estate(basket={"tags": {"dr:health-check-url": site.url}}))
    operator.readiness()
    stopped = operator.failover(mode="planned", phases=SERVE, health_timeout_seconds=0)
    name = stopped.execution_id
    stopped.refused(
        f"wave 2 is UNHEALTHY: {basket} url: {site.url}", f"Next: ansible-playbook dr.aws.failover -e execution_id={name}"
    )
    assert tasks(sandbox, WEST) == FULL
    assert names(sandbox) == pointing("us-east-1"), "wave 3 did not begin"
    status = operator.status(name)
    assert (status["status"], status["resume"]) == ("FAILED", f"ansible-playbook dr.aws.failover -e execution_id={name}")

    operator.run("failover", execution_id=name, health_timeout_seconds=0).refused("wave 2 is UNHEALTHY")
    assert names(sandbox) == pointing("us-east-1")

    reason = "the shop can do without baskets"
    operator.run("failover", execution_id=name, health_timeout_seconds=0, health_override_reason=reason).ok()
    assert names(sandbox) == pointing(WEST)
    status = operator.status(name)
    assert status["status"] == "COMPLETED"
    checked = [one["detail"] for one in status["timeline"] if one["event"] == "health_checked" and one["detail"]["waves"] == [2]]
    assert [(one["status"], one["override_reason"]) for one in checked] == [
        ("UNHEALTHY", None),
        ("UNHEALTHY", None),
        ("UNHEALTHY", reason),
    ]


def test_an_optional_resource_stops_nothing(sandbox: Any, operator: Operator) -> None:
    """What depends on it is blocked, and is optional here as well."""
    basket, storefront = (key_of(SHOP, "shop", name) for name in ("basket", "storefront"))
    operator.load(
        estate(
            basket={"peer": {"tasks": "fail"}, "tags": {"dr:impact": "optional"}},
            storefront={"tags": {"dr:impact": "optional", "dr:dependencies": "basket"}},
        )
    )
    operator.readiness()
    ran = operator.failover(mode="planned", phases=SERVE).ok()
    assert names(sandbox) == pointing(WEST)
    status = operator.status(ran.execution_id)
    assert (status["status"], status["failed_resources_count"]) == ("COMPLETED", 2)
    failed = {one["resource"]: (one["status"], one["impact"]) for one in status["failed_resources"]}
    assert failed == {basket: ("blocked", "optional"), storefront: ("blocked", "optional")}
    assert f"blocked   {basket} (activate, optional): " in ran.out
    assert f"blocked   {storefront} (activate, optional): it depends on {basket}, which is blocked" in ran.out


def test_tasks_that_cannot_start_fail_the_wave_until_they_are_repaired(sandbox: Any, operator: Operator) -> None:
    """The resource is named with what to do; once it is repaired the same execution completes."""
    basket = key_of(SHOP, "shop", "basket")
    operator.load(estate(basket={"peer": {"tasks": "fail"}}))
    operator.readiness()
    stopped = operator.failover(mode="planned", phases=SERVE)
    name = stopped.execution_id
    stopped.refused("activate, wave 2: 1 of 3 resources stop the run", basket, f"execution {name} is FAILED")
    assert {**tasks(sandbox, WEST), "basket": FULL["basket"]} == FULL, "the others of its wave are not held back"
    assert names(sandbox) == pointing("us-east-1"), "wave 3 did not begin"
    status = operator.status(name)
    assert (status["status"], status["failed_resources_count"]) == ("FAILED", 1)
    (failed,) = status["failed_resources"]
    assert (failed["resource"], failed["phase"]) == (basket, "activate")
    assert failed["why"]
    assert failed["remedy"]

    client = sandbox.inside("ecs", WEST, SHOP)
    (service,) = client.describe_services(cluster="shop", services=["basket"])["services"]
    client.untag_resource(resourceArn=service["serviceArn"], tagKeys=["sim:tasks"])
    operator.run("failover", execution_id=name).ok()
    assert tasks(sandbox, WEST) == FULL
    assert names(sandbox) == pointing(WEST)
    status = operator.status(name)
    assert (status["status"], status["failed_resources"]) == ("COMPLETED", [])
