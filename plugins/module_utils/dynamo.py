# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One DynamoDB table through a low-level client: plain Python values in and out, conditions, transactions, errors for people.

Facts: conditional writes that fail can return the item that refused them (`ReturnValuesOnConditionCheckFailure`);
BatchWriteItem takes 25 requests without conditions and may leave some unprocessed (developer guide, "Constraints"). A request
whose answer is lost may have been taken: sent again under its condition, it is refused by what it has written itself.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from .accounts import Failure, classify
from .errors import DrError

BATCH_ITEMS: Final = 25
#: Seconds between attempts at what a batch left unprocessed.
BACKOFF_SECONDS: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
#: Seconds before a request is sent again that the table refused as too many, and one without an answer (Appendix I).
WAITS: Final[Mapping[str, tuple[float, ...]]] = {"throttled": (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 4.0), "unreachable": (1, 2, 4)}
#: None is sent again later than this: with a client's own two attempts, of 23 s at most, a renewed lease and the write that it is
#: for stay within LEASE_SECONDS.
PATIENCE_SECONDS: Final = 12.0
#: Reasons for which a transaction is cancelled and may be sent again (API reference, `TransactionCanceledException`).
AGAIN: Final = frozenset({"ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"})
#: What tells a write under a condition from all others, so that it knows itself when it is refused.
WRITE: Final = "write_id"
_NAMES: Final = re.compile(r"#(\w+)")
_INTEGER: Final = re.compile(r"-?\d+")


class RefusedError(Exception):
    """A condition did not hold. item: what was there instead, {} when there was nothing."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        super().__init__("the condition does not hold")
        self.item = item


class MissingError(DrError):
    """The control plane's table or bucket is not there: nobody made it yet."""


def error_code(error: BaseException) -> str:
    """The code of an AWS error, or an empty string."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, Mapping) else ""


def utc(epoch: float) -> str:
    """Epoch seconds as UTC, ISO-8601, whole seconds: sorts as text."""
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch(text: str) -> float:
    """The inverse of `utc`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()


def marshal(value: Any) -> dict[str, Any]:
    """A JSON value in DynamoDB's notation. Tuples become lists."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(int(value))}
        case float():
            return {"N": repr(float(value))}
        case str():
            return {"S": value}
        case Mapping():
            return {"M": {str(name): marshal(entry) for name, entry in value.items()}}
        case list() | tuple():
            return {"L": [marshal(entry) for entry in value]}
    raise TypeError(f"{type(value).__name__} cannot be stored")


def unmarshal(value: Mapping[str, Any]) -> Any:
    """The inverse of `marshal`."""
    ((kind, body),) = value.items()
    match kind:
        case "NULL":
            return None
        case "N":
            return int(body) if _INTEGER.fullmatch(body) else float(body)
        case "M":
            return {name: unmarshal(entry) for name, entry in body.items()}
        case "L":
            return [unmarshal(entry) for entry in body]
    return body


def _item(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {name: unmarshal(value) for name, value in raw.items()}


class Table:
    """Items are mappings with the text keys PK and SK. client: boto3's dynamodb client. sleep, now: seconds, between attempts.

    Conditions name attributes as `#name` and values as `:name`, the latter from `values`. Errors: RefusedError; DrError when
    the table is missing, may not be used, or is throttled for long; anything else as the client raises it.
    """

    def __init__(
        self, client: Any, name: str, sleep: Callable[[float], None] = time.sleep, now: Callable[[], float] = time.time
    ) -> None:
        self.client, self.name, self.sleep, self.now = client, name, sleep, now

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """The item, read consistently; None when there is none."""
        answer = self._call("get_item", TableName=self.name, Key=_key(pk, sk), ConsistentRead=True)
        return _item(answer["Item"]) if answer.get("Item") else None

    def put(self, item: Mapping[str, Any], *, new: bool = False) -> None:
        """Writes an item. new: RefusedError when there is one under its key already."""
        own = {**item, WRITE: secrets.token_hex(8)} if new else item
        try:
            self._call("put_item", **self.putting(own, new=new))
        except RefusedError as refused:
            if not new or refused.item.get(WRITE) != own[WRITE]:
                raise

    def putting(self, item: Mapping[str, Any], *, new: bool = False) -> dict[str, Any]:
        """The request of `put`, also as part of a transaction."""
        wanted = {"TableName": self.name, "Item": {name: marshal(value) for name, value in item.items()}}
        return {**wanted, **_under("attribute_not_exists(PK)" if new else "")}

    def update(self, pk: str, sk: str, assign: Mapping[str, Any], *, condition: str = "", **rest: Any) -> dict[str, Any]:
        """Sets attributes, removes some, adds one to some (`updating`); gives the item as it is then."""
        if condition:
            assign = {**assign, WRITE: secrets.token_hex(8)}
        request = self.updating(pk, sk, assign, condition=condition, **rest)
        try:
            return _item(self._call("update_item", **request, ReturnValues="ALL_NEW")["Attributes"])
        except RefusedError as refused:
            if refused.item.get(WRITE) != assign.get(WRITE):
                raise
            return dict(refused.item)

    def updating(
        self,
        pk: str,
        sk: str,
        assign: Mapping[str, Any],
        *,
        remove: Sequence[str] = (),
        increment: Sequence[str] = (),
        condition: str = "",
        values: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The request of `update`, also as part of a transaction. increment: attributes that become one more."""
        names = {*assign, *remove, *increment, *_NAMES.findall(condition)}
        given = {f":set_{name}": value for name, value in assign.items()}
        given.update({f":{name}": value for name, value in (values or {}).items()})
        clauses = []
        if assign:
            clauses.append("SET " + ", ".join(f"#{name} = :set_{name}" for name in assign))
        if remove:
            clauses.append("REMOVE " + ", ".join(f"#{name}" for name in remove))
        if increment:
            clauses.append("ADD " + ", ".join(f"#{name} :one" for name in increment))
            given[":one"] = 1
        wanted: dict[str, Any] = {
            "TableName": self.name,
            "Key": _key(pk, sk),
            "UpdateExpression": " ".join(clauses),
            "ExpressionAttributeNames": {f"#{name}": name for name in names},
        }
        if given:
            wanted["ExpressionAttributeValues"] = {name: marshal(value) for name, value in given.items()}
        return {**wanted, **_under(condition)}

    def transact(self, *writes: Mapping[str, Any]) -> None:
        """All of them or none, each `{"Put": putting(…)}` or `{"Update": updating(…)}`. RefusedError: one's condition did not hold.

        A repetition is known by its token, for ten minutes.
        """
        self._call("transact_write_items", TransactItems=list(writes), ClientRequestToken=secrets.token_hex(16))

    def query(
        self,
        pk: str,
        prefix: str,
        *,
        newest_first: bool = False,
        limit: int | None = None,
        after: str = "",
        page: int | None = None,
        only: Sequence[str] = (),
    ) -> Iterator[dict[str, Any]]:
        """Items under one partition key whose sort key begins so, read consistently, in order. after: behind this sort key.

        page: so many are read at a time; who takes no more reads no more. only: their attributes, () for all of them: fewer bytes
        to carry and to take apart, the same read units.
        """
        start = {"ExclusiveStartKey": _key(pk, after)} if after else {}
        yield from self._pages(
            limit,
            page,
            KeyConditionExpression="PK = :pk AND begins_with(SK, :prefix)",
            ExpressionAttributeValues={":pk": {"S": pk}, ":prefix": {"S": prefix}},
            ConsistentRead=True,
            ScanIndexForward=not newest_first,
            **_projection(only),
            **start,
        )

    def span(
        self, pk: str, first: str, last: str, *, after: str = "", page: int | None = None, only: Sequence[str] = ()
    ) -> Iterator[dict[str, Any]]:
        """Items under one partition key with sort keys from `first` to `last`, in order. after, page, only: as in `query`."""
        start = {"ExclusiveStartKey": _key(pk, after)} if after else {}
        yield from self._pages(
            None,
            page,
            KeyConditionExpression="PK = :pk AND SK BETWEEN :first AND :last",
            ExpressionAttributeValues={":pk": {"S": pk}, ":first": {"S": first}, ":last": {"S": last}},
            ConsistentRead=True,
            **_projection(only),
            **start,
        )

    def scan(self, prefix: str) -> Iterator[dict[str, Any]]:
        """All items whose sort key begins so, wherever they are: the whole table is read. For migrations alone."""
        wanted: dict[str, Any] = {"FilterExpression": "begins_with(SK, :prefix)", "ConsistentRead": True}
        yield from self._pages(None, None, "scan", ExpressionAttributeValues={":prefix": {"S": prefix}}, **wanted)

    def by(
        self,
        index: str,
        attribute: str,
        value: str,
        *,
        limit: int | None = None,
        between: tuple[str, str, str] | None = None,
        page: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Items of an index with this value, newest first. Indexes lag behind writes by moments.

        between: (the index's sort attribute, lowest, highest value). page: as `query` takes it.
        """
        condition, names, values = "#partition = :value", {"#partition": attribute}, {":value": {"S": value}}
        if between:
            condition += " AND #sort BETWEEN :low AND :high"
            names["#sort"] = between[0]
            values |= {":low": {"S": between[1]}, ":high": {"S": between[2]}}
        yield from self._pages(
            limit,
            page,
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            ScanIndexForward=False,
        )

    def write(self, puts: Iterable[Mapping[str, Any]], deletes: Iterable[tuple[str, str]] = ()) -> None:
        """Writes and deletes many items, without conditions; of several under one key the last counts."""
        requests: dict[tuple[str, str], dict[str, Any]] = {}
        for pk, sk in deletes:
            requests[pk, sk] = {"DeleteRequest": {"Key": _key(pk, sk)}}
        for item in puts:
            requests[item["PK"], item["SK"]] = {"PutRequest": {"Item": {name: marshal(value) for name, value in item.items()}}}
        waiting = list(requests.values())
        for start in range(0, len(waiting), BATCH_ITEMS):
            self._batch(waiting[start : start + BATCH_ITEMS])

    def _batch(self, requests: list[dict[str, Any]]) -> None:
        for pause in (*BACKOFF_SECONDS, None):
            answer = self._call("batch_write_item", RequestItems={self.name: requests})
            requests = answer.get("UnprocessedItems", {}).get(self.name, [])
            if not requests:
                return
            if pause is not None:
                self.sleep(pause)
        raise DrError(
            f"table {self.name} did not take {len(requests)} items in {len(BACKOFF_SECONDS) + 1} attempts",
            f"see whether the table is throttled (aws dynamodb describe-table --table-name {self.name}), then resume the execution",
        )

    def _pages(self, limit: int | None, page: int | None, operation: str = "query", /, **wanted: Any) -> Iterator[dict[str, Any]]:
        found = 0
        if limit or page:
            wanted["Limit"] = limit or page
        while True:
            answer = self._call(operation, TableName=self.name, **wanted)
            for raw in answer["Items"]:
                yield _item(raw)
                found += 1
                if found == limit:
                    return
            if not answer.get("LastEvaluatedKey"):
                return
            wanted["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _call(self, operation: str, **wanted: Any) -> dict[str, Any]:
        began, attempt = self.now(), 0
        while True:
            try:
                answer: dict[str, Any] = getattr(self.client, operation)(**wanted)
                return answer
            except Exception as error:
                failure = _cancelled(error) or classify(error)
                pauses = WAITS.get(failure.kind, ()) if failure else ()
                if attempt >= len(pauses) or self.now() - began + pauses[attempt] > PATIENCE_SECONDS:
                    raise self._raised(operation, error, failure) from error
            self.sleep(pauses[attempt])
            attempt += 1

    def _raised(self, operation: str, error: Exception, failure: Failure | None) -> Exception:
        """What an error of the client is raised as."""
        code, response = error_code(error), getattr(error, "response", None) or {}
        if code == "ConditionalCheckFailedException" or (failure is not None and failure.code == "ConditionalCheckFailed"):
            found = [response, *response.get("CancellationReasons", ())]
            return RefusedError(_item(next((one["Item"] for one in found if one.get("Item")), {})))
        if code == "ResourceNotFoundException":
            return MissingError(f"table {self.name} does not exist", "ansible-playbook dr.aws.control_plane")
        if failure is not None and failure.kind == "denied":
            text = f"table {self.name}: {operation} is refused: {failure.code}: {failure.message}"
            return DrError(text, f"grant dynamodb:* on table {self.name} to whoever runs this")
        if failure is not None and failure.kind == "throttled":
            return DrError(
                f"table {self.name} is throttled: {operation} was refused for {PATIENCE_SECONDS:.0f} s: {failure.code}",
                f"see why (aws dynamodb describe-table --table-name {self.name}), then resume the execution, or run the same again",
            )
        return error


def _projection(only: Sequence[str]) -> dict[str, Any]:
    """What of the items is asked for; names are given apart, as many are reserved words."""
    names = {f"#{name}": name for name in only}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names} if names else {}


def _under(condition: str) -> dict[str, str]:
    """What of a request makes it depend on a condition; whoever is refused is shown what is there."""
    return {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if condition else {}


def _cancelled(error: Exception) -> Failure | None:
    """Why a transaction was cancelled: a condition, or what may be sent again. None of any other error."""
    response: Mapping[str, Any] = getattr(error, "response", None) or {}
    reasons = [one for one in response.get("CancellationReasons", ()) if one.get("Code") not in (None, "None")]
    codes = [one["Code"] for one in reasons]
    if not codes:
        return None
    code = "ConditionalCheckFailed" if "ConditionalCheckFailed" in codes else codes[0]
    return Failure("throttled" if code in AGAIN else "error", code, str(reasons[0].get("Message") or "no message"))


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"PK": {"S": pk}, "SK": {"S": sk}}
