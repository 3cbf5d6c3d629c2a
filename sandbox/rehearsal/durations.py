# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long things take in a rehearsal: the sandbox's table, what executions have measured, and what a person knows better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from .rebuilt import RehearsalError

SHIPPED = Path(__file__).with_name("durations.yml")
_SECONDS = {"type": "number", "exclusiveMinimum": 0, "maximum": 7 * 86400}
_ROWS = {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": _SECONDS}}
_SCHEMA = {"type": "object", "additionalProperties": False, "properties": {"operations": _ROWS, "phases": _ROWS}}


@dataclass(frozen=True, slots=True)
class Measured:
    """What a phase of one resource takes, in seconds, and who says so: "7 resources", or the name of a file."""

    seconds: float
    source: str


@dataclass(frozen=True, slots=True)
class Durations:
    """paces: (service, operation) -> how many times as long as in the sandbox's table its effect takes. phases: (technology, phase)
    -> what one resource takes."""

    paces: Mapping[tuple[str, str], float] = field(default_factory=dict)
    phases: Mapping[tuple[str, str], Measured] = field(default_factory=dict)


def read(file: Path | None, learnt: Mapping[str, Mapping[str, list[float]]]) -> Durations:
    """The durations to rehearse with. file: a table like durations.yml, whose values win. learnt: technology -> phase -> seconds of
    the executions before (the product's history). RehearsalError for a file that cannot be used."""
    shipped = _table(SHIPPED)["operations"]
    given = _table(file) if file else {"operations": {}, "phases": {}}
    paces = {}
    for service, operations in given["operations"].items():
        for operation, seconds in operations.items():
            usual = shipped.get(service, {}).get(operation)
            if usual is None:
                known = ", ".join(sorted(shipped.get(service, shipped)))
                raise RehearsalError(f"{file}: operations: {service} {operation} is not known. Next: use one of {known}")
            paces[service, operation] = seconds / usual
    phases = {
        (technology, phase): Measured(median(samples), f"{len(samples)} resources")
        for technology, rows in learnt.items()
        for phase, samples in rows.items()
        if samples
    }
    for technology, rows in given["phases"].items():
        phases |= {(technology, phase): Measured(float(seconds), str(file)) for phase, seconds in rows.items()}
    return Durations(paces, phases)


def _table(file: Path) -> dict[str, Any]:
    """{"operations": {service: {operation: seconds}}, "phases": {technology: {phase: seconds}}}."""
    try:
        held = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise RehearsalError(f"{file} cannot be read: {error}. Next: see docs/rehearsal.md for what it holds") from error
    for fault in Draft202012Validator(_SCHEMA).iter_errors(held):
        where = " ".join(str(part) for part in fault.absolute_path)
        raise RehearsalError(f"{file}: {where}: {fault.message}. Next: write seconds, as in docs/rehearsal.md")
    return {"operations": {}, "phases": {}, **held}
