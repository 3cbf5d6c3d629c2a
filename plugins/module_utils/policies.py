# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM policies of the roles in the accounts, made of what adapters and drills declare. Pure: nothing is asked, nothing sent.

What an action can be limited to comes from AWS's Service Authorization Reference (iam_reference.py). IAM user guide: a managed
policy has at most 6,144 characters without white space, a role at most 10 of them; any statement may allow, and a Deny wins.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .adapters import adapter
from .drills import drill
from .drills.base import DRILL_TAG, Drill
from .iam_reference import REFERENCE, Row
from .model import TECHNOLOGIES

#: Characters of a managed policy without white space, and how many of them a role may have (IAM and AWS STS quotas).
LARGEST: Final = 6144
MOST: Final = 10
VERSION: Final = "2012-10-17"
#: What AWS does not see in a region (IAM user guide, "Denies access to AWS based on the requested Region"), or what must not depend
#: on one: a cluster of routing controls has endpoints in five.
REGIONLESS: Final = ("iam", "route53", "route53-recovery-cluster")
#: What no phase declares, and discovery, capacity and readiness call.
SUPPORT: Final = (
    "autoscaling:DescribeAccountLimits",
    "drs:DescribeSourceServers",
    "ec2:DescribeAddresses",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeTags",
    "iam:SimulatePrincipalPolicy",
    "lambda:GetAccountSettings",
    "lambda:GetFunctionConcurrency",
    "resource-explorer-2:ListResources",
    "resource-explorer-2:Search",
    "servicequotas:ListServiceQuotas",
    "tag:GetResources",
)
#: Technology -> services that a role is passed to by what its phases and drills make.
PASSED: Final[Mapping[str, tuple[str, ...]]] = {
    "autoscaling": ("ec2.amazonaws.com",),
    "drs": ("ec2.amazonaws.com",),
    "ecs": ("ecs-tasks.amazonaws.com", "ecs.amazonaws.com"),
    "efs": ("backup.amazonaws.com", "elasticfilesystem.amazonaws.com"),
    "eventbridge": ("events.amazonaws.com",),
    "lambda": ("lambda.amazonaws.com",),
    "rds": ("monitoring.rds.amazonaws.com",),
    "aurora": ("monitoring.rds.amazonaws.com",),
}
#: Technology -> the service through which its data is decrypted with keys of the account.
ENCRYPTED: Final[Mapping[str, str]] = {
    "aurora": "rds",
    "autoscaling": "ec2",
    "drs": "ec2",
    "efs": "elasticfilesystem",
    "elasticache": "elasticache",
    "fsx": "fsx",
    "lambda": "lambda",
    "memorydb": "memorydb",
    "opensearch": "es",
    "rds": "rds",
}
#: Removes data of production: only what carries the tag of a protected resource, or of a drill. Members of an Aurora cluster and
#: instances of DRS need not carry tags: those are limited by account and type.
REMOVES: Final[Mapping[str, str]] = {
    "elasticache:DeleteReplicationGroup": "replicationgroup",
    "elasticfilesystem:DeleteFileSystem": "file-system",
    "es:DeleteDomain": "domain",
    "fsx:DeleteFileSystem": "file-system",
    "lambda:DeleteFunction": "function",
    "memorydb:DeleteCluster": "cluster",
    "rds:DeleteDBCluster": "cluster",
}
_DRILL: Final = {"Null": {f"aws:ResourceTag/{DRILL_TAG}": "false"}}
_ENABLED: Final = {"StringEquals": {"aws:ResourceTag/dr:enabled": "true"}}
_MADE: Final = {"Null": {f"aws:RequestTag/{DRILL_TAG}": "false"}}
_VIA: Final = {"Bool": {"aws:ViaAWSService": "true"}}
#: What a service does in EC2 for its caller. It describes anything, but attributes of the account's instances.
_EC2: Final = ("arn:{partition}:ec2:*:{account}:*", "arn:{partition}:ec2:*::image/*", "arn:{partition}:ec2:*::snapshot/*")


@dataclass(frozen=True, slots=True)
class Place:
    """Where policies are for. Values are strings, or what a template computes them by.

    regions: that may be called. passable: ARNs of the roles that may be passed.
    """

    account: str
    regions: Any
    passable: Any
    partition: str = "aws"

    def arn(self, pattern: str) -> str:
        """A pattern of iam_reference.py as the ARN here."""
        return pattern.format(partition=self.partition, account=self.account)


@dataclass(frozen=True, slots=True)
class _Grant:
    """One action on resources, under a condition (JSON, so that equal ones are found)."""

    action: str
    resources: tuple[str, ...]
    condition: str = "{}"


def declared(technologies: Iterable[str] = TECHNOLOGIES) -> dict[str, bool]:
    """Action -> whether drills alone declare it."""
    found: dict[str, bool] = {}
    for technology in technologies:
        for kind, alone in ((adapter(technology), False), (drill(technology), True)):
            for actions in kind.actions.values():
                for action in actions:
                    found[action] = found.get(action, True) and alone
    return found


def document(technology: str, place: Place, phases: Sequence[str] = ()) -> dict[str, Any]:
    """The policy of one technology, without the limit of regions. phases: of these alone, a drill's as `drill <phase>`."""
    return _written(_statements(technology, place, phases))


def documents(place: Place, technologies: Iterable[str] = TECHNOLOGIES) -> list[dict[str, Any]]:
    """All managed policies of a role, each small enough. ValueError when they are more than a role may have."""
    statements = [regional(place), *_merged(_support(), place, "support")]
    given: set[_Grant] = set()
    for technology in sorted(set(technologies)):
        grants = [grant for grant in _grants(technology, ()) if grant not in given]
        given.update(grants)
        statements += [*_merged(grants, place, technology), *_passes(technology, place), *_keys(technology, place)]
    packed: list[list[dict[str, Any]]] = [[]]
    for statement in statements:
        if size(_written([*packed[-1], statement])) > LARGEST:
            packed.append([])
        packed[-1].append(statement)
    if len(packed) > MOST:
        raise ValueError(f"{len(packed)} policies are more than the {MOST} that a role may have: name fewer technologies")
    return [_written(each) for each in packed]


def size(policy: Mapping[str, Any]) -> int:
    """Characters as IAM counts them."""
    return len(json.dumps(policy, separators=(",", ":")))


def regional(place: Place) -> dict[str, Any]:
    """Denies every other region."""
    return {
        "Sid": "OtherRegions",
        "Effect": "Deny",
        "NotAction": [f"{service}:*" for service in REGIONLESS],
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": place.regions}},
    }


def boundary(place: Place) -> dict[str, Any]:
    """What the role can never exceed, whatever is attached to it: services in use, in the regions, and of IAM what is needed."""
    services = sorted({action.partition(":")[0] for action in (*declared(), *SUPPORT)} - {"iam"})
    return _written(
        [
            regional(place),
            {"Sid": "Services", "Effect": "Allow", "Action": [f"{one}:*" for one in (*services, "kms")], "Resource": "*"},
            {
                "Sid": "Simulate",
                "Effect": "Allow",
                "Action": "iam:SimulatePrincipalPolicy",
                "Resource": place.arn("arn:{partition}:iam::{account}:role/*"),
            },
            {"Sid": "PassNamed", "Effect": "Allow", "Action": "iam:PassRole", "Resource": place.passable},
        ]
    )


def trust(principal: Any, external_id: Any, *, mfa: bool = False) -> dict[str, Any]:
    """Who may take the role: the principal, with the external id, and named: `sts:SourceIdentity` must say who.

    mfa: only with multi-factor authentication, for roles that people take.
    """
    conditions: dict[str, Any] = {"StringEquals": {"sts:ExternalId": external_id}, "StringLike": {"sts:SourceIdentity": "?*"}}
    if mfa:
        conditions["Bool"] = {"aws:MultiFactorAuthPresent": "true"}
    return _written(
        [
            {
                "Sid": "Automation",
                "Effect": "Allow",
                "Principal": {"AWS": principal},
                "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
                "Condition": conditions,
            }
        ]
    )


def _written(statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"Version": VERSION, "Statement": list(statements)}


def _statements(technology: str, place: Place, phases: Sequence[str]) -> list[dict[str, Any]]:
    grants = list(_grants(technology, phases))
    return [*_merged(grants, place, technology), *_passes(technology, place), *_keys(technology, place)]


def _grants(technology: str, phases: Sequence[str]) -> Iterator[_Grant]:
    drills_alone = declared()
    seen: set[_Grant] = set()
    for prefix, kind in (("", adapter(technology)), ("drill ", drill(technology))):
        for phase, actions in kind.actions.items():
            if phases and f"{prefix}{phase}" not in phases:
                continue
            for action in actions:
                for grant in _limited(action, kind, drills_alone[action]):
                    if grant not in seen:
                        seen.add(grant)
                        yield grant


def _limited(action: str, kind: Any, drills_alone: bool) -> Iterator[_Grant]:
    """What one action, and those that AWS checks along with it, may do."""
    row = REFERENCE[action]
    removed = [arn for arn in row.tagged if action in REMOVES and _type(arn) == REMOVES[action]]
    if drills_alone and isinstance(kind, Drill):
        yield _Grant(action, row.resources or ("*",), _json(_drilled(action, kind, row)))
    elif removed:
        for condition in (_ENABLED, _DRILL):
            yield _Grant(action, tuple(removed), _json(condition))
        rest = tuple(arn for arn in row.resources if arn not in removed)
        if rest:
            yield _Grant(action, rest)
    else:
        yield _Grant(action, row.resources or ("*",))
    service = action.partition(":")[0]
    for other in row.dependents:
        if other.startswith(f"{service}:"):
            yield _Grant(other, REFERENCE[other].resources or ("*",))
        elif other.startswith("ec2:"):
            anything = other.startswith("ec2:Describe") and other != "ec2:DescribeInstanceAttribute"
            yield _Grant(other, ("*",) if anything else _EC2, _json(_VIA))


def _drilled(action: str, kind: Drill, row: Row) -> Mapping[str, Any]:
    """What a drill makes must be tagged with it, and what it removes must be its own, where AWS can tell."""
    name = action.partition(":")[2].lower()
    touch = next((one for (_service, operation), one in kind.touches.items() if operation.replace("_", "") == name), None)
    if touch is None:
        return {}
    if touch.tags:
        return _MADE if row.request_tags else {}
    part_of_another = any(" " in path for path in touch.names)
    return _DRILL if row.resources and set(row.resources) == set(row.tagged) and not part_of_another else {}


def _type(arn: str) -> str:
    return arn.split(":", 5)[5].replace("/", ":").partition(":")[0]


def _json(condition: Mapping[str, Any]) -> str:
    return json.dumps(condition, sort_keys=True)


def _support() -> list[_Grant]:
    return [_Grant(action, REFERENCE[action].resources or ("*",)) for action in SUPPORT]


def _merged(grants: Iterable[_Grant], place: Place, technology: str) -> Iterator[dict[str, Any]]:
    """Statements: one for all actions with the same resources under the same condition."""
    together: dict[tuple[tuple[str, ...], str], list[str]] = defaultdict(list)
    for grant in grants:
        together[grant.resources, grant.condition].append(grant.action)
    for number, ((resources, condition), actions) in enumerate(sorted(together.items()), 1):
        statement: dict[str, Any] = {
            "Sid": f"{technology.capitalize()}{number}",
            "Effect": "Allow",
            "Action": sorted(set(actions)),
            "Resource": [place.arn(one) for one in resources],
        }
        limit = json.loads(condition)
        yield {**statement, "Condition": limit} if limit else statement


def _passes(technology: str, place: Place) -> Iterator[dict[str, Any]]:
    services = PASSED.get(technology)
    if services:
        yield {
            "Sid": f"{technology.capitalize()}Pass",
            "Effect": "Allow",
            "Action": ["iam:PassRole"],
            "Resource": place.passable,
            "Condition": {"StringEquals": {"iam:PassedToService": list(services)}},
        }


def _keys(technology: str, place: Place) -> Iterator[dict[str, Any]]:
    service = ENCRYPTED.get(technology)
    if service:
        yield {
            "Sid": f"{technology.capitalize()}Keys",
            "Effect": "Allow",
            "Action": [
                "kms:CreateGrant",
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey*",
                "kms:ReEncrypt*",
            ],
            "Resource": [place.arn("arn:{partition}:kms:*:{account}:key/*")],
            "Condition": {"StringLike": {"kms:ViaService": f"{service}.*.amazonaws.com"}},
        }
