# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one side of a pair is, in a few words: one reader per technology, over plain boto3 and nothing of ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Side:
    """aws: service -> boto3 client in `region`. ident: the identifier that the inventory knows. name: as the estate has it."""

    aws: Callable[[str], Any]
    region: str
    ident: str
    name: str


def _tags(pairs: list[dict[str, str]]) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in pairs}


def ecs(side: Side) -> str:
    """`4/4 tasks, scales 2-10`, or `… held 0-10` while scaling is suspended."""
    cluster, _slash, name = side.ident.partition("/")
    if cluster not in {arn.rpartition("/")[2] for arn in side.aws("ecs").list_clusters()["clusterArns"]}:
        return "absent"
    found = side.aws("ecs").describe_services(cluster=cluster, services=[name])["services"]
    if not found:
        return "absent"
    tasks = f"{found[0]['runningCount']}/{found[0]['desiredCount']} tasks"
    wanted = {"ServiceNamespace": "ecs", "ResourceIds": [f"service/{side.ident}"]}
    scaling = [
        f"{'held' if all(one['SuspendedState'].values()) else 'scales'} {one['MinCapacity']}-{one['MaxCapacity']}"
        for one in side.aws("application-autoscaling").describe_scalable_targets(**wanted)["ScalableTargets"]
    ]
    return ", ".join([tasks, *scaling])


def route53(side: Side) -> str:
    """`answers` where the name points at the region."""
    zone, name, kind = side.ident.split("/")
    records = side.aws("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    (record,) = [one for one in records if (one["Name"].rstrip("."), one["Type"]) == (name, kind)]
    return "answers" if [side.region in one["Value"] for one in record["ResourceRecords"]] == [True] else "silent"


def rds(side: Side) -> str:
    """`writable`, `writable fenced`, `replica of <region>`; instances that were put aside follow a plus sign."""
    instances = side.aws("rds").describe_db_instances()["DBInstances"]
    ours = {one["DBInstanceIdentifier"]: one for one in instances if one["DBInstanceIdentifier"].startswith(side.ident)}
    return " + ".join(_database(side, one) for _name, one in sorted(ours.items())) or "absent"


def _database(side: Side, one: dict[str, Any]) -> str:
    if one["DBInstanceStatus"] != "available":
        return str(one["DBInstanceStatus"])
    origin = one.get("ReadReplicaSourceDBInstanceIdentifier", "")
    if origin:
        return f"replica of {origin.split(':')[3]}"
    named = [group["VpcSecurityGroupId"] for group in one["VpcSecurityGroups"]]
    groups = side.aws("ec2").describe_security_groups(GroupIds=named)["SecurityGroups"]
    fenced = "" if any(group["GroupName"] != "dr-aws-fence" for group in groups) else " fenced"
    aside = " put aside" if one["DBInstanceIdentifier"].startswith(f"{side.ident}-old-") else ""
    return f"writable{fenced}{aside}"


def drs(side: Side) -> str:
    """The machines of the server's name with their role, without a drill's, and what DRS in the region says of its replication."""
    wanted = [{"Name": "tag:Name", "Values": [side.name]}]
    reservations = side.aws("ec2").describe_instances(Filters=wanted)["Reservations"]
    machines = [
        (one["State"]["Name"], _tags(one["Tags"]).get("dr:role", "").partition(":")[0])
        for reservation in reservations
        for one in reservation["Instances"]
        if one["State"]["Name"] != "terminated" and "dr:drill-id" not in _tags(one["Tags"])
    ]
    servers = [
        (one["dataReplicationInfo"]["dataReplicationState"].lower(), f"from {one['sourceCloudProperties']['originRegion']}")
        for one in side.aws("drs").describe_source_servers()["items"]
        if one["sourceProperties"]["identificationHints"]["hostname"] == side.name
    ]
    return ", ".join(" ".join(filter(None, words)) for words in sorted(machines) + servers) or "absent"


def autoscaling(side: Side) -> str:
    """`3/3 in service, 2-6`, with `held` while alarms and schedules are suspended."""
    found = side.aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[side.ident])["AutoScalingGroups"]
    if not found:
        return "absent"
    (group,) = found
    serving = sum(one["LifecycleState"] == "InService" for one in group["Instances"])
    held = sorted(one["ProcessName"] for one in group["SuspendedProcesses"])
    state = {(): "", ("AlarmNotification", "ScheduledActions"): ", held"}.get(tuple(held), f", without {held}")
    return f"{serving}/{group['DesiredCapacity']} in service, {group['MinSize']}-{group['MaxSize']}{state}"


def eventbridge(side: Side) -> str:
    """`enabled, 1 target`."""
    bus, _slash, name = side.ident.rpartition("/")
    rule = side.aws("events").describe_rule(Name=name, EventBusName=bus)
    targets = side.aws("events").list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]
    there = all(f":{side.region}:" in one["Arn"] for one in targets)
    return f"{rule['State'].lower()}, {len(targets)} target{'' if there else ' elsewhere'}"


def lambda_(side: Side) -> str:
    """`reserved 50 (5 provisioned), polls orders`; `reserved 0` is a standby."""
    client = side.aws("lambda")
    if side.ident not in {one["FunctionName"] for one in client.list_functions()["Functions"]}:
        return "absent"
    reserved = client.get_function_concurrency(FunctionName=side.ident).get("ReservedConcurrentExecutions", "none")
    configs = client.list_provisioned_concurrency_configs(FunctionName=side.ident)["ProvisionedConcurrencyConfigs"]
    warm = sum(one["AvailableProvisionedConcurrentExecutions"] for one in configs)
    mappings = client.list_event_source_mappings(FunctionName=f"{side.ident}:live")["EventSourceMappings"]
    polled = sorted(one["EventSourceArn"].rpartition(":")[2] for one in mappings if one["State"] == "Enabled")
    return f"reserved {reserved} ({warm} provisioned), polls {', '.join(polled) or 'nothing'}"


def aurora(side: Side) -> str:
    """`writes, 1 instance` or `follows (connected), 1 instance`; snapshots that were kept by hand follow."""
    client = side.aws("rds")
    clusters = {one["DBClusterIdentifier"]: one for one in client.describe_db_clusters()["DBClusters"]}
    if side.ident not in clusters:
        return "absent"
    one = clusters[side.ident]
    worlds = client.describe_global_clusters()["GlobalClusters"]
    members = {member["DBClusterArn"]: member for world in worlds for member in world["GlobalClusterMembers"]}
    role, instances = "alone", len(one["DBClusterMembers"])
    if one["DBClusterArn"] in members:
        member = members[one["DBClusterArn"]]
        role = "writes" if member["IsWriter"] else f"follows ({member['SynchronizationStatus']})"
    wanted = {"DBClusterIdentifier": side.ident, "SnapshotType": "manual"}
    names = [one["DBClusterSnapshotIdentifier"] for one in client.describe_db_cluster_snapshots(**wanted)["DBClusterSnapshots"]]
    kept = ["snapshot kept" for name in names if not name.startswith("drill-")]
    return ", ".join([role, "1 instance" if instances == 1 else f"{instances} instances", *kept])


def elasticache(side: Side) -> str:
    """`primary, 2 nodes` or `secondary, 2 nodes`."""
    groups = side.aws("elasticache").describe_replication_groups()["ReplicationGroups"]
    found = [one for one in groups if one["ReplicationGroupId"] == side.ident]
    if not found:
        return "absent"
    role = found[0].get("GlobalReplicationGroupInfo", {}).get("GlobalReplicationGroupMemberRole", "alone").lower()
    return f"{role}, {len(found[0]['MemberClusters'])} nodes"


def memorydb(side: Side) -> str:
    """`member, marked 1`: which one production uses is a mark; `alone` for a cluster of one region."""
    client = side.aws("memorydb")
    found = [one for one in client.describe_clusters()["Clusters"] if one["Name"] == side.ident]
    if not found:
        return "absent"
    mark = _tags(client.list_tags(ResourceArn=found[0]["ARN"])["TagList"]).get("dr:epoch")
    kind = "member" if found[0].get("MultiRegionClusterName") else "alone"
    return f"{kind}, marked {mark}" if mark else kind


def opensearch(side: Side) -> str:
    """`primary (active), 2 nodes`, `secondary (active), 2 nodes`; `alone` without replication."""
    client = side.aws("opensearch")
    if side.ident not in {one["DomainName"] for one in client.list_domain_names()["DomainNames"]}:
        return "absent"
    nodes = client.describe_domain(DomainName=side.ident)["DomainStatus"]["ClusterConfig"]["InstanceCount"]
    found = client.describe_domain_replication(DomainName=side.ident)
    peers = ", ".join(one["Status"].lower() for one in found["Peers"])
    return f"{found.get('Role', '').lower()} ({peers}), {nodes} nodes" if peers else f"alone, {nodes} nodes"


def efs(side: Side) -> str:
    """`writable` or `copy of <region>`, then whether writers are denied, mount targets, and what AWS Backup keeps."""
    client = side.aws("efs")
    systems = client.describe_file_systems()["FileSystems"]
    if not systems:
        return "absent"
    found = next((one for one in systems if one["FileSystemId"] == side.ident), systems[0])  # a copy's id is AWS's choice
    ident = found["FileSystemId"]
    origins = {
        end["FileSystemId"]: one["SourceFileSystemRegion"]
        for one in client.describe_replication_configurations()["Replications"]
        for end in one["Destinations"]
    }
    words = [f"copy of {origins[ident]}" if ident in origins else "writable"]
    protection = found["FileSystemProtection"]["ReplicationOverwriteProtection"]
    words += [] if (protection == "REPLICATING") == (ident in origins) else [f"protection {protection}"]
    try:
        policy = client.describe_file_system_policy(FileSystemId=ident)["Policy"]
    except client.exceptions.PolicyNotFound:
        policy = ""
    words += ["denies writers"] if "DrAwsFence" in policy else []
    words.append("mountable" if client.describe_mount_targets(FileSystemId=ident)["MountTargets"] else "not mountable")
    words += ["backed up" for job in side.aws("backup").list_backup_jobs()["BackupJobs"] if job["State"] == "COMPLETED"]
    return ", ".join(words)


def fsx(side: Side) -> str:
    """`available, 1 backup`; `fenced` without a way in, `put aside` when discovery shall not find it. Restoring gives new ids.

    What a drill made is none of it.
    """
    client = side.aws("fsx")
    backups = client.describe_backups()["Backups"]
    words = []
    for one in client.describe_file_systems()["FileSystems"]:
        if "dr:drill-id" in _tags(one["Tags"]):
            continue
        wanted = {"NetworkInterfaceIds": one["NetworkInterfaceIds"]}
        interfaces = side.aws("ec2").describe_network_interfaces(**wanted)["NetworkInterfaces"]
        fenced = all(group["GroupName"] == "dr-aws-fence" for each in interfaces for group in each["Groups"])
        aside = _tags(one["Tags"]).get("dr:enabled") == "false"
        words.append(one["Lifecycle"].lower() + (" fenced" if fenced else "") + (" put aside" if aside else ""))
    kept = sum(one["Lifecycle"] == "AVAILABLE" for one in backups)
    return ", ".join([*sorted(words), "1 backup" if kept == 1 else f"{kept} backups"])


READERS: dict[str, Callable[[Side], str]] = {
    "aurora": aurora,
    "autoscaling": autoscaling,
    "drs": drs,
    "ecs": ecs,
    "efs": efs,
    "elasticache": elasticache,
    "eventbridge": eventbridge,
    "fsx": fsx,
    "lambda": lambda_,
    "memorydb": memorydb,
    "opensearch": opensearch,
    "rds": rds,
    "route53": route53,
}
