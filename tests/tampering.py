"""What somebody may do to a warehouse or a pack, and what names it; for tests and documents."""

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from etl.config import Settings
from etl.evidence.chain import Record, canonical, decisions, hash_of
from etl.evidence.decisions import Decision, decide
from etl.evidence.pack import write_pack
from etl.intake.load import load, undo
from etl.intake.mapping import ColumnMapping
from etl.intake.remembered import remember
from etl.signing import SigningKey
from etl.state import State, manifest_json, manifest_statement, text_and_signature
from etl.store import Warehouse, sha256_of
from tests import evidence_case

FORGER = SigningKey.new()
"""The key of somebody who does not have the house's."""
VERIFY, ANEW, PACK, ZIP, SCRIPT, REPRODUCE = (
    "kept verify", "kept verify --anew", "kept verify PACK", "kept verify PACK.zip", "verify.py",
    "kept evidence --reproduce",
)  # fmt: skip


@dataclass(frozen=True)
class House:
    """A warehouse with its state folder beside it, and the pack of its first decision, unzipped.

    Four manifests: a load, a second one, the third undoes it, another load; a remembered mapping;
    records 1, 3 and 4 are decisions on HT-1, record 2 says that the pack of the first was written.
    """

    folder: Path

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse"

    @property
    def pack(self) -> Path:
        return self.folder / "pack"

    @property
    def archive(self) -> Path:
        return next(self.folder.glob("*.zip"))

    @property
    def settings(self) -> Settings:
        return Settings(self.warehouse)

    def copy(self, folder: Path) -> "House":
        return House(Path(shutil.copytree(self.folder, folder, copy_function=shutil.copyfile)))


def build(folder: Path, with_pack: bool = True) -> House:
    """The house under `folder`; its pack needs a font for Chinese."""
    settings = evidence_case.make(folder)
    more = evidence_case.LATER.replace("T-8", "T-9")
    load(settings, [evidence_case.put(folder / "exports" / "more.csv", more)])
    undo(settings, "00006-tickets")
    load(settings, [evidence_case.put(folder / "exports" / "later.csv", evidence_case.LATER)])
    mapping = ColumnMapping("tickets", ("单号", "报修"), columns={"ticket_id": ("单号",)})
    remember(Warehouse(settings), mapping)
    for amount in ("100", "200", "300"):
        decide(settings, "HT-1", Decision("partial", "王一", "赵二", Decimal(amount), ("合格",)))
        if with_pack and amount == "100":
            archive = write_pack(settings, decisions(Warehouse(settings))[0], folder)
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(folder / "pack")
    return House(folder)


@dataclass(frozen=True)
class Tampering:
    """One thing done: `what` in words, `change` does it, `by` and `codes` say what names it how.

    `codes` are messages that must be among what is named; one that ends with `_`, their beginning.
    Of `REPRODUCE` they are the files named.
    """

    what: str
    change: Callable[[House], object]
    by: str
    codes: tuple[str, ...]


# --- means ---------------------------------------------------------------------------------------


def flip(file: Path, place: float = 0.5) -> None:
    """Changes one byte."""
    content = bytearray(file.read_bytes())
    content[int(len(content) * place)] ^= 1
    file.write_bytes(content)


def last_record(house: House) -> Path:
    files = (house.warehouse / "decisions").glob("*.json")
    return max(files, key=lambda file: int(file.stem))


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Changes a record, and gives it the hash of what it says now."""
    content: dict[str, Any] = json.loads(file.read_bytes())
    change(content)
    content["hash"] = hash_of(content)
    file.write_bytes(canonical(content))
    return content


def sign_again(content: dict[str, Any], key: SigningKey) -> dict[str, Any]:
    """A record signed by somebody else."""
    made = {**content, "key": key.public}
    made["hash"] = hash_of(made)
    return {**made, "signature": Record(made).checkpoint.signed(key).signature}


def unsigned(content: dict[str, Any]) -> dict[str, Any]:
    """A record as Kept wrote it before records were signed."""
    later = ("key", "signature", "timestamp_authority", "kind")
    made = {name: value for name, value in content.items() if name not in later}
    made["format"] = 1
    return {**made, "hash": hash_of(made)}


def manifest(house: House, change: Callable[[dict[str, Any]], object], number: int = 4) -> Path:
    """Changes a manifest, and CURRENT with that in force; its signature stays what it was."""
    file = house.warehouse / "manifests" / f"{number}.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    if not file.with_stem(str(number + 1)).exists():
        current = f"{number} {sha256_of(file)}\n"
        (house.warehouse / "CURRENT").write_text(current, encoding="utf-8")
    return file


def sign_manifest(content: dict[str, Any]) -> None:
    """Signs a manifest as somebody who does not have the house's key."""
    content["signature"] = FORGER.signed(manifest_statement(content))


def unsign_manifests(warehouse: Path) -> dict[int, str]:
    """Makes the manifests what they were before they were signed; number -> new hash."""
    hashes: dict[int, str] = {}
    for number in range(1, 1 + len(list(warehouse.glob("manifests/*.json")))):
        file = warehouse / "manifests" / f"{number}.json"
        content = json.loads(file.read_text(encoding="utf-8"))
        del content["signature"]
        content["parent_sha256"] = hashes.get(number - 1)
        file.write_text(manifest_json(content), encoding="utf-8")
        hashes[number] = sha256_of(file)
    (warehouse / "CURRENT").write_text(f"{max(hashes)}\n", encoding="utf-8")
    return hashes


def list_anew(pack: Path, key: SigningKey | None = None) -> None:
    """Makes the list of a pack's files agree with what is there, and signs it with a key."""
    names = sorted(
        file.relative_to(pack).as_posix()
        for file in pack.rglob("*")
        if file.is_file() and not file.name.startswith("manifest.sha256")
    )
    lines = "".join(f"{sha256_of(pack / name)}  {name}\n" for name in names)
    (pack / "manifest.sha256").write_text(lines, encoding="utf-8")
    if key is not None:
        signed = key.signed(f"kept pack {sha256_of(pack / 'manifest.sha256')}")
        (pack / "manifest.sha256.sig").write_text(f"{signed}\n", encoding="utf-8")


def other_pdf(house: House) -> None:
    (house.pack / "decision.pdf").write_bytes(b"%PDF-1.7 another one")


# --- the deeds -----------------------------------------------------------------------------------


def _rewrite_last(house: House, key: SigningKey | None = None) -> None:
    def forged(content: dict[str, Any]) -> None:
        content["decision"]["amount"] = "9.00"
        content.update(verdict="clean", authenticated=True, created_at="2020-01-01T00:00:00+08:00")

    content = edit(last_record(house), forged)
    if key is not None:
        last_record(house).write_bytes(canonical(sign_again(content, key)))


def _append(house: House, key: SigningKey | None) -> None:
    content = json.loads(last_record(house).read_bytes())
    content.update(seq=content["seq"] + 1, prev_hash=content["hash"])
    content["decision"]["amount"] = "1.00"
    made = unsigned(content) if key is None else sign_again(content, key)
    last_record(house).with_name(f"{content['seq']}.json").write_bytes(canonical(made))


def _swap(house: House) -> None:
    one, other = (house.warehouse / "decisions" / f"{number}.json" for number in (1, 3))
    both = one.read_bytes(), other.read_bytes()
    one.write_bytes(both[1])
    other.write_bytes(both[0])


def _insert(house: House) -> None:
    """A record in the second place; those after it move on, each with the hash of what it says."""
    folder = house.warehouse / "decisions"
    old = [json.loads((folder / f"{number}.json").read_bytes()) for number in (1, 2, 3, 4)]
    put_in = {**old[2], "seq": 2, "prev_hash": old[0]["hash"]}
    moved = [{**one, "seq": one["seq"] + 1} for one in old[1:]]
    for content in (put_in, *moved):
        content["hash"] = hash_of(content)
        (folder / f"{content['seq']}.json").write_bytes(canonical(content))


def _unsign_all(house: House) -> None:
    """The whole chain as an older Kept would have written it, with another amount."""
    before = "0" * 64
    for number in (1, 2, 3, 4):
        file = house.warehouse / "decisions" / f"{number}.json"
        content = json.loads(file.read_bytes())
        if "decision" in content and isinstance(content["decision"], dict):
            content["decision"]["amount"] = "1.00"
        made = unsigned({**content, "prev_hash": before})
        if content["kind"] != "decision":
            made = {**made, "kind": content["kind"]}
            made["hash"] = hash_of(made)
        file.write_bytes(canonical(made))
        before = made["hash"]


def _drop(content: dict[str, Any]) -> None:
    del content["batches"][0]


def _hide(content: dict[str, Any]) -> None:
    content["undone"] = []


def _revive(content: dict[str, Any]) -> None:
    content["batches"] += content["undone"]
    content["undone"] = []


def _made_at(content: dict[str, Any]) -> None:
    content["made_at"] = content["made_at"].replace("20", "30", 1)


def _resign_manifest(house: House) -> None:
    manifest(house, lambda content: (_drop(content), sign_manifest(content)))


def _roll_back(house: House, thoroughly: bool) -> None:
    (house.warehouse / "CURRENT").write_text("3\n", encoding="utf-8")
    if thoroughly:
        (house.warehouse / "manifests" / "4.json").unlink()
        shutil.rmtree(house.warehouse / "decisions")
        for file in house.warehouse.glob("generations/4-*"):
            file.unlink()


def _first(house: House, pattern: str) -> Path:
    return sorted(house.warehouse.glob(pattern))[0]


def _put(house: House, name: str) -> None:
    file = house.warehouse / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x")


def _mapping(house: House) -> None:
    file = _first(house, "mappings/*.toml")
    text, line = text_and_signature(file.read_text(encoding="utf-8"))
    file.write_text(f"{text}[constants]\ncontract_id = 'HT-2'\n# signed {line}\n", encoding="utf-8")


def _unsigned_mapping(house: House) -> None:
    file = _first(house, "mappings/*.toml")
    text, _ = text_and_signature(file.read_text(encoding="utf-8"))
    file.write_text(text, encoding="utf-8")


def _change_generation(house: House) -> None:
    with duckdb.connect(_first(house, "generations/4-*.duckdb")) as con:
        con.execute("update obligation set state = 'met' where state = 'breached'")


def _forge_unsigned(house: House, change: Callable[[dict[str, Any]], object]) -> None:
    """The last record of a chain that was never signed, rewritten; no state folder was there."""
    shutil.rmtree(house.settings.state_folder)
    hashes = unsign_manifests(house.warehouse)
    for file in house.warehouse.glob("decisions/*.json"):
        if file.stem != "1":
            file.unlink()
    file = house.warehouse / "decisions" / "1.json"
    content = json.loads(file.read_bytes())
    content["manifest"]["sha256"] = hashes[4]
    content = unsigned(content)
    file.write_bytes(canonical(content))
    edit(file, change)


def _met(content: dict[str, Any]) -> None:
    content["verdict"] = "clean"
    content["amounts"]["deduction"] = "0.00"
    for one in content["clauses"]:
        one.update(verdict="kept", breached=0)


def _exchange(name: str, key: SigningKey | None) -> Callable[[House], None]:
    def change(house: House) -> None:
        file = house.pack / name
        file.write_bytes(file.read_bytes() + b"\n")
        list_anew(house.pack, key)

    return change


def _signed_by_the_house(house: House) -> None:
    other_pdf(house)
    list_anew(house.pack, State(house.settings).signing_key())


def _zip_again(house: House) -> None:
    archive = house.archive
    with zipfile.ZipFile(archive) as old:
        files = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in files.items():
            new.writestr(name, content)


TAMPERINGS = (
    Tampering("a byte of a record", lambda h: flip(last_record(h)), VERIFY, ("record_",)),
    Tampering(
        "a field of a record",
        lambda h: last_record(h).write_bytes(
            last_record(h).read_bytes().replace(b'"300.00"', b'"900.00"')
        ),
        VERIFY,
        ("record_changed",),
    ),
    Tampering(
        "the last record with another verdict, amount, date and sign-in, hashed anew",
        _rewrite_last,
        VERIFY,
        ("record_signature_wrong", "record_before_predecessor", "chain_rewritten"),
    ),
    Tampering(
        "the same, signed with another key",
        lambda h: _rewrite_last(h, FORGER),
        VERIFY,
        ("record_key_unknown", "chain_rewritten"),
    ),
    Tampering("a record added by hand", lambda h: _append(h, None), VERIFY, ("record_unsigned",)),
    Tampering(
        "a record added and signed with another key",
        lambda h: _append(h, FORGER),
        VERIFY,
        ("record_key_unknown",),
    ),
    Tampering(
        "a record removed",
        lambda h: (h.warehouse / "decisions" / "2.json").unlink(),
        VERIFY,
        ("record_removed",),
    ),
    Tampering("two records swapped", _swap, VERIFY, ("records_swapped",)),
    Tampering("a record put in, the others hashed anew", _insert, VERIFY, ("record_inserted",)),
    Tampering(
        "a record cut off",
        lambda h: last_record(h).write_bytes(last_record(h).read_bytes()[:700]),
        VERIFY,
        ("record_cut_off",),
    ),
    Tampering(
        "the last record removed", lambda h: last_record(h).unlink(), VERIFY, ("chain_cut_short",)
    ),
    Tampering(
        "the whole chain written anew, unsigned", _unsign_all, VERIFY, ("chain_rewritten",)
    ),
    Tampering(
        "a file, also a hidden one, among the records",
        lambda h: _put(h, "decisions/.5.json"),
        VERIFY,
        ("record_stray",),
    ),
    Tampering(
        "a byte of an earlier manifest",
        lambda h: flip(h.warehouse / "manifests" / "1.json"),
        VERIFY,
        ("manifest_",),
    ),
    Tampering(
        "a batch dropped from the manifest in force",
        lambda h: manifest(h, _drop),
        VERIFY,
        ("batch_dropped", "manifest_signature_wrong", "checkpoint_manifest_changed"),
    ),
    Tampering(
        "the same, signed with another key", _resign_manifest, VERIFY, ("manifest_key_unknown",)
    ),
    Tampering(
        "an undone batch hidden", lambda h: manifest(h, _hide), VERIFY, ("batch_dropped",)
    ),
    Tampering(
        "an undone batch revived", lambda h: manifest(h, _revive), VERIFY, ("batch_revived",)
    ),
    Tampering(
        "the date of the manifest in force",
        lambda h: manifest(h, _made_at),
        VERIFY,
        ("manifest_signature_wrong",),
    ),
    Tampering(
        "the signature of a manifest removed",
        lambda h: manifest(h, lambda content: content.pop("signature")),
        VERIFY,
        ("manifest_unsigned",),
    ),
    Tampering(
        "CURRENT set back", lambda h: _roll_back(h, False), VERIFY, ("checkpoint_rolled_back",)
    ),
    Tampering(
        "CURRENT set back, later manifests and all records removed",
        lambda h: _roll_back(h, True),
        VERIFY,
        ("checkpoint_rolled_back", "chain_cut_short"),
    ),
    Tampering(
        "CURRENT removed",
        lambda h: (h.warehouse / "CURRENT").unlink(),
        VERIFY,
        ("current_unreadable",),
    ),
    Tampering(
        "a byte of a batch",
        lambda h: flip(_first(h, "batches/tickets/*.parquet")),
        VERIFY,
        ("batch_file_changed",),
    ),
    Tampering(
        "a byte of rejected rows",
        lambda h: flip(_first(h, "rejects/*.parquet")),
        VERIFY,
        ("batch_file_changed",),
    ),
    Tampering(
        "a byte of an upload", lambda h: flip(_first(h, "raw/*")), VERIFY, ("batch_file_changed",)
    ),
    Tampering(
        "an upload removed",
        lambda h: _first(h, "raw/*").unlink(),
        VERIFY,
        ("batch_file_missing",),
    ),
    Tampering(
        "a file among the uploads",
        lambda h: _put(h, f"raw/{'0' * 64}.csv"),
        VERIFY,
        ("file_unlisted",),
    ),
    Tampering(
        "a file among the batches",
        lambda h: _put(h, "batches/tickets/00099-tickets.parquet"),
        VERIFY,
        ("file_unlisted",),
    ),
    Tampering(
        "a file among the rejected rows",
        lambda h: _put(h, "rejects/00001-contracts.parquet"),
        VERIFY,
        ("file_unlisted",),
    ),
    Tampering(
        "a file beside a database",
        lambda h: _put(h, f"generations/{_first(h, 'generations/4-*').name}.wal"),
        VERIFY,
        ("file_unlisted",),
    ),
    Tampering("a remembered mapping changed", _mapping, VERIFY, ("mapping_changed",)),
    Tampering(
        "the signature of a mapping removed", _unsigned_mapping, VERIFY, ("mapping_unsigned",)
    ),
    Tampering(
        "the checkpoint in the state folder",
        lambda h: flip(h.settings.state_folder / "checkpoint"),
        VERIFY,
        ("state_checkpoint_changed",),
    ),
    Tampering(
        "a database cut off",
        lambda h: _first(h, "generations/4-*").write_bytes(
            _first(h, "generations/4-*").read_bytes()[:500_000]
        ),
        VERIFY,
        ("generation_damaged",),
    ),
    Tampering(
        "rows of a database, through DuckDB",
        _change_generation,
        ANEW,
        ("generation_not_of_batches",),
    ),
    Tampering(
        "verdict, counts and deduction of an unsigned last record, hashed anew",
        lambda h: _forge_unsigned(h, _met),
        ANEW,
        ("record_not_of_batches",),
    ),
    Tampering(
        "the amount of an unsigned last record, beyond what was held",
        lambda h: _forge_unsigned(h, lambda c: c["decision"].update(amount="5000.01")),
        ANEW,
        ("record_not_allowed",),
    ),
    *(
        Tampering(f"{name} exchanged and listed anew", _exchange(name, None), by, codes)
        for name in ("decision.pdf", "evidence.xlsx", "clauses.csv", "verify.py")
        for by, codes in ((PACK, ("pack_signature_wrong", "pack_not_recorded")),)
    ),
    Tampering(
        "the PDF exchanged, listed anew and signed with another key",
        _exchange("decision.pdf", FORGER),
        PACK,
        ("pack_other_key", "pack_not_recorded"),
    ),
    Tampering(
        "the PDF exchanged, listed anew and signed with the house's own key",
        _signed_by_the_house,
        PACK,
        ("pack_not_recorded",),
    ),
    Tampering(
        "the PDF exchanged and listed anew, the check in the pack asked",
        _exchange("decision.pdf", None),
        SCRIPT,
        ("pack_signature_wrong",),
    ),
    Tampering(
        "the same, signed with another key",
        _exchange("decision.pdf", FORGER),
        SCRIPT,
        ("pack_keys_differ",),
    ),
    Tampering(
        "the signature of the pack removed",
        lambda h: (h.pack / "manifest.sha256.sig").unlink(),
        SCRIPT,
        ("pack_unsigned",),
    ),
    Tampering(
        "a file of the pack removed",
        lambda h: (h.pack / "waivers.csv").unlink(),
        SCRIPT,
        ("pack_file_missing",),
    ),
    Tampering(
        "a file put into the pack",
        lambda h: (h.pack / "more.txt").write_bytes(b"x"),
        SCRIPT,
        ("pack_file_added",),
    ),
    *(
        Tampering(f"{name} exchanged and listed anew", _exchange(name, None), REPRODUCE, (name,))
        for name in (
            "decision.pdf", "evidence.xlsx", "clauses.csv", "waivers.csv", "rejected.csv",
            "waiting.csv", "terms.csv", "verify.py", "READ-ME.txt",
        )
    ),
    Tampering("the zip packed anew", _zip_again, ZIP, ("pack_zip_changed",)),
    Tampering(
        "a date in the zip, and nothing of its files",
        lambda h: flip(h.archive, 10 / h.archive.stat().st_size),
        ZIP,
        ("pack_zip_changed",),
    ),
)  # fmt: skip
