"""PHD through an OPC UA wrapper, and through its own library."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import greenlang_data as gd
from tests.peers.launch import OpcuaPeer

START = datetime(2025, 1, 1, tzinfo=UTC)


def config(url: str, **more: Any) -> gd.HistorianConfig:
    return gd.HistorianConfig(
        connector_id="phd",
        connector_type="historian",
        historian_type="phd",
        server_url=url,
        timeout_seconds=10,
        max_retries=0,
        **more,
    )


def test_history_over_opc_ua(opcua_peer: OpcuaPeer) -> None:
    more = {"security_mode": "None", "namespace_index": opcua_peer.namespace}
    end = START + timedelta(seconds=100)
    with gd.Session([config(opcua_peer.endpoint, **more)]) as s:
        raw = s.historian(["History.Million"], START, end)
        mean = s.historian(["History.Million"], START, end, "50s", "avg")
        spread = s.historian(["History.Million"], START, end, "50s", "std")
        weighted = s.historian(["History.Million"], START, end, "50s", "time_avg")
        now = s.snapshot(["Bulk.00003"])
        assert "Bulk.00003" in " ".join(s.tags("phd").find("*Bulk.00003")["tag_id"])
    assert raw["History.Million"].tolist() == [n * 0.001 - 3 for n in range(100)]
    assert mean["History.Million"].tolist() == pytest.approx([-2.9755, -2.9255])
    assert weighted["History.Million"].tolist() == pytest.approx([-2.975, -2.925])
    assert any("TimeAverage computed here" in one for one in weighted.attrs["provenance"]["notes"])
    half = [n * 0.001 for n in range(50)]
    assert spread["History.Million"].tolist() == pytest.approx([statistics.stdev(half)] * 2)
    assert now["value"].tolist() == [1.75]
    assert raw.attrs["provenance"]["source_system"].startswith("phd opc.tcp://")


def test_one_key_lets_credentials_go_unencrypted_over_opc_ua_as_over_http(
    opcua_peer: OpcuaPeer,
) -> None:
    more: dict[str, Any] = {
        "security_mode": "None",
        "username": "operator",
        "password": "secret-operator",
    }
    end = START + timedelta(milliseconds=5)
    with (
        gd.Session([config(opcua_peer.endpoint, **more)]) as s,
        pytest.raises(gd.ConfigurationError, match="allow_clear_text_credentials = true"),
    ):
        s.historian(["History.Million"], START, end)
    more |= {"allow_clear_text_credentials": True, "namespace_index": opcua_peer.namespace}
    with gd.Session([config(opcua_peer.endpoint, **more)]) as s:
        assert len(s.historian(["History.Million"], START, end)) == 1


def test_its_own_library_is_refused_where_there_is_no_windows() -> None:
    with (
        gd.Session([config("phd://phd.example:3100")]) as s,
        pytest.raises(gd.ConfigurationError, match=r"runs on Windows only\. Run the gateway"),
    ):
        s.historian(["Ramp"], START, START + timedelta(hours=1))


@pytest.mark.parametrize(
    ("url", "key", "value"),
    [
        ("http://127.0.0.1:8088", "security_mode", "None"),
        ("opc.tcp://127.0.0.1:4840", "ca_path", "ca.pem"),
        ("opc.tcp://127.0.0.1:4840", "token", "t"),
        ("phd://phd.example", "trust_on_first_use", True),
    ],
)
def test_a_key_that_would_do_nothing_is_refused(url: str, key: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{key} does nothing at"):
        config(url, **{key: value})
