# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report can be shown as, and where it is kept in the control bucket."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .. import evidence
from ..store import Store
from . import compliance, facts
from .html import execution_page
from .html_compliance import compliance_page
from .junit import junit
from .sheet import compliance_csv, execution_csv

#: What is kept as evidence of every execution.
KEPT: Final = ("json", "html")


@dataclass(frozen=True, slots=True)
class Format:
    """suffix: of files. content_type: of objects."""

    suffix: str
    content_type: str
    render: Callable[[Mapping[str, Any]], str]


def as_json(report: Mapping[str, Any]) -> str:
    """The value itself."""
    return json.dumps(report, indent=2, sort_keys=True, ensure_ascii=True) + "\n"


#: Schema -> format -> how it is rendered.
FORMATS: Final[Mapping[str, Mapping[str, Format]]] = {
    facts.SCHEMA: {
        "json": Format(".json", "application/json", as_json),
        "html": Format(".html", "text/html; charset=utf-8", execution_page),
        "junit": Format(".junit.xml", "application/xml", junit),
        "csv": Format(".csv", "text/csv; charset=utf-8", execution_csv),
    },
    compliance.SCHEMA: {
        "json": Format(".json", "application/json", as_json),
        "html": Format(".html", "text/html; charset=utf-8", compliance_page),
        "csv": Format(".csv", "text/csv; charset=utf-8", compliance_csv),
    },
}


def name_of(report: Mapping[str, Any]) -> str:
    """What its files are called, without a suffix."""
    if report["schema"] == facts.SCHEMA:
        return str(report["execution"]["execution_id"])
    scope = report["scope"]
    return f"compliance-{scope['customer']}-{scope['environment']}-{scope['since']}-{scope['until']}"


def keep(store: Store, report: Mapping[str, Any], actor: str = "") -> list[dict[str, str]]:
    """Stores it in the control bucket, under its time: earlier ones stay. Gives [{what, s3, sha256}].

    An execution's are also noted at the execution, with their checksums, so that the next report names them. actor: who did it.
    """
    name, at = name_of(report), str(report["generated_at"]).replace("-", "").replace(":", "")
    kept = []
    for form in KEPT:
        made = FORMATS[report["schema"]][form]
        key = f"reports/{name}/{at}{made.suffix}"
        pointer = store.put_object(key, made.render(report).encode(), made.content_type)
        kept.append({"what": f"report of {report['generated_at']} ({form})", **pointer})
    if report["schema"] == facts.SCHEMA:
        pk, expires_at = f"EXEC#{name}", store.expiry()
        store.table.write({"PK": pk, "SK": f"REPORT#{one['s3']}", **one, "expires_at": expires_at} for one in kept)
        store.note(name, "report_stored", actor=actor, objects=kept)
        evidence.secure(store, name, actor)
    return kept
