# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is observed of a Lambda function, its versions, alias, event source mappings and permissions in both regions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from ..adapters.base import Reader
from ..model import UNREACHABLE, Pair, Unreachable
from .rewrite import kept

#: Tags of ours on a function: which side was activated last; the event sources that are to stay off; made by us.
EPOCH_TAG, OFF_TAG, COPIED_TAG = "dr:epoch", "dr:sources-off", "dr:copied"
ABSENT = ("ResourceNotFoundException",)
#: What a function is, besides its code: members that CreateFunction and UpdateFunctionConfiguration take as they are described.
CONFIGURATION = (
    "DeadLetterConfig",
    "Description",
    "EphemeralStorage",
    "FileSystemConfigs",
    "Handler",
    "KMSKeyArn",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "Timeout",
    "TracingConfig",
)
#: The same for event source mappings.
MAPPING = (
    "AmazonManagedKafkaEventSourceConfig",
    "BatchSize",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "FilterCriteria",
    "FunctionResponseTypes",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
    "ProvisionedPollerConfig",
    "Queues",
    "ScalingConfig",
    "SelfManagedEventSource",
    "SourceAccessConfigurations",
    "StartingPosition",
    "Topics",
    "TumblingWindowInSeconds",
)


@dataclass(frozen=True, slots=True)
class Version:
    """A published version. sha: CodeSha256; versions are compared by it, since their numbers differ between regions."""

    number: int
    sha: str
    config: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    state: str = "Active"


@dataclass(frozen=True, slots=True)
class Alias:
    """weights: additional versions that get a share of the traffic."""

    name: str
    version: str
    weights: Mapping[str, float] = field(default_factory=dict)
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """An event source mapping. key: what it reads, the same in both regions. state: Enabled, Disabled, or on the way."""

    uuid: str
    key: str
    state: str
    arn: str = ""
    qualifier: str = ""
    spec: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Provisioned concurrency of an alias or version. status: IN_PROGRESS, READY or FAILED."""

    qualifier: str
    requested: int
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """One side's function.

    sha: of $LATEST. reserved: concurrency, None when it shares the account's. code: where its code is, as CreateFunction
    takes it, {} for code that AWS keeps (a presigned download only). permissions: of the alias (or the function), as
    AddPermission takes them, read only where a copy is made or kept.
    """

    arn: str
    sha: str
    state: str = "Active"
    state_reason: str = ""
    update: str = "Successful"
    update_reason: str = ""
    reserved: int | None = None
    package: str = "Zip"
    architectures: tuple[str, ...] = ("x86_64",)
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    code: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    versions: tuple[Version, ...] = ()
    aliases: tuple[Alias, ...] = ()
    sources: tuple[Source, ...] = ()
    provisioned: tuple[Provisioned, ...] = ()
    permissions: tuple[Mapping[str, Any], ...] = ()

    @property
    def epoch(self) -> int:
        """0 for a function that was never activated by us."""
        value = self.tags.get(EPOCH_TAG, "")
        return int(value) if value.isdecimal() else 0

    @property
    def copied(self) -> bool:
        """Made by us: its configuration, permissions and mappings are kept like the other side's."""
        return COPIED_TAG in self.tags

    @property
    def serving(self) -> bool:
        """It takes invocations. A copy that was never activated has nothing that would invoke it."""
        return self.reserved != 0 and not (self.copied and not self.epoch)

    @property
    def moving(self) -> bool:
        """Something is being done to it: most calls would be refused."""
        return self.state in ("Pending", "Deactivating", "Deleting") or self.update == "InProgress"

    def alias(self, name: str) -> Alias | None:
        return next((one for one in self.aliases if one.name == name), None)

    def version(self, number: str) -> Version | None:
        return next((one for one in self.versions if str(one.number) == number), None)

    def live_sha(self, alias: str) -> str:
        """The code that runs: the alias's, or $LATEST's where there is no alias."""
        found = self.alias(alias)
        version = self.version(found.version) if found else None
        return version.sha if version else self.sha


Side: TypeAlias = "Function | Unreachable | None"


@dataclass(frozen=True, slots=True)
class Seen:
    """Both sides. alias: the one that callers use, "" when the function has none. aliases: names to choose from, if many.

    uploaded: CodeSha256 of what this execution put into a function, which tells a wrong artefact from one that is not there yet.
    """

    source: Side
    target: Side
    alias: str = ""
    aliases: tuple[str, ...] = ()
    uploaded: str = ""


def option(pair: Pair, region: str, name: str, default: Any = None) -> Any:
    """A setting, as it is for one region: `regions.<region>.<name>` before `<name>`."""
    there = pair.settings.get("regions", {}).get(region, {})
    return there.get(name, pair.settings.get(name, default))


def observed(reader: Reader, pairs: Sequence[Pair]) -> dict[str, Seen]:
    """Pair key -> both sides. Permissions are read only where a copy is made or kept."""
    return {pair.key: _seen(reader, pair) for pair in pairs}


def _seen(reader: Reader, pair: Pair) -> Seen:
    source = _function(reader, pair, pair.source_region, pair.source_id)
    target = _function(reader, pair, pair.target_region, pair.target_id)
    names = sorted({alias.name for side in (source, target) if isinstance(side, Function) for alias in side.aliases})
    given = pair.settings.get("alias")
    alias = given or (names[0] if len(names) == 1 else "")
    if any(side is None or (isinstance(side, Function) and side.copied) for side in (source, target)):
        source = _with_permissions(reader, pair, pair.source_region, pair.source_id, source, alias)
        target = _with_permissions(reader, pair, pair.target_region, pair.target_id, target, alias)
    choice = () if given or len(names) < 2 else tuple(names)
    return Seen(source, target, str(alias), choice, str(pair.settings.get("uploaded_sha256", "")))


def _function(reader: Reader, pair: Pair, region: str, name: str) -> Side:
    def pages(operation: str, key: str, qualifier: str = "") -> list[dict[str, Any]] | Unreachable | None:
        return reader.pages(
            pair.account, region, "lambda", operation, key, absent=ABSENT, FunctionName=name + (qualifier and f":{qualifier}")
        )

    raw = reader.read(pair.account, region, "lambda", "get_function", absent=ABSENT, FunctionName=name)
    if not isinstance(raw, dict):
        return raw
    aliases = pages("list_aliases", "Aliases")
    versions = pages("list_versions_by_function", "Versions")
    provisioned = pages("list_provisioned_concurrency_configs", "ProvisionedConcurrencyConfigs")
    mappings: dict[str, dict[str, Any]] = {}
    # Mappings of an alias are asked for by the alias as well: whether the bare name lists them is not documented.
    for qualifier in ("", *(str(one["Name"]) for one in aliases or ())) if isinstance(aliases, list) else ():
        found = pages("list_event_source_mappings", "EventSourceMappings", qualifier)
        if isinstance(found, Unreachable):
            return UNREACHABLE
        mappings |= {one["UUID"]: one for one in found or ()}
    if isinstance(aliases, Unreachable) or isinstance(versions, Unreachable) or isinstance(provisioned, Unreachable):
        return UNREACHABLE
    return function(raw, aliases or (), versions or (), list(mappings.values()), provisioned or ())


def function(
    raw: Mapping[str, Any],
    aliases: Sequence[Mapping[str, Any]] = (),
    versions: Sequence[Mapping[str, Any]] = (),
    mappings: Sequence[Mapping[str, Any]] = (),
    provisioned: Sequence[Mapping[str, Any]] = (),
) -> Function:
    """A function of GetFunction, with as much of what belongs to it as was listed."""
    now = raw["Configuration"]
    return Function(
        arn=now["FunctionArn"],
        sha=now["CodeSha256"],
        state=now.get("State", "Active"),
        state_reason=now.get("StateReason", ""),
        update=now.get("LastUpdateStatus", "Successful"),
        update_reason=now.get("LastUpdateStatusReason", ""),
        reserved=raw.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
        package=now.get("PackageType", "Zip"),
        architectures=tuple(now.get("Architectures", ("x86_64",))),
        config=configuration(now),
        code=_code(raw.get("Code", {})),
        tags=raw.get("Tags", {}),
        versions=tuple(
            sorted(
                (
                    Version(int(one["Version"]), one["CodeSha256"], configuration(one), one.get("State", "Active"))
                    for one in versions
                    if one["Version"].isdecimal()
                ),
                key=lambda one: one.number,
            )
        ),
        aliases=tuple(
            Alias(
                one["Name"],
                one["FunctionVersion"],
                one.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
                one.get("RevisionId", ""),
            )
            for one in aliases
        ),
        sources=tuple(sorted((_source(one) for one in mappings), key=lambda one: (one.key, one.uuid))),
        provisioned=tuple(
            Provisioned(
                one["FunctionArn"].rpartition(":")[2],
                one["RequestedProvisionedConcurrentExecutions"],
                one["Status"],
                one.get("StatusReason", ""),
            )
            for one in provisioned
        ),
    )


def configuration(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A described configuration as CreateFunction takes it, without empty members."""
    config = {name: raw[name] for name in CONFIGURATION if raw.get(name)}
    vpc = raw.get("VpcConfig", {})
    config["VpcConfig"] = {name: vpc[name] for name in ("SubnetIds", "SecurityGroupIds") if vpc.get(name)}
    config["Environment"] = {"Variables": raw.get("Environment", {}).get("Variables", {})}
    config["Layers"] = [layer["Arn"] for layer in raw.get("Layers", ())]
    config["ImageConfig"] = raw.get("ImageConfigResponse", {}).get("ImageConfig", {})
    snap = raw.get("SnapStart", {}).get("ApplyOn", "None")
    config["SnapStart"] = {} if snap == "None" else {"ApplyOn": snap}
    shown: dict[str, Any] = kept(config)
    return shown


def _code(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Where the code is, as CreateFunction takes it: an image by its digest, or an object of the customer's own."""
    if raw.get("ResolvedImageUri") or raw.get("ImageUri"):
        return {"ImageUri": raw.get("ResolvedImageUri") or raw["ImageUri"]}
    own = raw.get("ResolvedS3Object") or {}
    names = {"S3Bucket": own.get("S3Bucket"), "S3Key": own.get("S3Key"), "S3ObjectVersion": own.get("S3ObjectVersion")}
    found = {name: value for name, value in names.items() if value}
    return {**found, "S3ObjectStorageMode": "REFERENCE"} if found else {}


def _source(raw: Mapping[str, Any]) -> Source:
    arn = raw.get("EventSourceArn", "")
    key = (
        arn.split(":", 5)[5].partition("/stream/")[0] if arn else ",".join(raw.get("Topics") or raw.get("Queues") or [raw["UUID"]])
    )
    parts = raw["FunctionArn"].split(":")
    return Source(
        raw["UUID"],
        key,
        raw["State"],
        arn,
        parts[7] if len(parts) > 7 else "",
        {name: raw[name] for name in MAPPING if raw.get(name) not in (None, [], {})},
    )


def _with_permissions(reader: Reader, pair: Pair, region: str, name: str, side: Side, alias: str) -> Side:
    if not isinstance(side, Function):
        return side
    where = {"Qualifier": alias} if alias and side.alias(alias) else {}
    answer = reader.read(pair.account, region, "lambda", "get_policy", absent=ABSENT, FunctionName=name, **where)
    if isinstance(answer, Unreachable):
        return answer
    statements = json.loads(answer["Policy"]).get("Statement", ()) if answer else ()
    return replace(side, permissions=tuple(one for statement in statements if (one := permission(statement))))


def permission(statement: Mapping[str, Any]) -> dict[str, Any]:
    """A statement of a function's policy as AddPermission takes it; {} for one that AddPermission could not have made."""
    principal = statement.get("Principal", {})
    who = principal if isinstance(principal, str) else principal.get("Service") or principal.get("AWS")
    if statement.get("Effect") != "Allow" or not isinstance(who, str) or not isinstance(statement.get("Action"), str):
        return {}
    if who.endswith(":root"):  # AddPermission's account id
        who = who.split(":")[4]
    found = {"StatementId": statement["Sid"], "Action": statement["Action"], "Principal": who}
    names = {
        "aws:sourcearn": "SourceArn",
        "aws:sourceaccount": "SourceAccount",
        "aws:principalorgid": "PrincipalOrgID",
        "lambda:functionurlauthtype": "FunctionUrlAuthType",
        "lambda:eventsourcetoken": "EventSourceToken",
    }
    for conditions in statement.get("Condition", {}).values():
        for key, value in conditions.items():
            if key.lower() not in names or not isinstance(value, str):
                return {}
            found[names[key.lower()]] = value
    return found
