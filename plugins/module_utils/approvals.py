# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals: asked for with a random token, decided by as many people as are needed, never implied.

Only the token's sha256 is stored. An approval binds to the plan's hash and to one execution and gate, and ends with its timeout.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .audit import Note
from .dynamo import RefusedError, utc
from .errors import DrError, InputError
from .store import ATTEMPTS, Store, shown

DECISIONS: Final = ("approve", "reject")
STATES: Final = ("pending", "approved", "rejected", "timed_out")
#: FR-2.3: a token is valid for thirty minutes.
TIMEOUT_SECONDS: Final = 1800


class ApprovalRefusedError(DrError):
    """A decision that does not count."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request for approval as its asker sees it. token: shown to people once, stored nowhere."""

    execution_id: str
    gate: str
    number: int
    token: str
    plan_sha256: str
    timeout_at: str

    @property
    def sort_key(self) -> str:
        """Under which it is stored."""
        return f"APPR#{self.gate}#{self.number:04d}"


class Approvals:
    """Requests and decisions of executions in the store. new_token: random text, hard to guess."""

    def __init__(self, store: Store, new_token: Callable[[], str] = lambda: secrets.token_urlsafe(24)) -> None:
        self.store, self.new_token = store, new_token

    def request(
        self,
        execution_id: str,
        gate: str,
        plan_sha256: str,
        *,
        timeout_seconds: int = TIMEOUT_SECONDS,
        requester: str = "",
        separate_approver: bool = False,
        needed: int = 1,
        detail: Mapping[str, Any] | None = None,
        promised_sha256: str = "",
    ) -> Request:
        """Asks; an earlier request for the same gate ends with it.

        separate_approver: whoever asks may not approve. needed: how many people must approve; one who rejects is enough. detail:
        JSON values that help to decide (a checklist). promised_sha256: of a token that was given out before (`promise`).
        """
        now, token = self.store.clock(), self.new_token()
        before = list(self.store.table.query(_pk(execution_id), f"APPR#{gate}#"))
        for item in before:
            if item["state"] == "pending":  # its asker is gone: nobody would see a decision on it
                with contextlib.suppress(RefusedError):
                    self._close(item, "timed_out", "")
        request = Request(execution_id, gate, len(before) + 1, token, plan_sha256, utc(now + timeout_seconds))
        item = {
            "PK": _pk(execution_id),
            "SK": request.sort_key,
            "execution_id": execution_id,
            "gate": gate,
            "number": request.number,
            "state": "pending",
            "token_sha256": _digest(token),
            "promised_sha256": promised_sha256,
            "plan_sha256": plan_sha256,
            "requester": requester,
            "separate_approver": separate_approver,
            "requested_at": utc(now),
            "timeout_at": request.timeout_at,
            "timeout_epoch": now + timeout_seconds,
            "needed": needed,
            "approvals": [],
            "approver": None,
            "decided_at": None,
            "detail": dict(detail or {}),
            "expires_at": self.store.expiry(),
        }
        asked = {"gate": gate, "plan_sha256": plan_sha256, "timeout_at": item["timeout_at"], "needed": needed}
        told = Note("approval_requested", requester, asked)
        try:
            self.store.write(execution_id, {"Put": self.store.table.putting(item, new=True)}, told)
        except RefusedError as refused:
            text = f"execution {execution_id} is asking for approval of {gate} from another process"
            raise DrError(text, f"ansible-playbook dr.aws.status -e execution_id={execution_id}") from refused
        return request

    def promise(self, item: Mapping[str, Any]) -> str:
        """A further token, besides the one that people were sent: for a stored request for approval, or for a stored pause that
        will ask for one. The last one that was given counts. RefusedError when the item is not as it was read any more."""
        token = self.new_token()
        assign, state = {"promised_sha256": _digest(token)}, {"state": item["state"]}
        self.store.table.update(item["PK"], item["SK"], assign, condition="#state = :state", values=state)
        return token

    def of(self, execution_id: str) -> list[dict[str, Any]]:
        """All requests of an execution, as they are stored."""
        return list(self.store.table.query(_pk(execution_id), "APPR#"))

    def given(self, execution_id: str, gate: str, plan_sha256: str) -> bool:
        """Whether a gate was approved for this plan."""
        approvals = self.of(execution_id)
        return any((one["gate"], one["plan_sha256"], one["state"]) == (gate, plan_sha256, "approved") for one in approvals)

    def overdue(self, item: Mapping[str, Any]) -> bool:
        """Whether a stored request is past its timeout: a decision on it is refused from then on."""
        return bool(item["timeout_epoch"] <= self.store.clock())

    def end(self, item: Mapping[str, Any], actor: str = "") -> dict[str, Any]:
        """Marks a stored request as timed out, with its audit entry. RefusedError when it is not pending any more."""
        told = {"gate": item["gate"], "timeout_at": item["timeout_at"]}
        return self._close(item, "timed_out", "", told=Note("approval_timed_out", actor, told))

    def state(self, request: Request) -> dict[str, Any]:
        """How a request stands: {state: pending | approved | rejected | timed_out, approver, decided_at, gate, timeout_at, …}.

        approvals: those so far, [{approver, at, comment}]. approver: all of them, or who rejected, once it is decided.
        A request that is past its timeout is marked as timed out here, so that no late decision can count.
        """
        item = self.store.table.get(_pk(request.execution_id), request.sort_key)
        if item is None:
            text = f"the approval of {request.gate} in execution {request.execution_id} is gone"
            raise DrError(text, f"ansible-playbook dr.aws.failover -e execution_id={request.execution_id}")
        if item["state"] == "pending" and self.overdue(item):
            try:
                item = self.end(item)
            except RefusedError as refused:
                item = dict(refused.item)
        return shown(item)

    def decide(
        self,
        execution_id: str,
        token: str,
        decision: str,
        approver: str,
        *,
        plan_sha256: str | None = None,
        comment: str = "",
    ) -> dict[str, Any]:
        """Records a decision, once for each person. ApprovalRefusedError: a wrong, foreign, expired or used token, a changed plan,
        an approver who may not, or has approved before. plan_sha256: of the plan that the approver has seen, compared when given.

        Gives the approval: it is pending until as many have approved as are needed.
        """
        if decision not in DECISIONS:
            raise InputError("decision", decision, " or ".join(DECISIONS), "-e decision=approve, or -e decision=reject")
        if not str(approver or "").strip():
            raise InputError("approver", approver, "who decides, by STS", "run it with credentials of your own")
        status = f"ansible-playbook dr.aws.status -e execution_id={execution_id}"
        execution = self.store.get_execution(execution_id)
        execution_id = execution["execution_id"]
        digest = _digest(str(token or ""))
        found = [item for item in self.of(execution_id) if _opens(item, digest)]
        if not found:
            raise ApprovalRefusedError(f"the token is not one of execution {execution_id}", f"{status} names what it waits for")
        item = found[0]
        if item["state"] != "pending":
            who = f" by {item['approver']} at {item['decided_at']}" if item["approver"] else ""
            raise ApprovalRefusedError(f"the approval of {item['gate']} is {item['state']} already{who}", status)
        if execution["status"] in ("COMPLETED", "CANCELLED"):
            raise ApprovalRefusedError(
                f"execution {execution_id} is {execution['status']}: nothing waits for {item['gate']} any more", status
            )
        if self.overdue(item):
            resume = f"ansible-playbook dr.aws.{execution.get('operation', 'failover')} -e execution_id={execution_id}"
            raise ApprovalRefusedError(f"the approval of {item['gate']} timed out at {item['timeout_at']}", f"{resume} asks again")
        seen = plan_sha256 or item["plan_sha256"]
        if not seen == item["plan_sha256"] == execution.get("plan_sha256"):
            text = f"the approval of {item['gate']} is for plan {item['plan_sha256'][:12]}, not for plan "
            other = seen if seen != item["plan_sha256"] else str(execution.get("plan_sha256"))
            raise ApprovalRefusedError(text + other[:12], status)
        if item["separate_approver"] and decision == "approve" and approver == item["requester"]:
            raise ApprovalRefusedError(f"{approver} asked for this approval and may not give it", "let somebody else approve")
        if decision == "approve":
            decided = self._approve(item, approver, comment, status)
        else:
            try:
                decided = self._close(item, "rejected", approver, told=_decided(item, "approval_rejected", approver, comment))
            except RefusedError as refused:
                raise _late(refused, status) from refused
        shows = ("execution_id", "gate", "state", "approver", "decided_at", "plan_sha256", "needed", "approvals")
        return {name: decided[name] for name in shows}

    def _approve(self, item: Mapping[str, Any], approver: str, comment: str, status: str) -> dict[str, Any]:
        """Adds one approval; with the last that is needed the request is approved."""
        for _attempt in range(ATTEMPTS):
            given = item["approvals"]
            if any(one["approver"] == approver for one in given):
                left = item["needed"] - len(given)
                text = f"{approver} has approved {item['gate']} already; {left} more must come from others"
                raise ApprovalRefusedError(text, "let somebody else approve")
            approvals = [*given, {"approver": approver, "at": utc(self.store.clock()), "comment": comment}]
            enough = len(approvals) >= item["needed"]
            everybody = ", ".join(one["approver"] for one in approvals)
            state, who = ("approved", everybody) if enough else ("pending", "")
            told = _decided(item, "approval_approved" if enough else "approval_given", approver, comment)
            try:
                return self._close(item, state, who, approvals, told)
            except RefusedError as refused:
                if refused.item.get("state") != "pending" or refused.item["timeout_epoch"] <= self.store.clock():
                    raise _late(refused, status) from refused
                item = refused.item  # somebody else approved at this moment
        raise DrError(f"{ATTEMPTS} others decided on {item['gate']} first", "run the same command again")

    def _close(
        self,
        item: Mapping[str, Any],
        state: str,
        approver: str,
        approvals: Sequence[Mapping[str, Any]] | None = None,
        told: Note | None = None,
    ) -> dict[str, Any]:
        """Pending to another state, on the condition that it is pending, and as it was read where approvals are added.

        told: the audit entry, all is written or nothing. RefusedError otherwise, and for a late decision.
        """
        now = self.store.clock()
        condition, values = "#state = :pending", dict[str, Any](pending="pending")
        if state != "timed_out":
            condition, values = f"{condition} AND #timeout_epoch > :now", {**values, "now": now}
        assign: dict[str, Any] = {"state": state, "approver": approver or None}
        assign["decided_at"] = None if state == "pending" else utc(now)
        if approvals is not None:
            condition, values = f"{condition} AND #approvals = :before", {**values, "before": list(item["approvals"])}
            assign["approvals"] = list(approvals)
        change = self.store.table.updating(item["PK"], item["SK"], assign, condition=condition, values=values)
        self.store.write(item["execution_id"], {"Update": change}, *([told] if told else ()))
        return {**item, **assign}


def _decided(item: Mapping[str, Any], event: str, approver: str, comment: str) -> Note:
    """What the trail says of a decision."""
    return Note(event, approver, {"gate": item["gate"], "plan_sha256": item["plan_sha256"], "comment": comment})


def _late(refused: RefusedError, status: str) -> ApprovalRefusedError:
    text = f"the approval of {refused.item.get('gate', 'this gate')} is {refused.item.get('state', 'gone')} already"
    return ApprovalRefusedError(text, status)


def commands(execution_id: str, token: str) -> dict[str, str]:
    """Command lines that are ready to run: {"approve": …, "reject": …}."""
    line = f"ansible-playbook dr.aws.approve -e execution_id={execution_id} -e token={token} -e decision="
    return {decision: line + decision for decision in DECISIONS}


def _pk(execution_id: str) -> str:
    return f"EXEC#{execution_id}"


def _opens(item: Mapping[str, Any], digest: str) -> bool:
    """Whether a token is one of a request's. Both are compared: how long it takes says nothing."""
    own = hmac.compare_digest(item["token_sha256"], digest)
    return hmac.compare_digest(item.get("promised_sha256") or "", digest) or own


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
