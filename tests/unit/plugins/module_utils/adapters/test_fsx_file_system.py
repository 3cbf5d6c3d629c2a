# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""FSx decisions as tables: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters.fsx_file_system import FsxFileSystem
from ansible_collections.dr.aws.plugins.module_utils.model import (
    UNREACHABLE,
    Active,
    Blocked,
    Call,
    Deferred,
    Done,
    Goal,
    Pair,
    Wait,
)
from ansible_collections.dr.aws.plugins.module_utils.parts.fsx_state import CONFIGURATION, Backup, FileSystem, Seen, with_interfaces

EAST, WEST = "us-east-1", "us-west-2"
PAIR = Pair("files", "fsx", "111111111111", EAST, WEST, "fs-e", "fs-w", tags={"Customer": "shop"})
PLANNED, UNPLANNED = Goal(PAIR), Goal(PAIR, mode="unplanned")
REMOVE = replace(PLANNED, cleanup_policy="remove")
NOW = 900_000.0
ADAPTER = FsxFileSystem()
WINDOWS = {"DeploymentType": "SINGLE_AZ_2", "ThroughputCapacity": 64, "Aliases": [{"Name": "files.shop"}]}


def side(region: str = EAST, epoch: int = 0, kind: str = "WINDOWS", fenced: int = 0, **more: Any) -> FileSystem:
    """fenced: since when; its interface has the fencing group then."""
    ident = "fs-e" if region == EAST else "fs-w"
    tags = {"Customer": "shop", **({"dr:epoch": str(epoch), "dr:peer": "us-east-1:fs-e"} if epoch else {})}
    if fenced:
        tags |= {"dr:security-groups": "sg-1", "dr:fenced-at": str(fenced)}
    values = {
        "state": "AVAILABLE",
        "storage_gb": 300,
        "vpc_id": "vpc-1",
        "subnets": ("subnet-e",),
        "interface_ids": ("eni-1",),
        "interfaces": {"eni-1": ("sg-fence",) if fenced else ("sg-1",)},
        "shown": {CONFIGURATION[kind]: {**WINDOWS, **more.pop("configuration", {})}},
        **more,
    }
    return FileSystem(ident, f"arn:{ident}", region, kind, tags={**tags, **values.pop("tags", {})}, **values)


def retired(**more: Any) -> FileSystem:
    return side(fenced=100, **{**more, "tags": {"dr:quarantined": "true"}})


def backup(state: str = "AVAILABLE", age: float = 600, final: int = 0, west: bool = False, name: str = "b-1") -> Backup:
    """An original, of the source, or of the target (`west`)."""
    tags = {"dr:final": str(final)} if final else {}
    return Backup(name, state, NOW - age, (WEST, "fs-w") if west else (EAST, "fs-e"), tags=tags)


def copied(state: str = "AVAILABLE", age: float = 600, kind: str = "WINDOWS", of: str = "b-1", **more: Any) -> Backup:
    values = {"shown": {"FileSystemType": kind, "StorageType": "SSD", CONFIGURATION[kind]: WINDOWS}, **more}
    values["tags"] = {"dr:subnets": "subnet-a subnet-b", **values.pop("tags", {})}
    return Backup(f"c-{of}", state, NOW - age, values.pop("place", (EAST, "fs-e")), of, **values)


def look(source: Any, target: Any, here: Any = (), there: Any = (), **more: Any) -> Seen:
    return Seen(source, target, here, there, **{"restored": True, "fence_group": "sg-fence", "now": NOW, **more})


def setting(goal: Goal, **values: Any) -> Goal:
    return replace(goal, pair=replace(goal.pair, settings=values))


def check(sentence: str, step: Any, kind: type, says: str) -> None:
    """`says`: of a call, `operation@region`, and what else must be in it, joined by " & "."""
    assert isinstance(step, kind), (sentence, step)
    text = f"{step.operation}@{step.region} {dict(step.params)} {step.debt}" if isinstance(step, Call) else str(step)
    for part in filter(None, says.split(" & ")):
        assert part in text, (sentence, text)


@pytest.mark.parametrize(
    ("sentence", "seen", "expected"),
    [
        ("source only", look(side(), None), Active.SOURCE),
        ("restored since", look(side(), side(WEST, 1)), Active.TARGET),
        ("restored, not yet usable", look(side(), side(WEST, 1, state="CREATING")), Active.SOURCE),
        ("old target, newer source", look(side(epoch=2), side(WEST, 1)), Active.SOURCE),
        ("two without a mark: no evidence", look(side(), side(WEST)), Active.UNKNOWN),
        ("source put aside", look(retired(), side(WEST, 1)), Active.TARGET),
        ("source gone", look(None, side(WEST, 1)), Active.TARGET),
        ("nothing", look(None, None), Active.NEITHER),
        ("source dark, restored from it", look(UNREACHABLE, side(WEST, 1)), Active.TARGET),
        ("source dark, restored from an older one", look(UNREACHABLE, side(WEST, 1), restored=False), Active.UNKNOWN),
        ("source dark, no mark", look(UNREACHABLE, side(WEST)), Active.UNKNOWN),
        ("source dark, nothing there", look(UNREACHABLE, None), Active.UNKNOWN),
        ("target dark", look(side(), UNREACHABLE), Active.UNKNOWN),
    ],
)
def test_active(sentence: str, seen: Seen, expected: Active) -> None:
    assert ADAPTER.active(seen) is expected, sentence


SUBNETS = setting(PLANNED, regions={WEST: {"subnets": ["subnet-1"]}})
OLD = 2 * 86400.0
#: What was captured of an ONTAP file system, for when its region is dark.
ONTAP = replace(UNPLANNED, captured={"type": "ONTAP", "unsupported": "ONTAP volumes are replicated by SnapMirror", "epoch": 2})


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        (
            "a recent copy stands by",
            look(side(), None, there=(copied(),)),
            PLANNED,
            Done,
            "'backup_id': 'c-b-1' & 'lag_seconds': 600",
        ),
        ("no backup: take one", look(side(), None), SUBNETS, Call, "create_backup@us-east-1 & fs-e"),
        ("being taken", look(side(), None, (backup("CREATING"),)), SUBNETS, Wait, "CREATING"),
        ("taken: copy it, sent to the target", look(side(), None, (backup(),)), SUBNETS, Call, "copy_backup@us-west-2 & subnet-1"),
        ("being copied", look(side(), None, (backup(),), (copied("COPYING"),)), SUBNETS, Wait, "copied"),
        ("old copy: a new backup", look(side(), None, (backup(age=OLD),), (copied(age=OLD),)), PLANNED, Call, "create_backup"),
        (
            "not too old by the setting",
            look(side(), None, (backup(age=OLD),), (copied(age=OLD),)),
            setting(PLANNED, max_backup_age_seconds=OLD),
            Done,
            "standby",
        ),
        (
            "the network is noted on the copy",
            look(side(), None, (backup(),), (copied(age=OLD, of="b-0"),)),
            PLANNED,
            Call,
            "subnet-a subnet-b",
        ),
        ("no network is guessed", look(side(), None), PLANNED, Blocked, "regions.us-west-2.subnets"),
        ("backup failed: once more", look(side(), None, (backup("FAILED"),)), SUBNETS, Blocked, "FAILED & create_backup"),
        ("copy failed: once more", look(side(), None, (backup(),), (copied("FAILED"),)), SUBNETS, Blocked, "copy_backup"),
        ("ONTAP", look(side(kind="ONTAP"), side(WEST, kind="ONTAP")), SUBNETS, Blocked, "SnapMirror"),
        ("scratch", look(side(kind="LUSTRE", configuration={"DeploymentType": "SCRATCH_2"}), None), SUBNETS, Blocked, "scratch"),
        (
            "linked to S3",
            look(side(kind="LUSTRE", configuration={"DataRepositoryConfiguration": {"a": 1}}), None),
            SUBNETS,
            Blocked,
            "S3",
        ),
        ("ONTAP: how it is replicated", look(side(kind="ONTAP"), None), SUBNETS, Blocked, "snapmirror initialize"),
        ("ONTAP, source dark", look(UNREACHABLE, side(WEST, kind="ONTAP"), UNREACHABLE), ONTAP, Blocked, "snapmirror break"),
        ("whether the copy is recent enough", look(side(), None, there=(copied(age=200),)), PLANNED, Done, "'within_rpo': True"),
        ("or not", look(side(), None, there=(copied(age=400),)), PLANNED, Done, "'within_rpo': False"),
        ("serves already", look(side(), side(WEST, 1)), PLANNED, Done, "active"),
        ("none to protect", look(None, None), PLANNED, Blocked, "no file system fs-e"),
        ("planned, source dark", look(UNREACHABLE, None, UNREACHABLE, (copied(),)), PLANNED, Blocked, "us-east-1"),
        ("unplanned, source dark, a copy", look(UNREACHABLE, None, UNREACHABLE, (copied(),)), UNPLANNED, Done, "c-b-1"),
        ("unplanned, source dark, none", look(UNREACHABLE, None, UNREACHABLE), UNPLANNED, Blocked, "no backup"),
        ("target dark", look(side(), UNREACHABLE, (), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ],
)
def test_instantiate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.instantiate(seen, goal), kind, says)


FENCED = side(fenced=899_000)
FINAL = backup(age=500, final=1)


def alias(state: str) -> dict[str, Any]:
    return {"Aliases": [{"Name": "f.shop", "Lifecycle": state}]}


def dark(**more: Any) -> Seen:
    return look(UNREACHABLE, None, UNREACHABLE, (copied(**more),))


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        (
            "the group first",
            look(side(), None, there=(copied(),), fence_group=None),
            PLANNED,
            Call,
            "create_security_group@us-east-1 & vpc-1",
        ),
        (
            "then note its groups and the time",
            look(side(), None, there=(copied(),)),
            PLANNED,
            Call,
            "tag_resource@us-east-1 & sg-1 & 900000",
        ),
        (
            "then fence",
            look(side(tags={"dr:security-groups": "sg-1"}), None, there=(copied(),)),
            PLANNED,
            Call,
            "modify_network_interface_attribute@us-east-1 & eni-1 & sg-fence",
        ),
        ("then a final backup", look(FENCED, None, (backup(),), (copied(),)), PLANNED, Call, "create_backup@us-east-1 & dr:final"),
        ("being taken", look(FENCED, None, (backup("CREATING", 500, 1),), (copied(),)), PLANNED, Wait, "final backup"),
        (
            "one of before the fence is not final",
            look(FENCED, None, (backup(age=5000, final=1),), (copied(),)),
            PLANNED,
            Call,
            "create_backup",
        ),
        ("copy it", look(FENCED, None, (FINAL,), (copied(of="b-0"),)), PLANNED, Call, "copy_backup@us-west-2 & b-1"),
        ("being copied", look(FENCED, None, (FINAL,), (copied("COPYING"), copied(of="b-0"))), PLANNED, Wait, "copied"),
        (
            "restore it, marked in the same call",
            look(FENCED, None, (FINAL,), (copied(),)),
            PLANNED,
            Call,
            "create_file_system_from_backup@us-west-2 & c-b-1 & 'dr:epoch', 'Value': '1' & us-east-1:fs-e & files.shop & Customer",
        ),
        ("its old tags stay behind", look(FENCED, None, (FINAL,), (copied(),)), PLANNED, Call, "'Key': 'Customer'"),
        ("being restored", look(FENCED, side(WEST, 1, state="CREATING")), PLANNED, Wait, "restored"),
        ("done", look(FENCED, side(WEST, 1)), PLANNED, Done, "'role': 'active'"),
        (
            "misconfigured",
            look(FENCED, side(WEST, 1, state="MISCONFIGURED")),
            PLANNED,
            Blocked,
            "start-misconfigured-state-recovery",
        ),
        ("failed", look(FENCED, side(WEST, 1, state="FAILED", message="no addresses")), PLANNED, Blocked, "no addresses & delete"),
        ("unplanned, dark: the newest copy, and a debt", dark(), UNPLANNED, Call, "create_file_system_from_backup & fence fs-e"),
        ("with the tags it had", dark(), UNPLANNED, Call, "'Value': 'shop'"),
        ("above the captured epoch", dark(), replace(UNPLANNED, captured={"epoch": 4}), Call, "'Value': '5'"),
        ("above that of the copy", dark(tags={"dr:epoch": "2"}), UNPLANNED, Call, "'dr:epoch', 'Value': '3'"),
        (
            "in two zones",
            dark(shown={"FileSystemType": "WINDOWS", "WindowsConfiguration": {"DeploymentType": "MULTI_AZ_1"}}),
            UNPLANNED,
            Call,
            "['subnet-a', 'subnet-b'] & PreferredSubnetId",
        ),
        ("in one", dark(), UNPLANNED, Call, "'SubnetIds': ['subnet-a'],"),
        (
            "two zones, one subnet",
            dark(
                shown={"FileSystemType": "WINDOWS", "WindowsConfiguration": {"DeploymentType": "MULTI_AZ_1"}},
                tags={"dr:subnets": "subnet-a"},
            ),
            UNPLANNED,
            Blocked,
            "two availability zones",
        ),
        (
            "its settings",
            dark(),
            setting(UNPLANNED, active_directory_id="d-2", throughput_capacity=128, security_groups=["sg-9"]),
            Call,
            "d-2 & 128 & sg-9",
        ),
        ("Lustre", dark(kind="LUSTRE"), UNPLANNED, Call, "LustreConfiguration"),
        ("OpenZFS", dark(kind="OPENZFS"), UNPLANNED, Call, "OpenZFSConfiguration & 'ThroughputCapacity': 64"),
        ("unplanned, older than allowed", dark(), setting(UNPLANNED, max_lag_seconds=60), Blocked, "600 s old"),
        ("unplanned, no copy: no network either", look(UNREACHABLE, None, UNREACHABLE), UNPLANNED, Blocked, "subnets"),
        (
            "unplanned, no copy",
            look(UNREACHABLE, None, UNREACHABLE),
            setting(UNPLANNED, subnets=["s"]),
            Blocked,
            "no restorable backup",
        ),
        (
            "unplanned, a copy under way is no copy",
            dark(state="COPYING"),
            setting(UNPLANNED, subnets=["s"]),
            Blocked,
            "no restorable",
        ),
        ("unplanned, source answers: fence it", look(side(), None, there=(copied(),)), UNPLANNED, Call, "tag_resource@us-east-1"),
        (
            "unplanned, EC2 dark there: a debt",
            look(side(interfaces=UNREACHABLE), None, there=(copied(),)),
            UNPLANNED,
            Call,
            "create_file_system_from_backup & fence fs-e",
        ),
        ("planned, EC2 dark there", look(side(interfaces=UNREACHABLE), None, there=(copied(),)), PLANNED, Blocked, "us-east-1"),
        ("no interface shown", look(side(interfaces={}), None, there=(copied(),)), PLANNED, Blocked, "cannot be fenced"),
        ("planned, dark", dark(), PLANNED, Blocked, "us-east-1"),
        ("planned, gone", look(None, None, there=(copied(),)), PLANNED, Blocked, "gone"),
        (
            "an old target does not count",
            look(side(epoch=2), side(WEST, 1), there=(copied(),)),
            PLANNED,
            Call,
            "tag_resource@us-east-1",
        ),
        ("stale identifiers", look(retired(), None, there=(copied(),)), PLANNED, Blocked, "put aside"),
        ("ONTAP", look(side(kind="ONTAP"), side(WEST, kind="ONTAP")), PLANNED, Blocked, "snapmirror & Key=dr:epoch,Value=1"),
        (
            "ONTAP, source dark: the same steps, by what was captured",
            look(UNREACHABLE, side(WEST, kind="ONTAP"), UNREACHABLE),
            ONTAP,
            Blocked,
            "snapmirror break & Key=dr:epoch,Value=3 Key=dr:peer,Value=us-east-1:fs-e",
        ),
        ("aliases on their way", look(FENCED, side(WEST, 1, configuration=alias("CREATING"))), PLANNED, Wait, "aliases"),
        (
            "without an alias",
            look(FENCED, side(WEST, 1, configuration=alias("CREATE_FAILED"))),
            PLANNED,
            Blocked,
            "--aliases f.shop",
        ),
        ("with its aliases", look(FENCED, side(WEST, 1, configuration=alias("AVAILABLE"))), PLANNED, Done, "f.shop"),
        (
            "how old the data was when it was restored",
            look(UNREACHABLE, side(WEST, 1, shown={"CreationTime": NOW}, tags={"dr:taken-at": str(int(NOW) - 600)})),
            UNPLANNED,
            Done,
            "'data_age_seconds': 600",
        ),
        ("not known how old", look(UNREACHABLE, side(WEST, 1)), UNPLANNED, Done, "'data_age_seconds': None"),
        ("ONTAP, broken by hand and marked", look(side(kind="ONTAP"), side(WEST, 1, kind="ONTAP")), PLANNED, Done, "active"),
        ("target dark", look(side(), UNREACHABLE, (), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ],
)
def test_activate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.activate(seen, goal), kind, says)


def test_a_source_that_is_fenced_gives_no_tag_of_its_fence_to_what_is_restored() -> None:
    step = ADAPTER.activate(look(FENCED, None, (FINAL,), (copied(),)), PLANNED)
    assert isinstance(step, Call)
    assert {tag["Key"] for tag in step.params["Tags"]} == {"Customer", "dr:epoch", "dr:peer", "dr:taken-at"}


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("fence", look(side(), side(WEST, 1)), PLANNED, Call, "tag_resource@us-east-1 & sg-1"),
        ("a final backup", look(FENCED, side(WEST, 1)), PLANNED, Call, "create_backup@us-east-1"),
        ("being taken", look(FENCED, side(WEST, 1), (backup("CREATING", 500, 1),)), REMOVE, Wait, "final backup"),
        ("failed", look(FENCED, side(WEST, 1), (backup("FAILED", 500, 1),)), REMOVE, Blocked, "FAILED & create_backup"),
        ("then put it aside", look(FENCED, side(WEST, 1), (FINAL,)), PLANNED, Call, "tag_resource@us-east-1 & dr:quarantined"),
        ("put aside", look(retired(), side(WEST, 1)), PLANNED, Done, "quarantined"),
        ("remove: copy the final backup", look(FENCED, side(WEST, 1), (FINAL,)), REMOVE, Call, "copy_backup@us-west-2"),
        ("remove: being copied", look(FENCED, side(WEST, 1), (FINAL,), (copied("COPYING"),)), REMOVE, Wait, "copied"),
        ("remove: delete", look(FENCED, side(WEST, 1), (FINAL,), (copied(),)), REMOVE, Call, "delete_file_system@us-east-1 & True"),
        (
            "remove: OpenZFS with its volumes",
            look(side(fenced=1, kind="OPENZFS"), side(WEST, 1), (FINAL,), (copied(),)),
            REMOVE,
            Call,
            "DELETE_CHILD_VOLUMES_AND_SNAPSHOTS",
        ),
        ("remove: being deleted", look(side(state="DELETING"), side(WEST, 1)), REMOVE, Wait, "deleted"),
        ("remove: ONTAP has no final backup", look(side(kind="ONTAP", fenced=1), side(WEST, 1)), REMOVE, Blocked, "by hand"),
        ("gone", look(None, side(WEST, 1)), REMOVE, Done, "absent"),
        ("not activated", look(side(), None), REMOVE, Blocked, "not proven to serve: source"),
        ("no evidence", look(side(), side(WEST)), REMOVE, Blocked, "unknown"),
        ("source dark", look(UNREACHABLE, side(WEST, 1)), PLANNED, Deferred, "us-east-1"),
        ("EC2 dark there", look(side(interfaces=UNREACHABLE), side(WEST, 1)), PLANNED, Deferred, "fenced"),
        ("target dark", look(side(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ],
)
def test_cleanup(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.cleanup(seen, goal), kind, says)


HOME = copied(place=(WEST, "fs-w"), of="b-9")


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("back up what serves", look(retired(), side(WEST, 1)), PLANNED, Call, "create_backup@us-west-2 & fs-w"),
        (
            "copy it to where it came from",
            look(retired(), side(WEST, 1), (), (backup(west=True),)),
            PLANNED,
            Call,
            "copy_backup@us-east-1 & subnet-e",
        ),
        ("copied", look(retired(), side(WEST, 1), (HOME,)), PLANNED, Done, "c-b-9"),
        (
            "a backup of the old source does not count",
            look(retired(), side(WEST, 1), (backup(),), (copied(),)),
            PLANNED,
            Call,
            "create_backup@us-west-2",
        ),
        (
            "removed: the captured network",
            look(None, side(WEST, 1), (), (backup(west=True),)),
            replace(PLANNED, captured={"subnets": ["subnet-c"]}),
            Call,
            "subnet-c",
        ),
        ("removed, no network known", look(None, side(WEST, 1)), PLANNED, Blocked, "regions.us-east-1.subnets"),
        ("not activated", look(side(), None), PLANNED, Blocked, "does not serve"),
        ("source dark", look(UNREACHABLE, side(WEST, 1), UNREACHABLE), PLANNED, Deferred, "not protected"),
        ("target dark", look(side(), UNREACHABLE, (), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ],
)
def test_replicate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.replicate(seen, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "seen", "kind", "says"),
    [
        ("fenced: its groups back", look(FENCED, None), Call, "modify_network_interface_attribute@us-east-1 & sg-1"),
        (
            "then forget it",
            look(side(fenced=1, interfaces={"eni-1": ("sg-1",)}), None),
            Call,
            "untag_resource@us-east-1 & dr:fenced-at",
        ),
        ("nothing to undo", look(side(), None), Done, "active"),
        ("something was restored", look(FENCED, side(WEST, 1, state="CREATING")), Blocked, "fail back"),
        ("source dark", look(UNREACHABLE, None), Blocked, "does not answer"),
        ("source gone", look(None, None), Blocked, "gone"),
        ("EC2 dark there", look(side(interfaces=UNREACHABLE), None), Blocked, "EC2"),
        ("target dark", look(side(), UNREACHABLE), Blocked, "us-west-2"),
    ],
)
def test_rollback(sentence: str, seen: Seen, kind: type, says: str) -> None:
    check(sentence, ADAPTER.rollback(seen, PLANNED), kind, says)


@pytest.mark.parametrize(
    ("sentence", "seen", "status"),
    [
        ("serves, backed up", look(None, side(WEST, 1), (), (backup(west=True),)), "HEALTHY"),
        ("serves, not yet backed up", look(None, side(WEST, 1)), "DEGRADED"),
        ("misconfigured", look(None, side(WEST, 1, state="MISCONFIGURED_UNAVAILABLE")), "UNHEALTHY"),
        ("not there", look(side(), None), "UNHEALTHY"),
    ],
)
def test_health(sentence: str, seen: Seen, status: str) -> None:
    assert ADAPTER.health(seen, PLANNED).status == status, sentence


class Interfaces:
    """EC2 as far as a look at many file systems needs it; a filter takes 200 values."""

    def pages(self, _account: str, _region: str, _service: str, operation: str, _key: str, **params: Any) -> list[dict[str, Any]]:
        if operation == "describe_security_groups":
            return []
        (chosen,) = params["Filters"]
        assert len(chosen["Values"]) <= 200
        return [{"NetworkInterfaceId": name, "Groups": [{"GroupId": "sg-1"}]} for name in chosen["Values"]]


def test_interfaces_are_asked_for_as_many_as_a_filter_takes() -> None:
    names = [tuple(f"eni-{number}-{part}" for part in range(5)) for number in range(100)]
    sides = {str(number): side(interface_ids=ids) for number, ids in enumerate(names)}
    full, _fences = with_interfaces(Interfaces(), "111111111111", EAST, sides)
    assert [len(full[str(number)].interfaces) for number in range(100)] == [5] * 100


def test_capture_only_of_what_serves() -> None:
    assert ADAPTER.capture(look(side(epoch=1), None), PAIR)["tags"] == {"Customer": "shop"}
    shown = {"StorageType": "HDD", "WindowsConfiguration": {"DeploymentType": "MULTI_AZ_1", "ThroughputCapacity": 32}}
    captured = ADAPTER.capture(look(side(kind="WINDOWS", shown=shown), None), PAIR)
    assert captured == {**captured, "storage_type": "HDD", "deployment_type": "MULTI_AZ_1", "throughput": 32}
    assert ADAPTER.capture(look(retired(), None), PAIR) == {}
    assert ADAPTER.capture(look(UNREACHABLE, None), PAIR) == {}
