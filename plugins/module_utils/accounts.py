# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways into AWS: sessions per account, clients, what an error means, the circuit breaker, and the adapters' reader.

The only file that imports botocore. Clients are made when they are first asked for, never at import: a connection
that was opened before a fork gives the children each other's answers.
"""

from __future__ import annotations

import functools
import re
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .errors import DrError, InputError
from .model import UNREACHABLE, Unreachable
from .tracing import current

try:
    import botocore
    import botocore.session
    from botocore import exceptions as aws
    from botocore.config import Config
    from botocore.credentials import RefreshableCredentials
    from botocore.loaders import create_loader
    from botocore.parsers import ResponseParserError
    from botocore.regions import EndpointResolver

    HAS_BOTO = True
except ImportError:  # ansible-test imports every file without boto3
    HAS_BOTO = False

#: How often botocore sends a request that only reads.
READ_ATTEMPTS: Final = 2
#: Codes of requests that AWS refused only because there were too many of them.
THROTTLED: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
#: Codes that no repetition cures: the caller may not, or is not who it claims to be.
DENIED: Final = frozenset(
    {
        "AuthFailure",
        "Blocked",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "OptInRequired",
        "PendingVerification",
        "RegionDisabledException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "SubscriptionRequiredException",
        "UnauthorizedException",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_ROLE_ARN: Final = re.compile(r"^arn:aws[a-z-]*:iam::(\d{12}):role/\S+$")
#: Seconds before a session's end at which a call tries to renew it, and at which it must. Botocore uses 15 minutes,
#: as long as the shortest session: every call would assume the role again.
ADVISORY_REFRESH_SECONDS: Final = 240
MANDATORY_REFRESH_SECONDS: Final = 90


@dataclass(frozen=True, slots=True)
class Failure:
    """What an error means. kind: unreachable (no answer: what is there is not known) | throttled | denied | error."""

    kind: str
    code: str
    message: str


class CallError(Exception):
    """A call that AWS refused, or that could not be made. `failure` says how."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.code}: {failure.message}")
        self.failure = failure


def classify(error: BaseException) -> Failure | None:
    """What an exception of a call means; None when it does not come from AWS or the network (a defect)."""
    if isinstance(error, CallError):
        return error.failure
    code, message = type(error).__name__, str(error)
    if HAS_BOTO:
        if isinstance(error, aws.ClientError):
            return _answered(error.response)
        if isinstance(error, (aws.ConnectionError, aws.HTTPClientError, aws.IncompleteReadError, ResponseParserError)):
            return Failure("unreachable", code, message)
        if isinstance(
            error,
            (
                aws.NoCredentialsError,
                aws.PartialCredentialsError,
                aws.CredentialRetrievalError,
                aws.SSOError,
                aws.TokenRetrievalError,
            ),
        ):
            return Failure("denied", code, message)
        if isinstance(error, (aws.BotoCoreError, aws.PaginationError)):
            return Failure("error", code, message)
    if isinstance(error, (ConnectionError, TimeoutError)):
        return Failure("unreachable", code, message)
    return None


def _answered(response: Mapping[str, Any]) -> Failure:
    """The failure of an error answer. A 5xx page says nothing about what is there."""
    detail = response.get("Error", {})
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    code, message = str(detail.get("Code") or f"HTTP {status}"), str(detail.get("Message") or "no message")
    if code in THROTTLED or status == 429:
        return Failure("throttled", code, message)
    if code in DENIED or code.startswith("AccessDenied"):
        return Failure("denied", code, message)
    return Failure("unreachable" if status >= 500 else "error", code, message)


@dataclass(frozen=True, slots=True)
class Account:
    """An account and the role to assume in it.

    Without a role the caller's own credentials are used, and they must be that account's.
    """

    id: str
    role_arn: str | None = None
    external_id: str | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d{12}", self.id):
            raise InputError("accounts.id", self.id, "12 digits, quoted", "correct it in the inventory file")
        if self.role_arn is not None:
            match = _ROLE_ARN.match(self.role_arn)
            if match is None or match[1] != self.id:
                allowed = f"the ARN of a role in account {self.id}"
                raise InputError("accounts.role_arn", self.role_arn, allowed, "correct it in the inventory file")


@functools.cache
def _loader() -> Any:
    """One loader of service models for all sessions: they are large."""
    return create_loader()


class Accounts:
    """Clients per service, account and region. Thread-safe; makes no call until a client is asked for.

    accounts: whom we know. control_region: whose STS endpoint is asked for sessions; never the region being left.
    session_name, source_identity: what CloudTrail will say; the name also stands in the user agent of every call, those with the
    caller's own credentials among them, so that one execution can be followed through all accounts.
    duration_seconds: of a session, renewed in time.
    connect_timeout, read_timeout: seconds.
    """

    def __init__(
        self,
        accounts: Iterable[Account],
        control_region: str,
        session_name: str,
        *,
        source_identity: str | None = None,
        duration_seconds: int = 900,
        connect_timeout: float = 3,
        read_timeout: float = 20,
        max_pool_connections: int = 50,
    ) -> None:
        if not HAS_BOTO:
            raise DrError("boto3 is not installed for Ansible's Python", "python -m pip install boto3")
        self.accounts = {account.id: account for account in accounts}
        self.control_region = control_region
        self.session_name = re.sub(r"[^\w+=,.@-]", "-", session_name, flags=re.ASCII)[:64]
        self.source_identity, self.duration_seconds = source_identity, duration_seconds
        self._config = Config(
            retries={"mode": "standard", "total_max_attempts": READ_ATTEMPTS},
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            max_pool_connections=max_pool_connections,
            user_agent_extra=f"dr.aws/{self.session_name}",
        )
        self._lock, self._caller_lock = threading.Lock(), threading.Lock()
        self._account_locks: dict[str, threading.Lock] = {}
        self._sessions: dict[str, Any] = {}
        self._clients: dict[tuple[str, str, str, int, float | None], Any] = {}
        self._caller: str | None = None
        #: Role ARN -> how it went: "assumed", or the code of the refusal.
        self.assumed: dict[str, str] = {}
        #: How long each role took to be assumed, in seconds.
        self.assume_seconds: list[float] = []

    def client(
        self, service: str, account: str, region: str, *, attempts: int = READ_ATTEMPTS, timeout_seconds: float | None = None
    ) -> Any:
        """A boto3 client. account: a known one, or "" for the caller's own credentials, whatever account they are of.

        attempts: how often botocore sends a request; 1 for what may change something, as an answer that was lost says nothing.
        timeout_seconds: of each attempt, where others than these accounts' hold.
        service: boto3's name, or `name@https://host` for the one endpoint of a cluster (ARC) instead of the region's own.
        Raises CallError when no session can be had: which never means that `region` does not answer.
        """
        key = (service, account, self.region_of(service, region), attempts, timeout_seconds)
        with self._lock:
            found = self._clients.get(key)
        if found is not None:
            return found
        session = self._session(account)
        with self._lock:
            if key not in self._clients:
                waits = {"connect_timeout": timeout_seconds, "read_timeout": timeout_seconds} if timeout_seconds else {}
                config = self._config.merge(Config(retries={"mode": "standard", "total_max_attempts": attempts}, **waits))
                name, _at, endpoint = service.partition("@")
                self._clients[key] = session.create_client(name, region_name=key[2], endpoint_url=endpoint or None, config=config)
            return self._clients[key]

    def control(self, service: str, *, timeout_seconds: float | None = None) -> Any:
        """A client with the caller's own credentials in the control region: where state and evidence live."""
        return self.client(service, "", self.control_region, timeout_seconds=timeout_seconds)

    def caller(self) -> str:
        """The account of the caller's own credentials (one GetCallerIdentity, remembered)."""
        with self._caller_lock:
            if self._caller is None:
                try:
                    self._caller = str(self.control("sts").get_caller_identity()["Account"])
                except Exception as error:
                    raise _no_session(error, f"who is calling, asked in {self.control_region}") from error
            return self._caller

    def forget(self, account: str, client: Any) -> None:
        """Drops an account's session, so that the next client opens a new one; unless `client` is of an older one."""
        with self._lock:
            if any(made is client for key, made in self._clients.items() if key[1] == account):
                self._sessions.pop(account, None)
                self._clients = {key: made for key, made in self._clients.items() if key[1] != account}

    @staticmethod
    def region_of(service: str, region: str) -> str:
        """`region`, or for a global service (route53, iam, …) the one region of its partition that signs."""
        return _home(service, region)

    def _session(self, account: str) -> Any:
        with self._lock:
            lock = self._account_locks.setdefault(account, threading.Lock())
        with lock:  # sessions of different accounts are opened side by side
            with self._lock:
                session = self._sessions.get(account)
            if session is None:
                session = self._open(account)
                with self._lock:
                    self._sessions[account] = session
            return session

    def _open(self, account: str) -> Any:
        session = _new_session()
        known = self.accounts.get(account)
        if account and (known is None or known.role_arn is None):
            own = self.caller()
            if own != account:
                text = f"no role_arn is configured for account {account}; the caller's credentials are of {own}"
                raise CallError(Failure("denied", "NoRoleForAccount", text))
        elif known is not None:
            refresh = functools.partial(self._assume, known)
            session._credentials = RefreshableCredentials.create_from_metadata(
                refresh(),
                refresh_using=refresh,
                method="sts-assume-role",
                advisory_timeout=ADVISORY_REFRESH_SECONDS,
                mandatory_timeout=MANDATORY_REFRESH_SECONDS,
            )
        return session

    def _assume(self, account: Account) -> dict[str, str]:
        wanted: dict[str, Any] = {
            "RoleArn": account.role_arn,
            "RoleSessionName": self.session_name,
            "DurationSeconds": self.duration_seconds,
        }
        if account.external_id is not None:
            wanted["ExternalId"] = account.external_id
        if self.source_identity is not None:
            wanted["SourceIdentity"] = self.source_identity
        began = time.monotonic()
        try:
            answer = self.control("sts").assume_role(**wanted)
            given = _own_session(account, answer)
        except Exception as error:
            failure = classify(error)
            self.assumed[str(account.role_arn)] = failure.code if failure else type(error).__name__
            raise _no_session(error, f"assume role {account.role_arn}, asked in {self.control_region}") from error
        self.assumed[str(account.role_arn)] = "assumed"
        self.assume_seconds.append(time.monotonic() - began)
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }


def _own_session(account: Account, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The credentials of an answer of AssumeRole. CallError when they are of another account than the one that was asked for.

    A deputy that is confused (a proxy, an endpoint of somebody else) must not make us change an account that nobody named.
    """
    arn = str(answer.get("AssumedRoleUser", {}).get("Arn", ""))
    if arn.split(":")[4:5] != [account.id]:
        raise CallError(Failure("denied", "ForeignSession", f"the session that was given is {arn or 'of nobody'}"))
    credentials: Mapping[str, Any] = answer["Credentials"]
    return credentials


def _no_session(error: Exception, what: str) -> Exception:
    """A session that could not be had, said as a CallError; a defect stays what it is."""
    failure = classify(error)
    return error if failure is None else CallError(Failure(failure.kind, failure.code, f"{what}: {failure.message}"))


def _new_session() -> Any:
    session = botocore.session.Session()
    session.register_component("data_loader", _loader())
    session.set_config_variable("sts_regional_endpoints", "regional")  # not even when the environment says legacy
    return session


@functools.cache
def _resolver() -> Any:
    return EndpointResolver(_loader().load_data("endpoints"))


@functools.cache
def _home(service: str, region: str) -> str:
    endpoint = _resolver().construct_endpoint(service.partition("@")[0], region)
    if endpoint and endpoint.get("endpointName") != region and str(endpoint.get("endpointName")).endswith("-global"):
        return str(endpoint.get("credentialScope", {}).get("region", region))
    return region


Key = tuple[str, str, str]


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    opened: float | None = None


class Breaker:
    """Keeps calls from a region that does not answer, so that a wave does not wait for its timeouts one by one.

    threshold: consecutive unreachable calls of one (account, region, service) that open the circuit. open_seconds: how
    long; then one call may try. now: a monotonic clock in seconds.
    """

    def __init__(self, threshold: int = 5, open_seconds: float = 60, now: Callable[[], float] = time.monotonic) -> None:
        self.threshold, self.open_seconds, self.now = threshold, open_seconds, now
        self._circuits: dict[Key, _Circuit] = {}
        self._lock = threading.Lock()

    def allows(self, key: Key) -> bool:
        """Whether a call may be made now. The first after `open_seconds` is the probe; others wait for its answer."""
        with self._lock:
            circuit = self._circuits.get(key)
            if circuit is None or circuit.opened is None:
                return True
            if self.now() - circuit.opened < self.open_seconds:
                return False
            circuit.opened = self.now()
            return True

    def record(self, key: Key, reached: bool) -> None:
        """How a call ended: any answer, even an error, closes the circuit."""
        with self._lock:
            if reached:
                self._circuits.pop(key, None)
                return
            circuit = self._circuits.setdefault(key, _Circuit())
            circuit.failures += 1
            if circuit.failures >= self.threshold:
                circuit.opened = self.now()


@dataclass(frozen=True, slots=True)
class AwsReader:
    """The adapters' `Reader` and the engine's mutating calls, over real clients."""

    accounts: Accounts
    breaker: Breaker = field(default_factory=Breaker)

    def read(
        self, account: str, region: str, service: str, operation: str, /, *, absent: Iterable[str] = (), **params: Any
    ) -> dict[str, Any] | Unreachable | None:
        """See `Reader.read`. Raises CallError for whatever is neither an answer, nor absence, nor silence."""
        answer: dict[str, Any] | Unreachable | None = self._look(
            account, region, service, operation, absent, lambda client: _once(client, operation, params)
        )
        return answer

    def pages(
        self,
        account: str,
        region: str,
        service: str,
        operation: str,
        key: str,
        /,
        *,
        absent: Iterable[str] = (),
        **params: Any,
    ) -> list[dict[str, Any]] | Unreachable | None:
        """See `Reader.pages`. A page that does not come makes all of it UNREACHABLE: half a list is no list."""

        def collect(client: Any) -> list[dict[str, Any]]:
            return [entry for page in _pages(client, operation, params) for entry in page.get(key, ())]

        entries: list[dict[str, Any]] | Unreachable | None = self._look(account, region, service, operation, absent, collect)
        return entries

    def call(self, account: str, region: str, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """One call that may change something: its answer, or CallError. Sent once: the engine decides whether it is repeated."""
        answer: dict[str, Any] = self._send(
            account, region, service, operation, lambda client: _once(client, operation, params), attempts=1
        )
        return answer

    def _look(
        self, account: str, region: str, service: str, operation: str, absent: Iterable[str], send: Callable[[Any], Any]
    ) -> Any:
        gone = frozenset(absent)
        try:
            return self._send(account, region, service, operation, send, absent=gone)
        except CallError as error:
            if error.failure.code in gone:
                return None
            if isinstance(error, _SilenceError):
                return UNREACHABLE
            raise

    def _send(
        self,
        account: str,
        region: str,
        service: str,
        operation: str,
        send: Callable[[Any], Any],
        attempts: int = READ_ATTEMPTS,
        absent: Collection[str] = (),
    ) -> Any:
        """One call, with its span: where it goes and how it ends, never what is sent or answered."""
        place = {"aws__region": self.accounts.region_of(service, region), "aws__account_id": account or None}
        name = service.partition("@")[0]
        span = current().begin(
            f"{name} {operation}", call=True, rpc__system="aws-api", rpc__service=name, rpc__method=operation, **place
        )
        outcome, problem = "failed", "defect"
        try:
            answer = self._attempt(account, region, service, operation, send, attempts)
            outcome, problem = "answered", ""
        except CallError as error:
            code = error.failure.code
            outcome, problem = ("absent", "") if code in absent else (error.failure.kind, code)
            raise
        finally:
            span.end(outcome, problem)
        return answer

    def _attempt(self, account: str, region: str, service: str, operation: str, send: Callable[[Any], Any], attempts: int) -> Any:
        key = (account, self.accounts.region_of(service, region), service)
        if not self.breaker.allows(key):
            raise _SilenceError(Failure("unreachable", "CircuitOpen", f"{service} in {key[1]} did not answer several times"))
        client = self.accounts.client(service, account, region, attempts=attempts)
        if not hasattr(client, operation):
            text = f"botocore {botocore.__version__} has no {service} {operation}. Next: pip install --upgrade boto3"
            raise CallError(Failure("error", "UnknownOperation", text))
        try:
            return self._sent(key, client, send)
        except CallError as error:
            if error.failure.code not in _EXPIRED or account not in self.accounts.accounts:
                raise
        self.accounts.forget(account, client)  # refused because the session ended: it had no effect and may be sent again
        return self._sent(key, self.accounts.client(service, account, region, attempts=attempts), send)

    def _sent(self, key: Key, client: Any, send: Callable[[Any], Any]) -> Any:
        try:
            answer = send(client)
        except CallError:
            raise  # no session: says nothing about this region
        except Exception as error:
            failure = classify(error)
            if failure is None:
                raise
            account, region, service = key
            self.breaker.record(key, reached=failure.kind != "unreachable")
            where = f"{service} in {region}, account {account or 'of the caller'}"
            said = Failure(failure.kind, failure.code, f"{failure.message} ({where})")
            raise (_SilenceError if failure.kind == "unreachable" else CallError)(said) from error
        self.breaker.record(key, reached=True)
        return answer


class _SilenceError(CallError):
    """The region itself did not answer (not: no session could be had)."""


def _once(client: Any, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The answer; of its metadata only AWS's own time, where it is said (`aws_time.told_by`)."""
    answer = dict(getattr(client, operation)(**params))
    date = answer.pop("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return {**answer, "ResponseMetadata": {"HTTPHeaders": {"date": date}}} if date else answer


def _pages(client: Any, operation: str, params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if client.can_paginate(operation):
        yield from client.get_paginator(operation).paginate(**params)
    else:
        yield _once(client, operation, params)
