"""`encours policy`: check a dunning policy, replay it on the past, simulate tonight."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from serving.dunning import DecisionRecord, Policy
    from serving.dunning.replay import ReplayReport

#: Heading -> field of `Totals`.
_FIGURES = {
    "contacts": "contacts",
    "calls": "calls",
    "automatic": "automatic",
    "approvals": "approvals",
    "asked": "asked_amounts",
    "claimed": "claimed_amount",
    "cost": "cost_amount",
    "net benefit (assumed)": "net_benefit_amount",
}

app = typer.Typer(
    name="policy",
    help="Check a dunning policy file, replay it on past decisions, simulate tonight.",
    no_args_is_help=True,
)

DAY = ["%Y-%m-%d"]
PolicyFile = Annotated[Path, typer.Argument(help="Policy file (YAML).", show_default=False)]
Language = Annotated[str, typer.Option("--language", help="Language of the tables: fr or en.")]
OutFile = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Write every decision that differs here (.parquet or .jsonl).", show_default=False
    ),
]


@app.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(help="Policy file (YAML); none checks the default protocol.")
    ] = None,
    tables: Annotated[bool, typer.Option("--tables", help="Print the policy as tables.")] = False,
    language: Language = "en",
) -> None:
    """Read a policy and say whether it can be used; every fault is printed with its line.

    Proves that each segment, grade, money band and state has exactly one route, and that no route or sequence is
    out of reach. Writes nothing.
    """
    from rich.console import Console

    from serving.dunning.policy_file import DEFAULT_POLICY_PATH, load_policy

    path = file or DEFAULT_POLICY_PATH
    policy = load_policy(path)
    console = Console(soft_wrap=True)
    spec = policy.spec
    console.print(f"[bold green]usable[/] {path}")
    console.print(f"{spec.policy.id} {spec.policy.version}, SHA-256 {policy.digest[:16]}", highlight=False)
    console.print(
        f"{len(spec.routes)} routes take {len(policy.table)} cases, each exactly one; "
        f"{len(spec.sequences)} sequences, {len(spec.templates)} texts in French and English"
    )
    rates = policy.legal.parameters["ecb_refinancing_rate"].values
    console.print(
        f"late-payment interest can be reckoned from {rates[0].begins_on} to {rates[-1].until}; "
        "later days claim none until the rates are added to the legal file"
    )
    if tables:
        _print_tables(console, policy, language)
    console.print(f"next: encours policy replay {path} --from DAY --to DAY --decisions STORED.parquet")


@app.command()
def replay(
    file: PolicyFile,
    decisions: Annotated[
        Path, typer.Option("--decisions", help="Stored decisions (.parquet or .jsonl).", show_default=False)
    ],
    first: Annotated[datetime, typer.Option("--from", formats=DAY, help="First day.", show_default=False)],
    last: Annotated[datetime, typer.Option("--to", formats=DAY, help="Last day.", show_default=False)],
    out: OutFile = None,
) -> None:
    """Decide past cases again with this policy and show what would have changed, by segment.

    Reads the stored facts of each day; what debtors would have done afterwards is not known and not pretended.
    Writes the differing decisions only with --out.
    """
    from rich.console import Console

    from serving.dunning.policy_file import load_policy
    from serving.dunning.records import read_records
    from serving.dunning.replay import replay as replay_policy

    records = read_records(decisions, first.date(), last.date())
    report = replay_policy(records, load_policy(file))
    console = Console(soft_wrap=True)
    console.print(
        f"replay of {report.policy_id} {report.policy_version}, {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    )
    _print_report(console, report, "stored", "replayed")
    _write_differences(console, report, out)


@app.command()
def simulate(
    file: PolicyFile,
    cases: Annotated[
        Path,
        typer.Option("--cases", help="Open invoices as cases (.parquet or .jsonl).", show_default=False),
    ],
    on: Annotated[datetime, typer.Option("--on", formats=DAY, help="Tonight.", show_default=False)],
    against: Annotated[
        Path | None, typer.Option("--against", help="Live policy to compare with; none takes the default.")
    ] = None,
    out: OutFile = None,
) -> None:
    """Decide tonight's open invoices with this policy before it is live, beside the live one.

    Also shows the night as it would run: one conversation a customer, calls and letters within capacity.
    Writes the differing decisions only with --out.
    """
    from rich.console import Console

    from serving.dunning.account import decide_night
    from serving.dunning.policy_file import load_policy
    from serving.dunning.records import read_records
    from serving.dunning.replay import replay as replay_policy

    day = on.date()
    records = _newest(read_records(cases, last_on=day))
    policy, live = load_policy(file), load_policy(against)
    report = replay_policy(records, policy, against=live, on=day)
    console = Console(soft_wrap=True)
    console.print(
        f"simulation of {report.policy_id} {report.policy_version} on {day}, {len(records)} open invoices"
    )
    _print_report(console, report, "live", "simulated")
    night = decide_night([(record.score, record.account) for record in records], policy, day)
    talks = [account.conversation for account in night.accounts if account.conversation is not None]
    console.print(
        f"tonight: {len(talks)} conversations with {len(night.accounts)} customers, "
        f"{sum(talk.is_automatic for talk in talks)} automatic, {sum(talk.requires_approval for talk in talks)} "
        f"to approve, {len(night.deferred)} calls or letters wait"
    )
    _write_differences(console, report, out)


def _newest(records: tuple[DecisionRecord, ...]) -> list[DecisionRecord]:
    """The newest case of each invoice."""
    newest = {record.score.invoice_id: record for record in records}
    return [newest[invoice_id] for invoice_id in sorted(newest)]


def _print_tables(console: Console, policy: Policy, language: str) -> None:
    from rich.table import Table

    from serving.dunning.policy_table import gates_table, plans_table, routes_table, sequences_table

    for build in (gates_table, routes_table, sequences_table, plans_table):
        headings, rows = build(policy, language)
        table = Table(*headings)
        for row in rows:
            table.add_row(*row)
        console.print(table)


def _print_report(console: Console, report: ReplayReport, before: str, after: str) -> None:
    from rich.table import Table

    table = Table("segment", "decisions", "changed", *(f"{name}\n{before} → {after}" for name in _FIGURES))
    for line in report.segments:
        figures = [
            _pair(getattr(line.before, field), getattr(line.after, field)) for field in _FIGURES.values()
        ]
        table.add_row(line.segment, str(line.decisions), str(line.changed), *figures)
    console.print(table)
    if report.undecided:
        console.print(f"{report.undecided} cases without a stored decision were left out")


def _pair(before: object, after: object) -> str:
    """`12 → 9`, or one figure when nothing changed."""
    return _shown(before) if before == after else f"{_shown(before)} → {_shown(after)}"


def _shown(figure: object) -> str:
    """A count, an amount, or amounts by currency."""
    if isinstance(figure, tuple):
        return " + ".join(f"{amount:,.2f} {currency}" for currency, amount in figure) or "0.00"
    return f"{figure:,}"


def _write_differences(console: Console, report: ReplayReport, out: Path | None) -> None:
    if out is None:
        console.print(f"{len(report.differences)} decisions differ; --out FILE writes them")
        return
    from serving.dunning.records import write_differences

    write_differences(report.differences, out)
    console.print(f"wrote {len(report.differences)} differing decisions to {out}")
