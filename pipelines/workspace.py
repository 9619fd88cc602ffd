"""Where the pipeline's assets lie, and how they are written: aside, then renamed."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import Fault, InvalidInputError
from models.home import Home


@dataclass(frozen=True)
class Workspace:
    """The folders of one home in which assets leave what the next asset reads.

    Attributes:
        home: where Encours keeps what it makes.
    """

    home: Home

    @property
    def ledger(self) -> Path:
        """The checked ledger, with its quarantine and report."""
        return self.home.root / "ledger"

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
            fault = Fault(
                "has not been made yet", where=str(path), remedy="materialize its upstream assets first"
            )
            raise InvalidInputError("an intermediate frame is missing", [fault])
        return pl.read_parquet(path)

    def read_optional_frame(self, name: str) -> pl.DataFrame | None:
        """An intermediate frame, or None where its asset found nothing to make it from."""
        path = self.frame_path(name)
        return pl.read_parquet(path) if path.exists() else None

    def drop_frame(self, name: str) -> None:
        """Forget an intermediate frame that no longer applies."""
        self.frame_path(name).unlink(missing_ok=True)


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
