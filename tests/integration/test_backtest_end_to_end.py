"""The backtest on a simulated world and on a third-party export: honest, recomputable, better than its baselines."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from features.errors import InvalidInputError
from features.ledger import Ledger, last_known_on, read_ledger, table_dtypes
from features.settings import LedgerSettings
from models.evaluation import metrics
from models.evaluation.backtest import MODEL_NAME, TRUTH_NAME, Backtest, default_cutoffs, run_backtest
from models.evaluation.backtest_summary import summarise
from models.hazard.settings import HazardSettings
from models.training.selection import TrainingSettings
from tests.model_samples import bundle

EXPORT = (
    Path(__file__).parents[3]
    / "shared"
    / "data"
    / "ibm-accounts-receivable"
    / "WA_Fn-UseC_-Accounts-Receivable.csv"
)
QUICK = TrainingSettings(hazard=HazardSettings(threads=1), leaves=(4,), max_trees=120)


@cache
def _world() -> tuple[Ledger, pl.DataFrame]:
    """The committed sample: whether the model beats its baselines there guards against regressions, no more."""
    folder = Path(__file__).parents[2] / "data_samples" / "ledger"
    return replace(read_ledger(folder), emails=None), pl.read_parquet(
        folder / "truth" / "probabilities.parquet"
    )


@cache
def _backtest() -> Backtest:
    ledger, truth = _world()
    return run_backtest(ledger, [date(2025, 10, 1), date(2026, 1, 1)], settings=QUICK, truth=truth)


def test_every_invoice_is_tested_once_per_model_after_its_cut_off():
    rows = _backtest().predictions
    assert rows.select("model", "invoice_id").is_unique().all()
    assert (rows["as_of"] >= rows["cutoff"]).all()
    assert rows.filter(pl.col("cutoff") == date(2025, 10, 1))["as_of"].max() < date(2026, 1, 1)
    per_model = rows.group_by("model").agg(pl.col("invoice_id").sort().hash().sum())
    assert per_model["invoice_id"].n_unique() == 1


def test_what_is_left_out_depends_on_the_due_date_only():
    ledger, _ = _world()
    done = _backtest()
    last = last_known_on(ledger)
    tested = done.predictions.filter(pl.col("model") == MODEL_NAME)
    assert tested["due_on"].max() <= last
    issued = ledger.invoices.filter(
        (pl.col("kind") == "invoice") & (pl.col("issued_on") >= date(2025, 10, 1))
    )
    expected = issued.filter(pl.col("due_on") <= last)
    assert set(tested["invoice_id"]) == set(expected["invoice_id"])
    assert sum(origin.excluded for origin in done.origins) == issued.height - expected.height


def test_figures_can_be_recomputed_from_the_predictions():
    figures = summarise(_backtest(), resamples=20)
    for name, entry in figures["models"].items():
        rows = _backtest().predictions.filter(pl.col("model") == name)
        assert entry["n"] == rows.height
        if rows["p_late"].null_count() == 0:
            chance, event = rows["p_late"].to_numpy(), rows["is_late"].to_numpy()
            assert entry["auc"] == metrics.auc(chance, event)
            assert entry["log_loss"] == metrics.log_loss(chance, event)
            low, high = entry["intervals"]["log_loss"]
            assert low <= entry["log_loss"] <= high


def test_every_group_and_every_horizon_is_told_and_the_classes_add_up():
    entry = summarise(_backtest(), resamples=0)["models"][MODEL_NAME]
    for group in (
        "history_depth",
        "amount",
        "grade",
        "segment",
        "sector",
        "country",
        "size_class",
        "legal_form",
    ):
        assert sum(figures["n"] for figures in entry["by"][group].values()) == entry["n"]
    assert list(entry["horizons"]) == ["0", "7", "15", "30", "60", "90"]
    assert entry["horizons"]["0"]["log_loss"] == entry["log_loss"]
    means = [told["mean_probability"] for told in entry["horizons"].values()]
    assert entry["horizons"]["30"]["log_loss"] == entry["p_late_30"]["log_loss"]
    assert means[0] > means[3] > means[5]


def test_the_model_beats_the_simple_rules_and_no_model_beats_the_truth():
    models = summarise(_backtest(), resamples=0)["models"]
    own = models[MODEL_NAME]
    for name in ("constant", "own_late_share", "days_past_due_rule"):
        assert own["auc"] > models[name]["auc"]
        assert own["log_loss"] < models[name]["log_loss"]
    assert all(models[TRUTH_NAME]["log_loss"] < entry["log_loss"] for name, entry in models.items()
               if name != TRUTH_NAME and entry.get("log_loss") is not None)  # fmt: skip
    assert own["ece"] < 0.08
    assert 0.74 < own["date"]["coverage"] < 0.88


def test_the_future_of_the_ledger_does_not_change_a_trained_model():
    """The same cut-off on the ledger as it stood then gives the same model, to its checksum."""
    from features.ledger import as_known_before

    ledger, _ = _world()
    cutoff = date(2025, 10, 1)
    whole = _backtest().origins[0].bundle
    from features.asof.history import PaymentHistory
    from models.training.from_ledger import train_bundle, training_input

    before = as_known_before(ledger, cutoff)
    given = training_input(before, PaymentHistory.from_ledger(before), cutoff, settings=QUICK)
    alone, _ = train_bundle(given, settings=QUICK)
    assert alone.hazard.trees.texts == whole.hazard.trees.texts
    assert alone.calibration == whole.calibration


def test_an_impossible_cut_off_says_which_days_are_possible():
    ledger, _ = _world()
    with pytest.raises(InvalidInputError, match=r"(?s)cut-off 2031-01-01.*first and the last issue date"):
        run_backtest(ledger, [date(2025, 10, 1), date(2031, 1, 1)], settings=QUICK)


def test_a_rival_that_means_something_else_by_late_is_refused():
    ledger, _ = _world()
    rival = replace(bundle(), settings=LedgerSettings(grace_days=5, reporting_currency="EUR"))
    with pytest.raises(InvalidInputError, match=r"grace_days: is 0, and the model was trained with 5"):
        run_backtest(ledger, [date(2025, 10, 1)], settings=QUICK, rivals={"champion": rival})


def _export(with_disputes: bool) -> Ledger:
    rows = pl.read_csv(EXPORT, schema_overrides={"invoiceNumber": pl.String}).with_columns(
        pl.col("InvoiceDate", "DueDate", "SettledDate").str.to_date("%m/%d/%Y")
    )
    rows = rows.select(
        "Disputed",
        invoice_id="invoiceNumber",
        customer_id="customerID",
        kind=pl.lit("invoice"),
        issued_on="InvoiceDate",
        due_on="DueDate",
        amount="InvoiceAmount",
        currency=pl.lit("EUR"),
        delivery_channel=pl.col("PaperlessBill").str.to_lowercase(),
        payment_id="invoiceNumber",
        paid_on="SettledDate",
        known_on="SettledDate",
        dispute_id="invoiceNumber",
        opened_on="InvoiceDate",
        closed_on="SettledDate",
        is_strategic=pl.lit(False),
    )

    def table(name: str, source: pl.DataFrame) -> pl.DataFrame:
        return source.select(
            (pl.col(column) if column in source.columns else pl.lit(None)).cast(dtype).alias(column)
            for column, dtype in table_dtypes(name).items()
        )

    customers = rows.select("customer_id", "is_strategic").unique().sort("customer_id")
    disputes = table("disputes", rows.filter(pl.col("Disputed") == "Yes"))
    return Ledger(
        customers=table("customers", customers),
        invoices=table("invoices", rows),
        payments=table("payments", rows),
        disputes=disputes if with_disputes else None,
    )


@pytest.mark.skipif(not EXPORT.exists(), reason="the third-party export is not beside this checkout")
@pytest.mark.parametrize("with_disputes", [True, False])
def test_on_the_export_the_model_beats_own_late_share(with_disputes):
    ledger = _export(with_disputes)
    done = run_backtest(
        ledger, default_cutoffs(ledger), settings=QUICK, baselines=("constant", "own_late_share")
    )
    models = summarise(done, resamples=0)["models"]
    own, share = models[MODEL_NAME], models["own_late_share"]
    assert own["auc"] > share["auc"]
    assert own["log_loss"] < share["log_loss"]
