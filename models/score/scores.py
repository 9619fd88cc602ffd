"""The scores of landmarks: typed columns, a frame for files, and one typed row per landmark for requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from features.asof.dates import BoolArray
from features.messages import Text
from features.words import GRADES, HORIZONS, LONG_DELAY_DAYS, RUNGS, Grade, Rung, Segment
from models.cold_start import NO_OPINION
from models.explanation.reasons import Reason, Reasons
from models.hazard.date_levels import DATE_COLUMNS
from models.hazard.payment_date import Dates
from models.intervals import Floats, Ints

UNPAID_COLUMNS: Final = tuple(f"unpaid_probability_{k}d" for k in HORIZONS)
_THIRTY: Final = HORIZONS.index(LONG_DELAY_DAYS)


@dataclass(frozen=True)
class Explanation:
    """Why a probability is what it is: base + contributions of all groups + calibration = probability.

    Attributes:
        explained_days: days past due whose P(unpaid) is explained.
        probability: that P(unpaid).
        base: P(unpaid) of an average invoice over the same intervals of days past due.
        calibration: what calibration adds.
        reasons: the weightiest groups, the weightiest first; those not named make up the rest of the sum.
    """

    explained_days: int
    probability: float
    base: float
    calibration: float
    reasons: tuple[Reason, ...]

    @property
    def others(self) -> float:
        """What the groups that are not among the reasons add together."""
        named = sum(reason.contribution for reason in self.reasons)
        return self.probability - self.base - self.calibration - named


@dataclass(frozen=True)
class Score:
    """The score of one invoice on one day.

    Attributes:
        invoice_id: the invoice; a draft has an id of its own.
        customer_id: its customer.
        as_of: only what was known strictly before this day was used.
        p_late: P(unpaid at the end of the days of grace), 0 to 1.
        p_late_30: P(unpaid 30 days past due).
        unpaid_probability: days past due and P(unpaid at their end), for every horizon; 1 for those already behind.
        payment_dates: the p10, p50 and p90 payment dates, never before `as_of`.
        grade: A to E.
        history_depth: settled invoices known of the customer.
        cold_start_rung: what the score rests on, one of `models.cold_start.RUNGS`.
        rfm_segment: segment of the payer; null when the model has no scale.
        has_unpriced_amounts: whether amounts of the invoice or its customer are part of no amount behind the score,
            because no exchange rate known by their day converts them.
        model_version: the model.
        feature_version: version of the feature catalogue.
        explanation: null when no reasons were requested.
    """

    invoice_id: str
    customer_id: str
    as_of: date
    p_late: float
    p_late_30: float
    unpaid_probability: tuple[tuple[int, float], ...]
    payment_dates: tuple[date, date, date]
    grade: Grade
    history_depth: int
    cold_start_rung: Rung
    rfm_segment: Segment | None
    model_version: str
    feature_version: str
    explanation: Explanation | None = None
    has_unpriced_amounts: bool = False

    @property
    def has_opinion(self) -> bool:
        """Whether anything was known that the probabilities could rest on."""
        return self.cold_start_rung != NO_OPINION


@dataclass(frozen=True)
class Explanations:
    """Explanations of landmarks in columns; attributes as in `Explanation`."""

    explained_days: Ints
    probability: Floats
    base: Floats
    calibration: Floats
    reasons: Reasons

    def rows(self) -> list[Explanation]:
        """One explanation per landmark."""
        columns = (
            self.explained_days.tolist(),
            self.probability.tolist(),
            self.base.tolist(),
            self.calibration.tolist(),
            self.reasons.of_each(self.base.size),
        )
        return [Explanation(*row) for row in zip(*columns, strict=True)]


@dataclass(frozen=True)
class Scores:
    """The scores of landmarks in columns, in the order of the landmarks; meanings as in `Score`.

    Attributes:
        invoice_id: String.
        customer_id: String.
        as_of: Date.
        p_late: one number per landmark.
        unpaid: one row per landmark, one column per horizon.
        payment_dates: one row per level (p10, p50, p90), one column per landmark.
        grade: place in `features.words.GRADES`.
        history_depth: settled invoices.
        rung: place in `models.cold_start.RUNGS`.
        segment: name of the payer's segment; null when the model has no scale.
        has_unpriced_amounts: whether amounts are left out.
        model_version: of all of them.
        feature_version: of all of them.
        explanations: null when no reasons were requested.
    """

    invoice_id: pl.Series
    customer_id: pl.Series
    as_of: pl.Series
    p_late: Floats
    unpaid: Floats
    payment_dates: Dates
    grade: Ints
    history_depth: Ints
    rung: Ints
    segment: Sequence[str | None]
    has_unpriced_amounts: BoolArray
    model_version: str
    feature_version: str
    explanations: Explanations | None

    def __len__(self) -> int:
        """Number of landmarks."""
        return self.p_late.size

    @property
    def p_late_30(self) -> Floats:
        """P(unpaid 30 days past due) of each landmark."""
        return self.unpaid[:, _THIRTY]

    @classmethod
    def joined(cls, parts: Sequence[Scores]) -> Scores:
        """The scores of several pieces by one model, in their order."""
        if len(parts) == 1:
            return parts[0]
        told = [part.explanations for part in parts if part.explanations is not None]
        return cls(
            invoice_id=pl.concat([part.invoice_id for part in parts]),
            customer_id=pl.concat([part.customer_id for part in parts]),
            as_of=pl.concat([part.as_of for part in parts]),
            p_late=np.concatenate([part.p_late for part in parts]),
            unpaid=np.concatenate([part.unpaid for part in parts]),
            payment_dates=np.concatenate([part.payment_dates for part in parts], axis=1),
            grade=np.concatenate([part.grade for part in parts]),
            history_depth=np.concatenate([part.history_depth for part in parts]),
            rung=np.concatenate([part.rung for part in parts]),
            segment=[segment for part in parts for segment in part.segment],
            has_unpriced_amounts=np.concatenate([part.has_unpriced_amounts for part in parts]),
            model_version=parts[0].model_version,
            feature_version=parts[0].feature_version,
            explanations=Explanations(
                explained_days=np.concatenate([part.explained_days for part in told]),
                probability=np.concatenate([part.probability for part in told]),
                base=np.concatenate([part.base for part in told]),
                calibration=np.concatenate([part.calibration for part in told]),
                reasons=Reasons.joined([part.reasons for part in told], [len(part) for part in parts]),
            )
            if told
            else None,
        )

    def frame(self) -> pl.DataFrame:
        """The scores as one row per landmark, the form of the night's files.

        Returns:
            `invoice_id, customer_id, as_of, p_late, p_late_30, unpaid_probability_0d … _90d, payment_date_p10, _p50,
            _p90, grade, history_depth, cold_start_rung, rfm_segment, has_unpriced_amounts, model_version,
            feature_version`, and with reasons `explained_days, explained_probability, base_probability,
            calibration_contribution, reasons`.
        """
        count = len(self)
        columns = [
            self.invoice_id.rename("invoice_id"),
            self.customer_id.rename("customer_id"),
            self.as_of.rename("as_of"),
            pl.Series("p_late", self.p_late),
            pl.Series("p_late_30", self.p_late_30),
            *(pl.Series(name, values) for name, values in zip(UNPAID_COLUMNS, self.unpaid.T, strict=True)),
            *(
                pl.Series(name, values, dtype=pl.Date)
                for name, values in zip(DATE_COLUMNS, self.payment_dates, strict=True)
            ),
            pl.Series(GRADES, dtype=pl.String).gather(self.grade).alias("grade"),
            pl.Series("history_depth", self.history_depth),
            pl.Series(RUNGS, dtype=pl.String).gather(self.rung).alias("cold_start_rung"),
            pl.Series("rfm_segment", self.segment, dtype=pl.String),
            pl.Series("has_unpriced_amounts", self.has_unpriced_amounts),
            pl.Series("model_version", [self.model_version], dtype=pl.String).new_from_index(0, count),
            pl.Series("feature_version", [self.feature_version], dtype=pl.String).new_from_index(0, count),
        ]
        told = self.explanations
        if told is not None:
            columns += [
                pl.Series("explained_days", told.explained_days),
                pl.Series("explained_probability", told.probability),
                pl.Series("base_probability", told.base),
                pl.Series("calibration_contribution", told.calibration),
                told.reasons.lists(count).rename("reasons"),
            ]
        return pl.DataFrame(columns)

    def rows(self) -> list[Score]:
        """The scores one by one, the form of requests and decisions."""
        explanations: Sequence[Explanation | None] = (
            [None] * len(self) if self.explanations is None else self.explanations.rows()
        )
        columns = (
            self.invoice_id.to_list(),
            self.customer_id.to_list(),
            self.as_of.to_list(),
            self.p_late.tolist(),
            self.unpaid.tolist(),
            zip(*self.payment_dates.tolist(), strict=True),
            self.grade.tolist(),
            self.history_depth.tolist(),
            self.rung.tolist(),
            self.segment,
            self.has_unpriced_amounts.tolist(),
            explanations,
        )
        return [
            Score(
                invoice_id=invoice_id,
                customer_id=customer_id,
                as_of=as_of,
                p_late=p_late,
                p_late_30=unpaid[_THIRTY],
                unpaid_probability=tuple(zip(HORIZONS, unpaid, strict=True)),
                payment_dates=dates,
                grade=GRADES[grade],
                history_depth=depth,
                cold_start_rung=RUNGS[rung],
                rfm_segment=segment,
                model_version=self.model_version,
                feature_version=self.feature_version,
                explanation=explanation,
                has_unpriced_amounts=unpriced,
            )
            for (
                invoice_id, customer_id, as_of, p_late, unpaid, dates, grade, depth, rung, segment, unpriced,
                explanation,
            ) in zip(*columns, strict=True)
        ]  # fmt: skip


def scores_of_frame(scores: pl.DataFrame) -> list[Score]:
    """The scores of a file that `Scores.frame` was written to, one by one."""
    return [
        Score(
            invoice_id=row["invoice_id"],
            customer_id=row["customer_id"],
            as_of=row["as_of"],
            p_late=row["p_late"],
            p_late_30=row["p_late_30"],
            unpaid_probability=tuple(
                (k, row[name]) for k, name in zip(HORIZONS, UNPAID_COLUMNS, strict=True)
            ),
            payment_dates=(row[DATE_COLUMNS[0]], row[DATE_COLUMNS[1]], row[DATE_COLUMNS[2]]),
            grade=row["grade"],
            history_depth=row["history_depth"],
            cold_start_rung=row["cold_start_rung"],
            rfm_segment=row["rfm_segment"],
            has_unpriced_amounts=row["has_unpriced_amounts"],
            model_version=row["model_version"],
            feature_version=row["feature_version"],
            explanation=None
            if row.get("reasons") is None
            else Explanation(
                explained_days=row["explained_days"],
                probability=row["explained_probability"],
                base=row["base_probability"],
                calibration=row["calibration_contribution"],
                reasons=tuple(
                    Reason(
                        reason["group"],
                        Text(reason["label_fr"], reason["label_en"]),
                        reason["contribution"],
                        Text(reason["text_fr"], reason["text_en"]),
                    )
                    for reason in row["reasons"]
                ),
            ),
        )
        for row in scores.iter_rows(named=True)
    ]
