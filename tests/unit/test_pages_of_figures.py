"""What the pages add up and draw, against figures worked by hand."""

import ast
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.words import Text
from serving.pages.charts import LABEL_WIDTH, WIDTH, timeline, waterfall
from serving.pages.listing import ORDERS, PAGE_ROWS, Query, listing_of
from serving.pages.portfolio import portfolios
from serving.pages.rendering import language_of
from serving.pages.worklist import COLUMNS, decoded, worklist_of

AS_OF = "2026-07-01"
NAMES = pl.DataFrame({"customer_id": ["C1", "C2"], "name": ["Atelier Un", None]})


def body(invoice_id: str, customer_id: str, due_on: str, balance: str, **changes) -> str:
    decision = {
        "sequence_id": "standard",
        "gate_id": None,
        "next_step": None,
        "why": [{"fr": "parce que", "en": "because"}],
        "hold_until": None,
        "requires_approval": False,
        "approval_level": None,
        "balance_amount": balance,
        "currency": changes.pop("currency", "EUR"),
        "segment": "prompt",
        "state": "overdue",
        "benefit": None,
    }
    answer = {
        "score_id": f"score-{invoice_id}",
        "invoice_id": invoice_id,
        "customer_id": customer_id,
        "as_of": AS_OF,
        "due_on": due_on,
        "p_late": 0.5,
        "p_late_30": 0.25,
        "payment_date_p10": "2026-07-02",
        "payment_date_p50": "2026-07-08",
        "payment_date_p90": "2026-08-01",
        "grade": "C",
        "explanation": {"reasons": []},
        "decision": decision,
        **changes,
    }
    return json.dumps({"answer": answer, "caller": "nightly job", "change": 7})


BODIES = (
    body("F1", "C1", "2026-07-15", "1000.00", grade="A", p_late_30=0.1),
    body("F2", "C1", "2026-06-01", "500.10", grade="E", p_late_30=0.5),
    body("F3", "C2", "2026-06-30", "0.05", p_late_30=1.0, payment_date_p50="2026-12-01"),
    body("F4", "C2", "2026-01-01", "70.00", currency="USD"),
)


@pytest.fixture
def rows() -> pl.DataFrame:
    return worklist_of(
        3, dt.datetime(2026, 7, 1, 2, tzinfo=dt.UTC), [decoded(BODIES[:1]), decoded(BODIES[1:])], NAMES
    ).rows


def test_a_worklist_holds_one_row_per_answer(rows):
    assert tuple(rows.columns) == COLUMNS
    assert rows["invoice_id"].to_list() == ["F3", "F2", "F4", "F1"], "unknown benefit: the riskiest first"
    second = rows.row(1, named=True)
    assert second["balance"] == Decimal("500.10")
    assert second["days_past_due"] == 30
    assert (second["name"], second["decider"], second["why_en"]) == ("Atelier Un", "no_step", "because")


def test_a_night_without_open_invoices_is_an_empty_worklist():
    empty = worklist_of(1, None, (), NAMES)
    assert empty.rows.height == 0
    assert empty.as_of is None
    assert listing_of(empty.rows, Query()).pages == 1
    assert portfolios(empty.rows) == ()


def test_a_reader_of_some_accounts_gets_their_rows_only(rows):
    worklist = worklist_of(3, None, [decoded(BODIES)], NAMES)
    assert worklist.seen_by({"C2"})["customer_id"].unique().to_list() == ["C2"]
    assert worklist.seen_by(()).is_empty()
    assert worklist.seen_by(None).height == 4


def test_the_portfolio_adds_up_by_hand(rows):
    """Hand calculation: 1000.00 + 500.10 + 0.05; expected 0.1 x 1000 + 0.5 x 500.10 + 1 x 0.05 = 350.10."""
    euros, dollars = portfolios(rows)
    assert (euros.currency, euros.total, euros.overdue) == ("EUR", Decimal("1500.15"), Decimal("500.15"))
    assert euros.late_30 == Decimal("350.10")
    exposure = dict(euros.exposure)
    assert exposure["A"][0] == Decimal("1000.00")
    assert exposure["E"] == (0, Decimal("500.10"), 0, 0, 0, 0), "30 days past due is the bucket of 1 to 30"
    assert exposure["C"][1] == Decimal("0.05")
    assert dict(euros.weeks)[dt.date(2026, 7, 6)] == Decimal("1500.10")
    assert euros.beyond == Decimal("0.05")
    assert [row["customer_id"] for row in euros.largest] == ["C1", "C2"]
    assert euros.largest[0]["grade"] == "E", "the weakest"
    assert (dollars.currency, dollars.total) == ("USD", Decimal("70.00")), "currencies are never added"
    assert dict(dollars.exposure)["C"][4] == Decimal("70.00")


def test_a_list_says_its_balance_by_currency(rows):
    listing = listing_of(rows, Query())
    assert listing.balances == (("EUR", Decimal("1500.15")), ("USD", Decimal("70.00")))
    assert dict(listing.choices["grade"]) == {"C": 2, "A": 1, "E": 1}
    searched = listing_of(rows, Query(text="ATELIER"))
    assert {row["invoice_id"] for row in searched.rows} == {"F1", "F2"}


@given(st.integers(0, 130), st.integers(1, 9), st.sampled_from(sorted(ORDERS)))
def test_pages_of_a_list_hold_every_row_once(count, page, order):
    bodies = [body(f"F{n}", "C1", "2026-07-15", f"{n}.00") for n in range(count)]
    rows = worklist_of(1, None, [decoded(bodies)], NAMES).rows
    pages = listing_of(rows, Query(order=order)).pages
    seen = [
        row["invoice_id"]
        for number in range(1, pages + 1)
        for row in listing_of(rows, Query(order=order, page=number)).rows
    ]
    assert sorted(seen) == sorted(rows["invoice_id"].to_list())
    assert pages == max(-(-count // PAGE_ROWS), 1)
    assert listing_of(rows, Query(order=order, page=page)).page == min(page, pages)


@given(
    st.floats(0, 1),
    st.lists(st.floats(-0.4, 0.4).filter(lambda change: abs(change) > 1e-6), max_size=8),
)
def test_a_waterfall_ends_where_its_steps_lead(base, changes):
    label = Text("f", "e")
    final = base + sum(changes)
    drawn = waterfall(base, [(label, label, change) for change in changes], final)
    assert len(drawn.bars) == len(changes) + 2
    assert drawn.bars[-2].level == pytest.approx(final)
    assert all(bar.x >= LABEL_WIDTH - 0.1 and bar.x + bar.width <= WIDTH for bar in drawn.bars)
    assert [bar.kind for bar in drawn.bars[1:-1]] == ["up" if change > 0 else "down" for change in changes]


@given(
    st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1)),
    st.lists(st.integers(-400, 400), min_size=6, max_size=6),
)
def test_a_timeline_keeps_days_in_order_and_on_the_drawing(first, offsets):
    days = [first + dt.timedelta(days=offset) for offset in offsets]
    p10, p50, p90 = sorted(days[3:])
    drawn = timeline([(Text("f", "e"), day) for day in days[:2]] + [(Text("f", "e"), None)], p10, p50, p90)
    places = [mark.x for mark in drawn.marks]
    assert places == sorted(places)
    assert len(places) == 2, "an unknown day has no mark"
    assert all(
        0 <= x <= WIDTH for x in (*places, drawn.band_x, drawn.median_x, drawn.band_x + drawn.band_width - 2)
    )
    assert drawn.band_x <= drawn.median_x <= drawn.band_x + drawn.band_width + 0.1


@pytest.mark.parametrize(
    ("asked", "cookie", "accepted", "expected"),
    [
        ("fr", "en", "en", "fr"),
        (None, "fr", "en", "fr"),
        (None, None, "de-DE,fr-CH;q=0.8,en;q=0.5", "fr"),
        ("xx", None, "", "en"),
        (None, None, "*", "en"),
    ],
)
def test_the_language_is_asked_for_then_remembered_then_the_browsers(asked, cookie, accepted, expected):
    assert language_of(asked, cookie, accepted) == expected


def test_every_template_that_a_page_names_exists():
    pages = Path(__file__).parents[2] / "serving" / "pages"
    named = {
        node.value
        for path in pages.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(".html")
    }
    assert "tonight.html" in named
    assert sorted(name for name in named if not (pages / "templates" / name).is_file()) == []
