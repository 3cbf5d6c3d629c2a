# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one seam to Ansible and amazon.aws: what the collection's modules share.

Only amazon.aws's stable core is used (`modules`, `botocore`), so that its releases can be followed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.botocore import get_aws_connection_info
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from .accounts import Account, Accounts, AwsReader, CallError, classify
from .adapters.base import Adapter
from .drills.base import Drill
from .errors import DrError
from .redact import mask
from .run import Control
from .technology import OPTIONS, run

#: amazon.aws's common options, as botocore reads them from the environment.
CREDENTIALS = {
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "aws_session_token": "AWS_SESSION_TOKEN",
    "profile_name": "AWS_PROFILE",
}


def adopt(module: AnsibleAWSModule) -> None:
    """Makes the credentials and the endpoint of amazon.aws's common options those of this process."""
    _region, endpoint_url, arguments = get_aws_connection_info(module)
    given = {name: arguments.get(option) for option, name in CREDENTIALS.items()} | {"AWS_ENDPOINT_URL": endpoint_url}
    os.environ.update({name: value for name, value in given.items() if value})


def technology_module(adapter: Adapter, settings: Mapping[str, Mapping[str, Any]], drill: Drill) -> None:
    """`main` of a technology module: the common options and the technology's own `settings`, one run of the engine, the answer.

    With `drill_id`, the phase is carried out by the technology's `drill`.
    """
    module = AnsibleAWSModule(argument_spec={**OPTIONS, **settings}, supports_check_mode=True)
    params = {**module.params, "settings": {name: module.params[name] for name in settings}}

    def work() -> dict[str, Any]:
        adopt(module)
        given = params["account"]
        known = [Account(given, params["role_arn"], params["external_id"])] if given else []
        accounts = Accounts(known, control_region=params["target_region"], session_name="dr-aws-module")
        # Adapters compare ARNs with the pair's account: the caller's own has to be known by its number.
        account = given or accounts.caller()
        return run(params, drill if params["drill_id"] else adapter, AwsReader(accounts), account, check_mode=module.check_mode)

    answer = guarded(module, work)
    if answer["status"] in ("blocked", "failed"):
        module.fail_json(msg=f"{params['name']}: {answer['why']}. Next: {answer['remedy']}", **answer)
    if answer["status"] == "deferred":
        module.warn(f"{params['name']} is deferred: {answer['why']}")
    module.exit_json(**answer)


def control_module(
    spec: Mapping[str, Mapping[str, Any]], work: Callable[[Control, Mapping[str, Any], bool], dict[str, Any]]
) -> None:
    """`main` of a module that works on the control plane: `work(control, options, check_mode)` gives the answer."""
    module = AnsibleAWSModule(argument_spec={"control": {"type": "dict", "required": True}, **spec}, supports_check_mode=True)
    adopt(module)
    module.exit_json(**guarded(module, lambda: work(Control(module.params["control"]), module.params, module.check_mode)))


def client_module(
    service: str, spec: Mapping[str, Mapping[str, Any]], work: Callable[[Any, Mapping[str, Any], bool], dict[str, Any]]
) -> None:
    """`main` of a module that works on one service, in the region of amazon.aws's options: `work(client, options, check_mode)`."""
    module = AnsibleAWSModule(argument_spec=dict(spec), supports_check_mode=True)
    module.exit_json(**guarded(module, lambda: work(module.client(service), module.params, module.check_mode)))


def guarded(module: AnsibleAWSModule, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `work` gives; its errors end the module with a message for people."""
    try:
        return work()
    except DrError as error:
        module.fail_json(msg=mask(str(error)))
    except CallError as error:
        module.fail_json(msg=mask(f"{error.failure.code}: {error.failure.message}"))
    except Exception as error:
        failure = classify(error)
        if failure is None:
            raise
        again = ". Next: run the same again" if failure.kind in ("unreachable", "throttled") else ""
        module.fail_json(msg=mask(f"{failure.code}: {failure.message}{again}"))
    raise AssertionError("fail_json ends the module")
