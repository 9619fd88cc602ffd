"""The page `docs/words.md`, written from the closed lists: what each word is called and means.

`python -m features.words_page` writes it; a test checks that it is current.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from features.files import write_whole
from features.words import (
    BLOCKAGE_WORDS,
    GRADES,
    HORIZONS,
    INSTALMENT_KINDS,
    INTERACTION_CHANNELS,
    INTERACTION_KINDS,
    LIFECYCLE_PREFIX,
    PAYMENT_METHODS,
    RUNGS,
    SEGMENT_WORDS,
    Word,
)

PAGE: Final = Path("docs/words.md")


def words_page() -> str:
    """The page in Markdown."""
    lines = [
        "# Words",
        "",
        "Written by `python -m features.words_page` from `features/words.py`; a test checks that it is current.",
        "",
        "These lists are closed. An event with another word is refused (422) with the nearest one. An import accepts a "
        "payment with an unknown method as `other` and an interaction with an unknown channel without it, both with a "
        "warning; an interaction of an unknown kind goes to quarantine under the nearest word. Capitals, blanks and "
        "hyphens do not matter (`Direct Debit` is `direct_debit`).",
        "",
        "## Payment methods (`payments.method`)",
        "",
        "The sign is that of the amount on an invoice. Every row on a credit note but `credit_note` is a refund of it, "
        "whatever its sign or method. A row without a method is money.",
        "",
        "| word | sign | cash | without an invoice | closes an invoice as | meaning | en français |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| `{m.word}` | {'+' if m.sign > 0 else '-'} | {_yes(m.is_cash)} | {_yes(not m.needs_invoice)} | "
            f"{m.closed_by if m.sign > 0 else ''} | {m.label.en}: {m.meaning.en} | {m.label.fr} : {m.meaning.fr} |"
            for m in PAYMENT_METHODS.values()
        ),
        "",
        "## Kinds of interaction (`interactions.kind`)",
        "",
        "A contact counts for the caps and stages of the policy. The detail, where there is one, is in `step_id`.",
        "",
        "| word | contact | detail | meaning | en français |",
        "|---|---|---|---|---|",
        *(
            f"| `{k.word}` | {_yes(k.is_contact)} | {k.detail} | {k.label.en}: {k.meaning.en} | "
            f"{k.label.fr} : {k.meaning.fr} |"
            for k in INTERACTION_KINDS.values()
            if not k.word.startswith(LIFECYCLE_PREFIX)
        ),
        "",
        "Statuses of an invoice in the French e-invoicing reform (AFNOR XP Z12-012):",
        "",
        "| word | meaning | en français |",
        "|---|---|---|",
        *(
            f"| `{k.word}` | {k.label.en} | {k.label.fr} |"
            for k in INTERACTION_KINDS.values()
            if k.word.startswith(LIFECYCLE_PREFIX)
        ),
        "",
        "## Channels of an interaction (`interactions.channel`)",
        "",
        *_table(INTERACTION_CHANNELS),
        "## Kinds of instalment (`instalments.kind`)",
        "",
        *_table(INSTALMENT_KINDS),
        "## Segments (`rfm_segment`, and `segments` of a policy's routes)",
        "",
        "| word | meaning | en français |",
        "|---|---|---|",
        *(f"| `{word}` | {text.en} | {text.fr} |" for word, text in SEGMENT_WORDS.items()),
        "",
        "## Other words of a score",
        "",
        f"Grades, from the best: {_listed(GRADES)}. What a score rests on (`cold_start_rung`): {_listed(RUNGS)}. "
        f"Horizons, in days past due: {_listed(HORIZONS)}.",
        "",
        "## Administrative blockages",
        "",
        "| word | meaning | en français |",
        "|---|---|---|",
        *(f"| `{word}` | {text.en} | {text.fr} |" for word, text in BLOCKAGE_WORDS.items()),
        "",
    ]
    return "\n".join(lines)


def _table(words: Mapping[str, Word]) -> Iterable[str]:
    yield from ("| word | also written | meaning | en français |", "|---|---|---|---|")
    for word in words.values():
        also = ", ".join(f"`{other}`" for other in word.also)
        yield (
            f"| `{word.word}` | {also} | {word.label.en}: {word.meaning.en} | {word.label.fr} : {word.meaning.fr} |"
        )
    yield ""


def _listed(words: Iterable[object]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _yes(flag: bool) -> str:
    return "yes" if flag else ""


if __name__ == "__main__":
    write_whole(words_page(), PAGE)
