from __future__ import annotations

from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from features.errors import InvalidInputError
from models.registry.home import home_at, sqlite_address, sqlite_file_of
from pipelines.io import HomeFiles
from pipelines.running import check_pages_can_open, dagster_home
from tests.awkward_names import AWKWARD_NAME

NAMES = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1, max_size=12
)


@given(st.lists(NAMES, min_size=1, max_size=3))
def test_the_address_of_any_file_is_read_back_by_sqlalchemy(names: list[str]) -> None:
    file = Path("/", *names) / "store.db"
    for address in (sqlite_address(file), sqlite_address(file, "sqlite+pysqlite")):
        assert make_url(address).database == str(file)
        assert dict(make_url(address).query) == {}
        assert sqlite_file_of(address) == file


def test_the_address_of_a_server_names_no_file() -> None:
    assert sqlite_file_of("postgresql+psycopg://someone@host/db") is None
    assert sqlite_file_of("http://127.0.0.1:5000") is None


def test_frames_of_a_home_whose_name_is_a_pattern_are_read(tmp_path: Path) -> None:
    files = HomeFiles(home_at(tmp_path / f"{AWKWARD_NAME}[a]*"))
    frame = pl.DataFrame({"invoice_id": ["F-1"]})
    key = dg.AssetKey("core__email_signals")
    files.handle_output(dg.build_output_context(asset_key=key), frame)
    assert files.load_input(dg.build_input_context(asset_key=key)).equals(frame)
    files.handle_output(dg.build_output_context(asset_key=key), None)
    assert files.load_input(dg.build_input_context(asset_key=key)) is None


def test_what_was_never_computed_is_refused_with_its_place(tmp_path: Path) -> None:
    files = HomeFiles(home_at(tmp_path))
    with pytest.raises(InvalidInputError, match="has not been computed yet"):
        files.load_input(dg.build_input_context(asset_key=dg.AssetKey("features__open_invoices")))


def test_a_bracket_in_the_path_is_refused_for_the_pages_only(tmp_path: Path) -> None:
    check_pages_can_open(home_at(tmp_path / AWKWARD_NAME))
    bracketed = home_at(tmp_path / "a[b]")
    with pytest.raises(InvalidInputError, match=r"reads \[ in a path as a pattern.*rename the folder"):
        check_pages_can_open(bracketed)
    assert dagster_home(bracketed).is_dir()


def test_dagster_keeps_its_history_within_a_home_of_any_name(tmp_path: Path) -> None:
    folder = dagster_home(home_at(tmp_path / AWKWARD_NAME))
    # As Dagster's pages open it: from its settings and the environment alone.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(folder))
        with dg.DagsterInstance.get() as instance:
            assert instance.get_runs_count() == 0
            assert not instance.telemetry_enabled
    assert (folder / "history" / "runs.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [AWKWARD_NAME]


def test_settings_of_dagster_that_a_person_wrote_stay(tmp_path: Path) -> None:
    home = home_at(tmp_path)
    settings = dagster_home(home) / "dagster.yaml"
    shipped = settings.read_text()
    assert "enabled: false" in shipped
    assert "HomeRunHistory" in shipped
    own = "telemetry:\n  enabled: false\nstorage:\n  sqlite:\n    base_dir: /srv/dagster\n"
    settings.write_text(own)
    dagster_home(home)
    assert settings.read_text() == own
    settings.write_text("telemetry:\n  enabled: false\n")  # of an earlier version
    dagster_home(home)
    assert (
        settings.read_text()
        == "telemetry:\n  enabled: false\n" + shipped[shipped.index("# The run history") :]
    )
