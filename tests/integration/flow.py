"""Drives the real engine over the sandbox for one or more pairs, on simulated time: what adapter tests stand on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.accounts import Account, Accounts, AwsReader, Breaker
from ansible_collections.dr.aws.plugins.module_utils.adapters import adapter
from ansible_collections.dr.aws.plugins.module_utils.adapters.base import Adapter
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine, Result
from ansible_collections.dr.aws.plugins.module_utils.model import Goal, Pair
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal


class SimulatedClock:
    """The engine's clock in tests: sleeping moves the sandbox's simulated time, and nothing really waits."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox, self.elapsed, self.lock = sandbox, 0.0, threading.Lock()

    def now(self) -> float:
        with self.lock:
            return self.elapsed

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.elapsed += seconds
        self.sandbox.advance(seconds)


class Crash(BaseException):
    """The process is gone: no handler of the engine runs."""


class Dying:
    """A cloud whose caller dies right after each call that AWS has accepted."""

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cloud, name)

    def call(self, *where: str, **params: Any) -> Any:
        self.cloud.call(*where, **params)
        raise Crash


@dataclass
class Flow:
    """Pairs of an estate that the sandbox fixture has loaded.

    `roles`: account id -> (role ARN, external id), as the estate declares them. `captured`: pair key -> what readiness captured.
    `reconciler`: technology -> its adapter, or its drill.
    """

    sandbox: Any
    pairs: list[Pair]
    roles: Mapping[str, tuple[str, str | None]]
    captured: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    control_region: str = "us-west-2"
    reconciler: Callable[[str], Adapter] = adapter

    def __post_init__(self) -> None:
        self.clock = SimulatedClock(self.sandbox)
        known = [Account(account, arn, external_id) for account, (arn, external_id) in self.roles.items()]
        self.accounts = Accounts(known, self.control_region, "dr-test", connect_timeout=2, read_timeout=5)
        self.cloud = AwsReader(self.accounts, Breaker(now=self.clock.now))
        self.journal = MemoryJournal()

    def capture(self) -> None:
        """What readiness does while all is well: `captured` for every pair."""
        for pair in self.pairs:
            one = adapter(pair.technology)
            self.captured[pair.key] = one.capture(one.observe(self.cloud, [pair])[pair.key], pair)

    def run(
        self, phase: str, mode: str = "planned", *, cleanup_policy: str = "quarantine", check: bool = False
    ) -> dict[str, Result]:
        """One phase for all pairs with a journal of its own, as a new execution would; pair key -> Result."""
        self.journal = MemoryJournal()
        goals = [
            Goal(pair, mode=mode, cleanup_policy=cleanup_policy, execution_id="dr-test", captured=self.captured.get(pair.key, {}))
            for pair in self.pairs
        ]
        engine = Engine(self.cloud, self.journal, parallelism=8, check_mode=check, clock=self.clock, adapter=self.reconciler)
        return engine.run(phase, goals)

    def one(self, phase: str, mode: str = "planned", **options: Any) -> Result:
        """`run` for the only pair."""
        (result,) = self.run(phase, mode, **options).values()
        return result

    def survive(self, phase: str, mode: str = "planned", runs: int = 12) -> Result:
        """`one`, as an execution whose process dies after every single call and is resumed until it ends."""
        journal, (pair,) = MemoryJournal(), self.pairs
        goal = Goal(pair, mode=mode, execution_id="dr-test", captured=self.captured.get(pair.key, {}))
        for _run in range(runs):
            try:
                engine = Engine(Dying(self.cloud), journal, clock=self.clock, adapter=self.reconciler)
                return engine.run(phase, [goal])[pair.key]
            except Crash:
                continue
        raise AssertionError(f"{phase} does not end")

    def home(self) -> Flow:
        """The same pairs for the way back, in the reverse direction."""
        return Flow(self.sandbox, [pair.reversed() for pair in self.pairs], self.roles, dict(self.captured), self.control_region)

    def mutations(self) -> list[dict[str, Any]]:
        """The estate's mutating calls that the sandbox recorded so far: [{service, operation, region, account, params, …}]."""
        return [call for call in self.sandbox.calls(mutating=True) if call["service"] not in ("sts", "dynamodb", "s3", "sns")]

    def declared(self, technology: str) -> set[str]:
        """Every IAM action the adapter declares."""
        return {action for actions in adapter(technology).actions.values() for action in actions}
