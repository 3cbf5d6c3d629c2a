# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service files register: operations, corrections, seeds, listings and what holds data."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from .context import Ctx
    from .markers import Holder

Params = dict[str, Any]
Operation = Callable[["Ctx", Params], Params | None]
Correction = Callable[["Ctx", Params, Params], None]
Seed = Callable[["Ctx", Params], Params | None]
Listed = tuple[str, str, dict[str, str]]
Lister = Callable[["Ctx"], Iterable[Listed]]
Holders = Callable[["Ctx"], Iterable["Holder"]]
F = TypeVar("F", bound=Callable[..., Any])

OPERATIONS: dict[tuple[str, str], Operation] = {}
CORRECTIONS: dict[tuple[str, str], Correction] = {}
SEEDS: dict[str, Seed] = {}
LISTERS: dict[str, Lister] = {}
HOLDERS: dict[str, Holders] = {}
_SEED_SERVICES: dict[str, str] = {}
_FILE_SERVICES = {"aurora": "rds", "awslambda": "lambda", "eventbridge": "events"}


def op(service: str, *names: str) -> Callable[[F], F]:
    """An operation of our own: `fn(ctx, params) -> answer`, or it raises AwsError. `ctx.moto()` runs moto's."""
    return _register(OPERATIONS, [(service, name) for name in names])


def after(service: str, *names: str) -> Callable[[F], F]:
    """A correction of moto's answer: `fn(ctx, params, out)` edits the parsed `out` in place."""
    return _register(CORRECTIONS, [(service, name) for name in names])


def seed(*kinds: str, service: str | None = None) -> Callable[[F], F]:
    """Builds a resource of an estate in its final state: `fn(ctx, spec)` in the spec's account and region.

    service: whose store `ctx.store` is; the file's own unless given.
    """
    _SEED_SERVICES.update({kind: service for kind in kinds if service})
    return _register(SEEDS, list(kinds))


def seed_service(kind: str) -> str:
    """The service whose store a seed function is given."""
    module = SEEDS[kind].__module__.rsplit(".", 1)[-1]
    return _SEED_SERVICES.get(kind) or _FILE_SERVICES.get(module, module)


def lists(service: str) -> Callable[[F], F]:
    """What a service holds in ctx.account and ctx.region beyond moto's tagging: `fn(ctx)` gives (arn, type, tags)."""
    return _register(LISTERS, [service])


def holds(service: str) -> Callable[[F], F]:
    """What keeps data in ctx.account and ctx.region, and from where it gets it: `fn(ctx)` gives `Holder`s (see markers.py)."""
    return _register(HOLDERS, [service])


def _register(table: dict[Any, Any], keys: list[Any]) -> Callable[[F], F]:
    def register(fn: F) -> F:
        for key in keys:
            if key in table and table[key].__module__ != fn.__module__:
                raise ValueError(f"{key} is registered by both {table[key].__module__} and {fn.__module__}")
            table[key] = fn
        return fn

    return register


@functools.cache
def discover() -> tuple[str, ...]:
    """Import every module of `sandbox.services`, once. Gives their names."""
    package = importlib.import_module("sandbox.services")
    names = tuple(sorted(info.name for info in pkgutil.iter_modules(package.__path__)))
    for name in names:
        importlib.import_module(f"sandbox.services.{name}")
    return names
