"""An OData V4 table of any length that is made while it is read, so that it takes no time.

``python -m tests.bench.long_table --port P --rows N``: ``/v4/S/Rows`` of 28 columns, by its key.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Final
from urllib.parse import unquote

_PAGE: Final = 5_000
_TEXTS: Final = 16
_METADATA: Final = (
    '<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0">'
    '<edmx:DataServices><Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="S">'
    '<EntityType Name="Row"><Key><PropertyRef Name="ID"/></Key>'
    '<Property Name="ID" Type="Edm.String" Nullable="false" MaxLength="10"/>'
    + "".join(f'<Property Name="T{n}" Type="Edm.String" MaxLength="40"/>' for n in range(_TEXTS))
    + "".join(
        f'<Property Name="D{n}" Type="Edm.Decimal" Precision="13" Scale="3"/>' for n in range(7)
    )
    + '<Property Name="B" Type="Edm.Boolean"/><Property Name="I" Type="Edm.Int64"/>'
    '<Property Name="Day" Type="Edm.Date"/><Property Name="At" Type="Edm.DateTimeOffset"/>'
    '</EntityType><EntityContainer Name="C"><EntitySet Name="Rows" EntityType="S.Row"/>'
    "</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"
)


def row(number: int) -> str:
    """One row as JSON."""
    texts = "".join(f',"T{n}":"Item {number * 7 + n:08d}"' for n in range(_TEXTS))
    decimals = "".join(f',"D{n}":"{number % 9_000_000 * 31 + n}.{n}25"' for n in range(7))
    return (
        f'{{"ID":"{number:010d}"{texts}{decimals},"B":true,"I":"{number}","Day":"2024-03-05",'
        f'"At":"2024-03-05T10:{number % 60:02d}:00Z"}}'
    )


class Table(BaseHTTPRequestHandler):
    """Answers the metadata, the count, and the page after a key."""

    rows: ClassVar[int] = 0
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        target = unquote(self.path)
        if "$metadata" in target:
            self._send(_METADATA, "application/xml")
        elif "/$count" in target:
            self._send(str(self.rows), "text/plain")
        else:
            after = re.search(r"ID gt '(\d+)'", target)
            first = int(after[1]) + 1 if after else 0
            numbers = range(first, min(first + _PAGE, self.rows))
            count = f'"@odata.count":{self.rows},' if "$count=true" in target else ""
            content = ",".join(map(row, numbers))
            self._send(f'{{{count}"value":[{content}]}}', "application/json")

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _send(self, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("OData-Version", "4.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Print the ready line and serve until stdin is closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rows", type=int, required=True)
    options = parser.parse_args()
    Table.rows = options.rows
    with ThreadingHTTPServer(("127.0.0.1", options.port), Table) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(json.dumps({"port": server.server_port, "pid": os.getpid()}), flush=True)
        sys.stdin.buffer.read()
        server.shutdown()


if __name__ == "__main__":
    main()
