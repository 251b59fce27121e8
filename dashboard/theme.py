"""Every colour of the dashboard, once; `.streamlit/config.toml` repeats them for the widgets."""

from dataclasses import dataclass

FONT = "Inter, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"

TONES = {
    "kept": "good",
    "broken": "bad",
    "undecided": "warn",
    "no_evidence": "quiet",
    "open": "info",
    "no_activity": "quiet",
    "not_promised": "quiet",
    "met": "good",
    "breached": "bad",
    "unknown": "warn",
    "pending": "info",
    "excluded": "quiet",
}


@dataclass(frozen=True)
class Tone:
    """One meaning: its line colour, its tint behind text, and its text on that tint."""

    line: str
    tint: str
    text: str


@dataclass(frozen=True)
class Palette:
    """The colours of one mode, light or dark."""

    mode: str
    canvas: str
    card: str
    hairline: str
    grid: str
    text: str
    muted: str
    track: str
    accent: str
    band: str
    good: Tone
    warn: Tone
    bad: Tone
    info: Tone
    quiet: Tone

    def tone(self, name: str) -> Tone:
        """The tone of a state, a verdict, or a tone by its own name."""
        tone: Tone = getattr(self, TONES.get(name, name))
        return tone


LIGHT = Palette(
    mode="light",
    canvas="#f5f6f8",
    card="#ffffff",
    hairline="#e3e6eb",
    grid="#eef0f4",
    text="#14181f",
    muted="#5f6878",
    track="#e9ecf1",
    accent="#1f5fbf",
    band="rgba(31,95,191,0.09)",
    good=Tone("#1a8f6a", "#e8f4f0", "#136b4f"),
    warn=Tone("#c9820a", "#faf1e1", "#8a5907"),
    bad=Tone("#d1453b", "#fbeae8", "#a8322a"),
    info=Tone("#1f5fbf", "#e5edf8", "#1a4f9f"),
    quiet=Tone("#8a93a3", "#eef0f4", "#5d6675"),
)

DARK = Palette(
    mode="dark",
    canvas="#0e1116",
    card="#161a21",
    hairline="#262c36",
    grid="#20262f",
    text="#e7eaf0",
    muted="#8c96a6",
    track="#262c36",
    accent="#6ea3f5",
    band="rgba(110,163,245,0.13)",
    good=Tone("#3cc495", "#1d3b38", "#6ed9b3"),
    warn=Tone("#e5a93c", "#3a3122", "#f0c573"),
    bad=Tone("#f2766d", "#402629", "#f79d96"),
    info=Tone("#6ea3f5", "#1c2940", "#9cc0fa"),
    quiet=Tone("#77818f", "#232a35", "#a4adbb"),
)


def palette(mode: str | None) -> Palette:
    """The palette of `mode`; light where the browser has not said yet."""
    return DARK if mode == "dark" else LIGHT


def blend(low: str, high: str, share: float) -> str:
    """The colour `share` of the way (0 to 1) from `low` to `high`, both `#rrggbb`."""
    pairs = ((int(low[i : i + 2], 16), int(high[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
