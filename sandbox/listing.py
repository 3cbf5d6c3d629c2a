# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What exists and which tags it has: the base of Resource Explorer and of the Tagging API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend
from moto.core.resource_tagging import iter_taggable_backends

from . import registry
from .model import GLOBAL_SERVICES

if TYPE_CHECKING:
    from .gateway import Gateway

_ARN_TYPES = {"s3": "bucket", "sns": "topic", "sqs": "queue", "states": "stateMachine"}


@dataclass(frozen=True, slots=True)
class Resource:
    """arn, type ("rds:db"), region ("global" where there is none), tags.

    held: by a service file, whose own dict `tags` is.
    """

    arn: str
    type: str
    region: str
    tags: dict[str, str]
    held: bool

    @property
    def service(self) -> str:
        """The service part of the type."""
        return self.type.partition(":")[0]


def resources(gateway: Gateway, account: str, region: str) -> list[Resource]:
    """Everything in an account and region, in the order of ARNs; kept until something changes."""
    key = ("listing", account, region)
    kept = gateway.cache.get(key)
    if kept is None or kept[0] != gateway.generation:
        found = {resource.arn: resource for resource in _all(gateway, account, region)}
        kept = gateway.cache[key] = (gateway.generation, [found[arn] for arn in sorted(found)])
    listed: list[Resource] = kept[1]
    return listed


def _all(gateway: Gateway, account: str, region: str) -> Iterator[Resource]:
    if region == "global":
        yield from _hosted_zones(account)
    else:
        yield from _taggable(account, region)
        yield from _auto_scaling_groups(account, region)
    for service, lister in registry.LISTERS.items():  # last: a service file knows better than moto
        if (service in GLOBAL_SERVICES) == (region == "global"):
            for arn, kind, tags in lister(gateway.context(service, account, region)):
                yield Resource(arn, kind, region, tags, True)


def _taggable(account: str, region: str) -> Iterator[Resource]:
    ended = _ended(account, region)
    for backend in iter_taggable_backends(account, region):
        for tagged in backend.iter_tagged_resources():
            if tagged.arn.rpartition("/")[2] in ended:
                continue
            if tagged.arn.startswith("arn:aws:s3:::") and _bucket_region(backend, tagged.arn) != region:
                continue
            yield Resource(tagged.arn, arn_type(tagged.arn), region, dict(tagged.tags), False)


def _ended(account: str, region: str) -> set[str]:
    """Instances that moto still describes, as EC2 does for an hour, and that are no resources any more."""
    backend: Any = get_backend("ec2")[account][region]
    machines = (one for reservation in backend.reservations.values() for one in reservation.instances)
    return {one.id for one in machines if one._state.name == "terminated"}


def _bucket_region(backend: Any, arn: str) -> str:
    return str(backend.buckets[arn.rpartition(":")[2]].region_name)


def _auto_scaling_groups(account: str, region: str) -> Iterator[Resource]:
    backend: Any = get_backend("autoscaling")[account][region]
    for group in backend.autoscaling_groups.values():
        tags = {tag["key"] if "key" in tag else tag["Key"]: tag.get("value", tag.get("Value", "")) for tag in group.tags}
        yield Resource(group.arn, "autoscaling:autoScalingGroup", region, tags, False)


def _hosted_zones(account: str) -> Iterator[Resource]:
    backend: Any = get_backend("route53")[account]["aws"]
    for zone in backend.zones.values():
        name = zone.id.rpartition("/")[2]
        tags = dict(backend.list_tags_for_resource(name) or {})
        yield Resource(f"arn:aws:route53:::hostedzone/{name}", "route53:hostedzone", "global", tags, False)


def arn_type(arn: str) -> str:
    """The resource type in Resource Explorer's words, from an ARN: "rds:db", "ecs:service"."""
    _unused, _unused, service, _unused, _unused, rest = arn.split(":", 5)
    return f"{service}:{_ARN_TYPES.get(service) or re.split('[:/]', rest, maxsplit=1)[0]}"
