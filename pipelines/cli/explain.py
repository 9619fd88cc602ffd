"""`encours explain`, `encours forecast`: why one invoice has its score, and when the money of all is expected."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.ledger import Language

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from rich.console import Console

    from features import messages
    from models.bundle import ModelBundle
    from models.registry.home import Home
    from models.score import Score
    from pipelines.champion_view import ChampionView

app = typer.Typer()

_AS_OF = "ISO date, or `today`; by default the day after the last fact."


@app.command("explain")
def explain(
    invoice: Annotated[
        str, typer.Argument(help="An invoice open at the date (an instalment: INVOICE#NUMBER).")
    ],
    ledger: Annotated[Path, typer.Option(help="Ledger folder to read.")],
    as_of: Annotated[str, typer.Option(help=_AS_OF)] = "",
    compare_with: Annotated[
        str, typer.Option(help="Number or alias of another registered version to score it with too.")
    ] = "",
    what_if: Annotated[
        bool, typer.Option("--what-if", help="Which facts that somebody can act on would better the grade.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="SVG file to write: the score as a waterfall.")] = None,
    language: Annotated[Language, typer.Option(help="Language of what is printed.")] = Language.EN,
) -> None:
    """Explain the score of one open invoice: reasons, the payer against its past and its peers.

    Reads the ledger, the service's store and the champion in the home. Writes nothing but the plot that is asked for.
    """
    import polars as pl
    from rich.console import Console

    from features.errors import Fault, InvalidInputError
    from features.groups.compute import compute_features
    from models.explanation.comparison import compare
    from models.explanation.counterfactual import what_would_change_the_grade
    from models.registry.home import read_home
    from models.score import score
    from pipelines.champion_view import champion_view

    home, console = read_home(), Console()
    say = _speaker(language)
    view = champion_view(home, ledger, as_of, dt.datetime.now(dt.UTC))
    landmark = view.landmarks.filter(pl.col("invoice_id") == invoice)
    if landmark.height == 0:
        raise InvalidInputError(
            "The invoice cannot be explained.",
            [
                Fault(
                    f"no invoice {invoice!r} is open at the date",
                    where="invoice",
                    expected=f"one of {view.landmarks.height:,} open receivables",
                    remedy="choose another --as-of, or look its id up in out/scored_invoices.parquet",
                )
            ],
        )
    features = compute_features(view.history, landmark)
    own = score(view.bundle, features, landmark).rows()[0]
    _print_score(console, own, say)
    values = {name: value for name, value in features.row(0, named=True).items() if isinstance(value, float)}
    for one in compare(values):
        console.print(f"  {say(one.texts.en, one.texts.fr)}", markup=False, highlight=False)
    if compare_with:
        other = _other_version(home, compare_with, view.bundle)
        _print_score(console, score(other, features, landmark).rows()[0], say)
    if what_if:
        changes = what_would_change_the_grade(view.bundle, features, landmark)
        console.print(say("What would better the grade", "Ce qui améliorerait la note"), style="bold")
        for change in changes:
            points = f"{100 * change.probability_change:+.1f} points"
            text = say(change.texts.en, change.texts.fr)
            console.print(f"  {change.grade}  {points}  {text}", markup=False, highlight=False)
        if not changes:
            nothing = say("no one or two of the facts known", "aucun des faits connus, seul ou à deux")
            console.print(f"  {nothing}", highlight=False)
    if plot is not None:
        _write_waterfall(view, features, landmark, plot, language)
        console.print(f"{say('plot', 'graphique')}  {plot}", highlight=False, soft_wrap=True)


@app.command("forecast")
def forecast(
    ledger: Annotated[Path, typer.Option(help="Ledger folder to read.")],
    as_of: Annotated[str, typer.Option(help=_AS_OF)] = "",
    weeks: Annotated[int, typer.Option(help="Weeks looked ahead.", min=1, max=52)] = 13,
    out: Annotated[Path | None, typer.Option(help="Parquet file to write too.")] = None,
    language: Annotated[Language, typer.Option(help="Language of what is printed.")] = Language.EN,
) -> None:
    """Expected receipts of the open invoices week by week, one table for each currency.

    An amount is what is still open of an invoice, in its own currency. p10 and p90 hold eight weeks in ten if invoices
    are paid independently of each other. Reads the ledger, the service's store and the champion in the home.
    """
    from rich.console import Console
    from rich.table import Table

    from features.files import write_whole
    from models.explanation.wording import money
    from models.registry.home import read_home
    from pipelines.champion_view import champion_view, receipts_by_week

    view = champion_view(read_home(), ledger, as_of, dt.datetime.now(dt.UTC))
    found = receipts_by_week(view, weeks)
    console, say = Console(), _speaker(language)
    for (currency,), rows in found.group_by("currency", maintain_order=True):
        table = Table(title=f"{say('Expected receipts', 'Encaissements attendus')}, {currency}")
        table.add_column(say("week from", "semaine du"))
        for head in (say("expected", "attendu"), "p10", "p50", "p90"):
            table.add_column(head, justify="right")
        for row in rows.iter_rows(named=True):
            names = ("expected_amount", "amount_p10", "amount_p50", "amount_p90")
            amounts = (money(row[name], _code(language), str(currency)) for name in names)
            table.add_row(str(row["starts_on"] or say("later", "plus tard")), *amounts)
        console.print(table)
    if found.height == 0:
        console.print(say("No invoice is open.", "Aucune facture n'est ouverte."))
    if out is not None:
        write_whole(found, out)
        console.print(f"{say('table', 'tableau')}  {out}", highlight=False, soft_wrap=True)


def _speaker(language: Language) -> Callable[[str, str], str]:
    """What chooses between the English and the French form of a text."""
    is_french = language is Language.FR
    return lambda english, french: french if is_french else english


def _code(language: Language) -> messages.Language:
    return "fr" if language is Language.FR else "en"


def _print_score(console: Console, score: Score, say: Callable[[str, str], str]) -> None:
    early, middle, late = score.payment_dates
    console.print(
        say(
            f"{score.invoice_id} of {score.customer_id} as of {score.as_of}, model {score.model_version}",
            f"{score.invoice_id} de {score.customer_id} au {score.as_of}, modèle {score.model_version}",
        ),
        style="bold",
        markup=False,
        highlight=False,
    )
    console.print(
        say(
            f"  grade {score.grade}; late {score.p_late:.1%}, over 30 days {score.p_late_30:.1%}; "
            f"payment {middle} ({early} to {late})",
            f"  note {score.grade}\u00a0; retard {score.p_late:.1%}, plus de 30 jours {score.p_late_30:.1%}\u00a0; "
            f"paiement {middle} (du {early} au {late})",
        ),
        markup=False,
        highlight=False,
    )
    explanation = score.explanation
    if explanation is None:
        return
    lines = [
        (explanation.base, say("an average invoice at this stage", "une facture moyenne à ce stade")),
        *(
            (
                reason.contribution,
                f"{say(reason.label.en, reason.label.fr)}: {say(reason.text.en, reason.text.fr)}",
            )
            for reason in explanation.reasons
        ),
        (explanation.others, say("everything else", "tout le reste")),
        (explanation.calibration, say("calibration", "calibrage")),
        (
            explanation.probability,
            say(
                f"= probability of being unpaid {explanation.explained_days} days past due",
                f"= probabilité d'être impayée {explanation.explained_days} jours après l'échéance",
            ),
        ),
    ]
    for points, text in lines:
        console.print(f"  {100 * points:+6.1f}  {text}", markup=False, highlight=False)


def _other_version(home: Home, name: str, champion: ModelBundle) -> ModelBundle:
    """Another registered version, which must mean the same by late and settled."""
    from features.errors import Fault, InvalidInputError
    from features.groups.catalogue import CATALOGUE_VERSION, FEATURE_NAMES
    from features.settings import setting_differences
    from models.bundle import load_bundle
    from models.registry.promotion import export
    from models.registry.tracking import find_version

    version = find_version(home, name)
    if version is None:
        fault = Fault(
            f"no version {name!r} is registered",
            where="--compare-with",
            expected="a number, or the alias champion or challenger",
        )
        raise InvalidInputError("The models cannot be compared.", [fault])
    bundle = load_bundle(export(home, version), FEATURE_NAMES, CATALOGUE_VERSION)
    faults = setting_differences(
        bundle.settings.values(), champion.settings, "compare with a version trained under the same settings"
    )
    if faults:
        raise InvalidInputError("The models cannot be compared.", faults)
    return bundle


def _write_waterfall(
    view: ChampionView, features: pl.DataFrame, landmark: pl.DataFrame, file: Path, language: Language
) -> None:
    from features.files import write_whole
    from models.explanation.contributions import explain_landmarks
    from models.explanation.plots import waterfall_plot
    from models.explanation.shap_values import as_group_explanation
    from models.hazard.feature_matrix import feature_table
    from models.hazard.training_set import days_past_due

    table = feature_table(features, view.bundle.feature_names)
    found = explain_landmarks(view.bundle, table, days_past_due(landmark))
    write_whole(waterfall_plot(as_group_explanation(found, _code(language))[0]), file)
