"""Keys that only some protocols of a family have."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def refuse_foreign_keys(
    given: Collection[str], protocol: str | None, keys: Mapping[str, Collection[str]]
) -> None:
    """Raise ValueError for a given key that is another protocol's: it would do nothing.

    ``keys`` are those of each protocol. Without a protocol nothing is refused.
    """
    own = set(keys.get(protocol or "", ()))
    for other, theirs in keys.items() if protocol else ():
        foreign = sorted((set(given) & set(theirs)) - own)
        if foreign:
            raise ValueError(f"{foreign[0]} is for {other}, and does nothing here")
