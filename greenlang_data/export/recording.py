"""What is watched, to a folder of Parquet files, for hours, in constant memory."""

from __future__ import annotations

import os
import secrets
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from greenlang_data.connectors.recorded import about, failures_of, notes_of
from greenlang_data.connectors.recording import Recording
from greenlang_data.errors import ExportError, GreenLangWarning
from greenlang_data.export.scan import provenance_of
from greenlang_data.export.stream import ROW_GROUP, write_batches
from greenlang_data.frames.series import count_qualities
from greenlang_data.frames.watched import SAMPLES
from greenlang_data.provenance.hash import ContentHasher
from greenlang_data.provenance.record import ProvenanceRecord, make_record
from greenlang_data.runtime import get_runtime

if TYPE_CHECKING:
    from greenlang_data.connectors.base import Errors
    from greenlang_data.connectors.driven import DrivenConnector
    from greenlang_data.connectors.watch_query import WatchQuery

PART_SECONDS: Final = 60.0
"""A file is finished when it is so old; what a crash loses is what came since the last one."""

_PART_BYTES: Final = 1 << 26
INTERRUPTED: Final = "stopped by Ctrl-C"


class Stream:
    """What is heard of some tags from now on, as Arrow batches, some of them without rows.

    Columns: ``tag, timestamp, value, text, quality, status, unit, data_type``, in the order of
    arrival; ``text`` holds what no float64 can. A lost link is a row per tag without a value, of
    bad quality and status ``LinkLost``; when it is back the stream goes on. Each iteration
    watches anew. Give it to :func:`greenlang_data.to_parquet` with the name of a folder.
    """

    schema: pa.Schema = SAMPLES

    def __init__(
        self,
        connector: DrivenConnector[Any, Any, Any],
        query: WatchQuery,
        errors: Errors,
        showing: Callable[[Recording], AbstractContextManager[None]],
        check_open: Callable[[], None],
    ) -> None:
        self._connector = connector
        self._query = query
        self._errors: Errors = errors
        self._showing = showing
        self._check_open = check_open

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return get_runtime().iterate(self._recording().batches)

    def write(self, folder: str | os.PathLike[str], *, compression: str = "zstd") -> Path:
        """Write files to ``folder``, a new one every minute, until the time is over or Ctrl-C.

        Raises ExportError when one cannot be written; those before it are whole.
        """
        target = _checked_folder(folder)
        recording = self._recording()
        with self._showing(recording):
            _Writer(recording, target, compression).run()
        if recording.progress.partial:
            warnings.warn(
                f"{recording.source}: {recording.progress.partial}; {target} holds "
                f"{recording.progress.rows} rows that were recorded until then",
                GreenLangWarning,
                stacklevel=4,
            )
        return target

    def _recording(self) -> Recording:
        self._check_open()
        return Recording(self._connector, self._query, self._errors)


class _Writer:
    """Gathers the batches of a part, and writes it when it is due."""

    def __init__(self, recording: Recording, folder: Path, compression: str) -> None:
        self._recording = recording
        self._folder = folder
        self._compression = compression
        self._prefix = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self._written = 0
        self._told: str | None = None
        self._begin()

    def _begin(self) -> None:
        self._batches: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0
        self._start = datetime.now(UTC)
        self._due = time.monotonic() + PART_SECONDS

    def run(self) -> None:
        batches = get_runtime().iterate(self._recording.batches)
        try:
            for batch in batches:
                if batch.num_rows:
                    self._batches.append(batch)
                    self._rows += batch.num_rows
                    self._bytes += batch.nbytes
                if self._rows and (self._recording.progress.in_gap or self._full()):
                    self._write()
        except KeyboardInterrupt:
            if self._recording.progress.started is None:
                raise
            self._recording.stop(INTERRUPTED)
        finally:
            batches.close()
            if self._rows:
                self._write()
        if not self._written or self._told != self._recording.progress.partial:
            self._write()  # without rows, for what it says

    def _full(self) -> bool:
        full = self._rows >= ROW_GROUP or self._bytes >= _PART_BYTES
        return full or time.monotonic() >= self._due

    def _write(self) -> None:
        path = self._folder / f"{self._prefix}-{self._written:06}.parquet"
        # Kept until the file is there: an interrupt in between must not lose them. One right
        # after that leaves the file, whose name nobody else has, to be counted the next time.
        if not path.exists():
            telling = self._recording.progress.partial
            write_batches(
                self._batches, SAMPLES, path, footer=self._footer, compression=self._compression
            )
            self._told = telling
        self._written += 1
        self._begin()

    def _footer(self) -> ProvenanceRecord:
        recording = self._recording
        hasher = ContentHasher(SAMPLES)
        for batch in self._batches:
            hasher.update(batch)
        provenance = provenance_of(
            recording.connector, recording.query, hasher.hexdigest(), recording.origin
        )
        details = {"part": self._written, **about(recording, self._start)}
        return make_record(
            provenance.model_copy(update={"metadata": details}),
            query=recording.query.model_dump(mode="json"),
            start=self._start,
            end=datetime.now(UTC),
            shape="long",
            quality=count_qualities([batch.column("quality") for batch in self._batches]),
            failures=failures_of(recording),
            notes=[*recording.log.notes, *notes_of(recording)],
            requests=recording.log.requests,
        )


def _checked_folder(folder: str | os.PathLike[str]) -> Path:
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise ExportError(f"{str(target)!r} is a file", remedy="Give a folder for a stream.")
    try:
        target.mkdir(exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"cannot make the folder {str(target)!r}: {error.strerror}", remedy="Check the path."
        ) from error
    return target
