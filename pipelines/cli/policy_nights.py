"""`encours policy replay`, `simulate` and `mix`: nights decided again, tonight before it is live, its actions."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.language import LanguageGroup, _
from pipelines.cli.policy import DAY
from pipelines.cli.policy_report import print_mix, print_report

if TYPE_CHECKING:
    from rich.console import Console

    from serving.dunning import DecisionRecord
    from serving.dunning.replay import ReplayReport

app = typer.Typer(cls=LanguageGroup, no_args_is_help=True)

PolicyFile = Annotated[Path, typer.Argument(help="Policy file (YAML).", show_default=False)]
OutFile = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Write every decision that differs here (.parquet or .jsonl).", show_default=False
    ),
]


@app.command()
def replay(
    file: PolicyFile,
    decisions: Annotated[
        Path,
        typer.Option(
            "--decisions",
            help="Stored decisions: a file (.parquet, .jsonl), or the folder of nights.",
            show_default=False,
        ),
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

    from serving.dunning.policy.file import load_policy
    from serving.dunning.records import records_between
    from serving.dunning.replay import replay as replay_policy

    records = records_between(decisions, first.date(), last.date())
    report = replay_policy(records, load_policy(file))
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.print(
        _(
            "replay of {policy}, {first} to {last}",
            policy=_named(report),
            first=first.date(),
            last=last.date(),
        )
    )
    print_report(console, report, (_("stored"), _("replayed")))
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

    Also shows the night as it would run: one conversation a customer, calls and letters within capacity, and its
    actions for every 1,000 invoices.
    Writes the differing decisions only with --out.
    """
    from rich.console import Console

    from serving.dunning.deciding.night import decide_night
    from serving.dunning.mix import mix_of
    from serving.dunning.policy.file import load_policy
    from serving.dunning.records import records_between
    from serving.dunning.replay import replay as replay_policy

    day = on.date()
    records = _newest(records_between(cases, None, day))
    policy, live = load_policy(file), load_policy(against)
    report = replay_policy(records, policy, against=live, on=day)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.print(
        _(
            "simulation of {policy} on {day}, {count} open invoices",
            policy=_named(report),
            day=day,
            count=len(records),
        )
    )
    print_report(console, report, (_("live"), _("simulated")))
    sides = list(zip((_("live"), _("simulated")), (live, policy), strict=True))
    nights = {side: decide_night([record.case for record in records], chosen, day) for side, chosen in sides}
    night = nights[sides[-1][0]]
    talks = [account.conversation for account in night.accounts if account.conversation is not None]
    console.print(
        _(
            "tonight: {talks} conversations with {customers} customers, {automatic} automatic, "
            "{approvals} to approve, {waiting} calls or letters wait",
            talks=len(talks),
            customers=len(night.accounts),
            automatic=sum(talk.is_automatic for talk in talks),
            approvals=sum(talk.requires_approval for talk in talks),
            waiting=len(night.deferred),
        )
    )
    by_id = {record.case.receivable_id: record.case for record in records}
    mixes = {
        side: mix_of(
            (
                (by_id[decision.receivable_id], decision)
                for account in nights[side].accounts
                for decision in account.decisions
            ),
            chosen,
        )
        for side, chosen in sides
    }
    print_mix(console, mixes)
    _write_differences(console, report, out)


@app.command()
def mix(
    decisions: Annotated[
        Path,
        typer.Option(
            "--decisions",
            help="Stored decisions: a file (.parquet, .jsonl), or the folder of nights.",
            show_default=False,
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Argument(help="Policy file (YAML) whose bounds count; none takes the default protocol."),
    ] = None,
    on: Annotated[
        datetime | None, typer.Option("--on", formats=DAY, help="Night to show; none takes the newest.")
    ] = None,
) -> None:
    """Show a night's actions for every 1,000 invoices, as they were decided: by sequence, channel, tone, gate, weekday.

    Reads stored decisions and decides nothing anew. Writes nothing.
    """
    from rich.console import Console

    from serving.dunning.mix import mix_of
    from serving.dunning.policy.file import load_policy
    from serving.dunning.records import read_records

    day = on.date() if on else None
    records = read_records(decisions, day, day)
    policy = load_policy(file)
    newest = max((record.decided_on for record in records), default=day)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.print(_("mix of the decisions of {day}", day=newest))
    decided = (
        (record.case, record.decision)
        for record in records
        if record.decision is not None and record.decided_on == newest
    )
    print_mix(console, {"": mix_of(decided, policy)})


def _named(report: ReplayReport) -> str:
    return f"{report.policy_id} {report.policy_version}"


def _newest(records: tuple[DecisionRecord, ...]) -> list[DecisionRecord]:
    """The newest case of each receivable; records come in order of day."""
    newest = {record.case.receivable_id: record for record in records}
    return [newest[key] for key in sorted(newest)]


def _write_differences(console: Console, report: ReplayReport, out: Path | None) -> None:
    if out is None:
        console.print(_("{count} decisions differ; --out FILE writes them", count=len(report.differences)))
        return
    from serving.dunning.records import write_differences

    write_differences(report.differences, out)
    console.print(
        _("wrote {count} differing decisions to {path}", count=len(report.differences), path=str(out))
    )
