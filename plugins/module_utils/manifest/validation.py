# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a manifest keeps its rules: H.2's schema as it is published beside this file, and what a schema cannot say.

The shorter shape of G.2 is made H.2's first; violations name what was written.
"""

from __future__ import annotations

import copy
import difflib
import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path as File
from typing import Any, Final

from ..errors import DrError
from ..parameters import MAX_WAVE
from .text import parse
from .violations import Path, Violation, at, broken

try:
    from jsonschema import Draft7Validator, ValidationError, validators

    HAS_JSONSCHEMA = True
except ImportError:  # ansible-test imports every file without it
    HAS_JSONSCHEMA = False

SCHEMA_FILE: Final = File(__file__).with_name("manifest.schema.json")


@dataclass(frozen=True, slots=True)
class Action:
    """technology: ours. noun: what `source…` and `target…` in its configuration may end in, besides `Id`."""

    technology: str
    noun: str


#: H.2's names of adapters, and two that it lacks.
ACTIONS: Final = {
    "DRS": Action("drs", "Server"),
    "AuroraMySQL": Action("aurora", "Cluster"),
    "AuroraPostgreSQL": Action("aurora", "Cluster"),
    "RdsInstance": Action("rds", "Instance"),
    "EcsService": Action("ecs", "Service"),
    "LambdaFunction": Action("lambda", "Function"),
    "R53Record": Action("route53", "Record"),
    "ElastiCache": Action("elasticache", "ReplicationGroup"),
    "OpenSearchService": Action("opensearch", "Domain"),
    "AutoScaling": Action("autoscaling", "Group"),
    "MemoryDB": Action("memorydb", "Cluster"),
    "EventBridge": Action("eventbridge", "Rule"),
    "EFS": Action("efs", "FileSystem"),
    "FSx": Action("fsx", "FileSystem"),
}
#: Attributes of DR-3 that H.2 leaves out, and the reference to the schema that editors write.
_MORE: Final[Mapping[str, Mapping[str, str]]] = {
    "manifestVersion": {"type": "string"},
    "approvalWorkflow": {"type": "object"},
    "healthChecks": {"type": "object"},
    "notifications": {"type": "object"},
    "$schema": {"type": "string"},
}
_NAME: Final = {"pattern": r"^\S(.*\S)?$"}
_SAID: Final = {
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
#: G.2 -> H.2, of a resource.
_SHORT: Final = {"resourceName": "resourceId", "parameters": "config"}


@dataclass(frozen=True, slots=True)
class Checked:
    """manifest: in H.2's shape with its defaults, None with any violation. warnings: G.2's, what is allowed and may be meant
    otherwise."""

    manifest: dict[str, Any] | None
    violations: tuple[Violation, ...]
    warnings: tuple[str, ...] = ()


def check(text: str) -> Checked:
    """What a text holds: `validate`, and how it is written."""
    value, violations = parse(text)
    if value is None and violations:
        return Checked(None, tuple(violations))
    found = validate(value)
    return Checked(None if violations else found.manifest, (*violations, *found.violations), found.warnings)


def validate(value: Any) -> Checked:
    """A manifest out of plain JSON values. Never raises for what it is given; DrError when jsonschema is not installed."""
    wide, written = _widen(value)
    errors = sorted(_validator().iter_errors(wide), key=lambda error: [str(part) for part in error.absolute_path])
    mistyped = {tuple(error.absolute_path) for error in errors if error.validator == "type"}
    told = [error for error in errors if error.validator == "type" or tuple(error.absolute_path) not in mistyped]
    found = [*(_of_schema(error, written) for error in told), *_of_rules(wide, written)]
    if found:
        return Checked(None, tuple(found))
    manifest = {
        "phases": list(published()["properties"]["phases"]["default"]),
        "approvalRequired": True,
        **{name: entry for name, entry in wide.items() if name != "$schema"},
        "layers": [{**layer, "priority": int(layer["priority"])} for layer in wide["layers"]],
    }
    return Checked(manifest, (), tuple(_warnings(manifest)))


@functools.cache
def published() -> dict[str, Any]:
    """The schema of H.2, word for word."""
    schema: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return schema


def counterpart(resource: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """(source, target): the identifiers that a resource's configuration gives its two sides, None where it does not."""
    config = resource["config"]
    source, target = (
        next((str(config[name]) for name in _names(side, resource["action"]) if name in config), None)
        for side in ("source", "target")
    )
    return source, target


def settings(resource: Mapping[str, Any]) -> dict[str, Any]:
    """What is left of a resource's configuration: the options of its technology's module. `instanceClass` is `instance_class`."""
    taken = {"account", *_names("source", resource["action"]), *_names("target", resource["action"])}
    return {
        re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower(): entry
        for name, entry in resource["config"].items()
        if name not in taken
    }


def _names(side: str, action: str) -> tuple[str, str]:
    return f"{side}Id", f"{side}{ACTIONS[action].noun}"


@functools.cache
def _validator() -> Any:
    """H.2, stricter: no field that is not known, no empty name, no wave that tags could not say; errors name what is missing."""
    if not HAS_JSONSCHEMA:
        raise DrError("jsonschema is not installed: a manifest cannot be validated", "pip install jsonschema")
    schema = copy.deepcopy(published())
    schema["properties"] |= _MORE
    schema["properties"]["phases"] |= {"minItems": 1, "uniqueItems": True}
    layer = schema["properties"]["layers"]["items"]
    resource = layer["properties"]["resources"]["items"]
    layer["properties"]["layerId"] |= _NAME
    layer["properties"]["priority"]["maximum"] = MAX_WAVE
    resource["properties"]["resourceId"] |= _NAME
    resource["properties"]["action"]["enum"] = list(ACTIONS)
    resource["properties"]["config"]["properties"] = {"account": {"type": "string", "pattern": "^[0-9]{12}$"}}
    resource["properties"]["dependencies"] |= {"items": {"type": "string", **_NAME}, "uniqueItems": True}
    for one in (schema, layer, resource, schema["properties"]["slaTargets"]):
        one["additionalProperties"] = False
    own = {"required": _required, "additionalProperties": _additional, "pattern": _pattern}
    return validators.extend(Draft7Validator, own)(schema)


def _required(validator: Any, names: Sequence[str], instance: Any, schema: Any) -> Iterator[Any]:
    for name in names if validator.is_type(instance, "object") else ():
        if name not in instance:
            yield ValidationError("missing", path=[name], instance=None)


def _additional(validator: Any, allowed: bool, instance: Any, schema: Any) -> Iterator[Any]:
    for name in instance if validator.is_type(instance, "object") else ():
        if name not in schema["properties"]:
            yield ValidationError("unknown", path=[name], instance=instance[name])


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:
    """Schemas mean ECMA 262's `$`, which a line break at the end does not satisfy; Python's is satisfied."""
    if validator.is_type(instance, "string") and not re.fullmatch(pattern.removeprefix("^").removesuffix("$"), instance):
        yield ValidationError("pattern")


def _of_schema(error: Any, written: Mapping[Path, Path]) -> Violation:
    path = _written(tuple(error.absolute_path), written)
    rule = error.validator_value
    match error.validator:
        case "required":
            return broken(path, None, "a value: it is required", f"Add {at(path)}")
        case "additionalProperties":
            known = sorted(error.schema["properties"])
            near = difflib.get_close_matches(str(path[-1]), known, n=1)
            return broken(
                path, error.instance, "the fields " + ", ".join(known), f"Rename it to {near[0]}" if near else "Remove it"
            )
        case "type":
            said = _SAID[rule]
        case "enum":
            said = "one of " + ", ".join(rule)
        case "pattern":
            said = "text without spaces around it" if rule == _NAME["pattern"] else f"text that matches {rule}"
        case "minimum" | "maximum":
            said = f"a whole number, at {'least' if error.validator == 'minimum' else 'most'} {rule}"
        case "minItems":
            said = "a list of at least one"
        case "uniqueItems":
            said = "a list with nothing twice"
        case _:
            said = f"text of at most {rule} characters"
    return broken(path, error.instance, said)


def _written(path: Path, written: Mapping[Path, Path]) -> Path:
    """The path as it was written: whatever H.2's name of a part is."""
    for length in range(len(path), 0, -1):
        if path[:length] in written:
            return (*written[path[:length]], *path[length:])
    return path


def _widen(value: Any) -> tuple[Any, dict[Path, Path]]:
    """G.2's shape as H.2's, and where what was renamed was written. What is neither is left as it is."""
    written: dict[Path, Path] = {}
    if not isinstance(value, dict) or not isinstance(value.get("layers"), list):
        return value, written
    layers = []
    for number, given in enumerate(value["layers"]):
        layer, path = given, ("layers", number)
        if isinstance(layer, dict) and "layer" in layer and not {"layerId", "priority"} & set(layer):
            rest = {name: entry for name, entry in layer.items() if name != "layer"}
            layer = {"layerId": f"layer-{layer['layer']}", "priority": layer["layer"], **rest}
            written |= {(*path, name): (*path, "layer") for name in ("layerId", "priority")}
        if isinstance(layer, dict) and isinstance(layer.get("resources"), list):
            layer = {
                **layer,
                "resources": [_wider(one, (*path, "resources", at), written) for at, one in enumerate(layer["resources"])],
            }
        layers.append(layer)
    return {**value, "layers": layers}, written


def _wider(resource: Any, path: Path, written: dict[Path, Path]) -> Any:
    if not isinstance(resource, dict):
        return resource
    renamed = {short: name for short, name in _SHORT.items() if short in resource and name not in resource}
    written |= {(*path, name): (*path, short) for short, name in renamed.items()}
    return {renamed.get(name, name): entry for name, entry in resource.items()}


def resources(manifest: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any], Mapping[str, Any]]]:
    """(path, layer, resource) of a manifest, in order."""
    for number, layer in enumerate(manifest["layers"]):
        for place, resource in enumerate(layer["resources"]):
            yield ("layers", number, "resources", place), layer, resource


def _sound(wide: Any) -> dict[str, Any]:
    """The layers and resources that the schema has nothing against, in their places: the rest has its violations already."""
    validator = _validator()
    of_layer = validator.schema["properties"]["layers"]["items"]["properties"]
    wave, entry = validator.evolve(schema=of_layer["priority"]), validator.evolve(schema=of_layer["resources"]["items"])
    holed: list[dict[str, Any]] = []
    layers = wide.get("layers") if isinstance(wide, dict) else None
    for layer in layers if isinstance(layers, list) else ():
        entries = layer.get("resources") if isinstance(layer, dict) else None
        kept = [one if entry.is_valid(one) else {} for one in entries] if isinstance(entries, list) else []
        priority = layer.get("priority") if isinstance(layer, dict) else None
        identifier = layer.get("layerId") if isinstance(layer, dict) else None
        named = {"layerId": identifier} if isinstance(identifier, str) else {}
        holed.append({"priority": priority if wave.is_valid(priority) else None, "resources": kept, **named})
    return {"layers": holed}


def _of_rules(wide: Any, written: Mapping[Path, Path]) -> Iterator[Violation]:
    """What relates one part of a manifest to another."""
    manifest = _sound(wide)
    layers: dict[str, int] = {}
    for number, layer in enumerate(manifest["layers"]):
        name = layer.get("layerId")
        if name is not None and layers.setdefault(name, number) != number:
            path = _written(("layers", number, "layerId"), written)
            yield broken(path, name, f"each layer once; it is layers[{layers[name]}] as well")
    places: dict[str, tuple[Path, Any]] = {}
    needs: dict[str, list[str]] = {}
    owners: dict[tuple[str, str, str], Path] = {}
    for path, layer, resource in resources(manifest):
        if not resource:
            continue
        name = resource["resourceId"]
        where = _written((*path, "resourceId"), written)
        if places.setdefault(name, (path, layer["priority"]))[0] != path:
            yield broken(where, name, f"each resource once; it is {at(places[name][0])} as well", "Remove one of the two")
            continue
        needs[name] = list(resource.get("dependencies", ()))
        yield from _of_config(path, resource, owners, written)
    yield from _of_dependencies(needs, places)


def _of_dependencies(needs: Mapping[str, Sequence[str]], places: Mapping[str, tuple[Path, Any]]) -> Iterator[Violation]:
    """What a resource needs comes before it. Names that the manifest does not have may be those of tagged resources: `merging`."""
    graph: dict[str, list[str]] = {}
    for name, wanted in needs.items():
        path, wave = places[name]
        graph[name] = []
        for number, other in enumerate(wanted):
            where = (*path, "dependencies", number)
            later = places.get(other, (path, None))[1]
            if other == name:
                yield broken(where, other, "another resource", "Remove it")
            elif wave is not None and later is not None and later > wave:
                allowed = f"a resource of this layer or an earlier one; {other} is in {at(places[other][0][:2])}"
                yield broken(where, other, allowed, "Move one of the two, or remove it")
            else:
                graph[name].append(other)
    for name, other in _circles(graph):
        where = (*places[name][0], "dependencies", needs[name].index(other))
        yield broken(where, other, f"no circle; {other} needs {name} in turn", "Remove one of the two")


def _circles(graph: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """(name, what it needs) that closes a circle, one for each circle, at the member that is written last."""
    left, rank = {name: list(wanted) for name, wanted in graph.items()}, {name: place for place, name in enumerate(graph)}
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            needed, *rest = error.args[1]  # each is needed by the one after it; the first stands at the end again
            pairs = zip(rest, [needed, *rest], strict=False)
            name, other = max(pairs, key=lambda pair: rank[pair[0]])
            left[name].remove(other)
            yield name, other
        else:
            return


def _of_config(
    path: Path, resource: Mapping[str, Any], owners: dict[tuple[str, str, str], Path], written: Mapping[Path, Path]
) -> Iterator[Violation]:
    config, action = resource["config"], resource["action"]
    for side in ("source", "target"):
        given = [name for name in _names(side, action) if name in config]
        for name in given:
            where = _written((*path, "config", name), written)
            value = config[name]
            if not isinstance(value, str) or not re.fullmatch(r"\S(.*\S)?", value):
                yield broken(where, value, "an identifier: text without spaces around it")
            elif value != config[given[0]]:
                yield broken(where, value, f"the same as {given[0]}, or only one of the two", "Remove one of the two")
            elif name == given[0]:
                key = (f"{side} {ACTIONS[action].technology}", str(config.get("account", "")), value)
                if owners.setdefault(key, path) != path:
                    yield broken(where, value, f"a {side} that is not another's; it is that of {at(owners[key])}")


def _warnings(manifest: Mapping[str, Any]) -> Iterator[str]:
    first = min(layer["priority"] for layer in manifest["layers"])
    for layer in manifest["layers"]:
        if layer["priority"] > first and not any(one.get("dependencies") for one in layer["resources"]):
            yield f"Layer {layer['priority']} has no dependencies defined"
