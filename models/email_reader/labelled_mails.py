"""Reads mails and labelled mails from JSON Lines; every malformed line is reported at once."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from features.email.values import LANGUAGES, LabelledMail, Mail
from features.errors import Fault, InvalidInputError
from features.signal_labels import LABELS

_SHOWN = 40


def read_mails_file(path: Path) -> list[Mail]:
    """Mails of a JSON Lines file (``id``, ``sent_at``, ``subject``, ``body``), in file order.

    ``sent_at`` is an ISO day or instant; ``subject`` may be empty; ``country`` (ISO 3166 alpha-2, optional) is whose
    days off hold. Other fields are ignored.

    Raises:
        InvalidInputError: the file is absent or a line is malformed; line and field of every fault are named.
    """
    return [_mail(record) for _, record in _records(path, labelled=False)]


def read_labelled_file(path: Path) -> list[LabelledMail]:
    """Labelled mails of a JSON Lines file (a mail, ``labels``, ``language``, ``auto_reply``, promises, ``writer``).

    Raises:
        InvalidInputError: the file is absent or a line is malformed; line and field of every fault are named.
    """
    return [
        LabelledMail(
            _mail(record),
            record.get("language", "fr"),
            frozenset(record["labels"]),
            dt.date.fromisoformat(record["promise_date"]) if record.get("promise_date") else None,
            float(record["promise_amount"]) if record.get("promise_amount") is not None else None,
            bool(record.get("auto_reply", False)),
            record.get("writer", ""),
        )
        for _, record in _records(path, labelled=True)
    ]


def _mail(record: dict[str, Any]) -> Mail:
    day = dt.datetime.fromisoformat(record["sent_at"]).date()
    return Mail(record["id"], day, record.get("subject") or "", record["body"], record.get("country"))


def _records(path: Path, *, labelled: bool) -> Iterable[tuple[int, dict[str, Any]]]:
    try:
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except FileNotFoundError as absent:
        raise InvalidInputError(
            f"no file {path}", [Fault("file not found", str(path), remedy="check the path")]
        ) from absent
    except UnicodeDecodeError as damaged:
        fault = Fault(
            "not UTF-8 text", f"{path.name}, byte {damaged.start}", "UTF-8", "save the file as UTF-8"
        )
        raise InvalidInputError(f"{path.name} cannot be read", [fault]) from damaged
    records: list[tuple[int, dict[str, Any]]] = []
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path.name}, line {number}"
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            faults.append(
                Fault(
                    f"not JSON ({error.msg} at column {error.colno})",
                    where,
                    "one JSON object a line",
                    "correct the line",
                )
            )
            continue
        if not isinstance(record, dict):
            faults.append(
                Fault(
                    "not a JSON object",
                    where,
                    "an object with id, sent_at, subject, body",
                    "correct the line",
                )
            )
            continue
        found = [*_mail_faults(record, where), *(_answer_faults(record, where) if labelled else [])]
        if not found and record["id"] in seen:
            found.append(
                Fault(
                    f"id {record['id']!r} already used on line {seen[record['id']]}",
                    f"{where}, field id",
                    "unique ids",
                    "rename one",
                )
            )
        faults += found
        if not found:
            seen[record["id"]] = number
            records.append((number, record))
    if faults:
        more = len(faults) - _SHOWN
        listed = faults[:_SHOWN] + (
            [Fault(f"{more} more faults of the same kinds", path.name)] if more > 0 else []
        )
        raise InvalidInputError(f"{path.name}: {len(faults)} faults, nothing was read", listed)
    return records


def _mail_faults(record: dict[str, Any], where: str) -> list[Fault]:
    faults: list[Fault] = []
    for name, may_be_empty in (("id", False), ("body", True)):
        value = record.get(name)
        if not isinstance(value, str) or not (value or may_be_empty):
            faults.append(Fault(_described(record, name), f"{where}, field {name}", "a text", f"give {name}"))
    if not isinstance(record.get("country"), str | None):
        faults.append(
            Fault(
                _described(record, "country"),
                f"{where}, field country",
                "a country of two letters such as FR, or null",
                "correct it",
            )
        )
    if not isinstance(record.get("subject", ""), str | None):
        faults.append(
            Fault(
                _described(record, "subject"),
                f"{where}, field subject",
                "a text, possibly empty",
                "correct it",
            )
        )
    try:
        dt.datetime.fromisoformat(record.get("sent_at", ""))
    except (TypeError, ValueError):
        faults.append(
            Fault(
                _described(record, "sent_at"),
                f"{where}, field sent_at",
                "an ISO day such as 2026-01-31",
                "correct it",
            )
        )
    return faults


def _answer_faults(record: dict[str, Any], where: str) -> list[Fault]:
    faults: list[Fault] = []
    labels = record.get("labels")
    if not isinstance(labels, list) or any(label not in LABELS for label in labels):
        faults.append(
            Fault(
                _described(record, "labels"),
                f"{where}, field labels",
                "a list among " + ", ".join(LABELS),
                "correct it",
            )
        )
    if record.get("language", "fr") not in LANGUAGES:
        faults.append(
            Fault(
                _described(record, "language"),
                f"{where}, field language",
                "one of " + ", ".join(LANGUAGES),
                "correct it",
            )
        )
    try:
        if record.get("promise_date") is not None:
            dt.date.fromisoformat(record["promise_date"])
    except (TypeError, ValueError):
        faults.append(
            Fault(
                _described(record, "promise_date"),
                f"{where}, field promise_date",
                "an ISO day or null",
                "correct it",
            )
        )
    if not isinstance(record.get("promise_amount"), int | float | None):
        faults.append(
            Fault(
                _described(record, "promise_amount"),
                f"{where}, field promise_amount",
                "a number or null",
                "correct it",
            )
        )
    return faults


def _described(record: dict[str, Any], name: str) -> str:
    return f"{name} is missing" if name not in record else f"{name} is {str(record[name])[:40]!r}"
