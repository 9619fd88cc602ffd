"""`encours import` and `encours check`: from an export to a checked ledger, with every rejected row accounted for."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from features.ledger import CheckedLedger, CheckReport, Ledger

app = typer.Typer()


class Language(StrEnum):
    """Language of what is printed."""

    EN = "en"
    FR = "fr"


@app.command("import")
def import_export(
    files: Annotated[
        list[Path], typer.Argument(help="Export files (CSV, XLSX, Parquet), folders or patterns.")
    ],
    mapping: Annotated[Path, typer.Option(help="Mapping file, see docs/importing.md.")],
    ledger: Annotated[
        Path, typer.Option(help="Ledger folder to write; an earlier ledger in it is replaced.")
    ],
    language: Annotated[Language, typer.Option(help="Language of what is printed.")] = Language.EN,
) -> None:
    """Read an export by its mapping, check it and write the ledger folder.

    Reads the files and the mapping; writes the tables as Parquet, the rows put aside under quarantine/, and
    import_report.json. When not one invoice can be accepted, an earlier ledger stays as it was.
    """
    from features.ledger.importing import import_ledger

    checked = import_ledger(files, mapping, ledger)
    _print_outcome(checked, ledger, "import_report.json", language)


@app.command("check")
def check_ledger(
    ledger: Annotated[Path, typer.Option(help="Ledger folder: one Parquet or CSV file per table.")],
    language: Annotated[Language, typer.Option(help="Language of what is printed.")] = Language.EN,
) -> None:
    """Check the ledger in a folder against every rule and report the rejected rows.

    Reads the tables and leaves them as they are; writes check_report.json and, for rows that break a rule,
    quarantine/. Every command that reads this ledger leaves the same rows out.
    """
    from features.ledger import check_folder, write_quarantine

    checked = check_folder(ledger)
    write_quarantine(checked, ledger)
    _print_outcome(checked, ledger, "check_report.json", language)


def _print_outcome(checked: CheckedLedger, folder: Path, report: str, language: Language) -> None:
    """What was read, accepted and put aside, and where it is."""
    _print_report(checked.report, language)
    _print_label_changes(checked.ledger, language)
    _print_places(folder, report, checked.report.quarantined_rows, language)


def _print_report(report: CheckReport, language: Language) -> None:
    """The rows read, accepted and put aside by rule, per table, then notes and assumptions."""
    from rich.console import Console
    from rich.table import Table

    from features.ledger import rule_message

    is_french = language is Language.FR
    console = Console()
    titles = (
        ("Table", "Lues", "Acceptées", "En quarantaine", "Règle")
        if is_french
        else ("Table", "Read", "Accepted", "Quarantined", "Rule")
    )
    table = Table(title="Grand livre" if is_french else "Ledger")
    for number, title in enumerate(titles):
        table.add_column(title, justify="right" if 0 < number < 4 else "left", overflow="fold")
    for entry in report.tables:
        accepted = f"{entry.accepted - entry.derived:,}" + (f" + {entry.derived:,}" if entry.derived else "")
        total = sum(entry.quarantined.values())
        share = f"{total:,} ({entry.rejected_share:.2%})" if total else "0"
        table.add_row(entry.table, f"{entry.read:,}", accepted, share, "")
        for rule, count in entry.quarantined.items():
            table.add_row("", "", "", f"{count:,}", rule_message(rule).in_language(language))
    console.print(table)
    for title, notes in (
        ("Hypothèses" if is_french else "Assumptions", report.assumptions),
        ("À regarder" if is_french else "Worth a look", report.warnings),
    ):
        if notes:
            console.print(title, style="bold")
        for note in notes:
            number_of = f" ({note.count:,})" if note.count is not None else ""
            console.print(f"  - {note.text.in_language(language)}{number_of}", markup=False, highlight=False)


def _print_label_changes(ledger: Ledger, language: Language) -> None:
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
    title = (
        "Échéances recalculées d'après leur libellé" if language is Language.FR else "Due dates recomputed"
    )
    console.print(title, style="bold")
    for change in changes:
        console.print(f"  - {change.sentence(language.value)}", markup=False, highlight=False)


def _print_places(folder: Path, report: str, quarantined: int, language: Language) -> None:
    """Where everything was written, and where to look next."""
    from rich.console import Console

    console = Console(soft_wrap=True)
    words = ("Rapport ", "Lignes écartées ") if language is Language.FR else ("Report", "Rows put aside")
    console.print(f"{words[0]}: {folder / report}", markup=False, highlight=False)
    if quarantined:
        console.print(f"{words[1]}: {folder / 'quarantine'}", markup=False, highlight=False)
