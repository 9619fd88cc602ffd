"""A store that an earlier version wrote is backed up and upgraded; killed or refused meanwhile, it is intact."""

from __future__ import annotations

import datetime as dt
import json
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, create_engine, inspect, text

from features.errors import InvalidInputError
from features.ledger import ledger_fingerprint
from serving.security.access import KeyRing
from serving.store import SqlHistoryStore, facts_of, open_store, sqlite_url
from serving.store.backup import back_up, integrity_faults
from serving.store.database import BACKUPS, Database
from serving.store.migrations.upgrade import HEAD, alembic_config, schema_differences
from tests.integration.conftest import KEY, NOW
from tests.integration.old_stores import COMMITS, FOLDER, SECRET, load_dump
from tests.ledger_samples import day, frame, invoice, ledger, payment

FIRST_ROWS = (
    "INSERT INTO counters VALUES ('schema', 1), ('change', 7), ('generation', 1), ('night', 0), ('audit', 0)",
    "INSERT INTO feeds (name, is_provided) VALUES ('disputes', TRUE)",
    """INSERT INTO fact_invoices (invoice_id, customer_id, kind, issued_on, due_on, amount_cents, currency, origin,
       received_at) VALUES ('F1', 'K1', 'invoice', '2026-01-01', '2026-01-31', 100000, 'EUR', 'batch',
       '2026-01-02 00:00:00')""",
    """INSERT INTO fact_payments (payment_id, invoice_id, paid_on, known_on, amount_cents, method, customer_id, origin,
       received_at) VALUES ('p', 'F1', '2026-01-21', '2026-01-21', 40000, 'transfer', 'K1', 'event',
       '2026-01-22 00:00:00')""",
    """INSERT INTO fact_disputes (dispute_id, invoice_id, opened_on, reason, customer_id, origin, received_at) VALUES
       ('D1', 'F1', '2026-02-02', 'price', 'K1', 'event', '2026-02-03 00:00:00'),
       ('D2', 'F9', '2026-02-02', NULL, NULL, 'event', '2026-02-03 00:00:00')""",
)


def engine_of(url: str) -> Engine:
    options = {} if url.startswith("sqlite") else {"options": "-c timezone=utc"}
    return create_engine(url, connect_args=options)


def create_tables_of(connection: Connection, revision: str) -> None:
    """Create the tables of a revision as a store without Alembic had them: only the counter tells its version."""
    command.upgrade(alembic_config(connection), revision)
    connection.execute(text("DROP TABLE store_version"))


def write_first_version(url: str) -> None:
    engine = engine_of(url)
    with engine.begin() as connection:
        create_tables_of(connection, "0001")
        for statement in FIRST_ROWS:
            connection.execute(text(statement))
    engine.dispose()


def write_old_store(commit: str, url: str, folder: Path) -> None:
    """Put the store that a commit wrote at an address; on PostgreSQL its rows, into the tables of that revision."""
    if url.startswith("sqlite"):
        load_dump(commit, folder / "store.db")
        return
    load_dump(commit, folder / "dump.db")
    source, target = engine_of(sqlite_url(folder / "dump.db")), engine_of(url)
    tables = MetaData()
    tables.reflect(source)
    with source.connect() as reading, target.begin() as writing:
        create_tables_of(writing, COMMITS[commit])
        for table in tables.sorted_tables:
            rows = [dict(row) for row in reading.execute(table.select()).mappings()]
            if rows:
                writing.execute(table.insert(), rows)
    source.dispose()
    target.dispose()


def upgraded(url: str, key: bytes = KEY) -> SqlHistoryStore:
    """Open an older store; the operator of a PostgreSQL store has made a backup."""
    with closing(Database(url)) as database:
        database.prepare(has_backup=True)
    return open_store(url, key)


def backups_beside(url: str) -> list[Path]:
    return sorted(Path(str(Database(url).url.database)).parent.glob(f"{BACKUPS}/*"))


def dump(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return "\n".join(connection.iterdump())


@pytest.mark.parametrize("commit", COMMITS)
def test_a_store_of_an_earlier_commit_keeps_what_people_decided(
    commit: str, store_url: str, tmp_path: Path
) -> None:
    write_old_store(commit, store_url, tmp_path)
    with closing(upgraded(store_url, SECRET)) as store:
        overrides = store.overrides()
        assert {name: held.sequence_id for name, held in overrides["C-3"].items()} == {
            "F-2": "courtesy",
            "F-5": "hold",
        }
        assert overrides["C-3"]["F-2"].hold_until == dt.date(2026, 3, 20)
        verified = store.verify_audit()
        assert (verified.faults, verified.lines, verified.erased) == ((), 7, 1)
        facts = store.history().ledger
        assert facts.invoices["amount"].sum() == Decimal("4003.20")
        assert sorted(facts.payments["payment_id"]) == ["P-1", "P-2", "P-3"]
        assert facts.disputes is not None
        assert sorted(facts.disputes["dispute_id"]) == ["D-1", "D-2"]
        assert store.pending() == {"instalments": 0, "payments": 1, "disputes": 1}
        assert facts.customers.filter(customer_id="C-2")["name"].to_list() == [None], "erased on request"
        assert store.meanings("invoices", {"f-4"}) == {"f-4": "F-4"}
        (late,) = facts_of("invoices", frame("invoices", [invoice("F-98", customer_id="C-1")]))
        store.ingest([late], NOW)
        assert store.pending()["disputes"] == 0, "what waited before the upgrade finds its invoice"


@pytest.mark.parametrize("commit", COMMITS)
def test_the_decisions_of_the_night_survive_the_upgrade_letter_by_letter(
    commit: str, store_url: str, tmp_path: Path
) -> None:
    write_old_store(commit, store_url, tmp_path)
    engine = engine_of(store_url)
    statement = text("SELECT answer_id, body FROM nightly_scores ORDER BY answer_id")
    with engine.connect() as connection:
        before = {row[0]: json.loads(row[1]) for row in connection.execute(statement)}
    engine.dispose()
    with closing(upgraded(store_url, SECRET)) as store:
        after = {kept.answer_id: kept.body for kept in store.nightly_of(["C-1", "C-2", "C-3"])}
    assert after == before
    assert len(after) == 2, "the scores of the customer who asked for erasure are gone"


@pytest.mark.parametrize("commit", COMMITS)
def test_the_keys_of_an_earlier_commit_still_open(commit: str) -> None:
    ring = KeyRing(FOLDER / commit / "keys.json", SECRET)
    found = ring.find((FOLDER / commit / "key.txt").read_text().strip(), NOW)
    assert found is not None
    assert found.name == "erp"


@pytest.mark.parametrize("commit", COMMITS)
def test_a_sqlite_store_is_copied_before_it_is_upgraded(commit: str, tmp_path: Path) -> None:
    load_dump(commit, tmp_path / "store.db")
    before = dump(tmp_path / "store.db")
    open_store(sqlite_url(tmp_path / "store.db"), SECRET).close()
    (copy,) = (tmp_path / BACKUPS).iterdir()
    assert dump(copy) == before
    assert f"-revision-{COMMITS[commit]}" in copy.name
    assert copy.stat().st_mode & 0o777 == 0o600
    open_store(sqlite_url(tmp_path / "store.db"), SECRET).close()
    assert len(list((tmp_path / BACKUPS).iterdir())) == 1, "an upgraded store is not copied again"


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "upgraded"])
def test_the_tables_are_those_the_code_declares(store_url: str, is_new: bool) -> None:
    if not is_new:
        write_first_version(store_url)
    upgraded(store_url).close()
    with closing(Database(store_url)) as database:
        assert database.revision() == HEAD
        with database.reading() as connection:
            assert schema_differences(connection) == ()


def test_a_missing_index_is_a_difference(store_url: str) -> None:
    open_store(store_url, KEY).close()
    with closing(Database(store_url)) as database:
        with database.writing() as connection:
            connection.execute(text("DROP INDEX answers_overrides"))
        assert [fault.partition(":")[0] for fault in database.faults()] == ["add_index"]


def test_the_head_is_the_newest_revision(store_url: str) -> None:
    with closing(Database(store_url)) as database, database.reading() as connection:
        assert ScriptDirectory.from_config(alembic_config(connection)).get_current_head() == HEAD


def test_facts_of_a_first_version_store_survive_its_upgrade(store_url: str) -> None:
    write_first_version(store_url)
    with closing(upgraded(store_url)) as store:
        found = store.history().ledger
        assert found.payments.row(0, named=True)["amount"] == Decimal("400.00")
        assert found.payments["currency"].to_list() == [None]
        assert found.disputes is not None
        assert found.disputes.select("dispute_id", "opened_on").rows() == [("D1", dt.date(2026, 2, 2))]
        assert store.pending() == {"instalments": 0, "payments": 0, "disputes": 1}
        assert store.moment().change == 7


def test_an_upgraded_store_finds_its_ids_in_another_spelling(store_url: str) -> None:
    write_first_version(store_url)
    with closing(upgraded(store_url)) as store:
        assert store.meanings("invoices", {"f1"}) == {"f1": "F1"}
        assert store.meanings("customers", {"k1", "K2"}) == {"k1": "K1", "K2": "K2"}
        dispute = {"dispute_id": "D3", "invoice_id": "f1", "opened_on": day(50)}
        (fact,) = facts_of("disputes", frame("disputes", [dispute]))
        assert store.ingest([fact], NOW)[0].customer_id == "K1"


def test_an_early_store_without_nightly_scores_counts_nights_from_now(store_url: str) -> None:
    write_first_version(store_url)
    engine = engine_of(store_url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM counters WHERE name = 'night'"))
        connection.execute(text("DROP TABLE nightly_scores"))
        connection.execute(text("DROP INDEX answers_overrides"))
    engine.dispose()
    with closing(upgraded(store_url)) as store:
        assert store.nightly_of(["K1"]) == []
        assert store.moment().night == 0
        store.replace_nightly([])
        assert store.moment().night == 1
        assert store.database.faults() == ()


def test_an_upgraded_store_holds_everything_the_present_contracts_know(store_url: str) -> None:
    write_first_version(store_url)
    later = _ledger_with_everything()
    with closing(upgraded(store_url)) as store:
        store.load_ledger(later, NOW)
        assert ledger_fingerprint(store.history().ledger) == ledger_fingerprint(later)
    with closing(open_store(store_url, KEY)) as again:
        loads = again.load_ledger(later, NOW)
        assert {load.added + load.corrected + load.removed for load in loads.values()} == {0}
        assert ledger_fingerprint(again.history().ledger) == ledger_fingerprint(later)


def test_postgresql_is_upgraded_only_when_a_backup_is_stated(postgres_store_url: str) -> None:
    write_first_version(postgres_store_url)
    with pytest.raises(InvalidInputError, match=r"pg_dump.*encours store migrate --i-have-a-backup"):
        open_store(postgres_store_url, KEY)
    engine = engine_of(postgres_store_url)
    assert not inspect(engine).has_table("known_ids")
    engine.dispose()
    with closing(Database(postgres_store_url)) as database:
        done = database.prepare(has_backup=True)
    assert done is not None
    assert (done.before, done.after, done.backup) == ("0001", HEAD, None)


def test_an_empty_postgresql_store_is_upgraded_at_once(postgres_store_url: str) -> None:
    engine = engine_of(postgres_store_url)
    with engine.begin() as connection:
        create_tables_of(connection, "0001")
        connection.execute(text("INSERT INTO counters VALUES ('schema', 1), ('change', 0), ('audit', 0)"))
    engine.dispose()
    with closing(open_store(postgres_store_url, KEY)) as store:
        assert store.database.revision() == HEAD


@pytest.mark.parametrize("is_recorded_by_alembic", [True, False])
def test_a_store_of_a_later_version_is_refused_by_its_number(
    store_url: str, is_recorded_by_alembic: bool
) -> None:
    open_store(store_url, KEY).close()
    engine = engine_of(store_url)
    with engine.begin() as connection:
        if is_recorded_by_alembic:
            connection.execute(text("UPDATE store_version SET version_num = '0099'"))
        else:
            connection.execute(text("DROP TABLE store_version"))
            connection.execute(text("UPDATE counters SET value = 99 WHERE name = 'schema'"))
    engine.dispose()
    with pytest.raises(
        InvalidInputError, match=rf"(?s)later version.*revision 0099.*{HEAD}.*install the version"
    ):
        open_store(store_url, KEY)


def test_versions_before_alembic_refuse_new_and_upgraded_stores(store_url: str) -> None:
    write_first_version(store_url)
    upgraded(store_url).close()
    with closing(Database(store_url)) as database:
        assert database.peek_counters()["schema"] == 7, "the newest of them knows 6"


def test_tables_of_another_program_are_neither_used_nor_dropped(store_url: str) -> None:
    engine = engine_of(store_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE answers (question TEXT)"))
    engine.dispose()
    with pytest.raises(InvalidInputError, match=r"no version recorded.*answers"):
        open_store(store_url, KEY)


def test_several_processes_that_open_an_old_store_upgrade_it_once(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "store.db")
    load_dump("f984050", tmp_path / "store.db")
    barrier, failures = threading.Barrier(4), []

    def start() -> None:
        barrier.wait()
        try:
            open_store(url, SECRET).close()
        except Exception as failure:  # reported by the assertion below
            failures.append(failure)

    starters = [threading.Thread(target=start) for _ in range(4)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert failures == []
    assert len(backups_beside(url)) == 1


# Ends itself, as by a kill, before it sends the first statement that holds the given words, or before a rename.
KILLED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.engine import Engine
from serving.store import open_store
def die(): os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "rename":
    Path.rename = lambda *_: die()
@event.listens_for(Engine, "before_cursor_execute")
def watch(_connection, _cursor, statement, *_):
    if sys.argv[2] in statement:
        die()
@event.listens_for(Engine, "commit")
def committing(connection):
    if sys.argv[2] == "commit" and not connection.get_execution_options().get("encours_reads"):
        die()
open_store(sys.argv[1], b"test pepper of forty characters, no more")
"""


@pytest.mark.parametrize("moment", ["rename", "INSERT INTO known_ids", "commit"])
def test_a_store_whose_upgrade_is_killed_is_intact_and_upgraded_next_time(
    moment: str, tmp_path: Path
) -> None:
    url = sqlite_url(tmp_path / "store.db")
    load_dump("f984050", tmp_path / "store.db")
    before = dump(tmp_path / "store.db")
    done = subprocess.run([sys.executable, "-c", KILLED, url, moment], check=False)
    assert done.returncode == -signal.SIGKILL
    assert dump(tmp_path / "store.db") == before
    with closing(open_store(url, SECRET)) as store:
        assert store.verify_audit().faults == ()
        assert store.database.faults() == ()
    assert all(integrity_faults(copy) == () for copy in backups_beside(url)), "no unfinished copy is left"
    assert dump(backups_beside(url)[-1]) == before


def test_a_store_that_cannot_be_backed_up_is_not_upgraded(tmp_path: Path) -> None:
    load_dump("f984050", tmp_path / "store.db")
    before = dump(tmp_path / "store.db")
    (tmp_path / BACKUPS).write_text("a file where the folder should be")
    with pytest.raises(
        InvalidInputError, match=r"(?s)could not be backed up; it is unchanged.*make room on the disk"
    ):
        open_store(sqlite_url(tmp_path / "store.db"), SECRET)
    assert dump(tmp_path / "store.db") == before


def test_a_backup_never_replaces_a_file(tmp_path: Path) -> None:
    open_store(sqlite_url(tmp_path / "store.db"), KEY).close()
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(InvalidInputError, match="the file exists already"):
        back_up(tmp_path / "store.db", tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_damaged_store_is_not_passed_off_as_backed_up(tmp_path: Path) -> None:
    load_dump("f984050", tmp_path / "store.db")
    with (tmp_path / "store.db").open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096)
    with pytest.raises(InvalidInputError, match="could not be backed up"):
        back_up(tmp_path / "store.db", tmp_path / "copy.db")
    assert [path.name for path in tmp_path.iterdir() if "store.db" not in path.name] == []


def _ledger_with_everything():
    return ledger(
        [
            invoice(),
            invoice("F2", amount=Decimal("900.00")),
            invoice("F3", cancelled_on=day(9), replaces_invoice_id="F1"),
        ],
        [
            payment("p", "400.00", 20, customer_id="K1", currency="EUR"),
            payment("r", "-400.00", 25, method="reversal", reverses_payment_id="p"),
            payment("a", "250.00", 30, invoice_id=None, customer_id="K2"),
            payment("b", "300.00", 31, invoice_id="F2"),
        ],
        disputes=[
            {"dispute_id": "D1", "invoice_id": "F1", "opened_on": day(32), "closed_on": day(40)},
            {"dispute_id": "D1", "invoice_id": "F1", "opened_on": day(50), "amount": Decimal("99.50")},
        ],
        customers=[
            {"customer_id": "K1", "is_strategic": False, "sector": "46", "bureau_score": 71.5},
            {"customer_id": "K2", "is_strategic": False},
        ],
        customer_history=[
            {"customer_id": "K1", "valid_from_on": day(-90), "sector": "41", "is_strategic": False},
            {"customer_id": "K1", "valid_from_on": day(10), "sector": "46", "bureau_score": 71.5},
        ],
        customer_merges=[{"customer_id": "K2", "merged_into_id": "K1", "merged_on": day(60)}],
        instalments=[
            {
                "invoice_id": "F2",
                "number": number,
                "due_on": day(30 * number),
                "amount": Decimal("450.00"),
                "kind": kind,
            }
            for number, kind in ((1, "instalment"), (2, "retention"))
        ],
        feeds=[{"name": "payments", "complete_through_on": day(70)}],
    )


def test_an_undelivered_table_stays_but_its_feed_statement_goes(store):
    whole = _ledger_with_everything()
    store.load_ledger(whole, NOW)
    assert store.history_of(["K2"]).ledger.payments["payment_id"].to_list() == ["a"]
    assert {feed.name: feed.complete_through_on for feed in store.feeds()}["payments"] == day(70)
    without = ledger(
        [invoice(), invoice("F2", amount=Decimal("900.00"))],
        [payment("p", "400.00", 20, customer_id="K1", currency="EUR")],
    )
    store.load_ledger(without, NOW)
    left = store.history().ledger
    assert left.instalments is not None
    assert left.instalments.height == 2
    assert left.payments["payment_id"].to_list() == ["p"]
    assert left.feeds is None
