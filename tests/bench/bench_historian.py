"""Historians: this package beside tagreader 6.3 and the vendor's community client, on one emulator.

Run ``python -m tests.bench.bench_historian --python PATH --kukur PATH``, where PATH is the Python of
an environment with ``pip install tagreader==6.3.0 osisoft.pidevclub.piwebapi==1.1.5`` (which needs a
compiler and the headers of Kerberos), and of one with ``pip install kukur==0.1.20 numpy requests``.
Each client reads in a process of its own, the clients take
turns, and the best of the rounds counts. ``cpu`` is the client's own; ``peak`` is how much its
memory grew at most, the answer included.

The emulator's answers are recorded once and given again, because what it computes it computes on
the same processor: a client that is ahead with its next request would be measured while the
emulator takes the caches and half of a core from it, and one that waits would not.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

import greenlang_data as gd
from greenlang_data.drivers.proficy.pages import decode_page
from tests.bench.historian_clients import DAY, MILLION, START, processor
from tests.bench.historian_matrix import matrix
from tests.drivers.piwebapi.helpers import config
from tests.peers.historian_launch import HistorianPeer, start_pi, start_proficy

SCRIPT = Path(__file__).with_name("historian_clients.py")
Found = dict[str, Any]


def run(client: str, task: str, peer: HistorianPeer, python: str) -> Found:
    """One measured read in a fresh process, with the number of its requests."""
    peer.clear_requests()
    done = subprocess.run(
        [python, str(SCRIPT), client, task, peer.url],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[2])},
    )
    if done.returncode != 0:
        raise SystemExit(f"{client} {task} failed:\n{done.stderr[-2000:]}")
    found: Found = json.loads(done.stdout.splitlines()[-1])
    return found | {"requests": len(peer.requests())}


def best(rounds: list[Found]) -> Found:
    return {key: min(one[key] for one in rounds) for key in rounds[0]}


def compare(
    what: str,
    task: str,
    clients: dict[str, str],
    peer: HistorianPeer,
    rounds: int,
    delay: float = 0,
) -> None:
    """Print what each client took of recorded answers, and the ratios to ours."""
    with recorded(peer) as replay:
        for client, python in clients.items():
            run(client, task, replay, python)
        replay.set(delay=delay, gzip=False)
        compare_answers(what, task, clients, replay, rounds)


def compare_answers(
    what: str, task: str, clients: dict[str, str], peer: HistorianPeer, rounds: int
) -> None:
    found: dict[str, list[Found]] = {client: [] for client in clients}
    for _ in range(rounds):
        for client, python in clients.items():
            found[client].append(run(client, task, peer, python))
    ours = best(found["greenlang"])
    print(f"\n{what}")
    for client in clients:
        one = best(found[client])
        line = (
            f"  {client:<10} {one['rows']:>9,} rows  wall {one['wall']:7.2f} s  cpu {one['cpu']:7.2f} s"
            f"  peak {one['peak_mb']:7.0f} MB  {one['requests']:>4} requests"
        )
        if client != "greenlang":
            line += (
                f"   = {one['wall'] / ours['wall']:.1f}x wall, {one['cpu'] / ours['cpu']:.1f}x cpu, "
                f"{one['peak_mb'] / ours['peak_mb']:.1f}x memory, "
                f"{one['requests'] / ours['requests']:.1f}x requests"
            )
        print(line)


def recorded(peer: HistorianPeer) -> HistorianPeer:
    """A server that gives the emulator's answers again, at once."""
    audit = Path(tempfile.mkdtemp()) / "requests.jsonl"
    words = ["-m", "tests.bench.recorded_server", "--upstream", peer.origin, "--audit", str(audit)]

    def command(port: int) -> list[str]:
        return [sys.executable, *words, "--port", str(port)]

    return HistorianPeer("recorded answers", command, audit=audit, folder=SCRIPT.parents[2])


def timed(task: Callable[[], Any], rounds: int = 1) -> tuple[float, float]:
    """The best wall and processor seconds."""
    walls, cpus = [], []
    for _ in range(rounds):
        cpu, wall = processor(), time.perf_counter()
        task()
        walls.append(time.perf_counter() - wall)
        cpus.append(processor() - cpu)
    return min(walls), min(cpus)


def names(peer: HistorianPeer) -> None:
    """Requests for names, after a tag was read once."""
    with gd.Session([config(peer)]) as s:
        for turn in ("first", "again"):
            peer.clear_requests()
            s.historian(["Ramp", "Step"], START, START + (DAY - START) / 24)
            asked = [one["path"] for one in peer.requests()]
            data = sum("streamsets" in path for path in asked)
            print(f"  {turn:<6} {len(asked) - data} requests for names, {data} for data")


def cache(peer: HistorianPeer, rounds: int) -> None:
    """A window that was read but for its last hour, read again as a whole."""
    hour = (DAY - START) / 24

    def read(session: gd.Session) -> None:
        assert len(session.historian(["Million"], START, MILLION)) == 1_000_000

    plain, first, again = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            with gd.Session([config(peer, timeout_seconds=300)]) as s:
                s.historian(["Million"], START, START + hour)
                plain.append(timed(partial(read, s)))
            path = f"{folder}/{number}"
            with gd.Session([config(peer, timeout_seconds=300, cache_path=path)]) as s:
                s.historian(["Million"], START, MILLION - hour)
                peer.clear_requests()
                first.append(timed(partial(read, s)))
                asked = len(peer.requests())
                again.append(timed(partial(read, s)))
    # Of the first round the answers had to be recorded.
    best = [tuple(map(min, zip(*found[1:], strict=True))) for found in (plain, first, again)]
    line = "  {:<28} wall {:6.3f} s  cpu {:6.3f} s"
    print(line.format("without the cache", *best[0]))
    for what, found in zip(("the last hour was missing", "all was there"), best[1:], strict=True):
        ratios = [one / other for one, other in zip(best[0], found, strict=True)]
        print(line.format(what, *found), "  = {:.1f}x wall, {:.1f}x cpu".format(*ratios))
    print(f"  requests for the missing hour: {asked}")


def proficy(rounds: int) -> None:
    """The same answer of a million samples, decoded by json and pandas, and here."""
    with start_proficy(bulk=1) as peer:
        body = proficy_answer(peer)

    def theirs() -> pd.DataFrame:
        frame = pd.DataFrame(json.loads(body)["Data"][0]["Samples"])
        frame["TimeStamp"] = pd.to_datetime(frame["TimeStamp"], format="ISO8601")
        frame["Value"] = pd.to_numeric(frame["Value"])
        return frame

    def ours() -> Any:
        return decode_page(body).items[0].columns.batch("Million")

    assert ours().num_rows == len(theirs()) == 1_000_000
    one, other = timed(theirs, rounds), timed(ours, rounds)
    print(
        f"  json and pandas {one[1]:.2f} s cpu, ours {other[1]:.2f} s cpu "
        f"= {one[1] / other[1]:.1f}x ({len(body) / 1e6:.0f} MB)"
    )


def proficy_answer(peer: HistorianPeer) -> bytes:
    peer.set(max_samples=2_000_000)
    form = {"grant_type": "client_credentials", "client_id": "historian-client",
            "client_secret": "s3cret-client"}  # fmt: skip
    token = _get(f"{peer.origin}/uaa/oauth/token", data=urllib.parse.urlencode(form).encode())
    headers = {"Authorization": f"Bearer {json.loads(token)['access_token']}"}
    query = {"tagNames": "Million", "start": f"{START:%Y-%m-%dT%H:%M:%S}.000Z",
             "end": f"{MILLION:%Y-%m-%dT%H:%M:%S}.000Z", "direction": "0", "count": "1000000"}  # fmt: skip
    return _get(f"{peer.url}/datapoints/raw?{urllib.parse.urlencode(query)}", headers=headers)


def _get(url: str, **options: Any) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, **options), timeout=300) as answer:
        body: bytes = answer.read()
    return gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", help="the Python with the other clients; without it only ours")
    parser.add_argument("--kukur", help="the Python with kukur, for the matrix only")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    ours = {"greenlang": sys.executable}
    both = ours | ({"tagreader": options.python} if options.python else {})
    all_three = both | ({"pidevclub": options.python} if options.python else {})
    with start_pi(bulk=200) as peer:
        peer.set(max_returned=150_000, gzip=False)
        compare("1,000,000 raw events; ours with quality, tagreader without", "raw", both, peer,
                options.rounds)  # fmt: skip
        compare("1,000,000 raw events with quality", "status", both, peer, options.rounds)
        if options.python:
            with peer.knob(max_returned=2_000_000, gzip=False):
                compare("the same from a server without a cap, tagreader with pages of 150,000",
                        "large", all_three, peer, 1)  # fmt: skip
        compare("200 tags, a day by the minute, 50 ms a request", "many", both, peer,
                options.rounds, delay=0.05)  # fmt: skip
        print("\nNames of tags")
        names(peer)
        with recorded(peer) as replay:
            replay.set(delay=0.05, gzip=False)
            print(
                "\nThe cache: 1,000,000 raw samples of one tag, 50 ms a request; recorded answers"
            )
            cache(replay, options.rounds)
    print("\nThe correctness matrix: the rows for PI")
    with start_pi(bulk=500) as peer:
        matrix(peer, both | ({"kukur": options.kukur} if options.kukur else {}))
    print("\nProficy: an answer of 1,000,000 samples")
    proficy(options.rounds)


if __name__ == "__main__":
    main()
