# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors for the person at three in the morning: what is wrong, and the next command."""

from __future__ import annotations


class DrError(Exception):
    """Everything that the product refuses or cannot do. `remedy`: what to do next, a command where there is one."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy

    def __str__(self) -> str:
        return f"{self.message}. Next: {self.remedy}" if self.remedy else self.message


class InputError(DrError):
    """A parameter that cannot be used: names the field, its value, what is allowed, and the next command."""

    def __init__(self, field: str, value: object, allowed: str, remedy: str) -> None:
        super().__init__(f"{field}={value!r} cannot be used; allowed: {allowed}", remedy)
        self.field, self.value, self.allowed = field, value, allowed
