"""A figure's recent course as a small drawing: it has no axes, no marks and no words."""

from collections.abc import Sequence
from urllib.parse import quote

from dashboard.theme import Tone

_HIGH = 40


def sparkline(series: Sequence[float], tone: Tone, *, bars: bool = False) -> str:
    """An image of two or more values from its left edge to its right, the lowest at its foot
    (bars: zero); a level course runs at half height. Given as a data address.
    """
    low, high = (0.0 if bars else min(series)), max(series)
    shares = [(value - low) / (high - low) if high > low else 0.5 for value in series]
    tops = [f"{_HIGH - share * (_HIGH - 2):.1f}" for share in shares]
    if bars:
        width = 100 / len(tops)
        line = "".join(f"M{(at + 0.5) * width:.1f},{_HIGH}V{top}" for at, top in enumerate(tops))
        stroke, area = f"{width * 0.8:.1f}", ""
    else:
        line = "M" + " ".join(
            f"{100 * at / (len(tops) - 1):.1f},{top}" for at, top in enumerate(tops)
        )
        stroke = "2' vector-effect='non-scaling-stroke"
        area = f"<path d='{line}V{_HIGH}H0Z' fill='{tone.tint}'/>"
    drawn = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 100 {_HIGH}' "
        f"preserveAspectRatio='none'>{area}"
        f"<path d='{line}' fill='none' stroke='{tone.line}' stroke-width='{stroke}'/></svg>"
    )
    return f"data:image/svg+xml,{quote(drawn)}"
