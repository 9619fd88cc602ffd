"""The champion in service: the bundle the pointer in the home names, and the settings everybody scores under.

The pointer is a small JSON file beside the bundles, `{"folder": NAME}`, read and written here only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import EncoursError, Fault, InvalidInputError
from features.files import write_whole
from features.groups.catalogue import CATALOGUE_VERSION, FEATURE_NAMES
from features.messages import localized
from features.settings import LedgerSettings, setting_differences
from models.bundle import ModelBundle, load_bundle
from models.registry.home import Home

_REMEDY = "leave the setting out of a run that scores; to change it, train with it and promote that version"


def read_champion_pointer(pointer: Path) -> Path:
    """The folder of the bundle in service.

    Args:
        pointer: `Home.champion_pointer`; must exist.

    Raises:
        InvalidInputError: the file is not a pointer, or names a folder outside the bundles folder.
    """
    try:
        name = json.loads(pointer.read_text(encoding="utf-8"))["folder"]
    except (ValueError, KeyError, TypeError) as failure:
        raise _no_pointer(pointer) from failure
    if not isinstance(name, str):
        raise _no_pointer(pointer)
    folder = (pointer.parent / name).resolve()
    if pointer.parent.resolve() not in folder.parents:
        raise InvalidInputError(
            localized("The pointer to the champion leads elsewhere"),
            [
                Fault(
                    localized("names a folder outside"),
                    where=pointer.name,
                    expected=localized("a folder beside the pointer"),
                )
            ],
        )
    return folder


def write_champion_pointer(pointer: Path, bundle: Path) -> None:
    """Name the bundle in service, in one move.

    Args:
        pointer: `Home.champion_pointer`.
        bundle: folder of the bundle, beside the pointer.
    """
    write_whole(json.dumps({"folder": bundle.name}) + "\n", pointer)


def _no_pointer(pointer: Path) -> InvalidInputError:
    fault = Fault(localized("is not a pointer"), where=pointer.name, expected=localized('{{"folder": NAME}}'))
    return InvalidInputError(localized("The pointer to the champion cannot be read"), [fault])


def champion_bundle(home: Home) -> ModelBundle:
    """The registered champion, as exported for scoring.

    Raises:
        InvalidInputError: there is no champion in this home, or it does not fit the running code.
    """
    if not home.champion_pointer.exists():
        fault = Fault(
            localized("there is no champion yet"),
            where=str(home.root),
            remedy=localized("train one with `encours run --ledger DIR`"),
        )
        raise InvalidInputError(localized("nothing can be scored"), [fault])
    return load_bundle(read_champion_pointer(home.champion_pointer), FEATURE_NAMES, CATALOGUE_VERSION)


def scoring_settings(champion: ModelBundle, given: Mapping[str, Any]) -> LedgerSettings:
    """The settings that a run scores under: the champion's, whatever the run states itself must agree.

    Args:
        champion: the model that scores.
        given: ledger settings that the run states itself, by name.

    Raises:
        InvalidInputError: the run states another value than the champion was trained with; names each difference.
    """
    faults = setting_differences(given, champion.settings, _REMEDY)
    if faults:
        raise InvalidInputError(
            localized(
                "Model {version} cannot score under other settings than it was trained with.",
                version=champion.version,
            ),
            faults,
        )
    return champion.settings


def training_settings(
    home: Home, given: Mapping[str, Any], invoices: pl.DataFrame, known_before: date
) -> LedgerSettings:
    """The settings that a run trains under: those it states itself, else those of the champion, else the defaults.

    A periodic training that states nothing therefore goes on meaning the same by late and by settled.

    Args:
        home: where the champion is.
        given: ledger settings that the run states itself, by name.
        invoices: the ledger's invoices; where nobody states a reporting currency, it is that of most of them.
        known_before: the cut-off of the training.
    """
    try:
        base = champion_bundle(home).settings
    except EncoursError:
        base = LedgerSettings()
    return replace(base, **given).with_reporting_currency(invoices, known_before)
