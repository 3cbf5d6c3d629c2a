# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong on purpose."""

from __future__ import annotations

import fnmatch
import json
import os
import random
import signal
import threading
import time
from collections.abc import Sequence
from typing import Any

from .model import Answer, AwsError, Call, serialise, speaks_json

EFFECTS = ("reset", "blackhole", "http", "error", "throttle", "latency", "lose", "kill")
MATCH = ("service", "operation", "region", "account", "role", "params")
_FIELDS = {
    "match",
    "effect",
    "when",
    "share",
    "kth",
    "times",
    "seconds",
    "status",
    "body",
    "code",
    "message",
    "pid",
    "signal",
    "group",
}


class NoAnswerError(Exception):
    """The connection ends without an answer. seconds: hold it open that long first, or until the client gives up."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__("no answer")
        self.seconds = seconds


class Faults:
    """Rules that match calls. A rule is a dict as the admin interface takes it; see `sandbox/README.md`."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._seed = seed
        self.clear()

    def clear(self) -> None:
        """Forget every rule, and begin the same random numbers again."""
        with self._lock:
            self._rules: list[dict[str, Any]] = []
            self._random = random.Random(self._seed)
            self._next = 1

    def add(self, rule: dict[str, Any]) -> int:
        """Take a rule in, and give its id. Raises ValueError for anything it does not understand."""
        unknown = [*(rule.keys() - _FIELDS), *(rule.get("match", {}).keys() - set(MATCH))]
        if unknown:
            raise ValueError(f"unknown in a fault: {', '.join(sorted(unknown))}")
        if rule.get("effect") not in EFFECTS:
            raise ValueError(f"effect must be one of {', '.join(EFFECTS)}, not {rule.get('effect')!r}")
        if rule.get("when", "before") not in ("before", "after"):
            raise ValueError("when must be before or after")
        if rule["effect"] == "kill" and not isinstance(rule.get("pid"), int):
            raise ValueError("kill needs the pid of the client")
        if rule["effect"] == "error" and not rule.get("code"):
            raise ValueError("error needs a code")
        when = "after" if rule["effect"] == "lose" else rule.get("when", "before")
        with self._lock:
            number = self._next
            self._next += 1
            self._rules = [*self._rules, {**rule, "id": number, "when": when, "seen": 0, "hit": 0}]
            return number

    def remove(self, number: int) -> bool:
        """Forget one rule. False when there is none."""
        with self._lock:
            kept = [rule for rule in self._rules if rule["id"] != number]
            found = len(kept) < len(self._rules)
            self._rules = kept
            return found

    def list(self) -> Sequence[dict[str, Any]]:
        """The rules, with how many calls each has seen and hit."""
        return [dict(rule) for rule in self._rules]

    def apply(self, call: Call, when: str) -> tuple[str, Answer | None] | None:
        """Do what the matching rules say. Gives (effect, answer) when one answers the call; raises NoAnswerError."""
        if not self._rules:
            return None
        for rule in self._picked(call, when):  # outside the lock: a rule may sleep
            answer = _effect(rule, call)
            if answer is not None:
                return rule["effect"], answer
        return None

    def _picked(self, call: Call, when: str) -> Sequence[dict[str, Any]]:
        with self._lock:
            return [dict(rule) for rule in self._rules if rule["when"] == when and self._hits(rule, call)]

    def _hits(self, rule: dict[str, Any], call: Call) -> bool:
        fields = {
            "service": call.service or call.signing_name,
            "operation": call.operation,
            "region": call.region,
            "account": call.account,
            "role": call.identity.role if call.identity else "",
            "params": json.dumps(call.params, sort_keys=True, default=str) if "params" in rule.get("match", {}) else "",
        }
        for name, pattern in rule.get("match", {}).items():
            patterns = pattern if isinstance(pattern, list) else [pattern]
            if not any(fnmatch.fnmatchcase(fields[name], str(one)) for one in patterns):
                return False
        rule["seen"] += 1
        if "kth" in rule and rule["seen"] != rule["kth"]:
            return False
        if "share" in rule and self._random.random() >= rule["share"]:
            return False
        if "times" in rule and rule["hit"] >= rule["times"]:
            return False
        rule["hit"] += 1
        return True


def _effect(rule: dict[str, Any], call: Call) -> Answer | None:
    effect = rule["effect"]
    if effect == "latency":
        time.sleep(float(rule.get("seconds", 1.0)))
        return None
    if effect == "blackhole":
        raise NoAnswerError(float(rule.get("seconds", 3600.0)))
    if effect == "kill":
        kill = os.killpg if rule.get("group") else os.kill
        kill(rule["pid"], signal.Signals[rule.get("signal", "SIGKILL")])
        raise NoAnswerError(float(rule.get("seconds", 0.0)))
    if effect == "http":
        return (
            int(rule.get("status", 503)),
            {"Content-Type": "text/plain"},
            str(rule.get("body", "Service Unavailable")).encode(),
        )
    if effect == "error":
        return _error(call, AwsError(rule["code"], rule.get("message", "injected"), int(rule.get("status", 400))))
    if effect == "throttle":
        return _error(call, _throttled(call))
    raise NoAnswerError  # reset, lose


def _throttled(call: Call) -> AwsError:
    if call.service == "s3":
        return AwsError("SlowDown", "Please reduce your request rate.", 503)
    if call.service == "ec2":
        return AwsError("RequestLimitExceeded", "Request limit exceeded.", 503)
    return AwsError("ThrottlingException" if speaks_json(call) else "Throttling", "Rate exceeded")


def _error(call: Call, error: AwsError) -> Answer:
    if call.service is None:
        return error.status, {"Content-Type": "text/plain"}, error.code.encode()
    return serialise(call, error)
