"""`encours run`, `encours score`, `encours ui`: the main job, scores at a date, Dagster's pages on both."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console

    from models.registry.home import Home

app = typer.Typer()

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
    language: Annotated[str, typer.Option(help="Language of the reasons shown: en or fr.")] = "en",
) -> None:
    """Run the main job: check, read e-mails, features, train, judge, register, score, explain, route.

    Reads the ledger; writes everything into the home (ENCOURS_HOME, var/ by default): the checked ledger, the
    registered model, out/scored_invoices.parquet and out/decisions.parquet. Killed at any moment it leaves no
    half-written file, and can be run again. A score is only made under the settings its model was trained with: a
    night that states others is refused before anything is read.
    """
    from rich.console import Console

    from models.registry.champion import champion_bundle, scoring_settings
    from models.registry.home import read_home
    from pipelines.resources import LedgerInput, PolicyFile
    from pipelines.running import run_job

    home = read_home()
    console = Console()
    policy_file = {"path": "" if policy is None else str(policy)}
    ledger_input = LedgerInput(
        folder=str(ledger),
        as_of=as_of,
        grace_days=grace_days,
        settled_tolerance=settled_tolerance,
        reporting_currency=reporting_currency,
        accepted_discount_share=accepted_discount_share,
        accepted_discount_days=accepted_discount_days,
    )
    if nightly:
        scoring_settings(champion_bundle(home), ledger_input.given_settings())
    console.print(f"[bold]encours {'nightly' if nightly else 'main'} job[/] on {ledger}", highlight=False)
    run_job(
        "nightly" if nightly else "main",
        home,
        {
            "ledger_input": ledger_input.model_dump(exclude_none=True),
            "policy_file": policy_file,
        },
    )
    currency = PolicyFile(**policy_file).policy().spec.policy.currency
    _print_what_matters(console, home, language, currency)


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
        f"Scored {scores.height:,} open invoices as of {as_of} with model {view.bundle.version}: {out}",
        highlight=False,
    )
    console.print(
        "Next: `encours policy simulate` shows what the policy would do with them.", highlight=False
    )


@app.command("ui")
def ui(
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 3001,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Open Dagster on the assets, jobs, checks and the nightly schedule; Ctrl-C ends it."""
    import os
    import signal
    import subprocess
    import sys

    from models.registry.home import read_home
    from pipelines.running import check_pages_can_open, dagster_home

    home = read_home()
    check_pages_can_open(home)
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(dagster_home(home)),
        "ENCOURS_HOME": str(home.root),
        "DO_NOT_TRACK": "true",
    }
    typer.echo(f"Dagster on http://{host}:{port} (home {home.root}); Ctrl-C ends it")
    command = [
        sys.executable,
        "-m",
        "dagster",
        "dev",
        "-m",
        "pipelines.definitions",
        "-h",
        host,
        "-p",
        str(port),
    ]
    # A shell that started us in the background ignores SIGINT, and Dagster gives SIGTERM the same handler: undo that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    child = subprocess.Popen(command, env=environment)
    signal.signal(signal.SIGTERM, lambda *_: child.send_signal(signal.SIGINT))
    try:
        code = child.wait()
    except KeyboardInterrupt:
        child.send_signal(signal.SIGINT)
        code = child.wait()
    raise typer.Exit(0 if code in (0, -signal.SIGINT) else code)


def _print_what_matters(console: Console, home: Home, language: str, currency: str) -> None:
    """The ten open invoices at stake most (probability of being unpaid × money), and where to look next.

    Money is compared in the policy's currency. What has no exchange rate is compared with nothing: it is counted.
    """
    import polars as pl

    out = home.root / "out"
    scores = pl.read_parquet(out / "scored_invoices.parquet", glob=False)
    decisions = pl.read_parquet(out / "decisions.parquet", glob=False)
    is_french = language == "fr"
    title = (
        "Les factures ouvertes qui comptent le plus" if is_french else "The open invoices that matter most"
    )
    console.print(f"\n[bold]{title}[/]", highlight=False)
    most = most_important(scores, decisions, language, currency)
    for place, row in enumerate(most.iter_rows(named=True), start=1):
        console.print(_line(place, row, is_french=is_french), markup=False, highlight=False)
        console.print(f"    {row['first_reason']}", markup=False, highlight=False, style="dim")
    console.print(f"\n{scores.height:,} open invoices", highlight=False)
    unpriced = int(scores["has_unpriced_amounts"].sum())
    if unpriced:
        text = (
            f"{unpriced:,} scores ne tiennent pas compte de montants sans taux de change connu"
            if is_french
            else f"{unpriced:,} scores leave out amounts without a known exchange rate"
        )
        console.print(text, highlight=False, style="bold yellow")
    for path in (out / "scored_invoices.parquet", out / "decisions.parquet"):
        console.print(f"  {path}", highlight=False, soft_wrap=True)
    console.print("Where to look next", highlight=False)
    for command, what in (
        ("encours ui", "the run, its assets and checks, on port 3001"),
        ("encours backtest", "how good it is on this ledger, beside simple rules"),
        (f"mlflow ui --backend-store-uri {shlex.quote(home.tracking_uri)}", "the registered model"),
        ("encours serve", "the score API, on port 3000"),
    ):
        console.print(f"  {command}  [dim]{what}[/]", highlight=False, soft_wrap=True)


def _line(place: int, row: dict[str, Any], *, is_french: bool) -> str:
    """One invoice in one line: who, how much, when due, how likely late, and where it goes."""
    late, long = f"{row['p_late']:.0%}", f"{row['p_late_30']:.0%}"
    amount = f"{row['balance_amount']:,.0f}"
    route = row["sequence_id"] or "-"
    if row["gate_id"]:
        route += f" ({row['gate_id']})"
    if is_french:
        amount = amount.replace(",", "\u202f")
        words = f"échéance {row['due_on']}, retard {late}, plus de 30 j {long}"
    else:
        words = f"due {row['due_on']}, late {late}, over 30 days {long}"
    who = f"{row['invoice_id']} {row['customer_id']}"
    return f"{place:2}. {who} {amount} {row['currency']}, {words}, {row['grade']} → {route}"


def most_important(
    scores: pl.DataFrame, decisions: pl.DataFrame, language: str, currency: str
) -> pl.DataFrame:
    """The open invoices with the most money at stake: balance × P(unpaid 30 days past due).

    What has no exchange rate has no place among them.

    Args:
        scores: tonight's scores.
        decisions: tonight's decision records.
        language: of the reason shown, `en` or `fr`.
        currency: the policy's, in which money is compared.

    Returns:
        At most ten rows, the largest stake first, ties by invoice.
    """
    import polars as pl

    reason = pl.col("reasons").list.first().struct.field(f"text_{'fr' if language == 'fr' else 'en'}")
    rates = [
        1.0 if own == currency else float(dict(json.loads(account)["exchange_rates"]).get(own, "nan"))
        for own, account in decisions.select("currency", "account").iter_rows()
    ]
    decisions = decisions.with_columns(rate=pl.Series(rates, dtype=pl.Float64))
    stake = pl.col("balance_amount").cast(pl.Float64) * pl.col("rate") * pl.col("p_late_30")
    due = decisions.select(
        "invoice_id",
        "balance_amount",
        "currency",
        "sequence_id",
        "gate_id",
        "rate",
        due_on=pl.col("score").str.json_path_match("$.due_on"),
    )
    return (
        scores.join(due, on="invoice_id", how="inner", validate="1:1")
        .filter(pl.col("rate").is_not_nan())
        .with_columns(first_reason=reason, stake=stake)
        .sort("stake", "invoice_id", descending=[True, False])
        .head(_MOST_IMPORTANT)
    )
