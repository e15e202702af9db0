"""Points in time as web systems write them: ISO 8601 in UTC, in no server's own format."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pyarrow as pa

from greenlang_data.drivers.schema import TIMESTAMP

_SECOND: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970 UTC."""
    since = moment - _EPOCH
    return ((since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def written(time: int, digits: int) -> str:
    """Nanoseconds since 1970 UTC with so many digits of a second, rounded down.

    >>> written(1_700_000_000_123_456_700, 7)
    '2023-11-14T22:13:20.1234567Z'
    """
    seconds, rest = divmod(time, _SECOND)
    fraction = rest // 10 ** (9 - digits)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:0{digits}d}Z"


def read_stamps(stamps: Sequence[str] | pa.StringArray) -> np.ndarray:
    """ISO 8601 with zones and any number of digits, as nanoseconds since 1970 UTC.

    Raises ValueError for one that is none, has no zone, or is beyond what nanoseconds reach.
    """
    try:
        texts = stamps if isinstance(stamps, pa.StringArray) else pa.array(stamps, pa.string())
        return np.asarray(texts.cast(TIMESTAMP).cast(pa.int64()))
    except pa.ArrowInvalid as error:
        raise ValueError(f"a time stamp is none: {str(error)[:100]}") from None
