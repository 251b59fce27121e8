"""Whatever is done to a warehouse or a pack is named; the documents list what was tried."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from etl.catalogue import catalogue
from etl.errors import KeptError, NothingDoneError
from etl.evidence.chain import canonical
from etl.evidence.packcheck import check, open_pack
from etl.evidence.reproduce import reproduce
from etl.evidence.verify import verify
from etl.pdf import chinese_font
from etl.store import sha256_of
from tests import evidence_case, tampering
from tests.tampering import ANEW, FORGER, PACK, REPRODUCE, SCRIPT, VERIFY, ZIP, House, Tampering


def has_font() -> bool:
    try:
        chinese_font()
    except NothingDoneError:
        return False
    return True


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with evidence_case.few_models():
        yield tampering.build(tmp_path_factory.mktemp("house"), with_pack=has_font())


@pytest.fixture
def house(made: House, tmp_path: Path) -> House:
    return made.copy(tmp_path / "house")


@pytest.fixture
def bare(house: House) -> House:
    """The house without its databases, a cache: they take longest to check."""
    shutil.rmtree(house.warehouse / "generations")
    return house


def named(house: House, by: str) -> list[str]:
    """The codes, or the files, that are named."""
    if by == SCRIPT:
        return [code for code, _ in check(open_pack(house.pack)).found]
    if by == REPRODUCE:
        found = reproduce(house.pack)
        return [*found.files, *(one.file for one in found.differences)]
    path = {VERIFY: None, ANEW: None, PACK: house.pack}
    verified = verify(house.settings, house.archive if by == ZIP else path[by], anew=by == ANEW)
    for one in (*verified.findings, *verified.notes):
        for language in ("zh", "en"):
            assert "{" not in one.text(language)
    return [one.code for one in verified.findings]


@pytest.mark.parametrize("by", [VERIFY, ANEW, PACK, ZIP, SCRIPT, REPRODUCE])
def test_what_nobody_touched_is_sound(made: House, by: str) -> None:
    if by not in (VERIFY, ANEW) and not has_font():
        pytest.skip("no font, no pack")
    assert named(made, by) == []


@pytest.mark.parametrize("one", tampering.TAMPERINGS, ids=lambda one: f"{one.what}, {one.by}")
def test_what_was_done_is_named(house: House, one: Tampering) -> None:
    if one.by not in (VERIFY, ANEW) and not has_font():
        pytest.skip("no font, no pack")
    one.change(house)
    found = named(house, one.by)

    for code in one.codes:
        if code.endswith("_"):
            assert any(name.startswith(code) for name in found), (code, found)
        else:
            assert code in found


def test_a_byte_of_any_file_of_the_warehouse_is_named(bare: House) -> None:
    random = Random(11)
    files = [
        file for file in sorted(bare.warehouse.rglob("*")) if file.is_file() and file.stat().st_size
    ]
    assert len(files) >= 25
    for file in files:
        whole = file.read_bytes()
        for place in {0, random.randrange(len(whole)), len(whole) - 1}:
            changed = whole[place] ^ random.choice([1, 2, 32, 128])
            file.write_bytes(whole[:place] + bytes([changed]) + whole[place + 1 :])
            assert named(bare, VERIFY), (file.relative_to(bare.warehouse), place)
        file.write_bytes(whole)
    assert named(bare, VERIFY) == []


def test_any_file_that_is_gone_or_empty_is_named(bare: House) -> None:
    files = [
        file
        for file in sorted(bare.warehouse.rglob("*"))
        # What is forgotten on purpose and what is a cache may be gone.
        if file.is_file() and file.parent.name not in ("mappings", "warehouse")
    ]
    for file in [*files, bare.warehouse / "CURRENT"]:
        whole = file.read_bytes()
        file.unlink()
        assert named(bare, VERIFY), file
        file.write_bytes(b"")
        assert named(bare, VERIFY), file
        file.write_bytes(whole)


def test_any_field_of_the_last_record_is_named_though_it_is_hashed_anew(bare: House) -> None:
    file = tampering.last_record(bare)
    whole = file.read_bytes()
    tried = 0
    for place in places(json.loads(whole)):
        content = json.loads(whole)
        if place[0] in ("hash", "signature"):
            continue
        put(content, place, other(get(content, place)))
        tampering.edit(file, lambda said, content=content: said.update(content))
        assert named(bare, VERIFY), place
        tried += 1
    file.write_bytes(whole)
    assert tried > 100


def test_any_field_of_the_manifest_in_force_is_named(bare: House) -> None:
    """Also without its signature, where the state folder has seen it."""
    file = bare.warehouse / "manifests" / "4.json"
    whole = file.read_bytes()
    tried = 0
    for place in places(json.loads(whole)):
        content = json.loads(whole)
        put(content, place, other(get(content, place)))
        file.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        assert named(bare, VERIFY), place
        tried += 1
    assert tried > 100
    file.write_bytes(whole)
    tampering.manifest(bare, tampering.sign_manifest)
    assert "manifest_key_unknown" in named(bare, VERIFY)


def places(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all values in JSON."""
    if isinstance(value, dict | list):
        for name in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[name], (*before, name))
    else:
        yield before


def get(value: Any, place: tuple[Any, ...]) -> Any:
    for name in place:
        value = value[name]
    return value


def put(value: Any, place: tuple[Any, ...], new: Any) -> None:
    get(value, place[:-1])[place[-1]] = new


def other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"{value or ''}1"


def test_a_byte_of_any_file_of_a_pack_is_named(bare: House) -> None:
    if not has_font():
        pytest.skip("no font, no pack")
    random = Random(12)
    for file in sorted(file for file in bare.pack.rglob("*") if file.is_file()):
        whole = file.read_bytes()
        if not whole:
            continue
        for place in (random.randrange(len(whole)), len(whole) - 1):
            changed = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
            file.write_bytes(changed)
            assert named(bare, SCRIPT), (file.name, place)
        file.write_bytes(whole)


def test_a_byte_anywhere_in_a_zipped_pack_is_named(bare: House) -> None:
    if not has_font():
        pytest.skip("no font, no pack")
    random, whole = Random(13), bare.archive.read_bytes()
    nowhere = replace(bare.settings, warehouse=bare.folder / "nowhere")
    for place in (0, len(whole) - 1, *(random.randrange(len(whole)) for _ in range(80))):
        bare.archive.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        try:
            assert verify(nowhere, bare.archive).findings, place
        except KeptError as error:
            assert error.code == "pack_unreadable"


def test_without_the_state_folder_a_warehouse_is_checked_against_its_own_key(house: House) -> None:
    shutil.rmtree(house.settings.state_folder)
    found = verify(house.settings)
    assert (found.sound, found.notes, len(found.keys), found.known) == (True, (), 1, False)

    tampering._append(house, FORGER)
    assert named(house, VERIFY) == ["record_key_unknown"]
    given = verify(house.settings, keys=found.keys)
    assert [one.code for one in given.findings] == ["record_key_unknown"]


def test_a_chain_signed_throughout_by_another_is_told_by_the_key_on_paper(house: House) -> None:
    (key,) = verify(house.settings).keys
    shutil.rmtree(house.settings.state_folder)
    before, hashes = "0" * 64, {}
    for number in (1, 2, 3, 4):
        parent = hashes.get(number - 1)
        file = tampering.manifest(house, lambda one, p=parent: one.update(parent_sha256=p), number)
        hashes[number] = sha256_of(tampering.manifest(house, tampering.sign_manifest, number))
    for number in (1, 2, 3, 4):
        file = house.warehouse / "decisions" / f"{number}.json"
        content = {**json.loads(file.read_bytes()), "prev_hash": before}
        content["manifest"]["sha256"] = hashes[4]
        made = tampering.sign_again(content, FORGER)
        file.write_bytes(canonical(made))
        before = made["hash"]
    for file in house.warehouse.glob("mappings/*.toml"):
        file.unlink()

    assert verify(house.settings).sound
    found = verify(house.settings, keys=[key])
    assert {one.code for one in found.findings} == {"record_key_unknown", "manifest_key_unknown"}


def test_every_sentence_of_the_table_is_there_in_both_languages() -> None:
    messages = catalogue().messages
    for one in tampering.TAMPERINGS:
        if one.by != REPRODUCE:
            assert all(code.endswith("_") or messages[code].zh for code in one.codes)
