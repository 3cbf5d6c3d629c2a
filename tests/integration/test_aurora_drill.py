# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Aurora drill beside a global database: what the matrix of drills does not look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flow import Flow

from ansible_collections.dr.aws.plugins.module_utils.drills import drill
from ansible_collections.dr.aws.plugins.module_utils.model import Pair

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
ROLE = (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", None)
PAIR = Pair("orders", "aurora", ACCOUNT, EAST, WEST, "orders", "orders-west", settings={"drill_id": "quarterly"})


def drilled(sandbox: Any, **spec: Any) -> Flow:
    """A drill of a global database's standby; captured as readiness does."""
    peer = {"region": WEST, "name": "orders-west", **spec.pop("peer", {})}
    sandbox.load(
        {
            "name": "shop",
            "control_region": WEST,
            "regions": [EAST, WEST],
            "accounts": [{"id": ACCOUNT, "name": "shop", "management": True, "roles": [{"name": "dr-automation"}]}],
            "resources": [
                {"kind": "aurora_global", "account": ACCOUNT, "region": EAST, "name": "orders", "tags": None, "peer": peer, **spec}
            ],
        }
    )
    sandbox.seed(kind="drill_room", account=ACCOUNT, region=WEST)
    flow = Flow(sandbox, [PAIR], {ACCOUNT: ROLE})
    flow.capture()
    return Flow(sandbox, [PAIR], {ACCOUNT: ROLE}, flow.captured, reconciler=drill)


def standby(rds: Any) -> dict[str, Any]:
    """The standby and its global database, without the times that moto takes from the wall."""
    (found,) = rds.describe_db_clusters(DBClusterIdentifier="orders-west")["DBClusters"]
    shown = {key: value for key, value in found.items() if not key.endswith("RestorableTime")}
    return {**shown, "worlds": rds.describe_global_clusters()["GlobalClusters"]}


def test_a_headless_standby_is_copied_with_the_class_that_was_captured(sandbox: Any) -> None:
    flow = drilled(sandbox, instance_class="db.r6g.2xlarge", peer={"instances": 0})
    rds = sandbox.inside("rds", WEST, ACCOUNT)
    made = flow.one("instantiate")
    assert made.status == "done", made
    (node,) = rds.describe_db_instances()["DBInstances"]
    assert (node["DBInstanceClass"], node["DBClusterIdentifier"]) == ("db.r6g.2xlarge", made.outputs["copy"])


def test_the_copy_is_alone_in_the_room_and_encrypted_as_the_standby_is(sandbox: Any) -> None:
    flow = drilled(sandbox, encrypted=True, protected=True)
    rds = sandbox.inside("rds", WEST, ACCOUNT)
    before = standby(rds)
    made = flow.one("instantiate")
    (copy,) = rds.describe_db_clusters(DBClusterIdentifier=made.outputs["copy"])["DBClusters"]
    assert (copy["KmsKeyId"], copy["DeletionProtection"], copy["DBSubnetGroup"]) == (before["KmsKeyId"], False, "dr-drill")
    assert flow.one("activate").status == flow.one("cleanup").status == "done"
    assert standby(rds) == before
    assert [one["DBClusterIdentifier"] for one in rds.describe_db_clusters()["DBClusters"]] == ["orders-west"]


def test_an_instance_that_somebody_adds_to_the_copy_is_not_removed(sandbox: Any) -> None:
    flow = drilled(sandbox)
    rds = sandbox.inside("rds", WEST, ACCOUNT)
    copy = flow.one("instantiate").outputs["copy"]
    params = {"DBClusterIdentifier": copy, "Engine": "aurora-postgresql", "DBInstanceClass": "db.r6g.large"}
    rds.create_db_instance(DBInstanceIdentifier="theirs", **params)
    refused = flow.one("cleanup")
    assert (refused.status, "theirs" in refused.why, refused.calls) == ("blocked", True, ())
    rds.delete_db_instance(DBInstanceIdentifier="theirs", SkipFinalSnapshot=True)
    sandbox.advance(600)
    assert flow.one("cleanup").status == "done"


def test_a_failover_in_the_middle_of_a_drill_goes_on(sandbox: Any) -> None:
    flow = drilled(sandbox)
    assert flow.one("instantiate").status == "done"
    sandbox.dark(EAST)
    real = Flow(sandbox, [replace(PAIR, settings={})], {ACCOUNT: ROLE}, flow.captured)
    assert real.one("activate", "unplanned").status == "done"
    assert flow.one("cleanup").status == "done"
