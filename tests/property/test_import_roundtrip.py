"""A ledger exported in any style of CSV and imported again is the same ledger."""

import csv
import datetime as dt
import io
import tempfile
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.errors import InvalidInputError
from features.ledger import check_tables, ledger_fingerprint
from features.ledger.importing import import_files, load_mapping

DATE_STYLES = {
    "dd/mm/yyyy": "%d/%m/%Y",
    "yyyymmdd": "%Y%m%d",
    "mm-dd-yyyy": "%m-%d-%Y",
    "dd.mm.yy": "%d.%m.%y",
}
TEXT = st.text(
    st.characters(codec="cp1252", exclude_categories=["Cc", "Zl", "Zp", "Zs"], exclude_characters='\ufeff"')
    | st.just(" "),
    min_size=1,
    max_size=12,
).map(lambda words: " ".join(words.split()) or "x")
IDS = st.text("0123456789AZ-", min_size=1, max_size=8)
DAYS = st.dates(dt.date(2021, 1, 1), dt.date(2022, 12, 31))


@st.composite
def ledgers(draw):
    """A sound ledger of a few invoices with payments, terms and names of any kind."""
    ids = draw(st.lists(IDS, min_size=1, max_size=6, unique=True))
    customers = draw(st.lists(IDS, min_size=1, max_size=3, unique=True))
    cents = st.integers(1, 10**9)
    invoices = [
        {
            "invoice_id": number,
            "customer_id": draw(st.sampled_from(customers)),
            "kind": draw(st.sampled_from(["invoice", "credit_note"])),
            "issued_on": (issued := draw(DAYS)),
            "due_on": issued + dt.timedelta(draw(st.integers(0, 90))),
            "amount": draw(cents),
            "currency": "EUR",
            "terms": draw(st.none() | TEXT),
        }
        for number in ids
    ]
    payments = [
        {
            "payment_id": f"P{n}",
            "invoice_id": draw(st.sampled_from(ids)),
            "paid_on": (paid := draw(DAYS)),
            "known_on": paid + dt.timedelta(draw(st.integers(0, 5))),
            "amount": draw(cents),
        }
        for n in range(draw(st.integers(1, 5)))
    ]
    names = [
        {"customer_id": number, "name": draw(TEXT), "is_strategic": draw(st.booleans())}
        for number in customers
    ]
    return {"customers": names, "invoices": invoices, "payments": payments}


@st.composite
def styles(draw):
    """How an exporting tool may write a file."""
    decimal = draw(st.sampled_from([",", "."]))
    groups = ["", " ", "\u00a0", "'", "." if decimal == "," else ","]
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    if encoding != "cp1252":
        groups.append("\u202f")
    return {
        "decimal": decimal,
        "group": draw(st.sampled_from(groups)),
        "encoding": encoding,
        "delimiter": draw(st.sampled_from([";", ",", "\t", "|"])),
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        "line_end": draw(st.sampled_from(["\n", "\r\n"])),
        "titles": draw(st.lists(st.sampled_from(["Journal", "Page 1", ""]), max_size=3)),
        "dates": draw(st.sampled_from(sorted(DATE_STYLES))),
        "blanks": draw(st.booleans()),
    }


def written(value, style):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Oui" if value else "Non"
    if isinstance(value, dt.date):
        text = value.strftime(DATE_STYLES[style["dates"]])
    elif isinstance(value, int):
        text = f"{value // 100:,}".replace(",", style["group"]) + style["decimal"] + f"{value % 100:02}"
    else:
        text = value
    return f" {text}  " if style["blanks"] else text


def export(rows, style):
    buffer = io.StringIO()
    writer = csv.writer(
        buffer, delimiter=style["delimiter"], quoting=style["quoting"], lineterminator=style["line_end"]
    )
    writer.writerow([f"Col {name}" for name in rows[0]])
    writer.writerows([written(value, style) for value in row.values()] for row in rows)
    titles = "".join(f"{title}{style['line_end']}" for title in style["titles"])
    return (titles + buffer.getvalue()).encode(style["encoding"])


def mapping_for(tables, style):
    parts = [
        "version: 1",
        f"formats: {{dates: ['{style['dates']}'], decimal: '{style['decimal']}', yes: [Oui], no: [Non]}}",
        "sources:",
        *(
            f"  {table}: {{files: '{table}.csv', encoding: {style['encoding']}}}"
            if style["encoding"] == "cp1252"
            else f"  {table}: {{files: '{table}.csv'}}"
            for table in tables
        ),
        "tables:",
    ]
    for table, rows in tables.items():
        parts += [f"  {table}:", f"    source: {table}", "    columns:"]
        parts += [f"      {name}: Col {name}" for name in rows[0]]
    return "\n".join(parts) + "\n"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(ledgers(), styles())
def test_an_export_in_any_style_comes_back_as_the_same_ledger(tables, style):
    canonical = {
        table: pl.DataFrame(
            [{k: f"{v // 100}.{v % 100:02}" if k == "amount" else v for k, v in row.items()} for row in rows],
            infer_schema_length=None,
        )
        for table, rows in tables.items()
    }
    expected = check_tables(canonical)
    assert expected.quarantine == {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for table, rows in tables.items():
            (folder / f"{table}.csv").write_bytes(export(rows, style))
        (folder / "m.yaml").write_text(mapping_for(tables, style), encoding="utf-8")
        done = import_files(sorted(folder.glob("*.csv")), load_mapping(folder / "m.yaml"))
    assert done.checked.quarantine == {}
    assert ledger_fingerprint(done.checked.ledger) == ledger_fingerprint(expected.ledger)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=400))
def test_no_content_whatever_ends_in_anything_but_a_refusal_or_a_ledger(content):
    columns = "{invoice_id: a, customer_id: b, issued_on: c, due_on: d, amount: e, currency: f}"
    mapping = f"tables:\n  invoices:\n    columns: {columns}\n"
    mapping += "  payments:\n    columns: {payment_id: a, invoice_id: a, paid_on: c, amount: e}\n"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "x.csv").write_bytes(b"a;b;c;d;e;f\n" + content)
        (folder / "m.yaml").write_text(mapping, encoding="utf-8")
        try:
            done = import_files([folder / "x.csv"], load_mapping(folder / "m.yaml"))
        except InvalidInputError as refusal:
            assert refusal.faults  # noqa: PT017
        else:
            assert done.checked.report.tables
