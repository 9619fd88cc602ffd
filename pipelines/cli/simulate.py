"""`encours simulate`: a simulated world with its truth, for trying things out and for measuring models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipelines.cli.language import LanguageGroup, _

if TYPE_CHECKING:
    from data_samples.generator import WorldSettings

app = typer.Typer(cls=LanguageGroup)


@app.command()
def simulate(
    customers: Annotated[int, typer.Option(help="Number of customers.")] = 150,
    months: Annotated[int, typer.Option(help="Months of history, up to the end.")] = 30,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same files.")] = 8,
    out: Annotated[Path, typer.Option(help="Folder to write: the ledger, and its truth in truth/.")] = Path(
        "world"
    ),
    regime_change: Annotated[
        int | None, typer.Option(help="Month (1 = first) from which the economy is harder; none if left out.")
    ] = None,
    end: Annotated[str, typer.Option(help="Last day of the ledger, as YYYY-MM-DD.")] = "2026-06-30",
) -> None:
    """Simulate a ledger: customers with habits, invoices, payments, disputes, e-mails, and the true odds.

    Reads nothing but the labelled e-mails that come with the project. Writes one Parquet file per ledger
    table, the truth (true probabilities, outcomes beyond the end, hidden parameters) in truth/, and a README
    that describes it.
    """
    from datetime import date

    from data_samples.generator import WorldSettings, refuse_to_overwrite, simulate_world, write_world
    from features.errors import Fault, InvalidInputError
    from features.messages import localized

    try:
        last_day = date.fromisoformat(end)
    except ValueError as problem:
        fault = Fault(
            localized("is not a day"),
            "--end",
            localized("a day as YYYY-MM-DD, for example 2026-06-30"),
            examples=(end,),
        )
        raise InvalidInputError(localized("The world cannot be simulated."), [fault]) from problem
    settings = WorldSettings(customers, months, seed, end=last_day, regime_change_month=regime_change)
    console = Console()
    refuse_to_overwrite(out)
    with console.status(_("Simulating ...")):
        world = simulate_world(settings)
        write_world(world, out, _command(settings, out))
    table = Table(
        title=_("{out}: {first} to {last}", out=out, first=settings.start, last=settings.end),
        title_justify="left",
    )
    table.add_column(_("table"))
    table.add_column(_("rows"), justify="right")
    for name, frame in world.ledger.tables():
        table.add_row(name, f"{frame.height:,}")
    for name, frame in world.truth.items():
        table.add_row(f"truth/{name}", f"{frame.height:,}")
    console.print(table)
    console.print(
        _("Described in {out}. Next: encours run --ledger {ledger}", out=out / "README.md", ledger=out),
        soft_wrap=True,
    )


def _command(settings: WorldSettings, out: Path) -> str:
    """The command that makes the same world again; an absolute folder is shortened to its name."""
    words = (
        f"encours simulate --customers {settings.customers} --months {settings.months} --seed {settings.seed}"
    )
    if settings.regime_change_month is not None:
        words += f" --regime-change {settings.regime_change_month}"
    folder = out.name if out.is_absolute() else out
    return f"{words} --end {settings.end} --out {folder}"
