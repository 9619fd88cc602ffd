"""The simulated world as others use it: repeatable, lawful, cut at its end, calibrated, and in its stated ranges."""

import hashlib
import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data_samples.generator import WorldSettings, sample_world_mail_ids, simulate_world, write_world
from features.ledger import check_tables, last_known_on, ledger_fingerprint, read_ledger
from features.settlement import settlement_at, settlement_episodes
from features.words import HORIZONS

SAMPLE = Path(__file__).resolve().parents[2] / "data_samples" / "ledger"
SAMPLE_SETTINGS = WorldSettings(customers=150, months=30, seed=8)


@pytest.fixture(scope="module")
def world():
    return simulate_world(WorldSettings(customers=900, months=24, seed=21))


@pytest.fixture(scope="module")
def judged(world):
    """Every invoice with its true probabilities and whether it was unpaid at each horizon."""
    rows = world.truth["probabilities"].join(world.truth["outcomes"], on="invoice_id", validate="1:1")
    rows = rows.join(
        world.ledger.invoices.select("invoice_id", "customer_id"), on="invoice_id", validate="1:1"
    )
    late = pl.col("days_late").fill_null(10_000)
    return rows.with_columns((late > horizon).alias(f"unpaid_{horizon}d") for horizon in HORIZONS)


def folder_bytes(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_writes_the_same_bytes_and_another_seed_other_ones(tmp_path):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_world(simulate_world(WorldSettings(30, 8, seed)), tmp_path / name, "the command")
    assert folder_bytes(tmp_path / "a") == folder_bytes(tmp_path / "b")
    first, other = folder_bytes(tmp_path / "a"), folder_bytes(tmp_path / "c")
    assert all(
        first[f"{name}.parquet"] != other[f"{name}.parquet"] for name in ("customers", "invoices", "payments")
    )


def test_the_ledger_breaks_no_rule_of_the_contracts(world):
    tables = dict(world.ledger.tables())
    assert set(tables) == {
        "customers", "invoices", "payments", "disputes", "emails", "interactions", "indicators",
    }  # fmt: skip
    assert dict(check_tables(tables).quarantine) == {}


@pytest.mark.parametrize("change", [None, 3])
def test_nothing_in_the_ledger_became_known_after_its_last_day(change):
    small = simulate_world(WorldSettings(60, 7, 3, end=date(2025, 9, 17), regime_change_month=change))
    end = small.settings.end
    assert last_known_on(small.ledger) <= end
    last_instant = datetime.combine(end + timedelta(days=1), time(), tzinfo=UTC)
    assert small.ledger.emails["sent_at"].max() < last_instant
    assert small.ledger.interactions["happened_at"].max() < last_instant
    assert small.ledger.disputes["closed_on"].max() <= end
    assert small.ledger.customers["customer_since_on"].max() <= end
    assert small.ledger.indicators["published_on"].max() <= end
    assert small.truth["outcomes"]["settled_on"].max() > end


def test_the_ledger_settles_an_invoice_on_the_day_the_truth_says(world):
    known = settlement_at(settlement_episodes(world.ledger), date.max)
    undone = world.ledger.payments.filter(pl.col("amount") < 0)
    rows = known.join(undone, on="invoice_id", how="anti").join(
        world.truth["outcomes"], on="invoice_id", suffix="_true", validate="1:1"
    )
    settled = rows.filter(pl.col("settled_on").is_not_null())
    assert settled.height > 0.9 * rows.height
    assert (settled["settled_on"] == settled["settled_on_true"]).all()
    still_open = rows.filter(pl.col("settled_on").is_null())
    booking = timedelta(days=10)
    late_enough = still_open["settled_on_true"].fill_null(date(9999, 1, 1)) > world.settings.end - booking
    assert late_enough.all()


def test_an_invoice_whose_payment_bounced_is_settled_when_it_is_paid_again(world):
    episodes = settlement_episodes(world.ledger)
    bounced = episodes.filter(pl.col("reopened_on").is_not_null())
    assert bounced.height > 0
    known = settlement_at(episodes, date.max)
    first = bounced.join(world.truth["outcomes"], on="invoice_id", suffix="_true", validate="1:1")
    assert (first["settled_on"] == first["settled_on_true"]).all()
    again = bounced.join(known, on="invoice_id", suffix="_again", validate="1:1")
    paid_again = again.filter(pl.col("settled_on_again").is_not_null())
    assert (paid_again["settled_on_again"] > paid_again["settled_on"]).all()


@pytest.mark.parametrize("horizon", HORIZONS)
def test_true_probabilities_are_calibrated_overall_and_in_every_tenth(judged, horizon):
    """Invoices of one customer share its cash trouble, so the spread is counted by customer, not by invoice."""
    column = f"unpaid_probability_{horizon}d"
    rows = judged.with_columns(
        (pl.col(f"unpaid_{horizon}d").cast(pl.Float64) - pl.col(column)).alias("residual")
    )
    tenth = (rows[column].rank("ordinal") - 1) * 10 // rows.height
    for part in (rows, *rows.with_columns(tenth.alias("tenth")).partition_by("tenth")):
        by_customer = part.group_by("customer_id").agg(pl.col("residual").sum())["residual"].to_numpy()
        spread = max(float(np.sqrt((by_customer**2).sum())), 1.0)
        assert abs(by_customer.sum()) < 4.0 * spread


def test_late_share_lateness_and_attainable_ranking_stay_in_their_stated_ranges(judged):
    late = judged["unpaid_0d"].to_numpy()
    assert 0.33 < late.mean() < 0.44
    assert 0.06 < judged["unpaid_30d"].mean() < 0.13
    lateness = judged["days_late"].fill_null(180).clip(0, 180).mean()
    assert 8.0 < lateness < 14.0
    by_customer = judged.group_by("customer_id").agg(pl.col("days_late").fill_null(180).clip(0, 180).mean())
    assert 10.0 < by_customer["days_late"].mean() < 15.0
    assert 0.04 < (by_customer["days_late"] > 30).mean() < 0.12
    order = np.argsort(judged["unpaid_probability_0d"].to_numpy(), kind="stable")
    ranks = np.empty(len(order))
    ranks[order] = np.arange(1, len(order) + 1)
    positives = late.sum()
    auc = (ranks[late].sum() - positives * (positives + 1) / 2) / (positives * (len(late) - positives))
    assert 0.75 < auc < 0.81


def test_a_regime_change_makes_payment_later_from_its_month_on_only():
    calm = simulate_world(WorldSettings(250, 16, 4))
    hard = simulate_world(WorldSettings(250, 16, 4, regime_change_month=9))

    def late_shares(world):
        rows = world.ledger.invoices.join(world.truth["outcomes"], on="invoice_id", validate="1:1")
        change = date(2025, 11, 1)
        before = rows.filter(pl.col("due_on") < change - timedelta(days=1))
        after = rows.filter(pl.col("issued_on") >= change)
        late = pl.col("days_late").fill_null(999) > 0
        return before.select(late.mean()).item(), after.select(late.mean()).item()

    (calm_before, calm_after), (hard_before, hard_after) = late_shares(calm), late_shares(hard)
    assert abs(calm_before - hard_before) < 0.03
    assert hard_after > calm_after + 0.06


def test_letters_fit_what_is_hidden_and_come_from_the_declared_half(world):
    mails = world.truth["emails"].join(world.ledger.emails, on="email_id", validate="1:1")
    assert mails.height == world.ledger.emails.filter(pl.col("direction") == "inbound").height
    assert set(mails["source_mail_id"]) <= sample_world_mail_ids()
    insolvent = mails.filter(pl.col("labels").list.contains("insolvency")).join(
        world.truth["customers"], on="customer_id", validate="m:1"
    )
    assert insolvent.height > 0
    assert insolvent["insolvent_on"].null_count() == 0
    grave = mails.filter(pl.col("labels").list.contains("financial_difficulty"))
    in_trouble = set(world.truth["episodes"]["customer_id"])
    assert grave.height > 100
    assert set(grave["customer_id"]) <= in_trouble
    promised = mails.filter(pl.col("promise_on").is_not_null() & pl.col("invoice_id").is_not_null()).join(
        world.truth["outcomes"], on="invoice_id", validate="m:1"
    )
    kept = (promised["settled_on"] <= promised["promise_on"].dt.offset_by("3d")).fill_null(False).mean()
    assert 0.75 < kept < 0.99


def test_cash_trouble_shows_in_orders_and_in_lateness(world):
    rows = world.truth["probabilities"].join(world.truth["outcomes"], on="invoice_id", validate="1:1")
    share = dict(
        rows.group_by("cash_state_at_issue").agg((pl.col("days_late").fill_null(999) > 30).mean()).iter_rows()
    )
    assert share["healthy"] < 0.10 < share["strained"] < share["distressed"]


def test_the_sample_holds_the_awkward_cases_on_purpose():
    ledger = read_ledger(SAMPLE)
    invoices, payments = ledger.invoices, ledger.payments
    billed = invoices.filter(pl.col("kind") == "invoice")
    assert (
        invoices.filter(pl.col("kind") == "credit_note").height
        > payments.filter(pl.col("method") == "credit_note").height
    )
    assert billed["terms"].null_count() > 0
    assert billed.filter(pl.col("source_due_on") != pl.col("due_on")).height > 0
    assert payments.filter(pl.col("amount") < 0)["method"].unique().to_list() == ["reversal"]
    money = payments.filter(~pl.col("method").is_in(["credit_note", "reversal"]))
    assert money.group_by("invoice_id").len().filter(pl.col("len") == 3).height > 0
    paid = payments.group_by("invoice_id").agg(pl.col("amount").sum().alias("paid"))
    both = billed.join(paid, on="invoice_id")
    assert both.filter(pl.col("paid") > pl.col("amount")).height > 0
    assert both.filter((pl.col("amount") - pl.col("paid")).is_between(0.01, 0.05)).height > 0
    assert 0 < ledger.disputes["closed_on"].null_count() < ledger.disputes.height
    assert ledger.customers["is_natural_person"].any()
    assert ledger.customers["is_strategic"].any()
    assert 0 < ledger.customers["credit_limit"].null_count() < ledger.customers.height


def test_the_committed_sample_is_what_its_command_makes():
    made = simulate_world(SAMPLE_SETTINGS)
    committed = read_ledger(SAMPLE)
    assert ledger_fingerprint(made.ledger) == ledger_fingerprint(committed)
    for name, frame in made.truth.items():
        kept = pl.read_parquet(SAMPLE / "truth" / f"{name}.parquet")
        assert kept.select(pl.exclude(pl.Float64)).equals(frame.select(pl.exclude(pl.Float64))), name
        for column in kept.select(pl.col(pl.Float64)).columns:
            assert np.allclose(kept[column].to_numpy(), frame[column].to_numpy(), atol=1e-9), (name, column)


def test_the_sample_describes_itself_by_command_and_checksum_and_stays_small():
    text = (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert (
        "encours simulate --customers 150 --months 30 --seed 8 --end 2026-06-30 --out data_samples/ledger"
        in text
    )
    sums = dict(reversed(line.split("  ")) for line in re.findall(r"^[0-9a-f]{64}  \S+$", text, re.M))
    files = {
        str(path.relative_to(SAMPLE)) for path in SAMPLE.rglob("*") if path.suffix in (".parquet", ".json")
    }
    assert set(sums) == files
    for name, checksum in sums.items():
        assert hashlib.sha256((SAMPLE / name).read_bytes()).hexdigest() == checksum
    emails = SAMPLE.parent / "emails"
    everything = [path for folder in (SAMPLE, emails) for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in everything) < 5_000_000
