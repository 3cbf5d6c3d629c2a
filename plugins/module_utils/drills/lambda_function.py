# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drill of a Lambda function: a function of its own with the code that ACTIVATE would let serve, which nothing invokes.

Concurrency belongs to a function and not to its versions: a standby at 0 cannot be tried without letting all of it go. So
another function is made. Facts: the Lambda API reference and developer guide (function states, execution role).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from ..adapters.base import Reader, dark
from ..model import UNREACHABLE, Blocked, Call, Done, Goal, Pair, Step, Unreachable, Wait
from ..parts.lambda_state import ABSENT, Function, Version, function, option
from ..parts.lambda_twin import stored
from . import room
from .base import AGAIN, Drill, Touch, carries, drill_id, name, role, stranger, tags

#: Of the standby's configuration: what it needs to run as it is. Everything else leads to production, or is another one here.
KEPT: Final = ("EphemeralStorage", "Handler", "ImageConfig", "Layers", "MemorySize", "Runtime", "Timeout", "TracingConfig")
#: Members that the copy has of its own.
OWN: Final = ("Description", "LoggingConfig", "Role", "VpcConfig")
#: A copy is tried by hand: it needs no more, and takes no more from the account.
CONCURRENCY: Final = 1
CREATE_SECONDS: Final = 1800


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything in the target region. origin: the standby; vpcs: where its network is."""

    room: room.Seen
    origin: Function | Unreachable | None
    vpcs: tuple[str, ...]
    copy: Function | Unreachable | None


class LambdaFunctionDrill(Drill):
    """Copies of functions.

    Settings (`drill.<name>`): function_role, an ARN; code ({s3_bucket, s3_key, s3_object_version}), before `regions.<region>.code`;
    environment, the copy's variables.
    """

    technology = "lambda"
    busy = frozenset({"ResourceConflictException"})
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 90, "activate": 5, "cleanup": 10}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (*room.ACTIONS, "lambda:GetFunction", "lambda:ListAliases", "lambda:ListVersionsByFunction"),
        "instantiate": ("lambda:CreateFunction", "lambda:PutFunctionConcurrency"),
        "activate": (),
        "cleanup": ("lambda:DeleteFunction",),
    }
    touches: ClassVar[Mapping[tuple[str, str], Touch]] = {
        ("lambda", "create_function"): Touch(("FunctionName",), "Tags"),
        ("lambda", "put_function_concurrency"): Touch(("FunctionName",)),
        ("lambda", "delete_function"): Touch(("FunctionName",)),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        account, region = pairs[0].account, pairs[0].target_region
        here = room.observe(reader, account, region)

        def seen(pair: Pair) -> Seen:
            origin = _standby(reader, account, region, pair.target_id)
            raw = reader.read(account, region, "lambda", "get_function", absent=ABSENT, FunctionName=_name(pair))
            copy = function(raw) if isinstance(raw, dict) else raw
            configs = [origin.config, *(one.config for one in origin.versions)] if isinstance(origin, Function) else []
            subnets = {one for config in configs for one in config.get("VpcConfig", {}).get("SubnetIds", ())}
            vpcs = room.vpcs_of(reader, account, region, subnets)
            if isinstance(vpcs, Unreachable):
                return Seen(here, UNREACHABLE, (), copy)
            return Seen(here, origin, tuple(sorted(set(vpcs.values()))), copy)

        return {pair.key: seen(pair) for pair in pairs}

    def own(self, seen: Seen, goal: Goal) -> Collection[str]:
        return {_name(goal.pair)}

    def make(self, seen: Seen, goal: Goal) -> Step:
        """The copy is created, and may run once at a time."""
        pair, region, origin, copy = goal.pair, goal.pair.target_region, seen.origin, seen.copy
        if isinstance(origin, Unreachable) or isinstance(copy, Unreachable):
            return dark(goal, region)
        if copy:
            params = {"FunctionName": _name(pair), "ReservedConcurrentExecutions": CONCURRENCY}
            why = "let it run once at a time"
            limit = Call("lambda", "put_function_concurrency", region, params, why) if copy.reserved != CONCURRENCY else None
            return _unready(copy, origin, goal) or limit or Done(_outputs(copy, origin, goal))
        if origin is None:
            return Blocked(f"there is no standby {pair.target_id} in {region} to copy", "run phase instantiate of a failover first")
        if refused := room.refused(seen.room, goal, seen.vpcs):
            return refused
        if origin.moving:
            return Wait(f"{pair.target_id} in {region} is {origin.state}, its update {origin.update}", poll_seconds=5)
        return _create(seen.room, origin, goal)

    def serve(self, seen: Seen, goal: Goal) -> Step:
        """The copy is Active, with the standby's code. Nothing invokes it."""
        match seen.origin, seen.copy:
            case (Unreachable(), _) | (_, Unreachable()):
                return dark(goal, goal.pair.target_region)
            case _, None:
                return Blocked(f"there is no copy {_name(goal.pair)}", "run phase instantiate of this drill first")
            case origin, copy if copy.reserved != CONCURRENCY:
                why = f"the copy {_name(goal.pair)} has reserved concurrency {copy.reserved}, not {CONCURRENCY}"
                return _unready(copy, origin, goal) or Blocked(why, "run phase instantiate of this drill first")
            case origin, copy:
                return _unready(copy, origin, goal) or Done(_outputs(copy, origin, goal))

    def remove(self, seen: Seen, goal: Goal) -> Step:
        """The copy is deleted, with everything that AWS keeps of it; a log group that it wrote to stays."""
        region, copy = goal.pair.target_region, seen.copy
        match copy:
            case Unreachable():
                return dark(goal, region)
            case None:
                return Done({"copy": "removed"})
            case _ if not carries(copy.tags, goal.pair):
                return stranger(_name(goal.pair), region)
            case _ if copy.moving:
                return _moving(copy, goal)
        return Call("lambda", "delete_function", region, {"FunctionName": _name(goal.pair)}, "delete the copy")


def _name(pair: Pair) -> str:
    return name(pair, 64)


def _standby(reader: Reader, account: str, region: str, ident: str) -> Function | Unreachable | None:
    """The standby with its aliases and versions."""
    raw = reader.read(account, region, "lambda", "get_function", absent=ABSENT, FunctionName=ident)
    if not isinstance(raw, dict):
        return raw

    def pages(operation: str, key: str) -> list[dict[str, Any]] | Unreachable | None:
        return reader.pages(account, region, "lambda", operation, key, absent=ABSENT, FunctionName=ident)

    aliases, versions = pages("list_aliases", "Aliases"), pages("list_versions_by_function", "Versions")
    if isinstance(aliases, Unreachable) or isinstance(versions, Unreachable):
        return UNREACHABLE
    return function(raw, aliases or (), versions or ())


def _wanted(origin: Function, goal: Goal) -> Version:
    """What ACTIVATE would let serve: the newest version with the code that was captured, else the alias's, else $LATEST (0)."""
    found = [one for one in origin.versions if one.sha == goal.captured.get("code_sha256")]
    names = {one.name for one in origin.aliases}
    given = goal.pair.settings.get("alias") or goal.captured.get("alias") or (min(names) if len(names) == 1 else "")
    alias = origin.alias(str(given))
    aliased = origin.version(alias.version) if alias else None
    return found[-1] if found else aliased or Version(0, origin.sha, origin.config)


def _code(origin: Function, wanted: Version, pair: Pair) -> dict[str, Any]:
    """Where that code is in the region, {} when that is not known. What was made of it is proven by its hash."""
    if origin.package == "Image":
        repository = str(origin.code.get("ImageUri", "")).partition("@")[0]
        return dict(origin.code) if wanted.sha == origin.sha else {"ImageUri": f"{repository}@sha256:{wanted.sha}"}
    referenced = dict(origin.code) if wanted.sha == origin.sha else {}
    given = stored(pair.settings.get("drill", {}).get("code", {}))
    return given or referenced or stored(option(pair, pair.target_region, "code", {}))


def _create(here: room.Seen, origin: Function, goal: Goal) -> Step:
    pair, region, wanted = goal.pair, goal.pair.target_region, _wanted(origin, goal)
    executes = role(pair, "function_role")
    if executes == origin.config.get("Role") or executes == wanted.config.get("Role"):
        why = f"drill.function_role is the role of {pair.target_id} itself: a copy may not act as production"
        return Blocked(why, "set another role")
    code = _code(origin, wanted, pair)
    if not code:
        why = f"where the code of {pair.target_id} is in {region} is not known: AWS gives a zip file for download only"
        return Blocked(why, f"set drill.code or regions.{region}.code to its {{s3_bucket, s3_key}} there")
    params: dict[str, Any] = {
        "FunctionName": _name(pair),
        "Description": f"copy of {pair.target_id} for drill {drill_id(pair)}"[:256],
        "PackageType": origin.package,
        "Architectures": list(origin.architectures),
        "Code": code,
        "Role": executes,
        "Publish": False,
        "Tags": tags(pair),
        **{member: wanted.config[member] for member in KEPT if member in wanted.config},
    }
    if wanted.config.get("VpcConfig") and isinstance(here, room.Room):
        params["VpcConfig"] = {"SubnetIds": list(here.subnets), "SecurityGroupIds": list(here.groups)}
    if variables := pair.settings.get("drill", {}).get("environment"):
        params["Environment"] = {"Variables": {key: str(value) for key, value in variables.items()}}
    return Call("lambda", "create_function", region, params, "make a copy that nothing invokes")


def _unready(copy: Function, origin: Function | None, goal: Goal) -> Step | None:
    """Why the copy does not stand as it should; None when it does."""
    ident, region = _name(goal.pair), goal.pair.target_region
    if not carries(copy.tags, goal.pair):
        return stranger(ident, region)
    if copy.moving:
        return _moving(copy, goal)
    if copy.state != "Active" or copy.update == "Failed":
        return Blocked(f"the copy {ident} in {region} is {copy.state}: {copy.state_reason or copy.update_reason}", AGAIN)
    wanted = _wanted(origin, goal) if origin else None
    if wanted and copy.sha != wanted.sha:
        why = f"the copy {ident} has other code (CodeSha256 {copy.sha}) than {goal.pair.target_id} in {region} ({wanted.sha})"
        return Blocked(why, f"give drill.code the place of that code in {region}, then {AGAIN}")
    return None


def _moving(copy: Function, goal: Goal) -> Wait:
    why = f"the copy {_name(goal.pair)} in {goal.pair.target_region} is {copy.state}, its update {copy.update}"
    return Wait(why, poll_seconds=5, timeout_seconds=CREATE_SECONDS)


def _outputs(copy: Function, origin: Function | None, goal: Goal) -> Mapping[str, Any]:
    """code_matches: whether it is the code that ran in the source region, None when that was not captured."""
    captured, wanted = goal.captured.get("code_sha256"), _wanted(origin, goal) if origin else None
    left = {} if wanted is None else set(wanted.config) - {*KEPT, *OWN, *copy.config}
    return {
        "copy": _name(goal.pair),
        "copy_arn": copy.arn,
        "code_sha256": copy.sha,
        "code_matches": captured == copy.sha if captured else None,
        "version": wanted.number if wanted else None,
        "left_out": sorted(left),
    }
