"""The ledger's rules over rows and tables, and the check that turns delivered tables into a ledger.

What is decided here, so that the same rows lead to the same ledger whatever their order:

- Rows that are equal in every column are one row told several times: one is kept, the copies go to
quarantine. - Rows that share an id but differ all go to quarantine: nobody can say which one is right. -
An invoice of a customer the customers table lacks is kept; the customer is derived and counted in a
warning. - What refers to an invoice in quarantine goes to quarantine under its own rule, so that repairing
the invoice is
  seen to bring it back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import dataframely as dy
import polars as pl

from features.ledger.conform import conform, refuse_wrong_shape, unused_columns
from features.ledger.ledger import Ledger
from features.ledger.observations import ledger_warnings
from features.ledger.quarantine import PROVENANCE, as_quarantine, counts_by_rule, split_by_rules
from features.ledger.report import CheckReport, Note, TableReport
from features.ledger.schemas import KEYS, REVERSAL, SCHEMAS, empty_table, table_dtypes

#: No electronic ledger reaches further back; an earlier day is a typing error (0202, or 1900 for empty).
EARLIEST_DAY: Final = dt.date(1990, 1, 1)
#: A day this far beyond all it should stand near is a typing error (2042 for 2024, 9999 for never).
ABSURD_GAP_DAYS: Final = 3 * 366
#: Invoices dated beyond such a gap are errors only as long as they are few among enough others.
ABSURD_GROUP_SHARE: Final = 0.1
FEWEST_TO_COMPARE: Final = 5

_SCHEMA_FAULTS: Final = {
    "nullability": "missing",
    "min_length": "empty",
    "check": "unknown code",
    "regex": "unknown code",
    "min_exclusive": "not above zero",
    "inf": "not a finite number",
    "nan": "not a finite number",
}


@dataclass(frozen=True)
class CheckedLedger:
    """The outcome of a check.

    Attributes:
        ledger: the rows that break no rule, sorted by id.
        quarantine: per table the rows that do, every value as text, with `rule` and `other_rules`; only
            tables that have such rows.
        report: the counts, warnings and assumptions.
    """

    ledger: Ledger
    quarantine: Mapping[str, pl.DataFrame]
    report: CheckReport


def check_tables(
    tables: Mapping[str, pl.DataFrame],
    *,
    rejected: Mapping[str, pl.DataFrame] | None = None,
    assumptions: Sequence[Note] = (),
) -> CheckedLedger:
    """Hold delivered tables to the ledger's contracts and rules.

    Args:
        tables: table name to rows, in contract columns; cells as text in canonical form or typed. Columns
            `source_file` and `source_row` are carried into the quarantine.
        rejected: rows an import already put aside, with `rule`; they are counted, and what refers to them
            follows.
        assumptions: what an import assumed, to stand in the report.

    Returns:
        The ledger, the quarantine and the report. A ledger may come out with no invoice at all; the report
        then says so, and whoever needs invoices refuses.

    Raises:
        InvalidInputError: a required table or column is missing, or there is no invoice row at all.
    """
    before = dict(rejected or {})
    refuse_wrong_shape(tables, needs_invoices="invoices" not in before)
    warnings: list[Note] = []
    assumed = list(assumptions)
    good: dict[str, pl.DataFrame] = {}
    bad: dict[str, list[pl.DataFrame]] = {name: [] for name in SCHEMAS}
    for name in SCHEMAS:
        if name in before:
            bad[name].append(as_quarantine(name, before[name]))
        if name in tables:
            warnings += unused_columns(name, tables[name])
            typed, unreadable, notes = conform(name, tables[name])
            assumed += notes
            kept, broken = _row_rules(name, typed)
            good[name] = kept
            bad[name] += [as_quarantine(name, unreadable), *(as_quarantine(name, frame) for frame in broken)]
    for name in SCHEMAS:
        if name in good:
            set_aside = (
                pl.concat(bad["invoices"])["invoice_id"] if bad["invoices"] else pl.Series(dtype=pl.String)
            )
            good[name], broken_row = split_by_rules(good[name], _table_rules(name, good, set_aside))
            bad[name].append(as_quarantine(name, broken_row))
    derived, customer_notes = _derived_customers(good)
    customers = pl.concat([_contract(good, "customers"), derived])
    final = {name: _contract(good, name).sort(KEYS[name]) for name in SCHEMAS if name in good}
    ledger = Ledger.from_tables(final | {"customers": customers.sort("customer_id")})
    quarantine = {name: pl.concat(frames) for name, frames in bad.items() if frames}
    quarantine = {name: as_quarantine(name, frame) for name, frame in quarantine.items() if frame.height}
    report = CheckReport(
        tables=tuple(
            TableReport(
                name,
                read=(tables[name].height if name in tables else 0)
                + (before[name].height if name in before else 0),
                accepted=frame.height,
                quarantined=counts_by_rule(quarantine[name]) if name in quarantine else {},
                derived=derived.height if name == "customers" else 0,
            )
            for name, frame in ledger.tables()
        ),
        warnings=(*customer_notes, *warnings, *ledger_warnings(ledger, quarantine)),
        assumptions=tuple(assumed),
    )
    return CheckedLedger(ledger, quarantine, report)


def _contract(good: Mapping[str, pl.DataFrame], table: str) -> pl.DataFrame:
    """The accepted rows of a table without provenance; no rows when it was not delivered."""
    return good[table].select(list(table_dtypes(table))) if table in good else empty_table(table)


def _row_rules(table: str, typed: pl.DataFrame) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Rows that are unique and satisfy their schema, and the parts that do not."""
    unique, copies = _without_copies(table, typed)
    checked, failure = _schema_with_provenance(table).filter(unique)
    faults = {
        f"{table}.{name.split('|')[0]}: {_SCHEMA_FAULTS[name.split('|')[1]]}": pl.col(name) == "invalid"
        for name in failure.counts()
        if name != "primary_key"  # only rows without an id are left to break it, and they break "missing" too
    }
    details = failure.details()
    _, broken = split_by_rules(details, faults)
    return checked, [copies, broken]


@cache
def _schema_with_provenance(table: str) -> type[dy.Schema]:
    """The table's schema with the provenance columns let through; uniqueness is judged before."""
    provenance = {"source_file": dy.String(nullable=True), "source_row": dy.Int64(nullable=True)}
    return type(f"{table.title()}WithProvenance", (SCHEMAS[table],), provenance)


def _without_copies(table: str, typed: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One of each set of equal rows whose id no different row shares, and the rest with their rule."""
    key = list(KEYS[table])
    columns = list(table_dtypes(table))
    doubtful = pl.struct(key).is_duplicated() if len(key) > 1 else pl.col(key[0]).is_duplicated()
    if len(key) == 1:
        doubtful &= pl.col(key[0]).is_not_null()
    if not typed.select(doubtful.any()).item():
        return typed, split_by_rules(typed, {})[1]
    marked = typed.with_columns(doubtful.alias("\0doubtful"))
    sure = marked.filter(~pl.col("\0doubtful")).drop("\0doubtful")
    shared = marked.filter("\0doubtful").drop("\0doubtful").sort([*columns, *PROVENANCE], nulls_last=True)
    shared = shared.with_columns(
        pl.struct(columns).is_first_distinct().alias("\0first"),
        pl.struct(columns).n_unique().over(key).alias("\0versions"),
    )
    where = f"{table}.{key[0]}"
    kept, copies = split_by_rules(
        shared,
        {
            f"{where}: same id, different content": pl.col("\0versions") > 1,
            f"{where}: exact copy of another row": ~pl.col("\0first"),
        },
    )
    return pl.concat([sure, kept.drop("\0first", "\0versions")]), copies.drop("\0first", "\0versions")


def _table_rules(
    table: str, good: Mapping[str, pl.DataFrame], invoices_set_aside: pl.Series
) -> dict[str, pl.Expr]:
    """Rules of one table that look at several columns, rows or tables.

    Args:
        table: name of the table.
        good: the rows accepted so far; invoices are final before the tables that refer to them.
        invoices_set_aside: ids of invoices in quarantine.
    """
    if table == "invoices":
        return _invoice_rules(good["invoices"])
    if table == "payments":
        return _reference_rules(table, good, invoices_set_aside) | _payment_rules(good["invoices"])
    if table == "disputes":
        return _reference_rules(table, good, invoices_set_aside) | {
            "disputes.opened_on: before 1990": pl.col("opened_on") < EARLIEST_DAY,
            "disputes.closed_on: before opened_on": pl.col("closed_on") < pl.col("opened_on"),
        }
    if table in ("emails", "interactions"):
        customers = [good[name]["customer_id"] for name in ("customers", "invoices") if name in good]
        known = pl.concat(customers).unique()
        return {f"{table}.customer_id: no such customer": ~pl.col("customer_id").is_in(known.implode())}
    return {}


def _invoice_rules(invoices: pl.DataFrame) -> dict[str, pl.Expr]:
    last_believable = _last_believable_day(invoices["issued_on"])
    granted = pl.col("due_on") - pl.col("issued_on")
    return {
        "invoices.issued_on: before 1990": pl.col("issued_on") < EARLIEST_DAY,
        "invoices.issued_on: years after every other invoice": pl.col("issued_on") > last_believable,
        "invoices.due_on: before issued_on": (pl.col("kind") == "invoice") & (granted < pl.duration(days=0)),
        "invoices.due_on: years after issued_on": granted > pl.duration(days=ABSURD_GAP_DAYS),
    }


def _last_believable_day(days: pl.Series) -> dt.date:
    """The last day before a gap of years that few invoices follow; the last day of all if there is none."""
    counts = days.drop_nulls().value_counts().sort(days.name)
    if counts.is_empty():
        return dt.date.max
    later = counts["count"].reverse().cum_sum().reverse() - counts["count"]
    few = max(1 if days.len() >= FEWEST_TO_COMPARE else 0, int(ABSURD_GROUP_SHARE * days.len()))
    steps = counts.with_columns(gap=pl.col(days.name).diff().dt.total_days().shift(-1), later=later)
    before_gap = steps.filter((pl.col("gap") > ABSURD_GAP_DAYS) & (pl.col("later") <= few))
    last: dt.date = (before_gap if before_gap.height else counts)[days.name].item(
        0 if before_gap.height else -1
    )
    return last


def _payment_rules(invoices: pl.DataFrame) -> dict[str, pl.Expr]:
    is_reversal = (pl.col("method") == REVERSAL).fill_null(value=False)
    rules = {
        "payments.amount: zero": pl.col("amount") == 0,
        "payments.amount: negative without method reversal": (pl.col("amount") < 0) & ~is_reversal,
        "payments.amount: reversal above zero": (pl.col("amount") > 0) & is_reversal,
        "payments.paid_on: before 1990": pl.col("paid_on") < EARLIEST_DAY,
        "payments.known_on: before 1990": pl.col("known_on") < EARLIEST_DAY,
    }
    last_due = invoices.select(pl.max_horizontal(pl.col("due_on").max(), pl.col("issued_on").max())).item()
    if last_due is not None:
        limit = last_due + dt.timedelta(min(ABSURD_GAP_DAYS, (dt.date.max - last_due).days))
        for column in ("paid_on", "known_on"):
            rules[f"payments.{column}: years after the last due date"] = pl.col(column) > limit
    return rules


def _reference_rules(
    table: str, good: Mapping[str, pl.DataFrame], invoices_set_aside: pl.Series
) -> dict[str, pl.Expr]:
    accepted = pl.col("invoice_id").is_in(good["invoices"]["invoice_id"].implode())
    set_aside = pl.col("invoice_id").is_in(invoices_set_aside.drop_nulls().unique().implode())
    return {
        f"{table}.invoice_id: its invoice is in quarantine": ~accepted & set_aside,
        f"{table}.invoice_id: no such invoice": ~accepted & ~set_aside,
    }


def _derived_customers(good: Mapping[str, pl.DataFrame]) -> tuple[pl.DataFrame, list[Note]]:
    """A row for each customer that invoices name and the customers table lacks, and the note to say so."""
    known = good["customers"]["customer_id"] if "customers" in good else pl.Series(dtype=pl.String)
    lacking = (
        good["invoices"].select("customer_id").unique().filter(~pl.col("customer_id").is_in(known.implode()))
    )
    derived = pl.concat([empty_table("customers"), lacking], how="diagonal").with_columns(is_strategic=False)
    if derived.is_empty():
        return derived, []
    if "customers" not in good:
        note = Note(
            "there is no customers table: customers are derived from the invoices, without any other detail",
            "pas de table customers : les clients sont déduits des factures, sans autre détail",
            derived.height,
        )
    else:
        note = Note(
            "customers named by invoices but absent from customers were added with nothing else known",
            "des clients cités par des factures mais absents de customers ont été ajoutés, sans autre détail",
            derived.height,
        )
    return derived, [note]
