"""The backtest: for each cut-off, train on what was known before it and predict the invoices issued from it on.

With several cut-offs each tests the invoices up to the next one, so every invoice is tested once per model.
A test invoice counts only if the day its label is due has ended before the end of the ledger (and before its
cancellation, where it was cancelled), paid or not; the others are counted and left out, so leaving out never depends on
when they were paid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl

from features.asof.history import PaymentHistory
from features.asof.landmarks import landmarks_at_issue
from features.errors import Fault, InvalidInputError
from features.groups.compute import compute_features
from features.ledger import Ledger, last_known_on
from features.ledger.receivables import receivables
from features.messages import localized
from features.settings import LedgerSettings, setting_differences
from models.bundle import ModelBundle
from models.evaluation.baselines import BASELINES, Labelled, Prediction
from models.hazard.training_set import known_outcomes
from models.score import score_frame
from models.target import HORIZONS, Target, is_label_observed, is_unpaid_at, outcomes
from models.training.from_ledger import TrainingInput, train_bundle, training_input, usable_features
from models.training.selection import TrainingSettings
from models.training.train import TrainedModel

MODEL_NAME = "encours"
TRUTH_NAME = "truth"
_LEAST_TRAINING_SHARE = 0.6

CUSTOMER_COLUMNS = ("sector", "country", "size_class", "legal_form", "language")
"""Columns of the customer by which errors are reported."""

PREDICTION_SCHEMA = pl.Schema(
    {
        "model": pl.String,
        "cutoff": pl.Date,
        "invoice_id": pl.String,
        "customer_id": pl.String,
        "as_of": pl.Date,
        "due_on": pl.Date,
        "amount": pl.Float64,
        "history_depth": pl.Int64,
        "grade": pl.String,
        "segment": pl.String,
        **dict.fromkeys(CUSTOMER_COLUMNS, pl.String),
        "p_late": pl.Float64,
        "p_late_30": pl.Float64,
        **{f"unpaid_probability_{k}d": pl.Float64 for k in HORIZONS},
        "payment_date_p10": pl.Date,
        "payment_date_p50": pl.Date,
        "payment_date_p90": pl.Date,
        "is_late": pl.Boolean,
        **{f"is_unpaid_{k}d": pl.Boolean for k in HORIZONS},
        "days_late": pl.Int32,
        "settled_on": pl.Date,
    }
)
"""One row per model and test invoice; a null probability or date means the model gives none, a null label that it was
not observed by the end of the ledger, a null `days_late` that the invoice was still open then. Grade and segment are
those of the model judged, whatever the row's model, so that all models are compared on the same groups."""


@dataclass(frozen=True)
class Origin:
    """One cut-off of a backtest.

    Attributes:
        cutoff: training knows nothing from this day on; test invoices are issued from it on.
        until: test invoices are issued before this day.
        bundle: the model trained for it.
        trained: how it came about.
        tested: test invoices.
        excluded: invoices issued in the period whose lateness could not be observed by the end of the ledger.
    """

    cutoff: date
    until: date
    bundle: ModelBundle
    trained: TrainedModel
    tested: int
    excluded: int


@dataclass(frozen=True)
class Backtest:
    """The predictions of every model for every test invoice, and how they were made."""

    predictions: pl.DataFrame
    origins: tuple[Origin, ...]
    target: Target
    known_before: date


def default_cutoffs(ledger: Ledger, count: int = 1) -> list[date]:
    """Cut-offs that leave at least 60 % of the invoices to learn from and the rest to be tested.

    Args:
        ledger: the ledger.
        count: how many origins; they split the newest observed invoices evenly.
    """
    end = _end_of(ledger)
    invoices = receivables(ledger).invoices
    issued = invoices.filter((pl.col("kind") == "invoice") & (pl.col("due_on") < end))["issued_on"].sort()
    if issued.len() == 0:
        raise InvalidInputError(
            localized("There is nothing to test on."),
            [
                Fault(
                    what=localized("no invoice has come due"),
                    where="invoices.due_on",
                    remedy=localized("import a longer ledger"),
                )
            ],
        )
    first = 0.75 if count == 1 else _LEAST_TRAINING_SHARE
    step = (1.0 - first) / count
    return sorted({issued[int(issued.len() * (first + step * number))] for number in range(count)})


def run_backtest(
    ledger: Ledger,
    cutoffs: Sequence[date],
    ledger_settings: LedgerSettings | None = None,
    settings: TrainingSettings | None = None,
    truth: pl.DataFrame | None = None,
    signals: pl.DataFrame | None = None,
    baselines: Sequence[str] = tuple(BASELINES),
    rivals: Mapping[str, ModelBundle] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Backtest:
    """Evaluate on a ledger.

    Args:
        ledger: the checked ledger.
        cutoffs: one or more days.
        ledger_settings: how lateness, settlement and money are read.
        settings: of the training.
        truth: for simulated ledgers, `invoice_id` and `unpaid_probability_0d … _90d`.
        signals: what the e-mails say; null leaves those features unknown.
        baselines: names of the baselines run beside the model.
        rivals: trained models scored beside it, by name, under the same settings; honest only on invoices issued
            after their own cut-off.
        progress: callback with a sentence on each step.

    Raises:
        InvalidInputError: a cut-off leaves nothing to learn from or nothing to test, all such cut-offs in one report;
            or a rival was trained under other settings, all differences in one report.
    """
    end, ledger = _end_of(ledger), receivables(ledger)
    days = sorted(set(cutoffs))
    ledger_settings = (ledger_settings or LedgerSettings()).with_reporting_currency(
        ledger.invoices, days[0] if days else end
    )
    _refuse_other_settings(rivals or {}, ledger_settings)
    target = Target.of(ledger_settings)
    periods = list(pairwise([*days, end]))
    _refuse_empty_periods(ledger, periods, target, end)
    history = PaymentHistory.from_ledger(ledger, ledger_settings, signals)
    parts, origins = [], []
    for cutoff, until in periods:
        progress(f"{cutoff}: features of what was known before it")
        given = training_input(ledger, history, cutoff, settings)
        bundle, trained = train_bundle(given, settings, _at(cutoff, progress))
        issued = landmarks_at_issue(ledger, cutoff, until)
        is_observed = outcomes(issued, given.settlements, end).select(is_label_observed(target.grace_days))
        tested = issued.filter(is_observed.to_series())
        features = compute_features(history, tested)
        progress(f"{cutoff}: predicting {tested.height:,} invoices")
        observed = _observed(tested, features["amount"], given, target, end, ledger.customers)
        scores = score_frame(bundle, features, tested, with_reasons=False)
        parts.append(_model_rows(scores, observed, cutoff))
        known = labelled(given, target)
        names = usable_features(given.features)
        for name in baselines:
            progress(f"{cutoff}: baseline {name}")
            prediction = BASELINES[name](known, features, names)
            parts.append(_baseline_rows(name, prediction, scores, observed, cutoff))
        for name, rival in (rivals or {}).items():
            rival_scores = score_frame(rival, features, tested, with_reasons=False)
            parts.append(_model_rows(rival_scores, observed, cutoff).with_columns(model=pl.lit(name)))
        if truth is not None:
            parts.append(_truth_rows(truth, target, scores, observed, cutoff))
        origins.append(Origin(cutoff, until, bundle, trained, tested.height, issued.height - tested.height))
    predictions = pl.concat(parts).select(PREDICTION_SCHEMA.names()).cast(PREDICTION_SCHEMA)
    return Backtest(predictions, tuple(origins), target, end)


def labelled(given: TrainingInput, target: Target) -> Labelled:
    """The training window's invoices at issue with the labels observed before its cut-off."""
    is_at_issue = (given.landmarks["as_of"] == given.landmarks["issued_on"]).to_numpy()
    landmarks = given.landmarks.filter(is_at_issue)
    known = known_outcomes(landmarks, given.settlements, given.known_before)
    late, until = known.days_late, known.days_until_cutoff
    return Labelled(
        features=given.features.filter(is_at_issue),
        is_late=late > target.grace_days,
        late_observed=until > target.grace_days,
        is_unpaid_30=late > 30,
        unpaid_30_observed=until > 30,
        days_late=late,
    )


def _at(cutoff: date, progress: Callable[[str], None]) -> Callable[[str], None]:
    return lambda text: progress(f"{cutoff}: {text}")


def _end_of(ledger: Ledger) -> date:
    last = last_known_on(ledger)
    if last is None:
        raise InvalidInputError(
            localized("The ledger is empty."),
            [Fault(what=localized("no dated fact"), remedy=localized("import invoices and payments"))],
        )
    return last + timedelta(days=1)


def _refuse_empty_periods(
    ledger: Ledger, periods: Sequence[tuple[date, date]], target: Target, end: date
) -> None:
    invoices = ledger.invoices.filter(pl.col("kind") == "invoice")
    first, last = invoices["issued_on"].min(), invoices["issued_on"].max()
    faults = []
    for cutoff, until in periods:
        is_in_period = pl.col("issued_on").is_between(cutoff, until, closed="left")
        is_observed = pl.col("due_on") + pl.duration(days=target.grace_days) < end
        if invoices.filter(is_in_period & is_observed).height == 0:
            faults.append(
                Fault(
                    what=localized(
                        "no invoice issued from {cutoff} to before {until} has an observed outcome",
                        cutoff=cutoff,
                        until=until,
                    ),
                    where=f"cut-off {cutoff}",
                    expected=localized(
                        "a day between the first and the last issue date ({first!s} to {last!s}), with due "
                        "dates passed before {end}",
                        first=str(first),
                        last=str(last),
                        end=end,
                    ),
                    remedy=localized("choose an earlier cut-off"),
                )
            )
    if faults:
        raise InvalidInputError(localized("The backtest cannot be run."), faults)


def _refuse_other_settings(rivals: Mapping[str, ModelBundle], settings: LedgerSettings) -> None:
    """Stop when a rival means something else by late or settled: its probabilities are of other events."""
    faults = [
        fault
        for rival in rivals.values()
        for fault in setting_differences(
            settings.values(),
            rival.settings,
            "run the backtest under the settings of the rival, or without it",
        )
    ]
    if faults:
        raise InvalidInputError(localized("The models cannot be compared."), faults)


def _observed(
    tested: pl.DataFrame,
    amount: pl.Series,
    given: TrainingInput,
    target: Target,
    end: date,
    customers: pl.DataFrame,
) -> pl.DataFrame:
    """What became of the test invoices by the end of the ledger, what they are worth, and whose they were.

    The amount is in the reporting currency; null where no exchange rate converts it.
    """
    known = outcomes(tested, given.settlements, end)
    unpaid = {f"is_unpaid_{k}d": pl.when(is_label_observed(k)).then(is_unpaid_at(k)) for k in HORIZONS}
    whose = tested.select("customer_id").join(
        customers.select("customer_id", *CUSTOMER_COLUMNS),
        on="customer_id",
        how="left",
        validate="m:1",
        maintain_order="left",
    )
    return (
        amount.to_frame()
        .hstack(known.with_columns(is_late=is_unpaid_at(target.grace_days), **unpaid))
        .hstack(whose.select(CUSTOMER_COLUMNS))
    )


_OUTCOME_COLUMNS = (
    "due_on",
    "amount",
    "is_late",
    *(f"is_unpaid_{k}d" for k in HORIZONS),
    "days_late",
    "settled_on",
    *CUSTOMER_COLUMNS,
)


def _model_rows(scores: pl.DataFrame, observed: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    return (
        scores.hstack(observed.select(_OUTCOME_COLUMNS))
        .with_columns(model=pl.lit(MODEL_NAME), cutoff=pl.lit(cutoff), segment=pl.col("rfm_segment"))
        .select(PREDICTION_SCHEMA.names())
        .cast(PREDICTION_SCHEMA)
    )


def _baseline_rows(
    name: str, prediction: Prediction, scores: pl.DataFrame, observed: pl.DataFrame, cutoff: date
) -> pl.DataFrame:
    def chance(values: np.ndarray[tuple[int], np.dtype[np.float64]] | None) -> pl.Series:
        return pl.Series(values if values is not None else [None] * scores.height, dtype=pl.Float64)

    def day(values: np.ndarray[tuple[int], np.dtype[np.float64]] | None) -> pl.Expr:
        if values is None:
            return pl.lit(None, dtype=pl.Date)
        shift = pl.lit(pl.Series(np.round(values).astype(np.int64)))
        return pl.max_horizontal(pl.col("due_on") + pl.duration(days=shift), pl.col("as_of"))

    return _model_rows(scores, observed, cutoff).with_columns(
        model=pl.lit(name),
        p_late=chance(prediction.p_late),
        p_late_30=chance(prediction.p_late_30),
        **{f"unpaid_probability_{k}d": pl.lit(None, dtype=pl.Float64) for k in HORIZONS},
        payment_date_p10=day(prediction.days_p10),
        payment_date_p50=day(prediction.days_p50),
        payment_date_p90=day(prediction.days_p90),
    )


def _truth_rows(
    truth: pl.DataFrame, target: Target, scores: pl.DataFrame, observed: pl.DataFrame, cutoff: date
) -> pl.DataFrame:
    """The simulated world's own probabilities; P(late) only when the grace is one of their horizons."""
    joined = scores.select("invoice_id").join(
        truth, on="invoice_id", how="left", validate="1:1", maintain_order="left"
    )
    column = f"unpaid_probability_{target.grace_days}d"
    p_late = (
        joined[column] if column in joined.columns else pl.Series([None] * scores.height, dtype=pl.Float64)
    )
    return _model_rows(scores, observed, cutoff).with_columns(
        model=pl.lit(TRUTH_NAME),
        p_late=p_late,
        p_late_30=joined["unpaid_probability_30d"],
        **{f"unpaid_probability_{k}d": joined[f"unpaid_probability_{k}d"] for k in HORIZONS},
        payment_date_p10=pl.lit(None, dtype=pl.Date),
        payment_date_p50=pl.lit(None, dtype=pl.Date),
        payment_date_p90=pl.lit(None, dtype=pl.Date),
    )
