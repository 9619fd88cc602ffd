"""Commands for the history store: upgrade it, back it up, verify it and its audit log."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from features.errors import Fault, InvalidInputError
from features.messages import localized
from pipelines.cli.language import LanguageGroup, _, reader_language, translated

if TYPE_CHECKING:
    from serving.store.database import Database

store_app = typer.Typer(
    cls=LanguageGroup, no_args_is_help=True, help="The history store: upgrade, back up, verify."
)
audit_app = typer.Typer(
    cls=LanguageGroup, no_args_is_help=True, help="The audit log of everything the service answered."
)

_console = Console()


@store_app.command()
def migrate(
    i_have_a_backup: Annotated[
        bool, typer.Option("--i-have-a-backup", help="State that a backup of the PostgreSQL database exists.")
    ] = False,
) -> None:
    """Upgrade the tables of the history store to this version of Encours.

    A SQLite store is copied to `backups/` beside it first, and every start of the service does the same by itself.
    A PostgreSQL store is upgraded by this command only: stop the services, make a backup, then state that it exists.
    Either the whole upgrade is made or nothing.
    """
    with closing(_database()) as database:
        done = database.prepare(has_backup=i_have_a_backup)
        if done is None:
            _console.print(
                _("The history store is up to date (revision {revision}).", revision=database.revision())
            )
            return
    _console.print(
        _(
            "The history store was upgraded from revision {before} to {after}.",
            before=done.before,
            after=done.after,
        )
    )
    if done.backup is not None:
        _console.print(
            _("Before: {backup} (delete it when it is no longer needed)", backup=done.backup), soft_wrap=True
        )
    _console.print(_("Where to look next: `encours store verify`."))


@store_app.command()
def backup(file: Annotated[Path, typer.Argument(help="File to write; it must not exist.")]) -> None:
    """Copy a SQLite store to a file: as of one moment, checked and flushed, readable by its owner only.

    The service may run meanwhile. Store the file `secret` of the service with it: it seals the audit log.
    """
    with closing(_existing_database()) as database:
        database.back_up(file)
    _console.print(
        _(
            "Wrote {file} ({size:,} bytes). It holds personal data.",
            file=file,
            size=file.stat().st_size,
        ),
        soft_wrap=True,
    )


@store_app.command()
def verify() -> None:
    """Check the database file, its tables, and the audit log. Ends with 1 on a fault; changes nothing in the store."""
    with closing(_existing_database()) as database:
        faults = database.faults()
        for fault in faults:
            _console.print(f"  - {translated(fault)}", markup=False, highlight=False)
        if not faults:
            _console.print(_("The database is sound (revision {revision}).", revision=database.revision()))
        is_whole = not faults and _verify_audit(database)
    if not is_whole:
        raise typer.Exit(1)


@audit_app.command("verify")
def verify_audit() -> None:
    """Check that no line of the audit log was changed, removed or inserted.

    Reads the history store; notes the last position outside it, for the next verification. Ends with 1 on
    a fault.
    """
    with closing(_existing_database()) as database:
        if database.revision() is None:
            raise _no_store()
        if not _verify_audit(database):
            raise typer.Exit(1)


def _verify_audit(database: Database) -> bool:
    from serving.operations.settings import read_settings
    from serving.store import SqlHistoryStore
    from serving.store.audit import Chain, note_anchor, read_anchors

    settings = read_settings()
    found = SqlHistoryStore(database, Chain(settings.secret())).verify_audit(
        read_anchors(settings.anchors_path)
    )
    if found.faults:
        _console.print(
            _("[bold red]The audit log was tampered with: {count} finding(s)", count=len(found.faults))
        )
        for fault in found.faults:
            _console.print(f"  - {fault.in_language(reader_language())}", markup=False, highlight=False)
        return False
    if found.head is None:
        _console.print(_("The audit log is empty."))
        return True
    note_anchor(settings.anchors_path, found.head)
    _console.print(
        _(
            "The audit log is whole: {lines:,} lines, {erased:,} texts erased on request.\n"
            "Position {position} was noted in {path}; keep a copy of that file elsewhere.",
            lines=found.lines,
            erased=found.erased,
            position=str(found.head.position),
            path=settings.anchors_path,
        )
    )
    return True


def _existing_database() -> Database:
    from serving.operations.settings import read_settings
    from serving.store import is_store_there

    if not is_store_there(read_settings().store_url):
        raise _no_store()
    return _database()


def _no_store() -> InvalidInputError:
    fault = Fault(
        localized("there is none yet"),
        where=localized("history store"),
        expected=localized("a store made by `encours load`, `encours run` or `encours serve`"),
        remedy=localized("check ENCOURS_HOME and ENCOURS_STORE_URL, or load a ledger first"),
    )
    return InvalidInputError(localized("The history store cannot be read"), [fault])


def _database() -> Database:
    from serving.operations.settings import read_settings
    from serving.store.database import Database

    return Database(read_settings().store_url)
