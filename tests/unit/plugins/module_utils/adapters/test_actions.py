# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The permissions that adapters declare are actions as IAM writes them: prefix and operation as botocore's models have them."""

from __future__ import annotations

from functools import cache

import botocore.session
import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters import ADAPTERS, adapter

#: IAM's prefix -> botocore's service, where they differ.
SERVICES = {"elasticfilesystem": "efs", "elasticloadbalancing": "elbv2", "es": "opensearch"}
#: Operations whose permission has another name (Service Authorization Reference).
RENAMED = {("lambda", "Invoke"): "InvokeFunction"}
PARTS = frozenset({"observe", "health", "rollback", "instantiate", "activate", "cleanup", "replicate"})
READS = ("Describe", "Get", "List")


@cache
def known(prefix: str) -> set[str]:
    """The actions of a prefix, by its service's operations; none for a prefix that there is not."""
    service = SERVICES.get(prefix, prefix)
    if service not in _session().get_available_services():
        return set()
    return {RENAMED.get((prefix, name), name) for name in _session().get_service_model(service).operation_names}


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@pytest.mark.parametrize("technology", ADAPTERS)
def test_declared_actions_exist(technology: str) -> None:
    declared = adapter(technology).actions
    assert set(declared) <= PARTS
    assert set(adapter(technology).phases) <= set(declared)
    for part, actions in declared.items():
        assert len(actions) == len(set(actions)), part
        for action in actions:
            prefix, colon, operation = action.partition(":")
            assert (colon, operation in known(prefix)) == (":", True), f"{action} of {part} is no action of IAM"


@pytest.mark.parametrize("technology", ADAPTERS)
def test_looking_needs_no_permission_to_change_anything(technology: str) -> None:
    looks = adapter(technology).actions["observe"]
    assert [action for action in looks if not action.partition(":")[2].startswith(READS)] == []
