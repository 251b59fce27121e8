"""A file on disk to tables of text; knows nothing of logs."""

from etl.read.opening import sniff
from etl.read.source import Limits, Source, StagedCounts, TextTable, drop_staged

__all__ = ["Limits", "Source", "StagedCounts", "TextTable", "drop_staged", "sniff"]
