"""Sources that are files."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator

from greenlang_data.settings.config import ConnectorConfig


class FileSettings(ConnectorConfig):
    """``files`` are paths; ``*`` and ``?`` in a file's name stand for any of its kind."""

    files: tuple[str, ...] = ()

    @field_validator("files", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value
