# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security Token Service: roles that are declared, external ids that are checked, sessions that expire in real time."""

from __future__ import annotations

from typing import Any

from sandbox.gateway import Ctx, op
from sandbox.model import AwsError


@op("sts", "AssumeRole")
def assume_role(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Sessions of declared roles only."""
    caller = ctx.access or ctx.gw.accounts.management
    who = ctx.gw.accounts.assume(caller, params)
    answer: dict[str, Any] = {
        "Credentials": who.credentials(),
        "AssumedRoleUser": {"AssumedRoleId": who.user_id, "Arn": who.arn},
        "PackedPolicySize": 6,
    }
    if who.source_identity:
        answer["SourceIdentity"] = who.source_identity
    return answer


@op("sts", "GetCallerIdentity")
def get_caller_identity(ctx: Ctx, _params: dict[str, Any]) -> dict[str, Any]:
    """Who the key belongs to."""
    who = ctx.access or ctx.gw.accounts.management
    return {"UserId": who.user_id, "Account": who.account, "Arn": who.arn}


@op("sts", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetFederationToken", "GetSessionToken")
def other_sessions(_ctx: Ctx, _params: dict[str, Any]) -> dict[str, Any]:
    """No way round AssumeRole: moto would give keys for any account."""
    raise AwsError("SimulatorNotImplemented", "the sandbox gives sessions by AssumeRole only", 501)
