# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""FSx file systems and their backups: taken, copied between regions, restored as new file systems. All of it is ours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from moto.backends import get_backend

from sandbox.gateway import Ctx, Holder, holds, lists, op, seed, transition
from sandbox.model import AwsError

# Simulated seconds.
BACKUP, COPY, RESTORE, DELETION = 300, 600, 900, 120
#: Copies in progress that a region takes.
COPIES = 5
_CONFIGURATION = {
    "WINDOWS": "WindowsConfiguration",
    "LUSTRE": "LustreConfiguration",
    "OPENZFS": "OpenZFSConfiguration",
    "ONTAP": "OntapConfiguration",
}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "WINDOWS": {"DeploymentType": "SINGLE_AZ_2", "ThroughputCapacity": 64, "ActiveDirectoryId": "d-0123456789"},
    "LUSTRE": {"DeploymentType": "PERSISTENT_1", "PerUnitStorageThroughput": 50},
    "OPENZFS": {"DeploymentType": "SINGLE_AZ_1", "ThroughputCapacity": 128},
    "ONTAP": {"DeploymentType": "SINGLE_AZ_1", "ThroughputCapacity": 128},
}


def _files(ctx: Ctx, region: str | None = None) -> dict[str, dict[str, Any]]:
    """Id -> the file system as AWS shows it."""
    found: dict[str, dict[str, Any]] = ctx.at("fsx", region).setdefault("files", {})
    return found


def _backups(ctx: Ctx, region: str | None = None) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = ctx.at("fsx", region).setdefault("backups", {})
    return found


def _tags(ctx: Ctx, arn: str) -> dict[str, str]:
    found: dict[str, str] = ctx.at("fsx", arn.split(":")[3]).setdefault("tags", {}).setdefault(arn, {})
    return found


def _listed_tags(ctx: Ctx, arn: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in _tags(ctx, arn).items()]


def _ident(ctx: Ctx, prefix: str, region: str, *about: object) -> str:
    text = hashlib.sha256(" ".join(map(str, (ctx.account, region, *about))).encode()).hexdigest()
    return f"{prefix}-{text[:17]}"


def _file_system(ctx: Ctx, ident: str) -> dict[str, Any]:
    found = _files(ctx).get(ident)
    if found is None:
        raise AwsError("FileSystemNotFound", f"File system '{ident}' does not exist.")
    return found


def _shown(ctx: Ctx, one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "Tags": _listed_tags(ctx, one["ResourceARN"])}


def _once(ctx: Ctx, params: dict[str, Any], kind: str, made: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """What the same token made before; other parameters with it are an error."""
    token = params.get("ClientRequestToken")
    known = ctx.store.setdefault("tokens", {}).get((kind, token)) if token else None
    if known is None:
        return None
    if known[1] != params:
        raise AwsError("IncompatibleParameterError", "The token was used with other parameters")
    return made.get(known[0])


def _keep_token(ctx: Ctx, params: dict[str, Any], kind: str, ident: str) -> None:
    if "ClientRequestToken" in params:
        ctx.store.setdefault("tokens", {})[kind, params["ClientRequestToken"]] = (ident, dict(params))


# -- reading ----------------------------------------------------------------------------------------------------------


@op("fsx", "DescribeFileSystems")
def describe(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """All, or those that are named."""
    wanted = params.get("FileSystemIds")
    found = [_file_system(ctx, ident) for ident in wanted] if wanted else list(_files(ctx).values())
    return {"FileSystems": [_shown(ctx, one) for one in found]}


@op("fsx", "DescribeBackups")
def describe_backups(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """All, or those that are named."""
    wanted = params.get("BackupIds")
    for ident in wanted or ():
        if ident not in _backups(ctx):
            raise AwsError("BackupNotFound", f"Backup '{ident}' does not exist.")
    return {"Backups": [_shown(ctx, one) for ident, one in _backups(ctx).items() if not wanted or ident in wanted]}


@op("fsx", "TagResource")
def tag(ctx: Ctx, params: dict[str, Any]) -> None:
    """Of file systems and backups."""
    _tags(ctx, params["ResourceARN"]).update({one["Key"]: one["Value"] for one in params["Tags"]})


@op("fsx", "UntagResource")
def untag(ctx: Ctx, params: dict[str, Any]) -> None:
    """Of file systems and backups."""
    for key in params["TagKeys"]:
        _tags(ctx, params["ResourceARN"]).pop(key, None)


@op("fsx", "ListTagsForResource")
def list_tags(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Of file systems and backups."""
    return {"Tags": _listed_tags(ctx, params["ResourceARN"])}


@lists("fsx")
def listed(ctx: Ctx) -> Iterator[tuple[str, str, dict[str, str]]]:
    """File systems and backups."""
    for one in _files(ctx).values():
        yield one["ResourceARN"], "fsx:file-system", _tags(ctx, one["ResourceARN"])
    for one in _backups(ctx).values():
        yield one["ResourceARN"], "fsx:backup", _tags(ctx, one["ResourceARN"])


# -- backups ----------------------------------------------------------------------------------------------------------


def _backup(ctx: Ctx, region: str, ident: str, files: dict[str, Any], tags: dict[str, str], **more: Any) -> dict[str, Any]:
    arn = f"arn:aws:fsx:{region}:{ctx.account}:backup/{ident}"
    kept = {key: value for key, value in files.items() if key not in ("Tags", "NetworkInterfaceIds", "DNSName")}
    one = {
        "BackupId": ident,
        "Lifecycle": "AVAILABLE",
        "Type": "USER_INITIATED",
        "CreationTime": ctx.clock.time(),
        "ResourceARN": arn,
        "FileSystem": kept,
        "ResourceType": "FILE_SYSTEM",
        "OwnerId": ctx.account,
        **more,
    }
    _backups(ctx, region)[ident] = one
    _tags(ctx, arn).update(tags)
    return one


@op("fsx", "CreateBackup")
def create_backup(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """One at a time of a file system; none of scratch file systems and of those that are linked to S3."""
    before = _once(ctx, params, "backup", _backups(ctx))
    if before:
        return {"Backup": _shown(ctx, before)}
    found = _file_system(ctx, params["FileSystemId"])
    lustre = found.get("LustreConfiguration", {})
    if found["FileSystemType"] == "ONTAP":
        raise AwsError("BadRequest", "ONTAP file systems are backed up by volume")
    if lustre.get("DeploymentType", "").startswith("SCRATCH") or lustre.get("DataRepositoryConfiguration"):
        raise AwsError("BadRequest", "Backups are not supported for this Lustre file system")
    if found["Lifecycle"] not in ("AVAILABLE", "UPDATING", "MISCONFIGURED"):
        raise AwsError("BadRequest", f"The file system is {found['Lifecycle']}")
    mine = [one for one in _backups(ctx).values() if one["FileSystem"]["FileSystemId"] == found["FileSystemId"]]
    if any(one["Lifecycle"] == "CREATING" for one in mine):
        raise AwsError("BackupInProgress", "Another backup is already under way")
    ident = _ident(ctx, "backup", ctx.region, found["FileSystemId"], len(_backups(ctx)), ctx.clock.time())
    tags = {one["Key"]: one["Value"] for one in params.get("Tags", ())}
    one = _backup(ctx, ctx.region, ident, found, tags)
    ctx.gw.markers.copy(ctx.data(found["FileSystemId"]), ctx.data(ident))
    transition(ctx.clock, [("CREATING", BACKUP), ("AVAILABLE", 0.0)], lambda state: one.update(Lifecycle=state))
    _keep_token(ctx, params, "backup", ident)
    return {"Backup": _shown(ctx, one)}


@op("fsx", "CopyBackup")
def copy_backup(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Sent to the region that the copy is made in."""
    before = _once(ctx, params, "copy", _backups(ctx))
    if before:
        return {"Backup": _shown(ctx, before)}
    region = params.get("SourceRegion") or ctx.region
    source = _backups(ctx, region).get(params["SourceBackupId"])
    if source is None:
        raise AwsError("BackupNotFound", f"Backup '{params['SourceBackupId']}' does not exist.")
    if source["Lifecycle"] != "AVAILABLE":
        raise AwsError("SourceBackupUnavailable", f"The backup is {source['Lifecycle']}")
    if len([one for one in _backups(ctx).values() if one["Lifecycle"] == "COPYING"]) >= COPIES:
        raise AwsError("ServiceLimitExceeded", "Too many backup copies in progress")
    ident = _ident(ctx, "backup", ctx.region, source["BackupId"], len(_backups(ctx)))
    given = {one["Key"]: one["Value"] for one in params.get("Tags", ())}
    tags = given or (dict(_tags(ctx, source["ResourceARN"])) if params.get("CopyTags") else {})
    came = {"SourceBackupId": source["BackupId"], "SourceBackupRegion": region}
    one = _backup(ctx, ctx.region, ident, source["FileSystem"], tags, **came)
    ctx.gw.markers.copy(ctx.data(source["BackupId"], region), ctx.data(ident))
    transition(ctx.clock, [("COPYING", COPY), ("AVAILABLE", 0.0)], lambda state: one.update(Lifecycle=state))
    _keep_token(ctx, params, "copy", ident)
    return {"Backup": _shown(ctx, one)}


@op("fsx", "CreateFileSystemFromBackup")
def restore(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Always a new file system."""
    before = _once(ctx, params, "restore", _files(ctx))
    if before:
        return {"FileSystem": _shown(ctx, before)}
    backup = _backups(ctx).get(params["BackupId"])
    if backup is None or backup["Lifecycle"] != "AVAILABLE":
        raise AwsError("BackupNotFound", f"Backup '{params['BackupId']}' does not exist or is not available.")
    was = backup["FileSystem"]
    key = _CONFIGURATION[was["FileSystemType"]]
    given = dict(params.get(key) or {})
    if was["FileSystemType"] in ("WINDOWS", "OPENZFS") and "ThroughputCapacity" not in given:
        raise AwsError("MissingFileSystemConfiguration", f"{key} is needed")
    if params.get("StorageCapacity", was["StorageCapacity"]) != was["StorageCapacity"] and was["FileSystemType"] != "OPENZFS":
        raise AwsError("BadRequest", "StorageCapacity must be that of the backup")
    for subnet in params["SubnetIds"]:
        if subnet not in [one["SubnetId"] for one in ctx.client("ec2").describe_subnets()["Subnets"]]:
            raise AwsError("InvalidNetworkSettings", f"The subnet {subnet} does not exist")
    if "Aliases" in given:
        given["Aliases"] = [{"Name": name, "Lifecycle": "AVAILABLE"} for name in given["Aliases"]]
    ident = _ident(ctx, "fs", ctx.region, backup["BackupId"], len(_files(ctx)))
    one = _made(ctx, ctx.region, ident, was["FileSystemType"], was["StorageCapacity"], {**was.get(key, {}), **given})
    ctx.gw.markers.copy(ctx.data(backup["BackupId"]), ctx.data(ident))
    one["SubnetIds"] = list(params["SubnetIds"])
    _connect(ctx, ctx.region, one, params["SubnetIds"][0], params.get("SecurityGroupIds"))
    _tags(ctx, one["ResourceARN"]).update({item["Key"]: item["Value"] for item in params.get("Tags", ())})
    end = "MISCONFIGURED" if ctx.store.get("restore") == "misconfigured" else "AVAILABLE"
    transition(ctx.clock, [("CREATING", RESTORE), (end, 0.0)], lambda state: one.update(Lifecycle=state))
    _keep_token(ctx, params, "restore", ident)
    return {"FileSystem": _shown(ctx, one)}


@op("fsx", "DeleteFileSystem")
def delete(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """With a final backup by default, except of Lustre; automatic backups go with it."""
    found = _file_system(ctx, params["FileSystemId"])
    kind, ident = found["FileSystemType"], found["FileSystemId"]
    if found["Lifecycle"] == "DELETING":
        return {"FileSystemId": ident, "Lifecycle": "DELETING"}
    skip = (params.get(_CONFIGURATION[kind]) or {}).get("SkipFinalBackup", kind == "LUSTRE")
    if not skip and kind != "ONTAP":
        final = _ident(ctx, "backup", ctx.region, ident, "final")
        _backup(ctx, ctx.region, final, found, {})
        ctx.gw.markers.copy(ctx.data(ident), ctx.data(final))
    found["Lifecycle"] = "DELETING"
    files, backups = _files(ctx), _backups(ctx)

    def gone() -> None:
        files.pop(ident, None)
        for interface in found["NetworkInterfaceIds"]:
            ctx.client("ec2").delete_network_interface(NetworkInterfaceId=interface)
        for name in [
            name for name, one in backups.items() if one["Type"] == "AUTOMATIC" and one["FileSystem"]["FileSystemId"] == ident
        ]:
            backups.pop(name)

    ctx.eventually(DELETION, gone)
    return {"FileSystemId": ident, "Lifecycle": "DELETING"}


# -- data -------------------------------------------------------------------------------------------------------------


@holds("fsx")
def holders(ctx: Ctx) -> Iterator[Holder]:
    """File systems, under their tag Name, which take writes where some security group lets clients in."""
    cards: Any = get_backend("ec2")[ctx.account][ctx.region].enis
    for ident, one in _files(ctx).items():
        mine = [cards[card] for card in one["NetworkInterfaceIds"] if card in cards]
        open_to_clients = any(group.name == "default" or group.ingress_rules for card in mine for group in card.group_set)
        writable = open_to_clients and one["Lifecycle"] in ("AVAILABLE", "UPDATING")
        name = _tags(ctx, one["ResourceARN"]).get("Name", ident)
        yield Holder(ctx.data(ident), "fsx", ctx.account, ctx.region, name, writable)


# -- estates ----------------------------------------------------------------------------------------------------------


def _made(ctx: Ctx, region: str, ident: str, kind: str, storage: int, configuration: dict[str, Any]) -> dict[str, Any]:
    one = {
        "FileSystemId": ident,
        "FileSystemType": kind,
        "Lifecycle": "AVAILABLE",
        "StorageCapacity": storage,
        "StorageType": "SSD",
        "OwnerId": ctx.account,
        "CreationTime": ctx.clock.time(),
        "DNSName": f"{ident}.fsx.{region}.amazonaws.com",
        "ResourceARN": f"arn:aws:fsx:{region}:{ctx.account}:file-system/{ident}",
        _CONFIGURATION[kind]: configuration,
    }
    _files(ctx, region)[ident] = one
    return one


def _first_subnet(ctx: Ctx, region: str) -> str:
    subnets = ctx.client("ec2", region).describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    return str(min(subnets, key=lambda one: str(one["AvailabilityZone"]))["SubnetId"])


def _connect(ctx: Ctx, region: str, one: dict[str, Any], subnet: str, groups: list[str] | None) -> None:
    """A network interface, with the default group unless others are given."""
    given = {"Groups": groups} if groups else {}
    made = ctx.client("ec2", region).create_network_interface(SubnetId=subnet, **given)["NetworkInterface"]
    one.update(NetworkInterfaceIds=[made["NetworkInterfaceId"]], VpcId=made["VpcId"], SubnetIds=[subnet])
    if not made["Groups"]:
        default = ctx.client("ec2", region).describe_security_groups(
            Filters=[{"Name": "group-name", "Values": ["default"]}, {"Name": "vpc-id", "Values": [made["VpcId"]]}]
        )["SecurityGroups"][0]["GroupId"]
        ctx.client("ec2", region).modify_network_interface_attribute(
            NetworkInterfaceId=made["NetworkInterfaceId"], Groups=[default]
        )


@seed("fsx_file_system")
def build(ctx: Ctx, spec: dict[str, Any]) -> dict[str, Any]:
    """A file system, and with `peer` a backup of it that was copied there. Gives {id}, and of ONTAP {id, peer_id}.

    type (WINDOWS, LUSTRE, OPENZFS, ONTAP), storage_gb (300), configuration: further members of its type's configuration, aliases.
    peer: {region, age: seconds since that backup was taken (3600), backup (true), restore: "misconfigured"}. Of ONTAP: another file
    system, whose volumes are replicated by SnapMirror, which is not simulated.
    """
    kind = spec.get("type", "WINDOWS")
    ident = _ident(ctx, "fs", ctx.region, spec["name"])
    configuration = {**_DEFAULTS[kind], **spec.get("configuration", {})}
    if spec.get("aliases"):
        configuration["Aliases"] = [{"Name": name, "Lifecycle": "AVAILABLE"} for name in spec["aliases"]]
    one = _made(ctx, ctx.region, ident, kind, spec.get("storage_gb", 300), configuration)
    _connect(ctx, ctx.region, one, _first_subnet(ctx, ctx.region), None)
    tags = {"Name": spec["name"], **spec["tags"]} if spec.get("tags") is not None else {}
    _tags(ctx, one["ResourceARN"]).update(tags)
    peer = spec.get("peer")
    if not peer:
        return {"id": ident}
    if kind == "ONTAP":
        other = _ident(ctx, "fs", peer["region"], peer.get("name", spec["name"]))
        twin = _made(ctx, peer["region"], other, kind, spec.get("storage_gb", 300), dict(configuration))
        _connect(ctx, peer["region"], twin, _first_subnet(ctx, peer["region"]), None)
        return {"id": ident, "peer_id": other}
    if peer.get("restore"):
        ctx.at("fsx", peer["region"])["restore"] = peer["restore"]
    if peer.get("backup", True):
        taken = ctx.clock.time() - peer.get("age", 3600)
        first = _ident(ctx, "backup", ctx.region, ident, "seeded")
        _backup(ctx, ctx.region, first, one, {}, CreationTime=taken)
        notes = {
            "dr:source": f"{ctx.region}:{ident}",
            "dr:taken-at": str(int(taken)),
            "dr:subnets": _first_subnet(ctx, peer["region"]),
        }
        came = {"SourceBackupId": first, "SourceBackupRegion": ctx.region}
        _backup(ctx, peer["region"], _ident(ctx, "backup", peer["region"], ident, "seeded"), one, notes, **came)
    return {"id": ident}
