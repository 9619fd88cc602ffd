"""The customer's curve: how a customer pays, from nothing but its own outcomes and everybody else's.

The share late, and the share of late invoices still unpaid 30 days past due, are each a beta-binomial estimate: a
customer with n known outcomes counts n, the portfolio as known on the day counts `late_strength` (`unpaid_30_strength`)
more. Between them and beyond them the customer follows the portfolio's rhythm: in each stretch its cumulative hazard is
the portfolio's, times one factor. It learns a handful of numbers and a rhythm, so it says something sensible from the
first settled invoices on; what the card and the trees learn is added to it, and is held to nothing while there
is too little to learn from.

The strengths are those under which the outcomes of the window were most probable, each predicted from what was known
when its invoice was issued (a prequential marginal likelihood; Dawid, "Statistical theory: the prequential approach",
1984), with a log-normal prior.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.hazard.exact_math import exact_exp, exact_log
from models.hazard.feature_matrix import places_of
from models.intervals import Floats, HazardRows, Intervals, Ints, hazard_rows

LATE_COLUMNS: tuple[str, ...] = (
    "late_share_all",
    "outcome_count_all",
    "portfolio_late_share_365d",
    "portfolio_outcome_count_365d",
)
"""Own share and count, and those of everybody else, behind the share late."""
UNPAID_30_COLUMNS: tuple[str, ...] = (
    "late_unpaid_30d_share_all",
    "late_outcome_30d_count_all",
    "portfolio_late_unpaid_30d_share_365d",
    "portfolio_late_outcome_30d_count_365d",
)
"""The same behind the share of late invoices still unpaid 30 days past due. Both parts of it are counted over invoices
whose state on that day is known: one that fell due last week counts as late at once, and here not yet."""
TERMS_COLUMN = "terms_days"
"""Days from issue to the due date: how many intervals the invoice has before it is due."""
CURVE_COLUMNS: tuple[str, ...] = (*LATE_COLUMNS, *UNPAID_30_COLUMNS, TERMS_COLUMN)

LONG_DAYS = 30
USUAL_LATE_SHARE, USUAL_UNPAID_30_SHARE = 0.38, 0.26
"""What a ledger that has seen nothing yet is taken to show: of invoices between French firms some 38 % are paid late,
26 % of these more than 30 days late, as the simulated worlds read the surveys (`data_samples.generator.settings`)."""
_USUAL_SHARE_WEIGHT = 5.0
"""Outcomes it counts for."""
_USUAL_EARLY_HAZARD, _USUAL_LATER_HAZARD, _USUAL_HAZARD_WEIGHT = 0.1, 0.4, 2.0
"""Share settled in an interval nobody was seen in, up to the end of grace and later, and the rows it counts for."""
_WINDOW_WEIGHT = 10.0
"""Outcomes the training window counts for in the portfolio's share as known on a day."""
_STRENGTHS = tuple(float(f"{value:.3g}") for value in np.geomspace(1.0, 60.0, 25))
_USUAL_LATE_STRENGTH, _USUAL_UNPAID_30_STRENGTH, _STRENGTH_SPREAD = 5.0, 8.0, 0.15
_LEAST_SHARE = 0.001
_LARGEST_LONG_SHARE = 0.98
"""Largest share of late invoices taken to be unpaid after 30 days."""
_LEAST_HAZARD, _LARGEST_HAZARD = 1e-6, 30.0


@dataclass(frozen=True)
class CustomerCurve:
    """What is learnt for the curve.

    Attributes:
        late_share: share late in the training window, pulled towards what is usual.
        unpaid_30_share: the same of late invoices still unpaid 30 days past due.
        late_strength: outcomes the portfolio counts for in a customer's share late.
        unpaid_30_strength: the same of late invoices in its share still unpaid 30 days past due.
        rhythm: the portfolio's cumulative hazard of settlement in each whole interval.
        usual_hazard: what that adds up to, from issue to the end of grace, over the intervals that an invoice of the
            training window has on average: short terms leave out the first ones.
    """

    late_share: float
    unpaid_30_share: float
    late_strength: float
    unpaid_30_strength: float
    rhythm: tuple[float, ...]
    usual_hazard: float

    def shares(self, table: Floats, feature_names: Sequence[str]) -> CurveShares:
        """The two shares of each landmark's customer, and of everybody else as known that day.

        Args:
            table: one row of features per landmark.
            feature_names: of the table; the shares of a curve column that is not among them are unknown.
        """
        places = _places(feature_names)
        late = _Counts.of(table, places[:4], self.late_share)
        long = _Counts.of(table, places[4:8], self.unpaid_30_share)
        terms = np.full(len(table), np.nan) if places[8] < 0 else table[:, places[8]]
        return CurveShares(
            late=late.pulled(self.late_strength),
            unpaid_30=long.pulled(self.unpaid_30_strength),
            portfolio_late=late.portfolio,
            portfolio_unpaid_30=long.portfolio,
            borrowed=self.late_strength / (late.outcomes + self.late_strength),
            terms=terms,
        )

    def read(
        self, table: Floats, feature_names: Sequence[str], rows: HazardRows, intervals: Intervals
    ) -> CurveMargins:
        """Log-odds of settlement in the interval of each row, by the customer's curve and by the portfolio's.

        Args:
            table: one row of features per landmark.
            feature_names: of the table.
            rows: the hazard rows of those landmarks.
            intervals: of the model.
        """
        shares = self.shares(table, feature_names)
        left = _share_left(rows, intervals)
        terms = self._terms_factor(shares.terms, intervals)
        # A customer's own share was observed under its own terms: they count once, where the share is borrowed.
        own_terms = exact_exp(-shares.borrowed * exact_log(terms)) * terms
        return CurveMargins(
            own=self._margins(shares.late, shares.unpaid_30, own_terms, rows, left, intervals),
            portfolio=self._margins(
                shares.portfolio_late, shares.portfolio_unpaid_30, np.ones_like(terms), rows, left, intervals
            ),
        )

    def own_at_usual_terms(
        self, table: Floats, feature_names: Sequence[str], rows: HazardRows, intervals: Intervals
    ) -> Floats:
        """Log-odds by the customer's curve, had each invoice the terms of an average one; arguments as for `read`."""
        shares = self.shares(table, feature_names)
        usual, left = np.ones(len(table)), _share_left(rows, intervals)
        return self._margins(shares.late, shares.unpaid_30, usual, rows, left, intervals)

    def _terms_factor(self, terms: Floats, intervals: Intervals) -> Floats:
        """By how much the hazard must grow for an invoice with these terms to be as likely late as the average one."""
        is_known = terms >= -intervals.grace_days
        issued = np.where(is_known, -terms, intervals.array[0]).astype(np.int64)
        own = _hazard_to_late(issued, np.asarray(self.rhythm), intervals)
        return np.where(is_known, self.usual_hazard / np.maximum(own, _LEAST_HAZARD), 1.0)

    def average(self, rows: HazardRows, intervals: Intervals) -> tuple[Floats, Floats]:
        """Log-odds by the portfolio's curve as it was in the training window: over whole intervals, and what is left.

        Args:
            rows: hazard rows.
            intervals: of the model.
        """
        count = int(rows.landmark.max()) + 1 if len(rows) else 0
        late, unpaid_30 = np.full(count, self.late_share), np.full(count, self.unpaid_30_share)
        left = _share_left(rows, intervals)
        return (
            self._margins(late, unpaid_30, np.ones(count), rows, np.ones(len(rows)), intervals),
            self._margins(late, unpaid_30, np.ones(count), rows, left, intervals),
        )

    def _margins(
        self,
        late: Floats,
        unpaid_30: Floats,
        terms: Floats,
        rows: HazardRows,
        left: Floats,
        intervals: Intervals,
    ) -> Floats:
        """Log-odds of settlement per row, from the shares per landmark and the share left of each row's interval."""
        to_late, to_long = self._factors(late, unpaid_30, intervals)
        to_late = to_late * terms
        later = np.where(rows.interval <= intervals.position(LONG_DAYS), to_long[rows.landmark], 1.0)
        factor = np.where(is_up_to_late(rows, intervals), to_late[rows.landmark], later)
        whole = np.asarray(self.rhythm)[rows.interval]
        hazard = np.clip(whole * left * factor, _LEAST_HAZARD, _LARGEST_HAZARD)
        # log(e^h - 1) = h + log(1 - e^-h)
        result: Floats = hazard + exact_log(1.0 - exact_exp(-hazard))
        return result

    def _factors(self, late: Floats, unpaid_30: Floats, intervals: Intervals) -> tuple[Floats, Floats]:
        """By how much the customer's cumulative hazard differs up to the end of grace, and from there to 30 days."""
        total = np.cumsum(np.asarray(self.rhythm))
        due, long = intervals.position(intervals.grace_days), intervals.position(LONG_DAYS)
        late = np.clip(late, _LEAST_SHARE, 1.0 - _LEAST_SHARE)
        unpaid_30 = np.clip(unpaid_30, _LEAST_SHARE, _LARGEST_LONG_SHARE)
        to_late = -exact_log(late) / self.usual_hazard
        if long <= due:
            return to_late, np.ones_like(to_late)
        return to_late, -exact_log(unpaid_30) / (total[long] - total[due])

    def to_json(self) -> dict[str, object]:
        """Plain numbers, exact when read back."""
        return {**vars(self), "rhythm": list(self.rhythm)}

    @staticmethod
    def from_json(numbers: Mapping[str, object]) -> CustomerCurve:
        """The curve written by `to_json`."""
        return CustomerCurve(**{**numbers, "rhythm": tuple(numbers["rhythm"])})  # type: ignore[arg-type]


@dataclass(frozen=True)
class CurveShares:
    """The shares the curve of each landmark is made of.

    Attributes:
        late: of the customer, pulled towards the portfolio's.
        unpaid_30: the same of late invoices still unpaid 30 days past due.
        portfolio_late: of everybody else as known on the day.
        portfolio_unpaid_30: the same of late invoices still unpaid 30 days past due.
        borrowed: weight of the portfolio in the customer's share late.
        terms: days from issue to the due date; NaN where unknown.
    """

    late: Floats
    unpaid_30: Floats
    portfolio_late: Floats
    portfolio_unpaid_30: Floats
    borrowed: Floats
    terms: Floats


@dataclass(frozen=True)
class CurveMargins:
    """Log-odds of settlement in the interval of each hazard row.

    Attributes:
        own: by the customer's own curve.
        portfolio: by that of everybody else as known on the day.
    """

    own: Floats
    portfolio: Floats

    def mixed(self, own_share: float) -> Floats:
        """The log-odds between the two, so much of them the customer's own."""
        return self.portfolio + own_share * (self.own - self.portfolio)


@dataclass(frozen=True)
class _Counts:
    """Events and outcomes of a customer, and the portfolio's share, per landmark."""

    events: Floats
    outcomes: Floats
    portfolio: Floats

    @classmethod
    def of(cls, table: Floats, places: Sequence[int], window_share: float) -> _Counts:
        share, count, portfolio_share, portfolio_count = (
            np.zeros(len(table)) if place < 0 else np.nan_to_num(table[:, place]) for place in places
        )
        weighted = portfolio_share * portfolio_count + _WINDOW_WEIGHT * window_share
        return cls(share * count, count, weighted / (portfolio_count + _WINDOW_WEIGHT))

    def pulled(self, strength: float) -> Floats:
        result: Floats = (self.events + strength * self.portfolio) / (self.outcomes + strength)
        return result


def usual_late_share(grace_days: int) -> float:
    """Share late by more than so many days where nothing is known: it falls evenly on its logarithm to 30 days."""
    return float(
        f"{USUAL_LATE_SHARE * USUAL_UNPAID_30_SHARE ** (min(grace_days, LONG_DAYS) / LONG_DAYS):.6g}"
    )


def is_up_to_late(rows: HazardRows, intervals: Intervals) -> npt.NDArray[np.bool_]:
    """Whether each row's interval ends within the grace: those the share late speaks of."""
    result: npt.NDArray[np.bool_] = rows.interval <= intervals.position(intervals.grace_days)
    return result


def _share_left(rows: HazardRows, intervals: Intervals) -> Floats:
    """Share of each row's interval that is still to come; all of the first one, whose length is the terms."""
    left = np.minimum(rows.days_at_risk / intervals.nominal_days[rows.interval], 1.0)
    return np.where(rows.interval == 0, 1.0, left)


def _places(feature_names: Sequence[str]) -> list[int]:
    """Place of each of `CURVE_COLUMNS` in a table; -1 for one that is not in it."""
    places = places_of(tuple(feature_names))
    return [places.get(name, -1) for name in CURVE_COLUMNS]


def fit_customer_curve(
    table: Floats,
    feature_names: Sequence[str],
    rows: HazardRows,
    is_settled: Floats,
    weight: Floats,
    issued: Ints,
    intervals: Intervals,
) -> CustomerCurve:
    """The curve of a training window.

    Args:
        table: features per landmark.
        feature_names: of the table.
        rows: hazard rows of those landmarks.
        is_settled: outcome of each row.
        weight: weight of each row; the landmarks at issue weigh 1.
        issued: days past due at issue of every invoice of the window, observed or not.
        intervals: of the model.
    """
    at_issue = np.flatnonzero(weight == 1.0)
    own, settled = rows.take(at_issue), is_settled[at_issue]
    count = len(intervals.bounds)
    at_risk = np.bincount(own.interval, minlength=count)
    usual = np.where(intervals.array <= intervals.grace_days, _USUAL_EARLY_HAZARD, _USUAL_LATER_HAZARD)
    events = np.bincount(own.interval, weights=settled, minlength=count)
    hazard = (events + _USUAL_HAZARD_WEIGHT * usual) / (at_risk + _USUAL_HAZARD_WEIGHT)
    rhythm = np.array([float(f"{value:.8g}") for value in -np.log1p(-hazard)])
    late = _unpaid_at(own, settled, intervals.position(intervals.grace_days))
    landmarks, is_unpaid = _unpaid_at(own, settled, intervals.position(LONG_DAYS))
    was_late = np.isin(landmarks, late[0][late[1] == 1.0])
    outcomes = [late, (landmarks[was_late], is_unpaid[was_late])]
    shares = [
        _share(is_unpaid, usual)
        for (_, is_unpaid), usual in zip(
            outcomes, (usual_late_share(intervals.grace_days), USUAL_UNPAID_30_SHARE), strict=True
        )
    ]
    places = _places(feature_names)
    strengths = [
        _strength(_Counts.of(table[landmarks], of, share), is_unpaid, usual)
        for (landmarks, is_unpaid), share, of, usual in zip(
            outcomes,
            shares,
            (places[:4], places[4:8]),
            (_USUAL_LATE_STRENGTH, _USUAL_UNPAID_30_STRENGTH),
            strict=True,
        )
    ]
    return CustomerCurve(
        late_share=shares[0],
        unpaid_30_share=shares[1],
        late_strength=strengths[0],
        unpaid_30_strength=strengths[1],
        rhythm=tuple(rhythm.tolist()),
        usual_hazard=_usual_hazard(issued, rhythm, intervals),
    )


def _hazard_to_late(issued: Ints, rhythm: Floats, intervals: Intervals) -> Floats:
    """Cumulative hazard from issue to the end of grace, of invoices issued so many days past due, within the grace."""
    due = intervals.position(intervals.grace_days)
    after = np.append(np.cumsum(rhythm[due::-1])[::-1], 0.0)
    first = hazard_rows(issued, intervals, intervals.start(issued))
    result: Floats = after[first.interval + 1] + _share_left(first, intervals) * rhythm[first.interval]
    return result


def _usual_hazard(issued: Ints, rhythm: Floats, intervals: Intervals) -> float:
    """The same on average; over whole intervals where no invoice was issued within the grace."""
    within = issued[issued <= intervals.grace_days]
    if within.size == 0:
        within = intervals.array[:1]
    return float(f"{_hazard_to_late(within, rhythm, intervals).mean():.8g}")


def _unpaid_at(rows: HazardRows, is_settled: Floats, bound: int) -> tuple[Ints, Floats]:
    """Landmarks whose state at the end of an interval was observed, and whether they were unpaid then (1.0)."""
    reached = (rows.interval == bound) | ((rows.interval < bound) & (is_settled == 1.0))
    landmarks = rows.landmark[reached]
    unpaid = ((rows.interval[reached] == bound) & (is_settled[reached] == 0.0)).astype(np.float64)
    return landmarks, unpaid


def _share(is_unpaid: Floats, usual: float) -> float:
    """Share of unpaid, pulled towards what is usual."""
    weight = _USUAL_SHARE_WEIGHT
    return float(f"{(is_unpaid.sum() + weight * usual) / (is_unpaid.size + weight):.8g}")


def _strength(counts: _Counts, is_unpaid: Floats, usual: float) -> float:
    """The strength under which each outcome, predicted from what was known at issue, was most probable."""
    best, found = np.inf, usual
    for strength in _STRENGTHS:
        chance = np.clip(counts.pulled(strength), _LEAST_SHARE, 1.0 - _LEAST_SHARE)
        loss = -(is_unpaid * np.log(chance) + (1.0 - is_unpaid) * np.log1p(-chance)).sum()
        loss += 0.5 * (np.log(strength / usual) / _STRENGTH_SPREAD) ** 2
        if loss < best:
            best, found = float(loss), strength
    return found
