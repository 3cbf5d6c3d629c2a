# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave health: what counts as proven, and how long it is waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils import health
from ansible_collections.dr.aws.plugins.module_utils.accounts import CallError, Failure
from ansible_collections.dr.aws.plugins.module_utils.model import Check, Goal, Health, Pair

GOOD, BAD, POOR = Check("tasks", True), Check("tasks", False), Check("scaling", False)


@pytest.fixture
def site() -> Iterator[Callable[[int], str]]:
    """`site(503)`: an address that answers with that status; every other path answers 200."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.path.rpartition("/")[2]
            self.send_response(int(wanted) if wanted.isdigit() else 200)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on the screen."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield lambda status: f"http://127.0.0.1:{server.server_address[1]}/{status}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(("status", "passed"), [(200, True), (204, True), (302, False), (404, False), (500, False), (503, False)])
def test_only_a_success_passes_and_no_redirect_is_followed(site: Callable[[int], str], status: int, passed: bool) -> None:
    check = health.probe(site(status))
    assert (check.name, check.passed) == ("url", passed)
    assert str(status) in check.detail


def test_what_does_not_answer_does_not_pass() -> None:
    check = health.probe("http://127.0.0.1:1/health", timeout_seconds=1)
    assert not check.passed
    assert "http://127.0.0.1:1/health" in check.detail


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/", "health", "", "http://", "http://host:port/"])
def test_only_web_addresses_are_opened(url: str) -> None:
    assert not health.probe(url).passed


@pytest.mark.parametrize(
    ("checks", "required", "status"),
    [
        ((GOOD,), (), "HEALTHY"),
        ((GOOD, BAD), (), "UNHEALTHY"),
        ((BAD, POOR), ("tasks",), "UNHEALTHY"),
        ((GOOD, POOR), ("tasks",), "DEGRADED"),
        ((GOOD,), ("tasks",), "HEALTHY"),
        ((), (), "UNHEALTHY"),
        ((), ("tasks",), "UNHEALTHY"),
    ],
)
def test_nothing_proven_is_not_healthy(checks: tuple[Check, ...], required: tuple[str, ...], status: str) -> None:
    assert Health(checks, required).status == status


@pytest.mark.parametrize(
    ("healths", "status"),
    [
        ({}, "HEALTHY"),
        ({"a": Health((GOOD,)), "b": Health((GOOD,))}, "HEALTHY"),
        ({"a": Health((GOOD,)), "b": Health((POOR,), ("tasks",))}, "DEGRADED"),
        ({"a": Health((POOR,), ("tasks",)), "b": Health(())}, "UNHEALTHY"),
    ],
)
def test_a_wave_is_as_healthy_as_its_worst(healths: dict[str, Health], status: str) -> None:
    assert health.worst(healths) == status


def test_an_optional_resource_degrades_its_wave_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    healths = {"a": Health((GOOD,)), "b": Health((BAD,))}
    assert health.worst(healths, {"b"}) == "DEGRADED"
    assert health.worst(healths, {"a"}) == "UNHEALTHY"
    optional, critical = goals("b", "a")
    optional = replace(optional, pair=replace(optional.pair, impact="optional"))
    assert health.optional_of([optional, critical]) == {"b"}
    asked = looking(monkeypatch, healths)
    assert health.wait_until_healthy(None, [optional, critical], 60)["b"].status == "UNHEALTHY"
    assert len(asked) == 1, "it is not waited for"


def goals(*keys: str, url: str | None = None) -> list[Goal]:
    return [Goal(Pair(key, "ecs", "1", "east", "west", f"apps/{key}", f"apps/{key}", health_check_url=url)) for key in keys]


def test_what_cannot_be_observed_is_not_healthy() -> None:
    class Denied:
        def read(self, *args: Any, **params: Any) -> Any:
            raise CallError(Failure("denied", "AccessDenied", "no"))

        pages = call = read

    found = health.look(Denied(), goals("a"))
    assert found["a"].status == "UNHEALTHY"
    assert "AccessDenied: no" in found["a"].checks[0].detail


def looking(monkeypatch: pytest.MonkeyPatch, *rounds: dict[str, Health]) -> list[list[str]]:
    """Each look gives the next round; the keys that were looked at, round by round."""
    asked: list[list[str]] = []

    def look(cloud: Any, what: Sequence[Goal], parallelism: int = 10, adapter: Any = None) -> dict[str, Health]:
        asked.append([goal.pair.key for goal in what])
        return {goal.pair.key: rounds[min(len(asked), len(rounds)) - 1][goal.pair.key] for goal in what}

    monkeypatch.setattr(health, "look", look)
    return asked


def test_only_what_is_not_healthy_is_looked_at_again_until_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    ill, well = Health((BAD,)), Health((GOOD,))
    asked = looking(monkeypatch, {"a": well, "b": ill, "c": ill}, {"b": well, "c": ill}, {"c": well})
    times = iter(range(100))
    renewed: list[int] = []
    found = health.wait_until_healthy(
        None, goals("a", "b", "c"), 60, now=lambda: next(times), sleep=lambda seconds: None, renew=lambda: renewed.append(1)
    )
    assert asked == [["a", "b", "c"], ["b", "c"], ["c"]]
    assert health.worst(found) == "HEALTHY"
    assert len(renewed) == 2, "the lease is kept while it waits"


def test_the_wait_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = looking(monkeypatch, {"a": Health((BAD,))})
    clock = [0.0]
    found = health.wait_until_healthy(
        None, goals("a"), 25, poll_seconds=10, now=lambda: clock[0], sleep=lambda seconds: clock.__setitem__(0, clock[0] + seconds)
    )
    assert (health.worst(found), len(asked), clock[0]) == ("UNHEALTHY", 4, 30)


def test_degraded_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = looking(monkeypatch, {"a": Health((POOR,), ("tasks",))})
    assert health.worst(health.wait_until_healthy(None, goals("a"), 60)) == "DEGRADED"
    assert len(asked) == 1
