# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of a report's page: its styles, and the little that both kinds of page share. Pure.

Nothing is loaded from anywhere, and the page's own policy forbids it; no script is needed or allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element

from .markup import NOTHING, Child, document, put, tag

#: Name -> (light, dark). Text and signs keep a contrast of 4.5 to 1 against `paper` and `panel`, bars 3 to 1 (WCAG 2.2, AA).
COLOURS: Final[Mapping[str, tuple[str, str]]] = {
    "paper": ("#ffffff", "#14171a"),
    "panel": ("#f3f5f7", "#1f2429"),
    "ink": ("#1b1f24", "#e6e8eb"),
    "faint": ("#57606a", "#a8b1ba"),
    "line": ("#c4cbd2", "#444c54"),
    "good": ("#116329", "#57c77a"),
    "bad": ("#b3261e", "#ff8a80"),
    "wait": ("#7a4f00", "#f2c14e"),
    "plain": ("#4b5b6b", "#9fb0c0"),
    "inside": ("#ffffff", "#14171a"),
}
#: So many letters an execution's id has.
SHORT: Final = 26
_STYLE: Final = """
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; padding-top: .5rem; border-top: 1px solid var(--line); }
p { margin: .4rem 0; }
code.short { white-space: nowrap; }
code { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, monospace; font-size: .875em; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .5rem 1rem; margin: .5rem 0; }
dl div { background: var(--panel); padding: .5rem .75rem; border-radius: .25rem; }
dt { color: var(--faint); font-size: .85rem; }
dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin: .5rem 0 1rem; }
.scroll:focus-visible { outline: 2px solid var(--plain); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; color: var(--faint); padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line);
  overflow-wrap: break-word; }
time { white-space: nowrap; }
thead th { background: var(--panel); white-space: nowrap; }
tbody th { font-weight: 600; }
.state { font-weight: 600; white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); } .wait { color: var(--wait); } .plain { color: var(--plain); }
.faint { color: var(--faint); }
.timeline { width: 100%; min-width: 44rem; height: auto; display: block; }
.timeline text { fill: var(--ink); font-size: 12px; font-family: inherit; }
.timeline .small { fill: var(--faint); font-size: 11px; }
.timeline .name.bad { fill: var(--bad); font-weight: 600; }
.timeline .inside { fill: var(--inside); font-size: 10px; }
.timeline .mark { stroke: var(--line); stroke-width: 1; }
.bar.good { fill: var(--good); } .bar.bad { fill: var(--bad); } .bar.wait { fill: var(--wait); } .bar.plain { fill: var(--plain); }
@media screen and (max-width: 42rem) {
  body { padding: 1rem; }
  table:has(th:nth-child(4)) { min-width: 42rem; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  .scroll { overflow: visible; } .timeline { min-width: 0; }
  tr, dl div { break-inside: avoid; } h2, caption { break-after: avoid; } thead { display: table-header-group; }
  .bar, dl div, thead th { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""


def stylesheet() -> str:
    """The colours for a light and for a dark screen, paper is light; then how things look."""
    light, dark = (" ".join(f"--{name}: {pair[place]};" for name, pair in COLOURS.items()) for place in (0, 1))
    chosen = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
    return f":root {{ color-scheme: light dark; {light} }}\n{chosen}\n{_STYLE}"


def page(title: str, sections: Iterable[Element], foot: str) -> str:
    """A whole HTML file."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", stylesheet()),
    )
    body = tag("body", put(tag("main"), *sections), tag("footer", tag("p", foot, class_="faint")))
    return document(tag("html", head, body, lang="en"))


def section(ident: str, title: str, *children: Child) -> Element:
    """A part of the page under its own heading."""
    return tag("section", tag("h2", title, id=ident), *children, aria_labelledby=ident)


def facts(pairs: Iterable[tuple[str, Child]]) -> Element:
    """Names with their values."""
    shown = ((name, NOTHING if value is None or value == "" else value) for name, value in pairs)
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in shown))


def code(value: Any) -> Element:
    """What is to be typed or compared letter by letter; an id or a short hash stays on one line."""
    return tag("code", value, class_="short" if len(str(value)) <= SHORT else None)


def arn(value: Any) -> Element:
    """An ARN, which may be folded after its colons and slashes."""
    parts = re.split(r"(?<=[:/])", str(value or NOTHING))
    return put(tag("span"), *(child for part in parts for child in (part, tag("wbr"))))


def none(text: str) -> Element:
    """That there is nothing of a kind."""
    return tag("p", text, class_="faint")
