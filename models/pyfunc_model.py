"""The registered model as MLflow runs it, from this code and the bundle's plain files (no pickle).

Input: one row per landmark with `invoice_id, customer_id, as_of, due_on` (days as ISO text) and every feature of the
bundle. Output: the score without its reasons, days as ISO text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import polars as pl

from models.bundle import ModelBundle, load_bundle
from models.scoring import score_landmarks

KEYS = ("invoice_id", "customer_id", "as_of", "due_on")


class LatePaymentModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Scores landmarks with the bundle it was logged with."""

    bundle: ModelBundle

    def load_context(self, context: Any) -> None:
        """Read the bundle."""
        self.bundle = load_bundle(Path(context.artifacts["bundle"]), threads=1)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Scores of the rows, in their order."""
        columns = {
            name: pl.Series(name, model_input[name].astype(str).to_list(), dtype=pl.String) for name in KEYS
        }
        landmarks = pl.DataFrame(columns).with_columns(pl.col("as_of", "due_on").str.to_date())
        features = landmarks.select("invoice_id", "as_of").with_columns(
            pl.Series(name, model_input[name].astype("float64").to_numpy(), dtype=pl.Float64).fill_nan(None)
            for name in self.bundle.feature_names
        )
        scores = score_landmarks(self.bundle, features, landmarks, with_reasons=False)
        plain = scores.with_columns(pl.col(pl.Date).dt.to_string("iso"))
        return pd.DataFrame(plain.to_dict(as_series=False))


mlflow.models.set_model(LatePaymentModel())
