"""`encours policy check`, `legal` and `plan`: what a policy file says, and what the law and its bounds allow."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.language import LanguageGroup, _, reader_language, translated
from pipelines.cli.policy_report import shown

if TYPE_CHECKING:
    from rich.console import Console

    from features.words import Grade
    from serving.dunning import Instalment, Policy

app = typer.Typer(
    name="policy",
    cls=LanguageGroup,
    help="Check a dunning policy file, replay it on past decisions, simulate tonight.",
    no_args_is_help=True,
)

DAY = ["%Y-%m-%d"]
Tonight = Annotated[
    datetime | None,
    typer.Option("--on", formats=DAY, help="Day the rates must cover; none takes today.", show_default=False),
]


@app.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(help="Policy file (YAML); none checks the default protocol.")
    ] = None,
    tables: Annotated[bool, typer.Option("--tables", help="Print the policy as tables.")] = False,
    on: Tonight = None,
) -> None:
    """Read a policy and say whether it can be used; every fault is printed with its line.

    Proves that each segment, grade, money band and state has exactly one route, and that no route or sequence is
    out of reach. Warns when the legal rates end. Writes nothing.
    """
    from rich.console import Console

    from serving.dunning.legal import covered_until
    from serving.dunning.policy.file import DEFAULT_POLICY_PATH, load_policy

    path = file or DEFAULT_POLICY_PATH
    policy = load_policy(path)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    spec = policy.spec
    console.print(_("usable"), style="bold green", end=" ")
    console.print(path)
    console.print(f"{spec.policy.id} {spec.policy.version}, SHA-256 {policy.digest[:16]}")
    counts = {"routes": len(spec.routes), "cases": len(policy.table), "sequences": len(spec.sequences)}
    console.print(
        _(
            "{routes} routes take {cases} cases, each exactly one; {sequences} sequences, {texts} "
            "texts in French and English",
            **counts,
            texts=len(spec.templates),
        )
    )
    day = on.date() if on else datetime.now(UTC).date()
    first = policy.legal.parameters["ecb_refinancing_rate"].values[0].begins_on
    last = covered_until(policy.legal, day)
    if last is not None:
        console.print(
            _(
                "late-payment interest can be reckoned from {first} to {last}; later days claim none "
                "until the rates are added to the legal file",
                first=first,
                last=last,
            )
        )
    _print_warning(console, policy, day)
    if tables:
        _print_tables(console, policy)
    console.print(
        _("next: encours policy replay {path} --from DAY --to DAY --decisions STORED.parquet", path=path)
    )


@app.command()
def legal(
    file: Annotated[
        Path | None, typer.Argument(help="Policy file (YAML) whose law is shown; none takes the default.")
    ] = None,
    on: Tonight = None,
) -> None:
    """Show the late-payment rates of every semester, up to when interest can be computed, and the lines to add next.

    Reads the policy and its legal file. Writes nothing.
    """
    from rich.console import Console
    from rich.table import Table

    from serving.dunning.legal import covered_until, lines_to_add, semesters
    from serving.dunning.legal.parameters import LEGAL_FOLDER
    from serving.dunning.policy.file import DEFAULT_POLICY_PATH, legal_file_of, load_policy

    path = file or DEFAULT_POLICY_PATH
    policy = load_policy(path)
    law, jurisdiction = policy.legal, policy.legal.jurisdiction
    day = on.date() if on else datetime.now(UTC).date()
    beside = path.parent / "legal" / f"{jurisdiction}.yaml"
    read = legal_file_of(path, jurisdiction) or LEGAL_FOLDER / f"{jurisdiction}.yaml"
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.print(
        _(
            "late-payment rates of {jurisdiction}, percent a year; read from {path}",
            jurisdiction=jurisdiction,
            path=str(read),
        )
    )
    table = Table(
        *(_("semester"), _("ECB"), _("without clause"), _("legal rate"), _("floor of a clause")), _("read in")
    )
    told = semesters(law, day)
    for semester in told:
        figures = (semester.ecb, semester.without_clause, semester.legal, semester.floor)
        shown = (_("missing") if figure is None else _percent(figure) for figure in figures)
        sources = "; ".join(source for source in semester.sources if source is not None)
        table.add_row(f"{semester.begins_on} … {semester.ends_on}", *shown, sources)
    console.print(table)
    last = covered_until(law, day)
    if last is not None:
        console.print(_("interest can be reckoned up to {last}", last=last))
    _print_warning(console, policy, day)
    for name, line in lines_to_add(law, day):
        console.print(
            _(
                "next semester: write under `{name}` in the legal file, with the value, its source, "
                "and `verified: true` once you have read it",
                name=name,
            )
        )
        console.print(f"      {line}")
    console.print(
        _(
            "an installed Encours reads {beside} (a copy of the file shown, beside the policy "
            "file) instead of the one shipped; then raise the policy's version, so that a running "
            "service reads both again",
            beside=str(beside),
        )
    )


def _print_warning(console: Console, policy: Policy, day: date) -> None:
    """Say what has to be done about the legal rates, if anything."""
    from serving.dunning.legal import coverage_warning

    warning = coverage_warning(policy.legal, day)
    if warning is not None:
        console.print(_("warning: {warning}", warning=warning), style="bold yellow")


def _percent(figure: Decimal) -> str:
    text = f"{figure:.2f} %"
    return text.replace(".", ",") if reader_language() == "fr" else text


@app.command()
def plan(
    file: Annotated[
        Path | None, typer.Argument(help="Policy file (YAML); none takes the default protocol.")
    ] = None,
    grade: Annotated[str, typer.Option("--grade", help="A to E, or none without an opinion.")] = "none",
    balance: Annotated[
        str, typer.Option("--balance", help="What is owed, such as 12000.00.", show_default=False)
    ] = "",
    instalments: Annotated[
        list[str] | None,
        typer.Option("--instalment", help="Day and amount, such as 2026-04-15/4000.00; once for each."),
    ] = None,
    on: Tonight = None,
) -> None:
    """Say how far a payment plan may go for this risk and balance, and who may grant the one proposed.

    Writes nothing; an agreed plan is sent to Encours as `plan_agreed` and `plan_instalment` interactions.
    """
    from rich.console import Console

    from serving.dunning.plans import check_plan, plan_bounds
    from serving.dunning.policy.file import load_policy

    policy = load_policy(file)
    name, owed, proposed = _plan_asked(grade, balance, instalments or [])
    day = on.date() if on else datetime.now(UTC).date()
    console = Console(soft_wrap=True, markup=False, highlight=False)
    bounds = plan_bounds(policy, name, owed)
    labels = {level.id: level.label.in_language(reader_language()) for level in policy.spec.approval_levels}
    limits: dict[str, str | int] = {
        "count": bounds.max_instalments,
        "days": bounds.max_days,
        "first": shown(bounds.minimum_first_amount),
        "level": labels[bounds.approval_level],
    }
    console.print(
        _(
            "row {row}: at most {count} instalments within {days} days, the first of {first} or "
            "more; granted by: {level}",
            row=bounds.rule_id,
            **limits,
        )
    )
    if not proposed:
        return
    verdict = check_plan(proposed, policy, name, owed, day)
    for reason in verdict.why:
        console.print(f"  - {translated(reason)}")
    level = verdict.approval_level
    console.print(
        _("nobody can grant this plan: correct it first")
        if level is None
        else _("the plan may be granted by: {level}", level=labels[level])
    )
    if level is None:
        raise typer.Exit(1)


def _plan_asked(
    grade: str, balance: str, instalments: list[str]
) -> tuple[Grade | None, Decimal, tuple[Instalment, ...]]:
    """The arguments, checked; every fault in one report."""
    from features.errors import Fault, InvalidInputError
    from features.messages import localized
    from serving.accounts.events import read_instalment
    from serving.dunning import GRADES

    faults = []
    if grade != "none" and grade not in GRADES:
        what = localized("{value} is not accepted", value=repr(grade))
        faults.append(Fault(what, "--grade", localized("one of {known}", known=[*GRADES, "none"])))
    owed = Decimal(balance) if re.fullmatch(r"\d{1,13}(\.\d{1,2})?", balance) else Decimal(0)
    if owed <= 0:
        what = localized("{value} is not accepted", value=repr(balance))
        faults.append(Fault(what, "--balance", localized("more than {bound}", bound=0)))
    read = [read_instalment(text) for text in instalments]
    faults += [
        Fault(
            localized("{value} is not accepted", value=repr(text)),
            "--instalment",
            localized("day and amount, such as {example}", example="2026-04-15/500.00"),
        )
        for text, found in zip(instalments, read, strict=True)
        if found is None
    ]
    if faults:
        raise InvalidInputError(localized("the plan cannot be assessed"), faults)
    name = next((known for known in GRADES if known == grade), None)
    ordered = sorted((found for found in read if found is not None), key=lambda found: found.on)
    return name, owed, tuple(ordered)


def _print_tables(console: Console, policy: Policy) -> None:
    from rich.table import Table

    from serving.dunning.policy.tables import TABLES

    for build in TABLES.values():
        headings, rows = build(policy, reader_language())
        table = Table(*headings)
        for row in rows:
            table.add_row(*row)
        console.print(table)
