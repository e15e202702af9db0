"""Arrays that EPA's services stream: whole, or not used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from greenlang_data.errors import SourceUnreachable

Row = TypeVar("Row", bound=msgspec.Struct)


def rows_decoder(kind: type[Row], source: str) -> Callable[[bytes | bytearray], list[Row]]:
    """A function from a streamed array to its rows.

    It raises SourceUnreachable for an array that is not closed: a failure of EPA's database in the
    middle of an answer ends it there, with nothing else to tell. For what is no such array it
    raises ValueError.
    """
    decoder = msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]  # known when it runs

    def decode(body: bytes | bytearray) -> list[Row]:
        end = bytes(body[-64:]).rstrip()
        if not end.endswith(b"]") and bytes(body[:64]).lstrip().startswith(b"["):
            raise SourceUnreachable(
                "its answer ends in the middle, so none of it is used", source=source
            )
        try:
            return decoder.decode(body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(str(error)) from None

    return decode
