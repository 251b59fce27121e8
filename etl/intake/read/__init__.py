"""A file on disk to tables of text; knows nothing of logs."""

from etl.intake.read.opening import sniff
from etl.intake.read.source import Limits, Source, StagedCounts, TextTable, drop_staged

__all__ = ["Limits", "Source", "StagedCounts", "TextTable", "drop_staged", "sniff"]
