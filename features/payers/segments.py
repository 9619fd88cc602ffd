"""Payer segments: one of nine names for every payer, with the rule that gave it.

The rules are read from the top, the first that applies decides, the last one always applies. They use only columns
that are the same for every invoice of a payer at one as-of date, so that a payer has one segment, not one an invoice.
Lateness is judged in days and shares, never against the portfolio: the best of a bad portfolio is not prompt. Silence
is judged against the portfolio, through the recency score, because "long ago" depends on the trade.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from features.asof.dates import BoolArray, Float64Array
from features.errors import Fault, InvalidInputError
from features.messages import localized
from features.payers.rfm_scale import RfmScale, columns_of, rfm_scores
from features.words import SEGMENTS, Segment

#: Feature columns of some payers by name, NaN where unknown; a comparison with what is unknown is false.
Columns = Mapping[str, Float64Array]

SEGMENT_RULES_VERSION: Final = "1"
"""Changes when a rule or a threshold does."""

FEW_OUTCOMES: Final = 3
"""Invoices with a known outcome below which a payer is new."""
OFTEN_LATE_SHARE: Final = 0.3
"""Share of late invoices over twelve months above which a payer is often late."""
LONG_OVERDUE_DAYS: Final = 90
SILENT_DAYS: Final = 180
SHIFT_DAYS: Final = 7.0
"""A change of mean days late smaller than this is not called a change; nor one smaller than the usual spread."""
SHIFT_SHARE: Final = 0.4
SHIFT_OUTCOMES: Final = 5
"""Outcomes of the last 90 days below which a change of the late share is not used."""
SEASON_SHARE: Final = 0.75
"""With four invoices a year spread evenly, three months gather that share by chance less than one time in twenty."""
REGULAR_SPREAD_DAYS: Final = 7.0
TAIL_DAYS: Final = 30.0


@dataclass(frozen=True)
class SegmentRule:
    """One rule of the segmentation.

    Attributes:
        rule_id: segment and reason, stored with every decision that rests on it.
        segment: the name it gives.
        words_fr, words_en: the rule as a credit manager reads it.
        applies: whether payers meet it, from the feature columns and the RFM scores; what is unknown counts as no.
        columns: feature columns it reads.
    """

    rule_id: str
    segment: Segment
    words_fr: str
    words_en: str
    applies: Callable[[Columns], BoolArray]
    columns: tuple[str, ...]


class _Asked(dict[str, Float64Array]):
    """Columns of a payer of whom nothing is known; records which were read."""

    def __missing__(self, name: str) -> Float64Array:
        self[name] = np.full(1, np.nan)
        return self[name]


def _rule(rule_id: str, words_fr: str, words_en: str, applies: Callable[[Columns], BoolArray]) -> SegmentRule:
    asked = _Asked()
    applies(asked)
    segment = next(name for name in SEGMENTS if name == rule_id.split(".")[0])
    return SegmentRule(rule_id, segment, words_fr, words_en, applies, tuple(asked))


def _known_or(values: Float64Array, default: Float64Array | float) -> Float64Array:
    return np.where(np.isnan(values), default, values)


def _recent(payer: Columns, measure: str) -> Float64Array:
    """A measure over the last twelve months, over all time where the year says nothing."""
    return _known_or(payer[f"{measure}_365d"], payer[f"{measure}_all"])


def _spread(payer: Columns) -> Float64Array:
    return _known_or(payer["days_late_std_all"], 0.0)


def _has_enough_recent(payer: Columns) -> BoolArray:
    return payer["outcome_count_90d"] >= SHIFT_OUTCOMES


SEGMENT_RULES: Final[tuple[SegmentRule, ...]] = (
    _rule(
        "in_difficulty.insolvency_announced",
        "un mail des douze derniers mois annonce une procédure collective",
        "a mail of the last twelve months mentions insolvency",
        lambda payer: payer["mail_insolvency_count_365d"] > 0,
    ),
    _rule(
        "in_difficulty.difficulty_told",
        "difficultés ou demande d'échelonnement par mail depuis 90 jours, et une facture échue impayée",
        "difficulty or instalments in a mail of the last 90 days, and an invoice overdue",
        lambda payer: (
            (
                (payer["mail_financial_difficulty_count_90d"] > 0)
                | (payer["mail_payment_plan_request_count_90d"] > 0)
            )
            & ~np.isnan(payer["oldest_overdue_days"])
        ),
    ),
    _rule(
        "in_difficulty.long_overdue",
        "une facture échue depuis plus de 90 jours, et la moitié au moins des échéances de 90 jours en retard "
        "(ou aucune échéance)",
        "an invoice overdue for more than 90 days, and at least half of what fell due in 90 days late "
        "(or nothing fell due)",
        lambda payer: (
            (payer["oldest_overdue_days"] > LONG_OVERDUE_DAYS)
            & (_known_or(payer["late_share_90d"], 1.0) >= 0.5)
        ),
    ),
    _rule(
        "in_difficulty.nothing_paid",
        "trois échéances ou plus, aucune facture soldée, la plus ancienne échue depuis plus de 30 jours",
        "three due dates or more, nothing settled yet, the oldest overdue for more than 30 days",
        lambda payer: (
            (payer["outcome_count_all"] >= FEW_OUTCOMES)
            & (payer["history_depth"] == 0)
            & (payer["oldest_overdue_days"] > TAIL_DAYS)
        ),
    ),
    _rule(
        "dormant.year_without_activity",
        "déjà connu, mais ni échéance ni paiement depuis douze mois",
        "known, but nothing due and nothing paid for twelve months",
        lambda payer: (
            (payer["outcome_count_all"] > 0)
            & (payer["outcome_count_365d"] == 0)
            & (payer["payment_frequency_365d"] == 0)
        ),
    ),
    _rule(
        "new.few_outcomes",
        "moins de trois factures dont l'issue est connue",
        "fewer than three invoices with a known outcome",
        lambda payer: payer["outcome_count_all"] < FEW_OUTCOMES,
    ),
    _rule(
        "deteriorating.longer_delays",
        "les cinq derniers paiements en retard, d'au moins 7 jours (et de la dispersion habituelle) de plus qu'avant",
        "the last five payments late, by at least 7 days (and the usual spread) more than before",
        lambda payer: (
            (payer["days_late_trend"] >= SHIFT_DAYS)
            & (_spread(payer) <= payer["days_late_trend"])
            & (payer["days_late_mean_5n"] > 0)
        ),
    ),
    _rule(
        "deteriorating.more_often_late",
        "part en retard sur 90 jours supérieure d'au moins 40 points à celle d'avant (cinq échéances ou plus)",
        "share late over 90 days at least 40 points above the earlier one (five due dates or more)",
        lambda payer: _has_enough_recent(payer) & (payer["late_share_trend"] >= SHIFT_SHARE),
    ),
    _rule(
        "seasonal.three_months",
        "les trois quarts des factures de deux ans tombent dans les trois mêmes mois, rarement payées en retard",
        "three quarters of two years' invoices fall in the same three months, and are rarely paid late",
        lambda payer: (
            (payer["season_share_730d"] >= SEASON_SHARE) & (_recent(payer, "late_share") <= OFTEN_LATE_SHARE)
        ),
    ),
    _rule(
        "dormant.silent",
        "dernier paiement parmi les plus anciens du portefeuille (plus de 180 jours), rien d'échu depuis 90 jours",
        "latest payment among the oldest of the portfolio (more than 180 days), nothing due for 90 days",
        lambda payer: (
            (payer["rfm_recency_score"] == 1)
            & (payer["payment_recency_days"] > SILENT_DAYS)
            & (payer["outcome_count_90d"] == 0)
        ),
    ),
    _rule(
        "improving.shorter_delays",
        "retard des cinq derniers paiements réduit d'au moins 7 jours (et de la dispersion habituelle)",
        "delay of the last five payments shorter by at least 7 days (and the usual spread)",
        lambda payer: (
            (payer["days_late_trend"] <= -SHIFT_DAYS)
            & (_spread(payer) <= -payer["days_late_trend"])
            & (payer["late_share_all"] > OFTEN_LATE_SHARE)
        ),
    ),
    _rule(
        "improving.less_often_late",
        "part en retard sur 90 jours inférieure d'au moins 40 points à celle d'avant (cinq échéances ou plus)",
        "share late over 90 days at least 40 points below the earlier one (five due dates or more)",
        lambda payer: _has_enough_recent(payer) & (payer["late_share_trend"] <= -SHIFT_SHARE),
    ),
    _rule(
        "prompt.rarely_late",
        "au plus 30 % des factures en retard sur douze mois, et neuf sur dix payées à 30 jours de retard au plus",
        "at most 30 % of invoices late over twelve months, and nine in ten paid at most 30 days late",
        lambda payer: (
            (_recent(payer, "late_share") <= OFTEN_LATE_SHARE)
            & (_known_or(_recent(payer, "days_late_p90"), 0.0) <= TAIL_DAYS)
        ),
    ),
    _rule(
        "punctual_slow_process.regular_delay",
        "souvent en retard, mais d'un délai régulier : neuf fois sur dix au plus 7 jours de plus que d'habitude",
        "often late, but by a regular delay: nine times in ten at most 7 days more than usual",
        lambda payer: (
            _recent(payer, "days_late_p90") - _recent(payer, "days_late_median") <= REGULAR_SPREAD_DAYS
        ),
    ),
    _rule(
        "in_difficulty.mostly_severe",
        "plus de la moitié des factures payées avec plus de 30 jours de retard, sans régularité",
        "more than half of the invoices paid more than 30 days late, without regularity",
        lambda payer: _recent(payer, "severely_late_share") > 0.5,
    ),
    _rule(
        "erratic.irregular",
        "souvent en retard, sans régularité",
        "often late, without regularity",
        lambda payer: np.ones(len(payer["history_depth"]), dtype=np.bool_),
    ),
)

SEGMENT_COLUMNS: Final[tuple[str, ...]] = tuple(
    dict.fromkeys(
        column for rule in SEGMENT_RULES for column in rule.columns if not column.startswith("rfm_")
    )
)
"""Feature columns the rules read."""


_BY_ID: Final = {rule.rule_id: rule for rule in SEGMENT_RULES}


def payer_segments(payers: Columns, scale: RfmScale) -> list[str]:
    """Segment of each payer.

    Args:
        payers: feature columns, at least those the rules and the scale read.
        scale: cut points fitted at training.

    Raises:
        InvalidInputError: a feature column the rules read is missing.
    """
    return [SEGMENT_RULES[place].segment for place in _first_rules(payers, scale)]


def payer_segment_rules(payers: Columns, scale: RfmScale) -> list[str]:
    """Id of the rule that gave each payer its segment.

    Raises:
        InvalidInputError: a feature column the rules read is missing.
    """
    return [SEGMENT_RULES[place].rule_id for place in _first_rules(payers, scale)]


def _first_rules(payers: Columns, scale: RfmScale) -> list[int]:
    """Place of the first rule that each payer meets; the last one always applies."""
    missing = [name for name in SEGMENT_COLUMNS if name not in payers]
    if missing:
        fault = Fault(
            localized("column is missing"),
            where="features",
            expected=", ".join(missing),
            remedy=localized("compute all groups"),
        )
        raise InvalidInputError(localized("payers cannot be named from these features"), [fault])
    columns = {**payers, **scale.scores(payers)}
    met = np.array([rule.applies(columns) for rule in SEGMENT_RULES])
    places: list[int] = met.argmax(axis=0).tolist()
    return places


def payer_segment_table(features: pl.DataFrame, scale: RfmScale) -> pl.DataFrame:
    """Segment, its rule, the four scores, and the often-late flag with the counts behind it, row by row.

    Returns:
        `payer_segment`, `payer_segment_rule`, `rfm_recency_score`, `rfm_frequency_score`, `rfm_monetary_score`,
        `rfm_lateness_score` (1 to 5, 5 the best, null unknown), `is_often_late` (more than 30 % of the invoices of
        twelve months late; null without outcome), `late_count_365d`, `outcome_count_365d`.

    Raises:
        InvalidInputError: a feature column is missing.
    """
    rules = payer_segment_rules(columns_of(features), scale)
    return pl.DataFrame(
        [
            pl.Series("payer_segment", [segment_rule(rule).segment for rule in rules], dtype=pl.String),
            pl.Series("payer_segment_rule", rules, dtype=pl.String),
            *rfm_scores(features, scale),
            (features["is_often_late_365d"] == 1).alias("is_often_late"),
            features["late_count_365d"].cast(pl.Int64),
            features["outcome_count_365d"].cast(pl.Int64),
        ]
    )


def segment_rule(rule_id: str) -> SegmentRule:
    """The rule of that id.

    Raises:
        KeyError: no rule has that id.
    """
    return _BY_ID[rule_id]


def rules_of(segment: str) -> Sequence[SegmentRule]:
    """The rules that give a segment, in the order in which they are tried."""
    return tuple(rule for rule in SEGMENT_RULES if rule.segment == segment)
