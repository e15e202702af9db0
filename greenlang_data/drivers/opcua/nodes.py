"""Tags as node ids: how users write them, and how they go onto the wire."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import struct
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from greenlang_data.drivers.opcua.binary import NULL_STRING, encode_string
from greenlang_data.errors import QueryError

_LOOKS_LIKE_NODE_ID: Final = re.compile(r"^(ns|nsu|svr|i|s|g|b)=", re.IGNORECASE)
_NODE_ID: Final = re.compile(
    r"^(?:ns=(?P<index>\d+);|nsu=(?P<uri>[^;]+);)?(?P<kind>[isgb])=(?P<id>.+)$", re.DOTALL
)
_FORMS: Final = (
    "Write ns=2;s=Temperature, ns=2;i=1001, ns=2;g=<guid>, ns=2;b=<base64>, "
    "nsu=<namespace uri>;s=Temperature, or a bare name"
)
# No server fills its namespace array up to here, so it answers BadNodeIdUnknown for this one tag.
_UNKNOWN_NAMESPACE: Final = 0xFFFF

ATTRIBUTE_BROWSE_NAME: Final = 3
ATTRIBUTE_DISPLAY_NAME: Final = 4
ATTRIBUTE_DESCRIPTION: Final = 5
ATTRIBUTE_VALUE: Final = 13
ATTRIBUTE_DATA_TYPE: Final = 14
ATTRIBUTE_VALUE_RANK: Final = 15
ATTRIBUTE_USER_ACCESS_LEVEL: Final = 18
ATTRIBUTE_DEFINITION: Final = 23


class NamedNode(Protocol):
    """An entry of ``config.tags``."""

    @property
    def tag(self) -> str:
        """Return the name of the user's own."""

    @property
    def node_id(self) -> str:
        """Return the node as OPC UA writes it, ``ns=2;s=Name``."""

    @property
    def unit(self) -> str | None:
        """Return its UCUM unit; None is the server's own."""


class TagMap:
    """Turns tags into encoded node ids: configured names, node ids, and bare names."""

    def __init__(self, entries: Iterable[NamedNode], namespace_index: int, source: str) -> None:
        self.entries = {entry.tag: entry for entry in entries}
        self.namespace_index = namespace_index
        self.source = source
        self.namespaces: Sequence[str] = ()

    def texts(self, tags: Sequence[str]) -> list[str]:
        """The node id of each tag as text. Raises QueryError for one that is malformed."""
        return [self.text(tag) for tag in tags]

    def text(self, tag: str) -> str:
        """The node id that ``tag`` stands for, as text."""
        entry = self.entries.get(tag)
        if entry is not None:
            return entry.node_id
        if _LOOKS_LIKE_NODE_ID.match(tag):
            return tag
        return f"ns={self.namespace_index};s={tag}"

    def named(self) -> dict[bytes, str]:
        """The configured name of each node that has one; a malformed node id has none."""
        names: dict[bytes, str] = {}
        for tag in self.entries:
            with contextlib.suppress(QueryError):
                names.setdefault(self._encode(tag), tag)
        return names

    def encoded(self, tags: Sequence[str]) -> list[bytes]:
        """The node id of each tag as bytes. Raises QueryError naming one that is malformed."""
        return [self._encode(tag) for tag in tags]

    def _encode(self, tag: str) -> bytes:
        text = self.text(tag)
        try:
            return encode_node_id(text, self._index_of)
        except ValueError as error:
            name = f"tag {tag!r}" if text == tag else f"tag {tag!r} stands for {text!r}, which"
            raise QueryError(
                f"{name} is not a node id: {error}", source=self.source, remedy=f"{_FORMS}."
            ) from None

    def _index_of(self, uri: str) -> int:
        return self.namespaces.index(uri) if uri in self.namespaces else _UNKNOWN_NAMESPACE


def encode_node_id(text: str, index_of: Callable[[str], int]) -> bytes:
    """A node id as bytes; ``index_of`` finds the index of a namespace URI.

    Raises ValueError saying what is wrong with it.
    """
    match = _NODE_ID.match(text)
    if match is None:
        raise ValueError("it does not have the form ns=<number>;<i, s, g or b>=<identifier>")
    uri = match["uri"]
    namespace = index_of(uri) if uri is not None else int(match["index"] or 0)
    if namespace > 0xFFFF:
        raise ValueError(f"namespace {namespace} is beyond 65535")
    return _ENCODERS[match["kind"]](namespace, match["id"])


def _numeric(namespace: int, identifier: str) -> bytes:
    if not identifier.isascii() or not identifier.isdigit() or int(identifier) > 0xFFFFFFFF:
        raise ValueError(f"{identifier!r} is not a number up to 4294967295")
    return _numeric_bytes(namespace, int(identifier))


def _numeric_bytes(namespace: int, number: int) -> bytes:
    if namespace <= 0xFF and number <= 0xFFFF:
        return struct.pack("<BBH", 1, namespace, number)
    return struct.pack("<BHI", 2, namespace, number)


def _string(namespace: int, identifier: str) -> bytes:
    return struct.pack("<BH", 3, namespace) + encode_string(identifier)


def _guid(namespace: int, identifier: str) -> bytes:
    try:
        return struct.pack("<BH", 4, namespace) + uuid.UUID(identifier).bytes_le
    except ValueError:
        raise ValueError(f"{identifier!r} is not a guid") from None


def _opaque(namespace: int, identifier: str) -> bytes:
    try:
        content = base64.b64decode(identifier, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{identifier!r} is not base64") from None
    return struct.pack("<BH", 5, namespace) + encode_string(content)


_ENCODERS: Final[dict[str, Callable[[int, str], bytes]]] = {
    "i": _numeric,
    "s": _string,
    "g": _guid,
    "b": _opaque,
}


def canonical(node_id: bytes) -> bytes:
    """An encoded NodeId in the one form that :func:`encode_node_id` gives it.

    The same number can be written in three ways, and only equal bytes can be compared.
    """
    if node_id[0] == 0:
        return _numeric_bytes(0, node_id[1])
    if node_id[0] == 2:
        return _numeric_bytes(*struct.unpack_from("<HI", node_id, 1))
    return node_id


def read_value_id(node_id: bytes, attribute: int = ATTRIBUTE_VALUE) -> bytes:
    """A ReadValueId: the node, the attribute, no index range, the default encoding."""
    return node_id + struct.pack("<I", attribute) + NULL_STRING + b"\x00\x00" + NULL_STRING
