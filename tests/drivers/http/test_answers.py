"""What a web server may answer, good and bad, and what becomes of it."""

from __future__ import annotations

import resource
from collections.abc import Callable

import pytest

from greenlang_data.drivers.base import ReadLog
from greenlang_data.errors import (
    AuthenticationError,
    LoadBudgetExceeded,
    ProtocolError,
    SourceBusy,
    SourceError,
    SourceTimeout,
    SourceUnreachable,
    TransientError,
)
from tests.drivers.http.conftest import Web, run


def test_an_answer_is_decoded_and_written_down(web: Web) -> None:
    log = ReadLog()
    assert run(web.client(), "hello", log).data == {"hello": "world"}
    (exchange,) = log.exchanges
    assert log.requests == 1
    assert (exchange["request"], exchange["status"]) == ("GET /hello", 200)
    assert exchange["request_id"] == "served-1"
    assert exchange["bytes"] == len('{"hello": "world"}')


def test_every_request_has_an_id_of_its_own(web: Web) -> None:
    log, client = ReadLog(), web.client()
    for _ in range(2):
        run(client, "suffix", log)
    sent = {one["headers"]["X-Request-Id"] for one in web.seen("/suffix")}
    assert {one["request_id"] for one in log.exchanges} <= sent
    assert len(sent) >= 2


def test_json_by_another_name_is_json(web: Web) -> None:
    assert run(web.client(), "suffix").data == {"ok": 1}


def test_members_of_a_gzip_are_joined(web: Web) -> None:
    assert run(web.client(), "zipped").data == {"a": [1, 2]}


def test_parameters_are_quoted_and_a_body_arrives(web: Web) -> None:
    run(web.client(), "hello", params=[("q", "a b&c=ü;#"), ("q", "2")])
    assert web.seen("/hello")[-1]["path"] == "/hello?q=a+b%26c%3D%C3%BC%3B%23&q=2"
    echo = run(web.client(), "echo", method="POST", content=b'{"x":1}').data
    assert echo == {"body": '{"x":1}', "type": "application/json"}


def test_a_part_that_nobody_asked_for_is_no_answer(web: Web) -> None:
    with pytest.raises(ProtocolError, match=r"a part of the answer \(HTTP 206\).*proxy"):
        run(web.client(), "partial")


def test_a_cookie_of_one_server_is_not_for_another_on_the_same_machine(
    serve: Callable[..., Web],
) -> None:
    web, tokens = serve(), serve()
    client = web.client(
        login="client_credentials",
        client_id="me",
        client_secret="long-secret",
        token_url=f"{tokens.url}/token",
    )
    for _ in range(2):
        run(client, "cookie")
        # The token is renewed, now that there is a cookie.
        with pytest.raises(AuthenticationError):
            run(client, "status?code=401")
    assert len(tokens.seen("/token")) > 1
    assert not any("Cookie" in one["headers"] for one in tokens.seen("/token"))
    sent = [one["headers"].get("Cookie") for one in web.seen("/cookie")]
    assert sent == [None, "session=abc"]


def test_cookies_are_kept_for_the_same_server(web: Web) -> None:
    client = web.client()
    assert run(client, "cookie").data == {"had": ""}
    assert run(client, "cookie").data == {"had": "session=abc"}
    assert client.cookie("session") == "abc"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, SourceError),
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, ProtocolError),
        (407, AuthenticationError),
        (408, SourceTimeout),
        (409, SourceError),
        (425, SourceBusy),
        (429, SourceBusy),
        (500, TransientError),
        (501, ProtocolError),
        (502, SourceUnreachable),
        (503, SourceBusy),
        (504, SourceTimeout),
    ],
)
def test_a_status_has_its_error(web: Web, status: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"web: .*HTTP {status}") as caught:
        run(web.client(), "status", params=[("code", str(status))])
    transient = status in (408, 425, 429) or (status >= 500 and status != 501)
    assert isinstance(caught.value, TransientError) is transient


def test_an_expected_status_is_an_answer(web: Web) -> None:
    answer = run(web.client(), "status", params=[("code", "404")], expected=frozenset({404}))
    assert (answer.status, answer.data) == (404, None)
    assert b"pump" in answer.body


@pytest.mark.parametrize(
    ("query", "seconds"),
    [([("after", "7")], 7), ([("after", "0.5")], 0.5), ([("after", "soon")], None), ([], None)],
)
def test_retry_after_in_seconds(
    web: Web, query: list[tuple[str, str]], seconds: float | None
) -> None:
    with pytest.raises(SourceBusy) as caught:
        run(web.client(), "status", params=[("code", "429"), *query])
    assert caught.value.retry_after == seconds


def test_retry_after_as_a_date_counts_from_the_servers_own_clock(web: Web) -> None:
    with pytest.raises(SourceBusy) as caught:
        run(web.client(), "status", params=[("code", "503"), ("date", "90")])
    assert caught.value.retry_after is not None
    assert 88 <= caught.value.retry_after <= 91


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("html", ProtocolError, "text/html titled 'Please log in' instead of data"),
        ("unnamed-html", ProtocolError, "an unnamed type instead of data"),
        ("broken-json", ProtocolError, "cannot be understood .*truncated"),
        ("garbage", SourceUnreachable, "the connection to http://127.0.0.1:.* failed"),
        ("cut", SourceUnreachable, "before it was whole"),
        ("cut-chunk", SourceUnreachable, "the connection to|before it was whole"),
        ("cut-zip", TransientError, "not whole"),
        ("bad-zip", ProtocolError, "compression is broken"),
        ("brotli", ProtocolError, "compressed as 'br'"),
        ("missing", ProtocolError, "HTTP 404: Not here"),
        ("circle", ProtocolError, "in circles.*Configure the address"),
        ("moved-to-nonsense", ProtocolError, "no web address"),
        ("moved-to-bytes", ProtocolError, "HTTP 404"),
        ("two-lengths", ProtocolError, "how long its answer is"),
        ("chunk-of-negative-length", SourceUnreachable, "web: the connection to .*Check the"),
    ],
)
def test_a_wrong_answer_is_an_error(
    web: Web, path: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        run(web.client(), path)


@pytest.mark.parametrize("path", ["bomb", "endless", "declared", "large"])
def test_no_answer_is_larger_than_allowed(web: Web, path: str) -> None:
    with pytest.raises(LoadBudgetExceeded, match=r"larger than 1000000 bytes.*max_answer_bytes"):
        run(web.client(max_answer_bytes=1_000_000), path)


def test_the_same_server_is_followed_and_no_other(web: Web) -> None:
    client = web.client()
    assert run(client, "moved").data == {"hello": "world"}
    with pytest.raises(ProtocolError, match=f"another server .http://127.0.0.1:{web.other}"):
        run(client, "elsewhere")
    with pytest.raises(ProtocolError, match=r"redirects a POST to /echo"):
        run(client, "moved", method="POST", content=b"{}")
    with pytest.raises(ProtocolError, match="another server"):
        client.resolve(f"http://127.0.0.1:{web.other}/next")
    assert client.resolve(f"{web.url}/next?page=2") == f"{web.url}/next?page=2"


def test_what_comes_with_a_redirect_is_not_read(web: Web) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert run(web.client(), "moved-with-much").data == {"hello": "world"}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_a_link_to_the_next_page_is_taken_from_where_it_stood(web: Web) -> None:
    client = web.client()
    client.base_url += "/service"
    answer = run(client, f"{web.url}/hello")
    assert client.linked(answer, "Items?$skiptoken=7") == f"{web.url}/Items?$skiptoken=7"
    assert client.linked(answer, "/x/y") == f"{web.url}/x/y"
    assert client.linked(answer, f"{web.url}/z") == f"{web.url}/z"
    for foreign in (f"http://127.0.0.1:{web.other}/", "//evil.example/", "https://127.0.0.1/"):
        with pytest.raises(ProtocolError, match="another server"):
            client.linked(answer, foreign)
    for nonsense in ("file:///etc/passwd", "http://[::1/x", "http://127.0.0.1:port/"):
        with pytest.raises(ProtocolError, match="no web address"):
            client.linked(answer, nonsense)


@pytest.mark.parametrize("sign", ["\\", "\\@", "x@", "\t@", "\x00@"])
def test_a_link_that_can_be_read_in_two_ways_is_not_followed(web: Web, sign: str) -> None:
    client = web.client()
    answer = run(client, "hello")
    ours, other = f"127.0.0.1:{web.port}", f"127.0.0.1:{web.other}"
    for first, second in ((other, ours), (ours, other)):
        with pytest.raises(ProtocolError, match=r"another server|two ways|no web"):
            client.linked(answer, f"http://{first}{sign}{second}/hello")
        with pytest.raises(ProtocolError, match=r"another server|two ways|no web"):
            client.resolve(f"http://{first}{sign}{second}/hello")


def test_nobody_there(web: Web) -> None:
    gone = Web(1, 1)
    with pytest.raises(SourceUnreachable, match=r"http://127.0.0.1:1 failed: Connection refused"):
        run(gone.client(), "hello")
