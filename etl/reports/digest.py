"""`kept digest`: what changed, broke and falls due, and how old the data are.

It is for a mailer or a chat robot and remembers nothing. Run every N days with `--since Nd`, its
windows follow one another on the clock, so that every date is announced once.
"""

import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from etl.catalogue import catalogue
from etl.changes import changes, dates_ahead
from etl.errors import KeptError
from etl.intake.load import parse_instant
from etl.marts import Marts
from etl.report import iso

STALE_AFTER = 14
"""Days after which the age of the data is news."""
ANNOUNCED = (90, 30, 7)
"""Days before a date on which it is announced."""
MOST_LINES = 12
"""Lines of one part; how many more there are is said."""
_WECOM_BYTES, _ROBOT_BYTES = 4_000, 18_000
# What a robot would take for a link, a mention or emphasis becomes its full-width twin.
_FULL_WIDTH = {ord(c): ord(c) + 0xFEE0 for c in "<>&*_`[]()#@~|"}


@dataclass(frozen=True)
class Part:
    """One part of the digest: a heading, its first lines, and how many there are."""

    title: str
    lines: tuple[str, ...]
    count: int


@dataclass(frozen=True)
class Digest:
    """What there is to tell; `figures` is the same for machines (see `digest`)."""

    title: str
    parts: tuple[Part, ...]
    figures: Mapping[str, Any]
    language: str

    @property
    def quiet(self) -> bool:
        """Whether there is no news, so that nobody need be told."""
        news = ("verdicts", "newly_broken", "announced")
        return not (self.figures["stale"] or any(self.figures[name] for name in news))


def clock(timezone: str) -> datetime:
    """What the clock says now in the deployment's time zone."""
    return datetime.now(ZoneInfo(timezone)).replace(tzinfo=None, microsecond=0)


def since_when(text: str, timezone: str) -> datetime:
    """A date or instant, or so many days before now (`7d`), in the deployment's time zone.

    Raises KeptError where it is neither.
    """
    if days := re.fullmatch(r"(\d{1,4})d", text.strip()):
        return clock(timezone) - timedelta(days=int(days[1]))
    try:
        return parse_instant(text, timezone)
    except KeptError as error:
        raise KeptError("digest_since_unreadable", value=text) from error


def digest(
    now: Marts,
    then: Marts,
    language: str,
    contract: str | None = None,
    *,
    since: datetime,
    at: datetime,
    stale_after: int = STALE_AFTER,
) -> Digest:
    """What happened from `then` to `now` in the data, and from `since` to `at` on the clock.

    The figures are those of `changes`, and age_days (of the data, at `at`), stale (older than
    `stale_after` days), announced (see `dates_ahead`). Raises KeptError where there is no such
    contract.
    """
    age = max(at - now.horizon_at, timedelta())
    figures = {
        **changes(now, then, contract),
        "since": iso(since),
        "age_days": age.days,
        "stale": age > timedelta(days=stale_after),
        "announced": dates_ahead(now.path, since, at, ANNOUNCED, contract),
    }
    said = _Words(language)
    changed = figures["verdicts"] or figures["newly_broken"]
    stale = [{"at": iso(now.horizon_at), "days": age.days}] if figures["stale"] else []
    parts = (
        said.part("stale", stale, said.stale),
        said.part("announced", figures["announced"], said.announced),
        said.part("verdicts", figures["verdicts"], said.verdict),
        said.part("newly_broken", figures["newly_broken"], said.broken),
        said.part("falls_due", figures["falls_due"] if changed else [], said.due),
    )
    title = catalogue().message(
        "digest_title" if since < now.as_of else "digest_title_still",
        language,
        since=_moment(figures["since"]),
        as_of=_moment(figures["as_of"]),
    )
    return Digest(title, tuple(part for part in parts if part.count), figures, language)


@dataclass(frozen=True)
class _Words:
    language: str

    def part(
        self,
        name: str,
        rows: Sequence[Mapping[str, Any]],
        line: Callable[[Mapping[str, Any]], str],
    ) -> Part:
        title = catalogue().message(f"changes_{name}", self.language, count=len(rows))
        return Part(title, tuple(line(row) for row in rows[:MOST_LINES]), len(rows))

    def verdict(self, row: Mapping[str, Any]) -> str:
        labels = catalogue().verdicts
        return self._say(
            "verdict",
            contract=row["contract_id"],
            clause=self._clause(row["clause"]),
            was=labels[row["was"]].title,
            now=labels[row["is"]].title,
        )

    def broken(self, row: Mapping[str, Any]) -> str:
        return self._say(
            "broken_undated" if row["due"] is None else "broken",
            contract=row["contract_id"],
            clause=self._clause(row["clause"]),
            subject=row["subject"],
            due=_moment(row["due"]),
        )

    def stale(self, row: Mapping[str, Any]) -> str:
        return self._say("stale", at=_moment(row["at"]), days=row["days"])

    def announced(self, row: Mapping[str, Any]) -> str:
        kind = catalogue().message(f"due_{row['kind']}", self.language)
        subject = row["subject"]
        if subject is None:
            subject = self._say("units", count=row["units"])
        elif subject == row["contract_id"]:
            subject = ""
        return self._say(
            "announced_ahead" if row["days_left"] >= 0 else "announced_past",
            contract=row["contract_id"],
            what=f"{kind} {subject}".strip(),
            due=row["due_on"],
            days=abs(row["days_left"]),
        )

    def due(self, row: Mapping[str, Any]) -> str:
        kind = catalogue().message(f"due_{row['kind']}", self.language)
        return self._say(
            "due",
            contract=row["contract_id"],
            what=kind if row["clause"] is None else self._clause(row["clause"]),
            subject=row["subject"] or "",
            due=_moment(row["due_at"]),
        )

    def _clause(self, name: str) -> str:
        return catalogue().clauses[name].title.get(self.language)

    def _say(self, code: str, **values: object) -> str:
        said = catalogue().message(f"digest_{code}", self.language, **values)
        return " ".join(said.split())


def _moment(value: Any) -> str:
    return "—" if value is None else str(value).replace("T", " ")[:16]


# --- as it is sent -------------------------------------------------------------------------------


def as_text(found: Digest) -> str:
    """Plain text."""
    lines = [found.title]
    for part in found.parts:
        lines += ["", part.title, *(f"- {line}" for line in part.lines), *_more(found, part)]
    return "\n".join(lines) + "\n"


def as_html(found: Digest) -> str:
    """A page for a mail: no style sheet, no image, nothing to fetch."""
    body = [f"<h2>{html.escape(found.title)}</h2>"]
    for part in found.parts:
        items = "".join(f"<li>{html.escape(line)}</li>" for line in part.lines)
        more = "".join(f"<p>{html.escape(line)}</p>" for line in _more(found, part))
        body.append(f"<h3>{html.escape(part.title)}</h3><ul>{items}</ul>{more}")
    return (
        f'<!doctype html><html lang="{found.language}"><head><meta charset="utf-8">'
        f"<title>{html.escape(found.title)}</title></head>"
        f'<body style="font-family:sans-serif">{"".join(body)}</body></html>\n'
    )


def as_json(found: Digest) -> str:
    """All of it, not only the first lines."""
    return json.dumps(found.figures, ensure_ascii=False, indent=1, default=str) + "\n"


def as_wecom(found: Digest) -> str:
    """A message of a WeCom robot: Markdown, at most 4,096 bytes."""
    return _payload(
        {"msgtype": "markdown", "markdown": {"content": _markdown(found, _WECOM_BYTES)}}
    )


def as_dingtalk(found: Digest) -> str:
    """A message of a DingTalk robot: Markdown, at most 20,000 bytes."""
    content = {"title": found.title, "text": _markdown(found, _ROBOT_BYTES)}
    return _payload({"msgtype": "markdown", "markdown": content})


def as_feishu(found: Digest) -> str:
    """A post of a Feishu robot: text elements alone, which take nothing in them for markup."""
    lines = _cut(as_text(found).splitlines()[1:], _ROBOT_BYTES, found)
    content = [[{"tag": "text", "text": line}] for line in lines]
    post = {found.language.replace("zh", "zh_cn").replace("en", "en_us"): {
        "title": found.title, "content": content,
    }}  # fmt: skip
    return _payload({"msg_type": "post", "content": {"post": post}})


FORMATS: Mapping[str, Callable[[Digest], str]] = {
    "text": as_text,
    "html": as_html,
    "json": as_json,
    "wecom": as_wecom,
    "dingtalk": as_dingtalk,
    "feishu": as_feishu,
}


def _payload(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def _markdown(found: Digest, most_bytes: int) -> str:
    """Markdown in which what people typed is text: no link, no mention, no emphasis."""
    lines = [f"**{found.title}**"]
    for part in found.parts:
        lines += ["", f"**{part.title}**"]
        lines += [f"- {line.translate(_FULL_WIDTH)}" for line in part.lines]
        lines += _more(found, part)
    return "\n".join(_cut(lines, most_bytes, found))


def _cut(lines: Sequence[str], most_bytes: int, found: Digest) -> list[str]:
    """The lines that fit, and a last one that says so where some do not."""
    kept: list[str] = []
    size = 0
    for line in lines:
        size += len(line.encode()) + 1
        if size > most_bytes:
            return [*kept, catalogue().message("digest_cut", found.language)]
        kept.append(line)
    return kept


def _more(found: Digest, part: Part) -> list[str]:
    if part.count <= len(part.lines):
        return []
    left = part.count - len(part.lines)
    return [catalogue().message("digest_more", found.language, count=left)]
