# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spans of a failover that is stopped and resumed, as a collector gets them over OTLP; and runs that nobody listens to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playbook import BILLING, SCOPE, WEST, Operator, estate, names, pointing

from ansible_collections.dr.aws.plugins.module_utils.tracing import span_id, trace_id


class Collector:
    """Takes spans over OTLP (HTTP, protobuf)."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.services: set[str] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
                for one in request.resource_spans:
                    collector.services.update(a.value.string_value for a in one.resource.attributes if a.key == "service.name")
                    collector.spans.extend(span for scope in one.scope_spans for span in scope.spans)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_said: Any) -> None:
                """Nothing on the screen of the tests."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans if span.name == name]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


def told(span: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_a_failover_that_is_stopped_and_resumed_is_one_trace(sandbox: Any, operator: Operator, collector: Collector) -> None:
    operator.load(estate())
    operator.readiness()
    traced = operator.written("traced", tracing=True)
    operator.env.update(OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, OTEL_BSP_SCHEDULE_DELAY="100")
    asked = {**SCOPE, "mode": "planned", "approval_mode": "automatic", "phases": "activate"}
    broken = sandbox.fault(
        match={"service": "route53", "operation": "ChangeResourceRecordSets"}, effect="error", code="AccessDenied", status=403
    )
    stopped = operator.run("failover", inventory=traced, **asked).refused("wave 3")
    sandbox.gateway.faults.remove(broken)
    operator.run("failover", inventory=traced, execution_id=stopped.execution_id).ok()
    assert names(sandbox) == pointing(WEST)

    name = stopped.execution_id
    assert {int.from_bytes(span.trace_id, "big") for span in collector.spans} == {trace_id(name)}
    assert collector.services == {"dr.aws"}
    runs = {int.from_bytes(span.span_id, "big"): told(span)["dr.outcome"] for span in collector.named("execution")}
    assert sorted(runs.values()) == ["COMPLETED", "FAILED"]
    assert set(runs) == {span_id(name, fence) for fence in (1, 2)}
    waves = [span for span in collector.spans if span.name.startswith("activate, wave ")]
    assert {int.from_bytes(span.parent_span_id, "big") for span in waves} == set(runs)
    ids = {span.span_id for span in collector.spans}
    assert [span.name for span in collector.spans if span.name != "execution" and span.parent_span_id not in ids] == []
    expected = {"rpc.system": "aws-api", "rpc.service": "ecs", "rpc.method": "update_service", "dr.outcome": "answered"}
    assert {**expected, "aws.region": WEST, "aws.account_id": BILLING} in map(told, collector.named("ecs update_service"))


def test_nobody_listens_and_nothing_is_different(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    operator.readiness()
    operator.env.update(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf")
    ran = operator.failover(inventory=operator.written("traced", tracing=True), phases="activate").ok()
    assert names(sandbox) == pointing(WEST)
    assert "opentelemetry" not in ran.out.lower()
    assert operator.status(ran.execution_id)["status"] == "COMPLETED"
