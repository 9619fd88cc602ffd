"""The language of what the commands print: `--language`, else `ENCOURS_LANGUAGE`, else that of the system."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from features.errors import EncoursError
from features.messages import LANGUAGES, Language, Message, Text, Value, in_language, language_or_english

VARIABLE: Final = "ENCOURS_LANGUAGE"
_LOCALE_VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
_ASKED: Final[ContextVar[Language | None]] = ContextVar("language", default=None)


def reader_language(environment: Mapping[str, str] | None = None) -> Language:
    """The language of whoever reads the terminal: as requested, else of the locale if Encours has it, else English.

    Args:
        environment: the variables of a reader; null for this process, whose command line comes first.
    """
    given = os.environ if environment is None else environment
    asked = (_ASKED.get() if environment is None else None) or given.get(VARIABLE, "").strip().lower()
    if asked in LANGUAGES:
        return language_or_english(asked)
    locale = next((given[name] for name in _LOCALE_VARIABLES if given.get(name)), "")
    return language_or_english(locale.lower().split("_")[0].split(".")[0])


def translated(text: str | Text) -> str:
    """A text for whoever reads the terminal."""
    return in_language(text, reader_language())


def _(template: str, /, **values: Value | Path) -> str:
    """A sentence of a command for whoever reads the terminal; the template is a literal, as of `localized`."""
    given = {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
    return Message(template, None, None, given).in_language(reader_language())


class LanguageGroup(TyperGroup):
    """A group of commands, each of which takes `--language`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for command in _leaves(self):
            if not any(option.name == "language" for option in command.params):
                command.params.append(_language_option())

    def main(self, *arguments: Any, **settings: Any) -> Any:
        """Run one command; its language is not that of the next."""
        is_refused = False
        try:
            return super().main(*arguments, **settings)
        except EncoursError:
            is_refused = True  # it is still printed in the language of the command
            raise
        finally:
            if not is_refused:
                _ASKED.set(None)


def _leaves(group: Any) -> list[Any]:
    """The commands of a group and of the groups in it."""
    found = []
    for command in group.commands.values():
        found += _leaves(command) if hasattr(command, "commands") else [command]
    return found


def _ask(value: str | None) -> None:
    if value is not None and value not in LANGUAGES:
        known = ", ".join(map(repr, sorted(LANGUAGES)))
        raise typer.BadParameter(f"one of {known}", param_hint="--language")
    _ASKED.set(None if value is None else language_or_english(value))


def _language_option() -> Any:
    """The option as Typer makes it of a command that has nothing else."""
    carrier = typer.Typer(add_completion=False)

    @carrier.command()
    def _command(
        language: Annotated[
            str | None,
            typer.Option(
                callback=_ask,
                expose_value=False,
                is_eager=True,
                help=f"Language of what is printed, such as fr; by default {VARIABLE}, else that of the system.",
            ),
        ] = None,
    ) -> None: ...

    return next(option for option in typer.main.get_command(carrier).params if option.name == "language")
