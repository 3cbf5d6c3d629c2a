# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spans of the runs of an execution, its waves, their resources and their API calls, with OpenTelemetry. docs/tracing.md.

The trace of an execution follows from its id, and the span of a run from that and the lock's fence: all processes of an execution
share a trace without telling each other anything. While tracing is off, or cannot be had, spans are `NOTHING`.

Facts: OpenTelemetry Python 1.45 (`BatchSpanProcessor.force_flush` waits for as long as the exporter takes, whatever it is told);
OpenTelemetry Collector, awsxrayexporter (the first 32 bits of a trace id are epoch seconds of the last 30 days).
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

#: How long the end of a task waits for spans to be taken. What takes longer is left behind.
FLUSH_SECONDS: Final = 1.0
#: Values of OTEL_EXPORTER_OTLP_PROTOCOL -> what the package of the exporter has at the end of its name.
_PROTOCOLS: Final = {"http/protobuf": "http", "grpc": "grpc"}
_STARTED: Final = re.compile(r"\d{8}T\d{6}Z")

Worked = TypeVar("Worked")


class Span:
    """A stretch of work. This one records nothing: it stands where tracing is off."""

    @property
    def traceparent(self) -> str:
        """W3C's header for whoever goes on with the trace, "" when there is none."""
        return ""

    def begin(self, name: str, *, call: bool = False, **attributes: Any) -> Span:
        """A part of it that begins now. call: it is an API call. attributes: `__` stands for `.`; None is left out."""
        return self

    def end(self, outcome: str, error: str = "") -> None:
        """It ends now. error: of what kind, when it did not go well."""


NOTHING: Final = Span()
_CURRENT: ContextVar[Span] = ContextVar("dr_aws_span", default=NOTHING)


def current() -> Span:
    """The span that this thread works in."""
    return _CURRENT.get()


@contextmanager
def within(span: Span) -> Iterator[Span]:
    """Makes it the current one of this thread."""
    token = _CURRENT.set(span)
    try:
        yield span
    finally:
        _CURRENT.reset(token)


@contextmanager
def part(span: Span, name: str, **attributes: Any) -> Iterator[Span]:
    """A part of `span`, current in this thread, which whoever is in it ends; an exception ends it as well."""
    made = span.begin(name, **attributes)
    try:
        with within(made):
            yield made
    except BaseException as error:
        made.end("interrupted", type(error).__name__)
        raise


def carried(span: Span, work: Callable[..., Worked]) -> Callable[..., Worked]:
    """`work` for another thread, as a part of `span`."""
    if span is NOTHING:
        return work

    def carry(*args: Any, **named: Any) -> Worked:
        with within(span):
            return work(*args, **named)

    return carry


def trace_id(execution_id: str) -> int:
    """128 bits as X-Ray wants them: the epoch seconds in the execution's id, then 96 bits that are its alone."""
    found = _STARTED.search(execution_id)
    if found is None:
        raise ValueError(f"{execution_id!r} has no time in it")
    started = datetime.strptime(found[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return int(started.timestamp()) << 96 | int.from_bytes(hashlib.sha256(execution_id.encode()).digest()[:12], "big")


def span_id(execution_id: str, fence: int) -> int:
    """64 bits, never 0, of the run that holds the lock under this fence."""
    return int.from_bytes(hashlib.sha256(f"{execution_id}/{fence}".encode()).digest()[:8], "big") or 1


class Tracing:
    """Tracing in this process. processor: of OpenTelemetry, takes spans that have ended; None for no tracing at all.

    problem: why there is none although it is wanted, and what to do; "" when all is well.
    """

    def __init__(self, processor: Any = None, problem: str = "") -> None:
        self._processor, self.problem = processor, problem

    @classmethod
    def of(cls, wanted: Any) -> Tracing:
        """The one of this process; as OTEL_* say."""
        return _configured() if wanted else cls()

    def run(self, execution_id: str, fence: int) -> Span:
        """The span of a run of an execution, for parts of it. It is recorded by `ended`, by whichever process ends the run."""
        if self._processor is None:
            return NOTHING
        try:
            return self._remote(execution_id, fence)
        except Exception as error:  # whatever is wrong with tracing, it is no reason not to go on
            self.problem = _said(error)
            return NOTHING

    def ended(self, execution_id: str, fence: int, began: float, outcome: str, **attributes: Any) -> None:
        """Records the span of a run that ends now. began: epoch seconds. outcome: the execution's state."""
        if self._processor is None:
            return
        try:
            provider = self._provider(_Fixed(trace_id(execution_id), span_id(execution_id, fence)))
            from opentelemetry.trace import SpanKind

            told = _attributes({"dr__execution_id": execution_id, **attributes})
            tracer = provider.get_tracer("dr.aws")
            made = tracer.start_span("execution", kind=SpanKind.SERVER, attributes=told, start_time=int(began * 1e9))
            _Recorded(tracer, made).end(outcome, "execution_failed" if outcome == "FAILED" else "")
        except Exception as error:
            self.problem = _said(error)

    def flush(self, seconds: float = FLUSH_SECONDS) -> None:
        """Sends what has ended; waits for it so long, and leaves it behind then."""
        if self._processor is not None:
            thread = threading.Thread(target=self._processor.force_flush, name="dr-aws-spans", daemon=True)
            thread.start()
            thread.join(seconds)

    def _remote(self, execution_id: str, fence: int) -> Span:
        from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

        number, provider = trace_id(execution_id), self._provider()
        sampled = provider.sampler.should_sample(None, number, "execution").decision.is_sampled()
        flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        context = SpanContext(number, span_id(execution_id, fence), is_remote=True, trace_flags=flags)
        return _Recorded(provider.get_tracer("dr.aws"), NonRecordingSpan(context))

    def _provider(self, ids: Any = None) -> Any:
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider

        resource = Resource.create()
        if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: "dr.aws"}))
        provider = TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
        provider.add_span_processor(self._processor)
        return provider


@dataclass(frozen=True)
class _Fixed:
    """OpenTelemetry's IdGenerator for the one span whose ids are known before."""

    trace: int
    span: int

    def generate_trace_id(self) -> int:
        """Of a span without a parent."""
        return self.trace

    def generate_span_id(self) -> int:
        """Of the span."""
        return self.span

    def is_trace_id_random(self) -> bool:
        """Its last 56 bits are those of a hash, but nobody drew them."""
        return False


class _Recorded(Span):
    def __init__(self, tracer: Any, span: Any) -> None:
        self._tracer, self._span = tracer, span

    @property
    def traceparent(self) -> str:
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags) & 1:02x}"

    def begin(self, name: str, *, call: bool = False, **attributes: Any) -> Span:
        from opentelemetry.trace import SpanKind, set_span_in_context

        kind, told = SpanKind.CLIENT if call else SpanKind.INTERNAL, _attributes(attributes)
        try:
            made = self._tracer.start_span(name, set_span_in_context(self._span), kind=kind, attributes=told)
        except Exception:  # a sampler of somebody else's
            return NOTHING
        return _Recorded(self._tracer, made)

    def end(self, outcome: str, error: str = "") -> None:
        from opentelemetry.trace import Status, StatusCode

        self._span.set_attribute("dr.outcome", outcome)
        if error:
            self._span.set_attribute("error.type", error)
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


def _attributes(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("__", "."): value for name, value in given.items() if value is not None}


@functools.cache
def _configured() -> Tracing:
    """One for this process: it has a thread. Ansible's tasks are processes of their own, so none is inherited by a fork."""
    quiet = logging.getLogger("opentelemetry")  # a collector that does not answer must not write into the screen
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    try:
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        return Tracing(BatchSpanProcessor(_exporter(os.environ)))
    except Exception as error:
        return Tracing(problem=_said(error))


def flush() -> None:
    """Sends what this process has recorded, where it traces."""
    if _configured.cache_info().currsize:
        _configured().flush()


def _exporter(environ: Mapping[str, str]) -> Any:
    """The OTLP exporter of the protocol that is asked for; it reads the endpoint, headers and timeout out of OTEL_* itself."""
    protocol = _protocol(environ)
    if protocol not in _PROTOCOLS:
        raise ValueError(f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol!r} is none of {', '.join(_PROTOCOLS)}")
    return importlib.import_module(f"opentelemetry.exporter.otlp.proto.{_PROTOCOLS[protocol]}.trace_exporter").OTLPSpanExporter()


def _protocol(environ: Mapping[str, str]) -> str:
    either = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    return either or "http/protobuf"


def _said(error: Exception) -> str:
    """Why there are no spans, for people."""
    remedy = "correct OTEL_* in the environment, or set tracing: false in the inventory file"
    if isinstance(error, ImportError):
        remedy = f"pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-{_PROTOCOLS[_protocol(os.environ)]}"
    return f"there are no spans of this run: {type(error).__name__}: {error}. Next: {remedy}"
