"""Files that a configuration names, with ``*`` and ``?`` in their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from greenlang_data.errors import SourceError


def files_of(patterns: Sequence[str], source: str) -> list[Path]:
    """All files that the patterns name, each once, in the order of the patterns and of their names.

    Raises SourceError for a pattern that names none.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        path = Path(pattern).expanduser()
        files = [one for one in sorted(path.parent.glob(path.name)) if one.is_file()]
        if not files:
            raise SourceError(
                f"there is no file {pattern!r}", source=source, remedy="Check the path."
            )
        found.update(dict.fromkeys(files))
    return list(found)


def content_of(path: Path, source: str) -> bytes:
    """What is in a file. Raises SourceError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(
            f"{str(path)!r} cannot be read: {error.strerror}",
            source=source,
            remedy="Check the path and the rights.",
        ) from error
