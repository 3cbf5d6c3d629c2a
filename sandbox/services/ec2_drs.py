# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2 instances that Elastic Disaster Recovery knows: they take time to start, to stop and to pass their status checks.

Moto's instances change state at once. Only those that DRS replicates or has launched are slowed down; all others stay moto's.
"""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend

from sandbox.gateway import Ctx, after, op
from sandbox.model import AwsError

#: Simulated seconds in each state on the way, and from running until both status checks pass.
PENDING, STOPPING, SHUTTING_DOWN, INITIALIZING = 30, 45, 60, 120
_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}

Params = dict[str, Any]


def instances(ctx: Ctx, region: str | None = None) -> dict[str, Any]:
    """Moto's own instance objects of the account in a region, by id."""
    backend: Any = get_backend("ec2")[ctx.account][region or ctx.region]
    return {one.id: one for reservation in backend.reservations.values() for one in reservation.instances}


def state(instance: Any) -> str:
    """An instance's state as EC2 names it; "not_found" for none."""
    return str(instance._state.name) if instance is not None else "not_found"


def known(ctx: Ctx, region: str | None = None) -> dict[str, float]:
    """Instances that DRS knows in a region: id -> when it was last started (epoch seconds)."""
    held: dict[str, float] = ctx.at("ec2", region).setdefault("drs", {})
    return held


def left(ctx: Ctx, region: str | None = None) -> dict[str, float]:
    """When an instance was last told to stop or to end (epoch seconds)."""
    held: dict[str, float] = ctx.at("ec2", region).setdefault("drs_left", {})
    return held


def set_state(instance: Any, name: str) -> None:
    """Put moto's instance into a state."""
    instance._state.name, instance._state.code = name, _CODES[name]


def _move(ctx: Ctx, ident: str, passing: str, seconds: float, final: str) -> None:
    """Through `passing` to `final`, unless something else happens to the instance in between."""
    instance = instances(ctx)[ident]
    set_state(instance, passing)
    if final == "running":
        known(ctx)[ident] = ctx.clock.time() + seconds
    else:
        left(ctx)[ident] = ctx.clock.time()
        instance._reason = f"User initiated ({ctx.clock.now():%Y-%m-%d %H:%M:%S} GMT)"

    def arrive() -> None:
        if state(instance) == passing:
            set_state(instance, final)

    ctx.eventually(seconds, arrive)


def _guard(ctx: Ctx, ident: str, refused: tuple[str, ...], verb: str) -> None:
    found = state(instances(ctx).get(ident))
    if found in refused:
        text = f"The instance '{ident}' is not in a state from which it can be {verb}: {found}."
        raise AwsError("IncorrectInstanceState", text)


def _changed(ctx: Ctx, params: Params, out: Params, key: str, way: tuple[str, float, str]) -> Params:
    for change in out.get(key, ()):
        ident = change["InstanceId"]
        before = change["PreviousState"]["Name"]
        if ident in known(ctx) and before not in (*way[::2], "terminated"):
            _move(ctx, ident, *way)
            change["CurrentState"] = {"Name": way[0], "Code": _CODES[way[0]]}
        elif ident in known(ctx):
            set_state(instances(ctx)[ident], before)
            change["CurrentState"] = {"Name": before, "Code": _CODES[before]}
    return out


@op("ec2", "StartInstances")
def start_instances(ctx: Ctx, params: Params) -> Params:
    """Refuses an instance that is still stopping, as EC2 does."""
    for ident in params.get("InstanceIds", ()):
        _guard(ctx, ident, ("stopping", "shutting-down", "terminated"), "started")
    return _changed(ctx, params, ctx.moto(), "StartingInstances", ("pending", PENDING, "running"))


@op("ec2", "StopInstances")
def stop_instances(ctx: Ctx, params: Params) -> Params:
    """An instance that stops is `stopping` for a while."""
    for ident in params.get("InstanceIds", ()):
        _guard(ctx, ident, ("pending", "shutting-down", "terminated"), "stopped")
    return _changed(ctx, params, ctx.moto(), "StoppingInstances", ("stopping", STOPPING, "stopped"))


@op("ec2", "TerminateInstances")
def terminate_instances(ctx: Ctx, params: Params) -> Params:
    """An instance that ends is `shutting-down` for a while."""
    return _changed(ctx, params, ctx.moto(), "TerminatingInstances", ("shutting-down", SHUTTING_DOWN, "terminated"))


@after("ec2", "DescribeInstanceStatus")
def describe_instance_status(ctx: Ctx, params: Params, out: Params) -> None:
    """Status checks are `initializing` at first, and `impaired` where an estate says `impaired: true`."""
    ill = ctx.at("ec2").get("impaired", set())
    for one in out.get("InstanceStatuses", ()):
        started = known(ctx).get(one["InstanceId"])
        running = one["InstanceState"]["Name"] == "running"
        if started is None:
            continue
        status = "not-applicable"
        if running:
            status = "initializing" if ctx.clock.time() < started + INITIALIZING else "ok"
            status = "impaired" if status == "ok" and one["InstanceId"] in ill else status
        detail = {"ok": "passed", "impaired": "failed", "initializing": "initializing"}.get(status)
        for check in ("SystemStatus", "InstanceStatus"):
            one[check] = {"Status": status, "Details": [{"Name": "reachability", "Status": detail}] if detail else []}


@after("ec2", "ModifyInstanceAttribute")
def modify_instance_attribute(ctx: Ctx, params: Params, out: Params) -> None:
    """New security groups replace the primary interface's; moto would add them."""
    groups = params.get("Groups")
    if groups:
        instance = instances(ctx)[params["InstanceId"]]
        for card in instance.nics.values():
            if card.device_index == 0:
                card._group_set = list(instance.security_groups)
