"""What an OData server says is wrong: in the body of a refusal, or in a header of a success."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.jsons import errors_in
from greenlang_data.errors import SourceError

_LONGEST: Final = 300
_MOST_DETAILS: Final = 3


def explain(body: bytes) -> str:
    """The message of an error of either version, with what it says in detail."""
    said = errors_in(body)
    error = said.get("error") if isinstance(said, dict) else None
    if not isinstance(error, dict):
        return ""
    inner = error.get("innererror")
    details = error.get("details")
    if isinstance(inner, dict):
        details = inner.get("errordetails") or details
    texts = [_text(error.get("message")), _text(inner)]
    if isinstance(details, list):
        texts += [_text(one) for one in details[:_MOST_DETAILS]]
    code = error.get("code")
    named = f" ({code})" if isinstance(code, str) and code else ""
    return "; ".join(dict.fromkeys(filter(None, texts)))[:_LONGEST] + named


def _text(part: Any) -> str:
    """The text of a message, which is text itself or holds it."""
    if isinstance(part, dict):
        part = part.get("value", part.get("message"))
    return part.strip() if isinstance(part, str) else ""


def check_messages(headers: Mapping[str, str], log: ReadLog, source: str) -> None:
    """Heed ``sap-message``: SAP may send an error with a status of success.

    Raises SourceError for an error; a warning becomes a note.
    """
    header = headers.get("sap-message")
    said = errors_in(header.encode()) if header else None
    if not isinstance(said, dict):
        return
    details = said.get("details")
    for one in [said, *(details if isinstance(details, list) else [])]:
        severity = one.get("severity") if isinstance(one, dict) else None
        if severity in ("error", "abort"):
            raise SourceError(
                f"it answered with an error: {_text(said)[:_LONGEST]} ({said.get('code')})",
                source=source,
                remedy="None of it was used; correct what it names.",
            )
        if severity == "warning":
            log.note(f"the server warns: {_text(one)[:_LONGEST]}")
