# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapters against moto as it is, without the sandbox's corrections: a second opinion on what calls mean."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult
from moto.server import ThreadedMotoServer

from ansible_collections.dr.aws.plugins.module_utils.accounts import Account, Accounts, AwsReader, Breaker
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine, Result
from ansible_collections.dr.aws.plugins.module_utils.model import Goal, Pair
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"


class Jumping:
    """The engine's clock; moto has no time to pass."""

    elapsed = 0.0

    def now(self) -> float:
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        self.elapsed += seconds


class Moto:
    """A moto server, and the engine on one pair of an account in it."""

    def __init__(self) -> None:
        self.clock = Jumping()
        accounts = Accounts([Account(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:role/dr", None)], WEST, "dr-test")
        self.cloud = AwsReader(accounts, Breaker(now=self.clock.now))
        credentials = boto3.client("sts", region_name=WEST).assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/dr", RoleSessionName="test"
        )["Credentials"]
        self.session = boto3.Session(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])

    def client(self, service: str, region: str) -> Any:
        return self.session.client(service, region_name=region)

    def run(self, phase: str, pair: Pair) -> Result:
        goal = Goal(pair, execution_id="dr-test")
        return Engine(self.cloud, MemoryJournal(), clock=self.clock).run(phase, [goal])[pair.key]


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[Moto]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": WEST,
    }.items():
        monkeypatch.setenv(name, value)
    # Its state is the process's: what other tests left is not this one's.
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")).close()
    try:
        yield Moto()
    finally:
        server.stop()


def phases(moto: Moto, pair: Pair) -> None:
    """Every phase ends, and the second time without a call."""
    for phase in ("instantiate", "activate", "cleanup", "replicate"):
        first, second = moto.run(phase, pair), moto.run(phase, pair)
        assert (first.status, second.status, second.calls) == ("done", "done", ()), (phase, first, second)


def test_ecs_service(moto: Moto) -> None:
    for region, desired in ((EAST, 3), (WEST, 0)):
        ecs = moto.client("ecs", region)
        ecs.create_cluster(clusterName="apps")
        ecs.register_task_definition(family="api", containerDefinitions=[{"name": "api", "image": "nginx", "memory": 64}])
        ecs.create_service(cluster="apps", serviceName="api", taskDefinition="api", desiredCount=desired)
    phases(moto, Pair("apps/api", "ecs", ACCOUNT, EAST, WEST, "apps/api", "apps/api"))
    counts = {
        region: moto.client("ecs", region).describe_services(cluster="apps", services=["api"])["services"][0]["runningCount"]
        for region in (EAST, WEST)
    }
    assert counts == {EAST: 0, WEST: 3}


def test_autoscaling_group(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto has no instance refreshes, and without an answer nothing is stopped: it is given that of a group that has none."""
    none = ActionResult({"InstanceRefreshes": []})
    monkeypatch.setattr(AutoScalingResponse, "describe_instance_refreshes", lambda _self: none, raising=False)
    for region, desired in ((EAST, 2), (WEST, 0)):
        ec2, group = moto.client("ec2", region), moto.client("autoscaling", region)
        image = ec2.register_image(Name="base", RootDeviceName="/dev/xvda")["ImageId"]
        ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"ImageId": image, "InstanceType": "t3.micro"})
        group.create_auto_scaling_group(
            AutoScalingGroupName="web",
            MinSize=desired,
            MaxSize=4,
            DesiredCapacity=desired,
            LaunchTemplate={"LaunchTemplateName": "web", "Version": "1"},
            AvailabilityZones=[f"{region}a"],
        )
    phases(moto, Pair("web", "autoscaling", ACCOUNT, EAST, WEST, "web", "web"))
    sizes = {
        region: len(moto.client("autoscaling", region).describe_auto_scaling_groups()["AutoScalingGroups"][0]["Instances"])
        for region in (EAST, WEST)
    }
    assert sizes == {EAST: 0, WEST: 2}


def test_route53_record(moto: Moto) -> None:
    client = moto.client("route53", WEST)
    zone = client.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"].rpartition("/")[2]
    record = {"Name": "www.example.com", "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "east.example.net"}]}
    client.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )
    ident = f"{zone}/www.example.com/CNAME"
    values = {EAST: ["east.example.net"], WEST: ["west.example.net"]}
    pair = Pair("www", "route53", ACCOUNT, EAST, WEST, ident, ident, settings={"values": values})
    for phase, wanted in (("activate", "west.example.net"), ("rollback", "east.example.net")):
        first, second = moto.run(phase, pair), moto.run(phase, pair)
        assert (first.status, second.status, second.calls) == ("done", "done", ()), (phase, first, second)
        listed = client.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        assert [one["ResourceRecords"] for one in listed if one["Type"] == "CNAME"] == [[{"Value": wanted}]]


def test_eventbridge_rule(moto: Moto) -> None:
    for region, state in ((EAST, "ENABLED"), (WEST, "DISABLED")):
        events = moto.client("events", region)
        events.put_rule(Name="nightly", ScheduleExpression="rate(1 day)", State=state)
        events.put_targets(Rule="nightly", Targets=[{"Id": "1", "Arn": f"arn:aws:sqs:{region}:{ACCOUNT}:q"}])
    pair = Pair("nightly", "eventbridge", ACCOUNT, EAST, WEST, "default/nightly", "default/nightly")
    for phase in ("activate", "cleanup", "replicate"):
        first, second = moto.run(phase, pair), moto.run(phase, pair)
        assert (first.status, second.status, second.calls) == ("done", "done", ()), (phase, first, second)
    states = {region: moto.client("events", region).describe_rule(Name="nightly")["State"] for region in (EAST, WEST)}
    assert states == {EAST: "DISABLED", WEST: "ENABLED"}
