# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to AWS that need several calls one after another, asked for many places at once, round by round.

A look is a generator: it yields the calls it needs next and is sent their answers. It holds no client, so that it is tested with
answers alone; and as all looks go on together, the number of rounds is that of the deepest look, whatever the number of places.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from ..accounts import CallError
from ..adapters.base import Reader
from ..garbage import uncollected
from ..model import Unreachable

#: Seconds between attempts at a call that AWS throttles; Service Quotas and Route 53 allow few a second.
BACKOFF_SECONDS: Final = (0.5, 1, 2, 4)
#: Most calls in flight at once: enough for 20 regions within two rounds of each of their services.
WORKERS: Final = 64
_UNINITIALISED: Final = "UninitializedAccountException"

Place: TypeAlias = "tuple[str, str]"
Entries: TypeAlias = "list[Any]"
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Ask:
    """A describe call. key: the list to collect from all pages; empty: the whole answer, as the only entry.

    params: JSON, so that equal calls are asked once. absent: error codes that mean an empty answer.
    """

    service: str
    operation: str
    key: str
    params: str = "{}"
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a look has no result. kind: unreachable | denied | throttled | error | uninitialised."""

    kind: str
    reason: str


Look: TypeAlias = Generator[Sequence[Ask], Sequence[Entries], Any]


def ask(service: str, operation: str, key: str, /, *, absent: tuple[str, ...] = (), **params: Any) -> Ask:
    """A describe call; `params` are JSON values."""
    return Ask(service, operation, key, json.dumps(params, sort_keys=True), absent)


@uncollected()
def gather(
    reader: Reader,
    looks: Mapping[Key, tuple[Place, Look]],
    workers: int = WORKERS,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[Key, Any]:
    """What each look gives, or its Trouble: whatever a region or an account does concerns only what was asked there.

    looks: key -> ((account, region), look). The same call is made once in each place, whoever asks.
    """
    known: dict[tuple[Place, Ask], Entries | Trouble] = {}
    waiting: dict[Key, Sequence[Ask]] = {}
    results: dict[Key, Any] = {}

    def go_on(key: Key, answers: Sequence[Entries] | None) -> None:
        look = looks[key][1]
        try:
            waiting[key] = next(look) if answers is None else look.send(answers)
        except StopIteration as end:
            results[key] = end.value

    for key in looks:
        go_on(key, None)
    with ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="dr-aws") as pool:
        while waiting:
            asked = dict.fromkeys((looks[key][0], one) for key, asks in waiting.items() for one in asks)
            new = [one for one in asked if one not in known]
            known.update(zip(new, pool.map(lambda one: _answer(reader, one[0], one[1], sleep), new), strict=True))
            for key, asks in list(waiting.items()):
                del waiting[key]
                answers: list[Entries] = []
                for answer in (known[looks[key][0], one] for one in asks):
                    if isinstance(answer, Trouble):
                        results[key] = answer
                        break
                    answers.append(answer)
                else:
                    go_on(key, answers)
    return results


def _answer(reader: Reader, place: Place, one: Ask, sleep: Callable[[float], None]) -> Entries | Trouble:
    account, region = place
    params = json.loads(one.params)
    for pause in (*BACKOFF_SECONDS, None):
        try:
            if one.key:
                listed = reader.pages(account, region, one.service, one.operation, one.key, absent=one.absent, **params)
                return _silence(one, region) if isinstance(listed, Unreachable) else listed or []
            read = reader.read(account, region, one.service, one.operation, absent=one.absent, **params)
            return _silence(one, region) if isinstance(read, Unreachable) else [read] if read else []
        except CallError as error:
            failure = error.failure
            if failure.kind == "throttled" and pause is not None:
                sleep(pause)
                continue
            if failure.code == _UNINITIALISED:
                return Trouble("uninitialised", f"{one.service} was never initialised in {region}")
            said = " ".join(failure.message.split())
            return Trouble(failure.kind, f"{one.service} {one.operation}: {failure.code}: {said}")
    raise AssertionError("the last attempt ends the loop")


def _silence(one: Ask, region: str) -> Trouble:
    return Trouble("unreachable", f"{one.service} in {region} does not answer")
