"""The catalogue of each language says every sentence of the program, and nothing else."""

from __future__ import annotations

import ast
import io
import string
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from features.errors import Fault, InvalidInputError
from features.messages import (
    LANGUAGES,
    LOCALES,
    NARROW_SPACE,
    Text,
    in_language,
    localized,
    localized_plural,
    with_french_spaces,
)

ROOT = Path(__file__).parents[2]
ROOMS = ("features", "models", "serving", "pipelines")
KEYWORDS = {"localized": None, "localized_plural": (1, 2), "_": None}
IN_TEMPLATES = {"plural": (1, 2)}
SOURCES = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
TRANSLATIONS = [language for language in LANGUAGES if language != "en"]
each_language = pytest.mark.parametrize("language", TRANSLATIONS)


def catalogue_file(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / "encours.po"


@cache
def catalogue(language: str) -> Catalog:
    with catalogue_file(language).open("rb") as file:
        return read_po(file, locale=language)


def sentences(language: str) -> list[Message]:
    return [sentence for sentence in catalogue(language) if sentence.id]


def extracted() -> set[object]:
    """The sentences written in the source, as Babel finds them."""
    return {
        found
        for room in ROOMS
        for _, _, found, _, _ in extract_from_dir(
            ROOT / room, SOURCES, keywords=KEYWORDS | IN_TEMPLATES, comment_tags=()
        )
    }


def names(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def both(sentence: Message) -> list[tuple[str, str]]:
    """Each English wording beside the translated ones."""
    if isinstance(sentence.id, str):
        return [(sentence.id, str(sentence.string))]
    return [(english, french) for english in sentence.id[1:] for french in sentence.string]


def calls(folders: tuple[str, ...]) -> list[tuple[str, ast.Call]]:
    """Every call in the source, with the file and line it is in."""
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno}", node)
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]


def test_every_language_of_the_program_has_a_catalogue():
    assert sorted(path.name for path in LOCALES.iterdir()) == sorted(TRANSLATIONS)


@each_language
def test_the_catalogue_holds_exactly_the_sentences_of_the_source(language):
    written = {tuple(s.id) if not isinstance(s.id, str) else s.id for s in sentences(language)}
    differing = [str(sentence) for sentence in written ^ extracted()]
    assert not differing, f"run `make messages`, then translate what is new: {'; '.join(differing)}"


@each_language
def test_every_sentence_is_translated(language):
    assert [s.id for s in sentences(language) if s.fuzzy] == []
    missing = [source for s in sentences(language) for source, words in both(s) if not words.strip()]
    assert not missing, (
        f"translate these in {catalogue_file(language).relative_to(ROOT)}: {'; '.join(missing)}"
    )
    assert not catalogue(language).obsolete


@each_language
def test_a_translation_names_the_same_values(language):
    pairs = [pair for s in sentences(language) for pair in both(s)]
    assert [pair for pair in pairs if names(pair[0]) != names(pair[1])] == []


@each_language
def test_the_compiled_catalogue_is_that_of_the_sentences(language):
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language))
    assert catalogue_file(language).with_suffix(".mo").read_bytes() == compiled.getvalue(), (
        "run `make messages`"
    )


def test_a_localized_sentence_is_a_literal_that_can_be_found():
    composed = [
        where
        for where, call in calls(ROOMS)
        if call.func.id in KEYWORDS and not isinstance(call.args[0], ast.Constant)
    ]
    assert composed == []


def test_every_sentence_of_the_source_is_in_the_catalogue():
    every = [s for language in TRANSLATIONS for s in sentences(language)]
    known = {part for s in every for part in ((s.id,) if isinstance(s.id, str) else s.id)}
    unknown = [
        where for where, call in calls(ROOMS) if call.func.id in KEYWORDS and call.args[0].value not in known
    ]
    assert unknown == [], "a sentence inside an f-string is not found; run `make messages`"


def test_every_fault_is_localized():
    plain = []
    for where, call in calls(ROOMS):
        if call.func.id == "Fault":
            said = [*call.args[:1], *call.args[2:4]]
            said += [k.value for k in call.keywords if k.arg in ("what", "expected", "remedy")]
        elif call.func.id in ("InvalidInputError", "EncoursError", "RequestFault"):
            said = call.args[:1]
        elif call.func.id == "RefusalError":
            said = call.args[2:3]
        else:
            continue
        plain += [where for s in said if isinstance(s, (ast.Constant, ast.JoinedStr))]
    assert plain == []


def test_numbers_and_days_are_written_as_the_reader_writes_them():
    from datetime import date

    text = localized("{first_on} lies after {last_on}", first_on=date(2026, 4, 5), last_on=date(2026, 1, 2))
    assert (text.en, text.fr) == ("2026-04-05 lies after 2026-01-02", "le 05/04/2026 est après le 02/01/2026")
    share = localized("{share:.2%} of {table} is in quarantine", share=0.0625, table="payments")
    assert share.fr == f"6,25{NARROW_SPACE}% de payments est en quarantaine"


@pytest.mark.parametrize(
    ("count", "english", "french"), [(0, "rows", "ligne"), (1, "row", "ligne"), (2, "rows", "lignes")]
)
def test_the_plural_follows_the_rule_of_each_language(count, english, french):
    rows = localized_plural("{count} row", "{count} rows", count=count)
    assert (rows.en, rows.fr) == (f"{count} {english}", f"{count} {french}")


def test_large_counts_are_grouped_in_each_language():
    rows = localized_plural("{count} row", "{count} rows", count=12345)
    assert (rows.en, rows.fr) == ("12,345 rows", f"12{NARROW_SPACE}345 lignes")


def test_french_punctuation_does_not_break_from_its_word():
    assert (
        with_french_spaces("« oui » ; non : 5 % !") == "«\u202foui\u202f»\u202f; non\u202f: 5\u202f%\u202f!"
    )
    assert with_french_spaces("write channel: task; then {a: b}") == "write channel: task; then {a: b}"


def test_values_are_translated_inside_a_sentence():
    kind = localized("dunning sequence")
    assert localized("unknown {kind} {name}", kind=kind, name="x").fr.startswith("séquence de relance")
    assert localized("{fault} ({rows})", fault=Text("été", "summer"), rows="{x}").fr == "été ({x})"


def test_a_fault_in_plain_english_stays_english_within_french():
    refusal = InvalidInputError("cannot be used", [Fault("strange", "a.csv", localized("a number"), count=3)])
    assert str(refusal) == "cannot be used\n  - a.csv: strange (3 rows); expected a number"
    french = refusal.in_language("fr")
    assert french == "cannot be used\n  - a.csv\u202f: strange (3 lignes)\u202f; attendu\u202f: un nombre"
    assert in_language("plain", "fr") == "plain"


def test_a_message_survives_copying_and_pickling():
    import copy
    import pickle

    text = localized("unknown key {name}", name="x")
    for again in (copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        assert (again, again.fr) == (text, "clé inconnue x")
