"""Payer segments: one of nine names for every payer, with the rule that gave it.

The rules are read from the top, the first that applies decides, the last one always applies. They use only columns
that are the same for every invoice of a payer at one as-of date, so that a payer has one segment, not one an invoice.
Lateness is judged in days and shares, never against the portfolio: the best of a bad portfolio is not prompt. Silence
is judged against the portfolio, through the recency score, because "long ago" depends on the trade.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Final, Literal, get_args

import polars as pl

from features.errors import Fault, InvalidInputError
from features.rfm_scale import RfmScale, rfm_scores

Segment = Literal[
    "prompt",
    "punctual_slow_process",
    "seasonal",
    "improving",
    "deteriorating",
    "erratic",
    "new",
    "dormant",
    "in_difficulty",
]
SEGMENTS: Final[tuple[Segment, ...]] = get_args(Segment)
"""The names the dunning policy routes by."""

SEGMENT_RULES_VERSION: Final = "1"
"""Changes when a rule or a threshold does."""

LABELS_FR: Final = {
    "prompt": "bon payeur",
    "punctual_slow_process": "régulier, circuit de paiement lent",
    "seasonal": "saisonnier",
    "improving": "en amélioration",
    "deteriorating": "en dégradation",
    "erratic": "irrégulier",
    "new": "nouveau",
    "dormant": "inactif",
    "in_difficulty": "en difficulté",
}
LABELS_EN: Final = {
    "prompt": "prompt",
    "punctual_slow_process": "punctual, slow process",
    "seasonal": "seasonal",
    "improving": "improving",
    "deteriorating": "deteriorating",
    "erratic": "erratic",
    "new": "new",
    "dormant": "dormant",
    "in_difficulty": "in difficulty",
}

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
"""Outcomes of the last 90 days below which a change of the late share is not looked at."""
SEASON_SHARE: Final = 0.75
"""With four invoices a year spread evenly, three months gather that share by chance less than one time in twenty."""
REGULAR_SPREAD_DAYS: Final = 7.0
TAIL_DAYS: Final = 30.0


@dataclass(frozen=True)
class SegmentRule:
    """One rule of the segmentation.

    Attributes:
        rule_id: segment and reason, kept with every decision that rests on it.
        segment: the name it gives.
        words_fr, words_en: the rule as a credit manager reads it.
        applies: whether a payer meets it; null counts as no.
        columns: feature columns it reads.
    """

    rule_id: str
    segment: str
    words_fr: str
    words_en: str
    applies: pl.Expr
    columns: tuple[str, ...]


def _rule(rule_id: str, words_fr: str, words_en: str, applies: pl.Expr) -> SegmentRule:
    columns = tuple(dict.fromkeys(applies.meta.root_names()))
    return SegmentRule(rule_id, rule_id.split(".")[0], words_fr, words_en, applies, columns)


def _all(*conditions: pl.Expr) -> pl.Expr:
    return reduce(and_, (condition.fill_null(value=False) for condition in conditions))


def _any(*conditions: pl.Expr) -> pl.Expr:
    return reduce(or_, (condition.fill_null(value=False) for condition in conditions))


def _recent(measure: str) -> pl.Expr:
    """A measure over the last twelve months, over all time where the year says nothing."""
    return pl.coalesce(f"{measure}_365d", f"{measure}_all")


_TREND = pl.col("days_late_trend")
_SHARE_TREND = pl.col("late_share_trend")
_SPREAD = pl.col("days_late_std_all").fill_null(0.0)
_ENOUGH_RECENT = pl.col("outcome_count_90d") >= SHIFT_OUTCOMES

SEGMENT_RULES: Final[tuple[SegmentRule, ...]] = (
    _rule(
        "in_difficulty.insolvency_announced",
        "un mail des douze derniers mois annonce une procédure collective",
        "a mail of the last twelve months tells of insolvency",
        _all(pl.col("mail_insolvency_count_365d") > 0),
    ),
    _rule(
        "in_difficulty.difficulty_told",
        "difficultés ou demande d'échelonnement par mail depuis 90 jours, et une facture échue impayée",
        "difficulty or instalments in a mail of the last 90 days, and an invoice overdue",
        _all(
            _any(
                pl.col("mail_financial_difficulty_count_90d") > 0,
                pl.col("mail_payment_plan_request_count_90d") > 0,
            ),
            pl.col("oldest_overdue_days").is_not_null(),
        ),
    ),
    _rule(
        "in_difficulty.long_overdue",
        "une facture échue depuis plus de 90 jours, et la moitié au moins des échéances de 90 jours en retard "
        "(ou aucune échéance)",
        "an invoice overdue for more than 90 days, and at least half of what fell due in 90 days late "
        "(or nothing fell due)",
        _all(
            pl.col("oldest_overdue_days") > LONG_OVERDUE_DAYS,
            pl.col("late_share_90d").fill_null(1.0) >= 0.5,
        ),
    ),
    _rule(
        "in_difficulty.nothing_paid",
        "trois échéances ou plus, aucune facture soldée, la plus ancienne échue depuis plus de 30 jours",
        "three due dates or more, nothing settled yet, the oldest overdue for more than 30 days",
        _all(
            pl.col("outcome_count_all") >= FEW_OUTCOMES,
            pl.col("history_depth") == 0,
            pl.col("oldest_overdue_days") > TAIL_DAYS,
        ),
    ),
    _rule(
        "dormant.year_without_activity",
        "déjà connu, mais ni échéance ni paiement depuis douze mois",
        "known, but nothing due and nothing paid for twelve months",
        _all(
            pl.col("outcome_count_all") > 0,
            pl.col("outcome_count_365d") == 0,
            pl.col("payment_frequency_365d") == 0,
        ),
    ),
    _rule(
        "new.few_outcomes",
        "moins de trois factures dont l'issue est connue",
        "fewer than three invoices with a known outcome",
        _all(pl.col("outcome_count_all") < FEW_OUTCOMES),
    ),
    _rule(
        "deteriorating.longer_delays",
        "les cinq derniers paiements en retard, d'au moins 7 jours (et de la dispersion habituelle) de plus qu'avant",
        "the last five payments late, by at least 7 days (and the usual spread) more than before",
        _all(_TREND >= SHIFT_DAYS, _SPREAD <= _TREND, pl.col("days_late_mean_5n") > 0),
    ),
    _rule(
        "deteriorating.more_often_late",
        "part en retard sur 90 jours supérieure d'au moins 40 points à celle d'avant (cinq échéances ou plus)",
        "share late over 90 days at least 40 points above the earlier one (five due dates or more)",
        _all(_ENOUGH_RECENT, _SHARE_TREND >= SHIFT_SHARE),
    ),
    _rule(
        "seasonal.three_months",
        "les trois quarts des factures de deux ans tombent dans les trois mêmes mois, rarement payées en retard",
        "three quarters of two years' invoices fall in the same three months, and are rarely paid late",
        _all(pl.col("season_share_730d") >= SEASON_SHARE, _recent("late_share") <= OFTEN_LATE_SHARE),
    ),
    _rule(
        "dormant.silent",
        "dernier paiement parmi les plus anciens du portefeuille (plus de 180 jours), rien d'échu depuis 90 jours",
        "latest payment among the oldest of the portfolio (more than 180 days), nothing due for 90 days",
        _all(
            pl.col("rfm_recency_score") == 1,
            pl.col("payment_recency_days") > SILENT_DAYS,
            pl.col("outcome_count_90d") == 0,
        ),
    ),
    _rule(
        "improving.shorter_delays",
        "retard des cinq derniers paiements réduit d'au moins 7 jours (et de la dispersion habituelle)",
        "delay of the last five payments shorter by at least 7 days (and the usual spread)",
        _all(_TREND <= -SHIFT_DAYS, _SPREAD <= -_TREND, pl.col("late_share_all") > OFTEN_LATE_SHARE),
    ),
    _rule(
        "improving.less_often_late",
        "part en retard sur 90 jours inférieure d'au moins 40 points à celle d'avant (cinq échéances ou plus)",
        "share late over 90 days at least 40 points below the earlier one (five due dates or more)",
        _all(_ENOUGH_RECENT, _SHARE_TREND <= -SHIFT_SHARE),
    ),
    _rule(
        "prompt.rarely_late",
        "au plus 30 % des factures en retard sur douze mois, et neuf sur dix payées à 30 jours de retard au plus",
        "at most 30 % of invoices late over twelve months, and nine in ten paid at most 30 days late",
        _all(_recent("late_share") <= OFTEN_LATE_SHARE, _recent("days_late_p90").fill_null(0.0) <= TAIL_DAYS),
    ),
    _rule(
        "punctual_slow_process.regular_delay",
        "souvent en retard, mais d'un délai régulier : neuf fois sur dix au plus 7 jours de plus que d'habitude",
        "often late, but by a regular delay: nine times in ten at most 7 days more than usual",
        _all(_recent("days_late_p90") - _recent("days_late_median") <= REGULAR_SPREAD_DAYS),
    ),
    _rule(
        "in_difficulty.mostly_severe",
        "plus de la moitié des factures payées avec plus de 30 jours de retard, sans régularité",
        "more than half of the invoices paid more than 30 days late, without regularity",
        _all(_recent("severely_late_share") > 0.5),
    ),
    _rule(
        "erratic.irregular",
        "souvent en retard, sans régularité",
        "often late, without regularity",
        pl.lit(value=True),
    ),
)

SEGMENT_COLUMNS: Final[tuple[str, ...]] = tuple(
    dict.fromkeys(
        column for rule in SEGMENT_RULES for column in rule.columns if not column.startswith("rfm_")
    )
)
"""Feature columns the rules read."""


_FIRST_RULE: Final = reduce(
    lambda rest, rule: pl.when(rule.applies).then(pl.lit(rule.rule_id)).otherwise(rest),
    reversed(SEGMENT_RULES),
    pl.lit(None, dtype=pl.String),
).alias("payer_segment_rule")
_SEGMENT_OF: Final = {rule.rule_id: rule.segment for rule in SEGMENT_RULES}


def payer_segments(features: pl.DataFrame, scale: RfmScale) -> pl.Series:
    """Segment of each row's payer (`payer_segment`), never null.

    Args:
        features: rows of `compute_features`.
        scale: cut points fitted at training.

    Raises:
        InvalidInputError: a feature column the rules read is missing.
    """
    rules = payer_segment_rules(features, scale).to_list()
    return pl.Series("payer_segment", [_SEGMENT_OF[rule_id] for rule_id in rules], dtype=pl.String)


def payer_segment_rules(features: pl.DataFrame, scale: RfmScale) -> pl.Series:
    """Id of the rule that gave each row's payer its segment (`payer_segment_rule`), never null.

    Raises:
        InvalidInputError: a feature column the rules read is missing.
    """
    missing = [name for name in SEGMENT_COLUMNS if name not in features.columns]
    if missing:
        fault = Fault(
            "column is missing", where="features", expected=", ".join(missing), remedy="compute all groups"
        )
        raise InvalidInputError("payers cannot be named from these features", [fault])
    rows = features.select(SEGMENT_COLUMNS).with_columns(rfm_scores(features, scale))
    return rows.select(_FIRST_RULE).to_series()


def payer_segment_table(features: pl.DataFrame, scale: RfmScale) -> pl.DataFrame:
    """Segment, its rule, the four scores, and the often-late flag with the counts behind it, row by row.

    Returns:
        `payer_segment`, `payer_segment_rule`, `rfm_recency_score`, `rfm_frequency_score`, `rfm_monetary_score`,
        `rfm_lateness_score` (1 to 5, 5 the best, null unknown), `is_often_late` (more than 30 % of the invoices of
        twelve months late; null without outcome), `late_count_365d`, `outcome_count_365d`.

    Raises:
        InvalidInputError: a feature column is missing.
    """
    rules = payer_segment_rules(features, scale)
    return pl.DataFrame(
        [
            payer_segments(features, scale),
            rules,
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
    return {rule.rule_id: rule for rule in SEGMENT_RULES}[rule_id]


def rules_of(segment: str) -> Sequence[SegmentRule]:
    """The rules that give a segment, in the order in which they are tried."""
    return tuple(rule for rule in SEGMENT_RULES if rule.segment == segment)
