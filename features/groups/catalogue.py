"""Every feature column, in the order of the feature frame. Registration is this list and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from features.groups import (
    cold_start,
    communication,
    exposure,
    invoice_terms,
    order_trend,
    payment_behaviour,
    payment_runs,
    rfm,
    sector_context,
)
from features.groups.columns import FeatureColumn, FeatureGroup

CATALOGUE_VERSION: Final = "6"
"""Changes when a column is added, dropped or changes its meaning; a model refuses features of another version."""

GROUPS: Final[tuple[FeatureGroup, ...]] = (
    payment_behaviour.GROUP,
    payment_runs.GROUP,
    rfm.GROUP,
    exposure.GROUP,
    order_trend.GROUP,
    invoice_terms.GROUP,
    sector_context.GROUP,
    cold_start.GROUP,
    communication.GROUP,
)

CATALOGUE: Final[tuple[FeatureColumn, ...]] = tuple(column for group in GROUPS for column in group.columns)
FEATURE_NAMES: Final[tuple[str, ...]] = tuple(column.name for column in CATALOGUE)
COLUMNS_BY_NAME: Final[Mapping[str, FeatureColumn]] = {column.name: column for column in CATALOGUE}
GROUPS_BY_NAME: Final[Mapping[str, FeatureGroup]] = {group.name: group for group in GROUPS}
