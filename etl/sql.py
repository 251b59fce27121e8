"""Words of SQL; nothing here knows what they are about."""

from collections.abc import Iterable


def literal(value: object) -> str:
    """A text or path as an SQL string."""
    return "'" + str(value).replace("'", "''") + "'"


def listed(values: Iterable[str]) -> str:
    """Texts as an SQL list to be `in`."""
    return "(" + ", ".join(literal(value) for value in values) + ")"
