# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A readiness snapshot comes back as it was, or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dr.aws.plugins.module_utils import snapshot

THEN = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
HOSTS = {
    "ecs-1": {
        "dr_technology": "ecs",
        "dr_sides": {"us-east-1": {"id": "shop/orders"}},
        "dr_captured": {},
        "ansible_connection": "local",
    }
}


def made() -> dict[str, Any]:
    regions, captured = ["us-east-1", "us-west-2"], {"ecs-1": {"desired": 6}}
    return snapshot.build("acme", "production", THEN, regions, ["200000000001"], HOSTS, captured)


def test_a_snapshot_comes_back_as_it_was() -> None:
    back = snapshot.loads(snapshot.dumps(made()))
    assert back == made()
    assert back["resources"] == [{"key": "ecs-1", "dr_technology": "ecs", "dr_sides": {"us-east-1": {"id": "shop/orders"}}}]
    assert back["captured"] == {"ecs-1": {"desired": 6}}
    assert snapshot.age_seconds(back, THEN + timedelta(minutes=5)) == 300
    assert snapshot.key("acme", "production") == "snapshots/acme/production/latest.json"


@pytest.mark.parametrize("field", ["captured", "resources", "created_at", "sha256", "accounts"])
def test_a_changed_field_is_found_out(field: str) -> None:
    changed = {**made(), field: type(made()[field])()}
    with pytest.raises(snapshot.SnapshotError, match=r"checksum.*Next: run the playbook dr\.aws\.readiness"):
        snapshot.loads(json.dumps(changed).encode())


def test_a_version_that_is_not_known_is_refused() -> None:
    with pytest.raises(snapshot.SnapshotError, match="version 1"):
        snapshot.loads(json.dumps({**made(), "version": 2}).encode())


@pytest.mark.parametrize("field", sorted(set(made()) - {"version"}))
def test_a_missing_field_is_refused(field: str) -> None:
    cut = {name: value for name, value in made().items() if name != field}
    with pytest.raises(snapshot.SnapshotError, match=field):
        snapshot.loads(json.dumps(cut).encode())


@settings(deadline=None, derandomize=True, database=None)
@given(st.integers(0, len(snapshot.dumps(made())) - 1), st.integers(1, 255))
def test_no_changed_byte_gives_another_snapshot(at: int, by: int) -> None:
    data = bytearray(snapshot.dumps(made()))
    data[at] ^= by
    try:
        assert snapshot.loads(bytes(data)) == made()
    except snapshot.SnapshotError as error:
        assert "readiness snapshot" in error.message


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[]", b"null", b"{}"])
def test_what_is_no_snapshot_is_refused(data: bytes) -> None:
    with pytest.raises(snapshot.SnapshotError):
        snapshot.loads(data)
