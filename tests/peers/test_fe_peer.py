"""SAP's mock server by hand: tokens, batches and pages, asked for by nothing but urllib."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.parse import quote

import pytest

from .launch_erp import ODataPeer

SERVICE, SET = "API_PURCHASEORDER_PROCESS_SRV", "A_PurchaseOrderItem"


def ask(url: str, body: str | None = None, **headers: str) -> tuple[dict[str, str], str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    data = None if body is None else body.encode()
    request = urllib.request.Request(quote(url, safe=":/?$&=,'()"), data, named)
    with opener.open(request, timeout=30) as answer:
        return dict(answer.headers), answer.read().decode()


def test_pages_of_either_version(fe_peer: ODataPeer) -> None:
    paging = "$top=2&$skip=9&$format=json"
    _, v2 = ask(f"{fe_peer.v2(SERVICE)}/{SET}?{paging}&$inlinecount=allpages")
    _, v4 = ask(f"{fe_peer.v4(SERVICE)}/{SET}?{paging}&$count=true")
    told: Any = json.loads(v2)["d"]
    assert int(told["__count"]) == json.loads(v4)["@odata.count"] == 1_000
    for rows in (told["results"], json.loads(v4)["value"]):
        assert [row["PurchaseOrder"] for row in rows] == ["4500000000", "4500000001"]
        assert [row["PurchaseOrderItem"] for row in rows] == ["00100", "00010"]
    assert [one["method"] for one in fe_peer.requests()] == ["GET", "GET"]


@pytest.mark.parametrize("version", [2, 4])
def test_a_token_is_given_and_a_batch_is_answered(fe_peer: ODataPeer, version: int) -> None:
    root = fe_peer.v2(SERVICE) if version == 2 else fe_peer.v4(SERVICE)
    headers, _ = ask(f"{root}/", X_CSRF_Token="Fetch")
    token = headers["X-CSRF-Token"]
    part = f"GET {SET}?$top=1 HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n"
    head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    _, answer = ask(
        f"{root}/$batch",
        f"--batch_1\r\n{head}{part}--batch_1--\r\n",
        X_CSRF_Token=token,
        Content_Type="multipart/mixed; boundary=batch_1",
    )
    assert token
    assert "HTTP/1.1 200" in answer
    assert '"PurchaseOrder":"4500000000"' in answer
