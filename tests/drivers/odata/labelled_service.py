"""An OData service whose labels are in the language that is asked for, else in the user's own.

``/v2/S/Rows`` has a column ``ID``, whose label is ``Number`` or ``Nummer``. Its metadata have one
ETag in all languages, and it answers 304 to that.
"""

from __future__ import annotations

import base64
from typing import Final

from tests.peers.historian_http import Answer, Emulator, Request, run
from tests.peers.historian_launch import HistorianPeer, start_module

LABELS: Final = {"EN": "Number", "DE": "Nummer"}
OWN: Final = {"anna": "DE", "bob": "EN", "token-of-anna": "DE"}
_ETAG: Final = 'W/"1"'
_METADATA: Final = (
    '<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">'
    '<edmx:DataServices><Schema Namespace="NS" xmlns="http://schemas.microsoft.com/ado/2008/09/edm"'
    ' xmlns:sap="http://www.sap.com/Protocols/SAPData"><EntityType Name="Row"><Key>'
    '<PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.String" sap:label="{0}"/>'
    '</EntityType><EntityContainer Name="C"><EntitySet Name="Rows" EntityType="NS.Row"/>'
    "</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"
)


def start_labelled_service() -> HistorianPeer:
    """Start it in a process of its own."""
    return start_module("labelled OData service", "tests.drivers.odata.labelled_service")


class LabelledService(Emulator):
    """It has metadata, and no rows."""

    def handle(self, request: Request) -> Answer:
        if request.parts[-1] != "$metadata":
            return Answer(body={"d": {"results": []}})
        if request.headers.get("if-none-match") == _ETAG:
            return Answer(304, b"", {"ETag": _ETAG})
        language = request.one("sap-language") or OWN.get(_user(request), "EN")
        text = _METADATA.format(LABELS[language])
        return Answer(body=text, headers={"ETag": _ETAG}, content_type="application/xml")


def _user(request: Request) -> str:
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    return base64.b64decode(rest).decode().partition(":")[0] if scheme == "Basic" else rest


if __name__ == "__main__":
    run(__doc__, lambda options: LabelledService())
