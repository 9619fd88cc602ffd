"""`encours import` and `encours check`: from an export to a checked ledger, with every rejected row accounted for."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.language import LanguageGroup, _, reader_language, translated

if TYPE_CHECKING:
    from features.ledger import CheckedLedger, CheckReport, Ledger

app = typer.Typer(cls=LanguageGroup)


@app.command("import")
def import_export(
    files: Annotated[
        list[Path], typer.Argument(help="Export files (CSV, XLSX, Parquet), folders or patterns.")
    ],
    mapping: Annotated[Path, typer.Option(help="Mapping file, see docs/importing.md.")],
    ledger: Annotated[
        Path, typer.Option(help="Ledger folder to write; an earlier ledger in it is replaced.")
    ],
) -> None:
    """Read an export by its mapping, check it and write the ledger folder.

    Reads the files and the mapping; writes the tables as Parquet, the rows put aside under quarantine/, and
    import_report.json. When not one invoice can be accepted, an earlier ledger stays as it was.
    """
    from features.ledger.importing import import_ledger

    checked = import_ledger(files, mapping, ledger)
    _print_outcome(checked, ledger, "import_report.json")


@app.command("check")
def check_ledger(
    ledger: Annotated[Path, typer.Option(help="Ledger folder: one Parquet or CSV file per table.")],
) -> None:
    """Check the ledger in a folder against every rule and report the rejected rows.

    Reads the tables and leaves them as they are; writes check_report.json and, for rows that break a rule,
    quarantine/. Every command that reads this ledger leaves the same rows out.
    """
    from features.ledger import check_folder, write_quarantine

    checked = check_folder(ledger)
    write_quarantine(checked, ledger)
    _print_outcome(checked, ledger, "check_report.json")


def _print_outcome(checked: CheckedLedger, folder: Path, report: str) -> None:
    """What was read, accepted and put aside, and where it is."""
    _print_report(checked.report)
    _print_label_changes(checked.ledger)
    _print_places(folder, report, checked.report.quarantined_rows)


def _print_report(report: CheckReport) -> None:
    """The rows read, accepted and put aside by rule, per table, then notes and assumptions."""
    from rich.console import Console
    from rich.table import Table

    from features.ledger import rule_message

    console = Console()
    titles = (_("Table"), _("Read"), _("Accepted"), _("Quarantined"), _("Rule"))
    table = Table(title=_("Ledger"))
    for number, title in enumerate(titles):
        table.add_column(title, justify="right" if 0 < number < 4 else "left", overflow="fold")
    for entry in report.tables:
        accepted = f"{entry.accepted - entry.derived:,}" + (f" + {entry.derived:,}" if entry.derived else "")
        total = sum(entry.quarantined.values())
        share = f"{total:,} ({entry.rejected_share:.2%})" if total else "0"
        table.add_row(entry.table, f"{entry.read:,}", accepted, share, "")
        for rule, count in entry.quarantined.items():
            table.add_row("", "", "", f"{count:,}", translated(rule_message(rule)))
    console.print(table)
    for title, notes in (
        (_("Assumptions"), report.assumptions),
        (_("Worth a look"), report.warnings),
    ):
        if notes:
            console.print(title, style="bold")
        for note in notes:
            number_of = f" ({note.count:,})" if note.count is not None else ""
            console.print(f"  - {translated(note.text)}{number_of}", markup=False, highlight=False)


def _print_label_changes(ledger: Ledger) -> None:
    """How many late labels would change if due dates were recomputed from their wordings, reading by reading."""
    from rich.console import Console

    from features.ledger import last_known_on
    from features.settlement.due_date_labels import due_date_labels
    from features.terms import EndOfMonthReading

    last_day = last_known_on(ledger)
    if last_day is None:
        return
    as_of = last_day + dt.timedelta(days=1)
    changes = due_date_labels(ledger, as_of, EndOfMonthReading.DAYS_THEN_MONTH_END).changes
    if not any(change.compared or change.due_dates_changed or change.undecided for change in changes):
        return  # no wording is understood: there is nothing to compare with
    console = Console(soft_wrap=True)
    console.print(_("Due dates recomputed"), style="bold")
    for change in changes:
        console.print(f"  - {change.sentence(reader_language())}", markup=False, highlight=False)


def _print_places(folder: Path, report: str, quarantined: int) -> None:
    """Where everything was written, and where to look next."""
    from rich.console import Console

    console = Console(soft_wrap=True)
    console.print(_("Report: {path}", path=str(folder / report)), markup=False, highlight=False)
    if quarantined:
        rows = _("Rows put aside: {path}", path=str(folder / "quarantine"))
        console.print(rows, markup=False, highlight=False)
