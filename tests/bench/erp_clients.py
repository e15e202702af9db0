"""One client reading one set over OData V2 into a frame, in a process of its own.

``python erp_clients.py CLIENT SERVICE_URL SET [--again] [NAME=VALUE ...]`` prints what it took as
JSON, with ``--again`` also what a second read in the same process took of CPU; the names are those of
a source's configuration, for the client ``greenlang_data`` only. A client that is
not installed ends with a line that says so and status 3.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

LOGIN = ("operator", "s3cret-Pässword")
SIZE = 10  # rows in a page, where the server is throttled
Read = Callable[[], int]


def greenlang(url: str, name: str, keys: dict[str, Any]) -> Read:
    import greenlang_data as gd

    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    about = {"connector_type": "erp", "erp_system": "sap", "base_url": origin}
    login = {"username": LOGIN[0], "password": LOGIN[1]}
    source = gd.ERPConfig(connector_id="s4", services={"S": parts.path}, **about, **login, **keys)
    session = gd.Session([source])
    session.erp.fields(f"S/{name}")  # imports, and reads the metadata
    return lambda: len(session.erp(f"S/{name}", limit=None))


def obedient(url: str, name: str, keys: dict[str, Any]) -> Read:
    """What a careful script does: pages one after the other, and Retry-After waited out."""
    import pandas as pd
    import requests

    def read() -> int:
        rows: list[dict[str, Any]] = []
        size = keys.get("page_size")
        following: str | None = f"{url}/{name}?$format=json"
        with requests.Session() as session:
            session.auth = requests.auth.HTTPBasicAuth(LOGIN[0], LOGIN[1].encode())
            while following:
                if size:
                    following = f"{url}/{name}?$format=json&$top={size}&$skip={len(rows)}"
                answer = session.get(following, timeout=60)
                if answer.status_code == 429:
                    time.sleep(float(answer.headers["Retry-After"]))
                    continue
                answer.raise_for_status()
                body = answer.json()["d"]
                rows += body["results"]
                following = url if size and body["results"] else body.get("__next")
        return len(pd.DataFrame(rows))

    return read


def pyodata(url: str, name: str, keys: dict[str, Any]) -> Read:
    """By its own pages, each entity's properties taken into a row."""
    import pandas as pd
    import pyodata as client
    import requests
    from requests.auth import HTTPBasicAuth

    session = requests.Session()
    session.auth = HTTPBasicAuth(LOGIN[0], LOGIN[1].encode())  # as text it would be Latin-1
    service = client.Client(url, session)
    entities = getattr(service.entity_sets, name)
    kind = service.schema.entity_set(name).entity_type
    columns = [one.name for one in kind.proprties()]

    def read() -> int:
        rows: list[dict[str, Any]] = []
        size = keys.get("page_size")
        following: str | None = None
        while True:
            asked = entities.get_entities()
            if size:
                asked = asked.top(size).skip(len(rows))
            elif following:
                asked = asked.next_url(following)
            found = asked.execute()
            rows += [{column: getattr(one, column) for column in columns} for one in found]
            following = found.next_url
            if not (len(found) if size else following):
                return len(pd.DataFrame(rows))

    return read


CLIENTS: dict[str, Callable[[str, str, dict[str, Any]], Read]] = {
    "greenlang_data": greenlang,
    "requests + pandas": obedient,
    "pyodata": pyodata,
}


def main() -> None:
    client, url, name, *pairs = [one for one in sys.argv[1:] if one != "--again"]
    keys = {key: json.loads(value) for key, _, value in (pair.partition("=") for pair in pairs)}
    try:
        read = CLIENTS[client](url, name, keys)
    except ImportError as error:
        print(f"not installed ({error.name})")
        raise SystemExit(3) from None
    wall, cpu = time.perf_counter(), time.process_time()
    rows = read()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    took = {"rows": rows, "wall": wall, "cpu": cpu}
    if "--again" in sys.argv:
        before = time.process_time()
        read()
        took["again"] = time.process_time() - before
    took["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(took))


if __name__ == "__main__":
    main()
