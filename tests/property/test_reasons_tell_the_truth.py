"""Every figure of every reason of the sample's open invoices, recomputed from the ledger in plain loops.

A model on every column of the catalogue explains all open invoices of the sample ledger. Each sentence is read back
with a pattern, and each number in it is counted again from the ledger's rows as they were known before the day.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.asof import PaymentHistory, open_landmarks
from features.groups.catalogue import CATALOGUE
from features.groups.columns import FeatureColumn
from features.ledger import Ledger, read_ledger
from features.settings import LedgerSettings
from models.explanation.groups import group_of
from models.explanation.reasons import Reason
from models.explanation.wording import value_with_unit
from models.hazard.settings import HazardSettings
from models.score import Score, score
from models.training.from_ledger import train_bundle, training_input
from models.training.selection import TrainingSettings
from tests.property import reference_features as reference
from tests.property.ledger_worlds import SIGNAL_DTYPES
from tests.property.reference_arithmetic import within
from tests.property.reference_context import cold_start, sector_context
from tests.property.reference_facts import DAY, Facts, Invoice, Row, cents
from tests.property.reference_invoice import communication, invoice_terms

AS_OF = dt.date(2026, 7, 1)
SAMPLE = Path(__file__).parents[2] / "data_samples" / "ledger"
QUICK = TrainingSettings(
    hazard=HazardSettings(threads=1, card_rows=4_000),
    leaves=(4,),
    max_trees=20,
    least_judges=0,
    max_invoices=600,
)
GROUPS: dict[str, Callable[[Facts, Row], dict[str, float | None]]] = {
    "payment_behaviour": reference.payment_behaviour,
    "payment_runs": reference.payment_runs,
    "rfm": reference.rfm,
    "exposure": reference.exposure,
    "order_trend": reference.order_trend,
    "invoice_terms": invoice_terms,
    "sector_context": sector_context,
    "cold_start": cold_start,
    "communication": communication,
}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class CachedFacts(Facts):
    """The plain-loop facts, each customer's invoices and outcomes found once: every landmark is of one day."""

    def __init__(self, ledger: Ledger, signals: pl.DataFrame, settings: LedgerSettings) -> None:
        super().__init__(ledger, signals, settings)
        self._of_invoice: dict[str, list[Row]] = {}
        for row in self.tables["payments"]:
            self._of_invoice.setdefault(row["invoice_id"], []).append(row)
        self.invoices = cache(super().invoices)  # type: ignore[method-assign]
        self.outcomes = cache(super().outcomes)  # type: ignore[method-assign]

    def allocations(self, invoice: Invoice, t: dt.date) -> list[Row]:
        whole = self.tables["payments"]
        self.tables["payments"] = self._of_invoice.get(invoice.invoice_id, [])
        try:
            return super().allocations(invoice, t)
        finally:
            self.tables["payments"] = whole


def invented_signals(emails: pl.DataFrame) -> pl.DataFrame:
    """What the sample's mails might say, drawn from their ids: reading them is not what is tested here."""
    rows = []
    for number, mail in enumerate(emails.sort("email_id").iter_rows(named=True)):
        says = {name: (number * 7 + place * 13) % 11 == 0 for place, name in enumerate(SIGNAL_DTYPES)}
        promised = mail["sent_at"].date() + 9 * DAY if number % 6 == 0 else None
        rows.append(
            {
                **says,
                **{name: mail[name] for name in ("email_id", "customer_id", "sent_at", "direction")},
                "auto_reply": number % 17 == 0,
                "promise_date": promised,
                "promise_amount": None,
                "tone": (number % 5 - 2) / 4,
            }
        )
    return pl.DataFrame(rows, schema=SIGNAL_DTYPES)


class World:
    """The sample ledger, its open invoices with their scores, and what can be counted of it."""

    def __init__(self, settings: LedgerSettings) -> None:
        ledger = read_ledger(SAMPLE)
        assert ledger.emails is not None
        signals = invented_signals(ledger.emails)
        history = PaymentHistory.from_ledger(ledger, settings, signals)
        bundle, _ = train_bundle(training_input(ledger, history, AS_OF, QUICK), QUICK)
        landmarks = open_landmarks(ledger, AS_OF, settings)
        self.facts = CachedFacts(ledger, signals, settings)
        self.marks = {row["invoice_id"]: row for row in landmarks.to_dicts()}
        self.scores = score(bundle, history, landmarks).rows()
        self.settings = settings

    @cache  # noqa: B019  (the worlds live as long as the module)
    def values(self, group: str, invoice_id: str) -> dict[str, float | None]:
        """The reference's features of one group and invoice."""
        return GROUPS[group](self.facts, self.marks[invoice_id])

    def others(self, mark: Row) -> list[Invoice]:
        everything = self.facts.invoices(mark["customer_id"], AS_OF)
        return [invoice for invoice in everything if invoice.invoice_id != mark["invoice_id"]]


@pytest.fixture(scope="module", params=[0, 5], ids=lambda days: f"{days} days of grace")
def world(request: pytest.FixtureRequest) -> World:
    return World(LedgerSettings(grace_days=request.param))


def reasons(world: World) -> Iterator[tuple[Score, Reason]]:
    for scored in world.scores:
        assert scored.explanation is not None
        for reason in scored.explanation.reasons:
            yield scored, reason


# ------------------------------------------------------------------- what each sentence says, counted again


def figure(text: str) -> float:
    return float(text.replace(",", "").replace("€", ""))


def around(late: int) -> str:
    if late == 0:
        return "on the due date"
    return f"{abs(late)} day{'' if abs(late) == 1 else 's'} {'after' if late > 0 else 'before'} the due date"


def check_habit(world: World, mark: Row, found: re.Match[str]) -> None:
    last = world.facts.settled(mark["customer_id"], AS_OF)[-10:]
    late = sum(invoice.days_late > world.settings.grace_days for invoice in last)
    mean = sum(invoice.days_late for invoice in last) / len(last)
    told = found.groupdict()
    if told["only"] is not None:
        assert len(last) == 1
        assert ("not" not in told["only"]) == (late == 1)
    else:
        assert int(told["count"]) == len(last)
        assert int(told["late"] or 0) == late
    assert told["when"] == around(round(mean))
    assert (told["grace"] is None) == (world.settings.grace_days == 0)
    assert told["grace"] is None or int(told["grace"]) == world.settings.grace_days


def check_unpaid_and_late(world: World, mark: Row, found: re.Match[str]) -> None:
    outcomes = world.facts.outcomes(mark["customer_id"], AS_OF)
    late, count = sum(o.late for o in outcomes), sum(o.count for o in outcomes)
    assert count > len(world.facts.settled(mark["customer_id"], AS_OF))
    if found["only"] is not None:
        assert (late, count) == (1, 1)
    else:
        assert (int(found["late"]), int(found["count"])) == (late, count)
    assert (found["grace"] is None) == (world.settings.grace_days == 0)


def check_no_history(world: World, mark: Row, found: re.Match[str]) -> None:
    assert world.facts.settled(mark["customer_id"], AS_OF) == []


def check_exposure(world: World, mark: Row, found: re.Match[str]) -> None:
    others = world.others(mark)
    still_open = [invoice for invoice in others if invoice.closed_known is None]
    overdue = [invoice for invoice in still_open if invoice.due < AS_OF]
    told = found.groupdict()
    if told["none"] is not None:
        assert still_open == []
        return
    is_overdue = told["state"] == "overdue"
    assert int(told["count"]) == len(overdue if is_overdue else still_open)
    assert is_overdue == bool(overdue)
    owed = [invoice for invoice in others if invoice.due < AS_OF or not is_overdue]
    amount = sum(invoice.open_amount(AS_OF) for invoice in owed) / 100
    sign = -1 if told["credit"] else 1
    assert sign * figure(told["amount"]) == pytest.approx(amount, abs=0.51)
    if is_overdue:
        assert int(told["oldest"]) == max((AS_OF - invoice.due).days for invoice in overdue)


def check_disputes(world: World, mark: Row, found: re.Match[str]) -> None:
    every = world.facts.disputes(mark["customer_id"], AS_OF)
    own = sum(row["is_open"] for row in every if row["invoice_id"] == mark["invoice_id"])
    elsewhere = sum(row["is_open"] for row in every if row["invoice_id"] != mark["invoice_id"])
    opened = sum(within(row["opened"], AS_OF, 365) for row in every)
    told = {name: int(text) for name, text in found.groupdict().items() if text is not None}
    assert told.get("own", 0) == own
    assert (told.get("others") or told.get("elsewhere") or 0) == elsewhere
    if own == 0 and elsewhere == 0:
        assert told.get("opened", 0) == opened


def check_incidents(world: World, mark: Row, found: re.Match[str]) -> None:
    bounces = world.facts.bounces(mark["customer_id"], AS_OF)
    lost = [i for i in world.facts.invoices(mark["customer_id"], AS_OF) if i.closed_by == "written_off"]
    assert int(found["bounced"] or 0) == len(bounces)
    assert int(found["lost"] or 0) == len(lost)
    if bounces:
        assert int(found["latest"]) == (AS_OF - bounces[-1]).days


def check_credit(world: World, mark: Row, found: re.Match[str]) -> None:
    credit = world.facts.unapplied_credit(mark["customer_id"], AS_OF) / 100
    cash = world.facts.on_account(mark["customer_id"], AS_OF) / 100
    assert figure(found["credit"]) == pytest.approx(credit, abs=0.51)
    assert figure(found["cash"]) == pytest.approx(cash, abs=0.51)


def check_reminders(world: World, mark: Row, found: re.Match[str]) -> None:
    own = world.facts.reminders(AS_OF, invoice_id=mark["invoice_id"])
    every = world.facts.reminders(AS_OF, customer_id=mark["customer_id"])
    assert int(found["own"] or 0) == len(own)
    assert int(found["every"] or 0) == sum(within(day, AS_OF, 90) for day in every)


def check_invoice(world: World, mark: Row, found: re.Match[str]) -> None:
    row = next(row for row in world.facts.tables["invoices"] if row["invoice_id"] == mark["invoice_id"])
    assert row["currency"] == "EUR"
    assert figure(found["amount"]) == pytest.approx(cents(row["amount"]) / 100, abs=0.51)
    late = (AS_OF - row["due_on"]).days
    if found["late"] is not None:
        assert int(found["late"]) == late
    else:
        assert int(found["left"] or 0) == -late
        assert int(found["granted"]) == (row["due_on"] - row["issued_on"]).days


def check_run(world: World, mark: Row, found: re.Match[str]) -> None:
    runs = [
        run for run in world.facts.paydays(mark["customer_id"], AS_OF) if within(run["known"], AS_OF, 365)
    ]
    due = mark["due_on"]
    wait = int(found["wait"] or 0)
    if found["weekday"] is not None:
        weekday = WEEKDAYS.index(found["weekday"])
        share = sum(run["paid"].weekday() == weekday for run in runs) / len(runs)
        assert wait == (weekday - due.weekday()) % 7
    else:
        days = Counter(run["paid"].day for run in runs)
        chosen = sorted(days, key=lambda day: (-days[day], day))[:2]
        share = sum(days[day] for day in chosen) / len(runs)
        first = next(k for k in range(62) if reference.is_run_day(due + k * DAY, chosen))
        assert wait == first
    assert int(found["share"]) == pytest.approx(100 * share, abs=0.51)
    assert share >= 0.5


def check_pace(world: World, mark: Row, found: re.Match[str]) -> None:
    runs = world.facts.paydays(mark["customer_id"], AS_OF)
    assert int(found["known"]) == (AS_OF - max(run["known"] for run in runs)).days
    assert int(found["days"]) == sum(within(run["known"], AS_OF, 90) for run in runs)


def check_orders(world: World, mark: Row, found: re.Match[str]) -> None:
    everything = world.facts.invoices(mark["customer_id"], AS_OF)
    earlier = [invoice.amount for invoice in everything if invoice.issued < mark["issued_on"]]
    ratio = cents(mark["amount"]) / (sum(earlier) / len(earlier))
    assert figure(found["ratio"]) == pytest.approx(ratio, abs=0.051)


def check_sector(world: World, mark: Row, found: re.Match[str]) -> None:
    customers = world.facts.customers
    me = customers[mark["customer_id"]]
    for name, chosen in (
        ("sector", [key for key, row in customers.items() if row["sector"] == me["sector"]]),
        ("all", list(customers)),
    ):
        late = count = 0
        for key in chosen:
            if key != mark["customer_id"]:
                for outcome in world.facts.outcomes(key, AS_OF):
                    if within(outcome.known, AS_OF, 365):
                        late, count = late + outcome.late, count + outcome.count
        assert int(found[name]) == pytest.approx(100 * late / count, abs=0.51)
    assert (found["grace"] is None) == (world.settings.grace_days == 0)


def check_depth(world: World, mark: Row, found: re.Match[str]) -> None:
    assert int(found["depth"]) == len(world.facts.settled(mark["customer_id"], AS_OF))
    mean = world.values("cold_start", mark["invoice_id"])["days_late_shrunk_all"]
    assert mean is not None
    assert found["when"] == around(round(mean))


_WHEN = r"(?P<when>on the due date|\d+ days? (?:after|before) the due date)"
_LATE = r"(?:late|more than (?P<grace>\d+) days? late)"
_MONEY = r"€(?P<amount>[\d,]+) (?P<credit>in credit )?net of payments and credits"
SENTENCES: tuple[tuple[str, Callable[[World, Row, re.Match[str]], None]], ...] = (
    (
        r"(?:(?P<only>the only invoice that has come due is) "
        r"|(?P<late>\d+) of the (?P<count>\d+) invoices whose outcome is known (?:was|were) )"
        + _LATE
        + r", (?:still unpaid|those still unpaid included)",
        check_unpaid_and_late,
    ),
    ("no settled invoice known of this customer", check_no_history),
    (
        r"(?:(?:the only settled invoice known (?P<only>was|was not))"
        r"|(?:(?:(?P<late>\d+)|none) of the last (?P<count>\d+) settled invoices (?:was|were))) "
        + _LATE
        + r"(?:, settled|; on average settled) "
        + _WHEN,
        check_habit,
    ),
    (
        r"(?P<none>no other open invoice)|(?P<count>\d+) other (?P<state>overdue|open) invoices?"
        r"(?:, (?:none|not) overdue)?: " + _MONEY + r"(?:, the oldest (?P<oldest>\d+) days? past due)?",
        check_exposure,
    ),
    (
        r"(?P<own>\d+) open disputes? on this invoice(?:, (?P<others>\d+) on other invoices of the customer)?"
        r"|(?P<elsewhere>\d+) open disputes? on other invoices of the customer, none on this one"
        r"|no open dispute, (?:(?P<opened>\d+)|none) opened over 365 days",
        check_disputes,
    ),
    (
        r"(?:(?P<bounced>\d+) bounced payments?, the latest (?P<latest>\d+) days? ago|no bounced payment); "
        r"(?:(?P<lost>\d+) invoices? written off|no invoice written off)",
        check_incidents,
    ),
    (
        r"credit notes not set against an invoice: (?P<credit>-?€-?[\d,]+); cash on account: (?P<cash>-?€-?[\d,]+)",
        check_credit,
    ),
    (
        r"(?:(?P<own>\d+) reminders?|no reminder) for this invoice, "
        r"(?:(?P<every>\d+)|none) to this customer over 90 days",
        check_reminders,
    ),
    (
        r"invoice of €(?P<amount>[\d,]+), (?:(?P<late>\d+) days? past due"
        r"|due (?:today|in (?P<left>\d+) days?), (?P<granted>\d+) days? after its issue)",
        check_invoice,
    ),
    (
        r"pays on (?:(?P<weekday>\w+day)s|fixed days of the month) \((?P<share>\d+)% of its payment days over "
        r"365 days\), (?:the due date is one|the next one (?P<wait>\d+) days? after the due date)",
        check_run,
    ),
    (
        r"latest payment known for (?P<known>\d+) days?, (?P<days>\d+) payment days? over 90 days",
        check_pace,
    ),
    (r"amount (?P<ratio>[\d.,]+) times the mean of the customer's earlier invoices", check_orders),
    (
        r"other customers over 365 days: (?P<sector>\d+)% of invoices " + _LATE + r" in the sector, "
        r"(?P<all>\d+)% in all",
        check_sector,
    ),
    (
        r"(?P<depth>\d+) settled invoices? known; with similar customers counted in, settled "
        + _WHEN
        + r" on average",
        check_depth,
    ),
)
BY_LABEL: dict[str, list[FeatureColumn]] = {}
for column in CATALOGUE:
    BY_LABEL.setdefault(column.label.en, []).append(column)


def check_named(world: World, scored: Score, reason: Reason) -> None:
    """A reason without a sentence of its own: the feature's label and its value."""
    label, value = reason.text.en.rsplit(": ", 1)
    columns = [column for column in BY_LABEL[label] if group_of(column) == reason.group]
    known = {column: world.values(column.group, scored.invoice_id)[column.name] for column in columns}
    told = {
        "unknown" if number is None else value_with_unit(number, column.unit, "en")
        for column, number in known.items()
    }
    assert value in told, (scored.invoice_id, reason.text.en, told)


def test_every_figure_of_every_reason_is_in_the_ledger(world: World) -> None:
    seen: Counter[str] = Counter()
    for scored, reason in reasons(world):
        for pattern, check in SENTENCES:
            found = re.fullmatch(pattern, reason.text.en)
            if found is not None:
                try:
                    check(world, world.marks[scored.invoice_id], found)
                except AssertionError as error:
                    raise AssertionError(f"{scored.invoice_id}: {reason.text.en}") from error
                seen[check.__name__] += 1
                break
        else:
            check_named(world, scored, reason)
            seen["check_named"] += 1
    assert len(world.scores) > 300
    assert {check.__name__ for _, check in SENTENCES} | {"check_named"} == set(seen) | ONLY_SOMETIMES
    assert sum(seen.values()) > 3 * len(world.scores)


ONLY_SOMETIMES = {"check_credit", "check_incidents", "check_no_history"}
"""The sample's open invoices need not hold a customer of that kind."""


def numbers(text: str) -> list[Any]:
    """Figures of a sentence in order, as whole numbers or decimals."""
    plain = re.sub(r"(?<=\d)[\u202f,](?=\d{3})", "", text)
    return [float(found.replace(",", ".")) for found in re.findall(r"\d+(?:[.,]\d+)?", plain)]


def test_both_languages_tell_the_same_figures(world: World) -> None:
    for _, reason in reasons(world):
        assert numbers(reason.text.fr) == numbers(reason.text.en), reason


def test_no_reason_is_the_stage_of_the_invoice(world: World) -> None:
    for _, reason in reasons(world):
        assert "stage" not in reason.group
        assert "stade" not in reason.text.fr
        assert "stage" not in reason.text.en


def test_contributions_add_up_for_every_open_invoice(world: World) -> None:
    for scored in world.scores:
        told = scored.explanation
        assert told is not None
        named = sum(reason.contribution for reason in told.reasons)
        assert abs(told.base + named + told.others + told.calibration - told.probability) < 1e-9
