# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service file is given about the call it answers."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from .clock import Event
from .model import AwsError, Call, parse_answer

if TYPE_CHECKING:
    from .gateway import Gateway


class Ctx:
    """One call, or one seed: where it happens and what it may use.

    service, region, account: region is "global" for services without regions. clock: the simulated clock. gw: the
    gateway. access: who calls (`role`, `session`, …), None in process.
    """

    def __init__(self, gw: Gateway, service: str, account: str, region: str, call: Call | None = None) -> None:
        self.gw = gw
        self.clock = gw.clock
        self.service = service
        self.account = account
        self.region = region
        self.call = call
        self.access = call.identity if call else None

    @property
    def store(self) -> dict[str, Any]:
        """State of this service in this account and region."""
        return self.gw.stores[self.service, self.account, self.region]

    def at(self, service: str | None = None, region: str | None = None, account: str | None = None) -> dict[str, Any]:
        """The store of another service, region or account."""
        return self.gw.stores[service or self.service, account or self.account, region or self.region]

    def within(self, service: str | None = None, region: str | None = None, account: str | None = None) -> Ctx:
        """The same, as a context."""
        return Ctx(self.gw, service or self.service, account or self.account, region or self.region)

    def client(self, service: str, region: str | None = None) -> Any:
        """A boto3 client of this account, in process: not faulted, not recorded, extensions included."""
        return self.gw.client(service, region or self.region, self.account)

    def data(self, ident: str, region: str | None = None) -> str:
        """The key of what holds data of this service under an identifier that no other has in the account and region."""
        return f"{self.service}:{self.account}:{region or self.region}:{ident}"

    def eventually(self, seconds: float, run: Callable[[], object]) -> Event:
        """Call `run` in `seconds` of simulated time: for what describe calls show only a little later."""
        return self.clock.after(seconds, run)

    def metric(self, namespace: str, name: str, dimensions: dict[str, str], value: float | Callable[[], float] | None) -> None:
        """Publish a level in CloudWatch for this account and region: every period asked for shows it until it changes.

        None stops it, which is how a metric looks whose source is gone.
        """
        key = (namespace, name, tuple(sorted(dimensions.items())))
        levels = self.at("cloudwatch").setdefault("levels", {})
        if value is None:
            levels.pop(key, None)
        else:
            levels[key] = value

    def moto(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run moto's own implementation of this very call, with other parameters if given. Raises AwsError."""
        call = self.call
        if call is None or call.service is None:
            raise RuntimeError("no call to hand to moto")
        if params is not None:
            return self.gw.moto_request(call.service, self.region, self.account, call.operation, params)
        answer = self.gw.moto.forward(call, self.account)
        return moto_result(call, answer)


def moto_result(call: Call, answer: tuple[int, dict[str, str], bytes]) -> dict[str, Any]:
    """Moto's answer as a dict. Pages that are no AWS answer are our defect, never passed on."""
    status, _unused, body = answer
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or body[:15].lower() == b"<!doctype html>":
        raise AwsError("SimulatorNotImplemented", f"moto does not do {call.service}:{call.operation}", 501)
    out = parse_answer(call, answer)
    out.pop("ResponseMetadata", None)
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        error = out.pop("Error", {})
        refusal = AwsError(error.get("Code", str(status)), error.get("Message", ""), status)
        vars(refusal).update(out)  # what an error's own shape has beside: CancellationReasons of a transaction
        raise refusal
    return out
