# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moto's own parser and serialiser hold for every operation of the services we extend.

Each operation goes through the real client: what botocore sends is what `identify` reads, and what `serialise` writes is
what botocore reads.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from sandbox import model
from sandbox.wsgi import environ

SERVICES = (
    "application-autoscaling",
    "autoscaling",
    "cloudwatch",
    "drs",
    "dynamodb",
    "ecs",
    "efs",
    "elasticache",
    "events",
    "fsx",
    "iam",
    "lambda",
    "memorydb",
    "opensearch",
    "rds",
    "resource-explorer-2",
    "resourcegroupstaggingapi",
    "route53",
    "sns",
    "ssm",
    "sts",
)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BASE = "http://127.0.0.1"
# Not for us to carry: base64 that boto3 adds, requests without a signature, a status code in the answer.
KNOWN = {
    "autoscaling": {"CreateLaunchConfiguration"},
    "lambda": {"DeleteFunction"},
    "sts": {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"},
}
# Parameters that boto3 itself consumes.
CLIENT_ONLY = {"rds": {"SourceRegion"}, "events": {"EndpointId"}}


def example(shape: Any, seen: tuple[str, ...] = ()) -> Any:
    """A value with every member that the model allows; None where it recurs."""
    kind, limits = shape.type_name, shape.metadata
    if kind == "structure":
        if shape.name in seen:
            return None
        names = list(shape.members)[:1] if shape.is_tagged_union else shape.members
        made = {
            name: example(shape.members[name], (*seen, shape.name))
            for name in names
            if not getattr(shape.members[name], "is_document_type", False)
        }
        return {name: value for name, value in made.items() if value is not None}
    if kind == "list":
        item = example(shape.member, seen)
        return None if item is None else [item]
    if kind == "map":
        item = example(shape.value, seen)
        return None if item is None else {example(shape.key, seen): item}
    if kind == "string":
        return shape.enum[0] if shape.enum else "x" * max(int(limits.get("min", 6)), min(6, int(limits.get("max", 6))))
    simple = {"boolean": True, "timestamp": NOW, "blob": b"x", "float": 1.5, "double": 1.5}
    return simple.get(kind, max(int(limits.get("min", 1)), 1))


def plain(value: Any) -> Any:
    """Comparable: no empty members, no time zones, no streams."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items() if item not in (None, [], {})}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return value.decode() if isinstance(value, bytes) else value


class Echo:
    """A transport that answers each call with an example, and keeps what it understood."""

    def __init__(self) -> None:
        self.call: Any = None
        self.out: Any = None

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        headers = [(name, value.decode() if isinstance(value, bytes) else value) for name, value in request.headers.items()]
        raw = request.body.encode() if isinstance(request.body, str) else bytes(request.body or b"")
        self.call = model.identify(environ(request.method, request.url[len(BASE) :] or "/", headers, raw, ("127.0.0.1", 80)))
        shape = self.call.operation_model.output_shape if self.call.service else None
        self.out = (example(shape) if shape else {}) or {}
        status, answered, body = model.serialise(self.call, self.out)
        stream = io.BytesIO(body)
        stream.stream = lambda *_, **__: iter([body])
        return AWSResponse(request.url, status, answered, stream)


def trouble(client: Any, operation: str, echo: Echo) -> str:
    """Why an operation does not come through; empty when it does."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    consumed = CLIENT_ONLY.get(client.meta.service_model.service_name, set())
    params = {name: value for name, value in ((example(shape) if shape else {}) or {}).items() if name not in consumed}
    try:
        answer = getattr(client, xform_name(operation))(**params)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    answer.pop("ResponseMetadata", None)
    if echo.call.operation != operation:
        return f"taken for {echo.call.operation}"
    if plain(echo.call.params) != plain(params):
        return f"parameters differ {echo.call.trouble}"
    return "" if plain(answer) == plain(echo.out) else "answer differs"


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_comes_through(service: str) -> None:
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1}, inject_host_prefix=False)
    options = {"region_name": "us-west-2", "endpoint_url": BASE, "config": config}
    client = model.session().create_client(service, aws_access_key_id="A", aws_secret_access_key="b", **options)
    echo = Echo()
    client.meta.events.register("before-send", echo)
    found = {}
    for operation in client.meta.service_model.operation_names:
        shape = client.meta.service_model.operation_model(operation)
        if not (shape.has_streaming_input or shape.has_streaming_output or shape.has_event_stream_output):
            found[operation] = trouble(client, operation, echo)
    assert {name: why for name, why in found.items() if why and name not in KNOWN.get(service, set())} == {}
