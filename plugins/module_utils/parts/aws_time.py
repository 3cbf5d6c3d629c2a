# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as AWS tells them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any


def told_by(answer: Mapping[str, Any] | None) -> float:
    """AWS's own time, seconds since the epoch, from the `Date` of an answer: what its timestamps are compared with.

    This machine's where an answer has none.
    """
    text = (answer or {}).get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(text).timestamp() if text else time.time()


def seconds(value: Any) -> float:
    """A timestamp of an answer as seconds since the epoch."""
    return value.timestamp() if isinstance(value, datetime) else float(value)
