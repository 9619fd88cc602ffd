"""The lexicon of concepts, and the terms that a text gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.email.concepts import CONCEPTS_FILE, concept_of, read_concepts
from features.email.folding import fold
from features.email.values import Mention
from features.email.vectors import cue_terms, text_terms


@pytest.mark.parametrize(
    ("french", "english"),
    [
        ("trésorerie", "funds"),
        ("facture", "invoice"),
        ("litiges", "disputed"),
        ("délai", "extension"),
        ("liquidateur", "liquidator"),
        ("échelonner", "instalments"),
        ("déménageons", "relocating"),
    ],
)
def test_words_of_one_meaning_share_a_concept_across_languages(french: str, english: str) -> None:
    assert concept_of(fold(french)) == concept_of(fold(english)) is not None


def test_masks_are_their_own_concept_and_other_words_have_none() -> None:
    assert concept_of("_when") == "_when"
    assert concept_of("giraffe") is None


def test_the_lexicon_is_folded_and_names_every_word_once() -> None:
    listed: list[str] = []
    for line in CONCEPTS_FILE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            listed += line.partition(":")[2].split()
    assert [word for word in listed if word != fold(word)] == []
    assert len(listed) == len(set(listed))
    words, stems = read_concepts()
    assert len(words) + len(stems) == len(listed) > 1500


def test_a_line_that_is_no_concept_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "concepts.txt"
    path.write_text("money: cash\nno colon here\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2"):
        read_concepts(path)
    path.write_text("money: ca*\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"stem 'ca\*' is too short"):
        read_concepts(path)


def test_sentences_in_both_languages_meet_in_their_concept_terms() -> None:
    def concepts(text: str) -> set[str]:
        words = fold(text).split()
        return {term for term in text_terms(words, ((0, len(words)),)) if term.startswith("=")}

    assert "=money empty" in concepts("tresorerie vide") & concepts("funds empty")


def test_pairs_do_not_cross_a_sentence_and_denials_are_marked() -> None:
    words = ["tresorerie", "vide", "aucun", "litige"]
    apart, together = text_terms(words, ((0, 2), (2, 4))), text_terms(words, ((0, 4),))
    assert "=&dispute money" in together
    assert "=&dispute money" not in apart
    assert "=!dispute" in apart
    assert "=!money" not in apart
    assert "=!money" in together


def test_each_cue_gives_one_term_in_a_fixed_order() -> None:
    found = [Mention("dispute", 0, 1, True, True, 0, key) for key in ("b", "a", "b")]
    found.append(Mention("dispute", 2, 3, True, True, 0, "a", ["negated"]))
    assert cue_terms(found) == ["cue:a", "cue:a!", "cue:b"]


def test_numbers_are_never_learnt() -> None:
    terms = text_terms(["facture", "2025abc117"], ((0, 2),))
    assert not any("117" in term or "2025" in term for term in terms)
