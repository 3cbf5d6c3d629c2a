# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that answers as AWX's API does for the objects that the role makes: lists with filters, create, change, associate.

It checks nothing that AWX would (permissions, values): the modules of awx.awx find, make and compare objects in it.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

PREFIX = "/api/v2/"
SECRET = "$encrypted$"
#: What a list of unified job templates holds.
UNIFIED = ("job_templates", "workflow_job_templates", "projects", "inventory_sources")


class Awx:
    """objects: collection -> id -> object. linked: (collection, id, relation) -> ids. writes: (method, path) of all changes."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
        self.linked: dict[tuple[str, int, str], list[int]] = defaultdict(list)
        self.surveys: dict[int, dict[str, Any]] = {}
        self.writes: list[tuple[str, str]] = []
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def named(self, collection: str) -> dict[str, dict[str, Any]]:
        """The objects of a collection by their name or identifier."""
        return {one.get("name") or one["identifier"]: one for one in self.objects[collection].values()}

    def add(self, collection: str, **fields: Any) -> dict[str, Any]:
        """A new object."""
        ident, kind = next(self._ids), collection.removesuffix("s")
        url = f"{PREFIX}{collection}/{ident}/"
        made = {"id": ident, "url": url, "type": kind, "related": {"survey_spec": f"{url}survey_spec/"}, **fields}
        if collection == "projects":  # it is updated at once
            updated = self.add("project_updates", status="successful", finished="now", failed=False, event_processing_finished=True)
            made |= {
                "status": "successful",
                "scm_revision": "0" * 40,
                "summary_fields": {"current_update": updated, "last_update": updated},
            }
            made["related"] |= {"current_update": updated["url"], "last_update": updated["url"]}
        self.objects[collection][ident] = self._veiled(collection, made)
        return made

    def _veiled(self, collection: str, one: dict[str, Any]) -> dict[str, Any]:
        """A credential does not show its secrets again."""
        if collection == "credentials":
            fields = self.objects["credential_types"][one["credential_type"]]["inputs"]["fields"]
            secret = {field["id"] for field in fields if field.get("secret")}
            one["inputs"] = {name: SECRET if name in secret else value for name, value in one["inputs"].items()}
        return one

    def answer(self, method: str, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """(status, body) of one request."""
        with self._lock:
            address = urlsplit(path)
            parts = address.path.removeprefix(PREFIX).strip("/").split("/")
            if method != "GET":
                self.writes.append((method, address.path))
            match method, parts:
                case "GET", [collection]:
                    return 200, self._page(self._pool(collection), dict(parse_qsl(address.query)))
                case "POST", [collection]:
                    return 201, self.add(collection, **body)
                case "GET", [collection, ident]:
                    return 200, self.objects[collection][int(ident)]
                case "PATCH", [collection, ident]:
                    return 200, self.objects[collection][int(ident)] | self._changed(collection, int(ident), body)
                case "GET", [_collection, ident, "survey_spec"]:
                    return 200, self.surveys.get(int(ident), {})
                case "POST", [_collection, ident, "survey_spec"]:
                    self.surveys[int(ident)] = dict(body)
                    return 200, {}
                case "POST", ["workflow_job_template_nodes", ident, "create_approval_template"]:
                    made = self.add("workflow_approval_templates", **body)
                    node = self.objects["workflow_job_template_nodes"][int(ident)]
                    node["unified_job_template"], node["related"]["unified_job_template"] = made["id"], made["url"]
                    return 201, made
                case "GET", [collection, ident, relation]:
                    return 200, self._page([{"id": one} for one in self.linked[collection, int(ident), relation]], {})
                case "POST", [collection, ident, relation]:
                    held = self.linked[collection, int(ident), relation]
                    (held.remove if body.get("disassociate") else held.append)(body["id"])
                    return 204, None
        return 405, {"detail": f"{method} {path}"}

    def _changed(self, collection: str, ident: int, body: Mapping[str, Any]) -> dict[str, Any]:
        one = self.objects[collection][ident]
        one.update(body)
        return self._veiled(collection, one)

    def _pool(self, collection: str) -> list[dict[str, Any]]:
        names = UNIFIED if collection == "unified_job_templates" else (collection,)
        return [one for name in names for one in self.objects[name].values()]

    @staticmethod
    def _page(pool: list[dict[str, Any]], wanted: Mapping[str, str]) -> dict[str, Any]:
        kept = {name: value for name, value in wanted.items() if name not in ("page_size", "order_by")}
        found = [one for one in pool if all(str(one.get(name)) == value for name, value in kept.items())]
        return {"count": len(found), "next": None, "previous": None, "results": found}


@contextmanager
def serving(awx: Awx) -> Iterator[str]:
    """The server's address while it runs."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = awx.answer(self.command, self.path, json.loads(text) if text else {})
            sent = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def __getattr__(self, name: str) -> Any:
            """One for all of do_GET, do_POST and do_PATCH."""
            if name.startswith("do_"):
                return self._serve
            raise AttributeError(name)

        def log_message(self, *_args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
