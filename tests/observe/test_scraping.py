"""Real scrapes: over HTTP with urllib, and by a Prometheus server where there is one."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.parser import text_string_to_metric_families

from greenlang_data import CircuitOpenError, HealthMonitor

from .fakes import Ask, scripted


@pytest.fixture
def exposition() -> Iterator[int]:
    """The port where the metrics of 3 good and 3 bad requests and an opened breaker are served."""
    registry, connector = CollectorRegistry(), scripted(circuit_breaker_threshold=2)

    async def use() -> None:
        monitor = HealthMonitor(registry=registry)
        monitor.register_connector(connector)
        for _ in range(3):
            await connector.fetch_data(Ask())
        connector.error = ConnectionError("gone")
        for _ in range(3):
            with pytest.raises((ConnectionError, CircuitOpenError)):
                await connector.fetch_data(Ask())
        connector.error = None
        await monitor.check_all_connectors()

    asyncio.run(use())
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_scraping_over_http(exposition: int) -> None:
    with urlopen(f"http://127.0.0.1:{exposition}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    assert {family.name: family.type for family in families} == {
        "connector_health_status": "gauge",
        "connector_requests": "counter",
        "connector_requests_created": "gauge",
        "connector_response_time_seconds": "histogram",
        "connector_response_time_seconds_created": "gauge",
        "connector_circuit_breaker_opens": "counter",
        "connector_circuit_breaker_opens_created": "gauge",
    }
    samples = {
        (one.name, one.labels.get("status", ""), one.labels.get("le", "")): one
        for family in families
        for one in family.samples
    }
    assert samples["connector_requests_total", "success", ""].value == 3
    assert samples["connector_requests_total", "failure", ""].value == 3
    assert samples["connector_response_time_seconds_count", "", ""].value == 6
    assert samples["connector_response_time_seconds_bucket", "", "+Inf"].value == 6
    assert samples["connector_circuit_breaker_opens_total", "", ""].value == 1
    health = samples["connector_health_status", "", ""]
    assert health.value == 2
    assert health.labels == {"connector_id": "plant1", "connector_type": "mock"}


@pytest.fixture
def server(exposition: int, tmp_path: Path) -> Iterator[int]:
    """The port of a Prometheus server that scrapes the exposition twice a second."""
    program = _installed("prometheus")
    settings = tmp_path / "prometheus.yml"
    settings.write_text(
        "global: {scrape_interval: 500ms, scrape_timeout: 500ms}\n"
        "scrape_configs:\n"
        "  - job_name: greenlang\n"
        f"    static_configs: [{{targets: ['127.0.0.1:{exposition}']}}]\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [
        program,
        f"--config.file={settings}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    log = (tmp_path / "log").open("w")
    with log, subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as process:
        try:
            yield port
        finally:
            process.kill()


def _installed(program: str) -> str:
    found = shutil.which(program)
    if found is not None:
        return found
    reason = f"{program} is not installed: run apt-get install {program}"
    if os.environ.get("GREENLANG_REQUIRE_PEERS") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _query(port: int, expression: str) -> list[tuple[dict[str, str], float]]:
    """What the server answers, waiting at most 30 s for its first scrape."""
    url = f"http://127.0.0.1:{port}/api/v1/query?{urlencode({'query': expression})}"
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            with urlopen(url, timeout=5) as answer:
                found = json.load(answer)["data"]["result"]
        except (URLError, ConnectionError):
            found = []
        if found:
            return [(one["metric"], float(one["value"][1])) for one in found]
        time.sleep(0.2)
    pytest.fail(f"no answer to {expression}")


def test_a_prometheus_server_scrapes_and_answers(server: int) -> None:
    [(labels, health)] = _query(server, "connector_health_status")
    assert health == 2
    assert (labels["connector_id"], labels["connector_type"]) == ("plant1", "mock")
    counted = _query(server, "connector_requests_total")
    assert {labels["status"]: number for labels, number in counted} == {"success": 3, "failure": 3}
    [(_, opens)] = _query(server, "connector_circuit_breaker_opens_total")
    assert opens == 1
    quantile = "histogram_quantile(0.9, connector_response_time_seconds_bucket)"
    [(_, seconds)] = _query(server, quantile)
    assert 0 < seconds < 1
