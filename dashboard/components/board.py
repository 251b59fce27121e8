"""The promise board: promises × contracts, coloured by verdict; a cell opens what is behind it."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.components import drawer
from dashboard.components.built import built
from dashboard.components.card import fitted
from dashboard.page import Page
from etl.catalogue import catalogue

MOST_COLUMNS = 8


@dataclass(frozen=True)
class Cell:
    """What stands in one cell of the board."""

    verdict: str
    said: str


@dataclass(frozen=True)
class _Grid:
    """The board as it is drawn: promises × contracts, `wide`, or turned where these are many."""

    names: dict[str, str]
    rows: list[str]
    columns: list[str]
    wide: bool
    by_clause: bool
    shown: pd.DataFrame
    tones: pd.DataFrame

    @property
    def row_height(self) -> int:
        return 30 if self.by_clause else 38

    @property
    def height(self) -> int:
        return fitted(len(self.shown), self.row_height)


def _place(row: str, column: str, *, wide: bool) -> tuple[str, str]:
    """Promise and contract of a cell of the board."""
    return (row, column) if wide else (column, row)


def height(page: Page) -> int:
    """How high the board is."""
    return _grid_of(page).height


def board(page: Page) -> None:
    """Draw groups of clauses, each cell its worst clause; where there is one group, its clauses."""
    grid = _grid_of(page)
    names, rows, columns, shown = grid.names, grid.rows, grid.columns, grid.shown

    key = drawer.numbered("board")

    def picked() -> None:
        chosen = st.session_state[key]["selection"]["cells"]
        if chosen and chosen[0][1] in shown.columns:
            column = columns[list(shown.columns).index(chosen[0][1])]
            promise, contract = _place(rows[int(chosen[0][0])], column, wide=grid.wide)
            title = f"{names[promise]} · {contract}"
            if grid.by_clause:
                drawer.rows(title, page.selection.but(contract=contract, clauses=(promise,)))
            else:
                found = queries.verdicts(page.book, page.selection)
                inside = tuple(found[found["group"] == promise]["clause"].unique())
                drawer.group(title, page.selection.but(contract=contract, clauses=inside))

    st.dataframe(
        shown.style.apply(lambda _: grid.tones, axis=None),
        key=key,
        height=grid.height,
        row_height=grid.row_height,
        on_select=picked,
        selection_mode="single-cell",
        alt=page.words("board.title"),
        column_config={
            "_index": st.column_config.TextColumn("", width=150 if grid.by_clause else 118),
            **{
                name: st.column_config.TextColumn(name, alignment="center")
                for name in map(str, shown)
            },
        },
    )


def _grid_of(page: Page) -> _Grid:
    return built(page, "board", page.selection, lambda: _grid(page))


def _grid(page: Page) -> _Grid:
    found = queries.verdicts(page.book, page.selection)
    by_clause = found["group"].nunique() == 1
    names, cells = _clauses(page, found) if by_clause else _groups(page)
    contracts = list(dict.fromkeys(contract for _, contract in cells))
    wide = len(contracts) <= MOST_COLUMNS
    rows, columns = (list(names), contracts) if wide else (contracts, list(names))
    inside = [[cells[_place(row, column, wide=wide)] for column in columns] for row in rows]
    index = [names.get(row, row) for row in rows]
    heads = [names.get(column, column) for column in columns]
    return _Grid(
        names,
        rows,
        columns,
        wide,
        by_clause,
        pd.DataFrame([[cell.said for cell in line] for line in inside], index, heads),
        pd.DataFrame(
            [[_style(page, cell.verdict) for cell in line] for line in inside], index, heads
        ),
    )


def _groups(page: Page) -> tuple[dict[str, str], dict[tuple[str, str], Cell]]:
    """How many of a group's clauses have its worst verdict; those without activity are out."""
    words, labels = page.words, catalogue().verdicts
    names, cells = {}, {}
    for row in queries.board(page.book, page.selection).to_dict("records"):
        group, title = row["group"], labels[row["verdict"]].title.get(words.language)
        names[group] = catalogue().groups[group].get(words.language)
        said = words("board.cell", verdict=title.lower(), part=row["part"], whole=row["whole"])
        cells[group, row["contract_id"]] = Cell(row["verdict"], said if row["part"] else title)
    return names, cells


def _clauses(page: Page, found: pd.DataFrame) -> tuple[dict[str, str], dict[tuple[str, str], Cell]]:
    """How many of a clause's obligations were met, of those that were due."""
    words, labels = page.words, catalogue().verdicts
    names, cells = {}, {}
    for row in found.to_dict("records"):
        clause, title = row["clause"], labels[row["verdict"]].title.get(words.language)
        names[clause] = catalogue().clauses[clause].title.get(words.language)
        said = f"{title} {words.counts(row['met'], row['due'])}" if row["due"] else title
        cells[clause, row["contract_id"]] = Cell(row["verdict"], said)
    return names, cells


def _style(page: Page, verdict: str) -> str:
    tone = page.palette.tone(verdict)
    return f"background-color: {tone.tint}; color: {tone.text}"
