import pytest

from features.errors import InvalidInputError
from features.ledger.importing import load_mapping

SOUND = """\
version: 1
formats: {dates: [dd/mm/yyyy], decimal: ","}
tables:
  invoices:
    columns:
      invoice_id: Num
      customer_id: Client
      issued_on: Date
      due_on: Ech
      amount: Montant
      currency: {constant: EUR}
  payments:
    where:
      - {column: Regle, is_empty: false}
    columns:
      payment_id: {template: "{Num}-{#}"}
      invoice_id: Num
      paid_on: Regle
      amount: Montant
"""


def load(tmp_path, text):
    path = tmp_path / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path)


def test_a_sound_mapping_names_the_columns_it_needs(tmp_path):
    mapping = load(tmp_path, SOUND)
    assert mapping.tables["payments"].needed() == ["Regle", "Num", "Montant"]


def test_words_stay_as_written_though_yaml_would_read_them_as_something_else(tmp_path):
    text = SOUND.replace("column: Regle, is_empty: false", "column: Regle, in: [No, 007, 1.50, 2024-01-01]")
    conditions = load(tmp_path, text).tables["payments"].where
    assert conditions[0].is_in == ["No", "007", "1.50", "2024-01-01"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("formats:", "formts:", ["line 2", "unknown key 'formts'", "the nearest is 'formats'"]),
        (
            "issued_on: Date",
            "issued_on: {from: Date, date: [x]}",
            [
                "line 8",
                "tables.invoices.columns.issued_on.date",
                "unknown key 'date'",
                "the nearest is 'dates'",
            ],
        ),
        (
            "issued_on: Date",
            "isued_on: Date",
            ["line 8", "is not a ledger column", "the nearest is 'issued_on'"],
        ),
        ("issued_on: Date", "isued_on: Date", ["column 'issued_on' is not mapped"]),
        ("  payments:", "  paiments:", ["line 12", "is not a ledger table", "the nearest is 'payments'"]),
        ("  payments:", "  paiments:", ["table is not mapped", "'payments'"]),
        (
            "amount: Montant\n      curr",
            "amount: {from: Montant, dates: [x]}\n      curr",
            ["means nothing here"],
        ),
        (
            "due_on: Ech",
            "due_on: {from: Ech, constant: x}",
            ["line 9", "exactly one of from, constant, template, terms"],
        ),
        ("due_on: Ech", "due_on: {from: Ech, shift_days: -1}", ["needs an assumption"]),
        ("due_on: Ech", "due_on: {from: Ech, dates: [dd/mm]}", ["lacks day, month or year"]),
        ("dates: [dd/mm/yyyy]", "dates: ['%Q']", ["line 2", "date format '%Q'"]),
        ("is_empty: false", "is_empty: perhaps", ["line 14", "where.0.is_empty", "valid boolean"]),
        ("is_empty: false", "empty: false", ["unknown key 'empty'", "the nearest is 'is_empty'"]),
        ("is_empty: false", "matches: '('", ["is not a regular expression"]),
        ("is_empty: false", "equals: a, starts_with: b", ["exactly one of equals"]),
        ('decimal: ","', 'decimal: ";"', ["formats.decimal", "found ';'"]),
        ("version: 1", "version: 2", ["version"]),
        (
            "formats: {",
            "formats: {time_zone: Europe/Pari, ",
            ["no time zone", "the nearest is 'Europe/Paris'"],
        ),
        ("  payments:\n", "  payments:\n    source: banque\n", ["no source 'banque'", "one of export"]),
        (
            "tables:",
            "sources: {a: {files: a*}, b: {files: b*}}\ntables:",
            ["does not say its source", "one of a, b"],
        ),
        ("tables:", "sources: {a: {}, b: {}}\ntables:", ["no table is taken from this source"]),
        (
            "      due_on: Ech\n",
            "      due_on: Ech\n      due_on: Date\n",
            ["line 10", "key due_on is written twice", "first on line 9"],
        ),
    ],
)
def test_a_wrong_mapping_says_which_key_where_and_what_was_meant(tmp_path, old, new, expected):
    assert old in SOUND
    with pytest.raises(InvalidInputError) as refusal:
        load(tmp_path, SOUND.replace(old, new, 1))
    message = str(refusal.value)
    for part in expected:
        assert part in message
    assert "mapping.yaml" in message


def test_all_faults_of_a_mapping_come_together(tmp_path):
    text = SOUND.replace("issued_on: Date", "issued_on: {frm: Date}").replace(
        "is_empty: false", "is_emty: false"
    )
    with pytest.raises(InvalidInputError) as refusal:
        load(tmp_path, text)
    assert len(refusal.value.faults) >= 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no keys found"),
        ("- a\n- b\n", "no keys found"),
        ("tables: [unclosed\n", "is not YAML"),
        ("a: b: c\n", "line 1"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text, message):
    with pytest.raises(InvalidInputError, match=message):
        load(tmp_path, text)


def test_a_mapping_that_is_not_there_or_not_text_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="no such file"):
        load_mapping(tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes("é: 1".encode("cp1252"))
    with pytest.raises(InvalidInputError, match="not UTF-8"):
        load_mapping(tmp_path / "latin.yaml")
