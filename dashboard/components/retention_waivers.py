"""Waivers of one contract: what was waived, why and by whom; a form to enter one."""

from datetime import date

import pandas as pd
import streamlit as st

from dashboard.components import drawer
from dashboard.components.card import card, nothing
from dashboard.components.retention import title_of
from dashboard.page import Page
from dashboard.queries import retention as asked
from dashboard.texts import plain
from etl.catalogue import catalogue
from etl.config import Settings
from etl.errors import KeptError
from etl.evidence.decisions import Dossier
from etl.evidence.dossier import Waiver as Recorded
from etl.evidence.waivers import Waiver, enter, today
from etl.intake.load import undo
from etl.store import Batch

MOST_VISIBLE = 8
_SAID = "retention.waiver_said"
_FORM = "retention.waiver_form"


def waivers(page: Page, found: Dossier) -> None:
    """Every waiver with its effect; one that was entered alone can be taken back; a form."""
    words = page.words
    counting = sum(one.counts and one.waived is not None for one in found.waivers)
    subtitle = words("retention.waivers_sub", n=len(found.waivers), counting=counting)
    frame = _as_frame(page, found.waivers)
    with card(words, "waivers", words("retention.waivers"), subtitle, frame):
        _say_what_was_done(page)
        if frame.empty:
            nothing(words, "retention.no_waivers")
        else:
            _listing(page, found, frame)
        with st.expander(words("retention.waive"), icon=":material/add:"):
            st.caption(words("retention.waive_sub"))
            _form(page, found)


def _listing(page: Page, found: Dossier, frame: pd.DataFrame) -> None:
    words, known = page.words, catalogue().logs["waivers"].columns
    text = st.column_config.TextColumn
    event = st.dataframe(
        frame,
        key=f"{drawer.numbered('waivers')}_{found.manifest}",
        hide_index=True,
        height="content" if len(frame) <= MOST_VISIBLE else 330,
        on_select="rerun",
        selection_mode="single-row",
        alt=words("retention.waivers"),
        column_config={
            "effect": text(words("retention.effect")),
            "approved_on": st.column_config.DateColumn(
                known["approved_on"].label.get(words.language)
            ),
            **{
                name: text(known[name].label.get(words.language))
                for name in ("clause", "subject", "reason", "requested_by", "approved_by")
            },
        },
    )
    picked = event["selection"]["rows"]
    if picked:
        _take_back(page, found, found.waivers[int(picked[0])])
    else:
        st.caption(words("retention.pick_waiver"))


def _as_frame(page: Page, waivers: tuple[Recorded, ...]) -> pd.DataFrame:
    rows = [
        (
            title_of(page, one.clause),
            one.subject,
            effect(page, one),
            one.reason,
            one.requested_by or "—",
            one.approved_by or "—",
            one.approved_on,
        )
        for one in waivers
    ]
    columns = [
        "clause", "subject", "effect", "reason", "requested_by", "approved_by", "approved_on",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def effect(page: Page, one: Recorded) -> str:
    """What a waiver does to the figures, or why it does nothing."""
    words = page.words
    if one.counts and one.waived is not None:
        return words(f"retention.waives_{one.waived}")
    if one.counts:
        return words("retention.waives_nothing")
    if one.requested_by is None or one.approved_by is None or one.approved_on is None:
        return words("retention.waiver_unsigned")
    if one.requested_by == one.approved_by:
        return words("retention.waiver_one_person")
    return words("retention.waiver_later")


def _take_back(page: Page, found: Dossier, one: Recorded) -> None:
    words = page.words
    settings = Settings.from_environment()
    batch = asked.waiver_batches(page.book, settings, found).get((one.clause, one.subject))
    if batch is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if batch.new + batch.changed + batch.unchanged > 1:
            st.caption(words("retention.waiver_batch", batch=batch.id, file=plain(batch.file)))
            return
        if st.button(
            words("retention.undo_waiver", batch=batch.id),
            key="retention_undo_waiver",
            icon=":material/undo:",
        ):
            with st.spinner(words("retention.entering")):
                st.session_state[_SAID] = _undo(page, batch)
            st.rerun()


def _undo(page: Page, batch: Batch) -> tuple[bool, str]:
    try:
        undo(Settings.from_environment(), batch.id)
    except KeptError as error:
        return False, catalogue().sentence(error, page.words.language)
    return True, page.words("retention.waiver_undone", batch=batch.id)


def _form(page: Page, found: Dossier) -> None:
    """Enter a waiver: it becomes a batch of its own."""
    words = page.words
    open_to = [one.clause for one in found.clauses if one.breached or one.unknown]
    if not open_to:
        nothing(words, "retention.nothing_to_waive")
        return
    number = f"{found.contract_id}_{st.session_state.get(_FORM, 0)}"
    clause = st.selectbox(
        words("row.clause"),
        open_to,
        format_func=lambda one: title_of(page, one),
        key=f"waiver_clause_{number}",
    )
    rows = asked.to_waive(page.book, found.contract_id, clause, found.due_on)
    states = {
        subject: catalogue().states[state].title.get(words.language)
        for subject, state in zip(rows["subject"], rows["state"], strict=True)
    }
    with st.form(f"waiver_{number}", border=False):
        subject = st.selectbox(
            words("row.subject"),
            list(states),
            index=None,
            accept_new_options=True,
            format_func=lambda one: plain(f"{one} · {states[one]}" if one in states else one),
            placeholder=words("retention.subject_hint"),
            key=f"waiver_subject_{number}_{clause}",
        )
        reason = st.text_area(
            _label(page, "reason"), key=f"waiver_reason_{number}", height=68, max_chars=500
        )
        first, second, third = st.columns(3, gap="small")
        requested_by = first.text_input(
            _label(page, "requested_by"), key=f"waiver_requested_{number}", max_chars=80
        )
        approved_by = second.text_input(
            _label(page, "approved_by"), key=f"waiver_approved_{number}", max_chars=80
        )
        approved_on = third.date_input(
            _label(page, "approved_on"),
            value=today(Settings.from_environment()),
            format="YYYY-MM-DD",
            key=f"waiver_on_{number}",
        )
        st.caption(words("retention.waiver_from", at=words.instant(found.as_of)))
        sent = st.form_submit_button(words("retention.enter_waiver"), key="waiver_enter")
    if sent:
        _enter(
            page,
            found,
            Waiver(
                found.contract_id,
                clause,
                subject or "",
                reason,
                requested_by,
                approved_by,
                approved_on if isinstance(approved_on, date) else None,
            ),
        )


def _enter(page: Page, found: Dossier, waiver: Waiver) -> None:
    words = page.words
    try:
        with st.spinner(words("retention.entering")):
            done = enter(
                Settings.from_environment(), found.marts, waiver, by=waiver.requested_by.strip()
            )
    except KeptError as error:
        st.error(plain(catalogue().sentence(error, words.language)), icon=":material/error:")
        return
    batch = done.files[0].batch
    said = (
        words("retention.waiver_same")
        if batch is None
        else words("retention.waiver_entered", batch=batch)
    )
    if waiver.approved_on is not None and waiver.approved_on > found.as_of.date():
        said += words("retention.waiver_counts_from", day=words.day(waiver.approved_on))
    st.session_state[_SAID] = (True, said)
    st.session_state[_FORM] = st.session_state.get(_FORM, 0) + 1
    st.rerun()


def _say_what_was_done(page: Page) -> None:
    said = st.session_state.pop(_SAID, None)
    if said is not None:
        done, sentence = said
        if done:
            st.success(plain(sentence), icon=":material/check:")
        else:
            st.error(plain(sentence), icon=":material/error:")


def _label(page: Page, column: str) -> str:
    return catalogue().logs["waivers"].columns[column].label.get(page.words.language)
