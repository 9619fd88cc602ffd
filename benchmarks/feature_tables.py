"""Tables of the documents from the benchmarks' JSON: figures in documents are produced, not typed.

`python -m benchmarks.feature_tables speed measured.json docs/benchmarks.md` replaces the section of that name;
`groups` with `--name` does so for the leave-group-out table in `docs/features.md`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from features.files import write_whole


def main(arguments: list[str] | None = None) -> None:
    """Render one measured file into one section of one page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kind", choices=("speed", "groups"))
    parser.add_argument("measured", type=Path)
    parser.add_argument("page", type=Path)
    parser.add_argument("--name", default="feature speed", help="name of the section")
    parser.add_argument("--command", default="", help="command that measured, printed above the table")
    options = parser.parse_args(arguments)
    measured = json.loads(options.measured.read_text(encoding="utf-8"))
    lines = speed_lines(measured) if options.kind == "speed" else group_lines(measured)
    head = [f"`{options.command}`", ""] if options.command else []
    write_section(options.page, options.name, "\n".join([*head, *lines]))


def write_section(page: Path, name: str, text: str) -> None:
    """Replace what stands between the section's marks; a new section goes to the end of the page."""
    first, last = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    section = f"{first}\n{text}\n{last}"
    if first in old and last in old:
        new = old[: old.index(first)] + section + old[old.index(last) + len(last) :]
    else:
        new = f"{old.rstrip()}\n\n{section}\n" if old else f"{section}\n"
    write_whole(new, page)


def speed_lines(measured: dict[str, Any]) -> list[str]:
    """The feature benchmark as tables."""
    machine, core, online = measured["machine"], measured["core"], measured["online"]
    versions = ", ".join(f"{name} {machine[name]}" for name in ("polars", "numpy", "duckdb", "pandas"))
    lines = [
        f"Machine: {machine['cores']} cores, {machine['threads']} threads a side, "
        f"Python {machine['python']}, {versions}; load average at the end {machine['load_average_at_end']}.",
        "",
        "Every column for every landmark at issue, prepared from the ledger's tables:",
        "",
        "| invoices | columns | seconds | processor seconds | of it preparing | processor µs an invoice "
        "| peak memory GiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for run in measured["catalogue"]:
        each = 1e6 * run["processor_seconds"] / run["invoices"]
        lines.append(
            f"| {run['invoices']:,} | {run['columns']} | {run['seconds']} | {run['processor_seconds']} | "
            f"{run['processor_seconds_prepare']} | {each:.1f} | {run['peak_memory_gib']} |"
        )
    pandas, duckdb = core["pandas"], core["duckdb"]
    faster = measured["times_faster_than_pandas_groupby"], measured["times_faster_than_duckdb"]
    largest = measured["largest_difference"]
    lines += [
        "",
        f"Eight core columns for the same {measured['invoices']:,} landmarks, settlement included:",
        "",
        "| side | seconds | processor seconds | ours is faster (seconds; processor) | peak memory GiB "
        "| largest difference |",
        "|---|---|---|---|---|---|",
        f"| our engine | {core['engine']['seconds']} | {core['engine']['processor_seconds']} | | "
        f"{core['engine']['peak_memory_gib']} | |",
        f"| DuckDB, windows and ASOF joins | {duckdb['seconds']} | {duckdb['processor_seconds']} | "
        f"{faster[1]['seconds']}; {faster[1]['processor_seconds']} times | {duckdb['peak_memory_gib']} | "
        f"{largest['duckdb']:.1g} |",
        f"| pandas groupby, {pandas['invoices']:,} invoices scaled up | {pandas['seconds_scaled_to_all']} | "
        f"{pandas['processor_seconds_scaled_to_all']} | "
        f"{faster[0]['seconds']}; {faster[0]['processor_seconds']} times | "
        f"{pandas['peak_memory_gib']} (sample) | {largest['pandas']:.1g} |",
        "",
        f"One invoice online, all {online['columns']} columns, a customer with {online['past_invoices']} past "
        f"invoices, {online['calls']} calls: median {online['milliseconds_median']} ms, "
        f"99th percentile {online['milliseconds_p99']} ms, "
        f"processor {online['processor_milliseconds_mean']} ms a call.",
    ]
    return lines


def group_lines(measured: dict[str, Any]) -> list[str]:
    """The leave-group-out table."""
    lines = [
        f"Cut-off {measured['cutoff']}: {measured['training_invoices']:,} invoices to learn from, "
        f"{measured['test_invoices']:,} invoices of {measured['test_customers']} customers to test on, "
        f"{measured['late_share']:.1%} of them late.",
        "",
        "| features | columns | AUC | log loss | Brier | log loss above every group (90 % interval) |",
        "|---|---|---|---|---|---|",
    ]
    for row in measured["rows"]:
        low, high = row["interval_90"]
        above = f"{row['log_loss_more_than_every_group']:+.4f} ({low:+.4f} to {high:+.4f})"
        is_reference = row is measured["rows"][0]
        lines.append(
            f"| {row['features']} | {row['columns']} | {row['auc']} | {row['log_loss']} | {row['brier']} | "
            f"{'' if is_reference else above} |"
        )
    return lines


if __name__ == "__main__":
    main()
