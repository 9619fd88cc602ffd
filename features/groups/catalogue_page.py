"""The page `docs/features.md`, written from the catalogue: what each column means, and how payers are named.

`python -m features.groups.catalogue_page` writes it; a test checks that it is current.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from features.files import write_whole
from features.groups.catalogue import CATALOGUE, CATALOGUE_VERSION, GROUPS
from features.groups.columns import FeatureColumn, FeatureGroup
from features.payers.rfm_scale import AXES, RFM_SCALE_VERSION, SCORES
from features.payers.segments import SEGMENT_RULES, SEGMENT_RULES_VERSION
from features.words import SEGMENT_WORDS

PAGE: Final = Path("docs/features.md")
MEASURED_FROM: Final = "<!-- measured: what follows is kept as it is when the page is written again -->"
"""Below this line are measured tables, each with its command."""

_MEANINGS: Final = {1: "later", -1: "earlier", 0: ""}


def catalogue_page() -> str:
    """The page in Markdown, up to the measured part."""
    return "\n".join(
        [*_opening(), *_contents(), *(line for g in GROUPS for line in _group(g)), *_payers(), ""]
    )


def _opening() -> list[str]:
    return [
        "# Features",
        "",
        "Written by `python -m features.groups.catalogue_page` from `features/groups/catalogue.py`; a test "
        "holds it current.",
        "",
        f"Catalogue version **{CATALOGUE_VERSION}**: {len(CATALOGUE)} columns in {len(GROUPS)} groups. A column "
        "describes one invoice or its payer as known *strictly before* the as-of date. All are `Float64`. "
        "Null means unknown, zero means zero.",
        "",
        "How to read a row:",
        "",
        "- *Window*: days before the as-of date on which a fact must have become known; `3n` the last three "
        "invoices settled; `all` since the beginning; `now` a state at the as-of date.",
        "- *More means*: whether the business expects more of it to go with later or earlier payment; empty where "
        "nobody knows.",
        "- A *weekday* is a number, 0 Monday to 6 Sunday.",
        "- *Known late or on time*: an invoice is late from the end of its grace, paid or not; a payment booked later "
        "that was in time withdraws the mark on the day it becomes known, its bounce sets it again. A cancellation "
        "changes nothing that was known by then.",
        "- *Settled* is read as known at the as-of date: a payment counts until the day on which it is known to have "
        "bounced; after that the invoice reads as if it had never been paid. A write-off is late, never a settlement; "
        "a cancelled invoice is neither settled nor open.",
        "- *Bounced*: a reversal of cash, on the day it became known, each once.",
        "- *EUR* stands for the reporting currency of the model. An invoice in another currency, and all that"
        " is booked on it, is converted at the newest exchange rate published strictly before its issue, so "
        "that what is paid in full is open for nothing; credit notes and cash on account are valued at the "
        "newest rate published strictly before the day they last moved. Without a rate an amount is part of "
        "no sum, mean or share of amounts; counts still count, and `other_currency_open_count` and "
        "`other_currency_count_all` say how many there are. Whether an invoice is settled is judged in its "
        "own currency.",
        "- A fact about an invoice becomes known with it: nothing counts before the day after its issue. The scored "
        "invoice is the only row of its own day that is visible, with what was known of it before its issue.",
        "- *Attributes* of a customer (credit limit, sector, country, size class, score of a credit bureau) are those "
        "in force at the as-of date: the newest row of `customer_history` before it, before the oldest row the oldest "
        "one. What became of an invoice counts in the sector, country and peers in which its customer was when that "
        "was first known.",
        "- *Merged customers* are one payer from the day after their merge became known, with the attributes of the "
        "customer they were merged into; an earlier date sees them apart.",
        "",
        "Proof: `tests/property/test_features_never_see_the_future.py` deletes, falsifies and shuffles the future "
        "and finds every column unchanged; `tests/property/test_features_equal_reference.py` compares every column "
        "with plain Python loops on awkward random ledgers; one invoice alone equals the batch. "
        "`tests/property/test_payers_as_of.py` compares customers at a date with a ledger rewritten to it; "
        "`tests/unit/test_tempting_mistakes.py` shows the usual leaks one by one.",
        "",
    ]


def _contents() -> list[str]:
    rows = [
        f"| [{group.label.en}](#{_anchor(group)}) | `{group.name}` | {len(group.columns)} | {group.label.fr} |"
        for group in GROUPS
    ]
    return ["| group | module | columns | en français |", "|---|---|---|---|", *rows, ""]


def _anchor(group: FeatureGroup) -> str:
    return group.label.en.replace(",", "").replace(" ", "-").lower()


def _group(group: FeatureGroup) -> list[str]:
    head = "| column | unit | window | range | more means | null means | sources | meaning | en français |"
    return [
        f"## {group.label.en[0].upper()}{group.label.en[1:]}",
        "",
        *_words_of(group),
        "",
        head,
        "|---" * 9 + "|",
        *(_row(column) for column in group.columns),
        "",
    ]


def _words_of(group: FeatureGroup) -> Iterable[str]:
    """The module's own explanation: its docstring."""
    text = (import_module(group.compute.__module__).__doc__ or "").strip()
    return [line.strip() for line in text.splitlines()]


def _row(column: FeatureColumn) -> str:
    cells: Sequence[str] = (
        f"`{column.name}`",
        column.unit,
        column.window,
        _range(column),
        _MEANINGS[column.direction],
        column.null_meaning,
        ", ".join(column.sources),
        column.label.en,
        column.label.fr,
    )
    return f"| {' | '.join(cells)} |"


def _range(column: FeatureColumn) -> str:
    if column.minimum is None and column.maximum is None:
        return ""
    low = "" if column.minimum is None else f"{column.minimum:g}"
    high = "" if column.maximum is None else f"{column.maximum:g}"
    return f"{low} to {high}" if low and high else (f"≥ {low}" if low else f"≤ {high}")


def _payers() -> list[str]:
    axes = [
        f"| {axis.label.en} | `{axis.score_column}` | `{axis.column}` | "
        f"{'more' if axis.is_more_better else 'less'} | {axis.label.fr} |"
        for axis in AXES
    ]
    rules = [
        f"| {place} | {SEGMENT_WORDS[rule.segment].en} ({SEGMENT_WORDS[rule.segment].fr}) | "
        f"`{rule.rule_id}` | {rule.words_en} | {rule.words_fr} |"
        for place, rule in enumerate(SEGMENT_RULES, start=1)
    ]
    return [
        "## Scores and segments of payers",
        "",
        f"`features.payers.rfm_scale` (version {RFM_SCALE_VERSION}): four scores from 1 (worst fifth) to {SCORES} "
        "(best fifth). The cut points are fitted once, at training, one row a payer, and travel with the model, so "
        "that a score means the same later.",
        "",
        "| axis | score | column | better is | en français |",
        "|---|---|---|---|---|",
        *axes,
        "",
        f"`features.payers.segments` (version {SEGMENT_RULES_VERSION}): every payer has exactly one segment. The "
        "rules are tried from the top, the first that applies decides, and its id is stored with the decision. More "
        "than 30 % of the invoices of twelve months late is a flag of its own (`is_often_late_365d`), with the counts "
        "behind it (`late_count_365d` of `outcome_count_365d`).",
        "",
        "| | segment | rule | applies when | en français |",
        "|---|---|---|---|---|",
        *rules,
        "",
    ]


def write_page(page: Path = PAGE) -> Path:
    """Write the page, without changing its measured part."""
    kept = page.read_text(encoding="utf-8") if page.exists() else ""
    measured = kept[kept.index(MEASURED_FROM) :] if MEASURED_FROM in kept else f"{MEASURED_FROM}\n"
    write_whole(f"{catalogue_page()}\n{measured}", page)
    return page


if __name__ == "__main__":
    write_page()
