"""Commands around the score service: run it, its keys, its history store, personal data."""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.cli.language import LanguageGroup, _, translated
from pipelines.cli.store import audit_app, store_app

if TYPE_CHECKING:
    from serving.operations.settings import ServiceSettings
    from serving.security.access import AccessKey
    from serving.store import SqlHistoryStore
    from serving.store.privacy import DataSubject

app = typer.Typer(cls=LanguageGroup, no_args_is_help=True)
keys_app = typer.Typer(cls=LanguageGroup, no_args_is_help=True, help="Access keys of the score service.")
privacy_app = typer.Typer(
    cls=LanguageGroup, no_args_is_help=True, help="Personal data: export or erase what is stored."
)
app.add_typer(keys_app, name="keys")
app.add_typer(store_app, name="store")
app.add_typer(audit_app, name="audit")
app.add_typer(privacy_app, name="privacy")

_console = Console()


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 3000,
    workers: Annotated[int, typer.Option(help="Processes that answer; one per core is plenty.")] = 1,
    is_open: Annotated[
        bool, typer.Option("--open", help="Ask no key of callers on this machine. For demonstrations only.")
    ] = False,
    ledger: Annotated[
        Path | None, typer.Option(help="Load this ledger folder into the history store first.")
    ] = None,
    follow_registry: Annotated[
        bool, typer.Option(help="Take over the champion of the MLflow registry when it changes.")
    ] = True,
) -> None:
    """Run the score service until it is stopped with Ctrl-C.

    Reads the champion model and the history store in ENCOURS_HOME; writes answers and their audit log there.
    """
    from serving.operations.launcher import Listening, check_listening, environment_of, run_service
    from serving.operations.settings import read_settings
    from serving.store import StoreUnavailableError

    settings = read_settings()
    has_registry = importlib.util.find_spec("mlflow") is not None
    listening = Listening(host, port, workers, follows_registry=follow_registry and has_registry)
    check_listening(listening, is_open)
    if ledger is not None:
        load(ledger)
    with suppress(StoreUnavailableError):  # the workers wait for it
        _open().close()  # an older store is upgraded, or refused, before workers start
    if not is_open:
        _make_first_key(settings)
    if not settings.champion_pointer.exists():
        _console.print(
            _(
                "[yellow]There is no champion model yet ({path}): scores are refused "
                "until `encours run` has promoted one; the service picks it up by itself.",
                path=settings.champion_pointer,
            )
        )

    def when_ready() -> None:
        _console.print(_("Encours listens on [bold]{url}[/bold] (stop with Ctrl-C)", url=listening.url))
        _console.print(_("  pages:           {url}/ (sign in with a key)", url=listening.url))
        _console.print(_("  what it answers: {url}/openapi.json", url=listening.url))
        _console.print(_("  how it is:       {url}/v1/health", url=listening.url))

    environment = environment_of(listening, settings, is_open, os.environ)
    raise typer.Exit(run_service(listening, environment, when_ready))


@app.command()
def load(
    ledger: Annotated[Path, typer.Argument(help="Ledger folder, as written by `encours import`.")],
) -> None:
    """Load a ledger folder into the history store; events received since remain.

    Reads the ledger folder; writes the history store. Running services take it over by themselves.
    """
    from features.ledger import read_ledger
    from serving.night.store import load_into_service
    from serving.store import examples_of

    settings = _settings()
    with _console.status(_("Loading the history store and reading new e-mails")):
        report = load_into_service(read_ledger(ledger), settings, _now())
    table = Table(title=_("History store"))
    for title in (
        _("table"),
        _("added"),
        _("corrected"),
        _("removed"),
        _("events kept"),
        _("erased, not taken in"),
        _("events overruled"),
    ):
        table.add_column(title, justify="left" if title == "table" else "right")
    for name, done in report.items():
        kept = (done.kept_events, done.skipped_erased, len(done.contradicted))
        figures = (done.added, done.corrected, done.removed, *kept)
        table.add_row(name, *(f"{figure:,}" for figure in figures))
    _console.print(table)
    for name, done in report.items():
        if done.contradicted:
            _console.print(
                _(
                    "Events said otherwise than the ledger, which wins: {name} {contradicted}",
                    name=name,
                    contradicted=examples_of(done.contradicted),
                )
            )
    _console.print(_("Where to look next: `encours serve`, then /v1/health."))


@keys_app.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Name of the key's holder, as shown in the audit log.")],
    scope: Annotated[
        list[str],
        typer.Option(help="What it allows: score, events, read, approve or admin. Repeat for more."),
    ],
    account: Annotated[
        list[str] | None, typer.Option(help="Limit the key to this customer. Repeat for more.")
    ] = None,
) -> None:
    """Make a key and show it once. Running services accept it at once."""
    from serving.security.access import make_key, parse_scopes, read_keys, write_keys

    settings = _settings()
    key, text = make_key(name, parse_scopes(scope), account or None, settings.secret(), _now())
    write_keys(settings.keys_path, [*read_keys(settings.keys_path).values(), key])
    _show_key(key, text, settings.keys_path)


@keys_app.command("list")
def list_keys() -> None:
    """Show the keys, without their secrets."""
    from serving.security.access import read_keys

    settings = _settings()
    table = Table(title=_("Keys in {path}", path=settings.keys_path))
    for title in (_("id"), _("name"), _("scopes"), _("accounts"), _("made"), _("state")):
        table.add_column(title)
    for key in read_keys(settings.keys_path).values():
        accounts = _("all") if key.accounts is None else ", ".join(sorted(key.accounts))
        state = (
            _("valid")
            if key.revoked_at is None
            else _("revoked {at}", at=key.revoked_at.strftime("%Y-%m-%d %H:%M"))
        )
        made = f"{key.created_at:%Y-%m-%d %H:%M}"
        table.add_row(key.key_id, key.name, ", ".join(sorted(key.scopes)), accounts, made, state)
    _console.print(table)


@keys_app.command("rotate")
def rotate(
    key_id: Annotated[str, typer.Argument(help="Id of the key, see `encours keys list`.")],
    overlap_hours: Annotated[float, typer.Option(help="How long the old secret is still accepted.")] = 24.0,
) -> None:
    """Give a key a new secret and show it once; the old one is accepted a while longer. No restart is needed."""
    from serving.security.access import known_key, read_keys, rotate_key, write_keys

    settings = _settings()
    keys = read_keys(settings.keys_path)
    key, text = rotate_key(
        known_key(keys, key_id), settings.secret(), _now(), dt.timedelta(hours=overlap_hours)
    )
    write_keys(settings.keys_path, {**keys, key_id: key}.values())
    _show_key(key, text, settings.keys_path)


@keys_app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="Id of the key, see `encours keys list`.")],
) -> None:
    """Refuse a key from now on. No restart is needed."""
    from serving.security.access import known_key, read_keys, revoke_key, write_keys

    settings = _settings()
    keys = read_keys(settings.keys_path)
    write_keys(settings.keys_path, {**keys, key_id: revoke_key(known_key(keys, key_id), _now())}.values())
    _console.print(_("Key {key_id} is refused from now on ({path}).", key_id=key_id, path=settings.keys_path))


@privacy_app.command("export")
def export(
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    customer: Annotated[str | None, typer.Option(help="Id of a customer.")] = None,
    person: Annotated[
        str | None, typer.Option(help="Text that identifies a person: a name or an address.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who asks, for the audit log.")] = "command line",
) -> None:
    """Write everything stored about a customer or a person into a file; the export is audited."""
    from features.files import write_whole
    from serving.store.privacy import export_data

    store = _open()
    try:
        content = export_data(store, _subject(customer, person), by, _now())
    finally:
        store.close()
    write_whole(json.dumps(content, ensure_ascii=False, indent=2), out, mode=0o600)
    rows = ", ".join(f"{name} {count}" for name, count in content["rows"].items() if count) or _("nothing")
    _console.print(
        _("Wrote {out} ({rows}). It holds personal data: hand it over and delete it.", out=out, rows=rows)
    )


@privacy_app.command("erase")
def erase(
    customer: Annotated[str | None, typer.Option(help="Id of a customer.")] = None,
    person: Annotated[
        str | None, typer.Option(help="Text that identifies a person: a name or an address.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who asks, for the audit log.")] = "command line",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
) -> None:
    """Erase what may be erased about a customer or a person, and say what stays and why."""
    from serving.store.privacy import erase_data

    subject = _subject(customer, person)
    if not yes:
        typer.confirm(_("Erase it for good?"), abort=True)
    store = _open()
    try:
        report = erase_data(store, subject, by, _now(), [_settings().old_mail_memory_path])
    finally:
        store.close()
    _console.print(
        _("Erased: {rows}", rows=[" ".join((name, str(count))) for name, count in report.erased.items()])
    )
    table = Table(title=_("Kept"))
    for title in (_("what"), _("rows"), _("why")):
        table.add_column(title)
    for kept in report.kept:
        table.add_row(
            translated(kept.what), "" if kept.count is None else f"{kept.count:,}", translated(kept.why)
        )
    _console.print(table)
    _console.print(
        _(
            "Noted in the audit log as {answer_id}; `encours audit verify` still holds.",
            answer_id=report.answer_id,
        )
    )


def _settings() -> ServiceSettings:
    from serving.operations.settings import read_settings

    return read_settings()


def _open() -> SqlHistoryStore:
    from serving.store import open_store

    settings = _settings()
    return open_store(settings.store_url, settings.secret())


def _subject(customer: str | None, person: str | None) -> DataSubject:
    from serving.store.privacy import DataSubject

    return DataSubject(customer_id=customer, person=person)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _make_first_key(settings: ServiceSettings) -> None:
    from serving.security.access import Scope, make_key, read_keys, write_keys

    if read_keys(settings.keys_path):
        return
    key, text = make_key("first key", [Scope.ADMIN], None, settings.secret(), _now())
    write_keys(settings.keys_path, [key])
    _show_key(key, text, settings.keys_path)


def _show_key(key: AccessKey, text: str, path: Path) -> None:
    _console.print(
        _("Key of {name} ({scopes}), shown this once:", name=key.name, scopes=tuple(sorted(key.scopes)))
    )
    _console.print(f"  {text}", style="bold", soft_wrap=True, highlight=False)
    _console.print(_("Send it as `Authorization: Bearer KEY`. Its hash is kept in {path}.", path=path))
