# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest as people use it: the playbook, the versions in the control bucket, and the inventory that merges the newest."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from playbook import BUCKET, EAST, ROOT, SHOP, TABLE, TOPIC, WEST, Operator, estate, key_of
from test_discovery import SMALL, options, world_of

from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names, ensure
from ansible_collections.dr.aws.plugins.module_utils.dynamo import MissingError
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError
from ansible_collections.dr.aws.plugins.module_utils.estate import look
from ansible_collections.dr.aws.plugins.module_utils.manifest.validation import validate
from ansible_collections.dr.aws.plugins.module_utils.manifest.versions import Version, Versions
from ansible_collections.dr.aws.plugins.module_utils.store import Store

SCOPE = {"customer": "acme", "environment": "production"}
ORDERS = key_of(SHOP, "shop", "orders")
BASKET = key_of(SHOP, "shop", "basket")


def manifest(**changes: Any) -> dict[str, Any]:
    """The service `orders` in wave 1 as tagged; `basket` in wave 1, although tagged with 2, and after `orders`."""
    entries = [
        {"resourceId": "orders", "action": "EcsService", "config": {"desiredCount": 5}},
        {"resourceId": "shop/basket", "action": "EcsService", "config": {}, "dependencies": ["orders"]},
    ]
    layers = [{"layerId": "services", "priority": 1, "resources": entries}]
    return {"manifestId": "acme-production", **SCOPE, "layers": layers, **changes}


def valid(**changes: Any) -> dict[str, Any]:
    found = validate(manifest(**changes)).manifest
    assert found is not None
    return found


@pytest.fixture
def versions(sandbox: Any) -> Versions:
    clients = [sandbox.client(service, WEST) for service in ("dynamodb", "s3", "sns")]
    ensure(*clients, Names(TABLE, BUCKET, TOPIC.rpartition(":")[2]), WEST, sleep=sandbox.advance)
    return of_process(sandbox)


def of_process(sandbox: Any) -> Versions:
    """With clients of its own, as another process has them."""
    return Versions(
        Store(sandbox.client("dynamodb", WEST), sandbox.client("s3", WEST), TABLE, BUCKET, sandbox.time, sandbox.advance)
    )


def test_versions_are_kept_listed_and_fetched(sandbox: Any, versions: Versions) -> None:
    made = [versions.put(valid(description=text)) for text in ("one", "two", "one")]
    assert [new for _version, new in made] == [True, True, True]
    names = [version.name for version, _new in made]
    assert [one.name for one in versions.listed("acme", "production")] == names[::-1], "the clock stands still: the order does not"
    assert versions.put(valid(description="one")) == (made[2][0], False), "the newest is the same"
    assert versions.put(valid(description="three"), apply=False)[1] is True
    assert len(versions.listed()) == 3
    for name, text in zip(names, ("one", "two", "one"), strict=True):
        assert versions.read(versions.find("acme", "production", name))["description"] == text
    assert versions.find("acme", "production", "latest") == versions.find("acme", "production") == made[2][0]
    head = sandbox.client("s3", WEST).head_object(Bucket=BUCKET, Key=made[0][0].key)
    assert head["ServerSideEncryption"] == "AES256"
    assert head["VersionId"] != "null"
    assert head["Metadata"]["sha256"] == made[0][0].sha256


def test_scopes_and_manifests_are_kept_apart(versions: Versions) -> None:
    first, _new = versions.put(valid())
    other, _new = versions.put(valid(manifestId="acme-lite"))
    staging, _new = versions.put(valid(environment="staging"))
    assert versions.current() == [other, staging]
    assert versions.listed("acme", "production") == [other, first]
    assert versions.listed("acme", "staging") == [staging]


def test_writers_at_the_same_time_lose_nothing(sandbox: Any, versions: Versions) -> None:
    texts = [f"writer {number}" for number in range(6)]
    threads = [threading.Thread(target=lambda text=text: of_process(sandbox).put(valid(description=text))) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = versions.listed("acme", "production")
    assert sorted(versions.read(one)["description"] for one in found) == texts
    last, _new = versions.put(valid(description="after them"))
    assert versions.find("acme", "production") == last


def tampered(sandbox: Any, version: Version, body: bytes) -> None:
    sandbox.client("s3", WEST).put_object(Bucket=BUCKET, Key=version.key, Body=body)


def test_what_is_not_what_was_stored_is_refused(sandbox: Any, versions: Versions) -> None:
    version, _new = versions.put(valid())
    tampered(sandbox, version, json.dumps(valid(approvalRequired=False)).encode())
    with pytest.raises(DrError, match=r"is not what was stored \(sha256 differs\).*Next: aws s3api list-object-versions"):
        versions.read(version)
    sandbox.client("s3", WEST).delete_object(Bucket=BUCKET, Key=version.key)
    with pytest.raises(DrError, match="is gone"):
        versions.read(version)
    with pytest.raises(DrError, match="no manifest is stored for customer=acme"):
        versions.find("acme", "production")
    copied = Version("acme", "staging", "acme-production", version.stamp, version.sha256)
    raw = json.dumps(valid(), sort_keys=True, separators=(",", ":")).encode()
    tampered(sandbox, copied, raw)
    with pytest.raises(DrError, match="holds the manifest of acme/production/acme-production"):
        versions.read(copied)
    for raw, text in ((b"{}", r"has 4 violations: customer=null"), (b"no", "is not JSON")):
        odd = Version("acme", "staging", "acme-production", version.stamp, hashlib.sha256(raw).hexdigest())
        tampered(sandbox, odd, raw)
        with pytest.raises(DrError, match=text):
            versions.read(odd)


def test_a_manifest_that_cannot_be_listed_is_an_error_of_the_inventory(sandbox: Any) -> None:
    sandbox.load(world_of(*SMALL))
    sandbox.client("s3", WEST).create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": WEST})
    assert look(options(control_bucket=BUCKET))["inventory"]["violations"] == []
    sandbox.fault(match={"service": "s3", "operation": "ListObjectsV2"}, effect="error", code="AccessDenied", status=403)
    inventory = look(options(control_bucket=BUCKET))["inventory"]
    (only,) = [one for one in inventory["violations"] if one["check"] == "manifest"]
    assert (only["severity"], only["resource"]) == ("error", f"s3://{BUCKET}")
    assert "AccessDenied" in only["value"] and "list and get manifests/*" in only["remedy"]
    assert inventory["manifests"] == []


def test_a_version_that_is_not_there_is_answered_with_those_that_are(versions: Versions) -> None:
    version, _new = versions.put(valid())
    with pytest.raises(InputError, match=f"version='7' cannot be used.*such as {version.name}.*-e version={version.name}"):
        versions.find("acme", "production", "7")


def test_a_control_plane_that_is_not_there_says_how_it_is_made(sandbox: Any) -> None:
    with pytest.raises(MissingError, match=r"Next: ansible-playbook dr\.aws\.control_plane"):
        of_process(sandbox).listed("acme", "production")


def written(operator: Operator, value: Any, name: str = "acme.manifest.yml") -> str:
    file = operator.home / name
    file.write_text(value if isinstance(value, str) else yaml.safe_dump(value))
    return str(file)


def hosts(operator: Operator) -> Mapping[str, Any]:
    """What the inventory holds now, as a playbook sees it."""
    play = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [{"ansible.builtin.copy": {"content": "{{ hostvars | to_json }}", "dest": "seen.json"}}],
        }
    ]
    book = operator.home / "seen.yml"
    book.write_text(yaml.safe_dump(play))
    operator.run(str(book), "--flush-cache").ok()
    return dict(json.loads((operator.home / "seen.json").read_text()))


def test_the_playbook_validates_merges_stores_lists_and_fetches(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    file = written(operator, manifest())
    operator.run("manifest", manifest_file=file).refused("does not exist", "Next: ansible-playbook dr.aws.control_plane")
    operator.run("control_plane").ok()

    before = operator.mark()
    checked = operator.run("manifest", "--check", manifest_file=file).ok()
    assert checked.changed == 1
    assert sandbox.calls(mutating=True, since=before, service="s3") == []

    stored = operator.run("manifest", manifest_file=file).ok()
    assert stored.changed == 1
    assert f"{BASKET}: layers[0].priority=1: the wave that its tag dr:wave says, 2; the manifest's is taken" in stored.out
    assert operator.run("manifest", manifest_file=file).ok().changed == 0, "the same again"
    (version,) = of_process(sandbox).listed("acme", "production")
    assert version.name in operator.run("manifest", **SCOPE).ok().out
    fetched = operator.run("manifest", version=version.name, **SCOPE).ok()
    assert '"desiredCount": 5' in fetched.out

    known = hosts(operator)
    assert (known[BASKET]["dr_wave"], known[BASKET]["dr_dependencies"]) == (1, [ORDERS])
    assert BASKET in known["localhost"]["groups"]["wave_01"]
    assert known[ORDERS]["dr_settings"] == {"desired_count": 5}
    (listed,) = known["localhost"]["dr_inventory"]["manifests"]
    assert (listed["manifest_id"], listed["source"]) == ("acme-production", f"s3://{BUCKET}/{version.key}")
    assert len(listed["unlisted"]) == 6
    assert operator.mutations() == []


def test_what_cannot_be_used_ends_non_zero_with_all_that_is_wrong(operator: Operator) -> None:
    operator.load(estate())
    broken = written(operator, yaml.safe_dump(manifest(environment="prod", phases=["PROMOTE"])) + "customer: acme\nlayerz: []\n")
    operator.run("manifest", manifest_file=broken).refused(
        f"the manifest {broken} has 4 violations",
        "allowed: each key once. Remove one of the two customer",
        'environment="prod" cannot be used; allowed: one of production, staging, development. Set environment to one of',
        'phases[0]="PROMOTE" cannot be used; allowed: one of INSTANTIATE, ACTIVATE, CLEANUP, REPLICATE',
        "Rename it to layers",
        f"Next: correct it, then ansible-playbook dr.aws.manifest -e manifest_file={broken}",
    )
    foreign = written(operator, manifest(customer="acne"))
    operator.run("manifest", manifest_file=foreign).refused("customer='acne' cannot be used", "protected resources: acme", "Next: ")
    operator.run("manifest", manifest_file="nowhere.yml").refused("manifest_file='nowhere.yml' cannot be used", "No such file")
    operator.run("manifest", customer="acme").refused("environment=None cannot be used", "Next: -e environment=…")


def test_nothing_in_a_manifest_is_a_template(operator: Operator) -> None:
    operator.load(estate())
    marker = operator.home / "executed"
    template = "{{ lookup('ansible.builtin.pipe', 'touch " + str(marker) + "') }}"
    value = manifest(description=template)
    value["layers"][0]["resources"][0]["config"] = {"loadBalancers": [template]}
    operator.run("control_plane").ok()
    operator.run("manifest", manifest_file=written(operator, value)).ok()
    assert "lookup(" in operator.run("manifest", version="latest", **SCOPE).ok().out
    assert hosts(operator)[ORDERS]["dr_settings"] == {"load_balancers": [template]}
    assert not marker.exists()


def test_a_tampered_version_stops_a_plan_unless_it_is_accepted(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    operator.readiness()
    operator.run("manifest", manifest_file=written(operator, manifest())).ok()
    (version,) = of_process(sandbox).listed("acme", "production")
    tampered(sandbox, version, b"{}")
    operator.run("manifest", version="latest", **SCOPE).refused("is not what was stored (sha256 differs)")
    asked = {**SCOPE, "primary_region": EAST, "dr_region": WEST, "mode": "unplanned", "approval_mode": "automatic"}
    operator.run("failover", "--flush-cache", **asked).refused(version.key, "is not what was stored", "accept_partial_inventory")
    operator.run("failover", "--flush-cache", "--check", accept_partial_inventory=True, **asked).ok()


def test_a_file_of_the_inventory_counts_before_what_is_stored_and_its_change_is_seen(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    written(operator, manifest())
    operator.inventory = operator.written("filed", manifest="acme.manifest.yml")
    assert hosts(operator)[BASKET]["dr_wave"] == 1

    book = str(operator.home / "seen.yml")
    operator.run(book).ok()
    before = operator.mark()
    operator.run(book).ok()
    assert sandbox.calls(since=before) == [], "a warm cache makes no call"
    changed = manifest()
    changed["layers"][0]["priority"] = 3
    written(operator, changed)
    operator.run(book).ok()
    assert json.loads((operator.home / "seen.json").read_text())[BASKET]["dr_wave"] == 3, "another text is another inventory"

    written(operator, manifest(customer="a b"))
    operator.run("manifest", **SCOPE).refused("no estate was found", 'customer="a b" cannot be used')


def test_the_manifest_of_the_estate_acme_is_valid_and_agrees_with_its_tags(operator: Operator) -> None:
    operator.load(yaml.safe_load((ROOT / "sandbox/estates/acme.yml").read_text()))
    shipped = str(ROOT / "inventories/acme.manifest.yml")
    inventory = str(ROOT / "inventories/acme.dr_aws.yml")
    ran = operator.run("manifest", "--check", inventory=inventory, manifest_file=shipped)
    assert "valid; 0 things to look at" in ran.out, ran.out
