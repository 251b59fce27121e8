"""Who acts: names as people type them, until they sign in."""

import unicodedata

from etl.config import Settings


def signed_in(_settings: Settings) -> str | None:
    """The person who is signed in; None while Kept takes names as they are typed.

    The one place where a sign-in enters: a record made by a person it names says so.
    """
    return None


def written(name: str) -> str:
    """A name as it is kept: full-width letters folded, spaces single, none around it."""
    return " ".join(unicodedata.normalize("NFKC", name).split())


def same_person(one: str, other: str) -> bool:
    """Whether two names are written alike, whatever their case, width and spaces."""
    return written(one).casefold() == written(other).casefold()
