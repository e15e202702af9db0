"""Work orders by their keys: those of a frame beside those of the plant."""

from __future__ import annotations

import pandas as pd

from tests.peers import maintained_plant as plant


def keys(frame: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(frame["site"], frame["work_order_id"], strict=True))


def keys_of(some: list[plant.WorkOrder]) -> list[tuple[str, str]]:
    return [(one.site.name, one.number) for one in some]
