# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes plugins/module_utils/iam_reference.py: what AWS says of the actions that adapters and drills declare.

The source is the copy of AWS's Service Authorization Reference that the IAM linter `parliament` carries. A test compares.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.policies import SUPPORT, declared

TARGET = Path(__file__).parent.parent / "plugins/module_utils/iam_reference.py"
#: Of a service's types of resource, those that are touched here. An action of which none is named here keeps all of its own.
USED: Mapping[str, tuple[str, ...]] = {
    "ec2": ("image", "instance", "launch-template", "network-interface", "security-group", "snapshot", "volume", "vpc"),
    "ecs": ("service", "task", "task-definition", "cluster", "container-instance"),
    "elasticache": (
        "cluster",
        "globalreplicationgroup",
        "parametergroup",
        "replicationgroup",
        "snapshot",
        "subnetgroup",
        "securitygroup",
    ),
    "elasticfilesystem": ("file-system",),
    "es": ("domain",),
    "events": ("rule-on-custom-event-bus", "rule-on-default-event-bus", "event-bus", "endpoint"),
    "fsx": ("backup", "file-system", "volume"),
    "iam": ("role",),
    "memorydb": ("acl", "cluster", "multiregioncluster", "parametergroup", "snapshot", "subnetgroup"),
    "rds": ("cluster", "cluster-pg", "cluster-snapshot", "db", "global-cluster", "og", "pg", "secgrp", "snapshot", "subgrp"),
}
#: Actions that this copy does not know yet: the replication of OpenSearch domains, taken to be of a domain, and Resource Explorer's
#: listing, taken to be of a view as its search is. Both are unverified.
_DOMAIN = "arn:{partition}:es:*:{account}:domain/*"
UNKNOWN = {
    "es:AddReplicationPeer": _DOMAIN,
    "es:DescribeDomainReplication": _DOMAIN,
    "es:FailoverReplication": _DOMAIN,
    "es:RemoveReplicationPeer": _DOMAIN,
    "es:SwitchoverReplication": _DOMAIN,
    "resource-explorer-2:ListResources": "arn:{partition}:resource-explorer-2:*:{account}:view/*",
}
#: A recovery point's ARN is of the service that holds it. Those of EFS are AWS Backup's own (AWS Backup developer guide, resource
#: ARNs), and have no tags of ours.
RECOVERY_POINT = ("arn:{partition}:backup:*:{account}:recovery-point:*",)
#: Left out of what is checked along: databases of tenants, which are not made here.
FOREIGN = "TenantDatabase"
#: An image may be another account's, whose repository then says who may read it.
ANY_ACCOUNT = frozenset({"ecr"})
HEAD = '''# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS's Service Authorization Reference says of actions in use and those checked along. Written by tools/iam_reference.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Row:
    """Of one action. resources: the ARNs it can be limited to, () for none. tagged: those of them whose tags it can be limited by.

    request_tags: whether it can be limited by the tags that a request gives. dependents: actions that AWS checks along with it.
    """

    resources: tuple[str, ...] = ()
    tagged: tuple[str, ...] = ()
    request_tags: bool = False
    dependents: tuple[str, ...] = ()


REFERENCE: Final[Mapping[str, Row]] = {
'''


def _arn(arn: str, prefix: str) -> str:
    """A pattern with the partition and the account left open, and nothing else said."""
    account = "*" if prefix in ANY_ACCOUNT else "{account}"
    found = arn.replace("${Partition}", "{partition}").replace("${Account}", account)
    while "${" in found:
        before, rest = found.split("${", 1)
        found = f"{before}*{rest.split('}', 1)[1]}"
    while "**" in found or "*/*" in found or "*:*:*" in found.split(":", 5)[-1]:
        found = found.replace("**", "*").replace("*/*", "*").replace("*:*:*", "*")
    return found


def _known() -> dict[str, tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    services = json.loads(files("parliament").joinpath("iam_definition.json").read_text(encoding="utf-8"))
    return {
        f"{service['prefix']}:{action['privilege']}".lower(): (
            service["prefix"],
            action,
            {one["resource"]: one for one in service["resources"]},
        )
        for service in services
        for action in service["privileges"]
    }


def _row(prefix: str, action: Mapping[str, Any], kinds: Mapping[str, Any]) -> Iterator[str]:
    listed = action["resource_types"]
    own = [one["resource_type"].rstrip("*") for one in listed if one["resource_type"]]
    used = [one for one in own if one in USED.get(prefix, ())] or own
    if used == ["recoveryPoint"]:
        yield f"resources={RECOVERY_POINT!r}"
        used = []
    arns = {one: _arn(kinds[one]["arn"], prefix) for one in used if one in kinds}
    if arns:
        yield f"resources={tuple(sorted(set(arns.values())))!r}"
    tagged = {arn for one, arn in arns.items() if any(key.startswith("aws:ResourceTag") for key in kinds[one]["condition_keys"])}
    if tagged:
        yield f"tagged={tuple(sorted(tagged))!r}"
    if any(key.startswith("aws:RequestTag") for one in listed for key in one["condition_keys"]):
        yield "request_tags=True"
    dependents = _dependents(action)
    if dependents:
        yield f"dependents={dependents!r}"


def _dependents(action: Mapping[str, Any]) -> tuple[str, ...]:
    found = {one for entry in action["resource_types"] for one in entry["dependent_actions"]}
    return tuple(sorted(one for one in found if FOREIGN not in one))


def render() -> str:
    """The whole file."""
    known = _known()
    lines = []
    wanted = {*declared(), *SUPPORT}
    for action in tuple(wanted):
        prefix, entry, _kinds = known.get(action.lower(), (action.partition(":")[0], {"resource_types": []}, {}))
        wanted.update(one for one in _dependents(entry) if one.startswith(f"{prefix}:"))
    for action in sorted(wanted):
        if action.lower() in known:  # IAM compares actions without regard to case
            lines.append(f'    "{action}": Row({", ".join(_row(*known[action.lower()]))}),')
        else:
            lines.append(f'    "{action}": Row(resources=({UNKNOWN[action]!r},)),')
    text = HEAD + "\n".join(lines) + "\n}\n"
    words = [str(Path(sys.executable).parent / "ruff"), "format", "--stdin-filename", str(TARGET), "-"]
    return subprocess.run(words, input=text, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
