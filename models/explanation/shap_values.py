"""The contributions of a score as `shap.Explanation`, the form that the plots and tools of `shap` read.

`shap` is imported when it is needed: the score service computes its reasons without it.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from features.groups.catalogue import COLUMNS_BY_NAME
from features.messages import Language, Text
from models.bundle import ModelBundle
from models.explanation.contributions import Contributions, explain_landmarks
from models.explanation.groups import group_label
from models.explanation.reasons import group_contributions
from models.hazard.feature_matrix import feature_table
from models.hazard.training_set import days_past_due

if TYPE_CHECKING:
    import shap

CALIBRATION = "calibration"
"""Name of what calibration adds, the last column of an explanation."""
_CALIBRATION_LABEL = Text("calibrage", "calibration")


def load_shap() -> Any:
    """The `shap` package; the warning that its import raises about matplotlib is not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        import shap
    return shap


def explain_scores(bundle: ModelBundle, features: pl.DataFrame, landmarks: pl.DataFrame) -> shap.Explanation:
    """What each feature contributes to the probability that is explained of each landmark.

    Args:
        bundle: the model.
        features: of the landmarks, in their order.
        landmarks: `as_of, due_on`.

    Returns:
        One row per landmark, in probability. `base_values` is the probability of an average invoice over the same
        intervals; `base_values + values.sum(axis=1)` is the score (within 1e-9). `feature_names` are the features of
        the catalogue, then `CALIBRATION`; `data` holds their values, unknown as NaN; `output_names` says which
        probability is explained where it is the same for all landmarks.
    """
    table = feature_table(features, bundle.feature_names)
    return as_explanation(explain_landmarks(bundle, table, days_past_due(landmarks)), features)


def as_explanation(found: Contributions, features: pl.DataFrame) -> shap.Explanation:
    """Contributions in the form of `explain_scores`.

    Args:
        found: contributions of some landmarks.
        features: the features of the same landmarks, in their order.
    """
    unknown = pl.Series([None] * features.height, dtype=pl.Float64)
    columns = [features[name] if name in features.columns else unknown for name in found.names]
    data = [column.cast(pl.Float64).fill_null(np.nan).to_numpy() for column in (*columns, unknown)]
    return _explanation(found, found.values, [*found.names, CALIBRATION], np.column_stack(data))


def as_group_explanation(found: Contributions, language: Language = "en") -> shap.Explanation:
    """The same by the group a feature is explained in, named in a language; without values of features."""
    names, totals = group_contributions(found)
    labels = [*(group_label(name) for name in names), _CALIBRATION_LABEL]
    return _explanation(found, totals, [label.in_language(language) for label in labels])


def labelled(explanation: shap.Explanation, language: Language = "en") -> shap.Explanation:
    """The same explanation with the labels of the catalogue instead of the names of the features."""
    names = []
    for name in explanation.feature_names:
        column = COLUMNS_BY_NAME.get(name)
        names.append(name if column is None else column.label.in_language(language))
    return load_shap().Explanation(
        explanation.values,
        explanation.base_values,
        explanation.data,
        feature_names=names,
        output_names=explanation.output_names,
    )


def _explanation(found: Contributions, values: Any, names: list[str], data: Any = None) -> shap.Explanation:
    days = sorted(set(found.explained_days.tolist()))
    return load_shap().Explanation(
        np.column_stack([values, found.calibration]),
        found.base,
        data,
        feature_names=names,
        output_names=f"P(unpaid at due + {days[0]})" if len(days) == 1 else "P(unpaid)",
    )
