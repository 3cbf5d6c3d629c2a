# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the roles may do what a failover will call: IAM's own simulation of the actions that adapters declare. Changes nothing.

Each action is asked for as it will be called: on a resource of each type that it works on (iam_reference.py), in the region, and
for drills with their tag. Facts: SimulatePrincipalPolicy (IAM API reference) evaluates the policies of a user or role, its boundary
and the organization's policies for resources that need not exist; it knows no resource-based policies. It answers once for an
action, with ResourceSpecificResults, where it once answered for each resource.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from .accounts import CallError
from .adapters import adapter
from .adapters.base import Adapter, Reader
from .drills import drill
from .drills.base import DRILL_TAG
from .iam_reference import REFERENCE, Row
from .model import Pair, Unreachable
from .policies import REGIONLESS

#: Actions that one simulation is asked for: its answer is cut into pages of 100.
CHUNK: Final = 50
#: What stands for the name of a resource; it need not exist.
ANY: Final = "dr-aws"
#: The region of services without one.
GLOBAL: Final = "us-east-1"
_DRILL: Final = "drill "
#: What a resource of production says, and what a drill's says and is asked to be made with.
_TAGS: Final[Mapping[bool, Mapping[str, str]]] = {
    False: {"aws:ResourceTag/dr:enabled": "true"},
    True: {f"aws:ResourceTag/{DRILL_TAG}": ANY, f"aws:RequestTag/{DRILL_TAG}": ANY},
}
#: What needs an action: (technology, phase), the phase of a drill as `drill cleanup`.
Use: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Permitted:
    """An account's answer. missing: action -> what needs it. error: why it is not known, "" when it is."""

    account: str
    missing: Mapping[str, tuple[Use, ...]]
    error: str = ""


def needed(technologies: Iterable[str]) -> dict[str, tuple[Use, ...]]:
    """Action -> what needs it, for failovers and drills of technologies."""
    uses: dict[str, set[Use]] = defaultdict(set)
    kinds: tuple[tuple[str, Callable[[str], Adapter]], ...] = (("", adapter), (_DRILL, drill))
    for technology in sorted(set(technologies)):
        for prefix, find in kinds:
            for phase, actions in find(technology).actions.items():
                for action in actions:
                    uses[action].add((technology, f"{prefix}{phase}"))
    return {action: tuple(sorted(found)) for action, found in sorted(uses.items())}


@dataclass(frozen=True, slots=True)
class Question:
    """Actions that are asked for together. region: where they will be called. drilled: by a drill. resources: patterns of ARNs."""

    region: str
    drilled: bool
    resources: tuple[str, ...]
    actions: tuple[str, ...]

    def arns(self, role: str) -> list[str]:
        """A resource of each type, in the account and partition of the role."""
        _arn, partition, _service, _region, account, _name = role.split(":", 5)
        shapes = (one.format(partition=partition, account=account) for one in self.resources)
        return [one.replace(":*:", f":{self.region}:", 1).replace("*", ANY) for one in shapes]

    def context(self) -> list[dict[str, Any]]:
        """What such a call says beside its resources."""
        values = {"aws:RequestedRegion": self.region, **_TAGS[self.drilled]}
        return [{"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": "string"} for name, value in values.items()]


def questions(wanted: Mapping[str, Sequence[Use]], regions: Iterable[str], targets: Iterable[str]) -> Iterator[Question]:
    """All that must be asked of a role. wanted: as `needed` gives it. regions: both sides of all pairs; drills are in `targets`."""
    for drilled, places in ((False, regions), (True, targets)):
        together: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
        for action, uses in wanted.items():
            service = action.partition(":")[0]
            if any(phase.startswith(_DRILL) == drilled for _technology, phase in uses):
                for region in {GLOBAL} if service in REGIONLESS else set(places):
                    together[region, REFERENCE.get(action, Row()).resources].append(action)
        for (region, resources), actions in sorted(together.items()):
            for start in range(0, len(actions), CHUNK):
                yield Question(region, drilled, resources, tuple(actions[start : start + CHUNK]))


def check(reader: Reader, pairs: Sequence[Pair], roles: Mapping[str, str], region: str, workers: int = 10) -> list[Permitted]:
    """What each account's role may not do, by account. roles: account -> ARN of the role (or user) that is used there.

    region: where IAM, which has no regions, is asked from. An account that cannot be asked has its error.
    """
    of_account: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        of_account[pair.account].append(pair)
    with ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="dr-aws") as pool:
        asked = [
            pool.submit(_account, reader, account, roles.get(account, ""), region, own)
            for account, own in sorted(of_account.items())
        ]
    return [one.result() for one in asked]


def principal(arn: str) -> str:
    """The role behind an assumed-role session's ARN, else the ARN itself."""
    head, kind, rest = arn.partition(":assumed-role/")
    return f"{head.replace(':sts:', ':iam:')}:role/{rest.partition('/')[0]}" if kind else arn


def _account(reader: Reader, account: str, role: str, region: str, pairs: Sequence[Pair]) -> Permitted:
    if not role:
        return Permitted(account, {}, "which role is used there is not known")
    wanted = needed(pair.technology for pair in pairs)
    targets = {pair.target_region for pair in pairs}
    regions = targets | {pair.source_region for pair in pairs}
    denied: dict[str, set[Use]] = defaultdict(set)
    try:
        for question in questions(wanted, regions, targets):
            arns = question.arns(role)
            answer = reader.pages(
                account,
                region,
                "iam",
                "simulate_principal_policy",
                "EvaluationResults",
                PolicySourceArn=role,
                ActionNames=list(question.actions),
                ContextEntries=question.context(),
                **({"ResourceArns": arns} if arns else {}),
            )
            if answer is None or isinstance(answer, Unreachable):
                return Permitted(account, {}, "IAM does not answer")
            allowed = _allowed(answer, arns)
            for action in set(question.actions) - allowed:
                denied[action].update(use for use in wanted[action] if use[1].startswith(_DRILL) == question.drilled)
    except CallError as error:
        return Permitted(account, {}, f"{error.failure.code}: {error.failure.message}")
    return Permitted(account, {action: tuple(sorted(uses)) for action, uses in sorted(denied.items())})


def _allowed(answer: Iterable[Mapping[str, Any]], arns: Sequence[str]) -> set[str]:
    """Actions that may be done to all of these resources. What an answer leaves out is not allowed."""
    decisions: dict[str, dict[str, str]] = defaultdict(dict)
    for one in answer:
        found = decisions[one["EvalActionName"]]
        found[one.get("EvalResourceName", "*")] = one["EvalDecision"]
        for each in one.get("ResourceSpecificResults", ()):
            found[each["EvalResourceName"]] = each["EvalResourceDecision"]
    return {
        action
        for action, found in decisions.items()
        if all(found.get(arn, found.get("*")) == "allowed" for arn in (arns or ("*",)))
    }


def technologies(missing: Mapping[str, Collection[Use]]) -> dict[str, dict[str, list[str]]]:
    """Technology -> phase -> actions that are missing, for people."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for action, uses in missing.items():
        for technology, phase in uses:
            found[technology][phase].append(action)
    return {technology: dict(phases) for technology, phases in sorted(found.items())}
