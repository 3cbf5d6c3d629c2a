# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drills: one file per technology; `drill(technology)` finds it, `reconciler(operation)` what carries an operation out."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module

from ..adapters import adapter
from ..adapters.base import Adapter
from .base import Drill

#: Technology -> (module file, class).
DRILLS = {
    "rds": ("rds_instance", "RdsInstanceDrill"),
    "ecs": ("ecs_service", "EcsServiceDrill"),
    "route53": ("route53_record", "Route53RecordDrill"),
    "drs": ("drs_source_server", "DrsSourceServerDrill"),
    "aurora": ("aurora_cluster", "AuroraClusterDrill"),
    "lambda": ("lambda_function", "LambdaFunctionDrill"),
    "elasticache": ("elasticache_replication_group", "ElasticacheReplicationGroupDrill"),
    "opensearch": ("opensearch_domain", "OpensearchDomainDrill"),
    "autoscaling": ("autoscaling_group", "AutoscalingGroupDrill"),
    "memorydb": ("memorydb_cluster", "MemorydbClusterDrill"),
    "eventbridge": ("eventbridge_rule", "EventbridgeRuleDrill"),
    "efs": ("efs_file_system", "EfsFileSystemDrill"),
    "fsx": ("fsx_file_system", "FsxFileSystemDrill"),
}


@cache
def drill(technology: str) -> Drill:
    """The drill of a technology (KeyError when there is none)."""
    file, name = DRILLS[technology]
    found: Drill = getattr(import_module(f".{file}", __package__), name)()
    return found


def reconciler(operation: str) -> Callable[[str], Adapter]:
    """Technology -> what carries an operation out: its drill for `test`, its adapter for everything else."""
    return drill if operation == "test" else adapter
