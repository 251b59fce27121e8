"""What the dashboard says and how it writes numbers, in Chinese and in English."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from etl.verdict import percent

LOCALES = {"zh": Locale.parse("zh_CN"), "en": Locale.parse("en_US")}
_MARKDOWN = str.maketrans({character: "\\" + character for character in "\\`*_{}[]()<>#+!|~$:^&"})


def plain(text: str) -> str:
    """`text` so that a label which renders Markdown shows it letter by letter."""
    return " ".join(text.split()).translate(_MARKDOWN)


@dataclass(frozen=True)
class Words:
    """The words of one language; call it with a key of its TOML file."""

    language: str
    entries: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        return self.entries[key].format(**values)

    @property
    def locale(self) -> Locale:
        """What Babel calls this language."""
        return LOCALES[self.language]

    def number(self, value: int | Decimal | float) -> str:
        """A number with the language's separators."""
        if isinstance(value, int) and abs(value) < 1000:
            return str(value)
        return str(format_decimal(value, locale=self.locale))

    def counts(self, part: int, whole: int) -> str:
        """`19 / 20`."""
        return f"{self.number(part)} / {self.number(whole)}"

    def listed(self, names: Iterable[str]) -> str:
        """Names one after another, as the language separates them."""
        return ("、" if self.language == "zh" else ", ").join(names)

    def day(self, day: date | None) -> str:
        """2026-11-20, the same in both languages."""
        return "—" if day is None else format_date(day, "yyyy-MM-dd", locale=self.locale)

    def instant(self, instant: datetime | None) -> str:
        """2026-11-20 17:42."""
        if instant is None:
            return "—"
        return format_datetime(instant, "yyyy-MM-dd HH:mm", locale=self.locale)

    def month(self, month: str, *, with_year: bool = False) -> str:
        """`2026-03` as 3月 or Mar, with its year where asked."""
        first = date.fromisoformat(f"{month}-01")
        if self.language == "zh":
            pattern = "yyyy年M月" if with_year else "M月"
        else:
            pattern = "MMM yyyy" if with_year else "MMM"
        return format_date(first, pattern, locale=self.locale)

    def month_ticks(self, months: Sequence[str]) -> list[str]:
        """Months on an axis: thinned where many, the year under the first and each January."""
        every = -(-len(months) // 14)
        ticks = []
        for i, month in enumerate(months):
            if (len(months) - 1 - i) % every:
                ticks.append("")
            elif not any(ticks) or month[:4] != months[max(0, i - every)][:4]:
                ticks.append(f"{self.month(month)}<br>{month[:4]}")
            else:
                ticks.append(self.month(month))
        return ticks

    def duration(self, seconds: int) -> str:
        """Elapsed time in its two largest units."""
        minutes = abs(seconds) // 60
        days, rest = divmod(minutes, 24 * 60)
        hours, minutes = divmod(rest, 60)
        if days:
            parts = [(days, "day"), (hours, "hour")]
        elif hours:
            parts = [(hours, "hour"), (minutes, "minute")]
        else:
            parts = [(minutes, "minute")] if minutes else [(abs(seconds), "second")]
        said = [self(f"unit.{unit}", n=n) for n, unit in parts if n]
        return " ".join(said)

    def percent(self, met: int | Decimal, due: int, *targets: Decimal) -> str:
        """met ÷ due as a percentage that never rounds across a target, nor up to 100 or to 0."""
        return percent(met, due, *targets)

    def share(self, *shares: Decimal) -> str:
        """A target such as 0.95 as 95%, with as many digits as it has; several as a range."""
        said = [f"{(share * 100).normalize():f}" for share in (shares[0], shares[-1])]
        return f"{said[0] if len(shares) == 1 else '–'.join(said)}%"

    def points(self, delta: Decimal) -> str:
        """A difference of two rates in percentage points, signed."""
        digits = 1 if not delta or abs(delta) >= Decimal("0.0005") else 2
        return self("unit.points", n=f"{delta * 100:+.{digits}f}".replace("-", "−"))


def _flat(raw: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in raw.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


@cache
def words(language: str) -> Words:
    """The words of `language` (zh or en): those of all files in its folder."""
    entries: dict[str, str] = {}
    for file in sorted((files(__name__) / language).iterdir(), key=lambda file: file.name):
        entries |= _flat(tomllib.loads(file.read_text(encoding="utf-8")))
    return Words(language, entries)
