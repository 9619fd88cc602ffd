"""What a ledger can hold beside invoices and payments in full, and what of it goes to quarantine."""

from __future__ import annotations

import datetime as dt
import hashlib
from decimal import Decimal

import polars as pl
import pytest

from features.errors import InvalidInputError
from features.ledger import as_known_before, check_tables, last_known_on, ledger_fingerprint, rule_message
from features.ledger.customers_at import customers_at, payers_at
from features.ledger.ledger import KNOWN_TIMES
from features.ledger.receivables import receivables
from features.ledger.schemas import SCHEMAS, table_dtypes
from tests.ledger_samples import day, frame, invoice, ledger, payment

INVOICE = {
    "invoice_id": "F1",
    "customer_id": "K1",
    "issued_on": "2024-01-10",
    "due_on": "2024-02-09",
    "amount": "900.00",
    "currency": "EUR",
}
PAYMENT = {
    "payment_id": "P1",
    "invoice_id": "F1",
    "paid_on": "2024-02-01",
    "amount": "100.00",
    "method": "transfer",
}
NOTE = {"invoice_id": "A1", "kind": "credit_note", "amount": "50.00"}


def check(payments=(), invoices=(), **tables):
    frames = {
        "invoices": pl.DataFrame([{"kind": "invoice", **INVOICE, **row} for row in ({}, *invoices)]),
        "payments": pl.DataFrame(
            [{**PAYMENT, **row} for row in payments] or None,
            schema=dict.fromkeys({**PAYMENT, **(payments[0] if payments else {})}, pl.String),
        ),
    }
    return check_tables(frames | {name: pl.DataFrame(rows) for name, rows in tables.items()})


def quarantined(checked, table):
    return dict(checked.report.table(table).quarantined)


def warnings(checked, language="en"):
    return [note.text.in_language(language) for note in checked.report.warnings]


# ---------------------------------------------------------------------------------------------- payments


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"invoice_id": None, "customer_id": None}, "customer_id: neither invoice nor customer"),
        (
            {"invoice_id": None, "customer_id": "K1", "method": "discount"},
            "method: means nothing without an invoice",
        ),
        ({"customer_id": "K2"}, "customer_id: not the customer of its invoice"),
        ({"customer_id": None, "currency": "USD"}, "currency: paid in another currency than its invoice"),
        ({"amount": "-5.00"}, "amount: negative without method reversal or refund"),
        ({"amount": "5.00", "method": "refund"}, "amount: reversal or refund above zero"),
        ({"reverses_payment_id": "P1"}, "reverses_payment_id: on a row that is no reversal"),
    ],
)
def test_a_payment_that_contradicts_itself_goes_to_quarantine(row, rule):
    blank = {"customer_id": None, "currency": None, "reverses_payment_id": None}
    checked = check([{**blank, "payment_id": "P2", **row}])
    assert quarantined(checked, "payments") == {f"payments.{rule}": 1}


def test_cash_on_account_is_accepted_and_makes_its_customer_known():
    checked = check([{"invoice_id": None, "customer_id": "K7"}])
    assert checked.quarantine == {}
    assert checked.ledger.payments.select("invoice_id", "customer_id").rows() == [(None, "K7")]
    assert checked.ledger.customers["customer_id"].to_list() == ["K1", "K7"]


def test_any_row_on_a_credit_note_is_accepted_whatever_its_sign():
    rows = [
        {"payment_id": "a", "amount": "-50.00"},
        {"payment_id": "b", "method": "reversal", "amount": "50.00"},
    ]
    checked = check([{**row, "invoice_id": "A1"} for row in rows], invoices=[NOTE])
    assert checked.quarantine == {}


def test_unknown_methods_are_kept_as_other_and_named_with_their_count():
    rows = [
        {"payment_id": f"P{n}", "method": word} for n, word in enumerate(["virt", "virt", "Transfer", "card"])
    ]
    checked = check(rows)
    assert checked.ledger.payments["method"].to_list() == ["other", "other", "transfer", "card"]
    (english,) = [text for text in warnings(checked) if "payments.method" in text]
    (french,) = [text for text in warnings(checked, "fr") if "payments.method" in text]
    assert "'virt' (2" in english
    assert "gardés comme «\u202fother\u202f»" in french


def test_a_reversal_that_names_its_payment_only_takes_its_invoice():
    blank = {"reverses_payment_id": None, "customer_id": None}
    undone = {"payment_id": "R", "invoice_id": None, "amount": "-100.00", "method": "reversal"}
    checked = check([blank, {**blank, **undone, "reverses_payment_id": "p1"}])
    assert checked.quarantine == {}
    assert checked.ledger.payments.filter(pl.col("payment_id") == "R").select(
        "invoice_id", "reverses_payment_id"
    ).row(0) == ("F1", "P1")


def test_a_reversal_of_an_unknown_payment_is_accepted_with_a_warning():
    row = {"payment_id": "R", "amount": "-100.00", "method": "reversal", "reverses_payment_id": "P9"}
    checked = check([row])
    assert checked.quarantine == {}
    assert any("reverse a payment that is not in the ledger" in text for text in warnings(checked))


# ------------------------------------------------------------------------------------------- instalments


def parts(*amounts, invoice_id="F1", first="2024-02-09"):
    start = dt.date.fromisoformat(first)
    return [
        {"invoice_id": invoice_id, "due_on": str(start + dt.timedelta(30 * n)), "amount": amount}
        for n, amount in enumerate(amounts)
    ]


def test_instalments_that_add_up_are_numbered_by_due_date():
    checked = check(instalments=parts("300.00", "600.00")[::-1])
    assert checked.quarantine == {}
    found = checked.ledger.instalments.select("number", "due_on", "kind").rows()
    assert found == [(1, dt.date(2024, 2, 9), "instalment"), (2, dt.date(2024, 3, 10), "instalment")]


def test_instalments_that_do_not_add_up_are_all_rejected():
    checked = check(instalments=parts("300.00", "600.01"))
    assert quarantined(checked, "instalments") == {
        "instalments.amount: the instalments do not add up to the invoice": 2
    }
    assert any("due as a whole" in text for text in warnings(checked))
    assert receivables(checked.ledger).invoices["invoice_id"].to_list() == ["F1"]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"due_on": "2024-01-09"}, "due_on: before issued_on"),
        ({"due_on": "2034-01-09"}, "due_on: years after issued_on"),
        ({"kind": "part"}, "kind: unknown code"),
        ({"amount": "0"}, "amount: not above zero"),
    ],
)
def test_one_broken_instalment_takes_the_others_of_its_invoice_along(change, rule):
    rows = [{**row, "kind": "instalment"} for row in parts("300.00", "600.00")]
    checked = check(instalments=[{**rows[0], **change}, rows[1]])
    assert quarantined(checked, "instalments") == {
        f"instalments.{rule}": 1,
        "instalments.amount: the instalments do not add up to the invoice": 1,
    }


def test_instalments_whose_receivable_has_the_id_of_an_invoice_are_refused():
    checked = check(invoices=[{"invoice_id": "F1#2"}], instalments=parts("300.00", "600.00"))
    assert quarantined(checked, "instalments") == {
        "instalments.invoice_id: another invoice has the id of its receivable": 2
    }
    by_hand = ledger(
        [invoice(), invoice("F1#2")],
        [],
        instalments=[
            {
                "invoice_id": "F1",
                "number": n,
                "due_on": day(30),
                "amount": Decimal("500.00"),
                "kind": "instalment",
            }
            for n in (1, 2)
        ],
    )
    with pytest.raises(InvalidInputError, match=r"invoices.invoice_id: a receivable would have the id.*F1#2"):
        receivables(by_hand)


def test_each_instalment_is_a_receivable_with_its_part_of_what_was_allocated():
    whole = ledger(
        [invoice(cancelled_on=day(200))],
        [
            payment("p", "500.00", 20),
            payment("q", "-150.00", 25, method="reversal", reverses_payment_id="p"),
            payment("r", "700.00", 50),
        ],
        instalments=[
            {"invoice_id": "F1", "number": n, "due_on": day(30 * n), "amount": Decimal(amount), "kind": kind}
            for n, amount, kind in (
                (1, "400.00", "instalment"),
                (2, "400.00", "instalment"),
                (3, "200.00", "retention"),
            )
        ],
        disputes=[{"dispute_id": "D", "invoice_id": "F1", "opened_on": day(40), "amount": Decimal("100.01")}],
        interactions=[
            {
                "interaction_id": "X",
                "customer_id": "K1",
                "invoice_id": "F1",
                "happened_at": dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC),
                "kind": "reminder_sent",
            }
        ],
    )
    parted = receivables(whole)
    assert parted.instalments is None
    assert parted.invoices.select("invoice_id", "due_on", "amount", "cancelled_on").rows() == [
        ("F1#1", day(30), Decimal("400.00"), day(200)),
        ("F1#2", day(60), Decimal("400.00"), day(200)),
        ("F1#3", day(90), Decimal("200.00"), day(200)),
    ]
    assert parted.payments.select("payment_id", "invoice_id", "amount").rows() == [
        ("p#1", "F1#1", Decimal("400.00")),
        ("p#2", "F1#2", Decimal("100.00")),
        ("q#1", "F1#1", Decimal("-50.00")),
        ("q#2", "F1#2", Decimal("-100.00")),
        ("r#1", "F1#1", Decimal("50.00")),
        ("r#2", "F1#2", Decimal("400.00")),
        ("r#3", "F1#3", Decimal("250.00")),
    ]
    assert parted.payments["reverses_payment_id"].to_list()[2:4] == ["p#1", "p#2"]
    assert parted.disputes is not None
    assert parted.disputes.select("dispute_id", "amount").rows() == [
        ("D#1", Decimal("40.00")),
        ("D#2", Decimal("40.00")),
        ("D#3", Decimal("20.01")),
    ]
    assert parted.interactions is not None
    assert parted.interactions["invoice_id"].to_list() == ["F1#1", "F1#2", "F1#3"]


def test_a_ledger_without_instalments_is_its_own_receivables():
    plain = ledger([invoice()], [payment("p", "1.00", 3)])
    assert receivables(plain) is plain


# ------------------------------------------------------------------------------------------- ids and words


def test_references_meet_the_one_id_that_differs_in_case_or_form_only():
    checked = check(
        [{"invoice_id": "f1 "}],
        customers=[{"customer_id": "k1", "name": "Moulin"}],
        disputes=[{"dispute_id": "D", "invoice_id": "Ｆ1", "opened_on": "2024-02-20"}],
    )
    assert checked.quarantine == {}
    assert checked.ledger.invoices["customer_id"].to_list() == ["k1"]
    assert checked.ledger.payments["invoice_id"].to_list() == ["F1"]
    assert checked.ledger.disputes["invoice_id"].to_list() == ["F1"]


def test_a_reference_that_could_mean_two_ids_is_put_aside_by_name():
    checked = check(
        [{"invoice_id": "fa1"}], invoices=[{"invoice_id": "FA1"}, {"invoice_id": "Fa1", "amount": "1.00"}]
    )
    assert quarantined(checked, "payments") == {"payments.invoice_id: several ids differ in spelling only": 1}
    (note,) = [text for text in warnings(checked) if "differ in case or form" in text]
    assert "'FA1' / 'Fa1'" in note


def test_an_invoice_told_twice_under_two_spellings_is_one():
    checked = check([{"invoice_id": "f1"}], invoices=[{"invoice_id": "f1"}])
    assert checked.ledger.invoices["invoice_id"].to_list() == ["F1"]
    assert quarantined(checked, "invoices") == {
        "invoices.invoice_id: copy under another spelling of its id": 1
    }
    assert checked.ledger.payments["invoice_id"].to_list() == ["F1"]


@pytest.mark.parametrize("sign", ["\u2028", "\x85", "\u200b", "\u202e", "\x07"])
def test_ids_with_invisible_characters_go_to_quarantine(sign):
    checked = check(invoices=[{"invoice_id": f"F{sign}2"}])
    assert quarantined(checked, "invoices") == {"invoices.invoice_id: control or invisible character": 1}


def test_interactions_of_unknown_kind_go_to_quarantine_under_the_nearest_word():
    row = {"interaction_id": "1", "customer_id": "K1", "happened_at": "2024-02-01"}
    checked = check(
        interactions=[
            {**row, "kind": "Reminder Sent", "channel": "letter"},
            {**row, "interaction_id": "2", "kind": "remindr_sent", "channel": "email"},
            {**row, "interaction_id": "3", "kind": "xyz", "channel": "email"},
            {**row, "interaction_id": "4", "kind": "call", "channel": "pigeon"},
        ]
    )
    assert quarantined(checked, "interactions") == {
        "interactions.kind: unknown word; the nearest is 'reminder_sent'": 1,
        "interactions.kind: unknown word": 1,
    }
    rule = "interactions.kind: unknown word; the nearest is 'reminder_sent'"
    assert rule_message(rule).fr == (
        "interactions.kind\u202f: mot inconnu\u202f; le plus proche est 'reminder_sent'"
    )
    assert checked.ledger.interactions.select("kind", "channel").rows() == [
        ("reminder_sent", "post"),
        ("call", None),
    ]
    assert any("'pigeon' (1)" in text for text in warnings(checked))


# ---------------------------------------------------------------------------- customers, merges and feeds


def test_the_newest_history_row_is_the_present_and_wins():
    checked = check(
        customers=[{"customer_id": "K1", "sector": "41", "credit_limit": "500"}],
        customer_history=[
            {"customer_id": "K1", "valid_from_on": "2023-01-01", "sector": "41"},
            {"customer_id": "K1", "valid_from_on": "2024-01-01", "sector": "46"},
        ],
    )
    assert checked.ledger.customers.select("sector", "credit_limit").rows() == [("46", Decimal("500.00"))]
    assert any("newest row of customer_history" in text for text in warnings(checked))
    assert any("first row of a customer's history" in note.text.en for note in checked.report.assumptions)


def test_attributes_are_those_in_force_strictly_before_a_day():
    customers = frame(
        "customers", [{"customer_id": "K1", "is_strategic": False, "country": "FR", "sector": "46"}]
    )
    history = frame(
        "customer_history",
        [
            {"customer_id": "K1", "valid_from_on": day(10), "sector": "41", "bureau_score": 5.0},
            {"customer_id": "K1", "valid_from_on": day(20), "sector": "46", "is_strategic": True},
        ],
    )

    def sector(offset):
        found = customers_at(customers, history, None if offset is None else day(offset)).row(0, named=True)
        return found["sector"], found["bureau_score"], found["is_strategic"], found["country"]

    assert sector(0) == sector(11) == sector(20) == ("41", 5.0, False, "FR")
    assert sector(21) == sector(None) == ("46", None, True, "FR")


def test_merges_are_followed_through_chains_from_the_day_after_each_is_known():
    merges = frame(
        "customer_merges",
        [
            {"customer_id": "A", "merged_into_id": "B", "merged_on": day(5)},
            {"customer_id": "B", "merged_into_id": "C", "merged_on": day(9)},
        ],
    )
    assert payers_at(merges, day(5)) == {}
    assert payers_at(merges, day(6)) == {"A": "B"}
    assert payers_at(merges, day(10)) == payers_at(merges) == {"A": "C", "B": "C"}


def test_merges_in_a_circle_and_of_unknown_customers_go_to_quarantine():
    rows = [("K1", "K2"), ("K2", "K1"), ("K3", "K1"), ("K9", "K1"), ("K4", "K4")]
    checked = check(
        customers=[{"customer_id": f"K{n}"} for n in (1, 2, 3, 4)],
        customer_merges=[
            {"customer_id": one, "merged_into_id": other, "merged_on": "2024-01-01"} for one, other in rows
        ],
    )
    assert quarantined(checked, "customer_merges") == {
        "customer_merges.merged_into_id: merged in a circle": 3,
        "customer_merges.customer_id: no such customer": 1,
    }
    assert checked.ledger.customer_merges["customer_id"].to_list() == ["K3"]


def test_a_payment_by_a_merged_customer_may_settle_the_others_invoice():
    checked = check(
        [{"customer_id": "K2"}],
        customers=[{"customer_id": "K1"}, {"customer_id": "K2"}],
        customer_merges=[{"customer_id": "K2", "merged_into_id": "K1", "merged_on": "2024-03-01"}],
    )
    assert checked.quarantine == {}


def test_feeds_name_a_table_and_count_as_known_through_their_day():
    checked = check(
        feeds=[
            {"name": "payments", "complete_through_on": "2024-03-01"},
            {"name": "paiements", "complete_through_on": "2024-03-01"},
        ]
    )
    assert quarantined(checked, "feeds") == {"feeds.name: unknown code": 1}
    assert last_known_on(checked.ledger) == dt.date(2024, 3, 1)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"cancelled_on": "2024-01-09"}, "cancelled_on: before issued_on"),
        ({"cancelled_on": "2034-01-09"}, "cancelled_on: years after issued_on"),
    ],
)
def test_an_impossible_cancellation_puts_the_invoice_aside(row, rule):
    checked = check(invoices=[{"invoice_id": "F2", **row}])
    assert quarantined(checked, "invoices") == {f"invoices.{rule}": 1}


def test_a_dispute_may_be_reopened_and_concern_a_part():
    row = {"dispute_id": "D", "invoice_id": "F1", "opened_on": "2024-02-20", "closed_on": "2024-03-01"}
    again = {**row, "opened_on": "2024-03-10", "closed_on": None}
    checked = check(
        disputes=[{**row, "amount": "10.00"}, {**again, "amount": None}, {**again, "amount": "5000.00"}]
    )
    assert quarantined(checked, "disputes") == {"disputes.dispute_id: same id, different content": 2}
    sound = check(disputes=[{**row, "amount": "10.00"}, {**again, "amount": "5000.00"}])
    assert sound.ledger.disputes.height == 2
    assert any("more than their invoice" in text for text in warnings(sound))


# ------------------------------------------------------------------------------------------ as known before


def test_nothing_known_on_a_day_or_later_is_seen_before_it():
    whole = ledger(
        [invoice(cancelled_on=day(30)), invoice("F2", issued_on=day(30), due_on=day(60))],
        [
            payment("p", "10.00", 29),
            payment("q", "10.00", 30),
            payment("a", "5.00", 29, invoice_id=None, customer_id="K1"),
        ],
        disputes=[
            {"dispute_id": "D", "invoice_id": "F1", "opened_on": day(5), "closed_on": day(30)},
            {"dispute_id": "D", "invoice_id": "F1", "opened_on": day(31)},
        ],
        customers=[
            {"customer_id": "K1", "is_strategic": False, "sector": "46"},
            {"customer_id": "K2", "is_strategic": False},
        ],
        customer_history=[
            {"customer_id": "K1", "valid_from_on": day(1), "sector": "41"},
            {"customer_id": "K1", "valid_from_on": day(30), "sector": "46"},
        ],
        customer_merges=[{"customer_id": "K2", "merged_into_id": "K1", "merged_on": day(30)}],
        instalments=[
            {
                "invoice_id": key,
                "number": 1,
                "due_on": day(60),
                "amount": Decimal("1000.00"),
                "kind": "instalment",
            }
            for key in ("F1", "F2")
        ],
        feeds=[{"name": "payments", "complete_through_on": day(30)}],
    )
    known = as_known_before(whole, day(30))
    assert known.invoices.select("invoice_id", "cancelled_on").rows() == [("F1", None)]
    assert known.payments["payment_id"].to_list() == ["p", "a"]
    assert known.disputes.select("opened_on", "closed_on").rows() == [(day(5), None)]
    assert known.customers["sector"].to_list() == ["41", None]
    assert known.customer_history["valid_from_on"].to_list() == [day(1)]
    assert known.customer_merges.is_empty()
    assert known.instalments["invoice_id"].to_list() == ["F1"]
    assert known.feeds.is_empty()
    again = as_known_before(as_known_before(whole, day(31)), day(30))
    assert ledger_fingerprint(again) == ledger_fingerprint(known)


def test_every_table_says_when_its_facts_become_known():
    assert set(KNOWN_TIMES) == set(SCHEMAS)
    for table, columns in KNOWN_TIMES.items():
        assert set(columns) <= set(table_dtypes(table))


def test_a_column_without_any_value_leaves_the_fingerprint_as_it_was():
    plain = ledger([invoice()], [payment("p", "1.00", 3)])
    said = ledger([invoice()], [payment("p", "1.00", 3, currency="EUR")])
    assert ledger_fingerprint(plain) != ledger_fingerprint(said)
    told = hashlib.sha256(
        b"table customers 1 customer_id,is_strategic\n"
        b'"K1","false"\n'
        b"table invoices 1 invoice_id,customer_id,kind,issued_on,due_on,amount,currency\n"
        b'"F1","K1","invoice","2026-01-01","2026-01-31",1000.00,"EUR"\n'
        b"table payments 1 payment_id,invoice_id,paid_on,known_on,amount,method\n"
        b'"p","F1","2026-01-04","2026-01-04",1.00,"transfer"\n'
    )
    assert ledger_fingerprint(plain) == told.hexdigest()
