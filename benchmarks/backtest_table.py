"""Tables of backtests for a document: `python -m benchmarks.backtest_table FILE.json [FILE.json ...]` prints Markdown.

Each FILE.json is what `encours backtest --out` wrote. One file gives a table with intervals, several one of means over
the files; `--by GROUP` gives the classes of a group (grade, segment, issued, ...) of the first file, the model beside
the models named by `--beside`. Figures in documents are printed by this, not typed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def table(figures: dict[str, Any]) -> str:
    """One row per model with its 95 % interval over customers; the difference is the model minus each baseline."""
    lines = [
        "| model | n | AUC | log loss | Brier | ECE | log loss, encours minus it | p_late_30 AUC / log loss |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, model in figures["models"].items():
        if model.get("auc") is None:
            continue
        difference = figures["difference"].get(name, {}).get("log_loss")
        late_30 = model.get("p_late_30") or {}
        lines.append(
            f"| {name} | {model['n']:,} | {_with_interval(model, 'auc')} | {_with_interval(model, 'log_loss')} "
            f"| {model['brier']:.4f} | {model['ece']:.4f} | {_difference(difference)} "
            f"| {_pair(late_30.get('auc'), late_30.get('log_loss'))} |"
        )
    return "\n".join(lines)


def mean_table(all_figures: Sequence[dict[str, Any]]) -> str:
    """One row per model, every figure the mean over the backtests."""
    lines = [
        "| model | AUC | log loss | ECE | p_late_30 AUC | p_late_30 log loss "
        "| date: mean error in days, within 3 days, pinball | p10 to p90 holds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in all_figures[0]["models"]:
        models = [figures["models"][name] for figures in all_figures]
        late_30 = [model.get("p_late_30") or {} for model in models]
        dates = [model.get("date") or {} for model in models]
        cells = [
            *(_mean(models, figure) for figure in ("auc", "log_loss", "ece")),
            *(_mean(late_30, figure) for figure in ("auc", "log_loss")),
            ", ".join(
                filter(
                    None,
                    (
                        _mean(dates, "mean_absolute_days", "{:.1f}"),
                        _mean(dates, "within_3_days", "{:.0%}"),
                        _mean(dates, "pinball_days", "{:.2f}"),
                    ),
                )
            ),
            _mean(dates, "coverage", "{:.0%}"),
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def group_table(figures: dict[str, Any], group: str, beside: Sequence[str]) -> str:
    """One row per class of a group: observed and predicted shares, and the log loss of each model asked for."""
    own, *_ = figures["models"]
    names = [own, *beside]
    lines = [
        f"| {group} | n | late | predicted | ECE | unpaid at 30 | predicted | log loss: {', '.join(names)} |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for label, told in figures["models"][own]["by"][group].items():
        at_30 = told.get("p_late_30") or {}
        losses = [figures["models"][name]["by"][group][label].get("log_loss") for name in names]
        cells = [
            label,
            f"{told['n']:,}",
            *(_mean([told], figure, "{:.1%}") for figure in ("event_share", "mean_probability")),
            _mean([told], "ece", "{:.3f}"),
            *(_mean([at_30], figure, "{:.1%}") for figure in ("event_share", "mean_probability")),
            ", ".join("" if loss is None else f"{loss:.4f}" for loss in losses),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _mean(entries: Sequence[dict[str, Any]], figure: str, form: str = "{:.4f}") -> str:
    known = [entry[figure] for entry in entries if entry.get(figure) is not None]
    return form.format(sum(known) / len(known)) if known else ""


def _with_interval(model: dict[str, Any], figure: str) -> str:
    low, high = model.get("intervals", {}).get(figure, (None, None))
    shown = f"{model[figure]:.4f}"
    return shown if low is None else f"{shown} ({low:.3f} to {high:.3f})"


def _difference(difference: dict[str, Any] | None) -> str:
    if difference is None:
        return ""
    low, high = difference["interval"]
    return f"{difference['value']:+.4f} ({low:+.4f} to {high:+.4f})"


def _pair(auc: float | None, log_loss: float | None) -> str:
    return "" if auc is None or log_loss is None else f"{auc:.3f} / {log_loss:.4f}"


def main() -> None:
    """Print the table asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--by", help="group whose classes are told, of the first file")
    parser.add_argument("--beside", nargs="*", default=[], help="models beside the first one")
    asked = parser.parse_args()
    read = [json.loads(file.read_text(encoding="utf-8")) for file in asked.files]
    if asked.by:
        print(group_table(read[0], asked.by, asked.beside))
    else:
        print(table(read[0]) if len(read) == 1 else mean_table(read))


if __name__ == "__main__":
    main()
