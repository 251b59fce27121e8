"""The retention money of one contract: what is known, what was decided, and the pack of both."""
