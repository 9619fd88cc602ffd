"""The late-payment model: the chance of settlement in each interval of days past due, given still unpaid at its start.

One model for every landmark and interval. Its product is one coherent curve P(unpaid at due + k), falling in k, for an
invoice just issued as for one long overdue (which starts in its own interval).

Its log-odds are a mix of two opinions fitted apart, the customer's own curve and a linear card on every feature, and
what trees grown on that mix add. A mix of log-odds adds up feature by feature, so explanations stay exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.errors import Fault, InvalidInputError
from features.messages import localized
from models.hazard.booster import TreeModel
from models.hazard.card import Card, fit_card
from models.hazard.customer_curve import CustomerCurve, fit_customer_curve
from models.hazard.exact_math import exact_sigmoid
from models.hazard.phased_trees import PhasedTrees, without_threads
from models.hazard.phases import TREE_NAMES, trees_of
from models.hazard.settings import HazardSettings
from models.hazard.training_set import TrainingRows
from models.intervals import Floats, HazardRows, Intervals, Ints, hazard_rows

HAZARD_COLUMNS: tuple[str, ...] = ("interval_end_days", "interval_days_at_risk", "landmark_days_past_due")
"""What the trees see beside the features: the end of the interval, what is left of it, the landmark's place in it."""

_MARGIN_LIMIT = 30.0


@dataclass(frozen=True)
class DiscreteTimeHazard:
    """A fitted hazard.

    Attributes:
        feature_names: features in the order of the table it reads.
        intervals: the intervals it speaks of.
        curve: the customer's own curve and the portfolio's.
        curve_share: share of the customer's curve in the log-odds; the rest is the portfolio's with the card.
        card: what the card adds to the portfolio's curve, with its share.
        trees: what the trees of each phase add.
    """

    feature_names: tuple[str, ...]
    intervals: Intervals
    curve: CustomerCurve
    curve_share: float
    card: Card
    trees: PhasedTrees

    def margins(self, table: Floats, rows: HazardRows) -> Floats:
        """Log-odds of settlement in the interval of each row, before calibration.

        Args:
            table: one row of features per landmark, unknown as NaN.
            rows: the hazard rows of those landmarks.
        """
        inputs = tree_inputs(table, rows, self.intervals, self.card)
        total = self.without_trees(table, rows) + self.trees.margins(inputs)
        return np.clip(total, -_MARGIN_LIMIT, _MARGIN_LIMIT)

    def without_trees(self, table: Floats, rows: HazardRows) -> Floats:
        """Log-odds of settlement in the interval of each row by the curve and the card; arguments as for `margins`."""
        curves = self.curve.read(table, self.feature_names, rows, self.intervals)
        return curves.mixed(self.curve_share) + self.card.margins(table, rows, self.intervals)


@dataclass(frozen=True)
class UnpaidCurves:
    """P(still unpaid) of each landmark at the end of every interval.

    Attributes:
        days_past_due: of each landmark on its as-of date.
        start: present interval of each landmark.
        unpaid: one row per landmark, one column per interval bound; 1 for bounds already behind.
        intervals: the intervals.
    """

    days_past_due: Ints
    start: Ints
    unpaid: Floats
    intervals: Intervals

    def at(self, days: int) -> Floats:
        """P(unpaid at the end of the day due + days); days must be a bound."""
        return self.at_each((days,))[:, 0]

    def at_each(self, days: tuple[int, ...]) -> Floats:
        """P(unpaid) at the ends of several days past due, one column for each; all must be bounds."""
        result: Floats = self.unpaid[:, [self.intervals.position(day) for day in days]]
        return result


def curves_from_margins(
    margins: Floats, rows: HazardRows, days_past_due: Ints, intervals: Intervals
) -> UnpaidCurves:
    """The product of the chances of outliving each interval.

    Args:
        margins: log-odds of settlement of each hazard row.
        rows: all intervals ahead of each landmark, as `hazard_rows` gives them.
        days_past_due: of each landmark.
        intervals: the intervals.
    """
    outlive = exact_sigmoid(-margins)
    unpaid = product_over_intervals(outlive, rows, days_past_due.size, len(intervals.bounds))
    return UnpaidCurves(days_past_due, intervals.start(days_past_due), unpaid, intervals)


def product_over_intervals(outlive: Floats, rows: HazardRows, count: int, width: int) -> Floats:
    """P(unpaid) at every bound from the chance of outliving each interval ahead, multiplied in their order.

    Args:
        outlive: of each hazard row.
        rows: the hazard rows.
        count: landmarks.
        width: intervals.
    """
    grid = np.ones((count, width))
    grid[rows.landmark, rows.interval] = outlive
    running = np.ones(count)
    for column in range(width):
        running = running * grid[:, column]
        grid[:, column] = running
    return grid


def tree_inputs(table: Floats, rows: HazardRows, intervals: Intervals, card: Card) -> Floats:
    """The table the trees read: the landmark's features and the hazard columns, one row per hazard row.

    LightGBM reads an unknown value of a feature that was always known in training as zero, so such a value is given the
    average seen in training, as in the card.
    """
    width = table.shape[1]
    inputs = np.empty((len(rows), width + len(HAZARD_COLUMNS)), dtype=np.float64)
    filled = np.where(np.isnan(table) & (card.unknown_share == 0.0), card.centre, table)
    inputs[:, :width] = filled[rows.landmark]
    inputs[:, width] = intervals.array[rows.interval]
    inputs[:, width + 1] = rows.days_at_risk
    inputs[:, width + 2] = rows.days_past_due
    return inputs


@dataclass(frozen=True)
class CurveAndCard:
    """What is fitted before the trees: two opinions, not yet mixed.

    Attributes:
        feature_names: features in the order of the table they read.
        intervals: the intervals.
        curve: the customer's own curve and the portfolio's.
        card: what the card adds to the portfolio's.
    """

    feature_names: tuple[str, ...]
    intervals: Intervals
    curve: CustomerCurve
    card: Card

    def mixed(self, trust: float) -> DiscreteTimeHazard:
        """The hazard without trees that gives the card so much weight, and the customer's curve the rest."""
        count = len(self.feature_names)
        trees = PhasedTrees([None] * len(TREE_NAMES), count, count + len(HAZARD_COLUMNS))
        return DiscreteTimeHazard(
            self.feature_names, self.intervals, self.curve, 1.0 - trust, self.card.scaled(trust), trees
        )


def fit_curve_and_card(
    table: Floats,
    training: TrainingRows,
    feature_names: Sequence[str],
    intervals: Intervals,
    settings: HazardSettings,
) -> CurveAndCard:
    """Fit the curve, and the card on what the portfolio's leaves; arguments as for `fit_hazard`."""
    rows, is_settled, weight = training.rows, training.is_settled, training.weight
    curve = fit_customer_curve(table, feature_names, rows, is_settled, weight, training.issued, intervals)
    portfolio = curve.read(table, feature_names, rows, intervals).portfolio
    card = fit_card(table, training, intervals, settings, portfolio)
    return CurveAndCard(tuple(feature_names), intervals, curve, card)


def fit_hazard(
    table: Floats,
    training: TrainingRows,
    feature_names: Sequence[str],
    intervals: Intervals,
    settings: HazardSettings,
    directions: Sequence[int] = (),
) -> DiscreteTimeHazard:
    """Fit the customer's curve and the card, mix them, and grow the trees on what the mix leaves.

    Args:
        table: one row of features per landmark, unknown as NaN.
        training: hazard rows of those landmarks with outcomes.
        feature_names: names of the table's columns.
        intervals: the intervals.
        settings: how to fit.
        directions: per feature +1 when more means later payment, -1 when earlier, 0 when unknown; all 0 when empty.

    Raises:
        InvalidInputError: the table is not float64, has another width, or holds an infinite value.
    """
    _refuse_unusable(table, feature_names)
    fitted = fit_curve_and_card(table, training, feature_names, intervals, settings)
    return grow_trees(table, training, fitted.mixed(settings.trust), settings, directions)


def grow_trees(
    table: Floats,
    training: TrainingRows,
    treeless: DiscreteTimeHazard,
    settings: HazardSettings,
    directions: Sequence[int] = (),
) -> DiscreteTimeHazard:
    """A hazard without trees, and the trees fitted on what it leaves; arguments as for `fit_hazard`."""
    models = _fit_trees(table, training, treeless, settings, directions)
    return replace(
        treeless, trees=PhasedTrees(models, treeless.trees.end_column, treeless.trees.column_count)
    )


def predict_margins(
    model: DiscreteTimeHazard, table: Floats, days_past_due: Ints
) -> tuple[Floats, HazardRows]:
    """Margins of every interval ahead of each landmark, with the rows they belong to."""
    rows = hazard_rows(days_past_due, model.intervals)
    return model.margins(table, rows), rows


def _fit_trees(
    table: Floats,
    training: TrainingRows,
    treeless: DiscreteTimeHazard,
    settings: HazardSettings,
    directions: Sequence[int],
) -> list[TreeModel | None]:
    import lightgbm

    inputs = tree_inputs(table, training.rows, treeless.intervals, treeless.card)
    names = [*treeless.feature_names, *HAZARD_COLUMNS]
    parameters: dict[str, object] = {
        "objective": "binary",
        "num_leaves": settings.leaves,
        "learning_rate": settings.learning_rate,
        "min_data_in_leaf": settings.min_rows_per_leaf,
        "lambda_l2": settings.l2,
        "feature_fraction": settings.feature_share,
        "max_bin": 127,
        "boost_from_average": False,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": settings.threads,
        "seed": settings.seed,
        "verbosity": -1,
    }
    if settings.is_monotone and any(directions):
        # The trees estimate settlement, so a feature that makes payment later pushes it down.
        parameters["monotone_constraints"] = [*(-d for d in directions), *(0 for _ in HAZARD_COLUMNS)]
        parameters["monotone_constraints_method"] = "intermediate"
    if settings.tree_count == 0:
        return [None] * len(TREE_NAMES)
    offset = treeless.without_trees(table, training.rows)
    phases = trees_of(treeless.intervals.array[training.rows.interval])
    models: list[TreeModel | None] = []
    for phase in range(len(TREE_NAMES)):
        rows = np.flatnonzero(phases == phase)
        settled = training.is_settled[rows]
        if rows.size < 2 * settings.min_rows_per_leaf or settled.min() == settled.max():
            models.append(None)
            continue
        data = lightgbm.Dataset(
            inputs[rows],
            label=settled,
            weight=training.weight[rows],
            init_score=offset[rows],
            feature_name=names,
            free_raw_data=True,
            params={"verbosity": -1, "max_bin": 127},
        )
        text: str = lightgbm.train(parameters, data, num_boost_round=settings.tree_count).model_to_string()
        models.append(TreeModel(without_threads(text), settings.threads))
    return models


def _refuse_unusable(table: Floats, feature_names: Sequence[str]) -> None:
    faults = []
    if table.dtype != np.float64 or table.ndim != 2 or table.shape[1] != len(feature_names):
        faults.append(
            Fault(
                what=localized(
                    "the table is {dtype} of shape {shape}", dtype=str(table.dtype), shape=table.shape
                ),
                where="features",
                expected=localized(
                    "float64, one column for each of the {count} features", count=len(feature_names)
                ),
            )
        )
    if np.isinf(table).any():
        faults.append(
            Fault(
                what=localized("infinite values"),
                where="features",
                expected=localized("finite values or unknown"),
            )
        )
    if faults:
        raise InvalidInputError(localized("The model cannot be trained."), faults)
