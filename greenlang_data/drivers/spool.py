"""Pages of a long read on disk: they look like any others, and take no memory while nobody looks.

They are written to a file that has no name, so that nothing is left of a process that was killed,
and mapped from there, so that every column is an Arrow array as it would be in memory.
"""

from __future__ import annotations

import mmap
import tempfile
from typing import Final

import pyarrow as pa

_SEGMENT: Final = (
    1 << 26
)  # bytes mapped at once: a process may have only some ten thousand mappings
_RESIDENT: Final = 1 << 22  # bytes kept until what was looked at meanwhile is given back
_ALIGNED: Final = 64  # bytes, as Arrow wants its buffers


class Spool:
    """Keeps record batches in a temporary file, in the folder that ``TMPDIR`` names."""

    def __init__(self) -> None:
        # Not buffered, because what was written is read through the mapping.
        self._file = tempfile.TemporaryFile(  # noqa: SIM115 - open for as long as pages come
            prefix="greenlang-", buffering=0
        )
        self._segments: list[mmap.mmap] = []
        self._begin = self._place = self._end = self._released = 0

    def kept(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The same rows, on disk. Raises OSError when the disk is full."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        content = sink.getvalue()
        if self._end - self._place < content.size:
            self._map_more(content.size)
        self._file.seek(self._place)
        # By write() and not through the mapping, which would kill the process on a full disk.
        self._write(memoryview(content))
        begin = self._place - self._begin
        self._place += -(-content.size // _ALIGNED) * _ALIGNED
        if self._place - self._released > _RESIDENT:
            self._released = self._place
            self.release()
        window = memoryview(self._segments[-1])[begin : begin + content.size]
        return pa.ipc.open_stream(pa.py_buffer(window)).read_next_batch()

    def release(self) -> None:
        """Give back the memory of what was looked at; it is read again from disk when needed."""
        if hasattr(mmap, "MADV_DONTNEED"):
            for segment in self._segments:
                segment.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        """Keep no more. The disk is free once the batches are forgotten as well."""
        self._file.close()

    def _map_more(self, least: int) -> None:
        granularity = mmap.ALLOCATIONGRANULARITY
        size = max(_SEGMENT, -(-least // granularity) * granularity)
        self._begin = self._place = self._end
        self._end += size
        self._file.truncate(self._end)
        mapped = mmap.mmap(self._file.fileno(), size, access=mmap.ACCESS_READ, offset=self._begin)
        self._segments.append(mapped)

    def _write(self, content: memoryview) -> None:
        while content:
            content = content[self._file.write(content) :]
