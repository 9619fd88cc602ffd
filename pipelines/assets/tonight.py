"""Tonight's features, scores and routes of every open invoice, by the registered champion. Nothing is trained here.

Everything is read under the settings the champion was trained with, from the facts the score service holds: it answers
what the night has answered.
"""

import datetime as dt
from functools import partial

import dagster as dg
import polars as pl

from features.asof import landmarks_to_decide
from features.groups.catalogue import CATALOGUE_VERSION
from features.groups.rows import FeatureRows
from features.ledger import Ledger
from models.registry.champion import champion_bundle, scoring_settings
from models.score import scores_of_frame
from pipelines.assets.model import model__late_payment
from pipelines.resources import EncoursHome, LedgerInput, PolicyFile
from serving.dunning import DecisionRecord, write_records
from serving.night.answers import tonights_answers
from serving.night.scoring import route_open_invoices, score_open_invoices
from serving.night.store import overrides_in_service, publish_night
from serving.operations.settings import settings_at

TONIGHT = "tonight"


@dg.asset(group_name=TONIGHT, deps=[model__late_payment], kinds={"polars"})
def features__open_invoices(
    context: dg.AssetExecutionContext,
    encours_home: EncoursHome,
    ledger_input: LedgerInput,
    core__facts: Ledger,
    core__email_signals: pl.DataFrame | None,
) -> dg.MaterializeResult[FeatureRows]:
    """Every invoice open at the as-of date, with what is known, under the settings of the champion."""
    settings = scoring_settings(champion_bundle(encours_home.home()), ledger_input.given_settings())
    as_of = ledger_input.date(core__facts)
    landmarks = landmarks_to_decide(core__facts, as_of, settings)
    rows = FeatureRows.of_ledger(core__facts, core__email_signals, landmarks, settings)
    context.log.info("open invoices: %s", f"{landmarks.height:,}")
    return dg.MaterializeResult(
        value=rows,
        metadata={
            "as_of": as_of.isoformat(),
            "rows_out": landmarks.height,
            "catalogue_version": CATALOGUE_VERSION,
            "ledger_settings": settings.to_dict(),
        },
    )


@dg.asset(group_name=TONIGHT, kinds={"lightgbm"})
def out__scored_invoices(
    context: dg.AssetExecutionContext,
    encours_home: EncoursHome,
    ledger_input: LedgerInput,
    core__facts: Ledger,
    features__open_invoices: FeatureRows,
) -> dg.MaterializeResult[pl.DataFrame]:
    """Every open invoice with its probabilities, dates, grade and reasons."""
    rows = features__open_invoices
    bundle = champion_bundle(encours_home.home())
    scoring_settings(bundle, rows.settings.values())
    scores = score_open_invoices(bundle, rows.features, rows.landmarks, core__facts)
    context.log.info("scored %s open invoices with model %s", f"{scores.height:,}", bundle.version)
    return dg.MaterializeResult(
        value=scores,
        metadata={
            "as_of": ledger_input.date(core__facts).isoformat(),
            "rows_in": rows.landmarks.height,
            "rows_out": scores.height,
            "model_version": bundle.version,
            "grades": dict(scores["grade"].value_counts(sort=True).iter_rows()),
        },
    )


@dg.asset(group_name=TONIGHT)
def out__routed_invoices(
    context: dg.AssetExecutionContext,
    encours_home: EncoursHome,
    ledger_input: LedgerInput,
    policy_file: PolicyFile,
    core__facts: Ledger,
    core__email_signals: pl.DataFrame | None,
    features__open_invoices: FeatureRows,
    out__scored_invoices: pl.DataFrame,
) -> dg.MaterializeResult[list[DecisionRecord]]:
    """The dunning sequence and next step of every open invoice, with the rules that led to it."""
    home = encours_home.home()
    as_of = ledger_input.date(core__facts)
    policy = policy_file.policy()
    scores = scores_of_frame(out__scored_invoices)
    routed = route_open_invoices(
        core__facts,
        core__email_signals,
        scores,
        features__open_invoices.landmarks,
        policy,
        as_of,
        features__open_invoices.settings,
        overrides_in_service(settings_at(home.root)),
    )
    written = write_records(routed.records, home.decisions_of(as_of))
    sequences = pl.Series([record.decision.sequence_id for record in routed.records if record.decision])
    context.log.info(
        "routed %s invoices in %s conversations", f"{written:,}", f"{len(routed.night.accounts):,}"
    )
    return dg.MaterializeResult(
        value=list(routed.records),
        metadata={
            "as_of": as_of.isoformat(),
            "rows_in": len(scores),
            "rows_out": written,
            "policy": f"{policy.spec.policy.id} {policy.spec.policy.version}",
            "sequences": dict(sequences.value_counts(sort=True).iter_rows()) if len(sequences) else {},
        },
    )


@dg.asset(group_name=TONIGHT, kinds={"sqlalchemy"})
def out__service_store(
    context: dg.AssetExecutionContext,
    encours_home: EncoursHome,
    policy_file: PolicyFile,
    core__email_signals: pl.DataFrame | None,
    out__scored_invoices: pl.DataFrame,
    out__routed_invoices: list[DecisionRecord],
) -> dg.MaterializeResult[None]:
    """Tonight's scores and decisions in the score service's store, in place of last night's."""
    scores = scores_of_frame(out__scored_invoices)
    answers = partial(
        tonights_answers,
        scores,
        out__routed_invoices,
        policy_file.policy().spec.policy.version,
        now=dt.datetime.now(dt.UTC),
    )
    publish_night(settings_at(encours_home.home().root), core__email_signals, answers)
    context.log.info("service explains tonight's scores: %s", f"{len(scores):,}")
    return dg.MaterializeResult(metadata={"rows_in": len(scores)})
