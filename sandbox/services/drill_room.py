# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drill room of an account and region, as docs/drills.md has it: a network of its own, and what is prepared in it by name."""

from __future__ import annotations

import json
from typing import Any

from sandbox.gateway import Ctx, seed

#: The product's tag and name for what is prepared.
TAG, NAME, ZONE = "dr:drill-room", "dr-drill", "dr-drill.internal"
_SERVICES = ("backup", "ec2", "ecs-tasks", "events", "lambda")
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": [f"{service}.amazonaws.com" for service in _SERVICES]},
        }
    ],
}


@seed("drill_room", service="ec2")
def build(ctx: Ctx, spec: dict[str, Any]) -> dict[str, Any]:
    """{cidr}. A VPC without any way out, two subnets, a security group, and what has the room's name."""
    ec2 = ctx.client("ec2")
    block = spec.get("cidr", "10.99.0.0/16")
    vpc = ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"]
    zones = [one["ZoneName"] for one in ec2.describe_availability_zones()["AvailabilityZones"]][:2]
    prefix = block.rpartition(".0.")[0]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"{prefix}.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number, zone in enumerate(zones)
    ]
    group = ec2.create_security_group(GroupName=NAME, Description="copies in drills", VpcId=vpc)["GroupId"]
    ec2.create_tags(Resources=[*subnets, group], Tags=[{"Key": TAG, "Value": "true"}])
    prepare(ctx, vpc, subnets)
    return {"vpc": vpc, "subnets": subnets, "group": group}


def prepare(ctx: Ctx, vpc: str, subnets: list[str]) -> None:
    """Subnet groups (RDS, ElastiCache, MemoryDB), a directory, an ECS cluster, an event bus, a zone, a role and its profile."""
    ctx.client("rds").create_db_subnet_group(DBSubnetGroupName=NAME, DBSubnetGroupDescription=NAME, SubnetIds=subnets)
    ctx.client("elasticache").create_cache_subnet_group(
        CacheSubnetGroupName=NAME, CacheSubnetGroupDescription=NAME, SubnetIds=subnets
    )
    ctx.client("memorydb").create_subnet_group(SubnetGroupName=NAME, SubnetIds=subnets)
    ctx.client("ecs").create_cluster(clusterName=NAME)
    inside = {"VpcId": vpc, "SubnetIds": subnets}
    ctx.client("ds").create_microsoft_ad(Name=ZONE, Password="Sandbox-0", Edition="Standard", VpcSettings=inside)
    ctx.client("events").create_event_bus(Name=NAME)
    if f"{ZONE}." not in {one["Name"] for one in ctx.client("route53").list_hosted_zones()["HostedZones"]}:
        place = {"VPCRegion": ctx.region, "VPCId": vpc}
        private = {"PrivateZone": True}
        ctx.client("route53").create_hosted_zone(Name=ZONE, CallerReference=ZONE, VPC=place, HostedZoneConfig=private)
    if NAME not in {one["RoleName"] for one in ctx.client("iam").list_roles()["Roles"]}:
        ctx.client("iam").create_role(RoleName=NAME, AssumeRolePolicyDocument=json.dumps(TRUST))
        ctx.client("iam").create_instance_profile(InstanceProfileName=NAME)
        ctx.client("iam").add_role_to_instance_profile(InstanceProfileName=NAME, RoleName=NAME)
