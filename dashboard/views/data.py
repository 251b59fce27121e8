"""Data: load files, see what they change before it changes, take batches back, what is left out."""

from dashboard import filters
from dashboard.components import data_batches, data_left_out, data_logs, data_upload
from dashboard.page import Desk

SECTIONS = {
    "load": data_upload.section,
    "batches": data_batches.section,
    "left_out": data_left_out.section,
    "logs": data_logs.section,
}


def data(desk: Desk) -> None:
    """Draw the page."""
    SECTIONS[filters.section(desk.words, tuple(SECTIONS))](desk)
