# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the capacity module and playbook show: how full quotas are, from the cache or anew; alerts; the outlook of a failover.

Cached in the control plane's table, one item per account and region: CAPACITY, <account>#<region>. What could not be looked at is
not cached.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..dynamo import MissingError, utc
from ..errors import InputError
from ..model import REGION
from ..run import Control
from ..scope import pair_of
from . import judging, levels
from .outlook import Outlook, outlook
from .quotas import chosen

#: How long what was seen is shown again without asking AWS.
CACHE_SECONDS: Final = 300
PARTITION: Final = "CAPACITY"
_REMEDY: Final = "ansible-playbook dr.aws.capacity -e refresh=true"


def seen(
    control: Control,
    *,
    accounts: Sequence[str],
    regions: Sequence[str],
    technologies: Sequence[str],
    refresh: bool,
    keep: bool,
) -> dict[str, Any]:
    """{entries: worst first, asked: [account/region that AWS was asked for], read_at: of the oldest entry}.

    accounts, regions: those of the inventory when empty. refresh: without the cache. keep: write it.
    """
    quotas = chosen(technologies)
    known = list(control.accounts.accounts)
    for account in accounts:
        if account not in known:
            raise InputError("accounts", account, f"accounts of the inventory file: {', '.join(known)}", "correct it")
    for region in regions:
        if not REGION.fullmatch(region):
            raise InputError(
                "regions", region, "names of regions, such as us-west-2", f"-e regions={control.settings['regions'][0]}"
            )
    wanted = [(account, region) for account in accounts or known for region in regions or control.settings["regions"]]
    shown = list(dict.fromkeys(_shown(place, quota.scope) for place in wanted for quota in quotas))
    now = control.store.clock()
    cached = {} if refresh else _cached(control, shown, {quota.technology for quota in quotas}, now)
    entries = [entry for item in cached.values() for entry in item["entries"]]
    asked = [place for place in shown if place not in cached]
    parts = [
        (
            [place for place in wanted if _shown(place, scope) in asked],
            [quota for quota in quotas if (quota.scope == "global") == apart],
        )
        for scope, apart in (("region", False), ("global", True))
    ]
    fresh = judging.entries(levels.look(control.cloud, *parts))
    if keep:
        _keep(control, fresh, now)
    found = [*entries, *fresh]
    return {
        "entries": judging.worst_first([*found, *judging.totals(found)]),
        "asked": [list(place) for place in asked],
        "read_at": utc(min([now, *(item["read_at"] for item in cached.values())])),
    }


def _shown(place: tuple[str, str], scope: str) -> tuple[str, str]:
    return (place[0], levels.GLOBAL) if scope == "global" else place


def _cached(
    control: Control, places: Sequence[tuple[str, str]], technologies: set[str], now: float
) -> dict[tuple[str, str], dict[str, Any]]:
    """What is known of places and recent enough, if it has all of the technologies."""
    found = {}
    try:
        for account in dict.fromkeys(place[0] for place in places):
            for item in control.store.table.query(PARTITION, f"{account}#"):
                body = json.loads(item["body"])
                place = (account, str(item["SK"]).partition("#")[2])
                mine = [entry for entry in body if entry["technology"] in technologies]
                missing = {one.technology for one in chosen(technologies) if (one.scope == "global") == (place[1] == levels.GLOBAL)}
                complete = missing <= {entry["technology"] for entry in body}
                if place in places and complete and now - item["read_at"] < CACHE_SECONDS:
                    found[place] = {"entries": mine, "read_at": item["read_at"]}
    except MissingError:
        return {}  # no control plane yet
    return found


def _keep(control: Control, fresh: Sequence[Mapping[str, Any]], now: float) -> None:
    places: dict[str, list[Mapping[str, Any]]] = {}
    for entry in fresh:
        places.setdefault(f"{entry['account']}#{entry['region']}", []).append(entry)
    expires = int(now) + CACHE_SECONDS
    try:
        control.store.table.write(
            {"PK": PARTITION, "SK": place, "body": json.dumps(body), "read_at": int(now), "expires_at": expires}
            for place, body in places.items()
            if all(entry["status"] != "UNKNOWN" for entry in body)
        )
    except MissingError:
        return  # no control plane yet: the next look asks again


def alert(control: Control, found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Tells people what is WARNING or CRITICAL, once: of what came from the cache they were told when it was read.

    Gives how that went (`Notifier.send`), None when there was nothing to tell.
    """
    asked = {tuple(place) for place in found["asked"]}
    new = [
        entry
        for entry in found["entries"]
        if entry["status"] in judging.ALERTING and {(entry["account"], region) for region in _regions(entry)} & asked
    ]
    if not new:
        return None
    event = "capacity_critical" if new[0]["status"] == "CRITICAL" else "capacity_warning"
    text = "\n".join(judging.line(entry) for entry in new)
    return control.notifier.send(event, {"operation": "capacity"}, text=text, commands={"look again": _REMEDY})


def _regions(entry: Mapping[str, Any]) -> Sequence[str]:
    return list(entry["regions"]) if "regions" in entry else [entry["region"]]


def foreseen(control: Control, customer: str, environment: str, primary_region: str, dr_region: str) -> Outlook:
    """The outlook of a failover of a customer's environment, from the last readiness snapshot."""
    kept = control.store.get_snapshot(customer, environment)
    if kept is None:
        text = f"customers with a snapshot; {customer}/{environment} has none"
        raise InputError("customer", customer, text, f"ansible-playbook dr.aws.readiness -e customer={customer} -e …")
    body = kept["body"]
    hosts = {one["key"]: one for one in body["resources"]}
    pairs = [pair_of(key, variables, primary_region, dr_region) for key, variables in hosts.items()]
    return outlook(control.cloud, pairs, body["captured"])
