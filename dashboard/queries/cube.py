"""A small mart held in memory: its sums by any of its keys, without a statement for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

Values = Mapping[str, np.ndarray[Any, np.dtype[Any]]]


@dataclass(frozen=True)
class Cube:
    """The rows of a mart: per key the place of each row's value in its sorted values (an empty one
    is ""), and a matrix rows × measures.
    """

    codes: Values
    values: Values
    measures: tuple[str, ...]
    matrix: np.ndarray[Any, np.dtype[np.int64]]

    @classmethod
    def of(cls, rows: pd.DataFrame, measures: Sequence[str]) -> "Cube":
        """Of a frame with `measures` and keys."""
        codes, values = {}, {}
        for name in rows.columns.difference(list(measures)):
            column = rows[name].to_numpy(dtype=object, na_value="")
            codes[str(name)], values[str(name)] = pd.factorize(column, sort=True)
        matrix = rows[list(measures)].to_numpy(dtype=np.int64)
        return cls(codes, values, tuple(measures), matrix)

    def sums(
        self,
        by: Sequence[str],
        among: Mapping[str, Sequence[object]],
        first: str | None = None,
        last: str | None = None,
    ) -> pd.DataFrame:
        """The measures summed per `by`, in its order, over the rows whose keys are `among` the
        values given and whose month lies between `first` and `last`.
        """
        inside = np.ones(len(self.matrix), dtype=bool)
        for name, wanted in among.items():
            inside &= pd.Index(self.values[name]).isin(list(wanted))[self.codes[name]]
        if first is not None or last is not None:
            months = self.values["month"]
            dated = (months >= (first or "0")) & (months <= (last or "9"))
            inside &= dated[self.codes["month"]]
        matrix = self.matrix[inside]
        if not by:
            return pd.DataFrame([matrix.sum(axis=0)], columns=list(self.measures))
        shape = tuple(len(self.values[name]) for name in by)
        cells = np.zeros(len(matrix), dtype=np.int64)
        for name, size in zip(by, shape, strict=True):
            cells = cells * size + self.codes[name][inside]
        order = np.argsort(cells, kind="stable")
        there, starts = np.unique(cells[order], return_index=True)
        sums = np.add.reduceat(matrix[order], starts) if len(there) else matrix
        places = np.unravel_index(there, shape)
        return pd.DataFrame(
            {
                **{name: self.values[name][at] for name, at in zip(by, places, strict=True)},
                **{name: sums[:, at] for at, name in enumerate(self.measures)},
            }
        )
