"""What an OData server says is wrong: in the body of a refusal, or in a header of a success."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.jsons import errors_in
from greenlang_data.errors import SourceError

_LONGEST: Final = 300
_MOST_DETAILS: Final = 3
# The first version has words, the other numbers.
_ERRORS: Final = ("error", "abort", 4)
_WARNINGS: Final = ("warning", 3)


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


def check_messages(
    headers: Mapping[str, str], log: ReadLog, source: str, without_login: Callable[[str], str]
) -> None:
    """Heed ``sap-message`` and V4's ``sap-messages``: SAP may send an error with a success.

    What they say is told ``without_login``, which a server may repeat.
    Raises SourceError for an error; a warning, or a message that cannot be read, becomes a note.
    """
    for name in ("sap-message", "sap-messages"):
        header = without_login(headers.get(name, ""))
        if not header:
            continue
        said = _read(header)
        if said is None:
            log.note(f"the server sent a message that cannot be read: {header[:_LONGEST]}")
        for one in said or ():
            severity = one.get("severity", one.get("numericSeverity"))
            if severity in _ERRORS:
                raise SourceError(
                    f"it answered with an error: {_text(one)[:_LONGEST]} ({one.get('code')})",
                    source=source,
                    remedy="None of it was used; correct what it names.",
                )
            if severity in _WARNINGS:
                log.note(f"the server warns: {_text(one)[:_LONGEST]}")


def _read(header: str) -> list[dict[str, Any]] | None:
    """The messages of one version or the other, each before its details, or None."""
    # Some servers write UTF-8 where HTTP has Latin letters.
    told = errors_in(header.encode("latin-1", "replace")) or errors_in(header.encode())
    messages = told if isinstance(told, list) else [told]
    if not all(isinstance(one, dict) for one in messages):
        return None
    found = []
    for one in messages:
        details = one.get("details")
        found += [one, *(details if isinstance(details, list) else [])]
    return [one for one in found if isinstance(one, dict)]
