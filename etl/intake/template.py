"""`kept template`: an empty sheet of one log to fill in, with notes, choices and an example."""

from io import BytesIO
from pathlib import Path

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from etl.catalogue import Column, Log, catalogue
from etl.errors import KeptError

ROWS_TO_FILL = 2000
_HOW, _EXAMPLE, _HEADER = 1, 2, 3
_FIRST, _LAST = _HEADER + 1, _HEADER + ROWS_TO_FILL
_FORMATS = {"date": "yyyy-mm-dd", "instant": "yyyy-mm-dd hh:mm:ss"}
_WIDTHS = {"date": 14, "instant": 20, "text": 26}
_YES_NO = {"zh": ("是", "否"), "en": ("yes", "no")}
_HEADING = PatternFill("solid", start_color="FFEEF0F4")
_GREY = "FF6B7280"


def write_template(name: str, language: str, target: Path) -> None:
    """Writes the template of the log `name` to `target`, an .xlsx file.

    Raises KeptError where there is no such log or the file cannot be written.
    """
    if target.suffix.lower() != ".xlsx":
        raise KeptError("template_format", file=target)
    content = template(name, language)
    try:
        target.write_bytes(content)
    except OSError as error:
        raise KeptError("file_not_written", file=target) from error


def template(name: str, language: str) -> bytes:
    """The workbook: a line that says how, an example, the headings, then empty rows.

    What stands above the headings is never taken for data, so that nobody has to delete it. Raises
    KeptError where there is no such log.
    """
    log = catalogue().logs.get(name)
    if log is None:
        raise KeptError("log_unknown_name", log=name, logs=", ".join(catalogue().logs))
    book = Workbook()
    book.properties.creator = "Kept 履约"
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = log.label.get(language)
    known = book.create_sheet("choices")
    known.sheet_state = "hidden"
    sheet.cell(_HOW, 1, catalogue().message("template_how", language, log=log.label)).font = Font(
        bold=True
    )
    for position, column in enumerate(log.columns.values(), start=1):
        _write_column(sheet, known, position, log, column, language)
    sheet.freeze_panes = sheet.cell(_FIRST, 2)
    if not known.max_row or known.cell(1, 1).value is None:
        book.remove(known)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _write_column(
    sheet: Worksheet, known: Worksheet, position: int, log: Log, column: Column, language: str
) -> None:
    letter = get_column_letter(position)
    dimension = sheet.column_dimensions[letter]
    dimension.width = _WIDTHS.get(column.type, 16)
    dimension.number_format = _FORMATS.get(column.type, "General" if _is_number(column) else "@")
    example = sheet.cell(_EXAMPLE, position, _example(log, column, language))
    example.font = Font(italic=True, color=_GREY)
    needed = column.required or column.name in log.key
    label = column.label.get(language)
    heading = sheet.cell(_HEADER, position, f"{label}*" if needed else label)
    heading.font, heading.fill = Font(bold=True), _HEADING
    heading.alignment = Alignment(wrap_text=True, vertical="top")
    heading.comment = Comment(_note(log, column, language), "Kept", height=150, width=300)
    if offered := _offered(column, language):
        choice = DataValidation("list", formula1=_listed(known, offered), allow_blank=True)
        # A word that is not on the list may be one that loading knows: said, not forbidden.
        choice.errorStyle = "warning"
        choice.add(f"{letter}{_FIRST}:{letter}{_LAST}")
        sheet.add_data_validation(choice)


def _listed(known: Worksheet, offered: list[str]) -> str:
    """The words in a column of their own: a list inside the rule is cut off at 255 characters."""
    place = known.max_column + 1 if known.cell(1, 1).value is not None else 1
    for row, word in enumerate(offered, start=1):
        known.cell(row, place, word)
    letter = get_column_letter(place)
    return f"choices!${letter}$1:${letter}${len(offered)}"


def _is_number(column: Column) -> bool:
    return column.type in ("number", "integer", "money")


def _offered(column: Column, language: str) -> list[str]:
    if column.type == "flag":
        return list(_YES_NO[language])
    if column.type == "choice":
        return [_word(column, code, language) for code in column.choices or {}]
    if column.known == "term":
        return list(catalogue().terms)
    if column.known == "clause":
        return list(catalogue().clauses)
    if column.known == "log":
        return [log.label.get(language) for log in catalogue().logs.values()]
    return []


def _word(column: Column, code: str, language: str) -> str:
    words = (column.choices or {})[code]
    return words[0] if language == "zh" and words else code


def _example(log: Log, column: Column, language: str) -> str:
    said = log.example[column.name]
    if language == "zh" or not said:
        return said
    if column.type == "flag":
        return _YES_NO["en"][_YES_NO["zh"].index(said)] if said in _YES_NO["zh"] else "yes"
    if column.choices:
        codes = {word: code for code, words in column.choices.items() for word in words}
        return ";".join(codes[word] for word in said.split(";"))
    if column.known == "log":
        return next(one.label.en for one in catalogue().logs.values() if said == one.label.zh)
    return said


def _note(log: Log, column: Column, language: str) -> str:
    """What stands in the column: its type, whether it is required, its words, an example."""

    def said(code: str, **values: object) -> str:
        return catalogue().message(f"template_{code}", language, **values)

    lines = [said(f"type_{column.type}")]
    if column.required_unless:
        lines.append(said("required_unless", other=log.columns[column.required_unless].label))
    elif column.required:
        lines.append(said("required"))
    if column.name in log.key:
        lines.append(said("key"))
    if column.default is not None:
        lines.append(said("default", value=column.default))
    if column.references:
        lines.append(said("references", log=catalogue().logs[column.references].label))
    if column.choices:
        words = [_word(column, code, language) for code in column.choices]
        lines.append(said("choices", choices=" / ".join(words)))
    if example := _example(log, column, language):
        lines.append(said("example", value=example))
    return "\n".join(lines)
