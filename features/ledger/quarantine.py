"""Putting faulty rows aside, with the name of the rule each one broke and the values as they came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from features.ledger.schemas import table_dtypes

#: Where a row came from; carried through the check into the quarantine files, never into the ledger.
PROVENANCE: Final[dict[str, pl.DataType]] = {"source_file": pl.String(), "source_row": pl.Int64()}


def with_provenance(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the provenance columns, null where the source gave none."""
    absent = {name: dtype for name, dtype in PROVENANCE.items() if name not in frame.columns}
    return frame.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in absent.items())


def split_by_rules(frame: pl.DataFrame, faults: Mapping[str, pl.Expr]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that break no rule, and the others with `rule` and `other_rules`.

    Args:
        frame: any frame.
        faults: rule name to an expression that is true where the rule is broken; null counts as not broken.

    Returns:
        The good rows, and the bad ones with `rule` (the first broken one in the given order) and
        `other_rules` (the further ones, joined by "; ", null if there are none).
    """
    if not faults:
        return frame, frame.clear().with_columns(
            rule=pl.lit(None, pl.String), other_rules=pl.lit(None, pl.String)
        )
    marks = {f"\0{number}": fault.fill_null(value=False) for number, fault in enumerate(faults.values())}
    marked = frame.with_columns(**marks)
    is_bad = pl.any_horizontal(list(marks))
    good = marked.filter(~is_bad).drop(list(marks))
    named = [pl.when(pl.col(mark)).then(pl.lit(rule)) for mark, rule in zip(marks, faults, strict=True)]
    broken = pl.col("\0rules").list
    bad = (
        marked.filter(is_bad)
        .with_columns(pl.concat_list(named).list.drop_nulls().alias("\0rules"))
        .with_columns(
            rule=broken.first(),
            other_rules=pl.when(broken.len() > 1).then(broken.slice(1).list.join("; ")),
        )
        .drop([*marks, "\0rules"])
    )
    return good, bad


def as_quarantine(table: str, bad: pl.DataFrame) -> pl.DataFrame:
    """Rows put aside in the form of the quarantine files: every value as text, sorted, rule beside it.

    Args:
        table: the table they were meant for; its columns come first, null where the row had none.
        bad: rows with `rule` and perhaps `other_rules`, `source_file`, `source_row` and further columns.
    """
    columns = [*table_dtypes(table), *PROVENANCE, "rule", "other_rules"]
    present = [
        (pl.col(name) if name in bad.columns else pl.lit(None))
        .cast(PROVENANCE.get(name, pl.String()))
        .alias(name)
        for name in columns
    ]
    texts = bad.select(present)
    return texts.sort(columns, nulls_last=True, maintain_order=True)


def counts_by_rule(quarantine: pl.DataFrame) -> dict[str, int]:
    """Rows in quarantine by their first rule, most frequent first."""
    counts = quarantine.group_by("rule").len().sort("len", "rule", descending=[True, False])
    return dict(counts.iter_rows())
