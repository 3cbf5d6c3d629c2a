# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole execution by the product's own actions over the real table, and what may happen at each request to that table.

The estate is the small model's, everything else is the product's: plan, lock, journal, engine, approvals, health, evidence, end;
real botocore clients against the sandbox's DynamoDB and S3. A process is a run of the playbook's tasks in order, or a command of
somebody who approves. At each request the process is copied for each fault that can happen there, and whoever was disturbed runs
the same command again.
"""

from __future__ import annotations

import functools
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsiblePromptNoninteractive
from botocore.exceptions import ReadTimeoutError
from lab import ENDPOINT, AtOnce, Branches, connect
from moto.core.serialize import JSONSerializer
from moto.dynamodb.models.dynamo_type import DynamoType
from points import FENCED, ONCE, Findings
from small import EAST, WEST, Small, World

from ansible_collections.dr.aws.plugins.action import approval, close, health, plan, wave
from ansible_collections.dr.aws.plugins.module_utils import accounts, adapters, amazon, engine, evidence, journal, lock, run, survey
from ansible_collections.dr.aws.plugins.module_utils import health as looks
from ansible_collections.dr.aws.plugins.module_utils.approvals import ApprovalRefusedError, Approvals
from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names, ensure
from ansible_collections.dr.aws.plugins.module_utils.plan import STAGES
from ansible_collections.dr.aws.plugins.module_utils.store import Store
from ansible_collections.dr.aws.plugins.plugin_utils import batch_action, gate

#: What DynamoDB answers when it does not take a request, and the status.
CODES = {
    "throughput exceeded": ("ProvisionedThroughputExceededException", 400),
    "throttled": ("ThrottlingException", 400),
    "limit exceeded": ("RequestLimitExceeded", 400),
    "server error": ("InternalServerError", 500),
}
#: Every kind of fault, and at what request it can happen: a read, a write, one under a condition, a batch, a transaction.
EVERYWHERE = ("read", "write", "conditional", "batch", "transaction")
WRITES = EVERYWHERE[1:]
KINDS = {
    **dict.fromkeys(CODES, EVERYWHERE),
    "refused for seconds": EVERYWHERE,
    "refused for long": EVERYWHERE,
    "writes refused for long": WRITES,
    "half of a batch": ("batch",),
    "conflict": ("transaction",),
    "answer lost": WRITES,
    "answers lost for long": WRITES,
    "crash before": EVERYWHERE,
    "crash after": WRITES,
}
REFUSED = (*CODES, "refused for seconds")
#: Those after which nobody runs a command again.
PASSED = (*REFUSED, "half of a batch", "conflict", "answer lost")
LONG = ("refused for long", "writes refused for long", "answers lost for long")
#: So many requests in a row are refused for seconds.
BURST = 5
#: What a run that dies may leave untold: whom it has told, or would have told.
UNTOLD = ("notified ", "report_stored ")
#: The copies of every so many moments go on to the end; the others end with the wave that they were disturbed in.
GOES_ON = 8
#: How often a person runs the same command again before giving up.
AGAIN = 8
LOCKED = "6 one execution at a time"
AUDITED = "9 state and audit are whole"
SAID = "a run that cannot write stops and says so"

NAMES = Names.default("123456789012", WEST)
SCOPE = {"customer": "acme", "environment": "production"}
CONTROL = {
    "accounts": [{"id": "123456789012"}],
    "control_region": WEST,
    "table": NAMES.table,
    "bucket": NAMES.bucket,
    "regions": [EAST, WEST],
    "publish_metrics": False,
}
#: Key -> technology, wave, what it depends on.
PAIRS: Mapping[str, tuple[str, int, tuple[str, ...]]] = {"rds-0": ("rds", 1, ()), "ecs-1": ("ecs", 2, ("rds-0",))}
HOSTS = {
    key: {
        "dr_technology": technology,
        "dr_account": "123456789012",
        "dr_wave": number,
        "dr_priority": "high",
        "dr_dependencies": list(needs),
        "dr_customer": SCOPE["customer"],
        "dr_environment": SCOPE["environment"],
        "dr_sides": {EAST: {"id": key}, WEST: {"id": key}},
    }
    for key, (technology, number, needs) in PAIRS.items()
}
ASKED = {
    **SCOPE,
    "primary_region": EAST,
    "dr_region": WEST,
    "mode": "unplanned",
    "approval_mode": "required",
    "approvals_needed": 2,
    "phases": ["instantiate", "activate", "cleanup"],
}
APPROVERS = ("bob", "eve")
_VARIES = re.compile(r"dr-\d{8}T\d{6}Z-[0-9a-f]{6}|\d{4}-\d\d-\d\dT[\d:]+Z")
_TOKEN = re.compile(r"token=(\S+) -e decision=approve")


class Killed(BaseException):
    """The process is gone: no handler runs."""


class Table:
    """The way to the control region's table, with faults. Each request of the execution is a moment."""

    def __init__(self, life: Life, onward: Callable[[Any], Any]) -> None:
        self.life, self.onward = life, onward
        self.kind = ""
        self.hits = 0
        self.dead = False

    def answer(self, request: Any) -> Any:
        operation = str(request.get("HTTP_X_AMZ_TARGET", ""))
        if not operation.startswith("DynamoDB_") or not self.life.process:
            return self.onward(request)
        if self.dead:
            raise Killed
        wanted = body(request)
        at = place(operation.partition(".")[2], wanted)
        kind = self.kind or self.life.next(at, f"{at} of {about(wanted)}")
        if not kind:
            return self.onward(request)
        self.hits += 1
        return self._disturbed(kind, at, request)

    def _disturbed(self, kind: str, at: str, request: Any) -> Any:
        self.kind = kind if kind in LONG or (kind == "refused for seconds" and self.hits < BURST) else ""
        if kind == "crash before":
            self.dead = True
            raise Killed
        if kind == "half of a batch":
            return self._half(request)
        if kind == "conflict":
            return refusal(
                "TransactionCanceledException", 400, CancellationReasons=[{"Code": "TransactionConflict", "Message": "busy"}]
            )
        lost, refused = kind in ("answer lost", "answers lost for long"), kind in (*CODES, *LONG, "refused for seconds")
        if refused and not lost and not (kind == "writes refused for long" and at == "read"):
            return refusal(*CODES.get(kind, CODES["throughput exceeded"]))
        answer = self.onward(request)
        if kind == "crash after":
            self.dead = True
            raise Killed
        if lost:
            raise ReadTimeoutError(endpoint_url=ENDPOINT)
        return answer

    def _half(self, request: Any) -> Any:
        """The table takes the first half of a batch, and says what it left."""
        wanted = body(request)
        ((name, items),) = wanted["RequestItems"].items()
        taken, left = items[: len(items) // 2], items[len(items) // 2 :]
        if taken:
            self.life.plain.batch_write_item(RequestItems={name: taken})
        said = {"UnprocessedItems": {name: left}}
        return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(said).encode()

    def over(self) -> None:
        """The process has ended: whoever runs the next command finds the table well."""
        self.kind, self.dead = "", False


def body(request: Any) -> dict[str, Any]:
    """What is asked of the table."""
    stream = request["wsgi.input"]
    raw = stream.read()
    stream.seek(0)
    wanted: dict[str, Any] = json.loads(raw)
    return wanted


def about(wanted: Mapping[str, Any]) -> str:
    """What a request is about, but for names and times."""
    rows = [one for some in wanted.get("RequestItems", {}).values() for one in some]
    keys = [one.get("PutRequest", {}).get("Item") or one["DeleteRequest"]["Key"] for one in rows]
    parts = [wanted, *(part for some in wanted.get("TransactItems", []) for part in some.values())]
    keys += [part[name] for part in parts for name in ("Key", "Item") if name in part]
    named = " ".join(f"{key['PK']['S']} {key['SK']['S']}" for key in keys) or json.dumps(wanted.get("ExpressionAttributeValues"))
    return _VARIES.sub("…", named)


def place(operation: str, wanted: Mapping[str, Any]) -> str:
    """Which kind of moment a request is."""
    if operation in ("GetItem", "Query", "Scan"):
        return "read"
    if operation == "BatchWriteItem":
        return "batch"
    if operation == "TransactWriteItems":
        return "transaction"
    return "conditional" if "ConditionExpression" in wanted else "write"


def refusal(code: str, status: int, **more: Any) -> Any:
    """An error as DynamoDB answers it."""
    said = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": f"{code}, says the lab", **more}
    return status, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(said).encode()


class Raw:
    """Host variables as Ansible keeps them."""

    def raw_get(self, host: str) -> Mapping[str, Any]:
        return HOSTS[host]


class Life:
    """One execution from the first command to its end, through all processes, and the copies that run into faults.

    For a process of its own (`lab.apart`): what the product has in its caches is of the small estate then. elsewhere: whoever goes
    on does so on another host, where nothing proves that the process before it is gone.
    """

    def __init__(self, sandbox: Any, patch: pytest.MonkeyPatch) -> None:
        self.sandbox = sandbox
        self.world = World(lambda key: any(row["resource"]["S"] == key for row in self.rows("CUST#acme#production", "DEBT#")))
        self.world.planned = False
        self.plain = sandbox.inside("dynamodb", WEST)
        clients = [self.plain, *(sandbox.inside(service, WEST) for service in ("s3", "sns"))]
        ensure(*clients, NAMES, WEST, sleep=sandbox.advance)
        self.found, self.branches = Findings(), Branches()
        self.process, self.pid, self.host = "", 100, "hub/1"
        self.dead: set[int] = set()
        self.trace: list[str] = []
        self.asked: list[str] = []
        self.path: list[str] = []
        self.retried, self.on_path, self.settled = 0, False, False
        self.taken: list[tuple[int, str]] = []
        self.points: list[dict[str, Any]] = []
        self.chosen: Mapping[int, Sequence[str]] = {}
        self.elsewhere = False
        self.name, self.phase, self.fact = "", "", dict[str, Any]()
        self.tokens: list[str] = []
        self.calls: list[str] = []
        self.lines: list[str] = []
        self.passed: tuple[str, ...] = ()
        self.marks: dict[tuple[str, ...], tuple[dict[str, Any], list[str], int]] = {}
        self.commands = 0
        self._patched(patch)
        quicken(patch)
        for key in PAIRS:
            self.world.past[EAST, key] = [(0.0, "writable")]
        self.world.dark.add(EAST)

    def _patched(self, patch: pytest.MonkeyPatch) -> None:
        """Takes network, threads and waiting out of the product, and puts the small estate in."""
        wire = connect(self.sandbox, patch)
        hub = accounts.Accounts([], WEST, "dr-aws")  # clients are dear, and hold nothing of a process but connections
        patch.setattr(run, "Accounts", lambda *_given, **_more: hub)
        self.table = Table(self, wire.answer)
        patch.setattr(wire, "answer", self.table.answer)
        for module in (survey, looks):
            patch.setattr(module, "ThreadPoolExecutor", Mapped)
        for technology in ("rds", "ecs"):
            stub = f"{adapters.__name__}.small_{technology}"
            patch.setitem(sys.modules, stub, SimpleNamespace(Small=functools.partial(Small, technology)))
            patch.setitem(adapters.ADAPTERS, technology, (f"small_{technology}", "Small"))
        adapters.adapter.cache_clear()
        patch.setattr(run, "Store", functools.partial(Store, clock=self.world, sleep=self.world.sleep))
        patch.setattr(run, "AwsReader", lambda *_given: self)
        patch.setattr(engine, "Clock", lambda: self)
        patch.setattr(gate, "time", SimpleNamespace(sleep=self.people))
        patch.setattr(batch_action.BatchAction, "say", self.say)
        patch.setattr(batch_action.BatchAction, "prompt", self.prompt)
        patch.setattr(batch_action, "threading", SimpleNamespace(Thread=lambda **_: SimpleNamespace(start=lambda: None)))
        own = SimpleNamespace(getppid=lambda: self.pid)
        patch.setattr(journal, "os", own)
        patch.setattr(lock, "os", own)
        patch.setattr(lock, "this_host", lambda: self.host)
        patch.setattr(lock, "process_started", self.started)
        patch.setitem(lock.Lock.__init__.__kwdefaults__, "started", self.started)

    # The world as the product sees it

    def started(self, pid: int) -> str:
        return "" if pid in self.dead else "1"

    def now(self) -> float:
        return self.world.now

    def sleep(self, seconds: float) -> None:
        self.world.sleep(seconds)

    def say(self, text: str, *_more: Any, **_facts: Any) -> None:
        self.lines.append(text)
        if found := _TOKEN.search(text):
            self.tokens.append(found[1])

    def prompt(self, _text: str, _seconds: int) -> str:
        raise AnsiblePromptNoninteractive("nobody is there")

    def read(self, _account: str, region: str, _service: str, _operation: str, *, names: list[str], **_more: Any) -> Any:
        return self.world.look(region, names)

    def call(self, _account: str, region: str, _service: str, operation: str, *, names: list[str]) -> dict[str, Any]:
        """What changes something: only with its intent in the table, and by whoever holds the lock."""
        for name in names:
            phase = self.phase
            rows = self.rows(f"EXEC#{self.name}", f"P#{phase}#I#{name}#")
            intended = any(row["call"]["S"].endswith(f":{operation}") for row in rows)
            self.found.check(ONCE, intended, f"{operation} {name} without an intent in the table")
            self.calls.append(f"{phase}: {operation} {name} in {region}")
        held = self.held()
        mine = (held.get("owner", {}).get("S"), held["fence"]["N"]) == (self.name, str(self.fact["fence"]))
        self.found.check(LOCKED, mine, f"{operation} by a run that does not hold the lock: {held}")
        taken = self.world.take(region, operation, names)
        self.found.check(FENCED, not self.world.broken, f"{self.world.broken}")
        return taken

    def rows(self, pk: str, prefix: str = "") -> list[dict[str, Any]]:
        """Items of the table, by plain boto3."""
        values, named = {":pk": {"S": pk}}, "PK = :pk"
        found = self.plain.query(TableName=NAMES.table, KeyConditionExpression=named, ExpressionAttributeValues=values)["Items"]
        return [row for row in found if row["SK"]["S"].startswith(prefix)]

    def held(self) -> dict[str, Any]:
        rows = self.rows("LOCK#acme#production", "LOCK")
        return rows[0] if rows else {}

    # Processes

    @contextmanager
    def running(self, who: str) -> Iterator[None]:
        """A process of somebody, which may be killed."""
        outer, self.process = self.process, who
        try:
            yield
        finally:
            self.process = outer
            self.table.over()

    def task(self, module: Any, hosts: Sequence[str] = tuple(HOSTS), **options: Any) -> dict[str, Any]:
        """A task of the playbook, as Ansible carries it out."""
        task = SimpleNamespace(args={"control": CONTROL, **options}, check_mode=False, async_val=0)
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="none"))
        action = module.ActionModule(task, connection, None, None, None)
        done: dict[str, Any] = action.run(
            None, {"hostvars": Raw(), "ansible_play_hosts_all": list(HOSTS), "ansible_play_batch": list(hosts)}
        )
        return done

    def playbook(self) -> None:
        """The tasks of `failover.yml` in their order. AnsibleActionFail where it stops."""
        stale = [{"account": CONTROL["accounts"][0]["id"], "region": region} for region in self.world.dark]
        asked = {"execution_id": self.name} if self.name else ASKED
        given = self.task(plan, inventory={"stale": stale}, operation="failover", **asked)
        self.fact = given["ansible_facts"]["dr_execution"]
        self.name = self.fact["execution_id"]
        for stage, phase in STAGES.items():
            hosts = [key for key in self.fact["hosts"][stage] if key in HOSTS]
            for size in self.fact["serial"][stage] if hosts else ():
                batch, hosts = hosts[:size], hosts[size:]
                self._wave(phase, batch)
                self.reached((stage, *batch))
        self.task(close, execution=self.fact)

    def _wave(self, phase: str, batch: Sequence[str]) -> None:
        """The tasks of `tasks/wave.yml`."""
        if phase == "cleanup":
            self.world.dark.clear()
        self.phase, one = phase, {"execution": self.fact}
        try:
            self.task(approval, batch, phase=phase, **one)
            self.task(wave, batch, phase=phase, **one)
            if phase == "activate":
                self.task(health, batch, **one)
        except AnsibleActionFail as error:
            self.task(close, batch, failed=str(error), **one)

    def reached(self, here: tuple[str, ...]) -> None:
        """A wave has ended. Most copies end here, when they are where the undisturbed life was.

        Where debts were settled first, which is another order, they end with the execution.
        """
        self.settled = self.settled or here[0] == "settle"
        if not self.taken:
            self.passed = here
            if here not in self.marks:
                self.marks[here] = (self.state(), self.told(), self.commands)
        elif self.taken[0][0] % GOES_ON and here in self._ahead() and (not self.settled or here == ("end",)):
            raise OnPathError(here)

    def _ahead(self) -> list[tuple[str, ...]]:
        """What the undisturbed life reaches after the fault."""
        order = list(self.marks)
        return order[order.index(self.passed) + 1 :] if self.passed else order

    def people(self, seconds: float) -> None:
        """Those who are asked approve, while the run waits."""
        self.world.sleep(seconds)
        for who in APPROVERS:
            self.again(who, functools.partial(self.approve, self.tokens[-1], who))

    def approve(self, token: str, who: str) -> None:
        """The command of somebody who approves, as the module's `main` has it."""

        def decide() -> dict[str, Any]:
            try:
                return Approvals(run.Control(CONTROL).store).decide(self.name, token, "approve", who)
            except ApprovalRefusedError as error:
                again = who in str(error) and not all(kind in PASSED for _k, kind in self.taken)
                self.found.check(ONCE, again, f"{who} is told: {error}")
                return {}

        def fail_json(msg: str) -> None:
            raise AnsibleActionFail(msg)

        amazon.guarded(SimpleNamespace(fail_json=fail_json), decide)

    def again(self, who: str, command: Callable[[], None]) -> None:
        """A command, again and again until it has done its work."""
        for attempt in range(AGAIN):
            self.commands += 1
            try:
                with self.running(who):
                    command()
                return
            except Killed:
                pass
            except Exception as error:
                self.stopped(attempt, str(error))
                if not self.taken:
                    raise
            self.world.sleep(5)
            if who == "runner" and self._over():
                return
        raise AssertionError(f"{who} does not come to an end: {self.lines[-1:]}")

    def stopped(self, attempt: int, said: str) -> None:
        """What a person reads when a command stops."""
        self.lines.append(said)
        if "is being worked on by" in said:
            held = self.elsewhere and attempt > 0
            self.found.check(LOCKED, held, f"nobody else works on it: {said}")
            self.world.sleep(lock.LEASE_SECONDS)
            return
        self.found.check(SAID, "Next: " in said, said)

    def _over(self) -> bool:
        """What a person does before the next run: finds out what there is to go on with, and whether it has ended."""
        self.dead.add(self.pid)
        self.pid += 1
        if self.elsewhere:
            self.host += "0"
        rows = {row["execution_id"]["S"]: row["status"]["S"] for row in self.all("META")}
        self.found.check(ONCE, len(rows) <= 1, f"several executions: {rows}")
        self.name = max(rows, default="")
        return rows.get(self.name) == "COMPLETED"

    def all(self, sk: str) -> list[dict[str, Any]]:
        """Items with that sort key, of all partitions."""
        found: list[dict[str, Any]] = self.plain.scan(
            TableName=NAMES.table, FilterExpression="SK = :sk", ExpressionAttributeValues={":sk": {"S": sk}}
        )["Items"]
        return found

    # The whole of it

    def go(self) -> None:
        """To the end, with the same command again and again."""
        self.again("runner", self.playbook)
        if self.taken:  # as readiness does with what a run has left behind
            evidence.secure(self.store(), self.name)
            self.world.sleep(lock.LEASE_SECONDS)
        self.reached(("end",))

    def store(self) -> Store:
        """The store without faults."""
        return Store(self.plain, self.sandbox.inside("s3", WEST), NAMES.table, NAMES.bucket, clock=self.world)

    def state(self) -> dict[str, Any]:
        """What there is now, but for names and times."""
        rows, store = self.rows(f"EXEC#{self.name}"), self.store()
        execution = store.get_execution(self.name)
        results = [row for row in rows if row["SK"]["S"].startswith("P#") and "#I#" not in row["SK"]["S"]]
        approved = {row["gate"]["S"] for row in rows if row["SK"]["S"].startswith("APPR#") and row["state"]["S"] == "approved"}
        over = execution["status"] == "COMPLETED"
        return {
            "status": execution["status"],
            "counts": execution["counts"],
            "results": sorted([row["key"]["S"], row["phase"]["S"], row["status"]["S"]] for row in results),
            "sides": {key: [self.world.state(region, key) for region in (EAST, WEST)] for key in PAIRS},
            "calls": sorted(self.calls),
            "approved": sorted(approved),
            "debts": [one["resource"] for one in store.open_debts(**SCOPE)],
            "held": lock.holder(store, **SCOPE) is not None,
            "broken": evidence.verify(store, self.name) if over else store.broken_audit(self.name),
        }

    def told(self) -> list[str]:
        """The audit trail: what happened, and who did it; of several waves each by itself."""
        found = []
        for row in self.rows(f"EXEC#{self.name}", "AUD#"):
            known = json.loads(row["detail"]["S"])
            about = " ".join(str(known[name]) for name in ("phase", "gate", "event") if name in known)
            found += [f"{row['event_type']['S']} {row['actor']['S']} {about} {one}" for one in known.get("waves", [""])]
        return found

    def explore(self, first: Life, chosen: Mapping[int, Sequence[str]]) -> list[dict[str, Any]]:
        """As `points.Run.explore`. first: a life that ended undisturbed. chosen: k -> kinds of faults at the k-th request."""
        self.marks, self.path = first.marks, first.asked
        self.chosen = chosen
        with self.branches.kept():
            self._judged()
            point = {"faults": self.taken, "checked": self.found.checked, "broken": self.found.broken}
            self.branches.end([point, *self.points])
        assert self.found.broken == [], "undisturbed once more"
        return self.points

    def next(self, at: str, said: str) -> str:
        """Counts a moment. In a copy that begins here it gives the fault to run into, else ""."""
        self.trace.append(at)
        self.asked.append(said)
        if self.taken:
            self._goes_on(said)
            return ""
        k = len(self.trace)
        for kind in self.chosen.get(k, ()):
            points = self.branches.fork()
            if points is None:
                self.taken, self.points, self.elsewhere = [(k, kind)], [], k % 3 == 0
                return kind
            self.points += points
        return ""

    def _goes_on(self, said: str) -> None:
        """A refusal that was passed has changed nothing: who asks next what comes next without it is where the undisturbed life
        was, and most copies end here."""
        ((k, kind),) = self.taken
        self.retried += 1
        if self.on_path:  # a handler on the way out
            raise OnPathError
        if kind in REFUSED and k % GOES_ON and (self.retried > 1 or said != self.path[k - 1]):
            wanted = self.path[k] if k < len(self.path) else "nothing more"
            self.found.check(ONCE, said == wanted, f"the next request is {said}, not {wanted}")
            self.on_path = True
            raise OnPathError

    def _judged(self) -> None:
        check, here = self.found.check, ("end",)
        try:
            self.go()
        except OnPathError as path:
            if not path.here:
                return
            here = path.here
        except Exception as error:
            check(ONCE, False, f"{type(error).__name__}: {error}")
            return
        expected, told, commands = self.marks[here]
        found, said = self.state(), self.told()
        for what, one in expected.items():
            invariant = {"broken": AUDITED, "held": LOCKED, "debts": FENCED}.get(what, ONCE)
            check(invariant, found[what] == one, f"{what} is {found[what]}, not {one}")
        more, less = Counter(said) - Counter(told), Counter(told) - Counter(said)
        passed = all(kind in PASSED for _k, kind in self.taken)
        missing = [one for one in less if passed or not one.startswith(UNTOLD)]
        check(AUDITED, not missing, f"the trail does not tell {missing}")
        if passed:
            check(ONCE, self.commands == commands, f"{self.commands} commands: {self.lines[-3:]}")
            check(AUDITED, not more, f"the trail tells besides {list(more)}")


class OnPathError(BaseException):
    """A copy is where the undisturbed life was: it need not go on. No handler runs."""

    def __init__(self, here: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.here = here


def quicken(patch: pytest.MonkeyPatch) -> None:
    """Moto's table answers with what it has: looking at each attribute's shape costs more than everything else of a request."""
    structure = JSONSerializer._serialize_type_structure

    def serialise(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name != "AttributeValue":
            structure(self, serialized, value, shape, key)
        else:
            serialized[key] = value.to_regular_json() if isinstance(value, DynamoType) else value

    patch.setattr(JSONSerializer, "_serialize_type_structure", serialise)


class Mapped(AtOnce):
    """A pool that also maps, and is a context."""

    def map(self, run: Callable[..., Any], *given: Any) -> Iterator[Any]:
        return map(run, *given)

    def __enter__(self) -> Mapped:
        return self

    def __exit__(self, *_: Any) -> None: ...


def kinds(at: str) -> list[str]:
    """The kinds of faults that can happen at a moment."""
    return [kind for kind, places in KINDS.items() if at in places]
