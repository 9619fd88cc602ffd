"""Libraries beside the reader's own code on the same mails: language, own text, repair, cue search.

The libraries are no requirement of the project: `uv pip install --target FOLDER --no-deps lingua-language-detector
py3langid ftfy wcwidth mail-parser-reply`, then `PYTHONPATH=FOLDER python -m benchmarks.email_libraries`.
Milliseconds are processor time for one mail, alternating in one process: read them as ratios.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import spacy
from spacy.matcher import Matcher
from spacy.tokens import Doc

from benchmarks.email_signals import micro_f1_of
from data_samples.generator.mail_bank import LABELLED_EMAILS
from features.email import LabelledMail, load_pipeline, reading
from features.email.cues import load_matcher
from features.email.cues.cue_language import CUES_FOLDER, read_all_cues, read_macros
from features.email.language import MINOR_SHARE, MINOR_WORDS, detect_language
from features.email.own_text import OwnText, isolate_own_text, repair_text
from models.email_reader import read_calibration_mails, read_labelled_file, read_training_mails
from tests.golden.test_own_text_isolation import DAMAGED, LAYOUTS, OWN

_CLAUSE = re.compile(r"[.!?;:,\n()/\-–—]+")
_REPEATS = 3
_MATCHED_MAILS = 200
_MOST_EXPANSIONS = 400


def _per_mail(act: Callable[[Any], Any], given: Sequence[Any]) -> float:
    """Milliseconds of processor time for one, the best of three rounds."""
    best = float("inf")
    for _ in range(_REPEATS):
        begun = time.process_time()
        for one in given:
            act(one)
        best = min(best, time.process_time() - begun)
    return round(1000 * best / len(given), 4)


def _by_clause(detect: Callable[[str], str]) -> Callable[[str], str]:
    """The reader's rule for mixed mails over a library's language of each clause."""

    def language(text: str) -> str:
        counts = {"fr": 0, "en": 0}
        for clause in _CLAUSE.split(text):
            words = len(clause.split())
            if words >= 2:
                counts[detect(clause)] += words
        minor = min(counts.values())
        if minor >= MINOR_WORDS and minor / max(sum(counts.values()), 1) >= MINOR_SHARE:
            return "mixed"
        return max(counts, key=lambda name: counts[name]) if sum(counts.values()) else detect(text)

    return language


def languages(mails: Sequence[LabelledMail]) -> dict[str, Any]:
    """Share of mails whose language is the labelled one, also among mixed mails, and milliseconds for one."""
    import py3langid
    from lingua import Language, LanguageDetectorBuilder

    lingua = LanguageDetectorBuilder.from_languages(Language.FRENCH, Language.ENGLISH).build()
    py3langid.set_languages(["fr", "en"])

    def of_lingua(text: str) -> str:
        return "en" if lingua.detect_language_of(text) == Language.ENGLISH else "fr"

    def of_langid(text: str) -> str:
        return str(py3langid.classify(text)[0])

    ways: dict[str, Callable[[str], str]] = {
        "own": detect_language,
        "lingua by clause": _by_clause(of_lingua),
        "lingua, whole text": of_lingua,
        "py3langid by clause": _by_clause(of_langid),
        "py3langid, whole text": of_langid,
    }
    texts = [isolate_own_text(mail.mail.subject, mail.mail.body).text for mail in mails]
    truth = np.array([mail.language for mail in mails])
    report = {}
    for name, way in ways.items():
        found = np.array([way(text) for text in texts])
        report[name] = {
            "accuracy": round(float((found == truth).mean()), 4),
            "mixed_found": f"{int(((found == 'mixed') & (truth == 'mixed')).sum())} of {int((truth == 'mixed').sum())}",
            "mixed_wrongly": int(((found == "mixed") & (truth != "mixed")).sum()),
            "ms": _per_mail(way, texts[:400]),
        }
    return report


def own_texts(mails: Sequence[LabelledMail]) -> dict[str, Any]:
    """Golden layouts isolated exactly, micro-F1 of the shipped reader on calibration mails, milliseconds for one."""
    from mailparser_reply import EmailReplyParser

    def of_library(subject: str, body: str) -> OwnText:
        own = isolate_own_text(subject, "")
        text = EmailReplyParser(languages=["fr", "en"]).parse_reply(text=repair_text(body)) or ""
        return OwnText(text.strip(), own.subject, own.full_subject, text.strip() != body.strip())

    report = {}
    shipped = reading.isolate_own_text
    for name, way in (("own", isolate_own_text), ("mail-parser-reply", of_library)):
        reading.isolate_own_text = way
        found = list(load_pipeline().read_many(mail.mail for mail in mails))
        report[name] = {
            "golden_exact": f"{sum(way('Re: x', body).text == OWN for body in LAYOUTS.values())} of {len(LAYOUTS)}",
            "micro_f1": micro_f1_of(mails, found),
            "ms": _per_mail(lambda mail, way=way: way(mail.mail.subject, mail.mail.body), mails[:300]),
        }
    reading.isolate_own_text = shipped
    return report


def repairs(mails: Sequence[LabelledMail]) -> dict[str, Any]:
    """Golden damages mended exactly, sound mails left alone, milliseconds for one."""
    import ftfy

    bodies = [mail.mail.body for mail in mails]
    # Curly quotes are the sender's own: the library is told to leave them.
    config = ftfy.TextFixerConfig(uncurl_quotes=False, unescape_html=True)
    return {
        name: {
            "golden_exact": f"{sum(way(damaged) == mended for damaged, mended in DAMAGED)} of {len(DAMAGED)}",
            "mails_changed": sum(way(body).split() != body.split() for body in bodies),
            "ms": _per_mail(way, bodies[:400]),
        }
        for name, way in (("own", repair_text), ("ftfy", lambda text: ftfy.fix_text(text, config)))
    }


def cue_search(mails: Sequence[LabelledMail]) -> dict[str, Any]:
    """Milliseconds for one mail with the cues as spaCy Matcher patterns; alternatives of several words are expanded.

    A cue with more than 400 expansions is left out of the Matcher, so that its time is a lower bound.
    """
    nlp = spacy.blank("xx")
    macros = read_macros(CUES_FOLDER / "macros.txt")
    matcher, kept, patterns = Matcher(nlp.vocab), 0, 0
    cues = read_all_cues(CUES_FOLDER)
    for number, cue in enumerate(cues):
        expanded = _expanded(cue.cue.source, macros)
        if expanded:
            matcher.add(str(number), expanded)
            kept, patterns = kept + 1, patterns + len(expanded)
    reads = [read.reading for read in reading.read_mails(mail.mail for mail in mails[:_MATCHED_MAILS])]
    docs = [Doc(nlp.vocab, words=list(read.words)) for read in reads if read.words]
    own = load_matcher()
    return {
        "cues": len(cues),
        "cues_in_matcher": kept,
        "patterns_in_matcher": patterns,
        "own_ms": _per_mail(lambda read: own.find(read.words, read.sentence_words), reads),
        "matcher_ms": _per_mail(matcher, docs),
    }


def _expanded(source: str, macros: dict[str, str]) -> list[list[dict[str, Any]]]:
    """Matcher patterns of a cue; none when there would be too many."""
    for name, definition in macros.items():
        source = source.replace(f"<{name}>", definition if definition.startswith("(") else f"({definition})")
    tokens = re.findall(r"\(|\)\?|\)|\||[^\s()|]+", source)
    branches, rest = _alternatives(tokens)
    return [] if rest or len(branches) > _MOST_EXPANSIONS else branches


def _alternatives(tokens: list[str]) -> tuple[list[list[dict[str, Any]]], list[str]]:
    done: list[list[dict[str, Any]]] = []
    open_branch: list[list[dict[str, Any]]] = [[]]
    while tokens and tokens[0] not in (")", ")?"):
        token, tokens = tokens[0], tokens[1:]
        if token == "|":
            done, open_branch = [*done, *open_branch], [[]]
            continue
        if token == "(":
            inner, tokens = _alternatives(tokens)
            is_optional, tokens = tokens[0] == ")?", tokens[1:]
            inner = _single_words_together(inner) + ([[]] if is_optional else [])
        else:
            inner = [_token_pattern(token)]
        if len(inner) * len(open_branch) > 50 * _MOST_EXPANSIONS:
            return [[]] * (_MOST_EXPANSIONS + 1), []
        open_branch = [[*before, *after] for before, after in product(open_branch, inner)]
    return [*done, *open_branch], tokens


def _single_words_together(branches: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    single = [b[0]["TEXT"]["REGEX"] for b in branches if len(b) == 1 and "OP" not in b[0]]
    longer = [b for b in branches if not (len(b) == 1 and "OP" not in b[0])]
    return ([[{"TEXT": {"REGEX": "|".join(single)}}]] if single else []) + longer


def _token_pattern(token: str) -> list[dict[str, Any]]:
    if token in (".", ".."):
        return [{"OP": "?"}] * (1 if token == "." else 3)
    if token.endswith("?") and len(token) > 1:
        return [{"TEXT": {"REGEX": f"^{re.escape(token[:-1])}$"}, "OP": "?"}]
    if token == "_num":
        return [{"TEXT": {"REGEX": r"^\d"}}]
    stem = re.escape(token.rstrip("*"))
    return [{"TEXT": {"REGEX": f"^{stem}" if token.endswith("*") else f"^{stem}$"}}]


def main() -> None:
    """Measures and prints, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["languages", "own_texts", "repairs", "cue_search"])
    only = parser.parse_args().only
    calibration = [mail for mails in read_calibration_mails().values() for mail in mails]
    every = [*read_labelled_file(LABELLED_EMAILS), *read_training_mails(), *calibration]
    measured: dict[str, Callable[[], dict[str, Any]]] = {
        "repairs": lambda: repairs(every),
        "languages": lambda: languages(every),
        "cue_search": lambda: cue_search(calibration),
        "own_texts": lambda: own_texts(calibration),
    }
    for name, measure in measured.items():
        if only in (None, name):
            print(json.dumps({name: measure()}, indent=1, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
