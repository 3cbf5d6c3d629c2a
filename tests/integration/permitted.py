# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the generated policies allow the calls that a flow made, as IAM would decide: recorded calls, real names and tags.

Evaluated is what the policies use, by IAM's rules: a Deny wins, any statement may allow, all conditions of a statement must hold,
and each resource that AWS checks for an action must be allowed. A key without a value fails every comparison but `Null` and
`StringNotEquals`. Another operator is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.drills.base import tags_of
from ansible_collections.dr.aws.plugins.module_utils.iam_reference import REFERENCE
from ansible_collections.dr.aws.plugins.module_utils.policies import Place, document, regional

ACCOUNT = "200000000001"
PLACE = Place(ACCOUNT, ["us-east-1", "us-west-2"], [f"arn:aws:iam::{ACCOUNT}:role/dr-drill"])
#: How IAM calls the permissions of botocore's services and operations, where it differs.
SERVICES = {"efs": "elasticfilesystem", "elbv2": "elasticloadbalancing", "opensearch": "es", "stepfunctions": "states"}
OPERATIONS = {"lambda:Invoke": "lambda:InvokeFunction"}


def action(service: str, operation: str) -> str:
    """A call as IAM names its permission."""
    named = f"{SERVICES.get(service, service)}:{operation}"
    return OPERATIONS.get(named, named)


def allowed(policies: Iterable[Mapping[str, Any]], wanted: str, resource: str, context: Mapping[str, str]) -> bool:
    """IAM's decision on one action and one resource."""
    found = [one for policy in policies for one in policy["Statement"] if _concerns(one, wanted, resource, context)]
    return bool(found) and all(one["Effect"] == "Allow" for one in found)


def refused(
    calls: Iterable[Mapping[str, Any]], technology: str, phases: Sequence[str], listed: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """What the policy for phases of a technology does not allow of recorded calls. listed: ARN -> tags of what is there."""
    policies = [document(technology, PLACE, phases), {"Statement": [regional(PLACE)]}]
    problems = []
    for call in calls:
        if call["service"] in ("sts", "iam"):
            continue
        wanted = action(call["service"], call["operation"])
        region = "us-east-1" if call["region"] == "global" else call["region"]
        context = {"aws:RequestedRegion": region, **_tags("aws:RequestTag", _request_tags(call["params"]))}
        for arn, tags in _touched(wanted, call, region, listed):
            if not allowed(policies, wanted, arn, {**context, **_tags("aws:ResourceTag", tags)}):
                problems.append(f"{technology} {'+'.join(phases)}: {wanted} on {arn} with {dict(tags)}")
    return problems


def _touched(
    wanted: str, call: Mapping[str, Any], region: str, listed: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """What AWS checks for a call: of each kind of resource those that the call names; one without tags where there are none."""
    row = REFERENCE.get(wanted)
    names = set(_strings(call["params"]))
    for pattern in row.resources if row else ():
        shape = pattern.format(partition="aws", account=ACCOUNT)
        real = [arn for arn in listed if fnmatchcase(arn, shape) and f":{region}:" in arn and _names(arn) & names]
        for arn in real:
            yield arn, listed[arn]
        if not real:
            yield shape.replace(":*:", f":{region}:", 1).replace("*", "anything"), {}
    if not row or not row.resources:
        yield "*", {}


def _names(arn: str) -> set[str]:
    resource = arn.split(":", 5)[5]
    return {arn, resource.rpartition(":")[2], resource.rpartition("/")[2]}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _strings(one)


def _request_tags(params: Mapping[str, Any]) -> dict[str, str]:
    """Of the parameters of a call, wherever AWS has them."""
    found: dict[str, str] = {}
    for name, value in params.items():
        entries = value if isinstance(value, list) else [value]
        if name.lower() in ("tags", "tag", "taglist", "filesystemtags") and value:
            found |= tags_of(entries)
        else:
            for entry in entries:
                found |= _request_tags(entry) if isinstance(entry, Mapping) else {}
    return found


def _tags(key: str, tags: Mapping[str, str]) -> dict[str, str]:
    return {f"{key}/{name}": value for name, value in tags.items()}


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _concerns(statement: Mapping[str, Any], wanted: str, resource: str, context: Mapping[str, str]) -> bool:
    if "NotAction" in statement:
        if any(fnmatchcase(wanted.lower(), one.lower()) for one in _listed(statement["NotAction"])):
            return False
    elif not any(fnmatchcase(wanted.lower(), one.lower()) for one in _listed(statement["Action"])):
        return False
    if not any(fnmatchcase(resource, one) for one in _listed(statement["Resource"])):
        return False
    tests = [(operator, key, of) for operator, keys in statement.get("Condition", {}).items() for key, of in keys.items()]
    return all(_holds(operator, context.get(key), _listed(of)) for operator, key, of in tests)


def _holds(operator: str, value: str | None, of: Sequence[str]) -> bool:
    if operator == "Null":
        return (value is None) == (of[0] == "true")
    if operator == "StringNotEquals":
        return value not in of
    if operator in ("StringEquals", "Bool"):
        return value in of
    if operator in ("ArnEquals", "StringLike"):
        return value is not None and any(fnmatchcase(value, one) for one in of)
    if operator == "ForAllValues:StringLike":
        return value is None or any(fnmatchcase(value, one) for one in of)
    raise ValueError(f"{operator} is not evaluated here")
