"""Headers: which row, which log, which column; what is offered and what is never guessed."""

import pytest

from etl.errors import KeptError
from etl.intake.mapping import ColumnMapping, Duration
from etl.intake.match import (
    OFFERED,
    Match,
    Suggestion,
    applied,
    propose,
    recognise,
    reconsidered,
    suggestions,
)
from etl.intake.read import TextTable

TICKET = ["工单编号", "合同编号", "服务类型", "报修时间"]


def table(*rows: list[str], delimiter: str | None = None) -> TextTable:
    return TextTable("f.csv", None, list(rows), list(range(1, len(rows) + 1)), delimiter)


def matched(headers: list[str], log: str | None = "tickets", **more: object) -> Match:
    match = recognise([table(headers)], log, **more)  # type: ignore[arg-type]
    assert match is not None
    return match


def mapping(text: str) -> ColumnMapping:
    return ColumnMapping.from_toml(f'log = "tickets"\n{text}')


def test_a_close_spelling_is_offered_with_its_score_and_never_taken() -> None:
    found = propose([table(["工单编号", "合同编号", "服务类型", "报修时闻"])])
    assert found is not None
    [reported] = [one for one in found.columns if one.column.name == "reported_at"]
    assert (reported.how, reported.missing) == (None, True)
    assert reported.suggestions == (Suggestion("报修时闻", 0.75),)
    assert found.unused == ("报修时闻",)
    with pytest.raises(KeptError) as caught:
        applied(found)
    assert caught.value.code == "column_missing"
    assert caught.value.values["extra"] == "报修时闻 (→ 报修时间? 0.75)"


@pytest.mark.parametrize("header", ["Contact ID", "Contract IDs", "Reported att"])
def test_not_even_one_letter_is_overlooked(header: str) -> None:
    match = matched([*TICKET[:1], "Equipment ID", *TICKET[2:], header])
    assert match.ignored == (header,)


def test_an_optional_column_nearly_spelled_right_is_noted() -> None:
    match = matched([*TICKET, "解決时间"])
    assert "resolved_at" not in match.columns
    [note] = [note for note in match.notes if note.code == "note_close"]
    assert (note.values["header"], note.values["score"]) == ("解決时间", 0.75)


def test_what_is_less_alike_is_not_offered() -> None:
    match = matched([*TICKET, "天气"])
    assert all(not list(suggestions(match, column)) for column in match.log.columns.values())
    assert 0.6 < OFFERED < 1


def test_a_proposal_names_every_column_and_shows_values() -> None:
    rows = [["A", "C", "咨询", "2026-01-05"], ["B", "C", "咨询", ""], ["B", "C", "升级", ""]]
    found = propose([table(TICKET, *rows)])
    assert found is not None
    assert found.problems == ()
    assert [one.column.name for one in found.columns] == list(found.log.columns)
    assert found.columns[0].samples == ("A", "B")
    assert found.samples["服务类型"] == ("咨询", "升级")
    assert found.mapping.columns["ticket_id"] == ("工单编号",)
    assert found.mapping.columns["description"] == ()
    assert found.mapping.headers == tuple(TICKET)
    assert found.fits[0] == ("tickets", 4)
    # Said again as a mapping, it is the same.
    assert applied(found, found.mapping).columns == applied(found).columns


def test_a_person_may_name_the_log_and_the_header_row() -> None:
    sheet = table(["月报"], ["号", "何时"], ["A", "2026-01-05"])
    assert propose([sheet]) is None
    found = propose([sheet], "tickets", header_index=1)
    assert found is not None
    assert found.headers == ("号", "何时")
    chosen = mapping(
        '[columns]\nticket_id = "号"\nreported_at = "何时"\n'
        '[constants]\ncontract_id = "C"\nservice_type = "upgrade"\n'
    )
    match = applied(found, chosen)
    assert match.columns == {"ticket_id": 0, "reported_at": 1}
    assert match.given == {"ticket_id", "reported_at", "contract_id", "service_type"}
    assert reconsidered(found, chosen).problems == ()


def test_a_column_left_out_by_hand_is_left_out() -> None:
    match = matched(
        [*TICKET, "响应时间"],
        mappings=[mapping('headers = ["响应时间"]\n[columns]\nresponded_at = ""\n')],
    )
    assert "responded_at" not in match.given
    assert match.ignored == ("响应时间",)


def test_a_header_of_the_mapping_that_is_not_there() -> None:
    found = propose([table(TICKET)])
    assert found is not None
    with pytest.raises(KeptError, match="mapping_header_missing"):
        applied(found, mapping('[columns]\nresponded_at = "首响"\n'))


def test_one_of_two_headers_of_a_name_is_chosen_by_its_number() -> None:
    headers = [*TICKET, "备注", "备注"]
    found = propose([table(headers)])
    assert found is not None
    with pytest.raises(KeptError) as caught:
        applied(found, mapping('[columns]\ndescription = "备注"\n'))
    assert caught.value.code == "mapping_header_twice"
    assert caught.value.values["choices"] == "备注@1、备注@2"
    match = applied(found, mapping('[columns]\ndescription = "备注@2"\n'))
    assert match.columns["description"] == 5
    assert match.mapping.columns["description"] == ("备注@2",)


def test_one_of_two_columns_is_chosen_by_hand() -> None:
    headers = [*TICKET, "报修科室", "使用部门"]
    with pytest.raises(KeptError, match="column_twice"):
        matched(headers)
    match = matched(headers, mappings=[mapping('[columns]\ndepartment = "报修科室"\n')])
    assert match.columns["department"] == 4


def test_the_person_comes_before_what_is_remembered_and_that_before_aliases() -> None:
    headers = [*TICKET, "甲", "乙"]
    kept = mapping(f'headers = {headers}\n[columns]\ndescription = "甲"\n'.replace("'", '"'))
    said = mapping('[columns]\ndescription = "乙"\n')
    assert matched(headers, remembered=[kept]).how["description"] == "remembered"
    match = matched(headers, mappings=[said], remembered=[kept])
    assert (match.columns["description"], match.how["description"]) == (5, "given")
    assert match.how["ticket_id"] == "alias"


def test_a_mapping_for_one_place_is_for_no_other() -> None:
    one = ColumnMapping("tickets", constants={"contract_id": "C"}, place="g.csv")
    headers = ["工单编号", "服务类型", "报修时间"]
    with pytest.raises(KeptError, match="column_missing"):
        matched(headers, mappings=[one])
    here = ColumnMapping("tickets", constants={"contract_id": "C"}, place="f.csv")
    assert matched(headers, mappings=[here]).mapping.constants == {"contract_id": "C"}


def test_rejects_loaded_again_keep_the_remembered_mapping() -> None:
    from etl.intake.match import STRAY_CELLS

    headers = ["单号", "合同编号", "服务类型", "报修时间"]
    kept = mapping(f'headers = {headers}\n[columns]\nticket_id = "单号"\n'.replace("'", '"'))
    again = [*headers, STRAY_CELLS, "源行号 source row", "问题列 columns", "原因", "reasons"]
    assert matched(again, None, remembered=[kept]).columns["ticket_id"] == 0


@pytest.mark.parametrize(
    ("header", "unit"),
    [("响应时间(分钟)", "minutes"), ("响应时间(小时)", "hours"), ("响应时间(s)", "seconds")],
)
def test_a_heading_with_a_unit_is_counted_from_the_report(header: str, unit: str) -> None:
    match = matched([*TICKET, header])
    assert match.durations == {"responded_at": 4}
    assert match.mapping.durations == {"responded_at": Duration(header, "reported_at", unit)}
    assert match.how["responded_at"] == "duration"


def test_an_instant_of_its_own_comes_before_a_span() -> None:
    match = matched([*TICKET, "响应时间(分钟)", "响应时间"])
    assert match.durations == {}
    assert match.columns["responded_at"] == 5


def test_a_label_that_means_the_opposite_only_through_its_profile() -> None:
    bare = matched([*TICKET, "开始时间", "响应时间"])
    assert "resolved_at" not in bare.given
    headers = [
        "编号",
        "开始日期",
        "需求类型",
        "开始时间",
        "响应时间",
        "响应时间期限",
        "解决时间期限",
    ]
    found = propose([table(headers)])
    assert found is not None
    assert found.profile is not None
    assert found.profile.name == "itop"
    assert found.mapping.columns["resolved_at"] == ("开始时间",)
    # Its stopwatch is not taken for an instant by its alias.
    assert found.mapping.durations == {"responded_at": Duration("响应时间", "reported_at")}


def test_a_profile_speaks_only_of_its_own_headers() -> None:
    headers = ["#", "Create Channel", "Created At", "First Response At", "Group", "合同编号"]
    found = propose([table([*headers, "服务类型"])])
    assert found is not None
    assert found.profile is not None
    assert (found.profile.name, found.problems) == ("zammad", ())
    assert found.mapping.columns["contract_id"] == ("合同编号",)


def test_the_log_is_named_by_the_person_also_against_a_profile() -> None:
    headers = ["ID", "Name", "Non Stock", "Barcode", "Area", "Minimum Quantity"]
    found = propose([table(headers)], "equipment")
    assert found is not None
    assert (found.log.name, found.profile) == ("equipment", None)


def test_two_logs_that_fit_alike_are_asked_about() -> None:
    headers = ["合同编号", "使用部门", "设备编号"]
    equipment = propose([table(headers)])
    assert equipment is not None
    assert equipment.log.name == "equipment"
    assert equipment.problems == ()


def test_an_unknown_unit_is_a_problem_of_the_proposal() -> None:
    found = propose([table(["合同编号", "合同总价(千元)"])])
    assert found is not None
    assert [problem.code for problem in found.problems] == ["unit_unknown"]


def test_a_form_that_says_itself_what_it_is_about() -> None:
    system = ["审批编号", "审批状态", "发起时间", "发起人部门"]
    form = ["巡检编号", "合同编号", "使用部门", "巡检类型"]
    assert matched([*system, *form], None).log.name == "inspections"
    bare = propose([table(system)])
    assert bare is not None
    assert (bare.log.name, bare.profile and bare.profile.name) == ("tickets", "dingtalk_approval")


GROUPS = ["工单编号", "合同编号", "服务类型", "报修", "", "响应", "费用", ""]
BELOW = ["", "", "", "时间", "部门", "时间", "配件费", "合计"]


def test_a_heading_is_known_with_its_group_and_by_itself() -> None:
    row = ["A", "C", "咨询", "2026-01-05", "内科", "2026-01-06", "5", "6"]
    match = recognise([table(GROUPS, BELOW, row)])
    assert match is not None
    assert match.header_index == 1
    assert match.columns == {
        "ticket_id": 0, "contract_id": 1, "service_type": 2, "reported_at": 3, "department": 4,
        "responded_at": 5, "parts_charge": 6,
    }  # fmt: skip
    assert match.headers == (*GROUPS[:3], "报修时间", "报修部门", "响应时间", "配件费", "合计")
    # By either name in a mapping; of those below, as many times as they are there.
    said = mapping('[columns]\nresponded_at = "时间@2"\ndescription = "费用合计"\n')
    match = recognise([table(GROUPS, BELOW, row)], mappings=[said])
    assert match is not None
    assert (match.columns["responded_at"], match.columns["description"]) == (5, 7)


def test_a_unit_below_a_group_is_one() -> None:
    match = matched_two(["", "", "", "", "响应"], [*TICKET, "时间(分钟)"])
    assert match.mapping.durations == {
        "responded_at": Duration("响应时间(分钟)", "reported_at", "minutes")
    }


def matched_two(above: list[str], below: list[str]) -> Match:
    match = recognise([table(above, below, ["A", "C", "咨询", "2026-01-05", "5"])])
    assert match is not None
    return match


def test_a_title_above_is_no_group_of_what_is_known_without_it() -> None:
    match = matched_two(["维修工单月报"], [*TICKET, "备注"])
    assert match.headers == (*TICKET, "备注")


def test_a_title_is_no_group_of_what_is_there_twice() -> None:
    match = matched_two(["月报", "", "", "", "制表", "审核"], [*TICKET, "备注", "备注"])
    assert match.headers == (*TICKET, "备注", "备注")


def test_a_mapping_remembered_for_the_headings_below_is_still_theirs() -> None:
    headers = [*TICKET[:3], "时间", "备注"]
    kept = ColumnMapping("tickets", headers=tuple(headers), columns={"reported_at": ("时间",)})
    above = ["", "", "", "报修", ""]
    match = recognise(
        [table(above, headers, ["A", "C", "咨询", "2026-01-05", "x"])], remembered=[kept]
    )
    assert match is not None
    assert match.how["reported_at"] == "remembered"
