"""Templates: an empty one holds no row, a filled one loads, its notes and choices are there."""

from io import BytesIO

import openpyxl
import pytest

from etl.catalogue import catalogue
from etl.config import Settings
from etl.errors import KeptError
from etl.intake.load import load
from etl.intake.template import template, write_template

LOGS = list(catalogue().logs)


def _filled(name, language):
    """The template with its own example written into the first row to fill."""
    book = openpyxl.load_workbook(BytesIO(template(name, language)))
    sheet = book.worksheets[0]
    for column in range(1, sheet.max_column + 1):
        sheet.cell(4, column).value = sheet.cell(2, column).value
    return book


@pytest.mark.parametrize("language", ["zh", "en"])
def test_all_templates_filled_with_their_examples_load_and_nothing_waits(tmp_path, language):
    for number, name in enumerate(LOGS):
        _filled(name, language).save(tmp_path / f"{number:02d}.xlsx")

    done = load(Settings(tmp_path / "warehouse"), [tmp_path], dry_run=False)

    assert [(one.log, one.new, one.rejected) for one in done.files] == [
        (name, 1, 0) for name in LOGS
    ]
    assert done.waiting == {}
    assert [one.ignored_columns for one in done.files] == [()] * len(LOGS)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_empty_templates_hold_no_row_though_they_show_an_example(tmp_path, language):
    for number, name in enumerate(LOGS):
        write_template(name, language, tmp_path / f"{number:02d}.xlsx")

    done = load(Settings(tmp_path / "warehouse"), [tmp_path], dry_run=True)

    assert [(one.log, one.new, one.rejected) for one in done.files] == [
        (name, 0, 0) for name in LOGS
    ]


def test_choices_are_offered_and_each_heading_has_a_note():
    sheet = openpyxl.load_workbook(BytesIO(template("tickets", "en"))).worksheets[0]
    choices = openpyxl.load_workbook(BytesIO(template("tickets", "en")))["choices"]
    headings = [cell.value for cell in sheet[3]]
    place = headings.index("Service type*") + 1

    [rule] = [
        one
        for one in sheet.data_validations.dataValidation
        if str(one.sqref).startswith(sheet.cell(4, place).column_letter)
    ]
    letter = rule.formula1.removeprefix("choices!$").split("$")[0]

    assert [cell.value for cell in choices[letter][:5]] == [
        "consultation", "software_fault", "hardware_fault", "upgrade", "development_support",
    ]  # fmt: skip
    assert sheet.cell(3, place).comment.text.splitlines() == [
        "One choice of the list.",
        "Required.",
        "One of: consultation / software_fault / hardware_fault / upgrade / development_support",
        "Example: hardware_fault",
    ]
    assert all(cell.comment for cell in sheet[3])


def test_what_is_wrong_is_said(tmp_path):
    with pytest.raises(KeptError) as no_log:
        template("orders", "zh")
    with pytest.raises(KeptError) as no_workbook:
        write_template("tickets", "zh", tmp_path / "tickets.csv")

    assert (no_log.value.code, no_workbook.value.code) == ("log_unknown_name", "template_format")
