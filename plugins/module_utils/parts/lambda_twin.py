# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Towards a standby function: pure steps that give one side the other's code, at concurrency 0, with nothing switched on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..model import Blocked, Call, Done, Pair, Step, Wait
from .lambda_state import COPIED_TAG, EPOCH_TAG, OFF_TAG, Alias, Function, Seen, Side, Source, Version, option
from .rewrite import kept, rewritten

ON, OFF = "Enabled", "Disabled"


@dataclass(frozen=True, slots=True)
class Place:
    """One side of a pair: the function's name, where, what stands there."""

    name: str
    region: str
    side: Side


def unready(place: Place) -> Step | None:
    """Why nothing can be done to a function now, if so."""
    function = place.side
    if not isinstance(function, Function):
        raise AssertionError("function is no Function")
    if function.moving:
        return Wait(f"{place.name} in {place.region} is {function.state}, its update {function.update}", 5, 1800)
    if function.state == "Failed" or function.update == "Failed":
        why = f"{place.name} in {place.region} failed: {function.state_reason or function.update_reason}"
        return Blocked(why, f"repair it\naws lambda get-function --function-name {place.name} --region {place.region}")
    return None


def silence(place: Place, *, force: bool = False) -> Step | None:
    """Reserved concurrency 0. force: also for a copy that was never activated."""
    function = place.side
    if not isinstance(function, Function) or function.reserved == 0 or not (force or function.serving):
        return None
    params = {"FunctionName": place.name, "ReservedConcurrentExecutions": 0}
    return Call("lambda", "put_function_concurrency", place.region, params, "take no invocations")


def switch_sources(place: Place, *, on: bool, why: str, off: Sequence[str] = (), drain: bool = False) -> Step | None:
    """The next event source to switch on or off; a Wait while one is on its way. off: those that stay off.

    drain: what was already taken may be worked on for as long as the function's timeout.
    """
    function = place.side
    if not isinstance(function, Function):
        raise AssertionError("function is no Function")
    wanted, start = (ON, OFF) if on else (OFF, ON)
    concerned = [one for one in function.sources if not (on and one.key in off)]
    standing = [one for one in concerned if one.state == start]
    if standing:  # only after the last one is there anything to wait for
        hold = int(function.config.get("Timeout", 3)) if drain and len(standing) == 1 else 0
        return _switch(place, standing[0], on, why, hold)
    moving = [f"{one.key} is {one.state}" for one in concerned if one.state != wanted]
    return Wait(f"{place.name} in {place.region}: {', '.join(moving)}", 5, 600) if moving else None


def _switch(place: Place, source: Source, on: bool, why: str, hold: int) -> Call:
    params = {"UUID": source.uuid, "Enabled": on}
    text = f"switch {source.key} {'on' if on else 'off'}: {why}"
    return Call("lambda", "update_event_source_mapping", place.region, params, text, hold_seconds=hold)


def alias_on(place: Place, name: str, alias: Alias | None, version: Version) -> Call:
    """One atomic call; the empty weights end a split of the traffic that would survive otherwise."""
    params: dict[str, Any] = {"FunctionName": place.name, "Name": name, "FunctionVersion": str(version.number)}
    if alias is None:
        return Call("lambda", "create_alias", place.region, params, f"alias {name} on version {version.number}")
    params |= {"RoutingConfig": {"AdditionalVersionWeights": {}}, "RevisionId": alias.revision}
    return Call("lambda", "update_alias", place.region, params, f"alias {name} on version {version.number}")


def stand_by(seen: Seen, pair: Pair, standby: Place, model: Place) -> Step:
    """`standby` has the live code of `model` as a version, reserved concurrency 0, and its event sources off."""
    function, live = standby.side, model.side
    if seen.aliases:
        return Blocked(f"{model.name} has several aliases: {', '.join(seen.aliases)}", "set the setting `alias`")
    if function is None:
        if not isinstance(live, Function):
            why = f"there is no {standby.name} in {standby.region}, and {model.region} has none to copy"
            return Blocked(why, f"deploy it in {standby.region}")
        return _create(seen, pair, standby, model, live)
    if not isinstance(function, Function):
        raise AssertionError("function is no Function")
    if step := unready(standby) or silence(standby, force=True) or switch_sources(standby, on=False, why="it stands by"):
        return step
    if not isinstance(live, Function):
        return Done({"function_arn": function.arn, "role": "standby", "code_matches": None})
    step = _update(seen, pair, standby, model, live)
    return step or Done(
        {
            "function_arn": function.arn,
            "role": "standby",
            "code_sha256": live.live_sha(seen.alias),
            "version": next((one.number for one in reversed(function.versions) if one.sha == live.live_sha(seen.alias)), None),
            "reserved_concurrency": 0,
        }
    )


def _create(seen: Seen, pair: Pair, standby: Place, model: Place, live: Function) -> Step:
    wanted, missing = _wanted(seen, pair, standby, model, live)
    code = _artefact(pair, standby, model, live)
    if missing or not code:
        what = missing or "code"
        why = f"{standby.name} cannot be made in {standby.region}: its {what} there is not known"
        return Blocked(why, f"set regions.{standby.region}.{what}, or deploy the function there")
    kept_tags = {key: value for key, value in live.tags.items() if key not in (EPOCH_TAG, OFF_TAG, COPIED_TAG)}
    params = {
        "FunctionName": standby.name,
        "PackageType": live.package,
        "Architectures": list(live.architectures),
        "Code": code,
        "Publish": False,
        "Tags": {**kept_tags, COPIED_TAG: model.region},
        **wanted,
    }
    return Call("lambda", "create_function", standby.region, params, f"copy the function to {standby.region}")


def _update(seen: Seen, pair: Pair, standby: Place, model: Place, live: Function) -> Step | None:
    """The next step towards the same code, and for a copy of ours towards the same everything; None when there is none."""
    function, sha = standby.side, live.live_sha(seen.alias)
    if not isinstance(function, Function):
        raise AssertionError("function is no Function")
    name = {"FunctionName": standby.name}
    found = [one for one in function.versions if one.sha == sha]
    if not found and function.sha != sha:
        return _upload(seen, pair, standby, model, live)
    if function.copied:
        wanted, _missing = _wanted(seen, pair, standby, model, live)
        if kept(wanted) != kept(function.config):
            cleared: dict[str, Any] = {
                one: {} for one in ("Environment", "ImageConfig") if one in function.config and one not in wanted
            }
            why = "copy the configuration"
            return Call("lambda", "update_function_configuration", standby.region, {**name, **cleared, **wanted}, why)
    if function.sha == sha and (not found or (function.copied and found[-1].config != function.config)):
        params = {**name, "CodeSha256": sha}
        return Call("lambda", "publish_version", standby.region, params, "publish the code as a version")
    if found[-1].state == "Pending":
        return Wait(f"version {found[-1].number} of {standby.name} is Pending", 5, 1800)
    if seen.alias and function.alias(seen.alias) is None:
        return alias_on(standby, seen.alias, None, found[-1])
    return _copy_triggers(seen, pair, standby, model, live) if function.copied else None


def _upload(seen: Seen, pair: Pair, standby: Place, model: Place, live: Function) -> Step:
    function = standby.side
    if not isinstance(function, Function):
        raise AssertionError("function is no Function")
    code = _artefact(pair, standby, model, live)
    if not code:
        why = f"{standby.name} in {standby.region} has other code than runs in {model.region}"
        return Blocked(why, f"deploy that code there, or set regions.{standby.region}.code to where its zip file is")
    if seen.uploaded == function.sha:
        why = f"{code} holds other code (CodeSha256 {function.sha}) than runs in {model.region}"
        return Blocked(why, f"copy the right artefact to {standby.region}, then resume this execution")
    params = {"FunctionName": standby.name, **code, "Architectures": list(live.architectures), "Publish": False}
    return Call("lambda", "update_function_code", standby.region, params, f"copy the code that runs in {model.region}")


def _copy_triggers(seen: Seen, pair: Pair, standby: Place, model: Place, live: Function) -> Step | None:
    """Permissions and event source mappings that a copy lacks; mappings are made switched off."""
    function = standby.side
    if not isinstance(function, Function):
        raise AssertionError("function is no Function")
    replacements = option(pair, standby.region, "replace", {})
    there = {one["StatementId"] for one in function.permissions}
    for one in live.permissions:
        if one["StatementId"] not in there:
            params = {"FunctionName": standby.name, **rewritten(one, model.region, standby.region, replacements)}
            params |= {"Qualifier": seen.alias} if seen.alias else {}
            return Call("lambda", "add_permission", standby.region, params, f"permit {one['Principal']} to invoke it")
    keys = {one.key for one in function.sources}
    for source in live.sources:
        if source.key in keys:
            continue
        own = option(pair, standby.region, "event_sources", {}).get(source.key)
        if own is None and "/stream/" in source.arn:
            why = f"the stream of {source.key} has another name in {standby.region}"
            return Blocked(why, f"set regions.{standby.region}.event_sources: {{{source.key}: ARN}}")
        spec = rewritten(source.spec, model.region, standby.region, replacements)
        if position := option(pair, standby.region, "starting_position"):
            spec["StartingPosition"] = position
        arn = own or rewritten(source.arn, model.region, standby.region, replacements)
        target = f"{standby.name}:{source.qualifier}" if source.qualifier else standby.name
        params = {"FunctionName": target, "Enabled": False, **({"EventSourceArn": arn} if arn else {}), **spec}
        return Call("lambda", "create_event_source_mapping", standby.region, params, f"map {source.key} to it, switched off")
    return None


def _wanted(seen: Seen, pair: Pair, standby: Place, model: Place, live: Function) -> tuple[dict[str, Any], str]:
    """The configuration for the standby's region, and the name of a setting that it lacks. Networks and keys are never guessed."""
    alias, now = live.alias(seen.alias), standby.side if isinstance(standby.side, Function) else None
    version = live.version(alias.version) if alias else None
    config = dict(version.config if version else live.config)
    wanted: dict[str, Any] = rewritten(config, model.region, standby.region, option(pair, standby.region, "replace", {}))
    missing = ""
    if role := option(pair, standby.region, "role"):
        wanted["Role"] = role
    if layers := option(pair, standby.region, "layers"):
        wanted["Layers"] = layers
    if config.get("VpcConfig"):
        subnets, groups = (option(pair, standby.region, name) for name in ("subnets", "security_groups"))
        given = {"SubnetIds": subnets, "SecurityGroupIds": groups} if subnets and groups else None
        wanted["VpcConfig"] = given or (now.config.get("VpcConfig", {}) if now else {})
        missing = "" if wanted["VpcConfig"] else "subnets"
    if key := config.get("KMSKeyArn"):
        own = option(pair, standby.region, "kms_key_arn") or (now.config.get("KMSKeyArn") if now else None)
        wanted["KMSKeyArn"] = own or wanted["KMSKeyArn"]
        missing = missing or ("" if own or "key/mrk-" in key else "kms_key_arn")
    return wanted, missing


def _artefact(pair: Pair, standby: Place, model: Place, live: Function) -> dict[str, Any]:
    """Where the code is in the standby's region, {} when that is not known: AWS gives no way to copy it between regions."""
    if live.package == "Image":
        uri = option(pair, standby.region, "image_uri")
        moved: dict[str, Any] = rewritten(live.code, model.region, standby.region, option(pair, standby.region, "replace", {}))
        return {"ImageUri": uri} if uri else moved
    if code := stored(option(pair, standby.region, "code", {})):
        return code
    own: dict[str, Any] = rewritten(live.code, model.region, standby.region, option(pair, standby.region, "replace", {}))
    own.pop("S3ObjectVersion", None)  # a replicated object has a version of its own
    return own


def stored(given: Mapping[str, Any]) -> dict[str, Any]:
    """The setting `code` as CreateFunction takes it, {} when it is not given."""
    names = {"S3Bucket": "s3_bucket", "S3Key": "s3_key", "S3ObjectVersion": "s3_object_version"}
    return {name: given[setting] for name, setting in names.items() if given.get(setting)}
