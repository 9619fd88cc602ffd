"""The habits of the simulated world can be seen in its ledger: runs, seasons, terms, obstacles, part payments."""

import polars as pl
import pytest

from data_samples.generator import WorldSettings, simulate_world
from features.terms import EndOfMonthReading, due_dates


@pytest.fixture(scope="module")
def world():
    return simulate_world(WorldSettings(customers=700, months=24, seed=33))


@pytest.fixture(scope="module")
def paid(world):
    """Money received, with the payer and its hidden run."""
    return (
        world.ledger.payments.filter(~pl.col("method").is_in(["credit_note", "reversal"]))
        .drop("customer_id")
        .join(
            world.ledger.invoices.select("invoice_id", "customer_id", "due_on"),
            on="invoice_id",
            validate="m:1",
        )
        .join(world.truth["customers"].select("customer_id", "run_kind"), on="customer_id", validate="m:1")
    )


def test_every_due_date_is_the_one_its_terms_give(world):
    invoices = world.ledger.invoices.filter(pl.col("terms").is_not_null())
    first, second = (due_dates(invoices["terms"], invoices["issued_on"], one) for one in EndOfMonthReading)
    assert (first == invoices["due_on"]).all()
    assert not (second == invoices["due_on"]).all()


def test_a_few_sources_print_another_or_mistyped_due_date(world):
    billed = world.ledger.invoices.filter(pl.col("kind") == "invoice")
    assert 0.002 < (billed["source_due_on"] != billed["due_on"]).mean() < 0.06


def test_payers_with_two_runs_pay_on_working_days_from_10th_and_25th(paid):
    days = paid.filter((pl.col("run_kind") == "tenth_and_25th") & (pl.col("method") == "transfer"))[
        "paid_on"
    ].dt.day()
    assert len(days) > 500
    assert (days.is_between(10, 14) | days.is_between(25, 31)).mean() > 0.98


def test_weekly_payers_keep_to_their_weekday(paid):
    weekly = paid.filter(pl.col("run_kind") == "weekly").with_columns(
        pl.col("paid_on").dt.weekday().alias("weekday")
    )
    usual = weekly.group_by("customer_id").agg(
        (pl.col("weekday") == pl.col("weekday").mode().min()).mean(), pl.len()
    )
    assert usual.filter(pl.col("len") >= 15)["weekday"].min() > 0.7
    assert usual.filter(pl.col("len") >= 15)["weekday"].mean() > 0.9


def test_payers_with_runs_settle_several_invoices_together_more_than_daily_payers(paid):
    together = paid.with_columns((pl.len().over("customer_id", "paid_on") > 1).alias("together"))
    share = dict(together.group_by("run_kind").agg(pl.col("together").mean()).iter_rows())
    assert share["month_end"] > share["weekly"] > share["daily"]


def test_no_payment_is_on_a_weekend_or_booked_before_it(paid, world):
    assert paid["paid_on"].dt.weekday().max() <= 5
    assert (world.ledger.payments["known_on"] >= world.ledger.payments["paid_on"]).all()
    lag = (world.ledger.payments["known_on"] - world.ledger.payments["paid_on"]).dt.total_days()
    assert lag.max() <= 10
    assert 0.2 < (lag > 0).mean() < 0.8


def test_invoices_due_in_august_are_paid_later_in_france(world):
    rows = (
        world.ledger.invoices.join(world.truth["outcomes"], on="invoice_id", validate="1:1")
        .join(world.ledger.customers.select("customer_id", "country"), on="customer_id", validate="m:1")
        .filter(pl.col("country") == "FR")
    )
    late = rows.group_by((pl.col("due_on").dt.month() == 8).alias("august")).agg(
        (pl.col("days_late") > 0).mean()
    )
    share = dict(late.iter_rows())
    assert share[True] > share[False] + 0.04


def test_a_missing_order_number_blocks_the_invoices_of_those_who_require_one(world):
    rows = (
        world.ledger.invoices.join(world.truth["outcomes"], on="invoice_id", validate="1:1")
        .join(
            world.truth["customers"].select("customer_id", "requires_order_number"),
            on="customer_id",
            validate="m:1",
        )
        .with_columns(
            (pl.col("hold") == "blocked").alias("blocked"), pl.col("purchase_order").is_null().alias("bare")
        )
    )
    share = {
        (requires, bare): blocked
        for requires, bare, blocked in rows.group_by("requires_order_number", "bare")
        .agg(pl.col("blocked").mean())
        .iter_rows()
    }
    assert share[True, True] > 3 * share[True, False]
    assert abs(share[False, True] - share[False, False]) < 0.03


def test_reminders_go_to_overdue_unpaid_invoices_without_dispute(world):
    reminders = world.ledger.interactions.filter(pl.col("kind") == "reminder_sent").with_columns(
        pl.col("happened_at").dt.date().alias("day")
    )
    rows = reminders.join(world.ledger.invoices, on="invoice_id", validate="m:1")
    assert rows.height > 1000
    assert (rows["day"] >= rows["due_on"].dt.offset_by("5d")).all()
    disputed = rows.join(world.ledger.disputes, on="invoice_id", validate="m:m")
    during = (pl.col("day") >= pl.col("opened_on")) & (
        pl.col("day") < pl.col("closed_on").fill_null(pl.date(9999, 1, 1))
    )
    assert disputed.filter(during).height == 0
    known = world.ledger.payments.group_by("invoice_id").agg(
        pl.col("known_on").max(), pl.col("amount").sum().alias("paid")
    )
    whole = rows.join(known, on="invoice_id", validate="m:1").filter(pl.col("paid") >= pl.col("amount"))
    assert (whole["day"] <= whole["known_on"]).all()


def test_trouble_of_a_customer_is_in_letters_before_the_invoice(world):
    letters = world.truth["emails"].join(world.ledger.emails, on="email_id", validate="1:1")
    issues = (
        world.ledger.invoices.join(world.truth["probabilities"], on="invoice_id", validate="1:1")
        .select("customer_id", "issued_on", "cash_state_at_issue", "is_administrative_phase_at_issue")
        .sort("issued_on")
    )

    def told_before(label):
        dated = letters.filter(pl.col("labels").list.contains(label)).select(
            "customer_id", pl.col("sent_at").dt.date().alias("sent_on")
        )
        pairs = issues.with_row_index().join(dated, on="customer_id")
        recent = pairs.filter((pl.col("issued_on") - pl.col("sent_on")).dt.total_days().is_between(1, 60))
        return issues.with_row_index()["index"].is_in(recent["index"].unique().implode())

    hardship, blocked = told_before("financial_difficulty"), told_before("admin_block")
    troubled = issues["cash_state_at_issue"].is_in(["strained", "distressed"])
    upset = issues["is_administrative_phase_at_issue"]
    assert hardship.filter(troubled).mean() > 5 * hardship.filter(~troubled).mean()
    assert blocked.filter(upset).mean() > 2 * blocked.filter(~upset).mean()
