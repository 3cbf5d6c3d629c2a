# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boto3 clients that reach the simulator inside this process: no socket, no fault, no record."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from .model import Answer, AwsError, Call, Environ, identify, session
from .wsgi import environ

_BASE = "http://127.0.0.1"  # an address: no bucket is read out of it
_CONFIG = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, inject_host_prefix=False)

Transport = Callable[[Call, str], Answer]


class Clients:
    """Clients per (service, region, account), made once."""

    def __init__(self) -> None:
        self._session = boto3.Session("sandbox", "sandbox", botocore_session=session())
        self._made: dict[tuple[str, str, str, str], Any] = {}

    def get(self, service: str, region: str, account: str, name: str, transport: Transport) -> Any:
        """A client whose requests go to `transport(call, account)`. name: tells transports apart."""
        region = "us-east-1" if region == "global" else region
        key = (service, region, account, name)
        if key not in self._made:
            client = self._session.client(service, region_name=region, endpoint_url=_BASE, config=_CONFIG)
            client.meta.events.register("before-send", _sender(account, transport))
            self._made[key] = client
        return self._made[key]

    def request(self, client: Any, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Call an operation by its API name. AWS errors become AwsError."""
        try:
            out = client._make_api_call(operation, params)
        except ClientError as error:
            detail = error.response["Error"]
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
            raise AwsError(detail["Code"], detail["Message"], status) from error
        out.pop("ResponseMetadata", None)
        return dict(out)


def _sender(account: str, transport: Transport) -> Callable[..., AWSResponse]:
    def answer(request: Environ) -> Answer:
        call = identify(request)
        call.account = account
        return transport(call, account)

    return sender(answer)


def sender(answer: Callable[[Environ], Answer]) -> Callable[..., AWSResponse]:
    """A handler of botocore's event `before-send`: requests go to `answer(WSGI environment)`, and no further."""

    def send(request: Any, **_: Any) -> AWSResponse:
        headers = [(name, value.decode() if isinstance(value, bytes) else value) for name, value in request.headers.items()]
        body = request.body or b""
        if hasattr(body, "read"):
            body = body.read()
        raw = body.encode() if isinstance(body, str) else bytes(body)
        target = request.url.split("/", 3)[3] if request.url.count("/") > 2 else ""
        status, answer_headers, given = answer(environ(request.method, f"/{target}", headers, raw, ("127.0.0.1", 80)))
        return AWSResponse(request.url, status, _Headers(answer_headers), _Body(given))

    return send


class _Headers(dict[str, str]):
    """Case-insensitive for what botocore looks up."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class _Body(io.BytesIO):
    def stream(self, *_: Any, **__: Any) -> Any:
        yield self.read()
