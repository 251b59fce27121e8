"""How the page is dressed, light or dark; the charts follow when the reader switches."""

from pathlib import Path

import streamlit as st

_STATIC = Path(__file__).parents[1] / "static"
_WATCH = """
export default function ({ data, setStateValue }) {
  const app = document.querySelector(".stApp");
  const tell = () => {
    const mode = getComputedStyle(app).colorScheme;
    document.documentElement.style.colorScheme = mode;
    if ((mode === "light" || mode === "dark") && mode !== data.mode) setStateValue("mode", mode);
  };
  tell();
  const observer = new MutationObserver(tell);
  observer.observe(app, { attributes: true, attributeFilter: ["class", "style"] });
  return () => observer.disconnect();
}
"""
_KEY = "mode"


def dress() -> None:
    """Give the page its title, icon, width and style."""
    st.set_page_config("Kept 履约", _STATIC / "kept.svg", layout="wide")
    st.logo(str(_STATIC / "kept.svg"), size="small")
    st.html(_STATIC / "kept.css")


def mode() -> str | None:
    """The mode the page is shown in: as its watcher last said, else as the browser began."""
    told = st.session_state.get(_KEY)
    return (told or {}).get("mode") or st.context.theme.type


def watch(shown: str) -> None:
    """Watch for a switch away from the mode `shown`; a switch runs the page again."""
    with st.container(key="mode_watch"):
        _component()(key=_KEY, data={"mode": shown}, on_mode_change=lambda: None, height=1)


@st.cache_resource(show_spinner=False)
def _component():  # type: ignore[no-untyped-def]
    return st.components.v2.component("kept.mode", js=_WATCH)
