# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters and the tasks that run in them, read for a whole cluster at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..adapters.base import Reader
from ..model import UNREACHABLE, Unreachable

#: DescribeTasks takes this many tasks a call.
DESCRIBE_TASKS_LIMIT: Final = 100
_NO_CLUSTER: Final = ("ClusterNotFoundException",)


@dataclass(frozen=True, slots=True)
class Cluster:
    """An ACTIVE cluster. providers: its capacity providers."""

    name: str
    providers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A task. status: where it is (lastStatus); stopping: it is to be stopped.

    health: HEALTHY, UNHEALTHY, or UNKNOWN, also where nothing tells. ended: why it stopped, with exit codes. address: private.
    images: container -> digest of what was pulled.
    """

    arn: str
    status: str
    started_by: str = ""
    stopping: bool = False
    health: str = "UNKNOWN"
    ended: str = ""
    address: str = ""
    task_definition: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def cluster_of(reader: Reader, account: str, region: str, name: str) -> Cluster | Unreachable | None:
    """A cluster by its name; None also for one that is INACTIVE."""
    found = reader.read(account, region, "ecs", "describe_clusters", clusters=[name])
    if isinstance(found, Unreachable):
        return found
    active = (one for one in (found or {}).get("clusters", ()) if one["status"] == "ACTIVE")
    return next((Cluster(one["clusterName"], tuple(one.get("capacityProviders", ()))) for one in active), None)


def tasks_of(reader: Reader, account: str, region: str, cluster: str) -> tuple[Task, ...] | Unreachable:
    """The tasks of a cluster, those that are to run first; also what stopped within the last hour.

    ListTasks takes `startedBy` as its only filter, and shows stopped tasks only when it is asked for them: both are listed whole.
    """
    found: list[Task] = []
    for status in ("RUNNING", "STOPPED"):
        listed: list[Any] | Unreachable | None = reader.pages(
            account, region, "ecs", "list_tasks", "taskArns", absent=_NO_CLUSTER, cluster=cluster, desiredStatus=status
        )
        if isinstance(listed, Unreachable):
            return listed
        arns = listed or []
        for start in range(0, len(arns), DESCRIBE_TASKS_LIMIT):
            chunk = arns[start : start + DESCRIBE_TASKS_LIMIT]
            shown = reader.read(account, region, "ecs", "describe_tasks", cluster=cluster, tasks=chunk, include=["TAGS"])
            if not isinstance(shown, dict):
                return UNREACHABLE
            found += [task(one) for one in shown["tasks"]]
    return tuple(found)


def task(raw: Mapping[str, Any]) -> Task:
    """A task of DescribeTasks."""
    containers = raw.get("containers", ())
    codes = [f"{one['name']} exited with {one['exitCode']}" for one in containers if "exitCode" in one]
    reasons = [f"{one['name']}: {one['reason']}" for one in containers if one.get("reason")]
    details = {one["name"]: one.get("value", "") for part in raw.get("attachments", ()) for one in part.get("details", ())}
    return Task(
        raw["taskArn"],
        raw["lastStatus"],
        raw.get("startedBy", ""),
        raw.get("desiredStatus") == "STOPPED",
        raw.get("healthStatus", "UNKNOWN"),
        "; ".join([raw.get("stoppedReason") or raw.get("stopCode") or "no reason given", *codes, *reasons]),
        details.get("privateIPv4Address", ""),
        raw.get("taskDefinitionArn", ""),
        {one["name"]: one["imageDigest"] for one in containers if one.get("imageDigest")},
        {one["key"]: one.get("value", "") for one in raw.get("tags", ())},
    )
