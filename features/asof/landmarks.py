"""Landmarks: one invoice seen at one as-of date."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.asof.conversion import Conversion, converted
from features.asof.dates import BoolArray, Int64Array, day_number, day_numbers
from features.asof.texts import CodedTexts
from features.cents import CENTS
from features.errors import Fault, InvalidInputError
from features.ledger.ledger import Ledger
from features.ledger.receivables import receivables
from features.messages import localized
from features.settings import LedgerSettings
from features.settlement import settlement_at, settlement_episodes

LANDMARK_SCHEMA = pl.Schema(
    {
        "invoice_id": pl.String,
        "customer_id": pl.String,
        "as_of": pl.Date,
        "issued_on": pl.Date,
        "due_on": pl.Date,
        "amount": pl.Float64,
        "currency": pl.String,
        "terms": pl.String,
        "delivery_channel": pl.String,
        "purchase_order": pl.String,
    }
)
"""Grain: one row per invoice and as-of date. Terms, channel and purchase order are null where unknown."""

_REQUIRED = ("invoice_id", "customer_id", "as_of", "issued_on", "due_on", "amount")
_FEW = 16
"""Up to this many landmarks are read value by value."""


def landmarks_at_issue(ledger: Ledger, issued_from: dt.date, issued_before: dt.date) -> pl.DataFrame:
    """Each receivable issued in `[issued_from, issued_before)`, seen on its issue date. Credit notes are left out."""
    chosen = receivables(ledger).invoices.filter(
        (pl.col("kind") == "invoice")
        & pl.col("issued_on").is_between(issued_from, issued_before, closed="left")
    )
    return _as_landmarks(chosen, pl.col("issued_on"))


def open_landmarks(ledger: Ledger, as_of: dt.date, settings: LedgerSettings | None = None) -> pl.DataFrame:
    """Each receivable open at the as-of date, as known then: issued before or on it, and not known to be closed.

    One that was paid is open again from the day after its payment is known to have bounced; one that was cancelled or
    written off is not open.
    """
    return _open_landmarks(ledger, as_of, settlement_at(settlement_episodes(ledger, settings), as_of))


def landmarks_to_decide(
    ledger: Ledger,
    on: dt.date,
    settings: LedgerSettings | None = None,
    states: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Each receivable open on a day by what is known through that day, to be scored as of it.

    A decision sees the facts of its own day: what was paid on it is not chased, what bounced on it is. A score knows
    only what came before. `states` is what was settled by what is known through the day (`settlement_at` the next
    one), where that is at hand.
    """
    if states is None:
        states = settlement_at(settlement_episodes(ledger, settings), on + dt.timedelta(days=1))
    return _open_landmarks(ledger, on, states)


def _open_landmarks(ledger: Ledger, as_of: dt.date, states: pl.DataFrame) -> pl.DataFrame:
    whole = receivables(ledger)
    closed = states.filter(pl.col("settlement_known_on").is_not_null())
    still_open = whole.invoices.filter((pl.col("kind") == "invoice") & (pl.col("issued_on") <= as_of)).join(
        closed, on="invoice_id", how="anti", maintain_order="left"
    )
    return _as_landmarks(still_open, pl.lit(as_of))


def _as_landmarks(invoices: pl.DataFrame, as_of: pl.Expr) -> pl.DataFrame:
    return (
        invoices.with_columns(as_of=as_of)
        .select(pl.col(name).cast(dtype) for name, dtype in LANDMARK_SCHEMA.items())
        .sort("as_of", "invoice_id")
    )


@dataclass(frozen=True)
class LandmarkArrays:
    """Landmarks as arrays of one entry per landmark; days are day numbers, amounts are in cents.

    Attributes:
        amount: in the invoice's own currency.
        money: in the reporting currency, at the newest rate published strictly before the invoice's issue; 0 without.
        is_priced: whether there is such a rate; true for the reporting currency itself.
    """

    as_of: Int64Array
    issued_on: Int64Array
    due_on: Int64Array
    amount: Int64Array
    money: Int64Array
    is_priced: BoolArray
    terms: CodedTexts
    delivery_channel: CodedTexts
    has_purchase_order: BoolArray

    @classmethod
    def of(cls, landmarks: pl.DataFrame, conversion: Conversion) -> LandmarkArrays:
        """Check a landmark frame and take its arrays.

        Args:
            landmarks: the landmarks; without a currency their amounts are in the reporting currency.
            conversion: into the reporting currency.

        Raises:
            InvalidInputError: a required column is missing or contains nulls, or an as-of date lies before the issue.
        """
        few = cls._of_few(landmarks, conversion) if landmarks.height <= _FEW else None
        if few is not None:
            return few
        faults = [
            Fault(localized("column is missing"), where=f"landmarks.{name}")
            for name in _REQUIRED
            if name not in landmarks
        ]
        if not faults:
            faults = [
                Fault(localized("null where a value is required"), where=f"landmarks.{name}", count=count)
                for name in _REQUIRED
                if (count := landmarks.get_column(name).null_count())
            ]
        if faults:
            raise InvalidInputError(localized("these landmarks cannot be given features"), faults)
        as_of, issued = day_numbers(landmarks["as_of"]), day_numbers(landmarks["issued_on"])
        early = np.flatnonzero(as_of < issued)
        if len(early):
            fault = Fault(
                localized("as-of date lies before the issue date"),
                where="landmarks.as_of",
                expected=localized("an invoice is seen at the earliest on the day it is issued"),
                count=len(early),
                examples=tuple(landmarks["invoice_id"].gather(early[:5]).to_list()),
            )
            raise InvalidInputError(localized("these landmarks cannot be given features"), [fault])
        cents = np.rint(landmarks["amount"].to_numpy().astype(np.float64) * CENTS).astype(np.int64)
        return cls(
            as_of,
            issued,
            day_numbers(landmarks["due_on"]),
            cents,
            *_money_of(landmarks, cents, issued, conversion),
            CodedTexts.of(landmarks, "terms"),
            CodedTexts.of(landmarks, "delivery_channel"),
            _is_present(landmarks, "purchase_order"),
        )

    @classmethod
    def _of_few(cls, landmarks: pl.DataFrame, conversion: Conversion) -> LandmarkArrays | None:
        """The arrays of a few landmarks of the usual types, value by value; None when anything is not as it should be.

        For a few, starting a column operation costs more than what it does.
        """
        schema = landmarks.schema
        if any(schema.get(name) != LANDMARK_SCHEMA[name] for name in _REQUIRED):
            return None
        required = [landmarks.get_column(name).to_list() for name in _REQUIRED]
        if any(value is None for values in required for value in values):
            return None
        as_of, issued, due = (
            np.array([day_number(day) for day in days], dtype=np.int64) for days in required[2:5]
        )
        if (as_of < issued).any():
            return None
        cents = np.rint(np.array(required[5], dtype=np.float64) * CENTS).astype(np.int64)
        return cls(
            as_of,
            issued,
            due,
            cents,
            *_money_of(landmarks, cents, issued, conversion),
            CodedTexts.of(landmarks, "terms"),
            CodedTexts.of(landmarks, "delivery_channel"),
            _is_present(landmarks, "purchase_order"),
        )

    def __len__(self) -> int:
        return len(self.as_of)

    def take(self, rows: Int64Array) -> LandmarkArrays:
        """These rows only, in this order; the arrays themselves when it is all of them in order."""
        if len(rows) == len(self) and bool((rows == np.arange(len(rows))).all()):
            return self
        return LandmarkArrays(
            self.as_of[rows],
            self.issued_on[rows],
            self.due_on[rows],
            self.amount[rows],
            self.money[rows],
            self.is_priced[rows],
            self.terms.take(rows),
            self.delivery_channel.take(rows),
            self.has_purchase_order[rows],
        )


def _money_of(
    landmarks: pl.DataFrame, cents: Int64Array, issued: Int64Array, conversion: Conversion
) -> tuple[Int64Array, BoolArray]:
    """Cents in the reporting currency and whether there is a rate; the cents themselves where nothing is converted."""
    is_foreign = "currency" in landmarks and not (
        set(landmarks["currency"].unique().to_list()) <= {conversion.currency, None}
    )
    if not is_foreign:
        return cents, np.ones(len(cents), dtype=np.bool_)
    factors = conversion.factors(landmarks["currency"], issued)
    return converted(cents, factors), ~np.isnan(factors)


def _is_present(landmarks: pl.DataFrame, column: str) -> BoolArray:
    if column not in landmarks:
        return np.zeros(landmarks.height, dtype=np.bool_)
    texts = landmarks[column]
    if texts.null_count() == texts.len():
        return np.zeros(landmarks.height, dtype=np.bool_)
    if landmarks.height <= _FEW:
        return np.array([text is not None for text in texts.to_list()], dtype=np.bool_)
    return texts.is_not_null().to_numpy()
