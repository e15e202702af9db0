"""Links to pages as they may be kept on disk: where they lead on the server, and no secret."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

# What the protocol itself has, and SAP and Dynamics add; whatever else there is may open a session.
_KNOWN: Final = frozenset(
    {
        "$apply", "$count", "$deltatoken", "$expand", "$filter", "$format", "$inlinecount",
        "$orderby", "$search", "$select", "$skip", "$skiptoken", "$top", "!deltatoken",
        "cross-company", "sap-client", "sap-language",
    }
)  # fmt: skip


def unknown_params(url: str) -> list[str]:
    """The parameters of an address that nobody knows to be no secret."""
    names = (name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True))
    return sorted({name for name in names if name.lower() not in _KNOWN})


def place_of(url: str) -> str:
    """Path and query of an address."""
    parts = urlsplit(url)
    return urlunsplit(("", "", *parts[2:4], ""))


def at_place(base: str, place: str) -> str:
    """The address of a place on the server that ``base`` is on."""
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.netloc}{place}"


def own_link(link: str, names: Iterable[str], base: str) -> str:
    """``link`` with the server that ``base`` is on in place of another of its ``names``."""
    parts = urlsplit(link)
    if f"{parts.scheme}://{parts.netloc}" in names:
        return urlunsplit((*urlsplit(base)[:2], *parts[2:]))
    return link


def named(params: Iterable[str]) -> str:
    """Names of parameters for a sentence, as they cannot break it."""
    return ", ".join(repr(one[:40]) for one in params)
