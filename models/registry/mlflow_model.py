"""The registered model as MLflow runs it: this file is logged as code, the bundle beside it; nothing is unpickled.

`mlflow models predict` and `mlflow models serve` load it in a process of their own and give the numbers of
`models.score.score_frame`.
"""

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

BUNDLE_ARTIFACT = "bundle"
DAY_COLUMNS = ("as_of", "due_on")


class LatePaymentModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """Landmarks with their features in, scores out."""

    def load_context(self, context: Any) -> None:
        """Load the bundle logged with the model; its checksums are compared first."""
        from models.bundle import load_bundle

        self.bundle = load_bundle(Path(context.artifacts[BUNDLE_ARTIFACT]))

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Scores of landmarks, without reasons: one row per row of the input, in its order."""
        import polars as pl

        from models.score import score_frame

        names = list(self.bundle.feature_names)
        days = [
            pl.Series(name, model_input[name].astype(str).tolist()).str.to_date("%Y-%m-%d")
            for name in DAY_COLUMNS
        ]
        keys = [
            pl.Series(name, model_input[name].astype(str).tolist(), dtype=pl.String)
            for name in ("invoice_id", "customer_id")
        ]
        features = pl.DataFrame(
            [
                keys[0],
                days[0],
                *(pl.Series(name, model_input[name].to_numpy(float)).fill_nan(None) for name in names),
            ]
        )
        scores = score_frame(self.bundle, features, pl.DataFrame([*keys, *days]), with_reasons=False)
        return scores.with_columns(pl.col(pl.Date).cast(pl.String)).to_pandas()


mlflow.models.set_model(LatePaymentModel())
