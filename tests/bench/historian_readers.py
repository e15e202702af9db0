"""One client reading raw samples of some tags, in a process of its own.

``python historian_readers.py CLIENT URL`` takes ``{"tags", "start", "end"}`` as JSON and prints, for
each tag, a list of ``[nanoseconds, value]`` whose value is null where the client says in any way that
it is not good, or the name of the exception that it raised. Samples outside ``start <= time < end``
are left out here, because other clients mean both ends.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

Rows = list[list[Any]]
Read = Callable[[str], Rows]


def greenlang(url: str, start: datetime, end: datetime) -> Read:
    import greenlang_data as gd

    config = gd.HistorianConfig(
        connector_id="pi",
        connector_type="historian",
        historian_type="pi",
        server_url=url,
        timeout_seconds=20,
        max_retries=2,
        retry_min_wait=0.01,
        retry_max_wait=0.05,
    )
    s = gd.Session([config])

    def read(tag: str) -> Rows:
        frame = s.historian([tag], start, end, shape="long")
        times = frame["timestamp"].dt.as_unit("ns").astype("int64")
        column = frame["value"]
        if "text" in frame:
            column = column.astype(object).where(frame["text"].isna(), frame["text"])
        return rows(times, column, frame["quality"] != "bad")

    return read


def tagreader(url: str, start: datetime, end: datetime) -> Read:
    from tagreader import IMSClient, ReaderType

    client = IMSClient(datasource=None, imstype="piwebapi", url=url, tz="UTC", auth=("a", "b"))

    def read(tag: str) -> Rows:
        frame = client.read(tag, start, end, read_type=ReaderType.RAW, get_status=True)
        if frame.empty:
            return []
        # 1 is questionable, 2 not good, 4 substituted.
        bad = (frame[f"{tag}::status"].astype(int) & 2) != 0
        return rows(frame.index.as_unit("ns").asi8, frame[tag], ~bad)

    return read


def kukur(url: str, start: datetime, end: datetime) -> Read:
    import requests
    from kukur import SeriesSelector
    from kukur.source.piwebapi_da import from_config

    server = requests.get(f"{url}/dataservers", timeout=20).json()["Items"][0]["WebId"]
    uri = f"{url}/dataservers/{server}"
    source = from_config({"data_archive_uri": uri, "username": "a", "password": "b"})

    def read(tag: str) -> Rows:
        table = source.get_data(SeriesSelector("pi", tag), start, end)
        if not table.num_rows:
            return []
        times = [nanoseconds(one) for one in table.column("ts").to_pylist()]
        good = [flag == 1 for flag in table.column("quality").to_pylist()]
        return rows(times, table.column("value").to_pylist(), good)

    return read


def rows(times: Any, values: Any, good: Any) -> Rows:
    return [
        [int(time), plain(value) if ok else None]
        for time, value, ok in zip(times, values, good, strict=True)
    ]


def nanoseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def plain(value: Any) -> Any:
    """As JSON can tell it; what is missing is null."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and math.isnan(value):
        return None
    return value if isinstance(value, int | float | str | bool) else None


CLIENTS = {"greenlang": greenlang, "tagreader": tagreader, "kukur": kukur}


def main() -> None:
    asked = json.load(sys.stdin)
    start, end = (datetime.fromisoformat(asked[name]) for name in ("start", "end"))
    low, high = nanoseconds(start), nanoseconds(end)
    read = CLIENTS[sys.argv[1]](sys.argv[2], start, end)
    found: dict[str, Rows | str] = {}
    for tag in asked["tags"]:
        try:
            found[tag] = [row for row in read(tag) if low <= row[0] < high]
        except Exception as error:
            found[tag] = type(error).__name__
    print(json.dumps(found))


if __name__ == "__main__":
    main()
