"""The errors a person gets to see; imports nothing of the project."""


class KeptError(Exception):
    """A sentence for a person: what is wrong, where, what to do.

    The sentence itself, in both languages, is in the catalogue's messages under `code`.
    """

    exit_status = 2

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values

    def __str__(self) -> str:
        return f"{self.code}: {self.values}" if self.values else self.code


class NothingDoneError(KeptError):
    """The call was right, and still nothing could be done (a busy warehouse, no data yet)."""

    exit_status = 1


class DamagedError(KeptError):
    """A file of the warehouse is missing or not as it was written; the sentence names it."""


class CatalogueError(Exception):
    """The catalogue contradicts itself: a mistake of ours, never of a person's file."""
