"""The table of a backtest for a document: `python -m benchmarks.backtest_table FILE.json` prints Markdown.

FILE.json is what `encours backtest --out` wrote. Figures in documents are printed by this, not typed.
"""

from __future__ import annotations

import json
import sys
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


if __name__ == "__main__":
    print(table(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
