"""The hazard as a scikit-learn classifier of ordered classes, for pipelines, grids and comparisons outside Encours.

Classes in their order are the intervals in which something happens (paid on time, within a week, within a
month, …); one binary model learns the chance of each class given that none before it happened, and the
product gives coherent class probabilities. It passes scikit-learn's own estimator checks. The product model
of Encours (`models.hazard.hazard`) adds landmarks, half-observed invoices and calibration to the same idea.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from models.hazard.booster import TreeModel
from models.hazard.exact_math import exact_sigmoid
from models.intervals import Floats


class OrderedHazardClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A discrete-time hazard over ordered classes, by LightGBM.

    Missing values are allowed and mean unknown. The same data and `random_state` give the same model.

    Args:
        n_estimators: trees.
        num_leaves: leaves of each tree.
        learning_rate: step of each tree.
        min_child_samples: fewest hazard rows in a leaf.
        reg_lambda: ridge penalty of the leaves.
        feature_fraction: share of the features each tree may use.
        monotone: per feature, +1 when more means a later class, -1 an earlier one, 0 neither; None for no constraint.
        random_state: seed of what is drawn.

    Attributes:
        classes_: the classes in their order.
        n_features_in_: features seen in `fit`.
        model_text_: the trees in LightGBM's text format.

    >>> import numpy as np
    >>> X = np.arange(60.0)[:, None]
    >>> y = np.repeat([0, 1, 2], 20)
    >>> OrderedHazardClassifier(min_child_samples=5).fit(X, y).predict([[2.0], [30.0], [55.0]]).tolist()
    [0, 1, 2]
    """

    def __init__(
        self,
        n_estimators: int = 100,
        num_leaves: int = 15,
        learning_rate: float = 0.1,
        min_child_samples: int = 10,
        reg_lambda: float = 1.0,
        feature_fraction: float = 1.0,
        monotone: list[int] | None = None,
        random_state: Any = 0,
    ) -> None:
        self.n_estimators = n_estimators
        self.num_leaves = num_leaves
        self.learning_rate = learning_rate
        self.min_child_samples = min_child_samples
        self.reg_lambda = reg_lambda
        self.feature_fraction = feature_fraction
        self.monotone = monotone
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        """Missing values are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> OrderedHazardClassifier:  # noqa: N803
        """Learn from rows with their class.

        Args:
            X: features, numbers; NaN where unknown.
            y: class of each row; classes are ordered as `numpy.unique` sorts them.
            sample_weight: weight of each row; a row of weight 0 counts as absent.
        """
        import lightgbm

        X, y = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")  # noqa: N806
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        present = weight > 0
        table, codes, weight = X[present], codes[present], weight[present]
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        if np.unique(codes).size < 2:
            self.model_text_ = ""
            self.only_class_ = int(codes[0]) if codes.size else 0
            return self
        rows, step, happened = _hazard_rows(codes, self.classes_.size)
        parameters: dict[str, Any] = {
            "objective": "binary",
            "num_leaves": self.num_leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.min_child_samples,
            "min_data_in_bin": 1,
            "lambda_l2": self.reg_lambda,
            "feature_fraction": self.feature_fraction,
            "deterministic": True,
            "force_row_wise": True,
            "feature_pre_filter": False,
            "num_threads": 1,
            "seed": seed,
            "verbosity": -1,
        }
        if self.monotone is not None:
            parameters["monotone_constraints"] = [*(-direction for direction in self.monotone), 0]
        data = lightgbm.Dataset(
            np.column_stack([table[rows], step]),
            label=happened,
            weight=weight[rows],
            params={"verbosity": -1, "min_data_in_bin": 1, "feature_pre_filter": False},
        )
        self.model_text_ = lightgbm.train(
            parameters, data, num_boost_round=self.n_estimators
        ).model_to_string()
        return self

    def predict_proba(self, X: Any) -> Floats:  # noqa: N803
        """Probability of each class, in the order of `classes_`; each row adds up to 1."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)  # noqa: N806
        chances = np.zeros((X.shape[0], self.classes_.size))
        if not self.model_text_:
            chances[:, self.only_class_] = 1.0
            return chances
        trees = TreeModel(self.model_text_, threads=1)
        remaining = np.ones(X.shape[0])
        for step in range(self.classes_.size - 1):
            inputs = np.column_stack([X, np.full(X.shape[0], float(step))])
            happens = exact_sigmoid(trees.margins(inputs))
            chances[:, step] = remaining * happens
            remaining = remaining * (1.0 - happens)
        chances[:, -1] = remaining
        return chances

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803
        """The most probable class of each row."""
        check_is_fitted(self)
        chosen: npt.NDArray[Any] = self.classes_[np.argmax(self.predict_proba(X), axis=1)]
        return chosen


def _hazard_rows(
    codes: npt.NDArray[np.int64], class_count: int
) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """One row per class up to and including a row's own; the last class has no row of its own."""
    counts = np.minimum(codes + 1, class_count - 1)
    rows = np.repeat(np.arange(codes.size), counts)
    first = np.cumsum(counts) - counts
    step = np.arange(rows.size) - first[rows]
    return rows, step.astype(np.float64), (step == codes[rows]).astype(np.float64)
