"""The `encours` command: assembles one module per group of commands and turns refusals into clear messages."""

from __future__ import annotations

import os
import sys

import typer
from rich.console import Console

from features.errors import EncoursError
from pipelines.cli import explain, ledger, models, policy, policy_nights, run, service, signals, simulate
from pipelines.cli.language import LanguageGroup, _, reader_language

app = typer.Typer(
    name="encours",
    cls=LanguageGroup,
    help="Late-payment prediction, explanation and dunning for B2B invoices.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _encours() -> None:
    """Late-payment prediction, explanation and dunning for B2B invoices."""


app.add_typer(ledger.app)
app.add_typer(simulate.app)
app.add_typer(run.app)
app.add_typer(models.app)
app.add_typer(explain.app)
app.add_typer(signals.app)
app.add_typer(service.app)
policy.app.add_typer(policy_nights.app)
app.add_typer(policy.app, name="policy")


def main() -> None:
    """Run the command line; a refusal is printed without a traceback and exits with 2."""
    # Threads of the numeric libraries wait for each other in a loop; on a busy machine that costs minutes.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except EncoursError as refusal:
        console = Console(stderr=True)
        console.print(_("error:"), style="bold red", end=" ")
        console.print(refusal.in_language(reader_language()), markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)
