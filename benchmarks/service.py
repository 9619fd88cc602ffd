"""How fast and how steady the score service is: `python -m benchmarks.service --out FILE.json`.

Six parts, all on 127.0.0.1 and bounded by --seconds each:

- latency of one invoice with features, reasons and route, warm, one worker, at a steady rate; beside it, in the
  same run, a bare ASGI application (the floor) and MLflow's own server with the same trees, which multiplies a
  ready row and does nothing else;
- the same for the first invoice of each customer on a day, when nothing of that day has been read yet;
- requests a second at saturation with one and with two workers;
- endurance: a steady rate while the model is swapped three times, events stream in and a worker is killed: errors,
  wrong versions and lost events are counted;
- mails: the scores of other customers while the mails of one are ingested and read, beside the same when it is quiet.

Beside the times stand the processor milliseconds of the workers for each request, which other work on the machine
moves less, and how many cores that other work used meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from benchmarks.load_generator import Connection, Sample, post, saturated, steady
from features.asof import open_landmarks
from features.ledger import Ledger, last_known_on, read_ledger, rows_of_customers
from models.bundle import ModelBundle, load_bundle, make_bundle, write_bundle
from models.registry.champion import write_champion_pointer
from models.registry.home import home_at

CLI = "from pipelines.cli.service import app; app()"
#: Seconds at most for the mails of the ledger to be read before anything is measured.
MAIL_SECONDS = 180.0
BARE = """
async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-type", b"application/json"), (b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})
"""


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def server(
    command: list[str], port: int, environment: dict[str, str], ready: str
) -> Iterator[psutil.Process]:
    """Run a server until the block ends; only what was started here is ended."""
    log = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the block)
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        ask = f"GET {ready} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        deadline = time.monotonic() + 60
        while asyncio.run(Connection(port).ask(ask))[0] != 200:
            if process.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                raise SystemExit(f"{command[:4]} did not start:\n{log.read().decode()[-2000:]}")
            time.sleep(0.2)
        yield psutil.Process(process.pid)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        log.close()


class Bench:
    """A home with the ledger loaded and a model in service."""

    def __init__(self, home: Path, ledger: Ledger, bundle: Path) -> None:
        self.home = home
        self.ledger = ledger
        self.environment = {**os.environ, "ENCOURS_HOME": str(home), "ENCOURS_RATE": "100000"}
        self.environment |= {"ENCOURS_BURST": "100000", "ENCOURS_POLL_SECONDS": "0.2"}
        self.versions = [self._add(load_bundle(bundle), None)]
        self.versions += [self._add(load_bundle(bundle), f"copy {number}") for number in range(3)]
        self.promote(self.versions[0])
        last = last_known_on(ledger)
        newest = ledger.invoices["issued_on"].max()
        self.as_of = min(day for day in (last, newest) if day is not None)  # type: ignore[type-var]
        open_now = open_landmarks(ledger, self.as_of)
        self.invoices = open_now["invoice_id"].head(500).to_list()
        self.one_of_each_customer = open_now.unique("customer_id", keep="first", maintain_order=True)[
            "invoice_id"
        ].to_list()

    def _add(self, bundle: ModelBundle, note: str | None) -> str:
        if note is not None:
            bundle = make_bundle(
                bundle.hazard,
                bundle.calibration,
                bundle.settings,
                bundle.catalogue_version,
                bundle.known_before,
                {**bundle.facts, "note": note},
            )
        write_bundle(bundle, self.home / "bundles" / bundle.version)
        return bundle.version

    def promote(self, version: str) -> None:
        """Point to a version, as a promotion does."""
        home = home_at(self.home)
        write_champion_pointer(home.champion_pointer, home.bundles / version)

    def score_request(self, number: int) -> bytes:
        """Return the request for one invoice, with reasons and route."""
        return self.request(self.invoices[number % len(self.invoices)], self.as_of)

    def first_request_of_a_day(self, number: int) -> bytes:
        """Return the request for one invoice of each customer in turn, then for the same ones a day later."""
        turn, place = divmod(number, len(self.one_of_each_customer))
        return self.request(self.one_of_each_customer[place], self.as_of + dt.timedelta(days=1 + turn))

    def request(self, invoice_id: str, as_of: dt.date) -> bytes:
        """Return the request for one invoice on a day."""
        body = {"as_of": str(as_of), "invoices": [{"invoice_id": invoice_id}]}
        return post("/v1/score", json.dumps(body).encode())

    @contextlib.contextmanager
    def serving(self, workers: int) -> Iterator[tuple[int, psutil.Process]]:
        """Run the service without keys on this machine; warm: mails are read, each worker knows each invoice."""
        port = free_port()
        command = [sys.executable, "-c", CLI, "serve", "--open", "--no-follow-registry"]
        command += ["--port", str(port), "--workers", str(workers)]
        with server(command, port, self.environment, "/readyz") as process:
            # The mails of a fresh store are read first: each makes its customer's history change.
            deadline = time.monotonic() + MAIL_SECONDS
            while _mails_waiting(self) and time.monotonic() < deadline:
                time.sleep(0.5)
            asyncio.run(saturated(port, self.score_request, 2.0 + workers, 4))
            time.sleep(2.5)
            yield port, process


def with_bare_app(run: Callable[[int], Any]) -> Any:
    """Run against an ASGI application that reads the body and answers two bytes."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bare_app.py").write_text(BARE)
        command = [sys.executable, "-m", "uvicorn", "bare_app:app", "--app-dir", folder]
        command += ["--port", str(port), "--log-level", "warning"]
        with server(command, port, dict(os.environ), "/"):
            return run(port)


def with_mlflow(bundle: Path, run: Callable[[int, Callable[[int], bytes]], Any]) -> Any:
    """Run against `mlflow models serve` with one set of the same trees, given ready rows."""
    import lightgbm
    import mlflow

    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        booster = lightgbm.Booster(model_file=str(min(bundle.glob("trees_*.txt"))))
        mlflow.lightgbm.save_model(booster, f"{folder}/model", pip_requirements=["lightgbm"])
        names = booster.feature_name()
        body = json.dumps({"dataframe_split": {"columns": names, "data": [[1.0] * len(names)]}}).encode()
        command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", f"{folder}/model"]
        command += ["--env-manager", "local", "-p", str(port), "-h", "127.0.0.1", "-w", "1"]
        path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
        quiet = {**os.environ, "PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true"}
        with server(command, port, quiet, "/ping"):
            return run(port, lambda _: post("/invocations", body))


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    """Return the processes that answer; one that has just ended is not among them."""
    found = []
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "--worker-id" in child.cmdline():
                found.append(child)
    return found


def measured(process: psutil.Process, run: Callable[[], Awaitable[Sample]]) -> dict[str, Any]:
    """Run a load and return its figures with what it cost the workers and what else ran on the machine."""
    workers = workers_of(process)
    own = [*workers, psutil.Process()]
    began, before = time.perf_counter(), _processor_seconds(workers)
    own_before, busy_before = _processor_seconds(own), _busy_seconds()
    sample = asyncio.run(_awaited(run))
    seconds, used = time.perf_counter() - began, _processor_seconds(workers) - before
    others = (_busy_seconds() - busy_before) - (_processor_seconds(own) - own_before)
    answered = max(len(sample.milliseconds), 1)
    return {
        **sample.figures(),
        "processor_ms_a_request": round(1000.0 * used / answered, 2),
        "cores_used_by_others": round(max(others, 0.0) / seconds, 2),
    }


def quietest(bursts: int, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run so many times and return the figures of the burst in which others used the machine least."""
    found = [run() for _ in range(bursts)]
    return {**min(found, key=lambda figures: figures["cores_used_by_others"]), "bursts": bursts}


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


async def _awaited(run: Callable[[], Awaitable[Sample]]) -> Sample:
    return await run()


def _processor_seconds(workers: Sequence[psutil.Process]) -> float:
    times = [worker.cpu_times() for worker in workers]
    return float(sum(spent.user + spent.system for spent in times))


async def endure(
    bench: Bench, port: int, process: psutil.Process, per_second: float, seconds: float
) -> dict[str, Any]:
    """Score at a steady rate while models are swapped, events stream in and one worker is killed."""
    acknowledged: list[str] = []
    refused = 0
    killed_at = 0.0

    async def send_events() -> None:
        nonlocal refused
        connection = Connection(port)
        customers = bench.ledger.customers["customer_id"].to_list()
        ends = time.perf_counter() + seconds
        number = 0
        while time.perf_counter() < ends:
            event = {
                "type": "invoice",
                "invoice_id": f"BENCH-{number}",
                "customer_id": customers[number % len(customers)],
                "issued_on": str(bench.as_of),
                "due_on": str(bench.as_of),
                "amount": 100 + number,
            }
            status, _ = await connection.ask(post("/v1/events", json.dumps({"events": [event]}).encode()))
            if status == 200:
                acknowledged.append(str(event["invoice_id"]))
            else:
                refused += 1
            number += 1
            await asyncio.sleep(0.1)
        connection.close()

    async def disturb() -> None:
        nonlocal killed_at
        for version in bench.versions[1:]:
            await asyncio.sleep(seconds / 5)
            bench.promote(version)
        await asyncio.sleep(seconds / 10)
        workers = workers_of(process)
        if workers:
            killed_at = time.perf_counter()
            workers[0].kill()

    spent: dict[int, float] = {}
    began = {worker.pid: _processor_seconds([worker]) for worker in workers_of(process)}

    async def watch() -> None:
        """Note what each worker has used, because a killed one cannot be asked any more."""
        ends = time.perf_counter() + seconds
        while time.perf_counter() < ends:
            for worker in workers_of(process):
                with contextlib.suppress(psutil.Error):
                    spent[worker.pid] = _processor_seconds([worker]) - began.get(worker.pid, 0.0)
            await asyncio.sleep(1.0)

    load = steady(port, bench.score_request, per_second, seconds, keep_bodies=True)
    busy, own, start = _busy_seconds(), _processor_seconds([psutil.Process()]), time.perf_counter()
    sample, *_ = await asyncio.gather(load, send_events(), disturb(), watch())
    used, generator = sum(spent.values()), _processor_seconds([psutil.Process()]) - own
    others = (_busy_seconds() - busy - used - generator) / (time.perf_counter() - start)
    answers = [json.loads(body) for body in sample.bodies if body.startswith(b'{"as_of"')]
    wrong = sum(
        answer["model_version"] not in bench.versions
        or any(score["model_version"] != answer["model_version"] for score in answer["scores"])
        for answer in answers
    )
    return {
        **sample.figures(),
        "worker_processor_seconds": round(used, 1),
        "generator_processor_seconds": round(generator, 1),
        "cores_used_by_others": round(max(others, 0.0), 2),
        "was_a_worker_killed": killed_at > 0,
        "broken_within_a_second_of_the_kill": sum(0 <= at - killed_at <= 1.0 for at in sample.broken_at),
        "refused": sum(count for status, count in sample.statuses.items() if status not in (0, 200)),
        "model_versions_seen": sorted({answer["model_version"] for answer in answers}),
        "answers_with_a_wrong_version": wrong,
        "answers_not_stored": sum(not answer["is_stored"] for answer in answers),
        "events_acknowledged": len(acknowledged),
        "events_refused_or_cut_off": refused,
        "events_lost": _lost(bench, acknowledged),
    }


MAILS_A_REQUEST = 1000
MAIL_TEXT = (
    "Bonjour,\n\nNous avons bien reçu votre relance et reviendrons vers vous. "
    "Our accounts department is looking into the matter.\n"
)


async def beside_mails(
    bench: Bench, port: int, per_second: float, seconds: float, mails: int, mail_bytes: int
) -> dict[str, Any]:
    """Score other customers at a steady rate: first in quiet, then while the mails of one customer are ingested.

    The mails are posted as fast as they are acknowledged; the scoring goes on for twice as long as in quiet.
    """
    writer = bench.ledger.customers["customer_id"].sort().last()
    owners = dict(bench.ledger.invoices.select("invoice_id", "customer_id").iter_rows())
    others = [invoice_id for invoice_id in bench.invoices if owners[invoice_id] != writer]
    text = (MAIL_TEXT * (mail_bytes // len(MAIL_TEXT) + 1))[:mail_bytes]
    taken: dict[str, Any] = {"acknowledged": 0, "refused_requests": 0}

    def request(number: int) -> bytes:
        return bench.request(others[number % len(others)], bench.as_of)

    async def send_mails() -> None:
        connection, began = Connection(port), time.perf_counter()
        for first in range(0, mails, MAILS_A_REQUEST):
            events = [
                {
                    "type": "email",
                    "email_id": f"BENCH-MAIL-{number}",
                    "customer_id": writer,
                    "sent_at": f"{bench.as_of}T08:00:00Z",
                    "direction": "inbound",
                    "subject": f"Relance {number}",
                    "body": text,
                }
                for number in range(first, min(first + MAILS_A_REQUEST, mails))
            ]
            status, _ = await connection.ask(post("/v1/events", json.dumps({"events": events}).encode()))
            taken["acknowledged"] += len(events) if status == 200 else 0
            taken["refused_requests"] += status != 200
        taken["seconds"] = round(time.perf_counter() - began, 1)
        connection.close()

    await steady(port, request, per_second, len(others) / per_second)  # each of them once: warm
    quiet = await steady(port, request, per_second, seconds)
    busy, _ = await asyncio.gather(steady(port, request, per_second, 2 * seconds), send_mails())
    before, during = quiet.figures(), busy.figures()
    return {
        "quiet": before,
        "while_mails_come_in": during,
        "median_ratio": round(float(during["p50_ms"]) / float(before["p50_ms"]), 2),  # type: ignore[arg-type]
        "mails": taken,
        "mails_not_read_yet": _mails_waiting(bench),
    }


def _mails_waiting(bench: Bench) -> int:
    from serving.mails.reader import reader_version
    from serving.operations.settings import read_settings
    from serving.store import open_store

    settings = read_settings(bench.environment)
    store = open_store(settings.store_url, settings.secret())
    waiting = store.mails_waiting(reader_version(settings.is_quoting)).count
    store.close()
    return waiting


def _lost(bench: Bench, acknowledged: list[str]) -> int:
    from serving.operations.settings import read_settings
    from serving.store import open_store

    settings = read_settings(bench.environment)
    store = open_store(settings.store_url, settings.secret())
    held = set(store.history().ledger.invoices["invoice_id"].to_list())
    faults = store.verify_audit().faults
    store.close()
    if faults:
        raise SystemExit(f"the audit chain is broken: {faults[0]}")
    return len(set(acknowledged) - held)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run every part and return the figures."""
    ledger = read_ledger(arguments.ledger)
    if arguments.customers:
        ids = ledger.customers["customer_id"].sort().head(arguments.customers).to_list()
        ledger = rows_of_customers(ledger, ids)
    with tempfile.TemporaryDirectory(prefix="encours-bench-") as folder:
        bench = Bench(Path(folder), ledger, arguments.bundle)
        _load(bench, arguments.ledger)
        rate, seconds = arguments.rate, arguments.seconds
        result: dict[str, Any] = {"machine": _machine(), "rate_per_second": rate, "seconds": seconds}
        if arguments.only_mails:
            result["scores_beside_mails"] = _beside_mails(bench, arguments)
            return result
        if arguments.only_endurance:
            with bench.serving(2) as (port, process):
                result["endurance"] = asyncio.run(
                    endure(bench, port, process, arguments.endurance_rate, arguments.endurance_seconds)
                )
            return result
        with bench.serving(1) as (port, process):
            result["one_invoice"] = quietest(
                arguments.bursts,
                lambda: measured(process, lambda: steady(port, bench.score_request, rate, seconds)),
            )
            result["first_invoice_of_a_customer_on_a_day"] = quietest(
                arguments.bursts,
                lambda: measured(process, lambda: steady(port, bench.first_request_of_a_day, rate, seconds)),
            )
            result["saturation_1_worker"] = measured(
                process, lambda: saturated(port, bench.score_request, seconds, 8)
            )
        result["bare_asgi"] = with_bare_app(
            lambda port: asyncio.run(steady(port, bench.score_request, rate, seconds)).figures()
        )
        if not arguments.without_mlflow:
            result["mlflow_models_serve_ready_row"] = with_mlflow(
                arguments.bundle,
                lambda port, request: asyncio.run(steady(port, request, rate, seconds)).figures(),
            )
        with bench.serving(2) as (port, process):
            result["saturation_2_workers"] = measured(
                process, lambda: saturated(port, bench.score_request, seconds, 16)
            )
            result["endurance"] = asyncio.run(
                endure(bench, port, process, arguments.endurance_rate, arguments.endurance_seconds)
            )
        result["scores_beside_mails"] = _beside_mails(bench, arguments)
        return result


def _beside_mails(bench: Bench, arguments: argparse.Namespace) -> dict[str, Any]:
    with bench.serving(1) as (port, _):
        load = beside_mails(
            bench, port, arguments.rate, arguments.seconds, arguments.mails, arguments.mail_bytes
        )
        return asyncio.run(load)


def _load(bench: Bench, ledger: Path) -> None:
    from serving.operations.settings import read_settings
    from serving.store import open_store

    settings = read_settings(bench.environment)
    store = open_store(settings.store_url, settings.secret())
    store.load_ledger(bench.ledger, dt.datetime.now(dt.UTC))
    store.close()
    shutil.rmtree(settings.spool_folder, ignore_errors=True)


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, required=True, help="folder of an exported model")
    parser.add_argument("--ledger", type=Path, default=Path("data_samples/ledger"), help="ledger folder")
    parser.add_argument("--customers", type=int, default=0, help="use only so many customers; 0 is all")
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second of the latency parts")
    parser.add_argument(
        "--bursts", type=int, default=1, help="times the latency part is run; the quietest is told"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each latency part")
    parser.add_argument(
        "--endurance-rate", type=float, default=100.0, help="requests a second while disturbed"
    )
    parser.add_argument("--endurance-seconds", type=float, default=15.0, help="length of the endurance part")
    parser.add_argument("--only-endurance", action="store_true", help="run the endurance part alone")
    parser.add_argument("--mails", type=int, default=10_000, help="mails ingested beside scores")
    parser.add_argument("--mail-bytes", type=int, default=7_000, help="length of each mail")
    parser.add_argument("--only-mails", action="store_true", help="run the part with the mails alone")
    parser.add_argument("--without-mlflow", action="store_true", help="leave MLflow's own server out")
    parser.add_argument("--out", type=Path, help="write the JSON here too")
    arguments = parser.parse_args()
    text = json.dumps(measure(arguments), indent=2)
    if arguments.out is not None:
        arguments.out.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
