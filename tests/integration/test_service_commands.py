"""The commands around the service, as a person runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from typer.testing import CliRunner

from features.errors import EncoursError
from features.ledger import Ledger, read_ledger, rows_of_customers, write_ledger
from pipelines.cli.service import app
from serving.operations.settings import ServiceSettings, read_settings
from serving.security.access import read_keys
from serving.store import open_store
from serving.store.database import BACKUPS
from serving.store.tables import AUDIT, FACTS
from tests.integration.old_stores import SECRET, load_dump

SAMPLE = Path(__file__).parents[2] / "data_samples" / "ledger"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    monkeypatch.setenv("ENCOURS_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "250")
    return read_settings()


def some_customers(ledger: Ledger, count: int) -> Ledger:
    return rows_of_customers(ledger, ledger.customers["customer_id"].sort().head(count).to_list())


def run(*words: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, list(words))
    if isinstance(done.exception, EncoursError):
        raise done.exception
    assert done.exit_code == status, done.output
    return done.output


def test_a_key_is_shown_once_rotated_and_revoked(settings: ServiceSettings) -> None:
    shown = run("keys", "add", "dunning system", "--scope", "score", "--scope", "events")
    (text,) = re.findall(r"enc_[0-9a-f]{8}_\S+", shown)
    key_id = text.split("_")[1]
    listed = run("keys", "list")
    assert "dunning system" in listed
    assert text not in listed
    (renewed,) = re.findall(r"enc_[0-9a-f]{8}_\S+", run("keys", "rotate", key_id))
    assert renewed != text
    run("keys", "revoke", key_id)
    assert read_keys(settings.keys_path)[key_id].revoked_at is not None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("keys", "add", "x", "--scope", "everything"), "score, events, read, approve, admin"),
        (("keys", "revoke", "00000000"), "encours keys list"),
        (("privacy", "erase", "--yes"), "either a customer or a person"),
        (("serve", "--open", "--host", "0.0.0.0"), "leave out --open"),
    ],
)
def test_a_wrong_command_is_refused_with_a_remedy(
    settings: ServiceSettings, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(EncoursError, match=re.escape(message)):
        run(*words)


def test_a_ledger_is_loaded_exported_erased_and_the_log_verifies(
    settings: ServiceSettings, tmp_path: Path
) -> None:
    write_ledger(some_customers(read_ledger(SAMPLE), 4), tmp_path / "ledger")
    assert "invoices" in run("load", str(tmp_path / "ledger"))
    store = open_store(settings.store_url, settings.secret())
    customer = store.history().ledger.customers["customer_id"][0]
    out = tmp_path / "export.json"
    assert "personal data" in run("privacy", "export", "--customer", customer, "--out", str(out))
    assert json.loads(out.read_text())["rows"]["invoices"] > 0
    assert out.stat().st_mode & 0o777 == 0o600
    assert "L123-22" in run("privacy", "erase", "--customer", customer, "--yes").replace("\n", "")
    assert "is whole: 2 lines" in run("audit", "verify")
    with store.open_for_writing() as connection:
        connection.execute(update(AUDIT).where(AUDIT.c.position == 1).values(caller="someone else"))
    store.close()
    assert "position 1" in run("audit", "verify", status=1)


def test_an_empty_log_is_said_to_be_empty(settings: ServiceSettings) -> None:
    open_store(settings.store_url, settings.secret()).close()
    assert "empty" in run("audit", "verify")


def test_a_store_is_verified_backed_up_and_restored(settings: ServiceSettings, tmp_path: Path) -> None:
    with pytest.raises(EncoursError, match="there is none yet"):
        run("store", "verify")
    assert not (tmp_path / "serving" / "store.db").exists(), "asking creates nothing"
    write_ledger(some_customers(read_ledger(SAMPLE), 2), tmp_path / "ledger")
    run("load", str(tmp_path / "ledger"))
    assert "up to date" in run("store", "migrate")
    run("store", "backup", str(tmp_path / "copy.db"))
    for left in (tmp_path / "serving").glob("store.db*"):
        left.write_bytes(b"damaged" * 1000)
    assert "not a database" in run("store", "verify", status=1)
    for left in (tmp_path / "serving").glob("store.db*"):
        left.unlink()
    (tmp_path / "copy.db").rename(tmp_path / "serving" / "store.db")
    assert "sound" in run("store", "verify")
    with open_store(settings.store_url, settings.secret()).database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(FACTS["customers"])).scalar_one() == 2


def test_an_old_store_is_upgraded_by_the_command_that_names_its_backup(
    settings: ServiceSettings, tmp_path: Path
) -> None:
    load_dump("f984050", tmp_path / "serving" / "store.db")
    (tmp_path / "serving" / "secret").write_bytes(SECRET)
    assert "revision 0001" in run("store", "verify")
    shown = run("store", "migrate")
    assert "from revision 0001" in shown
    (copy,) = (tmp_path / "serving" / BACKUPS).iterdir()
    assert copy.name in shown
    verified = run("store", "verify")
    assert "is whole: 7 lines" in verified
