"""Reads mails and labelled mails from JSON Lines; every malformed line is reported at once."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from features.email.values import LANGUAGES, LabelledMail, Mail
from features.errors import Fault, InvalidInputError
from features.messages import Message, localized
from features.pydantic_messages import json_complaint
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
            localized("no file {path}", path=str(path)),
            [Fault(localized("file not found"), str(path), remedy=localized("check the path"))],
        ) from absent
    except UnicodeDecodeError as damaged:
        fault = Fault(
            localized("not UTF-8 text"),
            localized("{file}, byte {byte}", file=path.name, byte=str(damaged.start)),
            localized("UTF-8"),
            localized("save the file as UTF-8"),
        )
        raise InvalidInputError(localized("{name} cannot be read", name=path.name), [fault]) from damaged
    records: list[tuple[int, dict[str, Any]]] = []
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = localized("{file}, line {line}", file=path.name, line=str(number))
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            faults.append(
                Fault(
                    localized(
                        "not JSON ({reason} at column {column})",
                        reason=json_complaint(error.msg),
                        column=str(error.colno),
                    ),
                    where,
                    localized("one JSON object a line"),
                    localized("correct the line"),
                )
            )
            continue
        if not isinstance(record, dict):
            faults.append(
                Fault(
                    localized("not a JSON object"),
                    where,
                    localized("an object with id, sent_at, subject, body"),
                    localized("correct the line"),
                )
            )
            continue
        found = _field_faults(record, where, labelled=labelled)
        if not found and record["id"] in seen:
            found.append(
                Fault(
                    localized(
                        "id {id!r} already used on line {line}", id=record["id"], line=str(seen[record["id"]])
                    ),
                    localized("{place}, field {name}", place=where, name="id"),
                    localized("unique ids"),
                    localized("rename one"),
                )
            )
        faults += found
        if not found:
            seen[record["id"]] = number
            records.append((number, record))
    if faults:
        more = len(faults) - _SHOWN
        listed = faults[:_SHOWN] + (
            [Fault(localized("{more} more faults of the same kinds", more=more), path.name)]
            if more > 0
            else []
        )
        raise InvalidInputError(
            localized("{name}: {count} faults, nothing was read", name=path.name, count=len(faults)), listed
        )
    return records


def _field_faults(record: dict[str, Any], where: str, *, labelled: bool) -> list[Fault]:
    return [
        Fault(
            _described(record, name),
            localized("{place}, field {name}", place=where, name=name),
            expected,
            remedy,
        )
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


_Check = tuple[str, Callable[[Any], bool], Message, Message]
_MAIL_FIELDS: tuple[_Check, ...] = (
    ("id", lambda value: isinstance(value, str) and value != "", localized("a text"), localized("give id")),
    ("body", lambda value: isinstance(value, str), localized("a text"), localized("give body")),
    (
        "country",
        lambda value: isinstance(value, str | None),
        localized("a country of two letters such as FR, or null"),
        localized("correct it"),
    ),
    (
        "subject",
        lambda value: isinstance(value, str | None),
        localized("a text, possibly empty"),
        localized("correct it"),
    ),
    (
        "sent_at",
        lambda value: _is_iso(value, dt.datetime),
        localized("an ISO day such as 2026-01-31"),
        localized("correct it"),
    ),
)
_ANSWER_FIELDS: tuple[_Check, ...] = (
    ("labels", _are_labels, localized("a list among {labels}", labels=LABELS), localized("correct it")),
    (
        "language",
        lambda value: value in (None, *LANGUAGES),
        localized("one of {known}", known=LANGUAGES),
        localized("correct it"),
    ),
    (
        "promise_date",
        lambda value: value is None or _is_iso(value, dt.date),
        localized("an ISO day or null"),
        localized("correct it"),
    ),
    (
        "promise_amount",
        lambda value: isinstance(value, int | float | None),
        localized("a number or null"),
        localized("correct it"),
    ),
)


def _described(record: dict[str, Any], name: str) -> Message:
    if name not in record:
        return localized("{name} is missing", name=name)
    return localized("{name} is {value}", name=name, value=repr(str(record[name])[:40]))
