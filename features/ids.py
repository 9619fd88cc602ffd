"""Ids in one form: the only place that says when two ids are the same, and which characters no id may contain.

An id is stored in its *normal form*: Unicode NFC, trimmed, inner blanks collapsed. Two ids are the same when their
normal forms are. A reference that meets no id exactly is resolved by *match key* (NFKC, case folded) when exactly one
known id has that key; where several have it, nobody can say which is meant.
"""

from __future__ import annotations

import unicodedata
from typing import Final

import polars as pl

REFUSED_CATEGORIES: Final = ("Cc", "Cf", "Zl", "Zp")
"""Unicode categories no id may contain: control, invisible and direction marks, line and paragraph separators."""
_REFUSED: Final = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]"
_BLANKS: Final = r"\p{Zs}+"
#: An id made of these only is in normal form already.
_PLAIN: Final = r"^[\x21-\x7e]*$"


def normal_id(text: str) -> str:
    r"""An id in its normal form; refused characters stay for `has_refused_character` to find.

    >>> normal_id("  F  12\u00a0/A ")
    'F 12 /A'
    """
    composed = unicodedata.normalize("NFC", text)
    spaced = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in composed)
    return " ".join(part for part in spaced.split(" ") if part)


def has_refused_character(text: str) -> bool:
    """Whether a text contains a character that no id may contain."""
    return any(unicodedata.category(sign) in REFUSED_CATEGORIES for sign in text)


def match_key(text: str) -> str:
    """What two spellings of one id have in common: the normal form, compatibility composed and case folded."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return normal_id(folded)


def normal_ids(column: pl.Series) -> pl.Series:
    """`normal_id` of every id of a column; null stays null, an id of blanks only becomes null."""
    if column.str.contains(_PLAIN).all():
        return column.replace("", None) if (column == "").any() else column
    normal = (
        pl.col("id")
        .str.normalize("NFC")
        .str.replace_all(_BLANKS, " ")
        .str.strip_chars(" ")
        .alias(column.name)
    )
    return column.alias("id").to_frame().select(normal).to_series().replace("", None)


def refused_characters(column: pl.Expr) -> pl.Expr:
    """Whether each id of a column contains a character that no id may contain; null where there is no id."""
    return column.str.contains(_REFUSED)


def match_keys(column: pl.Series) -> pl.Series:
    """`match_key` of every id of a column; null stays null."""
    plain = column.str.to_lowercase()
    unusual = column.filter(~column.str.contains(_PLAIN)).unique().drop_nulls()
    if unusual.is_empty():
        return plain
    keys = {text: match_key(text) for text in unusual.to_list()}
    return (
        plain.to_frame("plain")
        .select(
            pl.when(column.is_in(unusual.implode()))
            .then(column.replace_strict(keys, default=None, return_dtype=pl.String))
            .otherwise(pl.col("plain"))
            .alias(column.name)
        )
        .to_series()
    )


def resolved_ids(column: pl.Series, known: pl.Series) -> tuple[pl.Series, pl.Series]:
    """References brought to the known ids they mean.

    Args:
        column: references in normal form; null is no reference.
        known: the ids there are, in normal form.

    Returns:
        The references, each replaced by the one known id of its match key where it meets none exactly and exactly one
        has that key; and whether each is ambiguous: it meets none exactly and several have its key.
    """
    strange = column.filter(~column.is_in(known.unique().implode())).unique().drop_nulls()
    nothing = pl.repeat(value=False, n=len(column), eager=True)
    if strange.is_empty() or known.is_empty():
        return column, nothing
    wanted = pl.DataFrame({"id": strange, "key": match_keys(strange)})
    ids = known.unique().drop_nulls()
    candidates = (
        pl.DataFrame({"known": ids, "key": match_keys(ids)})
        .join(wanted.select(pl.col("key").unique()), on="key", how="semi")
        .group_by("key")
        .agg(pl.col("known").min(), count=pl.len())
    )
    met = wanted.join(candidates, on="key", how="inner", validate="m:1")
    meant = dict(met.filter(pl.col("count") == 1).select("id", "known").iter_rows())
    ambiguous = met.filter(pl.col("count") > 1)["id"]
    resolved = column.replace(meant) if meant else column
    return resolved, column.is_in(ambiguous.implode()).fill_null(value=False)
