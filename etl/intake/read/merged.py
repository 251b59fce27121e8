"""Merged ranges of a sheet: each row of a range has the value that stands in its first cell."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from etl.intake.read.odd_cells import MERGED, Range
from etl.intake.read.source import BLANKS


class Fill:
    """A sheet as Arrow text, its merged ranges filled down; `first` is its first column.

    batch  the sheet; a row without content of its own stays blank
    rows   position of a column → the rows that were filled, counted from 0

    Raises ValueError where the ranges overlap.
    """

    def __init__(self, ranges: Iterable[Range], first: int, batch: Any) -> None:
        self.batch, self.first = batch, first
        self.rows: dict[int, Any] = {}
        self._origins: dict[int, Any] = {}
        self._across = [found for found in ranges if found[3] > found[2]]
        down: dict[int, list[tuple[int, int]]] = {}
        for top, bottom, left, _ in ranges:
            position = left - first
            if bottom > top and top < batch.num_rows and 0 <= position < batch.num_columns:
                down.setdefault(position, []).append((top, min(bottom, batch.num_rows - 1)))
        if down:
            self._fill(down)

    def _fill(self, down: Mapping[int, list[tuple[int, int]]]) -> None:
        import numpy as np
        import pyarrow as pa

        filled = [_has_content(column) for column in self.batch.columns]
        own_content = np.logical_or.reduce(filled)
        for position, ranges in down.items():
            origins = np.arange(self.batch.num_rows)
            if sum(bottom - top + 1 for top, bottom in ranges) > self.batch.num_rows:
                raise ValueError("merged ranges overlap")
            for top, bottom in ranges:
                if filled[position][top]:
                    origins[top : bottom + 1] = top
            origins = np.where(own_content, origins, np.arange(self.batch.num_rows))
            rows = np.flatnonzero(origins != np.arange(self.batch.num_rows))
            if len(rows):
                self.rows[position], self._origins[position] = rows, origins
                column = self.batch.column(position).take(pa.array(origins))
                self.batch = _with_column(self.batch, position, column)

    def origin(self, position: int, row: int) -> int:
        """The row in which the value of a cell stands."""
        origins = self._origins.get(position)
        return row if origins is None else int(origins[row])

    def across(self, rows: int) -> dict[int, list[tuple[int, int]]]:
        """The columns, first and last, that are merged in each of the first rows."""
        found: dict[int, list[tuple[int, int]]] = {}
        for top, bottom, left, right in self._across:
            for row in range(top, min(bottom + 1, rows)):
                found.setdefault(row, []).append((left - self.first, right - self.first))
        return found

    def marked(self, batch: Any, numbers: Collection[int]) -> Any:
        """`batch` where a number of these columns that several rows have is no longer one."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        for position in self.rows.keys() & set(numbers):
            rows = self.rows[position]
            shared = np.zeros(batch.num_rows, bool)
            shared[rows] = shared[self._origins[position][rows]] = True
            column = batch.column(position)
            texts = pc.binary_join_element_wise(MERGED, column, "")
            batch = _with_column(batch, position, pc.if_else(pa.array(shared), texts, column))
        return batch


def _has_content(column: Any) -> Any:
    import pyarrow.compute as pc

    has = pc.not_equal(pc.utf8_trim(column, BLANKS), "")
    return pc.fill_null(has, False).to_numpy(zero_copy_only=False)


def _with_column(batch: Any, position: int, column: Any) -> Any:
    return batch.set_column(position, batch.schema.field(position), column)
