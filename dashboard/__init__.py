"""The dashboard: what the marts say, as pages; reads, never writes."""
