# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quotas that are watched, as data: what FR-6.4 names, and what the adapters consume.

Codes and defaults: AWS General Reference and Service Quotas as collected in November 2026. A default is used only where AWS gives
neither the applied value nor its own default, and is marked as assumed. A quota whose code is not known is found by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Final

from ..model import TECHNOLOGIES
from . import usage
from .asking import Look

#: What can be asked for: the technologies, and EC2, in which several of them live.
WATCHED: Final = (*TECHNOLOGIES, "ec2")


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit.

    technology: whose it is. service, code, name: Service Quotas' own; code is empty where it is not known. default: AWS's.
    used: the look that counts. unit: what is counted. scope: region; account (counted in each region, and summed up over them);
    global (a service without regions). counted_in: what has the limit each, empty for the region. required: no quota of AWS, but
    a limit that the requirements name. kept: what AWS itself keeps free.
    """

    technology: str
    service: str
    code: str
    name: str
    default: float
    used: Callable[[], Look]
    unit: str = ""
    scope: str = "region"
    counted_in: str = ""
    required: bool = False
    kept: float = 0


REPLICATING: Final = "L-C1D14A2B"
DB_INSTANCES: Final = "L-7B6409FD"
DB_CLUSTERS: Final = "L-952B80B8"
FARGATE_VCPU: Final = "L-3032A538"
SERVICES: Final = "L-9EF96962"
CONCURRENCY: Final = "L-B99A9384"
CACHE_NODES: Final = "L-DFE45DF3"
MEMORYDB_NODES: Final = "Nodes per Region"
DOMAINS: Final = "L-076D529E"
GROUPS: Final = "L-CDE20ADC"
RULES: Final = "L-244521F2"
FILE_SYSTEMS: Final = "L-848C634D"
#: FSx's type -> the quota of file systems.
FSX: Final = {"WINDOWS": "L-5B89F9CE", "ONTAP": "L-C28C1403", "OPENZFS": "L-59D0763F", "LUSTRE": "L-FD6F2F22"}

QUOTAS: Final = (
    # AWS applies it per region (Service Quotas: GlobalQuota false); FR-6.4 counts it per account.
    Quota("drs", "drs", REPLICATING, "Replicating source servers", 300, usage.drs_replicating, "servers", "account"),
    Quota("drs", "drs", "L-E28BE5E0", "Total source servers", 4000, partial(usage.listed, usage.SERVERS), "servers"),
    Quota("drs", "drs", "L-D88FAC3A", "Concurrent jobs in progress", 20, usage.drs_jobs, "jobs"),
    Quota("drs", "drs", "L-05AFA8C6", "Source servers in all jobs", 500, usage.drs_servers_in_jobs, "servers"),
    Quota("rds", "rds", DB_INSTANCES, "DB instances", 40, partial(usage.listed, usage.INSTANCES), "instances"),
    Quota("aurora", "rds", DB_CLUSTERS, "DB clusters", 40, partial(usage.listed, usage.CLUSTERS), "clusters"),
    Quota("ecs", "fargate", FARGATE_VCPU, "Fargate On-Demand vCPU", 6, usage.fargate_vcpu, "vCPU"),
    Quota("ecs", "ecs", SERVICES, "Services per cluster", 5000, usage.ecs_services, "services", counted_in="cluster"),
    Quota("ecs", "ecs", "", "Tasks per cluster", 1000, usage.ecs_tasks, "tasks", counted_in="cluster", required=True),
    Quota("lambda", "lambda", CONCURRENCY, "Concurrent executions", 1000, usage.lambda_concurrency, "executions", kept=100),
    Quota("route53", "route53", "L-ACB674F3", "Health checks", 200, partial(usage.listed, usage.HEALTH_CHECKS), "checks", "global"),
    Quota("route53", "route53", "L-4EA4796A", "Hosted zones", 500, partial(usage.listed, usage.ZONES), "zones", "global"),
    Quota("route53", "route53", "L-E209CC9F", "Records per hosted zone", 10000, usage.records, "records", "global", "zone"),
    Quota("ec2", "ec2", "L-1216C47A", "On-Demand Standard vCPU", 5, partial(usage.ec2_vcpu, "L-1216C47A"), "vCPU"),
    Quota("ec2", "ec2", "L-DB2E81BA", "On-Demand G and VT vCPU", 0, partial(usage.ec2_vcpu, "L-DB2E81BA"), "vCPU"),
    Quota("ec2", "ec2", "L-74FC7D96", "On-Demand F vCPU", 0, partial(usage.ec2_vcpu, "L-74FC7D96"), "vCPU"),
    Quota("ec2", "ec2", "L-417A185B", "On-Demand P vCPU", 0, partial(usage.ec2_vcpu, "L-417A185B"), "vCPU"),
    Quota("ec2", "ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", 5, partial(usage.listed, usage.ADDRESSES), "addresses"),
    Quota("autoscaling", "autoscaling", GROUPS, "Auto Scaling groups per region", 500, usage.groups, "groups"),
    Quota("elasticache", "elasticache", CACHE_NODES, "Nodes per Region", 300, usage.cache_nodes, "nodes"),
    Quota("memorydb", "memorydb", "", MEMORYDB_NODES, 300, usage.memorydb_nodes, "nodes"),
    Quota("opensearch", "es", DOMAINS, "Domains per Region", 100, partial(usage.listed, usage.DOMAINS), "domains"),
    Quota("eventbridge", "events", RULES, "Number of rules", 100, usage.rules, "rules", counted_in="bus"),
    Quota(
        "efs", "elasticfilesystem", FILE_SYSTEMS, "File systems per account", 1000, partial(usage.listed, usage.EFS), "file systems"
    ),
    *(
        Quota("fsx", "fsx", code, f"{kind} file systems", 100, partial(usage.fsx_file_systems, kind), "file systems")
        for kind, code in FSX.items()
    ),
)


def chosen(technologies: Collection[str] = ()) -> tuple[Quota, ...]:
    """The quotas of some technologies; of all without any."""
    return tuple(one for one in QUOTAS if not technologies or one.technology in technologies)
