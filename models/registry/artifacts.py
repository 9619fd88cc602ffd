"""MLflow artifacts of an embedded registry, addressed relative to its database so that a home can be moved or copied.

MLflow stores the absolute folder of every run and model. In an embedded registry these addresses have the scheme
`encours` instead: `encours:/artifacts/RUN/artifacts` is the folder `artifacts/RUN/artifacts` beside the database.
MLflow's own commands (`mlflow ui`, `mlflow models serve`) find this scheme through the entry point
`mlflow.artifact_repository` of the package.
"""

from __future__ import annotations

import re
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlparse

import mlflow
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from features.errors import Fault, InvalidInputError
from features.messages import localized
from models.registry.home import read_home, sqlite_file_of

SCHEME = "encours"
ARTIFACTS_LOCATION = f"{SCHEME}:/artifacts"
_BUSY_SECONDS = 20
_LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)
"""Where MLflow stores a folder."""
_ABSOLUTE = re.compile(r"^(?:file://)?/.*?/mlflow/(artifacts(?:/.*)?)$", re.DOTALL)
_DEFAULT_EXPERIMENT = re.compile(r"^(?:file://)?/.*/mlruns/(0)$", re.DOTALL)
"""MLflow gives the experiment `Default`, which is never used, a folder below the current one."""


class HomeArtifactRepository(LocalArtifactRepository):
    """Artifacts in the folder of the registry's database.

    Args:
        artifact_uri: an address of the scheme `encours`.
        tracking_uri: address of the registry; by default the one MLflow uses in this process.
        registry_uri: passed on.

    Raises:
        InvalidInputError: no embedded registry is in use, so that there is no folder to look in.
    """

    def __init__(
        self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
    ) -> None:
        super().__init__(artifact_uri, tracking_uri, registry_uri)
        relative = unquote(urlparse(artifact_uri).path).lstrip("/")
        self._artifact_dir = str(_database_folder(tracking_uri) / relative)

    def download_artifacts(self, artifact_path: str, dst_path: str | None = None) -> str:
        """Copy artifacts out of the home, as from a remote store; return where they are.

        MLflow reads what is returned as an address, and a home may have a name that no address allows.
        """
        target = dst_path or tempfile.mkdtemp(prefix="encours-artifacts-")
        return str(super().download_artifacts(artifact_path, target))  # type: ignore[no-untyped-call]


def _database_folder(tracking_uri: str | None) -> Path:
    for address in (tracking_uri, mlflow.get_tracking_uri(), read_home().tracking_uri):
        database = None if address is None else sqlite_file_of(address)
        if database is not None:
            return database.absolute().parent
    fault = Fault(
        localized("the artifact lies in an embedded registry, and none is in use"),
        where="tracking URI",
        expected=localized("the address of the registry's database in the home"),
        remedy=localized("set MLFLOW_TRACKING_URI to it, or ENCOURS_HOME to the home"),
    )
    raise InvalidInputError(localized("an artifact of MLflow cannot be found"), [fault])


def make_locations_relative(database: Path) -> int:
    """Replace absolute folders in a registry written by an earlier version; return how many were replaced.

    Safe to repeat. A home that was moved before is mended too, since the part below `mlflow/artifacts` is kept.

    Args:
        database: file of the embedded registry; nothing is done when it does not exist.
    """
    if not database.exists():
        return 0
    replaced = 0
    with closing(sqlite3.connect(database, timeout=_BUSY_SECONDS)) as connection, connection:
        for table, column in _LOCATIONS:
            held = connection.execute(
                "SELECT count(*) FROM pragma_table_info(?) WHERE name = ?", (table, column)
            )
            if not held.fetchone()[0]:
                continue  # MLflow has not created the table yet
            found = connection.execute(
                f"SELECT DISTINCT {column} FROM {table} WHERE {column} LIKE '%/mlflow/artifacts%' "
                f"OR {column} LIKE '%/mlruns/0'"
            ).fetchall()
            for (location,) in found:
                relative = _relative(location)
                if relative is not None:
                    update = f"UPDATE {table} SET {column} = ? WHERE {column} = ?"
                    replaced += connection.execute(update, (relative, location)).rowcount
    return replaced


def _relative(location: str) -> str | None:
    below = _ABSOLUTE.match(location)
    if below is not None:
        return f"{SCHEME}:/{below[1]}"
    default = _DEFAULT_EXPERIMENT.match(location)
    return None if default is None else f"{ARTIFACTS_LOCATION}/{default[1]}"
