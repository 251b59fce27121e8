"""The `kept` command: parse, call, print. Everything it does, the same functions do for the pages.

Exit status: 0 done, 1 nothing could be done though the call was right, 2 the call or a file is
wrong. What is wrong is one sentence on stderr.
"""

import io
import os
import sys
from typing import Annotated

import typer

from etl import __version__
from etl.catalogue import catalogue
from etl.cli.common import app
from etl.config import Settings
from etl.errors import KeptError

# isort: split
# Importing a module adds its commands, in the order in which the help lists them.
from etl.cli import loading as loading

# isort: split
from etl.cli import mapping as mapping

# isort: split
from etl.cli import figures as figures

# isort: split
from etl.cli import requests as requests

# isort: split
from etl.cli import evidence as evidence

# isort: split
from etl.cli import serving as serving


@app.callback(invoke_without_command=True)
def common(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Kept (履约): is the vendor keeping its after-sales promises?"""
    if version:
        typer.echo(f"kept {__version__}")
        raise typer.Exit


def main() -> None:
    """Runs `kept`; whatever goes wrong ends in one sentence and an exit status."""
    _speak_any_alphabet()
    try:
        status = app(standalone_mode=False)
    except KeptError as error:
        language = Settings.language_of_environment()
        print(catalogue().sentence(error, language), file=sys.stderr)
        sys.exit(error.exit_status)
    except typer.TyperException as error:
        if words := error.format_message():
            print(f"kept: {words}", file=sys.stderr)
        sys.exit(2)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if Settings.debugging():
            raise
        language = Settings.language_of_environment()
        words = catalogue().message(
            "unexpected", language, error=f"{type(error).__name__}: {error}".splitlines()[0]
        )
        print(words, file=sys.stderr)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


def _speak_any_alphabet() -> None:
    """A pipe gets UTF-8; a terminal that lacks a character gets a mark in its place."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
