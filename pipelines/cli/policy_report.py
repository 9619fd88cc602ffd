"""How `encours policy` shows a replay or a simulation: by segment, as wide as the window allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from pipelines.cli.policy_words import DIMENSIONS, FIGURES, place_of

if TYPE_CHECKING:
    from rich.console import Console

    from serving.dunning.mix import Mix
    from serving.dunning.replay import ReplayReport

#: Columns of a window that shows every figure of a segment in one row.
WIDE: Final = 150


def print_report(
    console: Console, report: ReplayReport, say: Callable[..., str], sides: str, language: str
) -> None:
    """One row a segment where the window is wide enough, else one row a figure that changed."""
    from rich.table import Table

    before, after = say(sides).split("|")
    names = {field: pair[place_of(language)] for field, pair in FIGURES.items()}
    if console.width >= WIDE:
        headings = (f"{name}\n{before} → {after}" for name in names.values())
        table = Table(*say("line").split("|"), *headings)
        for line in report.segments:
            sides_of = [(getattr(line.before, field), getattr(line.after, field)) for field in names]
            figures = [_pair(old, new, language) for old, new in sides_of]
            table.add_row(line.segment, str(line.decisions), str(line.changed), *figures)
    else:
        table = Table(*say("figures").split("|"), before, after)
        for line in report.segments:
            table.add_section()
            told = say("decisions", count=line.decisions, changed=line.changed)
            table.add_row(line.segment, told, "", "")
            for field, name in names.items():
                old, new = getattr(line.before, field), getattr(line.after, field)
                if old != new or field == "contacts":
                    table.add_row("", name, shown(old, language), shown(new, language))
    console.print(table)
    if report.undecided:
        console.print(say("undecided", count=report.undecided))


def print_mix(console: Console, mixes: Mapping[str, Mix], say: Callable[..., str], language: str) -> None:
    """Tonight's actions for every 1,000 invoices: tonight and next step, one pair of columns for each side."""
    from rich.table import Table

    console.print(say("mix"))
    titles = say("mix sides").split("|")
    headings = [f"{side}\n{title}" if side else title for side in mixes for title in titles]
    table = Table()
    for heading in (*say("mix columns").split("|"), *headings):
        table.add_column(heading, overflow="fold")
    keys = list(dict.fromkeys((line.dimension, line.value) for mix in mixes.values() for line in mix.lines))
    keys.sort(key=lambda key: list(DIMENSIONS).index(key[0]))
    shown_dimension = ""
    for dimension, value in keys:
        if dimension != shown_dimension:
            table.add_section()
        figures = []
        for mix in mixes.values():
            found = [line for line in mix.lines if (line.dimension, line.value) == (dimension, value)]
            for count in (
                sum(line.tonight for line in found),
                sum(line.planned for line in found),
            ):
                figures.append(_decimal(mix.per_thousand(count), language))
        name = DIMENSIONS[dimension][place_of(language)] if dimension != shown_dimension else ""
        table.add_row(name, value, *figures)
        shown_dimension = dimension
    console.print(table)
    for side, mix in mixes.items():
        large = "-" if not mix.large else f"{_decimal(100 * mix.large_automatic / mix.large, language)} %"
        console.print(
            say(
                "mix totals",
                side=f"{side}: " if side else "",
                count=mix.decisions,
                large=mix.large,
                share=large,
                calls=_decimal(mix.per_thousand(mix.planned("channel", "call")), language),
                off=mix.off_days,
            )
        )


def _decimal(figure: float, language: str) -> str:
    text = f"{figure:.1f}"
    return text.replace(".", ",") if language == "fr" else text


def _pair(before: object, after: object, language: str) -> str:
    """`12 → 9`, or one figure when nothing changed."""
    told = shown(before, language)
    return told if before == after else f"{told} → {shown(after, language)}"


def shown(figure: object, language: str) -> str:
    """A count, an amount, or amounts by currency, as the reader writes them."""
    from serving.dunning.writing import written_amount

    if isinstance(figure, tuple):
        amounts = [f"{written_amount(amount, language)} {currency}" for currency, amount in figure]
        return " + ".join(amounts) or written_amount(Decimal(0), language)
    return written_amount(figure, language) if isinstance(figure, Decimal) else str(figure)
