# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m sandbox api`: a simulated AWS with a control plane, and the API in front of it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import boto3

from sandbox.estate import EstateError, environment, load
from sandbox.gateway import Gateway
from sandbox.server import Server

from .front import application, identify


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """The function writes a line for each request."""


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--estate", default="acme", help="estate file, or the name of a shipped one (acme)")
    parser.add_argument("--port", type=int, default=5611, help="of the API, 0 takes a free one")
    parser.add_argument("--sandbox-port", type=int, default=0, help="of the simulated AWS, 0 takes a free one")


def run(options: argparse.Namespace) -> int:
    """Serves until it is interrupted. Gives the exit code."""
    gateway = Gateway(1.0)
    try:
        load(gateway, options.estate)
        server = Server(gateway, options.sandbox_port).start()
    except (EstateError, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    given = environment(gateway, server.endpoint)
    os.environ.update(given)
    try:
        front = serve(control(gateway), options.port)
    except ImportError as error:
        print(f"sandbox: dr.aws cannot be imported: {error}. Next: set PYTHONPATH to where ansible_collections is", file=sys.stderr)
        return 2
    print(f"sandbox: the API on http://127.0.0.1:{front.server_port}/api/v1 over a simulated AWS on {server.endpoint}")
    print("".join(f"export {name}={value}\n" for name, value in given.items()), end="", flush=True)
    try:
        front.serve_forever()
    except KeyboardInterrupt:
        print("sandbox: stopped")
    finally:
        server.stop()
    return 0


def control(gateway: Gateway) -> dict[str, str]:
    """A control plane in the simulated AWS that this process's environment points at; the settings of the function."""
    from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names, ensure

    region = os.environ["AWS_DEFAULT_REGION"]
    names = Names.default(gateway.accounts.management.account, region)
    made = ensure(*(boto3.client(service, region_name=region) for service in ("dynamodb", "s3", "sns")), names, region)
    return {
        "DR_CONTROL_REGION": region,
        "DR_TABLE": names.table,
        "DR_BUCKET": names.bucket,
        "DR_TOPIC_ARN": made.topic_arn or "",
        "DR_REGIONS": ",".join(gateway.regions),
    }


def serve(settings: Mapping[str, str], port: int = 0) -> WSGIServer:
    """The API on a port of 127.0.0.1; `serve_forever` answers."""
    from ansible_collections.dr.aws.plugins.module_utils.api.handler import api

    who = identify(os.environ["AWS_ENDPOINT_URL"], settings["DR_CONTROL_REGION"])
    return make_server("127.0.0.1", port, application(api(settings).handle, who), _Server, _Quiet)
