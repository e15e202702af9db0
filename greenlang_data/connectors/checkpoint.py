"""The pages of a long read on disk, until it has ended: a killed process costs the pages in flight.

Each page is a file that is put in place whole, with the digest of its content. They are the
source's data in clear text, so the folder is the user's choice, only its owner may open it, and it
is empty again once the read has ended. What was asked, and with which login, is there as digests.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa

from greenlang_data.connectors.locked import Lock
from greenlang_data.drivers.base import ReadLog
from greenlang_data.provenance.hash import hash_json

_FORM: Final = b"greenlang page 2\n"
_DIGEST_BYTES: Final = 32
_PAGE: Final = re.compile(r"page-(\d+)\.arrow")
_ABOUT: Final = "about.json"
_LOCK: Final = "lock"
_SAME: Final = ("source", "entity")  # what two reads have in common of which one tells of the other


class Checkpoint:
    """The pages of one question to one source, in a folder of their own below ``folder``.

    ``asked`` is everything that the answer depends on, by names that mean something to the user.
    Nothing is raised for a folder that cannot be used: the read goes on without, and says so.
    """

    def __init__(self, folder: str, asked: Mapping[str, Any]) -> None:
        self._asked = {name: hash_json(value)[:16] for name, value in asked.items()}
        self._entity = str(asked.get("entity"))
        self._parent = Path(folder).expanduser()
        self._folder = self._parent / hash_json(self._asked)[:32]
        self._lock = Lock(self._folder / _LOCK)
        self._next = 0
        self._is_used = True

    def load(self, log: ReadLog) -> Iterator[pa.RecordBatch]:
        """What an earlier read left, in the order in which it came; what is damaged is told."""
        self._next = 0
        try:
            found = self._numbered() if self._may_use(log) else {}
            if not found:
                self._tell_others(log)
            for number, path in sorted(found.items()):
                self._next = number + 1
                page = _page_in(path)
                if page is not None:
                    yield page
                else:
                    log.note(f"{path.name} of an earlier read is damaged, and was not used")
        except OSError as error:
            self._give_up(error, log)

    def keep(self, page: pa.RecordBatch, log: ReadLog) -> None:
        """Put a page in place behind the others."""
        if not self._is_used:
            return
        try:
            if not self._lock.is_held and not self._begun(log):
                return
            _write(self._folder / f"page-{self._next:06d}.arrow", _content(page))
        except OSError as error:
            self._give_up(error, log)
            return
        self._next += 1

    def clear(self) -> None:
        """Remove all pages, unless they are another process's."""
        if self._lock.is_held:
            with contextlib.suppress(OSError):
                shutil.rmtree(self._folder)
            self._lock.release()
        self._next = 0

    def close(self) -> None:
        """Leave the pages to a later read."""
        self._lock.release()

    def _begun(self, log: ReadLog) -> bool:
        self._parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if not self._may_use(log):
            return False
        _write(self._folder / _ABOUT, [json.dumps(self._asked).encode()])
        return True

    def _may_use(self, log: ReadLog) -> bool:
        """Whether the folder is there, ours alone, and used by no other process."""
        if self._lock.is_held:
            return True
        if not self._is_used or not self._folder.exists():
            return False
        why = ""
        if not _is_own(self._folder):
            why = "others than its owner may write to it, or it is another user's"
        elif not self._lock.acquire():
            why = "another process keeps its pages of the same read there"
        if why:
            self._is_used = False
            log.caution(
                f"no pages were kept in {self._folder}, since {why}: a read that is killed begins "
                "anew"
            )
        return not why

    def _give_up(self, error: OSError, log: ReadLog) -> None:
        self._is_used = False
        log.caution(
            f"pages could not be kept in {self._parent} ({error.strerror}): a read that is killed "
            "begins anew"
        )

    def _tell_others(self, log: ReadLog) -> None:
        """Say so where an earlier read of the entity did not end, and was of another question."""
        others = (one.parent for one in self._parent.glob(f"*/{_ABOUT}"))
        for folder in sorted(one for one in others if one != self._folder):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                names = self._differences(folder)
                if names and not set(names) & set(_SAME) and not Lock(folder / _LOCK).is_taken():
                    log.note(
                        f"an earlier read of {self._entity} did not end, and this one does not go "
                        f"on with it, since it differs in {', '.join(names)}; its pages are in "
                        f"{folder}"
                    )

    def _differences(self, folder: Path) -> list[str]:
        """What the read in another folder was asked otherwise; nothing for one that is not ours."""
        if not _is_own(folder):
            return []
        told = json.loads((folder / _ABOUT).read_bytes())
        return [name for name in self._asked if told.get(name) != self._asked[name]]

    def _numbered(self) -> dict[int, Path]:
        found = ((_PAGE.fullmatch(one.name), one) for one in self._folder.iterdir())
        return {int(name[1]): one for name, one in found if name}


def _content(page: pa.RecordBatch) -> list[Any]:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, page.schema) as stream:
        stream.write_batch(page)
    content = sink.getvalue()
    return [_FORM, sha256(content).digest(), content]


def _page_in(path: Path) -> pa.RecordBatch | None:
    """The page in a file, or None where it is not what was written."""
    size = path.stat().st_size - len(_FORM) - _DIGEST_BYTES
    if size < 0:
        return None
    page = pa.allocate_buffer(size)  # which is aligned as Arrow wants it
    with _opened(path, "rb") as file:
        form, digest = file.read(len(_FORM)), file.read(_DIGEST_BYTES)
        file.readinto(memoryview(page).cast("B"))  # type: ignore[attr-defined]
    if form != _FORM or sha256(page).digest() != digest:
        return None
    try:
        return pa.ipc.open_stream(page).read_next_batch()
    except (pa.ArrowInvalid, StopIteration):
        return None


def _write(path: Path, parts: list[Any]) -> None:
    unfinished = path.with_suffix(".tmp")
    with _opened(unfinished, "wb") as file:
        for part in parts:
            file.write(part)
    unfinished.replace(path)


def _opened(path: Path, mode: str) -> BinaryIO:
    """For its owner alone, and not where a link leads."""
    no_link = getattr(os, "O_NOFOLLOW", 0)
    file: Any = open(  # noqa: SIM115 - whoever asked for it closes it
        path, mode, opener=lambda name, flags: os.open(name, flags | no_link, 0o600)
    )
    return file  # type: ignore[no-any-return]


def _is_own(folder: Path) -> bool:
    """Whether nobody else may have put files there; on Windows the folder's rights are its own."""
    if os.name == "nt":
        return True
    about = folder.lstat()
    others = stat.S_IWGRP | stat.S_IWOTH
    return (
        stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & others
    )
