"""WebID 2.0, made here: the name under which PI Web API serves an object, without asking for it.

A path-only WebID is ``P``, the version ``1``, a marker for the kind of object, and the path in
capitals as unpadded URL-safe base64.
"""

from __future__ import annotations

import base64


def point_id(server: str, tag: str) -> str:
    r"""Path-only WebID of the point ``\\server\tag``.

    >>> point_id("MyPIServer", "PointName")
    'P1DPTVlQSVNFUlZFUlxQT0lOVE5BTUU'
    """
    return "P1DP" + _encoded(f"{server}\\{tag}".upper().encode())


def attribute_id(path: str) -> str:
    r"""Path-only WebID of an element's attribute ``\\af\database\element|attribute``."""
    return "P1AbE" + _encoded(path.lstrip("\\").upper().encode())


def data_server_id(name: str) -> str:
    """Path-only WebID of a data server."""
    return "P1DS" + _encoded(name.upper().encode())


def database_id(path: str) -> str:
    r"""Path-only WebID of the AF database ``\\af\database``."""
    return "P1RD" + _encoded(path.lstrip("\\").upper().encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
