"""When a recorder heard its analyser, and when it did not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

_SHOWN: Final = 4
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """From ``began`` to before ``until``, in nanoseconds since 1970 UTC."""

    began: int
    until: int


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same times in as few spans as can be, in order."""
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.began <= result[-1].until:
            result[-1] = Span(result[-1].began, max(result[-1].until, span.until))
        else:
            result.append(span)
    return result


def within(spans: Sequence[Span], window: Span) -> list[Span]:
    """What of ``spans`` lies in the window."""
    clipped = (Span(max(s.began, window.began), min(s.until, window.until)) for s in spans)
    return [span for span in clipped if span.began < span.until]


def gaps(spans: Sequence[Span], window: Span) -> list[Span]:
    """What of the window lies in none of ``spans``, which are joined."""
    edges = [window.began]
    for span in within(spans, window):
        edges += [span.began, span.until]
    edges.append(window.until)
    between = (Span(edges[i], edges[i + 1]) for i in range(0, len(edges), 2))
    return [gap for gap in between if gap.began < gap.until]


def shown(spans: Sequence[Span]) -> str:
    """``2026-01-01T00:00:00Z to 2026-01-01T01:00:00Z, ... and 3 more``."""
    texts = [f"{_iso(span.began)} to {_iso(span.until)}" for span in spans[:_SHOWN]]
    more = f" and {len(spans) - _SHOWN} more" if len(spans) > _SHOWN else ""
    return ", ".join(texts) + more


def _iso(moment: int) -> str:
    text = (_EPOCH + timedelta(microseconds=moment // 1000)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
