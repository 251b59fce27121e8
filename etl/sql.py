"""Words of SQL; nothing here knows what they are about."""

from collections.abc import Iterable

import duckdb


def literal(value: object) -> str:
    """A text or path as an SQL string."""
    return "'" + str(value).replace("'", "''") + "'"


def listed(values: Iterable[str]) -> str:
    """Texts as an SQL list to be `in`."""
    return "(" + ", ".join(literal(value) for value in values) + ")"


def was_interrupted(error: BaseException) -> bool:
    """Whether an error is what DuckDB makes of Ctrl-C in the middle of a statement."""
    return isinstance(error, duckdb.InterruptException) or (
        isinstance(error, RuntimeError) and str(error) == "Query interrupted"
    )
