"""Read a directory of Parquet files as one frame that names the origin of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote

import pandas as pd

from greenlang_data.errors import ExportError
from greenlang_data.provenance.combine import concat
from greenlang_data.provenance.record import attach, record_of


def read_folder(folder: Path, read: Callable[[Path], pd.DataFrame]) -> pd.DataFrame:
    """The rows of all files under ``folder``, in the order of their names.

    When all have the same record (one frame, written in parts), the result has it too; otherwise a
    combined one. Raises ExportError when there is no Parquet file.
    """
    files = [
        file
        for file in sorted(folder.rglob("*.parquet"))
        if not any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    ]
    if not files:
        raise ExportError(f"there is no Parquet file in {str(folder)!r}", remedy="Check the path.")
    frames = [_with_partitions(read(file), file.relative_to(folder)) for file in files]
    if len(frames) == 1:
        return frames[0]
    records = [record_of(frame) for frame in frames]
    unnamed = all(frame.index.names == [None] for frame in frames)
    combined = concat(_with_common_categories(frames), ignore_index=unnamed)
    first = records[0]
    if first is not None and all(record == first for record in records):
        return attach(combined, first)
    return combined


def _with_partitions(frame: pd.DataFrame, file: Path) -> pd.DataFrame:
    keys = [part.partition("=") for part in file.parts[:-1] if "=" in part]
    return frame.assign(
        **{name: pd.Series(unquote(value), frame.index, "str") for name, _, value in keys}
    )


def _with_common_categories(frames: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Give them the same ones: pandas makes objects of categoricals with different categories."""
    shared = [
        name
        for name in frames[0].columns
        if all(isinstance(frame.dtypes.get(name), pd.CategoricalDtype) for frame in frames)
    ]
    changed = [frame.copy(deep=False) for frame in frames]
    for name in shared:
        union = pd.api.types.union_categoricals(
            [frame[name] for frame in frames], ignore_order=True
        )
        for frame in changed:
            frame[name] = frame[name].cat.set_categories(union.categories)
    return changed
