# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When each resource was last proven by a drill: its copy served and was healthy, and nothing of it was left."""

from __future__ import annotations

from .dynamo import MissingError
from .store import Store


def record(store: Store, customer: str, environment: str, execution_id: str) -> list[str]:
    """Notes the resources that a drill has proven; gives their keys.

    A copy that served and was ill has ended otherwise as well (`Run.find`). To be called while the drill holds the lock.
    """

    def ended(how: str) -> dict[str, str]:
        return {item["key"]: item["at"] for item in store.table.query(f"EXEC#{execution_id}", f"P#{how}#")}

    served = ended("activate#D")
    proven = sorted((served.keys() & ended("cleanup#D").keys()) - ended("activate#N").keys() - ended("activate#O").keys())
    pk = f"CUST#{customer}#{environment}"
    store.table.write(
        {"PK": pk, "SK": f"DRILLED#{key}", "resource": key, "at": served[key], "execution_id": execution_id} for key in proven
    )
    return proven


def last(store: Store, customer: str, environment: str) -> dict[str, str]:
    """Pair key -> when its last drill proved it (UTC); nothing of what never was."""
    try:
        return {item["resource"]: item["at"] for item in store.table.query(f"CUST#{customer}#{environment}", "DRILLED#")}
    except MissingError:  # no control plane yet
        return {}
