# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any AWS call, driven by botocore's models: identify and parse a request, check and serialise an answer.

The parser and serialiser are moto's own internal ones: moto is pinned, and `tests/unit/sandbox/test_contract.py` holds
them.
"""

from __future__ import annotations

import functools
import io
import os
import re
import threading
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

import botocore.session
from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.parsers import create_parser
from moto.core.errors import COMMON_ERROR_CODES
from moto.core.exceptions import ServiceException
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

Environ = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]


class AwsError(ServiceException):
    """An error as AWS answers it: AwsError("DBInstanceNotFound", "DBInstance x not found.", 404).

    code: the code botocore shows. status: used where the service's model does not say one for this code.
    """

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(code, message)
        if code not in COMMON_ERROR_CODES:  # AWS answers many codes its models do not list; moto would warn of each
            COMMON_ERROR_CODES.append(code)
        self.status = status


# Signing names that are not botocore's service name, or that several services share (most likely first).
_SIGNING: dict[str, tuple[str, ...]] = {
    "aoss": ("opensearchserverless",),
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "elasticfilesystem": ("efs",),
    "elasticloadbalancing": ("elbv2", "elb"),
    "email": ("sesv2", "ses"),
    "es": ("opensearch", "es"),
    "monitoring": ("cloudwatch",),
    "s3": ("s3", "s3control"),
    "servicequotas": ("service-quotas",),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
}
GLOBAL_SERVICES = frozenset(
    {"route53", "iam", "organizations", "cloudfront", "globalaccelerator", "route53domains", "shield", "support"}
)
_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_PRESIGNED = re.compile(r"X-Amz-Credential=([^%/]+)(?:%2F|/)\d+(?:%2F|/)([^%/]+)(?:%2F|/)([^%/]+)")


class Call:
    """One API call as it came in. `service` is None when no botocore model matches it.

    region is "global" for services without regions, whatever region the client signed for.
    """

    __slots__ = (
        "access_key",
        "account",
        "body",
        "environ",
        "identity",
        "n",
        "operation",
        "operation_model",
        "params",
        "protocol",
        "region",
        "service",
        "signing_name",
        "token",
        "trouble",
    )

    def __init__(self, environ: Environ) -> None:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        self.environ = environ
        self.body: bytes = environ["wsgi.input"].read(length) if length else b""
        found = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", "")) or _PRESIGNED.search(environ.get("QUERY_STRING", ""))
        self.access_key, self.region, self.signing_name = found.groups() if found else ("", "us-east-1", "")
        signed = parse_qs(environ.get("QUERY_STRING", "")) if "X-Amz-Credential" in environ.get("QUERY_STRING", "") else {}
        self.token: str = environ.get("HTTP_X_AMZ_SECURITY_TOKEN") or signed.get("X-Amz-Security-Token", [""])[0]
        self.account = ""
        self.identity: Any = None
        self.n = 0
        self.service: str | None = None
        self.operation = ""
        self.operation_model: Any = None
        self.protocol = ""
        self.params: dict[str, Any] = {}
        self.trouble = ""


#: Moto makes its models of operations on first use, and shows unfinished ones to another thread meanwhile.
_ROUTING = threading.Lock()


def identify(environ: Environ) -> Call:
    """What a request asks for. Parsing trouble is kept in `trouble`, never raised: moto may still know what to do."""
    call = Call(environ)
    request = Request({**environ, "wsgi.input": io.BytesIO(call.body)})
    uri: dict[str, Any] = {}
    for service in _services(call.signing_name):
        try:
            with _ROUTING:
                call.operation_model, uri = get_service_router(service).match(request)
        except (NotFound, NotImplementedError):
            continue
        call.service, call.operation = service, call.operation_model.name
        call.protocol = determine_request_protocol(get_service_model(service), request.content_type)
        break
    if call.service in GLOBAL_SERVICES:
        call.region = "global"
    if call.service and call.operation_model.has_streaming_input:
        call.params = dict(uri)  # where it goes; the content is not recorded
    elif call.service:
        try:
            call.params = PROTOCOL_PARSERS[call.protocol](call.operation_model).parse(
                {
                    "method": request.method,
                    "values": request.values,
                    "headers": request.headers,
                    "body": request.data,
                    "url_path": request.path,
                    "url_params": uri,
                }
            )
        except Exception as error:
            call.trouble = f"{type(error).__name__}: {error}"
    return call


def speaks_json(call: Call) -> bool:
    """Whether the call's protocol is one of the newer ones, whose services have other names for common errors."""
    return call.protocol not in ("query", "ec2", "rest-xml")


def serialise(call: Call, result: dict[str, Any] | Exception) -> Answer:
    """An answer or an error in the protocol of the call."""
    model = get_service_model(call.service)
    serialiser = get_serializer_class(model.service_name, call.protocol)(operation_model=call.operation_model)
    done = serialiser.serialize(result)
    body = done["body"]
    raw = body.encode() if isinstance(body, str) else (body or b"")
    status = done["status_code"]
    if isinstance(result, AwsError) and (result.status != HTTPStatus.BAD_REQUEST or status < HTTPStatus.BAD_REQUEST):
        status = result.status
    return status, dict(done["headers"]), raw


def parse_answer(call: Call, answer: Answer) -> dict[str, Any]:
    """What an SDK makes of these bytes: botocore's own parser."""
    status, headers, body = answer
    assert call.service is not None
    model, parser = operation_model(call.service, call.operation), create_parser(call.protocol)
    response = {"status_code": status, "headers": HeadersDict(headers), "body": body}
    parsed = dict(parser.parse(response, model.output_shape))
    error = model.service_model.shape_for_error_code(parsed.get("Error", {}).get("Code"))
    return {**parsed, **parser.parse(response, error)} if error else parsed


def operation_model(service: str, operation: str) -> OperationModel:
    """Botocore's model of an operation."""
    return _botocore_model(service).operation_model(operation)


@functools.cache
def _botocore_model(service: str) -> ServiceModel:
    return _models().get_service_model(service)


@functools.cache
def _models() -> botocore.session.Session:
    return session()


def session() -> botocore.session.Session:
    """A new botocore session that reads nobody's configuration."""
    nothing = (None, None, None, None)
    files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    return botocore.session.Session(session_vars={"profile": nothing, **files})


@functools.cache
def _services(signing_name: str) -> tuple[str, ...]:
    if signing_name in _SIGNING:
        return _SIGNING[signing_name]
    return (signing_name,) if signing_name in _models().get_available_services() else ()


def violations(shape: Shape | None, value: Any, path: str = "", out: list[str] | None = None) -> list[str]:
    """All that the model does not allow in `value`: unknown or missing members, types, enums, lengths, patterns."""
    out = [] if out is None else out
    if shape is None or value is None or getattr(shape, "is_document_type", False):
        return out
    check = _CHECKS.get(shape.type_name)
    if check:
        check(shape, value, path, out)
    return out


def _structure(shape: Any, value: Any, path: str, out: list[str]) -> None:
    if not isinstance(value, dict):
        out.append(f"{path or 'it'}: not a structure")
        return
    members = shape.members
    for name, item in value.items():
        if name in members:
            violations(members[name], item, f"{path}.{name}", out)
        elif name != "ResponseMetadata":
            out.append(f"{path}.{name}: unknown member")
    out.extend(f"{path}.{name}: required member missing" for name in shape.required_members if value.get(name) is None)


def _list(shape: Any, value: Any, path: str, out: list[str]) -> None:
    if not isinstance(value, list | tuple):
        out.append(f"{path}: not a list")
        return
    for item in value:
        violations(shape.member, item, f"{path}[]", out)


def _map(shape: Any, value: Any, path: str, out: list[str]) -> None:
    if not isinstance(value, dict):
        out.append(f"{path}: not a map")
        return
    for key, item in value.items():
        violations(shape.key, key, f"{path}<key>", out)
        violations(shape.value, item, f"{path}{{}}", out)


def _string(shape: Any, value: Any, path: str, out: list[str]) -> None:
    if not isinstance(value, str):
        out.append(f"{path}: {type(value).__name__}, not a string")
        return
    limits = shape.metadata
    if not limits:
        return
    if "enum" in limits and value not in limits["enum"]:
        out.append(f"{path}: {value!r} is none of {', '.join(limits['enum'][:6])}")
    if not limits.get("min", 0) <= len(value) <= limits.get("max", len(value)):
        allowed = f"{limits.get('min', 0)} to {limits.get('max', 'any')}"
        out.append(f"{path}: {len(value)} characters in {value[:40]!r}, allowed {allowed}")
    pattern = _pattern(limits["pattern"]) if "pattern" in limits else None
    if pattern and not pattern.search(value):
        out.append(f"{path}: {value[:60]!r} does not match {pattern.pattern[:60]}")


def _integer(shape: Any, value: Any, path: str, out: list[str]) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        out.append(f"{path}: {type(value).__name__}, not an integer")
    elif not shape.metadata.get("min", value) <= value <= shape.metadata.get("max", value):
        out.append(f"{path}: {value} is not from {shape.metadata.get('min')} to {shape.metadata.get('max')}")


def _boolean(_shape: Any, value: Any, path: str, out: list[str]) -> None:
    if not isinstance(value, bool):
        out.append(f"{path}: {type(value).__name__}, not a boolean")


@functools.cache
def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text)
    except re.error:  # some models use Java's syntax
        return None


_CHECKS = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "integer": _integer,
    "long": _integer,
    "boolean": _boolean,
}
