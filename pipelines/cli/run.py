"""`encours run`, `encours score`, `encours ui`: the main job, scores at a date, Dagster's pages on both."""

from __future__ import annotations

import datetime as dt
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.messages import Text, written_number
from pipelines.cli.language import LanguageGroup, _, reader_language, translated

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from rich.console import Console

    from models.registry.home import Home
    from serving.dunning import DecisionRecord
    from serving.night.stakes import AtStake

app = typer.Typer(cls=LanguageGroup)

_MOST_IMPORTANT = 10


@app.command("run")
def run(
    ledger: Annotated[Path, typer.Option(help="Ledger folder to read.")],
    as_of: Annotated[
        str,
        typer.Option(
            help="ISO date to look from, or today; by default the day after the last fact in the ledger."
        ),
    ] = "",
    policy: Annotated[
        Path | None, typer.Option(help="Dunning policy; by default the one that ships.")
    ] = None,
    grace_days: Annotated[
        int | None,
        typer.Option(help="Days past due that are still on time; by default the champion's, 0 without one."),
    ] = None,
    settled_tolerance: Annotated[
        str | None,
        typer.Option(
            help="Open amount at which an invoice is settled; by default the champion's, 0.05 without one."
        ),
    ] = None,
    reporting_currency: Annotated[
        str | None,
        typer.Option(
            help="Currency of reported amounts; by default the champion's, without one that of most invoices."
        ),
    ] = None,
    accepted_discount_share: Annotated[
        str | None,
        typer.Option(
            help="Share that may be left out for early payment where the terms grant none, such as 0.02; by default "
            "the champion's, 0 without one."
        ),
    ] = None,
    accepted_discount_days: Annotated[
        int | None,
        typer.Option(
            help="Days from issue within which it may be left out; by default the champion's, 0 without one."
        ),
    ] = None,
    nightly: Annotated[
        bool, typer.Option("--nightly", help="Score and route with the champion; train nothing.")
    ] = False,
) -> None:
    """Run the main job: check, read e-mails, features, train, judge, register, score, explain, route.

    Reads the ledger; writes everything into the home (ENCOURS_HOME, var/ by default): the checked ledger, the
    registered model, out/scored_invoices.parquet and out/decisions.parquet. Killed at any moment it leaves no
    half-written file, and can be run again. A score is only made under the settings its model was trained with: a
    night that states others is refused before anything is read.
    """
    from rich.console import Console

    from models.registry.home import read_home
    from pipelines.io import stored_value
    from pipelines.resources import LedgerInput, PolicyFile
    from pipelines.running import RunInterruptedError, run_job
    from serving.night.stakes import most_at_stake

    home = read_home()
    console = Console()
    policy_file = PolicyFile(path="" if policy is None else str(policy))
    ledger_input = LedgerInput(
        folder=str(ledger),
        as_of=as_of,
        grace_days=grace_days,
        settled_tolerance=settled_tolerance,
        reporting_currency=reporting_currency,
        accepted_discount_share=accepted_discount_share,
        accepted_discount_days=accepted_discount_days,
    )
    title = _("encours nightly job") if nightly else _("encours main job")
    console.print(f"[bold]{title}[/], {ledger}", highlight=False)
    try:
        run_job(
            "nightly" if nightly else "main",
            home,
            {
                "ledger_input": ledger_input.model_dump(exclude_none=True),
                "policy_file": policy_file.model_dump(),
            },
        )
    except RunInterruptedError as interruption:
        typer.echo(interruption.in_language(reader_language()), err=True)
        raise typer.Exit(130) from interruption
    scores, records = (stored_value(home, f"out__{name}_invoices") for name in ("scored", "routed"))
    most = most_at_stake(records, policy_file.policy(), _MOST_IMPORTANT)
    _print_what_matters(console, home, scores, most)


@app.command("score")
def score(
    ledger: Annotated[Path, typer.Option(help="Ledger folder to read.")],
    as_of: Annotated[str, typer.Option(help="ISO date: every invoice open then is scored.")],
    out: Annotated[Path, typer.Option(help="Parquet file to write.")],
    reasons: Annotated[bool, typer.Option(help="Leave the reasons out with --no-reasons: faster.")] = True,
) -> None:
    """Score every invoice open at a date with the registered champion, from what was known before it.

    The settings are those the champion was trained under. What the score service of this home was told by event counts
    too, as it does in the night.

    Reads the ledger, the service's store and the champion in the home; writes one row per open invoice.
    """
    from rich.console import Console

    from features.files import write_whole
    from models.registry.home import read_home
    from models.score import score_frame
    from pipelines.champion_view import champion_view

    view = champion_view(read_home(), ledger, as_of, dt.datetime.now(dt.UTC))
    scores = score_frame(view.bundle, view.history, view.landmarks, with_reasons=reasons)
    write_whole(scores, out)
    console = Console()
    console.print(
        _(
            "Scored {count} open invoices as of {day} with model {version}: {path}",
            count=scores.height,
            day=as_of,
            version=view.bundle.version,
            path=str(out),
        ),
        highlight=False,
    )
    console.print(
        _("Next: `encours policy simulate` shows what the policy would do with them."), highlight=False
    )


@app.command("ui")
def ui(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 3001,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Open Dagster on the assets, jobs, checks and the nightly schedule; Ctrl-C ends it."""
    from models.registry.home import read_home
    from pipelines.running import open_pages

    home, address = read_home(), f"http://{host}:{port}"
    typer.echo(
        _(
            "Dagster on {address} (home {home}); Ctrl-C ends it",
            address=address,
            home=home.root,
        )
    )
    raise typer.Exit(open_pages(home, host, port))


def _print_what_matters(console: Console, home: Home, scores: pl.DataFrame, most: Sequence[AtStake]) -> None:
    """The open invoices with the most money at stake, and where to look next."""
    console.print("\n" + _("The open invoices that matter most"), style="bold", highlight=False)
    for place, item in enumerate(most, start=1):
        console.print(_line(place, item.record), markup=False, highlight=False)
        for reason in item.record.explanation[:1]:
            console.print(
                f"    {translated(Text(reason.fr, reason.en))}", markup=False, highlight=False, style="dim"
            )
    console.print("\n" + _("{count} open invoices", count=scores.height), highlight=False)
    unpriced = int(scores["has_unpriced_amounts"].sum())
    if unpriced:
        text = _("{count} scores leave out amounts without a known exchange rate", count=unpriced)
        console.print(text, highlight=False, style="bold yellow")
    for name in ("scored_invoices.parquet", "decisions.parquet"):
        console.print(f"  {home.root / 'out' / name}", highlight=False, soft_wrap=True)
    console.print(_("Where to look next"), highlight=False)
    for command, what in (
        ("encours ui", _("the run, its assets and checks, on port 3001")),
        ("encours backtest", _("how good it is on this ledger, beside simple rules")),
        (f"mlflow ui --backend-store-uri {shlex.quote(home.tracking_uri)}", _("the registered model")),
        ("encours serve", _("the pages and the score API, on port 3000; `encours keys add` makes a key")),
    ):
        console.print(f"  {command}  [dim]{what}[/]", highlight=False, soft_wrap=True)


def _line(place: int, record: DecisionRecord) -> str:
    """One invoice in one line: who, how much, when due, how likely late, and where it goes."""
    score, decision = record.score, record.decision
    amount = written_number(record.account.net_balance_amount, reader_language(), ",.0f")
    route = decision.sequence_id if decision else "-"
    if decision and decision.gate_id:
        route += f" ({decision.gate_id})"
    words = _(
        "due {due_on}, late {late:.0%}, over 30 days {long:.0%}",
        due_on=score.due_on,
        late=score.p_late,
        long=score.p_late_30,
    )
    who = f"{score.receivable_id} {score.customer_id}"
    return f"{place:2}. {who} {amount} {score.currency}, {words}, {score.grade} → {route}"
