# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Executions at once do not get in each other's way, nor do those who look at them: the small form of `benchmarks.load`."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import evidence
from ansible_collections.dr.aws.plugins.module_utils.accounts import Account, Accounts, AwsReader
from ansible_collections.dr.aws.plugins.module_utils.control_plane import ensure
from ansible_collections.dr.aws.plugins.module_utils.store import Store
from benchmarks.load import begun, execute, look, pairs_of
from benchmarks.status import NAMES
from sandbox.generate import SOURCE, TARGET, generate

EXECUTIONS, RESOURCES, READERS = 3, 50, 5


def test_three_executions_and_five_readers_at_once(sandbox: Any) -> None:
    estate = generate(EXECUTIONS * RESOURCES, EXECUTIONS, ["ecs"], 1, "bench")
    sandbox.load(estate)
    sandbox.clock.tick = 1
    ensure(*[sandbox.client(service, TARGET) for service in ("dynamodb", "s3", "sns")], NAMES, TARGET, sleep=sandbox.advance)
    roles = {account["id"]: account["roles"][0]["external_id"] for account in estate["accounts"] if "roles" in account}
    ended = threading.Event()

    def store() -> Store:
        return Store(sandbox.client("dynamodb", TARGET), sandbox.client("s3", TARGET), NAMES.table, NAMES.bucket)

    def carry_out(account: str, name: str) -> Any:
        role = f"arn:aws:iam::{account}:role/dr-automation"
        cloud = AwsReader(Accounts([Account(account, role, roles[account])], TARGET, name, read_timeout=60))
        return execute(store(), cloud, account, name, pairs_of(estate, account), poll=0.01)

    names = {account: begun(store(), account, RESOURCES) for account in roles}
    with ThreadPoolExecutor(EXECUTIONS + READERS) as pool:
        readers = [
            pool.submit(look, store(), list(names.values()), 0.0, lambda _seconds: ended.is_set()) for _one in range(READERS)
        ]
        try:
            came = list(pool.map(lambda item: carry_out(*item), names.items()))
        finally:
            ended.set()
        seen = [each.result() for each in readers]
    assert [(one.error, one.statuses) for one in came] == [("", {"done": RESOURCES})] * EXECUTIONS
    assert [error for one in seen for error in one.errors] == []
    assert all(one.seconds for one in seen), "they looked"
    for name in names.values():
        status = store().status(name)
        assert (status["status"], status["counts"]["activate"], status["failed_resources"]) == (
            "COMPLETED",
            {"done": RESOURCES},
            [],
        )
        assert evidence.secure(store(), name) == "" and evidence.verify(store(), name) == []
    for account in roles:
        for region, running in ((TARGET, 2), (SOURCE, 2)):
            ecs = sandbox.inside("ecs", region, account)
            clusters = ecs.list_clusters()["clusterArns"]
            arns = [arn for one in clusters for arn in ecs.list_services(cluster=one, maxResults=100)["serviceArns"]]
            found = [ecs.describe_services(cluster=clusters[0], services=[arn])["services"][0] for arn in arns]
            assert [one["runningCount"] for one in found] == [running] * RESOURCES
