# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ElastiCache drill beside a global datastore: what the matrix of drills does not look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flow import Flow

from ansible_collections.dr.aws.plugins.module_utils.drills import drill
from ansible_collections.dr.aws.plugins.module_utils.model import Pair

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
ROLE = (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", None)
PAIR = Pair("sessions", "elasticache", ACCOUNT, EAST, WEST, "sessions", "sessions-west", settings={"drill_id": "quarterly"})


def drilled(sandbox: Any, **spec: Any) -> Flow:
    """A drill of a global datastore's standby."""
    peer = {"region": WEST, "name": "sessions-west"}
    place = {"account": ACCOUNT, "region": EAST, "tags": None, "peer": peer}
    sandbox.load(
        {
            "name": "shop",
            "control_region": WEST,
            "regions": [EAST, WEST],
            "accounts": [{"id": ACCOUNT, "name": "shop", "management": True, "roles": [{"name": "dr-automation"}]}],
            "resources": [{"kind": "elasticache_global", "name": "sessions", **place, **spec}],
        }
    )
    sandbox.seed(kind="drill_room", account=ACCOUNT, region=WEST)
    return Flow(sandbox, [PAIR], {ACCOUNT: ROLE}, reconciler=drill)


def test_shards_are_copied_together_and_the_datastore_stays_as_it_was(sandbox: Any) -> None:
    flow = drilled(sandbox, shards=3, encrypted=True)
    caches = sandbox.inside("elasticache", WEST, ACCOUNT)

    def production() -> Any:
        shown = caches.describe_replication_groups(ReplicationGroupId="sessions-west")["ReplicationGroups"]
        return shown, caches.describe_global_replication_groups(ShowMemberInfo=True)["GlobalReplicationGroups"]

    before = production()
    made = flow.one("instantiate")
    assert made.status == "done", made
    (copy,) = caches.describe_replication_groups(ReplicationGroupId=made.outputs["copy"])["ReplicationGroups"]
    assert (len(copy["NodeGroups"]), len(copy["MemberClusters"]), copy["KmsKeyId"]) == (3, 3, before[0][0]["KmsKeyId"])
    assert "GlobalReplicationGroupInfo" not in copy
    assert production() == before
    assert flow.one("activate").outputs["data_from"]
    assert flow.one("cleanup").status == "done"
    assert (production(), caches.describe_snapshots()["Snapshots"]) == (before, [])


def test_a_failover_in_the_middle_of_a_drill_goes_on(sandbox: Any) -> None:
    flow = drilled(sandbox)
    assert flow.one("instantiate").status == "done"
    sandbox.dark(EAST)
    real = Flow(sandbox, [replace(PAIR, settings={})], {ACCOUNT: ROLE})
    assert real.one("activate", "unplanned").status == "done"
    assert flow.one("cleanup").status == "done"
