"""What a file was taken for: its log, and the header, constant or span behind each column."""

from collections.abc import Sequence
from dataclasses import replace
from html import escape

import pandas as pd
import streamlit as st

from dashboard.components.card import card
from dashboard.intake import Candidate, Intake
from dashboard.page import Desk
from dashboard.texts import Words
from etl.catalogue import catalogue
from etl.errors import KeptError
from etl.intake.mapping import CONTRACT, UNITS, YEAR, ColumnMapping, Duration, numbers, prefixed
from etl.intake.match import Found, Proposal

NONE = "—"
SAMPLES = 3
_TEXT = "text"


def cards(desk: Desk, intake: Intake) -> None:
    """Draw a card for each file or sheet."""
    for number, one in enumerate(intake.candidates):
        _candidate(desk, intake, one, number)
    waits = intake.preview is None and intake.refusal is None and intake.is_ready
    if waits and st.button(desk.words("data.look"), key="data_look", type="primary"):
        intake.look()
        st.rerun()


def _candidate(desk: Desk, intake: Intake, one: Candidate, number: int) -> None:
    words, proposal = desk.words, one.proposal
    title = one.upload.name if one.sheet is None else f"{one.upload.name} › {one.sheet}"
    with card(words, f"file_{number}", title, _why(words, proposal)):
        for problem in one.problems:
            sentence = catalogue().sentence(problem, words.language)
            st.html(f"<p class='kept-refusal warn'>{escape(sentence)}</p>")
        if one.problems and proposal is not None:
            st.html(f"<div class='kept-sub'>{escape(words('data.choose_below'))}</div>")
        if proposal is None:
            _by_hand(words, intake, one, number)
            return
        _log(words, intake, one, proposal, number)
        with st.expander(words("data.columns"), expanded=bool(one.problems), key=f"cols_{number}"):
            _columns(words, intake, one, proposal, number)
            _more(words, intake, one, proposal, number)


def _why(words: Words, proposal: Proposal | None) -> str:
    """What speaks for the log that it was taken for."""
    if proposal is None:
        return words("data.no_log")
    sourced = [found for found in proposal.columns if found.how]
    said = [
        words(
            "data.taken_for",
            log=proposal.log.label.get(words.language),
            n=len(sourced),
            of=len([header for header in proposal.headers if header.strip()]),
        )
    ]
    if proposal.profile is not None:
        said.append(words("data.profile", name=proposal.profile.label.get(words.language)))
    if any(found.how == "remembered" for found in sourced):
        said.append(words("data.remembered"))
    if proposal.header_index:
        said.append(words("data.header_row", n=proposal.table.top_rows[proposal.header_index]))
    if proposal.unused:
        said.append(words("data.unused", names=words.listed(proposal.unused)))
    return " · ".join(said)


def _log(words: Words, intake: Intake, one: Candidate, proposal: Proposal, number: int) -> None:
    logs = catalogue().logs
    order = [name for name, _ in proposal.fits]
    order += [name for name in logs if name not in order]
    chosen = st.selectbox(
        words("data.log"),
        order,
        index=order.index(proposal.log.name),
        format_func=lambda name: logs[name].label.get(words.language),
        key=f"log_{number}_{proposal.log.name}",
        width=280,
    )
    if chosen != proposal.log.name:
        one.take_for(chosen)
        _changed(intake)


def _by_hand(words: Words, intake: Intake, one: Candidate, number: int) -> None:
    """The choice of a log for what is like none."""
    if not one.tables:
        return
    logs = catalogue().logs
    chosen = st.selectbox(
        words("data.choose_log"),
        list(logs),
        index=None,
        format_func=lambda name: logs[name].label.get(words.language),
        placeholder=words("data.choose_log_hint"),
        key=f"log_{number}_none",
        width=280,
    )
    if chosen:
        one.take_for(chosen)
        _changed(intake)


def _columns(words: Words, intake: Intake, one: Candidate, proposal: Proposal, number: int) -> None:
    """The columns as a table in which a header or a constant is chosen."""
    _suggestions(words, intake, one, proposal, number)
    headers = [header for header in dict.fromkeys(proposal.headers) if header.strip()]
    every = sorted(proposal.columns, key=_rank)
    joined = {
        found.column.name: " + ".join(found.headers)
        for found in proposal.columns
        if len(found.headers) > 1
    }
    shown = pd.DataFrame(
        {
            "column": [
                found.column.label.get(words.language) + (" *" if found.column.required else "")
                for found in every
            ],
            "header": [joined.get(f.column.name, _header(f)) for f in every],
            "constant": [found.constant or "" for found in every],
            "how": [_how(words, found) for found in every],
            "samples": [" | ".join(found.samples[:SAMPLES]) for found in every],
        }
    )
    edited = st.data_editor(
        shown,
        key=f"columns_{number}_{abs(hash(proposal.mapping.to_toml()))}",
        hide_index=True,
        num_rows="fixed",
        height="content" if len(shown) <= 16 else 560,
        disabled=["column", "how", "samples"],
        column_config={
            "column": words("data.column"),
            "header": st.column_config.SelectboxColumn(
                words("data.header"), options=[NONE, *headers, *joined.values()], required=True
            ),
            "constant": st.column_config.TextColumn(
                words("data.constant"), help=words("data.constant_help")
            ),
            "how": words("data.how"),
            "samples": words("data.samples"),
        },
    )
    mapping = _edited(proposal, every, shown, edited)
    if mapping is not None:
        one.choose(mapping)
        _changed(intake)


def _rank(found: Found) -> int:
    """What has a source or needs one comes first."""
    return 0 if found.how or found.missing or found.suggestions else 1


def _suggestions(
    words: Words, intake: Intake, one: Candidate, proposal: Proposal, number: int
) -> None:
    """One button for all close spellings: offered, never taken by themselves."""
    offered: dict[str, tuple[str, ...]] = {}
    for found in proposal.columns:
        if found.how is None and found.suggestions:
            header = found.suggestions[0].header
            if (header,) not in offered.values():
                offered[found.column.name] = (header,)
    if offered and st.button(
        words("data.suggestions", n=len(offered)), key=f"suggestions_{number}"
    ):
        mapping = proposal.mapping
        one.choose(replace(mapping, columns={**mapping.columns, **offered}))
        _changed(intake)


def _header(found: Found) -> str:
    return found.headers[0] if found.headers else NONE


def _how(words: Words, found: Found) -> str:
    if found.how:
        return words(f"data.how_{found.how}")
    if found.suggestions:
        best = found.suggestions[0]
        return words("data.how_spelling", header=best.header, score=f"{best.score:.0%}")
    return words("data.how_missing") if found.missing else ""


def _edited(
    proposal: Proposal, every: Sequence[Found], before: pd.DataFrame, after: pd.DataFrame
) -> ColumnMapping | None:
    """The mapping with what was chosen in the table; None where nothing was."""
    if before.equals(after):
        return None
    mapping = proposal.mapping
    columns, constants = dict(mapping.columns), dict(mapping.constants)
    durations = dict(mapping.durations)
    for found, old, new in zip(
        every, before.to_dict("records"), after.to_dict("records"), strict=True
    ):
        name = found.column.name
        constant = str(new["constant"] or "").strip()
        if new["header"] != old["header"]:
            columns[name] = () if new["header"] == NONE else (str(new["header"]),)
            durations.pop(name, None)
            if columns[name]:
                constants.pop(name, None)
        elif constant != str(old["constant"] or "").strip():
            columns.pop(name, None)
            durations.pop(name, None)
            constants.pop(name, None)
            if constant:
                constants[name] = constant
            else:
                columns[name] = ()
    return replace(mapping, columns=columns, constants=constants, durations=durations)


def _more(words: Words, intake: Intake, one: Candidate, proposal: Proposal, number: int) -> None:
    """A span to turn into an instant; the mapping as a file, and whether it is remembered."""
    labels = _instants(words, proposal)
    if len(labels) > 1:
        with st.popover(words("data.span"), icon=":material/timelapse:"):
            st.html(f"<div class='kept-sub'>{escape(words('data.span_sub'))}</div>")
            with st.form(f"span_{number}", border=False):
                target = st.selectbox(
                    words("data.span_column"), list(labels), format_func=labels.__getitem__
                )
                header = st.selectbox(
                    words("data.span_header"),
                    [header for header in proposal.headers if header.strip()],
                )
                start, unit = _start_and_unit(words, proposal)
                if st.form_submit_button(words("data.take_over")) and target != start:
                    one.choose(_with_span(proposal.mapping, target, header, start, unit))
                    _changed(intake)
    if numbers(proposal.log):
        with st.popover(words("data.numbers"), icon=":material/tag:"):
            st.html(f"<div class='kept-sub'>{escape(words('data.numbers_sub'))}</div>")
            _prefix(words, intake, one, proposal, str(number))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            words("data.mapping_toml"),
            data=proposal.mapping.to_toml,
            file_name=f"{one.upload.path.stem}.toml",
            mime="application/toml",
            key=f"toml_{number}",
            on_click="ignore",
            icon=":material/download:",
        )
        if one.chosen is not None:
            one.remember = st.checkbox(
                words("data.remember"), value=one.remember, key=f"remember_{number}"
            )


def _with_span(
    mapping: ColumnMapping, target: str, header: str, start: str, unit: str | None
) -> ColumnMapping:
    return replace(
        mapping,
        columns={name: said for name, said in mapping.columns.items() if name != target},
        constants={name: said for name, said in mapping.constants.items() if name != target},
        durations={**mapping.durations, target: Duration(header, start, unit)},
    )


ANSWERS = {"dates_ambiguous": "day_first", "dates_swapped": "swapped", "months_or_years": "years"}
"""The questions with two answers, and the part of a mapping that has them."""
ASKED = (*ANSWERS, "holds_durations", "holds_numbers", "holds_flags")
"""What the values of a column leave open, so that a person has to say it."""


def question(desk: Desk, intake: Intake, error: KeptError) -> bool:
    """Draw what a column leaves open, with the answers to choose from; whether it is of a file."""
    place, column = error.values.get("file"), str(error.values.get("name"))
    one = next((one for one in intake.candidates if one.place == place), None)
    if error.code not in ASKED or one is None or one.proposal is None:
        return False
    words, proposal = desk.words, one.proposal
    asked = words(
        f"data.ask_{error.code}",
        file=place,
        column=error.values["column"],
        example=error.values["example"],
    )
    st.html(f"<p class='kept-refusal info'>{escape(asked)}</p>")
    mapping = proposal.mapping
    if part := ANSWERS.get(error.code):
        with st.container(horizontal=True, key="data_answers"):
            for yes in (True, False):
                if st.button(words(f"data.{part}_{'yes' if yes else 'no'}"), key=f"answer_{yes}"):
                    _answered(intake, one, mapping.answered(part, column, yes))
        return True
    if error.code != "holds_flags":
        with st.form("data_span_answer", border=False):
            bare = error.code == "holds_numbers"
            start, unit = _start_and_unit(words, proposal, but=column, bare=bare)
            if st.form_submit_button(words("data.take_over"), type="primary"):
                header = str(error.values["column"])
                _answered(intake, one, _with_span(mapping, column, header, start, unit))
    if st.button(words("data.leave_out"), key="answer_none"):
        _answered(intake, one, _without(mapping, column))
    return True


def reused(words: Words, intake: Intake, error: KeptError) -> None:
    """Draw the answers where numbers are those of something else: corrections, or a prefix."""
    st.html(f"<div class='kept-sub'>{escape(words('data.reused'))}</div>")
    if st.button(words("data.corrections_yes"), key="data_corrections"):
        intake.corrections = True
        intake.look()
        st.rerun()
    place = error.values.get("file")
    one = next((one for one in intake.candidates if one.place == place), None)
    if one is not None and one.proposal is not None:
        _prefix(words, intake, one, one.proposal, "reused")


def _prefix(words: Words, intake: Intake, one: Candidate, proposal: Proposal, key: str) -> None:
    """What stands before the numbers of a file."""
    log, mapping = proposal.log, proposal.mapping
    said = mapping.key_prefix.get(log.key[0])
    kinds = [NONE, *([CONTRACT] if CONTRACT in log.columns else []), YEAR, _TEXT]
    known = NONE if said is None else said if said in kinds else _TEXT
    with st.form(f"prefix_{key}", border=False):
        kind = st.selectbox(
            words("data.prefix"),
            kinds,
            index=kinds.index(known),
            format_func=lambda one: one if one == NONE else words(f"data.prefix_{one}"),
            width=280,
        )
        text = st.text_input(
            words("data.prefix_text"), value=said if known == _TEXT else "", max_chars=40, width=280
        )
        text = str(text or "").strip()
        if st.form_submit_button(words("data.take_over")) and (kind != _TEXT or text):
            chosen = {} if kind == NONE else prefixed(log, text if kind == _TEXT else str(kind))
            one.choose(replace(mapping, key_prefix=chosen))
            _changed(intake)


def _answered(intake: Intake, one: Candidate, mapping: ColumnMapping) -> None:
    one.choose(mapping)
    intake.look()
    st.rerun()


def _without(mapping: ColumnMapping, column: str) -> ColumnMapping:
    durations = {name: said for name, said in mapping.durations.items() if name != column}
    return replace(mapping, columns={**mapping.columns, column: ()}, durations=durations)


def _instants(words: Words, proposal: Proposal) -> dict[str, str]:
    return {
        name: column.label.get(words.language)
        for name, column in proposal.log.columns.items()
        if column.type in ("instant", "date")
    }


def _start_and_unit(
    words: Words, proposal: Proposal, but: str = "", *, bare: bool = False
) -> tuple[str, str | None]:
    """Draw from when a span is counted, and in which unit; bare numbers have none of their own."""
    labels = {name: label for name, label in _instants(words, proposal).items() if name != but}
    start = st.selectbox(
        words("data.span_start"), list(labels), format_func=labels.__getitem__, width=280
    )
    unit = st.selectbox(
        words("data.span_unit"),
        [*UNITS] if bare else [None, *UNITS],
        index=UNITS.index("minutes") if bare else 0,
        format_func=lambda one: words(f"data.unit_{one or 'own'}"),
        width=280,
    )
    return str(start), unit


def _changed(intake: Intake) -> None:
    """Something was chosen: the preview is made anew, as soon as nothing stands in the way."""
    intake.put_away()
    if intake.is_ready:
        intake.look()
    st.rerun()
