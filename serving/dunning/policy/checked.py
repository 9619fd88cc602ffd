"""A policy that passed every check, and what is looked up in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from features.words import Grade, Segment
from serving.dunning.legal import LegalParameters
from serving.dunning.policy.schema import GradeName, PolicySpec, Route
from serving.dunning.words import AUTOMATIC_CHANNELS, NO_SEGMENT, Channel, RouteState

Cell = tuple[str, str, str, str]
"""Segment name, grade name, money band, state: one square of the route table."""


@dataclass(frozen=True)
class Policy:
    """A policy that passed every check, with the law it rests on.

    Attributes:
        spec: the file.
        legal: dated legal values of its jurisdiction.
        table: the one route of every cell.
        digest: SHA-256 of the file, to distinguish two files of the same version.
    """

    spec: PolicySpec
    legal: LegalParameters
    table: Mapping[Cell, Route]
    digest: str

    def band_of(self, amount: Decimal) -> int:
        """Position of the money band an amount in the policy's currency falls in."""
        return next(
            index
            for index, band in enumerate(self.spec.money_bands)
            if band.below is None or amount < band.below
        )

    def route_of(self, segment: Segment | None, grade: Grade | None, band: int, state: RouteState) -> Route:
        """The one route of a receivable; null segment and grade are the unknown ones of the table."""
        return self.table[segment or NO_SEGMENT, grade_name(grade), self.spec.money_bands[band].id, state]

    def higher_approval(self, *levels: str | None) -> str | None:
        """The highest of the levels; null when all are null."""
        order = [level.id for level in self.spec.approval_levels]
        return max((level for level in levels if level is not None), key=order.index, default=None)


def is_automatic(channel: Channel, approval: str | None) -> bool:
    """Whether a machine may do the step alone."""
    return approval is None and channel in AUTOMATIC_CHANNELS


def grade_name(grade: Grade | None) -> GradeName:
    """The grade as the route table writes it."""
    return grade if grade is not None else "none"
