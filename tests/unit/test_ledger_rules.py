import datetime as dt

import polars as pl
import pytest

from features.errors import InvalidInputError
from features.ledger import check_tables, last_known_on, ledger_fingerprint, rule_message
from features.ledger.report import RULE_FAULTS

INVOICE = {
    "invoice_id": "001",
    "customer_id": "A",
    "kind": "invoice",
    "issued_on": "2024-01-10",
    "due_on": "2024-02-09",
    "amount": "100.00",
    "currency": "EUR",
}
PAYMENT = {
    "payment_id": "P1",
    "invoice_id": "001",
    "paid_on": "2024-02-01",
    "known_on": "2024-02-02",
    "amount": "100.00",
    "method": "transfer",
}


def check(invoices=(), payments=(), **others):
    """A check of one sound invoice and its payment, plus rows that differ from these."""
    tables = {
        "invoices": pl.DataFrame([INVOICE, *({**INVOICE, "invoice_id": "002", **row} for row in invoices)]),
        "payments": pl.DataFrame([PAYMENT, *({**PAYMENT, "payment_id": "P2", **row} for row in payments)]),
    }
    tables |= {name: pl.DataFrame(rows) for name, rows in others.items()}
    return check_tables(tables)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"issued_on": "2024-02-31"}, "invoices.issued_on: unreadable date"),
        ({"issued_on": "31/01/2024"}, "invoices.issued_on: unreadable date"),
        ({"issued_on": None}, "invoices.issued_on: missing"),
        ({"issued_on": "0202-01-10"}, "invoices.issued_on: before 1990"),
        ({"due_on": "2024-01-09"}, "invoices.due_on: before issued_on"),
        ({"due_on": "2042-02-09"}, "invoices.due_on: years after issued_on"),
        ({"amount": "0"}, "invoices.amount: not above zero"),
        ({"amount": "-5.00"}, "invoices.amount: not above zero"),
        ({"amount": "abc"}, "invoices.amount: unreadable amount"),
        ({"amount": "1e3"}, "invoices.amount: unreadable amount"),
        ({"amount": "1,50"}, "invoices.amount: unreadable amount"),
        ({"amount": "1.005"}, "invoices.amount: more than two decimals"),
        ({"amount": None}, "invoices.amount: missing"),
        ({"kind": "proforma"}, "invoices.kind: unknown code"),
        ({"currency": "euro"}, "invoices.currency: unknown code"),
        ({"customer_id": "  "}, "invoices.customer_id: missing"),
        ({"invoice_id": ""}, "invoices.invoice_id: missing"),
    ],
)
def test_a_faulty_invoice_goes_to_quarantine_under_its_rule(row, rule):
    checked = check(invoices=[row])
    assert checked.report.table("invoices").quarantined == {rule: 1}
    assert checked.ledger.invoices["invoice_id"].to_list() == ["001"]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"invoice_id": "999"}, "payments.invoice_id: no such invoice"),
        ({"amount": "-1.00"}, "payments.amount: negative without method reversal or refund"),
        ({"amount": "-1.00", "method": None}, "payments.amount: negative without method reversal or refund"),
        ({"amount": "1.00", "method": "reversal"}, "payments.amount: reversal or refund above zero"),
        ({"amount": "0.00"}, "payments.amount: zero"),
        ({"paid_on": "1900-01-01"}, "payments.paid_on: before 1990"),
        ({"paid_on": "2099-01-01"}, "payments.paid_on: years after the last due date"),
        ({"known_on": "2099-01-01"}, "payments.known_on: years after the last due date"),
        ({"known_on": "soon"}, "payments.known_on: unreadable date"),
    ],
)
def test_a_faulty_payment_goes_to_quarantine_under_its_rule(row, rule):
    checked = check(payments=[row])
    assert checked.report.table("payments").quarantined == {rule: 1}
    assert checked.ledger.payments["payment_id"].to_list() == ["P1"]


def test_reversals_may_be_negative_and_credit_notes_due_at_once():
    checked = check(
        invoices=[{"kind": "credit_note", "due_on": "2024-01-01"}],
        payments=[{"amount": "-100.00", "method": "reversal"}],
    )
    assert checked.quarantine == {}


def test_exact_copies_are_kept_once_and_conflicting_rows_not_at_all():
    checked = check(invoices=[{}, {}, {"invoice_id": "003"}, {"invoice_id": "003", "amount": "7.00"}])
    assert checked.ledger.invoices["invoice_id"].to_list() == ["001", "002"]
    assert checked.report.table("invoices").quarantined == {
        "invoices.invoice_id: same id, different content": 2,
        "invoices.invoice_id: exact copy of another row": 1,
    }


def test_what_refers_to_a_quarantined_invoice_follows_it_under_its_own_rule():
    checked = check(
        invoices=[{"amount": "abc"}],
        payments=[{"invoice_id": "002"}],
        disputes=[{"dispute_id": "D1", "invoice_id": "002", "opened_on": "2024-02-01"}],
    )
    assert checked.report.table("payments").quarantined == {
        "payments.invoice_id: its invoice is in quarantine": 1
    }
    assert checked.report.table("disputes").quarantined == {
        "disputes.invoice_id: its invoice is in quarantine": 1
    }


def test_quarantine_keeps_the_raw_values_and_every_broken_rule():
    checked = check(invoices=[{"amount": "-5.00", "currency": "euro", "issued_on": "2024-01-11"}])
    row = checked.quarantine["invoices"].row(0, named=True)
    assert row["amount"] == "-5.00"
    assert row["issued_on"] == "2024-01-11"
    assert row["rule"] == "invoices.amount: not above zero"
    assert row["other_rules"] == "invoices.currency: unknown code"


def test_invoices_years_after_all_others_are_errors_unless_many_follow():
    few = [{"invoice_id": f"{n:03}"} for n in range(2, 30)]
    late = {"issued_on": "2042-01-10", "due_on": "2042-02-09"}
    checked = check(invoices=[*few, {"invoice_id": "100", **late}])
    assert checked.report.table("invoices").quarantined == {
        "invoices.issued_on: years after every other invoice": 1
    }
    many = [{"invoice_id": f"{n}", **late} for n in range(100, 130)]
    assert check(invoices=[*few, *many]).quarantine == {}


def test_customers_the_customers_table_lacks_are_derived_and_counted():
    checked = check(invoices=[{"customer_id": "B"}], customers=[{"customer_id": "A", "name": "Moulin Faye"}])
    assert checked.ledger.customers["customer_id"].to_list() == ["A", "B"]
    assert checked.ledger.customers["is_strategic"].to_list() == [False, False]
    assert checked.report.table("customers").derived == 1
    assert any(
        "absent from customers" in note.text.en and note.count == 1 for note in checked.report.warnings
    )


def test_absent_tables_stay_unknown_and_empty_tables_stay_empty():
    assert check().ledger.disputes is None
    empty = check_tables(
        {
            "invoices": pl.DataFrame([INVOICE]),
            "payments": pl.DataFrame(schema=dict.fromkeys(PAYMENT, pl.String)),
            "disputes": pl.DataFrame(
                schema=dict.fromkeys(["dispute_id", "invoice_id", "opened_on"], pl.String)
            ),
        }
    )
    assert empty.ledger.disputes is not None
    assert empty.ledger.disputes.height == 0
    warnings = [note.text.en for note in empty.report.warnings]
    assert any(text.startswith("no payment at all") for text in warnings)
    assert any(text.startswith("one customer only") for text in warnings)


def test_a_missing_known_date_is_taken_as_the_payment_date_and_said():
    payments = pl.DataFrame([PAYMENT]).drop("known_on")
    checked = check_tables({"invoices": pl.DataFrame([INVOICE]), "payments": payments})
    assert checked.ledger.payments["known_on"].to_list() == [dt.date(2024, 2, 1)]
    assert any("known_on = paid_on" in note.text.en for note in checked.report.assumptions)


def test_every_shape_fault_is_told_at_once_with_the_nearest_name():
    tables = {
        "invoices": pl.DataFrame([INVOICE]).rename({"issued_on": "isued_on", "amount": "amnt"}),
        "paymnets": pl.DataFrame([PAYMENT]),
    }
    with pytest.raises(InvalidInputError) as refusal:
        check_tables(tables)
    message = str(refusal.value)
    assert "invoices.issued_on: column is missing" in message
    assert "the nearest is 'isued_on'" in message
    assert "invoices.amount: column is missing" in message
    assert "paymnets: is not a ledger table" in message
    assert "the nearest is 'payments'" in message
    assert "payments: table is missing" in message


def test_an_invoices_table_without_rows_is_refused():
    with pytest.raises(InvalidInputError, match="invoices: holds no row"):
        check_tables(
            {
                "invoices": pl.DataFrame(schema=dict.fromkeys(INVOICE, pl.String)),
                "payments": pl.DataFrame([PAYMENT]),
            }
        )


def test_a_misspelt_optional_column_is_pointed_out():
    checked = check(customers=[{"customer_id": "A", "sectr": "62"}])
    assert any(
        "'sectr' is not used; did you mean sector?" in note.text.en for note in checked.report.warnings
    )


def test_floats_that_mean_cents_are_exact_others_are_rejected():
    rows = [
        {"invoice_id": f"{n}", "amount": value}
        for n, value in enumerate([0.29, 1234567.89, 1.005, 0.1 + 0.2])
    ]
    invoices = pl.DataFrame([{**INVOICE, **row} for row in rows])
    checked = check_tables({"invoices": invoices, "payments": pl.DataFrame([{**PAYMENT, "invoice_id": "0"}])})
    assert [str(value) for value in checked.ledger.invoices["amount"]] == ["0.29", "1234567.89", "0.30"]
    assert checked.report.table("invoices").quarantined == {"invoices.amount: more than two decimals": 1}


def test_ids_that_a_tool_turned_into_numbers_come_back_as_text():
    invoices = pl.DataFrame([{**INVOICE, "invoice_id": 12.0, "customer_id": 7}])
    payments = pl.DataFrame([{**PAYMENT, "invoice_id": 12}])
    ledger = check_tables({"invoices": invoices, "payments": payments}).ledger
    assert ledger.invoices["invoice_id"].to_list() == ["12"]
    assert ledger.invoices["customer_id"].to_list() == ["7"]
    assert ledger.payments.height == 1


ODD_TYPES = {
    "category": pl.Series(["1", "2"], dtype=pl.Categorical),
    "flag": pl.Series([True, False]),
    "nothing": pl.Series([None, None]),
    "not a number": pl.Series([1.0, float("nan")]),
    "infinity": pl.Series([float("inf"), 1.5]),
    "day": pl.Series([dt.date(2024, 1, 1)] * 2),
    "nanoseconds": pl.Series([dt.datetime(2024, 1, 1)] * 2, dtype=pl.Datetime("ns")),  # noqa: DTZ001
    "zoned": pl.Series([dt.datetime(2024, 1, 1)] * 2).dt.replace_time_zone("Europe/Paris"),  # noqa: DTZ001
    "time of day": pl.Series([dt.time(1)] * 2),
    "three decimals": pl.Series(["1.234", "2.000"]).cast(pl.Decimal(20, 3)),
    "single precision": pl.Series([1.1, 2.25], dtype=pl.Float32),
    "huge integer": pl.Series([10**30, 2], dtype=pl.Int128),
    "list": pl.Series([[1], [2]]),
    "structure": pl.Series([{"a": 1}, {"a": 2}]),
    "bytes": pl.Series([b"1", b"\xff"]),
    "span": pl.Series([dt.timedelta(1)] * 2),
}


@pytest.mark.parametrize("kind", sorted(ODD_TYPES))
def test_columns_of_odd_types_are_read_rejected_or_refused(kind):
    mail = {
        "email_id": "1",
        "customer_id": "A",
        "sent_at": "2024-01-01",
        "direction": "inbound",
        "subject": "",
        "body": "",
    }
    figure = {"name": "a", "period": "2024", "value": "1", "published_on": "2024-01-01"}
    customer = {"customer_id": "A", "is_strategic": "1", "credit_limit": "5"}
    tables = {
        "invoices": pl.DataFrame([INVOICE, {**INVOICE, "invoice_id": "2"}]),
        "payments": pl.DataFrame([PAYMENT, {**PAYMENT, "payment_id": "2"}]),
        "customers": pl.DataFrame([customer, {**customer, "customer_id": "B"}]),
        "emails": pl.DataFrame([mail, {**mail, "email_id": "2"}]),
        "indicators": pl.DataFrame([figure, {**figure, "period": "2025"}]),
    }
    is_refused = kind in ("list", "structure", "bytes", "span")
    for table, frame in tables.items():
        for column in frame.columns:
            odd = tables | {table: frame.with_columns(ODD_TYPES[kind].alias(column))}
            if is_refused:
                with pytest.raises(InvalidInputError, match=rf"{table}\.{column}: cells are of type"):
                    check_tables(odd)
            else:
                entry = check_tables(odd).report.table(table)
                assert entry.accepted - entry.derived + sum(entry.quarantined.values()) == 2


def test_instants_are_read_as_utc_whatever_their_offset():
    mail = {
        "customer_id": "A",
        "direction": "inbound",
        "subject": "",
        "body": " Bonjour ",
        "invoice_id": None,
    }
    checked = check(
        emails=[
            {**mail, "email_id": "1", "sent_at": "2024-01-10T09:30:00+02:00"},
            {**mail, "email_id": "2", "sent_at": "2024-01-10 09:30"},
            {**mail, "email_id": "3", "sent_at": "2024-01-10T09:30:00Z"},
            {**mail, "email_id": "4", "sent_at": "hier"},
            {**mail, "email_id": "5", "sent_at": "2024-01-10", "customer_id": "nobody"},
        ]
    )
    utc = dt.UTC
    assert checked.ledger.emails["sent_at"].to_list() == [
        dt.datetime(2024, 1, 10, 7, 30, tzinfo=utc),
        dt.datetime(2024, 1, 10, 9, 30, tzinfo=utc),
        dt.datetime(2024, 1, 10, 9, 30, tzinfo=utc),
    ]
    assert checked.ledger.emails["body"].to_list() == [" Bonjour "] * 3
    assert checked.report.table("emails").quarantined == {
        "emails.customer_id: no such customer": 1,
        "emails.sent_at: unreadable instant": 1,
    }


def test_last_known_day_counts_every_dated_fact_but_not_due_dates():
    assert last_known_on(check().ledger) == dt.date(2024, 2, 2)
    later = check(disputes=[{"dispute_id": "D1", "invoice_id": "001", "opened_on": "2024-05-01"}])
    assert last_known_on(later.ledger) == dt.date(2024, 5, 1)


def test_the_fingerprint_distinguishes_absent_from_empty_tables_and_every_cell():
    base = ledger_fingerprint(check().ledger)
    assert base == ledger_fingerprint(check().ledger)
    assert base != ledger_fingerprint(check(payments=[{"amount": "0.01"}]).ledger)
    no_disputes = pl.DataFrame(schema=dict.fromkeys(["dispute_id", "invoice_id", "opened_on"], pl.String))
    tables = {
        "invoices": pl.DataFrame([INVOICE]),
        "payments": pl.DataFrame([PAYMENT]),
        "disputes": no_disputes,
    }
    assert base != ledger_fingerprint(check_tables(tables).ledger)


def test_invoices_paid_twice_are_pointed_out():
    checked = check(payments=[{}])
    assert any(
        "paid more than their amount" in note.text.en and note.count == 1 for note in checked.report.warnings
    )


def test_due_dates_that_contradict_the_terms_are_pointed_out():
    invoices = pl.DataFrame(
        [{**INVOICE, "terms": "30 jours"}, {**INVOICE, "invoice_id": "2", "terms": "60 jours"}]
    )
    notes = check_tables({"invoices": invoices, "payments": pl.DataFrame([PAYMENT])}).report.warnings
    assert any(
        "due dates differ from what the terms give" in note.text.en and note.count == 1 for note in notes
    )


def test_a_rule_is_named_in_both_languages():
    rule = rule_message("invoices.amount: not above zero")
    assert rule == "invoices.amount: not above zero"
    assert rule.fr == "invoices.amount\u202f: doit être supérieur à zéro"


def test_every_fault_of_a_rule_has_its_own_name():
    assert len(set(RULE_FAULTS)) == len(RULE_FAULTS)
