"""The jobs and the schedule: what runs together, and when."""

import dagster as dg

from features.errors import EncoursError

_REFUSALS: dict[str, EncoursError] = {}


@dg.failure_hook
def remember_refusal(context: dg.HookContext) -> None:
    """Keep what an asset refused, by run: Dagster passes on its English text only."""
    error: BaseException | None = context.op_exception
    while error is not None:
        if isinstance(error, EncoursError):
            _REFUSALS.setdefault(context.run_id, error)
            return
        error = error.__cause__


def refusal_in(run_id: str) -> EncoursError | None:
    """What an asset of a run of this process refused, and nothing more of it; null when none did."""
    return _REFUSALS.pop(run_id, None)


main_job = dg.define_asset_job(
    "main",
    hooks={remember_refusal},
    selection=dg.AssetSelection.groups("ledger", "training", "tonight"),
    description="From the ledger to scored, explained and routed invoices, training the model on the way.",
)
nightly_job = dg.define_asset_job(
    "nightly",
    hooks={remember_refusal},
    selection=dg.AssetSelection.groups("ledger", "tonight"),
    description="Rescore and route every open invoice with the registered champion; nothing is trained.",
)

email_reader_job = dg.define_asset_job(
    "email_reader",
    hooks={remember_refusal},
    selection=dg.AssetSelection.groups("email_reader"),
    description="Train and measure the reader of e-mails from labelled mails; the model of payments is left alone.",
)
promote_job = dg.define_asset_job(
    "promote",
    hooks={remember_refusal},
    selection=dg.AssetSelection.assets("model__promotion"),
    description="Make a registered version the champion, if the gate allows it; asks who decides and why.",
)
rollback_job = dg.define_asset_job(
    "rollback",
    hooks={remember_refusal},
    selection=dg.AssetSelection.assets("model__rollback"),
    description="Make the previous champion the champion again; asks who decides and why.",
)


@dg.schedule(
    name="nightly_at_two",
    job=nightly_job,
    cron_schedule="0 2 * * *",
    execution_timezone="Europe/Paris",
    description="Every night at two, after the bank statements of the day have been booked.",
)
def nightly_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Run as of the day that begins: a ledger that stopped growing is then stale, and nobody is reminded."""
    as_of = context.scheduled_execution_time.date().isoformat()
    return dg.RunRequest(run_config={"resources": {"ledger_input": {"config": {"as_of": as_of}}}})
