# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen's modes: for people on a terminal and without one, quiet, and for machines."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.callback.default import CallbackModule as Default

from ansible_collections.dr.aws.plugins.callback.progress import CallbackModule
from ansible_collections.dr.aws.plugins.plugin_utils.screen import LINE_SECONDS, LIVE_SECONDS, MODES, Screen, Settings

DONE = {
    "phase": "activate",
    "wave": 2,
    "resource": "db",
    "state": "done",
    "why": None,
    "elapsed_seconds": 90.0,
    "rto_seconds": 1800,
}


@pytest.fixture(autouse=True)
def unset() -> Iterator[None]:
    """What a test registers is forgotten."""
    yield
    Screen.settings = Settings()


class Terminal:
    """What `Display.display` wrote."""

    def __init__(self) -> None:
        self.raw, self.colours, self.logged = "", [], []

    def __call__(self, text: str, color: str | None = None, newline: bool = True, screen_only: bool = False) -> None:
        self.raw += text + ("\n" if newline else "")
        self.colours.append(color)
        if not screen_only:
            self.logged.append(text)

    def shown(self) -> list[str]:
        """The lines as they look in the end: a carriage return goes back to the beginning, and what is written there stays."""
        lines = []
        for line in self.raw.split("\n"):
            seen = ""
            for part in line.split("\r"):
                seen = part + seen[len(part) :]
            lines.append(seen.rstrip())
        return lines


def screen(mode: str = "normal", columns: int = 0) -> tuple[Screen, Terminal]:
    Screen.settings = Settings(mode, columns)
    terminal = Terminal()
    return Screen(terminal), terminal


def wave(one: Screen) -> None:
    """What a wave says."""
    one.say("plan", event="plan")
    one.say("execution dr-1 started", event="execution_started")
    one.say("activate, wave 2: 3 resources", event="wave_started")
    one.say("  activate 0 of 3 · db: promote the replica", event="wave_progress")
    one.say("  1m30s done db", "green", event="resource", **DONE)
    one.say("  activate 1 of 3 · api: scale", event="wave_progress")
    one.say("  2m00s deferred cache", "yellow", event="resource", **{**DONE, "resource": "cache", "state": "deferred"})
    one.say("  2m00s blocked web", "red", event="resource", **{**DONE, "resource": "web", "state": "blocked", "why": "no"})
    one.say("activate, wave 2: 1 blocked, 1 done", "red", event="wave_ended")
    one.say("approval needed", "yellow", event="question")
    one.say("COMPLETED", "green", event="summary")


def test_without_a_terminal_every_line_is_a_line() -> None:
    one, terminal = screen()
    wave(one)
    assert "\r" not in terminal.raw
    assert len(terminal.shown()) == 11 + 1
    assert terminal.colours[4:8] == ["green", None, "yellow", "red"]
    assert one.pause == LINE_SECONDS


def test_on_a_terminal_the_line_of_the_wave_stays_below_and_goes_at_its_end() -> None:
    one, terminal = screen(columns=30)
    assert one.pause == LIVE_SECONDS
    one.say("activate, wave 2: 3 resources", event="wave_started")
    one.say("  activate 0 of 3 · db: promote the replica", event="wave_progress")
    assert terminal.shown() == ["activate, wave 2: 3 resources", "  activate 0 of 3 · db: promo"], "it must not wrap"
    one.say("  1m30s done db", "green", event="resource", **DONE)
    assert terminal.shown()[1:] == ["  1m30s done db", "  activate 0 of 3 · db: promo"]
    one.say("  activate 1 of 3", event="wave_progress")
    assert terminal.shown()[2:] == ["  activate 1 of 3"]
    one.say("activate, wave 2: 3 done", "green", event="wave_ended")
    assert terminal.shown() == ["activate, wave 2: 3 resources", "  1m30s done db", "activate, wave 2: 3 done", ""]
    assert "\x1b" not in terminal.raw, "no cursor tricks but the carriage return"
    assert not any("activate 1 of 3" in line for line in terminal.logged), "a log file has no live line"


def test_a_live_line_is_taken_away_when_the_task_ends() -> None:
    one, terminal = screen(columns=80)
    one.say("  activate 0 of 3", event="wave_progress")
    one.clear()
    one.clear()
    assert terminal.shown() == [""]


def test_quiet_says_ends_of_waves_problems_questions_and_the_summary() -> None:
    one, terminal = screen("quiet", columns=80)
    wave(one)
    assert terminal.shown() == [
        "execution dr-1 started",
        "  2m00s blocked web",
        "activate, wave 2: 1 blocked, 1 done",
        "approval needed",
        "COMPLETED",
        "",
    ]


def test_every_line_for_machines_is_one_object() -> None:
    one, terminal = screen("json", columns=80)
    wave(one)
    one.say("a line\nand another")
    found = [json.loads(line) for line in terminal.raw.splitlines()]
    assert len(found) == 12
    assert [row["event"] for row in found][:4] == ["plan", "execution_started", "wave_started", "wave_progress"]
    at = found[4].pop("at")
    assert len(at) == len("2026-11-28T16:30:00Z")
    told = {"event": "resource", "level": "info", "text": "1m30s done db", **DONE}
    assert found[4] == {name: value for name, value in told.items() if value is not None}
    assert [row["level"] for row in found[6:9]] == ["warning", "error", "error"]
    assert set(terminal.colours) == {None}
    assert one.machine


# The callback


class Display:
    """Ansible's, as far as the callback uses it."""

    verbosity = 0

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def display(self, text: str, *_more: Any, **_how: Any) -> None:
        self.lines += text.splitlines()

    def banner(self, text: str, *_more: Any, **_how: Any) -> None:
        self.lines.append(f"{text} ***")

    def warning(self, text: str, *_more: Any, **_how: Any) -> None:
        self.warnings.append(text)


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The callback with a mode, its other options at Ansible's defaults."""
    monkeypatch.setattr(Default, "set_options", lambda self: None)
    options = {"display_ok_hosts": True, "display_skipped_hosts": True}

    def make(mode: str = "normal", tty: bool = False, **environment: str) -> Any:
        for name, value in {"TERM": "xterm", "COLUMNS": "90", **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stdout", Tty() if tty else io.StringIO())
        callback = CallbackModule()
        monkeypatch.setattr(callback, "get_option", {**options, "mode": mode}.get)
        callback._display = Display()
        callback._screen = Screen(callback._display.display)
        callback.set_options()
        return callback

    return make


def told(action: str = "dr.aws.wave", **result: Any) -> SimpleNamespace:
    """A result as the callback is given it."""
    fields = {"loop": None, "no_log": False, "check_mode": False, "delegate_to": None, "_uuid": "1"}
    task = SimpleNamespace(action=action, get_name=lambda: "A task", **fields)
    host = SimpleNamespace(get_name=lambda: "localhost")
    return SimpleNamespace(task=task, host=host, result=dict(result), exception=None)


@pytest.mark.parametrize(
    ("mode", "tty", "environment", "settings"),
    [
        ("normal", False, {}, Settings()),
        ("normal", True, {}, Settings("normal", 90)),
        ("normal", True, {"TERM": "dumb"}, Settings()),
        (" Quiet ", True, {}, Settings("quiet")),
        ("json", True, {}, Settings("json")),
        ("", False, {}, Settings()),
        ("loud", True, {}, Settings("normal", 90)),
    ],
)
def test_the_mode_is_registered_and_a_wrong_one_is_only_warned_of(
    made: Callable[..., Any], mode: str, tty: bool, environment: dict[str, str], settings: Settings
) -> None:
    callback = made(mode, tty, **environment)
    assert Screen.settings == settings
    known = mode.strip().lower() in MODES
    assert bool(callback._display.warnings) is not known
    assert known or "allowed: normal, quiet, json" in callback._display.warnings[0]


@pytest.mark.parametrize("mode", ["quiet", "json"])
def test_ansible_says_nothing_of_its_own_in_the_other_modes(made: Callable[..., Any], mode: str) -> None:
    callback = made(mode)
    play = SimpleNamespace(get_name=lambda: "Plan", check_mode=False, strategy="linear")
    callback.v2_playbook_on_play_start(play)
    callback.v2_playbook_on_task_start(told().task, False)
    callback.v2_runner_on_ok(told(changed=True))
    callback.v2_runner_on_skipped(told())
    callback.v2_playbook_on_no_hosts_remaining()
    assert callback._display.lines == []


def test_machines_are_told_of_problems_results_and_the_end(made: Callable[..., Any]) -> None:
    callback = made("json")
    callback.v2_runner_on_failed(told(msg="password=hunter2 is wrong"), ignore_errors=True)
    callback.v2_runner_on_unreachable(told(msg="no route"))
    callback.v2_runner_on_ok(told("ansible.builtin.debug", changed=False, _ansible_verbose_always=True, x=[{"token": "t"}]))
    callback.v2_playbook_on_stats(SimpleNamespace(failures={"localhost": 1}, dark={}, processed={}, custom={}))
    found = [json.loads(line) for line in callback._display.lines]
    assert [(row["event"], row["level"]) for row in found] == [
        ("task_failed", "error"),
        ("host_unreachable", "error"),
        ("result", "info"),
        ("run_ended", "error"),
    ]
    assert (found[0]["text"], found[0]["ignored"]) == ("password=******** is wrong", True)
    assert found[2]["value"] == {"x": [{"token": "********"}]}
    assert (found[3]["failed_hosts"], found[3]["text"]) == (1, "the playbook has failed")
