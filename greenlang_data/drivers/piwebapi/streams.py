"""Streamsets: one question about many points, and whose each answer is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.piwebapi.api import PiApi, RefusedError
from greenlang_data.drivers.piwebapi.decode import Answered, Item
from greenlang_data.drivers.piwebapi.points import Point
from greenlang_data.drivers.piwebapi.samples import Columns
from greenlang_data.errors import ProtocolError

Decode = Callable[[bytes | bytearray], Answered]


async def ask_streams(
    api: PiApi,
    action: str,
    points: Sequence[Point],
    params: Sequence[tuple[str, str]],
    log: ReadLog,
    decode: Decode,
) -> list[Columns | RefusedError]:
    """The columns of each point, or why there are none, in the points' order.

    One point that the server refuses does not lose the others: the set is halved until it is
    found. Raises TooManyError, ProtocolError, or what HTTP raises.
    """
    asked = [*(("webId", one.web_id) for one in points), *params]
    try:
        answer = await api.get(f"streamsets/{action}", asked, log, decode)
    except RefusedError as error:
        if len(points) == 1:
            return [error]
        half = len(points) // 2
        return [
            *await ask_streams(api, action, points[:half], params, log, decode),
            *await ask_streams(api, action, points[half:], params, log, decode),
        ]
    found = _matched(api, points, answer.items)
    if any(isinstance(one, Columns) and one.substituted for one in found):
        log.note("some values were substituted by hand at the source; their status says so")
    return found


def grouped(
    api: PiApi,
    path: str,
    points: Sequence[Point],
    params: Sequence[tuple[str, str]],
    most: int | None = None,
) -> list[list[Point]]:
    """Points in groups, at most ``most`` each, that fit into one URL beside the parameters."""
    ids = {one.web_id: one for one in points}
    chunks = api.chunks(path, "webId", list(ids), params, most)
    return [[ids[web_id] for web_id in chunk] for chunk in chunks]


def check_order(api: PiApi, point: Point, page: Columns) -> None:
    """Raise ProtocolError for samples that are not in the order of their time stamps."""
    if len(page) > 1 and (page.times[1:] < page.times[:-1]).any():
        raise ProtocolError(
            f"{point.tag}: its samples are out of order",
            source=api.source,
            remedy="None of it was used; report this with the server's version.",
        )


def _matched(
    api: PiApi, points: Sequence[Point], items: Sequence[Item]
) -> list[Columns | RefusedError]:
    by_id = {one.web_id: one for one in items}
    by_path = {one.path.lower(): one for one in items if one.path}
    found: list[Columns | RefusedError] = []
    used = set()
    for point in points:
        # Servers may answer with the other form of a WebID than they were asked with.
        named = by_path.get(point.path.lower())
        item = by_id.get(point.web_id) or named
        if item is not None and (named not in (None, item) or not point.may_be_at(item.path)):
            raise ProtocolError(
                f"{point.tag}: the answer with its WebID is about {item.path}",
                source=api.source,
                remedy="None of it was used; ask again in a new session, and report it if it stays.",
            )
        if item is None:
            found.append(RefusedError(0, "the server left it out of its answer"))
            continue
        used.add(id(item))
        if item.web_exception is not None:
            raise api.broke_off(item.web_exception)
        refused = RefusedError(0, api.told(item.errors)) if item.errors else None
        found.append(refused or item.columns)
    if len(used) < len(items):
        raise ProtocolError(
            f"it answered about {len(items) - len(used)} streams that were not asked for, or twice",
            source=api.source,
            remedy="None of it was used; report this with the server's version.",
        )
    return found
