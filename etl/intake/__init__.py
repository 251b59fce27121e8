"""From an export to typed rows and a batch: read, match, check, then load, looked at before."""
