"""The pages of a long read on disk, until it has ended: a killed process costs the page in flight.

Each page is an Arrow file that is put in place whole. They are the source's data in clear text, so
the folder is the user's choice, and it is empty again once the read has ended.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from greenlang_data.provenance.hash import hash_json


class Checkpoint:
    """The pages of one question to one source, in a folder of their own below ``folder``."""

    def __init__(self, folder: str, source_system: str, query: dict[str, Any]) -> None:
        name = hash_json({"source": source_system, "query": query})[:32]
        self._folder = Path(folder).expanduser() / name

    def load(self) -> Iterator[pa.RecordBatch]:
        """The pages that an earlier read left, in order, up to the first that cannot be read."""
        number = 0
        while True:
            try:
                with pa.OSFile(str(self._file(number)), "rb") as file:
                    reader = pa.ipc.open_file(file)
                    batch = reader.get_batch(0)
            except (OSError, pa.ArrowInvalid):
                return
            yield batch
            number += 1

    def keep(self, number: int, page: pa.RecordBatch) -> None:
        """Put a page in place; the first one replaces whatever was there."""
        if number == 0:
            self.clear()
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._file(number)
        unfinished = target.with_suffix(".tmp")
        with pa.OSFile(str(unfinished), "wb") as file, pa.ipc.new_file(file, page.schema) as writer:
            writer.write_batch(page)
        unfinished.replace(target)

    def clear(self) -> None:
        """Remove all pages."""
        with contextlib.suppress(OSError):
            shutil.rmtree(self._folder)

    def _file(self, number: int) -> Path:
        return self._folder / f"page-{number:06d}.arrow"
