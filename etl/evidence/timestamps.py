"""Time stamps of an authority outside the house (RFC 3161): a record existed at that time.

What is stamped is the hash of the record, so that
`openssl ts -verify -digest HASH -in decision.tsr -CAfile AUTHORITY.pem` checks it without Kept.
Nothing is sent anywhere unless KEPT_TIMESTAMP_URL names an authority.
"""

import base64
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from cryptography import x509

from etl.config import Settings
from etl.errors import KeptError, NothingDoneError

UNCHECKED = "timestamp_unchecked"
TIMEOUT_SECONDS = 20
MOST_BYTES = 1 << 20
TOLERANCE = timedelta(minutes=10)
"""So far may the clock of the machine be from that of the authority."""


def stamped(settings: Settings, data: bytes, created_at: str) -> dict[str, str]:
    """The authority's stamp over the SHA-256 of `data`: `token` (DER, base64) and its `at`.

    Checked against the authority's certificates before it is taken. Raises NothingDoneError where
    the authority cannot be reached or refuses, or its clock is far from `created_at`; KeptError
    where the settings do not hold.
    """
    _demand_extra()
    from rfc3161_client import (
        HashAlgorithm,
        TimestampRequestBuilder,
        VerificationError,
        VerifierBuilder,
        decode_timestamp_response,
    )

    url = settings.timestamp_url or ""
    certificates = _certificates(settings.timestamp_certificates)
    asked = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
    try:
        token = _post(url, asked.as_bytes())
        response = decode_timestamp_response(token)
        builder = VerifierBuilder.from_request(asked)
        for one in certificates:
            builder = builder.add_root_certificate(one)
        builder.build().verify_message(response, data)
        at = response.tst_info.gen_time
    except HTTPError as error:
        error.close()
        raise NothingDoneError("timestamp_unreachable", url=url, error=error) from error
    except (OSError, HTTPException) as error:
        why = getattr(error, "reason", error)
        raise NothingDoneError("timestamp_unreachable", url=url, error=why) from error
    except (ValueError, VerificationError) as error:
        raise NothingDoneError("timestamp_invalid", url=url) from error
    if abs(at - _instant(created_at)) > TOLERANCE:
        raise NothingDoneError("timestamp_clock_differs", now=created_at, at=at.isoformat())
    return {"token": base64.b64encode(token).decode(), "at": at.isoformat()}


def problems(
    settings: Settings, content: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, object]]]:
    """What of a record's time stamp is not right: a message code and its values.

    `UNCHECKED` alone is no fault: the certificates, or what reads them, are not here. Raises
    KeptError where the file of the certificates cannot be read.
    """
    values: dict[str, object] = {"seq": content["seq"]}
    try:
        said, at = content["created_at"], content["timestamp"]["at"]
        if abs(_instant(at) - _instant(said)) > TOLERANCE:
            yield "timestamp_disagrees", {**values, "at": at, "said": said}
        code = _problem(settings, content)
    except (AttributeError, KeyError, TypeError, ValueError):
        code = "timestamp_wrong"
    if code is not None:
        yield code, values


def _problem(settings: Settings, content: Mapping[str, Any]) -> str | None:
    try:
        from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response
    except ImportError:
        return UNCHECKED
    token = base64.b64decode(content["timestamp"]["token"], validate=True)
    response = decode_timestamp_response(token)
    stamp = response.tst_info
    of_record = stamp.message_imprint.message.hex() == content["hash"]
    if not of_record or stamp.gen_time != _instant(content["timestamp"]["at"]):
        return "timestamp_wrong"
    if settings.timestamp_certificates is None:
        return UNCHECKED
    builder = VerifierBuilder()
    for one in _certificates(settings.timestamp_certificates):
        builder = builder.add_root_certificate(one)
    try:
        builder.build().verify(response, bytes.fromhex(content["hash"]))
    except VerificationError:
        return "timestamp_wrong"
    return None


def _instant(iso: object) -> datetime:
    return datetime.fromisoformat(str(iso))


def _demand_extra() -> None:
    try:
        import rfc3161_client  # noqa: F401
    except ImportError as error:
        raise KeptError("timestamp_extra_missing") from error


def _certificates(file: Path | None) -> list[x509.Certificate]:
    if file is None:
        raise KeptError("timestamp_certificates_missing")
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise KeptError("timestamp_certificates_unreadable", file=file) from error


def _post(url: str, body: bytes) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise KeptError("timestamp_url_wrong", url=url)
    request = Request(url, body, {"Content-Type": "application/timestamp-query"})
    with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        content: bytes = answer.read(MOST_BYTES)
    return content
