"""Find out in which word order a Modbus device sends its numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from greenlang_data.connectors.scada import SCADAConnector
from greenlang_data.errors import QueryError, UnsupportedError
from greenlang_data.runtime import get_runtime
from greenlang_data.settings.reference import place_of_reference
from greenlang_data.settings.register import RegisterType, Table

if TYPE_CHECKING:
    import pandas as pd

    from greenlang_data.session import Session


def probe_word_order(
    session: Session,
    source: str,
    places: int | str | Iterable[int | str],
    type: RegisterType,  # noqa: A002 - as the register map calls it
    low: float,
    high: float,
    *,
    table: Table | None = None,
    unit_id: int | None = None,
    samples: int = 3,
    every: float = 0.2,
    timeout: float | None = None,
) -> pd.DataFrame:
    """Read values whose word order is not known, and tell which orders make them plausible.

    ``places`` are zero-based addresses of ``table`` (holding unless given) or references such as
    ``"40001"``, all of one table; ``low`` and ``high`` bound what the values can be. Each is read
    ``samples`` times, ``every`` so many seconds.

    One row per order, the best first: ``order``, ``plausible`` (the share of values within the
    bounds), ``values``, and ``chosen``. An order is chosen only when all its values are plausible
    and no other order has as many; otherwise none is, and ``attrs["reason"]`` says why.
    ``attrs["order"]`` is the one chosen, or None.

    Raises QueryError for arguments that are wrong or places that the device refuses,
    UnsupportedError when ``source`` is not Modbus, and what every call raises.
    """
    import pandas as pd

    from greenlang_data.drivers.modbus.probe import OrderProbe

    connector = session.connector(source)
    if not isinstance(connector, SCADAConnector):
        raise UnsupportedError(
            "it is no SCADA source", source=source, remedy="Name a Modbus source."
        )
    found, addresses = _placed([places] if isinstance(places, int | str) else places, table)
    probe = OrderProbe(addresses, type, low, high, found, unit_id, samples, every)
    told = get_runtime().run(connector.probe_word_order(probe, timeout))
    frame = pd.DataFrame(
        {
            "order": [score.order for score in told.scores],
            "plausible": [score.plausible for score in told.scores],
            "values": [list(score.values) for score in told.scores],
            "chosen": [score.order == told.order for score in told.scores],
        }
    )
    frame.attrs.update(order=told.order, reason=told.reason)
    return frame


def _placed(places: Iterable[int | str], table: Table | None) -> tuple[Table, tuple[int, ...]]:
    addresses: list[int] = []
    tables: set[Table] = set() if table is None else {table}
    for place in places:
        if isinstance(place, str):
            try:
                named, address = place_of_reference(place)
            except ValueError as error:
                raise QueryError(f"{error}", remedy="Or give a zero-based address.") from None
            tables.add(named)
            addresses.append(address)
        else:
            addresses.append(place)
    if len(tables) > 1:
        raise QueryError(
            f"places are in several tables: {', '.join(sorted(tables))}",
            remedy="Probe one table at a time.",
        )
    return tables.pop() if tables else "holding", tuple(addresses)
