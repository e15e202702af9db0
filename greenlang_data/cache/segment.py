"""One file: the samples of one tag in one window, as they were read at one time.

Its name holds the window and a SHA-256 of its bytes, its metadata what the samples are of. What does
not agree with both is not given out.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from greenlang_data.drivers.schema import QUALITY, STATUS, TIMESTAMP, about_series, series_batch

_ABOUT: Final = b"greenlang_cache"
_VERSION: Final = 2
_HASH_DIGITS: Final = 32
_GROUP_ROWS: Final = 131_072
_SCHEMA: Final = pa.schema(
    [
        ("timestamp", TIMESTAMP),
        ("value", pa.float64()),
        ("text", pa.string()),
        ("quality", QUALITY),
        ("status", STATUS),
    ]
)

_NOTHING: Final = pa.RecordBatch.from_pylist([], _SCHEMA)


class DamagedError(Exception):
    """The file is not what was written, or not what its name says."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Which file holds ``start <= time < end`` as read at ``read_at``; nanoseconds since 1970 UTC."""

    path: Path
    start: int
    end: int
    read_at: int
    digest: str

    @classmethod
    def named(cls, path: Path) -> Segment | None:
        """What a file's name says; None for other files."""
        parts = path.stem.split("_")
        if path.suffix != ".parquet" or len(parts) != 4:
            return None
        try:
            start, end, read_at = map(int, parts[:3])
        except ValueError:
            return None
        return cls(path, start, end, read_at, parts[3])

    def final_until(self, late: int) -> int:
        """The end of what was older than ``late`` when it was read, so that it stays as it is."""
        return min(self.end, self.read_at - late)


@dataclass(frozen=True, slots=True)
class About:
    """What a file holds: of which source and tag, and what the samples are."""

    source: str
    tag: str
    unit: str | None
    data_type: str | None


class Kept(NamedTuple):
    """Samples out of a file, in one batch or more."""

    about: About
    batches: list[pa.RecordBatch]

    @property
    def rows(self) -> int:
        """How many samples there are."""
        return sum(batch.num_rows for batch in self.batches)


class SegmentWriter:
    """Writes the file of a window aside, batch by batch; it is there only after :meth:`finish`."""

    def __init__(self, folder: Path, window: tuple[int, int, int], source: str, tag: str) -> None:
        self._folder = folder
        self._window = window  # start, end and when it was read
        self._source, self._tag = source, tag
        self._about: About | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._groups: list[tuple[int, int]] = []
        self._texts = False
        folder.mkdir(parents=True, exist_ok=True)
        self._aside = folder / f".{secrets.token_hex(8)}.tmp"
        try:
            self._file = self._opened()
        except OSError:
            self._unlink()
            raise

    def _opened(self) -> pq.ParquetWriter:
        return pq.ParquetWriter(
            self._aside,
            _SCHEMA,
            compression="zstd",
            use_dictionary=["text", "quality", "status"],
            column_encoding={"timestamp": "DELTA_BINARY_PACKED", "value": "BYTE_STREAM_SPLIT"},
            write_statistics=False,
        )

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a driver's batch of samples."""
        if self._about is None:
            about = about_series(batch)
            self._about = About(self._source, self._tag, about["unit"], about["data_type"])
        text = batch.column("text").cast(pa.string())
        self._texts |= text.null_count < len(text)
        columns = [text if name == "text" else batch.column(name) for name in _SCHEMA.names]
        self._waiting.append(pa.RecordBatch.from_arrays(columns, schema=_SCHEMA))
        if sum(one.num_rows for one in self._waiting) >= _GROUP_ROWS:
            self._write()

    def finish(self) -> Segment:
        """Put the file in its place."""
        self._write()
        if self._about is None:
            raise ValueError("no batch was added")
        about = {"version": _VERSION, **asdict(self._about), "groups": self._groups}
        text = json.dumps({**about, "texts": self._texts, "window": self._window})
        self._file.add_key_value_metadata({_ABOUT: text})
        self._file.close()
        digest = _digest(self._aside.read_bytes())
        path = self._folder / f"{'_'.join(map(str, self._window))}_{digest}.parquet"
        self._aside.replace(path)
        return Segment(path, *self._window, digest)

    def discard(self) -> None:
        """Leave nothing behind; does nothing after :meth:`finish`."""
        with suppress(OSError, pa.ArrowException):
            self._file.close()
        self._unlink()

    def _unlink(self) -> None:
        with suppress(OSError):
            self._aside.unlink()

    def _write(self) -> None:
        rows = sum(one.num_rows for one in self._waiting)
        if rows:
            table = pa.Table.from_batches(self._waiting, _SCHEMA).unify_dictionaries()
            times = np.asarray(table.column("timestamp").cast(pa.int64()))
            self._file.write_table(table, row_group_size=rows)
            self._groups.append((int(times[0]), int(times[-1])))
        self._waiting = []


def read_segment(segment: Segment, source: str, tag: str, low: int, high: int) -> Kept:
    """The samples with ``low <= time < high``.

    Raises FileNotFoundError when the file is gone, DamagedError when it is damaged or of something
    else.
    """
    try:
        if segment.path.exists() and not segment.path.is_file():  # a pipe would be waited for
            raise DamagedError("it is no file")
        content = segment.path.read_bytes()
        if _digest(content) != segment.digest:
            raise DamagedError("its bytes are not what was written")
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            about = _checked_about(file.metadata.metadata or {}, segment, source, tag)
            wanted = [
                place
                for place, (first, last) in enumerate(about["groups"])
                if last >= low and first < high
            ]
            names = [name for name in _SCHEMA.names if name != "text" or about["texts"]]
            table = file.read_row_groups(wanted, names) if wanted else _SCHEMA.empty_table()
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise DamagedError(str(error)[:100]) from error
    times = table.column("timestamp").cast(pa.int64()).to_numpy()
    first, last = (int(place) for place in np.searchsorted(times, [low, high]))
    kept = About(source, tag, about["unit"], about["data_type"])
    batches = table.slice(first, last - first).to_batches() or [_NOTHING]
    return Kept(kept, [_series(kept, batch) for batch in batches])


def _checked_about(
    metadata: Mapping[bytes, bytes], segment: Segment, source: str, tag: str
) -> dict[str, Any]:
    about: dict[str, Any] = json.loads(metadata[_ABOUT])
    told = [about[name] for name in ("version", "source", "tag", "window")]
    if told != [_VERSION, source, tag, [segment.start, segment.end, segment.read_at]]:
        raise DamagedError("it is of another source, tag or window")
    return about


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:_HASH_DIGITS]


def _series(about: About, batch: pa.RecordBatch) -> pa.RecordBatch:
    text = batch.column("text") if "text" in batch.schema.names else None
    return series_batch(
        about.tag,
        *(batch.column(name) for name in ("timestamp", "value", "quality", "status")),
        text=None if text is None or text.null_count == len(text) else text,
        unit=about.unit,
        data_type=about.data_type or "",
    )
