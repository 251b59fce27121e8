"""What a check finds: a message code and its values."""

from collections.abc import Mapping
from dataclasses import dataclass

from etl.catalogue import catalogue


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was written, or that could not be checked."""

    code: str
    values: Mapping[str, object]

    def text(self, language: str) -> str:
        """It as a sentence, in `language` (zh or en)."""
        return catalogue().message(self.code, language, **self.values)
