"""Exports that went wrong, each with what must come out of it and what a first mapping must say (hand calculation)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from features.errors import InvalidInputError
from features.ledger.importing import Import, import_files, load_mapping

CASES = Path(__file__).parent / "import_cases"


def run(case: str, mapping: str = "right") -> Import:
    folder = CASES / case
    files = [path for path in folder.iterdir() if path.suffix in (".csv", ".txt")]
    return import_files(files, load_mapping(folder / f"{mapping}.yaml"))


def invoices(done: Import, *columns: str) -> list[tuple]:
    return done.checked.ledger.invoices.select(columns).rows()


def payments(done: Import, *columns: str) -> list[tuple]:
    return done.checked.ledger.payments.select(columns).rows()


def notes(done: Import, language: str = "en") -> str:
    return "\n".join(note.text.in_language(language) for note in done.checked.report.warnings)


def money(*amounts: str) -> list[Decimal]:
    return [Decimal(amount) for amount in amounts]


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir() if path.is_dir()))
def test_the_right_mapping_of_a_case_reads_every_row_it_takes(case):
    done = run(case)
    for entry in done.checked.report.tables:
        rows = done.checked.quarantine.get(entry.table, pl.DataFrame()).height
        accepted = entry.accepted - entry.derived
        made = entry.accepted if entry.table == "instalments" else 0
        assert entry.read == accepted + rows or made
    expected = {"float_noise": 1, "two_date_orders": 2, "unallocated_cash": 1}
    assert done.checked.report.quarantined_rows == expected.get(case, 0)


def test_a_customer_on_its_own_line_is_filled_down_with_unapplied_payments():
    done = run("aged_report_subheaders")
    assert invoices(done, "invoice_id", "customer_id", "kind", "amount") == [
        ("5001", "Bramble Ltd", "invoice", Decimal("1200.00")),
        ("5002", "Cedar Works", "invoice", Decimal("500.00")),
        ("5003", "Cedar Works", "credit_note", Decimal("40.00")),
    ]
    assert payments(done, "invoice_id", "customer_id", "amount") == [(None, "Cedar Works", Decimal("100.00"))]


def test_dates_for_customers_are_refused_with_the_key_that_fills_down():
    with pytest.raises(InvalidInputError, match=r"every cell of 'Date' is a date.*fill_down"):
        run("aged_report_subheaders", "map")


def test_payments_of_a_fec_match_invoices_by_lettering_else_go_on_account():
    done = run("fec_lettrage")
    assert invoices(done, "invoice_id", "customer_id", "kind", "amount", "due_on") == [
        ("A2024-01", "CMER", "credit_note", Decimal("60.00"), day("2024-03-21")),
        ("F2023-88", "CDUR", "invoice", Decimal("480.00"), day("2023-12-15")),
        ("F2024-01", "CDUR", "invoice", Decimal("1200.00"), day("2024-02-09")),
        ("F2024-02", "CMER", "invoice", Decimal("600.00"), day("2024-03-16")),
    ]
    assert payments(done, "payment_id", "invoice_id", "customer_id", "amount") == [
        ("5-VIR77", "F2023-88", "CDUR", Decimal("480.00")),
        ("6-VIR91", "F2024-01", "CDUR", Decimal("1200.00")),
        ("7-VIR99", None, "CMER", Decimal("300.00")),
    ]
    assert done.checked.ledger.customers["name"].to_list() == ["DURON SARL", 'MERLIN "TP"']


def test_a_fec_without_its_links_is_not_taken_in_silence():
    with pytest.raises(
        InvalidInputError, match=r"invoices.due_on: not one cell of 'JournalLib \+ PieceDate'"
    ):
        run("fec_lettrage", "map")
    unlinked = run("fec_lettrage", "map_without_links")
    assert unlinked.checked.report.table("payments").quarantined == {
        "payments.invoice_id: no such invoice": 1
    }


def test_rounding_noise_becomes_cents_and_a_third_decimal_does_not():
    done = run("float_noise")
    assert invoices(done, "invoice_id", "amount") == [
        ("E1", Decimal("2309.79")),
        ("E3", Decimal("1000.00")),
        ("E4", Decimal("1500.00")),
    ]
    assert done.checked.report.table("invoices").quarantined == {"invoices.amount: more than two decimals": 1}
    assert any(
        "2309.7899999999995" in note.text.en and note.count == 1 for note in done.checked.report.assumptions
    )


def test_three_due_dates_of_one_invoice_are_its_instalments():
    done = run("instalments")
    assert invoices(done, "invoice_id", "due_on", "amount") == [
        ("B1", day("2024-04-05"), Decimal("900.00")),
        ("B2", day("2024-04-05"), Decimal("50.00")),
    ]
    assert done.checked.ledger.instalments is not None
    assert done.checked.ledger.instalments.rows() == [
        ("B1", number, day(f"2024-0{number + 1}-05"), Decimal("300.00"), "instalment") for number in (1, 2, 3)
    ]
    assert payments(done, "invoice_id", "paid_on") == [("B1", day("2024-02-01")), ("B1", day("2024-03-20"))]


def test_rejected_rows_that_look_like_instalments_name_their_key():
    done = run("instalments", "map")
    assert done.checked.ledger.invoices["invoice_id"].to_list() == ["B2"]
    assert "`instalments: true`" in notes(done)
    assert "template: '{Doc}-1-{#}'" in notes(done)
    assert "si ce sont ses échéances" in notes(done, "fr")


def test_a_customer_is_looked_up_in_the_file_of_orders():
    done = run("needs_a_join")
    assert invoices(done, "invoice_id", "customer_id") == [("W1", "C1"), ("W2", "C2")]


def test_a_column_of_another_source_is_refused_with_its_lookup(tmp_path):
    with pytest.raises(InvalidInputError, match="look values up in it with `lookup`"):
        run("needs_a_join", "map")
    used = (CASES / "needs_a_join" / "map.yaml").read_text(encoding="utf-8")
    used += "  customers:\n    source: ord\n    columns: {customer_id: customer_id}\n"
    (tmp_path / "used.yaml").write_text(used, encoding="utf-8")
    with pytest.raises(InvalidInputError) as refusal:
        import_files(sorted((CASES / "needs_a_join").glob("*.csv")), load_mapping(tmp_path / "used.yaml"))
    assert "column 'customer_id' does not exist" in str(refusal.value)
    assert "lookup: {source: ord, by: [order_id], take: customer_id}" in str(refusal.value)


def test_a_due_date_comes_from_its_column_else_from_the_terms():
    done = run("no_due_date")
    assert invoices(done, "invoice_id", "due_on") == [
        ("D1", day("2024-02-29")),
        ("D2", day("2024-02-29")),
        ("D3", day("2024-01-12")),
        ("D4", day("2024-03-12")),
    ]


def test_rejected_invoices_without_due_date_name_the_key_for_terms():
    assert "due_on: {first_of: [Due, {terms: {wording: Terms, issued_on: Issued" in notes(
        run("no_due_date", "map")
    )


def test_one_payment_of_several_invoices_is_several_allocations():
    done = run("one_payment_many_invoices")
    assert sum(amount for (amount,) in payments(done, "amount")) == Decimal("750.00")
    assert payments(done, "payment_id", "invoice_id") == [
        ("VIR-500-1", "S1"),
        ("VIR-500-2", "S2"),
        ("VIR-501-1", "S3"),
        ("VIR-501-2", "S3"),
    ]


def test_a_shared_payment_id_is_rejected_with_how_to_number_rows():
    done = run("one_payment_many_invoices", "map")
    assert done.checked.report.table("payments").quarantined == {
        "payments.payment_id: same id, different content": 2,
        "payments.payment_id: exact copy of another row": 1,
    }
    assert "settles several invoices, or one invoice twice" in notes(done)
    assert "template: '{PayNo}-{#}'" in notes(done)


def test_the_format_of_a_day_reads_cells_with_a_time():
    done = run("pandas_dates")
    assert invoices(done, "issued_on", "due_on")[0] == (day("2024-01-05"), day("2024-02-04"))
    assert payments(done, "paid_on") == [(day("2024-02-10"),)]


def test_the_sign_of_an_amount_can_say_the_kind():
    done = run("sign_is_the_kind")
    assert invoices(done, "invoice_id", "kind", "amount") == [
        ("N1", "invoice", Decimal("1000.00")),
        ("N2", "credit_note", Decimal("400.00")),
        ("N3", "invoice", Decimal("250.00")),
    ]
    assert "absolute" not in notes(done)


@pytest.mark.parametrize("mapping", ["map_absolute", "map_plain"])
def test_negative_invoice_rows_are_named_with_the_credit_note_key(mapping):
    done = run("sign_is_the_kind", mapping)
    assert "by_sign: {positive: invoice, negative: credit_note}" in notes(done)
    assert "avoirs" in notes(done, "fr")
    if mapping == "map_absolute":
        assert "which become debts: -400,00" in notes(done)


def test_amounts_in_cents_are_scaled_exactly_and_currencies_taken_in_any_case():
    done = run("stripe_minor_units")
    assert invoices(done, "invoice_id", "amount", "currency", "issued_on") == [
        ("in_01", Decimal("299.00"), "EUR", day("2025-01-06")),
        ("in_03", Decimal("49.00"), "GBP", day("2025-01-08")),
        ("in_04", Decimal("29.00"), "USD", day("2025-01-09")),
    ]
    assert "cents" not in notes(done)
    assert "scale: 0.01" in notes(run("stripe_minor_units", "map"))


def test_a_column_of_two_date_orders_is_named_with_ambiguous_days():
    done = run("two_date_orders")
    assert "payments.paid_on: days are written in two orders, such as '15/02/2026' and '02/27/2026'" in notes(
        done
    )
    assert "'03/12/2026'" in notes(done)
    assert "dans deux ordres" in notes(done, "fr")
    assert done.checked.report.table("invoices").quarantined == {"invoices.issued_on: unreadable date": 1}


def test_cash_without_an_invoice_is_the_customers():
    done = run("unallocated_cash")
    assert payments(done, "payment_id", "invoice_id", "customer_id", "amount") == [
        ("R1", None, "K1", Decimal("1000.00")),
        ("R2", "V2", "K2", Decimal("500.00")),
    ]
    assert done.checked.report.table("payments").quarantined == {"payments.invoice_id: no such invoice": 1}
    assert "map `customer_id` of payments" in notes(run("unallocated_cash", "map"))


def test_instants_are_the_civil_days_of_their_time_zone():
    done = run("utc_timestamps")
    assert invoices(done, "invoice_id", "issued_on", "due_on") == [
        ("Z1", day("2024-03-01"), day("2024-03-31")),
        ("Z2", day("2024-07-01"), day("2024-07-31")),
    ]
    assert payments(done, "paid_on") == [(day("2024-03-31"),)]
