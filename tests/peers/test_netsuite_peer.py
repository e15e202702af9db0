"""The NetSuite emulator: SuiteQL with its caps, records, and both ways to log in."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256
from requests_oauthlib import OAuth1

from . import netsuite_rows as truth
from .erp_live import is_steady
from .fixtures import renewed
from .historian_launch import HistorianPeer
from .launch_erp import start_netsuite

LINES = 6_000
TRANSIENT = {"Prefer": "transient"}
ALL_LINES = "SELECT uniquekey, transaction, quantity FROM transactionline"


def signed(secret: str = "s3cret-consumer", realm: str = "1234567_SB1") -> Any:
    return OAuth1("consumer-key", secret, "token-id", "s3cret-token", realm=realm,
                  signature_method=SIGNATURE_HMAC_SHA256)  # fmt: skip


netsuite_session, netsuite = renewed(
    "netsuite", lambda: start_netsuite(lines=LINES), scope="module"
)


def query(
    peer: HistorianPeer, text: str, status: int = 200, *, limit: int = 1_000, offset: int = 0,
    auth: Any = None, headers: dict[str, str] | None = None,
) -> Any:  # fmt: skip
    answer = requests.post(
        f"{peer.url}/query/v1/suiteql?limit={limit}&offset={offset}",
        json={"q": text},
        headers=TRANSIENT if headers is None else headers,
        auth=auth or signed(),
        timeout=30,
    )
    assert answer.status_code == status, answer.text[:300]
    return answer.json()


def walk(peer: HistorianPeer, text: str, limit: int = 1_000) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        body = query(peer, text, limit=limit, offset=len(found))
        found += body["items"]
        if not body["hasMore"]:
            return found


def test_values_are_texts_and_nothing_is_left_out(netsuite: HistorianPeer) -> None:
    found = walk(netsuite, "SELECT * FROM transactionline ORDER BY uniquekey")
    assert len(found) == LINES
    for item, told in zip(found, map(truth.transaction_line, range(LINES)), strict=True):
        assert item.pop("links") == []
        assert set(item) == {name for name, value in told.items() if value is not None}
        assert item["mainline"] == ("T" if told["mainline"] else "F")
        assert Decimal(item["netamount"]) == told["netamount"]
        assert item["uniquekey"] == str(told["uniquekey"])


def test_dates_have_the_users_format_unless_asked_otherwise(netsuite: HistorianPeer) -> None:
    text = (
        "SELECT trandate, lastmodifieddate,"
        " TO_CHAR(lastmodifieddate, 'YYYY-MM-DD\"T\"HH24:MI:SS') AS exact"
        " FROM transaction WHERE id = 42"
    )
    told = truth.transaction(41)
    row = query(netsuite, text)["items"][0]
    assert row["trandate"] == told["trandate"].strftime("%m/%d/%Y")
    assert row["lastmodifieddate"] == told["lastmodifieddate"].strftime("%m/%d/%Y")
    assert row["exact"] == told["lastmodifieddate"].isoformat()
    netsuite.set(date_format="DD.MM.YYYY")
    assert query(netsuite, text)["items"][0]["trandate"] == told["trandate"].strftime("%d.%m.%Y")


def test_tables_join_and_filters_take_dates(netsuite: HistorianPeer) -> None:
    text = (
        "SELECT tl.uniquekey, t.tranid, BUILTIN.DF(tl.units) AS unit FROM transactionline tl"
        " JOIN transaction t ON t.id = tl.transaction"
        " WHERE t.type = 'VendBill' AND t.trandate >= TO_DATE('2024-06-01','YYYY-MM-DD')"
        " ORDER BY tl.uniquekey"
    )
    wanted = [
        str(index + 1)
        for index in range(LINES)
        if (of := truth.transaction(index // truth.LINES))["type"] == "VendBill"
        and str(of["trandate"]) >= "2024-06-01"
    ]
    assert [row["uniquekey"] for row in walk(netsuite, text)] == wanted
    few = query(netsuite, f"{ALL_LINES} ORDER BY uniquekey FETCH FIRST 3 ROWS ONLY")
    assert few["totalResults"] == 3


def test_rows_end_at_the_cap(netsuite: HistorianPeer) -> None:
    netsuite.set(row_cap=2_000)
    found = walk(netsuite, f"{ALL_LINES} ORDER BY uniquekey")
    assert len(found) == 2_000
    more = walk(
        netsuite, f"{ALL_LINES} WHERE uniquekey > {found[-1]['uniquekey']} ORDER BY uniquekey"
    )
    assert more[0]["uniquekey"] == "2001"
    query(netsuite, ALL_LINES, 400, offset=2_000)


def test_without_order_rows_are_repeated_and_lost(netsuite: HistorianPeer) -> None:
    found = [row["uniquekey"] for row in walk(netsuite, ALL_LINES)]
    assert len(set(found)) < len(found)


def test_an_order_that_holds_rows_equal_is_none(netsuite: HistorianPeer) -> None:
    text = "SELECT tl.uniquekey FROM transactionline tl ORDER BY tl.location"
    found = [row["uniquekey"] for row in walk(netsuite, text)]
    assert len(set(found)) < len(found) == LINES
    found = [row["uniquekey"] for row in walk(netsuite, f"{text}, tl.uniquekey DESC")]
    assert len(set(found)) == LINES


def test_rows_come_and_go(netsuite: HistorianPeer) -> None:
    netsuite.set(inserts=1, deletes=2)
    found = [int(row["uniquekey"]) - 1 for row in walk(netsuite, f"{ALL_LINES} ORDER BY uniquekey")]
    steady = {index for index in range(LINES) if is_steady(index)}
    assert len(found) != len(set(found)) or steady - set(found)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("DELETE FROM vendor", {}),
        ("SELECT nope FROM vendor", {}),
        ("SELECT id FROM vendor LIMIT 5", {}),
        (ALL_LINES, {"limit": 1_001}),
        (ALL_LINES, {"limit": 100, "offset": 50}),
        (ALL_LINES, {"headers": {}}),
    ],
)
def test_what_cannot_be_done_is_told(
    netsuite: HistorianPeer, text: str, options: dict[str, Any]
) -> None:
    body = query(netsuite, text, 400, **options)
    assert body["o:errorDetails"][0]["o:errorCode"].startswith("INVALID_")


def test_signatures_are_checked_and_used_once(netsuite: HistorianPeer) -> None:
    query(netsuite, ALL_LINES, 401, auth=signed(secret="wrong"))
    query(netsuite, ALL_LINES, 401, auth=signed(realm="1234567-sb1"))
    url = f"{netsuite.url}/system/v1/governanceLimits"
    prepared = requests.Session().prepare_request(requests.Request("GET", url, auth=signed()))
    with requests.Session() as session:
        assert session.send(prepared, timeout=30).json()["accountConcurrencyLimit"] == 5
        assert session.send(prepared, timeout=30).status_code == 401


@pytest.mark.parametrize("algorithm", ["PS256", "ES256"])
def test_assertions_are_exchanged_for_tokens(netsuite: HistorianPeer, algorithm: str) -> None:
    key: Any = (
        rsa.generate_private_key(65537, 3072)
        if algorithm == "PS256"
        else ec.generate_private_key(ec.SECP256R1())
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    netsuite.set(public_key=public.decode(), auth="oauth2")
    url = f"{netsuite.url}/auth/oauth2/v1/token"
    now = int(time.time())
    claims = {"iss": "historian-client", "scope": ["rest_webservices"], "aud": url,
              "iat": now, "exp": now + 600}  # fmt: skip

    def exchange(**changed: Any) -> requests.Response:
        assertion = jwt.encode(claims | changed, key, algorithm, headers={"kid": "certificate-1"})
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        form = {"grant_type": "client_credentials", "client_assertion_type": kind,
                "client_assertion": assertion}  # fmt: skip
        return requests.post(url, data=form, timeout=30)

    for wrong in ({"aud": "https://elsewhere"}, {"exp": now + 4_000}, {"iss": "nobody"}):
        assert exchange(**wrong).status_code == 400
    token = exchange().json()
    assert set(token) == {"access_token", "expires_in", "token_type"}
    bearer = TRANSIENT | {"Authorization": f"Bearer {token['access_token']}"}
    answer = requests.post(
        f"{netsuite.url}/query/v1/suiteql",
        json={"q": "SELECT id FROM location"},
        headers=bearer,
        timeout=30,
    )
    assert answer.json()["count"] == 3
    query(netsuite, ALL_LINES, 401)


def test_record_collections_name_ids_only(netsuite: HistorianPeer) -> None:
    def get(path: str, status: int = 200) -> Any:
        answer = requests.get(f"{netsuite.url}/record/v1/{path}", auth=signed(), timeout=30)
        assert answer.status_code == status, answer.text[:300]
        return answer.json()

    bills = get("vendorBill?limit=10")
    assert [set(item) for item in bills["items"]] == [{"links", "id"}] * 10
    one = get(f"vendorBill/{bills['items'][3]['id']}")
    assert one["tranId"] == truth.transaction(int(one["id"]) - 1)["tranid"]
    properties = get("metadata-catalog/vendorBill")["properties"]
    assert set(one) - {"links"} <= set(properties)
    since = get('vendor?q=lastModifiedDate ON_OR_AFTER "06/01/2025"&limit=1000')
    assert since["totalResults"] == sum(
        str(truth.vendor(index)["lastmodifieddate"]) >= "2025-06-01" for index in range(500)
    )
    get('vendor?q=lastModifiedDate ON_OR_AFTER "2025-06-01"', 400)


def test_concurrency_is_limited(netsuite: HistorianPeer) -> None:
    from concurrent.futures import ThreadPoolExecutor

    netsuite.set(concurrent_max=2, work=0.3)

    def ask(_: int) -> int:
        url = f"{netsuite.url}/system/v1/governanceLimits"
        return requests.get(url, auth=signed(), timeout=30).status_code

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert set(found) == {200, 429}
