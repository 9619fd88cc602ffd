"""Where the pipeline's assets lie, and how they are written: aside, then renamed."""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import Fault, InvalidInputError
from features.settings import LedgerSettings
from models.registry.home import Home


@dataclass(frozen=True)
class Workspace:
    """The folders of one home in which assets leave what the next asset reads.

    Attributes:
        home: where Encours keeps what it makes.
    """

    home: Home

    @property
    def ledger(self) -> Path:
        """The ledger of record, checked, with its quarantine and report."""
        return self.home.root / "ledger"

    @property
    def facts(self) -> Path:
        """The ledger of the run: the checked one with what the score service was told since, as the store holds it."""
        return self.home.root / "work" / "facts"

    @property
    def out(self) -> Path:
        """What users open: scored invoices, decisions, summary."""
        return self.home.root / "out"

    def decisions_of(self, night: dt.date) -> Path:
        """The decisions of one night, kept so that a later policy can be replayed on them."""
        return self.home.root / "decisions" / f"{night.isoformat()}.parquet"

    def frame_path(self, name: str) -> Path:
        """Where an intermediate frame lies."""
        return self.home.root / "work" / f"{name}.parquet"

    def write_frame(self, name: str, frame: pl.DataFrame) -> Path:
        """Keep an intermediate frame."""
        return write_parquet(frame, self.frame_path(name))

    def read_frame(self, name: str) -> pl.DataFrame:
        """An intermediate frame an earlier asset left.

        Raises:
            InvalidInputError: the asset that makes it has not run in this home.
        """
        path = self.frame_path(name)
        if not path.exists():
            raise _not_made_yet(path)
        return pl.read_parquet(path, glob=False)

    def read_optional_frame(self, name: str) -> pl.DataFrame | None:
        """An intermediate frame, or None where its asset found nothing to make it from."""
        path = self.frame_path(name)
        return pl.read_parquet(path, glob=False) if path.exists() else None

    def write_settings(self, name: str, settings: LedgerSettings) -> Path:
        """Store the ledger settings that intermediate frames were computed under."""
        text = json.dumps(settings.to_dict(), indent=1, sort_keys=True)
        return _in_one_move(self._settings_path(name), lambda aside: aside.write_text(text, encoding="utf-8"))

    def read_settings(self, name: str) -> LedgerSettings:
        """The ledger settings that intermediate frames were computed under.

        Raises:
            InvalidInputError: the asset that writes them has not run in this home.
        """
        path = self._settings_path(name)
        if not path.exists():
            raise _not_made_yet(path)
        return LedgerSettings.from_dict(json.loads(path.read_text(encoding="utf-8")))

    def _settings_path(self, name: str) -> Path:
        return self.home.root / "work" / f"{name}_settings.json"

    def drop_frame(self, name: str) -> None:
        """Forget an intermediate frame that no longer applies."""
        self.frame_path(name).unlink(missing_ok=True)


def _not_made_yet(path: Path) -> InvalidInputError:
    fault = Fault(
        "has not been computed yet", where=str(path), remedy="materialize its upstream assets first"
    )
    return InvalidInputError("an intermediate file is missing", [fault])


def write_parquet(frame: pl.DataFrame, path: Path) -> Path:
    """Write a frame aside and rename it: a reader sees the old file or the new one, whole."""
    return _in_one_move(path, lambda aside: frame.write_parquet(aside, compression="zstd"))


def _in_one_move(path: Path, write: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return path
