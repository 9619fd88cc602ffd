"""Exports and ledgers with nonsense in them end in one clear message or a quarantine count, never a traceback."""

import gzip
import io
import json

import polars as pl
import pytest
from typer.testing import CliRunner

from features.errors import EncoursError
from features.ledger import read_ledger
from pipelines.cli.ledger import app

MAPPING = """\
version: 1
formats: {dates: [dd/mm/yyyy], decimal: ","}
tables:
  invoices:
    one_row_per_id: true
    columns:
      invoice_id: Facture
      customer_id: Client
      issued_on: Date
      due_on: Echeance
      amount: Montant
      currency: {constant: EUR}
  payments:
    where:
      - {column: Paye, is_empty: false}
    columns:
      payment_id: {template: "{Facture}-{#}"}
      invoice_id: Facture
      paid_on: Paye
      amount: Montant
"""
HEAD = "Facture;Client;Date;Echeance;Montant;Paye"
SOUND = ["001;A;05/01/2024;04/02/2024;100,00;03/02/2024", "002;B;08/01/2024;07/02/2024;1 250,50;"]


def run_import(tmp_path, content, mapping=MAPPING, name="export.csv"):
    """Run `encours import`; the output, and the refusal if there was one. Anything else fails the test."""
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "mapping.yaml").write_text(mapping, encoding="utf-8")
    arguments = [
        "import",
        tmp_path / name,
        "--mapping",
        tmp_path / "mapping.yaml",
        "--ledger",
        tmp_path / "ledger",
    ]
    return outcome_of(arguments)


def outcome_of(arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, EncoursError):
        raise done.exception
    return done.output, str(done.exception) if done.exception is not None else None


def lines(*rows):
    return "\n".join([HEAD, *rows]) + "\n"


@pytest.mark.parametrize(
    ("rows", "table", "quarantined"),
    [
        (["003;A;31/02/2024;04/03/2024;5,00;"], "invoices", {"invoices.issued_on: unreadable date": 1}),
        (["003;A;10/01/2024;09/01/2024;5,00;"], "invoices", {"invoices.due_on: before issued_on": 1}),
        (["003;A;10/01/2024;09/02/2024;-5,00;"], "invoices", {"invoices.amount: not above zero": 1}),
        (["003;A;10/01/2024;09/02/2024;cinq;"], "invoices", {"invoices.amount: unreadable amount": 1}),
        (["003;A;10/01/2024;09/02/2024;5,001;"], "invoices", {"invoices.amount: more than two decimals": 1}),
        (
            ["003;A;10/01/2024;09/02/2024;5,00;", "003;A;10/01/2024;09/02/2024;6,00;"],
            "invoices",
            {"invoices.invoice_id: same id, different content": 2},
        ),
        (["003;;10/01/2024;09/02/2024;5,00;"], "invoices", {"invoices.customer_id: missing": 1}),
        ([";;;;Total;1350,50"], "invoices", {"invoices.amount: unreadable amount": 1}),
        (
            ["003;A;31/02/2024;04/03/2024;5,00;05/03/2024"],
            "payments",
            {"payments.invoice_id: its invoice is in quarantine": 1},
        ),
        (
            ["003;A;10/01/2024;09/02/2024;5,00;31/02/2024"],
            "payments",
            {"payments.paid_on: unreadable date": 1},
        ),
        (
            ["003;A;10/01/2024;09/02/2024;5,00;;trop;long"],
            "invoices",
            {"invoices.row: more cells than the header": 1},
        ),
    ],
)
def test_faulty_rows_are_counted_by_rule_and_the_sound_ones_accepted(tmp_path, rows, table, quarantined):
    output, refusal = run_import(tmp_path, lines(*SOUND, *rows))
    assert refusal is None
    report = json.loads((tmp_path / "ledger" / "import_report.json").read_text(encoding="utf-8"))
    assert report["tables"][table]["quarantined"] == quarantined
    assert {"001", "002"} <= set(read_ledger(tmp_path / "ledger").invoices["invoice_id"])
    shown = "".join(output.split())
    assert all(rule.split(":")[0] in shown for rule in quarantined)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ["the file is empty", "export.csv"]),
        (b"\n\n  \n", ["the file is empty"]),
        (HEAD.encode(), ["invoices: holds no row"]),
        (
            lines(*SOUND).replace("Montant", "Montant TTC"),
            ["column 'Montant' does not exist", "'Montant TTC'", "line 1"],
        ),
        (b"\x00\x01\x02binary\x00stuff" + bytes(range(256)) * 8, ["binary"]),
        (b"%PDF-1.7 something", ["the file is PDF"]),
        (gzip.compress(b"x", mtime=0), ["the file is gzip"]),
        (b"PK\x03\x04 not a workbook", ["not a readable workbook"]),
        (b"PAR1 not parquet", ["not a whole Parquet file"]),
        ("a;b;c\n1;2;3\n", ["no line among the first", "Facture", "'a;b;c'"]),
        (
            lines("001;A;2024-01-05;2024-02-04;1,00;", "002;A;2024-01-06;2024-02-04;1,00;"),
            ["'Date'", "yyyy-mm-dd"],
        ),
        (
            lines("003;A;31/02/2024;04/03/2024;5,00;"),
            ["not one invoice could be accepted", "unreadable date"],
        ),
        (
            lines(*SOUND, '003;"A;10/01/2024;09/02/2024;5,00;', *[SOUND[0]] * 80),
            ["quote is opened", "line 4"],
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_message(tmp_path, content, expected):
    _, refusal = run_import(tmp_path, content)
    assert refusal is not None
    for part in expected:
        assert part in refusal
    assert not (tmp_path / "ledger" / "invoices.parquet").exists()


def test_a_wrong_delimiter_in_the_mapping_is_named(tmp_path):
    mapping = MAPPING.replace("tables:", 'sources: {export: {delimiter: ","}}\ntables:', 1)
    _, refusal = run_import(tmp_path, lines(*SOUND), mapping)
    assert refusal is not None
    assert "with delimiter ','" in refusal
    assert HEAD[:20] in refusal


def test_a_refused_import_leaves_the_earlier_ledger_and_keeps_the_rows(tmp_path):
    run_import(tmp_path, lines(*SOUND))
    before = read_ledger(tmp_path / "ledger")
    _, refusal = run_import(tmp_path, lines("003;A;31/02/2024;04/03/2024;5,00;"))
    assert refusal is not None
    assert read_ledger(tmp_path / "ledger").invoices.equals(before.invoices)
    assert pl.read_parquet(tmp_path / "ledger" / "refused" / "invoices.parquet").height == 1


def test_nothing_paid_and_one_customer_are_valid_and_said(tmp_path):
    output, refusal = run_import(tmp_path, lines("001;A;05/01/2024;04/02/2024;100,00;"))
    assert refusal is None
    words = " ".join(output.split())
    assert "no payment at all" in words
    assert "one customer only" in words


def test_titles_blank_lines_stray_blanks_and_totals_need_no_repair(tmp_path):
    content = "\ufeffJournal des ventes;;\n\nEdité le 01/02/2024\n" + lines(
        *SOUND, "", " ; ; ; ; ; ", "Total;;;;1350,50;"
    )
    mapping = MAPPING.replace("one_row_per_id: true", "where:\n      - {column: Client, is_empty: false}")
    _, refusal = run_import(tmp_path, content.replace("A;", " A ;"), mapping)
    assert refusal is None
    invoices = read_ledger(tmp_path / "ledger").invoices
    assert invoices["customer_id"].to_list() == ["A", "B"]
    assert [str(amount) for amount in invoices["amount"]] == ["100.00", "1250.50"]


def test_a_stray_quote_in_a_cell_is_part_of_the_text(tmp_path):
    _, refusal = run_import(
        tmp_path, lines(*SOUND, '12" x;A;10/01/2024;09/02/2024;5,00;', "4;B;10/01/2024;09/02/2024;7,00;")
    )
    assert refusal is None
    assert '12" x' in read_ledger(tmp_path / "ledger").invoices["invoice_id"].to_list()


def test_a_workbook_with_titles_real_dates_and_text_ids_is_taken_over(tmp_path):
    xlsxwriter = pytest.importorskip("xlsxwriter")
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.add_worksheet("Notes").write(0, 0, "rien ici")
    sheet, day = book.add_worksheet("Ventes"), book.add_format({"num_format": "dd/mm/yyyy"})
    sheet.write(0, 0, "Journal des ventes")
    sheet.write_row(2, 0, HEAD.split(";"))
    import datetime as dt

    sheet.write_string(3, 0, "0007")
    sheet.write(3, 1, 411)
    sheet.write_datetime(3, 2, dt.datetime(2024, 1, 5), day)  # noqa: DTZ001
    sheet.write_string(3, 3, "04/02/2024")
    sheet.write_number(3, 4, 1234.5)
    sheet.write_string(5, 0, "8")
    sheet.write(5, 1, 412)
    sheet.write_string(5, 2, "31/02/2024")
    sheet.write_string(5, 3, "04/03/2024")
    sheet.write_string(5, 4, "1 234,50")
    book.close()
    _, refusal = run_import(
        tmp_path, buffer.getvalue(), name="export.csv"
    )  # the name may lie, the content tells
    assert refusal is None
    ledger = read_ledger(tmp_path / "ledger")
    invoice = ledger.invoices.row(0, named=True)
    assert (invoice["invoice_id"], invoice["customer_id"], str(invoice["amount"])) == (
        "0007",
        "411",
        "1234.50",
    )
    aside = pl.read_parquet(tmp_path / "ledger" / "quarantine" / "invoices.parquet").row(0, named=True)
    assert (aside["issued_on"], aside["source_row"]) == ("31/02/2024", 6)


def test_a_parquet_export_keeps_its_typed_dates_and_amounts(tmp_path):
    frame = pl.DataFrame(
        {
            "Facture": ["0001", "0002"],
            "Client": [411, 412],
            "Date": pl.Series(["2024-01-05", "2024-01-06"]).str.to_date(),
            "Echeance": pl.Series(["2024-02-05", "2024-02-06"]).str.to_date(),
            "Montant": [10.5, 1e6],
            "Paye": pl.Series([None, "2024-02-01"]).str.to_date(),
        }
    )
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    _, refusal = run_import(tmp_path, buffer.getvalue(), name="export.parquet")
    assert refusal is None
    ledger = read_ledger(tmp_path / "ledger")
    assert [str(amount) for amount in ledger.invoices["amount"]] == ["10.50", "1000000.00"]
    assert ledger.payments["invoice_id"].to_list() == ["0002"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["nowhere.csv"], "no such file"),
        (["*.nothing"], "no such file"),
    ],
)
def test_files_that_are_not_there_are_named(tmp_path, files, expected):
    (tmp_path / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    paths = [tmp_path / name for name in files]
    _, refusal = outcome_of(
        ["import", *paths, "--mapping", tmp_path / "mapping.yaml", "--ledger", tmp_path / "ledger"]
    )
    assert refusal is not None
    assert expected in refusal
    assert files[0] in refusal


def test_files_that_fit_no_source_are_named(tmp_path):
    mapping = MAPPING.replace("tables:", "sources: {export: {files: 'ventes*.csv'}}\ntables:", 1)
    _, refusal = run_import(tmp_path, lines(*SOUND), mapping)
    assert refusal is not None
    assert "export.csv: file fits no source" in refusal
    assert "ventes*.csv" in refusal


def test_a_check_rejects_rows_and_leaves_the_tables(tmp_path):
    invoices = "invoice_id,customer_id,kind,issued_on,due_on,amount,currency\n"
    good, bad = (
        "1,A,invoice,2024-01-01,2024-01-31,10.00,EUR\n",
        "2,A,invoice,2024-02-31,2024-03-31,10.00,EUR\n",
    )
    (tmp_path / "invoices.csv").write_text(invoices + good + bad, encoding="utf-8")
    (tmp_path / "payments.csv").write_text(
        "payment_id,invoice_id,paid_on,amount\nP,9,2024-02-01,10.00\n", encoding="utf-8"
    )
    output, refusal = outcome_of(["check", "--ledger", tmp_path])
    assert refusal is None
    assert "1" in output
    assert pl.read_parquet(tmp_path / "quarantine" / "invoices.parquet").height == 1
    assert (tmp_path / "invoices.csv").read_text(encoding="utf-8") == invoices + good + bad
    (tmp_path / "invoices.csv").write_text(invoices + good, encoding="utf-8")
    assert outcome_of(["check", "--ledger", tmp_path])[1] is None
    assert not (tmp_path / "quarantine" / "invoices.parquet").exists()


def test_local_times_of_mails_are_placed_in_utc_by_the_stated_zone(tmp_path):
    mapping = MAPPING.replace("formats: {", "formats: {time_zone: Europe/Paris, ").replace(
        "tables:", "sources: {sales: {files: export.csv}, mails: {files: mails.csv}}\ntables:", 1
    )
    mapping = mapping.replace("  invoices:\n", "  invoices:\n    source: sales\n")
    mapping = mapping.replace("  payments:\n", "  payments:\n    source: sales\n")
    mapping += """\
  emails:
    source: mails
    columns:
      email_id: id
      customer_id: client
      sent_at: {from: at, dates: [dd/mm/yyyy hh:mi]}
      direction: {constant: inbound}
      subject: sujet
      body: texte
"""
    (tmp_path / "mails.csv").write_text(
        "id;client;at;sujet;texte\n"
        "1;A;10/01/2024 00:30;a;b\n"  # 23:30 UTC of the day before
        "2;A;2024-07-10 00:30:00;a;b\n"
        "3;A;2024-01-10T00:30:00+05:00;a;b\n"
        "4;A;2024-01-10 00:30Z;a;b\n"
        "5;A;31/03/2024 02:30;a;b\n"  # summer time begins: this minute does not exist
        "6;A;hier;a;b\n",
        encoding="utf-8",
    )
    (tmp_path / "export.csv").write_text(lines(*SOUND), encoding="utf-8")
    (tmp_path / "mapping.yaml").write_text(mapping, encoding="utf-8")
    files = [tmp_path / "export.csv", tmp_path / "mails.csv"]
    _, refusal = outcome_of(
        ["import", *files, "--mapping", tmp_path / "mapping.yaml", "--ledger", tmp_path / "ledger"]
    )
    assert refusal is None
    emails = read_ledger(tmp_path / "ledger").emails
    assert emails is not None
    assert emails["sent_at"].dt.strftime("%Y-%m-%d %H:%M").to_list() == [
        "2024-01-09 23:30",
        "2024-07-09 22:30",
        "2024-01-09 19:30",
        "2024-01-10 00:30",
    ]
    report = json.loads((tmp_path / "ledger" / "import_report.json").read_text(encoding="utf-8"))
    assert report["tables"]["emails"]["quarantined"] == {"emails.sent_at: unreadable instant": 2}
