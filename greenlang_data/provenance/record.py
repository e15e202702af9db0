"""The provenance record: what travels with a frame in ``frame.attrs["provenance"]``.

A frame's ``attrs`` are read and written here and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar
from uuid import uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from greenlang_data._version import __version__
from greenlang_data.errors import ProvenanceError
from greenlang_data.provenance.digest import capped
from greenlang_data.provenance.frozen import FrozenDict, freeze
from greenlang_data.provenance.hash import Written, hash_frame, hash_json, hash_text

if TYPE_CHECKING:
    import pandas as pd

    Holder = TypeVar("Holder", pd.DataFrame, pd.Series)

KEY: Final = "provenance"
SCHEMA_VERSION: Final = 1

_REQUIRED: Final = ("schema_version", "connector_id", "lineage", "frame_hash", "record_hash")


class ConnectorProvenance(BaseModel):
    """Which connector answered which query with what, and when (UTC).

    ``query_hash`` and ``response_hash`` are SHA-256 in hex: of the canonical JSON of the query, and
    of the content of the answer (:class:`~greenlang_data.provenance.hash.ContentHasher`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    connector_id: str
    connector_type: str
    connector_version: str
    query_hash: str
    response_hash: str
    timestamp: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    request_id: str = Field(default_factory=lambda: uuid4().hex)
    mode: Literal["live", "mock", "replay"] = "live"
    source_system: str
    metadata: dict[str, Any] = Field(default_factory=dict)

    @field_validator("timestamp")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        return value.astimezone(UTC)


class ProvenanceRecord(FrozenDict):
    """A frozen dict of plain JSON, at most 8 kB, that says where a frame comes from.

    Keys: those of :class:`ConnectorProvenance`; ``schema_version``, ``library_version``;
    ``lineage`` (fetched or combined), ``parents``; ``query``, ``start``, ``end`` (ISO 8601, UTC);
    ``rows``, ``columns``, ``shape``, ``units`` {column: unit or null}; ``quality`` {good,
    uncertain, bad}, ``bad_quality_count``; ``failures`` {tag: reason}, ``failure_count``;
    ``notes``; ``requests``, ``attempts``, ``retries``; for a web system ``exchanges`` [{request,
    status, bytes, seconds, request_id}]; ``frame_hash`` of the frame it was made for;
    ``record_hash`` of all other keys. The hashes show accidents and edits; they are no signature.

    A part that is too long is ``{"count", "sha256", "first"}`` here and whole in :attr:`full`.
    """

    _parts: dict[str, Any]

    def __init__(self, fields: Mapping[str, Any], parts: Mapping[str, Any] | None = None) -> None:
        plain = freeze(dict(fields))
        # Only parts that are what the record says they are: the digest vouches for them.
        vouched = {
            key: part for key, part in (parts or {}).items() if _vouched(plain.get(key), part)
        }
        self._hold(plain, freeze(vouched))

    def _hold(self, frozen: dict[str, Any], parts: dict[str, Any]) -> None:
        dict.__init__(self, frozen)
        self._parts = parts

    @property
    def parts(self) -> Mapping[str, Any]:
        """The parts too long for the record, in full: {key: plain JSON}; shared, not copied."""
        return self._parts

    @property
    def full(self) -> dict[str, Any]:
        """The record with every long part whole, as far as it is known.

        pandas' own Parquet reader brings only the record back; then a long part stays a digest.
        """
        return {**self, **self._parts}

    @property
    def sealed(self) -> bool:
        """Whether ``record_hash`` fits, so that no key was edited since the record was made."""
        return bool(self.get("record_hash") == _record_hash(self))

    def to_dict(self) -> dict[str, Any]:
        """A plain, deep copy of :attr:`full` to do with as you like."""
        copied: dict[str, Any] = json.loads(json.dumps(self.full))
        return copied

    def replace(self, **changes: Any) -> ProvenanceRecord:
        """A new record with some keys changed, and sealed again."""
        return seal({**self.full, **changes})

    def __reduce__(self) -> tuple[Any, ...]:
        return ProvenanceRecord, (dict(self), self._parts)

    def __repr__(self) -> str:
        what = f"{self['lineage']} {self.get('rows')} rows from {self.get('source_system')!r}"
        who = f"{self['connector_id']}, {self.get('mode')}, {self.get('timestamp')}"
        return f"<ProvenanceRecord: {what} ({who}), frame {str(self['frame_hash'])[:12]}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(str(key))}</th>"
            f"<td style='text-align:left'>{escape(_short(value))}</td></tr>"
            for key, value in self.items()
            if value not in (None, [], {})
        )
        return f"<table>{rows}</table>"


def make_record(
    provenance: ConnectorProvenance,
    frame: pd.DataFrame | None = None,
    *,
    content: Mapping[str, Any] | None = None,
    query: Mapping[str, Any] | Written | None = None,
    start: datetime | str | None = None,
    end: datetime | str | None = None,
    shape: str | None = None,
    units: Mapping[str, str | None] | None = None,
    quality: Mapping[str, int] | None = None,
    failures: Mapping[str, str] | None = None,
    notes: Iterable[str] = (),
    requests: int = 0,
    exchanges: Sequence[Mapping[str, Any]] = (),
    attempts: int = 1,
    retries: int = 0,
) -> ProvenanceRecord:
    """The record of a freshly fetched frame.

    ``query`` may be what was hashed for ``provenance``. ``quality`` counts samples: {good, uncertain, bad}. ``content`` is what :func:`content_of` says
    of the frame, where that is known without it. With neither (a stream) the record has no
    ``frame_hash`` and ``columns`` yet; whoever writes the stream adds them with
    :meth:`ProvenanceRecord.replace`. Raises ProvenanceError when a value is not plain JSON.
    """
    if content is None:
        content = _NO_CONTENT if frame is None else content_of(frame)
    known = {"query": query} if isinstance(query, Written) else {}
    asked = query.value if isinstance(query, Written) else query
    about = dict(provenance)  # its fields are plain already
    about["timestamp"] = provenance.timestamp.isoformat()
    return seal(
        {
            **about,
            "lineage": "fetched",
            "parents": [],
            "query": None if asked is None else dict(asked),
            "start": _iso(start),
            "end": _iso(end),
            "shape": shape,
            "units": dict(units or {}),
            "quality": {"good": 0, "uncertain": 0, "bad": 0, **(quality or {})},
            "failures": dict(failures or {}),
            "notes": list(notes),
            "requests": requests,
            "attempts": attempts,
            "retries": retries,
            **({"exchanges": [dict(one) for one in exchanges]} if exchanges else {}),
            **content,
        },
        known,
    )


def content_of(frame: pd.DataFrame) -> dict[str, Any]:
    """``rows``, ``columns`` (named index levels first) and ``frame_hash`` of a frame."""
    names = [name for name in frame.index.names if name is not None]
    columns = [str(name) for name in (*names, *frame.columns.tolist())]
    return {"rows": len(frame), "columns": columns, "frame_hash": hash_frame(frame)}


def seal(fields: Mapping[str, Any], known: Mapping[str, Written] | None = None) -> ProvenanceRecord:
    """Make a record of these fields: versions, counts, long parts shortened, hash added.

    ``known`` are those of the fields that were written out before, for their hashes.
    """
    whole = {
        **fields,
        "schema_version": SCHEMA_VERSION,
        "library_version": __version__,
        "bad_quality_count": fields["quality"]["bad"],
        "failure_count": len(fields["failures"]),
    }
    whole.pop("record_hash", None)  # of the record that this one replaces
    short, text, parts = capped(freeze(whole), known or {})
    short["record_hash"] = hash_text(text)
    # Made here, so there is nothing left to check.
    record = ProvenanceRecord.__new__(ProvenanceRecord)
    record._hold(short, parts)
    return record


def attach(holder: Holder, record: ProvenanceRecord) -> Holder:
    """Put the record into ``holder.attrs["provenance"]`` and give the same object back."""
    holder.attrs[KEY] = record
    return holder


def record_of(holder: pd.DataFrame | pd.Series) -> ProvenanceRecord | None:
    """The record of a frame or series, or None when it has none that can be read.

    A plain dict, as pandas' Parquet reader makes it, is frozen again.
    """
    found = holder.attrs.get(KEY)
    if isinstance(found, ProvenanceRecord):
        return found
    return record_from(found)


def record_from(found: object, parts: Mapping[str, Any] | None = None) -> ProvenanceRecord | None:
    """A record from plain JSON, or None when that is not one."""
    if not isinstance(found, Mapping) or any(key not in found for key in _REQUIRED):
        return None
    try:
        return ProvenanceRecord(found, parts)
    except ProvenanceError:
        return None


def as_frame(holder: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """A frame as it is, a series as the frame with this one column."""
    import pandas as pd

    return holder.to_frame() if isinstance(holder, pd.Series) else holder


def has_provenance(holder: pd.DataFrame | pd.Series) -> bool:
    """Whether there is anything under the key, well formed or not."""
    return KEY in holder.attrs


def portable_attrs(holder: pd.DataFrame) -> dict[str, Any]:
    """The record and those other attributes that can be written as JSON."""
    kept: dict[str, Any] = {}
    for key, value in holder.attrs.items():
        try:
            json.dumps({key: value}, allow_nan=False)
        except (TypeError, ValueError):
            continue
        kept[str(key)] = value
    return kept


def with_attrs(frame: pd.DataFrame, attrs: Mapping[str, Any]) -> pd.DataFrame:
    """A shallow copy of ``frame`` that has these attributes."""
    copied = frame.copy(deep=False)
    copied.attrs.clear()
    copied.attrs.update(attrs)
    return copied


_NO_CONTENT: Final[dict[str, Any]] = {"rows": None, "columns": [], "frame_hash": None}


def _record_hash(fields: Mapping[str, Any]) -> str:
    return hash_json({key: value for key, value in fields.items() if key != "record_hash"})


def _vouched(digest: Any, part: Any) -> bool:
    return isinstance(digest, dict) and digest.get("sha256") == hash_json(part)


def _iso(moment: datetime | str | None) -> str | None:
    return moment.isoformat() if isinstance(moment, datetime) else moment


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:299]}…"
