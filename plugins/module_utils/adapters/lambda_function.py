# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lambda functions: the standby has the code, no concurrency and no event source switched on; activation gives it both.

Facts: the Lambda API reference, the Lambda developer guide (function states, reserved and provisioned concurrency,
aliases), and the ARC Region switch guide (Lambda event source mappings).

Reserved concurrency 0 throws asynchronous events away: sources go first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..model import UNREACHABLE, Active, Blocked, Call, Check, Done, Goal, Health, Pair, Step, Unreachable, Wait
from ..parts.lambda_state import EPOCH_TAG, OFF_TAG, Function, Seen, observed
from ..parts.lambda_twin import OFF, ON, Place, alias_on, silence, stand_by, switch_sources, unready
from .base import Adapter, Reader, dark

#: Old versions that `remove` leaves besides those an alias uses.
KEEP_VERSIONS = 3
#: Most characters of a tag's value.
TAG_LIMIT = 256


class LambdaFunction(Adapter):
    """Lambda functions; identifiers are their names.

    Settings (manifest or host variables; `regions.<region>.<name>` overrides `<name>` for what is made there):
    alias: the one that callers use, when there are several.
    code: {s3_bucket, s3_key, s3_object_version}: where a region's copy of a zip file is; image_uri for images.
    role, subnets, security_groups, kms_key_arn, layers: of a copy. replace: {old: new} strings of its configuration.
    event_sources: {key: ARN} where the other region's differs by more than the region (table streams). starting_position.
    reserved, provisioned: concurrency to restore, before anything captured.
    keep_versions (3): newest versions that cleanup with `remove` leaves.
    """

    technology = "lambda"
    bulk = 5
    capacities = ("reserved", "provisioned")
    busy = frozenset({"PreconditionFailedException", "ResourceConflictException", "ResourceInUseException"})
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 60, "activate": 90, "cleanup": 60, "replicate": 60}
    _copying: ClassVar[tuple[str, ...]] = (
        "lambda:AddPermission",
        "lambda:CreateAlias",
        "lambda:CreateEventSourceMapping",
        "lambda:CreateFunction",
        "lambda:PublishVersion",
        "lambda:PutFunctionConcurrency",
        "lambda:UpdateEventSourceMapping",
        "lambda:UpdateFunctionCode",
        "lambda:UpdateFunctionConfiguration",
    )
    _moving: ClassVar[tuple[str, ...]] = (
        "lambda:CreateAlias",
        "lambda:DeleteFunctionConcurrency",
        "lambda:InvokeFunction",
        "lambda:PutFunctionConcurrency",
        "lambda:PutProvisionedConcurrencyConfig",
        "lambda:TagResource",
        "lambda:UpdateAlias",
        "lambda:UpdateEventSourceMapping",
    )
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            "lambda:GetFunction",
            "lambda:GetPolicy",
            "lambda:ListAliases",
            "lambda:ListEventSourceMappings",
            "lambda:ListProvisionedConcurrencyConfigs",
            "lambda:ListVersionsByFunction",
        ),
        "instantiate": _copying,
        "activate": _moving,
        "cleanup": (
            "lambda:DeleteFunction",
            "lambda:DeleteProvisionedConcurrencyConfig",
            "lambda:PutFunctionConcurrency",
            "lambda:UpdateEventSourceMapping",
        ),
        "replicate": _copying,
        "rollback": _moving,
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        return observed(reader, pairs)

    def active(self, seen: Seen) -> Active:
        """By reserved concurrency; where both take invocations, the one that was activated last, BOTH when that cannot be told."""
        source, target = seen.source, seen.target
        if isinstance(target, Unreachable):
            return Active.UNKNOWN
        serving = target is not None and target.serving
        if isinstance(source, Unreachable):
            return Active.TARGET if target and serving and target.epoch else Active.UNKNOWN
        if source is None or not source.serving:
            return Active.TARGET if serving else Active.NEITHER
        if target is None or not serving:
            return Active.SOURCE
        if source.epoch == target.epoch:
            return Active.BOTH
        return Active.TARGET if target.epoch > source.epoch else Active.SOURCE

    def instantiate(self, seen: Seen, goal: Goal) -> Step:
        """The target has the source's live code as a version, takes no invocations, and polls nothing."""
        pair = goal.pair
        match seen.source, seen.target:
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case _, Function() as target if self.active(seen) is Active.TARGET:
                return Done({"function_arn": target.arn, "role": "active"})
            case Unreachable(), _ if goal.planned:
                return dark(goal, pair.source_region)
            case _, Function(reserved=reserved) as target if target.serving:
                why = f"{pair.target_id} in {pair.target_region} is no standby: its reserved concurrency is {reserved}"
                return Blocked(why, "set it to 0, or activate it")
        standby = Place(pair.target_id, pair.target_region, seen.target)
        return stand_by(seen, pair, standby, Place(pair.source_id, pair.source_region, seen.source))

    def activate(self, seen: Seen, goal: Goal) -> Step:
        """Mark, source's event sources off, alias, concurrency, provisioned concurrency, event sources on: in this order."""
        pair = goal.pair
        match seen.source, seen.target:
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case _, None:
                why = f"there is no function {pair.target_id} in {pair.target_region} to activate"
                return Blocked(why, "run phase instantiate while the source answers, or deploy it, then resume this execution")
            case Unreachable(), _ if goal.planned:
                return dark(goal, pair.source_region)
        to = Place(pair.target_id, pair.target_region, seen.target)
        return _take_over(seen, goal, to, Place(pair.source_id, pair.source_region, seen.source), move_alias=True)

    def cleanup(self, seen: Seen, goal: Goal) -> Step:
        """The source polls nothing and takes no invocations; `remove` also deletes old versions that no alias uses."""
        pair = goal.pair
        match seen.source, seen.target:
            case Unreachable(), _:
                return dark(goal, pair.source_region)
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case None, _:
                return Done({"source": "absent"})
        if self.active(seen) is not Active.TARGET:
            return _not_serving(pair, self.active(seen))
        if not isinstance(seen.source, Function):
            raise AssertionError("seen.source is no Function")
        place = Place(pair.source_id, pair.source_region, seen.source)
        if step := switch_sources(place, on=False, why="production runs in the other region") or silence(place):
            return step
        if seen.source.provisioned:
            params = {"FunctionName": place.name, "Qualifier": seen.source.provisioned[0].qualifier}
            why = "end its provisioned concurrency, which is paid for"
            return Call("lambda", "delete_provisioned_concurrency_config", place.region, params, why)
        outputs = {"function_arn": seen.source.arn, "reserved_concurrency": 0}
        if goal.cleanup_policy != "remove":
            return Done(outputs)
        return _remove_version(place, int(pair.settings.get("keep_versions", KEEP_VERSIONS))) or Done(
            {**outputs, "versions": [version.number for version in seen.source.versions]}
        )

    def replicate(self, seen: Seen, goal: Goal) -> Step:
        """The source stands by for the target, of the code that runs there."""
        pair = goal.pair
        match seen.source, seen.target:
            case Unreachable(), _:
                return dark(goal, pair.source_region)
            case _, Unreachable():
                return dark(goal, pair.target_region)
        if self.active(seen) is not Active.TARGET:
            return _not_serving(pair, self.active(seen))
        if isinstance(seen.source, Function) and seen.source.serving:
            return Blocked(f"{pair.source_id} in {pair.source_region} still takes invocations", "run phase cleanup first")
        standby = Place(pair.source_id, pair.source_region, seen.source)
        return stand_by(seen, pair, standby, Place(pair.target_id, pair.target_region, seen.target))

    def rollback(self, seen: Seen, goal: Goal) -> Step:
        """The target's event sources off, the source takes over as it was, then the target takes nothing: no data is kept here."""
        pair = goal.pair
        match seen.source, seen.target:
            case Unreachable(), _:
                return Blocked(
                    f"{pair.source_region} does not answer: nothing could take over", "wait until it answers, then roll back"
                )
            case _, Unreachable():
                return Blocked(
                    f"{pair.target_region} does not answer: it cannot be fenced", "wait until it answers, then roll back"
                )
            case None, _:
                return Blocked(f"{pair.source_id} is gone from {pair.source_region}", "deploy it there, then roll back")
        to, away = Place(pair.source_id, pair.source_region, seen.source), Place(pair.target_id, pair.target_region, seen.target)
        step = _take_over(seen, goal, to, away, move_alias=False)
        return (silence(away) or step) if isinstance(step, Done) else step

    def health(self, seen: Seen, goal: Goal) -> Health:
        target, source = seen.target, seen.source
        if not isinstance(target, Function):
            return Health((Check("function", False, "the region does not answer" if target is UNREACHABLE else "there is none"),))
        wanted = source.live_sha(seen.alias) if isinstance(source, Function) else goal.captured.get("code_sha256")
        off = target.tags.get(OFF_TAG, "").split()
        idle = [one.key for one in target.sources if one.state != ON and one.key not in off]
        failed = [one.reason for one in target.provisioned if one.status == "FAILED"]
        return Health(
            (
                Check("function", target.state == "Active" and target.update != "Failed", target.state_reason or target.state),
                Check("concurrency", target.reserved != 0, f"reserved {target.reserved}"),
                Check("sources", not idle, ", ".join(idle)),
                Check("provisioned", not failed, ", ".join(failed)),
                Check("code", wanted in (None, target.live_sha(seen.alias)), "not the code that ran in the other region"),
            ),
            required=("function", "concurrency"),
        )

    def capture(self, seen: Seen, pair: Pair) -> Mapping[str, Any]:
        """Concurrency, live code, and the event sources that are off, of a source that serves; {} for one at 0."""
        source = seen.source
        if not isinstance(source, Function) or not source.serving:
            return {}
        return {
            "reserved": source.reserved,
            "provisioned": _provisioned(source, seen.alias),
            "memory_mib": source.config.get("MemorySize"),
            "architecture": source.architectures[0],
            "alias": seen.alias,
            "code_sha256": source.live_sha(seen.alias),
            "sources_off": sorted(one.key for one in source.sources if one.state == OFF),
            "epoch": source.epoch,
        }

    def receipt(self, call: Call, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """What was uploaded: a wrong artefact must be told from one that is not there yet."""
        if call.operation in ("create_function", "update_function_code"):
            return {"uploaded_sha256": answer["CodeSha256"]}
        return {}


def _take_over(seen: Seen, goal: Goal, to: Place, away: Place, *, move_alias: bool) -> Step:
    """`to` takes the work of `away`: its event sources first off there, then on here."""
    function, pair = to.side, goal.pair
    if not isinstance(function, Function):
        raise AssertionError("function is no Function")
    if seen.aliases:
        return Blocked(f"{to.name} has several aliases: {', '.join(seen.aliases)}", "set the setting `alias`")
    if step := unready(to):
        return step
    other = away.side if isinstance(away.side, Function) else None
    lost = isinstance(away.side, Unreachable)
    known = other.epoch if other else int(goal.captured.get("epoch", 0)) if lost else 0
    if function.epoch <= known and not (lost and function.serving and function.epoch):
        if function.serving and not lost and not (other and other.serving):
            return Done(_outputs(seen, goal, to, other))  # it was switched by other means: nothing is to be done
        return _mark(goal, to, other, known)
    if other and (step := switch_sources(away, on=False, why=f"{to.region} takes over", drain=goal.planned)):
        return step
    sha = other.live_sha(seen.alias) if other else str(goal.captured.get("code_sha256", ""))
    name = seen.alias or str(goal.captured.get("alias", ""))
    if move_alias and name and (step := _alias_step(to, goal, name, sha)):
        return step
    if not name and move_alias and goal.planned and sha not in ("", function.sha):
        return Blocked(f"{to.name} in {to.region} has other code than runs in {away.region}", "run phase instantiate first")
    if function.reserved == 0:
        debt = f"switch off the event sources of {away.name} in {away.region}: it may still poll" if lost else ""
        return _lift(pair, goal, to, other, debt)
    if function.state == "Inactive":
        where = {"Qualifier": name} if name and function.alias(name) else {}
        params = {"FunctionName": to.name, **where, "InvocationType": "RequestResponse", "Payload": "{}"}
        why = "wake it: the first invocation of an inactive function fails, and sets it up again"
        return Call("lambda", "invoke", to.region, params, why)
    if step := _provision(pair, goal, to, other, name):
        return step
    off = function.tags.get(OFF_TAG, "").split()
    return switch_sources(to, on=True, why="it serves", off=off) or Done(_outputs(seen, goal, to, other))


def _mark(goal: Goal, to: Place, other: Function | None, known: int) -> Step:
    """Notes on the function that it is activated, and which event sources production had switched off."""
    function = to.side
    if not isinstance(function, Function):
        raise AssertionError("function is no Function")
    keys = [one.key for one in other.sources if one.state == OFF] if other else goal.captured.get("sources_off", ())
    if other and not other.serving:
        keys = goal.captured.get("sources_off", ())  # a source at zero has all of them off
    noted = " ".join(sorted(keys))
    if len(noted) > TAG_LIMIT:
        return Blocked(f"{to.name} has too many event sources that are switched off to note them", "delete those that are not used")
    tags = {EPOCH_TAG: str(known + 1), OFF_TAG: noted}
    params = {"Resource": function.arn, "Tags": tags}
    return Call("lambda", "tag_resource", to.region, params, "mark it as the side activated last")


def _alias_step(to: Place, goal: Goal, name: str, sha: str) -> Step | None:
    """The alias on the version with the code that ran; in a disaster an older version is better than none."""
    function = to.side
    if not isinstance(function, Function):
        raise AssertionError("function is no Function")
    alias = function.alias(name)
    version = next((one for one in reversed(function.versions) if one.sha == sha), None)
    if version is None and (goal.planned or alias is None):
        why = f"no version of {to.name} in {to.region} has the code that runs in the other region"
        return Blocked(why, "run phase instantiate first, then resume this execution")
    if version is None:
        return None
    if version.state == "Pending":
        return Wait(f"version {version.number} of {to.name} is Pending", 5, 1800)
    if alias is None or alias.weights or alias.version != str(version.number):
        now = function.version(alias.version) if alias else None
        if alias and not alias.weights and now and now.sha == sha:
            return None
        return alias_on(to, name, alias, version)
    return None


def _lift(pair: Pair, goal: Goal, to: Place, other: Function | None, debt: str) -> Call:
    """What production had: a setting, what was captured, the other side's; never a 0."""
    wanted = pair.settings.get("reserved") or goal.captured.get("reserved") or (other.reserved if other else None)
    name = {"FunctionName": to.name}
    if wanted:
        params = {**name, "ReservedConcurrentExecutions": int(wanted)}
        return Call("lambda", "put_function_concurrency", to.region, params, f"reserved concurrency {wanted}", debt=debt)
    return Call("lambda", "delete_function_concurrency", to.region, name, "let it share the account's concurrency", debt=debt)


def _provisioned(function: Function, alias: str) -> int:
    return next((one.requested for one in function.provisioned if one.qualifier == alias), 0)


def _provision(pair: Pair, goal: Goal, to: Place, other: Function | None, alias: str) -> Step | None:
    function = to.side
    if not isinstance(function, Function):
        raise AssertionError("function is no Function")
    wanted = pair.settings.get("provisioned") or goal.captured.get("provisioned") or (_provisioned(other, alias) if other else 0)
    now = next((one for one in function.provisioned if one.qualifier == alias), None)
    if not alias or (now is None and not wanted):
        return None
    if now is None:
        params = {"FunctionName": to.name, "Qualifier": alias, "ProvisionedConcurrentExecutions": int(wanted)}
        return Call("lambda", "put_provisioned_concurrency_config", to.region, params, f"provisioned concurrency {wanted}")
    if now.status == "FAILED":
        return Blocked(
            f"provisioned concurrency of {to.name}:{alias} failed: {now.reason}", "raise the quota or lower it, then resume"
        )
    return Wait(f"provisioned concurrency of {to.name}:{alias} is {now.status}", 5, 900) if now.status != "READY" else None


def _remove_version(place: Place, keep: int) -> Step | None:
    """The oldest version that no alias uses, neither as its version nor by weight, beyond the newest `keep`."""
    function = place.side
    if not isinstance(function, Function):
        raise AssertionError("function is no Function")
    used = {name for alias in function.aliases for name in (alias.version, *alias.weights)}
    old = function.versions[: max(0, len(function.versions) - keep)]
    for version in old:
        if str(version.number) not in used:
            # Without a qualifier this call deletes the whole function: Version.number is an int by construction.
            params = {"FunctionName": place.name, "Qualifier": str(version.number)}
            return Call("lambda", "delete_function", place.region, params, f"delete old version {version.number}", one_way=True)
    return None


def _outputs(seen: Seen, goal: Goal, to: Place, other: Function | None) -> Mapping[str, Any]:
    function = to.side
    if not isinstance(function, Function):
        raise AssertionError("function is no Function")
    sha = other.live_sha(seen.alias) if other else goal.captured.get("code_sha256")
    alias = function.alias(seen.alias)
    return {
        "function_arn": function.arn,
        "alias": seen.alias or None,
        "version": alias.version if alias else None,
        "code_sha256": function.live_sha(seen.alias),
        "code_matches": None if not sha else function.live_sha(seen.alias) == sha,
        "reserved_concurrency": function.reserved,
        "event_sources": {one.key: one.state for one in function.sources},
    }


def _not_serving(pair: Pair, side: Active) -> Blocked:
    why = f"{pair.target_id} in {pair.target_region} is not proven to serve: {side.value}"
    return Blocked(why, f"activate it first; nothing was changed in {pair.source_region}")
