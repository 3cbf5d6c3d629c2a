# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lambda functions that take time to become active, versions, aliases, concurrency, and event source mappings that switch slowly.

All of it is ours: moto's functions are active at once, need Docker to be invoked, and know no provisioned concurrency.
Not simulated: code that runs (an invocation answers as it was seeded), polling, layers' contents, function URLs, SnapStart.
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from moto.backends import get_backend

from sandbox.gateway import Ctx, lists, op, seed
from sandbox.model import AwsError

#: Simulated seconds: until a new function is Active (in a VPC), an update Successful, a version Active, a mapping switched,
#: provisioned concurrency READY, and an inactive function set up again.
ACTIVE_AFTER, VPC_AFTER, UPDATED_AFTER, VERSION_AFTER, SWITCHED_AFTER, READY_AFTER, AWAKE_AFTER = 10, 60, 5, 5, 20, 60, 10
#: Concurrency of an account in a region, and what must remain for functions that reserve none.
ACCOUNT_LIMIT, UNRESERVED_MIN = 1000, 100

Params = dict[str, Any]
_CONFIG = (
    "Architectures",
    "DeadLetterConfig",
    "Description",
    "Environment",
    "EphemeralStorage",
    "FileSystemConfigs",
    "Handler",
    "KMSKeyArn",
    "LoggingConfig",
    "MemorySize",
    "PackageType",
    "Role",
    "Runtime",
    "SnapStart",
    "Timeout",
    "TracingConfig",
    "VpcConfig",
)


@dataclass(slots=True)
class Function:
    """latest: $LATEST as it is described. code: as it was given. reserved: None when it reserves no concurrency."""

    latest: Params
    code: Params
    tags: dict[str, str]
    versions: dict[str, Params] = field(default_factory=dict)
    aliases: dict[str, Params] = field(default_factory=dict)
    policies: dict[str, dict[str, Params]] = field(default_factory=dict)
    provisioned: dict[str, Params] = field(default_factory=dict)
    reserved: int | None = None
    published: int = 0
    answers: list[Params] = field(default_factory=list)

    @property
    def arn(self) -> str:
        return str(self.latest["FunctionArn"])


def _functions(ctx: Ctx) -> dict[str, Function]:
    functions: dict[str, Function] = ctx.store.setdefault("functions", {})
    return functions


def _mappings(ctx: Ctx) -> dict[str, Params]:
    mappings: dict[str, Params] = ctx.store.setdefault("mappings", {})
    return mappings


def _split(name: str) -> tuple[str, str]:
    """(function, qualifier or "") of a name, a partial or a whole ARN."""
    if name.startswith("arn:"):
        name = name.split(":", 6)[6]
    elif ":function:" in name:
        name = name.partition(":function:")[2]
    function, _unused, qualifier = name.partition(":")
    return function, qualifier


def _function(ctx: Ctx, params: Params) -> Function:
    name, qualifier = _split(params["FunctionName"])
    qualifier = params.get("Qualifier") or qualifier
    found = _functions(ctx).get(name)
    known = found and (qualifier in ("", "$LATEST") or qualifier in found.versions or qualifier in found.aliases)
    if found is None or not known:
        arn = f"arn:aws:lambda:{ctx.region}:{ctx.account}:function:{name}" + (qualifier and f":{qualifier}")
        raise AwsError("ResourceNotFoundException", f"Function not found: {arn}", 404)
    return found


def _settled(function: Function) -> None:
    """Most changes are refused while another is in progress."""
    if function.latest["State"] == "Pending" or function.latest["LastUpdateStatus"] == "InProgress":
        text = f"The operation cannot be performed at this time. An update is in progress for resource: {function.arn}"
        raise AwsError("ResourceConflictException", text, 409)


def _revision(ctx: Ctx) -> str:
    ctx.store["revision"] = ctx.store.get("revision", 0) + 1
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{ctx.account}/{ctx.region}/revision/{ctx.store['revision']}"))


def _sha(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def _code(ctx: Ctx, given: Params) -> tuple[str, int]:
    """(CodeSha256, size) of the code as CreateFunction and UpdateFunctionCode take it."""
    if given.get("ZipFile"):
        return _sha(given["ZipFile"]), len(given["ZipFile"])
    if given.get("ImageUri"):
        uri = str(given["ImageUri"])
        if f".ecr.{ctx.region}." not in uri:
            text = f"Source image {uri} is not valid. Provide a valid source image from the function's region."
            raise AwsError("InvalidParameterValueException", text)
        return uri.partition("@sha256:")[2] or hashlib.sha256(uri.partition("/")[2].encode()).hexdigest(), 0
    client, bucket = ctx.client("s3"), given.get("S3Bucket", "")
    trouble = "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}"
    try:
        where = client.get_bucket_location(Bucket=bucket)["LocationConstraint"] or "us-east-1"
        body = client.get_object(Bucket=bucket, Key=given.get("S3Key", ""))["Body"].read()
    except client.exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        raise AwsError("InvalidParameterValueException", trouble.format(code, error.response["Error"]["Message"])) from error
    if where != ctx.region:
        text = f"The bucket is in this region: {where}. Please use this region to retry the request"
        raise AwsError("InvalidParameterValueException", trouble.format("PermanentRedirect", text))
    return _sha(body), len(body)


def _configured(ctx: Ctx, now: Params, params: Params) -> Params:
    """The configuration with what a request says: a member is replaced whole, as the environment's map is."""
    given = {name: params[name] for name in _CONFIG if name in params}
    if "VpcConfig" in given:
        given["VpcConfig"] = {**given["VpcConfig"], "VpcId": "vpc-0sandbox"} if given["VpcConfig"].get("SubnetIds") else {}
    if "Layers" in params:
        given["Layers"] = [{"Arn": arn, "CodeSize": 1} for arn in params["Layers"]]
    if "ImageConfig" in params:
        given["ImageConfigResponse"] = {"ImageConfig": params["ImageConfig"]}
    if "SnapStart" in given:
        given["SnapStart"] = {**given["SnapStart"], "OptimizationStatus": "Off"}
    stamp = ctx.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    merged = {**now, **given, "LastModified": stamp, "RevisionId": _revision(ctx)}
    shown = {name: merged[name] for name in sorted(merged) if name in (*_CONFIG, "Layers", "ImageConfigResponse")}
    return {**merged, "ConfigSha256": _sha(json.dumps(shown, sort_keys=True).encode())}


def _base(ctx: Ctx, name: str, sha: str, size: int) -> Params:
    """A new function's description, with AWS's defaults."""
    return {
        "FunctionName": name,
        "FunctionArn": f"arn:aws:lambda:{ctx.region}:{ctx.account}:function:{name}",
        "Version": "$LATEST",
        "CodeSha256": sha,
        "CodeSize": size,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "MemorySize": 128,
        "Timeout": 3,
        "EphemeralStorage": {"Size": 512},
        "TracingConfig": {"Mode": "PassThrough"},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
    }


def _updating(ctx: Ctx, function: Function) -> None:
    latest = function.latest
    latest["LastUpdateStatus"] = "InProgress"
    ctx.clock.after(UPDATED_AFTER, lambda: latest.update(LastUpdateStatus="Successful"))


@op("lambda", "CreateFunction")
def create_function(ctx: Ctx, params: Params) -> Params:
    """Pending, then Active."""
    name = _split(params["FunctionName"])[0]
    if name in _functions(ctx):
        raise AwsError("ResourceConflictException", f"Function already exist: {name}", 409)
    sha, size = _code(ctx, params["Code"])
    reason = {"StateReason": "The function is being created.", "StateReasonCode": "Creating"}
    base = {**_base(ctx, name, sha, size), "State": "Pending", **reason}
    function = Function(_configured(ctx, base, params), dict(params["Code"]), dict(params.get("Tags", {})))
    _functions(ctx)[name] = function
    latest = function.latest

    def active() -> None:
        latest["State"] = "Active"
        latest.pop("StateReason", None)
        latest.pop("StateReasonCode", None)

    ctx.clock.after(VPC_AFTER if latest.get("VpcConfig") else ACTIVE_AFTER, active)
    if params.get("Publish"):
        return _publish(ctx, function, {})
    return dict(latest)


@op("lambda", "GetFunction")
def get_function(ctx: Ctx, params: Params) -> Params:
    """With tags and reserved concurrency; the location of AWS's copy of a zip file is a download only."""
    function = _function(ctx, params)
    qualifier = params.get("Qualifier") or _split(params["FunctionName"])[1]
    if "ImageUri" in function.code:
        code = {"RepositoryType": "ECR", "ImageUri": function.code["ImageUri"]}
        sha = function.latest["CodeSha256"]
        code["ResolvedImageUri"] = f"{function.code['ImageUri'].partition('@')[0].rpartition(':')[0]}@sha256:{sha}"
        if "@" in function.code["ImageUri"]:
            code["ResolvedImageUri"] = function.code["ImageUri"]
    else:
        host = f"https://awslambda-{ctx.region}-tasks.s3.{ctx.region}.amazonaws.com"
        code = {"RepositoryType": "S3", "Location": f"{host}/snapshots/{ctx.account}/{function.latest['FunctionName']}"}
    out: Params = {"Configuration": _shown(function, qualifier), "Code": code, "Tags": dict(function.tags)}
    if function.reserved is not None:
        out["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved}
    return out


def _shown(function: Function, qualifier: str) -> Params:
    if qualifier in function.aliases:
        qualifier = function.aliases[qualifier]["FunctionVersion"]
    return dict(function.versions.get(qualifier, function.latest))


@op("lambda", "GetFunctionConfiguration")
def get_function_configuration(ctx: Ctx, params: Params) -> Params:
    """What GetFunction says of the configuration."""
    return _shown(_function(ctx, params), params.get("Qualifier") or _split(params["FunctionName"])[1])


@op("lambda", "ListFunctions")
def list_functions(ctx: Ctx, params: Params) -> Params:
    """All of them, on one page."""
    return {"Functions": [dict(one.latest) for one in _functions(ctx).values()]}


@op("lambda", "UpdateFunctionCode")
def update_function_code(ctx: Ctx, params: Params) -> Params:
    """InProgress, then Successful."""
    function = _function(ctx, params)
    _settled(function)
    names = ("ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion", "ImageUri")
    given = {name: params[name] for name in names if name in params}
    sha, size = _code(ctx, given)
    if not params.get("DryRun"):
        function.code = given
        function.latest.update({"CodeSha256": sha, "CodeSize": size, "RevisionId": _revision(ctx)})
        _updating(ctx, function)
    return {**function.latest, "CodeSha256": sha, "CodeSize": size}


@op("lambda", "UpdateFunctionConfiguration")
def update_function_configuration(ctx: Ctx, params: Params) -> Params:
    """InProgress, then Successful."""
    function = _function(ctx, params)
    _settled(function)
    function.latest.update(_configured(ctx, function.latest, params))
    _updating(ctx, function)
    return dict(function.latest)


@op("lambda", "DeleteFunction")
def delete_function(ctx: Ctx, params: Params) -> Params:
    """A version with a qualifier; without one the function and all that belongs to it, as AWS does."""
    function = _function(ctx, params)
    name, qualifier = _split(params["FunctionName"])
    qualifier = params.get("Qualifier") or qualifier
    if qualifier == "$LATEST":
        raise AwsError("InvalidParameterValueException", "$LATEST version cannot be deleted without deleting the function.")
    if not qualifier:
        del _functions(ctx)[name]
        return {"StatusCode": 204}
    used = {one["FunctionVersion"] for one in function.aliases.values()}
    for alias in function.aliases.values():
        used |= set(alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}))
    if qualifier in used or qualifier in function.aliases:
        raise AwsError("ResourceConflictException", f"Version {qualifier} of {function.arn} is in use by an alias.", 409)
    del function.versions[qualifier]
    return {"StatusCode": 204}


@op("lambda", "PublishVersion")
def publish_version(ctx: Ctx, params: Params) -> Params:
    """Makes nothing new when neither code nor configuration changed since the last one."""
    function = _function(ctx, params)
    _settled(function)
    if params.get("CodeSha256") not in (None, function.latest["CodeSha256"]):
        text = f"CodeSHA256 ({params['CodeSha256']}) is different from current CodeSHA256 in $LATEST"
        raise AwsError("InvalidParameterValueException", text)
    if params.get("RevisionId") not in (None, function.latest["RevisionId"]):
        raise AwsError("PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id.", 412)
    return _publish(ctx, function, params)


def _publish(ctx: Ctx, function: Function, params: Params) -> Params:
    last = function.versions.get(str(function.published))
    hashes = ("CodeSha256", "ConfigSha256")
    if last and all(last[name] == function.latest[name] for name in hashes):
        return dict(last)
    function.published += 1
    number = str(function.published)
    version = {
        **function.latest,
        "Version": number,
        "FunctionArn": f"{function.arn}:{number}",
        "RevisionId": _revision(ctx),
        "State": "Pending",
    }
    if params.get("Description"):
        version["Description"] = params["Description"]
    function.versions[number] = version
    ctx.clock.after(VERSION_AFTER, lambda: version.update(State="Active"))
    return dict(version)


@op("lambda", "ListVersionsByFunction")
def list_versions(ctx: Ctx, params: Params) -> Params:
    """$LATEST first."""
    function = _function(ctx, params)
    return {"Versions": [dict(function.latest), *(dict(one) for one in function.versions.values())]}


def _version(function: Function, number: str) -> None:
    if number != "$LATEST" and number not in function.versions:
        raise AwsError("ResourceNotFoundException", f"Function not found: {function.arn}:{number}", 404)


def _weighted(function: Function, params: Params) -> None:
    _version(function, params["FunctionVersion"])
    for number in params.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}):
        _version(function, number)


@op("lambda", "CreateAlias")
def create_alias(ctx: Ctx, params: Params) -> Params:
    """A pointer to a version."""
    function = _function(ctx, params)
    if params["Name"] in function.aliases:
        raise AwsError("ResourceConflictException", f"Alias already exists: {function.arn}:{params['Name']}", 409)
    _weighted(function, params)
    return dict(_aliased(ctx, function, params))


def _aliased(ctx: Ctx, function: Function, params: Params) -> Params:
    alias: Params = {name: params[name] for name in ("Name", "FunctionVersion", "Description", "RoutingConfig") if name in params}
    alias |= {"AliasArn": f"{function.arn}:{params['Name']}", "RevisionId": _revision(ctx)}
    if not alias.get("RoutingConfig", {}).get("AdditionalVersionWeights"):
        alias.pop("RoutingConfig", None)
    function.aliases[params["Name"]] = alias
    return alias


def _alias(ctx: Ctx, params: Params) -> tuple[Function, Params]:
    function = _function(ctx, params)
    alias = function.aliases.get(params["Name"])
    if alias is None:
        raise AwsError("ResourceNotFoundException", f"Cannot find alias arn: {function.arn}:{params['Name']}", 404)
    return function, alias


@op("lambda", "UpdateAlias")
def update_alias(ctx: Ctx, params: Params) -> Params:
    """Atomic. A split of the traffic stays unless it is replaced; RevisionId makes it conditional."""
    function, alias = _alias(ctx, params)
    if params.get("RevisionId") not in (None, alias["RevisionId"]):
        raise AwsError("PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id.", 412)
    merged = {**alias, **params}
    _weighted(function, merged)
    return dict(_aliased(ctx, function, merged))


@op("lambda", "GetAlias")
def get_alias(ctx: Ctx, params: Params) -> Params:
    """One alias."""
    return dict(_alias(ctx, params)[1])


@op("lambda", "DeleteAlias")
def delete_alias(ctx: Ctx, params: Params) -> Params:
    """Gone at once."""
    function, _unused = _alias(ctx, params)
    del function.aliases[params["Name"]]
    return {}


@op("lambda", "ListAliases")
def list_aliases(ctx: Ctx, params: Params) -> Params:
    """All aliases of a function."""
    return {"Aliases": [dict(one) for one in _function(ctx, params).aliases.values()]}


@op("lambda", "PutFunctionConcurrency")
def put_function_concurrency(ctx: Ctx, params: Params) -> Params:
    """Of all versions together. At least 100 of the account's must stay unreserved."""
    function, wanted = _function(ctx, params), params["ReservedConcurrentExecutions"]
    others = sum(one.reserved or 0 for one in _functions(ctx).values() if one is not function)
    if others + wanted > ACCOUNT_LIMIT - UNRESERVED_MIN:
        text = "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
        raise AwsError("InvalidParameterValueException", f"{text}its minimum value of [{UNRESERVED_MIN}].")
    function.reserved = wanted
    return {"ReservedConcurrentExecutions": wanted}


@op("lambda", "DeleteFunctionConcurrency")
def delete_function_concurrency(ctx: Ctx, params: Params) -> Params:
    """It shares what the account has."""
    _function(ctx, params).reserved = None
    return {}


@op("lambda", "GetFunctionConcurrency")
def get_function_concurrency(ctx: Ctx, params: Params) -> Params:
    """Empty for a function that reserves none."""
    reserved = _function(ctx, params).reserved
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


@op("lambda", "PutProvisionedConcurrencyConfig")
def put_provisioned(ctx: Ctx, params: Params) -> Params:
    """IN_PROGRESS, then READY; FAILED for a function with the tag sim:provisioned=fail."""
    function, wanted = _function(ctx, params), params["ProvisionedConcurrentExecutions"]
    if params["Qualifier"] == "$LATEST":
        raise AwsError(
            "InvalidParameterValueException", "Provisioned Concurrency Configs cannot be applied to unpublished versions."
        )
    if function.reserved is not None and wanted > function.reserved:
        text = "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
        raise AwsError("InvalidParameterValueException", text)
    config = _provisioned(ctx, wanted, "IN_PROGRESS", 0)
    function.provisioned[params["Qualifier"]] = config
    if function.tags.get("sim:provisioned") == "fail":
        done: Params = {"Status": "FAILED", "StatusReason": "Insufficient capacity in the account."}
    else:
        done = {"Status": "READY", **dict.fromkeys(_ALLOCATED, wanted)}
    ctx.clock.after(READY_AFTER, lambda: config.update(done))
    return dict(config)


_ALLOCATED = ("AllocatedProvisionedConcurrentExecutions", "AvailableProvisionedConcurrentExecutions")


def _provisioned(ctx: Ctx, wanted: int, status: str, allocated: int) -> Params:
    return {
        "RequestedProvisionedConcurrentExecutions": wanted,
        **dict.fromkeys(_ALLOCATED, allocated),
        "Status": status,
        "LastModified": ctx.clock.now().strftime("%Y-%m-%dT%H:%M:%S+0000"),
    }


def _provisioned_of(ctx: Ctx, params: Params) -> tuple[Function, Params]:
    function = _function(ctx, params)
    found = function.provisioned.get(params["Qualifier"])
    if found is None:
        text = "No Provisioned Concurrency Config found for this function"
        raise AwsError("ProvisionedConcurrencyConfigNotFoundException", text, 404)
    return function, found


@op("lambda", "GetProvisionedConcurrencyConfig")
def get_provisioned(ctx: Ctx, params: Params) -> Params:
    """One qualifier's."""
    return dict(_provisioned_of(ctx, params)[1])


@op("lambda", "ListProvisionedConcurrencyConfigs")
def list_provisioned(ctx: Ctx, params: Params) -> Params:
    """All qualifiers'."""
    function = _function(ctx, params)
    found = [{"FunctionArn": f"{function.arn}:{name}", **one} for name, one in function.provisioned.items()]
    return {"ProvisionedConcurrencyConfigs": found}


@op("lambda", "DeleteProvisionedConcurrencyConfig")
def delete_provisioned(ctx: Ctx, params: Params) -> Params:
    """Gone at once."""
    function, _unused = _provisioned_of(ctx, params)
    del function.provisioned[params["Qualifier"]]
    return {}


@op("lambda", "AddPermission")
def add_permission(ctx: Ctx, params: Params) -> Params:
    """A statement of the function's policy, or of an alias's."""
    function = _function(ctx, params)
    qualifier = params.get("Qualifier") or _split(params["FunctionName"])[1]
    statements = function.policies.setdefault(qualifier, {})
    if params["StatementId"] in statements:
        raise AwsError("ResourceConflictException", f"The statement id ({params['StatementId']}) provided already exists.", 409)
    who = str(params["Principal"])
    principal = {"Service": who} if "." in who else {"AWS": f"arn:aws:iam::{who}:root" if who.isdecimal() else who}
    statement: Params = {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": principal,
        "Action": params["Action"],
        "Resource": function.arn + (qualifier and f":{qualifier}"),
    }
    condition: Params = {}
    if "SourceArn" in params:
        condition["ArnLike"] = {"AWS:SourceArn": params["SourceArn"]}
    if "SourceAccount" in params:
        condition["StringEquals"] = {"AWS:SourceAccount": params["SourceAccount"]}
    if condition:
        statement["Condition"] = condition
    statements[params["StatementId"]] = statement
    return {"Statement": json.dumps(statement)}


@op("lambda", "GetPolicy")
def get_policy(ctx: Ctx, params: Params) -> Params:
    """ResourceNotFoundException where there is none."""
    function = _function(ctx, params)
    statements = function.policies.get(params.get("Qualifier") or _split(params["FunctionName"])[1], {})
    if not statements:
        raise AwsError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": list(statements.values())}
    return {"Policy": json.dumps(policy), "RevisionId": function.latest["RevisionId"]}


@op("lambda", "Invoke")
def invoke(ctx: Ctx, params: Params) -> Params:
    """What was seeded, or `null`; refused at concurrency 0; the first one of an inactive function fails and sets it up again."""
    function = _function(ctx, params)
    if function.reserved == 0:
        raise AwsError("TooManyRequestsException", "Rate Exceeded.", 429)
    latest = function.latest
    if latest["State"] == "Inactive":
        latest["State"] = "Pending"
        latest["StateReasonCode"] = "Restoring"
        ctx.clock.after(AWAKE_AFTER, lambda: latest.update(State="Active"))
        raise AwsError("ResourceNotReadyException", "The function is inactive and its resources are being provisioned.", 502)
    answers = function.answers or [{"payload": None}]
    answer = answers.pop(0) if len(answers) > 1 else answers[0]
    failed = {"FunctionError": "Unhandled"} if "error" in answer else {}
    payload = {"errorMessage": answer["error"], "errorType": "Error"} if failed else answer["payload"]
    version = _shown(function, params.get("Qualifier", ""))["Version"]
    return {"StatusCode": 200, "ExecutedVersion": version, "Payload": json.dumps(payload).encode(), **failed}


@op("lambda", "TagResource")
def tag_resource(ctx: Ctx, params: Params) -> Params:
    """Of functions."""
    _function(ctx, {"FunctionName": params["Resource"]}).tags.update(params["Tags"])
    return {}


@op("lambda", "UntagResource")
def untag_resource(ctx: Ctx, params: Params) -> Params:
    """Of functions."""
    tags = _function(ctx, {"FunctionName": params["Resource"]}).tags
    for key in params["TagKeys"]:
        tags.pop(key, None)
    return {}


@op("lambda", "ListTags")
def list_tags(ctx: Ctx, params: Params) -> Params:
    """Of functions."""
    return {"Tags": dict(_function(ctx, {"FunctionName": params["Resource"]}).tags)}


@op("lambda", "GetAccountSettings")
def get_account_settings(ctx: Ctx, params: Params) -> Params:
    """The account's concurrency, and what is left of it."""
    functions = _functions(ctx).values()
    reserved = sum(one.reserved or 0 for one in functions)
    limit = {"ConcurrentExecutions": ACCOUNT_LIMIT, "UnreservedConcurrentExecutions": ACCOUNT_LIMIT - reserved}
    usage = {"FunctionCount": len(functions), "TotalCodeSize": sum(one.latest["CodeSize"] for one in functions)}
    return {"AccountLimit": {**limit, "TotalCodeSize": 80_530_636_800}, "AccountUsage": usage}


# -- event source mappings ------------------------------------------------------------------------------------------------


@op("lambda", "CreateEventSourceMapping")
def create_mapping(ctx: Ctx, params: Params) -> Params:
    """Creating, then Enabled or Disabled. The event source must be in the function's region."""
    function = _function(ctx, params)
    source = params.get("EventSourceArn", "")
    if source and source.split(":")[3] != ctx.region:
        text = f"Event source {source} must be in the same region as function {function.arn}"
        raise AwsError("InvalidParameterValueException", text)
    qualifier = _split(params["FunctionName"])[1]
    arn = function.arn + (qualifier and f":{qualifier}")
    for one in _mappings(ctx).values():
        if source and (one.get("EventSourceArn"), one["FunctionArn"]) == (source, arn):
            text = f"An event source mapping with {source} and {arn} already exists. UUID {one['UUID']}"
            raise AwsError("ResourceConflictException", text, 409)
    return dict(_mapped(ctx, {**params, "FunctionName": arn}, "Creating"))


def _mapped(ctx: Ctx, params: Params, state: str) -> Params:
    number = ctx.store["mapped"] = ctx.store.get("mapped", 0) + 1
    ident = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{ctx.account}/{ctx.region}/mapping/{number}"))
    mapping = {
        **{name: value for name, value in params.items() if name not in ("FunctionName", "Enabled", "Tags")},
        "UUID": ident,
        "FunctionArn": params["FunctionName"],
        "EventSourceMappingArn": f"arn:aws:lambda:{ctx.region}:{ctx.account}:event-source-mapping:{ident}",
        "State": state,
        "StateTransitionReason": "USER_INITIATED",
        "LastModified": ctx.clock.now(),
    }
    mapping.setdefault("BatchSize", 10)
    _mappings(ctx)[ident] = mapping
    if state == "Creating":
        end = "Enabled" if params.get("Enabled", True) else "Disabled"
        ctx.clock.after(SWITCHED_AFTER, lambda: mapping.update(State=end))
    return mapping


def _mapping(ctx: Ctx, params: Params) -> Params:
    found = _mappings(ctx).get(params["UUID"])
    if found is None:
        raise AwsError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    return found


@op("lambda", "UpdateEventSourceMapping")
def update_mapping(ctx: Ctx, params: Params) -> Params:
    """Enabling, Disabling or Updating for a while, in which it cannot be changed again."""
    mapping = _mapping(ctx, params)
    if mapping["State"] not in ("Enabled", "Disabled"):
        text = f"The event source mapping is being {mapping['State'].lower()}; try again when it is done."
        raise AwsError("ResourceInUseException", text)
    enabled = params.get("Enabled", mapping["State"] == "Enabled")
    end = "Enabled" if enabled else "Disabled"
    mapping.update({name: value for name, value in params.items() if name not in ("UUID", "Enabled", "FunctionName")})
    mapping["State"] = {"Enabled": "Enabling", "Disabled": "Disabling"}[end] if end != mapping["State"] else "Updating"
    ctx.clock.after(SWITCHED_AFTER, lambda: mapping.update(State=end))
    return dict(mapping)


@op("lambda", "GetEventSourceMapping")
def get_mapping(ctx: Ctx, params: Params) -> Params:
    """One mapping."""
    return dict(_mapping(ctx, params))


@op("lambda", "DeleteEventSourceMapping")
def delete_mapping(ctx: Ctx, params: Params) -> Params:
    """Deleting, then gone."""
    mapping = _mapping(ctx, params)
    mapping["State"] = "Deleting"
    ctx.clock.after(SWITCHED_AFTER, lambda: _mappings(ctx).pop(params["UUID"], None))
    return dict(mapping)


@op("lambda", "ListEventSourceMappings")
def list_mappings(ctx: Ctx, params: Params) -> Params:
    """Of a function, those that name exactly it: whether AWS lists those of aliases with the bare name is not documented."""
    found: Iterable[Params] = _mappings(ctx).values()
    if "FunctionName" in params:
        function, qualifier = _function(ctx, params), _split(params["FunctionName"])[1]
        arn = function.arn + (qualifier and f":{qualifier}")
        found = [one for one in found if one["FunctionArn"] == arn]
    if "EventSourceArn" in params:
        found = [one for one in found if one.get("EventSourceArn") == params["EventSourceArn"]]
    return {"EventSourceMappings": [dict(one) for one in found]}


@lists("lambda")
def listed(ctx: Ctx) -> Iterable[tuple[str, str, dict[str, str]]]:
    """Functions with their tags."""
    for function in _functions(ctx).values():
        yield function.arn, "lambda:function", function.tags


# -- estates --------------------------------------------------------------------------------------------------------------


@seed("lambda_function")
def build(ctx: Ctx, spec: Params) -> Params:
    """A function with a published version and an alias on it, and its standby at reserved concurrency 0, polling nothing.

    name, alias (live; null for none), code ("v1", any text that stands for it), image (an ECR URI instead), runtime, handler,
    memory (128), timeout (30), environment, vpc ({subnets, security_groups}), reserved, provisioned, versions (1: so many
    were published), queues: names of SQS queues it polls, streams: of Kinesis streams, off: those that are switched off,
    permits: services that may invoke it, inactive (false). artefacts (true): its zip file is in the bucket
    `code-<account>-<region>` under `<name>.zip`, in both regions. answers: to invocations in turn, of which the last one stays,
    each {payload: any JSON} or {error: a message}. peer: {region, code, environment, standby (true)}; standby
    false: nothing there but the artefact.
    """
    tags = spec.get("tags") or {}
    function = _built(ctx, spec, tags, standby=False)
    function.answers = list(spec.get("answers", ()))
    peer = spec.get("peer")
    if peer:
        there = ctx.within(region=peer["region"])
        shared = {key: value for key, value in tags.items() if not key.startswith("dr:")}
        _artefact(there, {**spec, **{key: value for key, value in peer.items() if key == "artefact"}})
        if peer.get("standby", True):
            _built(there, {**spec, **peer}, {**shared, **peer.get("tags", {})}, standby=True)
    return {"arn": function.arn}


def _artefact(ctx: Ctx, spec: Params) -> None:
    if "image" in spec or not spec.get("artefacts", True):
        return
    client, bucket = ctx.client("s3"), f"code-{ctx.account}-{ctx.region}"
    if bucket not in get_backend("s3")[ctx.account]["aws"].buckets:
        where = {} if ctx.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": ctx.region}}
        client.create_bucket(Bucket=bucket, **where)
    client.put_object(Bucket=bucket, Key=f"{spec['name']}.zip", Body=str(spec.get("artefact", spec.get("code", "v1"))).encode())


def _built(ctx: Ctx, spec: Params, tags: dict[str, str], *, standby: bool) -> Function:
    name, alias = spec["name"], spec.get("alias", "live")
    _artefact(ctx, spec)
    params: Params = {
        "FunctionName": name,
        "Role": f"arn:aws:iam::{ctx.account}:role/{name}",
        "MemorySize": spec.get("memory", 128),
        "Timeout": spec.get("timeout", 30),
        "Tags": tags,
    }
    if "image" in spec:
        other = next((region for region in ctx.gw.regions if f".ecr.{region}." in spec["image"]), ctx.region)
        params |= {"PackageType": "Image", "Code": {"ImageUri": spec["image"].replace(other, ctx.region)}}
    else:
        code = {"ZipFile": str(spec.get("code", "v1")).encode()}
        params |= {"Runtime": spec.get("runtime", "python3.12"), "Handler": spec.get("handler", "app.handler"), "Code": code}
    if spec.get("environment"):
        params["Environment"] = {"Variables": dict(spec["environment"])}
    if spec.get("vpc"):
        params["VpcConfig"] = {"SubnetIds": spec["vpc"]["subnets"], "SecurityGroupIds": spec["vpc"]["security_groups"]}
    function = _made(ctx, params, int(spec.get("versions", 1)))
    function.latest["State"] = "Inactive" if spec.get("inactive") else "Active"
    function.latest.pop("StateReason", None)
    function.latest.pop("StateReasonCode", None)
    if alias:
        _aliased(ctx, function, {"Name": alias, "FunctionVersion": str(function.published)})
    function.reserved = 0 if standby else spec.get("reserved")
    if alias and spec.get("provisioned") and not standby:
        function.provisioned[alias] = _provisioned(ctx, spec["provisioned"], "READY", spec["provisioned"])
    qualified = {"FunctionName": name, **({"Qualifier": alias} if alias else {})}
    for service in spec.get("permits", ()):
        source = f"arn:aws:{service.partition('.')[0]}:{ctx.region}:{ctx.account}:{name}"
        permit = {
            "StatementId": service.replace(".", "-"),
            "Action": "lambda:InvokeFunction",
            "Principal": service,
            "SourceArn": source,
        }
        add_permission(ctx, {**qualified, **permit})
    arn = function.arn + (f":{alias}" if alias else "")
    sources: list[tuple[str, str, Params]] = [
        (f"arn:aws:sqs:{ctx.region}:{ctx.account}:{one}", one, {}) for one in spec.get("queues", ())
    ]
    stream = {"StartingPosition": "LATEST"}
    sources += [(f"arn:aws:kinesis:{ctx.region}:{ctx.account}:stream/{one}", one, stream) for one in spec.get("streams", ())]
    for source, short, more in sources:
        state = "Disabled" if standby or short in spec.get("off", ()) else "Enabled"
        _mapped(ctx, {"FunctionName": arn, "EventSourceArn": source, **more}, state)
    return function


def _made(ctx: Ctx, params: Params, versions: int) -> Function:
    """A function that was created and published long ago."""
    base = _base(ctx, params["FunctionName"], *_code(ctx, params["Code"]))
    function = Function(_configured(ctx, base, params), dict(params["Code"]), dict(params["Tags"]))
    _functions(ctx)[params["FunctionName"]] = function
    for number in range(1, versions + 1):
        function.published = number
        old = {} if number == versions else {"CodeSha256": _sha(f"old {number}".encode())}
        function.versions[str(number)] = {
            **function.latest,
            **old,
            "Version": str(number),
            "FunctionArn": f"{function.arn}:{number}",
        }
    return function
