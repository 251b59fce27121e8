"""Keys, signatures, checkpoints, the state folder."""

import base64
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as some

from etl.checkpoint import Checkpoint, parse_checkpoint
from etl.config import Settings
from etl.errors import KeptError, NothingDoneError
from etl.evidence import packcheck
from etl.evidence.verify import verify
from etl.intake.load import load
from etl.intake.mapping import ColumnMapping
from etl.intake.remembered import remember, remembered
from etl.signing import SigningKey, is_signed
from etl.state import State
from etl.store import Warehouse
from tests import evidence_case

# RFC 8032, section 7.1: secret key, public key, message, signature.
VECTORS = (
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b4"
        "6bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d"
        "8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
)


def url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
def test_signatures_are_those_of_the_standard(
    secret: str, public: str, message: str, signature: str, tmp_path: Path
) -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    key, said = SigningKey(private), bytes.fromhex(message).decode()

    assert key.public == public
    assert key.sign(said) == url64(bytes.fromhex(signature))
    for check in (is_signed, packcheck.is_signed):
        assert check(public, said, key.sign(said))
        assert not check(public, f"{said}x", key.sign(said))


@given(some.text(), some.data())
def test_plain_python_finds_what_the_library_finds(said: str, data: some.DataObject) -> None:
    """Right signatures, and any byte of key or signature changed."""
    key = SigningKey.new()
    raw = [bytes.fromhex(key.public), b64(key.sign(said))]
    which = data.draw(some.sampled_from([None, 0, 1]))
    if which is not None:
        place = data.draw(some.integers(0, len(raw[which]) - 1))
        changed = bytearray(raw[which])
        changed[place] ^= data.draw(some.integers(1, 255))
        raw[which] = bytes(changed)
    asked = (raw[0].hex(), said, url64(raw[1]))

    assert packcheck.is_signed(*asked) == is_signed(*asked) == (which is None)


def b64(text: str) -> bytes:
    return base64.urlsafe_b64decode(f"{text}==")


ORDER = 2**252 + 27742317777372353535851937790883648493


def test_a_signature_has_one_spelling_only() -> None:
    key = SigningKey.new()
    right = key.sign("x")
    # The last character holds two bits; s is below the order of the group (RFC 8032, 5.1.7).
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spelled = right[:-1] + letters[letters.index(right[-1]) | 1]
    raw = b64(right)
    s = (int.from_bytes(raw[32:], "little") + ORDER).to_bytes(32, "little")
    for other in (spelled, f"{right}=", f" {right}", right[:-1], url64(raw[:32] + s), "", "ü"):
        for check in (is_signed, packcheck.is_signed):
            assert not check(key.public, "x", other)
    for other in ("", "zz", key.public.upper() + "00", "02" + "00" * 31, "ff" * 32):
        for check in (is_signed, packcheck.is_signed):
            assert not check(other, "x", right)


@pytest.mark.parametrize("stamp", ["", "cd" * 32])
def test_a_checkpoint_goes_to_paper_and_back(stamp: str) -> None:
    key = SigningKey.new()
    point = Checkpoint(3, "ab" * 32, "2026-01-05T09:00:00+08:00", 12, "ef" * 32, stamp).signed(key)
    assert point.is_signed_by(key.public)

    # Broken into lines, as copied from a page.
    for text in (point.text, point.text.replace(" ", "\n"), f"  {point.text}  "):
        assert parse_checkpoint(text) == point
    assert parse_checkpoint(f"3 {'AB' * 32}") == Checkpoint(3, "ab" * 32)
    for field in ("seq", "manifest"):
        assert not replace(point, **{field: 13}).is_signed_by(key.public)
    for field in ("hash", "at", "manifest_sha256", "stamp"):
        assert not replace(point, **{field: "0" * 64}).is_signed_by(key.public)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "warehouse", state=tmp_path / "deep" / "state")


def test_the_key_is_made_once_and_for_its_owner_alone(settings: Settings) -> None:
    state = State(settings)
    assert (state.known_keys(), state.checkpoint(), state.key_is_exposed) == (set(), None, False)
    key = state.signing_key()

    assert State(settings).signing_key().public == key.public
    assert state.known_keys() == {key.public}
    if os.name == "posix":
        modes = {
            file.name: stat.S_IMODE(file.stat().st_mode)
            for file in (state.root, *state.root.iterdir())
            if file.name != "lock"
        }
        assert modes == {"state": 0o700, "signing.key": 0o600, "keys": 0o600}
        (state.root / "signing.key").chmod(0o640)
        assert state.key_is_exposed


def test_a_key_that_was_moved_away_is_followed_by_another(settings: Settings) -> None:
    state = State(settings)
    first = state.signing_key().public
    (state.root / "signing.key").rename(state.root / "old.key")

    assert state.known_keys() == {first}
    assert state.known_keys() | {state.signing_key().public} == state.known_keys()
    assert len(state.known_keys()) == 2


@pytest.mark.parametrize("content", [b"", b"junk", b"-----BEGIN PRIVATE KEY-----\nAA==\n"])
def test_a_key_that_cannot_be_read_is_told(settings: Settings, content: bytes) -> None:
    state = State(settings)
    state.signing_key()
    (state.root / "signing.key").write_bytes(content)

    with pytest.raises(KeptError, match="signing_key_unreadable"):
        state.signing_key()
    assert state.sign("x") is None


def test_a_state_folder_that_cannot_be_had_is_told_and_a_load_goes_on(tmp_path: Path) -> None:
    """Where its place is taken by a file; permissions do not hold for every account."""
    (tmp_path / "file").write_bytes(b"")
    settings = Settings(tmp_path / "warehouse", state=tmp_path / "file" / "state")

    with pytest.raises(NothingDoneError, match="state_unusable"):
        State(settings).signing_key()
    with evidence_case.few_models():
        load(settings, [evidence_case.put(tmp_path / "contracts.csv", evidence_case.CONTRACTS)])
    assert Warehouse(settings).manifest().signature is None
    assert verify(settings).sound
    mapping = ColumnMapping("tickets", ("单号",), columns={"ticket_id": ("单号",)})
    remember(Warehouse(settings), mapping)
    assert remembered(Warehouse(settings)) == (mapping,)
    # With a key later, what is there is taken as it is, and signed.
    later = replace(settings, state=None)
    State(later).signing_key()
    assert verify(later).sound
    (file,) = settings.warehouse.glob("mappings/*.toml")
    file.write_text(file.read_text(encoding="utf-8").replace("单号", "号"), encoding="utf-8")
    assert [one.code for one in verify(later).findings] == ["mapping_changed"]


def test_a_load_keeps_a_checkpoint_unless_what_it_saw_is_gone(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "warehouse")
    state = State(settings)
    with evidence_case.few_models():
        load(settings, [evidence_case.put(tmp_path / "contracts.csv", evidence_case.CONTRACTS)])
        first = state.checkpoint()
        assert first is not None
        assert (first.seq, first.manifest) == (0, 1)
        load(settings, [evidence_case.put(tmp_path / "terms.csv", evidence_case.TERMS)])
        assert state.checkpoint() == replace(state.checkpoint() or first, manifest=2) != first
        # Set back, and loaded anew: the checkpoint still tells what was there.
        seen = state.checkpoint()
        (settings.warehouse / "CURRENT").write_text("1\n", encoding="utf-8")
        (settings.warehouse / "manifests" / "2.json").unlink()
        for batch in settings.warehouse.glob("batches/*/00002-*"):
            batch.unlink()
        load(settings, [evidence_case.put(tmp_path / "waivers.csv", evidence_case.WAIVERS)])
    assert state.checkpoint() == seen
    assert "checkpoint_manifest_changed" in [one.code for one in verify(settings).findings]


def test_the_state_folder_is_beside_the_warehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    beside = tmp_path.with_name(f"{tmp_path.name}.state")
    assert Settings(Path(".")).state_folder == beside
    assert Settings(Path("a/..")).state_folder == beside
    assert Settings(tmp_path / "w").state_folder == tmp_path / "w.state"
    monkeypatch.setenv("KEPT_STATE", "elsewhere")
    assert Settings.from_environment().state_folder == Path("elsewhere")
