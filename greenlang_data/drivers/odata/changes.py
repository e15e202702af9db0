"""What has changed since an earlier read: by the server's own tracking, or by a time stamp.

A mark is what a read leaves for the next one: ``delta:`` and the link that the server gave, or the
latest time stamp that was read.

A queue such as SAP's (ODP) repeats what is behind a mark until the next mark is asked for, and
forgets it then. So a read asks for its own mark and for the links of its own pages only, and gives
the next mark out with its last row. One that was killed goes on with the link of its last page; where
that is refused the mark is asked for again, and all that had come must be told again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import unquote

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data.drivers.http.jsons import json_decoder
from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.page import Page, page_decoder
from greenlang_data.errors import QueryError

BEGIN: Final = "start"
CHANGE: Final = "change"
GONE: Final = "delete"
TRACKING: Final = "odata.track-changes"
OVERLAP: Final = timedelta(minutes=5)
# A clock without a zone repeats an hour in autumn. Against an instant it may be as far behind UTC
# as any clock is.
_CLOCK_OVERLAP: Final = timedelta(hours=1, minutes=5)
_ZONE_OVERLAP: Final = timedelta(hours=12, minutes=5)
_FASTEST_CLOCK: Final = timedelta(hours=14)  # before UTC
_LINK: Final = "delta:"
# A column may be called reason too, so what looks like a row that is gone is looked at again.
_GONE: Final = re.compile(rb'"reason"\s*:\s*"|"@removed"\s*:|\$deletedEntity"')
_GONE_ALONE: Final = frozenset({"id", "reason"})
_KEY_OF_ONE: Final = re.compile(r"\((?:\w+=)?(?:'(?P<text>(?:[^']|'')*)'|(?P<plain>[^'()=]+))\)$")
MODE: Final = "ODQ_CHANGEMODE"
"""SAP's operational data provisioning tells in this column what became of a row."""


def link_of(since: str | None) -> str | None:
    """The link in a mark, or None for one that is a time."""
    return since.removeprefix(_LINK) if since and since.startswith(_LINK) else None


def link_mark(link: str) -> str:
    """The mark of a link."""
    return f"{_LINK}{link}"


def moment_of(since: str, column: Property, source: str) -> tuple[datetime, timedelta]:
    """The time from which changes are asked for: that of the mark, less an overlap, which is told.

    Raises QueryError for a mark that is no time.
    """
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise QueryError(
            f"since is {since[:40]!r}, which is no time",
            source=source,
            remedy="Give an earlier frame, a time, or 'start'.",
        ) from None
    if column.type != "Edm.DateTime":
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - OVERLAP, OVERLAP
    if moment.tzinfo is None:
        return moment - _CLOCK_OVERLAP, _CLOCK_OVERLAP
    return moment.astimezone(UTC).replace(tzinfo=None) - _ZONE_OVERLAP, _ZONE_OVERLAP


def latest(values: pa.ChunkedArray, begun: datetime) -> str | None:
    """The latest of some times of change, as a mark: none after the read had ``begun``.

    A record that was changed behind the read while it lasted was not seen so, and times to come,
    such as the end of 9999, would hide all changes until then.
    """
    found = pc.max(values).as_py()
    if found is None:
        return None
    bound = begun if found.tzinfo else begun.replace(tzinfo=None) + _FASTEST_CLOCK
    return str(min(found, bound).isoformat())


def delta_decoder(
    columns: Sequence[Property], key: str, version: Literal[2, 4]
) -> Callable[[bytes | bytearray], Page]:
    """Like :func:`page_decoder`, with ``change`` as the last column.

    A row that is gone has its key and nothing else.
    """
    decode = page_decoder(columns, version)
    names = [one.name for one in columns]
    split = json_decoder(_Changes)

    def decode_changes(body: bytes | bytearray) -> Page:
        if version == 2:
            page = decode(body)
            modes = page.columns[names.index(MODE)] if MODE in names else None
            if modes is None and MODE in names and page.rows:
                raise ValueError(f"it does not tell what became of its rows ({MODE})")
            changes = pa.array(["upsert"] * page.rows, pa.string())
            if modes is not None:
                changes = pc.if_else(pc.equal(modes, "D").fill_null(False), GONE, changes)
            return _with(page, changes)
        envelope = split(body)
        rows = [bytes(one) for one in envelope.value]
        is_gone = [_is_gone(one) for one in rows]
        gone = [one for one, none in zip(rows, is_gone, strict=True) if none]
        kept = [one for one, none in zip(rows, is_gone, strict=True) if not none]
        page = decode(b'{"value":[' + b",".join(kept) + b"]}")
        page = Page(page.rows, page.columns, envelope.next_link, None, envelope.delta_link)
        page = _with(page, pa.array(["upsert"] * page.rows, pa.string()))
        return _and_gone(page, [_id(one) for one in gone], names.index(key)) if gone else page

    return decode_changes


def untold_keys(before: Sequence[Page], pages: Sequence[Page], key: int) -> bool:
    """Whether keys of pages of changes ``before`` are not among those of ``pages``.

    Who asks for changes again gets all that it got before, and what came since: each record at least
    once more. Else the server has forgotten what it had told.
    """
    old = _chunks(before, key)
    if not old:
        return False
    new = [one.cast(old[0].type) for one in _chunks(pages, key)]
    found = pc.is_in(pa.chunked_array(old), pa.chunked_array(new, old[0].type))
    return not pc.all(found).as_py()


def _chunks(pages: Sequence[Page], column: int) -> list[pa.Array]:
    return [one for page in pages if page.rows and (one := page.columns[column]) is not None]


class _Changes(msgspec.Struct):
    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")
    delta_link: str | None = msgspec.field(default=None, name="@odata.deltaLink")


def _is_gone(row: bytes) -> bool:
    """Whether a row tells of its own deletion, in either version's way, and of nothing else."""
    if _GONE.search(row) is None:
        return False
    told: Any = msgspec.json.decode(row)
    if not isinstance(told, dict):
        return False
    context = str(told.get("@odata.context", told.get("@context", "")))
    if "@removed" in told or context.endswith("$deletedEntity"):
        return True
    return {name for name in told if "@" not in name} == _GONE_ALONE


def _id(row: bytes) -> str:
    told: Any = msgspec.json.decode(row)
    found = told.get("id", told.get("@id", told.get("@odata.id")))
    if not isinstance(found, str):
        raise ValueError("a row that is gone has no id")  # noqa: TRY004 - decoders raise these
    # It may be the address of the row: ``Set(5)``, ``Set('O''Neil')`` or ``Set(ID=5)``.
    if "(" not in found:
        return found
    key = _KEY_OF_ONE.search(unquote(found))
    if key is None:
        raise ValueError("the id of a row that is gone cannot be read")
    return key["plain"] or key["text"].replace("''", "'")


def _with(page: Page, changes: pa.Array) -> Page:
    return Page(page.rows, [*page.columns, changes], page.next_link, page.count, page.delta_link)


def _and_gone(page: Page, ids: Sequence[str], key: int) -> Page:
    columns: list[pa.Array | None] = []
    for place, values in enumerate(page.columns):
        if values is None:
            columns.append(None)
            continue
        more = pa.nulls(len(ids), values.type)
        if place == key:
            more = pa.array(ids, pa.string()).cast(values.type)
        elif place == len(page.columns) - 1:
            more = pa.array([GONE] * len(ids), pa.string())
        columns.append(pa.concat_arrays([values, more]))
    return Page(page.rows + len(ids), columns, page.next_link, None, page.delta_link)
