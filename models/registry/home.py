"""Where Encours writes its files: one folder, named once by ENCOURS_HOME.

The environment is read here and nowhere else; the rest of the code is handed a `Home`.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

HOME_VARIABLE = "ENCOURS_HOME"
TRACKING_VARIABLE = "ENCOURS_TRACKING_URI"
DEFAULT_HOME = Path("var")
_SQLITE = "sqlite"


def sqlite_address(file: Path, driver: str = _SQLITE) -> str:
    """Return the database address of a SQLite file; any name of a folder is allowed in it.

    In an address, `%` begins an escape and `?` the options; both are escaped here, and read back by SQLAlchemy.

    Args:
        file: the database file.
        driver: name of the dialect, with its driver where one is meant (`sqlite+pysqlite`).
    """
    return f"{driver}:///{str(file).replace('%', '%25').replace('?', '%3F')}"


def sqlite_file_of(address: str) -> Path | None:
    """Return the file of a SQLite address; null for the address of a server."""
    scheme, separator, path = address.partition(":///")
    is_sqlite = bool(separator) and scheme.split("+")[0] == _SQLITE
    return Path(unquote(path.split("?")[0])) if is_sqlite else None


@dataclass(frozen=True)
class Home:
    """The folder that holds the embedded default of everything Encours writes.

    Attributes:
        root: the folder itself, absolute.
        tracking_uri: where MLflow stores runs and registered models; SQLite under `root` unless set otherwise.
    """

    root: Path
    tracking_uri: str

    @property
    def ledger(self) -> Path:
        """The ledger of record, checked, with its quarantine and report."""
        return self.root / "ledger"

    def decisions_of(self, night: dt.date) -> Path:
        """The decisions of one night, kept so that a later policy can be replayed on them."""
        return self.root / "decisions" / f"{night.isoformat()}.parquet"

    @property
    def artifacts(self) -> Path:
        """Folder of MLflow artifacts (plots, model cards, model files)."""
        return self.root / "mlflow" / "artifacts"

    @property
    def bundles(self) -> Path:
        """Folder of exported model bundles; `bundles/champion.json` names the one in service."""
        return self.root / "bundles"

    @property
    def champion_pointer(self) -> Path:
        """The small file that names the bundle in service; replaced in one move."""
        return self.bundles / "champion.json"

    @property
    def embedded_registry(self) -> Path | None:
        """File of the MLflow database when it is embedded in SQLite; null when a server keeps it."""
        return sqlite_file_of(self.tracking_uri)


def home_at(root: Path, tracking_uri: str | None = None) -> Home:
    """A home in a given folder, with MLflow on SQLite inside it unless another address is given."""
    absolute = root.expanduser().resolve()
    return Home(root=absolute, tracking_uri=tracking_uri or sqlite_address(absolute / "mlflow" / "mlflow.db"))


def read_home(environment: Mapping[str, str] | None = None) -> Home:
    """The home named by the environment, `var/` in the current folder when nothing is set."""
    variables = os.environ if environment is None else environment
    root = Path(variables.get(HOME_VARIABLE) or DEFAULT_HOME)
    return home_at(root, variables.get(TRACKING_VARIABLE) or None)
