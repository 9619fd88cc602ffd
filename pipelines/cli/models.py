"""`encours backtest`, `encours promote`, `encours rollback`: how good the model is, and which one serves."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.language import LanguageGroup, _

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console

app = typer.Typer(cls=LanguageGroup)


@app.command("backtest")
def backtest(
    ledger: Annotated[Path, typer.Option(help="Ledger folder: one Parquet or CSV file per table.")],
    out: Annotated[Path, typer.Option(help="JSON file to write with every figure.")],
    predictions: Annotated[
        Path, typer.Option(help="Parquet file to write: one row per model and test invoice.")
    ],
    cutoff: Annotated[
        list[str] | None,
        typer.Option(
            help="Day (YYYY-MM-DD) before which everything is training and from which all is test; repeatable."
        ),
    ] = None,
    origins: Annotated[
        int, typer.Option(help="How many cut-offs to choose when none is given.", min=1, max=12)
    ] = 1,
    report: Annotated[
        Path | None, typer.Option(help="HTML report to write; beside the JSON unless said.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="Parquet with the true probabilities of a simulated ledger.")
    ] = None,
    grace_days: Annotated[int, typer.Option(help="Days past due that are still on time.", min=0, max=30)] = 0,
    settled_tolerance: Annotated[
        str, typer.Option(help="Open amount at which an invoice is settled.")
    ] = "0.05",
    accepted_discount_share: Annotated[
        str, typer.Option(help="Share that may be left out for early payment where the terms grant none.")
    ] = "0",
    accepted_discount_days: Annotated[
        int, typer.Option(help="Days from issue within which it may be left out.", min=0)
    ] = 0,
    without_disputes: Annotated[
        bool, typer.Option("--without-disputes", help="As if the ledger had no disputes table.")
    ] = False,
    read_mails: Annotated[bool, typer.Option("--mails/--no-mails", help="Read the ledger's e-mails.")] = True,
    resamples: Annotated[
        int, typer.Option(help="Resampled customers behind the intervals; 0 for none.", min=0)
    ] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the resampling.")] = 7,
) -> None:
    """Train on what was known before each cut-off, predict the invoices issued from it on, and compare with baselines.

    Reads the ledger folder. Writes the JSON of figures, the predictions (anyone can recompute every figure from
    them) and an HTML report with plots.
    """
    import json
    from dataclasses import replace

    from rich.console import Console

    from features.email import read_mails_of
    from features.files import write_whole
    from features.ledger import read_ledger
    from features.settings import LedgerSettings
    from models.evaluation.backtest import default_cutoffs, run_backtest
    from models.evaluation.backtest_report import html_report
    from models.evaluation.backtest_summary import summarise
    from pipelines.resources import amount

    console = Console()
    tables = read_ledger(ledger)
    if without_disputes:
        tables = replace(tables, disputes=None)
    true_chances = None if truth is None else _truth(truth)
    days = [_day(text) for text in cutoff] if cutoff else default_cutoffs(tables, origins)
    signals = None
    if read_mails and tables.emails is not None:
        console.print(
            _("  reading {count:,} e-mails", count=tables.emails.height), style="dim", highlight=False
        )
        signals = read_mails_of(tables)
    done = run_backtest(
        tables,
        days,
        ledger_settings=LedgerSettings(
            grace_days=grace_days,
            settled_tolerance=amount(settled_tolerance, "--settled-tolerance"),
            accepted_discount_share=amount(accepted_discount_share, "--accepted-discount-share"),
            accepted_discount_days=accepted_discount_days,
        ),
        truth=true_chances,
        signals=signals,
        progress=lambda text: console.print(f"  {text}", style="dim", markup=False, highlight=False),
    )
    console.print(_("  drawing customers again for the intervals"), style="dim")
    figures = summarise(done, resamples, seed)
    page = report or out.with_suffix(".html")
    write_whole(done.predictions, predictions)
    write_whole(json.dumps(figures, indent=1, ensure_ascii=False, allow_nan=False), out)
    write_whole(html_report(figures), page)
    _print_figures(console, figures)
    excluded = sum(origin["excluded_unobserved"] for origin in figures["origins"])
    if excluded:
        console.print(
            _(
                "{count:,} invoices left out, paid or not: their due date (plus grace) is not over "
                "when the ledger ends.",
                count=excluded,
            ),
            highlight=False,
        )
    console.print(
        _(
            "figures      {out}\npredictions  {predictions}\nreport       {page} (open it in a browser)",
            out=out,
            predictions=predictions,
            page=page,
        )
    )


@app.command("promote")
def promote_version(
    who: Annotated[str, typer.Option(help="Who decides; recorded.")],
    why: Annotated[str, typer.Option(help="Why; recorded.")],
    version: Annotated[str, typer.Argument(help="Number of the version, or an alias.")] = "challenger",
    force: Annotated[
        bool, typer.Option("--force", help="Promote although the gate objects; recorded as such.")
    ] = False,
) -> None:
    """Make a registered model the champion, if the gate finds nothing against it.

    Reads the registry in the Encours home (ENCOURS_HOME); writes the alias, the bundle the service reads, and one
    line of record.
    """
    from rich.console import Console

    from models.registry.home import read_home
    from models.registry.promotion import promote_registered

    console = Console()
    home = read_home()
    at = dt.datetime.now(dt.UTC)
    found, folder = promote_registered(home, version, who, why, at, is_forced=force)
    console.print(
        _("version {version} is the champion; bundle {folder}", version=found.version, folder=folder),
        highlight=False,
    )
    console.print(
        _(
            "the service takes it up by itself; record in {path}",
            path=home.bundles / "promotions.jsonl",
        ),
        highlight=False,
    )


@app.command("rollback")
def rollback_champion(
    who: Annotated[str, typer.Option(help="Who decides; recorded.")],
    why: Annotated[str, typer.Option(help="Why; recorded.")],
) -> None:
    """Make the previous champion the champion again."""
    from rich.console import Console

    from models.registry.home import read_home
    from models.registry.promotion import rollback

    home = read_home()
    found = rollback(home, who, why, dt.datetime.now(dt.UTC))
    Console().print(
        _(
            "version {version} is the champion again; record in {path}",
            version=found.version,
            path=home.bundles / "promotions.jsonl",
        ),
        highlight=False,
    )


def _day(text: str) -> dt.date:
    from features.errors import Fault, InvalidInputError
    from features.messages import localized

    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        fault = Fault(
            localized("{text!r} is not a day", text=text),
            where="--cutoff",
            expected=localized("YYYY-MM-DD, for example 2026-01-31"),
        )
        raise InvalidInputError(localized("The backtest cannot be run."), [fault]) from error


def _truth(path: Path) -> pl.DataFrame:
    import polars as pl

    from features.errors import Fault, InvalidInputError
    from features.messages import localized
    from models.target import HORIZONS

    columns = ["invoice_id", *(f"unpaid_probability_{k}d" for k in HORIZONS)]
    if not path.is_file():
        fault = Fault(
            localized("the file does not exist"),
            where=str(path),
            remedy=localized("encours simulate writes it as truth/probabilities.parquet"),
        )
        raise InvalidInputError(localized("The true probabilities cannot be read."), [fault])
    frame = pl.read_parquet(path, glob=False)
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        fault = Fault(
            localized("columns are missing: {missing}", missing=tuple(missing)),
            where=str(path),
            expected=", ".join(columns),
        )
        raise InvalidInputError(localized("The true probabilities cannot be read."), [fault])
    return frame.select(columns)


def _print_figures(console: Console, figures: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(title=_("Probability of being late, on invoices the models had not seen"))
    table.add_column(_("model"))
    for head in (_("invoices"), _("AUC"), _("log loss"), _("Brier"), _("ECE"), _("date error (days)")):
        table.add_column(head, justify="right")
    for name, entry in figures["models"].items():
        cells = [
            "" if entry.get(figure) is None else f"{entry[figure]:.4f}"
            for figure in ("auc", "log_loss", "brier", "ece")
        ]
        date = entry.get("date")
        table.add_row(
            name, f"{entry['n']:,}", *cells, "" if not date else f"{date['median_absolute_days']:.1f}"
        )
    console.print(table)
