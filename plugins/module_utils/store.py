# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of executions: DynamoDB for what changes, S3 for what is large. All of it in the control region.

Layout of the table (keys PK, SK):
    EXEC#<id>          META                       the execution: DR-1's attributes; in the indexes by-scope, by-status
                       P#<phase>#D#<key>          a resource's phase that is done
                       P#<phase>#N#<key>          … that needs a person (failed, blocked), gone once it is done
                       P#<phase>#O#<key>          … that ended otherwise (deferred, skipped), likewise; of earlier releases all
                       P#<phase>#I#<key>#<digest> a mutating call: intent and outcome
                       APPR#<gate>#<number>       an approval and its decision
                       REQ#<verb>#<number or key> what a person asks for while it runs (`interventions`)
                       RELAY                      what comes next, of an execution with several runners (`relay`)
                       SHARD#<batch>#<number>     what one of them has counted in a wave that they share
                       ERRAND#<key>               how a hook or a business check stands (`errands`)
                       ASIDE#<at>#<sort key>      what was recorded of a phase that was rolled back
                       AUD#<number>               audit, each entry with the hash of the one before; in the indexes audit-by-…
                       EVID#<number>              an object of audit entries in the bucket of evidence (`evidence`)
                       PLAN                       where the plan's body is in S3, and its sha256
    SCHEMA                          SCHEMA            of which schema the table is (`schema`, `migrations`)
    EXEC#operations-<month>         AUD#…, EVID#…     what was done outside of executions (`trail`)
    LOCK#<customer>#<environment>   LOCK;  SLOT#<name>  under it, for each of several runners
    CUST#<customer>#<environment>   INV#…         inventory snapshots, likewise;  DEBT#<key>#<phase>#<id>  fence debts
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any, Final

from . import schema
from .audit import Note, chain, chained
from .dynamo import WRITE, MissingError, RefusedError, Table, epoch, error_code, utc
from .errors import DrError, InputError
from .journal import DONE, NEEDED, OTHERWISE, Journal, MemoryJournal
from .lock import LeaseLostError, Lock, LockHeldError, alive
from .objectives import tally
from .status import summary

__all__ = [
    "ChangedError",
    "Journal",
    "LeaseLostError",
    "Lock",
    "LockHeldError",
    "MemoryJournal",
    "Store",
    "new_execution_id",
    "shown",
]

TRANSITIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "PENDING": ("RUNNING", "CANCELLED", "FAILED"),
    "RUNNING": ("PAUSED", "COMPLETED", "FAILED", "CANCELLED"),
    "PAUSED": ("RUNNING", "CANCELLED", "FAILED"),
    "FAILED": ("RUNNING", "CANCELLED"),
    "COMPLETED": ("RUNNING",),  # while what it has activated is taken back
    "CANCELLED": (),
}
ENDED: Final = ("COMPLETED", "FAILED", "CANCELLED")
#: DR-1: kept for seven years.
RETENTION_SECONDS: Final = 7 * 366 * 86400
#: How often a change is tried again when someone else changed the same item in between.
ATTEMPTS: Final = 10
MAX_DAYS: Final = 400
#: How much of each list a status holds unless told otherwise: a query costs the same whatever the size of the estate. One partition
#: of a table serves 3,000 read units a second.
STATUS_ENTRIES: Final = 50
#: What a status shows of its lists, beside those that it shows whole.
_OF_RESULT: Final = ("key", "phase", "status", "at", "body")
_OF_EVENT: Final = ("at", "event_type", "actor", "detail")
_OF_DEBT: Final = ("resource", "phase", "text", "execution_id", "at", "settled_at")
_OWN: Final = frozenset(
    {"PK", "SK", WRITE, "scope", "day", "audit_day", "expires_at", "timeout_epoch", "token_sha256", "promised_sha256", "wake"}
)


def new_execution_id(now: float, suffix: str | None = None) -> str:
    """`dr-20261128T163000Z-7f3a9c`: sorts by time. suffix: six hex digits, random by default."""
    return f"dr-{datetime.fromtimestamp(int(now), UTC):%Y%m%dT%H%M%SZ}-{suffix or secrets.token_hex(3)}"


class ChangedError(DrError):
    """An object that is not what was stored. raw: what is there instead."""

    def __init__(self, message: str, remedy: str, raw: bytes) -> None:
        super().__init__(message, remedy)
        self.raw = raw


class Store:
    """Executions and what belongs to them. dynamodb, s3: boto3 clients of the control region. clock: epoch seconds.

    audit_bucket: of evidence, `<bucket>-audit` by default.

    Errors: DrError for the person; what AWS or the network refuses otherwise is raised as the client raises it.
    """

    def __init__(
        self,
        dynamodb: Any,
        s3: Any,
        table: str,
        bucket: str,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        audit_bucket: str = "",
    ) -> None:
        self.table = Table(dynamodb, table, sleep, self._now)
        self.audit_bucket = audit_bucket or f"{bucket}-audit"
        self.s3, self.bucket, self.clock = s3, bucket, clock
        self.region = str(getattr(getattr(dynamodb, "meta", None), "region_name", ""))

    def _now(self) -> float:
        return self.clock()

    def expiry(self) -> int:
        """When an item written now may go (epoch seconds, the table's TTL attribute). Housekeeping, not evidence."""
        return int(self.clock()) + RETENTION_SECONDS

    # Executions

    def create_execution(self, record: Mapping[str, Any], *notes: Note) -> dict[str, Any]:
        """Stores a new execution, PENDING, with its first audit entries, and gives it back.

        record: customer, environment, operation, mode, primary_region, dr_region, created_by, and what `Plan.record` gives
        (plan_sha256, resource_count, planned, already, expected_seconds, parameters, …); execution_id: new when absent.
        SchemaError: a newer release has made the table its own.
        """
        self._refuse_newer()
        now = self.clock()
        started_at = utc(now)
        execution_id = record.get("execution_id") or new_execution_id(now)
        scope = f"{record['customer']}#{record['environment']}"
        item = {
            "counts": {},
            "current_phase": None,
            "current_wave": None,
            "completed_at": None,
            **record,
            schema.FIELD: schema.CURRENT,
            "PK": f"EXEC#{execution_id}",
            "SK": "META",
            "execution_id": execution_id,
            "execution_arn": f"arn:aws:dr-aws:{self.region}:{record.get('account', '')}:execution/{execution_id}",
            "scope": scope,
            "started_at": started_at,
            "updated_at": started_at,
            "status": "PENDING",
            "ver": 1,
            "expires_at": self.expiry(),
        }
        try:
            self.write(execution_id, {"Put": self.table.putting(item, new=True)}, *notes)
        except RefusedError as refused:
            remedy = f"ansible-playbook dr.aws.status -e execution_id={execution_id}"
            raise DrError(f"execution {execution_id} exists already", remedy) from refused
        return shown(item)

    def get_execution(self, execution_id: str) -> dict[str, Any]:
        """The execution, by id or ARN. DrError when there is none, SchemaError when a newer release must be asked."""
        name = execution_id.rpartition("/")[2]
        item = self.table.get(f"EXEC#{name}", "META")
        if item is None:
            remedy = "ansible-playbook dr.aws.status -e customer=… -e environment=…"
            raise DrError(f"execution_id={execution_id!r} is not known in table {self.table.name}", remedy)
        schema.check(item, f"execution {name}")
        return shown(item)

    def marked(self) -> dict[str, Any]:
        """The item that says of which schema the table is; {} when nothing says it yet."""
        return self.table.get("SCHEMA", "SCHEMA") or {}

    def _refuse_newer(self) -> None:
        """SchemaError when a newer release has made the table its own."""
        schema.check(self.marked(), f"table {self.table.name}")

    def update_execution(self, execution_id: str, *notes: Note, ver: int | None = None, **changes: Any) -> dict[str, Any]:
        """Changes attributes and gives the execution as it is then. `status` only along TRANSITIONS, else DrError.

        notes: audit entries that tell of it: all is written or nothing.
        RUNNING, as which every run begins, is refused in a table that a newer release has made its own (SchemaError).
        ver: RefusedError unless the execution is as it was read with this `ver`.
        """
        if changes.get("status") == "RUNNING":
            self._refuse_newer()
        for _attempt in range(ATTEMPTS):
            before = self.get_execution(execution_id)
            wanted = changes.get("status", before["status"])
            if wanted != before["status"] and wanted not in TRANSITIONS[before["status"]]:
                allowed = ", ".join(TRANSITIONS[before["status"]]) or "nothing: it has ended"
                raise DrError(
                    f"execution {before['execution_id']} is {before['status']} and cannot become {wanted}; allowed: {allowed}",
                    f"ansible-playbook dr.aws.status -e execution_id={before['execution_id']}",
                )
            if ver not in (None, before["ver"]):
                raise RefusedError(before)
            now = utc(self.clock())
            assign = {**changes, "updated_at": now}
            if changes.get("status") == "RUNNING":
                assign[schema.FIELD] = schema.later(schema.of(before))
            if wanted != before["status"]:
                assign["completed_at"] = now if wanted in ENDED else None
            try:
                return self._changed(before, assign, notes)
            except RefusedError:
                continue
        text = f"execution {execution_id} was changed by others {ATTEMPTS} times in a row"
        raise DrError(text, f"ansible-playbook dr.aws.status -e execution_id={execution_id}")

    def _changed(self, before: Mapping[str, Any], assign: Mapping[str, Any], notes: Sequence[Note]) -> dict[str, Any]:
        """The execution with its changes, and the entries about them. RefusedError: others were faster."""
        name = before["execution_id"]
        what: tuple[str, str, Mapping[str, Any]] = (f"EXEC#{name}", "META", assign)
        how: dict[str, Any] = {
            "increment": ("ver",),
            "condition": "#status = :from AND #ver = :ver",
            "values": {"from": before["status"], "ver": before["ver"]},
        }
        if not notes:
            return shown(self.table.update(*what, **how))
        self.write(name, {"Update": self.table.updating(*what, **how)}, *notes)
        return {**before, **assign, "ver": before["ver"] + 1}

    def executions(
        self,
        *,
        customer: str | None = None,
        environment: str | None = None,
        status: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = 100,
    ) -> list[dict[str, Any]]:
        """Executions, newest first: of a customer and environment, of a status, or of days (YYYY-MM-DD, both ends included).

        limit: at most so many of them, None for all.

        One query of an index, or one for each status, never a scan: by scope or status, and between the days; further criteria are
        applied to what it gives.
        """
        if customer and environment:
            partitions = [("by-scope", "scope", f"{customer}#{environment}")]
        elif status or since or until:
            partitions = [("by-status", "status", one) for one in ([status] if status else TRANSITIONS)]
        else:
            raise DrError("nothing says which executions to list", "give customer and environment, status, or since and until")
        first, last = _day("since", since) or "0", _day("until", until) or "9999"
        if first > last:
            raise InputError("since", since, f"a day until {last}", f"-e since={last}")
        between = ("started_at", first, f"{last}T~")
        wanted = {"customer": customer, "environment": environment, "status": status}
        pages = [self.table.by(*partition, between=between, page=limit) for partition in partitions]
        found: dict[str, dict[str, Any]] = {}  # an index that lags behind may have one under two statuses for a moment
        for item in merge(*pages, key=lambda item: str(item["started_at"]), reverse=True):
            if all(not value or item[name] == value for name, value in wanted.items()):
                schema.check(item, f"execution {item['execution_id']}")
                found.setdefault(item["execution_id"], shown(item))
            if len(found) == limit:
                break
        return list(found.values())

    def status(self, execution_id: str, limit: int | None = STATUS_ENTRIES) -> dict[str, Any]:
        """Everything FR-2.2 asks for (see `status.summary`).

        limit: at most so many entries of each list, those that need a person first; None for all. The others of a phase are given
        by `resources`. With a limit a fixed number of queries reads no more than that, and no resource that is done; a phase that
        is over and left nothing is not read.
        """
        execution = self.counted(self.get_execution(execution_id))
        name, counts = execution["execution_id"], execution.get("counts") or {}
        pk, page = f"EXEC#{name}", None if limit is None else limit + 1
        truncated: list[str] = []

        def some(what: str, items: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
            found = list(islice(items, page))
            if len(found) == page:
                truncated.append(what)
            return found[:limit]

        begun = dict.fromkeys([*counts, *filter(None, [execution.get("current_phase")])])
        unfinished = [
            self._entry(item)
            for phase in begun
            if not _left_nothing(execution, phase)
            for item in some(phase, self.table.span(pk, *_unfinished(phase), page=page, only=_OF_RESULT))
        ]
        newest = some("timeline", self.table.query(pk, "AUD#", newest_first=True, page=page, only=_OF_EVENT))
        return summary(
            execution,
            unfinished=unfinished,
            audit=[audit_entry(item) for item in reversed(newest)],
            approvals=some("approvals", (shown(item) for item in self.table.query(pk, "APPR#", page=page))),
            debts=some("debts", self._open_debts(execution["customer"], execution["environment"], page)),
            objectives=self.objectives(execution),
            requests=some("requests", (shown(item) for item in self.table.query(pk, "REQ#", page=page))),
            rolled_back=self._rolled_back(execution, some),
            truncated=truncated,
            lock=alive(self, execution),
            now=self.clock(),
        )

    def counted(self, execution: Mapping[str, Any]) -> Mapping[str, Any]:
        """An execution with the counts of the runners that share its wave, where they do (`relay`): each stores its own."""
        shared = execution.get("shared")
        if not shared:
            return execution
        counts = Counter((execution.get("counts") or {}).get(shared["phase"], {}))
        for item in self.table.query(f"EXEC#{execution['execution_id']}", shared["prefix"]):
            counts.update(item["counts"])
        return {**execution, "counts": {**execution["counts"], shared["phase"]: dict(counts)}}

    def _rolled_back(
        self, execution: Mapping[str, Any], some: Callable[[str, Iterator[dict[str, Any]]], list[dict[str, Any]]]
    ) -> list[dict[str, Any]]:
        """Resources of which ACTIVATE was taken back; only looked for where something was."""
        if not execution.get("rollbacks"):
            return []
        found = self.table.span(f"EXEC#{execution['execution_id']}", *_done("rollback"))
        return [self._entry(item) for item in some("rolled_back", found)]

    def resources(self, execution_id: str, phase: str, after: str = "", limit: int = 100) -> tuple[list[dict[str, Any]], str]:
        """How a phase ended for its resources, a page of them, and what gives the next page as `after`; "" when there is none.

        Entries as in failed_resources of `status`: those that are done, then those that failed or are blocked, then the rest.
        """
        pk = f"EXEC#{self.get_execution(execution_id)['execution_id']}"
        page: list[dict[str, Any]] = []
        start = f"P#{phase}#{after}"
        for first, last in (_done(phase), _unfinished(phase)):
            if start < last and len(page) <= limit:
                left = limit + 1 - len(page)
                page += islice(self.table.span(pk, first, last, after=start if start > first else "", page=left), left)
        more = page[limit - 1]["SK"].removeprefix(f"P#{phase}#") if len(page) > limit else ""
        return [self._entry(item) for item in page[:limit]], more

    def _entry(self, item: Mapping[str, Any]) -> dict[str, Any]:
        entry = {"resource": item["key"], "phase": item["phase"], "status": item["status"], "at": item["at"]}
        return {**entry, **self.body(item["body"])}

    def sent(self, execution_id: str, phase: str) -> dict[str, set[tuple[str, str]]]:
        """Pair key -> (`service:operation`, region) of the calls of a phase, but for those that were rejected."""
        found: dict[str, set[tuple[str, str]]] = {}
        for item in self.table.query(f"EXEC#{execution_id}", f"P#{phase}#I#"):
            if item["outcome"] != "rejected":
                found.setdefault(item["key"], set()).add((item["call"], item["region"]))
        return found

    def objectives(self, execution: Mapping[str, Any]) -> dict[str, Any] | None:
        """The tally of an execution's recovery time objectives. None when it has none, as of an earlier release, and its plan, of
        which it would be made then, cannot be read."""
        if "objectives" in execution:
            kept: dict[str, Any] = execution["objectives"]
            return kept
        try:
            plan = self.get_plan(execution["execution_id"])["plan"]
        except Exception:  # a status without its objectives is worth more than none
            return None
        entries = [entry for batch in plan["batches"] if batch["phase"] == "activate" for entry in batch["entries"]]
        todo = {entry["key"] for entry in entries if entry["state"] != "done"}
        wanted = {pair["key"]: pair["rto_seconds"] for pair in plan["pairs"] if pair["key"] in todo and pair["rto_seconds"]}
        served = self.table.span(f"EXEC#{execution['execution_id']}", *_done("activate"))
        started = epoch(execution["started_at"])
        return tally(wanted, {item["key"]: epoch(item["at"]) - started for item in served})

    # Audit

    def note(self, execution_id: str, event_type: str, actor: str = "", **detail: Any) -> dict[str, Any]:
        """Adds an audit entry, chained to the one before by its hash; secrets are masked. Gives the entry."""
        for _attempt in range(ATTEMPTS):
            item = next(self._next(execution_id, [Note(event_type, actor, detail)]))
            try:
                self.table.put(item, new=True)
            except RefusedError:
                continue
            return audit_entry(item)
        raise _overtaken(execution_id)

    def write(self, execution_id: str, change: Mapping[str, Any], *notes: Note) -> None:
        """A change of an item of an execution (`Table.transact`) and the audit entries that tell of it: all or nothing.

        RefusedError: the condition of the change does not hold.
        """
        for _attempt in range(ATTEMPTS):
            entries = ({"Put": self.table.putting(item, new=True)} for item in self._next(execution_id, notes))
            try:
                return self.table.transact(change, *entries)
            except RefusedError as refused:
                if not str(refused.item.get("SK")).startswith("AUD#"):
                    raise
        raise _overtaken(execution_id)

    def _next(self, execution_id: str, notes: Sequence[Note]) -> Iterator[dict[str, Any]]:
        """The items of the audit entries that come next."""
        pk, at = f"EXEC#{execution_id}", utc(self.clock())
        last = next(self.table.query(pk, "AUD#", newest_first=True, limit=1), None) if notes else None
        for entry in chained(last, at, notes):
            yield {**entry, "PK": pk, "SK": f"AUD#{entry['number']:08d}", "audit_day": at[:10], "expires_at": self.expiry()}

    def audit(self, execution_id: str) -> list[dict[str, Any]]:
        """The audit trail, oldest first: {number, at, event_type, actor, detail, prev_hash, hash}."""
        return [audit_entry(item) for item in self.table.query(f"EXEC#{execution_id}", "AUD#")]

    def broken_audit(self, execution_id: str) -> list[str]:
        """What is wrong with the audit trail's chain: changed, missing or reordered entries. Empty when all is well."""
        wrong, previous, expected = [], "", 1
        for item in self.table.query(f"EXEC#{execution_id}", "AUD#"):
            if item["number"] != expected:
                wrong.append(f"entry {expected} is missing")
            elif item["prev_hash"] != previous:
                wrong.append(f"entry {item['number']} does not follow the one before")
            if chain(item) != item["hash"]:
                wrong.append(f"entry {item['number']} was changed")
            previous, expected = item["hash"], item["number"] + 1
        return wrong

    # Fence debts

    def owe(self, customer: str, environment: str, execution_id: str, entries: Sequence[tuple[str, str, str]]) -> None:
        """Records fence debts: (pair key, phase, text)."""
        pk, at = f"CUST#{customer}#{environment}", utc(self.clock())
        self.table.write(
            {
                "PK": pk,
                "SK": f"DEBT#{key}#{phase}#{execution_id}",
                "resource": key,
                "phase": phase,
                "text": text,
                "execution_id": execution_id,
                "at": at,
                "settled_at": None,
            }
            for key, phase, text in entries
        )

    def open_debts(self, customer: str, environment: str) -> list[dict[str, Any]]:
        """Fence debts that are not settled: [{resource, phase, text, execution_id, at}], of all executions."""
        return list(self._open_debts(customer, environment))

    def _open_debts(self, customer: str, environment: str, page: int | None = None) -> Iterator[dict[str, Any]]:
        items = self.table.query(f"CUST#{customer}#{environment}", "DEBT#", page=page, only=_OF_DEBT)
        return (shown(item) for item in items if item["settled_at"] is None)

    def debts(self, customer: str, environment: str) -> list[dict[str, Any]]:
        """All fence debts, those that are settled last: as `open_debts`, and settled_at, None or UTC."""
        pk = f"CUST#{customer}#{environment}"
        return [shown(item) for prefix in ("DEBT#", "SETTLED#") for item in self.table.query(pk, prefix)]

    def settle(self, customer: str, environment: str, resource: str) -> int:
        """Marks all debts of a resource as settled: its source was seen fenced. Gives how many there were.

        They go out of the way of those that are open, which every status reads.
        """
        pk, settled = f"CUST#{customer}#{environment}", 0
        for item in list(self.table.query(pk, f"DEBT#{resource}#")):
            if item["resource"] == resource and item["settled_at"] is None:
                settled_item = {**item, "SK": f"SETTLED#{item['SK'].removeprefix('DEBT#')}", "settled_at": utc(self.clock())}
                self.table.put(settled_item)
                self.table.write([], [(pk, item["SK"])])
                settled += 1
        return settled

    # Bodies in S3

    def put_plan(self, execution_id: str, body: Mapping[str, Any]) -> str:
        """Stores a plan's body as plans/<execution_id>.json; gives the sha256 of its bytes. SchemaError as `create_execution`."""
        self._refuse_newer()
        pointer = self.put_object(f"plans/{execution_id}.json", _json(body))
        self.table.put({"PK": f"EXEC#{execution_id}", "SK": "PLAN", **pointer, "expires_at": self.expiry()})
        return str(pointer["sha256"])

    def get_plan(self, execution_id: str) -> dict[str, Any]:
        """A plan's body, checked against its sha256. DrError when there is none or it was changed."""
        pointer = self.table.get(f"EXEC#{execution_id}", "PLAN")
        if pointer is None:
            raise DrError(f"execution {execution_id} has no stored plan", "start a new execution without execution_id")
        body: dict[str, Any] = json.loads(self.get_object(pointer))
        return body

    def put_snapshot(self, customer: str, environment: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Stores an inventory snapshot, as latest.json and under its time. Gives {s3, sha256, at}."""
        at, raw = utc(self.clock()), _json(body)
        folder = f"snapshots/{customer}/{environment}"
        pointer = {**self.put_object(f"{folder}/{at}.json", raw), "at": at}
        self.put_object(f"{folder}/latest.json", raw)
        pk = f"CUST#{customer}#{environment}"
        self.table.write(
            [{"PK": pk, "SK": f"INV#{at}", **pointer, "expires_at": self.expiry()}, {"PK": pk, "SK": "INV#latest", **pointer}]
        )
        return pointer

    def get_snapshot(self, customer: str, environment: str) -> dict[str, Any] | None:
        """The latest snapshot: {"at", "body"}, checked against its sha256; None when there is none."""
        pointer = self.table.get(f"CUST#{customer}#{environment}", "INV#latest")
        if pointer is None:
            return None
        return {"at": pointer["at"], "body": json.loads(self.get_object(pointer))}

    def put_object(self, key: str, raw: bytes, content_type: str = "application/json") -> dict[str, str]:
        """Stores bytes; gives the pointer {"s3": key, "sha256"} for `get_object`."""
        digest = hashlib.sha256(raw).hexdigest()
        try:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=raw, ContentType=content_type, Metadata={"sha256": digest})
        except Exception as error:
            raise self._no_bucket(error) or error from error
        return {"s3": key, "sha256": digest}

    def get_object(self, pointer: Mapping[str, Any]) -> bytes:
        """The bytes behind a pointer. DrError when they are gone, ChangedError when they are not what was stored."""
        where = f"s3://{self.bucket}/{pointer['s3']}"
        try:
            raw: bytes = self.s3.get_object(Bucket=self.bucket, Key=pointer["s3"])["Body"].read()
        except Exception as error:
            if error_code(error) == "NoSuchKey":
                raise DrError(f"{where} is gone", f"restore its last version in bucket {self.bucket}") from error
            raise self._no_bucket(error) or error from error
        if hashlib.sha256(raw).hexdigest() != pointer["sha256"]:
            remedy = f"aws s3api list-object-versions --bucket {self.bucket} --prefix {pointer['s3']}; restore the right one"
            raise ChangedError(f"{where} is not what was stored (sha256 differs)", remedy, raw)
        return raw

    def list_objects(self, prefix: str) -> list[str]:
        """The keys that begin with a prefix."""
        try:
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            return [str(one["Key"]) for page in pages for one in page.get("Contents", ())]
        except Exception as error:
            raise self._no_bucket(error) or error from error

    def body(self, text: str) -> dict[str, Any]:
        """A result's body: itself, or what its pointer points at."""
        body: dict[str, Any] = json.loads(text)
        return json.loads(self.get_object(body)) if set(body) == {"s3", "sha256"} else body

    def _no_bucket(self, error: Exception) -> DrError | None:
        if error_code(error) == "NoSuchBucket":
            return MissingError(f"bucket {self.bucket} does not exist", "ansible-playbook dr.aws.control_plane")
        return None


def _overtaken(execution_id: str) -> DrError:
    return DrError(f"audit of {execution_id}: {ATTEMPTS} entries of others came first", "run the same command again")


def _done(phase: str) -> tuple[str, str]:
    """Where a phase's resources are that are done, as `Table.span` takes it; `$` comes after `#`."""
    return f"P#{phase}#{DONE}#", f"P#{phase}#{DONE}$"


def _unfinished(phase: str) -> tuple[str, str]:
    """Where those are that ended otherwise: what needs a person comes first."""
    return f"P#{phase}#{NEEDED}#", f"P#{phase}#{OTHERWISE}$"


def _left_nothing(execution: Mapping[str, Any], phase: str) -> bool:
    """Whether a phase is over, and all of it was done: its counts were stored before the next began. What is rolled back opens a
    phase again, and a drill's health check its ACTIVATE."""
    counts = (execution.get("counts") or {}).get(phase) or {}
    over = phase != execution.get("current_phase") and execution.get("operation") != "test" and not execution.get("rollbacks")
    return over and set(counts) == {"done"}


def _day(name: str, text: str | None) -> str:
    """A day, "" for none. InputError when it is not one."""
    try:
        return f"{date.fromisoformat(text)}" if text else ""
    except ValueError as error:
        raise InputError(name, text, "a day (YYYY-MM-DD, UTC)", f"-e {name}=2026-11-28") from error


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, default=str).encode()


def shown(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item without the table's own attributes."""
    return {name: value for name, value in item.items() if name not in _OWN}


def audit_entry(item: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as it is shown: its detail as JSON values."""
    return {**shown(item), "detail": json.loads(item["detail"])}


def days(since: str | None, until: str) -> list[str]:
    """The days from `until` back to `since`, both included; at most MAX_DAYS."""
    last = datetime.strptime(until, "%Y-%m-%d")
    first = datetime.strptime(since, "%Y-%m-%d") if since else last - timedelta(days=MAX_DAYS - 1)
    return [f"{last - timedelta(days=back):%Y-%m-%d}" for back in range(min((last - first).days + 1, MAX_DAYS))]
