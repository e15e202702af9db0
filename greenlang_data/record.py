"""``greenlang-data record``: write down what an analyser shows, so that its past can be asked for."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from greenlang_data._version import __version__
from greenlang_data.connectors.cems import CEMSConnector
from greenlang_data.connectors.recording import Recording
from greenlang_data.connectors.watch_query import WatchQuery
from greenlang_data.drivers.analyser.recorder import Recorder
from greenlang_data.drivers.analyser.store import Run
from greenlang_data.drivers.averages import nanoseconds
from greenlang_data.errors import ConfigurationError
from greenlang_data.runtime import get_runtime
from greenlang_data.session import Session

_CLOCK_SET: Final = 2_000_000_000  # nanoseconds by which the two clocks may part in one span


def run_record(
    file: Path, source: str, *, commit_every: float, for_seconds: float | None = None
) -> int:
    """Record the analyser ``source`` of ``file`` until Ctrl-C, SIGTERM or ``for_seconds``.

    Whatever a printed line says was written is on the disk. Returns 0, or 1 when the recording
    ended before its time. Raises ConfigurationError for a source that is no analyser or has no
    ``recording``, and what the first look raises.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends like Ctrl-C, all written
    with Session.from_toml(file) as session:
        connector = session.connector(source)
        if not isinstance(connector, CEMSConnector) or not connector.config.is_analyser:
            raise ConfigurationError(
                "only an analyser (kind cems, protocol modbus or opcua) is recorded",
                source=source,
                remedy="Use s.stream(...) with to_parquet for a SCADA source.",
            )
        config = connector.config
        if config.recording is None:
            raise ConfigurationError(
                "it has no file to be recorded to", source=source, remedy="Set recording."
            )
        query = WatchQuery(tag_ids=[one.tag for one in config.measurands], for_seconds=for_seconds)
        recording = connector.recording(query, "report")
        run = Run(
            started=time.time_ns(),
            source=source,
            origin=config.source_system,
            every=recording.request.every,
            basis={one.tag: one.basis for one in config.measurands},
            library=__version__,
        )
        with closing(Recorder(Path(config.recording), run)) as recorder:
            _Writer(recording, recorder, commit_every).run()
    if recording.progress.partial:
        print(f"greenlang-data: {source}: {recording.progress.partial}", file=sys.stderr)
        return 1
    return 0


class _Writer:
    """Gathers the readings of a span, and has them written when it is due or the span ends."""

    def __init__(self, recording: Recording, recorder: Recorder, commit_every: float) -> None:
        self._recording = recording
        self._recorder = recorder
        self._commit_every = commit_every
        self._batches: list[pa.RecordBatch] = []
        self._began: int | None = None
        self._total = 0
        self._due = time.monotonic() + commit_every
        self._clocks = time.time_ns() - time.monotonic_ns()

    def run(self) -> None:
        batches = get_runtime().iterate(self._recording.batches)
        try:
            for batch in batches:
                self._take(batch)
        except KeyboardInterrupt:
            print("stopping", file=sys.stderr)
        finally:
            batches.close()
            self._write()

    def _take(self, batch: pa.RecordBatch) -> None:
        in_gap = self._recording.progress.in_gap
        if batch.num_rows and not in_gap and self._clock_was_set():
            self._end_span()
        if batch.num_rows:
            if self._began is None:
                self._began = pc.min(batch.column("timestamp").cast(pa.int64())).as_py()
            self._batches.append(batch)
        if in_gap:
            self._end_span()
        elif time.monotonic() >= self._due:
            self._write()

    def _end_span(self) -> None:
        """Write what there is; what comes next begins a span of its own."""
        self._write()
        self._began = None

    def _write(self) -> None:
        heard = self._recording.progress.heard
        if self._batches and self._began is not None and heard is not None:
            until = max(nanoseconds(heard), self._began)
            rows = self._recorder.append(self._batches, self._recording.schema, self._began, until)
            self._total += rows
            # Kept until they are safe: an interrupt in between must not lose them.
            self._batches, self._began = [], until
            moment = datetime.fromtimestamp(until / 1e9, UTC).isoformat(timespec="milliseconds")
            print(f"{moment} {rows} readings written, {self._total} in all", flush=True)
        self._due = time.monotonic() + self._commit_every

    def _clock_was_set(self) -> bool:
        """Whether this machine's clock jumped: the readings before and after do not join on."""
        clocks = time.time_ns() - time.monotonic_ns()
        jump, self._clocks = clocks - self._clocks, clocks
        if abs(jump) < _CLOCK_SET:
            return False
        print(f"greenlang-data: the clock was set by {jump / 1e9:.1f} s", file=sys.stderr)
        return True
