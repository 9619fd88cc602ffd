"""The trained artefact: its content and how it is stored (JSON and plain number arrays, never pickle)."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.email.vectors import mention_feature_names
from features.errors import EncoursError, Fault, InvalidInputError
from features.files import write_whole
from features.messages import localized
from features.signal_labels import LABELS

FORMAT_VERSION = 1
DEFAULT_FOLDER = Path(__file__).with_name("weights")
_ARRAYS = "weights.npz"
_DESCRIPTION = "signals.json"


class ArtefactError(EncoursError):
    """The trained artefact is missing or does not fit this version of the code."""


@dataclass(frozen=True, eq=False)
class SignalArtefact:
    """Everything learnt.

    Attributes:
        terms: text terms in column order.
        idf: inverse document frequency of each term.
        text_weights: terms x labels.
        mention_weights: mention features x labels.
        intercepts: one per label.
        calibration: slope and shift per label, applied to the raw margin before the logistic curve.
        decide_at: probability from which a label is decided, per label.
        unsure_from: probability from which an undecided label is reported as unsure, per label.
        description: how it was trained: counts, seed, excluded ids, measured quality.
    """

    terms: tuple[str, ...]
    idf: NDArray[np.float32]
    text_weights: NDArray[np.float32]
    mention_weights: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    calibration: NDArray[np.float32]
    decide_at: NDArray[np.float32]
    unsure_from: NDArray[np.float32]
    description: dict[str, Any]


def save_artefact(artefact: SignalArtefact, folder: Path) -> None:
    """Writes the artefact into a folder: one JSON file and one file of arrays, each put in place whole."""
    document = {
        "format_version": FORMAT_VERSION,
        "labels": list(LABELS),
        "mention_features": list(mention_feature_names()),
        "description": artefact.description,
        "terms": list(artefact.terms),
    }
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=None, separators=(",", ":"))
    arrays = io.BytesIO()
    np.savez_compressed(
        arrays,
        allow_pickle=False,
        idf=artefact.idf.astype(np.float16),
        text_weights=artefact.text_weights.astype(np.float16),
        mention_weights=artefact.mention_weights.astype(np.float32),
        intercepts=artefact.intercepts.astype(np.float32),
        calibration=artefact.calibration.astype(np.float32),
        decide_at=artefact.decide_at.astype(np.float32),
        unsure_from=artefact.unsure_from.astype(np.float32),
    )
    write_whole(text + "\n", folder / _DESCRIPTION)
    write_whole(arrays.getvalue(), folder / _ARRAYS)


def load_artefact(folder: Path = DEFAULT_FOLDER) -> SignalArtefact:
    """Reads an artefact and checks that it fits this code.

    Raises:
        ArtefactError: no artefact in the folder.
        InvalidInputError: it was trained for other labels, mention features or another format.
    """
    try:
        document = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        with np.load(folder / _ARRAYS, allow_pickle=False) as arrays:
            held = {name: arrays[name].astype(np.float32) for name in arrays.files}
    except FileNotFoundError as missing:
        raise ArtefactError(
            localized(
                "no trained e-mail signals in {folder}/: {file} is missing; "
                "train them with `encours train-signals`",
                folder=folder.name,
                file=str(missing.filename),
            )
        ) from missing
    faults = [
        Fault(
            localized("{what} differ from those of this version", what=what),
            _DESCRIPTION,
            expected=str(expected),
            remedy=localized("train again"),
        )
        for what, found, expected in (
            ("format", document.get("format_version"), FORMAT_VERSION),
            ("labels", document.get("labels"), list(LABELS)),
            ("mention features", document.get("mention_features"), list(mention_feature_names())),
        )
        if found != expected
    ]
    if faults:
        raise InvalidInputError(localized("the trained e-mail signals do not fit this version"), faults)
    return SignalArtefact(tuple(document["terms"]), description=document["description"], **held)
