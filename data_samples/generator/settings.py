"""Every parameter of the simulated world, each with its source or the mark `assumed`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from features.errors import Fault, InvalidInputError

LEDGER_END = date(2026, 6, 30)
"""Last day of the default world: a fixed date, so that a sample does not age with the clock."""


def _table(**values: float) -> Mapping[str, float]:
    return MappingProxyType(values)


@dataclass(frozen=True)
class CountryProfile:
    """How payers of one country differ. All assumed.

    Attributes:
        weight: relative number of customers.
        lateness_days: shift of the usual payment day.
        august: payment speed in August relative to the rest of the year.
        legal_forms: the usual forms of companies.
        sole_trader_form: what a natural person in business is called.
        french_share: share of customers who write in French.
    """

    weight: float
    lateness_days: float
    august: float
    legal_forms: tuple[str, ...]
    sole_trader_form: str
    french_share: float


COUNTRIES: Mapping[str, CountryProfile] = MappingProxyType(
    {
        "FR": CountryProfile(0.72, 0.0, 0.45, ("SAS", "SARL", "SA", "SCOP"), "EI", 0.97),
        "BE": CountryProfile(0.08, 0.5, 0.75, ("SA", "SRL"), "personne physique", 0.65),
        "DE": CountryProfile(0.07, -3.0, 0.90, ("GmbH", "AG"), "Einzelunternehmen", 0.05),
        "GB": CountryProfile(0.05, 1.5, 0.90, ("Ltd", "PLC"), "sole trader", 0.0),
        "ES": CountryProfile(0.04, 2.5, 0.50, ("SL", "SA"), "autónomo", 0.15),
        "IT": CountryProfile(0.02, 3.0, 0.40, ("SRL", "SPA"), "ditta individuale", 0.10),
        "NL": CountryProfile(0.02, -2.0, 0.85, ("BV", "NV"), "eenmanszaak", 0.0),
    }
)


@dataclass(frozen=True)
class WorldSettings:
    """The simulated world, from its size to its habits.

    Sources: "Altares" is the lateness survey of French firms, end 2023 to mid-2025, as summed up in the field
    notes (mean 12.6 to 14.1 days, 7 to 8 % of firms more than 30 days late; less than 3 staff above 15 days,
    3 to 49 staff 12.3 to 12.5 days; trade below 12.6, transport, IT and hotels 14 to 15, industry and
    construction below 11). Those figures count firms, not invoices; so does the calibration: the mean lateness
    of a customer (early counted as nought) is near 12 days, and 7 to 8 % of customers pay more than 30 days late
    on average. Counted by invoice, about 38 % are paid late, 10 % more than 30 days late, 10 days on average.
    Everything else is assumed, and chosen so that a perfect forecaster reaches an AUC of 0.75 to 0.80 for "paid
    after the due date", as real ledgers allow.
    """

    customers: int
    months: int
    seed: int
    end: date = LEDGER_END
    regime_change_month: int | None = None
    """First month (1 = first of the world) of a harder economy; null: none."""

    # --- who the customers are (assumed unless said) ---
    sector_weight: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType(
            {"46": 0.17, "47": 0.10, "49": 0.08, "62": 0.09, "55": 0.05, "56": 0.07, "41": 0.06, "43": 0.13,
             "25": 0.08, "10": 0.06, "28": 0.05, "70": 0.06}
        )
    )  # fmt: skip
    sector_lateness_days: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType(
            {"46": -0.5, "47": -0.5, "49": 3.5, "62": 3.0, "55": 4.0, "56": 3.5, "41": -3.0, "43": -2.5,
             "25": -3.0, "10": -2.5, "28": -3.0, "70": 0.5}
        )
    )  # fmt: skip
    """The order of sectors is that of Altares; the size of the differences is assumed."""
    size_weight: Mapping[str, float] = field(
        default_factory=lambda: _table(micro=0.34, small=0.36, medium=0.20, large=0.10)
    )
    size_lateness_days: Mapping[str, float] = field(
        default_factory=lambda: _table(micro=2.0, small=-0.5, medium=0.0, large=2.5)
    )  # micro: Altares; large firms pay suppliers later: Banque de France 2024 as quoted in the field notes
    size_amount_factor: Mapping[str, float] = field(
        default_factory=lambda: _table(micro=0.45, small=1.0, medium=2.4, large=6.0)
    )
    natural_person_share_of_micro: float = 0.35
    strategic_share: float = 0.03
    grouped_share: float = 0.12
    missing_credit_limit_share: float = 0.30
    present_at_start_share: float = 0.72
    leaving_share_per_year: float = 0.07

    # --- habits (assumed, calibrated on late share, mean lateness, attainable AUC) ---
    habit_centre_days: float = -18.5
    """Usual payment day of the median payer, in days past due."""
    habit_spread_days: float = 5.0
    chronic_share: float = 0.10
    """Customers who use their suppliers as a bank: their habit is later by a lognormal number of days."""
    chronic_extra_days: float = 26.0
    habit_drift_days: float = 1.4
    """Standard deviation of the monthly step of a customer's habit, which returns to its own centre."""
    habit_persistence: float = 0.92
    hesitation_days: float = 9.0
    """Median width of the rise of the payment intensity around the habit."""
    payment_speed: float = 0.12
    """Median intensity a day once the usual payment day is past."""
    large_amount_days: float = 2.0
    """Days later for an invoice e times larger than the customer's usual one."""
    sector_climate_days: float = 2.0
    """Days later when the sector's climate is one standard deviation worse."""
    run_kinds: Mapping[str, float] = field(
        default_factory=lambda: _table(
            daily=0.34, weekly=0.33, tenth_and_25th=0.18, month_end=0.08, twice_weekly=0.07
        )
    )
    run_held_probability: float = 0.94
    """Chance that a scheduled payment run takes place."""
    year_end_speed: float = 0.35
    """Payment speed from 24 December to 2 January."""

    # --- cash: healthy, strained, distressed, insolvent (assumed; insolvency rate about 1 % a year) ---
    strain_onset_per_year: float = 0.38
    strain_to_distress_per_day: float = 1 / 100
    strain_to_healthy_per_day: float = 1 / 90
    distress_to_healthy_per_day: float = 1 / 140
    distress_to_insolvent_per_day: float = 1 / 1500
    cash_speed: tuple[float, float, float] = (1.0, 0.28, 0.06)
    """Payment speed when healthy, strained, distressed."""
    order_share: tuple[float, float, float, float] = (1.0, 0.60, 0.40, 0.0)
    """Orders when healthy, strained, distressed, insolvent: the drop comes before the cash trouble."""

    # --- what goes wrong with one invoice (assumed) ---
    forgotten_share: float = 0.06
    dispute_share: float = 0.035
    blocked_share: float = 0.012
    blocked_share_without_order_number: float = 0.22
    blocked_share_by_post: float = 0.02
    administrative_onset_per_year: float = 0.30
    """Times a year that a customer's accounts department is upset: new software, move, outsourcing, takeover."""
    administrative_days: float = 80.0
    """Mean length of such a phase."""
    blocked_share_in_phase: float = 0.40
    """Added chance that an invoice issued in such a phase gets stuck."""
    full_credit_share: float = 0.12
    """Disputes that end with the invoice credited in full."""
    partial_credit_share: float = 0.40
    commercial_credit_share: float = 0.006
    """Invoices that get a small credit note for reasons of their own (returned packaging, rebate)."""
    part_payment_share: tuple[float, float, float] = (0.015, 0.10, 0.40)
    """Payments that cover only a part, when healthy, strained, distressed."""
    third_instalment_share: float = 0.35
    part_speed: tuple[float, float, float] = (0.06, 0.04, 0.02)
    """Intensity a day of the next instalment."""

    # --- reminders (assumed) ---
    reminder_days: tuple[int, ...] = (5, 15, 30, 45)
    reminder_window_days: int = 7
    reminder_speed: float = 1.5
    """Payment speed in the window after a reminder."""

    # --- invoices (assumed) ---
    invoices_per_month: float = 1.25
    """Median over customers at full activity."""
    invoices_per_month_log_sd: float = 0.85
    amount_eur: float = 1400.0
    amount_between_log_sd: float = 0.7
    amount_within_log_sd: float = 0.75
    month_end_share: float = 0.38
    missing_terms_share: float = 0.03
    other_reading_share: float = 0.04
    """Customers whose bookkeeping prints the other lawful reading of "fin de mois"."""
    due_slip_share: float = 0.005

    # --- booking (assumed; a bank statement is usually booked the next working day) ---
    booking_lag_shares: tuple[float, ...] = (0.35, 0.40, 0.20, 0.05)
    reversal_share: float = 0.003
    overpayment_share: float = 0.004
    short_cents_share: float = 0.010

    # --- correspondence (assumed) ---
    strained_mails_per_month: float = 1.0
    distressed_mails_per_month: float = 1.2
    neutral_mails_per_month: float = 0.07
    change_mails_per_month: float = 0.004
    phase_change_mails_per_month: float = 0.35
    """Letters about the change itself while an administrative phase lasts."""
    phase_blocked_mails_per_month: float = 0.35
    """Letters about invoices held by process that name none, while it lasts."""
    dispute_mail_share: float = 0.80
    blocked_mail_share: float = 0.65
    promise_mail_share: float = 0.22
    payment_sent_mail_share: float = 0.05
    insolvency_mail_share: float = 0.85

    # --- regime change (assumed) ---
    regime_lateness_days: float = 5.0
    regime_strain_factor: float = 2.0

    tail_days: int = 540
    """Days for which each invoice is followed after its issue, beyond the end of the ledger if need be."""

    def __post_init__(self) -> None:
        faults = []
        if self.customers < 1:
            faults.append(
                Fault("too few customers", "customers", "at least 1", examples=(str(self.customers),))
            )
        if self.months < 1:
            faults.append(Fault("too few months", "months", "at least 1", examples=(str(self.months),)))
        if self.seed < 0:
            faults.append(
                Fault("negative seed", "seed", "a whole number from 0 on", examples=(str(self.seed),))
            )
        month = self.regime_change_month
        if month is not None and not 1 <= month <= self.months:
            faults.append(
                Fault(
                    "regime change outside the world",
                    "regime_change_month",
                    f"a month from 1 to {self.months}",
                    examples=(str(month),),
                )
            )
        if faults:
            raise InvalidInputError("The world cannot be simulated with these settings.", faults)

    @property
    def start(self) -> date:
        """First day of the world: the first of a month, `months` months up to and with the month of `end`."""
        first = self.end.year * 12 + self.end.month - self.months
        return date(first // 12, first % 12 + 1, 1)

    @property
    def days(self) -> int:
        """Days of the ledger, from `start` to `end`, both counted."""
        return (self.end - self.start).days + 1
