"""The folder of one source: which of its files answer which part of a window."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from greenlang_data.cache.segment import Segment
from greenlang_data.provenance.hash import hash_text

_MOST_GAPS = 2


class Piece(NamedTuple):
    """``start <= time < end``, out of a file, or to be read from the source (None)."""

    start: int
    end: int
    segment: Segment | None


class Store:
    """Files of one source below ``folder``; ``source`` is what its samples depend on."""

    def __init__(self, folder: Path, name: str, source: str, late: int) -> None:
        self.source = source
        self.late = late
        self._folder = folder / f"{_safe(name)}-{hash_text(source)[:12]}"

    def segments(self, tag: str, now: int) -> list[Segment]:
        """The files of a tag, the newest first; none that claims to be from the future."""
        with suppress(OSError):
            found = [Segment.named(path) for path in self.folder(tag).iterdir()]
            known = [one for one in found if one is not None and one.read_at <= now]
            return sorted(known, key=lambda one: one.read_at, reverse=True)
        return []

    def folder(self, tag: str) -> Path:
        """Where the files of a tag belong."""
        return self._folder / f"{_safe(tag)}-{hash_text(tag)[:12]}"

    def outdate(self, new: Segment, others: Sequence[Segment]) -> None:
        """Remove the files that say nothing final that the new one does not say."""
        for one in others:
            final = one.final_until(self.late)
            if final <= one.start or (new.start <= one.start and final <= new.end):
                remove(one)


def remove(segment: Segment) -> None:
    """Delete a file, if it is still there."""
    with suppress(OSError):
        segment.path.unlink()


def plan(start: int, end: int, segments: Sequence[Segment], late: int) -> list[Piece]:
    """The window in pieces, in order: each out of the newest file that has it for good.

    There are two gaps at most, or one that spans them all.
    """
    pieces = [Piece(start, end, None)]
    for segment in segments:
        final = segment.final_until(late)
        pieces = [part for piece in pieces for part in _taken(piece, segment, final)]
    gaps = [piece for piece in pieces if piece.segment is None]
    if len(gaps) <= _MOST_GAPS:
        return pieces
    first, last = gaps[0].start, gaps[-1].end
    before = [piece for piece in pieces if piece.end <= first]
    after = [piece for piece in pieces if piece.start >= last]
    return [*before, Piece(first, last, None), *after]


def _taken(piece: Piece, segment: Segment, final: int) -> list[Piece]:
    low, high = max(piece.start, segment.start), min(piece.end, final)
    if piece.segment is not None or low >= high:
        return [piece]
    parts = [
        Piece(piece.start, low, None),
        Piece(low, high, segment),
        Piece(high, piece.end, None),
    ]
    return [part for part in parts if part.start < part.end]


def _safe(name: str) -> str:
    """A beginning of a file's name that tells people what it is."""
    return re.sub(r"[^A-Za-z0-9.]+", "_", name)[:40].strip("._") or "_"
