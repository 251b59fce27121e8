"""One unit: what it is, its life on one line of time, its warranty event by event, its tickets."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.charts import CONFIG
from dashboard.charts.figure import Drawn, Figure
from dashboard.charts.units import life
from dashboard.components.obligations import choice
from dashboard.page import Page
from dashboard.queries import unit as asked
from etl.catalogue import catalogue

MOST_VISIBLE = 10
_FACTS = (
    "contract_id", "department", "category", "brand", "model", "serial_no", "site",
    "delivered_on", "accepted_on", "retired_on", "replaces_equipment_id",
)  # fmt: skip
_STATUS_TONES = {"in_warranty": "good", "expired": "quiet", "not_accepted": "info"}
Row = Mapping[Any, Any]


def unit(page: Page, equipment_id: str, key: str, *, named: bool = True) -> str | None:
    """Draw the unit, by its name where nothing above says it; the ticket picked in it, if any.

    A sentence where there is no such unit as of now.
    """
    found = asked.unit(page.book, equipment_id)
    if found.empty:
        st.info(page.words("equipment.gone"), icon=":material/info:")
        return None
    row = found.to_dict("records")[0]
    events = asked.extensions(page.book, equipment_id)
    _pills(page, row, named)
    _facts(page, row)
    tickets = asked.tickets(page.book, equipment_id)
    picked = _life(page, row, events, tickets, key)
    _ledger(page, row, events)
    return _tickets(page, tickets, key) or picked


def _pills(page: Page, row: Row, named: bool) -> None:
    """What has to be known of it first."""
    words = page.words
    status = words(f"status.{row['status']}")
    if row["status"] == "in_warranty":
        status = words("equipment.days_left", n=words.number(int(row["days_left"])))
    said = [(_STATUS_TONES.get(row["status"], "quiet"), status)]
    if not pd.isna(row["replacement_due"]) and not isinstance(row["replaced_by"], str):
        due = row["replacement_due"].date()
        late = due < page.book.as_of.date()
        said.append(("bad" if late else "warn", words("equipment.replace_by", day=words.day(due))))
    if not pd.isna(row["short_days"]):
        said.append(("bad", words("equipment.short", n=words.number(int(row["short_days"])))))
    if isinstance(row["replaced_by"], str):
        said.append(("quiet", words("equipment.replaced_by", unit=row["replaced_by"])))
    pills = "".join(f"<span class='kept-pill {tone}'>{escape(text)}</span>" for tone, text in said)
    name = f"{escape(str(row['equipment_id']))}&ensp;" if named else ""
    st.html(f"<div class='kept-title'>{name}{pills}</div>")


def _facts(page: Page, row: Row) -> None:
    words, columns = page.words, catalogue().logs["equipment"].columns
    said = [
        (columns[name].label.get(words.language), _cell(page, row[name]))
        for name in _FACTS
        if not pd.isna(row[name])
    ]
    served = asked.service(page.book, str(row["equipment_id"])).to_dict("records")[0]
    if served["service_seconds"] and "tickets" in queries.loaded(page.book):
        down, known = served["down_seconds"], not pd.isna(served["down_seconds"])
        said += [
            *(
                (words(f"availability.{name}"), _share(page, served[part], served))
                for name, part in (("title", "up_seconds"), ("with_loaner", "served_seconds"))
            ),
            (
                words("availability.down"),
                (words.duration(int(down)) or words("equipment.never_down")) if known else "—",
            ),
            (words("availability.faults"), words.number(int(served["faults"]))),
        ]
        if served["repairs"]:
            said.append((words("availability.mttr"), words.duration(int(served["mttr_seconds"]))))
        elif served["faults"]:
            said.append((words("availability.mttr"), "—"))
    st.html(
        "<div class='kept-facts'>"
        + "".join(
            f"<div><span>{escape(name)}</span><b>{escape(text)}</b></div>" for name, text in said
        )
        + "</div>"
    )


def _share(page: Page, part: Any, served: Row) -> str:
    if pd.isna(part):
        return "—"
    return page.words.percent(int(part), int(served["service_seconds"]))


def _cell(page: Page, value: object) -> str:
    return page.words.day(value.date()) if isinstance(value, pd.Timestamp) else str(value)


def _end_of(day: Any) -> datetime:
    return datetime.combine(day.date(), time()) + timedelta(days=1)


def _life(
    page: Page, row: Row, events: pd.DataFrame, tickets: pd.DataFrame, key: str
) -> str | None:
    """Draw the line of time; the ticket whose mark was clicked, if any."""
    words = page.words
    if pd.isna(row["accepted_on"]):
        st.html(f"<div class='kept-nothing'>{escape(words('equipment.not_accepted'))}</div>")
        return None
    st.html(f"<div class='kept-title'>{escape(words('equipment.life'))}</div>")
    event = st.plotly_chart(
        Drawn(_figure(page, row, events, tickets)),
        theme=None,
        config=CONFIG,
        key=f"{key}_life",
        alt=words("equipment.life"),
        on_select="rerun",
        selection_mode="points",
    )
    points = event["selection"]["points"]
    known = set(tickets["ticket_id"])
    picked = points[0].get("customdata") if points else None
    return str(picked[0]) if picked and picked[0] in known else None


def _figure(page: Page, row: Row, events: pd.DataFrame, tickets: pd.DataFrame) -> Figure:
    words, as_of = page.words, page.book.as_of
    accepted = row["accepted_on"].to_pydatetime()
    retired = row["retired_on"]
    until: datetime = as_of if pd.isna(retired) else retired.to_pydatetime()
    spans = []

    def span(line: str, look: str, since: datetime, to: datetime, said: str, hover: str, key: str):  # type: ignore[no-untyped-def]
        if since < to:
            spans.append(
                {
                    "row": line, "look": look, "from_at": since, "to_at": to,
                    "said": said, "hover": hover, "key": key,
                }
            )  # fmt: skip

    def told(title: str, since: datetime, to: datetime, more: str = "") -> str:
        return (
            f"<b>{escape(title)}</b><br>{words.instant(since)} – {words.instant(to)}"
            f"{f'<br>{escape(more)}' if more else ''}"
        )

    span(
        "service",
        "service",
        accepted,
        until,
        "",
        told(words("equipment.service"), accepted, until),
        "",
    )
    base = _end_of(row["base_expires_on"])
    span(
        "warranty", "base", accepted, base, "",
        f"<b>{escape(words('equipment.base'))}</b><br>"
        f"{words.day(accepted.date())} – {words.day(row['base_expires_on'].date())}",
        "",
    )  # fmt: skip
    for one in events[events["until_on"].notna()].to_dict("records"):
        span(
            "warranty",
            "sure" if one["counts"] else "perhaps",
            one["from_on"].to_pydatetime(),
            _end_of(one["until_on"]),
            f"+{int(one['extension_days'])}",
            f"<b>{escape(_effect(page, one))}</b><br>{escape(one['ticket_id'])} · "
            f"{words.instant(one['reported_at'].to_pydatetime())}",
            one["ticket_id"],
        )
    for one in asked.stretches(page.book, str(row["equipment_id"])).to_dict("records"):
        since, to = one["from_at"].to_pydatetime(), one["to_at"].to_pydatetime()
        title = words(f"equipment.{one['kind']}")
        ticket = one["ticket_id"] if isinstance(one["ticket_id"], str) else ""
        span(
            "loaner" if one["kind"] == "loaner" else "down",
            one["kind"], since, to, "",
            told(f"{title} {words.duration(int(one['seconds']))}", since, to, ticket),
            ticket,
        )  # fmt: skip
    marks = pd.DataFrame(
        [
            {
                "row": "tickets",
                "at": one["reported_at"].to_pydatetime(),
                "tone": _tone(one),
                "hollow": not one["finished"],
                "hover": f"<b>{escape(one['ticket_id'])}</b><br>{escape(_kind(page, one))}<br>"
                f"{words.instant(one['reported_at'].to_pydatetime())}",
                "key": one["ticket_id"],
            }
            for one in tickets.to_dict("records")
        ],
        columns=["row", "at", "tone", "hollow", "hover", "key"],
    )
    lines = [
        (as_of, words("equipment.as_of")),
        (
            _end_of(row["expires_on"]),
            words("equipment.ends", day=words.day(row["expires_on"].date())),
        ),
    ]
    return life(
        pd.DataFrame(spans),
        marks,
        page.palette,
        rows=[(name, words(f"equipment.{name}")) for name in _rows(spans, marks)],
        lines=lines,
    )


def _rows(spans: list[dict[str, Any]], marks: pd.DataFrame) -> list[str]:
    drawn = {one["row"] for one in spans} | set(marks["row"])
    return [
        name
        for name in ("service", "warranty", "down", "loaner", "tickets")
        if name in drawn or name != "loaner"
    ]


def _tone(ticket: Row) -> str:
    if ticket["outcome"] == "not_fixed":
        return "bad"
    return "" if ticket["is_fault"] else "quiet"


def _kind(page: Page, ticket: Row) -> str:
    language = page.words.language
    said = [choice(language, "service_type", ticket["service_type"])]
    if isinstance(ticket["outcome"], str):
        said.append(choice(language, "outcome", ticket["outcome"]))
    return " · ".join(said)


def _effect(page: Page, event: Row) -> str:
    name = "counts" if event["counts"] else "may_count" if event["may_count"] else "too_late"
    return page.words(f"extension.{name}", n=int(event["extension_days"]))


def _ledger(page: Page, row: Row, events: pd.DataFrame) -> None:
    """Acceptance, base term, every event with its ticket, and the day on which it ends."""
    words = page.words
    if pd.isna(row["accepted_on"]):
        return

    def step(title: str, day: date, said: str = "", tone: str = "") -> str:
        note = f"<span class='kept-pill {tone}'>{escape(said)}</span>" if tone else escape(said)
        return (
            f"<li><b>{escape(title)}</b><time>{escape(words.day(day))}</time><em>{note}</em></li>"
        )

    steps = [
        step(words("equipment.accepted"), row["accepted_on"].date()),
        step(words("equipment.base_ends"), row["base_expires_on"].date()),
    ]
    tones = {True: "", False: "quiet"}
    for one in events.to_dict("records"):
        perhaps = one["may_count"] and not one["counts"]
        until = "" if pd.isna(one["until_on"]) else words.day(one["until_on"].date())
        said = _effect(page, one) + (f" → {until}" if until else "")
        steps.append(
            step(
                one["ticket_id"],
                one["reported_at"].date(),
                said,
                "warn" if perhaps else tones[bool(one["counts"])],
            )
        )
    steps.append(step(words("equipment.expires"), row["expires_on"].date()))
    if row["possible_expires_on"] != row["expires_on"]:
        steps.append(
            step(
                words("equipment.may_expire"),
                row["possible_expires_on"].date(),
                words("equipment.may_expire_why"),
                "warn",
            )
        )
    st.html(
        f"<div class='kept-title'>{escape(words('equipment.ledger'))}</div>"
        f"<p class='kept-sub'>{escape(_register(page, row))}</p>"
    )
    st.html(f"<ol class='kept-steps'>{''.join(steps)}</ol>")


def _register(page: Page, row: Row) -> str:
    """How the register's date compares with the computed one."""
    words = page.words
    if pd.isna(row["warranty_until"]):
        return words("equipment.register_empty")
    day = words.day(row["warranty_until"].date())
    if not pd.isna(row["short_days"]):
        return words("equipment.register_short", day=day, n=words.number(int(row["short_days"])))
    if row["warranty_until"] < row["possible_expires_on"]:
        return words("equipment.register_unsure", day=day)
    return words("equipment.register_kept", day=day)


def _tickets(page: Page, tickets: pd.DataFrame, key: str) -> str | None:
    words, columns = page.words, catalogue().logs["tickets"].columns
    title = words("equipment.tickets_n", n=words.number(len(tickets)))
    st.html(
        f"<div class='kept-title'>{escape(title)}</div>"
        f"<div class='kept-sub'>{escape(words('equipment.tickets_open'))}</div>"
    )
    if tickets.empty:
        st.html(f"<div class='kept-nothing'>{escape(words('equipment.no_tickets'))}</div>")
        return None
    language = words.language
    shown = pd.DataFrame(
        {
            "ticket_id": tickets["ticket_id"],
            "service_type": [
                choice(language, "service_type", one) for one in tickets["service_type"]
            ],
            "problem_code": tickets["problem_code"],
            "reported_at": [words.instant(at.to_pydatetime()) for at in tickets["reported_at"]],
            "took": [
                words.duration(int(n))
                if not pd.isna(n)
                else "—"
                if finished
                else words("equipment.still_open")
                for n, finished in zip(tickets["seconds"], tickets["finished"], strict=True)
            ],
            "outcome": [
                choice(language, "outcome", one) if isinstance(one, str) else None
                for one in tickets["outcome"]
            ],
        }
    )
    event = st.dataframe(
        shown.drop(columns=[name for name in shown if shown[name].isna().all()]),
        key=f"{key}_tickets",
        hide_index=True,
        height="content" if len(shown) <= MOST_VISIBLE else 400,
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("equipment.tickets"),
        column_config={
            "took": st.column_config.TextColumn(words("equipment.took")),
            **{
                name: st.column_config.TextColumn(columns[name].label.get(language))
                for name in ("ticket_id", "service_type", "problem_code", "reported_at", "outcome")
            },
        },
    )
    picked = event["selection"]["rows"]
    return str(tickets.iloc[picked[0]]["ticket_id"]) if picked else None
