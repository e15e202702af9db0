"""The file of a recorder: SQLite, appended to and never changed, whole after any crash.

One transaction per part, in write-ahead mode and with every commit on the disk before it is
acknowledged (``synchronous=FULL``): a crash loses what was not acknowledged, and no part is half
there. A part is the readings of a span of time without a gap, as a compressed Arrow stream. Its
digest covers it and the digest before it, so that a part that was altered, or lost in the middle,
does not pass for a whole one.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from greenlang_data.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION_ID: Final = 0x474C5243  # "GLRC"
VERSION: Final = 1
BUSY_SECONDS: Final = 5.0

SCHEMA: Final = """
CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    started INTEGER NOT NULL,       -- nanoseconds since 1970 UTC
    source TEXT NOT NULL,
    origin TEXT NOT NULL,
    every REAL NOT NULL,            -- seconds between two looks
    basis TEXT NOT NULL,            -- JSON: by measurand, moisture and reference_oxygen
    library TEXT NOT NULL
);
CREATE TABLE parts (
    part INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs,
    began INTEGER NOT NULL,         -- the analyser was heard from here
    until INTEGER NOT NULL,         -- to here, without a gap
    rows INTEGER NOT NULL,
    samples BLOB NOT NULL,          -- zlib over an Arrow IPC stream
    digest BLOB NOT NULL            -- SHA-256 over the part and the digest before it
);
CREATE INDEX spans ON parts (began, until, run);
CREATE TRIGGER runs_stay BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER runs_last BEFORE DELETE ON runs BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER parts_stay BEFORE UPDATE ON parts BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER parts_last BEFORE DELETE ON parts BEGIN SELECT RAISE(ABORT, 'append only'); END;
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One recorder from its start to its end: whom it asked, how often, and what was meant."""

    started: int
    source: str
    origin: str
    every: float
    basis: dict[str, dict[str, Any]]
    library: str


@dataclass(frozen=True, slots=True)
class Part:
    """Readings of a span without a gap; times are nanoseconds since 1970 UTC."""

    run: int
    began: int
    until: int
    rows: int
    samples: bytes

    def digest(self, before: bytes) -> bytes:
        """What it must say after a part whose digest is ``before``."""
        head = json.dumps([self.run, self.began, self.until, self.rows]).encode()
        return hashlib.sha256(before + head + self.samples).digest()

    def table(self) -> pa.Table:
        """The readings. Raises what Arrow or zlib raises for bytes that are none."""
        with pa.ipc.open_stream(zlib.decompress(self.samples)) as stream:
            return stream.read_all()


def packed(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> bytes:
    """Batches as the bytes of a part."""
    table = pa.Table.from_batches(batches, schema).unify_dictionaries().combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as stream:
        stream.write_table(table)
    return zlib.compress(sink.getvalue(), 6)


def opened(path: Path, *, write: bool) -> sqlite3.Connection:
    """A connection to a recording; one that is written to is made if need be.

    Raises ExportError for a file that is no recording, or cannot be opened.
    """
    mode = "rwc" if write else "ro"
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # it moves to a thread as a whole, and back
        )
    except sqlite3.Error as error:
        raise failed(path, error) from error
    try:
        _prepare(connection, path, write)
    except sqlite3.Error as error:
        connection.close()
        raise failed(path, error) from error
    except ExportError:
        connection.close()
        raise
    return connection


def failed(path: Path, error: Exception) -> ExportError:
    """The error for what SQLite says about a recording."""
    return ExportError(
        f"the recording {str(path)!r} cannot be used: {error}",
        remedy="Check the path, the disk and the rights; keep it on a disk of this machine.",
    )


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write, closed afterwards."""
    with closing(opened(path, write=False)) as connection:
        yield connection


def _prepare(connection: sqlite3.Connection, path: Path, write: bool) -> None:
    if write:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        if connection.execute("PRAGMA application_id").fetchone()[0] == 0:
            _create(connection, path)
    told = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if told != APPLICATION_ID or version != VERSION:
        raise ExportError(
            f"{str(path)!r} is no recording of an analyser, or of another version",
            remedy="Name a file that greenlang-data record wrote.",
        )


def _create(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN EXCLUSIVE")
    try:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise ExportError(
                f"{str(path)!r} is another program's database",
                remedy="Name another file to record to.",
            )
        for statement in SCHEMA.split(";\n"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
