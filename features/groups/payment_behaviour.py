"""How late a customer pays: counts, shares and days late over several windows, and where they are heading.

Late shares count an invoice as late from the end of its grace, paid or not; days late exist once an invoice is
settled. Both are known on the day the fact became known, never by issue order.
"""

from __future__ import annotations

import numpy as np

from features.asof.dates import Float64Array
from features.asof.events import NOT_CURED, PERMILLE
from features.asof.reader import AsOfReader, Bounds, deviation, known, ratio
from features.asof.view import LandmarkView
from features.groups.columns import FeatureColumn, FeatureGroup, Window, column_name, declare
from features.messages import Text

NAME = "payment_behaviour"
WINDOWS: tuple[int | None, ...] = (30, 90, 180, 365, None)
LONG_WINDOWS: tuple[int | None, ...] = (90, 365, None)
LAST = (3, 5, 10)
_LAST_WINDOWS: tuple[Window, ...] = tuple(f"{last}n" for last in LAST)
DECAY = 0.8
"""Weight of each older invoice against the next newer one in the exponentially weighted mean."""
DECAY_LENGTH = 12
_DECAY_WEIGHTS = (DECAY ** np.arange(DECAY_LENGTH))[:, None]
HIGH_LATE_SHARE = 0.3

_NO_OUTCOME = "no invoice known to be late or on time in the window"
_NO_SETTLED = "no invoice settled in the window"

COLUMNS: tuple[FeatureColumn, ...] = (
    *declare(NAME, "outcome_count", WINDOWS, unit="count", minimum=0, null="never null",
             label_fr="factures dont l'issue est connue", label_en="invoices with a known outcome"),
    *declare(NAME, "late_count", (365, None), unit="count", minimum=0, null="never null",
             label_fr="factures en retard", label_en="invoices late"),
    *declare(NAME, "late_share", WINDOWS, unit="share", direction=1, null=_NO_OUTCOME,
             label_fr="part des factures en retard", label_en="share of invoices late"),
    *declare(NAME, "late_amount_share", LONG_WINDOWS, unit="share", direction=1, null=_NO_OUTCOME,
             label_fr="part du montant en retard", label_en="share of the amount late"),
    *declare(NAME, "outcome_30d_count", (365, None), unit="count", minimum=0, null="never null",
             label_fr="factures dont on sait si elles étaient impayées 30 jours après l'échéance",
             label_en="invoices known to be unpaid or paid 30 days past due"),
    *declare(NAME, "unpaid_30d_share", (365, None), unit="share", direction=1,
             null="no invoice known to be unpaid or paid 30 days past due in the window",
             label_fr="part des factures impayées 30 jours après l'échéance",
             label_en="share of invoices unpaid 30 days past due"),
    *declare(NAME, "late_unpaid_30d_share", (None,), unit="share", direction=1,
             null="no invoice known to be late and then unpaid or paid 30 days past due",
             label_fr="part des factures en retard encore impayées 30 jours après l'échéance",
             label_en="share of late invoices still unpaid 30 days past due"),
    *declare(NAME, "late_outcome_30d_count", (None,), unit="count", minimum=0, null="never null",
             label_fr="factures en retard dont l'état 30 jours après l'échéance est connu",
             label_en="late invoices known to be unpaid or paid 30 days past due"),
    *declare(NAME, "days_late_mean", WINDOWS, unit="days", direction=1, null=_NO_SETTLED,
             label_fr="retard moyen", label_en="mean days late"),
    *declare(NAME, "days_late_amount_weighted_mean", LONG_WINDOWS, unit="days", direction=1, null=_NO_SETTLED,
             label_fr="retard moyen pondéré par le montant", label_en="amount-weighted mean days late"),
    *declare(NAME, "days_late_median", WINDOWS, unit="days", direction=1, null=_NO_SETTLED,
             label_fr="retard médian", label_en="median days late"),
    *declare(NAME, "days_late_p90", (365, None), unit="days", direction=1, null=_NO_SETTLED,
             label_fr="retard dépassé une fois sur dix", label_en="days late exceeded one time in ten"),
    *declare(NAME, "days_late_max", WINDOWS, unit="days", direction=1, null=_NO_SETTLED,
             label_fr="plus long retard", label_en="longest delay"),
    *declare(NAME, "days_late_std", WINDOWS, unit="days", minimum=0, null="fewer than two invoices settled",
             label_fr="dispersion des retards", label_en="spread of days late"),
    *declare(NAME, "severely_late_share", (365, None), unit="share", direction=1, null=_NO_SETTLED,
             label_fr="part des factures payées avec plus de 30 jours de retard",
             label_en="share of invoices paid more than 30 days late"),
    *declare(NAME, "small_delay_share", (365,), unit="share", null=_NO_SETTLED,
             label_fr="part des petits retards (1 à 15 jours)", label_en="share of small delays (1 to 15 days)"),
    *declare(NAME, "small_delay_count", (90, 365), unit="count", minimum=0, null="never null",
             label_fr="petits retards (1 à 15 jours)", label_en="small delays (1 to 15 days)"),
    *declare(NAME, "settled_count", _LAST_WINDOWS, unit="count", minimum=0, maximum=max(LAST), null="never null",
             label_fr="factures payées observées", label_en="paid invoices observed"),
    *declare(NAME, "late_count", _LAST_WINDOWS, unit="count", minimum=0, maximum=max(LAST), direction=1,
             null="no invoice settled yet", label_fr="factures payées en retard", label_en="invoices paid late"),
    *declare(NAME, "paid_late_share", _LAST_WINDOWS, unit="share", direction=1, null="no invoice settled yet",
             label_fr="part des factures payées en retard", label_en="share of invoices paid late"),
    *declare(NAME, "paid_late_streak", unit="count", minimum=0, maximum=DECAY_LENGTH, direction=1,
             null="no invoice settled yet", label_fr="dernières factures payées en retard, à la suite",
             label_en="latest invoices paid late in a row"),
    *declare(NAME, "days_late_mean", _LAST_WINDOWS, unit="days", direction=1, null="no invoice settled yet",
             label_fr="retard moyen", label_en="mean days late"),
    *declare(NAME, "days_late_median", _LAST_WINDOWS, unit="days", direction=1, null="no invoice settled yet",
             label_fr="retard médian", label_en="median days late"),
    *declare(NAME, "days_late_max", _LAST_WINDOWS, unit="days", direction=1, null="no invoice settled yet",
             label_fr="plus long retard", label_en="longest delay"),
    *declare(NAME, "days_late_std", _LAST_WINDOWS, unit="days", minimum=0, null="fewer than two invoices settled",
             label_fr="dispersion des retards", label_en="spread of days late"),
    *declare(NAME, "days_late_ewm", unit="days", direction=1, null="no invoice settled yet",
             label_fr="retard récent (moyenne pondérée)", label_en="recent days late (weighted mean)"),
    *declare(NAME, "days_late_last", unit="days", direction=1, null="no invoice settled yet",
             label_fr="retard de la dernière facture payée", label_en="days late of the latest paid invoice"),
    *declare(NAME, "days_late_trend", unit="days", direction=1, null="fewer than six invoices settled",
             label_fr="évolution du retard (5 dernières contre les précédentes)",
             label_en="change in days late (last 5 against those before)"),
    *declare(NAME, "late_share_trend", unit="ratio", minimum=-1, maximum=1, direction=1,
             null="no outcome in the last 90 days, or none before them",
             label_fr="évolution de la part en retard (90 jours contre avant)",
             label_en="change in the share late (90 days against before)"),
    *declare(NAME, "late_days_mean_when_late", (365, None), unit="days", minimum=0, direction=1,
             null="no invoice paid late in the window",
             label_fr="durée habituelle des retards", label_en="usual length of a delay"),
    *declare(NAME, "days_to_settle_mean", (365, None), unit="days", null=_NO_SETTLED,
             label_fr="délai moyen de paiement depuis l'émission", label_en="mean days from issue to payment"),
    *declare(NAME, "part_paid_share", (365, None), unit="share", null=_NO_SETTLED,
             label_fr="part des factures payées en plusieurs fois", label_en="share of invoices paid in parts"),
    *declare(NAME, "first_part_share_mean", (365, None), unit="share", null="no invoice paid in parts in the window",
             label_fr="part réglée d'abord, quand le paiement est fractionné",
             label_en="share paid first, when paid in parts"),
    *declare(NAME, "cure_days_best", unit="days", minimum=1, direction=1, null="no invoice paid late yet",
             label_fr="règlement le plus rapide d'une facture échue",
             label_en="quickest settlement of an overdue invoice"),
    *declare(NAME, "oldest_overdue_days", unit="days", minimum=1, direction=1, null="nothing is overdue",
             label_fr="ancienneté de la plus vieille échéance dépassée, celle-ci comprise",
             label_en="age of the oldest overdue invoice, this one included"),
    *declare(NAME, "longest_overdue_days", unit="days", minimum=0, direction=1,
             null="nothing settled and nothing overdue",
             label_fr="plus longue échéance dépassée connue", label_en="longest overdue ever known"),
    *declare(NAME, "settled_recency_days", unit="days", minimum=1, null="no invoice settled yet",
             label_fr="jours depuis le dernier règlement complet", label_en="days since the latest full settlement"),
    *declare(NAME, "reminder_to_payment_days_mean", (365, None), unit="days", minimum=0, direction=1,
             null="no reminded invoice settled, or no interactions table",
             sources=("invoices", "payments", "interactions"),
             label_fr="jours entre la dernière relance et le paiement",
             label_en="days from the last reminder to payment"),
    *declare(NAME, "is_often_late", (365,), unit="flag", direction=1, null=_NO_OUTCOME,
             label_fr="plus de 30 % des factures en retard", label_en="more than 30 % of invoices late"),
    *declare(NAME, "bounce_count", (365, None), unit="count", minimum=0, direction=1, null="never null",
             label_fr="paiements rejetés", label_en="bounced payments"),
    *declare(NAME, "bounce_recency_days", unit="days", minimum=1, null="no payment bounced so far",
             label_fr="jours depuis le dernier paiement rejeté", label_en="days since the latest bounced payment"),
    *declare(NAME, "written_off_count", (None,), unit="count", minimum=0, direction=1, null="never null",
             label_fr="créances passées en perte", label_en="invoices written off"),
)  # fmt: skip


def compute(view: LandmarkView) -> dict[str, Float64Array]:
    """Payment behaviour of each landmark's customer, from what was known strictly before its as-of date."""
    return {**_outcomes(view), **_settled(view), **_last(view), **_course(view), **_incidents(view)}


def _outcomes(view: LandmarkView) -> dict[str, Float64Array]:
    read = view.customer
    values: dict[str, Float64Array] = {}
    for window in WINDOWS:
        count = read.total("outcome", "count", window)
        # A mark withdrawn in the window by a payment booked afterwards may outweigh the window's own marks.
        late = np.maximum(read.total("outcome", "late", window), 0)
        values[column_name("outcome_count", window)] = count.astype(np.float64)
        values[column_name("late_share", window)] = np.minimum(ratio(late, count), 1.0)
        if window in (365, None):
            values[column_name("late_count", window)] = np.minimum(late, count).astype(np.float64)
    for window in LONG_WINDOWS:
        amount = read.total("outcome", "amount", window)
        late_amount = np.maximum(read.total("outcome", "late_amount", window), 0)
        values[column_name("late_amount_share", window)] = np.minimum(ratio(late_amount, amount), 1.0)
    unpaid = {window: np.maximum(read.total("outcome_30d", "late", window), 0) for window in (365, None)}
    for window, still_unpaid in unpaid.items():
        count = read.total("outcome_30d", "count", window)
        values[column_name("outcome_30d_count", window)] = count.astype(np.float64)
        values[column_name("unpaid_30d_share", window)] = np.minimum(ratio(still_unpaid, count), 1.0)
    late = np.maximum(read.total("outcome_30d", "late_before"), 0)
    values["late_outcome_30d_count_all"] = late.astype(np.float64)
    values["late_unpaid_30d_share_all"] = np.minimum(ratio(unpaid[None], late), 1.0)
    share = values["late_share_365d"]
    values["is_often_late_365d"] = known((share > HIGH_LATE_SHARE).astype(np.int64), ~np.isnan(share))
    return values


def _settled(view: LandmarkView) -> dict[str, Float64Array]:
    read = view.customer
    values: dict[str, Float64Array] = {}
    for window in WINDOWS:
        days = read.total("settled", "days_late", window)
        values[column_name("days_late_mean", window)] = ratio(days, read.size("settled", window))
    for window in LONG_WINDOWS:
        values[column_name("days_late_amount_weighted_mean", window)] = ratio(
            read.total("settled", "amount_days_late", window), read.total("settled", "amount", window)
        )
    for window in WINDOWS:
        bounds = read.bounds("settled", window)
        values |= _spread(read, bounds, window)
        if window in (365, None):
            values[column_name("days_late_p90", window)] = read.quantile("settled", "days_late", bounds, 0.9)
    for window in (90, 365):
        values[column_name("small_delay_count", window)] = read.total(
            "settled", "small_delay", window
        ).astype(np.float64)
    values["small_delay_share_365d"] = ratio(
        read.total("settled", "small_delay", 365), read.size("settled", 365)
    )
    for window in (365, None):
        values |= _habits(view, window)
    cure, exists = read.maximum("settled", "negated_cure")
    values["cure_days_best"] = known(-cure, exists & (cure > NOT_CURED))
    return values


def _habits(view: LandmarkView, window: int | None) -> dict[str, Float64Array]:
    """How the invoices settled in the window were paid: severely late, in parts, after reminders."""
    read = view.customer
    count, late = read.size("settled", window), read.total("settled", "late", window)
    parts = read.total("settled", "part_paid", window)
    to_payment = ratio(
        read.total("settled", "reminder_days", window), read.total("settled", "reminded", window)
    )
    shares = {
        "severely_late_share": ratio(read.total("settled", "severely_late", window), count),
        "late_days_mean_when_late": ratio(read.total("settled", "late_days", window), late),
        "days_to_settle_mean": ratio(read.total("settled", "days_to_settle", window), count),
        "part_paid_share": ratio(parts, count),
        "first_part_share_mean": ratio(read.total("settled", "first_part", window), parts * PERMILLE),
        "reminder_to_payment_days_mean": to_payment if "reminders" in read else np.full(len(view), np.nan),
    }
    return {column_name(measure, window): share for measure, share in shares.items()}


def _spread(read: AsOfReader, bounds: Bounds, window: Window) -> dict[str, Float64Array]:
    """Median, maximum and standard deviation of days late over the invoices settled between two positions."""
    count = bounds[1] - bounds[0]
    days = read.total_between("settled", "days_late", bounds)
    squares = read.total_between("settled", "days_late_squared", bounds)
    return {
        column_name("days_late_median", window): read.quantile("settled", "days_late", bounds, 0.5),
        column_name("days_late_max", window): read.quantile("settled", "days_late", bounds, 1.0),
        column_name("days_late_std", window): deviation(count, days, squares),
    }


def _last(view: LandmarkView) -> dict[str, Float64Array]:
    read = view.customer
    values: dict[str, Float64Array] = {}
    for last, window in zip(LAST, _LAST_WINDOWS, strict=True):
        bounds = read.last_bounds("settled", last)
        size = bounds[1] - bounds[0]
        late = read.total_between("settled", "late", bounds)
        values[column_name("settled_count", window)] = size.astype(np.float64)
        values[column_name("late_count", window)] = known(late, size > 0)
        values[column_name("paid_late_share", window)] = ratio(late, size)
        values[column_name("days_late_mean", window)] = ratio(
            read.total_between("settled", "days_late", bounds), size
        )
        values |= _spread(read, bounds, window)
    days, exists = read.latest("settled", "days_late", DECAY_LENGTH)
    # Running sums add in one order whatever the number of landmarks: one alone equals the batch to the last bit.
    weighted, weights = np.cumsum(_DECAY_WEIGHTS * days, axis=0), np.cumsum(_DECAY_WEIGHTS * exists, axis=0)
    values["days_late_ewm"] = ratio(weighted[-1], weights[-1])
    values["days_late_last"] = known(days[0], exists[0])
    is_late = exists & (days > view.settings.grace_days)
    streak = np.logical_and.accumulate(is_late, axis=0).sum(axis=0, dtype=np.int64)
    values["paid_late_streak"] = known(streak, exists[0])
    return values


def _course(view: LandmarkView) -> dict[str, Float64Array]:
    read = view.customer
    count, days = read.size("settled"), read.total("settled", "days_late")
    recent = read.last_bounds("settled", 5)
    recent_count, recent_days = recent[1] - recent[0], read.total_between("settled", "days_late", recent)
    earlier = ratio(days - recent_days, count - recent_count)
    outcomes, late = read.total("outcome", "count"), read.total("outcome", "late")
    recent_outcomes, recent_late = read.total("outcome", "count", 90), read.total("outcome", "late", 90)
    share_now = np.clip(ratio(recent_late, recent_outcomes), 0.0, 1.0)
    share_before = np.clip(ratio(late - recent_late, outcomes - recent_outcomes), 0.0, 1.0)
    worst, settled_any = read.maximum("settled", "days_late")
    oldest = _oldest_overdue_days(view)
    latest_day, exists = read.last_day("settled")
    return {
        "days_late_trend": ratio(recent_days, recent_count) - earlier,
        "late_share_trend": share_now - share_before,
        "oldest_overdue_days": oldest,
        "longest_overdue_days": np.fmax(known(np.maximum(worst, 0), settled_any), oldest),
        "settled_recency_days": known(read.as_of - latest_day, exists),
    }


def _incidents(view: LandmarkView) -> dict[str, Float64Array]:
    """Payments that bounced, by the day that became known, and invoices that are written off."""
    read = view.customer
    latest, exists = read.last_day("bounces")
    return {
        "bounce_count_365d": read.size("bounces", 365).astype(np.float64),
        "bounce_count_all": read.size("bounces").astype(np.float64),
        "bounce_recency_days": known(read.as_of - latest, exists),
        "written_off_count_all": read.count("written_off").astype(np.float64),
    }


def _oldest_overdue_days(view: LandmarkView) -> Float64Array:
    """Days past due of the customer's oldest invoice open and overdue; NaN when nothing is overdue.

    The first invoice in order of due date that is not known to be closed before the as-of date.
    """
    read = view.customer
    due, overdue = read.first_reaching("due_states", "closed_known", read.as_of)
    return known(read.as_of - due, overdue)


GROUP = FeatureGroup(NAME, Text("habitudes de paiement", "payment behaviour"), COLUMNS, compute)
