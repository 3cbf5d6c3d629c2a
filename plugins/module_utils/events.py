# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told through SNS (FR-6.2): one subject and text per event, with what to do next. A run never fails by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from .accounts import classify
from .dynamo import utc
from .redact import mask
from .status import reprotect_command, resume_command

#: SNS: a subject has at most 100 ASCII characters, a message 256 KB.
SUBJECT_CHARACTERS: Final = 100
MESSAGE_BYTES: Final = 250_000

#: Event -> (severity, how it is said). FR-6.2's seven, and those that a person must not miss.
EVENTS: Final[Mapping[str, tuple[str, str]]] = {
    "execution_started": ("info", "started"),
    "wave_completed": ("info", "wave completed"),
    "phase_completed": ("info", "phase completed"),
    "approval_required": ("warning", "APPROVAL REQUIRED"),
    "execution_completed": ("info", "completed"),
    "execution_failed": ("critical", "FAILED"),
    "execution_cancelled": ("warning", "cancelled"),
    "execution_paused": ("warning", "PAUSED"),
    "pause_timed_out": ("critical", "pause TIMED OUT, still paused"),
    "resource_skipped": ("warning", "skips a resource"),
    "resource_unskipped": ("info", "skips a resource no more"),
    "mode_switched": ("warning", "goes on UNPLANNED: data may be lost"),
    "approval_timed_out": ("critical", "approval TIMED OUT, paused"),
    "execution_rolled_back": ("warning", "ROLLED BACK"),
    "execution_committed": ("info", "committed"),
    "failover_proposed": ("warning", "PROPOSED, a person must decide"),
    "window_closed": ("warning", "PAUSED, a change calendar is closed"),
    "fence_debt": ("critical", "FENCE DEBT: a source must be fenced when it answers"),
    "capacity_warning": ("warning", "limits are NEAR"),
    "capacity_critical": ("critical", "limits are REACHED"),
}
#: Events after which an execution stands still and can go on, and those after which there is a report.
RESUMABLE: Final = ("execution_failed", "execution_paused", "approval_timed_out", "window_closed", "pause_timed_out")
ENDS: Final = (
    "execution_completed",
    "execution_failed",
    "execution_cancelled",
    "execution_paused",
    "execution_rolled_back",
    "approval_timed_out",
)


class Notifier:
    """Publishes to one topic. sns: boto3's client, of the control region. topic_arn: None or empty switches notifications off."""

    def __init__(self, sns: Any, topic_arn: str | None, clock: Callable[[], float] = time.time) -> None:
        self.sns, self.topic_arn, self.clock = sns, topic_arn, clock

    def send(
        self,
        event: str,
        execution: Mapping[str, Any],
        *,
        text: str = "",
        failures: Sequence[Mapping[str, Any]] = (),
        remedy: str = "",
        commands: Mapping[str, str] | None = None,
        **detail: Any,
    ) -> dict[str, Any]:
        """Sends one of EVENTS about an execution (as `Store.get_execution` gives it). Never raises for what SNS does.

        failures: [{resource, phase, why, remedy}]. remedy: what to do next. commands: name -> command line that is ready to run;
        not masked, as an approval's token must be readable. Everything else has its secrets masked. detail: further facts.
        Gives {delivered, subject, message_id, error, seconds} for the audit trail; delivered: SNS took it, after so many seconds.
        """
        severity, said = EVENTS[event]
        subject = subject_of(event, execution)
        began = self.clock()
        if not self.topic_arn:
            return _delivery(subject, None, "no topic is configured")
        ways = {**(commands or {}), **ready(event, execution)}
        message = message_of(said, execution, began, text=text, detail=detail, failures=failures, remedy=remedy, commands=ways)
        attributes = {"event": event, "severity": severity, "customer": str(execution.get("customer") or "-")}
        try:
            answer = self.sns.publish(
                TopicArn=self.topic_arn,
                Subject=subject,
                Message=message,
                MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
            )
        except Exception as error:  # also a defect: a failover must not stop because nobody could be told
            failure = classify(error)
            why = f"{failure.code}: {failure.message}" if failure else f"{type(error).__name__}: {error}"
            return _delivery(subject, None, why, self.clock() - began)
        return _delivery(subject, str(answer["MessageId"]), "", self.clock() - began)


def _delivery(subject: str, message_id: str | None, error: str, seconds: float = 0.0) -> dict[str, Any]:
    took = round(max(0.0, seconds), 3)
    return {"delivered": message_id is not None, "subject": subject, "message_id": message_id, "error": error, "seconds": took}


def ready(event: str, execution: Mapping[str, Any]) -> dict[str, str]:
    """What people run next, ready to be copied: name -> command line. {} for what is about no execution."""
    name = execution.get("execution_id")
    if not name:
        return {}
    ways = {}
    if event in RESUMABLE:
        ways["resume"] = resume_command(execution)
    if event in ENDS:
        ways["report"] = f"ansible-playbook dr.aws.report -e execution_id={name}"
    if event == "fence_debt":
        ways["fence"] = reprotect_command(execution)
    return {**ways, "status": f"ansible-playbook dr.aws.status -e execution_id={name}"}


def subject_of(event: str, execution: Mapping[str, Any]) -> str:
    """`[DR CRITICAL] acme/production failover FAILED (dr-…)`: printable ASCII, at most 100 characters.

    Without an execution it is about an operation as such: `[DR WARNING] capacity limits are NEAR`.
    """
    severity, said = EVENTS[event]
    if name := execution.get("execution_id"):
        what = f"{execution.get('customer')}/{execution.get('environment')} {execution.get('operation') or 'failover'}"
        line = f"[DR {severity.upper()}] {what} {said} ({name})"
    else:
        line = f"[DR {severity.upper()}] {execution.get('operation')} {said}"
    return "".join(letter if " " <= letter <= "~" else "?" for letter in line)[:SUBJECT_CHARACTERS]


def message_of(
    said: str,
    execution: Mapping[str, Any],
    now: float,
    *,
    text: str,
    detail: Mapping[str, Any],
    failures: Sequence[Mapping[str, Any]],
    remedy: str,
    commands: Mapping[str, str],
) -> str:
    """The text: what happened, to what, where it stands, what failed and why, what to do next."""
    name = execution.get("execution_id")
    lines = [f"{execution.get('operation') or 'failover'} {said}", ""]
    if text:
        lines += [str(mask(text)), ""]
    facts = {
        "execution": name,
        "arn": execution.get("execution_arn"),
        "customer": execution.get("customer"),
        "environment": execution.get("environment"),
        "regions": f"{execution.get('primary_region')} (primary), {execution.get('dr_region')} (DR)" if name else "",
        "mode": execution.get("mode"),
        "status": execution.get("status"),
        "phase": execution.get("current_phase"),
        "wave": None if "phase" in detail else execution.get("current_wave"),  # the record is older than what is told
        "started": execution.get("started_at"),
        "requested by": execution.get("created_by"),
        "plan": str(execution.get("plan_sha256") or "")[:12],
        "time": utc(now),
        **mask(detail),
    }
    lines += [f"{label + ':':<14}{_said(value)}" for label, value in facts.items() if value not in (None, "")]
    if failures:
        lines += ["", "What failed:"]
        for failure in mask(list(failures)):
            lines.append(f"- {failure.get('resource')} ({failure.get('phase')}): {failure.get('why')}")
            if failure.get("remedy"):
                lines.append(f"  next: {failure['remedy']}")
    if remedy:
        lines += ["", f"Next: {mask(remedy)}"]
    lines += ["", "Commands:", *(f"- {label}:  {line}" for label, line in commands.items())]
    return _cut("\n".join(lines))


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(entry)}" for name, entry in value.items())
    return ", ".join(map(_said, value)) if isinstance(value, (list, tuple)) else str(value)


def _cut(message: str) -> str:
    raw = message.encode()
    if len(raw) <= MESSAGE_BYTES:
        return message
    return raw[:MESSAGE_BYTES].decode(errors="ignore") + "\n… cut: see the status"
