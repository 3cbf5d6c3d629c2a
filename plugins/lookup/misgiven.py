# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the names of what was given on the command line: Ansible itself takes any variable and says nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
name: misgiven
short_description: What was given to a playbook under a wrong name
version_added: 0.1.0
description:
  - Names extra variables that are none of the parameters of a playbook but nearly one, parameters that are missing, and a value
    that was cut off at a space.
  - Other extra variables are left alone; hooks and inventories have their own. Values are not shown.
options:
  _terms:
    description: The parameters of the playbook.
    required: true
  required:
    description: Those without which it cannot begin, wherever they are set.
    type: list
    elements: str
    default: []
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: Refuse what is misspelt
  ansible.builtin.assert:
    that: problems == []
    fail_msg: "{{ problems | join('; ') }}"
  vars:
    problems: "{{ query('dr.aws.misgiven', 'execution_id', 'reason', required=['execution_id']) }}"
"""

RETURN = r"""
_list:
  description: A sentence for each problem. Empty when there is none.
  type: list
  elements: str
  sample: ["mod is no parameter of this playbook; allowed: customer, mode. Next: -e mode=…"]
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import load_extra_vars

#: Where Ansible puts words of `-e` that have no `=`.
RAW = "_raw_params"
#: Names that are longer may differ by two letters.
SHORT = 10


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: Sequence[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """The problems, one sentence each."""
        self.set_options(var_options=variables, direct=kwargs)
        return list(problems(terms, self.get_option("required"), load_extra_vars(self._loader), variables or {}))


def problems(taken: Sequence[str], required: Sequence[str], given: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    """What is wrong. taken, required: parameters; given: extra variables; known: names of all variables."""
    allowed = f"allowed: {', '.join(taken)}"
    if RAW in given:
        yield f"{given[RAW]!r} stands behind a space and cannot be used; allowed: name=value. Next: -e \"reason='with spaces'\""
    for name in given:
        near = next((one for one in taken if name not in taken and alike(name, one)), "")
        if near:
            yield f"{name} is no parameter of this playbook; {allowed}. Next: -e {near}=…"
    for name in required:
        if name not in known:
            yield f"{name} is not given; {allowed}. Next: -e {name}=…"


def alike(name: str, parameter: str) -> bool:
    """Whether a person who wrote `name` may well have meant `parameter`: some letters differ, or its last words are missing."""
    plain = name.lower().replace("-", "_")
    return parameter.startswith(f"{plain}_") or _distance(plain, parameter) <= (1 if len(parameter) < SHORT else 2)


def _distance(one: str, other: str) -> int:
    """How many letters must be put in, taken out or changed (Levenshtein)."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        before, row[0] = row[0], number
        for place, wanted in enumerate(other, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (letter != wanted))
    return row[-1]
