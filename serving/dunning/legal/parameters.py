"""Legal values by date: what the law says on a day, with its article, or a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from features.errors import EncoursError, Fault, InvalidInputError
from features.messages import localized
from features.words import Text
from features.yaml_source import YamlFile
from serving.dunning.form_faults import faults_of_model

Unit = Literal["percent_per_year", "percentage_points", "times", "eur", "days", "months"]

LEGAL_FOLDER = Path(__file__).parent

PARAMETER_NAMES = (
    "ecb_refinancing_rate",
    "ecb_margin",
    "legal_interest_rate",
    "clause_floor_multiple",
    "recovery_indemnity",
    "term_without_agreement",
    "maximum_term_net",
    "maximum_term_fin_de_mois",
    "maximum_term_periodic_invoice",
    "claim_declaration_period",
)


class LegalValueUnknownError(EncoursError):
    """The law of that day is not in the file, or nobody verified it; the caller claims nothing."""

    def __init__(self, name: str, label: Text, on: date, known: Text) -> None:
        self.name, self.on = name, on
        self.text = Text(
            f"{label.fr} : aucune valeur sourcée pour le {on:%d/%m/%Y} ({known.fr}) ; rien n'est réclamé.",
            f"{label.en}: no sourced value for {on} ({known.en}); nothing is claimed.",
        )
        super().__init__(
            f"no value of {name} for {on} ({known.en}); add the value with its source to the legal file, "
            "or let the policy not claim interest"
        )


class LegalValue(BaseModel):
    """One value, the days on which it is in force (both included; `until` null: until changed) and its source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    begins_on: date = Field(alias="from")
    until: date | None
    value: Decimal = Field(ge=0)
    verified: bool
    source: str = Field(min_length=1)


class LegalParameter(BaseModel):
    """One legal value through time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: Text
    unit: Unit
    article: str = Field(min_length=1)
    values: tuple[LegalValue, ...] = Field(min_length=1)


class _LegalFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    jurisdiction: str = Field(pattern="^[a-z]{2}$")
    parameters: dict[str, LegalParameter]


@dataclass(frozen=True)
class LegalParameters:
    """The dated legal values of one jurisdiction."""

    jurisdiction: str
    parameters: Mapping[str, LegalParameter]

    def value_on(self, name: str, on: date) -> LegalValue:
        """The value in force that day; refuses when none is written for it, or the one written is not verified."""
        parameter = self.parameters[name]
        for value in parameter.values:
            if value.begins_on <= on and (value.until is None or on <= value.until):
                if not value.verified:
                    unverified = Text("écrite mais non vérifiée", "written but not verified")
                    raise LegalValueUnknownError(name, parameter.label, on, unverified)
                return value
        span = f"{parameter.values[0].begins_on} .. {parameter.values[-1].until or ''}".strip()
        raise LegalValueUnknownError(name, parameter.label, on, Text(f"connues : {span}", f"known: {span}"))


def load_legal_parameters(path: Path | None = None, jurisdiction: str = "fr") -> LegalParameters:
    """Read a file of legal values; every fault names its line.

    Args:
        path: the file; null takes the one shipped for the jurisdiction.
        jurisdiction: two letters, for the shipped files.

    Raises:
        InvalidInputError: unknown keys, missing parameters, overlapping periods, all in one report.
    """
    path = path or LEGAL_FOLDER / f"{jurisdiction}.yaml"
    if not path.is_file():
        shipped = ", ".join(sorted(file.stem for file in LEGAL_FOLDER.glob("*.yaml")))
        raise InvalidInputError(
            localized("no legal file {file}", file=path.name),
            [
                Fault(
                    localized("jurisdiction not shipped"),
                    path.name,
                    localized("one of {shipped}", shipped=shipped),
                )
            ],
        )
    source = YamlFile.read(path)
    model, faults = faults_of_model(_LegalFile, source)
    if model is None or faults:
        raise InvalidInputError(localized("legal file {file} cannot be used", file=path.name), faults)
    faults = _period_faults(model, source)
    if faults:
        raise InvalidInputError(localized("legal file {file} cannot be used", file=path.name), faults)
    return LegalParameters(model.jurisdiction, model.parameters)


def _period_faults(model: _LegalFile, source: YamlFile) -> list[Fault]:
    faults = [
        Fault(
            localized("parameter {name} is missing", name=name),
            source.where(("parameters",)),
            expected=", ".join(PARAMETER_NAMES),
            remedy=localized("add it with its article and source"),
        )
        for name in PARAMETER_NAMES
        if name not in model.parameters
    ]
    faults += [
        Fault(
            localized("unknown parameter {name}", name=name),
            source.where(("parameters", name)),
            expected=", ".join(PARAMETER_NAMES),
            remedy=localized("correct the name or delete it"),
        )
        for name in model.parameters
        if name not in PARAMETER_NAMES
    ]
    for name, parameter in model.parameters.items():
        for index, value in enumerate(parameter.values):
            where = source.where(("parameters", name, "values", index))
            if value.until is not None and value.until < value.begins_on:
                faults.append(
                    Fault(
                        localized("{name} ends before it begins", name=name),
                        where,
                        localized("until on or after from"),
                    )
                )
            if index == 0:
                continue
            previous = parameter.values[index - 1].until
            if previous is None or value.begins_on <= previous:
                faults.append(
                    Fault(
                        localized("{name} has two values for {day}", name=name, day=str(value.begins_on)),
                        where,
                        expected=localized("periods in order, one value a day"),
                        remedy=localized("end the earlier period before this one begins"),
                    )
                )
            elif value.begins_on != previous + timedelta(days=1):
                faults.append(
                    Fault(
                        localized(
                            "{name} has no value between {previous} and {day}",
                            name=name,
                            previous=str(previous),
                            day=str(value.begins_on),
                        ),
                        where,
                        expected=localized("periods that follow each other"),
                        remedy=localized("add the missing period with its source"),
                    )
                )
    return faults
