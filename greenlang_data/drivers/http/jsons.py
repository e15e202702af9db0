"""JSON, read into typed structures without guessing.

msgspec does it: declared types are checked while they are read, floats and large integers stay
apart, and a million samples take a third of the time that the standard library needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from greenlang_data.errors import ProtocolError

T = TypeVar("T")


def json_decoder(
    kind: type[T], float_hook: Callable[[str], Any] | None = None
) -> Callable[[bytes | bytearray], T]:
    """A reusable function from a body to ``kind`` (a msgspec Struct, a list of them, Any).

    ``float_hook`` makes a number of the text of a fraction whose type is Any, such as a Decimal.

    It raises ValueError, with the place in the document, for what is no JSON or of another kind.
    """
    decoder = msgspec.json.Decoder(kind, float_hook=float_hook)

    def decode(body: bytes | bytearray) -> T:
        try:
            return decoder.decode(body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(str(error)) from None

    return decode


read_any: Callable[[bytes | bytearray], Any] = json_decoder(Any)


def errors_in(body: bytes) -> Any:
    """The JSON in the body of a refusal, or None: it may be anything."""
    try:
        return read_any(body)
    except ValueError:
        return None


class UnheldError(ValueError):
    """A value that is right, and that nothing here holds exactly; ``remedy`` says what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.remedy = remedy


def not_understood(told: str, error: ValueError, source: str) -> ProtocolError:
    """The error for a body that its decoder refused; ``told`` is what may be told of its own."""
    usual = "Check that the address is right and the server's version is supported."
    return ProtocolError(
        f"its answer cannot be understood ({told[:200]}), so none of it is used",
        source=source,
        remedy=error.remedy if isinstance(error, UnheldError) else usual,
    )
