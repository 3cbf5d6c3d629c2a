# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what serves is protected again, as lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.dr.aws.plugins.module_utils.parameters import Parameters
from ansible_collections.dr.aws.plugins.module_utils.protection import Protection
from ansible_collections.dr.aws.plugins.module_utils.status import reprotect_command

#: How many resources are shown of those that are protected, the longest lag first, and of the others. The task's result has all.
SHOWN = 20


def lines(found: Sequence[Protection], parameters: Parameters) -> Iterator[tuple[str, str | None]]:
    """(text, colour) per line; nothing where nothing was to be replicated."""
    missing = [one for one in found if not one.protected]
    well = sorted((one for one in found if one.protected), key=lambda one: (-(one.lag_seconds or 0), one.key))
    if found and not missing:
        yield f"protected again: all {len(well)} resources that can be replicated", "green"
    elif found:
        yield f"not protected yet: {len(missing)} of {len(found)} resources", "yellow"
    for one in well[:SHOWN]:
        yield f"  {one.key}: {one.why or f'{one.lag_seconds:.0f} s behind'}", None
    if len(well) > SHOWN:
        yield f"  and {len(well) - SHOWN} more, in the result of the task", None
    for one in missing[:SHOWN]:
        yield f"  {one.key}: {one.why}" + (f". Next: {one.remedy}" if one.remedy else ""), "yellow"
    if len(missing) > SHOWN:
        yield f"  and {len(missing) - SHOWN} more, in the result of the task", "yellow"
    if missing:
        yield f"  next, when the region answers and what is named is repaired: {reprotect_command(parameters.to_json())}", None
