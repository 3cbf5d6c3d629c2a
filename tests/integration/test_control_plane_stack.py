# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control plane by CloudFormation: what the stack makes is what the module would have made, and stays the stack's."""

from __future__ import annotations

from typing import Any

from playbook import MANAGEMENT, TABLE, WEST, Operator, estate

STACK = {"engine": "cloudformation"}


def test_the_playbook_makes_the_stack_once(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    foretold = operator.run("control_plane", "--check", **STACK).ok()
    assert foretold.changed >= 1
    assert sandbox.calls(mutating=True) == []
    made = operator.run("control_plane", **STACK).ok()
    assert "add Table (AWS::DynamoDB::GlobalTable)" in made.out
    assert "not as it must be" not in made.out, "the module finds everything that it would have made"
    cloudformation = sandbox.inside("cloudformation", WEST, MANAGEMENT)
    (stack,) = cloudformation.describe_stacks(StackName="dr-aws")["Stacks"]
    assert (stack["StackStatus"], stack["EnableTerminationProtection"]) == ("CREATE_COMPLETE", True)

    before = operator.mark()
    assert operator.run("control_plane", **STACK).ok().changed == 0
    assert sandbox.calls(mutating=True, since=before) == []

    sandbox.inside("dynamodb", WEST, MANAGEMENT).update_table(TableName=TABLE, DeletionProtectionEnabled=False)
    before = operator.mark()
    drifted = operator.run("control_plane", **STACK).ok()
    assert "Table (AWS::DynamoDB::GlobalTable) modified: /DeletionProtectionEnabled" in drifted.out
    assert f"protect table {TABLE} against deletion" in drifted.out, "the module says it, and leaves the stack's table alone"
    assert sandbox.calls(mutating=True, since=before) == []
