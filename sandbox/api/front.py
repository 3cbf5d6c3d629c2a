# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In the place of API Gateway: HTTP requests become events of a REST API with IAM authorization, responses become HTTP."""

from __future__ import annotations

import functools
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from http.client import responses as reasons
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

import boto3
from botocore.exceptions import ClientError

Handle: TypeAlias = "Callable[[Mapping[str, Any]], Mapping[str, Any]]"
#: (access key, session token) -> the ARN that signs with them, "" for keys that nobody knows.
Identify: TypeAlias = "Callable[[str, str], str]"
_KEY = re.compile(r"AWS4-HMAC-SHA256 .*?Credential=([^/,\s]+)/")


def identify(endpoint: str, region: str) -> Identify:
    """Asks the simulated STS. Signatures are not checked."""

    @functools.cache
    def arn_of(key: str, token: str) -> str:
        own = {"aws_access_key_id": key, "aws_secret_access_key": "sandbox", "aws_session_token": token or None}
        try:
            return str(boto3.client("sts", region_name=region, endpoint_url=endpoint, **own).get_caller_identity()["Arn"])
        except ClientError:
            return ""

    return arn_of


def event(environ: Mapping[str, Any], who: Identify) -> dict[str, Any]:
    """The event of a WSGI environment, payload format 1.0."""
    headers = {name[5:].replace("_", "-").title(): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers["Content-Type"] = environ.get("CONTENT_TYPE", "")
    key = _KEY.match(headers.get("Authorization", ""))
    length = int(environ.get("CONTENT_LENGTH") or 0)
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    return {
        "httpMethod": environ["REQUEST_METHOD"],
        "path": path,
        "headers": headers,
        "queryStringParameters": dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)) or None,
        "body": environ["wsgi.input"].read(length).decode("utf-8", "replace") if length else None,
        "isBase64Encoded": False,
        "requestContext": {
            "accountId": "100000000000",
            "requestId": str(uuid.uuid4()),
            "identity": {"userArn": who(key[1], headers.get("X-Amz-Security-Token", "")) if key else None},
        },
    }


def application(handle: Handle, who: Identify) -> Callable[..., Iterable[bytes]]:
    """A WSGI application that hands each request to the function, and answers what it gives."""

    def answer(environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        given = handle(event(environ, who))
        status = given["statusCode"]
        body = given["body"].encode()
        headers = {**given["headers"], "Content-Length": str(len(body))}
        start_response(f"{status} {reasons[status]}", list(headers.items()))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    return answer
