# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may call what: accounts, roles and sessions.

Isolation is by the credentials alone, as in AWS. Signatures are not checked.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from .model import AwsError, Call, speaks_json

MANAGEMENT_KEY = "AKIASANDBOXMANAGEMNT"
SECRET = "sandbox"
HOUR = 3600
ADMIN = "sandbox-admin"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose key this is.

    role, session, source_identity: of an assumed role, else empty. expires: real epoch seconds, or None.
    """

    account: str
    arn: str
    user_id: str
    access_key: str
    role: str = ""
    session: str = ""
    source_identity: str = ""
    token: str = ""
    expires: float | None = None

    @property
    def admin(self) -> bool:
        """The sandbox's own sessions, which tests use to look around."""
        return self.role == ADMIN

    def credentials(self) -> dict[str, Any]:
        """As sts answers them."""
        expires = datetime.fromtimestamp(self.expires or 0, UTC)
        return {
            "AccessKeyId": self.access_key,
            "SecretAccessKey": SECRET,
            "SessionToken": self.token,
            "Expiration": expires,
        }


class Accounts:
    """The accounts of an estate. The management account's long-lived key is `management.access_key`.

    now: real time, because products keep their sessions by real time; replaced in tests.
    """

    def __init__(self, accounts: Sequence[Mapping[str, Any]], management: str, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.names = {str(account["id"]): str(account.get("name", account["id"])) for account in accounts}
        self.roles = {
            f"arn:aws:iam::{account['id']}:role/{role['name']}": dict(role)
            for account in accounts
            for role in account.get("roles", ())
        }
        user = f"arn:aws:iam::{management}:user/dr-automation"
        self.management = Identity(management, user, "AIDASANDBOXMANAGEMENT", MANAGEMENT_KEY)
        self._keys: dict[str, Identity] = {self.management.access_key: self.management}

    def identify(self, call: Call) -> Identity:
        """Whose key a call carries. Raises what its service answers to unknown keys and expired sessions."""
        who = self._keys.get(call.access_key)
        if who is None or who.token != call.token:
            code = "UnrecognizedClientException" if speaks_json(call) else "InvalidClientTokenId"
            if call.service == "s3":
                code = "InvalidAccessKeyId"
            raise AwsError(code, "The security token included in the request is invalid.", 403)
        if who.expires is not None and who.expires <= self.now():
            code = "ExpiredTokenException" if speaks_json(call) else "ExpiredToken"
            status = 400 if call.service == "s3" else 403
            raise AwsError(code, "The security token included in the request is expired", status)
        return who

    def assume(self, caller: Identity, request: Mapping[str, Any]) -> Identity:
        """A session of a declared role; AccessDenied, or ValidationError for the duration, as STS answers.

        request: the parameters of AssumeRole.
        """
        role_arn, source_identity = request["RoleArn"], request.get("SourceIdentity")
        role = self.roles.get(role_arn)
        denied = AwsError(
            "AccessDenied",
            f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
            403,
        )
        if role is None or caller.account not in role.get("trusts", [self.management.account]):
            raise denied
        if role.get("external_id") is not None and role["external_id"] != request.get("ExternalId"):
            raise denied
        if role.get("require_source_identity") and not (source_identity or caller.source_identity):
            raise denied
        if caller.source_identity and source_identity not in (None, caller.source_identity):
            raise denied  # a source identity, once set, survives chaining and cannot be changed
        seconds = request.get("DurationSeconds", HOUR)
        if seconds > role.get("max_session", HOUR):
            raise AwsError("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        if caller.role and seconds > HOUR:
            text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
            raise AwsError("ValidationError", text)
        name = role_arn.rsplit("/", 1)[-1]
        return self.open(
            role_arn.split(":")[4], name, request["RoleSessionName"], seconds, source_identity or caller.source_identity
        )

    def open(self, account: str, role: str, session: str, seconds: int, source_identity: str = "") -> Identity:
        """A new session, without any check."""
        who = Identity(
            account=account,
            arn=f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
            user_id=f"AROA{account}{abs(hash(role)) % 10**5:05d}:{session}",
            access_key="ASIA" + secrets.token_hex(8).upper(),
            role=role,
            session=session,
            source_identity=source_identity or "",
            token=secrets.token_hex(32),
            expires=self.now() + seconds,
        )
        self._keys[who.access_key] = who
        return who

    def admin(self, account: str) -> Identity:
        """A session of ours in any declared account."""
        if account not in self.names:
            raise KeyError(f"account {account} is not in the estate: {', '.join(sorted(self.names))}")
        return self.open(account, ADMIN, "tests", 12 * HOUR)

    def expire_all(self) -> int:
        """End every session now, ours excepted. Gives how many."""
        ended = [who for who in self._keys.values() if who.expires is not None and not who.admin]
        for who in ended:
            self._keys[who.access_key] = replace(who, expires=0.0)
        return len(ended)
