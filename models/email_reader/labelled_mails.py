"""Reads mails and labelled mails from JSON Lines; every malformed line is reported at once."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable
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
            record.get("language") or "fr",
            frozenset(record["labels"]),
            dt.date.fromisoformat(record["promise_date"]) if record.get("promise_date") else None,
            float(record["promise_amount"]) if record.get("promise_amount") is not None else None,
            bool(record.get("auto_reply", False)),
            record.get("writer") or "",
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
        found = _field_faults(record, where, labelled=labelled)
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


def _field_faults(record: dict[str, Any], where: str, *, labelled: bool) -> list[Fault]:
    return [
        Fault(_described(record, name), f"{where}, field {name}", expected, remedy)
        for name, is_good, expected, remedy in (*_MAIL_FIELDS, *(_ANSWER_FIELDS if labelled else ()))
        if not is_good(record.get(name))
    ]


def _is_iso(value: Any, kind: type[dt.date]) -> bool:
    try:
        kind.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _are_labels(value: Any) -> bool:
    return isinstance(value, list) and all(label in LABELS for label in value)


_Check = tuple[str, Callable[[Any], bool], str, str]
_MAIL_FIELDS: tuple[_Check, ...] = (
    ("id", lambda value: isinstance(value, str) and value != "", "a text", "give id"),
    ("body", lambda value: isinstance(value, str), "a text", "give body"),
    (
        "country",
        lambda value: isinstance(value, str | None),
        "a country of two letters such as FR, or null",
        "correct it",
    ),
    ("subject", lambda value: isinstance(value, str | None), "a text, possibly empty", "correct it"),
    ("sent_at", lambda value: _is_iso(value, dt.datetime), "an ISO day such as 2026-01-31", "correct it"),
)
_ANSWER_FIELDS: tuple[_Check, ...] = (
    ("labels", _are_labels, "a list among " + ", ".join(LABELS), "correct it"),
    ("language", lambda value: value in (None, *LANGUAGES), "one of " + ", ".join(LANGUAGES), "correct it"),
    (
        "promise_date",
        lambda value: value is None or _is_iso(value, dt.date),
        "an ISO day or null",
        "correct it",
    ),
    ("promise_amount", lambda value: isinstance(value, int | float | None), "a number or null", "correct it"),
)


def _described(record: dict[str, Any], name: str) -> str:
    return f"{name} is missing" if name not in record else f"{name} is {str(record[name])[:40]!r}"
