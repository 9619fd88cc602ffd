"""A trained model as a folder of plain files: `model.json` (numbers, lists, choices), `trees_<phase>.txt` (LightGBM).

Reading one runs no code. The checksums are compared, and the feature list and catalogue version are compared with what
the running code computes: a difference stops, it is never filled in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from features.errors import Fault, InvalidInputError
from features.files import write_folder
from features.messages import localized
from features.payers.rfm_scale import RfmScale
from features.settings import LedgerSettings
from models.hazard.booster import TreeModel
from models.hazard.calibration import HazardCalibration
from models.hazard.card import Card
from models.hazard.customer_curve import CustomerCurve
from models.hazard.date_levels import USUAL_LEVELS, DateLevels
from models.hazard.hazard import HAZARD_COLUMNS, DiscreteTimeHazard
from models.hazard.phased_trees import PhasedTrees
from models.hazard.phases import TREE_NAMES
from models.intervals import Intervals
from models.target import Target

FORMAT = "encours-late-payment-5"
MODEL_FILE = "model.json"
TREES_FILES = tuple(f"trees_{name}.txt" for name in TREE_NAMES)
"""LightGBM's text of each phase; a phase with too little to learn from has no file."""
CHECKSUMS_FILE = "SHA256SUMS"


@dataclass(frozen=True)
class ModelBundle:
    """Everything needed to score: nothing else is read when a score is made.

    Attributes:
        hazard: the model.
        calibration: its calibration.
        settings: how lateness, settlement and money were read from the ledger it learnt from; whoever scores with it
            computes features under exactly these.
        catalogue_version: version of the feature catalogue it was trained with.
        known_before: training cut-off.
        facts: figures about the training, for people (never read by a score).
        rfm_scale: cut points that name each payer's segment; None leaves the segment unknown.
        date_levels: at which probabilities the payment dates are read from the curve.
        version: name of the model: the first twelve digits of its checksum.
    """

    hazard: DiscreteTimeHazard
    calibration: HazardCalibration
    settings: LedgerSettings
    catalogue_version: str
    known_before: date
    facts: dict[str, Any]
    rfm_scale: RfmScale | None = None
    date_levels: DateLevels = USUAL_LEVELS
    version: str = ""

    @cached_property
    def target(self) -> Target:
        """What late means."""
        return Target.of(self.settings)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features the model reads, in order."""
        return self.hazard.feature_names

    @property
    def intervals(self) -> Intervals:
        """The intervals the model speaks of."""
        return self.hazard.intervals


def make_bundle(
    hazard: DiscreteTimeHazard,
    calibration: HazardCalibration,
    settings: LedgerSettings,
    catalogue_version: str,
    known_before: date,
    facts: dict[str, Any],
    rfm_scale: RfmScale | None = None,
    date_levels: DateLevels = USUAL_LEVELS,
) -> ModelBundle:
    """A bundle named by what is in it: the same training gives the same version."""
    unnamed = ModelBundle(
        hazard, calibration, settings, catalogue_version, known_before, facts, rfm_scale, date_levels
    )
    digest = hashlib.sha256()
    for name, content in sorted(_files(unnamed).items()):
        digest.update(f"{name}\n".encode() + content)
    return replace(unnamed, version=digest.hexdigest()[:12])


def write_bundle(bundle: ModelBundle, folder: Path) -> Path:
    """Write a bundle into a folder: aside first, then moved into place in one step.

    Returns:
        The folder. An existing bundle of that folder is replaced.
    """
    files = _files(bundle)
    sums = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items())
    )
    write_folder({**files, CHECKSUMS_FILE: sums}, folder)
    return folder


def load_bundle(
    folder: Path,
    feature_names: Sequence[str] | None = None,
    catalogue_version: str | None = None,
    threads: int = 2,
) -> ModelBundle:
    """Read and check a bundle.

    Args:
        folder: where it lies.
        feature_names: the columns the running code can compute; compared when given.
        catalogue_version: the version of the running catalogue; compared when given.
        threads: threads for batches; a service passes 1.

    Raises:
        InvalidInputError: a file is missing or altered, the format is another, or the features do not match.
    """
    contents = _read_checked(folder)
    model = json.loads(contents[MODEL_FILE])
    faults = _mismatches(model, folder, feature_names, catalogue_version)
    if faults:
        raise InvalidInputError(
            localized("The model in {folder} cannot be used.", folder=str(folder)), faults
        )
    settings = LedgerSettings.from_dict(model["settings"])
    hazard = DiscreteTimeHazard(
        feature_names=tuple(model["feature_names"]),
        intervals=Intervals(tuple(model["interval_bounds"]), settings.grace_days),
        curve=CustomerCurve.from_json(model["curve"]),
        curve_share=model["curve_share"],
        card=Card.from_json(model["linear"]),
        trees=_trees_of(contents, len(model["feature_names"]), threads),
    )
    calibration = model["calibration"]
    return ModelBundle(
        hazard=hazard,
        calibration=HazardCalibration(
            slope=tuple(calibration["slope"]),
            shift=tuple(calibration["shift"]),
            portfolio_share=calibration["portfolio_share"],
            portfolio_hazard=tuple(calibration["portfolio_hazard"]),
            landmark_count=calibration["landmark_count"],
        ),
        settings=settings,
        catalogue_version=model["catalogue_version"],
        known_before=date.fromisoformat(model["known_before"]),
        facts=model["facts"],
        rfm_scale=None if model["rfm_scale"] is None else RfmScale.from_dict(model["rfm_scale"]),
        date_levels=DateLevels(**model["date_levels"]),
        version=model["version"],
    )


def _trees_of(contents: dict[str, bytes], feature_count: int, threads: int) -> PhasedTrees:
    models = [
        TreeModel(contents[name].decode(), threads) if name in contents else None for name in TREES_FILES
    ]
    return PhasedTrees(models, feature_count, feature_count + len(HAZARD_COLUMNS))


def _files(bundle: ModelBundle) -> dict[str, bytes]:
    texts = zip(TREES_FILES, bundle.hazard.trees.texts, strict=True)
    trees = {name: text.encode() for name, text in texts if text is not None}
    model = {
        "format": FORMAT,
        "version": bundle.version,
        "catalogue_version": bundle.catalogue_version,
        "known_before": bundle.known_before.isoformat(),
        "settings": bundle.settings.to_dict(),
        "feature_names": list(bundle.feature_names),
        "hazard_columns": list(HAZARD_COLUMNS),
        "interval_bounds": list(bundle.intervals.bounds),
        "calibration": asdict(bundle.calibration),
        "curve": bundle.hazard.curve.to_json(),
        "curve_share": bundle.hazard.curve_share,
        "linear": bundle.hazard.card.to_json(),
        "facts": bundle.facts,
        "date_levels": asdict(bundle.date_levels),
        "rfm_scale": None if bundle.rfm_scale is None else bundle.rfm_scale.to_dict(),
    }
    text = json.dumps(model, indent=1, ensure_ascii=False, allow_nan=False, sort_keys=True)
    return {MODEL_FILE: text.encode(), **trees}


def _read_checked(folder: Path) -> dict[str, bytes]:
    remedy = localized("export the model again; a bundle is never edited by hand")
    sums = folder / CHECKSUMS_FILE
    lines = sums.read_text().splitlines() if sums.is_file() else []
    expected = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    wanted = [MODEL_FILE, *(name for name in TREES_FILES if name in expected), CHECKSUMS_FILE]
    missing = [name for name in wanted if not (folder / name).is_file()]
    if missing:
        raise InvalidInputError(
            localized("There is no complete model in {folder}.", folder=str(folder)),
            [Fault(what=localized("the file is missing"), where=name, remedy=remedy) for name in missing],
        )
    contents = {name: (folder / name).read_bytes() for name in wanted if name != CHECKSUMS_FILE}
    altered = [
        name
        for name, content in contents.items()
        if hashlib.sha256(content).hexdigest() != expected.get(name)
    ]
    if altered:
        raise InvalidInputError(
            localized("The model in {folder} has been altered.", folder=str(folder)),
            [
                Fault(
                    what=localized("the content does not have the checksum recorded for it"),
                    where=name,
                    expected=localized("sha256 {expected}", expected=expected.get(name, "(none recorded)")),
                    remedy=remedy,
                )
                for name in altered
            ],
        )
    return contents


def _mismatches(
    model: dict[str, Any],
    folder: Path,
    feature_names: Sequence[str] | None,
    catalogue_version: str | None,
) -> list[Fault]:
    if model.get("format") != FORMAT:
        return [
            Fault(
                what=localized("the format is {format}", format=repr(model.get("format"))),
                where=str(folder / MODEL_FILE),
                expected=localized(
                    "{format}: it stores the customers' curve the model starts from", format=FORMAT
                ),
                remedy=localized("train the model again with this version of Encours (encours run)"),
            )
        ]
    faults = []
    retrain = localized("retrain, or run the version of Encours the model was trained with")
    if tuple(model["hazard_columns"]) != HAZARD_COLUMNS:
        faults.append(
            Fault(
                what=localized(
                    "the model reads {columns} beside the features",
                    columns=", ".join(map(str, model["hazard_columns"])),
                ),
                expected=str(list(HAZARD_COLUMNS)),
                remedy=retrain,
            )
        )
    if catalogue_version is not None and model["catalogue_version"] != catalogue_version:
        faults.append(
            Fault(
                what=localized(
                    "it was trained with feature catalogue {version}",
                    version=model["catalogue_version"],
                ),
                where="catalogue_version",
                expected=localized(
                    "catalogue {version}, the one this code computes",
                    version=catalogue_version,
                ),
                remedy=retrain,
            )
        )
    if feature_names is not None:
        unknown = sorted(set(model["feature_names"]) - set(feature_names))
        if unknown:
            faults.append(
                Fault(
                    what=localized("{count} features it needs are not computed any more", count=len(unknown)),
                    where="feature_names",
                    examples=tuple(unknown),
                    expected=localized("every feature of the model in the catalogue"),
                    remedy=retrain,
                )
            )
    return faults
