"""Which model serves, decided by a person: promotion of a registered version, and the way back.

Materialised by hand, or by the jobs `promote` and `rollback`; never by the night.
"""

import datetime as dt

import dagster as dg
from pydantic import Field

from models.registry.promotion import promote_registered, rollback
from models.registry.tracking import CHALLENGER
from pipelines.resources import EncoursHome

GROUP = "promotion"


class Decision(dg.Config):
    """Who decides, and why; both are recorded."""

    who: str = Field(description="Who decides; recorded.")
    why: str = Field(description="Why; recorded.")


class Promotion(Decision):
    """Which version becomes the champion."""

    version: str = Field(default=CHALLENGER, description="Number of the version, or an alias.")
    force: bool = Field(default=False, description="Promote although the gate objects; recorded as such.")


@dg.asset(group_name=GROUP, kinds={"mlflow"})
def model__promotion(
    context: dg.AssetExecutionContext, encours_home: EncoursHome, config: Promotion
) -> dg.MaterializeResult[None]:
    """A registered version made champion, if the gate finds nothing against it; a refusal says why."""
    version, bundle = promote_registered(
        encours_home.home(),
        config.version,
        config.who,
        config.why,
        dt.datetime.now(dt.UTC),
        is_forced=config.force,
    )
    context.log.info("version %s is the champion", version.version)
    return dg.MaterializeResult(
        metadata={
            "version": version.version,
            "bundle": dg.MetadataValue.path(bundle),
            "who": config.who,
            "why": config.why,
            "is_forced": config.force,
        }
    )


@dg.asset(group_name=GROUP, kinds={"mlflow"})
def model__rollback(
    context: dg.AssetExecutionContext, encours_home: EncoursHome, config: Decision
) -> dg.MaterializeResult[None]:
    """The champion before the present one, made champion again."""
    version = rollback(encours_home.home(), config.who, config.why, dt.datetime.now(dt.UTC))
    context.log.info("version %s is the champion again", version.version)
    return dg.MaterializeResult(
        metadata={
            "version": version.version,
            "bundle": version.bundle_version,
            "who": config.who,
            "why": config.why,
        }
    )
