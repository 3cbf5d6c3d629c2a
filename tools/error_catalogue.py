# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/errors.md: every message that stops something, read from the code. `python tools/error_catalogue.py` writes it anew."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs/errors.md"
SOURCES: Final = ("plugins/module_utils", "plugins/action", "plugins/modules", "plugins/plugin_utils")
#: What says field, value, what is allowed, remedy.
INPUT: Final = ("InputError", "MalformedError")
#: A step of an adapter that a person must make possible: why, remedy.
BLOCKED: Final = "Blocked"
HEAD: Final = """# Every message that stops something, and what to do next

Made of the code by `python tools/error_catalogue.py`. On the screen a message ends with `Next: ` and what is in the second column.
`…` stands for names and values, `dr.aws.failover` also for the other operations.
"""
SECTIONS: Final = {
    "InputError": "## What was given cannot be used\n\nThe message is `field=value cannot be used; allowed: …`.",
    BLOCKED: "## A resource is blocked\n\nA guard refuses the next step of one resource; the status shows it.",
    "": "## Everything else",
}


class Message(NamedTuple):
    """One place in the code that stops something."""

    kind: str
    text: str
    remedy: str


def catalogue() -> str:
    """The page as it must be."""
    files = sorted(path for folder in SOURCES for path in (ROOT / folder).rglob("*.py"))
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in files]
    kinds = _kinds(trees)
    found = sorted({message for tree in trees for message in _messages(tree, kinds) if message.text.strip("… ")})
    lines = [HEAD]
    for kind, head in SECTIONS.items():
        rows = [one for one in found if one.kind == kind or (not kind and one.kind not in SECTIONS)]
        lines += [
            head,
            "",
            "| message | next |",
            "|---|---|",
            *(f"| {_cell(one.text)} | {_cell(one.remedy)} |" for one in rows),
            "",
        ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    plain = " ".join(text.replace("|", "/").replace("<", "&lt;").replace(">", "&gt;").split())
    return re.sub("…{2,}", "…", plain.replace("dr.aws.… ", "dr.aws.failover ")) or "-"


def _kinds(trees: list[ast.Module]) -> set[str]:
    """DrError and what is derived from it, by name."""
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    kinds = {"DrError"}
    while more := {one.name for one in classes if {_name(base) for base in one.bases} & kinds} - kinds:
        kinds |= more
    return kinds


def _messages(tree: ast.Module, kinds: set[str]) -> Iterator[Message]:
    constants = _texts(tree)
    for scope in ast.walk(tree):
        if isinstance(scope, (ast.FunctionDef, ast.Module)):
            texts = {**constants, **_texts(scope)}
            for call in _own(scope):
                if isinstance(call, ast.Call) and (kind := _name(call.func)) in {*kinds, BLOCKED}:
                    yield from _message(kind, [_said(one, texts) for one in call.args])


def _message(kind: str, said: list[str]) -> Iterator[Message]:
    if kind in INPUT and len(said) == 4:
        yield Message("InputError", f"{said[0]}: allowed: {said[2]}", said[3])
    elif kind not in INPUT and said:
        yield Message(kind, said[0], said[1] if len(said) > 1 else "")


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions in it."""
    for node in ast.iter_child_nodes(scope):
        if not isinstance(node, ast.FunctionDef):
            yield node
            yield from _own(node)


def _texts(scope: ast.AST) -> dict[str, str]:
    """Variable -> the text that it is first set to here."""
    found: dict[str, str] = {}
    for node in _own(scope):
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            target, value = node.targets[0] if isinstance(node, ast.Assign) else node.target, node.value
            pairs = [(target, value)]
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = list(zip(target.elts, value.elts, strict=False))
            for one, given in pairs:
                if isinstance(one, ast.Name) and isinstance(given, (ast.Constant, ast.JoinedStr, ast.BinOp, ast.IfExp)):
                    found.setdefault(one.id, _said(given, found))
    return found


def _said(node: ast.AST, texts: dict[str, str]) -> str:
    """What an expression says."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_said(one.value if isinstance(one, ast.FormattedValue) else one, texts) for one in values)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _said(left, texts) + _said(right, texts)
        case ast.IfExp(body=body, orelse=other):
            return " / ".join(filter(None, (_said(body, texts), _said(other, texts))))
        case ast.Name(id=name) if name in texts:
            return texts[name]
    return "…"  # what only a run knows


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


if __name__ == "__main__":
    PAGE.write_text(catalogue(), encoding="utf-8")
