# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS services over the real engine and the sandbox, end states read by plain boto3."""

from __future__ import annotations

from typing import Any

import pytest
from flow import Flow

from ansible_collections.dr.aws.plugins.module_utils.adapters.ecs_service import EcsService
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Pair

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"
ROLE = {ACCOUNT: (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", "shop")}
ECR = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/shop/api:1"
SUSPENSIONS = {"DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"}


def estate(**spec: Any) -> dict[str, Any]:
    service = {"name": "api", "cluster": "apps", "desired": 4, "min": 2, "max": 10, "image": ECR, "target_group": True}
    peer = {"region": WEST, "cluster": "apps", "desired": 0}
    resource = {"kind": "ecs_service", "account": "web", "region": EAST, "tags": {"dr:wave": "1"}, **service, "peer": peer, **spec}
    return {
        "name": "shop",
        "control_region": WEST,
        "regions": [EAST, WEST],
        "tags": {"dr:enabled": "true", "Customer": "shop", "Environment": "production"},
        "accounts": [
            {"id": "100000000000", "name": "management", "management": True},
            {"id": ACCOUNT, "name": "web", "roles": [{"name": "dr-automation", "external_id": "shop"}]},
        ],
        "resources": [{key: value for key, value in resource.items() if value is not None}],
    }


def pair(name: str = "apps/api", **settings: Any) -> Pair:
    return Pair(name, "ecs", ACCOUNT, EAST, WEST, name, name, settings=settings)


def flow(sandbox: Any, spec: dict[str, Any] | None = None, **settings: Any) -> Flow:
    sandbox.load(estate(**(spec or {})))
    return Flow(sandbox, [pair(**settings)], ROLE)


def service(sandbox: Any, region: str) -> dict[str, Any]:
    client = sandbox.client("ecs", region, ACCOUNT)
    (found,) = client.describe_services(cluster="apps", services=["api"], include=["TAGS"])["services"]
    return dict(found)


def counts(sandbox: Any, region: str) -> tuple[int, int, int]:
    found = service(sandbox, region)
    return found["desiredCount"], found["runningCount"], found["pendingCount"]


def scaling(sandbox: Any, region: str) -> tuple[int, int, bool]:
    client = sandbox.client("application-autoscaling", region, ACCOUNT)
    (target,) = client.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=["service/apps/api"])["ScalableTargets"]
    state = target["SuspendedState"]
    assert len({state[name] for name in SUSPENSIONS}) == 1, "all three kinds of scaling are suspended together"
    return target["MinCapacity"], target["MaxCapacity"], state["ScheduledScalingSuspended"]


def names(result: Any) -> list[str]:
    return [f"{call['operation']}@{call['region']}" for call in result.calls]


def repeated(one: Flow, phase: str, mode: str) -> None:
    """A second run and check mode find nothing to do, and send nothing."""
    before = len(one.mutations())
    for check in (False, True):
        result = one.one(phase, mode, check=check)
        assert (result.status, result.calls) == ("done", ()), result
    assert len(one.mutations()) == before


def test_planned_failover_and_back(sandbox: Any) -> None:
    there = flow(sandbox)
    there.capture()
    for one, source, target in ((there, EAST, WEST), (there.home(), WEST, EAST)):
        assert one.one("instantiate").status == "done"
        activated = one.one("activate")
        assert (activated.status, activated.outputs["running_count"]) == ("done", 4), activated
        assert names(activated) == [f"tag_resource@{target}", f"update_service@{target}", f"register_scalable_target@{target}"]
        assert counts(sandbox, target) == (4, 4, 0)
        assert scaling(sandbox, target) == (2, 10, False)
        repeated(one, "activate", "planned")
        assert names(one.one("cleanup")) == [f"register_scalable_target@{source}", f"update_service@{source}"]
        assert counts(sandbox, source) == (0, 0, 0)
        assert scaling(sandbox, source) == (0, 10, True)
        repeated(one, "cleanup", "planned")
        assert one.one("replicate").status == "done"
        assert one.one("replicate").outputs["role"] == "standby"
        repeated(one, "replicate", "planned")
        repeated(one, "instantiate", "planned")
        repeated(one, "activate", "planned")
        assert counts(sandbox, target) == (4, 4, 0)


def test_unplanned_failover_with_the_source_dark_and_its_return(sandbox: Any) -> None:
    one = flow(sandbox)
    one.capture()
    sandbox.dark(EAST)
    assert one.one("instantiate", "unplanned").status == "done"
    activated = one.one("activate", "unplanned")
    assert (activated.status, activated.outputs["fencing"]) == ("done", "deferred"), activated
    assert counts(sandbox, WEST) == (4, 4, 0)
    assert scaling(sandbox, WEST) == (2, 10, False)
    repeated(one, "activate", "unplanned")
    assert one.one("cleanup", "unplanned").status == "deferred"
    assert one.one("replicate", "unplanned").status == "deferred"
    assert {call["region"] for call in one.mutations()} == {WEST}

    sandbox.clear_faults()
    one.clock.sleep(120)  # until the breaker asks the region again
    assert counts(sandbox, EAST) == (4, 4, 0), "the old side runs as well: the mark decides which one serves"
    assert one.one("cleanup", "unplanned").status == "done"
    assert one.one("replicate", "unplanned").status == "done"
    assert counts(sandbox, EAST) == (0, 0, 0)
    assert counts(sandbox, WEST) == (4, 4, 0)


def test_planned_mode_refuses_a_dark_source(sandbox: Any) -> None:
    one = flow(sandbox)
    sandbox.dark(EAST)
    assert one.one("activate").status == "blocked"
    assert one.mutations() == []


def test_check_mode_says_the_first_call_and_sends_none(sandbox: Any) -> None:
    one = flow(sandbox)
    result = one.one("activate", check=True)
    assert result.status == "would_change"
    assert names(result) == ["tag_resource@us-west-2"]
    assert one.mutations() == []


def test_a_standby_is_made_from_nothing_and_follows_production(sandbox: Any) -> None:
    one = flow(
        sandbox, {"peer": None, "target_group": None}, regions={WEST: {"subnets": ["subnet-1"], "security_groups": ["sg-1"]}}
    )
    blocked = one.one("instantiate")
    assert (blocked.status, "create-cluster" in blocked.remedy) == ("blocked", True)
    sandbox.client("ecs", WEST, ACCOUNT).create_cluster(clusterName="apps")
    blocked = one.one("instantiate")
    assert blocked.status == "blocked", "the image is not in the target's registry"
    assert "no task could start" in blocked.why
    sandbox.seed(kind="ecs_service", account=ACCOUNT, region=WEST, name="other", image=ECR.replace(EAST, WEST), desired=0)

    made = one.one("instantiate")
    assert made.status == "done", made
    assert names(made) == [
        "register_task_definition@us-west-2",
        "create_service@us-west-2",
        "register_scalable_target@us-west-2",
        "put_scaling_policy@us-west-2",
        "register_scalable_target@us-west-2",
    ]
    standby = service(sandbox, WEST)
    assert counts(sandbox, WEST) == (0, 0, 0)
    assert scaling(sandbox, WEST) == (0, 10, True)
    assert standby["networkConfiguration"]["awsvpcConfiguration"]["subnets"] == ["subnet-1"]
    assert {"key": "Customer", "value": "shop"} in standby["tags"]
    assert not [tag for tag in standby["tags"] if tag["key"] == "dr:enabled"], "a standby is not a second resource"
    repeated(one, "instantiate", "planned")

    east = sandbox.client("ecs", EAST, ACCOUNT)
    definition = east.describe_task_definition(taskDefinition="api")["taskDefinition"]
    kept = {name: definition[name] for name in ("family", "networkMode", "requiresCompatibilities", "memory")}
    new = east.register_task_definition(**kept, cpu="512", containerDefinitions=definition["containerDefinitions"])
    east.update_service(cluster="apps", service="api", taskDefinition=new["taskDefinition"]["taskDefinitionArn"])
    sandbox.advance(120)
    followed = one.one("instantiate")
    assert names(followed) == [f"{name}@us-west-2" for name in ("register_task_definition", "update_service", "tag_resource")]
    assert service(sandbox, WEST)["taskDefinition"].endswith("api:2")
    repeated(one, "instantiate", "planned")


def test_a_crash_between_scaling_and_its_policies_is_made_good(sandbox: Any) -> None:
    one = flow(sandbox)
    client = sandbox.client("application-autoscaling", WEST, ACCOUNT)
    where = {"ServiceNamespace": "ecs", "ResourceId": "service/apps/api", "ScalableDimension": "ecs:service:DesiredCount"}
    client.deregister_scalable_target(**where)
    client.register_scalable_target(**where, MinCapacity=0, MaxCapacity=0, SuspendedState=dict.fromkeys(SUSPENSIONS, True))
    assert names(one.one("instantiate")) == ["put_scaling_policy@us-west-2", "register_scalable_target@us-west-2"]
    assert [policy["PolicyName"] for policy in client.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]] == [
        "cpu"
    ]


def test_tasks_that_cannot_start_end_the_wait(sandbox: Any) -> None:
    one = flow(sandbox, {"peer": {"region": WEST, "cluster": "apps", "desired": 0, "tasks": "fail"}})
    result = one.one("activate")
    assert result.status == "blocked", result
    assert "CannotPullContainerError" in result.why
    assert "--force-new-deployment" in result.remedy
    assert result.seconds < 300, "fail fast: long before the timeout"
    seen = EcsService().observe(one.cloud, one.pairs)["apps/api"]
    assert EcsService().active(seen) is Active.SOURCE
    assert one.one("cleanup").status == "blocked"
    assert counts(sandbox, EAST) == (4, 4, 0)


def test_one_bad_start_is_survived(sandbox: Any) -> None:
    one = flow(sandbox, {"desired": 2, "peer": {"region": WEST, "cluster": "apps", "desired": 0, "tasks": "fail-once"}})
    assert one.one("activate").status == "done"
    assert counts(sandbox, WEST) == (2, 2, 0)


def test_a_repaired_service_is_activated_by_the_same_command(sandbox: Any) -> None:
    one = flow(sandbox, {"peer": {"region": WEST, "cluster": "apps", "desired": 0, "tasks": "fail"}})
    assert one.one("activate").status == "blocked"
    client = sandbox.client("ecs", WEST, ACCOUNT)
    client.untag_resource(resourceArn=service(sandbox, WEST)["serviceArn"], tagKeys=["sim:tasks"])
    client.update_service(cluster="apps", service="api", forceNewDeployment=True)
    assert one.one("activate").status == "done"
    assert counts(sandbox, WEST) == (4, 4, 0)


def test_workers_stop_in_the_source_before_they_start_in_the_target(sandbox: Any) -> None:
    one = flow(sandbox, stop_source_first=True)
    assert one.one("activate").status == "blocked", "their number would be lost with them"
    one.capture()
    activated = one.one("activate")
    assert activated.status == "done", activated
    assert [name.split("@")[1] for name in names(activated)] == [EAST, EAST, WEST, WEST, WEST]
    assert counts(sandbox, EAST) == (0, 0, 0)
    assert counts(sandbox, WEST) == (4, 4, 0)


@pytest.mark.parametrize("cleaned", [False, True])
def test_rollback_after_activation(sandbox: Any, cleaned: bool) -> None:
    one = flow(sandbox)
    one.capture()
    assert one.one("activate").status == "done"
    if cleaned:
        assert one.one("cleanup").status == "done"
    assert one.one("rollback").status == "done"
    assert counts(sandbox, EAST) == (4, 4, 0)
    assert scaling(sandbox, EAST) == (2, 10, False)
    assert counts(sandbox, WEST) == (0, 0, 0)
    assert scaling(sandbox, WEST) == (0, 10, True)
    repeated(one, "rollback", "planned")
    repeated(one, "instantiate", "planned")


def test_many_services_are_read_in_bulk(sandbox: Any) -> None:
    sandbox.load(estate())
    for number in range(45):
        sandbox.seed(
            kind="ecs_service",
            account=ACCOUNT,
            region=EAST,
            name=f"s{number:02d}",
            cluster="apps",
            peer={"region": WEST, "desired": 0},
        )
    one = Flow(sandbox, [pair(f"apps/s{number:02d}") for number in range(45)], ROLE)
    first = len(sandbox.calls())
    EcsService().observe(one.cloud, one.pairs)
    reads = [call["operation"] for call in sandbox.calls(since=first) if call["service"] != "sts"]
    assert sorted(reads) == ["DescribeScalableTargets"] * 2 + ["DescribeServices"] * 10
    results = one.run("activate")
    assert {result.status for result in results.values()} == {"done"}


def test_what_is_called_is_declared_and_what_is_declared_is_called(sandbox: Any) -> None:
    test_a_standby_is_made_from_nothing_and_follows_production(sandbox)
    rows = list(sandbox.calls())
    test_tasks_that_cannot_start_end_the_wait(sandbox)
    rows += sandbox.calls()
    test_planned_failover_and_back(sandbox)
    rows += sandbox.calls()
    actions = {"elbv2": "elasticloadbalancing"}
    called = {f"{actions.get(row['service'], row['service'])}:{row['operation']}" for row in rows if row["service"] != "sts"}
    declared = {action for actions in EcsService.actions.values() for action in actions}
    assert called == declared


def test_a_run_that_dies_after_every_call_does_nothing_twice(sandbox: Any) -> None:
    one = flow(sandbox, {"peer": None, "target_group": None}, regions={WEST: {"subnets": ["subnet-1"]}})
    sandbox.seed(
        kind="ecs_service", account=ACCOUNT, region=WEST, name="x", cluster="apps", image=ECR.replace(EAST, WEST), desired=0
    )
    one.capture()
    for phase in ("instantiate", "activate", "cleanup", "replicate"):
        assert one.survive(phase).status == "done"
    assert [call["operation"] for call in one.mutations()] == [
        "RegisterTaskDefinition",
        "CreateService",
        "RegisterScalableTarget",
        "PutScalingPolicy",
        "RegisterScalableTarget",
        "TagResource",
        "UpdateService",
        "RegisterScalableTarget",
        "RegisterScalableTarget",
        "UpdateService",
        "TagResource",
    ]
    assert (counts(sandbox, WEST), counts(sandbox, EAST)) == ((4, 4, 0), (0, 0, 0))


# -- the sandbox itself -----------------------------------------------------------------------------------------------


def test_sandbox_tasks_take_their_time(sandbox: Any) -> None:
    sandbox.load(estate())
    client = sandbox.client("ecs", WEST, ACCOUNT)
    client.update_service(cluster="apps", service="api", desiredCount=3)
    assert counts(sandbox, WEST) == (3, 0, 3)
    arns = client.list_tasks(cluster="apps", serviceName="api")["taskArns"]
    assert {task["lastStatus"] for task in client.describe_tasks(cluster="apps", tasks=arns)["tasks"]} == {"PROVISIONING"}
    sandbox.advance(10)
    assert {task["lastStatus"] for task in client.describe_tasks(cluster="apps", tasks=arns)["tasks"]} == {"PENDING"}
    sandbox.advance(30)
    assert counts(sandbox, WEST) == (3, 3, 0)
    client.update_service(cluster="apps", service="api", desiredCount=1)
    assert counts(sandbox, WEST) == (1, 3, 0)
    sandbox.advance(20)
    assert counts(sandbox, WEST) == (1, 1, 0)
    assert len(client.list_tasks(cluster="apps", serviceName="api", desiredStatus="STOPPED")["taskArns"]) == 2
    (cluster,) = client.describe_clusters(clusters=["apps"])["clusters"]
    assert (cluster["activeServicesCount"], cluster["runningTasksCount"]) == (1, 1)


def test_sandbox_refuses_as_aws_does(sandbox: Any, aws_code: Any) -> None:
    sandbox.load(estate())
    client = sandbox.client("ecs", WEST, ACCOUNT)
    assert client.describe_services(cluster="apps", services=["no"])["failures"][0]["reason"] == "MISSING"
    assert aws_code(client.describe_services, cluster="no", services=["api"]) == "ClusterNotFoundException"
    assert aws_code(client.describe_services, cluster="apps", services=["x"] * 11) == "InvalidParameterException"
    assert aws_code(client.update_service, cluster="apps", service="no", desiredCount=1) == "ServiceNotFoundException"
    made = {"cluster": "apps", "serviceName": "api", "taskDefinition": "api"}
    assert aws_code(client.create_service, **made, desiredCount=0) == "InvalidParameterException"
    client.update_service(cluster="apps", service="api", desiredCount=1)
    assert aws_code(client.delete_service, cluster="apps", service="api") == "InvalidParameterException"
    client.delete_service(cluster="apps", service="api", force=True)
    assert aws_code(client.create_service, **made, desiredCount=0) == "InvalidParameterException"
    sandbox.advance(120)
    assert aws_code(client.update_service, cluster="apps", service="api", desiredCount=1) == "ServiceNotActiveException"
    with pytest.raises(client.exceptions.ClientException):
        client.describe_task_definition(taskDefinition="no")


def test_sandbox_registering_a_target_clamps_what_runs(sandbox: Any) -> None:
    sandbox.load(estate())
    client = sandbox.client("application-autoscaling", WEST, ACCOUNT)
    where = {"ServiceNamespace": "ecs", "ResourceId": "service/apps/api", "ScalableDimension": "ecs:service:DesiredCount"}
    client.register_scalable_target(**where, MinCapacity=2, MaxCapacity=10)
    assert counts(sandbox, WEST) == (2, 0, 2)


def test_sandbox_circuit_breaker_watches_deployments_only(sandbox: Any) -> None:
    sandbox.load(estate(peer={"region": WEST, "cluster": "apps", "desired": 0, "tasks": "fail"}))
    client = sandbox.client("ecs", WEST, ACCOUNT)
    client.update_service(cluster="apps", service="api", desiredCount=2)
    sandbox.advance(600)
    (scaled,) = service(sandbox, WEST)["deployments"]
    assert (scaled["rolloutState"], scaled["failedTasks"] >= 3) == ("COMPLETED", True)
    assert "unable to consistently start tasks" in " ".join(event["message"] for event in service(sandbox, WEST)["events"])
    client.update_service(cluster="apps", service="api", forceNewDeployment=True)
    sandbox.advance(600)
    assert service(sandbox, WEST)["deployments"][0]["rolloutState"] == "FAILED"
    arns = client.list_tasks(cluster="apps", serviceName="api", desiredStatus="STOPPED")["taskArns"]
    (reason,) = {task["stopCode"] for task in client.describe_tasks(cluster="apps", tasks=arns[:5])["tasks"]}
    assert reason == "TaskFailedToStart"
