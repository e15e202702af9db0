"""Maximo: work orders by key, side by side with requests and json alone.

Run it from the top folder: ``python -m tests.bench.bench_cmms [rows]``; 200,000 unless told. The
server, in a process of its own, finds a page by bisection and has its rows made beforehand. The bare
client asks for the same pages in the same way and keeps nothing but the rows it counts; what is
measured beside it makes typed columns, the hash and the frame too. CPU time, and the peak of the
whole process, interpreter and libraries included.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time
from bisect import bisect_right
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

import greenlang_data as gd

SITES = ("BEDFORD", "DRESDEN", "NASHUA")
PAGE = 1_000
_WHERE = re.compile(r'(siteid|wonum)(=|>)"([^"]*)"')


def row(site: str, number: int) -> dict[str, Any]:
    """A work order with all that is selected."""
    moment = f"2026-03-{1 + number % 28:02d}T08:{number % 60:02d}:00-05:00"
    times = ("reportdate", "schedstart", "schedfinish", "actstart", "actfinish", "statusdate")
    return {
        "href": f"http://127.0.0.1/maximo/api/os/mxapiwodetail/_{number}",
        "wonum": f"{number:08d}",
        "siteid": site,
        "orgid": "EAGLENA",
        "description": f"Corrective work on pump {number}",
        "status": "WCLOSE",
        "status_maxvalue": "COMP",
        "worktype": "CM",
        "wopriority": 1 + number % 4,
        "assetnum": f"{number % 300:05d}",
        "location": f"BR{number % 120:03d}",
        "istask": False,
        "woclass": "WORKORDER",
        "historyflag": False,
        "targcompdate": "2026-04-01",
        "estdur": 4.25,
        "actlabhrs": 3.5,
        "actlabcost": 241.17,
        "actmatcost": 1093.4,
        "acttotalcost": 1334.57,
        "problemcode": "LEAK",
        "changedate": moment,
        **dict.fromkeys(times, moment),
    }


class Handler(BaseHTTPRequestHandler):
    """Answers what comes after a key."""

    protocol_version = "HTTP/1.1"
    numbers: list[str]
    rows: dict[str, list[bytes]]

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        found = _WHERE.findall(query.get("oslc.where", [""])[0])
        site, after = "", ""
        for name, relation, value in found:
            if name == "siteid":
                site = value if relation == "=" else value + "\x00"
            else:
                after = value
        sites = [one for one in SITES if one >= site]
        if after:
            sites = [site]
        page = b""
        if sites:
            start = bisect_right(self.numbers, after)
            page = b",".join(self.rows[sites[0]][start : start + PAGE])
        body = b'{"member":[' + page + b'],"responseInfo":{"pagenum":1}}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve(rows: int) -> None:
    count = rows // len(SITES)
    Handler.numbers = [f"{number:08d}" for number in range(count)]
    Handler.rows = {
        site: [json.dumps(row(site, number)).encode() for number in range(count)] for site in SITES
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


def bare(url: str) -> int:
    """The same pages with requests and json alone."""
    count, where = 0, ""
    with requests.Session() as session:
        while True:
            params = {"oslc.where": where} if where else {}
            rows = session.get(f"{url}/api/os/MXAPIWODETAIL", params=params, timeout=60).json()
            rows = rows["member"]
            count += len(rows)
            if not rows and ">" not in where.partition(" and ")[2]:
                return count
            if rows:
                last = rows[-1]
                where = f'siteid="{last["siteid"]}" and wonum>"{last["wonum"]}"'
            else:
                where = f'siteid>"{last["siteid"]}"'


def frame(url: str, rows: int) -> int:
    config = gd.CMMSConfig(
        connector_id="maximo",
        connector_type="cmms",
        cmms_system="maximo",
        api_url=url,
        api_key="key",
        page_size=PAGE,
    )
    with gd.Session([config]) as session:
        found = session.cmms("work_order")
    assert gd.verify(found) == "intact"
    return len(found)


def _peak() -> float:
    """Megabytes resident at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(rows: int) -> None:
    command = [sys.executable, "-m", "tests.bench.bench_cmms", "--serve", str(rows)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/maximo"
        for name, read in (("bare", lambda: bare(url)), ("frame", lambda: frame(url, rows))):
            before = _peak()
            begun, used = time.perf_counter(), time.process_time()
            count = read()
            begun, used = time.perf_counter() - begun, time.process_time() - used
            print(
                f"{name}: {count:,} rows, {begun:.1f} s, {used:.1f} s of CPU; "
                f"peak {_peak():,.0f} MB, {before:,.0f} MB before"
            )
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    if "--serve" in sys.argv:
        serve(int(sys.argv[-1]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
