"""How `encours policy` shows a replay or a simulation: by segment, as wide as the window allows."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from pipelines.cli.policy_words import FIGURES, place_of

if TYPE_CHECKING:
    from rich.console import Console

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
