"""The MLflow side of a model: what is recorded of a training, and how a registered model comes back as files.

MLflow lives on SQLite inside the Encours home unless another address is set. A model is stored as its bundle (text and
JSON) with a small Python file that scores it (`models.pyfunc_model`); nothing is pickled. Telemetry stays off.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import EncoursError, Fault, InvalidInputError
from models.bundle import MODEL_FILE, ModelBundle, load_bundle, write_bundle
from models.home import Home
from models.training import TrainedModel

EXPERIMENT = "late-payment"
MODEL_NAME = "encours-late-payment"
CHAMPION = "champion"
CHALLENGER = "challenger"
BUNDLE_ARTIFACT = "bundle"


@dataclass(frozen=True)
class RegisteredModel:
    """One version of the registered model.

    Attributes:
        version: number MLflow gave it.
        run_id: the training it came from.
        bundle_version: the name its content gave it.
        aliases: champion, challenger, or none.
    """

    version: str
    run_id: str
    bundle_version: str
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """What is written down about a training beside the bundle.

    Attributes:
        parameters: settings and sizes.
        metrics: flat figures.
        tags: data fingerprint, code version, catalogue version.
        texts: files by name: model card, backtest JSON, reports.
        files: files by path, plots for instance.
        input_example: a few rows of features and landmark columns.
    """

    parameters: Mapping[str, object]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    texts: Mapping[str, str]
    files: Sequence[Path]
    input_example: pl.DataFrame


@contextmanager
def tracking(home: Home) -> Iterator[Any]:
    """MLflow pointed at the home's store, telemetry off, its own library warnings silenced.

    Yields:
        The `mlflow` module.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    home.artifacts.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow

        # MLflow sets its loggers' levels when it is imported, so this comes after.
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        mlflow.set_tracking_uri(home.tracking_uri)
        mlflow.set_registry_uri(home.tracking_uri)
        yield mlflow


def log_training(home: Home, bundle: ModelBundle, record: Record) -> RegisteredModel:
    """Record a training and register its model.

    Returns:
        The new version. It is champion when there is none yet, challenger otherwise.
    """
    from mlflow.exceptions import MlflowException

    with tracking(home) as mlflow, tempfile.TemporaryDirectory() as scratch:
        experiment = _experiment(mlflow, home)
        folder = write_bundle(bundle, Path(scratch) / BUNDLE_ARTIFACT)
        with mlflow.start_run(experiment_id=experiment, run_name=bundle.version) as run:
            mlflow.log_params({name: str(value)[:500] for name, value in record.parameters.items()})
            mlflow.log_metrics(dict(record.metrics))
            mlflow.set_tags({**record.tags, "bundle_version": bundle.version})
            for name, text in record.texts.items():
                mlflow.log_text(text, name)
            for path in record.files:
                mlflow.log_artifact(str(path), "plots")
            info = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(Path(__file__).with_name("pyfunc_model.py")),
                artifacts={BUNDLE_ARTIFACT: str(folder)},
                signature=_signature(record.input_example),
                input_example=None,
                pip_requirements=_requirements(),
            )
            mlflow.log_text(record.input_example.write_json(), "input_example.json")
        client = mlflow.MlflowClient()
        registered = mlflow.register_model(info.model_uri, MODEL_NAME)
        client.set_model_version_tag(MODEL_NAME, registered.version, "bundle_version", bundle.version)
        try:
            client.get_model_version_by_alias(MODEL_NAME, CHAMPION)
            alias = CHALLENGER
        except MlflowException:
            alias = CHAMPION
        client.set_registered_model_alias(MODEL_NAME, alias, registered.version)
        run_id = run.info.run_id
    found = RegisteredModel(str(registered.version), run_id, bundle.version, (alias,))
    if alias == CHAMPION:
        export_champion(home)
    return found


def find_registered(home: Home, alias: str) -> RegisteredModel | None:
    """The version an alias points to, None when there is none."""
    from mlflow.exceptions import MlflowException

    with tracking(home) as mlflow:
        client = mlflow.MlflowClient()
        try:
            found = client.get_model_version_by_alias(MODEL_NAME, alias)
        except MlflowException:
            return None
        return _registered(client, found)


def find_version(home: Home, number: str) -> RegisteredModel:
    """One version by its number.

    Raises:
        InvalidInputError: there is no such version; the ones that exist are named.
    """
    versions = {model.version: model for model in list_versions(home)}
    if number not in versions:
        raise InvalidInputError(
            f"There is no version {number} of {MODEL_NAME}.",
            [
                Fault(
                    what=f"version {number} is not registered",
                    where=home.tracking_uri,
                    expected=f"one of {sorted(versions, key=int)}" if versions else "a registered model",
                    remedy="train a model first (encours run)" if not versions else "choose one of these versions",
                )
            ],
        )
    return versions[number]


def list_versions(home: Home) -> list[RegisteredModel]:
    """Every registered version, oldest first."""
    with tracking(home) as mlflow:
        client = mlflow.MlflowClient()
        found = client.search_model_versions(f"name='{MODEL_NAME}'")
        return sorted((_registered(client, one) for one in found), key=lambda model: int(model.version))


def load_registered(home: Home, alias: str = CHAMPION, threads: int = 2) -> ModelBundle:
    """The bundle of the version an alias points to.

    Raises:
        EncoursError: when no model is registered under it.
    """
    found = find_registered(home, alias)
    if found is None:
        raise EncoursError(f"no model is registered as {alias} in {home.tracking_uri}; to do: run encours run first")
    return load_bundle(_bundle_folder(home, found), threads=threads)


def export_champion(home: Home) -> Path:
    """Copy the champion's bundle to the home's bundles and point the service at it, each in one move.

    Returns:
        The folder of the bundle.
    """
    found = find_registered(home, CHAMPION)
    if found is None:
        raise EncoursError(f"no champion is registered in {home.tracking_uri}; to do: run encours run first")
    source = _bundle_folder(home, found)
    bundle = load_bundle(source)
    folder = home.bundles / bundle.version
    if not (folder / MODEL_FILE).is_file():
        write_bundle(bundle, folder)
    pointer = {"bundle": bundle.version, "registered_version": found.version, "run_id": found.run_id}
    aside = home.champion_pointer.with_suffix(".tmp")
    aside.write_text(json.dumps(pointer, indent=1))
    aside.replace(home.champion_pointer)
    return folder


def training_record(
    bundle: ModelBundle,
    trained: TrainedModel,
    example: pl.DataFrame,
    backtest: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
    files: Sequence[Path] = (),
) -> Record:
    """What is written down about a training.

    Args:
        bundle: the model.
        trained: how it came about.
        example: a few rows of features with their landmark columns, for signature and example.
        backtest: the figures of `models.backtest.summary.summarise`, when one was run.
        texts: further files by name.
        files: plots.
    """
    settings = asdict(trained.settings)
    metrics: dict[str, float] = {
        f"trial_log_loss_{number}": trial.log_loss for number, trial in enumerate(trained.trials)
    }
    for name, figures in (backtest or {}).get("models", {}).items():
        for figure in ("auc", "average_precision", "log_loss", "brier", "ece", "top_decile_capture"):
            value = figures.get(figure)
            if value is not None:
                metrics[f"{name}.{figure}"] = float(value)
    return Record(
        parameters={
            **{f"hazard.{name}": value for name, value in settings.items()},
            "grace_days": bundle.target.grace_days,
            "known_before": bundle.known_before.isoformat(),
            "intervals": list(bundle.intervals.bounds),
            "features": len(bundle.feature_names),
            "landmarks": trained.landmark_count,
            "hazard_rows": trained.row_count,
            "invoices": trained.invoice_count,
        },
        metrics=metrics,
        tags={
            "data_fingerprint": str(bundle.facts.get("data_fingerprint", "")),
            "catalogue_version": bundle.catalogue_version,
            "code_version": code_version(),
            "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
        texts={
            "features.json": json.dumps(list(bundle.feature_names), indent=1),
            **({"backtest.json": json.dumps(backtest, indent=1)} if backtest else {}),
            **(texts or {}),
        },
        files=files,
        input_example=example,
    )


def code_version() -> str:
    """The commit the code runs from, or the installed version; `+changes` when the checkout is not clean."""
    folder = Path(__file__).parent
    try:
        head = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        try:
            return version("encours")
        except PackageNotFoundError:
            return "unknown"
    return f"{head}{'+changes' if changed else ''}"


def _experiment(mlflow: Any, home: Home) -> str:
    found = mlflow.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    location = home.artifacts.as_uri() if home.tracking_uri.startswith("sqlite") else None
    return str(mlflow.create_experiment(EXPERIMENT, artifact_location=location))


def _registered(client: Any, found: Any) -> RegisteredModel:
    full = client.get_model_version(MODEL_NAME, found.version)
    return RegisteredModel(
        version=str(full.version),
        run_id=str(full.run_id),
        bundle_version=str(full.tags.get("bundle_version", "")),
        aliases=tuple(sorted(full.aliases)),
    )


def _bundle_folder(home: Home, model: RegisteredModel) -> Path:
    with tracking(home) as mlflow:
        folder = mlflow.artifacts.download_artifacts(f"models:/{MODEL_NAME}/{model.version}")
    for path in sorted(Path(folder).rglob(MODEL_FILE)):
        return path.parent
    raise EncoursError(f"version {model.version} of {MODEL_NAME} holds no bundle; to do: train the model again")


def _signature(example: pl.DataFrame) -> Any:
    """Every column required: a column that happened to hold nulls must not become optional."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    def kind(dtype: pl.DataType) -> str:
        return "double" if dtype == pl.Float64 else "string"

    inputs = [ColSpec(kind(dtype), name, required=True) for name, dtype in example.schema.items()]
    outputs = [
        *(ColSpec("string", name) for name in ("invoice_id", "grade", "payment_date_p10", "payment_date_p50")),
        ColSpec("string", "payment_date_p90"),
        ColSpec("double", "p_late"),
        ColSpec("double", "p_late_30"),
    ]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def _requirements() -> list[str]:
    names = ("mlflow", "lightgbm", "numpy", "polars", "pandas", "scikit-learn", "holidays")
    return [f"{name}=={version(name)}" for name in names]
