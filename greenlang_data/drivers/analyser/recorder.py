"""Writes what is heard of an analyser, part by part; each is on the disk when ``append`` returns."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from greenlang_data.drivers.analyser.store import Part, Run, failed, opened, packed
from greenlang_data.errors import ExportError

_NOTHING: Final = b""


class Recorder:
    """One run that is appended to a recording. Only one may write to a file at a time.

    Raises ExportError when the file cannot be written, or is another source's.
    """

    def __init__(self, path: Path, run: Run) -> None:
        self.path = path
        self._connection = opened(path, write=True)
        try:
            self._run = self._begin(run)
        except BaseException:
            self._connection.close()
            raise

    def append(
        self, batches: Sequence[pa.RecordBatch], schema: pa.Schema, began: int, until: int
    ) -> int:
        """Write the readings of a span without a gap; returns how many, once they are safe.

        Raises ExportError when they could not be written, or another recorder writes there too.
        """
        rows: int = sum(batch.num_rows for batch in batches)
        part = Part(self._run, began, until, rows, packed(batches, schema))
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._insert(part)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise failed(self.path, error) from error
        return rows

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _begin(self, run: Run) -> int:
        try:
            other = self._connection.execute(
                "SELECT source FROM runs WHERE source != ? LIMIT 1", (run.source,)
            ).fetchone()
            if other is not None:
                raise ExportError(
                    f"the recording {str(self.path)!r} is of the source {other[0]!r}",
                    remedy="Give each source a file of its own.",
                )
            begun = self._connection.execute(
                "INSERT INTO runs (started, source, origin, every, basis, library) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    run.started,
                    run.source,
                    run.origin,
                    run.every,
                    json.dumps(run.basis),
                    run.library,
                ),
            )
            # Its own, not the newest: another may have begun since.
            return int(begun.lastrowid or 0)
        except sqlite3.Error as error:
            raise failed(self.path, error) from error

    def _newest(self) -> int:
        number: int = self._connection.execute("SELECT max(run) FROM runs").fetchone()[0]
        return number

    def _insert(self, part: Part) -> None:
        newest = self._newest()
        if newest != self._run:
            raise ExportError(
                f"another recorder has begun to write to {str(self.path)!r}",
                remedy="Let one run per source; this one ends.",
            )
        last = self._connection.execute(
            "SELECT digest FROM parts ORDER BY part DESC LIMIT 1"
        ).fetchone()
        self._connection.execute(
            "INSERT INTO parts (run, began, until, rows, samples, digest) VALUES (?, ?, ?, ?, ?, ?)",
            (
                part.run,
                part.began,
                part.until,
                part.rows,
                part.samples,
                part.digest(last[0] if last else _NOTHING),
            ),
        )
