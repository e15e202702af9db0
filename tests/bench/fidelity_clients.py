"""One client reading ``EveryTypeSet`` into pandas and into Parquet, in a process of its own.

``python fidelity_clients.py CLIENT WIRE URL FOLDER`` leaves what it found in ``FOLDER`` and prints
the versions. It imports this package only for the client ``greenlang_data``, so that the others may
have an environment of their own. A client that is not installed, or does not speak the wire, ends
with a line that says so and status 3.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LOGIN = ("operator", "s3cret-Pässword")
SET = "EveryTypeSet"
Made = tuple[Any, Path]  # a frame and a Parquet file


def greenlang(wire: str, url: str, folder: Path) -> Made:
    import greenlang_data as gd

    parts = urlsplit(url)
    source = gd.ERPConfig(
        connector_id="s4",
        connector_type="erp",
        erp_system="sap",
        base_url=f"{parts.scheme}://{parts.netloc}",
        username=LOGIN[0],
        password=LOGIN[1],
        services={"Z_EVERY_TYPE_SRV": parts.path},
    )
    print(gd.__name__, gd.__version__, end=", ")
    with gd.Session([source]) as s:
        frame = s.erp(f"Z_EVERY_TYPE_SRV/{SET}", limit=None)
    return frame, gd.to_parquet(frame, folder / "types.parquet")


def plain(wire: str, url: str, folder: Path) -> Made:
    """What a script does: every page as JSON, all rows into one frame."""
    import pandas as pd
    import requests

    accept = "application/json;IEEE754Compatible=true" if wire == "always" else "application/json"
    following: str | None = f"{url}/{SET}"
    rows: list[dict[str, Any]] = []
    while following:
        answer = requests.get(
            following,
            headers={"Accept": accept},
            auth=(LOGIN[0], LOGIN[1].encode()),
            timeout=60,
        )
        answer.raise_for_status()
        body = answer.json()
        rows += body["d"]["results"] if wire == "v2" else body["value"]
        following = body["d"].get("__next") if wire == "v2" else body.get("@odata.nextLink")
    frame = pd.DataFrame(rows).drop(columns="__metadata", errors="ignore")
    return frame, written(frame, folder)


def pyodata(wire: str, url: str, folder: Path) -> Made:
    """Told to keep null, which it makes zeros and 1753 of unless told."""
    import pandas as pd
    import pyodata as client
    import requests
    from pyodata.v2.model import Config
    from requests.auth import HTTPBasicAuth

    if wire != "v2":
        absent("speaks V2 only")
    session = requests.Session()
    session.auth = HTTPBasicAuth(LOGIN[0], LOGIN[1].encode())  # as text it would be Latin-1
    service = client.Client(url, session, config=Config(retain_null=True))
    entities = getattr(service.entity_sets, SET)
    names = [one.name for one in service.schema.entity_type(f"{SET}Type").proprties()]
    rows, asked = [], entities.get_entities()
    while True:
        found = asked.execute()
        rows += [{name: getattr(one, name) for name in names} for one in found]
        if found.next_url is None:
            break
        asked = entities.get_entities().next_url(found.next_url)
    frame = pd.DataFrame(rows)
    return frame, written(frame, folder)


def dlt(wire: str, url: str, folder: Path) -> Made:
    """Its Parquet is what it loads; its frame is that of the same rows loaded into DuckDB."""
    os.environ.update(SCHEMA__NAMING="direct", RUNTIME__DLTHUB_TELEMETRY="false")
    os.environ["DLT_DATA_DIR"] = str(folder / "dlt")
    import dlt as client
    from dlt.sources.helpers.rest_client import RESTClient
    from dlt.sources.helpers.rest_client.auth import HttpBasicAuth
    from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

    accept = "application/json;IEEE754Compatible=true" if wire == "always" else "application/json"
    where, link = ("d.results", "d.__next") if wire == "v2" else ("value", "'@odata.nextLink'")
    rest = RESTClient(
        url,
        headers={"Accept": accept},
        auth=HttpBasicAuth(*LOGIN),
        paginator=JSONLinkPaginator(next_url_path=link),
        data_selector=where,
    )

    def rows() -> Iterator[list[dict[str, Any]]]:
        for page in rest.paginate(SET):
            yield [{k: v for k, v in row.items() if k != "__metadata"} for row in page]

    def load(destination: Any, **more: Any) -> Any:
        name = f"fidelity_{wire}_{destination.destination_name}"
        pipeline = client.pipeline(name, destination=destination, dataset_name="erp")
        pipeline.run(client.resource(rows(), name="types"), **more)
        return pipeline

    bucket = folder / "bucket"
    load(client.destinations.filesystem(bucket.as_uri()), loader_file_format="parquet")
    duck = load(client.destinations.duckdb(str(folder / "types.duckdb")))
    with duck.sql_client() as sql, sql.execute_query("SELECT * FROM types") as cursor:
        frame = cursor.df()
    return frame, next(bucket.rglob("types/*.parquet"))


def written(frame: Any, folder: Path) -> Path:
    path = folder / "types.parquet"
    frame.to_parquet(path)
    return path


def absent(why: str) -> None:
    print(why)
    raise SystemExit(3)


def plain_cell(value: Any) -> Any:
    """A cell as a plain value; a point in time is ``(nanoseconds since 1970, has a zone)``."""
    if type(value).__name__ in ("NaTType", "NAType") or value != value:
        return None
    if type(value).__name__ == "datetime":
        import pandas as pd

        value = pd.Timestamp(value)
    if type(value).__name__ == "Timestamp":
        per_unit = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
        epoch = type(value)(0, unit="s", tz=value.tz).as_unit(value.unit)
        return ((value - epoch)._value * per_unit[value.unit], value.tz is not None)
    if hasattr(value, "item"):
        return value.item()
    return bytes(value) if isinstance(value, bytearray | memoryview) else value


CLIENTS: dict[str, tuple[Callable[[str, str, Path], Made], tuple[str, ...]]] = {
    "greenlang_data": (greenlang, ("pandas",)),
    "requests + pandas": (plain, ("requests", "pandas")),
    "pyodata": (pyodata, ("pyodata", "pandas")),
    "dlt": (dlt, ("dlt", "duckdb")),
}


def main() -> None:
    name, wire, url, folder = sys.argv[1:]
    read, packages = CLIENTS[name]
    try:
        frame, path = read(wire, url, Path(folder))
    except ImportError as error:
        absent(f"not installed ({error.name})")
    import pyarrow.parquet as pq

    made = {
        "pandas": {str(one): list(frame[one]) for one in frame},
        "Parquet": pq.read_table(path).to_pydict(),
    }
    found = {
        kind: {one: [plain_cell(value) for value in values] for one, values in columns.items()}
        for kind, columns in made.items()
    }
    Path(folder, "found.pickle").write_bytes(pickle.dumps(found))
    print(", ".join(f"{one} {version(one)}" for one in packages))


if __name__ == "__main__":
    main()
