"""PDF by typst: from a template and its data, with a Chinese font of the system embedded.

Nothing comes from the network or from the clock: the same template, data and font give the same
bytes. Data reaches the template as JSON, so that nothing in it is ever taken for markup.
"""

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from etl.errors import NothingDoneError
from etl.scratch import scratch

EPOCH = datetime(1980, 1, 1, tzinfo=UTC)
_FAMILIES = (
    ("Noto Sans CJK SC", "NotoSansCJK-*.ttc"),
    ("Noto Sans CJK SC", "NotoSansCJKsc-*.otf"),
    ("Noto Sans SC", "NotoSansSC-*.[ot]tf"),
    ("Source Han Sans SC", "SourceHanSans.ttc"),
    ("Source Han Sans SC", "SourceHanSansSC-*.otf"),
    ("Source Han Sans CN", "SourceHanSansCN-*.otf"),
    ("Noto Serif CJK SC", "NotoSerifCJK-*.ttc"),
    ("Noto Serif CJK SC", "NotoSerifCJKsc-*.otf"),
    ("Noto Serif SC", "NotoSerifSC-*.[ot]tf"),
    ("Source Han Serif SC", "SourceHanSerifSC-*.otf"),
    ("LXGW WenKai", "LXGWWenKai-*.ttf"),
    ("WenQuanYi Zen Hei", "wqy-zenhei.ttc"),
    ("WenQuanYi Micro Hei", "wqy-microhei.ttc"),
)
"""Open fonts with Chinese, the preferred first. A font that may not be embedded is not taken."""
_WEIGHTS = ("Regular", "Bold")


@dataclass(frozen=True)
class Font:
    """A family of fonts and the files that it is in."""

    family: str
    files: tuple[Path, ...]


@cache
def chinese_font() -> Font:
    """The font for Chinese. Raises NothingDoneError where there is none, saying what to install."""
    there = [
        file for folder in _folders() if folder.is_dir() for file in folder.rglob("*.[ot]t[fc]")
    ]
    for family, pattern in _FAMILIES:
        files = sorted({file.name: file for file in there if file.match(pattern)}.items())
        upright = [file for name, file in files if Path(name).stem.endswith(_WEIGHTS)]
        found = upright if "*" in pattern else [file for _, file in files]
        if found:
            return Font(family, tuple(found))
    raise NothingDoneError("font_missing")


def compile_pdf(template: str, data: Mapping[str, Any], files: Sequence[Path] = ()) -> bytes:
    """The PDF of a template; `data` is there as `data.json`, the font as `sys.inputs.font`.

    `files` (figures) lie beside it under their names. Raises NothingDoneError without a font.
    """
    import typst

    font = chinese_font()
    with scratch("pdf") as folder:
        for source in font.files:
            target = folder / "fonts" / source.name
            target.parent.mkdir(exist_ok=True)
            try:
                target.symlink_to(source)
            except OSError:  # where links need a privilege
                shutil.copyfile(source, target)
        for source in files:
            (folder / source.name).write_bytes(source.read_bytes())
        (folder / "data.json").write_text(
            json.dumps(data, ensure_ascii=False, default=str), encoding="utf-8"
        )
        (folder / "document.typ").write_text(template, encoding="utf-8")
        made = typst.compile(
            folder / "document.typ",
            root=folder,
            font_paths=[folder / "fonts"],
            ignore_system_fonts=True,
            sys_inputs={"font": font.family},
            timestamp=EPOCH,
        )
    assert isinstance(made, bytes)
    return made


def _folders() -> Iterator[Path]:
    """Where this system keeps fonts."""
    home = Path.home()
    if sys.platform == "win32":
        yield Path("C:/Windows/Fonts")
        yield home / "AppData/Local/Microsoft/Windows/Fonts"
    elif sys.platform == "darwin":
        yield from (Path("/Library/Fonts"), Path("/System/Library/Fonts"), home / "Library/Fonts")
    else:
        yield from (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
        yield from (home / ".local/share/fonts", home / ".fonts")
