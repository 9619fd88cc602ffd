"""Runs and registered models in MLflow. The rim: nothing else in this room knows MLflow.

A registered version contains the bundle (LightGBM text and JSON) and the code of `models.registry.mlflow_model`;
loading it unpickles nothing. The bundle's own version is stored as a tag, so that a score can be traced to its run.
"""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from features.errors import Fault, InvalidInputError
from features.messages import localized
from models.bundle import ModelBundle, load_bundle, write_bundle
from models.registry.home import Home

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

MODEL_NAME = "late_payment"
EXPERIMENT = "late_payment"
CHAMPION, CHALLENGER = "champion", "challenger"
BUNDLE_TAG = "bundle_version"
_MODEL_PATH = "model"
_KIND_TAG, _TRAINING_KIND = "mlflow.experimentKind", "custom_model_development"
"""The UI shows an experiment of this kind as training runs, with their metrics and plots."""
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""Set before MLflow is imported, unless the user has set them: nothing reported, nothing printed but warnings."""
_KEYS = ("invoice_id", "customer_id", "as_of", "due_on")
_REQUIREMENTS = ("lightgbm", "mlflow", "numpy", "pandas", "polars")


@dataclass(frozen=True)
class RunRecord:
    """What a training run leaves behind beside its model.

    Attributes:
        parameters: settings chosen and offered.
        metrics: figures on invoices the model had not learnt from.
        tags: data fingerprint, code version and the like.
        files: plots and reports, each copied into the run under its own name.
        model_card: the card in Markdown.
    """

    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    files: Sequence[Path] = ()
    model_card: str = ""


@dataclass(frozen=True)
class RegisteredVersion:
    """One version in the registry.

    Attributes:
        version: its number.
        run_id: the run that made it.
        bundle_version: name of its bundle.
        aliases: champion, challenger, or none.
    """

    version: int
    run_id: str
    bundle_version: str
    aliases: tuple[str, ...] = ()


def register_model(
    home: Home, bundle: ModelBundle, record: RunRecord, example: pl.DataFrame
) -> RegisteredVersion:
    """Log a run with its model and register it as the challenger.

    Args:
        home: where the registry is.
        bundle: the model.
        record: parameters, metrics and files of the run.
        example: a few landmarks with features: `invoice_id, customer_id, as_of, due_on` and the model's features.

    Returns:
        The new version.
    """
    client = _client(home)
    import mlflow

    experiment = _experiment(client, home)
    with (
        tempfile.TemporaryDirectory(prefix="encours-model-") as aside,
        mlflow.start_run(
            experiment_id=experiment,
            run_name=f"late_payment {record.tags.get('known_before', '')} {bundle.version}",
            description=record.model_card or None,
        ) as run,
    ):
        mlflow.log_params(dict(record.parameters))
        mlflow.log_metrics(dict(record.metrics))
        mlflow.set_tags({BUNDLE_TAG: bundle.version, **record.tags})
        mlflow.log_dict({"features": list(bundle.feature_names)}, "features.json")
        for file in record.files:
            mlflow.log_artifact(str(file))
        if record.model_card:
            mlflow.log_text(record.model_card, "model_card.md")
        logged = _without_advice(mlflow.pyfunc.log_model)(
            name=_MODEL_PATH,
            python_model=str(Path(__file__).with_name("mlflow_model.py")),
            artifacts={"bundle": str(write_bundle(bundle, Path(aside) / "bundle"))},
            signature=_signature(bundle.feature_names),
            input_example=_example_frame(example, bundle.feature_names),
            pip_requirements=list(_REQUIREMENTS),
        )
        if not client.search_registered_models(f"name='{MODEL_NAME}'"):
            client.create_registered_model(MODEL_NAME)
        version = client.create_model_version(
            MODEL_NAME,
            logged.model_uri,
            run.info.run_id,
            tags={BUNDLE_TAG: bundle.version},
            model_id=logged.model_id,
        )
    client.set_registered_model_alias(MODEL_NAME, CHALLENGER, version.version)
    return RegisteredVersion(int(version.version), run.info.run_id, bundle.version, (CHALLENGER,))


def _without_advice(log_model: Callable[..., Any]) -> Callable[..., Any]:
    """MLflow advises type hints and an example from which to infer a signature; ours is written by hand."""

    def logged(**arguments: Any) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*(type hints|input example).*", category=UserWarning)
            return log_model(**arguments)

    return logged


def find_version(home: Home, alias_or_number: str) -> RegisteredVersion | None:
    """The version of an alias or number; None when there is none of that name.

    Raises:
        InvalidInputError: the registry cannot be reached.
    """
    from mlflow.exceptions import MlflowException

    client = _client(home)
    try:
        if alias_or_number.isdigit():
            found = client.get_model_version(MODEL_NAME, alias_or_number)
        else:
            found = client.get_model_version_by_alias(MODEL_NAME, alias_or_number)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        fault = Fault(
            str(error).splitlines()[0],
            where=home.tracking_uri.split("@")[-1],
            remedy=localized("start the registry"),
        )
        raise InvalidInputError(localized("the model registry cannot be reached"), [fault]) from error
    aliases = tuple(str(alias) for alias in found.aliases)
    return RegisteredVersion(int(found.version), str(found.run_id), found.tags.get(BUNDLE_TAG, ""), aliases)


def fetch_bundle(home: Home, version: RegisteredVersion, folder: Path) -> ModelBundle:
    """Copy a registered version's bundle into a folder, whole or not at all, and load it."""
    _client(home)
    import mlflow

    with tempfile.TemporaryDirectory(prefix="encours-fetch-") as aside:
        local = mlflow.artifacts.download_artifacts(
            artifact_uri=f"models:/{MODEL_NAME}/{version.version}", dst_path=aside
        )
        found = next(Path(local).rglob("model.json"), None)
        if found is None:
            fault = Fault(
                localized("holds no bundle"),
                where=f"{MODEL_NAME} version {version.version}",
                remedy=localized("train again"),
            )
            raise InvalidInputError(localized("a registered model cannot be used"), [fault])
        bundle = load_bundle(found.parent)
        if not folder.exists():
            write_bundle(bundle, folder)
    return load_bundle(folder)


def set_alias(home: Home, alias: str, version: RegisteredVersion) -> None:
    """Point an alias at a version."""
    _client(home).set_registered_model_alias(MODEL_NAME, alias, str(version.version))


def drop_alias(home: Home, alias: str) -> None:
    """Forget an alias."""
    _client(home).delete_registered_model_alias(MODEL_NAME, alias)


def tag_version(home: Home, version: RegisteredVersion, tags: Mapping[str, str]) -> None:
    """Write tags on a version."""
    client = _client(home)
    for name, value in tags.items():
        client.set_model_version_tag(MODEL_NAME, str(version.version), name, value)


def version_tags(home: Home, version: RegisteredVersion) -> dict[str, str]:
    """The tags written on a version."""
    found = _client(home).get_model_version(MODEL_NAME, str(version.version))
    return {str(name): str(value) for name, value in found.tags.items()}


def _client(home: Home) -> MlflowClient:
    """A client of the home's registry; the first use of an embedded one makes its database."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    import mlflow

    for talkative in ("mlflow", "alembic"):
        logging.getLogger(talkative).setLevel(logging.WARNING)

    mlflow.set_tracking_uri(home.tracking_uri)
    mlflow.set_registry_uri(home.tracking_uri)
    if home.embedded_registry is None:
        return mlflow.MlflowClient(home.tracking_uri, home.tracking_uri)
    return _embedded_client(home.tracking_uri, home.embedded_registry)


@cache
def _embedded_client(address: str, database: Path) -> MlflowClient:
    """A client of an embedded registry, usable from wherever its home lies now."""
    import mlflow
    from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry
    from mlflow.store.db import utils as mlflow_database

    from models.registry.artifacts import SCHEME, HomeArtifactRepository, make_locations_relative

    database.parent.mkdir(parents=True, exist_ok=True)
    # MLflow would create the folder of the address as it is written, escapes included: `h50%2520` beside `h50%20`.
    mlflow_database.__dict__["_make_parent_dirs_if_sqlite"] = lambda address: None
    # The entry point of the package says the same; an installation from before it has none.
    _artifact_repository_registry.register(SCHEME, HomeArtifactRepository)  # type: ignore[no-untyped-call]
    client = mlflow.MlflowClient(address, address)
    make_locations_relative(database)
    return client


def _experiment(client: MlflowClient, home: Home) -> str:
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    from models.registry.artifacts import ARTIFACTS_LOCATION

    location = None if home.embedded_registry is None else ARTIFACTS_LOCATION
    return str(
        client.create_experiment(EXPERIMENT, artifact_location=location, tags={_KIND_TAG: _TRAINING_KIND})
    )


def _signature(feature_names: Sequence[str]) -> Any:
    """Every column required by hand: an inferred one would make each column that holds a null optional."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec

    inputs: list[ColSpec | TensorSpec] = [ColSpec(DataType.string, name, required=True) for name in _KEYS]
    inputs += [ColSpec(DataType.double, name, required=True) for name in feature_names]
    return ModelSignature(inputs=Schema(inputs))


def _example_frame(example: pl.DataFrame, feature_names: Sequence[str]) -> pd.DataFrame:
    """The example as `mlflow models serve` takes it: days as ISO text, every feature a number or unknown."""
    rows = example.select(*_KEYS, *feature_names).with_columns(pl.col(pl.Date).cast(pl.String))
    return rows.to_pandas()


def training_tags(
    known_before: date, data_fingerprint: str, catalogue_version: str, code_version: str
) -> dict[str, str]:
    """The tags every training run carries."""
    return {
        "known_before": known_before.isoformat(),
        "data_fingerprint": data_fingerprint,
        "catalogue_version": catalogue_version,
        "code_version": code_version,
    }
