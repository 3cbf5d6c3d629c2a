# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a manifest, for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeAlias

from ..errors import DrError
from ..redact import mask

#: Names and positions that lead to a value, from the root.
Path: TypeAlias = "tuple[str | int, ...]"
#: Characters of a value that are shown.
SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that is broken. path: where (`layers[0].priority`). value: what stands there, None when nothing does."""

    path: str
    value: Any
    allowed: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}={shown(self.path, self.value)} cannot be used; allowed: {self.allowed}. {self.remedy}"

    def to_json(self) -> dict[str, Any]:
        """JSON values; secrets are masked."""
        return {**asdict(self), "value": mask(self.value, self.path)}


class ManifestError(DrError):
    """A manifest with violations: all of them, and the command to try again."""

    def __init__(self, name: str, violations: Sequence[Violation]) -> None:
        said = "; ".join(str(one) for one in violations)
        count = f"{len(violations)} violation{'s' if len(violations) > 1 else ''}"
        super().__init__(
            f"the manifest {name} has {count}: {said}", f"correct it, then ansible-playbook dr.aws.manifest -e manifest_file={name}"
        )
        self.violations = tuple(violations)


def at(path: Path) -> str:
    """A path as people write it."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "manifest"


def broken(path: Path, value: Any, allowed: str, remedy: str = "") -> Violation:
    """A violation; without a remedy of its own the rule is the remedy."""
    return Violation(at(path), value, allowed, remedy or f"Set {at(path)} to {allowed}")


def shown(name: str, value: Any) -> str:
    """A value on a line: short, and masked where its name says that it is secret."""
    text = json.dumps(mask(value, name), sort_keys=True, default=str)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
