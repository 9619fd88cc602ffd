import pytest

from features.errors import InvalidInputError
from features.ledger.importing.mapping import Source
from features.ledger.importing.text_files import MALFORMED, ROW, decode, header_names, read_text_table

FRENCH = (
    "Compte;Raison sociale;Échéance;Réglé\n"
    "00411;Ménuiserie Tardieu à Béthune;30/11/2023;Non réglé\n"
    "00412;Hôtel du Château d'Évry, cœur de ville;15/12/2023;Payé à échéance\n"
    "00413;Société générale des pâtés façonnés;31/12/2023;Litige réglé\n"
) * 5


def needing(*columns):
    """Columns a mapping reads, each with the key that names it."""
    return {column: f"tables.invoices.columns.{column}" for column in columns}


@pytest.mark.parametrize(
    ("encoding", "is_guess"),
    [
        ("utf-8", False),
        ("utf-8-sig", False),
        ("utf-16", False),
        ("utf-16-le", True),
        ("utf-16-be", True),
        ("cp1252", True),
    ],
)
def test_french_text_is_read_whatever_its_encoding(encoding, is_guess):
    text, _, was_guessed = decode(FRENCH.encode(encoding), None, "x.csv")
    assert text == FRENCH
    assert was_guessed is is_guess


def test_a_stated_encoding_that_does_not_fit_is_named():
    with pytest.raises(InvalidInputError, match="encoding 'utf-8' does not fit"):
        decode("é".encode("cp1252"), "utf-8", "x.csv")
    with pytest.raises(InvalidInputError, match="encoding 'utf-9' does not fit"):
        decode(b"a", "utf-9", "x.csv")


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_delimiter_and_header_are_found_below_titles(delimiter):
    rows = ["Journal; des, ventes", "", delimiter.join(["No", "Montant"]), delimiter.join(["1", "2"])]
    raw = read_text_table("\n".join(rows).encode(), Source(), needing("No", "Montant"), "x.csv")
    assert raw.rows.select("No", "Montant", ROW).rows() == [("1", "2", 4)]


def test_row_numbers_are_line_numbers_and_empty_rows_are_left_out():
    raw = read_text_table(b"a;b\n1;2\n\n ; \n3;4\n", Source(), needing("a"), "x.csv")
    assert raw.rows[ROW].to_list() == [2, 5]


def test_row_numbers_stay_line_numbers_in_the_careful_reader():
    raw = read_text_table(b'a;b\n1;2\n\n3" x;4;5\n6;7;;\n8\n', Source(), needing("a"), "x.csv")
    assert raw.rows.select("a", "b", ROW, MALFORMED).rows() == [
        ("1", "2", 2, False),
        ('3" x', "4", 4, True),
        ("6", "7", 5, False),
        ("8", None, 6, False),
    ]


def test_quotes_may_be_switched_off():
    raw = read_text_table(b'a;b\n"1;2\n3;4\n', Source(quote="none"), needing("a"), "x.csv")
    assert raw.rows["a"].to_list() == ['"1', "3"]


def test_repeated_and_empty_headings_get_names_of_their_own():
    assert header_names(["Date", "", "Date", " Mon\n tant ", None]) == [
        "Date",
        "column 2",
        "Date (2)",
        "Mon tant",
        "column 5",
    ]


def test_a_mapped_column_that_is_missing_comes_with_the_columns_there_are():
    with pytest.raises(InvalidInputError) as refusal:
        read_text_table(b"Num;Montant TTC\n1;2\n", Source(), needing("Num", "Montant HT", "Client"), "x.csv")
    message = str(refusal.value)
    assert "x.csv, line 1: column 'Montant HT' does not exist" in message
    assert "though tables.invoices.columns.Montant HT names it" in message
    assert "one of Num, Montant TTC; the nearest is 'Montant TTC'" in message
    assert "column 'Client' does not exist" in message
