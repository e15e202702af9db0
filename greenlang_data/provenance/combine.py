"""pandas' concat and merge, with a record that keeps every origin.

pandas itself keeps the attributes only when all are equal, and for ``a - b`` those of ``b``.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from greenlang_data._version import __version__
from greenlang_data.errors import GreenLangWarning, QueryError
from greenlang_data.provenance.basis import merged_basis
from greenlang_data.provenance.digest import is_digest
from greenlang_data.provenance.hash import hash_json
from greenlang_data.provenance.record import as_frame, attach, content_of, record_of, seal
from greenlang_data.provenance.verify import UNKNOWN, verify

if TYPE_CHECKING:
    import pandas as pd

_PARENT: Final = (
    "connector_id",
    "connector_type",
    "query_hash",
    "response_hash",
    "frame_hash",
    "timestamp",
    "source_system",
    "request_id",
    "mode",
)
_NAMED: Final = 5  # sources in the text; all are in `parents`

Frames = Iterable["pd.DataFrame | pd.Series"] | Mapping[Any, "pd.DataFrame | pd.Series"]


def concat(frames: Frames, **kwargs: Any) -> pd.DataFrame:
    """``pandas.concat`` whose result has the provenance of all ``frames``.

    Takes the arguments of pandas; of series only it makes a series. The record has ``lineage: "combined"`` and one entry in
    ``parents`` per frame and per parent of that, each with its verdict at this moment. Frames
    without provenance are entered as unknown; ``mode`` is mixed or unknown when the parents' modes
    differ or are not known. :func:`verify` of the result is intact as long as the
    result is not changed. Indexes and columns in different time zones become UTC. A column whose
    units differ has no unit, a note that names them, and a GreenLangWarning.

    Raises QueryError when times with and without a time zone would be mixed, or wet and dry
    numbers of one column, or two reference oxygens.
    """
    import pandas as pd

    named = None
    if isinstance(frames, Mapping):
        named = {key: frame for key, frame in frames.items() if frame is not None}
    # Like pandas, which leaves None out.
    parents: list[Any] = [
        frame for frame in (frames if named is None else named.values()) if frame is not None
    ]
    aligned = _in_one_zone(parents)
    inputs = aligned if named is None else dict(zip(named, aligned, strict=True))
    combined = pd.concat(inputs, **kwargs)
    return _with_record(combined, [(parent, {}) for parent in parents], {"operation": "concat"})


def merge(
    left: pd.DataFrame | pd.Series, right: pd.DataFrame | pd.Series, **kwargs: Any
) -> pd.DataFrame:
    """``pandas.merge`` (also of a named series) whose result has the provenance of both; see :func:`concat`."""
    import pandas as pd

    left, right = as_frame(left), as_frame(right)
    aligned_left, aligned_right = _in_one_zone([left, right])
    combined = pd.merge(aligned_left, aligned_right, **kwargs)
    shared = set(left.columns) & set(right.columns)
    renamed = [
        {name: new for name in shared if (new := f"{name}{suffix or ''}") in combined.columns}
        for suffix in kwargs.get("suffixes", ("_x", "_y"))
    ]
    origins = [(left, renamed[0]), (right, renamed[1])]
    return _with_record(combined, origins, {"operation": "merge"})


Origins = Sequence[tuple["pd.DataFrame", Mapping[Any, str]]]


def _with_record(
    combined: pd.DataFrame, origins: Origins, operation: dict[str, str]
) -> pd.DataFrame:
    content = as_frame(combined)
    records = [dict(record.full) for parent, _ in origins if (record := record_of(parent))]
    parents = [entry for parent, _ in origins for entry in _parent_entries(parent)]
    units, unit_notes = _merged_units(content, origins)
    basis = merged_basis(
        (record.full, renamed) for parent, renamed in origins if (record := record_of(parent))
    )
    notes = [note for record in records for note in _listed(record.get("notes"))]
    fields = {
        "connector_id": "combined",
        "connector_type": "combined",
        "connector_version": __version__,
        "query_hash": hash_json([operation, [entry.get("query_hash") for entry in parents]]),
        "response_hash": hash_json([entry.get("response_hash") for entry in parents]),
        "timestamp": datetime.now(UTC).isoformat(),
        "request_id": uuid4().hex,
        "mode": _mode(parents),
        "source_system": _sources(record.get("source_system") for record in records),
        "metadata": {"basis": basis} if basis else {},
        "lineage": "combined",
        "parents": parents,
        "query": operation,
        "start": _extreme(min, records, "start"),
        "end": _extreme(max, records, "end"),
        "shape": None,
        "units": units,
        "quality": _sums(records),
        "failures": _failures(records),
        "notes": _distinct([*notes, *unit_notes]),
        **{key: _total(records, key) for key in ("requests", "attempts", "retries")},
        **content_of(content),
    }
    combined.attrs.clear()
    return attach(combined, seal(fields))


def _parent_entries(parent: pd.DataFrame) -> list[dict[str, Any]]:
    verdict = verify(parent)
    record = record_of(parent)
    if record is None:
        return [{"verdict": UNKNOWN, "reason": verdict.reason, "rows": len(parent)}]
    own: dict[str, Any] = {key: record.get(key) for key in _PARENT}
    own |= {"lineage": record["lineage"], "verdict": str(verdict)}
    older = record.full.get("parents") or []
    if is_digest(older):
        # Only the short record came along; its digest still pins the list.
        return [{**own, "parents": older}]
    via = {"via": record["frame_hash"]}
    return [own, *({**via, **dict(entry)} for entry in older)]


def _merged_units(
    combined: pd.DataFrame, origins: Origins
) -> tuple[dict[str, str | None], list[str]]:
    found: dict[str, list[str | None]] = {}
    for parent, renamed in origins:
        record = record_of(parent)
        known = record.full.get("units", {}) if record else {}
        known = {} if is_digest(known) else known
        for name in parent.columns if parent.ndim == 2 else [parent.name]:
            found.setdefault(str(renamed.get(name, name)), []).append(known.get(str(name)))
    units: dict[str, str | None] = {}
    notes = []
    for column in combined.columns:
        name = str(column)
        # With keys= the columns are tuples that end in the parent's name.
        candidates = found.get(name) or found.get(str(column[-1]) if _is_tuple(column) else "")
        distinct = _distinct(candidates or [], keep_none=True)
        if distinct in ([], [None]):
            continue
        units[name] = distinct[0] if len(distinct) == 1 else None
        if len(distinct) > 1:
            listed = ", ".join(unit or "unknown" for unit in distinct)
            notes.append(f"column {name!r} combines different units: {listed}")
            warnings.warn(f"{notes[-1]}; convert them first", GreenLangWarning, stacklevel=4)
    return units, notes


def _in_one_zone(frames: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """The frames with aware times in UTC wherever two of them would differ."""
    indexes = [frame.index for frame in frames]
    if _differ("the index", indexes):
        frames = [_index_in_utc(frame) for frame in frames]
    names = dict.fromkeys(name for frame in frames if frame.ndim == 2 for name in frame.columns)
    changes = [
        name
        for name in names
        if _differ(f"column {name!r}", [_column(frame, name) for frame in frames])
    ]
    return [_columns_in_utc(frame, changes) for frame in frames] if changes else list(frames)


def _differ(what: str, values: Sequence[Any]) -> bool:
    times = [value for value in values if value is not None and value.dtype.kind == "M"]
    zones = {str(getattr(value.dtype, "tz", None)) for value in times}
    if len(zones) > 1 and "None" in zones:
        raise QueryError(
            f"{what} has a time zone in one frame and none in another",
            remedy='Give it one: frame.tz_localize("Europe/Berlin"), or Series.dt.tz_localize.',
        )
    return len(zones) > 1


def _column(frame: pd.DataFrame, name: Any) -> Any:
    found = frame[name] if frame.ndim == 2 and name in frame.columns else None
    return found if found is not None and found.ndim == 1 else None


def _index_in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    is_aware = getattr(frame.index.dtype, "tz", None) is not None
    return frame.tz_convert("UTC") if is_aware else frame


def _columns_in_utc(frame: pd.DataFrame, names: Sequence[Any]) -> pd.DataFrame:
    copied = frame.copy(deep=False)
    for name in names:
        column = _column(frame, name)
        if column is not None and column.dtype.kind == "M":
            copied[name] = column.dt.tz_convert("UTC")
    return copied


def _mode(parents: Sequence[Mapping[str, Any]]) -> str:
    modes = {entry.get("mode") for entry in parents if entry.get("lineage") != "combined"}
    if not modes - {None}:
        return "unknown"
    return str(modes.pop()) if len(modes) == 1 else "mixed"


def _failures(records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    reasons: dict[str, list[str]] = {}
    for record in records:
        failures = record.get("failures") or {}
        if is_digest(failures):
            failures = {f"{failures['count']} tags": f"see the record {record['record_hash']}"}
        for tag, reason in failures.items():
            reasons.setdefault(tag, []).append(reason)
    return {tag: "; ".join(_distinct(texts)) for tag, texts in reasons.items()}


def _sources(names: Iterable[Any]) -> str:
    distinct = _distinct(names)
    rest = f" and {len(distinct) - _NAMED} others" if len(distinct) > _NAMED else ""
    return ", ".join(distinct[:_NAMED]) + rest


def _sums(records: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    counts = [record.get("quality") or {} for record in records]
    return {key: sum(count.get(key, 0) for count in counts) for key in ("good", "uncertain", "bad")}


def _total(records: Sequence[Mapping[str, Any]], key: str) -> int:
    return sum(record.get(key) or 0 for record in records)


def _extreme(choose: Any, records: Sequence[Mapping[str, Any]], key: str) -> str | None:
    moments = [record[key] for record in records if record.get(key)]
    chosen: str | None = choose(moments, key=_moment) if moments else None
    return chosen


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _listed(part: Any) -> list[Any]:
    if is_digest(part):
        return [f"{part['count']} notes, the first: {part['first'][0]}"]
    return list(part or [])


def _distinct(values: Iterable[Any], *, keep_none: bool = False) -> list[Any]:
    return list(dict.fromkeys(value for value in values if keep_none or value is not None))


def _is_tuple(name: object) -> bool:
    return isinstance(name, tuple) and bool(name)
