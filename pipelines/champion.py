"""The champion in service: the bundle the pointer in the home names."""

from __future__ import annotations

import json

from features.catalogue import CATALOGUE_VERSION, FEATURE_NAMES
from features.errors import Fault, InvalidInputError
from models.bundle import ModelBundle, load_bundle
from models.home import Home


def champion_bundle(home: Home) -> ModelBundle:
    """The registered champion, as exported for scoring.

    Raises:
        InvalidInputError: there is no champion in this home, or it does not fit the running code.
    """
    if not home.champion_pointer.exists():
        fault = Fault(
            "there is no champion yet",
            where=str(home.root),
            remedy="train one with `encours run --ledger DIR`",
        )
        raise InvalidInputError("nothing can be scored", [fault])
    name = json.loads(home.champion_pointer.read_text(encoding="utf-8"))["folder"]
    return load_bundle(home.bundles / name, FEATURE_NAMES, CATALOGUE_VERSION)
