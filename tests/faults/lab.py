# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes thousands of points cheap: the whole product and the whole of AWS in one thread of one process.

Requests go from botocore straight into the sandbox, the engine's pool carries them out at once, time jumps to where something
happens next, and a world is copied by forking the process: the copy runs into the fault, the original goes on without it.
"""

from __future__ import annotations

import gc
import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import endpoint
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from flow import SimulatedClock

from ansible_collections.dr.aws.plugins.module_utils import accounts, engine
from sandbox.clients import sender
from sandbox.faults import NoAnswerError
from sandbox.model import Answer, Environ

#: No request leaves the process; botocore wants a place to send it to all the same.
ENDPOINT = "http://127.0.0.1"
#: The clock never jumps further than this, so that what only time changes (a lag) is looked at now and then.
JUMP_SECONDS = 600.0
#: A copy that has not ended after so many real seconds hangs.
HANGS_SECONDS = 600


class Wire:
    """The way from botocore into the sandbox. `loses`: AWS takes the request, and its answer never comes."""

    def __init__(self, gateway: Any) -> None:
        self.gateway, self.loses = gateway, False

    def answer(self, request: Environ) -> Answer:
        try:
            answer: Answer = self.gateway.handle(request)
        except NoAnswerError as nothing:
            raise ConnectionClosedError(endpoint_url=ENDPOINT) from nothing
        if self.loses:
            raise ReadTimeoutError(endpoint_url=ENDPOINT)
        return answer


class AtOnce:
    """A pool without threads: what is submitted has been carried out when `submit` returns."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def submit(self, run: Callable[..., Any], *given: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(run(*given, **named))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, **_: Any) -> None: ...


class JumpingClock(SimulatedClock):
    """Sleeping moves on to the sandbox's next event when that comes later: in between, every look would show the same."""

    def sleep(self, seconds: float) -> None:
        pending = self.sandbox.clock.pending()
        super().sleep(max(seconds, min(pending[0], JUMP_SECONDS)) if pending else seconds)


def connect(sandbox: Any, patch: pytest.MonkeyPatch) -> Wire:
    """Takes the network, the threads and the waiting out of the product."""
    wire, opened = Wire(sandbox.gateway), accounts._new_session

    def session() -> Any:
        made = opened()
        made.register("before-send", sender(wire.answer))
        return made

    patch.setattr(accounts, "_new_session", session)
    patch.setattr(engine, "ThreadPoolExecutor", AtOnce)
    patch.setattr(endpoint, "time", SimpleNamespace(sleep=sandbox.advance))  # botocore's own pauses between attempts
    patch.setattr("botocore.useragent.UserAgentString.to_string", lambda _self: "dr.aws")  # as dear as everything else of a call
    return wire


def apart(work: Callable[[], Any]) -> Any:
    """What `work` gives (JSON values, not None), done in a copy of this process, whose memory does not grow by it."""
    branches = Branches(hangs_seconds=0)
    said = branches.fork()
    if branches.copied:
        try:
            said = {"gave": work()}
        except BaseException as error:
            said = {"raised": f"{type(error).__name__}: {error}"}
        finally:
            branches.end(said or {"raised": "nothing was said"})
    if "raised" in said:
        raise AssertionError(said["raised"])
    return said["gave"]


class Branches:
    """Copies of this process, each of which says at its end what came of it. hangs_seconds: it is ended then; 0 for never."""

    def __init__(self, hangs_seconds: int = HANGS_SECONDS) -> None:
        self.hangs_seconds = hangs_seconds
        self._writing: int | None = None

    @property
    def copied(self) -> bool:
        """Whether this process is such a copy."""
        return self._writing is not None

    def fork(self) -> Any:
        """None in the copy, which goes on from here; in the original, once the copy ended, what it gave to `end`."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            gc.disable()  # it lives shortly, and collecting would copy every page of the original
            signal.alarm(self.hangs_seconds)
            self._writing = writing
            return None
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read()
        _pid, status = os.waitpid(child, 0)
        if not said:
            raise RuntimeError(f"a copy of the process ended with status {status} and said nothing")
        return json.loads(said)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """What is in memory is shared with copies; one that gets to its end is ended: it must not go on as if it were the test."""
        gc.collect()
        gc.freeze()
        try:
            yield
        finally:
            gc.unfreeze()
            if self.copied:
                os._exit(1)

    def end(self, said: Any) -> None:
        """Ends a copy. said: JSON values; not None."""
        if self._writing is not None:
            try:
                with os.fdopen(self._writing, "wb") as pipe:
                    pipe.write(json.dumps(said).encode())
            finally:
                os._exit(0)
