# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The estate of an inventory file: options in, plain dicts out. What the inventory plugin does besides filling the inventory."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from . import snapshot
from .accounts import Account, Accounts, AwsReader, classify
from .adapters import adapter
from .asking import GLOBAL
from .discovery import INDEXES, PLACE_SECONDS, Discoverer, Discovery
from .errors import InputError
from .manifest import inventory as manifests
from .model import TECHNOLOGIES
from .pairing import Paired, Scope, pair_up
from .tag_schema import ENVIRONMENTS, STRICT_RULES

#: Options of the inventory file that decide what is found: also what the cache is kept by.
OPTIONS: Final = (
    "accounts",
    "regions",
    "control_region",
    "control_table",
    "control_bucket",
    "control_audit_bucket",
    "control_topic_arn",
    "customer",
    "environment",
    "technologies",
    "records",
    "manifest",
    "index",
    "view_arn",
    "tagging_api",
    "customers",
    "strict_tags",
    "source_identity",
    "change_calendars",
    "account_timeout_seconds",
    "workers",
    "connect_timeout",
    "read_timeout",
    "poll_limit_seconds",
    "notification_timeout_seconds",
    "publish_metrics",
    "tracing",
)
_ACCOUNT_FIELDS: Final = frozenset({"id", "role_arn", "external_id", "name"})
_RECORD_FIELDS: Final = frozenset(
    {
        "zone",
        "account",
        "name",
        "type",
        "set_identifier",
        "values",
        "wave",
        "priority",
        "customer",
        "environment",
        "dependencies",
        "rto_seconds",
        "rpo_seconds",
        "health_check_url",
        "settings",
    }
)
_CORRECT: Final = "correct it in the inventory file"


def control(options: Mapping[str, Any]) -> dict[str, Any]:
    """The variable `dr_control`: how actions reach AWS and the control plane."""
    return {
        "accounts": [
            {"id": one.id, "role_arn": one.role_arn, "external_id": one.external_id, "name": one.name} for one in _accounts(options)
        ],
        "regions": list(options["regions"]),
        "control_region": options["control_region"],
        "table": options["control_table"],
        "bucket": options["control_bucket"],
        "audit_bucket": options["control_audit_bucket"],
        "topic_arn": options["control_topic_arn"],
        "poll_limit_seconds": options["poll_limit_seconds"],
        "notification_timeout_seconds": options["notification_timeout_seconds"],
        "publish_metrics": options["publish_metrics"],
        "tracing": options["tracing"],
        "source_identity": options["source_identity"],
        "change_calendars": list(options["change_calendars"] or ()),
    }


def look(options: Mapping[str, Any], sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """{hosts: {name: variables}, inventory: the variable `dr_inventory`, warnings: [text]}. Raises InputError for the options.

    sleep: how discovery waits between calls that AWS throttles.
    """
    known, regions = _accounts(options), _regions(options)
    records = _records(options, {account.id for account in known})
    scope = Scope(regions, options["customer"], options["environment"], _customers(options), _strict(options))
    ways = Accounts(
        known,
        options["control_region"],
        "dr-aws-inventory",
        source_identity=options["source_identity"],
        connect_timeout=options["connect_timeout"],
        read_timeout=options["read_timeout"],
    )
    zones = [(str(entry["account"]), str(entry["zone"])) for entry in records if not str(entry["zone"]).startswith("Z")]
    found = Discoverer(
        AwsReader(ways),
        known,
        regions,
        technologies=options["technologies"] or TECHNOLOGIES,
        index=_index(options),
        home=options["control_region"],
        view=options["view_arn"],
        tagging_api=options["tagging_api"],
        zones=zones,
        workers=options["workers"],
        timeout_seconds=options["account_timeout_seconds"] or PLACE_SECONDS,
        sleep=sleep,
    ).run()
    snapshots, doubtful, problem = _snapshots(ways, options)
    unverified = _needed(found, snapshots, doubtful)
    written = manifests.read(ways, options)
    named = written.peers(found, regions)
    used = [*snapshots, *unverified]
    paired = pair_up(found, scope, records, used, lambda technology: adapter(technology).durations, named)
    merged = written.merge(paired, regions)
    now = datetime.now(UTC)
    summary = {**_summary(found, paired, snapshots, problem, now), "manifests": merged}
    summary["unverified"] = {f"{one['customer']}/{one['environment']}": problem for one in unverified}
    return {"hosts": paired.hosts, "inventory": summary, "warnings": _warnings(summary)}


def _summary(found: Discovery, paired: Paired, snapshots: list[dict[str, Any]], problem: str, now: datetime) -> dict[str, Any]:
    """complete: all accounts were looked at, and what did not answer is known from a snapshot.

    A silent Route 53 (its control plane is in us-east-1) that a snapshot makes up for is not in `stale`: no plan needs it.
    """
    stale = sorted({region for _account, region in found.stale})
    covered = {account for one in snapshots for account in one["accounts"]}
    uncovered = sorted({account for account, _region in found.stale} - covered)
    counts = Counter(variables["dr_technology"] for variables in paired.hosts.values())
    scopes = {f"{variables['dr_customer']}/{variables['dr_environment']}" for variables in paired.hosts.values()}
    return {
        "complete": not found.errors and not uncovered,
        "source": "snapshot" if stale and snapshots else "live",
        "errors": [dict(one) for one in found.errors],
        "stale_regions": stale,
        "stale": [
            {"account": account, "region": region}
            for account, region in sorted(found.stale)
            if region != GLOBAL or account in uncovered
        ],
        "unconfirmed": paired.unconfirmed,
        "unpaired": paired.unpaired,
        "unindexed": [dict(one) for one in found.unindexed],
        "unlisted_accounts": dict(found.unlisted),
        "violations": [one.to_json() for one in paired.violations],
        "unsupported": dict(found.unsupported),
        "counts": dict(sorted(counts.items())),
        "scopes": sorted(scopes),
        "accounts": [dict(one) for one in found.accounts],
        "duration_ms": found.duration_ms,
        "discovered_at": now.isoformat(timespec="seconds"),
        "snapshots": [
            {
                "customer": one["customer"],
                "environment": one["environment"],
                "created_at": one["created_at"],
                "age_seconds": snapshot.age_seconds(one, now),
                "resources": len(one["resources"]),
                "sha256": one["sha256"],
            }
            for one in snapshots
        ],
        "snapshot_error": problem,
        "missing": sorted(paired.missing),
    }


def _warnings(summary: Mapping[str, Any]) -> list[str]:
    said = [
        f"account {one['account'] or one['name']}: {one['service']}: {one['code']}: {one['message']}. Next: {one['remedy']}"
        for one in summary["errors"]
    ]
    if summary["stale_regions"]:
        known = "known from the readiness snapshot" if summary["source"] == "snapshot" else "no readiness snapshot was read"
        said.append(f"no answer from {', '.join(summary['stale_regions'])}; {known}")
    broken = [one for one in summary["violations"] if one["severity"] == "error"]
    if broken:
        first = broken[0]
        said.append(f"{len(broken)} tag violations forbid a plan, such as: {first['resource']}: {first['tag']}: {first['remedy']}")
    for account, count in summary["unlisted_accounts"].items():
        said.append(f"account {account} has {count} tagged resources and is not in the inventory file. Next: add it to accounts")
    if summary["snapshot_error"]:
        said.append(summary["snapshot_error"])
    return said


def _needed(found: Discovery, snapshots: list[dict[str, Any]], doubtful: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the snapshots that were changed those that alone tell what silent accounts hold. A plan refuses them unless told."""
    silent = {account for account, _region in found.stale} - {account for one in snapshots for account in one["accounts"]}
    needed = [one for one in doubtful if silent & set(one["accounts"])]
    return needed if silent <= {account for one in needed for account in one["accounts"]} else []


def _snapshots(ways: Accounts, options: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], str]:
    """The verified snapshots in the control bucket, those that were changed, and why one could not be read."""
    bucket = options["control_bucket"]
    if not bucket:
        return [], [], ""
    verified: list[dict[str, Any]] = []
    doubtful: list[dict[str, Any]] = []
    problem = ""
    try:
        store = ways.control("s3")
        if options["customer"] and options["environment"]:
            keys = [snapshot.key(options["customer"], options["environment"])]
        else:
            pages = store.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=snapshot.PREFIX)
            keys = [one["Key"] for page in pages for one in page.get("Contents", ()) if one["Key"].endswith("/latest.json")]
        for name in keys:
            try:
                body, wrong = snapshot.read(store.get_object(Bucket=bucket, Key=name)["Body"].read())
            except snapshot.SnapshotError as error:
                problem = f"s3://{bucket}/{name}: {error}"
                continue
            if wrong:
                problem = f"s3://{bucket}/{name}: {wrong}"
            (doubtful if wrong else verified).append(body)
    except Exception as error:
        failure = classify(error)
        if failure is None:
            raise
        if failure.code not in ("NoSuchKey", "NoSuchBucket", "404"):
            problem = f"the readiness snapshot in s3://{bucket} was not read: {failure.code}: {failure.message}"
    return verified, doubtful, problem


def _accounts(options: Mapping[str, Any]) -> list[Account]:
    known: dict[str, Account] = {}
    for entry in options["accounts"]:
        _fields("accounts", entry, _ACCOUNT_FIELDS, ("id",))
        one = Account(str(entry["id"]), entry.get("role_arn"), entry.get("external_id"), str(entry.get("name") or ""))
        if one.id in known:
            raise InputError("accounts.id", one.id, "each account once", _CORRECT)
        known[one.id] = one
    if not known:
        raise InputError("accounts", options["accounts"], "at least one account", _CORRECT)
    return list(known.values())


def _regions(options: Mapping[str, Any]) -> tuple[str, str]:
    regions = options["regions"]
    if len(regions) != 2 or regions[0] == regions[1]:
        raise InputError("regions", regions, "two regions that are not the same", _CORRECT)
    return str(regions[0]), str(regions[1])


def _records(options: Mapping[str, Any], accounts: set[str]) -> list[dict[str, Any]]:
    for entry in options["records"]:
        _fields("records", entry, _RECORD_FIELDS, ("zone", "account", "name"))
        if str(entry["account"]) not in accounts:
            raise InputError("records.account", entry["account"], "one of accounts, in quotes", _CORRECT)
    return [dict(entry) for entry in options["records"]]


def _index(options: Mapping[str, Any]) -> str:
    index = str(options["index"] or INDEXES[0])
    if index == "organization" and not options["view_arn"]:
        remedy = "aws resource-explorer-2 list-views --region <control_region> shows them"
        raise InputError("view_arn", options["view_arn"], "the ARN of the organization's view in the control region", remedy)
    if index not in INDEXES:
        raise InputError("index", index, ", ".join(INDEXES), _CORRECT)
    return index


def _customers(options: Mapping[str, Any]) -> frozenset[tuple[str, str]] | None:
    """The combinations of customer and environment that exist, None when the file does not say."""
    if not options["customers"]:
        return None
    known: set[tuple[str, str]] = set()
    for customer, environments in options["customers"].items():
        wrong = [one for one in environments if one not in ENVIRONMENTS] if isinstance(environments, list) else [environments]
        if wrong:
            raise InputError(f"customers.{customer}", environments, "a list of " + ", ".join(ENVIRONMENTS), _CORRECT)
        known.update((str(customer), environment) for environment in environments)
    return frozenset(known)


def _strict(options: Mapping[str, Any]) -> frozenset[str]:
    """The strict rules that are asked for; `all` is every one of them."""
    asked = set(options["strict_tags"] or ())
    unknown = sorted(asked - {"all", *STRICT_RULES})
    if unknown:
        raise InputError("strict_tags", ", ".join(unknown), ", ".join(["all", *STRICT_RULES]), _CORRECT)
    return frozenset(STRICT_RULES) if "all" in asked else frozenset(asked)


def _fields(option: str, entry: Mapping[str, Any], allowed: frozenset[str], required: tuple[str, ...]) -> None:
    for name in entry:
        if name not in allowed:
            raise InputError(f"{option}.{name}", entry[name], f"the fields {', '.join(sorted(allowed))}", _CORRECT)
    for name in required:
        if not entry.get(name):
            raise InputError(f"{option}.{name}", entry.get(name), "a value", _CORRECT)
