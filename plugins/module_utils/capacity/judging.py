# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What levels mean: a status by FR-6.4's thresholds, sums over the regions of an account, the worst first, words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from .levels import Level

#: Least percentage -> status (FR-6.4).
THRESHOLDS: Final = ((100, "CRITICAL"), (90, "WARNING"), (80, "INFO"))
#: The worst first. UNKNOWN: it could not be looked at, which is not well. UNINITIALISED: the service was never set up there.
STATUSES: Final = ("CRITICAL", "WARNING", "UNKNOWN", "INFO", "UNINITIALISED", "OK")
ALERTING: Final = ("CRITICAL", "WARNING")
UNSEEN: Final = ("UNKNOWN", "UNINITIALISED")
#: What the sum over an account's regions is shown as.
ALL_REGIONS: Final = "all"
TOP: Final = 3
#: Lines of what is well that a report shows.
WELL: Final = 10


def status(percent: float) -> str:
    """OK, INFO, WARNING or CRITICAL."""
    return next((name for least, name in THRESHOLDS if percent >= least), "OK")


def percentage(used: float, limit: float) -> float:
    """How full; a limit of zero of which nothing is used is not full."""
    return round(used * 100 / limit, 1) if limit else 100.0 if used else 0.0


def entries(found: Iterable[Level]) -> list[dict[str, Any]]:
    """An entry per account, region and quota, as JSON values; see the module's documentation for its fields."""
    return [_entry(level) for level in found]


def _entry(level: Level) -> dict[str, Any]:
    quota, limit, trouble = level.quota, level.limit, level.trouble
    where, used = level.fullest
    entry: dict[str, Any] = {
        "account": level.account,
        "region": level.region,
        "technology": quota.technology,
        "service": quota.service,
        "quota_code": limit.code,
        "name": quota.name,
        "unit": quota.unit,
        "scope": quota.scope,
        "limit": limit.value,
        "limit_source": limit.source,
        "counted_in": quota.counted_in,
        "fullest": where,
        "used": used,
        "available": max(0, limit.value - used),
        "percent": percentage(used, limit.value),
        "reason": level.doubt,
    }
    entry["status"] = status(entry["percent"])
    if trouble is not None:
        dormant = trouble.kind == "uninitialised"
        known = {"used": 0} if dormant else {"used": None, "available": None, "percent": None}
        entry |= {**known, "status": "UNINITIALISED" if dormant else "UNKNOWN", "reason": trouble.reason}
    return entry


def totals(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each account-wide limit the sum over an account's regions, with `regions` (what each uses), `top_regions` and `missing`.

    missing: region -> why it is not in the sum, which is then the least that is used.
    """
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for entry in found:
        if entry["scope"] == "account":
            groups.setdefault((entry["account"], entry["service"], entry["quota_code"]), []).append(entry)
    return [_total(group) for group in groups.values()]


def _total(group: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    regions = {entry["region"]: entry["used"] for entry in group if entry["status"] != "UNKNOWN"}
    missing = {entry["region"]: entry["reason"] for entry in group if entry["status"] == "UNKNOWN"}
    used, widest = sum(regions.values()), max(group, key=lambda entry: entry["limit"])
    limit, percent = widest["limit"], percentage(used, widest["limit"])
    busiest = sorted((region for region in regions if regions[region]), key=lambda region: (-regions[region], region))
    total = {
        **widest,
        "region": ALL_REGIONS,
        "used": used,
        "available": max(0, limit - used),
        "percent": percent,
        "status": status(percent),
        "reason": f"at least; not counted: {', '.join(sorted(missing))}" if missing else "",
        "regions": regions,
        "top_regions": [{"region": region, "used": regions[region]} for region in busiest[:TOP]],
        "missing": missing,
    }
    if not regions:
        total |= {"used": None, "available": None, "percent": None, "status": "UNKNOWN", "reason": "no region could be looked at"}
    return total


def worst_first(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """By status, then the fullest first."""

    def rank(entry: Mapping[str, Any]) -> tuple[Any, ...]:
        place = (entry["account"], entry["region"], entry["service"], entry["name"])
        return (STATUSES.index(entry["status"]), -(entry["percent"] or 0), place)

    return [dict(entry) for entry in sorted(found, key=rank)]


def report(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines for people, the worst first: everything that is not well, the fullest of the rest, and how many there are.

    What could not be looked at in an account's region is one line.
    """
    counts = {name: sum(entry["status"] == name for entry in found) for name in STATUSES}
    lines = [", ".join(f"{number} {name}" for name, number in counts.items() if number) or "no quota was looked at"]
    ordered = worst_first(found)
    unseen: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for entry in ordered:
        if entry["status"] in UNSEEN:
            unseen.setdefault((entry["status"], entry["account"], entry["region"]), []).append(entry)
    well = 0
    for entry in ordered:
        if entry["status"] in UNSEEN:
            group = unseen.pop((entry["status"], entry["account"], entry["region"]), None)
            if group:
                lines.append(_unseen(group))
            continue
        well += entry["status"] == "OK"
        if entry["status"] != "OK" or well <= WELL:
            lines.append(line(entry))
    return lines


def _unseen(group: Sequence[Mapping[str, Any]]) -> str:
    technologies = ", ".join(dict.fromkeys(entry["technology"] for entry in group))
    reasons = list(dict.fromkeys(entry["reason"] for entry in group))
    more = f" (and {len(reasons) - 1} more like it)" if len(reasons) > 1 else ""
    return f"{group[0]['status']:<13} {place(group[0])} {technologies}: {reasons[0]}{more}"


def place(entry: Mapping[str, Any]) -> str:
    """Account and region, in columns."""
    return f"{entry['account']} {entry['region']:<14}"


def line(entry: Mapping[str, Any]) -> str:
    """One entry in one line: status, where, how full, which quota, and what makes up the sum."""
    code = f" ({entry['service']} {entry['quota_code']})" if entry["quota_code"] else ""
    inside = f" in {entry['counted_in']} {entry['fullest']}" if entry["fullest"] else ""
    numbers = f"{entry['used']:g} of {entry['limit']:g} {entry['unit']}"
    text = f"{entry['status']:<13} {place(entry)} {entry['percent']:>6g} %  {numbers}: {entry['name']}{code}{inside}"
    if entry.get("top_regions"):
        text += "; most in " + ", ".join(f"{one['region']} {one['used']:g}" for one in entry["top_regions"])
    if entry["limit_source"] == "assumed":
        text += "; the limit is assumed"
    return f"{text}; {entry['reason']}" if entry["reason"] else text
