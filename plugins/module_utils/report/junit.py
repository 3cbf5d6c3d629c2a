# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as JUnit XML, so that a CI shows a drill: one test case per resource and phase, and per hook and check. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, indent, tostring

from .markup import put, tag

FAILED = ("failed", "blocked")
SKIPPED = ("deferred", "skipped", "not_reached")


def junit(report: Mapping[str, Any]) -> str:
    """One suite per phase, and one of hooks and business checks.

    failed and blocked are failures with why and remedy; what was not carried out is skipped, with why.
    """
    execution = report["execution"]
    suites: dict[str, list[Element]] = {}
    for one in report["resources"]:
        for phase in one["phases"]:
            suites.setdefault(phase["phase"], []).append(_case(one, phase))
    if report["errands"]:
        suites["hooks and business checks"] = [_errand(one) for one in report["errands"]]
    name = f"{execution['operation']} {execution['customer']}/{execution['environment']} {execution['execution_id']}"
    root = tag("testsuites", *(_suite(phase, cases, report) for phase, cases in suites.items()), name=name, **_counts(suites))
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _counts(suites: Mapping[str, list[Element]]) -> dict[str, int]:
    cases = [case for some in suites.values() for case in some]
    return {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": 0,
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }


def _suite(phase: str, cases: list[Element], report: Mapping[str, Any]) -> Element:
    execution = report["execution"]
    values = {
        "execution_id": execution["execution_id"],
        "status": execution["status"],
        "plan_sha256": report["plan"]["sha256"],
        "audit_verified": str(report["audit"]["verified"]).lower(),
    }
    properties = tag("properties", *(tag("property", name=name, value=value) for name, value in values.items()))
    seconds = sum(float(case.get("time", "0")) for case in cases)
    counts = _counts({phase: cases})
    return tag("testsuite", properties, *cases, name=phase, timestamp=execution["started_at"], time=f"{seconds:.1f}", **counts)


def _case(one: Mapping[str, Any], phase: Mapping[str, Any]) -> Element:
    place = f"{phase['phase']}.{one['technology'] or 'unknown'}"
    case = tag("testcase", name=f"{one['resource']} {phase['phase']}", classname=place, time=f"{phase['seconds'] or 0:.1f}")
    if phase["status"] in FAILED:
        text = "\n".join(line for line in (phase["why"], f"Next: {phase['remedy']}" if phase["remedy"] else "") if line)
        put(case, tag("failure", text, type=phase["status"], message=phase["why"] or phase["status"]))
    elif phase["status"] in SKIPPED:
        why = phase["why"] or "the execution ended before it was reached"
        put(case, tag("skipped", message=f"{phase['status']}: {why}"))
    return case


def _errand(one: Mapping[str, Any]) -> Element:
    """One that a person overrode has failed all the same."""
    kind = one["kind"].replace(" ", "_")
    case = tag("testcase", name=f"{one['name']} {one['phase']} {one['wave']}", classname=kind, time=f"{one['seconds'] or 0:.1f}")
    if one["state"] != "done":
        text = "\n".join(line for line in (one["why"], one["override_reason"], one["output"]) if line)
        put(case, tag("failure", text, type=one["state"], message=one["why"] or one["state"]))
    return case
