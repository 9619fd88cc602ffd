"""LightGBM's own TreeSHAP beside `woodelf-explainer`: `python -m benchmarks.contributions [--out FILE]`.

The package is no dependency; put it in a folder of its own and name that folder:

    uv pip install --target DIR --no-deps woodelf-explainer treelite
    PYTHONPATH=DIR python -m benchmarks.contributions

For each size of the trees it measures rows a second of a large batch on one core and the milliseconds of one row, how
far the two are apart, and how far each is from adding up to the raw score. Without the package only LightGBM is
measured.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.scoring import fitted, sample
from features.groups.catalogue import FEATURE_NAMES
from models.hazard.booster import TreeModel
from models.hazard.feature_matrix import feature_table
from models.hazard.hazard import tree_inputs
from models.hazard.settings import HazardSettings
from models.hazard.training_set import days_past_due
from models.intervals import Floats, hazard_rows

#: Leaves and trees of each size.
SIZES = ((4, 100), (7, 100), (15, 200), (31, 200), (31, 500))
TRAINING_INVOICES = 10_000
SINGLE_ROWS = 100
_RIVAL = "woodelf"

Explain = Callable[[Floats], Floats]


def trees_of(
    leaves: int, tree_count: int, landmarks: pl.DataFrame, table: Floats
) -> tuple[TreeModel, Floats]:
    """Trees of the first phase at a size, and the rows they read of some landmarks."""
    bundle, _, _ = fitted(TRAINING_INVOICES, HazardSettings(leaves=leaves, tree_count=tree_count))
    rows = hazard_rows(days_past_due(landmarks), bundle.intervals)
    first = rows.take(bundle.intervals.array[rows.interval] <= 0)
    model = bundle.hazard.trees.models[0]
    if model is None:
        raise SystemExit("the trees of the first phase were not trained")
    return TreeModel(model.text, threads=1), tree_inputs(table, first, bundle.intervals, bundle.hazard.card)


def rival_of(model: TreeModel) -> Explain | None:
    """The other package on the same trees; None when it is not there."""
    if importlib.util.find_spec(_RIVAL) is None:
        return None
    import lightgbm
    import pandas

    explainer = importlib.import_module(f"{_RIVAL}.explainer").WoodelfExplainer(
        lightgbm.Booster(model_str=model.text), feature_perturbation="tree_path_dependent"
    )

    def explain(rows: Floats) -> Floats:
        found = explainer.shap_values(pandas.DataFrame(rows), verbose=False)
        return np.asarray(found, dtype=np.float64)

    return explain


def timed(explain: Explain, rows: Floats) -> tuple[Floats, float, float]:
    """Contributions, rows a second, and milliseconds of one row alone (median)."""
    explain(rows[:100])
    began = time.perf_counter()
    found = explain(rows)
    seconds = time.perf_counter() - began
    alone = []
    for place in range(SINGLE_ROWS):
        began = time.perf_counter()
        explain(rows[place : place + 1])
        alone.append(time.perf_counter() - began)
    return found, rows.shape[0] / seconds, 1000.0 * float(np.median(alone))


def measure(count: int) -> dict[str, Any]:
    """All figures."""
    landmarks, features, _ = sample(count, 5)
    table = feature_table(features, FEATURE_NAMES)
    sizes = []
    for leaves, tree_count in SIZES:
        model, rows = trees_of(leaves, tree_count, landmarks, table)
        raw = model.margins(rows)
        ours, per_second, alone = timed(model.contributions, rows)
        figures: dict[str, Any] = {
            "leaves": leaves,
            "trees": tree_count,
            "rows": rows.shape[0],
            "lightgbm_rows_per_second": round(per_second),
            "lightgbm_one_row_ms": round(alone, 3),
            "lightgbm_off_the_score": float(np.abs(ours.sum(axis=1) - raw).max()),
        }
        rival = rival_of(model)
        if rival is not None:
            theirs, per_second, alone = timed(rival, rows)
            figures |= {
                "woodelf_rows_per_second": round(per_second),
                "woodelf_one_row_ms": round(alone, 3),
                "largest_difference": float(np.abs(theirs[:, : ours.shape[1] - 1] - ours[:, :-1]).max()),
                "woodelf_off_the_score": float(np.abs(theirs.sum(axis=1) + ours[:, -1] - raw).max()),
            }
        sizes.append(figures)
    return {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2), "sizes": sizes}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--invoices", type=int, default=5_000, help="invoices explained, four rows each")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    text = json.dumps(measure(asked.invoices), indent=1)
    if asked.out:
        asked.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
