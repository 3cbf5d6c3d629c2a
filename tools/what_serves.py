"""What serves in the estate acme, read by plain boto3: databases that are primaries, services that run tasks, where names point.

python tools/what_serves.py [REGION …]      both regions when none is named
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import yaml

INVENTORY = Path(__file__).parent.parent / "inventories" / "acme.dr_aws.yml"


def sessions() -> Iterator[tuple[str, boto3.Session]]:
    """(account name, session) of every account of the inventory."""
    options = yaml.safe_load(INVENTORY.read_text())
    sts = boto3.client("sts", region_name=options["control_region"])
    for account in options["accounts"]:
        role = sts.assume_role(RoleArn=account["role_arn"], RoleSessionName="look", ExternalId=account["external_id"])
        keys = role["Credentials"]
        yield account["name"], boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


def databases(session: boto3.Session, region: str) -> tuple[int, int]:
    """(primaries, replicas) that are available."""
    found = [
        one
        for page in session.client("rds", region_name=region).get_paginator("describe_db_instances").paginate()
        for one in page["DBInstances"]
        if one["DBInstanceStatus"] == "available"
    ]
    replicas = sum(bool(one.get("ReadReplicaSourceDBInstanceIdentifier")) for one in found)
    return len(found) - replicas, replicas


def tasks(session: boto3.Session, region: str) -> tuple[int, int]:
    """(services that run something, tasks that run)."""
    ecs = session.client("ecs", region_name=region)
    running = []
    for cluster in ecs.list_clusters()["clusterArns"]:
        names = ecs.list_services(cluster=cluster)["serviceArns"]
        if not names:  # a drill room's
            continue
        running += [one["runningCount"] for one in ecs.describe_services(cluster=cluster, services=names)["services"]]
    return sum(count > 0 for count in running), sum(running)


def names(session: boto3.Session) -> Iterator[tuple[str, str]]:
    """(name, where it points) of every CNAME."""
    route53 = session.client("route53")
    for zone in route53.list_hosted_zones()["HostedZones"]:
        for record in route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]:
            if record["Type"] == "CNAME":
                yield record["Name"], record["ResourceRecords"][0]["Value"]


def main(regions: list[str]) -> None:
    """Prints a line per account and region, and a line per name."""
    opened: list[tuple[str, Any]] = list(sessions())
    for region in regions:
        for account, session in opened:
            primaries, replicas = databases(session, region)
            services, running = tasks(session, region)
            print(
                f"  {region}  {account:<14} {primaries} primary databases, {replicas} replicas, "
                f"{services} services running {running} tasks"
            )
    for account, session in opened:
        for name, value in names(session):
            print(f"  {account:<25} {name} -> {value}")


if __name__ == "__main__":
    main(sys.argv[1:] or ["us-east-1", "us-west-2"])
