# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions about RDS replicas that both directions share, and the words for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from ..model import Blocked, Call, Done, Goal, Pair, Step, Unreachable, Wait
from .fence import FOLLOWS_TAG, OWN_TAGS
from .rds_state import CHANGING, USABLE, Instance, Side, option

#: A replica begins as a snapshot that is copied between regions: hours for terabytes.
REPLICA_SECONDS: Final = 8 * 3600
PROMOTION_SECONDS: Final = 3600
#: Engines that take a parameter group of their own for a cross-region replica when it is created.
GROUP_AT_CREATION: Final = ("mysql", "oracle", "db2")


def writable(side: Side) -> TypeGuard[Instance]:
    """Whether it takes writes, or would if its clients reached it."""
    return isinstance(side, Instance) and not side.is_replica and not side.retired and side.status != "deleting"


def stand_by(
    side: Side, model: Side, goal: Goal, region: str, ident: str, expected: tuple[str, str], old: Instance | None = None
) -> Step:
    """`ident` in `region` is a replica of `model`, which is `expected`. old: the instance whose place it takes."""
    match side:
        case Instance(source=place) if place != (expected[0], expected[1].lower()):
            return stranger(side, expected)
        case Instance(replication="terminated" | "error" | "stopped" as state):
            return Blocked(f"replication to {ident} in {region} is {state}", f"delete it, then run this phase again\n{show(side)}")
        case Instance(status=status) if status in USABLE:
            return _parameters(side, goal, old) or Done({**outputs(side), "role": "standby"})
        case Instance(status=status) if status in CHANGING or status == "deleting":
            return Wait(f"{ident} in {region} is {status}", poll_seconds=60, timeout_seconds=REPLICA_SECONDS)
        case Instance(status=status):
            return Blocked(f"{ident} in {region} is {status}", f"repair or delete it, then run this phase again\n{show(side)}")
    match model:
        case Unreachable():
            why = f"there is no replica {ident} in {region}, and {expected[0]} does not answer"
            return Blocked(why, f"restore a copied snapshot in {region} under that identifier, then run phase activate")
        case Instance(source=None) as model:
            pass
        case _:
            return Blocked(f"{expected[1]} in {expected[0]}, which is to be replicated, is no writable instance", "check dr:peer")
    if model.status in CHANGING:
        return Wait(f"{model.id} in {model.region} is {model.status}", poll_seconds=60, timeout_seconds=REPLICA_SECONDS)
    if model.status not in USABLE:
        return Blocked(f"{model.id} in {model.region} is {model.status}", f"repair it, then run this phase again\n{show(model)}")
    if not model.backup_days:
        fix = f"aws rds modify-db-instance --region {model.region} --db-instance-identifier {model.id} --apply-immediately"
        why = f"{model.id} in {model.region} has no automated backups, so it cannot be replicated"
        return Blocked(why, f"{fix} --backup-retention-period 7, then run this phase again")
    return _create(model, goal, region, ident, old)


def _create(model: Instance, goal: Goal, region: str, ident: str, old: Instance | None) -> Step:
    pair, known = goal.pair, _known(goal, region)

    def wanted(name: str, replaced: Any) -> Any:
        return option(pair, region, name) or replaced or known.get(name)

    key = wanted("kms_key_id", old.kms_key_id if old else "")
    if model.encrypted and not key:
        why = f"{model.id} is encrypted, and no key of {region} is known for its replica"
        return Blocked(why, f"set regions.{region}.kms_key_id to a key there, then run this phase again")
    groups = wanted("security_groups", (old.saved_groups or old.groups) if old else ())
    params: dict[str, Any] = {
        "DBInstanceIdentifier": ident,
        "SourceDBInstanceIdentifier": model.arn,
        "SourceRegion": model.region,
        "DBInstanceClass": option(pair, region, "instance_class") or model.instance_class,
        "DBSubnetGroupName": wanted("subnet_group", old.subnet_group if old else ""),
        "VpcSecurityGroupIds": list(groups or ()),
        "KmsKeyId": key if model.encrypted else "",
        "OptionGroupName": _group("option_group", model, goal, region, old),
        "MultiAZ": option(pair, region, "multi_az", old.multi_az if old else None),
        "CopyTagsToSnapshot": True,
        "DeletionProtection": model.protected or None,
        "Tags": _tags(model, ident, pair),
    }
    if model.engine.startswith(GROUP_AT_CREATION):
        params["DBParameterGroupName"] = _group("parameter_group", model, goal, region, old)
    given = {name: value for name, value in params.items() if value not in (None, "", [])}
    return Call("rds", "create_db_instance_read_replica", region, given, f"create the replica of {model.region}", settle_seconds=30)


def _known(goal: Goal, region: str) -> Mapping[str, Any]:
    """What was captured of the instance that served in this region; a replica takes its place."""
    return goal.captured if goal.captured.get("region") == region else {}


def _group(name: str, like: Instance, goal: Goal, region: str, old: Instance | None) -> str:
    """Its parameter_group or option_group: the setting, else that of the instance whose place it takes, "" for the default one.

    That one fits only while the major version is still the same.
    """
    known = _known(goal, region)
    had, version = (getattr(old, name), old.engine_version) if old else (known.get(name, ""), known.get("engine_version", ""))
    fits = _major(like.engine, version) == _major(like.engine, like.engine_version)
    kept = had if fits and not had.startswith(("default.", "default:")) else ""
    return str(option(goal.pair, region, name) or kept)


def _major(engine: str, version: str) -> tuple[str, ...]:
    """As parameter groups count it: `8.0` of MySQL and `10.6` of MariaDB, `16` of PostgreSQL."""
    return tuple(version.split(".")[: 2 if engine in ("mysql", "mariadb") else 1])


def _parameters(side: Instance, goal: Goal, old: Instance | None) -> Call | None:
    """RDS takes no parameter group of some engines when a replica is created: it is given to the replica that stands.

    It takes effect with the restart that ends a promotion.
    """
    group = _group("parameter_group", side, goal, side.region, old)
    if not group or not side.parameter_group or group.lower() == side.parameter_group.lower():
        return None
    params = {"DBInstanceIdentifier": side.id, "DBParameterGroupName": group, "ApplyImmediately": True}
    return Call("rds", "modify_db_instance", side.region, params, f"give it the parameter group {group}")


def _tags(model: Instance, ident: str, pair: Pair) -> list[dict[str, str]]:
    """Those of what it replicates, so that discovery finds it, with the other side's name turned round."""
    tags = {key: value for key, value in model.tags.items() if key not in OWN_TAGS and not key.startswith("aws:")}
    if "dr:peer" in tags or ident != model.id:
        tags["dr:peer"] = f"{model.region}:{model.id}"
    if model.epoch:
        tags[FOLLOWS_TAG] = str(model.epoch)
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def stranger(side: Instance, expected: tuple[str, str]) -> Blocked:
    """What stands there replicates something else."""
    where = f"from {side.source[1]} in {side.source[0]}" if side.source else "from nothing"
    why = f"{side.id} in {side.region} replicates {where}, not from {expected[1]} in {expected[0]}"
    return Blocked(why, f"correct dr:peer or the manifest\n{show(side)}")


def outputs(side: Instance) -> dict[str, Any]:
    """What reports show of one instance."""
    return {
        "db_instance_arn": side.arn,
        "db_resource_id": side.resource_id,
        "endpoint": side.endpoint,
        "port": side.port,
        "lag_seconds": side.lag_seconds,
        "source_db_instance": side.source[1] if side.source else "",
    }


def show(side: Side) -> str:
    """The command that shows one instance."""
    if not isinstance(side, Instance):
        return ""
    return f"aws rds describe-db-instances --region {side.region} --db-instance-identifier {side.id}"
