"""The pack: a zip that holds a decision, its evidence, and the means to check both without Kept."""

import base64
import json
import re
import shutil
import unicodedata
import zipfile
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from etl import __version__
from etl.catalogue import LANGUAGES, catalogue
from etl.config import Settings
from etl.errors import KeptError, NothingDoneError
from etl.evidence.chain import (
    PACK_WRITTEN,
    PackWritten,
    Record,
    append,
    manifest_in_force,
    records,
)
from etl.evidence.document import pair, write_document
from etl.evidence.dossier import Dossier, dossier_then
from etl.evidence.files import Proof, write_csv, write_files
from etl.evidence.packcheck import LISTING, RECORD, SIGNATURE, STAMP, canonical, entry
from etl.evidence.statement import statement
from etl.evidence.tables import row_tables, summary_tables
from etl.evidence.workbook import write_workbook
from etl.scratch import scratch
from etl.state import State
from etl.store import Warehouse, now, sha256_of

_SCRIPT_MESSAGES = ("pack_", "checkpoint_unreadable")


def write_pack(
    settings: Settings,
    subject: Record | Dossier,
    folder: Path,
    waiting_for: Callable[[str], None] = lambda _holder: None,
) -> Path:
    """Writes the pack of a decision, or of a contract not decided yet, and gives its file.

    The same manifest, terms, as_of and decision give the same bytes, and the list of the files is
    signed. That the pack of a decision was written, and with which bytes, is a record of its own,
    one for all packs of the same bytes. Raises NothingDoneError where a decision's evidence can no
    longer be had as it was, it cannot be signed, or there is no font for Chinese.
    """
    key = State(settings).signing_key()
    found = dossier_then(settings, subject) if isinstance(subject, Record) else subject
    warehouse = Warehouse(settings)
    manifest = warehouse.path("manifests", f"{found.manifest}.json")
    with scratch("pack") as place:
        pack = place / "pack"
        pack.mkdir()
        hashes = write_files(found, pack)
        if isinstance(subject, Record):
            _demand_the_same(subject, hashes)
            content: Mapping[str, Any] = subject.content
        else:
            content = {**statement(found, hashes, sha256_of(manifest)), "key": key.public}
        write_derived(pack, content, found, manifest)
        listing = sha256_of(pack / LISTING)
        signed = key.signed(f"kept pack {listing}")
        (pack / SIGNATURE).write_text(f"{signed}\n", encoding="utf-8")
        archive = _zip(pack)
        if isinstance(subject, Record):
            _record(warehouse, subject, listing, sha256_of(archive), waiting_for)
        return _hand_over(archive, folder, _name(subject, found))


def write_derived(pack: Path, content: Mapping[str, Any], found: Dossier, manifest: Path) -> None:
    """Writes all of a pack that follows from its record and what `write_files` has written.

    Raises NothingDoneError without a font for the PDF: all but that and the list is then there.
    """
    (pack / RECORD).write_bytes(canonical(content))
    if stamp := content.get("timestamp"):
        (pack / STAMP).write_bytes(base64.b64decode(stamp["token"]))
    shutil.copyfile(manifest, pack / "manifest.json")
    tables = summary_tables(content, found)
    for table in tables:
        write_csv(pack / table.file, table.columns, table.rows)
    write_workbook(content, [*tables, *row_tables(pack)], pack / "evidence.xlsx")
    (pack / "verify.py").write_text(checking_script(), encoding="utf-8")
    (pack / "READ-ME.txt").write_text(_read_me(), encoding="utf-8")
    (pack / "decision.pdf").write_bytes(write_document(content))
    names = sorted(file.relative_to(pack).as_posix() for file in pack.rglob("*") if file.is_file())
    lines = "".join(f"{sha256_of(pack / name)}  {name}\n" for name in names)
    (pack / LISTING).write_text(lines, encoding="utf-8", newline="\n")


def _record(
    warehouse: Warehouse,
    decided: Record,
    listing: str,
    archive: str,
    waiting_for: Callable[[str], None],
) -> None:
    """Records which bytes the pack of a decision has, where no record says so yet."""

    def is_recorded() -> bool:
        written = [one for one in records(warehouse) if isinstance(one, PackWritten)]
        bytes_of = [(one.decision, one.listing, one.archive) for one in written]
        return (decided.seq, listing, archive) in bytes_of

    if is_recorded():
        return
    with warehouse.lock(waiting_for):
        if not is_recorded():
            append(
                warehouse,
                {
                    "kind": PACK_WRITTEN,
                    "kept": __version__,
                    "created_at": now(),
                    "contract_id": decided.contract_id,
                    "decision": decided.seq,
                    "listing": listing,
                    "archive": archive,
                    "manifest": manifest_in_force(warehouse),
                },
            )


def checking_script() -> str:
    """The script that checks a pack with nothing but Python, with its sentences put in."""
    script = (files("etl.evidence") / "packcheck.py").read_text(encoding="utf-8")
    messages = {
        code: {one: text.get(one) for one in LANGUAGES}
        for code, text in sorted(catalogue().messages.items())
        if code.startswith(_SCRIPT_MESSAGES)
    }
    blank = "MESSAGES: dict[str, dict[str, str]] = {}"
    assert blank in script
    written = json.dumps(messages, ensure_ascii=False, indent=4)
    return script.replace(blank, blank.removesuffix("{}") + written)


def _demand_the_same(record: Record, hashes: Proof) -> None:
    """Raises NothingDoneError where rules or data are not those that the record rests on."""
    said = record.content["hashes"]
    if hashes.models != said["models"]:
        raise NothingDoneError("pack_other_rules", seq=record.seq, kept=record.content["kept"])
    if differing := differing_hashes(record, hashes):
        raise NothingDoneError("pack_other_data", seq=record.seq, what=", ".join(differing))


def differing_hashes(record: Record, hashes: Proof) -> list[str]:
    """Which of the logs, the terms and the clauses' rows are not those that a record rests on."""
    said = record.content["hashes"]
    now = {"logs": hashes.logs, "terms": hashes.terms, **hashes.rows}
    then = {"logs": said["logs"], "terms": said["terms"], **record.content["rows"]}
    return sorted(name for name in now | then if now.get(name) != then.get(name))


def _zip(pack: Path) -> Path:
    """The files in the order of their names, with no trace of when or where."""
    made = pack.with_name("pack.zip")
    with zipfile.ZipFile(made, "w") as out:
        for file in sorted(pack.rglob("*"), key=lambda file: file.relative_to(pack).as_posix()):
            if not file.is_file():
                continue
            info = entry(file.relative_to(pack).as_posix())
            with file.open("rb") as source, out.open(info, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, 1 << 20)
    return made


def _hand_over(archive: Path, folder: Path, name: str) -> Path:
    final = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{name}.part"
        shutil.copyfile(archive, temporary)
        temporary.replace(final)
    except OSError as error:
        raise KeptError("file_not_written", file=final) from error
    return final


def _name(subject: Record | Dossier, found: Dossier) -> str:
    """A file name of the contract and its decision, or of the manifest and the day looked from."""
    folded = unicodedata.normalize("NFKC", found.contract_id)
    contract = re.sub(r"[^\w.-]+", "_", folded).strip("._") or "contract"
    if isinstance(subject, Record):
        return f"{contract}-decision-{subject.seq}.zip"
    return f"{contract}-manifest-{found.manifest}-{found.as_of:%Y%m%dT%H%M%S}.zip"


def _read_me() -> str:
    return "\n".join(pair("evidence_read_me").values()) + "\n"
