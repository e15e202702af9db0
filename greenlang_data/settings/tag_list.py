"""Tag lists in CSV files: a row per tag, with the node or object that it stands for.

::

    tag,node_id,unit
    Steam.Flow,ns=2;s=Boiler.SteamFlow,t/h
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from greenlang_data.settings.bacnet_object import BacnetObject
from greenlang_data.settings.csv_table import (
    WrongLineError,
    explain,
    read_table,
    required_columns,
)
from greenlang_data.settings.tag import TagEntry

Entry = TypeVar("Entry", TagEntry, BacnetObject)


def read_tag_list(path: str | Path) -> tuple[TagEntry, ...]:
    """The tags of a list of OPC UA nodes, in the order of the file.

    Raises ConfigurationError that names up to ten wrong lines at once.
    """
    return read_table(path, TagEntry, partial(_entry, TagEntry), "tag list")


def read_object_list(path: str | Path) -> tuple[BacnetObject, ...]:
    """The tags of a list of BACnet objects (``tag,object_id,unit``), in the order of the file.

    Raises ConfigurationError that names up to ten wrong lines at once.
    """
    return read_table(path, BacnetObject, partial(_entry, BacnetObject), "object list")


def _entry(model: type[Entry], row: dict[str, str]) -> Entry:
    for name in required_columns(model):
        if name not in row:
            raise WrongLineError(f"column {name} is empty")
    values: dict[str, Any] = dict(row)
    try:
        return model(**values)
    except ValidationError as error:
        raise WrongLineError(explain(error.errors()[0], row)) from None
