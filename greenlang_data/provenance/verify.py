"""Whether a frame is still what was fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from greenlang_data.errors import ProvenanceError
from greenlang_data.provenance.hash import hash_frame
from greenlang_data.provenance.record import as_frame, has_provenance, record_of

if TYPE_CHECKING:
    import pandas as pd

    from greenlang_data.provenance.record import ProvenanceRecord

INTACT: Final = "intact"
DERIVED: Final = "derived"
UNKNOWN: Final = "unknown"


class Verdict(str):  # noqa: SLOT000 - a str cannot have slots and a reason
    """``"intact"``, ``"derived"`` or ``"unknown"``, with the ``reason`` in a sentence.

    A str, so it compares with the words; it is true only when intact.
    """

    reason: str

    def __new__(cls, word: str, reason: str = "") -> Self:
        verdict = super().__new__(cls, word)
        verdict.reason = reason
        return verdict

    def __bool__(self) -> bool:
        # Every non-empty str is true, and `if verify(frame):` must not mean the opposite.
        return self == INTACT

    def __repr__(self) -> str:
        return f"<{self}: {self.reason}>"


def verify(data: pd.DataFrame | pd.Series) -> Verdict:
    """Compare the content of a frame or series with the hash in its provenance.

    - ``intact``: the content is what was fetched, or what ``gd.concat`` or ``gd.merge`` made.
    - ``derived``: there is a record, but the content has changed since: a calculation, a selection,
      an edit. The record names where it came from, not what it is.
    - ``unknown``: no record, or one that is malformed or was edited.

    Only content counts; see :mod:`greenlang_data.provenance.hash` for what is the same content.
    Raises ProvenanceError for anything but a frame or series, such as the path of a file.
    """
    if not hasattr(data, "attrs"):
        raise ProvenanceError(
            f"a frame or series is verified, not {type(data).__name__}",
            remedy="Read a file first: gd.verify(gd.read_parquet(path)).",
        )
    record = record_of(data)
    if record is None:
        if has_provenance(data):
            return Verdict(UNKNOWN, "the provenance is malformed")
        return Verdict(UNKNOWN, "there is no provenance")
    if not record.sealed:
        return Verdict(UNKNOWN, "the provenance record was edited, or damaged on its way")
    frame = as_frame(data)
    if hash_frame(frame) == record["frame_hash"]:
        return Verdict(INTACT, _origin(record))
    return Verdict(DERIVED, _difference(frame, record))


def _origin(record: ProvenanceRecord) -> str:
    if record["lineage"] == "combined":
        return "the content is what was combined, see `parents` in its record"
    source, moment = record.get("source_system"), record.get("timestamp")
    return f"the content is what {source} answered at {moment} ({record.get('mode')})"


def _difference(frame: pd.DataFrame, record: ProvenanceRecord) -> str:
    rows = record.get("rows")
    if rows != len(frame):
        return f"{len(frame)} rows where the record has {rows}"
    names = [name for name in frame.index.names if name is not None]
    columns = [str(name) for name in (*names, *frame.columns)]
    if columns != record.full.get("columns") and isinstance(record.full.get("columns"), list):
        return "other columns than in the record"
    return "values, their order or their type differ from the record"
