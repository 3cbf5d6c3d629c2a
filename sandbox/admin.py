# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's own interface under /_sandbox/: health, calls, faults, clock, state, seed, estate, sessions, markers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from . import estate
from .calls import json_line
from .model import Answer, AwsError

if TYPE_CHECKING:
    from .gateway import Gateway

PREFIX = "/_sandbox/"
Query = dict[str, str]
Body = dict[str, Any]


def answer(gateway: Gateway, environ: dict[str, Any]) -> Answer:
    """The answer to an administration request. Mistakes give 400 and say what is wrong."""
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"][len(PREFIX) :].strip("/")
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    try:
        raw = environ["wsgi.input"].read()
        body = json.loads(raw) if raw else {}
        if not isinstance(body, dict):
            raise ValueError("the body must be a JSON object")
        if path.startswith("faults/") and method == "DELETE":
            found = gateway.faults.remove(int(path.split("/", 1)[1]))
            return _json({"removed": found}, 200 if found else 404)
        verb = _VERBS.get((method, path))
        if verb is None:
            known = sorted(f"{one} {PREFIX}{name}" for one, name in _VERBS)
            return _json({"error": f"no {method} {PREFIX}{path}", "there are": known}, 404)
        result = verb(gateway, query, body)
    except (ValueError, KeyError, TypeError, AwsError) as error:
        return _json({"error": f"{error}"}, 400)
    return (200, {"Content-Type": "application/x-ndjson"}, result) if isinstance(result, bytes) else _json(result)


def _json(value: Any, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/json"}, (json.dumps(value, default=str) + "\n").encode()


def _health(gateway: Gateway, _query: Query, _body: Body) -> Any:
    return {"status": "ok", "estate": gateway.estate.get("name"), "simulated": True}


def _calls(gateway: Gateway, query: Query, _body: Body) -> bytes:
    wanted: dict[str, Any] = {name: query.get(name) for name in ("account", "region", "service", "operation", "role", "outcome")}
    if "mutating" in query:
        wanted["mutating"] = query["mutating"] not in ("0", "false")
    return "".join(json_line(row) for row in gateway.calls.select(int(query.get("from", 0)), **wanted)).encode()


def _add_fault(gateway: Gateway, _query: Query, body: Body) -> Any:
    return {"id": gateway.faults.add(body)}


def _faults(gateway: Gateway, _query: Query, _body: Body) -> Any:
    return {"faults": gateway.faults.list()}


def _clear_faults(gateway: Gateway, _query: Query, _body: Body) -> Any:
    gateway.faults.clear()
    return {}


def _clock(gateway: Gateway, _query: Query, _body: Body) -> Any:
    clock = gateway.clock
    return {
        "time": clock.time(),
        "iso": clock.iso(),
        "scale": clock.scale,
        "tick": clock.tick,
        "pending": clock.pending(),
    }


def _set_clock(gateway: Gateway, query: Query, body: Body) -> Any:
    if unknown := body.keys() - {"advance", "scale", "tick"}:
        raise ValueError(f"the clock takes advance, scale and tick, not {', '.join(sorted(unknown))}")
    if "scale" in body:
        gateway.clock.set_scale(float(body["scale"]))
    if "tick" in body:
        gateway.clock.tick = float(body["tick"])
    if "advance" in body:
        gateway.clock.advance(float(body["advance"]))
    gateway.clock.run_due()
    return _clock(gateway, query, body)


def _state(gateway: Gateway, query: Query, _body: Body) -> Any:
    """Without a service: how much is held where. With one: everything its store holds."""
    with gateway.lock:
        rows = []
        for (service, account, region), store in sorted(gateway.stores.items()):
            held: Any = {str(key): len(value) if hasattr(value, "__len__") else 1 for key, value in store.items()}
            if query.get("service") == service:
                held = {str(key): json.loads(json.dumps(_plain(value), default=str)) for key, value in store.items()}
            elif "service" in query:
                continue
            if store and query.get("account", account) == account and query.get("region", region) == region:
                rows.append({"service": service, "account": account, "region": region, "holds": held})
        return {
            "estate": gateway.estate.get("name"),
            "calls": Counter(row["how"] for row in gateway.calls.rows),
            "stores": rows,
        }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _seed(gateway: Gateway, _query: Query, body: Body) -> Any:
    return gateway.seed({"tags": {}, **body, "account": str(body["account"])})


def _estate(gateway: Gateway, _query: Query, body: Body) -> Any:
    return {"estate": estate.load(gateway, body)["name"]}


def _markers(gateway: Gateway, _query: Query, _body: Body) -> Any:
    with gateway.lock:
        return {"holders": gateway.markers.found()}


def _write_marker(gateway: Gateway, _query: Query, body: Body) -> Any:
    with gateway.lock:
        gateway.clock.run_due()
        gateway.markers.write(*(str(body[name]) for name in ("service", "account", "region", "name", "marker")))
        return {}


def _expire(gateway: Gateway, _query: Query, _body: Body) -> Any:
    return {"expired": gateway.accounts.expire_all()}


_VERBS: dict[tuple[str, str], Callable[[Any, Query, Body], Any]] = {
    ("GET", "health"): _health,
    ("GET", "calls"): _calls,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _set_clock,
    ("GET", "state"): _state,
    ("POST", "seed"): _seed,
    ("POST", "estate"): _estate,
    ("DELETE", "sessions"): _expire,
    ("GET", "markers"): _markers,
    ("POST", "markers"): _write_marker,
}
