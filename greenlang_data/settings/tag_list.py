"""Tag lists in CSV files: a row per tag, with the node id that it stands for.

::

    tag,node_id,unit
    Steam.Flow,ns=2;s=Boiler.SteamFlow,t/h
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from greenlang_data.settings.csv_table import (
    WrongLineError,
    explain,
    read_table,
    required_columns,
)
from greenlang_data.settings.tag import TagEntry


def read_tag_list(path: str | Path) -> tuple[TagEntry, ...]:
    """The tags of a list, in the order of the file.

    Raises ConfigurationError that names up to ten wrong lines at once.
    """
    return read_table(path, TagEntry, _entry, "tag list")


def _entry(row: dict[str, str]) -> TagEntry:
    for name in required_columns(TagEntry):
        if name not in row:
            raise WrongLineError(f"column {name} is empty")
    values: dict[str, Any] = dict(row)
    try:
        return TagEntry(**values)
    except ValidationError as error:
        raise WrongLineError(explain(error.errors()[0], row)) from None
