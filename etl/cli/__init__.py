"""The `kept` command: parse, call, print. Everything it does, the same functions do for the pages.

Exit status: 0 done, 1 nothing could be done though the call was right, 2 the call or a file is
wrong, 130 interrupted. What is wrong is one sentence on stderr.
"""

import io
import os
import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from etl import __version__
from etl.catalogue import catalogue
from etl.cli.common import app
from etl.config import Settings
from etl.disk import is_full
from etl.errors import KeptError
from etl.generations import healing
from etl.journal import Journal
from etl.journal import keeping as noted_in
from etl.sql import was_interrupted

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
from etl.cli import keeping as keeping

# isort: split
from etl.cli import serving as serving

INTERRUPTED = 130


@app.callback(invoke_without_command=True)
def common(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Kept (履约): is the vendor keeping its after-sales promises?"""
    if version:
        typer.echo(f"kept {__version__}")
        raise typer.Exit


def main(interrupted: bool = False) -> None:
    """Runs `kept`; whatever goes wrong ends in one sentence and an exit status.

    `interrupted`: Ctrl-C was pressed before it could run.
    """
    _speak_any_alphabet()
    # What Kept writes is for its owner and group, unless it is for the owner alone.
    os.umask(os.umask(0o027) | 0o027)
    said = Journal(_say)
    try:
        with noted_in(said):
            status = INTERRUPTED if interrupted else healing(lambda: app(standalone_mode=False))
        if status == INTERRUPTED:  # what typer makes of Ctrl-C
            raise KeyboardInterrupt
    except KeptError as error:
        print(catalogue().sentence(error, Settings.language_of_environment()), file=sys.stderr)
        sys.exit(error.exit_status)
    except typer.TyperException as error:
        if words := error.format_message():
            print(f"kept: {words}", file=sys.stderr)
        sys.exit(2)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(_interrupted(said))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if was_interrupted(error):
            sys.exit(_interrupted(said))
        if Settings.debugging():
            raise
        if is_full(error):
            _say("disk_full_output", {"file": getattr(error, "filename", None) or error})
        else:
            what = f"{type(error).__name__}: {error}".splitlines()[0]
            _say("unexpected", {"error": what})
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


def _interrupted(said: Journal) -> int:
    if said.written:
        _say("interrupted_after", {"written": said.written[-1]})
    else:
        _say("interrupted", {})
    return INTERRUPTED


def _say(code: str, values: Mapping[str, object]) -> None:
    words = catalogue().message(code, Settings.language_of_environment(), **values)
    print(words, file=sys.stderr)


def _speak_any_alphabet() -> None:
    """A pipe gets UTF-8; a terminal that lacks a character gets a mark in its place."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
