"""The sides of the feature benchmark: each reads a ledger folder, computes, and says how long it took."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.feature_scale import (
    CORE_COLUMNS,
    ONLINE_CALLS,
    ONLINE_PAST_INVOICES,
    PANDAS_INVOICES,
    THREADS,
)
from features.asof import PaymentHistory, landmarks_at_issue
from features.asof.events import closings_of, invoice_base
from features.asof.identifiers import IdIndex
from features.asof.reader import AsOfReader, known, ratio
from features.asof.streams import EventStream
from features.cents import CENTS
from features.groups.catalogue import CATALOGUE
from features.groups.compute import compute_features, feature_matrix
from features.ledger.ledger import Ledger
from features.settings import LedgerSettings
from features.settlement import settlement_episodes


class Clock:
    """Wall and processor seconds since it was made; the second do not suffer from other programs."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def seconds(self, suffix: str = "") -> dict[str, float]:
        """Both, rounded."""
        return {
            f"seconds{suffix}": round(time.perf_counter() - self._wall, 2),
            f"processor_seconds{suffix}": round(time.process_time() - self._processor, 2),
        }


EVER = (dt.date(1990, 1, 1), dt.date(2100, 1, 1))
QUARTER, YEAR = 90, 365


def _ledger(folder: Path) -> Ledger:
    return Ledger(
        *(pl.read_parquet(folder / f"{name}.parquet") for name in ("customers", "invoices", "payments"))
    )


def catalogue(folder: Path) -> dict[str, Any]:
    """Every column for every landmark at issue."""
    ledger = _ledger(folder)
    landmarks = landmarks_at_issue(ledger, *EVER)
    whole = Clock()
    history = PaymentHistory.from_ledger(ledger)
    prepared = whole.seconds("_prepare")
    computing = Clock()
    features = compute_features(history, landmarks)
    return {
        "invoices": landmarks.height,
        "columns": features.width - 2,
        **whole.seconds(),
        **prepared,
        **computing.seconds("_compute"),
    }


def online(folder: Path) -> dict[str, Any]:
    """Every column for one invoice of the customer whose past comes nearest to 500 invoices."""
    ledger = _ledger(folder)
    history = PaymentHistory.from_ledger(ledger)
    sizes = ledger.invoices.group_by("customer_id").agg(pl.len().cast(pl.Int64))
    nearest = sizes.sort((pl.col("len") - ONLINE_PAST_INVOICES - 1).abs(), "customer_id")
    customer_id, size = nearest.row(0)
    landmarks = landmarks_at_issue(ledger, *EVER).filter(pl.col("customer_id") == customer_id)[-1:]
    times = []
    whole = time.process_time()
    for _ in range(ONLINE_CALLS):
        started = time.perf_counter()
        feature_matrix(history, landmarks)
        times.append(1000 * (time.perf_counter() - started))
    processor = 1000 * (time.process_time() - whole) / ONLINE_CALLS
    return {
        "past_invoices": size - 1,
        "columns": len(CATALOGUE),
        "milliseconds_median": round(float(np.median(times)), 2),
        "processor_milliseconds_mean": round(processor, 2),
        "milliseconds_p99": round(float(np.quantile(times, 0.99)), 2),
        "calls": ONLINE_CALLS,
    }


def engine(folder: Path) -> dict[str, Any]:
    """The core columns by the engine's parts: settlement, one event stream, readings strictly before the issue."""
    ledger = _ledger(folder)
    clock = Clock()
    settings = LedgerSettings()
    customers, ids = IdIndex.build(ledger.customers["customer_id"]), ledger.invoices["invoice_id"]
    customer_codes = pl.DataFrame({"customer_id": customers.ids, "entity": np.arange(len(customers))})
    invoice_codes = pl.DataFrame({"invoice_id": ids, "invoice": np.arange(len(ids))})
    base = invoice_base(ledger, customer_codes, invoice_codes)
    settled = closings_of(settlement_episodes(ledger, settings), base).filter("is_paid")
    days_late = (settled["settled"] - settled["due"]).to_numpy()
    stream = EventStream.build(
        settled["entity"].to_numpy(),
        settled["begun"].to_numpy(),
        {
            "late": (days_late > 0).astype(np.int64),
            "days_late": days_late,
            "amount": settled["cents"].to_numpy(),
        },
        entity_count=len(customers),
    )
    read = AsOfReader({"settled": stream}, base["entity"].to_numpy(), base["issued"].to_numpy())
    count, days = read.size("settled"), read.total("settled", "days_late")
    latest, exists = read.last_day("settled")
    columns = {
        "settled_count_all": count.astype(np.float64),
        "late_count_all": read.total("settled", "late").astype(np.float64),
        "days_late_mean_all": ratio(days, count),
        "days_late_mean_90d": ratio(
            read.total("settled", "days_late", QUARTER), read.size("settled", QUARTER)
        ),
        "days_late_mean_365d": ratio(read.total("settled", "days_late", YEAR), read.size("settled", YEAR)),
        "settled_amount_all": read.total("settled", "amount") / CENTS,
        "settled_amount_365d": read.total("settled", "amount", YEAR) / CENTS,
        "settled_recency_days": known(read.as_of - latest, exists),
    }
    answer = pl.DataFrame({"invoice_id": base["invoice_id"], **columns}).with_columns(
        pl.col(CORE_COLUMNS).fill_nan(None)
    )
    seconds = clock.seconds()
    answer.write_parquet(folder / "engine.parquet")
    return {"invoices": answer.height, **seconds}


_SETTLEMENT_SQL = """
CREATE TEMP TABLE settled AS
WITH owed AS (SELECT invoice_id, customer_id, issued_on, due_on, amount FROM invoices WHERE kind = 'invoice'),
booked AS (
  SELECT p.invoice_id, p.paid_on, p.known_on, p.amount,
         sum(p.amount) OVER (PARTITION BY p.invoice_id ORDER BY p.known_on RANGE UNBOUNDED PRECEDING) AS reached,
         o.customer_id, o.issued_on, o.due_on, o.amount AS owed
  FROM payments p JOIN owed o USING (invoice_id)),
known AS (SELECT invoice_id, min(known_on) AS known_on FROM booked WHERE reached >= owed - 0.05 GROUP BY 1),
by_value_date AS (
  SELECT b.*, k.known_on AS settlement_known,
         sum(b.amount) OVER (PARTITION BY b.invoice_id ORDER BY b.paid_on RANGE UNBOUNDED PRECEDING) AS paid_by_then
  FROM booked b JOIN known k ON b.invoice_id = k.invoice_id AND b.known_on <= k.known_on)
SELECT customer_id, invoice_id, any_value(owed) AS amount,
       greatest(any_value(settlement_known), any_value(issued_on)) AS known_on,
       date_diff('day', any_value(due_on), min(paid_on) FILTER (paid_by_then >= owed - 0.05)) AS days_late
FROM by_value_date GROUP BY customer_id, invoice_id
"""
_TOTALS_SQL = """
CREATE TEMP TABLE totals AS
SELECT customer_id, known_on,
       sum(n) OVER w AS n, sum(late) OVER w AS late, sum(days) OVER w AS days, sum(amount) OVER w AS amount
FROM (SELECT customer_id, known_on, count(*) AS n, count(*) FILTER (days_late > 0) AS late,
             sum(days_late) AS days, sum(amount) AS amount
      FROM settled GROUP BY 1, 2)
WINDOW w AS (PARTITION BY customer_id ORDER BY known_on)
"""
_ANSWER_SQL = """
SELECT q.invoice_id,
       coalesce(a.n, 0) AS settled_count_all,
       coalesce(a.late, 0) AS late_count_all,
       a.days / a.n AS days_late_mean_all,
       (a.days - coalesce(b.days, 0)) / nullif(a.n - coalesce(b.n, 0), 0) AS days_late_mean_90d,
       (a.days - coalesce(c.days, 0)) / nullif(a.n - coalesce(c.n, 0), 0) AS days_late_mean_365d,
       coalesce(a.amount, 0) AS settled_amount_all,
       coalesce(a.amount, 0) - coalesce(c.amount, 0) AS settled_amount_365d,
       date_diff('day', a.known_on, q.issued_on) AS settled_recency_days
FROM (SELECT *, issued_on - 90 AS t90, issued_on - 365 AS t365 FROM invoices WHERE kind = 'invoice') q
ASOF LEFT JOIN totals a ON q.customer_id = a.customer_id AND q.issued_on > a.known_on
ASOF LEFT JOIN totals b ON q.customer_id = b.customer_id AND q.t90 > b.known_on
ASOF LEFT JOIN totals c ON q.customer_id = c.customer_id AND q.t365 > c.known_on
"""


def duckdb(folder: Path) -> dict[str, Any]:
    """The core columns in SQL: settlement by windows, running totals, three strict ASOF joins."""
    import duckdb as engine_of_sql

    connection = engine_of_sql.connect()
    connection.execute(f"SET threads = {THREADS}")
    for name in ("invoices", "payments"):
        connection.execute(
            f"CREATE TABLE {name} AS SELECT * FROM read_parquet(?)", [str(folder / f"{name}.parquet")]
        )
    clock = Clock()
    connection.execute(_SETTLEMENT_SQL)
    connection.execute(_TOTALS_SQL)
    connection.execute(f"CREATE TABLE answer AS {_ANSWER_SQL}")
    seconds = clock.seconds()
    count = connection.execute("SELECT count(*) FROM answer").fetchall()[0][0]
    connection.execute(f"COPY answer TO '{folder / 'duckdb.parquet'}' (FORMAT parquet)")
    return {"invoices": count, **seconds}


def pandas(folder: Path) -> dict[str, Any]:
    """The core columns as a pandas groupby: per customer, per invoice, the rows settled before its issue."""
    import pandas as pd

    invoices = pd.read_parquet(folder / "invoices.parquet")
    payments = pd.read_parquet(
        folder / "payments.parquet", columns=["invoice_id", "paid_on", "known_on", "amount"]
    )
    people = invoices["customer_id"].drop_duplicates().sample(frac=1.0, random_state=0)
    sizes = invoices["customer_id"].value_counts().reindex(people)
    people = people[(sizes.cumsum() <= max(PANDAS_INVOICES, int(sizes.iloc[0]))).to_numpy()]
    invoices = invoices[invoices["customer_id"].isin(people)].copy()
    payments = payments[payments["invoice_id"].isin(invoices["invoice_id"])].copy()
    for frame, columns in ((invoices, ("issued_on", "due_on")), (payments, ("paid_on", "known_on"))):
        frame["amount"] = frame["amount"].astype(float)
        for column in columns:
            frame[column] = pd.to_datetime(frame[column])
    clock = Clock()
    invoices = invoices.join(_settlements_in_pandas(invoices, payments), on="invoice_id")
    parts = [_past_of(group) for _, group in invoices.groupby("customer_id")]
    answer = pd.concat(parts)
    seconds = clock.seconds()
    answer.to_parquet(folder / "pandas.parquet", index=False)
    return {"invoices": len(answer), **seconds}


def _settlements_in_pandas(invoices: Any, payments: Any) -> Any:
    enough = invoices.set_index("invoice_id")["amount"] - 0.05
    booked = payments.sort_values(["invoice_id", "known_on"])
    reached = booked.groupby("invoice_id")["amount"].cumsum().round(2)
    is_enough = (reached >= booked["invoice_id"].map(enough).round(2)).to_numpy()
    known = booked[is_enough].groupby("invoice_id")["known_on"].min()
    in_time = payments[payments["known_on"] <= payments["invoice_id"].map(known)]
    in_time = in_time.sort_values(["invoice_id", "paid_on"])
    paid = in_time.groupby("invoice_id")["amount"].cumsum().round(2)
    is_paid = (paid >= in_time["invoice_id"].map(enough).round(2)).to_numpy()
    settled = in_time[is_paid].groupby("invoice_id")["paid_on"].min()
    return known.to_frame("known").join(settled.rename("settled"))


def _past_of(group: Any) -> Any:
    import pandas as pd

    rows = []
    known = group[["known", "issued_on"]].max(axis=1).where(group["known"].notna())
    late = (group["settled"] - group["due_on"]).dt.days
    for invoice_id, issued in zip(group["invoice_id"], group["issued_on"], strict=True):
        past = known < issued
        quarter = past & (known >= issued - pd.Timedelta(days=QUARTER))
        year = past & (known >= issued - pd.Timedelta(days=YEAR))
        rows.append(
            {
                "invoice_id": invoice_id,
                "settled_count_all": float(past.sum()),
                "late_count_all": float((late[past] > 0).sum()),
                "days_late_mean_all": late[past].mean(),
                "days_late_mean_90d": late[quarter].mean(),
                "days_late_mean_365d": late[year].mean(),
                "settled_amount_all": group["amount"][past].sum(),
                "settled_amount_365d": group["amount"][year].sum(),
                "settled_recency_days": float((issued - known[past].max()).days) if past.any() else None,
            }
        )
    return pd.DataFrame(rows)
