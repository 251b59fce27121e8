"""Elapsed time in zones with summer time: instants of the wall clock as instants of a timeline.

Logs and marts hold what a clock on the wall shows. A model that measures or compares time writes
`timeline_first(x)` and `timeline_last(x)`, the earliest and the latest instant of the timeline that
the clock can have shown as x, and `wall(x)` for the way back. They differ in the one hour a year
that the clock shows twice. In a zone without summer time all three are x itself.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from etl.sql import literal

FIRST_YEAR, LAST_YEAR = 1990, 2099
_NAMES = ("timeline_first", "timeline_last", "wall")
_HOUR = "interval '1 hour'"


@cache
def has_summer_time(timezone: str) -> bool:
    """Whether the clocks of a zone are ever moved between 1992 and 2099."""
    zone = ZoneInfo(timezone)
    day = datetime(FIRST_YEAR + 2, 1, 1, tzinfo=UTC)
    offset = day.astimezone(zone).utcoffset()
    while day.year <= LAST_YEAR:
        if day.astimezone(zone).utcoffset() != offset:
            return True
        day += timedelta(days=7)
    return False


def in_zone(sql: str, timezone: str) -> str:
    """A model's statement with the three functions written out for the zone."""
    for name in _NAMES:
        while (start := sql.find(f"{name}(")) >= 0:
            end = _closing(sql, start + len(name))
            inner = sql[start + len(name) + 1 : end]
            written = (
                f"({inner})" if not has_summer_time(timezone) else _written(name, inner, timezone)
            )
            sql = f"{sql[:start]}{written}{sql[end + 1 :]}"
    return sql


def _closing(sql: str, opening: int) -> int:
    """Where the parenthesis that opens at `opening` is closed."""
    depth = 0
    for place in range(opening, len(sql)):
        depth += {"(": 1, ")": -1}.get(sql[place], 0)
        if depth == 0:
            return place
    raise ValueError(sql)


def _written(name: str, inner: str, timezone: str) -> str:
    zone = literal(timezone)
    if name == "wall":
        return f"timezone({zone}, timezone('UTC', {inner}))"
    # Of two instants DuckDB takes the later one, in winter time.
    last = f"timezone('UTC', timezone({zone}, {inner}))"
    if name == "timeline_last":
        return last
    return (
        f"case when timezone({zone}, timezone('UTC', {last} - {_HOUR})) = ({inner}) "
        f"then {last} - {_HOUR} else {last} end"
    )
