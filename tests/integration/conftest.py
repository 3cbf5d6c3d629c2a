# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fresh simulated AWS for each test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from playbook import Operator

from sandbox import estate
from sandbox.gateway import Gateway
from sandbox.server import Server

_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=60)


class Sandbox:
    """One simulated world on a port of its own. Its clock stands still until `advance`."""

    def __init__(self, gateway: Gateway, server: Server) -> None:
        self.gateway = gateway
        self.server = server
        self._sessions: dict[str, boto3.Session] = {}

    @property
    def endpoint(self) -> str:
        """For AWS_ENDPOINT_URL."""
        return self.server.endpoint

    @property
    def clock(self) -> Any:
        """The simulated clock."""
        return self.gateway.clock

    def load(self, source: str | Path | Mapping[str, Any]) -> dict[str, Any]:
        """Begin again with an estate: what one holds, a file, or the name of a shipped one ("acme")."""
        self._sessions.clear()
        return estate.load(self.gateway, source, scale=0)

    def seed(self, **spec: Any) -> dict[str, Any]:
        """Build one more resource: kind, account, region, name, …"""
        return self.gateway.seed({"tags": {}, **spec})

    def client(self, service: str, region: str = "us-west-2", account: str | None = None, **options: Any) -> Any:
        """Plain boto3 over HTTP: as the management account, or with an administrator's session in `account`."""
        who = self.gateway.accounts.management
        key = account or who.account
        if key not in self._sessions:
            if account and account != who.account:
                who = self.gateway.accounts.admin(account)
            self._sessions[key] = boto3.Session(who.access_key, "sandbox", who.token or None)
        return self._sessions[key].client(service, region_name=region, endpoint_url=self.endpoint, config=_CONFIG, **options)

    def inside(self, service: str, region: str = "us-west-2", account: str | None = None) -> Any:
        """Boto3 in process: neither faulted nor recorded, to look into a dark region."""
        return self.gateway.client(service, region, account or self.gateway.accounts.management.account)

    def advance(self, seconds: float) -> None:
        """Let simulated time pass. Also what tests give an engine as its `sleep`."""
        self.gateway.clock.advance(seconds)

    def time(self) -> float:
        """Simulated time, in epoch seconds. What tests give an engine as its clock."""
        return self.gateway.clock.time()

    def fault(self, **rule: Any) -> int:
        """Add a fault; fields as in the admin interface. Gives its id."""
        return self.gateway.faults.add(rule)

    def dark(self, region: str, effect: str = "reset", **fields: Any) -> int:
        """A whole region does not answer."""
        return self.fault(match={"region": region}, effect=effect, **fields)

    def clear_faults(self) -> None:
        """All well again."""
        self.gateway.faults.clear()

    def calls(self, mutating: bool | None = None, admin: bool = False, since: int = 0, **wanted: Any) -> list[dict[str, Any]]:
        """Calls over HTTP since the last load, without those of `client` in other accounts unless `admin`.

        wanted: service=…, operation=…, account=…, region=…, outcome=…, role=… since: the first `n`.
        """
        rows = self.gateway.calls.select(since, mutating=mutating, **wanted)
        return [row for row in rows if admin or row["role"] != "sandbox-admin"]

    def write(self, service: str, account: str, region: str, name: str, marker: str) -> None:
        """Writes a marker where data is kept; ValueError where nothing takes writes."""
        with self.gateway.lock:
            self.gateway.markers.write(service, account, region, name, marker)

    def markers(self, service: str, region: str) -> list[dict[str, Any]]:
        """What keeps data of a service in a region, with its markers."""
        with self.gateway.lock:
            return [one for one in self.gateway.markers.found() if (one["service"], one["region"]) == (service, region)]

    def expire_sessions(self) -> int:
        """Every assumed role's session ends now."""
        return self.gateway.accounts.expire_all()

    def env(self, **more: str) -> dict[str, str]:
        """A whole environment for a subprocess: this process's without its AWS settings, pointed at the sandbox."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**clean, **estate.environment(self.gateway, self.endpoint), **more}


@pytest.fixture(scope="session")
def sandbox_gateway() -> Gateway:
    """One per test process: moto keeps its state for the whole process."""
    return Gateway(scale=0, audit=True)


@pytest.fixture
def sandbox(sandbox_gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """An empty world, served on a free port; this process's AWS environment points at it."""
    sandbox_gateway.reset(scale=0)
    server = Server(sandbox_gateway).start()
    world = Sandbox(sandbox_gateway, server)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in estate.environment(sandbox_gateway, server.endpoint).items():
        monkeypatch.setenv(name, value)
    # boto3 keeps the session, with the credentials, of whichever test in this process called `boto3.client` first.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    try:
        yield world
    finally:
        server.stop()


@pytest.fixture
def operator(sandbox: Sandbox, tmp_path: Path) -> Iterator[Operator]:
    """Runs playbooks against the sandbox, whose time passes with each API call once an estate is loaded through `load`."""
    person = Operator(sandbox, tmp_path)
    try:
        yield person
    finally:
        person.stop()


@pytest.fixture
def aws_code() -> Callable[..., str]:
    """`aws_code(fn, **kw)`: the error code a boto3 call raises; fails when it does not raise."""

    def code(fn: Callable[..., Any], **kwargs: Any) -> str:
        with pytest.raises(ClientError) as caught:
            fn(**kwargs)
        return str(caught.value.response["Error"]["Code"])

    return code
