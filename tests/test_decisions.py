"""Decisions about retention money: what may be decided, what is recorded, what holds afterwards."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from etl.catalogue import catalogue
from etl.checkpoint import parse_checkpoint
from etl.cli import app
from etl.config import Settings
from etl.errors import KeptError
from etl.evidence.chain import canonical, parse_record
from etl.evidence.decisions import (
    Decision,
    Dossier,
    contradictions,
    decide,
    decisions,
    dossier,
    dossier_then,
    drafted,
    released,
    standing,
)
from etl.evidence.files import Proof, proof
from etl.evidence.people import same_person
from etl.evidence.verify import verify
from etl.intake.load import load, undo
from etl.store import Warehouse
from tests import evidence_case

WHY = ("试运行合格",)


@pytest.fixture(autouse=True, scope="module")
def few_models() -> Iterator[None]:
    with evidence_case.few_models():
        yield


@pytest.fixture(scope="module")
def made(few_models: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the warehouse of evidence_case."""
    folder = tmp_path_factory.mktemp("made")
    evidence_case.make(folder)
    return folder


@pytest.fixture
def settings(made: Path, tmp_path: Path) -> Settings:
    """A copy of it to write to."""
    shutil.copytree(made / "warehouse", tmp_path / "warehouse")
    return Settings(tmp_path / "warehouse")


@pytest.fixture(scope="module")
def read_only(made: Path) -> Settings:
    return Settings(made / "warehouse")


@pytest.fixture(scope="module")
def known(read_only: Settings) -> dict[str, Dossier]:
    """What is known of each contract now."""
    return {contract: dossier(read_only, contract) for contract in ("HT-1", "HT-2", "HT-3")}


def withhold(**changes: object) -> Decision:
    return replace(Decision("withhold", "王一", "赵二"), **changes)  # type: ignore[arg-type]


def partial(amount: str, **changes: object) -> Decision:
    given = {"action": "partial", "amount": Decimal(amount), "reasons": WHY}
    return withhold(**{**given, **changes})


def refusal(found: object) -> str:
    assert isinstance(found, pytest.ExceptionInfo)
    for language in ("zh", "en"):
        assert "{" not in catalogue().sentence(found.value, language)
    return str(found.value.code)


def test_the_dossier_counts_what_can_be_counted_by_hand(known: dict[str, Dossier]) -> None:
    found = known["HT-1"]

    assert (found.retention_amount, found.released, found.held) == (5000, 0, 5000)
    assert (found.accepted_on, found.due_on) == (date(2024, 1, 10), date(2025, 1, 10))
    assert found.as_of == datetime(2025, 6, 1, 10)
    assert (found.verdict, found.provisional, found.clean) == ("breaches", False, False)
    (response,) = [one for one in found.clauses if one.clause == "sla.response"]
    assert (response.met, response.breached, response.unknown, response.excluded) == (1, 1, 1, 1)
    assert (response.raw_breached, response.raw_unknown) == (2, 1)
    assert response.deduction == Decimal("333.335")
    assert response.raw_deduction == Decimal("666.67")
    # One breach at 333.335, half a cent upwards; two of them beyond the cap.
    assert (found.deduction, found.raw_deduction) == (Decimal("333.34"), Decimal("500.00"))
    assert found.proposed_release == Decimal("4666.66")
    assert [(one.file, one.source_row, one.key) for one in found.rejected] == [
        ("tickets.csv", 6, ("T-5",))
    ]
    assert [(one.column, one.value) for one in found.waiting] == [("equipment_id", "U-9")]
    assert [(one.subject, one.counts, one.waived) for one in found.waivers] == [
        ("T-3", True, "breached")
    ]
    logs = {log.log: log for log in found.logs}
    # T-6 waits and T-5 was refused.
    assert (logs["tickets"].rows, logs["tickets"].stale) == (5, False)
    assert (logs["inspections"].loaded, logs["inspections"].stale) == (False, True)
    assert not found.bare


def test_as_of_decides_what_had_happened(read_only: Settings) -> None:
    found = dossier(read_only, "HT-1", datetime(2024, 6, 30, 23, 59, 59))
    (response,) = [one for one in found.clauses if one.clause == "sla.response"]

    assert found.provisional
    assert (response.breached, response.excluded) == (2, 0)
    assert [(one.counts, one.waived) for one in found.waivers] == [(False, None)]


def test_a_clause_after_the_warranty_is_never_charged(tmp_path: Path) -> None:
    settings = evidence_case.make(tmp_path)
    terms = evidence_case.put(
        tmp_path / "terms.csv",
        "contract_id,term,value\nHT-1,warranty_months,1\nHT-1,penalty_cap,9999\n",
    )
    load(settings, [terms])
    found = dossier(settings, "HT-1")
    by_clause = {one.clause: one for one in found.clauses}

    served = by_clause["aftercare.served"]
    assert (served.breached, served.penalty_per_breach) == (2, 900)
    assert (served.deduction, served.raw_deduction) == (0, 0)
    assert found.raw_deduction == Decimal("666.67")


def test_without_waivers_the_verdict_is_the_one_of_the_breaches(tmp_path: Path) -> None:
    settings = evidence_case.make(tmp_path)
    # With T-2 waived as well, no breach is left, and T-4 is still without evidence.
    waivers = evidence_case.WAIVERS + "HT-1,sla.response,T-2,停电,张三,李四,2024-07-01\n"
    load(settings, [evidence_case.put(tmp_path / "waivers.csv", waivers)])
    found = dossier(settings, "HT-1")
    (response,) = [one for one in found.clauses if one.clause == "sla.response"]

    assert (found.verdict, found.raw_verdict) == ("evidence_missing", "breaches")
    assert (response.verdict, response.raw_verdict) == ("undecided", "broken")
    assert (found.deduction, found.raw_deduction) == (0, 500)


def test_a_contract_without_logs_is_bare_and_never_clean(known: dict[str, Dossier]) -> None:
    found = known["HT-2"]

    assert (found.bare, found.clean, found.verdict) == (True, False, "evidence_missing")
    # Nor were its logs loaded completely and its verdict clean.
    assert not replace(found, verdict="clean").clean
    with pytest.raises(KeptError) as refused:
        drafted(replace(found, verdict="clean"), withhold(action="release"))
    assert refusal(refused) == "decision_reason_bare"


def test_an_unknown_contract_is_named(read_only: Settings) -> None:
    with pytest.raises(KeptError, match="contract_unknown"):
        dossier(read_only, "HT-9")


@pytest.mark.parametrize(
    ("contract", "decision", "code"),
    [
        ("HT-1", withhold(action="pay"), "decision_action_unknown"),
        ("HT-1", withhold(approved_by=" "), "decision_name_missing"),
        ("HT-1", withhold(approved_by="王 一"), None),
        ("HT-1", withhold(approved_by="  王一 "), "decision_same_person"),
        (
            "HT-1",
            withhold(prepared_by="WANG  Yi", approved_by="ｗａｎｇ yi"),
            "decision_same_person",
        ),
        ("HT-1", withhold(amount=Decimal(1)), "decision_pays_nothing"),
        ("HT-1", withhold(action="partial", reasons=WHY), "decision_amount_missing"),
        ("HT-1", partial("0"), "decision_amount_not_money"),
        ("HT-1", partial("-1"), "decision_amount_not_money"),
        ("HT-1", partial("1.005"), "decision_amount_not_money"),
        ("HT-1", partial("NaN"), "decision_amount_not_money"),
        ("HT-1", partial("5000.01"), "decision_amount_not_held"),
        ("HT-1", partial("10", action="release"), "decision_release_is_all"),
        ("HT-1", withhold(action="release"), "decision_reason_verdict"),
        ("HT-1", withhold(action="release", reasons=(" ", "\n")), "decision_reason_verdict"),
        ("HT-1", withhold(supersedes=7), "decision_supersedes_unknown"),
        ("HT-1", withhold(reasons=("\ud800",)), "decision_text_unreadable"),
        ("HT-2", withhold(action="release"), "decision_reason_bare"),
        ("HT-3", withhold(), "decision_reason_no_due"),
        ("HT-1", withhold(), None),
        ("HT-1", partial("5000"), None),
    ],
)  # fmt: skip
def test_what_may_be_decided(
    known: dict[str, Dossier], contract: str, decision: Decision, code: str | None
) -> None:
    found = known[contract]
    if code is None:
        assert drafted(found, decision).action == decision.action
        return
    with pytest.raises(KeptError) as refused:
        drafted(found, decision)

    assert refusal(refused) == code
    assert refused.value.exit_status == 2


def test_before_the_money_falls_due_a_reason_is_needed(read_only: Settings) -> None:
    found = dossier(read_only, "HT-1", datetime(2025, 1, 9, 23, 59, 59))

    with pytest.raises(KeptError) as refused:
        drafted(found, withhold())
    assert refusal(refused) == "decision_reason_early"
    assert drafted(found, withhold(reasons=WHY)).reasons == WHY
    on_the_day = dossier(read_only, "HT-1", datetime(2025, 1, 10, 0, 0))
    assert drafted(on_the_day, withhold()).reasons == ()


def test_to_keep_clean_money_back_needs_a_reason(known: dict[str, Dossier]) -> None:
    clean = replace(known["HT-1"], verdict="clean")

    with pytest.raises(KeptError, match="decision_reason_verdict"):
        drafted(clean, withhold())
    assert drafted(clean, withhold(action="release")).amount == 5000


def test_a_decision_says_all_that_it_rests_on(settings: Settings) -> None:
    record = decide(
        settings,
        "HT-1",
        partial("1234.5", conditions=(" 补交报告 ",), prepared_by="王一", approved_by=" 赵二 "),
    )

    said = record.content
    assert (record.seq, said["prev_hash"]) == (1, "0" * 64)
    assert said["authenticated"] is False
    assert said["decision"] == {
        "action": "partial", "amount": "1234.50", "reasons": ["试运行合格"],
        "conditions": ["补交报告"], "prepared_by": "王一", "approved_by": "赵二",
    }  # fmt: skip
    assert said["amounts"] == {
        "contract": "100000.00", "retention": "5000.00", "released_before": "0.00",
        "held": "5000.00", "penalty_cap": "500.00", "deduction": "333.34",
        "raw_deduction": "500.00", "proposed_release": "4666.66",
    }  # fmt: skip
    assert said["contrary"]["breached"]["sla.response"] == {"count": 1, "first": ["T-2"]}
    assert said["contrary"]["unknown"]["sla.response"] == {"count": 1, "first": ["T-4"]}
    assert said["contrary"]["rejected"]["count"] == said["contrary"]["waiting"]["count"] == 1
    assert [one["subject"] for one in said["waivers"]] == ["T-3"]
    assert (said["as_of"], said["manifest"]["number"]) == ("2025-06-01T10:00:00", 1)
    file = settings.warehouse / "decisions" / "1.json"
    assert file.read_bytes() == canonical(said)
    assert parse_record(file.read_bytes()) == record
    assert not list(fractions(said))


def fractions(value: object) -> Iterator[float]:
    """The numbers in a record that are not whole: JSON spells them in many ways."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from fractions(one)
    elif isinstance(value, list):
        for one in value:
            yield from fractions(one)


def test_what_was_released_is_held_no_longer_and_a_correction_gives_it_back(
    settings: Settings,
) -> None:
    first = decide(settings, "HT-1", partial("1000.01"))
    assert dossier(settings, "HT-1").held == Decimal("3999.99")
    with pytest.raises(KeptError, match="decision_amount_not_held"):
        decide(settings, "HT-1", partial("4000"))

    corrected = decide(settings, "HT-1", partial("4000", supersedes=1))
    assert (corrected.seq, corrected.supersedes) == (2, first.seq)
    assert corrected.prev_hash == first.hash
    # Of what it corrects nothing counts any more.
    assert corrected.content["amounts"]["released_before"] == "0.00"
    assert corrected.content["amounts"]["held"] == "5000.00"
    found = dossier(settings, "HT-1")
    assert (found.released, found.held) == (4000, 1000)
    assert standing(found.records) == (corrected,)
    with pytest.raises(KeptError) as refused:
        decide(settings, "HT-1", withhold(supersedes=1))
    assert refusal(refused) == "decision_supersedes_gone"

    rest = decide(settings, "HT-1", withhold(action="release", reasons=WHY))
    assert rest.amount == 1000
    with pytest.raises(KeptError) as refused:
        decide(settings, "HT-1", withhold(action="release", reasons=WHY))
    assert refusal(refused) == "decision_nothing_held"
    assert released(decisions(Warehouse(settings)), "HT-1") == 5000
    assert released(decisions(Warehouse(settings)), "HT-2") == 0


def test_a_record_of_another_contract_cannot_be_corrected(settings: Settings) -> None:
    decide(settings, "HT-2", withhold())

    with pytest.raises(KeptError, match="decision_supersedes_unknown"):
        decide(settings, "HT-1", withhold(supersedes=1))


def test_nothing_is_decided_on_what_nobody_has_seen(settings: Settings, tmp_path: Path) -> None:
    seen = dossier(settings, "HT-1")
    load(settings, [evidence_case.put(tmp_path / "tickets.csv", evidence_case.LATER)])

    with pytest.raises(KeptError) as refused:
        decide(settings, "HT-1", withhold(), seen=seen)
    assert (refusal(refused), refused.value.exit_status) == ("decision_data_moved", 1)
    assert catalogue().sentence(refused.value, "en") == (
        "Data was loaded meanwhile (manifest 2), and figures of HT-1 changed: Proposed deduction: "
        "333.34 → 500.00; Response to a report, Breached: 1 → 2. "
        "Look again, then decide; nothing was recorded."
    )
    assert decisions(Warehouse(settings)) == ()
    now = dossier(settings, "HT-1")
    assert decide(settings, "HT-1", withhold(), seen=now).manifest == seen.manifest + 1


OTHERS = evidence_case.TICKETS_HEADER + (
    "T-30,HT-3,U-3,软件故障,2025-07-08 08:00,2025-07-08 09:00,2025-07-08 10:00\n"
)


def test_loads_that_change_no_figure_of_the_contract_do_not_stop_a_decision(
    settings: Settings, tmp_path: Path
) -> None:
    seen = dossier(settings, "HT-1")
    load(settings, [evidence_case.put(tmp_path / "tickets.csv", OTHERS)])
    record = decide(settings, "HT-1", partial("10"), seen=seen)

    # Looked at from where it was seen, though the data go on until July.
    assert (record.manifest, record.as_of) == (2, "2025-06-01T10:00:00")
    assert record.content["horizon_at"] == "2025-07-08T10:00:00"
    assert verify(settings, anew=True).findings == ()


def test_a_load_while_a_decision_is_recorded_does_not_stop_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loads go on between each look and the lock."""
    numbers = iter(range(100))

    def proof_then_load(found: Dossier) -> Proof:
        hashes = proof(found)
        ticket = OTHERS.replace("T-30", f"T-{number}") if (number := next(numbers)) < 1 else ""
        if ticket:
            load(settings, [evidence_case.put(tmp_path / "tickets.csv", ticket)])
        return hashes

    monkeypatch.setattr("etl.evidence.decisions.proof", proof_then_load)
    record = decide(settings, "HT-1", partial("10"))

    assert record.manifest == 2
    assert verify(settings, anew=True).findings == ()


def test_what_was_seen_long_ago_is_compared_though_its_generation_is_gone(
    settings: Settings, tmp_path: Path
) -> None:
    seen = dossier(settings, "HT-1")
    for number in range(4):
        text = OTHERS.replace("T-30", f"T-3{number}")
        load(settings, [evidence_case.put(tmp_path / "tickets.csv", text)])
    assert not seen.marts.path.exists()

    assert decide(settings, "HT-1", partial("10"), seen=seen).manifest == 5


def test_a_clock_that_is_behind_the_last_record_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(settings, "HT-1", partial("10"))
    monkeypatch.setattr("etl.evidence.decisions.now", lambda: "2020-01-01T00:00:00+08:00")

    with pytest.raises(KeptError) as refused:
        decide(settings, "HT-1", partial("10"))
    assert refusal(refused) == "clock_behind"


def test_nobody_decides_from_a_day_that_has_not_come(settings: Settings) -> None:
    with pytest.raises(KeptError) as refused:
        decide(settings, "HT-1", withhold(reasons=WHY), datetime(2999, 1, 1))
    assert refusal(refused) == "decision_ahead"


def test_what_was_known_then_and_what_speaks_against_it_now(
    settings: Settings, tmp_path: Path
) -> None:
    paid = decide(settings, "HT-1", partial("100"))
    kept = decide(settings, "HT-1", withhold())
    load(settings, [evidence_case.put(tmp_path / "tickets.csv", evidence_case.LATER)])
    now = dossier(settings, "HT-1")
    then = dossier_then(settings, paid)

    (before,), (after,) = (
        [one for one in found.clauses if one.clause == "sla.response"] for found in (then, now)
    )
    assert (before.breached, after.breached) == (1, 2)
    assert (then.manifest, then.released, then.records) == (1, 0, ())
    assert then.as_of.isoformat() == paid.as_of
    assert [(one.what, one.clause, one.then, one.now) for one in contradictions(paid, now)] == [
        ("contradicts_breaches", "sla.response", "1", "2")
    ]
    assert contradictions(paid, now)[0].text("zh") == "报修响应:违约当时 1 项,现在 2 项"
    assert contradictions(kept, now) == ()

    # With the tickets taken back nothing is left of the breaches that the money was kept for.
    undo(settings, "00004-tickets")
    undo(settings, "00006-tickets")
    without = dossier(settings, "HT-1")
    against = {(one.what, one.clause) for one in contradictions(kept, without)}
    assert ("contradicts_breaches", "sla.response") in against
    assert ("contradicts_contract_verdict", None) in against
    assert {one.what for one in contradictions(paid, without)} <= {"contradicts_verdict"}


def test_what_was_known_then_is_built_anew_when_its_generation_is_gone(
    settings: Settings, tmp_path: Path
) -> None:
    record = decide(settings, "HT-1", withhold())
    load(settings, [evidence_case.put(tmp_path / "tickets.csv", evidence_case.LATER)])
    for file in settings.warehouse.glob("generations/1-*"):
        file.unlink()
    then = dossier_then(settings, record)

    assert then.marts.path.name.startswith("past-1-")
    assert then.verdict == record.verdict
    # It stays through the next writer, which sweeps.
    with Warehouse(settings).lock():
        pass
    assert dossier_then(settings, record).marts.path.exists()


def test_a_retention_amount_that_changed_is_said(settings: Settings, tmp_path: Path) -> None:
    record = decide(settings, "HT-1", withhold(action="release", reasons=WHY))
    less = evidence_case.CONTRACTS.replace("100000", "40000")
    load(settings, [evidence_case.put(tmp_path / "contracts.csv", less)])
    now = dossier(settings, "HT-1")

    assert (now.retention_amount, now.held) == (2000, -3000)
    assert now.proposed_release == 0
    assert [(one.what, one.then, one.now) for one in contradictions(record, now)] == [
        ("contradicts_retention_amount", "5000.00", "2000.00"),
        ("contradicts_released_too_much", "2000.00", "5000.00"),
    ]


def test_nothing_follows_a_record_that_was_changed(settings: Settings) -> None:
    decide(settings, "HT-1", partial("100"))
    file = settings.warehouse / "decisions" / "1.json"
    file.write_bytes(file.read_bytes().replace(b'"100.00"', b'"900.00"'))

    with pytest.raises(KeptError) as refused:
        decide(settings, "HT-1", partial("100"))
    assert refusal(refused) == "chain_unsound"


def test_nothing_follows_what_the_last_checkpoint_no_longer_finds(
    settings: Settings, tmp_path: Path
) -> None:
    """Records cut off at the end, or the warehouse set back: both still told afterwards."""
    decide(settings, "HT-1", partial("10"))
    decide(settings, "HT-1", partial("10"))
    file = settings.warehouse / "decisions" / "2.json"
    whole = file.read_bytes()
    file.unlink()
    with pytest.raises(KeptError, match="chain_unsound"):
        decide(settings, "HT-1", partial("10"))
    file.write_bytes(whole)
    load(settings, [evidence_case.put(tmp_path / "tickets.csv", OTHERS)])
    (settings.warehouse / "CURRENT").write_text("1\n", encoding="utf-8")
    with pytest.raises(KeptError) as refused:
        decide(settings, "HT-1", partial("10"))
    assert refusal(refused) == "current_behind"
    assert "checkpoint_rolled_back" in [one.code for one in verify(settings).findings]


def test_two_who_decide_at_once_leave_two_records_in_order(settings: Settings) -> None:
    dossier(settings, "HT-1")
    with ThreadPoolExecutor() as both:
        asked = [
            both.submit(decide, settings, "HT-1", partial(amount)) for amount in ("100", "200")
        ]
        made = {one.result().seq for one in asked}

    assert made == {1, 2}
    first, second = decisions(Warehouse(settings))
    assert (first.seq, second.seq) == (1, 2)
    assert second.prev_hash == first.hash
    assert {first.amount, second.amount} == {100, 200}
    assert second.content["amounts"]["released_before"] == f"{first.amount:.2f}"


def test_a_record_is_never_overwritten(settings: Settings) -> None:
    warehouse = Warehouse(settings)
    target = warehouse.path("decisions", "1.json")
    warehouse.add(target, b"one")

    with pytest.raises(FileExistsError):
        warehouse.add(target, b"two")
    assert target.read_bytes() == b"one"
    assert [file.name for file in target.parent.iterdir()] == ["1.json"]


def test_where_files_cannot_be_linked_none_is_overwritten_either(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)
    test_a_record_is_never_overwritten(settings)


def test_decisions_outlive_a_sweep_and_what_a_killed_writer_left_does_not(
    settings: Settings,
) -> None:
    decide(settings, "HT-1", withhold())
    folder = settings.warehouse / "decisions"
    (folder / ".2.json.123.tmp").write_bytes(b"{")
    with Warehouse(settings).lock():
        pass

    assert [file.name for file in folder.iterdir()] == ["1.json"]


@pytest.mark.parametrize("text", ["3 {}", "3: {} 2026-01-05T09:00:00+08:00", "第 3 号 {}"])
def test_a_checkpoint_is_read_as_it_was_printed(text: str) -> None:
    found = parse_checkpoint(text.format("AB" * 32))

    assert (found.seq, found.hash) == (3, "ab" * 32)


def test_a_checkpoint_goes_to_paper_and_back(settings: Settings) -> None:
    record = decide(settings, "HT-1", withhold())

    assert parse_checkpoint(record.checkpoint.text) == record.checkpoint
    with pytest.raises(KeptError, match="checkpoint_unreadable"):
        parse_checkpoint("3 abc")


def test_names_are_one_person_however_they_are_spaced_and_wide() -> None:
    assert same_person("Ｌｉ Ｓi", " li  si ")
    assert not same_person("李四", "李三")


def test_the_command_asks_for_what_it_needs(read_only: Settings, tmp_path: Path) -> None:
    at = ["--warehouse", str(read_only.warehouse)]
    people = ["--prepared-by", "A", "--approved-by", "B"]
    for arguments, code in (
        (["decide", "HT-1", "partial", "--amount", "much", *people, *at], "amount_unreadable"),
        (["decide", "HT-1", "sell", *people, *at], "decision_action_unknown"),
        (["evidence", *at], "evidence_call"),
        (["evidence", "HT-1", "--reproduce", "x.zip", *at], "evidence_call"),
        (["evidence", "HT-1", "--decision", "7", "-o", str(tmp_path), *at], "decision_unknown"),
        (["verify", "--checkpoint", "3", *at], "checkpoint_unreadable"),
    ):
        with pytest.raises(KeptError) as refused:
            app(arguments, standalone_mode=False)
        assert refusal(refused) == code


def test_the_command_decides_and_lists(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEPT_LANGUAGE", "zh")
    at = ["--warehouse", str(settings.warehouse)]
    app(
        ["decide", "HT-1", "partial", "--amount", "1,234.50", "--prepared-by", "王一",
         "--approved-by", "赵二", "--reason", "合格", "--condition", "补交", *at],
        standalone_mode=False,
    )  # fmt: skip
    (record,) = decisions(Warehouse(settings))
    assert capsys.readouterr().out == (
        "已记录第 1 号决定:合同 HT-1,部分退还,金额 1234.50。\n"
        f"校验点(请写在纸上或另行保存):{record.checkpoint.text}\n"
    )

    app(["decisions", "--contract", "HT-1", *at], standalone_mode=False)
    listed = capsys.readouterr().out.splitlines()
    assert listed[1].split()[:4] == ["1", "HT-1", "部分退还", "1234.50"]
    with pytest.raises(KeptError, match="decision_of_other_contract"):
        app(["evidence", "HT-2", "--decision", "1", *at], standalone_mode=False)
