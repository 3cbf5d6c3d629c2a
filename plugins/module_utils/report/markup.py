# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML and SVG as a tree: what comes from AWS or from people can only become text or the value of an attribute. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias
from xml.etree.ElementTree import Element, tostring

Child: TypeAlias = "Element | str | int | float | None"

#: What HTML and XML may not hold, and what turns the direction of the text around it.
_UNFIT: Final = re.compile(
    r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
REPLACEMENT: Final = "\ufffd"
#: What a cell says that has nothing to say.
NOTHING: Final = "-"


def clean(value: Any) -> str:
    """Text that can stand in every format; what cannot is replaced by U+FFFD."""
    return _UNFIT.sub(REPLACEMENT, str(value))


def tag(kind: str, /, *children: Child, **attributes: Any) -> Element:
    """An element. Attributes: None and False leave one out, True gives its own name; `class_` and `aria_label` as in HTML."""
    element = Element(kind)
    for key, value in attributes.items():
        if value is not None and value is not False:
            element.set(key.rstrip("_").replace("_", "-"), "" if value is True else clean(value))
    return put(element, *children)


def put(element: Element, *children: Child) -> Element:
    """Adds children; None is none. Text goes after what is there already."""
    for child in children:
        if isinstance(child, Element):
            element.append(child)
        elif child is not None:
            text = clean(child)
            if len(element):
                element[-1].tail = (element[-1].tail or "") + text
            else:
                element.text = (element.text or "") + text
    return element


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Child]], **attributes: Any) -> Element:
    """A table with a caption, heads of columns, and the first cell of each row as its head."""
    body = [
        tag("tr", *(tag("td", _timed(cell)) if place else tag("th", cell, scope="row") for place, cell in enumerate(row)))
        for row in rows
    ]
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption),
            tag("thead", tag("tr", *(tag("th", head, scope="col") for head in heads))),
            tag("tbody", *body),
        ),
        class_="scroll",
        role="region",
        aria_label=caption,
        tabindex="0",
        **attributes,
    )


def _timed(cell: Child) -> Child:
    return tag("time", cell) if isinstance(cell, str) and _TIME.fullmatch(cell) else cell


def document(root: Element) -> str:
    """The whole file."""
    return "<!DOCTYPE html>\n" + tostring(root, encoding="unicode", method="html") + "\n"
