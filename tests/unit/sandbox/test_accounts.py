# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles, external ids, sessions."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.accounts import Accounts
from sandbox.model import AwsError

HUB, SPOKE, OTHER = "100000000000", "200000000001", "200000000002"
ROLE = f"arn:aws:iam::{SPOKE}:role/dr"
ESTATE = [
    {"id": HUB, "management": True},
    {"id": SPOKE, "roles": [{"name": "dr", "external_id": "secret-1", "max_session": 7200}]},
    {"id": OTHER, "roles": [{"name": "dr"}, {"name": "strict", "require_source_identity": True}]},
]


class Call:
    service = "rds"
    protocol = "query"

    def __init__(self, access_key: str, token: str = "") -> None:
        self.access_key, self.token = access_key, token


@pytest.fixture
def accounts() -> Accounts:
    return Accounts(ESTATE, HUB, now=lambda: 0.0)


def request(**changes: Any) -> dict[str, Any]:
    return {"RoleArn": ROLE, "RoleSessionName": "run-1", "ExternalId": "secret-1", **changes}


def test_a_session_belongs_to_the_roles_account_and_remembers_who(accounts: Accounts) -> None:
    who = accounts.assume(accounts.management, request(SourceIdentity="ann"))
    assert (who.account, who.role, who.session, who.source_identity) == (SPOKE, "dr", "run-1", "ann")
    assert who.arn == f"arn:aws:sts::{SPOKE}:assumed-role/dr/run-1"
    assert accounts.identify(Call(who.access_key, who.token)) == who


@pytest.mark.parametrize(
    "changes",
    [{"ExternalId": "secret-2"}, {"ExternalId": None}, {"RoleArn": ROLE + "x"}, {"RoleArn": f"arn:aws:iam::{OTHER}:role/strict"}],
)
def test_what_is_not_allowed_is_denied_as_aws_does(accounts: Accounts, changes: dict[str, Any]) -> None:
    with pytest.raises(AwsError, match="is not authorized to perform: sts:AssumeRole on resource") as denied:
        accounts.assume(accounts.management, request(**changes))
    assert (denied.value.code, denied.value.status) == ("AccessDenied", 403)


def test_roles_trust_the_management_account_alone(accounts: Accounts) -> None:
    spoke = accounts.assume(accounts.management, request())
    with pytest.raises(AwsError, match="not authorized"):
        accounts.assume(spoke, request(RoleArn=f"arn:aws:iam::{OTHER}:role/dr"))


def test_durations_end_at_the_roles_maximum(accounts: Accounts) -> None:
    assert accounts.assume(accounts.management, request(DurationSeconds=7200)).expires == 7200
    with pytest.raises(AwsError, match="MaxSessionDuration"):
        accounts.assume(accounts.management, request(DurationSeconds=7201))


def test_sessions_expire(accounts: Accounts) -> None:
    who = accounts.assume(accounts.management, request(DurationSeconds=900))
    call: Any = Call(who.access_key, who.token)
    accounts.now = lambda: 899.0
    assert accounts.identify(call).account == SPOKE
    accounts.now = lambda: 900.0
    with pytest.raises(AwsError) as expired:
        accounts.identify(call)
    assert expired.value.code == "ExpiredToken"
    call.protocol = "json"
    with pytest.raises(AwsError) as expired:
        accounts.identify(call)
    assert expired.value.code == "ExpiredTokenException"


def test_all_sessions_can_be_ended_at_once(accounts: Accounts) -> None:
    who = accounts.assume(accounts.management, request())
    admin = accounts.admin(SPOKE)
    accounts.now = lambda: 1.0
    assert accounts.expire_all() == 1
    with pytest.raises(AwsError):
        accounts.identify(Call(who.access_key, who.token))
    assert accounts.identify(Call(admin.access_key, admin.token)).admin


@pytest.mark.parametrize(("key", "token"), [("AKIAUNKNOWN", ""), ("AKIASANDBOXMANAGEMNT", "stale")])
def test_unknown_keys_are_refused(accounts: Accounts, key: str, token: str) -> None:
    with pytest.raises(AwsError) as refused:
        accounts.identify(Call(key, token))
    assert (refused.value.code, refused.value.status) == ("InvalidClientTokenId", 403)
