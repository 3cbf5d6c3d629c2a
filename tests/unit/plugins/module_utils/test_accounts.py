# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What errors mean, when the breaker opens, how often a role is assumed: no network."""

from __future__ import annotations

import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

from ansible_collections.dr.aws.plugins.module_utils.accounts import (
    READ_ATTEMPTS,
    Account,
    Accounts,
    AwsReader,
    Breaker,
    CallError,
    Failure,
    classify,
)
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE

SHOP = "200000000001"
ROLE = f"arn:aws:iam::{SHOP}:role/dr"
KEY = (SHOP, "us-east-1", "rds")


def answered(code: str, status: int = 400) -> aws.ClientError:
    response: Any = {"Error": {"Code": code, "Message": "said"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return aws.ClientError(response, "DescribeDBInstances")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (aws.ConnectTimeoutError(endpoint_url="https://x"), "unreachable"),
        (aws.ReadTimeoutError(endpoint_url="https://x"), "unreachable"),
        (aws.EndpointConnectionError(endpoint_url="https://x"), "unreachable"),
        (aws.ConnectionClosedError(endpoint_url="https://x"), "unreachable"),
        (aws.SSLError(endpoint_url="https://x", error="broken"), "unreachable"),
        (ResponseParserError("an HTML page"), "unreachable"),
        (ConnectionResetError("reset"), "unreachable"),
        (TimeoutError("slow"), "unreachable"),
        (answered("InternalFailure", 500), "unreachable"),
        (answered("ServiceUnavailable", 503), "unreachable"),
        (answered("", 502), "unreachable"),
        (answered("SlowDown", 503), "throttled"),
        (answered("RequestLimitExceeded", 503), "throttled"),
        (answered("ThrottlingException"), "throttled"),
        (answered("Throttling"), "throttled"),
        (answered("ThrottledException"), "throttled"),
        (answered("TooManyRequestsException", 429), "throttled"),
        (answered("ProvisionedThroughputExceededException"), "throttled"),
        (answered("PriorRequestNotComplete"), "throttled"),
        (answered("SomethingNew", 429), "throttled"),
        (answered("AccessDenied", 403), "denied"),
        (answered("AccessDeniedException", 400), "denied"),
        (answered("UnauthorizedOperation", 403), "denied"),
        (answered("ExpiredToken", 403), "denied"),
        (answered("ExpiredTokenException"), "denied"),
        (answered("InvalidClientTokenId", 403), "denied"),
        (answered("UnrecognizedClientException"), "denied"),
        (answered("SignatureDoesNotMatch", 403), "denied"),
        (answered("OptInRequired", 403), "denied"),
        (aws.NoCredentialsError(), "denied"),
        (answered("DBInstanceNotFound", 404), "error"),
        (answered("InvalidDBInstanceState"), "error"),
        (aws.ParamValidationError(report="no such parameter"), "error"),
        (CallError(Failure("denied", "AccessDenied", "no")), "denied"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{type(value).__name__}-{value}"[:60],
)
def test_an_error_is_classified_by_what_it_says_about_the_region(error: Exception, kind: str) -> None:
    failure = classify(error)
    assert failure is not None and failure.kind == kind


def test_a_defect_is_no_failure_of_aws() -> None:
    assert classify(KeyError("x")) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "1234"},
        {"id": SHOP, "role_arn": "arn:aws:iam::999999999999:role/dr"},
        {"id": SHOP, "role_arn": "dr-automation"},
    ],
)
def test_an_account_that_cannot_be_is_refused_with_its_field(fields: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"accounts\.(id|role_arn)"):
        Account(**fields)


@pytest.mark.parametrize(
    ("service", "region", "home"),
    [
        ("route53", "us-west-2", "us-east-1"),
        ("iam", "eu-west-1", "us-east-1"),
        ("route53", "cn-north-1", "cn-northwest-1"),
        ("rds", "eu-west-1", "eu-west-1"),
        ("sts", "eu-west-1", "eu-west-1"),
        ("s3", "us-east-1", "us-east-1"),
    ],
)
def test_a_global_service_has_the_region_of_its_partition(service: str, region: str, home: str) -> None:
    assert Accounts.region_of(service, region) == home


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at


def test_the_breaker_opens_after_five_and_lets_one_probe_through_after_a_minute() -> None:
    time = Time()
    breaker = Breaker(now=time.now)
    for _attempt in range(4):
        breaker.record(KEY, reached=False)
    assert breaker.allows(KEY)
    breaker.record(KEY, reached=False)
    assert not breaker.allows(KEY)
    assert breaker.allows((SHOP, "us-west-2", "rds")) and breaker.allows((SHOP, "us-east-1", "ecs"))
    time.at = 60
    assert breaker.allows(KEY) and not breaker.allows(KEY)
    breaker.record(KEY, reached=False)
    assert not breaker.allows(KEY)
    time.at = 120
    assert breaker.allows(KEY)
    breaker.record(KEY, reached=True)
    assert breaker.allows(KEY) and breaker.allows(KEY)


def test_an_answer_starts_the_breakers_count_anew() -> None:
    breaker = Breaker(now=Time().now)
    for reached in (False, False, False, False, True, False, False, False, False):
        breaker.record(KEY, reached=reached)
    assert breaker.allows(KEY)


class Client:
    """What boto3's client would answer, call by call."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[dict[str, Any]] = []

    def describe(self, **params: Any) -> Any:
        self.calls.append(params)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def can_paginate(self, operation: str) -> bool:
        return operation == "describe"

    def get_paginator(self, operation: str) -> Any:
        return self

    def paginate(self, **params: Any) -> Any:
        while self.answers:
            yield self.describe(**params)


class Known(Accounts):
    """Accounts whose clients are given. sessions: clients in the order of the sessions that are opened."""

    def __init__(self, *sessions: Any) -> None:
        super().__init__([Account(SHOP, ROLE)], "us-west-2", "test")
        self.waiting = list(sessions)
        self.current: Any = None

    def client(self, service: str, account: str, region: str, *, attempts: int = READ_ATTEMPTS) -> Any:
        if self.current is None:
            self.current = self.waiting.pop(0)
        if isinstance(self.current, Exception):
            raise self.current
        return self.current

    def forget(self, account: str, client: Any) -> None:
        assert client is self.current
        self.current = None


def reader(*sessions: Any, breaker: Breaker | None = None) -> AwsReader:
    return AwsReader(Known(*sessions), breaker or Breaker(now=Time().now))


@pytest.mark.parametrize("date", [{}, {"date": "Sat, 28 Nov 2026 18:00:00 GMT"}])
def test_an_answer_comes_without_its_metadata_but_with_awss_own_time(date: dict[str, str]) -> None:
    client = Client({"DBInstances": [1], "ResponseMetadata": {"RequestId": "1", "HTTPHeaders": {"server": "x", **date}}})
    told = {"ResponseMetadata": {"HTTPHeaders": date}} if date else {}
    assert reader(client).read(SHOP, "us-east-1", "rds", "describe", Filter="x") == {"DBInstances": [1], **told}
    assert client.calls == [{"Filter": "x"}]


def test_absent_unreachable_and_denied_are_three_different_things() -> None:
    client = Client(answered("DBInstanceNotFound", 404), answered("InternalFailure", 500), answered("AccessDenied", 403))
    aws_reader = reader(client)
    assert aws_reader.read(SHOP, "us-east-1", "rds", "describe", absent=("DBInstanceNotFound",)) is None
    assert aws_reader.read(SHOP, "us-east-1", "rds", "describe", absent=("DBInstanceNotFound",)) is UNREACHABLE
    with pytest.raises(CallError, match="AccessDenied: said \\(rds in us-east-1, account 200000000001\\)"):
        aws_reader.read(SHOP, "us-east-1", "rds", "describe", absent=("DBInstanceNotFound",))


def test_pages_are_collected_and_half_a_list_is_no_list() -> None:
    assert reader(Client({"Items": [1, 2]}, {"Items": [3]}, {})).pages(SHOP, "us-east-1", "rds", "describe", "Items") == [1, 2, 3]
    broken = Client({"Items": [1, 2]}, aws.ReadTimeoutError(endpoint_url="https://x"))
    assert reader(broken).pages(SHOP, "us-east-1", "rds", "describe", "Items") is UNREACHABLE


def test_an_operation_that_this_botocore_lacks_is_named() -> None:
    with pytest.raises(CallError, match=r"no rds future_thing\. Next: pip install"):
        reader(Client()).call(SHOP, "us-east-1", "rds", "future_thing")


def test_an_open_breaker_answers_for_the_region() -> None:
    client = Client(*[aws.ConnectTimeoutError(endpoint_url="https://x")] * 5)
    aws_reader = reader(client)
    for _attempt in range(6):
        assert aws_reader.read(SHOP, "us-east-1", "rds", "describe") is UNREACHABLE
    assert len(client.calls) == 5
    with pytest.raises(CallError, match="CircuitOpen") as raised:
        aws_reader.call(SHOP, "us-east-1", "rds", "describe")
    assert raised.value.failure.kind == "unreachable"


def test_a_session_that_cannot_be_had_never_makes_the_region_unreachable() -> None:
    silent = CallError(Failure("unreachable", "ConnectTimeoutError", "assume role, asked in us-west-2"))
    with pytest.raises(CallError, match="assume role"):
        reader(silent).read(SHOP, "us-east-1", "rds", "describe")


def test_a_call_with_an_ended_session_is_sent_again_with_a_new_one_once() -> None:
    first, second = Client(answered("ExpiredToken", 403)), Client({"Items": []})
    assert reader(first, second).call(SHOP, "us-east-1", "rds", "describe") == {"Items": []}
    still = [Client(answered("ExpiredToken", 403)), Client(answered("ExpiredToken", 403))]
    with pytest.raises(CallError, match="ExpiredToken"):
        reader(*still).call(SHOP, "us-east-1", "rds", "describe")


class Sts:
    """Gives sessions of 900 seconds and counts them. account: whose sessions it gives; None: of whoever is asked for."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.account: str | None = None
        self.now = lambda: datetime.now(UTC)
        self.lock = threading.Lock()

    def assume_role(self, **params: Any) -> dict[str, Any]:
        with self.lock:
            self.asked.append(params)
        ends = self.now() + timedelta(seconds=params["DurationSeconds"])
        account = params["RoleArn"].split(":")[4] if self.account is None else self.account
        who = {"AssumedRoleUser": {"Arn": f"arn:aws:sts::{account}:assumed-role/dr/x"}} if account else {}
        return {**who, "Credentials": {"AccessKeyId": "A", "SecretAccessKey": "S", "SessionToken": "T", "Expiration": ends}}

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "100000000000"}


class Sessions(Accounts):
    """Real sessions and clients over a false STS."""

    def __init__(self, *accounts: Account, **options: Any) -> None:
        super().__init__(accounts, "us-west-2", "dr 2026/11", **options)
        self.sts = Sts()

    def control(self, service: str) -> Any:
        return self.sts


def test_a_session_of_900_seconds_is_opened_once_however_often_it_signs() -> None:
    accounts = Sessions(Account(SHOP, ROLE, "secret-1"), source_identity="ann")
    signer = accounts.client("rds", SHOP, "us-east-1")._request_signer
    for _attempt in range(50):
        assert signer._credentials.get_frozen_credentials().access_key == "A"
    assert accounts.sts.asked == [
        {
            "RoleArn": ROLE,
            "RoleSessionName": "dr-2026-11",
            "DurationSeconds": 900,
            "ExternalId": "secret-1",
            "SourceIdentity": "ann",
        }
    ]


@pytest.mark.parametrize("account", ["999999999999", ""], ids=["somebody else's", "nobody's"])
def test_a_session_of_another_account_is_never_used(account: str) -> None:
    accounts = Sessions(Account(SHOP, ROLE))
    accounts.sts.account = account
    with pytest.raises(CallError, match=f"ForeignSession: assume role {ROLE}, asked in us-west-2") as raised:
        accounts.client("sqs", SHOP, "us-east-1")
    assert raised.value.failure.kind == "denied"
    assert accounts.assumed == {ROLE: "ForeignSession"}


@pytest.mark.parametrize(("session", "said"), [("dr-20261128T163000Z-7f3a9c",) * 2, ("dr jänner\r\n", "dr-j-nner--")])
def test_the_session_stands_in_the_user_agent_of_every_call(session: str, said: str) -> None:
    accounts = Accounts([], "us-west-2", session)
    assert accounts.control("sqs").meta.config.user_agent_extra == f"dr.aws/{said}"


def test_tls_1_2_is_the_least_that_clients_speak() -> None:
    http = Accounts([], "us-west-2", "test").control("sqs")._endpoint.http_session
    assert http._manager.connection_pool_kw["ssl_context"].minimum_version >= ssl.TLSVersion.TLSv1_2


def test_sessions_of_900_seconds_last_through_an_hour_of_waiting() -> None:
    """One look every 15 s: a session is renewed before it ends, no look finds one that has less than 90 s left."""
    time = [datetime.now(UTC)]
    accounts = Sessions(Account(SHOP, ROLE))
    accounts.sts.now = lambda: time[0]
    credentials = accounts.client("rds", SHOP, "us-east-1")._request_signer._credentials
    credentials._time_fetcher = lambda: time[0]
    for _look in range(3600 // 15):
        time[0] += timedelta(seconds=15)
        assert credentials.get_frozen_credentials().token == "T"
        assert credentials._seconds_remaining() > 90
    assert 3600 // 900 < len(accounts.sts.asked) <= 3600 // (900 - 240) + 1


def test_a_renewal_that_fails_early_is_tried_again_and_one_that_fails_late_is_said() -> None:
    time = [datetime.now(UTC)]
    accounts = Sessions(Account(SHOP, ROLE))
    accounts.sts.now = lambda: time[0]
    credentials = accounts.client("rds", SHOP, "us-east-1")._request_signer._credentials
    credentials._time_fetcher = lambda: time[0]
    accounts.sts.account = "999999999999"  # from now on STS gives sessions of somebody else
    time[0] += timedelta(seconds=900 - 200)
    assert credentials.get_frozen_credentials().token == "T", "the old one is still good"
    time[0] += timedelta(seconds=150)
    with pytest.raises(CallError, match="ForeignSession"):
        credentials.get_frozen_credentials()


def test_threads_share_one_session_and_one_client() -> None:
    accounts = Sessions(Account(SHOP, ROLE))
    with ThreadPoolExecutor(8) as pool:
        clients = list(pool.map(lambda _index: accounts.client("sqs", SHOP, "us-east-1"), range(16)))
    assert len({id(client) for client in clients}) == 1
    assert len(accounts.sts.asked) == 1


def test_a_forgotten_session_is_opened_anew_but_not_for_a_client_of_an_older_one() -> None:
    accounts = Sessions(Account(SHOP, ROLE))
    old = accounts.client("sqs", SHOP, "us-east-1")
    accounts.forget(SHOP, old)
    new = accounts.client("sqs", SHOP, "us-east-1")
    accounts.forget(SHOP, old)
    assert accounts.client("sqs", SHOP, "us-east-1") is new is not old
    assert len(accounts.sts.asked) == 2


def test_an_account_without_a_role_must_be_the_callers_own() -> None:
    accounts = Sessions(Account(SHOP), Account("100000000000"))
    assert accounts.client("sqs", "100000000000", "us-east-1").meta.region_name == "us-east-1"
    with pytest.raises(CallError, match=f"no role_arn is configured for account {SHOP}"):
        accounts.client("sqs", SHOP, "us-east-1")
    with pytest.raises(CallError, match="NoRoleForAccount"):
        accounts.client("sqs", "300000000000", "us-east-1")


def test_sessions_come_from_the_control_regions_endpoint_even_when_the_environment_says_legacy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    accounts = Accounts([], "us-west-2", "test")
    assert accounts.control("sts").meta.endpoint_url == "https://sts.us-west-2.amazonaws.com"
