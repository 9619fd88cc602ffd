"""Reads the invented training sentences kept in ``corpus/`` (origin: written for this project, nobody's mail)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from features.email.values import LabelledMail, Mail
from features.errors import Fault, InvalidInputError
from models.email_reader.labelled_mails import read_labelled_file

CORPUS_FOLDER = Path(__file__).parents[2] / "features" / "email" / "corpus"
_SENT_ON = dt.date(2025, 6, 11)
_SHORT_NAMES = {
    "fd": "financial_difficulty",
    "ins": "insolvency",
    "plan": "payment_plan_request",
    "ext": "extension_request",
    "dis": "dispute",
    "adm": "admin_block",
    "pro": "promise_to_pay",
    "sent": "payment_sent",
    "org": "organisational_change",
    "hos": "hostile_tone",
}


def read_corpus(folder: Path = CORPUS_FOLDER) -> tuple[LabelledMail, ...]:
    """Invented short mails with their labels, in file and line order.

    A line holds short label names joined by commas (``-`` for none), a bar and the text; ``/`` in the text is a line
    break. Lines that begin with ``#`` are comments.

    Raises:
        InvalidInputError: a line without a bar or with an unknown label name; every such line is listed.
    """
    mails: list[LabelledMail] = []
    faults: list[Fault] = []
    for path in sorted(folder.glob("*.txt")):
        language = path.stem.split("_")[0]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            head, bar, text = line.partition("|")
            names = [name.strip() for name in head.split(",") if name.strip() not in ("", "-")]
            unknown = [name for name in names if name not in _SHORT_NAMES]
            if not bar or unknown or not text.strip():
                faults.append(
                    Fault(
                        "not a labelled sentence" if not unknown else f"unknown label {unknown[0]!r}",
                        f"{path.name}, line {number}",
                        expected="labels, a bar, text; labels among " + ", ".join(_SHORT_NAMES),
                        remedy="correct the line",
                    )
                )
                continue
            labels = frozenset(_SHORT_NAMES[name] for name in names)
            mail = Mail(f"{path.stem}-{number}", _SENT_ON, "Re:", text.strip().replace(" / ", "\n"))
            mails.append(LabelledMail(mail, language if language in ("fr", "en") else "mixed", labels))
    if faults:
        raise InvalidInputError("the corpus of invented sentences cannot be read", faults)
    return tuple(mails)


def read_known_mails(folder: Path = CORPUS_FOLDER / "read") -> tuple[LabelledMail, ...]:
    """Whole labelled mails invented for this project and since read by those who write cues: to learn from only.

    Raises:
        InvalidInputError: a line is malformed; line and field of every fault are named.
    """
    return tuple(mail for path in sorted(folder.glob("*.jsonl")) for mail in read_labelled_file(path))


def read_unread_mails(folder: Path = CORPUS_FOLDER / "unread") -> dict[str, tuple[LabelledMail, ...]]:
    """Whole labelled mails invented for this project that nobody who writes cues has read, by writer (the file's name).

    No writer knew the cue lists, the other writers or the labelled set: what a reader trained without one of them gets
    right on that one is an honest guess at what it gets right on mail from outside. Whoever reads a file to write cues
    moves it to ``read/``.

    Raises:
        InvalidInputError: a line is malformed; line and field of every fault are named.
    """
    return {path.stem: tuple(read_labelled_file(path)) for path in sorted(folder.glob("*.jsonl"))}
