"""Plots drawn as SVG text, for a report or a run without further files."""

from __future__ import annotations

import io
from typing import Any

BLUE, ORANGE, GREY = "#0b5394", "#cc7a00", "#bbbbbb"


def canvas(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Any, Any]:
    """An empty figure of so many inches and its axes, without the frame's right and upper sides.

    With several rows or columns the axes are a flat list, row by row.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes in panels:
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    return figure, panels[0] if rows * columns == 1 else panels


def svg_text(figure: Any) -> str:
    """The figure as SVG, the same bytes for the same figures."""
    import matplotlib as mpl

    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "encours", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    content = text.getvalue()
    return content[content.index("<svg") :]
