"""Reports written from templates: HTML is escaped, Markdown is not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape


def render(template: str, **values: object) -> str:
    """The text of a template of `models/evaluation/templates`, filled in.

    Args:
        template: name of the file.
        values: what the template reads; a name it reads and is not given is an error.
    """
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(number=_number, share=_share, interval=_interval, cell=_cell)
    return environment


def _number(value: float | None, form: str = ".4f") -> str:
    """A number in a format of Python's; empty when unknown."""
    return "" if value is None else format(value, form)


def _share(value: float | None) -> str:
    """A share as a percentage with one decimal; empty when unknown."""
    return "" if value is None else f"{100 * value:.1f} %"


def _interval(bounds: Sequence[float] | None, form: str = ".4f") -> str:
    """Both ends in brackets after a blank; empty when unknown."""
    return "" if not bounds else f" [{bounds[0]:{form}}, {bounds[1]:{form}}]"


def _cell(text: object) -> str:
    """A text that does not end its cell of a Markdown table."""
    return str(text).replace("|", "/")
