# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of each quota is used, counted by describe calls. Each function is a look that gives {what it is counted in: number}.

The key is empty where a quota counts in the whole region; for a quota per cluster, bus or zone it is the name of each.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from .asking import Ask, Entries, Look, ask

#: Quota of running on-demand vCPU -> the prefixes of the instance families that it counts.
EC2_FAMILIES: Final = {
    "L-1216C47A": ("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"),
    "L-DB2E81BA": ("g", "gr", "vt"),
    "L-74FC7D96": ("f",),
    "L-417A185B": ("p",),
}
#: DescribeInstanceTypes and DescribeTasks and DescribeClusters take this many at once.
AT_ONCE: Final = 100
#: Lambda's peak is looked for in this many minutes.
LAMBDA_MINUTES: Final = 60


def ec2_quota(instance_type: str) -> str:
    """The code of the vCPU quota that an instance type counts in; empty for families with quotas that are not watched."""
    found = re.match("[a-z]+", instance_type)
    family = found[0] if found else ""
    return next((code for code, prefixes in EC2_FAMILIES.items() if family in prefixes), "")


def batches(values: Iterable[Any]) -> list[list[Any]]:
    """At most AT_ONCE each."""
    listed = list(values)
    return [listed[start : start + AT_ONCE] for start in range(0, len(listed), AT_ONCE)]


def listed(one: Ask) -> Look:
    """As many as a call lists."""
    (found,) = yield [one]
    return {"": len(found)}


# -- Elastic Disaster Recovery ----------------------------------------------------------------------------------------

SERVERS: Final = ask("drs", "describe_source_servers", "items", filters={})


def drs_replicating() -> Look:
    """Servers that replicate into this account: neither stopped nor disconnected, nor staged in another account."""
    (servers,) = yield [SERVERS]
    states = [
        one.get("dataReplicationInfo", {}).get("dataReplicationState", "")
        for one in servers
        if one.get("stagingArea", {}).get("status") != "EXTENDED"
    ]
    return {"": sum(state not in ("STOPPED", "DISCONNECTED") for state in states)}


def _open_jobs(jobs: Entries) -> Entries:
    return [job for job in jobs if job.get("status") in ("PENDING", "STARTED")]


JOBS: Final = ask("drs", "describe_jobs", "items", filters={})


def drs_jobs() -> Look:
    """Jobs that have not ended."""
    (jobs,) = yield [JOBS]
    return {"": len(_open_jobs(jobs))}


def drs_servers_in_jobs() -> Look:
    """Servers in jobs that have not ended."""
    (jobs,) = yield [JOBS]
    return {"": sum(len(job.get("participatingServers", ())) for job in _open_jobs(jobs))}


# -- databases and caches ---------------------------------------------------------------------------------------------

INSTANCES: Final = ask("rds", "describe_db_instances", "DBInstances")
CLUSTERS: Final = ask("rds", "describe_db_clusters", "DBClusters")
CACHES: Final = ask("elasticache", "describe_cache_clusters", "CacheClusters")
MEMORY: Final = ask("memorydb", "describe_clusters", "Clusters", ShowShardDetails=True)


def cache_nodes() -> Look:
    """ElastiCache nodes, of every engine."""
    (clusters,) = yield [CACHES]
    return {"": sum(one.get("NumCacheNodes", 1) for one in clusters)}


def memorydb_nodes() -> Look:
    """MemoryDB nodes."""
    (clusters,) = yield [MEMORY]
    return {"": sum(shard.get("NumberOfNodes", 1) for one in clusters for shard in one.get("Shards", ()))}


# -- containers and functions -----------------------------------------------------------------------------------------


def _clusters() -> Look:
    (arns,) = yield [ask("ecs", "list_clusters", "clusterArns")]
    described = yield [ask("ecs", "describe_clusters", "clusters", clusters=some) for some in batches(arns)]
    return [one for some in described for one in some]


def ecs_services() -> Look:
    """Services, cluster by cluster."""
    clusters = yield from _clusters()
    return {one["clusterName"]: one.get("activeServicesCount", 0) for one in clusters}


def ecs_tasks() -> Look:
    """Tasks that run or begin to, cluster by cluster."""
    clusters = yield from _clusters()
    return {one["clusterName"]: one.get("runningTasksCount", 0) + one.get("pendingTasksCount", 0) for one in clusters}


def fargate_vcpu() -> Look:
    """vCPU of the tasks that run on Fargate, on demand."""
    (arns,) = yield [ask("ecs", "list_clusters", "clusterArns")]
    listed = yield [ask("ecs", "list_tasks", "taskArns", cluster=arn, launchType="FARGATE") for arn in arns]
    wanted = [(arn, some) for arn, tasks in zip(arns, listed, strict=True) for some in batches(tasks)]
    described = yield [ask("ecs", "describe_tasks", "tasks", cluster=arn, tasks=some) for arn, some in wanted]
    tasks = [task for some in described for task in some if task.get("capacityProviderName") != "FARGATE_SPOT"]
    return {"": sum(int(task.get("cpu") or 0) for task in tasks) / 1024}


def lambda_concurrency() -> Look:
    """The largest of what is reserved and of what was claimed at once within the last hour (CloudWatch shows nothing for zero)."""
    end = datetime.fromtimestamp(int(time.time()) // 60 * 60, UTC)
    metric = {"Namespace": "AWS/Lambda", "MetricName": "ClaimedAccountConcurrency"}
    settings, claimed = yield [
        ask("lambda", "get_account_settings", ""),
        ask(
            "cloudwatch",
            "get_metric_data",
            "MetricDataResults",
            MetricDataQueries=[{"Id": "claimed", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}],
            StartTime=(end - timedelta(minutes=LAMBDA_MINUTES)).isoformat(),
            EndTime=end.isoformat(),
        ),
    ]
    limit = settings[0]["AccountLimit"]
    reserved = limit["ConcurrentExecutions"] - limit.get("UnreservedConcurrentExecutions", limit["ConcurrentExecutions"])
    return {"": max([reserved, *(value for one in claimed for value in one.get("Values", ()))])}


# -- machines ---------------------------------------------------------------------------------------------------------

ADDRESSES: Final = ask("ec2", "describe_addresses", "Addresses")
RUNNING: Final = ask(
    "ec2", "describe_instances", "Reservations", Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}]
)


def sizes(types: Iterable[str]) -> list[Ask]:
    """What gives the vCPU of instance types (`vcpus_of`)."""
    return [ask("ec2", "describe_instance_types", "InstanceTypes", InstanceTypes=some) for some in batches(sorted(set(types)))]


def vcpus_of(answers: Iterable[Entries]) -> dict[str, int]:
    """Instance type -> vCPU, from the answers to `sizes`."""
    return {one["InstanceType"]: int(one["VCpuInfo"]["DefaultVCpus"]) for some in answers for one in some}


def ec2_vcpu(code: str) -> Look:
    """vCPU of the on-demand instances that run, of the families of a quota."""
    (reservations,) = yield [RUNNING]
    instances = [one for some in reservations for one in some["Instances"] if one.get("InstanceLifecycle") != "spot"]
    counted = [one for one in instances if ec2_quota(one["InstanceType"]) == code]
    answers = yield sizes(one["InstanceType"] for one in counted if "CpuOptions" not in one)
    known, total = vcpus_of(answers), 0
    for one in counted:
        options = one.get("CpuOptions")
        total += options["CoreCount"] * options["ThreadsPerCore"] if options else known[one["InstanceType"]]
    return {"": total}


def groups() -> Look:
    """Auto Scaling groups."""
    (limits,) = yield [ask("autoscaling", "describe_account_limits", "")]
    return {"": limits[0]["NumberOfAutoScalingGroups"]}


# -- storage, search, events, names -----------------------------------------------------------------------------------

FSX: Final = ask("fsx", "describe_file_systems", "FileSystems")
EFS: Final = ask("efs", "describe_file_systems", "FileSystems")
DOMAINS: Final = ask("opensearch", "list_domain_names", "DomainNames")


def fsx_file_systems(kind: str) -> Look:
    """FSx file systems of a type."""
    (found,) = yield [FSX]
    return {"": Counter(one["FileSystemType"] for one in found)[kind]}


def rules() -> Look:
    """EventBridge rules, bus by bus."""
    (buses,) = yield [ask("events", "list_event_buses", "EventBuses")]
    names = [bus["Name"] for bus in buses]
    listed = yield [ask("events", "list_rules", "Rules", EventBusName=name) for name in names]
    return {name: len(some) for name, some in zip(names, listed, strict=True)}


ZONES: Final = ask("route53", "list_hosted_zones", "HostedZones")
HEALTH_CHECKS: Final = ask("route53", "list_health_checks", "HealthChecks")


def records() -> Look:
    """Records, zone by zone."""
    (found,) = yield [ZONES]
    return {one["Name"]: one.get("ResourceRecordSetCount", 0) for one in found}
