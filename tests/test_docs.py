"""The documents: generated parts current, links that lead somewhere, nothing named in vain."""

import contextlib
import io
import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer
from cogapp import Cog

from etl.catalogue import catalogue
from etl.cli import app

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
OPTION = re.compile(r"(?<!\S)--?[a-z][a-z-]*")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def _name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _anchors(file: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", FENCED.sub("", _text(file)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("file", DOCUMENTS, ids=_name)
def test_generated_parts_are_current(file):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = Cog().main(["cog", "--check", "--diff", str(file)])

    assert status == 0, f"run: cog -r README.md docs/*.md\n{said.getvalue()}"


@pytest.mark.parametrize("file", DOCUMENTS, ids=_name)
def test_links_lead_somewhere(file):
    dead = []
    for link in LINK.findall(FENCED.sub("", _text(file))):
        path, _, anchor = unquote(link).partition("#")
        target = (file.parent / path).resolve() if path else file
        there = target.is_relative_to(ROOT) and target.exists()
        if not there or (anchor and anchor not in _anchors(target)):
            dead.append(link)

    assert dead == []


def test_commands_named_in_the_documents_exist():
    group = typer.main.get_command(app)
    known = {
        name: {option for parameter in command.params for option in parameter.opts}
        for name, command in group.commands.items()
    }
    # A call at the start of a line of shell, or between backticks.
    call = re.compile(r"(?:^|`)kept ([a-z]+)([^`#\n]*)", re.MULTILINE)
    wrong = [
        f"{_name(file)}: kept {command}{rest}"
        for file in DOCUMENTS
        for command, rest in call.findall(_text(file))
        if command not in known or not set(OPTION.findall(rest)) <= known[command]
    ]

    assert wrong == []


def test_every_command_has_its_help_in_the_readme():
    text = _text(ROOT / "README.md")
    group = typer.main.get_command(app)

    assert [name for name in group.commands if f"Usage: kept {name} " not in text] == []


def test_the_folder_map_has_every_folder_of_the_project():
    text = _text(ROOT / "README.md")
    folders = [
        folder.name
        for folder in ROOT.iterdir()
        if (folder.is_dir() and any(folder.glob("[!.]*.py"))) or folder.name == "docs"
    ]

    assert len(folders) >= 4
    assert [name for name in folders if f"]({name})" not in text] == []


@pytest.mark.parametrize("log", catalogue().logs)
def test_every_log_is_described(log):
    text = _text(ROOT / "docs" / "logs.md")
    _, _, described = text.partition(f"\n### {log}\n")
    described = described.partition("\n### ")[0]

    assert [c for c in catalogue().logs[log].columns if f"`{c}`" not in described] == []
    assert f"logs.md#{log})" in _text(ROOT / "README.md")


@pytest.mark.parametrize("clause", catalogue().clauses)
def test_every_clause_is_described(clause):
    assert f"#### {clause}\n" in _text(ROOT / "docs" / "figures.md")


def test_variables_of_the_environment_are_those_that_are_read():
    code = _text(ROOT / "etl" / "config.py")
    named = {name for file in DOCUMENTS for name in re.findall(r"\bKEPT_[A-Z_]+", _text(file))}

    assert {name for name in named if name not in code} == set()


def test_the_worked_example_is_the_catalogue_s():
    term = catalogue().terms["onsite_minutes"]
    text = _text(ROOT / "README.md")

    assert term.default == 120
    assert "HT-2025-018,onsite_minutes,90" in text
    assert "onsite_minutes" in catalogue().clauses["sla.onsite"].terms


def test_the_readme_is_the_project_s_description():
    project = tomllib.loads(_text(ROOT / "pyproject.toml"))["project"]

    assert project["readme"] == "README.md"
