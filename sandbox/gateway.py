# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway in front of moto: identify, authenticate, fault, answer, check, record.

Service files import from here: `op`, `after`, `seed`, `lists`, `holds`, `Holder`, `Ctx`, `transition`.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from . import registry
from .accounts import Accounts
from .calls import Calls, mutating
from .clients import Clients
from .clock import Clock, transition
from .context import Ctx, moto_result
from .faults import Faults, NoAnswerError
from .markers import Holder, Markers
from .model import (
    GLOBAL_SERVICES,
    Answer,
    AwsError,
    Call,
    identify,
    operation_model,
    parse_answer,
    serialise,
    speaks_json,
    violations,
)
from .moto_backend import Moto
from .programs import Program
from .registry import after, holds, lists, op, seed

__all__ = ["Ctx", "Gateway", "Holder", "after", "holds", "lists", "op", "seed", "transition"]

log = logging.getLogger("sandbox")
_DEFECTS = {"SimulatorNotImplemented": "missing", "SimulatorDefect": "defect"}
_NO_ACCOUNTS: tuple[Mapping[str, Any], ...] = ({"id": "000000000000", "name": "management"},)


class Gateway:
    """One simulated world.

    stores: state of the service files, by (service, account, region). paces: how many times as long as usual takes what a call of
    (service, operation) sets going. code: what runs, in this process, when an automation invokes the function of an ARN.
    programs: what runs, on this machine, as the container of tasks of a family.
    audit: also refuse corrections that break the output model.
    Everything that touches state happens under `lock`; nothing sleeps under it.
    """

    def __init__(self, scale: float = 1.0, audit: bool = False) -> None:
        registry.discover()
        self.lock = threading.RLock()
        self.clock = Clock(scale, lock=self.lock)
        self.faults = Faults()
        self.moto = Moto()
        self.audit = audit
        self.clients = Clients()
        self.estate: Mapping[str, Any] = {}
        self._fresh(_NO_ACCOUNTS, "000000000000")

    def reset(self, accounts: Any = _NO_ACCOUNTS, management: str = "000000000000", scale: float | None = None) -> None:
        """A new, empty world with these accounts."""
        with self.lock:
            self.moto.reset()
            self.faults.clear()
            self.clock.restart(self.clock.scale if scale is None else scale)
            self._fresh(accounts, management)

    def _fresh(self, accounts: Any, management: str) -> None:
        self.accounts = Accounts(accounts, management)
        self.stores: defaultdict[tuple[str, str, str], dict[str, Any]] = defaultdict(dict)
        self.cache: dict[Any, Any] = {}
        self.paces: dict[tuple[str, str], float] = {}
        self.code: dict[str, Callable[[Any], Any]] = {}
        self.programs: dict[str, Program] = {}
        self._threads: list[threading.Thread] = []
        self.calls = Calls()
        self.writes = 0
        self.regions: tuple[str, ...] = ("us-east-1", "us-west-2")
        self.markers = Markers(self._holders, self.clock.time)
        self.clock.watch = self.markers.pass_on
        self._n = 0

    @property
    def generation(self) -> tuple[int, int]:
        """Changes whenever anything may have changed: what caches of derived answers are kept by."""
        return self.writes, self.clock.ran

    # -- one call

    def handle(self, environ: dict[str, Any]) -> Answer:
        """The answer to an API call over HTTP. Raises NoAnswerError when there is to be none."""
        call = identify(environ)
        with self.lock:
            self._n += 1
            call.n = self._n
        if self.clock.tick:
            self.clock.advance(self.clock.tick)
        status, outcome, how = 0, "", "fault"
        try:
            self._authenticate(call)
            faulted = self.faults.apply(call, "before")
            if faulted:
                outcome, answer = f"fault:{faulted[0]}", faulted[1]
            else:
                with self.lock:
                    self.clock.run_due()
                    answer, how = self.answer(call)
                    if mutating(call.operation) and (call.service == "ec2" or call.service in registry.HOLDERS):
                        self.markers.pass_on()
                outcome = "ok" if answer[0] < HTTPStatus.MULTIPLE_CHOICES else _error_code(call, answer)
                faulted = self.faults.apply(call, "after")
                if faulted:
                    outcome, how, answer = f"fault:{faulted[0]}", "fault", faulted[1]
            assert answer is not None
            status = answer[0]
        except AwsError as refusal:
            answer, outcome, how = self._refuse(call, refusal), refusal.code, "refused"
            status = answer[0]
        except NoAnswerError:
            outcome, how = "fault:no answer", "fault"
            raise
        finally:
            self.calls.add(call, self.clock.time(), status, outcome, how)
        answer[1]["x-amzn-RequestId"] = f"sandbox-{call.n:08d}"
        answer[1].pop("date", None)
        answer[1]["Date"] = formatdate(self.clock.time(), usegmt=True)
        return answer

    def answer(self, call: Call) -> tuple[Answer, str]:
        """The answer, and who gave it: ours, corrected, moto, missing or defect."""
        with self.lock, self.clock.at_pace(self.paces.get((call.service or "", call.operation))):
            if call.service is None:
                return self.moto.forward(call, call.account), "moto"
            try:
                answer, how = self._answer(call, call.service)
            except AwsError as error:
                answer, how = serialise(call, error), _DEFECTS.get(error.code, "ours")
            except Exception:
                log.exception("defect in %s:%s", call.service, call.operation)
                defect = AwsError("SimulatorDefect", traceback.format_exc(limit=-2)[-600:], 501)
                answer, how = serialise(call, defect), "defect"
            if mutating(call.operation):
                self.writes += 1
            return answer, how

    def _answer(self, call: Call, service: str) -> tuple[Answer, str]:
        key = service, call.operation
        ours = registry.OPERATIONS.get(key)
        if ours:
            self._check_input(call)
            out = ours(self._ctx(call), call.params) or {}
            self._check_output(call, violations(operation_model(*key).output_shape, out))
            return serialise(call, out), "ours"
        answer = self._moto(call)
        correct = registry.CORRECTIONS.get(key)
        if correct and answer[0] < HTTPStatus.MULTIPLE_CHOICES:
            out = moto_result(call, answer)
            shape = operation_model(*key).output_shape
            before = set(violations(shape, out)) if self.audit else set()
            correct(self._ctx(call), call.params, out)
            if self.audit:
                self._check_output(call, [fault for fault in violations(shape, out) if fault not in before])
            return serialise(call, out), "corrected"
        return answer, "moto"

    def _moto(self, call: Call) -> Answer:
        """Moto's answer, where it has the operation at all: missing is loud, never a fake success."""
        status, headers, body = self.moto.forward(call, call.account)
        if status >= HTTPStatus.NOT_FOUND and (body[:15].lower() == b"<!doctype html>" or body == b"Not Found"):
            raise AwsError("SimulatorNotImplemented", f"the sandbox does not have {call.service}:{call.operation}", 501)
        return status, headers, body

    def _ctx(self, call: Call) -> Ctx:
        assert call.service is not None
        return Ctx(self, call.service, call.account, call.region, call)

    def _check_input(self, call: Call) -> None:
        found = violations(call.operation_model.input_shape, call.params)
        if call.trouble:
            found.append(call.trouble)
        if found:
            code = "ValidationException" if speaks_json(call) else "ValidationError"
            raise AwsError(code, f"{len(found)} validation error(s) detected: {'; '.join(found[:3])}")

    def _check_output(self, call: Call, found: list[str]) -> None:
        if found:
            text = f"{call.service}:{call.operation} breaks its own model: {'; '.join(found[:3])}"
            raise AwsError("SimulatorDefect", text, 501)

    def _authenticate(self, call: Call) -> None:
        if not call.access_key:
            raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        call.identity = self.accounts.identify(call)
        call.account = call.identity.account

    def _refuse(self, call: Call, refusal: AwsError) -> Answer:
        if call.service is None:
            return refusal.status, {"Content-Type": "text/plain"}, f"{refusal.code}: {refusal.message}".encode()
        return serialise(call, refusal)

    # -- inside

    def background(self, run: Callable[[], object]) -> None:
        """Runs something in a thread of its own, without the lock: what may call the sandbox in turn."""
        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def settle(self) -> None:
        """Waits for all that runs in the background. Not to be called under the lock."""
        while self._threads:
            self._threads.pop().join()

    def client(self, service: str, region: str, account: str) -> Any:
        """A boto3 client in process: extensions apply, faults and the record do not."""
        return self.clients.get(service, region, account, "gateway", lambda call, _: self.answer(call)[0])

    def moto_request(self, service: str, region: str, account: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Moto's own answer to an operation with these parameters, as a dict. Raises AwsError."""
        client = self.clients.get(service, region, account, "moto", self.moto.forward)
        return self.clients.request(client, operation, params)

    def context(self, service: str, account: str, region: str) -> Ctx:
        """A context outside any call."""
        return Ctx(self, service, account, "global" if service in GLOBAL_SERVICES else region)

    def _holders(self) -> Iterator[Holder]:
        for account in self.accounts.names:
            for service, holders in registry.HOLDERS.items():
                for region in self.regions:
                    yield from holders(self.context(service, account, region))

    def seed(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Build one resource of an estate. Gives what its seed function gave."""
        kind = spec["kind"]
        if kind not in registry.SEEDS:
            raise ValueError(f"no service builds {kind!r}; there are {', '.join(sorted(registry.SEEDS))}")
        with self.lock:
            service = registry.seed_service(kind)
            made = registry.SEEDS[kind](self.context(service, str(spec["account"]), spec.get("region", "global")), spec)
            self.writes += 1
        return made or {}


def _error_code(call: Call, answer: Answer) -> str:
    if call.service is None or call.operation_model.has_streaming_output or not answer[2]:
        return str(answer[0])
    try:
        return str(parse_answer(call, answer).get("Error", {}).get("Code", answer[0]))
    except Exception:  # a page that is no AWS answer
        return str(answer[0])
