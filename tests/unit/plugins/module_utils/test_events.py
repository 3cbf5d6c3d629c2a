# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told, and that telling them never stops a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.approvals import commands
from ansible_collections.dr.aws.plugins.module_utils.events import EVENTS, MESSAGE_BYTES, Notifier
from ansible_collections.dr.aws.plugins.module_utils.redact import MASK

EXECUTION: dict[str, Any] = {
    "execution_id": "dr-20261128T163000Z-7f3a9c",
    "execution_arn": "arn:aws:dr-aws:us-west-2::execution/dr-20261128T163000Z-7f3a9c",
    "customer": "acme",
    "environment": "production",
    "operation": "failover",
    "mode": "unplanned",
    "status": "RUNNING",
    "primary_region": "us-east-1",
    "dr_region": "us-west-2",
    "plan_sha256": "ab" * 32,
}
TOPIC = "arn:aws:sns:us-west-2:111111111111:dr-aws-events"


class Topic:
    """Takes what is published, or raises."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.sent: list[dict[str, Any]] = []

    def publish(self, **wanted: Any) -> dict[str, Any]:
        if self.error:
            raise self.error
        self.sent.append(wanted)
        return {"MessageId": "m-1"}


def sent(event: str, execution: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    topic = Topic()
    found = Notifier(topic, TOPIC, lambda: 0.0).send(event, execution or EXECUTION, **more)
    assert found == {"delivered": True, "subject": topic.sent[0]["Subject"], "message_id": "m-1", "error": "", "seconds": 0.0}
    return topic.sent[0]


#: Those of FR-6.2, and what a person must not miss besides: event -> (severity, commands that are ready in its message).
ASKED: dict[str, tuple[str, tuple[str, ...]]] = {
    "execution_started": ("info", ("status",)),
    "wave_completed": ("info", ("status",)),
    "phase_completed": ("info", ("status",)),
    "approval_required": ("warning", ("approve", "reject", "status")),
    "execution_completed": ("info", ("report", "status")),
    "execution_failed": ("critical", ("resume", "report", "status")),
    "execution_cancelled": ("warning", ("report", "status")),
    "execution_paused": ("warning", ("resume", "report", "status")),
    "approval_timed_out": ("critical", ("resume", "report", "status")),
    "pause_timed_out": ("critical", ("resume", "status")),
    "window_closed": ("warning", ("resume", "status")),
    "fence_debt": ("critical", ("fence", "status")),
}
PLUGINS = Path(__file__).resolve().parents[4] / "plugins"


@pytest.mark.parametrize("event", ASKED)
def test_every_event_has_its_severity_and_its_commands(event: str) -> None:
    severity, ways = ASKED[event]
    lines = commands("dr-1", "t0ken") if event == "approval_required" else {}
    message = sent(event, commands=lines)
    assert message["MessageAttributes"]["severity"] == {"DataType": "String", "StringValue": severity}
    ready = [line for line in message["Message"].splitlines() if line.startswith("- ")]
    assert [line.partition(":")[0].removeprefix("- ") for line in ready] == list(ways)
    assert all("  ansible-playbook dr.aws." in line for line in ready)


@pytest.mark.parametrize("event", [*ASKED, *EVENTS])
def test_every_event_is_sent_by_something(event: str) -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in PLUGINS.rglob("*.py") if path.name != "events.py")
    by_state = event in ("execution_completed", "execution_failed") and 'f"execution_{status.lower()}"' in code
    assert f'"{event}"' in code or by_state


@pytest.mark.parametrize("event", ASKED)
def test_every_event_names_the_execution_and_where_it_stands(event: str) -> None:
    message = sent(event)
    assert message["TopicArn"] == TOPIC
    assert message["Subject"].startswith(f"[DR {EVENTS[event][0].upper()}] acme/production failover ")
    assert len(message["Subject"]) <= 100 and message["Subject"].isascii()
    for part in (EXECUTION["execution_id"], EXECUTION["execution_arn"], "us-east-1", "us-west-2", "unplanned", "RUNNING"):
        assert part in message["Message"]
    assert f"dr.aws.status -e execution_id={EXECUTION['execution_id']}" in message["Message"]
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes == {"event": event, "severity": EVENTS[event][0], "customer": "acme"}


def test_an_event_without_an_execution_names_none() -> None:
    message = sent("capacity_warning", {"operation": "capacity"}, text="DB instances are near", commands={"look": "again"})
    assert message["Subject"] == "[DR WARNING] capacity limits are NEAR"
    assert "DB instances are near" in message["Message"] and "- look:  again" in message["Message"]
    assert "None" not in message["Message"] and "status" not in message["Message"]


def test_a_failure_says_what_failed_why_and_what_to_do() -> None:
    failures = [{"resource": "db", "phase": "activate", "why": "AccessDenied", "remedy": "grant rds:PromoteReadReplica"}]
    text = sent("execution_failed", failures=failures, remedy="ansible-playbook dr.aws.failover -e execution_id=x")["Message"]
    assert "- db (activate): AccessDenied\n  next: grant rds:PromoteReadReplica" in text
    assert "Next: ansible-playbook dr.aws.failover -e execution_id=x" in text


def test_the_wave_that_is_told_is_not_mixed_with_the_one_that_was_recorded_before() -> None:
    recorded = {**EXECUTION, "current_phase": "instantiate", "current_wave": 3}
    told = sent("wave_completed", recorded, phase="activate", waves=[1])["Message"]
    assert "phase:        activate" in told and "waves:        1" in told
    assert "instantiate" not in told and "wave:" not in told
    assert "wave:         3" in sent("execution_failed", recorded)["Message"]


def test_commands_are_readable_and_everything_else_is_masked() -> None:
    text = sent(
        "approval_required",
        text="connects with password=hunter2",
        commands={"approve": "ansible-playbook dr.aws.approve -e token=abc"},
        failures=[{"resource": "db", "phase": "activate", "why": "postgres://app:hunter2@db"}],
        counts={"done": 3, "failed": 1},
        auth_token="hunter2",
    )["Message"]
    assert "- approve:  ansible-playbook dr.aws.approve -e token=abc" in text
    assert "counts:       done 3, failed 1" in text
    assert "hunter2" not in text and MASK in text


def test_subjects_are_short_plain_text() -> None:
    subject = sent("fence_debt", {**EXECUTION, "customer": "ü\n" * 80})["Subject"]
    assert len(subject) == 100
    assert all(" " <= letter <= "~" for letter in subject)


def test_a_message_that_is_too_long_is_cut_and_says_so() -> None:
    text = sent("execution_failed", text="ü" * 200_000)["Message"]
    assert len(text.encode()) < MESSAGE_BYTES + 100
    assert text.endswith("… cut: see the status")


@pytest.mark.parametrize("error", [ConnectionError("refused"), KeyError("defect")])
def test_what_cannot_be_delivered_is_recorded_and_does_not_raise(error: Exception) -> None:
    found = Notifier(Topic(error), TOPIC).send("execution_failed", EXECUTION)
    assert (found["delivered"], found["message_id"]) == (False, None)
    assert type(error).__name__ in found["error"]


@pytest.mark.parametrize("topic_arn", ["", None])
def test_without_a_topic_nothing_is_sent(topic_arn: str | None) -> None:
    topic = Topic()
    found = Notifier(topic, topic_arn).send("execution_failed", EXECUTION)
    assert (found["delivered"], found["error"], topic.sent) == (False, "no topic is configured", [])
