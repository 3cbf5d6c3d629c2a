# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes roles/control_plane/files/control_plane.cfn.yml, from what the modules make and check. A test compares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import control_plane_engines as engines
import control_plane_rights as rights
import control_plane_state as state
from cfn import att, ref, sub, written

TARGET = Path(__file__).parent.parent / "roles/control_plane/files/control_plane.cfn.yml"
HEAD = """---
# The control plane of dr.aws. Written by tools/control_plane_template.py; docs/control_plane.md says what is in it.
"""
PARTS = (state, rights, engines)
OUTPUTS: dict[str, Any] = {
    "KeyArn": {"Description": "The KMS key", "Value": att("Key")},
    "TopicArn": {"Description": "control_topic_arn of the inventory file", "Value": ref("Topic")},
    "ClusterArn": {"Condition": "Runs", "Description": "Where tasks run", "Value": att("Cluster")},
    "TaskDefinitionArn": {"Condition": "Runs", "Description": "The runner", "Value": ref("Task")},
    "RunnerExecutionRoleArn": {"Condition": "Runs", "Description": "Starts the runner", "Value": att("RunnerExecutionRole")},
    "ApiUrl": {
        "Condition": "Served",
        "Description": "The API, of requests signed by IAM",
        "Value": sub("https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/prod/api/v1"),
    },
    "FunctionArn": {"Condition": "Served", "Description": "The API's function", "Value": att("Function")},
    "FunctionRoleName": {"Condition": "Served", "Description": "Its role", "Value": ref("FunctionRole")},
    "RunnerRoleArn": {
        "Condition": "Runs",
        "Description": "spoke_trusted_principal_arn of the accounts",
        "Value": att("RunnerRole"),
    },
    "OperatorRoleArn": {"Condition": "Operators", "Description": "For people who decide", "Value": att("OperatorRole")},
    "ReaderRoleArn": {"Condition": "Readers", "Description": "For people who look", "Value": att("ReaderRole")},
}


def render() -> str:
    """The whole file."""
    template: dict[str, Any] = {"AWSTemplateFormatVersion": "2010-09-09", "Description": "dr.aws: the control plane"}
    template["Parameters"] = {name: one for part in PARTS for name, one in part.PARAMETERS.items()}
    template["Conditions"] = {name: one for part in PARTS for name, one in part.CONDITIONS.items()}
    template["Resources"] = {name: one for part in PARTS for name, one in part.resources().items()}
    return written(HEAD, {**template, "Outputs": OUTPUTS}, width=60)  # the dashboard has few spaces


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(render(), encoding="utf-8")
