"""Reads the e-mails of the history into signals, in one process beside the service; no request waits for it.

Every process of the service offers to run the reader; the one that holds the lease of the store does, as a child of its
own with low priority, so that reading takes no time from scores. What it read is written into the store and changes the
customers concerned: every process sees it at its next question. A mail on which the reader fails is set aside with the
kind of failure, and the rest goes on.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import polars as pl

from serving.operations.processes import end_process
from serving.operations.supervisor import place_of
from serving.store import HistoryStore, StoreUnavailableError, open_store
from serving.store.mail_signals import MailRead, as_text, content_of

if TYPE_CHECKING:
    from features.email import SignalPipeline

_LOG: Final = logging.getLogger("encours.mails")
LEASE: Final = "mail-reader"
#: Seconds for which the lease holds, and after which it is renewed.
LEASE_SECONDS: Final = 45.0
RENEW_SECONDS: Final = 10.0
#: Letters of a mail that are read: its writer's own words are at its beginning.
LONGEST_MAIL: Final = 20_000
MAIL_SECONDS: Final = 10.0
#: Mails of one batch at most, and seconds after which what was read is written.
MAILS_AT_ONCE: Final = 50
BATCH_SECONDS: Final = 3.0
_POLL_SECONDS: Final = 0.5
_AWAY_SECONDS: Final = 2.0
_SETTLED_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 5.0
_NICENESS: Final = 10

Clock = Callable[[], dt.datetime]


class _MailTooSlowError(Exception):
    """A mail took longer to read than one mail may."""


@dataclass(frozen=True)
class Reading:
    """How mails are read.

    Attributes:
        pipeline: the reader.
        version: of the reader; mails read by another version are read anew.
        is_quoting: store the sentences a signal rests on.
        holder: who must hold the lease for anything to be written; null writes without one.
    """

    pipeline: SignalPipeline
    version: str
    is_quoting: bool
    holder: str | None = None


def read_batch(store: HistoryStore, reading: Reading, now: Clock) -> int:
    """Read some of the mails that wait, write what they say, and return how many were dealt with."""
    waiting = store.waiting_mails(reading.version, MAILS_AT_ONCE)
    deadline = time.monotonic() + BATCH_SECONDS
    reads: list[MailRead] = []
    for number in range(waiting.height):
        reads.append(_read(waiting[number], reading))
        if time.monotonic() > deadline:
            break
    if not reads:
        return 0
    lease = None if reading.holder is None else (LEASE, reading.holder)
    return len(reads) if store.store_signals(reads, reading.version, now(), lease) else 0


def read_all(store: HistoryStore, reading: Reading, now: Clock) -> int:
    """Read every mail that waits, unless another process reads; return how many were read or set aside."""
    if reading.holder is not None and not store.take_lease(LEASE, reading.holder, now(), LEASE_SECONDS):
        return 0
    total = 0
    try:
        while done := read_batch(store, reading, now):
            total += done
            if reading.holder is not None:
                store.take_lease(LEASE, reading.holder, now(), LEASE_SECONDS)
    finally:
        if reading.holder is not None:
            store.end_lease(LEASE, reading.holder)
    return total


def read_until(store: HistoryStore, reading: Reading, now: Clock, is_over: Callable[[float], bool]) -> None:
    """Read mails as they arrive, until it is over.

    Args:
        store: the history store; while it is unavailable nothing is read.
        reading: how mails are read.
        now: the clock.
        is_over: waits for so many seconds and says whether to end.
    """
    seen = None
    while not is_over(0.0):
        try:
            moment = store.moment()
            if moment != seen:
                if not read_batch(store, reading, now):
                    seen = moment
                continue
        except StoreUnavailableError as failure:
            _LOG.warning("no mail is read: %s", place_of(failure))
            if is_over(_AWAY_SECONDS):
                return
        if is_over(_POLL_SECONDS):
            return


def run_mail_reader(
    store: HistoryStore,
    now: Clock,
    environment: Mapping[str, str],
    stop: threading.Event,
    beat: Callable[[], None],
) -> None:
    """Run the reading process while this process holds the lease; another takes over within its seconds.

    Args:
        store: the history store.
        now: the clock.
        environment: of the reading process.
        stop: ends it.
        beat: heartbeat for the supervisor.

    Raises:
        RuntimeError: the reading process ended by itself.
    """
    holder = uuid.uuid4().hex
    # The service may run from a folder (a bento) that only its own process knows.
    paths = [str(Path(__file__).parents[2]), *filter(None, [environment.get("PYTHONPATH")])]
    environment = {**environment, "PYTHONPATH": os.pathsep.join(paths)}
    child: subprocess.Popen[bytes] | None = None
    began = renewed = -RENEW_SECONDS
    try:
        while True:
            if time.monotonic() - renewed >= RENEW_SECONDS:
                is_ours = store.take_lease(LEASE, holder, now(), LEASE_SECONDS)
                renewed = time.monotonic()
                if is_ours and child is None:
                    command = [
                        sys.executable,
                        "-m",
                        "serving.mails.background_reader",
                        holder,
                        str(os.getpid()),
                    ]
                    child = subprocess.Popen(command, env=dict(environment), start_new_session=True)
                    began = time.monotonic()
                elif not is_ours and child is not None:
                    end_process(child, _STOP_SECONDS)
                    child = None
            if child is not None and child.poll() is not None:
                raise RuntimeError(f"the mail reader ended with {child.returncode}")
            if child is None or time.monotonic() - began > _SETTLED_SECONDS:
                beat()
            if stop.wait(_POLL_SECONDS):
                return
    finally:
        if child is not None:
            end_process(child, _STOP_SECONDS)
        with contextlib.suppress(StoreUnavailableError):
            store.end_lease(LEASE, holder)


def _read(mail: pl.DataFrame, reading: Reading) -> MailRead:
    """Read one mail, within its limits of length and time."""
    from features.email import signals_frame

    row = mail.row(0, named=True)
    content = content_of(row)
    shortened = mail.with_columns(pl.col("subject", "body").str.slice(0, LONGEST_MAIL))
    try:
        with _at_most(MAIL_SECONDS):
            signals = signals_frame(shortened, reading.pipeline, reading.is_quoting)
        return MailRead(row["email_id"], content, as_text(signals.row(0, named=True)))
    except Exception as failure:  # whatever a mail does to the reader, the others are read
        _LOG.warning("a mail was set aside: %s", place_of(failure))
        return MailRead(row["email_id"], content, None, type(failure).__name__.strip("_"))


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise in what runs longer than so many seconds; only the main thread of a process can be interrupted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise _MailTooSlowError

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def main(holder: str, parent: int) -> int:
    """Read mails for the process that started this one, until it asks to stop or is gone.

    Args:
        holder: of the lease under which mails are read.
        parent: id of that process, which may be gone before this one has begun.
    """
    from serving.mails.reader import reader_version, shared_pipeline
    from serving.operations.settings import read_settings

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s [%(levelname)s] %(name)s %(message)s")
    os.nice(_NICENESS)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    settings = read_settings()
    version = reader_version(settings.is_quoting)
    reading = Reading(shared_pipeline(), version, settings.is_quoting, holder)
    store = open_store(settings.store_url, settings.secret())

    def is_over(seconds: float) -> bool:
        return stop.wait(seconds) or os.getppid() != parent

    try:
        read_until(store, reading, lambda: dt.datetime.now(dt.UTC), is_over)
    finally:
        store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
