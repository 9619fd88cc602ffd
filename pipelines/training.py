"""Train, rehearse, register, and promote when the gate finds nothing against it."""

from __future__ import annotations

import datetime as dt
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from features.errors import EncoursError
from features.groups.catalogue import CATALOGUE_VERSION, FEATURE_NAMES
from features.ledger import Ledger, as_known_before
from features.settings import setting_differences
from models.bundle import ModelBundle, load_bundle
from models.evaluation.backtest import Backtest, default_cutoffs, run_backtest
from models.evaluation.backtest_summary import summarise
from models.evaluation.evidence import CHAMPION_NAME, error_by_group, evidence_of
from models.evaluation.model_card import explained_sample, model_card
from models.evaluation.run_files import write_run_files
from models.explanation.contributions import Contributions
from models.registry.home import Home
from models.registry.promotion import Evidence, GateLimits, promote, record_gate, refusals
from models.registry.tracking import (
    CHAMPION,
    RegisteredVersion,
    RunRecord,
    find_version,
    register_model,
    training_tags,
)
from models.training.from_ledger import TrainingInput, train_bundle
from models.training.selection import TrainingSettings
from models.training.train import TrainedModel

_REHEARSAL_BASELINES = ("constant", "own_late_share")
_REHEARSAL_RESAMPLES = 100
_EXAMPLE_ROWS = 5
PIPELINE = "pipeline"
_REMEDY = (
    "a person decides whether late or settled is to mean something else: promote the version with --force and a "
    "reason, or train again without stating the setting"
)


@dataclass(frozen=True)
class TrainingOutcome:
    """What a training run came to.

    Attributes:
        version: the registered version.
        is_promoted: whether it is the champion now.
        metadata: figures and reasons, for the run's page.
    """

    version: RegisteredVersion
    is_promoted: bool
    metadata: dict[str, Any]


def train_and_register(
    home: Home,
    ledger: Ledger,
    given: TrainingInput,
    choices: TrainingSettings,
    signals: pl.DataFrame | None,
    at: dt.datetime,
    say: Callable[[str], None],
) -> TrainingOutcome:
    """Train on everything known before the cut-off, rehearse the same training earlier, register, ask the gate.

    The first model of a home becomes its champion, with what the gate holds against it said aloud: without it
    nothing could be scored. A later one must pass.

    Args:
        home: where the registry is.
        ledger: the checked ledger.
        given: landmarks and features to learn from, with the ledger settings they were read under.
        choices: how the model is trained.
        signals: what the e-mails say; None when there are none.
        at: instant of the run, for the record.
        say: callback with a sentence on each step.
    """
    champion_version = find_version(home, CHAMPION)
    champion = _champion(home, champion_version)
    rehearsal = _rehearse(ledger, given, choices, signals, champion, say)
    bundle, trained = train_bundle(given, choices, progress=say)
    explained = explained_sample(bundle, given.features, given.landmarks)
    explanation_error = largest_explanation_error(explained)
    evidence = None if rehearsal is None else evidence_of(rehearsal, ledger.customers, explanation_error)
    against = () if evidence is None else refusals(evidence, GateLimits())
    if champion is not None:
        against = (*against, *setting_differences(given.ledger_settings.values(), champion.settings, _REMEDY))
    keys = given.landmarks.select("invoice_id", "customer_id", "as_of", "due_on")
    known = given.features.drop("invoice_id", "as_of")
    example = pl.concat([keys, known], how="horizontal").tail(_EXAMPLE_ROWS)
    with tempfile.TemporaryDirectory(prefix="encours-run-") as folder:
        record = _record(Path(folder), ledger, given, bundle, trained, explained, rehearsal, evidence)
        registered = register_model(home, bundle, record, example)
    if evidence is not None:
        record_gate(home, registered, against)
    is_first = champion is None
    is_promoted = is_first or (evidence is not None and not against)
    if is_promoted:
        why = "first model of this home" if is_first else "passed the gate"
        promote(home, registered, PIPELINE, why, at, evidence=evidence)
        say(f"version {registered.version} is the champion: {why}")
    else:
        say(f"version {registered.version} stays challenger; the champion serves on")
    for fault in against:
        say(f"gate: {fault}")
    return TrainingOutcome(
        registered,
        is_promoted,
        {
            "version": registered.version,
            "bundle": bundle.version,
            "is_promoted": is_promoted,
            "against_it": [str(fault) for fault in against],
            "known_before": given.known_before.isoformat(),
            "invoices": trained.invoice_count,
            "data_fingerprint": given.data_fingerprint,
            **{f"rehearsal_{name}": value for name, value in _metrics(evidence).items()},
        },
    )


def _record(
    folder: Path,
    ledger: Ledger,
    given: TrainingInput,
    bundle: ModelBundle,
    trained: TrainedModel,
    explained: Contributions,
    rehearsal: Backtest | None,
    evidence: Evidence | None,
) -> RunRecord:
    """What the run leaves behind in MLflow; its plots and reports are written into the folder."""
    figures = None if rehearsal is None else summarise(rehearsal, _REHEARSAL_RESAMPLES)
    by_group = None if rehearsal is None else error_by_group(rehearsal.predictions, ledger.customers)
    return RunRecord(
        parameters={
            **asdict(trained.settings),
            **bundle.settings.to_dict(),
            "invoices": trained.invoice_count,
            "landmarks": trained.landmark_count,
            "hazard_rows": trained.row_count,
            "features": len(bundle.feature_names),
        },
        metrics={**_metrics(evidence), **_rehearsal_metrics(figures)},
        tags=training_tags(given.known_before, given.data_fingerprint, CATALOGUE_VERSION, code_version()),
        files=write_run_files(folder, explained, given.features, figures),
        model_card=model_card(bundle, trained, explained, figures, by_group),
    )


def largest_explanation_error(explained: Contributions) -> float:
    """Largest distance between a probability and base plus contributions plus calibration."""
    told = explained.base + explained.values.sum(axis=1) + explained.calibration
    return float(np.abs(told - explained.probability).max(initial=0.0))


def code_version() -> str:
    """The commit of the checkout, or the installed version where there is none."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return package_version("encours")
    return found.stdout.strip()


def _champion(home: Home, version: RegisteredVersion | None) -> ModelBundle | None:
    if version is None or not (home.bundles / version.bundle_version).exists():
        return None
    try:
        return load_bundle(home.bundles / version.bundle_version, FEATURE_NAMES, CATALOGUE_VERSION)
    except EncoursError:
        return None


def _rehearse(
    ledger: Ledger,
    given: TrainingInput,
    choices: TrainingSettings,
    signals: pl.DataFrame | None,
    champion: ModelBundle | None,
    say: Callable[[str], None],
) -> Backtest | None:
    """The same training ended earlier and judged on what followed; beside the champion where it had not seen that.

    None where the ledger is too short to be split.
    """
    settings = given.ledger_settings
    known = as_known_before(ledger, given.known_before)
    issued_since = known.invoices.filter(
        (pl.col("kind") == "invoice")
        & (pl.col("due_on") + pl.duration(days=settings.grace_days) < given.known_before)
    )
    rivals = {}
    try:
        cutoffs = default_cutoffs(known)
        if champion is not None:
            unseen = issued_since.filter(pl.col("issued_on") >= champion.known_before).height
            if unseen >= GateLimits().least_invoices and champion.settings == settings:
                cutoffs, rivals = [champion.known_before], {CHAMPION_NAME: champion}
        return run_backtest(
            known,
            cutoffs,
            ledger_settings=settings,
            settings=choices,
            signals=signals,
            baselines=_REHEARSAL_BASELINES,
            rivals=rivals,
            progress=say,
        )
    except EncoursError as refusal:
        say(f"no rehearsal: {refusal}")
        return None


def _rehearsal_metrics(figures: Mapping[str, Any] | None) -> dict[str, float]:
    """Headline figures of the model and its baselines in the rehearsal, for comparison between runs."""
    if figures is None:
        return {}
    return {
        f"rehearsal_{model}_{figure}": float(entry[figure])
        for model, entry in figures["models"].items()
        for figure in ("auc", "average_precision", "log_loss", "brier", "ece")
        if entry.get(figure) is not None
    }


def _metrics(evidence: Evidence | None) -> dict[str, float]:
    if evidence is None:
        return {}
    metrics = {
        "judged_invoices": float(evidence.judged_invoices),
        "log_loss": evidence.log_loss,
        "ece": evidence.calibration_error,
        "explanation_error": evidence.explanation_error,
    }
    if evidence.against_baseline is not None:
        metrics["log_loss_against_baseline"] = evidence.against_baseline.mean
    if evidence.against_champion is not None:
        metrics["log_loss_against_champion"] = evidence.against_champion.mean
    return metrics
