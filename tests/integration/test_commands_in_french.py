"""The command line speaks the language asked for, else that of its variable, else that of the system."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.cli.language import reader_language


def test_the_language_of_a_command_is_not_that_of_the_next():
    runner = CliRunner()
    assert runner.invoke(app, ["policy", "check", "--language", "fr"]).exit_code == 0
    assert reader_language() == "en"


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr"}, "fr"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "fr_CA"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "ENCOURS_LANGUAGE": "en"}, "en"),
        ({"LANG": "de_DE.UTF-8", "ENCOURS_LANGUAGE": "fr"}, "fr"),
        ({"LANG": "fry_NL"}, "en"),
    ],
)
def test_the_language_is_of_the_variable_or_of_the_system(environment, language):
    assert reader_language(environment) == language


def commands(group, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), [option.name for option in command.params]


def test_every_command_takes_a_language_once():
    options = dict(commands(get_command(app)))
    assert len(options) > 20
    assert {name for name, given in options.items() if given.count("language") != 1} == set()


def test_a_refusal_of_the_command_line_is_printed_in_french(tmp_path):
    environment = {**os.environ, "ENCOURS_HOME": str(tmp_path), "ENCOURS_LANGUAGE": "fr"}
    main = [sys.executable, "-c", "from pipelines.cli import main; main()"]
    done = subprocess.run(
        [*main, "check", "--ledger", str(tmp_path / "none")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.replace("\u202f", " ") == (
        "erreur : il n'y a pas de grand livre ici\n"
        f"  - {tmp_path / 'none'} : le dossier n'existe pas ; à faire : indiquer un dossier écrit par "
        "`encours import`\n"
    )
    done = subprocess.run(
        [*main, "keys", "list", "--language", "en"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "scopes" in done.stdout
