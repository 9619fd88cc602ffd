"""Where the value of each asset is stored in the home, and how: assets take and return values, never paths.

A value is put in place whole. While a run goes on its home is locked (`pipelines.resources.EncoursHome`), so what an
asset is given is what the run itself made, or, where only some assets run, what was made last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import dagster as dg
import polars as pl

from features.errors import Fault, InvalidInputError
from features.files import write_whole
from features.groups.rows import FeatureRows
from features.ledger import CheckedLedger, read_published, write_checked, write_ledger
from features.messages import localized
from models.registry.home import Home
from serving.dunning import DecisionRecord, read_records, write_records


@dataclass(frozen=True)
class Place:
    """Where and how the value of an asset is stored.

    Attributes:
        path: file or folder below the home.
        write: puts a value there, whole.
        read: the value that is there.
        is_optional: whether the asset may find nothing to make its value from; it is then null, and no file is there.
    """

    path: str
    write: Callable[[Any, Path], object]
    read: Callable[[Path], Any]
    is_optional: bool = False


def _write_checked(checked: CheckedLedger, folder: Path) -> None:
    write_checked(checked, folder, {"source": "pipeline"})


def _read_frame(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path, glob=False)


def _read_decisions(path: Path) -> list[DecisionRecord]:
    return list(read_records(path))


PLACES: Final[Mapping[str, Place]] = {
    "core__ledger": Place("ledger", _write_checked, read_published),
    "core__facts": Place("work/facts", write_ledger, read_published),
    "core__email_signals": Place("work/email_signals.parquet", write_whole, _read_frame, is_optional=True),
    "features__training": Place("work/training", FeatureRows.write, FeatureRows.read),
    "features__open_invoices": Place("work/open_invoices", FeatureRows.write, FeatureRows.read),
    "out__scored_invoices": Place("out/scored_invoices.parquet", write_whole, _read_frame),
    "out__routed_invoices": Place("out/decisions.parquet", write_records, _read_decisions),
}
"""By asset."""


def stored_value(home: Home, asset: str) -> Any:
    """The value that an asset left in a home.

    Raises:
        InvalidInputError: the asset has not run in this home.
    """
    place = PLACES[asset]
    path = home.root / place.path
    if path.exists():
        return place.read(path)
    if place.is_optional:
        return None
    fault = Fault(
        localized("has not been computed yet"),
        where=str(path),
        remedy=localized("materialize its upstream assets first"),
    )
    raise InvalidInputError(localized("an intermediate file is missing"), [fault])


class HomeFiles(dg.IOManager):
    """Stores the values of assets in a home.

    Args:
        home: where Encours keeps what it makes.
    """

    def __init__(self, home: Home) -> None:
        self._home = home

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Store the value of an asset in place of its earlier one."""
        place = PLACES[context.asset_key.to_user_string()]
        path = self._home.root / place.path
        if obj is None and place.is_optional:
            path.unlink(missing_ok=True)
            return
        place.write(obj, path)
        context.add_output_metadata({"path": dg.MetadataValue.path(path)})

    def load_input(self, context: dg.InputContext) -> Any:
        """The value that an asset left.

        Raises:
            InvalidInputError: the asset has not run in this home.
        """
        return stored_value(self._home, context.asset_key.to_user_string())


@dg.io_manager(required_resource_keys={"encours_home"})
def home_files(context: dg.InitResourceContext) -> HomeFiles:
    """The files of the home in which the run works."""
    return HomeFiles(context.resources.encours_home.home())
