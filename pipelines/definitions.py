"""Everything Dagster sees. Assembles; decides nothing."""

from __future__ import annotations

import dagster as dg

from pipelines.assets import email_reader, features, ledger, model, promotion, tonight
from pipelines.checks import ASSET_CHECKS
from pipelines.console import silent_logger, terminal_logger
from pipelines.io import home_files
from pipelines.jobs import (
    email_reader_job,
    main_job,
    nightly_job,
    nightly_schedule,
    promote_job,
    rollback_job,
)
from pipelines.resources import EncoursHome, LedgerInput, PolicyFile

defs = dg.Definitions(
    assets=dg.load_assets_from_modules([ledger, features, model, tonight, promotion, email_reader]),
    asset_checks=ASSET_CHECKS,
    jobs=[main_job, nightly_job, promote_job, rollback_job, email_reader_job],
    schedules=[nightly_schedule],
    resources={
        "encours_home": EncoursHome(),
        "io_manager": home_files,
        "ledger_input": LedgerInput(),
        "policy_file": PolicyFile(),
    },
    loggers={"console": terminal_logger, "silent": silent_logger},
    executor=dg.in_process_executor,
)
