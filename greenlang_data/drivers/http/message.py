"""What is asked and what is answered, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

JSON = ("application/json",)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. ``url`` is absolute, or a path below the client's base URL.

    ``accept`` are the media types of which the answer must have one (``application/json`` also
    stands for ``...+json``). An answer of a status in ``expected`` is given back; any other that
    is no success raises. ``content`` is a body, ``content_type`` its media type.
    """

    url: str
    params: Sequence[tuple[str, str]] = ()
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    content_type: str = "application/json"
    accept: Sequence[str] = JSON
    expected: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What came back. ``data`` is what the caller's ``decode`` made of the body of a success.

    For an expected refusal ``data`` is None and ``body`` what the server said about it.
    """

    status: int
    headers: Mapping[str, str]
    url: str
    data: T | None
    body: bytes = b""
