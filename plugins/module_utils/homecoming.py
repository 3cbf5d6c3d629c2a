# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What plans of the way back stand on: which resources have moved, what they still owe, what is captured of them today."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from . import moves, protection
from .adapters.base import Cloud
from .dynamo import MissingError, utc
from .model import Active, Pair
from .parameters import Parameters
from .readiness import capture
from .scope import pair_of
from .snapshots import Kept
from .store import Store
from .survey import Surveyed


def owing(store: Store, customer: str, environment: str) -> set[str]:
    """Keys of the resources with an open fence debt."""
    try:
        return {debt["resource"] for debt in store.open_debts(customer, environment)}
    except MissingError:  # no control plane, no debts
        return set()


def refuse_divided(
    store: Store, pairs: Sequence[Pair], looks: Mapping[str, Surveyed], parameters: Parameters, stale: Collection[tuple[str, str]]
) -> set[str]:
    """Keys of the resources with an open fence debt, which a plan settles first where their target serves.

    PlanError where it cannot, because it is the side that owes which would be activated. stale: (account, region) without answer.
    """
    owed = owing(store, parameters.customer, parameters.environment)
    moved = moves.last(store, parameters.customer, parameters.environment) if owed else {}
    back = {key for key, move in moved.items() if move.region == parameters.source_region}
    divided = [
        pair.key
        for pair in pairs
        if pair.key in owed & back and looks[pair.key].active is Active.SOURCE and (pair.account, pair.target_region) not in stale
    ]
    protection.refuse_debts(sorted(divided), parameters)
    return owed


def homeward(store: Store, hosts: Mapping[str, Mapping[str, Any]], parameters: Parameters, debtors: Collection[str]) -> list[Pair]:
    """The pairs, on the way home, of what may have been away: it was moved once, or owes a fence. hosts: of the scope."""
    away = {*moves.last(store, parameters.customer, parameters.environment), *debtors}
    return [
        pair_of(key, variables, parameters.dr_region, parameters.primary_region) for key, variables in hosts.items() if key in away
    ]


def prepare(
    cloud: Cloud,
    store: Store,
    hosts: Mapping[str, Mapping[str, Any]],
    looks: Mapping[str, Surveyed],
    kept: Kept | None,
    parameters: Parameters,
) -> tuple[Mapping[str, Mapping[str, Any]], list[str]]:
    """(what is captured, warnings) for a planned failback. looks: at the pairs on the way home.

    Capacities of before the failover are not those of today: where the snapshot is older, they are captured now. PlanError when
    something that serves is not replicated home, or when fences are owed.
    """
    scope = (parameters.customer, parameters.environment)
    leaving = [
        pair_of(key, variables, parameters.primary_region, parameters.dr_region)
        for key, variables in hosts.items()
        if looks[key].active is Active.SOURCE and (not parameters.waves or int(variables["dr_wave"]) in parameters.waves)
    ]
    captured: Mapping[str, Mapping[str, Any]] = kept.captured if kept else {}
    said = []
    gone = max((move.at for move in moves.last(store, *scope).values()), default="")
    if leaving and (kept is None or kept.at < gone):
        found = capture(cloud, leaving, kept.body if kept else {}, utc(store.clock()), parameters.parallelism)
        captured = {**captured, **found.captured}
        since = f"that of {kept.at} is older than the failover" if kept else "there was none"
        said.append(f"no readiness snapshot of today, {since}: capacities were captured now")
    missing = protection.looked(cloud, leaving, captured, parameters.parallelism)
    protection.refuse_unprotected(missing, sorted(owing(store, *scope)), parameters)
    return captured, said
