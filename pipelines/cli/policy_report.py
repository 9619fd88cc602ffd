"""How `encours policy` shows a replay or a simulation: by segment, as wide as the window allows."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from features.messages import Message, localized
from pipelines.cli.language import _, reader_language, translated

if TYPE_CHECKING:
    from rich.console import Console

    from serving.dunning.mix import Mix
    from serving.dunning.replay import ReplayReport

#: Columns of a window that shows every figure of a segment in one row.
WIDE: Final = 150
#: Heading of each figure of `Totals`.
FIGURES: Final[Mapping[str, Message]] = {
    "contacts": localized("contacts"),
    "calls": localized("calls"),
    "automatic": localized("automatic"),
    "approvals": localized("approvals"),
    "asked_amounts": localized("asked"),
    "claimed_amount": localized("claimed"),
    "cost_amount": localized("cost"),
    "net_benefit_amount": localized("net benefit (assumed)"),
}
#: Heading of each dimension of a mix.
DIMENSIONS: Final[Mapping[str, Message]] = {
    "sequence": localized("sequence"),
    "channel": localized("channel"),
    "tone": localized("tone"),
    "who": localized("who acts"),
    "gate": localized("gate"),
    "weekday": localized("weekday"),
}


def print_report(console: Console, report: ReplayReport, sides: tuple[str, str]) -> None:
    """One row a segment where the window is wide enough, else one row a figure that changed."""
    from rich.table import Table

    before, after = sides
    names = {field: translated(name) for field, name in FIGURES.items()}
    if console.width >= WIDE:
        headings = (f"{name}\n{before} → {after}" for name in names.values())
        table = Table(*(_("segment"), _("decisions"), _("changed")), *headings)
        for line in report.segments:
            sides_of = [(getattr(line.before, field), getattr(line.after, field)) for field in names]
            figures = [_pair(old, new) for old, new in sides_of]
            table.add_row(line.segment, str(line.decisions), str(line.changed), *figures)
    else:
        table = Table(*(_("segment"), _("figure")), before, after)
        for line in report.segments:
            table.add_section()
            told = _("{count} decisions, {changed} changed", count=line.decisions, changed=line.changed)
            table.add_row(line.segment, told, "", "")
            for field, name in names.items():
                old, new = getattr(line.before, field), getattr(line.after, field)
                if old != new or field == "contacts":
                    table.add_row("", name, shown(old), shown(new))
    console.print(table)
    if report.undecided:
        console.print(_("{count} cases without a stored decision were left out", count=report.undecided))


def print_mix(console: Console, mixes: Mapping[str, Mix]) -> None:
    """Tonight's actions for every 1,000 invoices: tonight and next step, one pair of columns for each side."""
    from rich.table import Table

    console.print(_("actions for every 1,000 invoices: due tonight, and as next step on whichever day"))
    titles = (_("tonight"), _("next step"))
    headings = [f"{side}\n{title}" if side else title for side in mixes for title in titles]
    table = Table()
    for heading in (*(_("by"), _("value")), *headings):
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
                figures.append(_decimal(mix.per_thousand(count)))
        name = translated(DIMENSIONS[dimension]) if dimension != shown_dimension else ""
        table.add_row(name, value, *figures)
        shown_dimension = dimension
    console.print(table)
    for side, mix in mixes.items():
        large = "-" if not mix.large else f"{_decimal(100 * mix.large_automatic / mix.large)} %"
        console.print(
            _(
                "{side}{count} open invoices; large amounts whose next step is automatic: {share} of "
                "{large}; calls as next step: {calls} in 1,000; steps on a day off: {off}",
                side=_("{side}: ", side=side) if side else "",
                count=mix.decisions,
                large=mix.large,
                share=large,
                calls=_decimal(mix.per_thousand(mix.planned("channel", "call"))),
                off=mix.off_days,
            )
        )


def _decimal(figure: float) -> str:
    text = f"{figure:.1f}"
    return text.replace(".", ",") if reader_language() == "fr" else text


def _pair(before: object, after: object) -> str:
    """`12 → 9`, or one figure when nothing changed."""
    told = shown(before)
    return told if before == after else f"{told} → {shown(after)}"


def shown(figure: object) -> str:
    """A count, an amount, or amounts by currency, as the reader writes them."""
    from serving.dunning.writing import written_amount

    if isinstance(figure, tuple):
        amounts = [f"{written_amount(amount, reader_language())} {currency}" for currency, amount in figure]
        return " + ".join(amounts) or written_amount(Decimal(0), reader_language())
    return written_amount(figure, reader_language()) if isinstance(figure, Decimal) else str(figure)
