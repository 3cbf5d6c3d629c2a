# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence: audit entries as objects that nobody can change for seven years, and the proof that nothing of them is missing.

DynamoDB holds every entry at once; objects follow in segments, at the latest at the end of a wave and when an execution pauses or
ends. Each object holds the sha256 of the one before, and each entry the hash of the one before.

Facts: Object Lock protects versions of objects; a new version or a delete marker can still cover a locked one (S3 user guide,
"Object Lock considerations"). Hence the oldest version of a key is the evidence, and a second one is a sign of tampering.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from .accounts import classify
from .audit import ENTRY, chain
from .dynamo import MissingError, RefusedError, error_code, utc
from .errors import DrError
from .store import Store

PREFIX: Final = "audit/"
#: An entry may have as many bytes as an item of the table: an object stays within what one request takes.
SEGMENT_ENTRIES: Final = 1000
#: The object of that name is there already: another process wrote it, or one that died before it could record it.
_TAKEN: Final = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
_CONTROL_PLANE: Final = "ansible-playbook dr.aws.control_plane"
_LISTED: Final = "ansible-playbook dr.aws.status -e customer=… -e environment=…"
#: Entries that tell of an approval; the last that was needed makes it approved.
GIVEN: Final = ("approval_given", "approval_approved")
#: Executions in these states write nothing more by themselves.
AT_REST: Final = ("COMPLETED", "FAILED", "CANCELLED", "PAUSED")


@dataclass(frozen=True, slots=True)
class Segment:
    """An object of a trail. number: 0 stands for nothing yet. last: number of its last entry. sha256: of its bytes."""

    number: int = 0
    last: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class _Version:
    """One version of an object; a delete marker is one as well."""

    ident: str
    deleted: bool


def key_of(trail: str, number: int) -> str:
    """The key of a trail's object."""
    return f"{PREFIX}{trail}/{number:06d}.json"


def secure(store: Store, trail: str, actor: str = "") -> str:
    """Writes the entries that are in no object yet; gives "" or why that was not possible, for people.

    Never raises: a recovery must not stop for want of evidence. Nothing is lost, the next time catches up; the failure is an entry.
    """
    try:
        head = _head(store, trail)
        while waiting := list(islice(_after(store, trail, head.last), SEGMENT_ENTRIES)):
            head = _write(store, trail, head, waiting)
    except Exception as error:  # also a defect
        failure = classify(error)
        why = f"{failure.code}: {failure.message}" if failure else str(error) or type(error).__name__
        said = f"audit entries of {trail} are in DynamoDB, but not yet in s3://{store.audit_bucket}: {why}"
        return said + _recorded(store, trail, actor, why)
    return ""


def _recorded(store: Store, trail: str, actor: str, why: str) -> str:
    try:
        store.note(trail, "evidence_failed", actor=actor, why=why)
    except Exception as error:  # the table does not answer either
        return f"; nor could that be recorded: {error}"
    return ""


def verify(store: Store, execution_id: str) -> list[str]:
    """What is wrong with an audit trail, in DynamoDB and in S3, each entry and object by its name. Empty when all is well.

    execution_id: its ID or ARN, or the name of a trail of operations (`trail.operations`). Entries that are in no object yet are
    wrong only when nothing runs that would write them.
    """
    execution_id = execution_id.rpartition("/")[2]
    wrong = [f"DynamoDB: {one}" for one in store.broken_audit(execution_id)]
    rows = {int(item["number"]): _entry(item) for item in store.table.query(f"EXEC#{execution_id}", "AUD#")}
    wrong += _untold(store, execution_id, rows.values())
    recorded = {int(item["segment"]): item for item in store.table.query(f"EXEC#{execution_id}", "EVID#")}
    try:
        versions = _versions(store, execution_id)
        found = _Objects(store, execution_id, rows, recorded, versions)
        wrong += found.problems()
        last = found.last
    except MissingError as error:
        return [*wrong, str(error)]
    left = sorted(number for number in rows if number > last)
    meta = store.table.get(f"EXEC#{execution_id}", "META")
    if not (rows or recorded or versions or meta):
        wrong.append(f"there is no entry, object or execution of that name. Next: {_LISTED}")
    if left and (meta is None or meta["status"] in AT_REST):
        which = f"entries {left[0]} to {left[-1]} are" if len(left) > 1 else f"entry {left[0]} is"
        wrong.append(f"{which} in DynamoDB only. Next: ansible-playbook dr.aws.readiness writes what is missing")
    return wrong


def _untold(store: Store, trail: str, entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Approvals that stand in the table and that no entry tells of: somebody wrote them there, or died before the entry."""
    told = {(json.loads(one["detail"]).get("gate"), one["actor"]) for one in entries if one["event_type"] in GIVEN}
    for item in store.table.query(f"EXEC#{trail}", "APPR#"):
        people = [one["approver"] for one in item["approvals"]] or [str(item["approver"])]
        for who in people if item["state"] == "approved" else ():
            if (item["gate"], who) not in told:
                yield f"DynamoDB: the approval of {item['gate']} by {who} has no entry in the trail"


class _Objects:
    """The objects of a trail, held against each other and against DynamoDB. rows: entries by number. last: the last in evidence."""

    def __init__(
        self,
        store: Store,
        trail: str,
        rows: Mapping[int, Mapping[str, Any]],
        recorded: Mapping[int, Mapping[str, Any]],
        versions: Mapping[str, Sequence[_Version]],
    ) -> None:
        self.store, self.trail, self.rows, self.recorded, self.versions = store, trail, rows, recorded, versions
        self.last, self.previous = 0, ""
        self.wrong: list[str] = []

    def problems(self) -> list[str]:
        """What is wrong, in the order of the objects."""
        numbers = {key_of(self.trail, number): number for number in range(1, len(self.versions) + len(self.recorded) + 1)}
        strange = sorted(set(self.versions) - set(numbers))
        self.wrong += [f"{self._where(key)} is not an object of this trail" for key in strange]
        known = [*self.recorded, *(numbers[key] for key in self.versions if key in numbers)]
        for number in range(1, max(known, default=0) + 1):
            self._look(number, newest=number == max(known))
        return self.wrong

    def _look(self, number: int, *, newest: bool) -> None:
        key = key_of(self.trail, number)
        where, record, versions = self._where(key), self.recorded.get(number), self.versions.get(key, ())
        if not versions:
            self.wrong.append(f"{where} is missing")
            self._skip(record)
            return
        original = versions[0]
        if original.deleted:
            self.wrong.append(f"{where} is missing: only a delete marker is left")
            self._skip(record)
            return
        if len(versions) > 1:
            what = "deleted" if versions[-1].deleted else "overwritten"
            self.wrong.append(f"{where} was {what}; version {original.ident} is what was written first")
        answer = self.store.s3.get_object(Bucket=self.store.audit_bucket, Key=key, VersionId=original.ident)
        raw = answer["Body"].read()
        digest = hashlib.sha256(raw).hexdigest()
        if record is None and not newest:  # the newest may have been written by a process that died then: the next one records it
            self.wrong.append(f"{where} is not recorded in DynamoDB")
        elif record is not None and record["sha256"] != digest:
            self.wrong.append(f"{where} was altered: it is not what DynamoDB has the sha256 of")
        if not answer.get("ObjectLockMode"):
            self.wrong.append(f"{where} is not protected by Object Lock")
        self._read(where, number, raw)
        self.previous = digest

    def _read(self, where: str, number: int, raw: bytes) -> None:
        try:
            body = json.loads(raw)
            entries = [_entry(entry) for entry in body["entries"]]
            follows, place = body["previous"] == self.previous, body["segment"]
        except (ValueError, KeyError, TypeError):
            self.wrong.append(f"{where} cannot be read")
            self._skip(self.recorded.get(number))
            return
        if place != number or not follows:
            self.wrong.append(f"{where} does not follow the object before it")
        for entry in entries:
            self._compare(where, entry)

    def _compare(self, where: str, entry: Mapping[str, Any]) -> None:
        number = entry["number"]
        if number != self.last + 1:
            self.wrong.append(f"{where} has entry {number} in the place of entry {self.last + 1}")
        if chain(entry) != entry["hash"]:
            self.wrong.append(f"entry {number} in {where} was changed")
        if number not in self.rows:
            self.wrong.append(f"entry {number} is missing in DynamoDB; {where} has it")
        elif self.rows[number] != entry:
            self.wrong.append(f"entry {number} in DynamoDB is not the one in {where}")
        self.last = max(self.last, number)

    def _skip(self, record: Mapping[str, Any] | None) -> None:
        """Goes on behind an object that tells nothing."""
        if record is not None:
            self.last, self.previous = int(record["last"]), str(record["sha256"])

    def _where(self, key: str) -> str:
        return f"s3://{self.store.audit_bucket}/{key}"


def _entry(item: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as it is chained, with its hash."""
    return {name: item[name] for name in (*ENTRY, "hash")}


def _head(store: Store, trail: str) -> Segment:
    """The newest object that is recorded."""
    item = next(store.table.query(f"EXEC#{trail}", "EVID#", newest_first=True, limit=1), None)
    return Segment(int(item["segment"]), int(item["last"]), str(item["sha256"])) if item else Segment()


def _after(store: Store, trail: str, last: int) -> Iterator[dict[str, Any]]:
    return store.table.query(f"EXEC#{trail}", "AUD#", after=f"AUD#{last:08d}")


def _write(store: Store, trail: str, head: Segment, waiting: Sequence[Mapping[str, Any]]) -> Segment:
    """The next object; the one that is there already under its key when it is what must follow."""
    number = head.number + 1
    entries = [_entry(item) for item in waiting]
    body = {"trail": trail, "segment": number, "previous": head.sha256, "entries": entries}
    raw = json.dumps(body, sort_keys=True).encode()
    key = key_of(trail, number)
    try:
        store.s3.put_object(Bucket=store.audit_bucket, Key=key, Body=raw, ContentType="application/json", IfNoneMatch="*")
    except Exception as error:
        if error_code(error) not in _TAKEN:
            raise _no_bucket(store, error) or error from error
        raw = _taken(store, key, head, entries)
    written = json.loads(raw)["entries"]
    segment = Segment(number, int(written[-1]["number"]), hashlib.sha256(raw).hexdigest())
    record = {"segment": number, "first": written[0]["number"], "last": segment.last, "sha256": segment.sha256, "s3": key}
    item = {"PK": f"EXEC#{trail}", "SK": f"EVID#{number:06d}", **record, "at": utc(store.clock()), "expires_at": store.expiry()}
    try:
        store.table.put(item, new=True)
    except RefusedError:  # recorded by another process meanwhile
        return _head(store, trail)
    return segment


def _taken(store: Store, key: str, head: Segment, entries: Sequence[Mapping[str, Any]]) -> bytes:
    """The bytes of an object that nobody recorded. DrError when it is not made of the trail's next entries."""
    oldest = _versions(store, key.split("/")[1])[key][0]
    raw: bytes = store.s3.get_object(Bucket=store.audit_bucket, Key=key, VersionId=oldest.ident)["Body"].read()
    body = json.loads(raw)
    known = {entry["number"]: entry for entry in entries}
    fits = body["previous"] == head.sha256 and body["entries"] and all(known.get(one["number"]) == one for one in body["entries"])
    if not fits:
        text = f"s3://{store.audit_bucket}/{key} is there already and is not what must follow"
        raise DrError(text, f"ansible-playbook dr.aws.audit -e execution_id={key.split('/')[1]}")
    return raw


def _versions(store: Store, trail: str) -> dict[str, list[_Version]]:
    """All versions of a trail's objects, oldest first."""
    found: dict[str, list[tuple[Any, _Version]]] = {}
    try:
        pages = store.s3.get_paginator("list_object_versions").paginate(Bucket=store.audit_bucket, Prefix=f"{PREFIX}{trail}/")
        for page in pages:
            for kind, deleted in (("Versions", False), ("DeleteMarkers", True)):
                for one in page.get(kind, ()):
                    version = _Version(str(one["VersionId"]), deleted)
                    found.setdefault(str(one["Key"]), []).insert(0, (one["LastModified"], version))
    except Exception as error:
        raise _no_bucket(store, error) or error from error
    # S3 lists the newest first: of two of one moment the later in its list is older, and a delete marker covers what was there.
    by_age = {key: sorted(some, key=lambda pair: (pair[0], pair[1].deleted)) for key, some in found.items()}
    return {key: [version for _at, version in some] for key, some in by_age.items()}


def _no_bucket(store: Store, error: Exception) -> DrError | None:
    if error_code(error) == "NoSuchBucket":
        return MissingError(f"bucket {store.audit_bucket}, for evidence, does not exist", _CONTROL_PLANE)
    return None
