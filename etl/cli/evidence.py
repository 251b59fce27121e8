"""Commands about retention money: decide, the evidence, and whether it is as it was written."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from etl import __version__
from etl.catalogue import catalogue
from etl.checkpoint import parse_checkpoint
from etl.cli.common import (
    AsOfOption,
    JsonOption,
    TimezoneOption,
    WarehouseOption,
    app,
    instant,
    note,
    print_json,
    print_table,
    say,
    shown_progress,
)
from etl.config import Settings
from etl.errors import KeptError
from etl.evidence.chain import PAYING, Record, decisions, superseded
from etl.signing import is_key
from etl.store import Warehouse

ContractArgument = Annotated[str, typer.Argument(metavar="CONTRACT", help="The contract's id.")]


@app.command()
def evidence(
    contract: Annotated[
        str | None, typer.Argument(metavar="CONTRACT", help="The contract's id.")
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="The folder for the pack.")
    ] = Path("."),
    as_of: AsOfOption = None,
    decision: Annotated[
        int | None,
        typer.Option("--decision", metavar="SEQ", help="The pack of this decision."),
    ] = None,
    reproduce: Annotated[
        Path | None,
        typer.Option("--reproduce", metavar="PACK", help="Make a pack's files anew; compare."),
    ] = None,
    as_json: JsonOption = False,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Write the evidence pack of a contract, or make a pack's files anew and compare."""
    settings = Settings.from_environment(warehouse, timezone)
    if (contract is None) == (reproduce is None):
        raise KeptError("evidence_call")
    if reproduce is not None:
        _reproduce(settings, reproduce, as_json)
        return
    from etl.evidence.dossier import dossier
    from etl.evidence.pack import write_pack

    assert contract is not None
    with shown_progress() as tell:
        if decision is not None:
            record = _record(settings, contract, decision)
            file = write_pack(settings, record, output, partial(_note_wait, settings))
        else:
            found = dossier(settings, contract, instant(settings, as_of), tell)
            file = write_pack(settings, found, output)
    if as_json:
        print_json({"file": str(file)})
    else:
        typer.echo(say(settings, "pack_written", file=file))


@app.command("verify")
def verify_command(
    path: Annotated[
        Path | None, typer.Argument(metavar="PATH", help="A pack; else the warehouse.")
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option("--checkpoint", metavar="TEXT", help="Number and hash, as on the PDF."),
    ] = None,
    anew: Annotated[
        bool,
        typer.Option("--anew", help="Compute decisions and figures anew, from the batches."),
    ] = False,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="KEY", help="A public key that may sign, as on the PDF."),
    ] = None,
    as_json: JsonOption = False,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Check that decisions, manifests, batches or a pack are as they were written."""
    from etl.evidence.verify import as_json as in_json
    from etl.evidence.verify import checkpoint_now, verify

    settings = Settings.from_environment(warehouse, timezone)
    points = [parse_checkpoint(text) for text in checkpoint or ()]
    keys = [_key(text) for text in key or ()]
    with shown_progress() as tell:
        found = verify(settings, path, points, tell, anew, keys)
    head = found.head
    if found.sound and path is None:
        head = checkpoint_now(settings, found)
    if as_json:
        print_json({**in_json(found, settings.language), "checkpoint": head and head.text})
    else:
        for one in found.notes:
            note(settings, one.code, **one.values)
        for one in found.findings:
            typer.echo(one.text(settings.language))
        typer.echo(
            say(
                settings,
                "verified_sound" if found.sound else "verified_unsound",
                path=found.path,
                records=found.records,
                files=found.files,
                count=len(found.findings),
            )
        )
        if head is not None:
            typer.echo(say(settings, "verified_head", checkpoint=head.text))
        for signer in found.keys:
            code = "verified_key_known" if found.known else "verified_key_foreign"
            typer.echo(say(settings, code, key=signer))
    if not found.sound:
        raise typer.Exit(2)


@app.command("decide")
def decide_command(
    contract: ContractArgument,
    action: Annotated[
        str, typer.Argument(metavar="DECISION", help="release, partial, withhold or defer.")
    ],
    prepared_by: Annotated[str, typer.Option("--prepared-by", metavar="NAME")],
    approved_by: Annotated[
        str, typer.Option("--approved-by", metavar="NAME", help="Another person.")
    ],
    amount: Annotated[
        str | None,
        typer.Option("--amount", metavar="N", help="What a partial release pays."),
    ] = None,
    reason: Annotated[
        list[str] | None,
        typer.Option("--reason", metavar="TEXT", help="Needed against the verdict and early."),
    ] = None,
    condition: Annotated[list[str] | None, typer.Option("--condition", metavar="TEXT")] = None,
    supersedes: Annotated[
        int | None,
        typer.Option("--supersedes", metavar="SEQ", help="The decision that this corrects."),
    ] = None,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """Record a decision about the retention money of a contract. It is never rewritten."""
    from etl.evidence.decisions import Decision, decide

    settings = Settings.from_environment(warehouse, timezone)
    record = decide(
        settings,
        contract,
        Decision(
            action=action,
            prepared_by=prepared_by,
            approved_by=approved_by,
            amount=None if amount is None else _money(amount),
            reasons=tuple(reason or ()),
            conditions=tuple(condition or ()),
            supersedes=supersedes,
        ),
        as_of=instant(settings, as_of),
        waiting_for=partial(_note_wait, settings),
    )
    if as_json:
        print_json(record.content)
        return
    words = catalogue().messages[f"decision_{record.action}"]
    paid = record.content["decision"]["amount"]
    typer.echo(
        say(settings, "decided", seq=record.seq, contract=contract, action=words, amount=paid)
    )
    typer.echo(say(settings, "decided_checkpoint", checkpoint=record.checkpoint.text))


@app.command("decisions")
def decisions_command(
    contract: Annotated[
        str | None, typer.Option("--contract", metavar="ID", help="Only this contract.")
    ] = None,
    as_json: JsonOption = False,
    warehouse: WarehouseOption = None,
    timezone: TimezoneOption = None,
) -> None:
    """List the decisions about retention money."""
    settings = Settings.from_environment(warehouse, timezone)
    records = decisions(Warehouse(settings), contract)
    if as_json:
        print_json([record.content for record in records])
        return
    if not records:
        typer.echo(say(settings, "decisions_empty"))
        return
    gone = superseded(records)
    rows = [_row(settings, record, record.seq not in gone) for record in records]
    print_table(settings, tuple(rows[0]), rows)


def _row(settings: Settings, record: Record, stands: bool) -> Mapping[str, object]:
    return {
        "seq": record.seq,
        "contract": record.contract_id,
        "action": say(settings, f"decision_{record.action}"),
        "amount": record.content["decision"]["amount"] if record.action in PAYING else "",
        "verdict": catalogue().contract_verdicts[record.verdict].title.get(settings.language),
        "as_of": record.as_of.replace("T", " "),
        "prepared_by": record.prepared_by,
        "approved_by": record.approved_by,
        "created_at": record.created_at,
        "stands": stands,
    }


def _reproduce(settings: Settings, pack: Path, as_json: bool) -> None:
    from etl.evidence.reproduce import reproduce

    found = reproduce(pack)
    if as_json:
        print_json(
            {
                "contract_id": found.contract_id,
                "rows": found.rows,
                "same": found.same,
                "same_rules": found.same_rules,
                "differences": [
                    {"file": one.file, "said": one.said, "computed": one.computed}
                    for one in found.differences
                ],
                "more": found.more,
                "files": found.files,
                "not_made": found.not_made,
                "kept": found.kept,
            }
        )
    else:
        values = {"contract": found.contract_id, "rows": found.rows}
        if found.same:
            typer.echo(say(settings, "reproduced", **values))
        else:
            count = len(found.differences) + found.more + len(found.files)
            typer.echo(say(settings, "reproduced_otherwise", count=count, **values))
        for one in found.differences:
            said, computed = (text or "—" for text in (one.said, one.computed))
            typer.echo(
                say(settings, "reproduced_difference", file=one.file, said=said, computed=computed)
            )
        if found.more:
            typer.echo(say(settings, "reproduced_more", count=found.more))
        for name in found.files:
            typer.echo(say(settings, "reproduced_file", file=name))
        if found.not_made:
            note(settings, "reproduced_not_made", files=", ".join(found.not_made))
        if not found.same_version:
            note(settings, "reproduced_other_version", kept=found.kept, own=__version__)
        if not found.same_rules:
            note(settings, "reproduced_other_rules")
    if not found.same:
        raise typer.Exit(2)


def _record(settings: Settings, contract: str, seq: int) -> Record:
    for record in decisions(Warehouse(settings)):
        if record.seq == seq:
            if record.contract_id != contract:
                raise KeptError(
                    "decision_of_other_contract",
                    seq=seq,
                    contract=contract,
                    **{"is": record.contract_id},
                )
            return record
    raise KeptError("decision_unknown", seq=seq)


def _note_wait(settings: Settings, holder: str) -> None:
    note(settings, "warehouse_waiting", holder=holder)


def _key(text: str) -> str:
    """A public key as it was printed, spaces and capitals aside."""
    key = "".join(text.split()).lower()
    if not is_key(key):
        raise KeptError("key_unreadable", value=text)
    return key


def _money(text: str) -> Decimal:
    try:
        return Decimal(text.replace(",", "").strip())
    except InvalidOperation as error:
        raise KeptError("amount_unreadable", value=text) from error
