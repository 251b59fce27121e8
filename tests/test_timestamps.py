"""Time stamps (RFC 3161), from an authority that the tests run: openssl ts."""

import base64
import json
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from etl.catalogue import catalogue
from etl.config import Settings
from etl.errors import KeptError, NothingDoneError
from etl.evidence import timestamps
from etl.evidence.chain import Record, canonical
from etl.evidence.decisions import Decision, decide, decisions
from etl.evidence.pack import write_pack
from etl.evidence.verify import verify
from etl.pdf import chinese_font
from etl.store import Warehouse
from tests import evidence_case
from tests.tampering import flip

pytest.importorskip("rfc3161_client")
OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="the authority is openssl ts")

CONFIGURATION = """[tsa]
default_tsa = authority
[authority]
serial = ./serial
crypto_device = builtin
signer_cert = ./tsa.pem
signer_key = ./tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


class Authority:
    """An authority on this machine; `answer` is given instead of a stamp where it is not None."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answer: bytes | None = None
        self.asked, self.status = 0, 200
        self._make()
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = self.rfile.read(int(self.headers["Content-Length"]))
                authority.asked += 1
                answer = authority.reply(asked) if authority.answer is None else authority.answer
                self.send_response(authority.status)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reply(self, asked: bytes) -> bytes:
        (self.folder / "asked").write_bytes(asked)
        self._openssl("ts", "-reply", "-config", "ts.cnf", "-queryfile", "asked", "-out", "answer")
        return (self.folder / "answer").read_bytes()

    def _make(self) -> None:
        self.folder.mkdir(parents=True)
        (self.folder / "ts.cnf").write_text(CONFIGURATION)
        (self.folder / "serial").write_text("01")
        (self.folder / "ext").write_text(
            "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n"
        )
        new = ("-newkey", "rsa:2048", "-nodes")
        self._openssl(
            "req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Root"
        )
        self._openssl("req", *new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Stamps")
        self._openssl(
            "x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "tsa.pem", "-extfile", "ext",
        )  # fmt: skip

    def _openssl(self, *arguments: str) -> None:
        subprocess.run([str(OPENSSL), *arguments], cwd=self.folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    made = Authority(tmp_path_factory.mktemp("authority") / "made")
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with evidence_case.few_models():
        folder = tmp_path_factory.mktemp("loaded")
        evidence_case.make(folder)
        yield folder


@pytest.fixture
def settings(loaded: Path, authority: Authority, tmp_path: Path) -> Settings:
    shutil.copytree(loaded, tmp_path / "house")
    authority.answer = None
    return Settings(
        tmp_path / "house" / "warehouse",
        timestamp_url=authority.url,
        timestamp_certificates=authority.folder / "ca.pem",
    )


def partial(settings: Settings) -> Record:
    return decide(settings, "HT-1", Decision("partial", "王一", "赵二", Decimal(10), ("合格",)))


def codes(settings: Settings) -> list[str]:
    return [one.code for one in verify(settings).findings]


def notes(settings: Settings) -> list[str]:
    return [one.code for one in verify(settings).notes]


def test_a_decision_is_stamped_and_openssl_finds_it_so(
    settings: Settings, authority: Authority, tmp_path: Path
) -> None:
    record = partial(settings)
    assert record.content["timestamp_authority"] == authority.url
    assert record.checkpoint.stamp
    assert (codes(settings), notes(settings)) == ([], [])

    token = tmp_path / "decision.tsr"
    token.write_bytes(base64.b64decode(record.content["timestamp"]["token"]))
    done = subprocess.run(
        [str(OPENSSL), "ts", "-verify", "-digest", record.hash, "-in", str(token),
         "-CAfile", str(authority.folder / "ca.pem")],
        check=False,
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_without_an_authority_nothing_is_asked_and_nothing_stamped(
    settings: Settings, authority: Authority
) -> None:
    before = authority.asked
    record = partial(replace(settings, timestamp_url=None))

    assert authority.asked == before
    assert record.content["timestamp_authority"] is None
    assert "timestamp" not in record.content
    assert notes(settings) == []
    # Once stamped, a later one without is noted.
    partial(settings)
    partial(replace(settings, timestamp_url=None))
    found = verify(settings)
    assert [one.text("en") for one in found.notes] == [
        "Decisions 3 bear no time stamp, and an earlier one does."
    ]


def test_where_the_stamp_cannot_be_had_nothing_is_recorded(
    settings: Settings, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    another = Authority(tmp_path / "another")
    another.server.shutdown()
    another.server.server_close()
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")

    def refused(changed: Settings, code: str, status: int) -> None:
        with pytest.raises(KeptError) as error:
            partial(changed)
        assert (error.value.code, error.value.exit_status) == (code, status)
        for language in ("zh", "en"):
            assert "{" not in catalogue().sentence(error.value, language)
        assert decisions(Warehouse(settings)) == ()

    refused(replace(settings, timestamp_url=another.url), "timestamp_unreachable", 1)
    refused(replace(settings, timestamp_url="ftp://x"), "timestamp_url_wrong", 2)
    refused(replace(settings, timestamp_certificates=None), "timestamp_certificates_missing", 2)
    refused(replace(settings, timestamp_certificates=junk), "timestamp_certificates_unreadable", 2)
    # Signed by another authority than the one whose certificates are here.
    other = replace(settings, timestamp_certificates=another.folder / "ca.pem")
    refused(other, "timestamp_invalid", 1)
    for answer in (b"", b"junk", authority.reply(another_request())):
        authority.answer = answer
        refused(settings, "timestamp_invalid", 1)
    authority.answer = None
    authority.status = 503
    refused(settings, "timestamp_unreachable", 1)
    authority.status = 200
    monkeypatch.setattr(timestamps, "TOLERANCE", timedelta(hours=-1))
    refused(settings, "timestamp_clock_differs", 1)
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    refused(settings, "timestamp_extra_missing", 2)


def another_request() -> bytes:
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    builder = TimestampRequestBuilder().data(b"x").hash_algorithm(HashAlgorithm.SHA256)
    return builder.build().as_bytes()


def test_what_was_done_to_a_stamp_is_named(settings: Settings, authority: Authority) -> None:
    record = partial(settings)
    file = settings.warehouse / "decisions" / "1.json"
    other = base64.b64encode(authority.reply(another_request())).decode()
    stamp = record.content["timestamp"]
    for changed in (None, {}, {**stamp, "token": other}, {**stamp, "at": "2020-01-01T00:00:00Z"}):
        content = {**record.content, "timestamp": changed}
        if changed is None:
            del content["timestamp"]
        file.write_bytes(canonical(content))
        assert "record_signature_wrong" in codes(settings)
    file.write_bytes(canonical({**record.content, "timestamp": {**stamp, "token": other}}))
    assert "timestamp_wrong" in codes(settings)
    file.write_bytes(canonical({**record.content, "timestamp": {**stamp, "at": "2020-01-01"}}))
    assert "timestamp_wrong" in codes(settings)


def test_a_stamp_that_cannot_be_checked_here_is_noted(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial(settings)
    another = Authority(tmp_path / "another")
    another.server.shutdown()
    another.server.server_close()
    assert notes(replace(settings, timestamp_certificates=None)) == ["timestamp_unchecked"]
    elsewhere = replace(settings, timestamp_certificates=another.folder / "ca.pem")
    assert codes(elsewhere) == ["timestamp_wrong"]
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    assert (codes(settings), notes(settings)) == ([], ["timestamp_unchecked"])


def test_the_pack_brings_the_stamp(settings: Settings, tmp_path: Path) -> None:
    try:
        chinese_font()
    except NothingDoneError:
        pytest.skip("no font, no pack")
    record = partial(settings)
    pack = write_pack(settings, record, tmp_path / "packs")
    assert verify(settings, pack).sound

    with zipfile.ZipFile(pack) as packed:
        packed.extractall(tmp_path / "pack")
    stamp = tmp_path / "pack" / "decision.tsr"
    assert stamp.read_bytes() == base64.b64decode(record.content["timestamp"]["token"])
    assert json.loads((tmp_path / "pack" / "decision.json").read_bytes()) == record.content
    flip(stamp)
    found = [one.code for one in verify(settings, tmp_path / "pack").findings]
    assert found == ["pack_file_changed", "pack_not_of_record"]
