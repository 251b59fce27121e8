"""The batches: who loaded what and when, what each changed, and taking one back."""

from html import escape
from typing import Any

import streamlit as st

from dashboard import filters
from dashboard.components import data_changes
from dashboard.components.card import card, nothing
from dashboard.components.data_work import working
from dashboard.components.tags import tags
from dashboard.intake import Job, Undoing
from dashboard.page import Desk
from dashboard.queries import data as asked
from dashboard.texts import plain
from etl.catalogue import catalogue
from etl.errors import DamagedError
from etl.intake.batches import Diff, diff, find, original
from etl.report import write_rejects
from etl.store import Batch, Warehouse

_UNDOING = "data.undoing"
_OPENED = "data.opened"
MOST_VISIBLE = 12


def section(desk: Desk) -> None:
    """Draw the section."""
    words = desk.words
    undoing = _undoing(desk)
    if undoing is not None:
        _undo(desk, undoing)
    every = asked.batches(desk.settings)
    with card(words, "batches", words("data.batches"), words("data.batches_sub"), every):
        if every.empty:
            nothing(words, "data.no_batches")
            return
        picked = _list(desk, every)
    if picked is not None:
        _opened(desk, picked)


def start_undo(desk: Desk, batch: str) -> None:
    """Show what taking that batch back would do."""
    undoing = Undoing(desk.settings, batch)
    undoing.look()
    st.session_state[_UNDOING] = undoing
    filters.go_to_section("batches")
    st.rerun()


def _undoing(desk: Desk) -> Undoing | None:
    found = st.session_state.get(_UNDOING)
    if not isinstance(found, Undoing) or found.settings != desk.settings:
        return None
    while found.collect():
        pass
    return found


def _list(desk: Desk, every: Any) -> str | None:
    words, logs = desk.words, catalogue().logs
    shown = every.assign(
        log=[logs[name].label.get(words.language) for name in every["log"]],
        at=[str(at).replace("T", " ")[:16] for at in every["at"]],
        file=[
            f"{name} › {sheet}" if isinstance(sheet, str) else name
            for name, sheet in zip(every["file"], every["sheet"], strict=True)
        ],
        state=[[words("data.undone" if gone else "data.counts")] for gone in every["undone"]],
    )
    counts = [
        "new",
        "changed",
        "unchanged",
        *(["older"] if every["older"].any() else []),
        "rejected",
    ]
    shown = shown[["batch", "file", "state", "at", "by", "log", *counts]]
    event = st.dataframe(
        shown,
        key="data_batch_list",
        hide_index=True,
        height="content" if len(shown) <= MOST_VISIBLE else 460,
        on_select="rerun",
        selection_mode="single-row",
        alt=words("data.batches"),
        column_config={
            "batch": words("data.batch"),
            "state": tags(
                words("data.state"),
                {words("data.counts"): desk.palette.good, words("data.undone"): desk.palette.quiet},
                84,
            ),
            "at": words("data.at"),
            "by": words("data.by_whom"),
            "file": words("data.file"),
            "log": words("data.log"),
            **{name: words(f"data.kind_{name}") for name in counts},
        },
    )
    rows = event["selection"]["rows"]
    return str(every.iloc[rows[0]]["batch"]) if rows else None


def _opened(desk: Desk, identity: str) -> None:
    words, warehouse = desk.words, Warehouse(desk.settings)
    manifest = warehouse.manifest()
    batch = find(manifest, identity)
    with card(
        words,
        "batch",
        words("data.batch_title", batch=identity, file=batch.file),
        words("data.batch_sub", log=catalogue().logs[batch.log].label.get(words.language)),
    ):
        with st.container(key="data_batch_row", horizontal=True, vertical_alignment="center"):
            _downloads(desk, warehouse, batch)
            if batch in manifest.batches and st.button(
                words("data.undo_look"), key="data_undo", icon=":material/undo:"
            ):
                start_undo(desk, identity)
        found = _diff(desk, identity)
        if found is not None:
            data_changes.rows(
                words, catalogue().logs[batch.log], found.differences, f"batch_{identity}"
            )


def _downloads(desk: Desk, warehouse: Warehouse, batch: Batch) -> None:
    words = desk.words
    try:
        came = original(warehouse, batch)
    except DamagedError as error:
        came = None
        st.warning(catalogue().sentence(error, words.language), icon=":material/broken_image:")
    if came is not None:
        name, path = came
        st.download_button(
            words("data.original"),
            data=lambda: path.open("rb"),
            file_name=name,
            key=f"data_original_{batch.id}",
            on_click="ignore",
            icon=":material/download:",
        )
    if batch.rejected:
        st.download_button(
            words("data.rejects_n", n=words.number(batch.rejected)),
            data=lambda: (write_rejects(warehouse, batch, None) or "").encode("utf-8-sig"),
            file_name=f"{batch.id}.rejects.csv",
            mime="text/csv",
            key=f"data_rejects_{batch.id}",
            on_click="ignore",
            icon=":material/download:",
        )


def _diff(desk: Desk, identity: str) -> Diff | None:
    """What the batch changed; worked out beside the page where it takes long."""
    opened = st.session_state.get(_OPENED)
    wanted = (desk.settings, identity)
    if opened is None or opened[0] != wanted:
        job = Job.begin(lambda _watch: diff(desk.settings, identity))
        opened = st.session_state[_OPENED] = (wanted, job)
    job = opened[1]
    if not job.done(1.0):
        working(desk.words, job, job.watch.stop, "diff")
        return None
    found: Diff = job.future.result()
    return found


def _undo(desk: Desk, undoing: Undoing) -> None:
    """What taking the batch back would do; then, when it is confirmed, that it was done."""
    words = desk.words
    if undoing.job is not None:
        working(words, undoing.job, undoing.stop, "undo")
        return
    title = words("data.undo_title", batch=undoing.batch)
    if undoing.refusal is not None:
        with card(words, "undo", title, ""):
            sentence = catalogue().sentence(undoing.refusal, words.language)
            st.html(f"<p class='kept-refusal warn'>{escape(sentence)}</p>")
            _close(desk, undoing, "data.close")
        return
    if undoing.undone:
        st.toast(words("data.undone_toast", batch=plain(undoing.batch)), icon=":material/undo:")
        st.session_state.pop(_UNDOING, None)
        return
    preview = undoing.preview
    if preview is None or not preview.is_open:
        st.session_state.pop(_UNDOING, None)
        return
    with card(words, "undo", title, words("data.undo_sub", file=preview.batch.file)):
        log = catalogue().logs[preview.batch.log]
        data_changes.rows(words, log, preview.differences, "undo", prefix="undo")
        with st.container(key="data_undo_row", horizontal=True):
            if st.button(
                words("data.undo_yes"),
                key="data_undo_yes",
                type="primary",
                icon=":material/undo:",
            ):
                undoing.commit()
                st.rerun()
            _close(desk, undoing, "data.undo_no")
    data_changes.effect_card(desk, preview.effect, "undo_effect")


def _close(desk: Desk, undoing: Undoing, label: str) -> None:
    if st.button(desk.words(label), key="data_undo_no"):
        undoing.stop()
        st.session_state.pop(_UNDOING, None)
        st.rerun()
