"""The wizard: files dropped, recognised, checked, what they would change; then committed."""

from html import escape

import streamlit as st

from dashboard.components import data_changes, data_mapping, data_problems
from dashboard.components.card import card
from dashboard.components.data_batches import start_undo
from dashboard.components.data_work import working
from dashboard.intake import Intake
from dashboard.page import Desk
from dashboard.texts import Words, plain
from dashboard.uploads import shelf
from etl.catalogue import catalogue
from etl.config import Staging
from etl.errors import KeptError
from etl.evidence.people import written
from etl.intake.load import SUFFIXES

_INTAKE = "data.intake"
_TOASTED = "data.toasted"
_NUMBER = "data.uploader"
UPLOADED = tuple(sorted(suffix.removeprefix(".") for suffix in SUFFIXES | {".zip"}))


def section(desk: Desk) -> None:
    """Draw the section."""
    intake = _intake(desk)
    while intake.collect():
        pass
    if intake.left:
        intake.left = False
        _next_uploader()
        st.toast(desk.words("data.left"), icon=":material/link_off:")
    if intake.committed is not None:
        _committed(desk, intake)
        return
    _uploader(desk, intake)
    if intake.job is not None:
        working(desk.words, intake.job, intake.stop, "intake")
        return
    if intake.refusal is not None:
        _refused(desk, intake, intake.refusal)
    if intake.candidates:
        data_mapping.cards(desk, intake)
    if intake.preview is not None:
        data_problems.cards(desk, intake, intake.preview)
        data_changes.cards(desk, intake, intake.preview)
        _commit(desk, intake)


def _intake(desk: Desk) -> Intake:
    found = st.session_state.get(_INTAKE)
    if not isinstance(found, Intake) or found.settings != desk.settings:
        found = st.session_state[_INTAKE] = Intake(desk.settings)
    return found


def _uploader(desk: Desk, intake: Intake) -> None:
    words = desk.words
    key = f"data_files_{st.session_state.get(_NUMBER, 0)}"

    def taken() -> None:
        files = st.session_state[key] or []
        uploads = [upload for file in files if (upload := shelf().of(file)) is not None]
        intake.take(uploads)

    with card(words, "upload", words("data.upload"), words("data.upload_sub")):
        _speak(words, desk.settings.staging)
        shown = st.file_uploader(
            words("data.upload"),
            type=list(UPLOADED),
            accept_multiple_files=True,
            key=key,
            on_change=taken,
            label_visibility="collapsed",
        )
        if not intake.uploads:
            st.html(f"<div class='kept-sub'>{escape(words('data.upload_hint'))}</div>")
            return
        with st.container(key="data_desk", horizontal=True, vertical_alignment="center"):
            # After a visit to another page the uploader is empty; what lies on the desk is not.
            if not shown:
                st.html(
                    "".join(
                        f"<span class='kept-pill'>{escape(one.name)} · {_size(one.size)}</span>"
                        for one in intake.uploads
                    )
                )
            if st.button(
                words("data.clear"), key="data_clear", icon=":material/close:", type="tertiary"
            ):
                _start_over(intake)


def _speak(words: Words, staging: Staging) -> None:
    """Have the uploader speak the page's language: Streamlit's knows English only.

    Of an upload that was refused it shows a mark, and why only in English where one points at it.
    """
    chosen = {
        'button [data-testid="stMarkdownContainer"] p': words("data.choose"),
        '[data-testid="stFileUploaderDropzoneInstructions"] span': words("data.kinds_of_files"),
    }
    rules = "".join(
        f'.st-key-card_upload [data-testid="stFileUploaderDropzone"] {selector} '
        f"{{ font-size: 0; }} "
        f'.st-key-card_upload [data-testid="stFileUploaderDropzone"] {selector}::after '
        f'{{ content: "{said}"; font-size: 13.5px; }} '
        for selector, said in chosen.items()
    )
    refused = words(
        "data.upload_refused",
        session=_size(staging.session_bytes),
        every=_size(staging.all_bytes),
        files=words.number(staging.session_files),
    )
    rules += (
        '.st-key-card_upload:has([data-testid="stFileChipIconError"])::after '
        f'{{ content: "{refused}"; color: var(--warn); }}'
    )
    st.html(f"<style>{rules}</style>")


def _start_over(intake: Intake) -> None:
    shelf().discard(intake.uploads)
    intake.clear()
    _next_uploader()
    st.rerun()


def _next_uploader() -> None:
    """Have an empty uploader drawn in the place of this one."""
    st.session_state[_NUMBER] = st.session_state.get(_NUMBER, 0) + 1


def _refused(desk: Desk, intake: Intake, error: KeptError) -> None:
    """A refusal: the sentence, calmly, and what can be done about it here."""
    words = desk.words
    sentence = catalogue().sentence(error, words.language)
    tone = "info" if error.code == "preview_stopped" else "warn"
    title = "data.asked" if error.code in data_mapping.ASKED else f"data.refused_{tone}"
    with card(words, "refused", words(title), ""):
        if data_mapping.question(desk, intake, error):
            return
        st.html(f"<p class='kept-refusal {tone}'>{escape(sentence)}</p>")
        if error.code == "columns_would_empty":
            st.html(f"<div class='kept-sub'>{escape(words('data.empties'))}</div>")
            if st.button(words("data.empties_yes"), key="data_empties"):
                intake.replace_missing = True
                intake.look()
                st.rerun()
        elif error.code == "begins_after_through":
            if st.button(words("data.through_none"), key="data_through_none"):
                intake.through = None
                intake.look()
                st.rerun()
        elif error.code == "key_reused":
            data_mapping.reused(words, intake, error)
        elif intake.candidates and st.button(
            words("data.again"), key="data_again", icon=":material/refresh:"
        ):
            intake.look()
            st.rerun()


def _commit(desk: Desk, intake: Intake) -> None:
    words, preview = desk.words, intake.preview
    assert preview is not None
    if preview.changes_nothing:
        return
    with card(words, "commit", words("data.commit"), words("data.commit_sub")):
        with st.container(key="data_commit", horizontal=True, vertical_alignment="bottom"):
            by = st.text_input(
                words("data.by"),
                value=intake.by or desk.settings.person,
                key="data_by",
                max_chars=80,
                width=220,
            )
            through = st.date_input(
                words("data.through"),
                value=intake.through,
                key="data_through",
                format="YYYY-MM-DD",
                help=words("data.through_help"),
                width=220,
            )
            st.space("stretch")
            pressed = st.button(
                words("data.commit_button", n=words.number(len(preview.sheets))),
                key="data_commit_button",
                type="primary",
                icon=":material/check:",
            )
        intake.by = written(by or "")
        if through != intake.through:
            intake.through = through
            intake.look()
            st.rerun()
        if pressed:
            intake.commit()
            st.rerun()


def _committed(desk: Desk, intake: Intake) -> None:
    words, done = desk.words, intake.committed
    assert done is not None
    batches = [one.batch for one in done.report.files if one.batch]
    if st.session_state.get(_TOASTED) != done.report.manifest:
        st.session_state[_TOASTED] = done.report.manifest
        st.toast(words("data.toast", batches=plain(words.listed(batches))), icon=":material/check:")
    with card(words, "committed", words("data.committed"), words("data.committed_sub")):
        if done.anew:
            st.html(f"<p class='kept-refusal info'>{escape(words('data.anew'))}</p>")
        for note in (*done.report.remarks, *(n for one in done.report.files for n in one.remarks)):
            said = catalogue().message(note.code, words.language, **note.values)
            st.html(f"<p class='kept-refusal info'>{escape(said)}</p>")
        for one in done.report.files:
            counts = " · ".join(
                words(f"data.n_{name}", n=words.number(getattr(one, name)))
                for name in ("new", "changed", "unchanged", "older", "rejected")
                if name != "older" or one.older
            )
            with st.container(
                key=f"data_done_{one.batch or one.place}",
                horizontal=True,
                vertical_alignment="center",
            ):
                st.html(
                    f"<div><b>{escape(one.place)}</b> <span class='kept-pill good'>"
                    f"{escape(one.batch or words('data.no_batch'))}</span>"
                    f"<div class='kept-sub'>{escape(counts)}</div></div>"
                )
                if one.batch and st.button(
                    words("data.undo"), key=f"undo_{one.batch}", icon=":material/undo:"
                ):
                    start_undo(desk, one.batch)
        if intake.remembered:
            st.html(f"<div class='kept-sub'>{escape(words('data.mapping_kept'))}</div>")
        if st.button(
            words("data.next"), key="data_next", type="primary", icon=":material/upload_file:"
        ):
            _start_over(intake)


def _size(size: int) -> str:
    if size >= 1e9:
        return f"{size / 1e9:,.1f} GB"
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"
