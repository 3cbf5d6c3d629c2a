# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How full each quota is, as a value: its limit and where that is from, and what is used; or why that is not known.

Facts: ListServiceQuotas gives applied values, and leaves out quotas that have none; GetAWSDefaultServiceQuota gives AWS's default
(Service Quotas user guide). Service Quotas throttles early: one list per service, place and run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..accounts import Accounts
from ..adapters.base import Reader
from . import asking
from .asking import Look, Place, Trouble, ask
from .quotas import Quota

SERVICE: Final = "service-quotas"
#: Where a service without regions is shown.
GLOBAL: Final = "global"
_ABSENT: Final = ("NoSuchResourceException",)


@dataclass(frozen=True, slots=True)
class Limit:
    """source: applied (to this account and region) | aws_default | assumed (the table's) | required (no quota of AWS)."""

    value: float
    source: str
    code: str


@dataclass(frozen=True, slots=True)
class Level:
    """One quota in one account and region. region: GLOBAL for a service without regions. trouble: why `uses` is not known.

    uses: what is used, by what the quota is counted in (`usage`). doubt: why the limit is only assumed.
    """

    quota: Quota
    account: str
    region: str
    limit: Limit
    uses: Mapping[str, float] = field(default_factory=dict)
    trouble: Trouble | None = None
    doubt: str = ""

    def used(self, where: str = "") -> float:
        """What is used in one cluster, bus or zone; in the region for other quotas."""
        return self.uses.get(where, 0) if self.quota.counted_in else sum(self.uses.values())

    def free(self, where: str = "") -> float:
        """What can still be had."""
        return self.limit.value - self.quota.kept - self.used(where)

    @property
    def fullest(self) -> tuple[str, float]:
        """Where most is used, and how much."""
        return max(self.uses.items(), key=lambda one: (one[1], one[0]), default=("", 0))


def limits(service: str, quotas: Sequence[Quota]) -> Look:
    """{quota: Limit} of the quotas of one of Service Quotas' services."""
    (listed,) = yield [ask(SERVICE, "list_service_quotas", "Quotas", absent=_ABSENT, ServiceCode=service)]
    found: dict[Quota, Limit] = {}
    for quota in quotas:
        for one in listed:
            if quota.code == one["QuotaCode"] or (not quota.code and quota.name.lower() == one["QuotaName"].lower()):
                found[quota] = Limit(float(one["Value"]), "applied", one["QuotaCode"])
    missing = [quota for quota in quotas if quota not in found and quota.code]
    operation = "get_aws_default_service_quota"
    defaults = yield [ask(SERVICE, operation, "", absent=_ABSENT, ServiceCode=service, QuotaCode=one.code) for one in missing]
    for quota, answer in zip(missing, defaults, strict=True):
        if answer:
            found[quota] = Limit(float(answer[0]["Quota"]["Value"]), "aws_default", quota.code)
    return found


def looks(places: Iterable[Place], quotas: Sequence[Quota], *, used: bool = True) -> dict[tuple[Any, ...], tuple[Place, Look]]:
    """What has to be looked at for `levels`. used=False: the limits only."""
    wanted: dict[tuple[Any, ...], tuple[Place, Look]] = {}
    for shown, place, quota in _spread(places, quotas):
        apart = quota.scope == "global"
        mine = [one for one in quotas if one.service == quota.service and (one.scope == "global") == apart and not one.required]
        if mine and ("limits", shown, quota.service) not in wanted:
            wanted["limits", shown, quota.service] = (place, limits(quota.service, mine))
        if used:
            wanted["used", shown, quota] = (place, quota.used())
    return wanted


def levels(places: Iterable[Place], quotas: Sequence[Quota], results: Mapping[tuple[Any, ...], Any]) -> list[Level]:
    """The levels, from what the looks gave. A quota that was not counted has no uses."""
    found = []
    for shown, _place, quota in _spread(places, quotas):
        known, uses = results.get(("limits", shown, quota.service), {}), results.get(("used", shown, quota), {})
        doubt = known.reason if isinstance(known, Trouble) and not quota.required else ""
        limit = Limit(quota.default, "required" if quota.required else "assumed", quota.code)
        if not isinstance(known, Trouble) and quota in known:
            limit = known[quota]
        trouble = uses if isinstance(uses, Trouble) else None
        found.append(Level(quota, *shown, limit, {} if isinstance(uses, Trouble) else uses, trouble, doubt))
    return found


def look(reader: Reader, *wanted: tuple[Collection[Place], Sequence[Quota]], workers: int = asking.WORKERS) -> list[Level]:
    """How full quotas are in accounts and regions: one look, in parallel. wanted: (places, the quotas to look at there)."""
    asked: dict[tuple[Any, ...], tuple[Place, Look]] = {}
    for places, quotas in wanted:
        asked |= looks(places, quotas)
    results = asking.gather(reader, asked, workers)
    return [level for places, quotas in wanted for level in levels(places, quotas, results)]


def _spread(places: Iterable[Place], quotas: Sequence[Quota]) -> list[tuple[Place, Place, Quota]]:
    """(as it is shown, where it is asked, quota): a service without regions once per account, where its partition keeps it."""
    spread: dict[tuple[Place, Quota], Place] = {}
    for account, region in places:
        for quota in quotas:
            if quota.scope == "global":
                spread.setdefault(((account, GLOBAL), quota), (account, Accounts.region_of("route53", region)))
            else:
                spread[(account, region), quota] = (account, region)
    return [(shown, place, quota) for (shown, quota), place in spread.items()]
