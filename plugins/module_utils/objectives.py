# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which recovery time objectives were met, as a tally that is kept with the execution: its status reads no resource. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from .dynamo import epoch

#: How many resources that missed their RTO are named.
NAMED: Final = 5


def tally(objectives: Mapping[str, int], took: Mapping[str, float]) -> dict[str, Any]:
    """JSON values: {met, late, open, worst, next}.

    objectives: pair key -> `dr:rto-target` in seconds, of what was to be activated. took: pair key -> seconds from the start of
    the execution to the end of its ACTIVATE, of what serves. late: how many served too late, worst the latest of them. open: RTO
    in seconds -> how many do not serve, next those whose time is over first. Of worst and next NAMED each, as {resource,
    rto_seconds, seconds}, seconds is None for one that does not serve.
    """
    served = [key for key in objectives if key in took]
    late = sorted((key for key in served if took[key] > objectives[key]), key=lambda key: (objectives[key] - took[key], key))
    waiting = sorted((key for key in objectives if key not in took), key=lambda key: (objectives[key], key))
    return {
        "met": len(served) - len(late),
        "late": len(late),
        "open": {str(seconds): number for seconds, number in Counter(objectives[key] for key in waiting).items()},
        "worst": [{"resource": key, "rto_seconds": objectives[key], "seconds": took[key]} for key in late[:NAMED]],
        "next": [{"resource": key, "rto_seconds": objectives[key], "seconds": None} for key in waiting[:NAMED]],
    }


def objectives_met(execution: Mapping[str, Any], counted: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Which resources served in time: {met, missed, open, missed_resources}, the worst first, at most NAMED of them.

    Counted from the start of the execution to the end of the resource's ACTIVATE. counted: a `tally`. missed_resources: {resource,
    rto_seconds, seconds}, seconds is None for one that does not serve. open: not served, and in time until now or the execution's
    end.
    """
    ended = execution.get("completed_at")
    elapsed = max(0.0, (epoch(ended) if ended else now) - epoch(execution["started_at"]))
    overdue = sum(number for seconds, number in counted["open"].items() if elapsed > int(seconds))
    missed = [*(one for one in counted["next"] if elapsed > one["rto_seconds"]), *counted["worst"]]
    return {
        "met": counted["met"],
        "missed": counted["late"] + overdue,
        "open": sum(counted["open"].values()) - overdue,
        "missed_resources": missed[:NAMED],
    }
