"""WebID 2.0, made here: the name under which PI Web API serves an object, without asking for it.

A path-only WebID is ``P``, the version ``1``, a marker for the kind of object, and the path in
capitals as unpadded URL-safe base64.

A letter without a capital of its own stays as it is: ``ß`` is not ``SS``, which may be another name.
"""

from __future__ import annotations

import base64


def point_id(server: str, tag: str) -> str:
    r"""Path-only WebID of the point ``\\server\tag``.

    >>> point_id("MyPIServer", "PointName")
    'P1DPTVlQSVNFUlZFUlxQT0lOVE5BTUU'
    """
    return "P1DP" + _encoded(_capitals(f"{server}\\{tag}"))


def attribute_id(path: str) -> str:
    r"""Path-only WebID of an element's attribute ``\\af\database\element|attribute``."""
    return "P1AbE" + _encoded(_capitals(path.lstrip("\\")))


def data_server_id(name: str) -> str:
    """Path-only WebID of a data server."""
    return "P1DS" + _encoded(_capitals(name))


def database_id(path: str) -> str:
    r"""Path-only WebID of the AF database ``\\af\database``."""
    return "P1RD" + _encoded(_capitals(path.lstrip("\\")))


def _capitals(text: str) -> bytes:
    return "".join(one.upper() if len(one.upper()) == 1 else one for one in text).encode()


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
