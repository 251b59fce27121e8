"""A figure as it is written down, and as it is handed to plotly.

Plotly's own objects check every property while a figure is made, which takes longer than all that a
page asks. Here it is plain data, and the tests have plotly check every figure of every page.
"""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go


class Figure:
    """What plotly will draw: traces in `data`, all else in `layout`, by plotly's own names."""

    def __init__(self, layout: Mapping[str, Any]) -> None:
        self.data: list[dict[str, Any]] = []
        self.layout: dict[str, Any] = {"shapes": [], "annotations": [], **layout}

    def add_bar(self, **said: Any) -> None:
        """Add a trace of bars."""
        self._add("bar", said)

    def add_scatter(self, **said: Any) -> None:
        """Add a trace of lines, marks or texts."""
        self._add("scatter", said)

    def add_annotation(self, **said: Any) -> None:
        """Add a text beside the data."""
        self.layout["annotations"].append({"showarrow": False, **said})

    def add_shape(self, **said: Any) -> None:
        """Add a line or a rectangle."""
        self.layout["shapes"].append(said)

    def add_vline(self, x: float, line: Mapping[str, Any]) -> None:
        """Add a line from bottom to top."""
        self.add_shape(type="line", x0=x, x1=x, y0=0, y1=1, yref="y domain", line=line)

    def add_hline(self, y: float, line: Mapping[str, Any]) -> None:
        """Add a line from side to side."""
        self.add_shape(type="line", y0=y, y1=y, x0=0, x1=1, xref="x domain", line=line)

    def update_layout(self, **said: Any) -> None:
        """Say more of the layout; what is said of a part leaves the rest of that part."""
        _merge(self.layout, said)

    def update_xaxes(self, **said: Any) -> None:
        """Say more of the axis below."""
        _merge(self.layout["xaxis"], said)

    def update_yaxes(self, **said: Any) -> None:
        """Say more of the axis at the side."""
        _merge(self.layout["yaxis"], said)

    def _add(self, kind: str, said: Mapping[str, Any]) -> None:
        # Arrays would be sent as bytes, and be taken for other data when plotly is handed the
        # figure a second time.
        lists = {name: v.tolist() if hasattr(v, "tolist") else v for name, v in said.items()}
        self.data.append({"type": kind, **lists})


class Drawn(go.Figure):  # type: ignore[misc]
    """A figure that changes no more: what Streamlit asks of it with every run is made once."""

    def __init__(self, figure: Figure) -> None:
        super().__init__()
        self._said = {"data": figure.data, "layout": figure.layout}

    def to_dict(self) -> dict[str, Any]:
        """What plotly is handed."""
        return self._said


def _merge(into: dict[str, Any], said: Mapping[str, Any]) -> None:
    for name, value in said.items():
        if isinstance(value, Mapping) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value
