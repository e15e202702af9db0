"""Finding tags by the names that callers use."""

from __future__ import annotations

from typing import Final

from greenlang_data.drivers.mock.catalogue import TAGS
from greenlang_data.drivers.mock.combustion import STACKS
from greenlang_data.drivers.mock.stacks import MEASURANDS
from greenlang_data.drivers.mock.tag import Tag
from greenlang_data.drivers.schema import UNKNOWN_TAG
from greenlang_data.errors import UnknownTagError
from greenlang_data.nearest import did_you_mean, nearest_and_all

NODE_PREFIX: Final = "ns=2;s="
"""``ns=2;s=Temperature`` and ``Temperature`` are the same tag."""

DEFAULT_STACK: Final = "STACK-001"


def plain(name: str) -> str:
    """``name`` without its namespace."""
    return name.removeprefix(NODE_PREFIX)


def find_tag(name: str, stack: str) -> Tag | None:
    """The tag called ``name``, where a bare pollutant is that of ``stack``."""
    bare = plain(name)
    return TAGS.get(f"{stack}.{bare}" if bare in MEASURANDS else bare)


def unknown(name: str) -> str:
    """The reason given for a tag that is not there, with the nearest that is."""
    hint = did_you_mean(plain(name), [*TAGS, *MEASURANDS]) or "s.tags(...).find() lists all"
    return f"{UNKNOWN_TAG} {name!r} in the simulated plant; {hint}"


def checked_stack(name: str | None, source: str) -> str:
    """``name`` or the first stack. Raises UnknownTagError for a stack that is not there."""
    if not name:
        return DEFAULT_STACK
    if name not in STACKS:
        raise UnknownTagError(
            f"there is no stack {name!r} in the simulated plant",
            source=source,
            remedy=nearest_and_all(name, STACKS, "Stacks"),
        )
    return name
