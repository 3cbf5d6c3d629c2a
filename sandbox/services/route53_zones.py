# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosted zones by name: Route 53 lists all from a name on, where moto lists those of the name only."""

from __future__ import annotations

from typing import Any

from sandbox.gateway import Ctx, after


def _order(name: str) -> list[str]:
    return name.lower().rstrip(".").split(".")[::-1]


@after("route53", "ListHostedZonesByName")
def by_name(ctx: Ctx, params: dict[str, Any], out: dict[str, Any]) -> None:
    """In the order of reversed names, public and private ones alike, beginning with the name that is given."""
    start, limit = params.get("DNSName", ""), min(int(params.get("MaxItems", 100)), 100)
    zones = sorted(ctx.client("route53").list_hosted_zones()["HostedZones"], key=lambda one: (_order(one["Name"]), one["Id"]))
    wanted = [one for one in zones if not start or _order(one["Name"]) >= _order(start)]
    out |= {"HostedZones": wanted[:limit], "IsTruncated": len(wanted) > limit, "MaxItems": str(limit)}
