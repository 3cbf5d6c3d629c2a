# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the roles may do what a failover will call: IAM's own simulation of the actions that adapters declare. Changes nothing.

Facts: SimulatePrincipalPolicy (IAM API reference) evaluates the policies of a user or role, its boundary and the organization's
policies; it knows no resource-based policies and, asked for `*`, denies what is allowed on named resources only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeAlias

from .accounts import CallError
from .adapters import adapter
from .adapters.base import Adapter, Reader
from .drills import drill
from .model import Pair, Unreachable

#: Actions that one simulation is asked for: its answer is cut into pages of 100.
CHUNK: Final = 50
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
    kinds: tuple[tuple[str, Callable[[str], Adapter]], ...] = (("", adapter), ("drill ", drill))
    for technology in sorted(set(technologies)):
        for prefix, find in kinds:
            for phase, actions in find(technology).actions.items():
                for action in actions:
                    uses[action].add((technology, f"{prefix}{phase}"))
    return {action: tuple(sorted(found)) for action, found in sorted(uses.items())}


def check(reader: Reader, pairs: Sequence[Pair], roles: Mapping[str, str], region: str, workers: int = 10) -> list[Permitted]:
    """What each account's role may not do, by account. roles: account -> ARN of the role (or user) that is used there.

    region: where IAM, which has no regions, is asked from. An account that cannot be asked has its error.
    """
    technologies: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        technologies[pair.account].add(pair.technology)
    with ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="dr-aws") as pool:
        asked = [
            pool.submit(_account, reader, account, roles.get(account, ""), region, needed(wanted))
            for account, wanted in sorted(technologies.items())
        ]
    return [one.result() for one in asked]


def principal(arn: str) -> str:
    """The role behind an assumed-role session's ARN, else the ARN itself."""
    head, kind, rest = arn.partition(":assumed-role/")
    return f"{head.replace(':sts:', ':iam:')}:role/{rest.partition('/')[0]}" if kind else arn


def _account(reader: Reader, account: str, role: str, region: str, wanted: Mapping[str, tuple[Use, ...]]) -> Permitted:
    if not role:
        return Permitted(account, {}, "which role is used there is not known")
    denied: set[str] = set()
    actions = list(wanted)
    try:
        for start in range(0, len(actions), CHUNK):
            chunk = actions[start : start + CHUNK]
            answer = reader.pages(
                account, region, "iam", "simulate_principal_policy", "EvaluationResults", PolicySourceArn=role, ActionNames=chunk
            )
            if answer is None or isinstance(answer, Unreachable):
                return Permitted(account, {}, "IAM does not answer")
            allowed = {one["EvalActionName"] for one in answer if one["EvalDecision"] == "allowed"}
            denied.update(action for action in chunk if action not in allowed)
    except CallError as error:
        return Permitted(account, {}, f"{error.failure.code}: {error.failure.message}")
    return Permitted(account, {action: wanted[action] for action in sorted(denied)})


def technologies(missing: Mapping[str, Collection[Use]]) -> dict[str, dict[str, list[str]]]:
    """Technology -> phase -> actions that are missing, for people."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for action, uses in missing.items():
        for technology, phase in uses:
            found[technology][phase].append(action)
    return {technology: dict(phases) for technology, phases in sorted(found.items())}
