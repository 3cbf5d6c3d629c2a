# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of an execution and the dashboard as people see them: by a headless Chromium, light and dark, wide and narrow.

The estate acme fails over in the sandbox; the week before it is invented, so that the dashboard's lines have something to show.

PYTHONPATH=.build python tools/screenshots.py FOLDER      needs Chromium, on the PATH or as CHROMIUM=/its/path
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import yaml
from dashboard_page import page as dashboard_page

from ansible_collections.dr.aws.plugins.module_utils.alarms import TARGETS
from ansible_collections.dr.aws.plugins.module_utils.metrics import METRICS, NAMESPACE

ROOT = Path(__file__).resolve().parent.parent
INVENTORY = ROOT / "inventories" / "acme.dr_aws.yml"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--allow-file-access-from-files",
)
WIDTHS = {"wide": 1440, "narrow": 400}
#: Blink's numbers of the colour schemes.
SCHEMES = {"light": 1, "dark": 0}
#: A picture is at most so high, and a page at most so many pictures: those of a report's end are tables as before.
HEIGHT, PARTS = 2400, 4
SCOPE = {"customer": "acme", "environment": "production", "primary_region": "us-east-1", "dr_region": "us-west-2"}
#: About what the metrics without a target are.
TYPICAL = {
    "ExecutionDuration": 900,
    "InstantiateWaveDuration": 240,
    "ActivateWaveDuration": 420,
    "CleanupWaveDuration": 180,
    "ReplicateWaveDuration": 300,
    "ResourcesDone": 24,
    "ResourcesFailed": 2,
    "ReplicationLag": 12,
    "ReadinessScore": 110,
    "SnapshotAgeHours": 24,
    "DrillAgeDays": 40,
    "NeverDrilled": 9,
}
#: A page of the width that is asked for, whatever the window's, from so far down; it says how high the page inside is.
AROUND = """<!DOCTYPE html><meta charset="utf-8">
<style>body, iframe {{ margin: 0; border: 0; display: block; overflow: hidden }}</style>
<iframe src="{page}" style="width: {width}px; height: {height}px; margin-top: -{down}px"
 onload="document.title = this.contentDocument.documentElement.scrollHeight"></iframe>"""


def browser() -> str:
    """The program; ends with what to do when there is none."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found or not shutil.which(found):
        raise SystemExit(
            f"no Chromium: none of {', '.join(BROWSERS)} is on the PATH. Install one, or: make screenshots CHROMIUM=/its/path"
        )
    return found


@contextmanager
def world(folder: Path) -> Iterator[dict[str, str]]:
    """A sandbox with the estate acme; gives the environment of what talks to it."""
    words = [sys.executable, "-m", "sandbox", "serve", "--estate", "acme", "--scale", "600", "--port", "0"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        exports: dict[str, str] = {}
        for line in server.stdout:
            if found := re.match(r"export (\w+)=(.*)", line):
                exports[found[1]] = found[2]
            if "EC2_METADATA" in line:
                break
        try:
            cache = {"ANSIBLE_INVENTORY_CACHE_CONNECTION": str(folder / "cache"), "ANSIBLE_NOCOLOR": "1"}
            yield {**os.environ, **exports, **cache}
        finally:
            server.terminate()


def playbook(name: str, env: Mapping[str, str], **variables: str) -> str:
    """Runs a playbook against the sandbox; gives its screen."""
    given = [word for one, value in variables.items() for word in ("-e", f"{one}={value}")]
    words = ["ansible-playbook", f"playbooks/{name}.yml", "-i", str(INVENTORY), *given]
    ran = subprocess.run(words, cwd=ROOT, env=dict(env), capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(ran.stdout + ran.stderr)
    return ran.stdout


def execution(env: Mapping[str, str], folder: Path) -> Path:
    """A failover of which the source region is dark; gives its report."""
    playbook("readiness", env, **SCOPE)
    dark = json.dumps({"match": {"region": "us-east-1"}, "effect": "reset"}).encode()
    with urllib.request.urlopen(env["AWS_ENDPOINT_URL"] + "/_sandbox/faults", data=dark):
        pass
    found = re.search(
        r"execution (dr-\S+) started", playbook("failover", env, **SCOPE, mode="unplanned", approval_mode="automatic")
    )
    assert found is not None
    playbook("report", env, execution_id=found[1], report_dir=str(folder), report_formats="html")
    return folder / f"{found[1]}.html"


def client(env: Mapping[str, str]) -> Any:
    """CloudWatch by plain boto3 in the control region."""
    session = boto3.Session(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
    return session.client("cloudwatch", region_name=env["AWS_DEFAULT_REGION"], endpoint_url=env["AWS_ENDPOINT_URL"])


def invent(cloudwatch: Any, now: datetime) -> None:
    """A week of metrics before now: readiness every day, a drill every second day. Always the same."""
    chance = random.Random(1)
    limits = {target.metric: target.limit for target in TARGETS}
    for day in range(7, 0, -1):
        for name, metric in METRICS.items():
            if metric.dimensions == ("Customer", "Environment", "Operation") and day % 2:
                continue
            scope = {"Customer": "acme", "Environment": "production", "Operation": "test"}
            value = limits.get(name, TYPICAL.get(name, 0)) * (0.3 + 0.5 * chance.random())
            datum = {
                "MetricName": name,
                "Timestamp": now - timedelta(days=day),
                "Unit": metric.unit,
                "Dimensions": [{"Name": one, "Value": scope[one]} for one in metric.dimensions],
                "Values": [round(value) if metric.unit in ("Count", "None") else round(value, 3)],
            }
            cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])


def photograph(program: str, page: Path, width: int, scheme: int, name: Path) -> Iterator[Path]:
    """The page as PNGs, from its top down."""
    with tempfile.TemporaryDirectory(prefix="dr-aws-") as profile:
        around = Path(profile) / "around.html"

        def run(whole: int, down: int, shown: int, *words: str) -> str:
            text = AROUND.format(page=page.resolve().as_uri(), width=width, height=whole, down=down)
            around.write_text(text, encoding="utf-8")
            size, look = f"--window-size={width},{shown}", f"--blink-settings=preferredColorScheme={scheme}"
            command = [program, *FLAGS, f"--user-data-dir={profile}/profile", size, look, *words, around.as_uri()]
            return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

        said = re.search(r"<title>(\d+)</title>", run(1000, 0, 1000, "--dump-dom"))
        if not said:
            raise SystemExit(f"{program} did not show {page}")
        whole = int(said[1])
        for part, down in enumerate(range(0, min(whole, HEIGHT * PARTS), HEIGHT), 1):
            file = name.with_name(f"{name.name}-{part}.png")
            run(whole, down, min(HEIGHT, whole - down), f"--screenshot={file.resolve()}")
            yield file


def main(folder: Path) -> None:
    """Runs the demo, draws the pages, keeps the pictures."""
    program = browser()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dr-aws-") as name:
        scratch = Path(name)
        with world(scratch) as env:
            pages = {"report": execution(env, scratch), "dashboard": scratch / "dashboard.html"}
            cloudwatch, table = client(env), yaml.safe_load(INVENTORY.read_text(encoding="utf-8"))["control_table"]
            now = datetime.now(UTC)
            invent(cloudwatch, now)
            body = json.loads(cloudwatch.get_dashboard(DashboardName=table)["DashboardBody"])
            pages["dashboard"].write_text(dashboard_page(cloudwatch, table, body, now), encoding="utf-8")
        for what, page in pages.items():
            shutil.copy(page, folder / f"{what}.html")
            for look, scheme in SCHEMES.items():
                for size, width in WIDTHS.items():
                    for file in photograph(program, page, width, scheme, folder / f"{what}-{look}-{size}"):
                        print(file, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
