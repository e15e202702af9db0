"""Where values lie in the bytes that were read, and what comes out of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from greenlang_data.settings.register import Register


class Place(NamedTuple):
    """The value of ``register`` goes to ``row`` and starts at ``offset`` of the image."""

    row: int
    register: Register
    offset: int


@dataclass(slots=True)
class Decoded:
    """A float64 per row, and by row what is no good number.

    ``texts`` are values that no float64 holds, ``statuses`` say why a value is bad, ``failures``
    why there is none. The number in all these rows means nothing.
    """

    values: NDArray[np.float64]
    texts: dict[int, str] = field(default_factory=dict)
    statuses: dict[int, str] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
