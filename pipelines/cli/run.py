"""`encours run`, `encours score`, `encours ui`: the main job, tonight's scores, and Dagster's pages on both."""

from __future__ import annotations

import typer

app = typer.Typer()
