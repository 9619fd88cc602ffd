"""Values found in another source of the export, by a key that both have."""

from __future__ import annotations

from typing import Final

import polars as pl

from features.ledger.importing import cells
from features.ledger.importing.mapping import Lookup
from features.ledger.importing.reading import Reading, fault, holds, raw

NOT_FOUND: Final = "not found in the lookup"
AMBIGUOUS: Final = "several answers in the lookup"


def with_lookup(read: pl.DataFrame, column: str, lookup: Lookup, reading: Reading) -> pl.DataFrame:
    """The text found in the other source; a fault where the key is there and has no answer or several.

    A source that has no file answers nothing, as an empty one would.
    """
    if lookup.source not in reading.sources:
        rows = pl.DataFrame(schema=dict.fromkeys(lookup.looked_at(), pl.String))
    else:
        rows = reading.sources[lookup.source].rows
    texts = rows.select(
        cells.text(pl.col(name), reading.formats.empty).alias(name) for name in set(lookup.looked_at())
    )
    chosen = texts.filter([holds(condition) for condition in lookup.where]) if lookup.where else texts
    keys = [f"\0key {number}" for number in range(len(lookup.by))]
    answers = (
        chosen.select(
            *(pl.col(name).alias(key) for name, key in zip(lookup.keys, keys, strict=True)),
            answer=pl.coalesce(lookup.take),
        )
        .drop_nulls()
        .unique()
        .group_by(keys)
        .agg(pl.col("answer").min().alias(raw(column)), pl.len().alias("\0answers"))
    )
    asked = pl.all_horizontal(pl.col(name).is_not_null() for name in lookup.by)
    found = read.with_columns(
        pl.col(name).alias(key) for name, key in zip(lookup.by, keys, strict=True)
    ).join(answers, on=keys, how="left", validate="m:1", maintain_order="left")
    why = (
        pl.when(pl.col("\0answers") > 1)
        .then(pl.lit(AMBIGUOUS))
        .when(asked & pl.col("\0answers").is_null())
        .then(pl.lit(NOT_FOUND))
    )
    # What could not be found is shown by the key that was searched.
    key = pl.concat_str([pl.col(name) for name in lookup.by], separator=", ")
    return found.with_columns(
        why.alias(fault(column)),
        pl.when(why.is_null()).then(pl.col(raw(column))).otherwise(key).alias(raw(column)),
    ).drop(*keys, "\0answers")
