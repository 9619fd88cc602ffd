"""Speed of the feature engine: `python -m benchmarks.features [--invoices 2000000]` prints JSON.

Every side runs in a process of its own, one after the other, on the same ledger files, with the same two threads; its
peak memory is that process's. Reading the files is not counted, everything from the ledger's tables to the columns is.
Processor seconds stand beside wall seconds, because they hold on a machine that is busy with other things.

- `catalogue`: every column for every landmark at issue, on a quarter, a half and the whole of the invoices.
- `core`: eight columns, by our engine, by DuckDB (windows and ASOF joins) and by a pandas groupby on a sample of
  customers, scaled up by the number of invoices. The values are compared.
- `online`: every column for one invoice of a customer with 500 past invoices.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.feature_scale import CORE_COLUMNS, THREADS

INVOICES_PER_CUSTOMER = 40
PACKAGES = ("polars", "numpy", "duckdb", "pandas")
_TIMES = ("seconds", "processor_seconds")
SIDES = ("catalogue", "engine", "duckdb", "pandas", "online")


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--invoices", type=int, default=20_000, help="size of the ledger (default 20000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--side", choices=SIDES, help="measure one side only, on the ledger of --folder")
    parser.add_argument("--folder", type=Path, help="where the ledger's files and the answers lie")
    options = parser.parse_args(arguments)
    if options.side:
        from benchmarks import feature_sides

        run: Callable[[Path], dict[str, Any]] = getattr(feature_sides, options.side)
        answer = run(options.folder)
        answer["peak_memory_gib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
        print(json.dumps(answer))
        return
    print(json.dumps(measure(options.invoices, options.seed), indent=2))


def measure(invoices: int, seed: int) -> dict[str, Any]:
    """Make the ledgers, run every side and compare their values."""
    with tempfile.TemporaryDirectory() as scratch:
        sizes = (invoices // 4, invoices // 2, invoices)
        folders = [_write_ledger(Path(scratch) / str(size), size, seed) for size in sizes]
        catalogue = [run_side("catalogue", folder) for folder in folders]
        core = {side: run_side(side, folders[-1]) for side in ("engine", "duckdb", "pandas")}
        online = run_side("online", folders[-1])
        comparison = _compare(folders[-1])
    more = invoices / core["pandas"]["invoices"]
    for measure_of_time in _TIMES:
        core["pandas"][f"{measure_of_time}_scaled_to_all"] = round(core["pandas"][measure_of_time] * more, 1)
    return {
        "machine": {
            "cores": os.cpu_count(),
            "threads": THREADS,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in PACKAGES},
            "load_average_at_end": round(os.getloadavg()[0], 1),
        },
        "invoices": invoices,
        "catalogue": catalogue,
        "core": core,
        "times_faster_than_duckdb": _ratios(core["duckdb"], core["engine"], ""),
        "times_faster_than_pandas_groupby": _ratios(core["pandas"], core["engine"], "_scaled_to_all"),
        "largest_difference": comparison,
        "online": online,
    }


def _ratios(theirs: dict[str, Any], ours: dict[str, Any], suffix: str) -> dict[str, float]:
    """How many times faster we are, in wall and in processor seconds."""
    return {name: round(theirs[name + suffix] / max(ours[name], 0.01), 1) for name in _TIMES}


def run_side(side: str, folder: Path) -> dict[str, Any]:
    """One side in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.features", "--side", side, "--folder", str(folder)]
    threads = {"POLARS_MAX_THREADS": str(THREADS), "OMP_NUM_THREADS": str(THREADS)}
    started = time.perf_counter()
    done = subprocess.run(
        command, env={**os.environ, **threads}, check=True, stdout=subprocess.PIPE, text=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    print(f"{side} {folder.name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return answer


def _write_ledger(folder: Path, invoices: int, seed: int) -> Path:
    from data_samples.generator.bare import generate_bare_ledger

    folder.mkdir(parents=True)
    tables = generate_bare_ledger(max(invoices // INVOICES_PER_CUSTOMER, 1), invoices, seed)
    for name, table in zip(("customers", "invoices", "payments"), tables, strict=True):
        table.write_parquet(folder / f"{name}.parquet")
    return folder


def _compare(folder: Path) -> dict[str, float]:
    """Largest difference between our core columns and the others', nulls being equal to nulls only."""
    import polars as pl

    ours = pl.read_parquet(folder / "engine.parquet").sort("invoice_id")
    largest = {}
    for side in ("duckdb", "pandas"):
        theirs = pl.read_parquet(folder / f"{side}.parquet").sort("invoice_id")
        same = ours.join(theirs.select("invoice_id"), on="invoice_id", how="semi").sort("invoice_id")
        if same.height != theirs.height:
            msg = f"{side} answered for {theirs.height} invoices, the engine for {same.height} of them"
            raise ValueError(msg)
        worst = 0.0
        for name in CORE_COLUMNS:
            mine, other = same[name], theirs[name].cast(pl.Float64)
            if not (mine.is_null() == other.is_null()).all():
                msg = f"{side} and the engine do not agree where {name} is known"
                raise ValueError(msg)
            differences = (mine - other).abs().drop_nulls().to_list()
            worst = max([worst, *differences])
        largest[side] = worst
    return largest


if __name__ == "__main__":
    main()
