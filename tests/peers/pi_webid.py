"""WebIDs of version 2.0: made and read for the PI Web API emulator."""

from __future__ import annotations

import base64
import binascii
import struct
import uuid
from dataclasses import dataclass

GUID_CHARACTERS = 22
INT_CHARACTERS = 6
# How many GUIDs (G) and 32 bit integers (I) follow the marker: with the server's, without it.
_LAYOUT = {
    "DS": ("G", ""),
    "DP": ("GI", "I"),
    "RS": ("G", ""),
    "RD": ("GG", "G"),
    "Em": ("GG", "G"),
    "Fm": ("GG", "G"),
    "Ab": ("GGG", "GG"),
    "MS": ("GI", "I"),
}
OWNED = {"Ab"}  # these carry one more character: E element, F event frame

Key = uuid.UUID | int


@dataclass(frozen=True)
class WebId:
    """The parts of a WebID; ``kind`` is F, I, P, L or D and ``name`` is upper case."""

    kind: str
    marker: str
    keys: tuple[Key, ...] = ()
    name: str = ""
    owner: str = ""


def capitals(text: str) -> str:
    """Upper case as .NET's invariant culture has it: a letter for each letter."""
    return "".join(one.upper() if len(one.upper()) == 1 else one for one in text)


def encode(kind: str, marker: str, keys: tuple[Key, ...], name: str, owner: str = "") -> str:
    """The WebID text of an object."""
    head = f"{kind}1{marker}{owner}"
    packed_name = _pack(capitals(name).encode())
    if kind == "P":
        return head + packed_name
    if kind in "LD":
        keys = keys[len(keys) - len(_LAYOUT[marker][1]) :] if _LAYOUT[marker][1] else ()
    ids = "".join(_pack(_key_bytes(key)) for key in keys)
    return head + ids + (packed_name if kind == "F" else "")


def decode(text: str) -> WebId:
    """The parts of a WebID text; a ValueError says what is wrong with it."""
    kind, version, marker, rest = text[:1], text[1:2], text[2:4], text[4:]
    if kind not in {"F", "I", "P", "L", "D"} or version != "1" or marker not in _LAYOUT:
        raise ValueError(f"no WebID of version 2.0: {text[:40]!r}")
    owner = ""
    if marker in OWNED:
        owner, rest = rest[:1], rest[1:]
    if kind == "P":
        return WebId(kind, marker, (), _unpack(rest).decode(), owner)
    layout = _LAYOUT[marker][1 if kind in "LD" else 0]
    keys: list[Key] = []
    for letter in layout:
        size = GUID_CHARACTERS if letter == "G" else INT_CHARACTERS
        keys.append(_key(_unpack(rest[:size]), letter))
        rest = rest[size:]
    if rest and kind != "F":
        raise ValueError(f"{len(rest)} characters too many in {text[:40]!r}")
    return WebId(kind, marker, tuple(keys), _unpack(rest).decode(), owner)


def _key_bytes(key: Key) -> bytes:
    return struct.pack("<i", key) if isinstance(key, int) else key.bytes_le


def _key(raw: bytes, letter: str) -> Key:
    if len(raw) != (16 if letter == "G" else 4):
        raise ValueError("an id in the WebID has the wrong length")
    return uuid.UUID(bytes_le=raw) if letter == "G" else int(struct.unpack("<i", raw)[0])


def _pack(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unpack(text: str) -> bytes:
    if "=" in text or "+" in text or "/" in text:
        raise ValueError("a WebID has no padding and is safe in URLs")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError(f"no base64: {text[:40]!r}") from error
