"""Kept: from messy exports to the obligation ledger."""

__version__ = "0.1.0"
