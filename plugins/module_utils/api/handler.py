# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Lambda function: an event of API Gateway in, a response out; one JSON line in the log for each request.

Events of REST APIs and of HTTP APIs (payload formats 1.0 and 2.0) are taken, both with IAM authorization: who signed a request is
`requestContext.identity.userArn`, or `requestContext.authorizer.iam.userArn` (API Gateway developer guide, "Lambda proxy
integrations in API Gateway" and "Create AWS Lambda proxy integrations for HTTP APIs"). What is not signed is not looked at.

The other event is that of our Automation documents, `{"automation": <id>}`; `automations` asks Systems Manager who is behind it.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import logging
import os
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from ..accounts import Accounts
from ..errors import InputError
from ..events import Notifier
from ..store import Store
from ..waking import wake
from .answers import Answer, Call, failed, refusal
from .automations import Automations
from .bodies import MalformedError
from .executions import Executions
from .manifests import Manifests
from .starters import starter

log = logging.getLogger("dr.aws.api")
Endpoint: TypeAlias = Callable[[Call], Answer]
_NEEDED: Final = {
    "DR_CONTROL_REGION": "us-west-2",
    "DR_TABLE": "dr-aws-state",
    "DR_BUCKET": "dr-aws-100000000000-us-west-2",
    "DR_REGIONS": "us-east-1,us-west-2",
}
#: Where the API begins in a path: before it stand a stage, or the mapping of a domain's name.
BASE: Final = "/api/v1"
HEADER: Final = "X-Correlation-Id"
_CORRELATION: Final = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_PATHS: Final = {
    "/lifecycle/executions": {"POST": "create"},
    "/lifecycle/executions/([^/]+)": {"GET": "status", "DELETE": "cancel"},
    "/lifecycle/executions/([^/]+)/pause": {"POST": "pause"},
    "/lifecycle/executions/([^/]+)/resume": {"POST": "resume"},
    "/manifests": {"POST": "create_manifest"},
    "/manifests/([^/]+)/validate": {"POST": "validate_manifest"},
}


@dataclass(frozen=True, slots=True)
class _Request:
    """What of an event is used, whatever its format."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    who: str
    account: str
    request_id: str

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> _Request:
        context = event.get("requestContext") or {}
        asked = context.get("http") or {}
        signed = (context.get("authorizer") or {}).get("iam") or context.get("identity") or {}
        return cls(
            str(asked.get("method") or event.get("httpMethod") or ""),
            str(event.get("rawPath") or event.get("path") or ""),
            {name.lower(): value for name, value in (event.get("headers") or {}).items()},
            event.get("queryStringParameters") or {},
            str(signed.get("userArn") or ""),
            str(context.get("accountId") or ""),
            str(context.get("requestId") or ""),
        )

    def correlation_id(self) -> str:
        """The caller's own, or the request's."""
        given = self.headers.get(HEADER.lower(), "")
        return given if _CORRELATION.fullmatch(given) else self.request_id or str(uuid.uuid4())


class Api:
    """All endpoints over one control plane. automations: None where no Automation document is answered."""

    def __init__(self, executions: Executions, manifests: Manifests, automations: Automations | None = None) -> None:
        self.automations = automations
        self.endpoints: Mapping[str, Endpoint] = {
            **{name: getattr(executions, name) for name in ("create", "status", "cancel", "pause", "resume")},
            "create_manifest": manifests.create,
            "validate_manifest": manifests.validate,
        }

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The response to an event. Never raises for a request: a defect is 500, the log has it under its correlation id.

        An automation gets its answer as such; what cannot be answered is raised, as that is how its step fails.
        """
        if self.automations and "automation" in event:
            answered = self.automations.answer(event["automation"])
            log.info(json.dumps({"automation": event["automation"], **answered}))
            return answered
        began = time.monotonic()
        request = _Request.of(event)
        correlation_id = request.correlation_id()
        try:
            answer = self._answer(request, event, correlation_id)
        except Exception as error:
            answer = refusal(error) or _defect(error, correlation_id)
        if answer.status >= 400:
            answer = Answer(answer.status, {**answer.body, "correlationId": correlation_id}, answer.headers)
        line = {"method": request.method, "path": request.path, "status": answer.status, "caller": request.who}
        line |= {"correlation_id": correlation_id, "milliseconds": round(1000 * (time.monotonic() - began))}
        log.info(json.dumps(line))
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store", HEADER: correlation_id, **answer.headers}
        body = json.dumps(answer.body, default=str)
        return {"statusCode": answer.status, "headers": headers, "body": body, "isBase64Encoded": False}

    def _answer(self, request: _Request, event: Mapping[str, Any], correlation_id: str) -> Answer:
        path = request.path[max(0, request.path.find(f"{BASE}/")) :].removeprefix(BASE)
        for pattern, methods in _PATHS.items():
            found = re.fullmatch(pattern, path)
            if not found:
                continue
            if not request.who:
                return failed(403, "NotSigned", "the request is not signed by an IAM identity", "sign it with Signature Version 4")
            if request.method not in methods:
                allowed = ", ".join(methods)
                answer = failed(405, "MethodNotAllowed", f"{request.method} is not possible here", f"use {allowed}")
                return Answer(answer.status, answer.body, {"Allow": allowed})
            name = unquote(found[1]) if found.groups() else ""
            call = Call(request.who, request.account, correlation_id, name, _text(event), request.query)
            return self.endpoints[methods[request.method]](call)
        return failed(404, "NotFound", f"there is no {path or '/'}", f"the paths of {BASE} are in docs/api.md")


def _text(event: Mapping[str, Any]) -> str:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body)
    try:
        return base64.b64decode(body, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise MalformedError("body", "…", "text in UTF-8", "Content-Type: application/json; charset=utf-8") from error


def _defect(error: Exception, correlation_id: str) -> Answer:
    log.error("a defect, correlation_id %s", correlation_id, exc_info=error)
    return failed(500, "InternalError", "a defect of the API", "report it with the correlation id, under which the log has more")


def api(settings: Mapping[str, str]) -> Api:
    """The API of a control plane: DR_CONTROL_REGION, DR_TABLE, DR_BUCKET, DR_AUDIT_BUCKET, DR_TOPIC_ARN, DR_REGIONS, DR_STARTER."""
    for name, example in _NEEDED.items():
        if not settings.get(name):
            raise InputError(name, settings.get(name), "a value", f"set it in the environment of the function: {name}={example}")
    accounts = Accounts((), settings["DR_CONTROL_REGION"], "dr-aws-api", connect_timeout=2, read_timeout=5)
    dynamodb, s3 = (accounts.control(service) for service in ("dynamodb", "s3"))
    store = Store(dynamodb, s3, settings["DR_TABLE"], settings["DR_BUCKET"], audit_bucket=settings.get("DR_AUDIT_BUCKET", ""))
    notifier = Notifier(accounts.control("sns"), settings.get("DR_TOPIC_ARN", ""))
    regions = [one.strip() for one in settings["DR_REGIONS"].split(",") if one.strip()]
    states = functools.cache(lambda: accounts.control("stepfunctions"))
    executions = Executions(store, notifier, starter(settings, accounts), regions, lambda name, who: wake(store, states, name, who))
    return Api(executions, Manifests(store), Automations(executions, store, accounts.control("ssm")))


@functools.cache
def _deployed() -> Api:
    """Made at the first request, and kept with its connections for those after it."""
    log.setLevel(logging.INFO)
    return api(os.environ)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """What Lambda calls."""
    return _deployed().handle(event)
