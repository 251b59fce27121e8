"""Retention money: the contracts, one contract's figures, and the checklist of its clauses."""

from decimal import Decimal
from html import escape

import pandas as pd
import streamlit as st
from babel.numbers import format_decimal

from dashboard import queries
from dashboard.components import drawer
from dashboard.components.card import card, nothing
from dashboard.components.tags import tags
from dashboard.page import Page
from dashboard.queries import retention as asked
from dashboard.texts import plain
from dashboard.theme import Tone
from etl.catalogue import catalogue
from etl.config import Settings
from etl.errors import KeptError
from etl.evidence.chain import Record
from etl.evidence.decisions import Dossier
from etl.evidence.dossier import ClauseFinding

MOST_VISIBLE = 16
VERDICT_TONES = {
    "breaches": "bad",
    "evidence_missing": "warn",
    "open_items": "info",
    "clean": "good",
}
_DELTAS = {"bad": "red", "warn": "orange", "info": "blue", "good": "green"}


def money(page: Page, amount: Decimal, currency: str = "") -> str:
    """An amount to the cent, with its currency."""
    said = format_decimal(amount, "#,##0.00", locale=page.words.locale)
    return f"{said} {currency}".strip()


def verdict(page: Page, name: str) -> str:
    """What a contract's verdict is called."""
    return catalogue().contract_verdicts[name].title.get(page.words.language)


def tone(page: Page, name: str) -> Tone:
    """The colours of a contract's verdict."""
    return page.palette.tone(VERDICT_TONES[name])


def title_of(page: Page, clause: str) -> str:
    """What a clause is called."""
    return catalogue().clauses[clause].title.get(page.words.language)


def recorded(page: Page, *, aloud: bool = False) -> tuple[Record, ...] | None:
    """Every decision; None, and if `aloud` a sentence, where the records cannot be read."""
    try:
        return asked.records(Settings.from_environment())
    except KeptError as error:
        if aloud:
            said = catalogue().sentence(error, page.words.language)
            st.error(plain(said), icon=":material/gpp_bad:")
        return None


def chosen(page: Page) -> Dossier | None:
    """The dossier of the contract in the filters, or of the only one there is."""
    known = queries.contracts(page.book)
    contract = page.filters.contract or (next(iter(known)) if len(known) == 1 else None)
    if contract is None:
        return None
    records = recorded(page)
    if records is None:
        return None
    settings = Settings.from_environment()
    return asked.dossier_in_view(page.book, settings, contract, page.filters.as_of, records)


def days_said(page: Page, days: int) -> str:
    """How far a day is ahead, or how long ago it was."""
    words = page.words
    if days == 0:
        return words("retention.today")
    key = "retention.days_left" if days > 0 else "retention.days_since"
    return words(key, n=words.number(abs(days)))


def contracts(page: Page) -> None:
    """Every contract with what is held, until when, and the verdict; picking one opens it."""
    words = page.words
    records = recorded(page, aloud=True)
    found = asked.contracts(page.book, records or ())
    with card(
        words, "retention", words("retention.contracts"), words("retention.contracts_sub"), found
    ):
        if found.empty:
            nothing(words, "retention.no_contract")
            return
        rows = found.to_dict("records")
        shown = pd.DataFrame(
            {
                "verdict": [[verdict(page, row["verdict"])] for row in rows],
                "contract_id": found["contract_id"],
                "narrow_verdict": [[verdict(page, row["narrow_verdict"])] for row in rows],
                "name": found["name"],
                "vendor": found["vendor"],
                "held": [
                    "—" if records is None else money(page, row["held"], row["currency"])
                    for row in rows
                ],
                "retention_amount": [money(page, row["retention_amount"]) for row in rows],
                "released": [
                    "—" if records is None else money(page, row["released"]) for row in rows
                ],
                "due_on": found["due_on"],
                "days": [
                    words("retention.no_due")
                    if pd.isna(row["days"])
                    else days_said(page, int(row["days"]))
                    for row in rows
                ],
                "standing": [
                    words("retention.provisional")
                    if pd.isna(row["days"]) or row["days"] > 0
                    else words("retention.decidable")
                    for row in rows
                ],
                "blocking": found["blocking"],
            }
        )
        _contract_table(page, shown, list(found["contract_id"]))


def _contract_table(page: Page, shown: pd.DataFrame, ids: list[str]) -> None:
    words, known = page.words, catalogue().logs["contracts"].columns
    key = drawer.numbered("retention_contracts")

    def picked() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            st.session_state["contract"] = ids[int(rows[0])]

    text = st.column_config.TextColumn
    st.dataframe(
        shown,
        key=key,
        hide_index=True,
        height="content" if len(shown) <= MOST_VISIBLE else 560,
        placeholder="",
        on_select=picked,
        selection_mode="single-row",
        alt=words("retention.contracts"),
        column_config={
            **{
                name: tags(
                    label,
                    {verdict(page, one): tone(page, one) for one in VERDICT_TONES},
                    118,
                )
                for name, label in (
                    ("verdict", words("clause.verdict")),
                    ("narrow_verdict", words("retention.narrow_verdict")),
                )
            },
            **{
                name: text(known[name].label.get(words.language), width=width)
                for name, width in (("contract_id", None), ("name", 172), ("vendor", 136))
            },
            **{
                name: text(words(f"retention.{name}"), alignment="right")
                for name in ("held", "retention_amount", "released")
            },
            "due_on": st.column_config.DateColumn(words("retention.due_on")),
            "days": text(words("retention.days")),
            "standing": text(words("retention.standing")),
            "blocking": st.column_config.NumberColumn(words("retention.blocking"), width="small"),
        },
    )


def headline(page: Page, found: Dossier) -> None:
    """One contract: the verdict and what it means, the money, and what is proposed."""
    words = page.words
    label = catalogue().contract_verdicts[found.verdict]
    name = f"{found.contract_id} {found.name or ''}".strip()
    with st.container(border=True, key="card_verdict", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", key="head_verdict"):
            pill = VERDICT_TONES[found.verdict] if not found.bare else "warn"
            st.html(
                f"<div class='kept-sub'>{escape(_about(page, found))}</div>"
                f"<div class='kept-verdict' role='heading' aria-level='2'>{escape(name)} "
                f"<span class='kept-pill {pill}'>{escape(label.title.get(words.language))}</span>"
                f"{_provisional(page, found)}</div>"
                f"<p class='kept-sub'>{escape(label.text.get(words.language))} "
                f"{escape(words('retention.advice'))}</p>"
            )
            if len(queries.contracts(page.book)) > 1:
                st.button(
                    words("retention.all_contracts"),
                    key="retention_back",
                    icon=":material/arrow_back:",
                    type="tertiary",
                    on_click=_all_contracts,
                )
        _narrow(page, found)
        for note in _notes(page, found):
            st.html(f"<p class='kept-warning'>{escape(note)}</p>")
    _figures(page, found)


def _narrow(page: Page, found: Dossier) -> None:
    """The verdict under the other reading of what counts; its counts open their rows."""
    words, alternative = page.words, catalogue().figures["retention"].alternative
    assert alternative is not None
    other = asked.narrow_reading(page.book, found.contract_id)
    name, met = other["other_verdict"], int(other["met"])
    due = met + int(other["breached"]) + int(other["unknown"])
    reading = words("retention.narrow", reading=alternative.get(words.language))
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="narrow"):
        st.html(
            f"<span class='kept-sub'>{escape(reading)}</span> "
            f"<span class='kept-pill {VERDICT_TONES[name]}'>{escape(verdict(page, name))}</span>",
            width="content",
        )
        if due:
            st.button(
                words("retention.narrow_counts", counts=words.counts(met, due)),
                key="open_narrow",
                type="tertiary",
                on_click=drawer.rows,
                args=(words("retention.narrow_verdict"), asked.counted_narrowly(found)),
            )


def _all_contracts() -> None:
    st.session_state["contract"] = ""


def _about(page: Page, found: Dossier) -> str:
    words = page.words
    said = [words("fresh.as_of", at=words.instant(found.as_of))]
    for column in ("vendor", "buyer"):
        value = getattr(found, column)
        if value:
            label = catalogue().logs["contracts"].columns[column].label.get(words.language)
            said.append(f"{label} {value}")
    return " · ".join(said)


def _provisional(page: Page, found: Dossier) -> str:
    if not found.provisional:
        return ""
    return f"<span class='kept-pill info'>{escape(page.words('retention.provisional'))}</span>"


def _notes(page: Page, found: Dossier) -> list[str]:
    """What a reader must know beside the verdict."""
    words = page.words
    notes = []
    if found.bare:
        notes.append(words("retention.bare"))
    if found.due_on is None:
        notes.append(words("retention.not_accepted"))
    elif found.provisional:
        notes.append(words("retention.provisional_until", day=words.day(found.due_on)))
    if found.raw_verdict != found.verdict:
        notes.append(words("retention.raw_verdict", verdict=verdict(page, found.raw_verdict)))
    if page.filters.as_of is not None:
        notes.append(words("retention.other_day", at=words.instant(found.horizon_at)))
    if page.filters.department is not None:
        notes.append(words("retention.no_department"))
    return notes


def _figures(page: Page, found: Dossier) -> None:
    words = page.words
    due = words.day(found.due_on) if found.due_on else words("retention.no_due")
    days = asked.days_to_due(found)
    blocked = len(found.blocking)
    broken = sum(one.verdict == "broken" for one in found.blocking)
    capped = (
        words("retention.no_cap")
        if found.penalty_cap is None
        else words("retention.cap", amount=money(page, found.penalty_cap))
    )
    charged = any(one.penalty_per_breach for one in found.clauses)
    metrics = (
        (
            "held",
            money(page, found.held),
            words(
                "retention.held_from",
                amount=money(page, found.retention_amount, found.currency),
                released=money(page, found.released),
            ),
            "",
        ),
        (
            "due_on",
            due,
            "—" if days is None else days_said(page, days),
            "blue" if found.provisional else "",
        ),
        (
            "deduction",
            money(page, found.deduction) if charged else words("retention.no_deduction"),
            words("retention.raw_amount", amount=money(page, found.raw_deduction)) + f" · {capped}"
            if charged
            else words("retention.no_penalty"),
            "red" if found.deduction else "",
        ),
        (
            "proposed_release",
            money(page, found.proposed_release),
            words("retention.proposed_from"),
            "",
        ),
        (
            "blocking",
            words.counts(blocked, len(found.clauses)),
            words("retention.broken_n", n=words.number(broken)),
            "red" if broken else "orange" if blocked else "green",
        ),
    )
    with st.grid(len(metrics), min_column_width=155, gap="small", key="money"):
        for name, value, said, colour in metrics:
            with st.container(key=f"money_{name}", height="stretch"):
                st.metric(
                    words(f"retention.{name}"),
                    value,
                    delta=said,
                    delta_color=colour or "gray",  # type: ignore[arg-type]
                    delta_arrow="off",
                    help=words(f"retention.{name}_help"),
                    border=True,
                    height="stretch",
                )


def checklist(page: Page, found: Dossier) -> None:
    """Every clause with its counts and verdict, with and without waivers; a row opens its rows."""
    words = page.words
    blocking = {one.clause for one in found.blocking}
    data = _as_frame(found)
    with card(
        words, "checklist", words("retention.checklist"), words("retention.checklist_sub"), data
    ):
        every = words("retention.every", n=len(found.clauses))
        only = words("retention.only_blocking", n=len(blocking))
        shown = st.segmented_control(
            words("retention.which"),
            ("every", "blocking"),
            format_func=lambda one: every if one == "every" else only,
            key="retention_which",
            default="every",
            required=True,
            label_visibility="collapsed",
        )
        listed = [one for one in found.clauses if shown == "every" or one.clause in blocking]
        if not listed:
            nothing(words, "retention.nothing_blocks")
            return
        listed.sort(key=lambda one: (queries.SEVERITY.index(one.verdict), -one.breached))
        row = _checklist_table(page, listed, f"{drawer.numbered('checklist')}_{shown}")
        if row is not None and found.due_on is not None:
            clause = listed[row].clause
            drawer.rows(title_of(page, clause), asked.counted(found, clause))


def _as_frame(found: Dossier) -> pd.DataFrame:
    columns = (
        "clause", "verdict", "met", "breached", "unknown", "pending", "excluded", "target",
        "assumed", "raw_verdict", "raw_breached", "raw_unknown", "penalty_per_breach", "deduction",
        "raw_deduction",
    )  # fmt: skip
    rows = [[getattr(one, name) for name in columns] for one in found.clauses]
    return pd.DataFrame(rows, columns=list(columns)).astype({"target": object})


def _checklist_table(page: Page, listed: list[ClauseFinding], key: str) -> int | None:
    words, labels, states = page.words, catalogue().verdicts, catalogue().states

    def said(name: str) -> str:
        return labels[name].title.get(words.language)

    shown = pd.DataFrame(
        {
            "verdict": [[said(one.verdict)] for one in listed],
            "clause": [title_of(page, one.clause) for one in listed],
            "assumed": [words("promises.assumed") if one.assumed else "" for one in listed],
            "counts": [words.counts(one.met, one.due) if one.due else "—" for one in listed],
            "breached": [beside(page, one.breached, one.raw_breached) for one in listed],
            "unknown": [beside(page, one.unknown, one.raw_unknown) for one in listed],
            "pending": [one.pending for one in listed],
            "excluded": [one.excluded for one in listed],
            "raw": [said(one.raw_verdict) for one in listed],
            "target": [words.share(one.target) for one in listed],
            "deduction": [
                money(page, one.deduction)
                if one.deduction == one.raw_deduction
                else words(
                    "retention.beside",
                    now=money(page, one.deduction),
                    raw=money(page, one.raw_deduction),
                )
                for one in listed
            ],
        }
    )
    dropped = []
    if not any(one.penalty_per_breach for one in listed):
        dropped.append("deduction")
    if not any(one.excluded for one in listed):
        dropped += ["raw", "excluded"]
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    event = st.dataframe(
        shown.drop(columns=dropped),
        key=key,
        hide_index=True,
        height="content" if len(shown) <= MOST_VISIBLE else "stretch",
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        alt=words("retention.checklist"),
        column_config={
            "verdict": tags(
                words("clause.verdict"),
                {said(name): page.palette.tone(name) for name in labels},
                86,
            ),
            "clause": text(words("row.clause"), width=165),
            "assumed": text(words("promises.assumed"), width=72),
            "counts": text(words("clause.counts"), alignment="right", width=96),
            **{
                name: text(states[name].title.get(words.language), alignment="right", width="small")
                for name in ("breached", "unknown")
            },
            **{
                name: number(states[name].title.get(words.language), width=65)
                for name in ("pending", "excluded")
            },
            "raw": text(words("retention.raw"), width=86),
            "target": text(words("clause.target"), alignment="right", width="small"),
            "deduction": text(words("retention.deduction"), alignment="right"),
        },
    )
    picked = event["selection"]["rows"]
    return int(picked[0]) if picked else None


def beside(page: Page, now: int, raw: int) -> str:
    """A count with waivers, and beside it the one without where it is another."""
    words = page.words
    if now == raw:
        return words.number(now)
    return words("retention.beside", now=words.number(now), raw=words.number(raw))
