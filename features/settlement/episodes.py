"""Every stretch of time in which a receivable was known to be closed, from the rows of payments on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl

from features.cents import amount_in_cents
from features.ledger.ledger import Ledger
from features.ledger.receivables import receivables
from features.settings import LedgerSettings
from features.settlement.cover import (
    CANCELLED,
    EFFECTS,
    NEVER,
    PAID,
    SHARE_SCALE,
    WRITTEN_OFF,
    Bools,
    Episodes,
    Ints,
    Rows,
    effect,
    episodes_in,
    firsts,
)
from features.terms import parse_terms
from features.words import REVERSAL

EPISODE_SCHEMA: Final = pl.Schema(
    {
        "invoice_id": pl.String,
        "episode": pl.Int64,
        "settled_on": pl.Date,
        "settlement_known_on": pl.Date,
        "reopened_on": pl.Date,
        "allocation_count": pl.Int64,
        "closed_by": pl.String,
    }
)
"""Grain: one row per receivable and episode in which it was closed, numbered from 1 in order of time; a receivable that
never was has one row, number 0, with nothing else in it."""


def settlement_episodes(ledger: Ledger, settings: LedgerSettings | None = None) -> pl.DataFrame:
    """Every stretch of time in which each receivable was known to be closed.

    Allocations are followed in the order in which they became known, those of one day together. An episode begins on
    the day on which they reach the amount within tolerance, and ends on the day on which they fall below it again; what
    is settled and undone on one day never was. A booking at or after a date cannot change what was so before it.

    A cash discount counts where the terms grant one: what was paid within its days, on the amount less credit notes,
    may fall short by the share. Rows of method `discount` have no value date of their own: the day on which the rest
    was paid is the day of settlement. A cancelled receivable is closed for good from the day that became known.

    Args:
        ledger: the checked ledger; credit notes have no settlement.
        settings: tolerance and accepted discount; the defaults when None.

    Returns:
        `EPISODE_SCHEMA`, in the order of the receivables and of time:

        - `settled_on`: the value date from which what was known when the episode began covers the amount; null where it
          closed without being paid.
        - `settlement_known_on`: the day on which the episode began; null while the receivable never closed.
        - `reopened_on`: the day on which the episode ended; null while it lasts. A cancellation ends no episode: it
          follows as one of its own, which is in force from then on.
        - `allocation_count`: allocations known by the beginning; null while it never closed.
        - `closed_by`: `paid`, `credited` (credit notes alone), `discounted`, `written_off` (without the write-off it
          would be open) or `cancelled`.
    """
    settings = settings or LedgerSettings()
    whole = receivables(ledger)
    owed = _owed(whole.invoices, settings)
    rows = _allocations(whole.payments, owed)
    tolerance = settings.settled_tolerance_cents
    is_simple = rows["is_simple"] > 0
    parts = [_of_one_allocation(rows, is_simple & (rows["cents"] >= rows["owed"] - tolerance))]
    if not is_simple.all():
        facts = _as_integers(owed.select("cancelled_on", "kept_share", "prompt_until"))
        parts.append(_of_several(rows, np.flatnonzero(~is_simple), facts, whole.payments, tolerance))
    if owed["cancelled_on"].null_count() < owed.height:
        parts.append(_cancellations(rows, _as_integers(owed.select("cancelled_on"))["cancelled_on"]))
    return _in_order(owed["invoice_id"], parts)


def _in_order(invoice_ids: pl.Series, parts: Sequence[Episodes]) -> pl.DataFrame:
    """The episodes as a frame: in the order of the receivables, one row too for each that has none.

    Args:
        invoice_ids: of the receivables, by number.
        parts: episodes in order of time within each receivable, also from one part to the next.
    """
    count = np.zeros(len(invoice_ids), dtype=np.int64)
    numbers = []
    for part in parts:
        numbers.append(count[part.receivable] + _numbered(part.receivable))
        np.maximum.at(count, part.receivable, numbers[-1])
    lines = np.maximum(count, 1)
    first = np.cumsum(lines) - lines
    places = np.concatenate([first[p.receivable] + n - 1 for p, n in zip(parts, numbers, strict=True)])

    def column(values: Sequence[Ints], default: np.int64) -> Ints:
        placed = np.full(int(lines.sum()), default)
        placed[places] = np.concatenate(values)
        return placed

    effects = column([part.effect for part in parts], np.int64(-1))
    was_paid = ~np.isin(effects, (WRITTEN_OFF, CANCELLED))
    is_one_each = len(effects) == len(invoice_ids)
    owner = np.repeat(np.arange(len(invoice_ids)), lines)
    is_open = pl.Series(effects < 0)
    return pl.DataFrame(
        {
            "invoice_id": invoice_ids if is_one_each else invoice_ids.gather(owner),
            "episode": column(numbers, np.int64(0)),
            "settled_on": _dates(np.where(was_paid, column([part.settled for part in parts], NEVER), NEVER)),
            "settlement_known_on": _dates(column([part.begun for part in parts], NEVER)),
            "reopened_on": _dates(column([part.ended for part in parts], NEVER)),
            "allocation_count": pl.Series(column([part.rows for part in parts], np.int64(0))).set(
                is_open, None
            ),
            "closed_by": pl.Series(EFFECTS, dtype=pl.String).gather(
                pl.Series(np.maximum(effects, 0)).set(is_open, None)
            ),
        }
    )


def _owed(invoices: pl.DataFrame, settings: LedgerSettings) -> pl.DataFrame:
    """Receivables numbered in their order: what each comes to in cents, its cancellation, the discount it may take."""
    billed = invoices.lazy().filter(pl.col("kind") == "invoice").with_row_index("receivable")
    granted = _granted_discounts(invoices["terms"])
    accepted, days = int(settings.accepted_discount_share * SHARE_SCALE), settings.accepted_discount_days
    if granted.is_empty():
        share, within = pl.lit(accepted, pl.Int64), pl.lit(days, pl.Int64)
    else:
        billed = billed.join(granted.lazy(), on="terms", how="left", validate="m:1", maintain_order="left")
        share, within = pl.col("share").fill_null(accepted), pl.col("days").fill_null(days)
    return billed.select(
        "receivable",
        "invoice_id",
        "cancelled_on",
        owed=amount_in_cents("amount"),
        kept_share=pl.when(share > 0).then(SHARE_SCALE - share).otherwise(0),
        prompt_until=pl.when(share > 0).then(pl.col("issued_on") + pl.duration(days=within)),
        is_special=(share > 0)
        | pl.col("cancelled_on").is_not_null()
        | (amount_in_cents("amount") <= settings.settled_tolerance_cents),
    ).collect(engine="in-memory")


def _granted_discounts(terms: pl.Series) -> pl.DataFrame:
    """Share (in parts of `SHARE_SCALE`) and days of the discount that each wording grants, where it grants one."""
    parsed = ((text, parse_terms(text)) for text in terms.unique().drop_nulls().to_list())
    rows = [
        (text, int(known.discount_share * SHARE_SCALE), known.discount_days or 0)
        for text, known in parsed
        if known is not None and known.discount_share
    ]
    schema = {"terms": pl.String, "share": pl.Int64, "days": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _allocations(payments: pl.DataFrame, owed: pl.DataFrame) -> dict[str, Ints]:
    """Rows on receivables: their receivable, days, cents and effect, and their place among the payments.

    `is_simple` marks rows that are alone on a receivable on which nothing but reaching the amount matters.
    """
    return _as_integers(
        payments.lazy()
        .with_row_index("payment")
        .select(
            "payment",
            "invoice_id",
            "paid_on",
            "known_on",
            cents=amount_in_cents("amount"),
            effect=effect(),
            is_reversal=(pl.col("method") == REVERSAL).fill_null(value=False),
        )
        .join(
            owed.lazy().select("receivable", "invoice_id", "owed", "is_special"),
            on="invoice_id",
            how="inner",
            validate="m:1",
        )
        .drop("invoice_id")
        .with_columns(is_simple=(pl.len().over("receivable") == 1) & ~pl.col("is_special"))
        .collect(engine="in-memory")
    )


def _of_one_allocation(rows: Mapping[str, Ints], settles: Bools) -> Episodes:
    """Episodes of receivables with one allocation that settles them."""
    receivable, begun, settled, effects = (
        rows[name][settles] for name in ("receivable", "known_on", "paid_on", "effect")
    )
    return Episodes(
        receivable, begun, np.full(len(begun), NEVER), settled, np.ones(len(begun), dtype=np.int64), effects
    )


def _of_several(
    rows: Mapping[str, Ints],
    chosen: Ints,
    facts: Mapping[str, Ints],
    payments: pl.DataFrame,
    tolerance: int,
) -> Episodes:
    """Episodes of all other receivables, from their running sums.

    Args:
        rows: the allocations.
        chosen: places of those of the other receivables.
        facts: cancellation and discount by receivable.
        payments: the rows they come from.
        tolerance: cents that may be missing.
    """
    given = {name: values[chosen] for name, values in rows.items()}
    receivable = given["receivable"]
    effects, in_time_by = _effects(given, payments)
    prompt_until = facts["prompt_until"][receivable]
    return episodes_in(
        Rows(
            receivable,
            given["known_on"],
            given["paid_on"],
            given["cents"],
            effects,
            (prompt_until < NEVER) & (in_time_by <= prompt_until) & (effects == PAID),
            given["owed"],
            facts["kept_share"][receivable],
        ).take(np.flatnonzero(given["known_on"] < facts["cancelled_on"][receivable])),
        tolerance,
    )


def _effects(given: Mapping[str, Ints], payments: pl.DataFrame) -> tuple[Ints, Ints]:
    """What each row counts for, and the day by which it must be judged whether it was in time for a discount.

    A reversal has the effect of the row it undoes where it names one known by then; else it undoes cash that was in
    time, so that nothing is taken for a discount that was not.
    """
    effects, is_reversal = given["effect"], given["is_reversal"] > 0
    in_time_by = np.where(is_reversal, -NEVER, given["paid_on"])
    if payments["reverses_payment_id"].null_count() == payments.height:
        return effects, in_time_by
    undone = payments.select(pl.col("payment_id").alias("undone"), "known_on", "paid_on", effect=effect())
    named = _as_integers(
        pl.DataFrame({"undone": payments["reverses_payment_id"].gather(given["payment"])})
        .join(undone, on="undone", how="left", validate="m:1", maintain_order="left")
        .drop("undone")
    )
    is_known = is_reversal & (named["known_on"] <= given["known_on"])
    return np.where(is_known, named["effect"], effects), np.where(is_known, named["paid_on"], in_time_by)


def _cancellations(rows: Mapping[str, Ints], cancelled_on: Ints) -> Episodes:
    """The last episode of each cancelled receivable: the cancellation is final."""
    cancelled = np.flatnonzero(cancelled_on < NEVER)
    by_then = rows["known_on"] <= cancelled_on[rows["receivable"]]
    known = np.bincount(rows["receivable"][by_then], minlength=len(cancelled_on))[cancelled]
    never = np.full(len(cancelled), NEVER)
    return Episodes(
        cancelled, cancelled_on[cancelled], never, never, known, np.full(len(cancelled), CANCELLED)
    )


def _numbered(receivables_in_order: Ints) -> Ints:
    """The number of each episode within its receivable, from 1; those of one receivable lie together."""
    places = np.arange(len(receivables_in_order), dtype=np.int64)
    return places - np.maximum.accumulate(np.where(firsts(receivables_in_order), places, 0)) + 1


def _as_integers(frame: pl.DataFrame) -> dict[str, Ints]:
    """The columns as integers: days as day numbers, flags as 0 and 1, NEVER where null."""
    whole = frame.select(pl.all().to_physical().cast(pl.Int64).fill_null(int(NEVER)))
    return {name: whole[name].to_numpy() for name in whole.columns}


def _dates(numbers: Ints) -> pl.Series:
    """Days from their numbers; null for NEVER."""
    days = pl.Series(np.where(numbers == NEVER, 0, numbers).astype(np.int32))
    return days.set(pl.Series(numbers == NEVER), None).cast(pl.Date)
