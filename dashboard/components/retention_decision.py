"""Deciding on one contract's retention money: a form, what will be recorded, and the record."""

import unicodedata
from decimal import Decimal, InvalidOperation
from html import escape

import streamlit as st

from dashboard.components.card import card
from dashboard.components.retention import days_said, money, title_of, verdict
from dashboard.components.retention_records import facts, instant, pack, recorded_facts
from dashboard.page import Page
from dashboard.queries import retention as asked
from dashboard.texts import plain
from etl.catalogue import catalogue
from etl.config import Settings
from etl.errors import KeptError
from etl.evidence.chain import Record
from etl.evidence.decisions import (
    ACTIONS,
    Decision,
    Dossier,
    changed_figures,
    decide,
    drafted,
    standing,
)

_DRAFT = "retention.draft"
_RECORDED = "retention.recorded"
_REFUSED = "retention.refused"
_FORM = "retention.decision_form"
_NONE = 0


def action(page: Page, name: str) -> str:
    """What a decision is called."""
    return catalogue().message(f"decision_{name}", page.words.language)


def form(page: Page, found: Dossier) -> None:
    """The form; once it is filled in, exactly what will be recorded; then the record."""
    words = page.words
    with card(words, "decision", words("retention.decide"), words("retention.decide_sub")):
        done: Record | None = st.session_state.get(_RECORDED)
        if done is not None and done.contract_id == found.contract_id:
            _recorded(page, done)
            return
        draft: tuple[Dossier, Decision] | None = st.session_state.get(_DRAFT)
        if draft is not None and draft[0].contract_id == found.contract_id:
            seen, decision = draft
            if _stands(page, seen, found):
                _review(page, seen, decision)
                return
            _drop_draft()
            _warn(page, seen, found)
        refused = st.session_state.pop(_REFUSED, None)
        if refused is not None:
            st.warning(plain(refused), icon=":material/sync_problem:")
        _fill_in(page, found)


def _stands(page: Page, seen: Dossier, found: Dossier) -> bool:
    """Whether a draft made of `seen` is still one of what is known now."""
    same_day = page.filters.as_of is None or seen.as_of == found.as_of
    same_records = len(seen.records) == len(found.records)
    return same_day and same_records and not changed_figures(seen, found)


def _warn(page: Page, seen: Dossier, found: Dossier) -> None:
    """Says what of a draft is no longer so; its form stays filled in."""
    words = page.words
    changes = [one.get(words.language) for one in changed_figures(seen, found)]
    said = words("retention.moved")
    if changes:
        said += "\n\n" + "\n".join(f"- {plain(one)}" for one in changes)
    st.warning(said, icon=":material/sync_problem:")


def _fill_in(page: Page, found: Dossier) -> None:
    words = page.words
    number = f"{found.contract_id}_{st.session_state.get(_FORM, 0)}"
    if not found.clean or found.provisional:
        st.caption(words("retention.needs_reason"))
    chosen: str = st.segmented_control(
        words("retention.action"),
        ACTIONS,
        format_func=lambda one: action(page, one),
        key=f"decision_action_{number}",
        persist_state="page",
        default="release" if found.clean and not found.provisional else "defer",
        required=True,
    )
    with st.form(f"decision_{number}", border=False):
        left, right = st.columns(2, gap="medium")
        with left:
            amount = _amount_field(page, found, chosen, number)
            prepared_by = st.text_input(
                words("retention.prepared_by"),
                key=f"decision_prepared_{number}",
                persist_state="page",
                max_chars=80,
            )
            approved_by = st.text_input(
                words("retention.approved_by"),
                key=f"decision_approved_{number}",
                persist_state="page",
                max_chars=80,
            )
            supersedes = _supersedes(page, found, number)
        with right:
            reasons = st.text_area(
                words("retention.reasons"),
                key=f"decision_reasons_{number}",
                persist_state="page",
                height=88,
                max_chars=4000,
                placeholder=words("retention.one_a_line"),
            )
            conditions = st.text_area(
                words("retention.conditions"),
                key=f"decision_conditions_{number}",
                persist_state="page",
                height=88,
                max_chars=4000,
                placeholder=words("retention.one_a_line"),
            )
        st.caption(words("retention.unauthenticated"))
        sent = st.form_submit_button(words("retention.review"), key="decision_review")
    pack(page, found, "retention_pack_now", words("retention.pack_now"), "undecided")
    if not sent:
        return
    try:
        decision = drafted(
            found,
            Decision(
                action=chosen,
                prepared_by=prepared_by,
                approved_by=approved_by,
                amount=_amount(amount) if chosen == "partial" else None,
                reasons=tuple(reasons.splitlines()),
                conditions=tuple(conditions.splitlines()),
                supersedes=supersedes,
            ),
        )
    except KeptError as error:
        st.error(plain(catalogue().sentence(error, words.language)), icon=":material/error:")
        return
    st.session_state[_DRAFT] = (found, decision)
    st.rerun()


def _amount_field(page: Page, found: Dossier, chosen: str, number: str) -> str:
    """What a partial release pays, as typed; for the others what they pay."""
    words = page.words
    held = money(page, found.held, found.currency)
    if chosen == "partial":
        return st.text_input(
            words("retention.amount_of", held=plain(held)),
            placeholder=words("retention.amount_hint", amount=money(page, found.proposed_release)),
            key=f"decision_amount_{number}",
            persist_state="page",
            max_chars=24,
        )
    said = words("retention.release_all", held=held) if chosen == "release" else ""
    st.caption(plain(said) if said else words("retention.pays_nothing"))
    return ""


def _supersedes(page: Page, found: Dossier, number: str) -> int | None:
    """Which earlier decision this one corrects; asked only where there is one."""
    words = page.words
    open_to = {one.seq: one for one in standing(found.records)}
    if not open_to:
        return None
    chosen = st.selectbox(
        words("retention.supersedes"),
        (_NONE, *open_to),
        format_func=lambda seq: (
            words("retention.supersedes_none")
            if seq == _NONE
            else plain(
                words(
                    "retention.decision_named",
                    seq=seq,
                    day=instant(page, open_to[seq], open_to[seq].created_at),
                    action=action(page, open_to[seq].action),
                    amount=money(page, open_to[seq].amount),
                )
            )
        ),
        key=f"decision_supersedes_{number}",
    )
    return chosen or None


def _amount(text: str) -> Decimal | None:
    """An amount as people type it. Raises KeptError where it is none."""
    said = "".join(unicodedata.normalize("NFKC", text).split()).replace(",", "")
    if not said:
        return None
    try:
        return Decimal(said)
    except InvalidOperation as error:
        raise KeptError("decision_amount_not_money", amount=text.strip()) from error


def _review(page: Page, found: Dossier, decision: Decision) -> None:
    """Exactly what will be recorded, then the button that records it."""
    words = page.words
    st.html(f"<div class='kept-sub'>{escape(words('retention.review_sub'))}</div>")
    facts(page, _lines(page, found, decision))
    with st.container(horizontal=True, gap="small"):
        if st.button(
            words("retention.do_record"),
            key="decision_record",
            type="primary",
            icon=":material/verified:",
        ):
            _record(page, found, decision)
        st.button(words("retention.change"), key="decision_change", on_click=_drop_draft)


def _lines(page: Page, found: Dossier, decision: Decision) -> list[tuple[str, str]]:
    words = page.words
    after = asked.held_after(found, decision)
    days = asked.days_to_due(found)
    due = words("retention.no_due")
    if found.due_on is not None and days is not None:
        due = f"{words.day(found.due_on)} · {days_said(page, days)}"
    broken = [one for one in found.clauses if one.verdict == "broken"]
    standing_verdict = verdict(page, found.verdict)
    if found.provisional:
        standing_verdict += f" · {words('retention.provisional')}"
    lines = [
        ("contract", f"{found.contract_id} {found.name or ''}".strip()),
        ("action", action(page, decision.action)),
        ("amount", money(page, decision.amount or Decimal(0), found.currency)),
        ("held_after", f"{money(page, found.held)} → {money(page, after)}"),
        ("deduction", money(page, found.deduction)),
        ("verdict", standing_verdict),
        ("raw", verdict(page, found.raw_verdict)),
        ("due_on", due),
        (
            "contrary",
            words(
                "retention.contrary_said",
                broken=words.number(len(broken)),
                blocking=words.number(len(found.blocking)),
                rejected=words.number(len(found.rejected)),
                waiting=words.number(len(found.waiting)),
                stale=words.number(len(found.stale_logs)),
            ),
        ),
    ]
    if broken:
        named = words.listed(title_of(page, one.clause) for one in broken)
        lines.append(("broken", named))
    lines += [
        ("waivers", words.number(sum(one.counts for one in found.waivers))),
        ("reasons", "\n".join(decision.reasons) or "—"),
        ("conditions", "\n".join(decision.conditions) or "—"),
        ("prepared_by", decision.prepared_by),
        ("approved_by", decision.approved_by),
        ("authenticated", words("retention.unauthenticated_short")),
        ("as_of", words.instant(found.as_of)),
        ("manifest", words("retention.manifest_said", n=found.manifest)),
    ]
    if decision.supersedes is not None:
        lines.append(("supersedes", f"#{decision.supersedes}"))
    return [(words(f"retention.{name}"), said) for name, said in lines]


def _drop_draft() -> None:
    st.session_state.pop(_DRAFT, None)


def _record(page: Page, found: Dossier, decision: Decision) -> None:
    words = page.words
    as_of = None if page.filters.as_of is None else found.as_of
    try:
        with st.spinner(words("retention.recording")):
            done = decide(
                Settings.from_environment(), found.contract_id, decision, as_of, seen=found
            )
    except KeptError as error:
        if error.code == "decision_data_moved":
            _drop_draft()
            st.session_state[_REFUSED] = catalogue().sentence(error, words.language)
            st.rerun()
        st.error(plain(catalogue().sentence(error, words.language)), icon=":material/error:")
        return
    _drop_draft()
    st.session_state[_RECORDED] = done
    st.session_state[_FORM] = st.session_state.get(_FORM, 0) + 1
    st.rerun()


def _recorded(page: Page, done: Record) -> None:
    words = page.words
    st.success(words("retention.recorded", seq=done.seq), icon=":material/verified:")
    recorded_facts(page, done, "recorded")
    st.button(words("retention.decide_again"), key="decision_again", on_click=_forget)


def _forget() -> None:
    st.session_state.pop(_RECORDED, None)
