# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a rule's targets exist, where one describe call tells. Facts: the API references of the targets' services."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..adapters.base import Reader
from ..model import UNREACHABLE, Pair, Unreachable


@dataclass(frozen=True, slots=True)
class Kind:
    """How a target of one service is described. absent: the error codes of one that is not there."""

    client: str
    operation: str
    action: str
    params: Callable[[str], dict[str, str]]
    absent: tuple[str, ...]


def _queue(arn: str) -> dict[str, str]:
    _arn, _partition, _service, _region, account, name = arn.split(":", 5)
    return {"QueueName": name, "QueueOwnerAWSAccountId": account}


#: Service of an ARN -> how it is described.
KINDS: Final[Mapping[str, Kind]] = {
    "lambda": Kind(
        "lambda",
        "get_function_configuration",
        "lambda:GetFunctionConfiguration",
        lambda arn: {"FunctionName": arn},
        ("ResourceNotFoundException",),
    ),
    "sns": Kind(
        "sns", "get_topic_attributes", "sns:GetTopicAttributes", lambda arn: {"TopicArn": arn}, ("NotFound", "NotFoundException")
    ),
    "sqs": Kind(
        "sqs",
        "get_queue_url",
        "sqs:GetQueueUrl",
        _queue,
        ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"),
    ),
    "states": Kind(
        "stepfunctions",
        "describe_state_machine",
        "states:DescribeStateMachine",
        lambda arn: {"stateMachineArn": arn},
        ("StateMachineDoesNotExist",),
    ),
}
#: What `observe` may call.
ACTIONS: Final = tuple(kind.action for kind in KINDS.values())


def observe(reader: Reader, pair: Pair, targets: Iterable[Mapping[str, Any]]) -> Mapping[str, bool | None] | Unreachable:
    """ARN -> whether it exists; None where no call tells: another service, another region or account."""
    found: dict[str, bool | None] = {}
    for arn in sorted({str(one["Arn"]) for one in targets}):
        service, region, account = arn.split(":")[2:5]
        kind = KINDS.get(service)
        if kind is None or (region, account) != (pair.target_region, pair.account):
            found[arn] = None
            continue
        shown = reader.read(account, region, kind.client, kind.operation, absent=kind.absent, **kind.params(arn))
        if isinstance(shown, Unreachable):
            return UNREACHABLE
        found[arn] = shown is not None
    return found
