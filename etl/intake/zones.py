"""Local times that a time zone has twice, or not at all; times counted on the timeline."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from etl.sql import literal

Shift = tuple[datetime, datetime]
"""The first local time that is there twice or not at all, and the first after it."""

# The years of which a date is believed.
_FIRST, _LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_STEP = timedelta(days=7)  # no zone goes back and forth within a week


@lru_cache(maxsize=16)
def shifts(timezone: str) -> tuple[Shift, ...]:
    """Where the clocks of a zone are put forward or back from 1990 to 2099, in their order."""
    zone = ZoneInfo(timezone)
    found = []
    before, moment = _FIRST, _FIRST
    while moment < _LAST:
        before, moment = moment, moment + _STEP
        if before.astimezone(zone).utcoffset() != moment.astimezone(zone).utcoffset():
            found.append(_shift(zone, before, moment))
    return tuple(found)


def _shift(zone: ZoneInfo, before: datetime, after: datetime) -> Shift:
    """The change of offset between two moments, as local times."""
    early, late = before.astimezone(zone).utcoffset(), after.astimezone(zone).utcoffset()
    assert early is not None
    assert late is not None
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=1) // 2)
        if middle.astimezone(zone).utcoffset() == early:
            before = middle
        else:
            after = middle
    moment = after.replace(tzinfo=None)
    return moment + min(early, late), moment + max(early, late)


def local_now(timezone: str) -> datetime:
    """The moment as a local time of `timezone`, to the second."""
    return datetime.now(ZoneInfo(timezone)).replace(microsecond=0, tzinfo=None)


def later(start: str, seconds: str, timezone: str) -> str:
    """The expression for the local time so many seconds after the one in `start`."""
    span = f"to_seconds(cast({seconds} as bigint))"
    known = shifts(timezone)
    if not known:
        return f"{start} + {span}"
    zone, last = literal(timezone), literal(known[-1][1])
    return (
        f"case when {start} < timestamp {last} "
        f"then timezone({zone}, timezone({zone}, {start}) + {span}) else {start} + {span} end"
    )


def in_shift(instant: str, known: tuple[Shift, ...]) -> str:
    """Whether the local time in `instant` is there twice, or not at all."""
    return " or ".join(
        f"({instant} >= timestamp {literal(begins)} and {instant} < timestamp {literal(ends)})"
        for begins, ends in known
    )
