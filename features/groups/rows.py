"""Landmarks with their features and the settings both were computed under: one value, stored in one folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from features.asof.history import PaymentHistory
from features.files import write_folder
from features.groups.compute import compute_features
from features.ledger import Ledger
from features.settings import LedgerSettings

_LANDMARKS: Final = "landmarks.parquet"
_FEATURES: Final = "features.parquet"
_SETTINGS: Final = "settings.json"


@dataclass(frozen=True)
class FeatureRows:
    """What a model learns from or scores.

    Attributes:
        landmarks: receivables seen at as-of dates (`features.asof.landmarks.LANDMARK_SCHEMA`).
        features: their features, one row per landmark in the same order.
        settings: how lateness, settlement and money were read from the ledger.
    """

    landmarks: pl.DataFrame
    features: pl.DataFrame
    settings: LedgerSettings

    @classmethod
    def of_ledger(
        cls, ledger: Ledger, signals: pl.DataFrame | None, landmarks: pl.DataFrame, settings: LedgerSettings
    ) -> FeatureRows:
        """Compute the features of some landmarks from a ledger and what its e-mails say.

        Args:
            ledger: all known facts; of them a landmark sees what was known strictly before its as-of date.
            signals: what the e-mails say; null where none were read.
            landmarks: what is scored.
            settings: of the model that scores.
        """
        history = PaymentHistory.from_ledger(ledger, settings, signals)
        return cls(landmarks, compute_features(history, landmarks), settings)

    def write(self, folder: Path) -> None:
        """Write the rows into a folder, in place of all that was in it, in one move."""
        settings = json.dumps(self.settings.to_dict(), indent=1, sort_keys=True)
        write_folder({_LANDMARKS: self.landmarks, _FEATURES: self.features, _SETTINGS: settings}, folder)

    @classmethod
    def read(cls, folder: Path) -> FeatureRows:
        """Read what `write` wrote.

        Raises:
            FileNotFoundError: there are no rows in the folder.
        """
        return cls(
            pl.read_parquet(folder / _LANDMARKS, glob=False),
            pl.read_parquet(folder / _FEATURES, glob=False),
            LedgerSettings.from_dict(json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))),
        )
