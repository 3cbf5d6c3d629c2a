# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How templates of CloudFormation are written: values that it completes, suppressions with their reason, YAML for linters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Lists are indented, as the linters of Ansible want it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


class Literal(str):
    """Text of several lines that stays as it is, with no space at the end of a line."""


class Flow(list[Any]):
    """A list on one line."""


_Dumper.add_representer(Flow, lambda dumper, items: dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=True))
_Dumper.add_representer(Literal, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|"))


def ref(name: str) -> dict[str, Any]:
    """A parameter, or what Ref gives of a resource."""
    return {"Ref": name}


def att(name: str, attribute: str = "Arn") -> dict[str, Any]:
    """An attribute of a resource."""
    return {"Fn::GetAtt": [name, attribute]}


def sub(text: str) -> dict[str, Any]:
    """Text that CloudFormation completes."""
    return {"Fn::Sub": text}


def either(condition: str, value: Any, other: Any = None) -> dict[str, Any]:
    """`value` where a condition holds; nothing at all, unless `other` is given, where it does not."""
    return {"Fn::If": [condition, value, ref("AWS::NoValue") if other is None else other]}


def given(name: str) -> dict[str, Any]:
    """The condition that a parameter is not empty."""
    return {"Fn::Not": [{"Fn::Equals": [ref(name), ""]}]}


def completed(value: Any) -> Any:
    """The value with every text that CloudFormation completes marked as such."""
    if isinstance(value, dict):
        return value if set(value) & {"Fn::Sub", "Fn::If"} else {key: completed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [completed(one) for one in value]
    return sub(value) if isinstance(value, str) and "${" in value else value


def accepted(**checks: str) -> dict[str, Any]:
    """Metadata: what checkov finds and why that is right. `CKV_AWS_18="…"`."""
    return {"checkov": {"skip": [{"id": check, "comment": why} for check, why in checks.items()]}}


def written(head: str, template: Mapping[str, Any], width: int = 130) -> str:
    """The whole file. width: where text is folded, at the next space."""
    return head + yaml.dump(dict(template), Dumper=_Dumper, sort_keys=False, width=width)
