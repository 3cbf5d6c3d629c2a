# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From inventory hosts to directed pairs and back: host variables of dr.aws.resources are the only input."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from .model import CRITICAL, DEFAULT_RPO_SECONDS, Pair
from .schema import known


def pair_of(key: str, variables: Mapping[str, Any], source_region: str, target_region: str) -> Pair:
    """The pair of one inventory host, directed from `source_region` to `target_region`.

    A side that was not discovered gets the other side's identifier: INSTANTIATE makes it under the same name.
    """
    sides: Mapping[str, Mapping[str, Any]] = variables["dr_sides"]
    source, target = sides.get(source_region, {}), sides.get(target_region, {})
    return Pair(
        key=key,
        technology=variables["dr_technology"],
        account=variables["dr_account"],
        source_region=source_region,
        target_region=target_region,
        source_id=source.get("id") or target["id"],
        target_id=target.get("id") or source["id"],
        source_arn=source.get("arn"),
        customer=variables["dr_customer"],
        environment=variables["dr_environment"],
        wave=int(variables["dr_wave"]),
        priority=variables["dr_priority"],
        dependencies=tuple(variables.get("dr_dependencies") or ()),
        rto_seconds=variables.get("dr_rto_seconds"),
        rpo_seconds=variables.get("dr_rpo_seconds") or DEFAULT_RPO_SECONDS,
        health_check_url=variables.get("dr_health_check_url"),
        settings=variables.get("dr_settings") or {},
        tags=variables.get("dr_tags") or {},
        impact=variables.get("dr_impact") or CRITICAL,
    )


def to_json(pair: Pair) -> dict[str, Any]:
    """A pair as JSON values, for the stored plan."""
    return {field.name: getattr(pair, field.name) for field in dataclasses.fields(pair)}


def from_json(value: Mapping[str, Any]) -> Pair:
    """The pair that `to_json` gave."""
    return Pair(**{**known(Pair, value), "dependencies": tuple(value["dependencies"])})
