# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that runs moto: its web application, in this process, one world at a time."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # 1,299 images that nobody recovers from cost seconds

from moto.core.base_backend import BackendDict
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from .model import Answer, Call

logging.getLogger("werkzeug").setLevel(logging.ERROR)


@runtime_checkable
class _Closes(Protocol):
    def close(self) -> None: ...


class Moto:
    """Moto's application. Moto's state is the process's, so there is one world only; `reset` empties it."""

    def __init__(self) -> None:
        self._dispatcher = DomainDispatcherApplication(create_backend_app)
        self._applications: dict[str, Any] = {}

    def forward(self, call: Call, account: str) -> Answer:
        """Moto's own answer to a call, in that account. 501 where moto has nothing."""
        environ = {**call.environ, "HTTP_X_MOTO_ACCOUNT_ID": account, "wsgi.input": io.BytesIO(call.body)}
        head: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            head[:] = [int(status.split(" ", 1)[0]), dict(headers)]
            return io.BytesIO().write

        try:
            chunks: Iterable[bytes] = self._application(call, environ)(environ, start_response)
        except NotImplementedError:
            return 501, {}, b"<!doctype html>not implemented"
        body = b"".join(chunks)
        if isinstance(chunks, _Closes):
            chunks.close()
        return head[0], head[1], body

    def reset(self) -> None:
        """Forget everything. Backends are dropped, not rebuilt: the next call makes what it needs.

        Only those that keep more than that for all accounts together (S3's bucket names) are reset moto's own way first.
        """
        used: list[Any] = vars(BackendDict)["_instances"]
        for backends in list(used):
            if backends.__class__ is not BackendDict:
                for account in backends.values():
                    account.reset()
            backends.clear()
        used.clear()

    def _application(self, call: Call, environ: dict[str, Any]) -> Any:
        if call.service is None:
            return self._dispatcher.get_application(environ)
        if call.service not in self._applications:
            self._applications[call.service] = self._dispatcher.get_application(environ)
        return self._applications[call.service]
