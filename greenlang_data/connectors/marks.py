"""From where changes are asked for: what an earlier frame's read left, or a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from greenlang_data.connectors.erp import ERPQuery
from greenlang_data.errors import QueryError
from greenlang_data.times import is_relative, parse_moment, relative_moment, to_utc


def mark_of(since: Any, zone: tzinfo) -> str | None:
    """The mark that a frame's read left, or a time as one; a naive time is one of ``zone``.

    Raises QueryError for a frame whose read left none, and for what is no time.
    """
    if since is None or (isinstance(since, str) and (since == "start" or since[:6] == "delta:")):
        return since
    if _is_frame(since):
        mark = _record(since).get("metadata", {}).get("completeness", {}).get("mark")
        if mark is None:
            raise QueryError(
                "the read of this frame left no mark from which changes could be told",
                remedy='Read the whole entity with since="start", or give a time.',
            )
        return str(mark)
    if is_relative(since):
        return relative_moment(since, datetime.now(UTC).replace(microsecond=0)).isoformat()
    return to_utc(parse_moment(since), zone).isoformat()


def check_continues(since: Any, query: ERPQuery, source: str) -> None:
    """Refuse a frame that answers another question than ``query``: its mark says nothing of this.

    It may hold more than is asked for now, so further filters are no other question.
    """
    record = _record(since) if _is_frame(since) else {}
    if not record:
        return
    asked = record.get("query") or {}
    about = (asked.get("entity_type"), record.get("connector_id"))
    filters = query.model_dump(mode="json")["filters"]
    narrower = {
        name: value
        for name, value in (asked.get("filters") or {}).items()
        if name not in filters or filters[name] != value
    }
    if about == (query.entity_type, source) and not narrower:
        return
    of = f" with {', '.join(f'{name}={value!r}' for name, value in narrower.items())}"
    raise QueryError(
        f"the frame is of {about[0]!r} from {about[1]!r}{of if narrower else ''}, so it does not "
        f"tell since when changes of {query.entity_type!r} are to be told",
        source=source,
        remedy="Give a frame of the same question, or a time.",
    )


def _is_frame(since: Any) -> bool:
    return hasattr(since, "attrs")


def _record(frame: Any) -> Mapping[str, Any]:
    record = frame.attrs.get("provenance")
    return {} if record is None else record.full
