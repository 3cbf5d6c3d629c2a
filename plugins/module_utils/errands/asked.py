# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks and business checks as people ask for them, validated. Pure, but that a file of tasks must be there.

What is valid keeps the shape in which it was given, so that a stored plan is asked for again by its own parameters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from ..errors import InputError
from ..model import OPERATIONS, PHASES, REGION
from ..redact import MASK, mask

HOOK: Final = "hook"
CHECK: Final = "business check"
#: Variable of the playbooks -> what its entries are.
VARIABLES: Final = {"hooks": HOOK, "business_checks": CHECK}
#: When a hook is carried out; a business check is when what it checks is healthy, and its DNS has not moved.
WHEN: Final = ("before_phase", "after_phase", "before_wave", "after_wave")
PROOF: Final = "proof"
WAYS: Final = ("tasks", "command", "url", "lambda", "ssm", "drs_tool")
ON_FAILURE: Final = ("stop", "warn")
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
TIMEOUT_SECONDS: Final = 300
MAX_TIMEOUT_SECONDS: Final = 3600
#: Lambda developer guide, "Configure Lambda function timeout": no invocation takes longer.
MAX_LAMBDA_SECONDS: Final = 900
#: A recovery plan of the DRS tool launches its servers wave by wave.
DRS_TOOL_SECONDS: Final = 3600
MAX_DRS_TOOL_SECONDS: Final = 14400
MAX_RETRIES: Final = 10
MAX_WAVE: Final = 10

_COMMON: Final = ("name", "timeout_seconds", "retries", "operations")
_OF_KIND: Final = {HOOK: ("when", "phase", "wave", "on_failure"), CHECK: ()}
_OF_URL: Final = ("method", "body", "expect_status", "expect_text")
_OF_LAMBDA: Final = ("function", "region", "account")
_OF_SSM: Final = ("document", "region", "account", "parameters", "targets", "context_parameter")
_OF_DRS_TOOL: Final = ("function", "status_function", "plan_id", "region", "account")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")

Given: TypeAlias = "Mapping[str, Any]"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the execution allows. leaving: the region being left, "" when none is. accounts: those that are known."""

    leaving: str
    accounts: Collection[str]


@dataclass(frozen=True, slots=True)
class Errand:
    """A hook or a business check. way: of WAYS, and `how` is its part of what was given.

    wave: 0 means every wave. retries: further attempts, each with its own timeout. operations: those that carry it out.
    """

    kind: str
    name: str
    way: str
    how: Given
    when: str = PROOF
    phase: str = "activate"
    wave: int = 0
    timeout_seconds: int = TIMEOUT_SECONDS
    retries: int = 0
    on_failure: str = "stop"
    operations: tuple[str, ...] = OPERATIONS

    @classmethod
    def of(cls, kind: str, given: Given) -> Errand:
        """From what `validated` gave."""
        (way,) = (one for one in WAYS if one in given)
        how = {name: given[name] for name in ("url", *_OF_URL) if name in given} if way == "url" else given[way]
        chosen = {
            name: given[name] for name in ("when", "phase", "wave", "timeout_seconds", "retries", "on_failure") if name in given
        }
        return cls(kind, given["name"], way, how, **chosen, operations=tuple(given["operations"]))

    @property
    def moment(self) -> str:
        """When it is carried out, for people."""
        if self.kind == CHECK:
            return "before DNS moves"
        before, _separator, what = self.when.partition("_")
        which = f"wave {self.wave}" if self.wave else "each wave"
        return f"{before} {self.phase}" if what == "phase" else f"{before} {which} of {self.phase}"

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def errands(hooks: Sequence[Given], checks: Sequence[Given]) -> list[Errand]:
    """Both, in the order in which they were given."""
    return [*(Errand.of(HOOK, one) for one in hooks), *(Errand.of(CHECK, one) for one in checks)]


def validated(variable: str, value: Any, limits: Limits) -> tuple[Given, ...]:
    """The entries of one of VARIABLES, with their defaults; () when none are given. InputError names the first that is wrong."""
    if value in (None, "", [], ()):
        return ()
    entries = json.loads(json.dumps(value, default=str))
    if not isinstance(entries, list):
        raise _refused(variable, value, "a list of mappings")
    found: dict[str, Given] = {}
    for number, given in enumerate(entries):
        one = _errand(f"{variable}[{number}]", VARIABLES[variable], given, limits)
        if one["name"] in found:
            raise _refused(f"{variable}[{number}].name", one["name"], "a name that no other has")
        found[one["name"]] = one
    return tuple(found.values())


def _refused(field: str, value: Any, allowed: str) -> InputError:
    return InputError(field, value, allowed, "correct it in the file that is given as -e @…; docs/hooks.md has examples")


def _errand(field: str, kind: str, given: Any, limits: Limits) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise _refused(field, given, "a mapping")
    ways = [way for way in WAYS if way in given]
    if len(ways) != 1:
        raise _refused(field, sorted(given), f"exactly one of {', '.join(WAYS)}")
    way = ways[0]
    _only(field, given, (*_COMMON, *_OF_KIND[kind], way, *(_OF_URL if way == "url" else ())))
    for name, value in given.items():
        if mask(value, name) != value:
            raise _refused(f"{field}.{name}", MASK, "no secret, as it is stored with the plan: let a command or tasks read it")
    name = given.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _refused(f"{field}.name", name, "up to 64 letters, digits, spaces and . _ -")
    longest = {"lambda": MAX_LAMBDA_SECONDS, "drs_tool": MAX_DRS_TOOL_SECONDS}.get(way, MAX_TIMEOUT_SECONDS)
    usual = {"url": [one for one in OPERATIONS if one != "test"], "drs_tool": ["failover"]}.get(way, list(OPERATIONS))
    patience = DRS_TOOL_SECONDS if way == "drs_tool" else TIMEOUT_SECONDS
    return {
        **given,
        **_WAYS[way](field, given, limits),
        **(_moment(field, given) if kind == HOOK else {}),
        "timeout_seconds": _number(field, given, "timeout_seconds", 1, longest, patience),
        "retries": _number(field, given, "retries", 0, 0 if way == "tasks" else MAX_RETRIES, 0),
        "operations": _operations(field, given, usual),
    }


def _moment(field: str, given: Given) -> dict[str, Any]:
    when = _choice(field, given, "when", WHEN)
    wave = _number(field, given, "wave", 0, MAX_WAVE, 0)
    if wave and when.endswith("_phase"):
        raise _refused(f"{field}.wave", wave, f"no wave with when={when}")
    on_failure = _choice(field, {"on_failure": "stop", **given}, "on_failure", ON_FAILURE)
    return {"when": when, "phase": _choice(field, given, "phase", PHASES), "wave": wave, "on_failure": on_failure}


def _tasks(field: str, given: Given, _limits: Limits) -> dict[str, Any]:
    path = given["tasks"]
    file = Path(path).expanduser().absolute() if isinstance(path, str) and path else None
    if file is None or not file.is_file():
        raise _refused(f"{field}.tasks", path, "a file of tasks that is there, from the directory in which the playbook is started")
    return {"tasks": str(file)}


def _command(field: str, given: Given, _limits: Limits) -> dict[str, Any]:
    argv = given["command"]
    if not isinstance(argv, list) or not argv or not all(isinstance(word, str) for word in argv) or not argv[0]:
        raise _refused(f"{field}.command", argv, "a list of words, the program first; there is no shell")
    return {}


def _url(field: str, given: Given, _limits: Limits) -> dict[str, Any]:
    url = given["url"]
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise _refused(f"{field}.url", url, "an http or https address")
    wanted = given.get("expect_status", [])
    statuses = wanted if isinstance(wanted, list) else [wanted]
    if not all(isinstance(status, int) and 100 <= status <= 599 for status in statuses):
        raise _refused(f"{field}.expect_status", wanted, "a status from 100 to 599, or a list of them")
    text = given.get("expect_text", "")
    if not isinstance(text, str):
        raise _refused(f"{field}.expect_text", text, "a text that the answer has")
    return {"method": _choice(field, {"method": "GET", **given}, "method", METHODS)}


def _lambda(field: str, given: Given, limits: Limits) -> dict[str, Any]:
    asked, field = given["lambda"], f"{field}.lambda"
    function = _part(field, asked, "function", _OF_LAMBDA)
    _reached(field, asked, limits)
    _elsewhere(f"{field}.function", function, limits)
    return {}


def _drs_tool(field: str, given: Given, limits: Limits) -> dict[str, Any]:
    asked, field = given["drs_tool"], f"{field}.drs_tool"
    function = _part(field, asked, "function", _OF_DRS_TOOL)
    plan = asked.get("plan_id")
    if not isinstance(plan, str) or not plan:
        raise _refused(f"{field}.plan_id", plan, "the id of a recovery plan of the DRS tool")
    status = asked.get("status_function", function)
    if not isinstance(status, str) or not status:
        raise _refused(f"{field}.status_function", status, "the name of the function that answers queries, or its ARN")
    _reached(field, asked, limits)
    for name, one in (("function", function), ("status_function", status)):
        _elsewhere(f"{field}.{name}", one, limits)
    return {}


def _elsewhere(field: str, function: str, limits: Limits) -> None:
    """A function whose ARN leads into the region being left may be gone with it."""
    pieces = function.split(":")
    if pieces[0] == "arn" and len(pieces) > 3 and limits.leaving and pieces[3] == limits.leaving:
        raise _refused(field, function, f"a function of another region than {limits.leaving}, which is being left")


def _ssm(field: str, given: Given, limits: Limits) -> dict[str, Any]:
    asked, field = given["ssm"], f"{field}.ssm"
    _part(field, asked, "document", _OF_SSM)
    _reached(field, asked, limits)
    parameters = asked.get("parameters", {})
    if not isinstance(parameters, dict) or not all(_texts(value) for value in parameters.values()):
        raise _refused(f"{field}.parameters", parameters, "names with a text or a list of texts each")
    targets = asked.get("targets", [])
    if not isinstance(targets, list) or not all(isinstance(one, dict) and {"Key", "Values"} == set(one) for one in targets):
        raise _refused(
            f"{field}.targets", targets, "a list of {Key, Values}; with it a command is sent, without an automation started"
        )
    context = asked.get("context_parameter", "")
    if not isinstance(context, str) or context in parameters:
        raise _refused(f"{field}.context_parameter", context, "a parameter of the document that takes the context as JSON")
    return {}


_WAYS: Final[Mapping[str, Callable[[str, Given, Limits], dict[str, Any]]]] = {
    "tasks": _tasks,
    "command": _command,
    "url": _url,
    "lambda": _lambda,
    "ssm": _ssm,
    "drs_tool": _drs_tool,
}


def _texts(value: Any) -> bool:
    return all(isinstance(one, str) for one in (value if isinstance(value, list) else [value]))


def _part(field: str, asked: Any, name: str, allowed: Sequence[str]) -> str:
    """The one entry that a mapping must have."""
    if not isinstance(asked, dict):
        raise _refused(field, asked, f"a mapping with {', '.join(allowed)}")
    _only(field, asked, allowed)
    value = asked.get(name)
    if not isinstance(value, str) or not value:
        raise _refused(f"{field}.{name}", value, f"the name of the {name}, or its ARN")
    return value


def _reached(field: str, asked: Given, limits: Limits) -> None:
    """Where it is called: never in the region being left, and in no account that nobody knows."""
    region, account = asked.get("region"), asked.get("account")
    if region is not None and (not isinstance(region, str) or not REGION.fullmatch(region)):
        raise _refused(f"{field}.region", region, "a region; the one being activated when it is left out")
    if limits.leaving and region == limits.leaving:
        raise _refused(
            f"{field}.region", region, "another region than the one being left; leave it out for the one being activated"
        )
    if account is not None and account not in limits.accounts:
        raise _refused(f"{field}.account", account, f"an account of the inventory: {', '.join(sorted(limits.accounts))}, quoted")


def _only(field: str, given: Given, allowed: Sequence[str]) -> None:
    unknown = sorted(str(name) for name in given if name not in allowed)
    if unknown:
        raise _refused(f"{field}.{unknown[0]}", given.get(unknown[0]), f"only {', '.join(allowed)}")


def _choice(field: str, given: Given, name: str, allowed: Sequence[str]) -> str:
    value = given.get(name)
    if value not in allowed:
        raise _refused(f"{field}.{name}", value, ", ".join(allowed))
    return str(value)


def _number(field: str, given: Given, name: str, lowest: int, highest: int, default: int) -> int:
    value = given.get(name, default)
    text = "" if isinstance(value, bool) else str(value)
    if not re.fullmatch(r"\d{1,6}", text) or not lowest <= int(text) <= highest:
        allowed = f"a whole number from {lowest} to {highest}" if highest else "nothing; let the tasks try again with until"
        raise _refused(f"{field}.{name}", value, allowed)
    return int(text)


def _operations(field: str, given: Given, usual: Sequence[str]) -> list[str]:
    value = given.get("operations", list(usual))
    if not isinstance(value, list) or not value or not set(map(str, value)) <= set(OPERATIONS):
        raise _refused(f"{field}.operations", value, f"a list of {', '.join(OPERATIONS)}")
    return value
