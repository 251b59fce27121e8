"""Decisions on record: each with its proof, what was known then beside what is known now."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from html import escape
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from dashboard import queries
from dashboard.components import drawer
from dashboard.components.card import card, nothing
from dashboard.components.retention import money, recorded, title_of, verdict
from dashboard.page import Page
from dashboard.queries import retention as asked
from dashboard.texts import plain
from etl.catalogue import catalogue
from etl.config import Settings
from etl.errors import KeptError
from etl.evidence.chain import Record
from etl.evidence.decisions import Dossier, contradictions, parse_checkpoint, superseded
from etl.evidence.pack import write_pack
from etl.evidence.verify import verify_chain
from etl.pdf import chinese_font
from etl.scratch import scratch

MOST_VISIBLE = 8
AGAINST_SHOWN = 12
_THEN = "retention.then"


def facts(page: Page, lines: Sequence[tuple[str, str]]) -> None:
    """Names and values, one a line, letter by letter."""
    rows = "".join(
        f"<tr><th scope='row'>{escape(name)}</th><td>{escape(said)}</td></tr>"
        for name, said in lines
    )
    st.html(f"<table class='kept-record'><tbody>{rows}</tbody></table>")


def recorded_facts(page: Page, record: Record, place: str) -> None:
    """One decision as it stands on record, its checkpoint, and its pack; `place` on the page."""
    words = page.words
    amounts = record.content["amounts"]
    lines = [
        ("action", catalogue().message(f"decision_{record.action}", words.language)),
        ("amount", money(page, record.amount, str(record.content["currency"]))),
        ("held_before", money(page, Decimal(amounts["held"]))),
        ("verdict", _verdict_then(page, record)),
        ("as_of", instant(page, record, record.as_of)),
        ("manifest", words("retention.manifest_said", n=record.manifest)),
        ("reasons", "\n".join(record.reasons) or "—"),
        ("conditions", "\n".join(record.conditions) or "—"),
        ("prepared_by", record.prepared_by),
        ("approved_by", record.approved_by),
        (
            "authenticated",
            words(
                "retention.authenticated_yes"
                if record.authenticated
                else "retention.unauthenticated_short"
            ),
        ),
        ("created_at", instant(page, record, record.created_at)),
    ]
    if record.supersedes is not None:
        lines.append(("supersedes", f"#{record.supersedes}"))
    facts(page, [(words(f"retention.{name}"), said) for name, said in lines])
    st.html(
        f"<div class='kept-title'>{escape(words('retention.checkpoint'))}</div>"
        f"<div class='kept-sub'>{escape(words('retention.checkpoint_sub'))}</div>"
    )
    st.code(record.checkpoint.text, language=None, wrap_lines=True)
    _pack(page, record, place)


def _verdict_then(page: Page, record: Record) -> str:
    said = verdict(page, record.verdict)
    if record.provisional:
        said += f" · {page.words('retention.provisional')}"
    return said


def instant(page: Page, record: Record, iso: str) -> str:
    """An instant of a record by the warehouse's clock."""
    at = datetime.fromisoformat(iso)
    if at.tzinfo is not None:
        at = at.astimezone(ZoneInfo(str(record.content["timezone"]))).replace(tzinfo=None)
    return page.words.instant(at)


def _pack(page: Page, record: Record, place: str) -> None:
    pack(page, record, f"retention_pack_{place}", page.words("retention.pack"), record.seq)


def pack(page: Page, subject: Record | Dossier, key: str, label: str, name: object) -> None:
    """The button that makes a pack and hands it over; where none can be made, the reason."""
    words = page.words
    why = _why_none()
    st.download_button(
        label,
        data=partial(_pack_bytes, subject),
        file_name=f"kept-evidence-{name}.zip",
        mime="application/zip",
        key=key,
        on_click="ignore",
        icon=":material/folder_zip:",
        help=words("retention.pack_help")
        if why is None
        else plain(catalogue().sentence(why, words.language)),
        disabled=why is not None,
    )


def _why_none() -> KeptError | None:
    """Why no pack can be made: a download that fails could not say it."""
    try:
        chinese_font()
    except KeptError as error:
        return error
    return None


def _pack_bytes(subject: Record | Dossier) -> bytes:
    with scratch("pack") as folder:
        return write_pack(Settings.from_environment(), subject, folder).read_bytes()


def chain(page: Page) -> None:
    """The chain of all decisions: how long it is, its head, and whether it holds."""
    words = page.words
    with card(words, "chain", words("retention.chain"), words("retention.chain_sub")):
        records = recorded(page)
        if records:
            head = records[-1]
            said = words("retention.chain_head", n=len(records), seq=head.seq, hash=head.hash[:12])
            st.html(f"<p class='kept-sub'>{escape(said)}</p>")
        elif records is not None:
            nothing(words, "retention.no_decisions")
        if records is None or records:
            printed = st.text_input(
                words("retention.checkpoint_given"),
                placeholder=words("retention.checkpoint_hint"),
                key="retention_checkpoint",
                max_chars=200,
            )
            if st.button(
                words("retention.verify"), key="retention_verify", icon=":material/fact_check:"
            ):
                _verify(page, printed)


def _verify(page: Page, printed: str) -> None:
    words = page.words
    try:
        given = (parse_checkpoint(printed),) if printed.strip() else ()
        found = verify_chain(Settings.from_environment(), given)
    except KeptError as error:
        st.error(plain(catalogue().sentence(error, words.language)), icon=":material/error:")
        return
    if found.sound:
        key = "retention.chain_sound_since" if given else "retention.chain_sound"
        st.success(words(key, n=found.records), icon=":material/check:")
    for one in found.findings:
        st.error(plain(one.text(words.language)), icon=":material/gpp_bad:")
    for one in found.notes:
        st.caption(plain(one.text(words.language)))


def history(page: Page, found: Dossier) -> None:
    """The decisions on this contract; picking one shows its record, then and now."""
    words = page.words
    records = found.records
    with card(words, "history", words("retention.history"), words("retention.history_sub")):
        if not records:
            nothing(words, "retention.never_decided")
            return
        gone = superseded(records)
        against = {one.seq: contradictions(one, found) for one in records}
        latest = records[::-1]
        shown = pd.DataFrame(
            {
                "seq": [one.seq for one in latest],
                "created_at": [instant(page, one, one.created_at) for one in latest],
                "action": [
                    catalogue().message(f"decision_{one.action}", words.language) for one in latest
                ],
                "amount": [money(page, one.amount) for one in latest],
                "verdict": [_verdict_then(page, one) for one in latest],
                "as_of": [instant(page, one, one.as_of) for one in latest],
                "standing": [
                    words("retention.superseded")
                    if one.seq in gone
                    else words("retention.against", n=len(against[one.seq]))
                    if against[one.seq]
                    else words("retention.stands")
                    for one in latest
                ],
                "prepared_by": [one.prepared_by for one in latest],
                "approved_by": [one.approved_by for one in latest],
            }
        )
        text = st.column_config.TextColumn
        event = st.dataframe(
            shown,
            key=drawer.numbered("retention_history"),
            hide_index=True,
            height="content" if len(shown) <= MOST_VISIBLE else 330,
            on_select="rerun",
            selection_mode="single-row",
            alt=words("retention.history"),
            column_config={
                "seq": st.column_config.NumberColumn("#", width="small", format="%d"),
                "amount": text(words("retention.amount"), alignment="right"),
                "standing": text(words("retention.standing_now")),
                "verdict": text(words("retention.verdict_then")),
                **{
                    name: text(words(f"retention.{name}"))
                    for name in ("created_at", "action", "as_of", "prepared_by", "approved_by")
                },
            },
        )
        picked = event["selection"]["rows"]
        one = latest[int(picked[0])] if picked else latest[0]
        _one(page, found, one, [each.text(words.language) for each in against[one.seq]])


def _one(page: Page, found: Dossier, record: Record, against: Sequence[str]) -> None:
    words = page.words
    left, right = st.columns(2, gap="medium")
    with left:
        st.html(
            f"<div class='kept-title' role='heading' aria-level='3'>"
            f"{escape(words('retention.record_n', seq=record.seq))}</div>"
        )
        recorded_facts(page, record, "history")
    with right:
        st.html(
            f"<div class='kept-title' role='heading' aria-level='3'>"
            f"{escape(words('retention.then_now'))}</div>"
        )
        if against:
            shown = list(against[:AGAINST_SHOWN])
            if len(against) > AGAINST_SHOWN:
                shown.append(words("retention.and_more", n=len(against) - AGAINST_SHOWN))
            items = "".join(f"<li>{escape(said)}</li>" for said in shown)
            st.html(
                f"<p class='kept-warning'>{escape(words('retention.contradicted'))}</p>"
                f"<ul class='kept-list'>{items}</ul>"
            )
        else:
            said = words("retention.not_contradicted")
            st.html(f"<p class='kept-sub'>{escape(said)}</p>")
        if st.toggle(words("retention.reopen"), key=f"{_THEN}_{record.seq}"):
            _reopened(page, found, record)
        else:
            st.caption(words("retention.reopen_sub", n=record.manifest))


def _reopened(page: Page, found: Dossier, record: Record) -> None:
    """What was known then, clause by clause, beside what is known now."""
    words = page.words
    try:
        with st.spinner(words("retention.reopening")):
            then = asked.dossier_at(page.book, Settings.from_environment(), record)
    except KeptError as error:
        st.error(plain(catalogue().sentence(error, words.language)), icon=":material/error:")
        return
    facts(
        page,
        [
            (words("retention.known_at"), words("retention.manifest_said", n=then.manifest)),
            (
                words("retention.verdict"),
                f"{verdict(page, then.verdict)} → {verdict(page, found.verdict)}",
            ),
            (
                words("retention.held"),
                f"{money(page, then.held)} → {money(page, found.held)}",
            ),
            (
                words("retention.deduction"),
                f"{money(page, then.deduction)} → {money(page, found.deduction)}",
            ),
        ],
    )
    if not asked.as_recorded(then, record):
        st.caption(words("retention.other_rules"))
    labels = catalogue().verdicts
    now = {one.clause: one for one in found.clauses}
    rows = [
        (
            title_of(page, one.clause),
            labels[one.verdict].title.get(words.language),
            words.counts(one.met, one.due),
            labels[now[one.clause].verdict].title.get(words.language),
            words.counts(now[one.clause].met, now[one.clause].due),
        )
        for one in sorted(then.clauses, key=lambda one: queries.SEVERITY.index(one.verdict))
    ]
    frame = pd.DataFrame(rows, columns=["clause", "then", "counts_then", "now", "counts_now"])
    changed = (frame["then"] != frame["now"]) | (frame["counts_then"] != frame["counts_now"])
    if not changed.any():
        nothing(words, "retention.nothing_changed")
        return
    text = st.column_config.TextColumn
    st.dataframe(
        frame[changed],
        key=f"retention_then_{record.seq}",
        hide_index=True,
        height="content" if changed.sum() <= MOST_VISIBLE else 330,
        alt=words("retention.then_now"),
        column_config={
            "clause": text(words("row.clause")),
            "then": text(words("retention.then")),
            "counts_then": text(words("clause.counts"), alignment="right"),
            "now": text(words("retention.now")),
            "counts_now": text(words("clause.counts"), alignment="right"),
        },
    )
