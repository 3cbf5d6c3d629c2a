# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wave health (FR-3.3): each adapter's own checks over one more look, and `dr:health-check-url` where a resource has one."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from .adapters import adapter as default_adapter
from .adapters.base import Adapter, Cloud
from .model import OPTIONAL, Check, Goal, Health
from .survey import survey
from .web import FAILURES, ask

#: NFR-1.1: a health check takes at most 30 s per resource; the URL gets a third of it.
URL_TIMEOUT_SECONDS = 10
POLL_SECONDS = 10.0
#: How long a wave may take to become healthy, unless told otherwise (FR-3.3).
TIMEOUT_SECONDS = 300


def probe(url: str, timeout_seconds: float = URL_TIMEOUT_SECONDS) -> Check:
    """GET on a health check URL: passes on a 2xx answer. Follows no redirect, opens only http and https, whatever a tag says."""
    try:
        status, _text = ask(url, timeout_seconds)
    except FAILURES as error:
        return Check("url", False, f"{url}: {error}")
    return Check("url", 200 <= status < 300, f"{url} answers {status}")


def look(
    cloud: Cloud, goals: Sequence[Goal], parallelism: int = 10, adapter: Callable[[str], Adapter] = default_adapter
) -> dict[str, Health]:
    """The health of every goal's target side now; pair key -> Health. What could not be observed is not healthy."""
    seen = survey(cloud, [goal.pair for goal in goals], parallelism, adapter)
    found: dict[str, Health] = {}
    for goal in goals:
        key, one = goal.pair.key, seen[goal.pair.key]
        if one.error:
            found[key] = Health((Check("observed", False, one.error),))
        else:
            found[key] = adapter(goal.pair.technology).health(one.seen, goal)
    urls = {goal.pair.key: goal.pair.health_check_url for goal in goals if goal.pair.health_check_url}
    with ThreadPoolExecutor(max_workers=max(1, parallelism)) as pool:
        for key, check in zip(urls, pool.map(probe, urls.values()), strict=True):
            health = found[key]
            required = health.required and (*health.required, check.name)
            found[key] = replace(health, checks=(*health.checks, check), required=required)
    return found


def wait_until_healthy(
    cloud: Cloud,
    goals: Sequence[Goal],
    timeout_seconds: float,
    *,
    parallelism: int = 10,
    adapter: Callable[[str], Adapter] = default_adapter,
    poll_seconds: float = POLL_SECONDS,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    renew: Callable[[], None] = lambda: None,
    took: Callable[[float], None] = lambda seconds: None,
) -> Mapping[str, Health]:
    """Looks again until nothing is UNHEALTHY or the time is over; gives the last look. `renew` keeps the lease meanwhile.

    Optional resources are not waited for. took: is told how long the first look took, which is the one at all resources.
    """
    started, optional = now(), optional_of(goals)
    found = look(cloud, goals, parallelism, adapter)
    took(now() - started)
    while worst(found, optional) == "UNHEALTHY" and now() - started < timeout_seconds:
        sleep(poll_seconds)
        renew()
        ill = [goal for goal in goals if found[goal.pair.key].status == "UNHEALTHY"]
        found.update(look(cloud, ill, parallelism, adapter))
    return found


def optional_of(goals: Sequence[Goal]) -> frozenset[str]:
    """Keys of the optional resources."""
    return frozenset(goal.pair.key for goal in goals if goal.pair.impact == OPTIONAL)


def failed_checks(healths: Mapping[str, Health]) -> dict[str, list[str]]:
    """Pair key -> what did not pass, of those that are not HEALTHY."""
    return {
        key: [f"{check.name}: {check.detail}" for check in health.checks if not check.passed]
        for key, health in healths.items()
        if health.status != "HEALTHY"
    }


def named(failed: Mapping[str, Sequence[str]], optional: Collection[str]) -> str:
    """The same for people, in one line."""
    return "; ".join(
        f"{key}{' (optional)' if key in optional else ''} {', '.join(details) or 'nothing was proven'}"
        for key, details in failed.items()
    )


def worst(healths: Mapping[str, Health], optional: Collection[str] = ()) -> str:
    """The wave's status: UNHEALTHY when one resource is, else DEGRADED when one is, else HEALTHY. An empty wave is HEALTHY.

    optional: keys of those that make a wave DEGRADED at most.
    """
    statuses = {
        "DEGRADED" if key in optional and health.status == "UNHEALTHY" else health.status for key, health in healths.items()
    }
    return next((status for status in ("UNHEALTHY", "DEGRADED") if status in statuses), "HEALTHY")
