# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One file per technology; `adapter(technology)` finds it."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from .base import Adapter

#: Technology -> (module file, class). Imported on demand: a module of one technology ships only what it needs.
ADAPTERS = {
    "rds": ("rds_instance", "RdsInstance"),
    "ecs": ("ecs_service", "EcsService"),
    "route53": ("route53_record", "Route53Record"),
    "drs": ("drs_source_server", "DrsSourceServer"),
    "aurora": ("aurora_cluster", "AuroraCluster"),
    "lambda": ("lambda_function", "LambdaFunction"),
    "elasticache": ("elasticache_replication_group", "ElasticacheReplicationGroup"),
    "opensearch": ("opensearch_domain", "OpensearchDomain"),
    "autoscaling": ("autoscaling_group", "AutoscalingGroup"),
    "memorydb": ("memorydb_cluster", "MemorydbCluster"),
    "eventbridge": ("eventbridge_rule", "EventbridgeRule"),
    "efs": ("efs_file_system", "EfsFileSystem"),
    "fsx": ("fsx_file_system", "FsxFileSystem"),
}


@cache
def adapter(technology: str) -> Adapter:
    """The adapter of a technology (KeyError when there is none)."""
    file, name = ADAPTERS[technology]
    found: Adapter = getattr(import_module(f".{file}", __package__), name)()
    return found
