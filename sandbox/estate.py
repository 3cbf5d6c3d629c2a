# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Estate files: what exists in the simulated AWS before anyone calls it."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft202012Validator

from . import registry

if TYPE_CHECKING:
    from .gateway import Gateway

HERE = Path(__file__).parent
SCHEMA = HERE / "estate.schema.json"


class EstateError(ValueError):
    """An estate file that cannot be built, with what is wrong where."""


def read(source: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """An estate, checked. source: a YAML file, the name of one that is shipped ("acme"), or what one holds."""
    estate = dict(source) if isinstance(source, Mapping) else _load(source)
    for error in _validator().iter_errors(estate):
        where = "/".join(str(part) for part in error.absolute_path) or "the estate"
        raise EstateError(f"{where}: {error.message[:300]}")
    _check_names(estate)
    return estate


def resources(estate: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The resources as seed functions take them: account as an id, the estate's tags below the resource's own."""
    ids = {str(account.get("name", account["id"])): str(account["id"]) for account in estate["accounts"]}
    for resource in estate.get("resources", ()):
        account = str(resource["account"])
        yield {
            **resource,
            "account": ids.get(account, account),
            "tags": _tags(estate, resource),
        }


def load(gateway: Gateway, source: str | Path | Mapping[str, Any], scale: float | None = None) -> dict[str, Any]:
    """Make the gateway's world anew from an estate. Gives the estate."""
    estate = read(source)
    management = next(str(account["id"]) for account in estate["accounts"] if account.get("management"))
    with gateway.lock:
        gateway.reset(estate["accounts"], management, scale)
        gateway.estate = estate
        gateway.regions = tuple(estate["regions"])
        for resource in resources(estate):
            try:
                gateway.seed(resource)
            except Exception as error:
                raise EstateError(f"{resource['kind']} {resource.get('name', '')}: {error}") from error
    return estate


def environment(gateway: Gateway, endpoint: str) -> dict[str, str]:
    """What a product needs in its environment to call the simulated AWS as the management account."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": gateway.accounts.management.access_key,
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": gateway.estate.get("control_region") or gateway.regions[-1],
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _tags(estate: Mapping[str, Any], resource: Mapping[str, Any]) -> dict[str, str]:
    own = resource.get("tags", {})
    return {} if own is None else {**estate.get("tags", {}), **own}


def _load(source: str | Path) -> dict[str, Any]:
    path = Path(source)
    if not path.exists() and not path.suffix:
        path = HERE / "estates" / f"{source}.yml"
    try:
        loaded = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, yaml.YAMLError) as error:
        raise EstateError(f"{path}: {error}") from error
    if not isinstance(loaded, dict):
        raise EstateError(f"{path}: not an estate")
    return loaded


@functools.cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text()))


def _check_names(estate: Mapping[str, Any]) -> None:
    registry.discover()
    accounts = {str(account[key]) for account in estate["accounts"] for key in ("id", "name") if key in account}
    if sum(1 for account in estate["accounts"] if account.get("management")) != 1:
        raise EstateError("accounts: exactly one must say management: true")
    regions = {*estate["regions"], "global"}
    for index, resource in enumerate(estate.get("resources", ())):
        where = f"resources/{index} ({resource.get('name', resource['kind'])})"
        if str(resource["account"]) not in accounts:
            raise EstateError(f"{where}: account {resource['account']} is not declared")
        for side in (resource, resource.get("peer", {})):
            if side.get("region", "global") not in regions:
                raise EstateError(f"{where}: region {side['region']} is not declared")
        if resource["kind"] not in registry.SEEDS:
            raise EstateError(f"{where}: no kind {resource['kind']}; there are {', '.join(sorted(registry.SEEDS))}")
