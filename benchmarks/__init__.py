"""How fast Kept is, against something run beside it."""
