# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit trail as auditors meet it: audit.yml after a failover, with a planted secret nowhere and a changed object named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moto.backends import get_backend
from playbook import BUCKET, MANAGEMENT, SCOPE, TABLE, Operator, Ran, estate, unfolded

#: Tag, or where else it stands -> what must be found nowhere.
PLANTED = {
    "db-password": "hunter2-in-a-tag",
    "deploy-token": "t0ken-in-a-tag",
    "note": "AKIAIOSFODNN7EXAMPLE",
    "owner": "https://ann:s3cretpw@wiki.acme.example/",
}
SECRETS = ("hunter2-in-a-tag", "t0ken-in-a-tag", "AKIAIOSFODNN7EXAMPLE", "s3cretpw", "leaked-in-an-error")
AUDIT = f"{BUCKET}-audit"


def entries(ran: Ran) -> list[dict[str, Any]]:
    """The JSON that audit.yml prints."""
    _before, _sign, rest = ran.out.partition('"dr_audit.entries": ')
    assert rest, ran.out
    found, _end = json.JSONDecoder().raw_decode(rest)
    return list(found)


def stored(sandbox: Any) -> Iterator[tuple[str, str]]:
    """(where, text) of everything that is stored in, or was sent through, the control plane, also old versions of objects."""
    dynamodb, s3 = (sandbox.client(service) for service in ("dynamodb", "s3"))
    for page in dynamodb.get_paginator("scan").paginate(TableName=TABLE):
        for item in page["Items"]:
            yield f"item {item['PK']['S']} {item['SK']['S']}", json.dumps(item, default=str)
    for bucket in (BUCKET, AUDIT):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for one in page.get("Versions", ()):
                body = s3.get_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])["Body"].read()
                yield f"s3://{bucket}/{one['Key']}", body.decode(errors="replace")
    for call in sandbox.calls(service="sns", operation="Publish"):
        yield f"notification {call['n']}", json.dumps(call["params"], default=str)


def test_a_planted_secret_is_nowhere_and_a_changed_object_is_named(sandbox: Any, operator: Operator) -> None:
    operator.load(estate(database=True, orders={"tags": PLANTED, "peer": {"tags": PLANTED}}))
    screens = [operator.readiness().out, operator.run("plan", **SCOPE, mode="planned").ok().out]
    refusal = {"message": "refused with password=leaked-in-an-error and token: t", "code": "InvalidParameterException"}
    sandbox.fault(match={"service": "ecs", "operation": "UpdateService"}, effect="error", times=1, **refusal)
    first = operator.failover()
    name = first.execution_id
    screens += [first.out] + ([operator.failover(execution_id=name).ok().out] if first.rc else [])
    screens.append(json.dumps(operator.status(name)))

    audited = operator.run("audit", execution_id=name, cloudtrail=True).ok()
    assert f"audit chain verified: {name}" in audited.out
    screens.append(audited.out)
    found = entries(audited)
    caller = found[0]["user_id"]
    assert caller.startswith("arn:aws:") and {one["user_id"] for one in found} == {caller}
    assert {"execution", "resource discovery", "role assumption", "phase transition", "notification"} <= {
        one["operation"] for one in found
    }
    assert f"assumed-role/dr-automation/{name}" in audited.out, "what CloudTrail has of the run's sessions"

    month = next(one for one in stored(sandbox) if "operations-" in one[0])[0].split("#")[1].split()[0]
    outside = entries(operator.run("audit", execution_id=month).ok())
    assert {"control_plane_changed", "resources_captured", "plan_stored"} <= {one["event_type"] for one in outside}
    (planned,) = entries(operator.run("audit", user=caller, event_type="plan_stored").ok())
    assert (planned["user_id"], planned["execution_id"]) == (caller, month)

    everything = [*stored(sandbox), *((f"screen {number}", text) for number, text in enumerate(screens))]
    assert [(where, secret) for where, text in everything for secret in SECRETS if secret in text] == []
    assert any("********" in text for _where, text in everything)
    assert any(where.startswith(f"s3://{AUDIT}/audit/{name}/") for where, _text in everything)

    one = get_backend("s3")[MANAGEMENT]["aws"].buckets[AUDIT].keys[f"audit/{name}/000001.json"]
    one.checksum_algorithm = one.checksum_value = None
    one.value = one.value.replace(caller.encode(), b"arn:aws:iam::100000000000:user/nobody")
    refused = operator.run("audit", execution_id=name)
    refused.refused(f"s3://{AUDIT}/audit/{name}/000001.json was altered", "the audit trail is not whole")
    assert refused.rc == 2
    assert "entry 1 in DynamoDB is not the one in" in unfolded(refused.out)


def test_evidence_that_cannot_be_written_stops_no_recovery(operator: Operator) -> None:
    """The bucket of evidence is not there: the failover completes, says so and records it; readiness writes what is missing."""
    operator.load(estate())
    operator.readiness()
    lacking = operator.written("lacking", control_audit_bucket="dr-evidence-elsewhere")
    ran = operator.failover(inventory=lacking).ok()
    name = ran.execution_id
    assert "are in DynamoDB, but not yet in s3://dr-evidence-elsewhere" in ran.out
    missing = operator.run("audit", inventory=lacking, execution_id=name)
    missing.refused("bucket dr-evidence-elsewhere, for evidence, does not exist. Next: ansible-playbook dr.aws.control_plane")
    operator.run("readiness", inventory=lacking, **SCOPE).ok()
    audited = operator.run("audit", inventory=lacking, execution_id=name).ok()
    assert {"evidence_failed", "execution_completed"} <= {one["event_type"] for one in entries(audited)}
