# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of every module, run as they are printed; and what `ansible-doc` shows, held against what the code reads."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
from typing import Any

import pytest
import yaml
from moto.backends import get_backend
from playbook import BIN, EAST, ROOT, SHOP, WEST, Operator, estate, key_of

from ansible_collections.dr.aws.plugins.module_utils.technology import OPTIONS

MODULES = ROOT / "plugins/modules"
#: The account of the examples.
ACCOUNT = "111111111111"
#: An instance that is kept to be launched into.
KEPT = "i-0123456789abcdef0"
TARGET_GROUP = f"arn:aws:elasticloadbalancing:{WEST}:{ACCOUNT}:targetgroup/web/0123456789abcdef"
#: Technology module -> what exists before its first example: seeds of the sandbox.
EXISTING: dict[str, list[dict[str, Any]]] = {
    "aurora_cluster": [{"kind": "aurora_global", "name": "orders"}],
    "autoscaling_group": [{"kind": "autoscaling_group", "name": "web", "min": 2, "max": 10, "desired": 4}],
    "drs_source_server": [{"kind": "drs_source_server", "name": "files", "peer": {"region": WEST, "id": "s-0123456789abcdef0"}}],
    "ecs_service": [
        {"kind": "ecs_service", "name": "api", "cluster": "apps", "desired": 4, "min": 2, "max": 10},
        {"kind": "ecs_service", "name": "other", "cluster": "apps", "region": WEST},
    ],
    "efs_file_system": [{"kind": "efs_file_system", "name": "uploads"}],
    "elasticache_replication_group": [
        {"kind": "elasticache_global", "name": "sessions"},
        {"kind": "elasticache_global", "name": "other", "region": WEST},
    ],
    "eventbridge_rule": [
        {"kind": "eventbridge_rule", "name": "nightly", "peer": {"region": WEST}},
        {"kind": "eventbridge_rule", "name": "orders", "pattern": {"source": ["shop"]}, "peer": {"region": WEST}},
        {"kind": "lambda_function", "name": "orders", "region": WEST},
    ],
    "fsx_file_system": [{"kind": "fsx_file_system", "name": "files"}],
    "lambda_function": [{"kind": "lambda_function", "name": "api", "reserved": 50}],
    "memorydb_cluster": [
        {"kind": "memorydb_multi_region", "name": "queue"},
        {"kind": "memorydb_cluster", "name": "other", "region": WEST},
    ],
    "opensearch_domain": [{"kind": "opensearch_domain", "name": "logs", "peer": {"region": WEST}}],
    "rds_instance": [
        {"kind": "rds_instance", "name": "orders", "encrypted": True},
        {"kind": "rds_instance", "name": "other", "region": WEST},
    ],
    "route53_record": [
        {
            "kind": "route53_record",
            "zone": "shop.example.com",
            "name": "www.shop.example.com",
            "value": "web.us-east-1.example.com",
            "peer": {"region": WEST, "value": "web.us-west-2.example.com"},
        }
    ],
}
#: Modules of the control plane, in the order of one execution that is approved from elsewhere.
CONTROL = (
    "control_plane",
    "manifest",
    "readiness",
    "capacity",
    "plan",
    "approval",
    "wave",
    "errand",
    "health",
    "request",
    "decision",
    "execution_info",
    "audit_info",
    "rollback",
    "close",
    "report",
    "snapshot",
    "tag_sync",
    "proposal",
)
#: Modules of one service alone.
PLAIN = ("stack", "stack_set")
#: Modules that a driver starts: test_shard.py runs their examples.
DRIVEN = ("shard",)


def string_of(module: str, name: str) -> Any:
    """DOCUMENTATION, EXAMPLES or RETURN of a module, parsed."""
    for node in ast.parse((MODULES / f"{module}.py").read_text()).body:
        if isinstance(node, ast.Assign) and [target.id for target in node.targets if isinstance(target, ast.Name)] == [name]:
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(f"{module} has no {name}")


def examples(module: str) -> list[dict[str, Any]]:
    """The tasks of a module's EXAMPLES."""
    found = string_of(module, "EXAMPLES")
    assert found, module
    assert all(task["name"] and f"dr.aws.{module}" in task for task in found), f"an example of {module} is of another module"
    return list(found)


def written(operator: Operator, plays: list[dict[str, Any]]) -> str:
    """A playbook file."""
    file = operator.home / f"examples-{len(list(operator.home.glob('examples-*')))}.yml"
    file.write_text(yaml.safe_dump(plays, sort_keys=False))
    return str(file)


def world(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """One account, whose own key the examples use, with what they name."""
    return {
        "name": "examples",
        "control_region": WEST,
        "regions": [EAST, WEST],
        "accounts": [{"id": ACCOUNT, "name": "shop", "management": True}],
        "resources": [{"account": ACCOUNT, "region": EAST, "tags": {"dr:enabled": "true"}, **one} for one in resources],
    }


def surround(sandbox: Any) -> None:
    """What the examples name beside their resources. Moto draws ids; here they are those of the examples."""
    ec2 = get_backend("ec2")[ACCOUNT][WEST]
    default = [{"Name": "is-default", "Values": ["true"]}]
    vpc = sandbox.inside("ec2", WEST, ACCOUNT).describe_vpcs(Filters=default)["Vpcs"][0]["VpcId"]
    for ident in ("sg-0a1b2c3d", "sg-0123456789abcdef0"):
        group = ec2.create_security_group(ident, "of the examples", vpc_id=vpc)
        ec2.groups[vpc][ident] = ec2.groups[vpc].pop(group.group_id)
        group.id = group.group_id = ident
    zone = ec2.subnets[f"{WEST}a"]
    (subnet,) = zone.values()
    zone["subnet-0123456789abcdef0"] = zone.pop(subnet.id)
    subnet.id = "subnet-0123456789abcdef0"

    sandbox.seed(kind="drill_room", account=ACCOUNT, region=WEST)

    balancers = get_backend("elbv2")[ACCOUNT][WEST]
    sandbox.inside("elbv2", WEST, ACCOUNT).create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc)
    (target_group,) = balancers.target_groups.values()
    balancers.target_groups = {TARGET_GROUP: target_group}
    target_group.arn = TARGET_GROUP

    storage = sandbox.inside("s3", WEST, ACCOUNT)
    storage.create_bucket(Bucket="shop-code-us-west-2", CreateBucketConfiguration={"LocationConstraint": WEST})
    storage.put_object(Bucket="shop-code-us-west-2", Key="api/1.8.zip", Body=b"v1")

    there = sandbox.inside("ec2", EAST, ACCOUNT)
    image = there.register_image(Name="kept", RootDeviceName="/dev/xvda")["ImageId"]
    (made,) = there.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="m5.large")["Instances"]
    get_backend("ec2")[ACCOUNT][EAST].get_instance(made["InstanceId"]).id = KEPT
    there.create_tags(Resources=[KEPT], Tags=[{"Key": "AWSDRS", "Value": "AllowLaunchingIntoThisInstance"}])
    there.stop_instances(InstanceIds=[KEPT])


def thrice(number: int, task: dict[str, Any], checker: dict[str, str]) -> list[dict[str, Any]]:
    """In check mode, for real, and again: what check mode foretells happens, and then there is nothing left to do."""
    foretold, happened, again = f"foretold_{number}", f"happened_{number}", f"again_{number}"
    return [
        {**task, "check_mode": True, "environment": checker, "register": foretold},
        {**task, "register": happened, "failed_when": f"{happened}.failed or {happened}.changed != {foretold}.changed"},
        {**task, "register": again, "failed_when": f"{again}.failed or {again}.changed"},
    ]


def test_every_module_has_examples_that_are_run() -> None:
    assert sorted([*EXISTING, *CONTROL, *PLAIN, *DRIVEN]) == sorted(path.stem for path in MODULES.glob("*.py"))


@pytest.mark.parametrize("module", EXISTING)
def test_the_examples_of_a_technology_work(module: str, sandbox: Any, operator: Operator) -> None:
    operator.load(world(EXISTING[module]))
    surround(sandbox)
    operator.env.update(sandbox.env(), ANSIBLE_PIPELINING="1")
    who = sandbox.gateway.accounts.admin(ACCOUNT)
    checker = {"AWS_ACCESS_KEY_ID": who.access_key, "AWS_SESSION_TOKEN": who.token}
    tasks = [one for number, task in enumerate(examples(module)) for one in thrice(number, task, checker)]
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "module_defaults": {"group/dr.aws.all": {"poll_limit_seconds": 0.01}},
        "tasks": tasks,
    }
    ran = operator.run(written(operator, [play]), inventory="localhost,").ok()
    assert ran.changed >= 2, ran.out  # foretold, then done
    assert sandbox.calls(admin=True, role=who.role), "check mode looks"
    assert [row for row in sandbox.calls(mutating=True, admin=True) if row["role"] == who.role] == []
    assert sandbox.calls(mutating=True)


@pytest.mark.parametrize("module", PLAIN)
def test_the_examples_of_a_plain_module_work(module: str, operator: Operator) -> None:
    operator.load(world([]))
    operator.env.update(ANSIBLE_PIPELINING="1")
    tasks = [one for number, task in enumerate(examples(module)) for one in thrice(number, task, {})]
    here = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    ran = operator.run(
        written(operator, [{**play("localhost"), "connection": "local", "vars": here, "tasks": tasks}]), inventory="localhost,"
    )
    assert ran.ok().changed >= 2, ran.out


def play(hosts: str, *modules: str, **more: Any) -> dict[str, Any]:
    """A play of the examples of modules of the control plane."""
    return {"hosts": hosts, "gather_facts": False, "tasks": [task for one in modules for task in examples(one)], **more}


def test_the_examples_of_the_control_plane_are_one_execution(sandbox: Any, operator: Operator) -> None:
    """It waits for its approval, which is given by the examples of the modules for people elsewhere."""
    whole = estate()
    operator.load({**whole, "resources": [one for one in whole["resources"] if one["name"] in ("ledger", "basket")]})
    first = written(operator, [play("localhost", "control_plane")])
    assert operator.run(first, "--check").ok().changed == 1
    assert sandbox.calls(mutating=True) == []
    assert operator.run(first).ok().changed == 1

    entry = {"resourceId": "ledger", "action": "EcsService", "config": {}}
    layers = [{"layerId": "services", "priority": 1, "resources": [entry]}]
    content = {"manifestId": "acme-production", "customer": "acme", "environment": "production", "layers": layers}
    (operator.home / "acme.manifest.yml").write_text(yaml.safe_dump(content))
    assert operator.run(written(operator, [play("all", "manifest")])).ok().changed == 1

    hosts, serial = (f"{{{{ hostvars['localhost']['dr_execution']['{one}']['activate'] }}}}" for one in ("hosts", "serial"))
    wave = play(hosts, "approval", "errand", "wave", "health", serial=serial)
    playbook = written(operator, [play("all", "readiness", "plan"), wave, play("all", "close")])
    before = operator.mark()
    operator.run(playbook, "--check").ok()
    assert sandbox.calls(mutating=True, since=before) == []

    skipped = key_of(SHOP, "shop", "basket")
    started = operator.start(playbook)
    name = started.until(r"execution (dr-\S+) started")[1]
    token = started.until(r"token=(\S+) ")[1]
    (decision,), (info, *pages), (skip, undo) = examples("decision"), examples("execution_info"), examples("request")
    waits = {"ansible.builtin.assert": {"that": "found.executions[0].approvals[0].state == 'pending'"}}
    looks = [{**info, "register": "found"}, waits, *pages, *examples("audit_info"), *examples("capacity")]
    tasks = [{**decision, "check_mode": True}, {**skip, "check_mode": True}, *looks, skip, undo, skip, decision]
    elsewhere = {**play("localhost"), "tasks": tasks}
    operator.run(written(operator, [elsewhere]), execution_id=name, token=token, resource=skipped).ok()

    ended = started.end().ok()
    assert f"approved by {sandbox.client('sts').get_caller_identity()['Arn']}" in ended.out
    operator.run(written(operator, [play("localhost", "report")]), execution_id=name).ok()
    assert {path.name.partition(".")[2] for path in (operator.home / "reports").iterdir()} == {"html", "json", "junit.xml", "csv"}
    assert operator.run(written(operator, [play("localhost", "rollback", "close")]), execution_id=name).ok().changed == 1
    assert operator.run(written(operator, [play("localhost", "rollback")]), execution_id=name).ok().changed == 0
    assert operator.run(written(operator, [play("localhost", "snapshot", "tag_sync", "proposal")])).ok().changed == 2
    assert (operator.home / "rehearsal/snapshot.json").is_file()
    assert f"skipped   {skipped}" in ended.out
    assert [row["operation"] for row in operator.mutations()] != []


@pytest.mark.parametrize("module", [*EXISTING, *CONTROL, *PLAIN, *DRIVEN])
def test_what_a_module_takes_and_returns_is_described(module: str) -> None:
    document, returned = string_of(module, "DOCUMENTATION"), string_of(module, "RETURN")
    assert document["module"] == module
    assert document["short_description"] and document["description"] and document["version_added"]
    assert all(one["description"] and one["type"] for one in document.get("options", {}).values())
    assert returned and all(one["description"] and one["returned"] and one["type"] for one in returned.values())
    assert all("sample" in one for one in returned.values())


def names(module: str) -> set[str]:
    """A technology module's options beyond the common ones."""
    return set(string_of(module, "DOCUMENTATION")["options"]) - set(OPTIONS)


def adapter_of(module: str) -> Any:
    """The adapter that a technology module drives."""
    made = re.search(r"adapters\.\w+ import (\w+)$", (MODULES / f"{module}.py").read_text(), re.MULTILINE)
    assert made, module
    package = "ansible_collections.dr.aws.plugins.module_utils.adapters"
    return getattr(importlib.import_module(f"{package}.{module}"), made[1])


def sources_of(made: Any) -> str:
    """The text of an adapter's file and of the collection's files that it imports something of."""
    file = importlib.import_module(made.__module__)
    near = {inspect.getmodule(value) for value in vars(file).values()} | {file}
    own = {one.__name__: one for one in near if one and one.__name__.startswith("ansible_collections.dr.aws.")}
    return "".join(inspect.getsource(one) for one in own.values())


@pytest.mark.parametrize("module", EXISTING)
def test_the_options_of_a_technology_are_what_its_adapter_reads(module: str) -> None:
    made = adapter_of(module)
    text = " ".join(made.__doc__.split())
    one = r"[a-z]\w*(?: \([^)]*\))?"
    lists = re.findall(rf"(?:[.:;] )((?:{one}, )*{one}):", text.partition("Settings")[2])
    told = {re.sub(r" \(.*", "", name) for some in lists for name in re.split(r", (?![^(]*\))", some)}
    options = names(module)
    assert told, text
    assert told - options == set(), "the adapter tells of settings that the module does not take"
    assert {name for name in options if not re.search(rf"\b{name}\b", text)} == set(), "the adapter does not tell of these"
    sources = sources_of(made)
    assert {name for name in options if f'"{name}"' not in sources} == set(), "nothing reads these options"


def test_every_plugin_is_shown_by_ansible_doc_without_a_warning(operator: Operator) -> None:
    for kind, plugins in (("module", [path.stem for path in MODULES.glob("*.py")]), ("inventory", ["resources"])):
        words = [str(BIN / "ansible-doc"), "-t", kind, *(f"dr.aws.{one}" for one in sorted(plugins))]
        env = {**operator.env, "ANSIBLE_NOCOLOR": "1"}
        shown = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120, check=True)
        assert shown.stderr == ""
        for one in plugins:
            assert f"> {kind.upper()} dr.aws.{one} (" in shown.stdout, one
