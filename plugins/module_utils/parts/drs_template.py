# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The EC2 launch template of a source server: its default version says where DRS launches, also in a drill.

DRS has no other way to launch a drill elsewhere (user guide, ec2-launch; API reference, StartRecovery). A drill makes a version of
its own the default one for as long as its launch lasts, and writes into it which one was the default before. Whoever finds such a
version, and whatever AWS has derived from it, gives production's back first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..adapters.base import Reader
from ..model import UNREACHABLE, Call, Unreachable

#: In the instance tags of a version that a drill has made: the number of the version that was the default before, and the server.
BEFORE_TAG: Final = "dr:default-version"
SERVER_TAG: Final = "dr:source-server"
_ABSENT: Final = ("InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.VersionNotFound")


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a launch template. tags: that it gives to instances."""

    template_id: str
    number: int
    default: bool
    data: Mapping[str, Any]
    tags: Mapping[str, str]

    @property
    def before(self) -> str:
        """Of a drill's version, the number of production's; "" of production's own."""
        return self.tags.get(BEFORE_TAG, "")


def versions(reader: Reader, account: str, region: str, template_id: str) -> list[Version] | Unreachable:
    """All versions of a launch template; none where it does not exist."""
    return _read(reader, account, region, LaunchTemplateId=template_id)


def held(reader: Reader, account: str, region: str) -> dict[str, Version] | Unreachable:
    """Default versions that a drill has made, by source server: one look for all templates of a region."""
    found = _read(reader, account, region, Versions=["$Default"])
    return found if isinstance(found, Unreachable) else {one.tags.get(SERVER_TAG, ""): one for one in found if one.before}


def restored(default: Version, region: str) -> Call:
    """Production's version is the default one again."""
    params = {"LaunchTemplateId": default.template_id, "DefaultVersion": default.before}
    why = f"make version {default.before} the default of its launch template again, which a drill has changed"
    return Call("ec2", "modify_launch_template", region, params, why)


def _read(reader: Reader, account: str, region: str, **which: Any) -> list[Version] | Unreachable:
    rows = reader.pages(
        account, region, "ec2", "describe_launch_template_versions", "LaunchTemplateVersions", absent=_ABSENT, **which
    )
    return UNREACHABLE if isinstance(rows, Unreachable) else [_version(row) for row in rows or ()]


def _version(row: Mapping[str, Any]) -> Version:
    data = row.get("LaunchTemplateData", {})
    specs = [one.get("Tags", ()) for one in data.get("TagSpecifications", ()) if one.get("ResourceType") == "instance"]
    labels = {tag["Key"]: tag.get("Value", "") for tags in specs for tag in tags}
    return Version(row["LaunchTemplateId"], row["VersionNumber"], bool(row.get("DefaultVersion")), data, labels)
