"""`encours explain`, `encours forecast`: why one invoice has its score, and when the money of all is expected."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.language import LanguageGroup, _, reader_language, translated

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console

    from models.bundle import ModelBundle
    from models.registry.home import Home
    from models.score import Score
    from pipelines.champion_view import ChampionView

app = typer.Typer(cls=LanguageGroup)

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
) -> None:
    """Explain the score of one open invoice: reasons, the payer against its past and its peers.

    Reads the ledger, the service's store and the champion in the home. Writes nothing but the plot that is asked for.
    """
    import polars as pl
    from rich.console import Console

    from features.errors import Fault, InvalidInputError
    from features.groups.compute import compute_features
    from features.messages import localized
    from models.explanation.comparison import compare
    from models.explanation.counterfactual import what_would_change_the_grade
    from models.registry.home import read_home
    from models.score import score
    from pipelines.champion_view import champion_view

    home, console = read_home(), Console()
    view = champion_view(home, ledger, as_of, dt.datetime.now(dt.UTC))
    landmark = view.landmarks.filter(pl.col("invoice_id") == invoice)
    if landmark.height == 0:
        raise InvalidInputError(
            localized("The invoice cannot be explained."),
            [
                Fault(
                    localized("no invoice {invoice!r} is open at the date", invoice=invoice),
                    where="invoice",
                    expected=localized("one of {height:,} open receivables", height=view.landmarks.height),
                    remedy=localized(
                        "choose another --as-of, or look its id up in out/scored_invoices.parquet"
                    ),
                )
            ],
        )
    features = compute_features(view.history, landmark)
    own = score(view.bundle, features, landmark).rows()[0]
    _print_score(console, own)
    values = {name: value for name, value in features.row(0, named=True).items() if isinstance(value, float)}
    for one in compare(values):
        console.print(f"  {translated(one.texts)}", markup=False, highlight=False)
    if compare_with:
        other = _other_version(home, compare_with, view.bundle)
        _print_score(console, score(other, features, landmark).rows()[0])
    if what_if:
        changes = what_would_change_the_grade(view.bundle, features, landmark)
        console.print(_("What would better the grade"), style="bold")
        for change in changes:
            points = f"{100 * change.probability_change:+.1f} points"
            text = translated(change.texts)
            console.print(f"  {change.grade}  {points}  {text}", markup=False, highlight=False)
        if not changes:
            nothing = _("no one or two of the facts known")
            console.print(f"  {nothing}", highlight=False)
    if plot is not None:
        _write_waterfall(view, features, landmark, plot)
        console.print(_("plot  {path}", path=plot), highlight=False, soft_wrap=True)


@app.command("forecast")
def forecast(
    ledger: Annotated[Path, typer.Option(help="Ledger folder to read.")],
    as_of: Annotated[str, typer.Option(help=_AS_OF)] = "",
    weeks: Annotated[int, typer.Option(help="Weeks looked ahead.", min=1, max=52)] = 13,
    out: Annotated[Path | None, typer.Option(help="Parquet file to write too.")] = None,
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
    console = Console()
    for (currency,), rows in found.group_by("currency", maintain_order=True):
        table = Table(title=_("Expected receipts, {currency}", currency=str(currency)))
        table.add_column(_("week from"))
        for head in (_("expected"), "p10", "p50", "p90"):
            table.add_column(head, justify="right")
        for row in rows.iter_rows(named=True):
            names = ("expected_amount", "amount_p10", "amount_p50", "amount_p90")
            amounts = (money(row[name], reader_language(), str(currency)) for name in names)
            table.add_row(str(row["starts_on"] or _("later")), *amounts)
        console.print(table)
    if found.height == 0:
        console.print(_("No invoice is open."))
    if out is not None:
        write_whole(found, out)
        console.print(_("table  {path}", path=out), highlight=False, soft_wrap=True)


def _print_score(console: Console, score: Score) -> None:
    early, middle, late = score.payment_dates
    console.print(
        _(
            "{invoice_id} of {customer_id} as of {as_of}, model {model_version}",
            invoice_id=score.invoice_id,
            customer_id=score.customer_id,
            as_of=score.as_of,
            model_version=score.model_version,
        ),
        style="bold",
        markup=False,
        highlight=False,
    )
    console.print(
        _(
            "grade {grade}; late {p_late:.1%}, over 30 days {p_late_30:.1%}; payment {middle} "
            "({early} to {late})",
            grade=score.grade,
            p_late=score.p_late,
            p_late_30=score.p_late_30,
            middle=middle,
            early=early,
            late=late,
        ),
        markup=False,
        highlight=False,
    )
    explanation = score.explanation
    if explanation is None:
        return
    lines = [
        (explanation.base, _("an average invoice at this stage")),
        *(
            (
                reason.contribution,
                f"{translated(reason.label)}: {translated(reason.text)}",
            )
            for reason in explanation.reasons
        ),
        (explanation.others, _("everything else")),
        (explanation.calibration, _("calibration")),
        (
            explanation.probability,
            _(
                "= probability of being unpaid {explained_days} days past due",
                explained_days=explanation.explained_days,
            ),
        ),
    ]
    for points, text in lines:
        console.print(f"  {100 * points:+6.1f}  {text}", markup=False, highlight=False)


def _other_version(home: Home, name: str, champion: ModelBundle) -> ModelBundle:
    """Another registered version, which must mean the same by late and settled."""
    from features.errors import Fault, InvalidInputError
    from features.groups.catalogue import CATALOGUE_VERSION, FEATURE_NAMES
    from features.messages import localized
    from features.settings import setting_differences
    from models.bundle import load_bundle
    from models.registry.promotion import export
    from models.registry.tracking import find_version

    version = find_version(home, name)
    if version is None:
        fault = Fault(
            localized("no version {name!r} is registered", name=name),
            where="--compare-with",
            expected=localized("a number, or the alias champion or challenger"),
        )
        raise InvalidInputError(localized("The models cannot be compared."), [fault])
    bundle = load_bundle(export(home, version), FEATURE_NAMES, CATALOGUE_VERSION)
    faults = setting_differences(
        bundle.settings.values(),
        champion.settings,
        localized("compare with a version trained under the same settings"),
    )
    if faults:
        raise InvalidInputError(localized("The models cannot be compared."), faults)
    return bundle


def _write_waterfall(view: ChampionView, features: pl.DataFrame, landmark: pl.DataFrame, file: Path) -> None:
    from features.files import write_whole
    from models.explanation.contributions import explain_landmarks
    from models.explanation.plots import waterfall_plot
    from models.explanation.shap_values import as_group_explanation
    from models.hazard.feature_matrix import feature_table
    from models.hazard.training_set import days_past_due

    table = feature_table(features, view.bundle.feature_names)
    found = explain_landmarks(view.bundle, table, days_past_due(landmark))
    write_whole(waterfall_plot(as_group_explanation(found, reader_language())[0]), file)
