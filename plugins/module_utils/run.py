# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running execution as the actions see it: the ways into AWS, the control plane, the frozen plan."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from . import evidence, moves, settling, snapshots
from .accounts import READ_ATTEMPTS, Account, Accounts, AwsReader
from .costs import Copies, Estimate, copies, savings
from .drills import drill, reconciler
from .dynamo import epoch, utc
from .engine import Result
from .errors import DrError, InputError
from .events import Notifier
from .interventions import skips, unskipped
from .lock import attach, holder
from .metrics import Metrics
from .model import CRITICAL, OPTIONAL, PHASES, Goal, Pair
from .parameters import Parameters
from .plan import NEEDS_SOURCE, Batch, Plan
from .scope import pair_of
from .status import resume_command
from .store import Journal as StoredJournal
from .store import MemoryJournal, Store
from .tracing import NOTHING, Span, Tracing

#: How long a notification may take, and the metrics of a task, unless the inventory file says otherwise: 80 % of FR-6.2's 10 s.
NOTIFICATION_SECONDS = 8.0
#: Phases in which an unfinished resource stops the waves after it (FR-3.1); CLEANUP never blocks an execution (FR-4.3).
STOPPING_PHASES = ("instantiate", "activate", "rollback")


class Control:
    """The control plane and the ways into AWS, from the inventory's `dr_control` variable.

    control: {accounts: [{id, role_arn, external_id, name}], control_region, table, bucket, audit_bucket, topic_arn,
    poll_limit_seconds, source_identity, notification_timeout_seconds, publish_metrics, tracing}.
    session: how the role sessions are named in CloudTrail.
    """

    def __init__(self, control: Mapping[str, Any], session: str = "dr-aws") -> None:
        for name in ("control_region", "table", "bucket"):
            if not control.get(name):
                option = name if name == "control_region" else f"control_{name}"
                raise InputError(option, control.get(name), "a value", f"set {option} in the inventory file")
        self._ways = functools.partial(
            Accounts,
            [Account(**account) for account in control["accounts"]],
            control["control_region"],
            session,
            source_identity=control.get("source_identity"),
        )
        self.accounts = self._ways()
        self.settings = control
        self.cloud = AwsReader(self.accounts)
        dynamodb, s3 = self.accounts.control("dynamodb"), self.accounts.control("s3")
        self.store = Store(dynamodb, s3, control["table"], control["bucket"], audit_bucket=control.get("audit_bucket") or "")
        seconds = float(control.get("notification_timeout_seconds") or NOTIFICATION_SECONDS)
        each = seconds / READ_ATTEMPTS
        self.notifier = Notifier(self.accounts.control("sns", timeout_seconds=each), control.get("topic_arn") or "")
        published = control.get("publish_metrics", True)
        self.metrics = Metrics(lambda: self.accounts.control("cloudwatch", timeout_seconds=each), seconds if published else 0)
        self.poll_limit_seconds: float | None = control.get("poll_limit_seconds")
        self.tracing = Tracing.of(control.get("tracing"))

    def captured(self, customer: str, environment: str) -> dict[str, Any]:
        """What readiness captured last, by pair key; {} when it never ran. A cached inventory may know less.

        Whether it may be used is for the plan to say (`reliance`).
        """
        kept = snapshots.latest(self.store, customer, environment)
        return kept.captured if kept else {}

    def publish(self, customer: str, environment: str, operation: str = "") -> str:
        """Sends the metrics that were gathered; gives "" or why that was not possible. Never raises."""
        self.metrics.add("RoleAssumptionTime", *self.accounts.assume_seconds)
        self.accounts.assume_seconds.clear()
        return self.metrics.publish({"Customer": customer, "Environment": environment, "Operation": operation})

    def patient(self, seconds: float) -> AwsReader:
        """The same ways into AWS, but that an answer is waited for so long."""
        return AwsReader(self._ways(read_timeout=seconds))

    def pause(self, seconds: float) -> float:
        """A pause between two looks, within the limit that the inventory file sets."""
        return seconds if self.poll_limit_seconds is None else min(seconds, self.poll_limit_seconds)


class Run:
    """One execution, attached to by each task of a playbook run.

    In check mode nothing is stored: the plan is made of the hosts, the journal is in memory.
    """

    def __init__(self, control: Control, execution: Mapping[str, Any], plan: Plan | None, captured: Mapping[str, Any]) -> None:
        self.control, self.execution, self.plan, self.captured = control, execution, plan, captured
        self.cloud, self.store, self.notifier = control.cloud, control.store, control.notifier
        self.execution_id: str = execution["execution_id"]
        self.parameters = Parameters.from_json(execution["parameters"])
        self.adapter = reconciler(self.parameters.operation)
        self.check_mode = not self.execution_id
        self.journal: StoredJournal | MemoryJournal = MemoryJournal()
        self.record: Mapping[str, Any] = {}
        #: Of this run, for parts of it.
        self.span: Span = NOTHING
        if not self.check_mode:
            self.span = control.tracing.run(self.execution_id, execution["fence"])
            self.record = self.store.get_execution(self.execution_id)
            self.plan = settling.first(plan, settling.kept(self.record)) if plan else None
            self.lock = attach(self.store, self.parameters.customer, self.parameters.environment, execution)
            wanted = plan.objectives if plan else None
            fence = execution["fence"]
            self.journal = StoredJournal(self.store, self.execution_id, fence, self.lock, self.actor, self.record, wanted)

    @classmethod
    def attach(cls, control: Mapping[str, Any], execution: Mapping[str, Any]) -> Run:
        """The run that `execution`, the plan action's fact, describes. LeaseLostError when another run has taken over."""
        ways = Control(control, execution["execution_id"] or "dr-aws-check")
        if not execution["execution_id"]:
            asked = execution["parameters"]
            return cls(ways, execution, None, ways.captured(asked["customer"], asked["environment"]))
        body = ways.store.get_plan(execution["execution_id"])
        return cls(ways, execution, Plan.from_json(body["plan"]), body["captured"])

    @property
    def actor(self) -> str:
        """The ARN of whoever runs this."""
        return str(self.execution.get("caller") or self.record.get("created_by", ""))

    def pairs(self, hosts: Mapping[str, Mapping[str, Any]]) -> list[Pair]:
        """The frozen pairs of the hosts of a batch; in check mode made of their variables. In a drill they are those of copies."""
        if self.plan is None:
            source, target, turned = self.parameters.source_region, self.parameters.target_region, self.execution["turned"]
            pairs = [
                pair_of(key, variables, *((target, source) if key in turned else (source, target)))
                for key, variables in hosts.items()
            ]
        else:
            pairs = [pair for pair in self.plan.pairs if pair.key in hosts]
        return [self._of_drill(pair) for pair in pairs] if self.parameters.drill else pairs

    def following(self) -> Batch | None:
        """The first batch of the plan of which something is left to do; None when nothing is, and in check mode."""
        known: dict[str, dict[str, Any]] = {}
        keys = {pair.key for pair in self.plan.pairs} if self.plan else set()
        left_out = skips(self.store, self.execution_id, keys) if keys else {}
        for batch in self.plan.batches if self.plan else ():
            if batch.phase not in known:
                known[batch.phase] = self.journal.known(batch.phase)
            if any(key not in left_out and known[batch.phase].get(key, {}).get("done") is None for key in batch.todo):
                return batch
        return None

    def waves(self, hosts: Mapping[str, Mapping[str, Any]]) -> str:
        """The waves of the hosts of a batch, for people."""
        return ", ".join(map(str, sorted({pair.wave for pair in self.pairs(hosts)})))

    def _of_drill(self, pair: Pair) -> Pair:
        """The health check URL and the RTO are production's: they say nothing of a copy."""
        settings = {**pair.settings, "drill_id": self.execution_id or "check"}
        return replace(pair, settings=settings, health_check_url=None, rto_seconds=None)

    def goals(self, hosts: Mapping[str, Mapping[str, Any]], leave_out: Iterable[str] = ()) -> list[Goal]:
        """What the engine is asked for the hosts of a batch."""
        skip = frozenset(leave_out)
        captured = self.captured or {key: variables.get("dr_captured") or {} for key, variables in hosts.items()}
        parameters = self.parameters
        return [
            Goal(pair, parameters.mode, parameters.cleanup_policy, self.execution_id, captured.get(pair.key, {}))
            for pair in self.pairs(hosts)
            if pair.key not in skip
        ]

    def already(self, phase: str, hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, Result]:
        """Results that need no look: what the plan found to hold before anything was done.

        In check mode nothing is activated, so that CLEANUP and REPLICATE can only be decided where the target serves already; of a
        drill nothing is copied, and only INSTANTIATE can be decided.
        """
        already = self.execution["already"]
        found = {key: Result(key, phase, "done", outputs={"already": True}) for key in already.get(phase, ()) if key in hosts}
        if self.check_mode and (phase != "instantiate" if self.parameters.drill else phase in NEEDS_SOURCE):
            serving = frozenset(already.get("activate", ()))
            why = "decided once the copy stands" if self.parameters.drill else "decided once the target serves"
            found.update({key: Result(key, phase, "not_yet", why=why) for key in hosts if key not in serving})
        return found

    def skipped(self, phase: str, hosts: Mapping[str, Mapping[str, Any]], leave_out: Iterable[str] = ()) -> dict[str, Result]:
        """Results of those that a person asked to skip and that are not done; recorded. Copies of a drill are removed anyway.

        One that is not skipped any more, and whose earlier phase was, is blocked: resuming begins with that phase.
        """
        if self.check_mode or (self.parameters.drill and phase == "cleanup"):
            return {}
        asked = skips(self.store, self.execution_id, hosts)
        found = {key: Result(key, phase, "skipped", why=why) for key, why in asked.items()}
        if back := unskipped(self.store, self.execution_id, hosts):
            for earlier in PHASES[: PHASES.index(phase)] if phase in PHASES else ():
                ended = self.journal.known(earlier)
                for key in (key for key in back if (ended.get(key, {}).get("result") or {}).get("status") == "skipped"):
                    why = f"its {earlier} was skipped, and that was taken back since"
                    found[key] = Result(key, phase, "blocked", why=why, remedy=self.resume_command())
        if not found:
            return {}
        known = self.journal.known(phase)
        left = [key for key in found if key not in leave_out and known.get(key, {}).get("done") is None]
        impacts = {pair.key: pair.impact for pair in self.pairs(hosts)}
        self.journal.finish(
            [
                (key, phase, found[key].status, {"why": found[key].why, "remedy": found[key].remedy, "impact": impacts[key]})
                for key in left
            ]
        )
        return {key: found[key] for key in left}

    def needed(self, phase: str, goals: Sequence[Goal], here: Mapping[str, Result]) -> dict[str, Result]:
        """How those ended that goals depend on and that are no goals: in earlier waves, or `here` without the engine."""
        keys = {key for goal in goals for key in goal.pair.dependencies} - {goal.pair.key for goal in goals}
        found = {key: here[key] for key in keys if key in here}
        known = self.journal.known(phase) if keys - set(found) else {}
        for key in keys - set(found):
            if last := known.get(key, {}).get("result"):
                found[key] = Result(key, phase, last["status"], why=last.get("why", ""))
        return found

    def stops(self, phase: str, pair: Pair, result: Result) -> bool:
        """Whether the waves after it may not begin. A drill goes on: what it finds is reported, and its copies are removed."""
        return not self.parameters.drill and stops(phase, result, pair.impact)

    def elapsed_seconds(self) -> float:
        """Since the execution started."""
        return max(0.0, self.store.clock() - epoch(self.record["started_at"])) if self.record else 0.0

    def note(self, event: str, **detail: Any) -> None:
        """An audit entry; nothing in check mode."""
        if not self.check_mode:
            self.journal.note(event, **detail)

    def change(self, changes: Mapping[str, Any], event: str, **detail: Any) -> None:
        """Changes the execution, with the audit entry that tells of it; nothing in check mode."""
        if isinstance(self.journal, StoredJournal):
            self.record = self.journal.change(changes, event, **detail)

    def notify(self, event: str, **told: Any) -> None:
        """Tells people (`Notifier.send`) and records whether that was delivered; nothing in check mode. Never stops a run."""
        if not self.check_mode:
            sent = self.notifier.send(event, self.record, **told)
            self.journal.note("notified", event=event, **sent)
            if sent["delivered"]:
                self.control.metrics.add("NotificationDelay", sent["seconds"])

    def publish(self) -> str:
        """Sends the metrics gathered in this task; gives "" or why that was not possible, which is recorded. Never stops a run."""
        if self.check_mode:
            return ""
        if isinstance(self.journal, StoredJournal):
            self.control.metrics.add("StatusDelay", *self.journal.delays())
        why = self.control.publish(self.parameters.customer, self.parameters.environment, self.parameters.operation)
        if why:
            self.journal.note("metrics_failed", why=why)
        return f"metrics were not published: {why}" if why else ""

    def secure(self) -> str:
        """Writes audit entries to the evidence in S3; gives "" or why that was not possible. Never stops a run."""
        if self.check_mode:
            return ""
        if self.control.accounts.assumed:
            self.journal.note(
                "roles_assumed", session=self.control.accounts.session_name, roles=dict(self.control.accounts.assumed)
            )
            self.control.accounts.assumed.clear()
        return evidence.secure(self.store, self.execution_id, str(self.record.get("created_by", "")))

    def stop(
        self, status: str, event: str, text: str, remedy: str, told: Mapping[str, Any] | None = None, **detail: Any
    ) -> DrError:
        """Ends the run before its plan is carried out: state, audit entry, notification, evidence, lock. Gives the error to raise.

        status: PAUSED or CANCELLED. told: what people are told (`notify`) beside or instead of text and remedy. detail: for the
        audit entry.
        """
        self.change({"status": status, "reason": text}, f"execution_{status.lower()}", **detail)
        self.notify(event, **{"text": text, "remedy": remedy, **(told or {})})
        problem = self.secure()
        self.leave()
        return DrError("; ".join(filter(None, (text, problem))), remedy)

    def leave(self) -> None:
        """Gives the lock back: this run of the execution has ended, and so has its span."""
        if self.span is not NOTHING:
            asked = self.parameters
            held = holder(self.store, asked.customer, asked.environment)
            began = held["since"] if held else utc(self.store.clock())
            told = {"dr__operation": asked.operation, "dr__mode": asked.mode, "dr__customer": asked.customer}
            where = {"dr__environment": asked.environment, "dr__target_region": asked.target_region}
            status = str(self.record["status"])
            self.control.tracing.ended(self.execution_id, self.lock.fence, epoch(began), status, **told, **where)
        self.lock.release()

    def settle(self, phase: str, results: Mapping[str, Result]) -> None:
        """Settles the fence debts of sources that CLEANUP saw out of service."""
        if self.check_mode or self.parameters.drill or phase != "cleanup":
            return
        for key, result in results.items():
            if result.status == "done":
                self.store.settle(self.parameters.customer, self.parameters.environment, key)

    def moved(self, phase: str, results: Mapping[str, Result]) -> None:
        """Notes which resources ACTIVATE brought to serve in their target; of a drill's copies nothing."""
        if self.check_mode or self.parameters.drill or phase != "activate":
            return
        before, region = self.execution["already"][phase], self.parameters.target_region
        brought = [(key, region) for key, result in results.items() if result.status == "done" and key not in before]
        moves.record(self.store, self.parameters.customer, self.parameters.environment, self.execution_id, brought)

    def findings(self) -> set[str]:
        """Keys of the pairs that did not come to serve (copies, optional or skipped ones): their health needs no look."""
        if self.plan is None:
            return set()
        known, already = self.journal.known("activate"), self.execution["already"].get("activate", ())
        return {pair.key for pair in self.plan.pairs if known.get(pair.key, {}).get("done") is None} - set(already)

    def find(self, ill: Mapping[str, str]) -> None:
        """What a drill's health check found, by pair key, "" for a healthy copy: kept as the end of its ACTIVATE."""
        known = self.journal.known("activate")
        remedy = "see why it is not healthy, then a new drill"
        ends: list[tuple[str, str, str, Mapping[str, Any]]] = [
            (key, "activate", "failed", {"why": why, "remedy": remedy})
            if why
            else (key, "activate", "done", {"outputs": known[key]["done"]})
            for key, why in ill.items()
        ]
        self.journal.finish(ends)

    def savings(self) -> dict[str, Estimate]:
        """What CLEANUP has saved in this execution so far, by pair key; the sum is kept with the execution. Nothing in check mode.

        A source that ACTIVATE stopped, as the fence of a planned failover, counts as well: CLEANUP leaves it stopped.
        """
        if self.check_mode or self.parameters.drill or self.plan is None:
            return {}
        done = {key: known["done"] for key, known in self.journal.known("cleanup").items() if known["done"] is not None}
        sent: dict[str, set[tuple[str, str]]] = {}
        for phase in ("activate", "cleanup"):
            for key, calls in self.store.sent(self.execution_id, phase).items():
                sent[key] = sent.get(key, set()) | calls
        found = savings(self.plan.pairs, self.captured, done, sent)
        if found:
            total = round(sum(estimate.usd_per_month for estimate in found.values()))
            self.store.update_execution(self.execution_id, estimated_saving_usd_per_month=total)
        return found

    def copy_costs(self) -> Copies | None:
        """What the copies that this drill has begun to make cost an hour; kept with the execution. None where there are none."""
        if self.check_mode or not self.parameters.drill or self.plan is None:
            return None
        begun = self.store.sent(self.execution_id, "instantiate")
        goals = [
            Goal(self._of_drill(pair), captured=self.captured.get(pair.key, {})) for pair in self.plan.pairs if pair.key in begun
        ]
        found = copies({goal.pair.key: (goal.pair.technology, drill(goal.pair.technology).copy_size(goal)) for goal in goals})
        if not found.estimates and not found.unknown:
            return None
        self.store.update_execution(self.execution_id, estimated_copies=found.to_json())
        return found

    def resume_command(self) -> str:
        """The command that goes on with this execution."""
        return resume_command({"execution_id": self.execution_id, "operation": self.parameters.operation})


def stops(phase: str, result: Result, impact: str = CRITICAL) -> bool:
    """Whether a result stops a failover: not that of an optional resource, nor that of one which a person skips."""
    unfinished = result.status not in ("done", "would_change", "skipped")
    return unfinished and phase in STOPPING_PHASES and impact != OPTIONAL


def counts(results: Mapping[str, Result]) -> dict[str, int]:
    """How many resources ended how."""
    return dict(Counter(result.status for result in results.values()))


def shown(result: Result) -> dict[str, Any]:
    """A result as a task returns it."""
    return {
        "status": result.status,
        "changed": result.changed,
        "calls": [dict(call) for call in result.calls],
        "outputs": dict(result.outputs),
        "why": result.why,
        "remedy": result.remedy,
        "duration_seconds": result.seconds,
    }
