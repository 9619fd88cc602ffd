"""Settings of the service: all faults at once, nothing misspelt passes in silence, and the documentation is theirs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from features.errors import InvalidInputError
from serving.operations.settings import (
    ServiceSettings,
    ignored_variables,
    read_settings,
    variables,
)

SERVICE_PAGE = Path(__file__).parents[2] / "docs" / "service.md"


def test_every_unreadable_setting_is_named_at_once():
    given = {
        "ENCOURS_RATE": "many",
        "ENCOURS_OPEN": "perhaps",
        "ENCOURS_SECRET": "short",
        "ENCOURS_BURST": "-1",
        "ENCOURS_POLL_SECONDS": "inf",
        "ENCOURS_MAX_BODY_BYTES": "0",
    }
    with pytest.raises(InvalidInputError) as refusal:
        read_settings(given)
    assert {fault.where for fault in refusal.value.faults} == set(given)
    assert "short" not in str(refusal.value)


def test_only_the_environment_given_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ENCOURS_RATE", "3")
    assert read_settings({"ENCOURS_HOME": str(tmp_path)}).requests_per_second == 200
    assert read_settings().requests_per_second == 3
    assert read_settings({"ENCOURS_RATE": " "}).requests_per_second == 200, "an empty variable is absent"


def test_a_misspelt_setting_is_reported_with_the_nearest():
    given = {"ENCOURS_RATES": "5", "ENCOURS_HOME": "x", "ENCOURS_PORT_3000_TCP": "y", "PATH": "z"}
    port, rates = ignored_variables(given)
    assert (
        rates
        == "ENCOURS_RATES is not a setting of the service and is ignored; the nearest setting is ENCOURS_RATE"
    )
    assert port == "ENCOURS_PORT_3000_TCP is not a setting of the service and is ignored"


def test_the_secret_is_shown_nowhere(tmp_path: Path):
    settings = read_settings({"ENCOURS_HOME": str(tmp_path), "ENCOURS_SECRET": "s3cr3t" * 8})
    assert settings.secret() == b"s3cr3t" * 8
    assert "s3cr3t" not in f"{settings!r} {settings}"


def test_the_documentation_has_one_row_for_every_setting_and_no_other():
    page = SERVICE_PAGE.read_text("utf-8")
    rows = dict(re.findall(r"^\| `(ENCOURS_\w+)` \| (.+?) \| .+ \|$", page, re.MULTILINE))
    elsewhere = {name: rows.pop(name) for name in ("ENCOURS_HOME", "ENCOURS_TRACKING_URI")}
    assert all(elsewhere.values())
    assert rows == variables()
    fields = ServiceSettings.model_fields.values()
    defaults = {str(field.validation_alias): field.default for field in fields if field.default}
    for name in ("ENCOURS_MAX_BODY_BYTES", "ENCOURS_RATE", "ENCOURS_BURST", "ENCOURS_POLL_SECONDS"):
        assert f"| {defaults[name]:g} |" in page or f"| {defaults[name]} |" in page
