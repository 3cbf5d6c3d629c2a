# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags of instances, carried over to source servers by sync_tags.yml: again, in check mode, and with an account that refuses."""

from __future__ import annotations

from typing import Any

from playbook import BILLING, EAST, SHOP, WEST, Operator, estate, unfolded

PROTECTED = {"dr:enabled": "true", "dr:wave": "2", "Customer": "acme", "Environment": "production", "dr:role": "active"}


def loaded(operator: Operator) -> None:
    """A machine in each account, tagged; their source servers have no tags, but for one that is of an old wave."""
    whole = estate()
    kind = {"kind": "drs_source_server", "region": EAST, "peer": {"region": WEST}}
    machines = [
        {**kind, "account": SHOP, "name": "web", "instance_tags": PROTECTED, "tags": {"dr:wave": "1"}},
        {**kind, "account": BILLING, "name": "books", "instance_tags": {**PROTECTED, "dr:priority": "high"}},
        {**kind, "account": BILLING, "name": "other", "instance_tags": {"dr:wave": "3"}},
    ]
    services = [one for one in whole["resources"] if one["name"] in ("ledger", "basket")]
    operator.load({**whole, "tags": {}, "resources": [*services, *machines]})


def tags(sandbox: Any, account: str) -> dict[str, dict[str, str]]:
    """Host name -> tags of the source servers of an account, without those that seeds give."""
    found = sandbox.inside("drs", WEST, account).describe_source_servers()["items"]
    return {one["sourceProperties"]["identificationHints"]["hostname"]: one["tags"] for one in found}


def writes(operator: Operator, since: int) -> list[tuple[str, str]]:
    """What was changed in the estate: (account, operation)."""
    return [(row["account"], row["operation"]) for row in operator.mutations(since)]


def test_source_servers_say_what_their_instances_say(sandbox: Any, operator: Operator) -> None:
    loaded(operator)
    operator.run("control_plane").ok()
    begin = operator.mark()
    assert operator.run("sync_tags", "--check").ok().changed == 1
    assert sandbox.calls(mutating=True, since=begin) == []

    denied = sandbox.fault(
        match={"service": "drs", "operation": "DescribeSourceServers", "account": SHOP},
        effect="error",
        code="AccessDeniedException",
        message="not authorized",
    )
    ran = operator.run("sync_tags")
    ran.refused("not all tags were carried over", "AccessDeniedException", f"account {SHOP}")
    assert set(writes(operator, begin)) == {(BILLING, "TagResource")}, "the other account's are carried over"
    assert tags(sandbox, BILLING)["books"].items() >= {"dr:wave": "2", "dr:priority": "high"}.items()
    assert "dr:role" not in tags(sandbox, BILLING)["books"]
    assert "dr:wave" not in tags(sandbox, BILLING)["other"]

    sandbox.gateway.faults.remove(denied)
    second = operator.mark()
    assert operator.run("sync_tags").ok().changed == 1
    assert writes(operator, second) == [(SHOP, "TagResource")]
    assert tags(sandbox, SHOP)["web"].items() >= {"dr:wave": "2", "dr:enabled": "true", "Customer": "acme"}.items()

    third = operator.mark()
    ran = operator.run("sync_tags").ok()
    assert (ran.changed, sandbox.calls(mutating=True, since=third)) == (0, [])
    assert "3 source servers looked at, 0 changed" in unfolded(ran.out)
    audited = operator.run("audit", event_type="tags_synchronising").ok()
    assert f'"account": "{SHOP}"' in audited.out and f'"account": "{BILLING}"' in audited.out
