# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spans, with OpenTelemetry's exporter in memory: one trace for an execution, a tree, no word of what was sent; and none at all."""

from __future__ import annotations

import builtins
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ansible_collections.dr.aws.plugins.module_utils import tracing
from ansible_collections.dr.aws.plugins.module_utils.accounts import Account, AwsReader, CallError
from ansible_collections.dr.aws.plugins.module_utils.adapters.base import Adapter, Merge
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine, Result
from ansible_collections.dr.aws.plugins.module_utils.journal import MemoryJournal
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Blocked, Call, Check, Done, Goal, Health, Pair, Step
from ansible_collections.dr.aws.plugins.module_utils.tracing import NOTHING, Tracing, current, part, span_id, trace_id, within

EXECUTION = "dr-20261128T163000Z-7f3a9c"
SHOP = "200000000001"
SECRET = "what-nobody-may-see"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No OTEL_* of whoever runs the tests, and nothing kept of this process."""
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_SAMPLER", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    tracing._configured.cache_clear()
    yield
    tracing._configured.cache_clear()


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traced(exporter: InMemorySpanExporter) -> Callable[[], Tracing]:
    """Tracing as the processes of an execution have it: each its own, and one place to which all send."""
    return lambda: Tracing(SimpleSpanProcessor(exporter))


def named(exporter: InMemorySpanExporter) -> dict[str, Any]:
    return {span.name: span for span in exporter.get_finished_spans()}


class Client:
    """What botocore gives, with answers prepared."""

    def __init__(self) -> None:
        self.sent: list[Mapping[str, Any]] = []

    def describe(self, **params: Any) -> dict[str, Any]:
        self.sent.append(params)
        return {"Value": SECRET}

    def change(self, **params: Any) -> dict[str, Any]:
        self.sent.append(params)
        return {"Answer": SECRET}


class Known:
    """Accounts whose sessions are there."""

    def __init__(self) -> None:
        self.accounts = {SHOP: Account(SHOP)}
        self.made = Client()

    @staticmethod
    def region_of(service: str, region: str) -> str:
        return region

    def client(self, *_where: str, **_options: Any) -> Client:
        return self.made


class Toy(Adapter):
    """Changed by one call, which AWS takes for many at once when `together`."""

    technology = "toy"
    bulk = 10

    def __init__(self, together: bool = False) -> None:
        self.changed: set[str] = set()
        if together:
            self.merges = {("toy", "change"): Merge("names", 10, jobs=2, items=10)}

    def observe(self, reader: Any, pairs: Sequence[Pair]) -> Mapping[str, Any]:
        reader.read(SHOP, "us-west-2", "toy", "describe", names=[SECRET])
        return {pair.key: pair.key in self.changed for pair in pairs}

    def active(self, seen: Any) -> Active:
        return Active.TARGET if seen else Active.SOURCE

    def activate(self, seen: Any, goal: Goal) -> Step:
        if goal.captured.get("refused"):
            return Blocked("it is refused", "ask somebody")
        if seen:
            return Done()
        self.changed.add(goal.pair.key)
        return Call("toy", "change", "us-west-2", {"names": [SECRET]}, "change it")

    def rollback(self, seen: Any, goal: Goal) -> Step:
        return Done()

    def health(self, seen: Any, goal: Goal) -> Health:
        return Health((Check("on", bool(seen)),))

    def capture(self, seen: Any, pair: Pair) -> Mapping[str, Any]:
        return {}


class Time:
    """Passes when somebody sleeps."""

    def __init__(self) -> None:
        self.value = 0.0

    def now(self) -> float:
        return self.value

    def sleep(self, seconds: float) -> None:
        self.value += max(seconds, 0.001)


def wave(toy: Toy, count: int = 1, **captured: Any) -> dict[str, Result]:
    """A wave of the engine, in the span of this thread."""
    pairs = [Pair(f"toy-{n}", "toy", SHOP, "us-east-1", "us-west-2", "a", "b", tags={"secret": SECRET}) for n in range(count)]
    engine = Engine(AwsReader(Known()), MemoryJournal(), clock=Time(), adapter=lambda technology: toy)
    return engine.run("activate", [Goal(pair, captured=captured) for pair in pairs])


def test_the_trace_of_an_execution_follows_from_its_id_as_x_ray_wants_it() -> None:
    assert f"{trace_id(EXECUTION):032x}"[:8] == f"{1_795_883_400:08x}", "the epoch seconds of 2026-11-28T16:30:00Z"
    assert trace_id(EXECUTION) == trace_id(EXECUTION) != trace_id(EXECUTION.replace("7f3a9c", "7f3a9d"))
    assert span_id(EXECUTION, 1) == span_id(EXECUTION, 1) != span_id(EXECUTION, 2)
    assert 0 < span_id(EXECUTION, 1) < 2**64


def test_all_processes_and_resumes_of_an_execution_share_a_trace(
    exporter: InMemorySpanExporter, traced: Callable[[], Tracing]
) -> None:
    for fence in (1, 2):  # killed after its first wave, and resumed
        for number in (1, 2):
            with part(traced().run(EXECUTION, fence), f"wave {number} of run {fence}") as span:
                span.end("done")
    traced().ended(EXECUTION, 2, 1_795_883_460.0, "COMPLETED", dr__mode="planned")
    spans = named(exporter)
    assert {span.context.trace_id for span in spans.values()} == {trace_id(EXECUTION)}
    assert [spans[f"wave 1 of run {fence}"].parent.span_id for fence in (1, 2)] == [span_id(EXECUTION, fence) for fence in (1, 2)]
    run = spans["execution"]
    assert (run.context.span_id, run.parent, run.start_time) == (span_id(EXECUTION, 2), None, 1_795_883_460_000_000_000)
    assert dict(run.attributes) == {"dr.execution_id": EXECUTION, "dr.mode": "planned", "dr.outcome": "COMPLETED"}
    assert run.resource.attributes["service.name"] == "dr.aws"


def test_a_wave_has_its_resources_and_they_have_their_calls(exporter: InMemorySpanExporter, traced: Callable[[], Tracing]) -> None:
    with part(traced().run(EXECUTION, 1), "activate, wave 1", dr__phase="activate", dr__wave=1) as span:
        wave(Toy())
        span.end("done")
    spans = named(exporter)
    names = {one.context.span_id: name for name, one in spans.items()}
    assert {name: names.get(one.parent.span_id, "") for name, one in spans.items()} == {
        "activate, wave 1": "",
        "activate toy": "activate, wave 1",
        "toy describe": "activate toy",
        "toy change": "activate toy",
    }
    assert dict(spans["activate toy"].attributes) == {
        "dr.phase": "activate",
        "dr.wave": 1,
        "dr.technology": "toy",
        "dr.resource": "toy-0",
        "aws.account_id": SHOP,
        "dr.outcome": "done",
    }
    assert dict(spans["toy change"].attributes) == {
        "rpc.system": "aws-api",
        "rpc.service": "toy",
        "rpc.method": "change",
        "aws.region": "us-west-2",
        "aws.account_id": SHOP,
        "dr.outcome": "answered",
    }


def test_a_call_for_many_resources_is_a_part_of_the_wave(exporter: InMemorySpanExporter, traced: Callable[[], Tracing]) -> None:
    with part(traced().run(EXECUTION, 1), "wave") as span:
        wave(Toy(together=True), count=3)
        span.end("done")
    spans = exporter.get_finished_spans()
    calls = [one for one in spans if one.name.startswith("toy ")]
    assert {one.name for one in calls} == {"toy describe", "toy change"}
    assert {one.parent.span_id for one in calls} == {named(exporter)["wave"].context.span_id}
    assert [one.name for one in spans].count("activate toy") == 3


def test_no_span_says_what_was_sent_answered_or_tagged(exporter: InMemorySpanExporter, traced: Callable[[], Tracing]) -> None:
    with within(traced().run(EXECUTION, 1)):
        wave(Toy(), count=2)
    assert exporter.get_finished_spans()
    assert SECRET not in "".join(span.to_json() for span in exporter.get_finished_spans())


def test_what_goes_wrong_is_an_error_with_its_kind(exporter: InMemorySpanExporter, traced: Callable[[], Tracing]) -> None:
    with within(traced().run(EXECUTION, 1)):
        wave(Toy(), refused=True)
        with pytest.raises(CallError, match="UnknownOperation"):
            AwsReader(Known()).call(SHOP, "us-west-2", "toy", "future")
    with pytest.raises(KeyError), part(traced().run(EXECUTION, 1), "wave"):
        raise KeyError
    spans = named(exporter)
    told = {name: (one.attributes["dr.outcome"], one.attributes.get("error.type"), one.status.is_ok) for name, one in spans.items()}
    assert told["activate toy"] == ("blocked", "blocked", False)
    assert told["toy future"] == ("error", "UnknownOperation", False)
    assert told["wave"] == ("interrupted", "KeyError", False)
    assert told["toy describe"] == ("answered", None, True)


def test_a_sampler_decides_for_the_whole_trace(
    exporter: InMemorySpanExporter, traced: Callable[[], Tracing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    with part(traced().run(EXECUTION, 1), "wave") as span:
        assert span.traceparent.endswith("-00")
        wave(Toy())
    traced().ended(EXECUTION, 1, 1_795_883_460.0, "COMPLETED")
    assert exporter.get_finished_spans() == ()


def test_others_go_on_with_the_trace_by_its_header(traced: Callable[[], Tracing]) -> None:
    assert traced().run(EXECUTION, 7).traceparent == f"00-{trace_id(EXECUTION):032x}-{span_id(EXECUTION, 7):016x}-01"
    assert NOTHING.traceparent == ""


def test_it_is_off_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, *rest: Any, **named: Any) -> Any:
        assert not name.startswith("opentelemetry")
        return real(name, *rest, **named)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", refuse)
    off = Tracing.of(None)
    with part(off.run(EXECUTION, 1), "wave") as span:
        assert span is current() is NOTHING
        assert wave(Toy())["toy-0"].status == "done"
    off.ended(EXECUTION, 1, 0.0, "COMPLETED")
    off.flush()
    tracing.flush()
    assert off.problem == ""


def test_without_the_library_a_run_goes_on_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, *rest: Any, **named: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ImportError(f"No module named {name!r}")
        return real(name, *rest, **named)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", missing)
    found = Tracing.of(True)
    assert "pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http" in found.problem
    with within(found.run(EXECUTION, 1)) as span:
        assert span is NOTHING
        assert wave(Toy())["toy-0"].status == "done"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon", "is none of http/protobuf, grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc", "pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-grpc"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1", "correct OTEL_* in the environment"),
    ],
)
def test_a_wrong_setting_stops_nothing_and_is_said(name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    found = Tracing.of(True)
    assert said in found.problem
    assert found.run(EXECUTION, 1) is NOTHING


def test_what_fails_inside_the_library_stops_nothing(exporter: InMemorySpanExporter, traced: Callable[[], Tracing]) -> None:
    found = traced()
    assert found.run("an id without a time", 1) is NOTHING
    found.ended("an id without a time", 1, 0.0, "COMPLETED")
    assert "has no time in it" in found.problem
    assert exporter.get_finished_spans() == ()


def test_a_collector_that_does_not_answer_is_not_waited_for() -> None:
    hangs, sent = threading.Event(), threading.Event()

    class Hanging:
        def force_flush(self) -> None:
            hangs.wait(60)
            sent.set()

    Tracing(Hanging()).flush(0.01)
    assert not sent.is_set(), "it came back while the exporter still waits"
    hangs.set()
    assert sent.wait(60)


def test_the_library_writes_nothing_into_the_screen(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    assert Tracing.of(True).problem == ""
    logging.getLogger("opentelemetry.exporter").error("nobody listens")
    assert capfd.readouterr() == ("", "")
