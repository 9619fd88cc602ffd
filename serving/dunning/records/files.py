"""Files of decisions: written whole or not at all, read back equal, with every row that is no record named."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from features.errors import EncoursError, Fault, InvalidInputError
from features.files import written_aside
from features.messages import localized, localized_plural
from features.pydantic_messages import expected_value
from serving.dunning.records.record import (
    ACCOUNT,
    DECISION,
    DIFFERENCE_SCHEMA,
    EXPLANATION,
    RECORD,
    RECORD_SCHEMA,
    RECORD_VERSION,
    SCORE,
    DecisionRecord,
    Difference,
    account_to_json,
    decision_to_json,
    score_to_json,
)
from serving.dunning.records.upgrade import (
    ONLY_IN_VERSION_1,
    upgraded_account,
    upgraded_decision,
    upgraded_line,
)

FAULTS_SHOWN = 20


def write_records(records: Iterable[DecisionRecord], path: Path) -> int:
    """Write records, sorted by day and invoice, as Parquet or (suffix `.jsonl`) one JSON object a line.

    Returns:
        How many were written. The file appears whole or not at all.
    """
    ordered = sorted(records, key=lambda record: (record.decided_on, record.score.receivable_id))
    with written_aside(path) as aside:
        if path.suffix == ".jsonl":
            with aside.open("wb") as file:
                file.writelines(RECORD.dump_json(record) + b"\n" for record in ordered)
        else:
            pl.DataFrame([_row(record) for record in ordered], schema=RECORD_SCHEMA).write_parquet(aside)
    return len(ordered)


def write_differences(differences: Iterable[Difference], path: Path) -> None:
    """Write what a replay decided differently: one row a case, what changed, and both decisions as JSON."""
    rows = [
        {
            "decided_on": item.decided_on,
            "invoice_id": item.after.invoice_id,
            "instalment_number": item.after.instalment_number,
            "customer_id": item.after.customer_id,
            "segment": item.after.segment,
            "balance_amount": item.after.balance_amount,
            "currency": item.after.currency,
            "changed": ", ".join(item.changed),
            "sequence_before": item.before.sequence_id,
            "sequence_after": item.after.sequence_id,
            "before": decision_to_json(item.before),
            "after": decision_to_json(item.after),
        }
        for item in differences
    ]
    frame = pl.DataFrame(rows, schema=DIFFERENCE_SCHEMA)
    with written_aside(path) as aside:
        if path.suffix == ".jsonl":
            frame.write_ndjson(aside)
        else:
            frame.write_parquet(aside)


def read_records(
    path: Path, first_on: date | None = None, last_on: date | None = None
) -> tuple[DecisionRecord, ...]:
    """Read records of the given days (both included; null: no bound), sorted by day and invoice.

    Args:
        path: a file of records, or a folder with one file a night (`2026-03-02.parquet`).
        first_on: first day.
        last_on: last day.

    Raises:
        InvalidInputError: no such file, columns missing, or rows that are not records: each with its line
            or row.
    """
    files = _nights(path, first_on, last_on) if path.is_dir() else [path]
    if not path.exists() or (path.is_dir() and not _nights(path, None, None)):
        fault = Fault(
            localized("no such file"), str(path), remedy=localized("name a file written by the nightly batch")
        )
        raise InvalidInputError(localized("records cannot be read"), [fault])
    records, faults = [], []
    for where, read in (source for file in files for source in _sources(file, first_on, last_on)):
        try:
            record = read()
        except (ValidationError, EncoursError, json.JSONDecodeError) as error:
            faults.append(
                Fault(_first_complaint(error), where, localized("a record as written by the nightly batch"))
            )
            continue
        if (first_on is None or record.decided_on >= first_on) and (
            last_on is None or record.decided_on <= last_on
        ):
            records.append(record)
    if faults:
        summary = localized_plural(
            "{file}: {count} row is not a decision record",
            "{file}: {count} rows are not decision records",
            count=len(faults),
            file=path.name,
        )
        raise InvalidInputError(summary, faults[:FAULTS_SHOWN])
    return tuple(sorted(records, key=lambda record: (record.decided_on, record.score.receivable_id)))


def records_between(path: Path, first_on: date | None, last_on: date) -> tuple[DecisionRecord, ...]:
    """Read the records of some days; a period without any is refused with the days of the file.

    Raises:
        InvalidInputError: as `read_records`; the period runs backwards or the file contains nothing in it.
    """
    if first_on is not None and first_on > last_on:
        fault = Fault(
            localized("{first_on} lies after {last_on}", first_on=first_on, last_on=last_on),
            "--from, --to",
            localized("a first day and a later last day"),
        )
        raise InvalidInputError(localized("the period runs backwards"), [fault])
    found = read_records(path, first_on, last_on)
    if not found:
        days = sorted({record.decided_on for record in read_records(path)})
        held = (
            localized(
                "days between {first_on} and {last_on}, which the file holds",
                first_on=days[0],
                last_on=days[-1],
            )
            if days
            else localized("a file with decisions")
        )
        what = (
            localized("no stored decision from {first_on} to {last_on}", first_on=first_on, last_on=last_on)
            if first_on is not None
            else localized("no stored decision up to {last_on}", last_on=last_on)
        )
        fault = Fault(what, path.name, held)
        raise InvalidInputError(localized("there is nothing to decide again"), [fault])
    return found


def _row(record: DecisionRecord) -> dict[str, Any]:
    decision, step = record.decision, record.decision.next_step if record.decision else None
    return {
        "record_version": RECORD_VERSION,
        "decided_on": record.decided_on,
        "invoice_id": record.score.invoice_id,
        "instalment_number": record.score.instalment_number,
        "customer_id": record.score.customer_id,
        "policy_id": decision.policy_id if decision else None,
        "policy_version": decision.policy_version if decision else None,
        "sequence_id": decision.sequence_id if decision else None,
        "gate_id": decision.gate_id if decision else None,
        "step_id": step.step_id if step else None,
        "step_on": step.on if step else None,
        "channel": step.channel if step else None,
        "is_automatic": decision.is_automatic_today if decision else None,
        "approval_level": decision.approval_level if decision else None,
        "person_decides": decision.person_decides.because if decision and decision.person_decides else None,
        "balance_amount": record.account.net_balance_amount,
        "disputed_amount": record.account.disputed_part_amount,
        "currency": record.score.currency,
        "is_live": decision.is_live if decision else None,
        "score": score_to_json(record.score),
        "account": account_to_json(record.account),
        "decision": decision_to_json(decision) if decision else None,
        "explanation": EXPLANATION.dump_json(record.explanation).decode(),
    }


def _nights(folder: Path, first_on: date | None, last_on: date | None) -> list[Path]:
    """The files of the nights of a period, in order; files that are not named after a day are not ours."""
    found = []
    for file in sorted((*folder.glob("*.parquet"), *folder.glob("*.jsonl"))):
        try:
            night = date.fromisoformat(file.stem)
        except ValueError:
            continue
        if (first_on is None or night >= first_on) and (last_on is None or night <= last_on):
            found.append(file)
    return found


def _sources(path: Path, first_on: date | None, last_on: date | None) -> Iterator[tuple[str, Any]]:
    """The place of each record in its file, and a call that reads it."""
    if path.suffix == ".jsonl":
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            if line.strip():
                yield (
                    localized("{file}, line {line}", file=path.name, line=str(number)),
                    lambda line=line: RECORD.validate_json(upgraded_line(line)),
                )
        return
    try:
        frame = pl.read_parquet(path, glob=False)
    except pl.exceptions.PolarsError as error:
        fault = Fault(str(error).splitlines()[0], str(path), localized("a Parquet file, or .jsonl"))
        raise InvalidInputError(localized("records cannot be read"), [fault]) from error
    missing = [name for name in ("decided_on", "score", "account", "decision") if name not in frame.columns]
    if missing:
        fault = Fault(
            localized("column {missing} is missing", missing=missing), path.name, ", ".join(RECORD_SCHEMA)
        )
        raise InvalidInputError(localized("records cannot be read"), [fault])
    if "explanation" not in frame.columns:  # stored by an earlier version
        frame = frame.with_columns(explanation=pl.lit("[]"))
    frame = frame.with_row_index("row", offset=1)
    if first_on is not None:
        frame = frame.filter(pl.col("decided_on") >= first_on)
    if last_on is not None:
        frame = frame.filter(pl.col("decided_on") <= last_on)
    for row in frame.select("row", "decided_on", "score", "account", "decision", "explanation").iter_rows(
        named=True
    ):
        where = localized("{file}, row {row}", file=path.name, row=str(row["row"]))
        yield where, lambda row=row: _record(row)


def _record(row: dict[str, Any]) -> DecisionRecord:
    score = SCORE.validate_json(row["score"] or "null")
    if f'"{ONLY_IN_VERSION_1}"' in (row["account"] or ""):
        account = upgraded_account(json.loads(row["account"]), row["decided_on"], score.currency)
        decision = upgraded_decision(json.loads(row["decision"] or "null"))
        row = {**row, "account": json.dumps(account), "decision": decision and json.dumps(decision)}
    return DecisionRecord(
        row["decided_on"],
        score,
        ACCOUNT.validate_json(row["account"] or "null"),
        DECISION.validate_json(row["decision"]) if row["decision"] is not None else None,
        EXPLANATION.validate_json(row["explanation"] or "[]"),
    )


def _first_complaint(error: Exception) -> str:
    if isinstance(error, ValidationError):
        detail = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in detail["loc"]) or localized("record")
        return localized(
            "{place}: {value} is not accepted, expected {expected}",
            place=place,
            value=repr(detail["input"])[:60],
            expected=expected_value(detail),
        )
    if isinstance(error, InvalidInputError) and error.faults:
        return localized("{summary}: {fault}", summary=error.summary, fault=error.faults[0].sentence)
    return str(error).replace("\n", " ")
