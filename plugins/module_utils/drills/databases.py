# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the drills of RDS and Aurora read alike: DB subnet groups and snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..adapters.base import Reader
from ..model import Goal, Unreachable
from .base import prepared
from .restored import Snapshot


def network(reader: Reader, account: str, region: str, group: str) -> str | Unreachable | None:
    """The VPC of a DB subnet group; None when there is no such group."""
    absent = ("DBSubnetGroupNotFoundFault", "DBSubnetGroupNotFound")
    found = reader.read(account, region, "rds", "describe_db_subnet_groups", absent=absent, DBSubnetGroupName=group)
    return str(found["DBSubnetGroups"][0]["VpcId"]) if isinstance(found, Mapping) else found


def snapshot(shown: Mapping[str, Any], ident: str) -> Snapshot:
    """AWS's description of a snapshot of an instance or a cluster."""
    at = shown.get("SnapshotCreateTime")
    return Snapshot(
        ident,
        shown.get("Status", "unknown"),
        at.isoformat() if at else "",
        {one["Key"]: one.get("Value", "") for one in shown.get("TagList", ())},
        shown.get("Engine", ""),
        shown.get("EngineVersion", ""),
    )


def place(goal: Goal) -> tuple[str, str]:
    """The prepared DB subnet group, in words, and the command that makes it."""
    group, region = prepared(goal.pair, "db_subnet_group"), goal.pair.target_region
    make = f"aws rds create-db-subnet-group --region {region} --db-subnet-group-name {group} …"
    return f"the DB subnet group {group}", make
