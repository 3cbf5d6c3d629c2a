# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource Explorer's filter language, as far as it is documented.

Filters are ANDed, the values of one are ORed, `-` negates, `*` ends a value.
"""

from __future__ import annotations

from collections.abc import Callable

from .listing import Resource

Predicate = Callable[[Resource, str], bool]
_FILTERS = ("accountid", "id", "region", "resourcetype", "service", "tag", "tag.key", "tag.value")


def parse(text: str, free_text: bool) -> list[Predicate]:
    """Predicates of (resource, account id) that must all hold. ValueError for what is no filter, unless `free_text`."""
    return [_term(word, free_text) for word in split(text)]


def split(text: str) -> list[str]:
    """Words at blanks; quotes keep blanks and colons together; a backslash takes the next character as it is."""
    words: list[str] = []
    word, quoted, begun, characters = "", False, False, iter(text)
    for character in characters:
        if character == "\\":
            word, begun = word + next(characters, ""), True
        elif character == '"':
            quoted, begun = not quoted, True
        elif character.isspace() and not quoted:
            if begun:
                words.append(word)
            word, begun = "", False
        else:
            word, begun = word + character, True
    return [*words, word] if begun else words


def _term(word: str, free_text: bool) -> Predicate:
    if word.startswith("-"):
        inner = _term(word[1:], free_text)
        return lambda resource, account: not inner(resource, account)
    name, colon, value = word.partition(":")
    if not colon or name.lower() not in _FILTERS:
        if not free_text:
            raise ValueError(f"{word!r} is not a filter")
        return lambda resource, _: word.lower() in resource.arn.lower()
    return _filter(name.lower(), value)


def _filter(name: str, value: str) -> Predicate:
    if name == "tag":
        return _tag(value)
    values = [one.lower() for one in value.split(",")]
    if name in ("tag.key", "tag.value"):
        pick = 0 if name == "tag.key" else 1
        return lambda resource, _: any(_match(pair[pick].lower(), values) for pair in resource.tags.items())
    if name == "accountid":
        return lambda _, account: _match(account, values)
    field: Callable[[Resource], str] = {
        "id": lambda resource: resource.arn,
        "region": lambda resource: resource.region,
        "resourcetype": lambda resource: resource.type,
        "service": lambda resource: resource.service,
    }[name]
    return lambda resource, _: _match(field(resource).lower(), values)


def _tag(value: str) -> Predicate:
    if value in ("none", "all"):
        return lambda resource, _: bool(resource.tags) == (value == "all")
    key, equals, text = value.lower().partition("=")
    values = text.split(",") if equals else ["*"]
    return lambda resource, _: any(name.lower() == key and _match(one.lower(), values) for name, one in resource.tags.items())


def _match(text: str, values: list[str]) -> bool:
    return any(text.startswith(value[:-1]) if value.endswith("*") else text == value for value in values)
