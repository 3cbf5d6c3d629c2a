# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what serves is protected by the other region: whether that one follows, and how far behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from .adapters import adapter
from .adapters.base import Reader
from .model import Active, Blocked, Call, Deferred, Done, Goal, Pair, Wait
from .parameters import Parameters
from .plan import Plan, PlanError
from .status import reprotect_command
from .survey import Surveyed, survey

#: How many resources an error or a warning names.
NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Protection:
    """Whether a resource is protected. lag_seconds: None where there is none, or none is known yet; why says which.

    why, remedy: of what is not protected, what is missing and what to do.
    """

    key: str
    protected: bool
    lag_seconds: float | None = None
    why: str = ""
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def directed(
    reader: Reader, pairs: Sequence[Pair], looks: Mapping[str, Surveyed], homeward: Sequence[Pair], parallelism: int = 10
) -> tuple[list[Pair], dict[str, Surveyed]]:
    """The pairs, each directed to the side that serves where that can be told, with what was seen of it.

    pairs, looks: on the way out. homeward: those that may serve at home again, on the way there; what has never left it is none
    of them: its standby is no old side.
    """
    asked = [pair for pair in homeward if looks[pair.key].active not in (Active.TARGET, Active.BOTH)]
    back = survey(reader, asked, parallelism)
    sure = {key for key, look in back.items() if look.active in (Active.TARGET, Active.BOTH)}
    turned = {pair.key: pair for pair in asked if pair.key in sure or looks[pair.key].active is Active.SOURCE}
    return [turned.get(pair.key, pair) for pair in pairs], {**looks, **{key: back[key] for key in turned}}


def left_alone(pairs: Sequence[Pair], looks: Mapping[str, Surveyed]) -> list[str]:
    """Warnings: what of the directed pairs has no other side to be put in order. Of what is unknown the plan warns."""
    said = {Active.NEITHER: "neither region serves", Active.SOURCE: "no execution has moved them"}
    left = {why: [pair.key for pair in pairs if looks[pair.key].active is side] for side, why in said.items()}
    return [f"left alone, {why}: {_named(keys)}" for why, keys in left.items() if keys]


def looked(
    reader: Reader, pairs: Sequence[Pair], captured: Mapping[str, Mapping[str, Any]], parallelism: int = 10
) -> list[Protection]:
    """What one look says of pairs directed to the side that serves. Describe calls only; nothing is waited for."""
    having = [pair for pair in pairs if "replicate" in adapter(pair.technology).phases]
    looks = survey(reader, having, parallelism)
    return [_seen(pair, looks[pair.key], captured.get(pair.key, {})) for pair in having]


def _seen(pair: Pair, look: Surveyed, captured: Mapping[str, Any]) -> Protection:
    if look.error:
        return Protection(pair.key, False, why=look.error)
    match adapter(pair.technology).replicate(look.seen, Goal(pair, captured=captured)):
        case Done(outputs=outputs):
            return judged(pair, outputs)
        case Blocked(why=why, remedy=remedy):
            return Protection(pair.key, False, why=why, remedy=remedy)
        case Call(why=why) | Wait(why=why) | Deferred(why=why):
            return Protection(pair.key, False, why=f"not yet: {why}")


def judged(pair: Pair, outputs: Mapping[str, Any]) -> Protection:
    """Of what REPLICATE says is done: whether it follows closely enough for the resource's RPO."""
    lag = outputs.get("lag_seconds")
    if lag is None:
        why = "its lag is not known yet" if "lag_seconds" in outputs else "it stands by, no lag is measured"
        return Protection(pair.key, True, why=why)
    if 0 <= lag <= pair.rpo_seconds:
        return Protection(pair.key, True, lag)
    behind = f"{lag:.0f} s behind" if lag >= 0 else "not replicating"
    return Protection(pair.key, False, lag, f"it is {behind}, {pair.rpo_seconds} s are allowed", "wait until it has caught up")


def ended(plan: Plan, known: Mapping[str, Mapping[str, Any]]) -> list[Protection]:
    """How an execution left the resources of its REPLICATE. known: as `Journal.known` gives it of that phase."""
    keys = {entry.key for batch in plan.of("replicate") for entry in batch.entries}
    found = []
    for pair in plan.pairs:
        result = known.get(pair.key, {}).get("result")
        if pair.key not in keys:
            continue
        if result and result["status"] == "done":
            found.append(judged(pair, result.get("outputs", {})))
        elif result:
            found.append(Protection(pair.key, False, why=result.get("why", result["status"]), remedy=result.get("remedy", "")))
        else:
            found.append(Protection(pair.key, False, why="phase replicate was not carried out"))
    return found


def refuse_debts(owing: Sequence[str], parameters: Parameters) -> None:
    """PlanError when fences are owed."""
    if owing:
        text = f"fence debts are open, their old side may still run: {_named(owing)}"
        raise PlanError(text, reprotect_command(parameters.to_json()))


def refuse_unprotected(found: Sequence[Protection], owing: Sequence[str], parameters: Parameters) -> None:
    """PlanError when going home would lose something: a source that may still run, or what is not replicated back."""
    refuse_debts(sorted(owing), parameters)
    missing = [one for one in found if not one.protected]
    if missing:
        said = "; ".join(f"{one.key}: {one.why}" for one in missing[:NAMED])
        more = f"; and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        text = f"{len(missing)} resources are not replicated to {parameters.target_region}: {said}{more}"
        lost = f"if {parameters.source_region} is lost: -e mode=unplanned"
        raise PlanError(text, f"{missing[0].remedy or reprotect_command(parameters.to_json())}; {lost}")


def _named(keys: Sequence[str]) -> str:
    return ", ".join(keys[:NAMED]) + (f" and {len(keys) - NAMED} more" if len(keys) > NAMED else "")
