"""Personal data on request: everything stored about someone, exported or erased, with what remains and why.

A customer is named by its id. A person is named by a text that identifies them, such as an e-mail address
or a full name; everything that contains it, whatever the case of its letters, is theirs.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from features.errors import Fault, InvalidInputError
from features.ids import normal_id
from features.messages import localized
from serving.store import ERASURE, EXPORT, OVERRIDE, Answer, HistoryStore, new_answer_id
from serving.store.answers import append_answers
from serving.store.database import advance_counter
from serving.store.frames import readable
from serving.store.ingest.facts import mark_changed, note_statements
from serving.store.known_ids import CUSTOMERS, meanings
from serving.store.mail_signals import forget_signals
from serving.store.tables import (
    ANSWERS,
    BLANKED,
    ERASED_FACTS,
    FACT_COLUMNS,
    FACTS,
    IDENTIFYING,
    MAIL_SIGNALS,
    NIGHTLY,
    key_column,
)

SHORTEST_PERSON_TEXT: Final = 4
KEPT_INVOICES: Final = localized(
    "invoices, payments and disputes are accounting records that must be kept ten years "
    "(Code de commerce, art. L123-22; GDPR art. 17(3)(b))"
)
KEPT_CHAIN: Final = localized(
    "the lines of the audit chain hold ids and hashes only; they prove what was decided "
    "(GDPR art. 5(2) and 17(3)(e))"
)
KEPT_INTERACTIONS: Final = localized(
    "dated contacts hold no text and no name; they document the collection of the debt (GDPR art. 17(3)(e))"
)
KEPT_NIGHTS: Final = localized(
    "the files of past nights hold ids, amounts, days, reasons and who overruled a proposal, no names of debtors "
    "and no e-mail texts; they prove what was decided (GDPR art. 5(2) and 17(3)(e)); delete the files that are "
    "needed no longer"
)
KEPT_ELSEWHERE: Final = localized(
    "the ledger files and models outside this store follow their source: erase there too, the next nightly "
    "run and the next training then no longer hold it"
)


@dataclass(frozen=True)
class DataSubject:
    """Whose data is meant: exactly one of the two is given.

    Attributes:
        customer_id: a customer of the ledger.
        person: a text that identifies a person.
    """

    customer_id: str | None = None
    person: str | None = None

    def __post_init__(self) -> None:
        if (self.customer_id is None) == (self.person is None):
            raise InvalidInputError(
                localized("Say whose data is meant"),
                [
                    Fault(
                        localized("neither or both were given"),
                        expected=localized("either a customer or a person"),
                    )
                ],
            )
        if self.person is not None and len(self.person.strip()) < SHORTEST_PERSON_TEXT:
            raise InvalidInputError(
                localized("The text does not identify a person"),
                [
                    Fault(
                        localized("too short"),
                        where="person",
                        expected=localized(
                            "at least {count} characters",
                            count=SHORTEST_PERSON_TEXT,
                        ),
                    )
                ],
            )


@dataclass(frozen=True)
class Kept:
    """Something that was not erased, and why; `count` in rows, null when it is not counted here."""

    what: str
    count: int | None
    why: str


@dataclass(frozen=True)
class ErasureReport:
    """What an erasure did.

    Attributes:
        answer_id: id of the erasure in the audit log.
        erased: rows erased, by kind.
        kept: what stays and why.
    """

    answer_id: str
    erased: Mapping[str, int]
    kept: tuple[Kept, ...]


def export_data(store: HistoryStore, subject: DataSubject, caller: str, now: dt.datetime) -> dict[str, Any]:
    """Return everything stored about a customer or person, as JSON values; the export itself is audited."""
    with store.open_for_writing() as connection:
        subject = _as_known(connection, subject)
        content: dict[str, Any] = {
            table: [readable(row) for row in _fact_rows(connection, table, subject)] for table in FACTS
        }
        content["mail_signals"] = [
            {"email_id": row["email_id"], "says": None if row["body"] is None else json.loads(row["body"])}
            for row in _signal_rows(
                connection, [row["email_id"] for row in _fact_rows(connection, "emails", subject)]
            )
        ]
        content["answers"] = [
            {"answer_id": row["answer_id"], "kind": row["kind"], "body": json.loads(row["body"])}
            for row in _answer_rows(connection, subject)
        ]
        content["nightly_scores"] = [
            {"answer_id": row["answer_id"], "body": json.loads(row["body"])}
            for row in _nightly_rows(connection, subject)
        ]
        counts = {name: len(rows) for name, rows in content.items()}
        answer = _action(EXPORT, subject, store, caller, now, {"rows": counts})
        append_answers(connection, [answer], store.chain)
    return {
        "subject": subject.customer_id or subject.person,
        "exported_at": now.isoformat(),
        "audit_id": answer.answer_id,
        "rows": counts,
        **content,
    }


def erase_data(
    store: HistoryStore,
    subject: DataSubject,
    caller: str,
    now: dt.datetime,
    derived: Sequence[Path] = (),
) -> ErasureReport:
    """Erase what may be erased about a customer or person, in one transaction, and say what stays and why.

    E-mails and the texts of answers are erased; the name and company number of the customer are blanked.
    What was erased is not loaded again when the source sends it once more.
    """
    with store.open_for_writing() as connection:
        subject = _as_known(connection, subject)
        emails = [row["email_id"] for row in _fact_rows(connection, "emails", subject)]
        customers = [row["customer_id"] for row in _fact_rows(connection, "customers", subject)]
        touched = {row["customer_id"] for row in _fact_rows(connection, "emails", subject)} | set(customers)
        answered = _answer_rows(connection, subject)
        answers = [row["answer_id"] for row in answered]
        # An erased override is no longer in force: every worker has to see that.
        touched |= {row["customer_id"] for row in answered if row["kind"] == OVERRIDE and row["customer_id"]}
        nightly = [row["answer_id"] for row in _nightly_rows(connection, subject)]
        _remember(connection, "emails", emails, now)
        _remember(connection, BLANKED, customers, now)
        for email_id in emails:
            connection.execute(delete(FACTS["emails"]).where(FACTS["emails"].c.email_id == email_id))
        forget_signals(connection, emails)
        for customer_id in customers:
            note_statements(connection, BLANKED, [(customer_id, column, None) for column in IDENTIFYING])
        for customer_id in customers:
            connection.execute(
                update(FACTS["customers"])
                .where(FACTS["customers"].c.customer_id == customer_id)
                .values(**dict.fromkeys(IDENTIFYING))
            )
        for answer_id in answers:
            connection.execute(
                update(ANSWERS).where(ANSWERS.c.answer_id == answer_id).values(body=None, erased_at=now)
            )
        if nightly:
            advance_counter(connection, "night")  # whoever has read the night reads it again
        for answer_id in nightly:
            connection.execute(delete(NIGHTLY).where(NIGHTLY.c.answer_id == answer_id))
        kept = _kept(connection, subject)
        erased = {
            "emails": len(emails),
            "customer names": len(customers),
            "answers": len(answers),
            "nightly scores": len(nightly),
        }
        body = {"erased": erased, "erased_answers": sorted(answers), "kept": [vars(item) for item in kept]}
        answer = _action(ERASURE, subject, store, caller, now, body)
        append_answers(connection, [answer], store.chain)
        if touched:
            mark_changed(connection, touched)
    for path in derived:
        path.unlink(missing_ok=True)
    return ErasureReport(answer.answer_id, erased, kept)


def _as_known(connection: Connection, subject: DataSubject) -> DataSubject:
    """Return the subject under the id by which the customer is known.

    Raises:
        InvalidInputError: several known customers differ from the id in spelling only.
    """
    if subject.customer_id is None:
        return subject
    asked = normal_id(subject.customer_id)
    known = meanings(connection, CUSTOMERS, {asked})[asked]
    if known is None:
        raise InvalidInputError(
            localized("The id of the customer may mean several"),
            [
                Fault(
                    localized("several known ids differ in spelling only"),
                    "customer",
                    localized("the id exactly as it is known"),
                )
            ],
        )
    return DataSubject(customer_id=known)


def _action(
    kind: str,
    subject: DataSubject,
    store: HistoryStore,
    caller: str,
    now: dt.datetime,
    body: dict[str, Any],
) -> Answer:
    """Return the audit entry of an export or erasure; a person is stored as a sealed hash, not in words."""
    named: dict[str, Any] = {"customer_id": subject.customer_id}
    if subject.person is not None:
        text = subject.person.strip().casefold().encode()
        named["person_hmac"] = hmac.new(store.chain.key, text, hashlib.sha256).hexdigest()
    return Answer(
        new_answer_id(kind), kind, None, subject.customer_id, now, caller, {"subject": named, **body}
    )


def _fact_rows(connection: Connection, table: str, subject: DataSubject) -> list[dict[str, Any]]:
    facts = FACTS[table]
    statement = select(*(facts.c[name] for name in FACT_COLUMNS[table])).order_by(facts.c[key_column(table)])
    if subject.customer_id is not None:
        statement = statement.where(facts.c.customer_id == subject.customer_id)
        return [dict(row) for row in connection.execute(statement).mappings()]
    texts = {"emails": ("subject", "body"), "customers": ("name",), "disputes": ("reason",)}.get(table)
    if texts is None:
        return []
    rows = [dict(row) for row in connection.execute(statement).mappings()]
    return [row for row in rows if _names(subject, (row[column] for column in texts))]


def _signal_rows(connection: Connection, email_ids: Sequence[str]) -> list[dict[str, Any]]:
    wanted = set(email_ids)
    columns = (MAIL_SIGNALS.c.email_id, MAIL_SIGNALS.c.body)
    rows = connection.execute(select(*columns).order_by(MAIL_SIGNALS.c.email_id)).mappings()
    return [dict(row) for row in rows if row["email_id"] in wanted]


def _answer_rows(connection: Connection, subject: DataSubject) -> list[dict[str, Any]]:
    wanted: ColumnElement[bool] = ANSWERS.c.kind.not_in((ERASURE, EXPORT))
    columns = (ANSWERS.c.answer_id, ANSWERS.c.kind, ANSWERS.c.customer_id, ANSWERS.c.body)
    statement = select(*columns).where(wanted, ANSWERS.c.body.is_not(None))
    if subject.customer_id is not None:
        statement = statement.where(ANSWERS.c.customer_id == subject.customer_id)
        return [dict(row) for row in connection.execute(statement).mappings()]
    rows = [dict(row) for row in connection.execute(statement).mappings()]
    return [row for row in rows if _names(subject, (row["body"],))]


def _nightly_rows(connection: Connection, subject: DataSubject) -> list[dict[str, Any]]:
    statement = select(NIGHTLY.c.answer_id, NIGHTLY.c.body)
    if subject.customer_id is not None:
        statement = statement.where(NIGHTLY.c.customer_id == subject.customer_id)
        return [dict(row) for row in connection.execute(statement).mappings()]
    rows = [dict(row) for row in connection.execute(statement).mappings()]
    return [row for row in rows if _names(subject, (row["body"],))]


def _names(subject: DataSubject, texts: Iterable[str | None]) -> bool:
    wanted = (subject.person or "").strip().casefold()
    return any(wanted in text.casefold() for text in texts if text)


def _remember(connection: Connection, table: str, keys: list[str], now: dt.datetime) -> None:
    for key in keys:
        known = connection.execute(
            select(ERASED_FACTS.c.fact_id).where(
                ERASED_FACTS.c.table_name == table, ERASED_FACTS.c.fact_id == key
            )
        ).first()
        if known is None:
            connection.execute(insert(ERASED_FACTS).values(table_name=table, fact_id=key, erased_at=now))


def _kept(connection: Connection, subject: DataSubject) -> tuple[Kept, ...]:
    def count(*tables: str) -> int:
        return sum(len(_fact_rows(connection, table, subject)) for table in tables)

    audited = select(ANSWERS.c.answer_id)
    if subject.customer_id is not None:
        audited = audited.where(ANSWERS.c.customer_id == subject.customer_id)
        lines: int | None = len(connection.execute(audited).all())
    else:
        lines = None
    return (
        Kept(
            localized("invoices, payments, disputes"),
            count("invoices", "payments", "disputes"),
            KEPT_INVOICES,
        ),
        Kept(localized("interactions"), count("interactions"), KEPT_INTERACTIONS),
        Kept(localized("lines of the audit chain"), lines, KEPT_CHAIN),
        Kept(localized("ledger files, training sets, models"), None, KEPT_ELSEWHERE),
        Kept(localized("decisions of past nights (`decisions/`, `out/` in the home)"), None, KEPT_NIGHTS),
    )
