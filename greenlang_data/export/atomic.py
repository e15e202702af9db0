"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pyarrow as pa

from greenlang_data.errors import ExportError, GreenLangError

_LONGEST: Final = 255  # bytes in a file name, on every common file system


@contextmanager
def atomic_file(path: str | os.PathLike[str], *, overwrite: bool) -> Iterator[Path]:
    """Give a temporary path beside ``path``; after the block it becomes ``path`` in one step.

    When the block fails, by whatever, the temporary file is removed and ``path`` is as it was. When
    the process is killed, a ``.<random>.tmp`` remains, which no dataset reader takes for data.
    A failure of the file system becomes an ExportError; errors of this package and interrupts pass
    unchanged.
    """
    target = checked_path(path, overwrite=overwrite)
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        # Created here, not by pyarrow, so that no file of someone else's is ever opened.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        _to_disk(temporary)
        _publish(temporary, target, overwrite=overwrite)
        with suppress(OSError):  # Some file systems cannot sync a directory; the file is there.
            _to_disk(target.parent)
    except GreenLangError:
        raise  # also a source's ConnectionError, which is an OSError but not the disk's
    except (OSError, pa.ArrowException) as error:
        raise ExportError(
            f"could not write {target}: {_reason(error)}",
            remedy="Nothing was left behind; free some space or choose another place.",
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def checked_path(path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """``path`` when a file may be written there; links are followed. Raises ExportError if not."""
    text = os.fspath(path)
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise ExportError(f"{text!r} is not a file name", remedy="Give a path like 'hist.parquet'.")
    target = Path(text)
    if text.endswith(("/", os.sep)) or target.name in ("", ".", ".."):
        raise ExportError(f"{text!r} is a directory", remedy="Add a file name.")
    if len(os.fsencode(target.name)) > _LONGEST:
        raise ExportError(
            f"the file name {target.name[:20]!r}… has more than {_LONGEST} bytes",
            remedy="Choose a shorter one.",
        )
    try:
        target = Path(os.path.realpath(target))
        return _checked_place(target, overwrite=overwrite)
    except OSError as error:
        if isinstance(error, ExportError):
            raise
        raise ExportError(f"cannot write to {text!r}: {_reason(error)}") from error


def _checked_place(target: Path, *, overwrite: bool) -> Path:
    if target.is_dir():
        raise ExportError(f"{str(target)!r} is a directory", remedy="Add a file name.")
    if not target.parent.is_dir():
        raise ExportError(
            f"there is no directory {str(target.parent)!r}", remedy="Create it, or check the path."
        )
    if target.exists():
        if not overwrite:
            raise _exists(target)
        if not target.is_file():
            raise ExportError(
                f"{str(target)!r} is a device or a pipe", remedy="Choose the name of a file."
            )
    return target


def _exists(target: Path) -> ExportError:
    return ExportError(
        f"{str(target)!r} exists", remedy="Pass overwrite=True or choose another name."
    )


def _publish(temporary: Path, target: Path, *, overwrite: bool) -> None:
    if overwrite:
        # Whoever may not read the old file may not read the new one.
        with suppress(FileNotFoundError):
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
        return
    try:
        # A link fails when the name was taken meanwhile; a rename would clobber it.
        os.link(temporary, target)
    except FileExistsError:
        raise _exists(target) from None
    except OSError:
        _publish_without_links(temporary, target)


def _publish_without_links(temporary: Path, target: Path) -> None:
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        raise _exists(target) from None
    # The name is ours now, and an empty file would not pass for a whole one.
    temporary.replace(target)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error)).strip().rstrip(".")
