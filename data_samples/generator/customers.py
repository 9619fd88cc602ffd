"""Who the customers are: what the ledger shows of them, and the habits it does not show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from data_samples.generator.day_calendar import (
    COUNTRY_CODES,
    BoolArray,
    DayCalendar,
    FloatArray,
    IntArray,
    run_schedule,
)
from data_samples.generator.names import invented_sirens, trade_names
from data_samples.generator.settings import COUNTRIES, WorldSettings

StrArray = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Customers:
    """The customers of a world, one position per customer in every array.

    Attributes:
        frame: the ledger's customers table.
        ids: customer ids.
        country: position in `COUNTRY_CODES`.
        sector: position in `settings.sector_weight`.
        language: "fr" or "en".
        habit_days: usual payment day in days past due, per customer and month of the world and its tail.
        hesitation_days: width of the rise of the payment intensity around the habit.
        speed: payment intensity a day once the usual day is past.
        run_kind: how the customer groups its payments.
        run_gap: customer x day, days since the run before, 0 when there is no run.
        strain_rate: chance a day that a healthy customer becomes strained.
        dispute_share: chance that an invoice is disputed.
        requires_order_number: invoices without the customer's order number get stuck.
        is_reminded: the supplier reminds this customer.
        is_strategic: a person decides every step.
        arrives: first day (number) with orders; negative before the world.
        leaves: last day with orders.
        monthly_rate: invoices a month at full activity.
        log_amount: mean log of the invoice amount in euros.
        is_subscriber: billed every month for the same amount.
        channel: usual delivery channel.
        terms: terms of payment as worded.
        other_reading: the customer's bookkeeping prints the other lawful reading of "fin de mois".
    """

    frame: pl.DataFrame
    ids: list[str]
    country: IntArray
    sector: IntArray
    language: StrArray
    habit_days: FloatArray
    hesitation_days: FloatArray
    speed: FloatArray
    run_kind: StrArray
    run_gap: npt.NDArray[np.int8]
    strain_rate: FloatArray
    dispute_share: FloatArray
    requires_order_number: BoolArray
    is_reminded: BoolArray
    is_strategic: BoolArray
    arrives: IntArray
    leaves: IntArray
    monthly_rate: FloatArray
    log_amount: FloatArray
    is_subscriber: BoolArray
    channel: StrArray
    terms: StrArray
    other_reading: BoolArray


_CHANNELS = {"email": 0.55, "portal": 0.20, "edi": 0.10, "post": 0.15}
_FRENCH_TERMS = {
    "30 jours": 0.34,
    "45 jours fin de mois": 0.22,
    "60 net": 0.10,
    "30 jours fin de mois": 0.14,
    "45 jours": 0.12,
    "fin de mois le 15": 0.05,
    "à réception": 0.03,
}
_OTHER_TERMS = {"30 days": 0.50, "30 days EOM": 0.15, "60 days": 0.15, "14 days": 0.12, "45 days": 0.08}


def draw_customers(settings: WorldSettings, calendar: DayCalendar, random: np.random.Generator) -> Customers:
    """The customers of a world: visible description and hidden habits."""
    count = settings.customers
    weights = np.array([COUNTRIES[code].weight for code in COUNTRY_CODES])
    country = random.choice(len(COUNTRY_CODES), size=count, p=weights / weights.sum())
    sectors = list(settings.sector_weight)
    sector = _choose_index(random, list(settings.sector_weight.values()), count)
    sizes = list(settings.size_weight)
    size = _choose_index(random, list(settings.size_weight.values()), count)
    is_person = (size == sizes.index("micro")) & (
        random.random(count) < settings.natural_person_share_of_micro
    )
    french = (
        random.random(count) < np.array([COUNTRIES[code].french_share for code in COUNTRY_CODES])[country]
    )
    language = np.where(french, "fr", "en")

    lateness = (
        np.array([settings.sector_lateness_days[name] for name in sectors])[sector]
        + np.array([settings.size_lateness_days[name] for name in sizes])[size]
        + np.array([COUNTRIES[code].lateness_days for code in COUNTRY_CODES])[country]
    )
    chronic = random.random(count) < settings.chronic_share
    extra = np.where(chronic, settings.chronic_extra_days * random.lognormal(0.0, 0.5, count), 0.0)
    centre = (
        settings.habit_centre_days + lateness + random.normal(0.0, settings.habit_spread_days, count) + extra
    )
    run_kind = _choose(random, dict(settings.run_kinds), count)
    run_gap = run_schedule(calendar, country, run_kind, random.integers(0, 5, count))

    present = random.random(count) < settings.present_at_start_share
    before = -random.integers(30, 3000, count)
    arrives = np.where(present, before, random.integers(0, max(settings.days - 30, 1), count))
    stay = random.exponential(365.0 / settings.leaving_share_per_year, count)
    leaves = np.maximum(arrives, 0) + stay.astype(np.int64)

    size_factor = np.array([settings.size_amount_factor[name] for name in sizes])[size]
    log_amount = np.log(settings.amount_eur * size_factor) + random.normal(
        0, settings.amount_between_log_sd, count
    )
    rate = settings.invoices_per_month * random.lognormal(0, settings.invoices_per_month_log_sd, count)
    terms = np.where(french, _choose(random, _FRENCH_TERMS, count), _choose(random, _OTHER_TERMS, count))
    strategic = random.random(count) < settings.strategic_share
    strain = (
        settings.strain_onset_per_year
        / 365.0
        * random.lognormal(-0.32, 0.8, count)
        * np.where(chronic, 1.6, 1.0)
    )
    ids = [f"C{number:06d}" for number in range(1, count + 1)]
    forms = _legal_forms(country, is_person, random)
    frame = _customer_frame(
        ids=ids,
        country=country,
        sector=[sectors[position] for position in sector],
        size=[sizes[position] for position in size],
        forms=forms,
        is_person=is_person,
        language=language,
        since=calendar.to_dates(arrives),
        usual_exposure=np.exp(log_amount) * np.maximum(rate, 0.5) * 3.0,
        strategic=strategic,
        settings=settings,
        random=random,
    )
    return Customers(
        frame=frame,
        ids=ids,
        country=country,
        sector=sector,
        language=language,
        habit_days=_habit_paths(settings, calendar, centre, random),
        hesitation_days=settings.hesitation_days * random.lognormal(0, 0.4, count),
        speed=settings.payment_speed * random.lognormal(0, 0.4, count),
        run_kind=run_kind,
        run_gap=run_gap,
        strain_rate=strain,
        dispute_share=np.minimum(settings.dispute_share * random.lognormal(-0.32, 0.8, count), 0.25),
        requires_order_number=random.random(count) < np.array([0.05, 0.15, 0.35, 0.60])[size],
        is_reminded=~strategic & (random.random(count) < 0.92),
        is_strategic=strategic,
        arrives=arrives,
        leaves=leaves,
        monthly_rate=rate,
        log_amount=log_amount,
        is_subscriber=random.random(count) < 0.12,
        channel=_choose(random, _CHANNELS, count),
        terms=terms,
        other_reading=random.random(count) < settings.other_reading_share,
    )


def _habit_paths(
    settings: WorldSettings, calendar: DayCalendar, centre: FloatArray, random: np.random.Generator
) -> FloatArray:
    months = int(calendar.month[-1]) + 1
    paths = np.empty((len(centre), months))
    keep = settings.habit_persistence
    offset = random.normal(0, settings.habit_drift_days / np.sqrt(1 - keep**2), len(centre))
    for month in range(months):
        paths[:, month] = centre + offset
        offset = keep * offset + random.normal(0, settings.habit_drift_days, len(centre))
    return paths


def _customer_frame(
    *,
    ids: list[str],
    country: IntArray,
    sector: list[str],
    size: list[str],
    forms: list[str],
    is_person: BoolArray,
    language: StrArray,
    since: pl.Series,
    usual_exposure: FloatArray,
    strategic: BoolArray,
    settings: WorldSettings,
    random: np.random.Generator,
) -> pl.DataFrame:
    count = len(ids)
    codes = [COUNTRY_CODES[position] for position in country]
    french = np.array([code == "FR" for code in codes])
    numbers = iter(invented_sirens(int(french.sum()), random))
    sirens = [next(numbers) if is_french else None for is_french in french]
    limit = np.maximum(np.round(usual_exposure * random.lognormal(0.2, 0.4, count), -3), 1000.0)
    no_limit = random.random(count) < settings.missing_credit_limit_share
    grouped = random.random(count) < settings.grouped_share
    group = random.integers(0, max(count // 20, 1), count)
    unknown_sector = random.random(count) < 0.02
    return pl.DataFrame(
        {
            "customer_id": ids,
            "name": trade_names(sector, forms, random),
            "country": codes,
            "sector": pl.Series(
                [None if hidden else name for name, hidden in zip(sector, unknown_sector, strict=True)],
                dtype=pl.String,
            ),
            "legal_form": forms,
            "is_natural_person": pl.Series(is_person),
            "size_class": size,
            "siren": pl.Series(sirens, dtype=pl.String),
            "language": [str(value) for value in language],
            "customer_since_on": since,
            "credit_limit": pl.Series(np.where(no_limit, np.nan, limit))
            .fill_nan(None)
            .cast(pl.Decimal(18, 2)),
            "is_strategic": pl.Series(strategic),
            "group_id": pl.Series(
                [
                    f"G{number + 1:04d}" if member else None
                    for number, member in zip(group, grouped, strict=True)
                ],
                dtype=pl.String,
            ),
        }
    )


def _legal_forms(country: IntArray, is_person: BoolArray, random: np.random.Generator) -> list[str]:
    draws = random.integers(0, 1 << 16, len(country))
    profiles = [COUNTRIES[COUNTRY_CODES[code]] for code in country.tolist()]
    return [
        profile.sole_trader_form if person else profile.legal_forms[draw % len(profile.legal_forms)]
        for profile, person, draw in zip(profiles, is_person.tolist(), draws.tolist(), strict=True)
    ]


def _choose_index(random: np.random.Generator, weights: list[float], count: int) -> IntArray:
    share = np.array(weights)
    return random.choice(len(weights), size=count, p=share / share.sum())


def _choose(random: np.random.Generator, weights: dict[str, float], count: int) -> StrArray:
    return np.array(list(weights))[_choose_index(random, list(weights.values()), count)]
