# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard drawn as a page: what CloudWatch would show, without a console."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils import dashboard

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location("dashboard_page", ROOT / "tools/dashboard_page.py")
assert _SPEC is not None and _SPEC.loader is not None
TOOL = importlib.util.module_from_spec(_SPEC)
sys.modules["dashboard_page"] = TOOL
_SPEC.loader.exec_module(TOOL)
NOW = datetime(2026, 11, 28, 16, 30, tzinfo=UTC)
ALARM = "arn:aws:cloudwatch:us-west-2:1:alarm:dr: notification slow"


class Cloudwatch:
    """Has two points of every metric, and an alarm."""

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:
        times = [NOW - timedelta(days=2), NOW - timedelta(hours=1)]
        return {
            "MetricDataResults": [
                {"Label": one["Label"], "Timestamps": times, "Values": [2.0, 7.5]} for one in asked["MetricDataQueries"]
            ]
        }

    def describe_alarms(self, **asked: Any) -> dict[str, Any]:
        return {"MetricAlarms": [{"AlarmName": name, "StateValue": "ALARM"} for name in asked["AlarmNames"]]}


def test_the_page_shows_every_widget_with_its_data() -> None:
    body = dashboard.build("us-west-2", "dr-aws-state", "dr-events", [ALARM])
    page = TOOL.page(Cloudwatch(), "dr-aws-state", body, NOW)
    charts = [one["properties"] for one in body["widgets"] if one["type"] == "metric"]
    assert all(f"<h3>{one['title']}</h3>" in page for one in charts)
    assert page.count("<svg") == len(charts)
    assert page.count("<polyline") == sum(len(one["metrics"]) for one in charts)
    assert "✕ ALARM" in page and "target 10 s" in page and "Nov 28" in page
    assert "<script" not in page and "src=" not in page


@pytest.mark.parametrize(
    ("values", "top"), [([], 1), ([0.02], 0.02), ([0.43], 0.5), ([1], 1), ([7.4], 10), ([130, 12], 200), ([99_000], 100_000)]
)
def test_an_axis_ends_with_a_round_number(values: list[float], top: float) -> None:
    assert TOOL.highest(values) == pytest.approx(top)


def test_a_dashboard_shows_the_time_that_it_says() -> None:
    assert TOOL.window({"start": "-P7D"}, NOW) == (NOW - timedelta(days=7), NOW)
    assert TOOL.window({"start": "-PT3H"}, NOW) == (NOW - timedelta(hours=3), NOW)


def test_without_a_chromium_it_is_said_what_to_do(tmp_path: Path) -> None:
    env = {**os.environ, "PATH": str(tmp_path), "CHROMIUM": "", "PYTHONPATH": str(ROOT / ".build")}
    words = [sys.executable, str(ROOT / "tools/screenshots.py"), str(tmp_path / "pictures")]
    ran = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "no Chromium" in ran.stderr and "make screenshots CHROMIUM=/its/path" in ran.stderr
    assert list(tmp_path.iterdir()) == []
