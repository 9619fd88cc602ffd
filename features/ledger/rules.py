"""The check that turns delivered tables into a ledger.

What is decided here, so that the same rows lead to the same ledger whatever their order:

- Ids are stored in normal form; a reference that meets no id exactly means the one id that differs in case or form
  only.
- Rows that are equal in every column are one row delivered several times: one is accepted, the copies go to
  quarantine. So are invoices that are equal but for the spelling of their id.
- Rows that share an id but differ all go to quarantine: nobody can say which one is right.
- An invoice of a customer the customers table lacks is accepted; the customer is derived and counted in a warning. So
  is cash on account.
- What refers to an invoice in quarantine goes to quarantine under its own rule, so that repairing the invoice is
  seen to bring it back.
- Where a customer has a history, its newest row is the present and wins over the customers table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import dataframely as dy
import polars as pl

from features.ledger.conform import conform, refuse_wrong_shape, unused_columns
from features.ledger.customers_at import customers_at
from features.ledger.ledger import Ledger
from features.ledger.observations import ledger_warnings
from features.ledger.quarantine import PROVENANCE, as_quarantine, counts_by_rule, split_by_rules
from features.ledger.references import with_references, with_reversed_payment, without_respelt_copies
from features.ledger.report import CheckReport, Note, TableReport
from features.ledger.schemas import DATED_ATTRIBUTES, KEYS, SCHEMAS, empty_table, table_dtypes
from features.ledger.table_rules import Accepted, table_rules, with_context
from features.ledger.vocabulary import in_known_words
from features.legal_forms import implied_persons
from features.messages import localized

_SCHEMA_FAULTS: Final = {
    "nullability": "missing",
    "min_length": "empty",
    "check": "unknown code",
    "regex": "unknown code",
    "min_exclusive": "not above zero",
    "min": "not above zero",
    "inf": "not a finite number",
    "nan": "not a finite number",
}


_BEFORE_THE_HISTORY: Final = Note(
    localized(
        "before the first row of a customer's history, its attributes are taken to have been as in that row"
    ),
)


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
    """Check delivered tables against the ledger's contracts and rules.

    Args:
        tables: table name to rows, in contract columns; cells as text in canonical form or typed. Columns
            `source_file` and `source_row` are carried into the quarantine.
        rejected: rows an import already put aside, with `rule`; they are counted, and what refers to them
            follows.
        assumptions: what an import assumed, for the report.

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
            spelt, unknown, notes = in_known_words(name, typed)
            warnings += notes
            kept, broken = _row_rules(name, spelt)
            good[name] = kept
            bad[name] += [as_quarantine(name, frame) for frame in (unreadable, unknown, *broken)]
    if "customer_history" in good:
        assumed.append(_BEFORE_THE_HISTORY)
    warnings += _hold_to_table_rules(good, bad)
    final, derived, notes = _final_tables(good, tables["customers"].columns if "customers" in tables else ())
    ledger = Ledger.from_tables(final)
    assumed += _natural_persons(ledger.customers)
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
                derived=derived if name == "customers" else 0,
            )
            for name, frame in ledger.tables()
        ),
        warnings=(*notes, *warnings, *ledger_warnings(ledger, quarantine)),
        assumptions=tuple(assumed),
    )
    return CheckedLedger(ledger, quarantine, report)


def _natural_persons(customers: pl.DataFrame) -> list[Note]:
    count = implied_persons(customers)
    if not count:
        return []
    return [
        Note(
            localized(
                "customers without `is_natural_person` whose legal form is that of a sole trader or a "
                "liberal profession: they are treated as natural persons"
            ),
            count,
        )
    ]


def _hold_to_table_rules(good: dict[str, pl.DataFrame], bad: Mapping[str, list[pl.DataFrame]]) -> list[Note]:
    """Resolve references and move the rows that break a rule over several rows or tables, table by table."""
    notes: list[Note] = []
    for name in SCHEMAS:
        if name not in good:
            continue
        if name == "payments":
            good[name] = with_reversed_payment(good[name])
        described, invoiced = _ids(good, "customers", "customer_id"), _ids(good, "invoices", "customer_id")
        known = {
            "customers": described if name == "invoices" else pl.concat([described, invoiced]),
            "invoices": _ids(good, "invoices", "invoice_id"),
        }
        resolved, ambiguous = with_references(name, good[name], known)
        bad[name].append(as_quarantine(name, ambiguous))
        if name == "invoices":
            resolved, copies, notes_on_ids = without_respelt_copies(resolved)
            bad[name].append(as_quarantine(name, copies))
            notes += notes_on_ids
        good[name] = resolved
        set_aside = pl.concat(
            [frame["invoice_id"] for frame in bad["invoices"]] or [pl.Series(dtype=pl.String)]
        )
        accepted = Accepted(good, _customer_ids(good), set_aside)
        kept, broken = split_by_rules(with_context(name, resolved, accepted), table_rules(name, accepted))
        good[name] = kept.select(resolved.columns)
        bad[name].append(as_quarantine(name, broken))
    return notes


def _ids(good: Mapping[str, pl.DataFrame], table: str, column: str) -> pl.Series:
    return good[table][column] if table in good else pl.Series(dtype=pl.String)


def _customer_ids(good: Mapping[str, pl.DataFrame]) -> pl.Series:
    """Every customer there is: described, or named by an invoice or by cash on account."""
    named = [_ids(good, table, "customer_id") for table in ("customers", "invoices")]
    if "payments" in good:
        named.append(good["payments"].filter(pl.col("invoice_id").is_null())["customer_id"].drop_nulls())
    return pl.concat(named).unique()


def _final_tables(
    good: Mapping[str, pl.DataFrame], described: Sequence[str]
) -> tuple[dict[str, pl.DataFrame], int, list[Note]]:
    """The tables of the ledger in contract columns, sorted by id; how many customers were derived; and what to note.

    Args:
        good: the accepted rows.
        described: columns in which the customers table was delivered.
    """
    derived, notes = _derived_customers(good)
    customers = pl.concat([_contract(good, "customers"), derived]).sort("customer_id")
    tables = {name: _contract(good, name).sort(KEYS[name]) for name in SCHEMAS if name in good}
    history = tables.get("customer_history")
    present = customers_at(customers, history)
    differing = customers.filter(
        pl.any_horizontal(
            [
                pl.col(name).is_not_null() & pl.col(name).ne_missing(present[name])
                for name in DATED_ATTRIBUTES
                if name in described
            ]
            or [pl.lit(value=False)]
        )
    )
    if differing.height:
        shown = ", ".join(differing["customer_id"].head(3).to_list())
        notes.append(
            Note(
                localized(
                    "customers differ from the newest row of customer_history, which wins, for example {shown}",
                    shown=shown,
                ),
                differing.height,
            )
        )
    return tables | {"customers": present}, derived.height, notes


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


def _derived_customers(good: Mapping[str, pl.DataFrame]) -> tuple[pl.DataFrame, list[Note]]:
    """A row for each customer that invoices or cash on account name and the customers table lacks, and the note."""
    known = _ids(good, "customers", "customer_id")
    lacking = pl.DataFrame({"customer_id": _customer_ids(good)}).filter(
        ~pl.col("customer_id").is_in(known.implode())
    )
    derived = pl.concat([empty_table("customers"), lacking], how="diagonal").with_columns(is_strategic=False)
    if derived.is_empty():
        return derived, []
    if "customers" not in good:
        note = Note(
            localized(
                "there is no customers table: customers are derived from invoices and payments, without "
                "any other detail"
            ),
            derived.height,
        )
    else:
        note = Note(
            localized(
                "customers named by invoices or payments but absent from customers were added with nothing else known"
            ),
            derived.height,
        )
    return derived, [note]
