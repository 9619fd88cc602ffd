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
from features.groups.compute import compute_features
from models.registry.champion import champion_bundle, scoring_settings
from models.score import scores_of_frame
from pipelines.assets.features import payment_history
from pipelines.assets.ledger import core__email_signals, core__facts
from pipelines.assets.model import model__late_payment
from pipelines.resources import EncoursHome, LedgerInput, PolicyFile, known_facts
from pipelines.workspace import write_parquet
from serving.dunning import read_records, write_records
from serving.night.answers import tonights_answers
from serving.night.scoring import route_open_invoices, score_open_invoices
from serving.night.store import overrides_in_service, publish_night
from serving.operations.settings import settings_at

TONIGHT = "tonight"


@dg.asset(group_name=TONIGHT, deps=[core__facts, core__email_signals, model__late_payment], kinds={"polars"})
def features__open_invoices(
    context: dg.AssetExecutionContext, encours_home: EncoursHome, ledger_input: LedgerInput
) -> dg.MaterializeResult[None]:
    """Every invoice open at the as-of date, with what is known, under the settings of the champion."""
    workspace = encours_home.workspace()
    settings = scoring_settings(champion_bundle(workspace.home), ledger_input.given_settings())
    ledger = known_facts(workspace)
    as_of = ledger_input.date(ledger)
    landmarks = landmarks_to_decide(ledger, as_of, settings)
    features = compute_features(payment_history(workspace, settings), landmarks)
    workspace.write_settings("open", settings)
    workspace.write_frame("open_landmarks", landmarks)
    workspace.write_frame("open_features", features)
    context.log.info("open invoices: %s", f"{landmarks.height:,}")
    return dg.MaterializeResult(
        metadata={
            "as_of": as_of.isoformat(),
            "rows_out": landmarks.height,
            "catalogue_version": CATALOGUE_VERSION,
            "ledger_settings": settings.to_dict(),
        }
    )


@dg.asset(group_name=TONIGHT, deps=[features__open_invoices], kinds={"lightgbm"})
def out__scored_invoices(
    context: dg.AssetExecutionContext, encours_home: EncoursHome, ledger_input: LedgerInput
) -> dg.MaterializeResult[None]:
    """Every open invoice with its probabilities, dates, grade and reasons."""
    workspace = encours_home.workspace()
    ledger = known_facts(workspace)
    bundle = champion_bundle(workspace.home)
    scoring_settings(bundle, workspace.read_settings("open").values())
    landmarks, features = workspace.read_frame("open_landmarks"), workspace.read_frame("open_features")
    scores = score_open_invoices(bundle, features, landmarks, ledger)
    path = write_parquet(scores, workspace.out / "scored_invoices.parquet")
    context.log.info("scored %s open invoices with model %s", f"{scores.height:,}", bundle.version)
    return dg.MaterializeResult(
        metadata={
            "as_of": ledger_input.date(ledger).isoformat(),
            "rows_in": landmarks.height,
            "rows_out": scores.height,
            "model_version": bundle.version,
            "grades": dict(scores["grade"].value_counts(sort=True).iter_rows()),
            "path": dg.MetadataValue.path(path),
        }
    )


@dg.asset(group_name=TONIGHT, deps=[out__scored_invoices])
def out__routed_invoices(
    context: dg.AssetExecutionContext,
    encours_home: EncoursHome,
    ledger_input: LedgerInput,
    policy_file: PolicyFile,
) -> dg.MaterializeResult[None]:
    """The dunning sequence and next step of every open invoice, with the rules that led to it."""
    workspace = encours_home.workspace()
    ledger = known_facts(workspace)
    as_of = ledger_input.date(ledger)
    policy = policy_file.policy()
    scores = scores_of_frame(pl.read_parquet(workspace.out / "scored_invoices.parquet", glob=False))
    routed = route_open_invoices(
        ledger,
        workspace.read_optional_frame("email_signals"),
        scores,
        workspace.read_frame("open_landmarks"),
        policy,
        as_of,
        workspace.read_settings("open"),
        overrides_in_service(settings_at(workspace.home.root)),
    )
    path = workspace.out / "decisions.parquet"
    written = write_records(routed.records, path)
    write_records(routed.records, workspace.decisions_of(as_of))
    sequences = pl.Series([record.decision.sequence_id for record in routed.records if record.decision])
    context.log.info(
        "routed %s invoices in %s conversations", f"{written:,}", f"{len(routed.night.accounts):,}"
    )
    return dg.MaterializeResult(
        metadata={
            "as_of": as_of.isoformat(),
            "rows_in": len(scores),
            "rows_out": written,
            "policy": f"{policy.spec.policy.id} {policy.spec.policy.version}",
            "sequences": dict(sequences.value_counts(sort=True).iter_rows()) if len(sequences) else {},
            "path": dg.MetadataValue.path(path),
        }
    )


@dg.asset(group_name=TONIGHT, deps=[out__routed_invoices], kinds={"sqlalchemy"})
def out__service_store(
    context: dg.AssetExecutionContext, encours_home: EncoursHome, policy_file: PolicyFile
) -> dg.MaterializeResult[None]:
    """Tonight's scores and decisions in the score service's store, in place of last night's."""
    workspace = encours_home.workspace()
    scores = scores_of_frame(pl.read_parquet(workspace.out / "scored_invoices.parquet", glob=False))
    answers = partial(
        tonights_answers,
        scores,
        read_records(workspace.out / "decisions.parquet"),
        policy_file.policy().spec.policy.version,
        now=dt.datetime.now(dt.UTC),
    )
    publish_night(settings_at(workspace.home.root), workspace.read_optional_frame("email_signals"), answers)
    context.log.info("service explains tonight's scores: %s", f"{len(scores):,}")
    return dg.MaterializeResult(metadata={"rows_in": len(scores)})
