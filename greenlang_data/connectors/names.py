"""The column of the names of a call, which a poll asks for again and again: made once.

For thousands of tags, making and hashing it takes longer than reading their values does.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import pyarrow as pa

from greenlang_data.provenance.hash import column_digests

LISTS_KEPT: Final = 8
"""How many lists of names, each of up to ten thousand, are polled in turns without being forgotten."""


class Names(NamedTuple):
    """Names as an Arrow array of strings, and the digest of a column that holds just them."""

    array: pa.StringArray
    digest: bytes


@lru_cache(maxsize=LISTS_KEPT)
def column_of(names: tuple[str, ...]) -> Names:
    """The column that answers ``names``, in their order."""
    array = pa.array(names, pa.string())
    return Names(array, *column_digests(pa.table({"tag_id": array})))
