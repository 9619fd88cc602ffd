"""The routes of the service by subject."""

from fastapi import APIRouter

from serving.api.routes.decisions import router as decisions
from serving.api.routes.facts import router as facts
from serving.api.routes.operations import router as operations
from serving.api.routes.scores import router as scores

ROUTERS: tuple[APIRouter, ...] = (scores, facts, decisions, operations)
