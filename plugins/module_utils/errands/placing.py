# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an execution is, which hooks and business checks are due there, and what they are told. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from ..fact import whole
from ..model import Pair
from ..parameters import Parameters
from ..plan import STAGES
from .asked import PROOF, Errand

#: The technology that moves clients: it is activated last of a wave, when the business checks have passed.
DNS: Final = "route53"
#: Moments of a batch -> the hooks that are due then, in order.
MOMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "before": ("before_phase", "before_wave"),
    "proof": (PROOF,),
    "after": ("after_wave", "after_phase"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A batch in which something is to be done. stage: as in `plan.STAGES`. first, last: of those batches of its phase."""

    phase: str
    stage: str
    wave: int
    first: bool
    last: bool


def place(execution: Mapping[str, Any], phase: str, wave: int, keys: Collection[str]) -> Place | None:
    """Where the batch of these keys is; None when the plan found it done. execution: the fact `dr_execution`."""
    already, everything = frozenset(execution["already"].get(phase, ())), whole(execution)
    batches = [
        (stage, batch)
        for stage, of in STAGES.items()
        if of == phase
        for batch in _batches(everything["hosts"].get(stage, ()), everything["serial"].get(stage, ()))
        if not batch <= already
    ]
    for number, (stage, batch) in enumerate(batches):
        if batch & set(keys):
            return Place(phase, stage, wave, number == 0, number == len(batches) - 1)
    return None


def _batches(keys: Sequence[str], sizes: Sequence[int]) -> list[frozenset[str]]:
    rest = iter(keys)
    return [frozenset(islice(rest, size)) for size in sizes]


def due(errands: Sequence[Errand], moment: str, here: Place, operation: str) -> list[Errand]:
    """Of all errands those that belong to a moment of a batch, in order."""
    return [
        errand
        for when in MOMENTS[moment]
        for errand in errands
        if (errand.when, errand.phase) == (when, here.phase)
        and operation in errand.operations
        and errand.wave in (0, here.wave)
        and (when != "before_phase" or here.first)
        and (when != "after_phase" or here.last)
    ]


def key(errand: Errand, here: Place) -> str:
    """Under which an errand's outcome is kept: it is carried out once under it."""
    where = here.phase if errand.when.endswith("_phase") else f"{here.stage}-wave-{here.wave:02d}"
    return f"{errand.kind.replace(' ', '-')}/{errand.name}/{where}"


def attempt(kept: Mapping[str, Any]) -> int:
    """The number of the attempt that begins now. kept: what the journal has, {} at first.

    One whose end nobody saw is repeated under its number: it may have been received.
    """
    return int(kept.get("attempt", 0)) + (kept.get("state") != "begun")


def held_back(pairs: Sequence[Pair]) -> frozenset[str]:
    """Of the pairs of a wave those that are activated when the business checks have passed: DNS, and what depends on it."""
    held = {pair.key for pair in pairs if pair.technology == DNS}
    while more := {pair.key for pair in pairs if pair.key not in held and held & set(pair.dependencies)}:
        held |= more
    return frozenset(held)


def context(
    errand: Errand, here: Place, parameters: Parameters, execution_id: str, keys: Sequence[str], outputs: Mapping[str, Any]
) -> dict[str, Any]:
    """What an errand is told, JSON values; the same when it is repeated. outputs: of what serves by now, by resource."""
    return {
        "execution_id": execution_id,
        "idempotency_key": f"{execution_id}/{key(errand, here)}",
        "name": errand.name,
        "when": errand.when,
        "operation": parameters.operation,
        "drill": parameters.drill,
        "check_mode": False,
        "mode": parameters.mode,
        "customer": parameters.customer,
        "environment": parameters.environment,
        "phase": here.phase,
        "wave": here.wave,
        "source_region": parameters.source_region,
        "target_region": parameters.target_region,
        "primary_region": parameters.primary_region,
        "dr_region": parameters.dr_region,
        "resources": list(keys),
        "outputs": dict(outputs),
    }


def idle(errands: Sequence[Errand], parameters: Parameters, pairs: Sequence[Pair]) -> list[str]:
    """What is said of errands that this execution will not carry out."""
    waves = {pair.wave for pair in pairs if not parameters.waves or pair.wave in parameters.waves}
    said = []
    for errand in errands:
        if parameters.operation not in errand.operations:
            said.append(f"{errand} is not carried out: it is for {', '.join(errand.operations)} only")
        elif errand.phase not in parameters.phases or (errand.wave and errand.wave not in waves):
            where = f"{errand.phase}, wave {errand.wave}" if errand.wave else errand.phase
            said.append(f"{errand} is not carried out: there is no {where}")
    return said
