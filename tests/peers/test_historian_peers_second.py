"""The Proficy and OIBus emulators, and the stand-in for Honeywell's library, do as described."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from . import historian_truth as truth
from . import proficy_data
from .historian_launch import HistorianPeer, compile_with_phd_stub, start_mono
from .historian_tags import Event
from .oibus_agent import value_text

PROBE = Path(__file__).with_name("phd_probe.cs")
START, END = "2025-01-01T00:00:00.000Z", "2025-01-01T00:10:00.000Z"


def token(peer: HistorianPeer, **form: str) -> dict[str, Any]:
    knobs = peer.knobs()
    basic = (knobs["client_id"], knobs["client_secret"])
    form = form or {"grant_type": "client_credentials"}
    answer = requests.post(f"{peer.origin}/uaa/oauth/token", data=form, auth=basic, timeout=20)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def get(peer: HistorianPeer, path: str, /, **parameters: Any) -> Any:
    headers = {"Authorization": f"Bearer {token(peer)['access_token']}"}
    answer = requests.get(peer.url + path, params=parameters, headers=headers, timeout=20)
    assert answer.status_code == 200, answer.text
    return answer.json()


def samples(peer: HistorianPeer, call: str, /, **parameters: Any) -> list[tuple[str, str, int]]:
    found = get(peer, f"/datapoints/{call}", **parameters)
    assert (found["ErrorCode"], found["Data"][0]["ErrorCode"]) == (0, 0), found
    return [(s["TimeStamp"], s["Value"], s["Quality"]) for s in found["Data"][0]["Samples"]]


def expected(events: list[Event]) -> list[tuple[str, str, int]]:
    rows = [proficy_data.sample(event) for event in events]
    return [(proficy_data.time_text(row.ticks), row.value, row.quality) for row in rows]


# --- Proficy -----------------------------------------------------------------------------


@pytest.mark.parametrize("excludes", [True, False])
@pytest.mark.parametrize("name", ["Ramp", "Mixed", "Flags", "Duplicates", "Text", "Integer"])
def test_raw_samples_by_time(proficy_peer: HistorianPeer, name: str, *, excludes: bool) -> None:
    proficy_peer.set(raw_excludes_start=excludes)
    found = samples(proficy_peer, "raw", tagNames=name, start=START, end=END, count=0, direction=0)
    events = truth.recorded(name, START, END)
    wanted = [e for e in events if not (excludes and e.ticks == truth.ticks(START))]
    assert found == expected(wanted)


def test_raw_samples_by_number_in_both_directions(proficy_peer: HistorianPeer) -> None:
    common = {"tagNames": "Ramp", "count": 3}
    up = samples(proficy_peer, "raw", **common, start=START, end=END, direction=0)
    down = samples(proficy_peer, "raw", **common, start=END, end=START, direction=1)
    assert [value for _, value, _ in up] == ["0.0", "0.5", "1.0"]
    assert [value for _, value, _ in down] == ["5.0", "4.5", "4.0"]


def test_path_query_and_body_forms_say_the_same(proficy_peer: HistorianPeer) -> None:
    headers = {"Authorization": f"Bearer {token(proficy_peer)['access_token']}"}
    base = f"{proficy_peer.url}/datapoints/raw"
    values = {"tagNames": "Ramp;Mixed", "start": START, "end": END, "direction": 0, "count": 0}
    path = f"{base}/Ramp%3BMixed/{START}/{END}/0/0"
    answers = [
        requests.get(path, headers=headers, timeout=20),
        requests.get(base, params=values, headers=headers, timeout=20),
        requests.post(base, json=values, headers=headers, timeout=20),
    ]
    assert [len(data["Samples"]) for data in answers[0].json()["Data"]] == [10, 10]
    assert answers[0].json() == answers[1].json() == answers[2].json()


@pytest.mark.parametrize("data_type", proficy_data.DATA_TYPES)
def test_every_value_is_text(proficy_peer: HistorianPeer, data_type: str) -> None:
    window = {"start": START, "end": END, "count": 0, "direction": 0}
    name = f"Type.{data_type}"
    entry = get(proficy_peer, "/datapoints/raw", tagNames=name, **window)["Data"][0]
    assert entry["DataType"] == data_type
    assert all(isinstance(sample["Value"], str) for sample in entry["Samples"])
    assert len({sample["Value"] for sample in entry["Samples"]}) >= 2


def test_interpolated_and_calculated(proficy_peer: HistorianPeer) -> None:
    window = {"tagNames": "Ramp", "start": START, "end": END, "count": 0, "intervalMs": 90_000}
    for stamp, value, _ in samples(proficy_peer, "interpolated", **window):
        assert float(value) == pytest.approx(truth.interpolated("Ramp", stamp).number)
    minutes = {**window, "intervalMs": 120_000}
    kinds = {1: "Average", 2: "StdDev", 3: "Total", 4: "Minimum", 5: "Maximum"}
    for mode, kind in kinds.items():
        found = samples(proficy_peer, "calculated", **minutes, calculationMode=mode)
        assert [stamp for stamp, _, _ in found][:2] == [
            "2025-01-01T00:02:00.000Z",
            "2025-01-01T00:04:00.000Z",
        ]
        wanted = truth.time_weighted("Ramp", START, "2025-01-01T00:02:00Z")[kind]
        assert float(found[0][1]) == pytest.approx(wanted)
    proficy_peer.set(interval_stamp="start")
    first = samples(proficy_peer, "sampled", **minutes, samplingMode=6, calculationMode=6)[0]
    assert first == ("2025-01-01T00:00:00.000Z", "2.0", 3)


def test_trend_adds_statistics(proficy_peer: HistorianPeer) -> None:
    window = {"tagNames": "Ramp", "start": START, "end": END, "count": 2}
    entry = get(proficy_peer, "/datapoints/trend", **window)["Data"][0]
    assert [float(sample["Value"]) for sample in entry["Samples"]] == [0.0, 2.5, 2.5, 5.0]
    assert float(entry["Statistics"]["Average"]) == pytest.approx(2.5)


def test_current_values(proficy_peer: HistorianPeer) -> None:
    proficy_peer.set(now="2025-01-01T00:10:30Z")
    found = get(proficy_peer, "/datapoints/currentvalue", tagNames="Ramp;Empty;Mixed")["Data"]
    assert [len(entry["Samples"]) for entry in found] == [1, 0, 1]
    assert found[2]["Samples"][0] == {
        "TimeStamp": "2025-01-01T00:10:00.000Z",
        "Value": "255",
        "Quality": 0,
    }


def test_errors_come_with_a_200(proficy_peer: HistorianPeer) -> None:
    window = {"start": START, "end": END, "count": 0, "direction": 0}
    found = get(proficy_peer, "/datapoints/raw", tagNames="Ramp;NoSuch", **window)
    assert [entry["ErrorCode"] for entry in found["Data"]] == [0, -14]
    proficy_peer.set(unknown_tag="top")
    found = get(proficy_peer, "/datapoints/raw", tagNames="Ramp;NoSuch", **window)
    assert (found["ErrorCode"], found["Data"]) == (-14, [])
    proficy_peer.fault("error_code", "datapoints", code=-2, message="timeout")
    found = get(proficy_peer, "/datapoints/raw", tagNames="Ramp", **window)
    assert (found["ErrorCode"], found["ErrorMessage"]) == (-2, "timeout")
    assert get(proficy_peer, "/tags/properties/NoSuch")["ErrorCode"] == 6


@pytest.mark.parametrize("scope", ["query", "tag"])
def test_too_many_samples(proficy_peer: HistorianPeer, scope: str) -> None:
    proficy_peer.set(max_samples=10, size_scope=scope)
    window = {"start": START, "end": END, "count": 0, "direction": 0}
    found = get(proficy_peer, "/datapoints/raw", tagNames="Single;Ramp;Duplicates", **window)
    codes = [found["ErrorCode"], *(entry["ErrorCode"] for entry in found["Data"])]
    assert codes == ([-24] if scope == "query" else [0, 0, 0, -24])


def test_tags_and_their_pages(proficy_peer: HistorianPeer) -> None:
    found = get(proficy_peer, "/tags", nameMask="Bulk*", maxNumber=100)
    assert (found["ErrorCode"], len(found["tags"])) == (14, 100)
    assert len(get(proficy_peer, "/tags", nameMask="Bulk*", maxNumber=0)["tags"]) == 2500
    page = get(proficy_peer, "/tagslist", tagname="bulk", pagesize=1000, pageno=3)
    assert (len(page["Data"]), page["Links"]["next"]) == (500, None)
    assert "pageno=2" in page["Links"]["prev"]


def test_tokens(proficy_peer: HistorianPeer) -> None:
    knobs = proficy_peer.knobs()
    assert requests.get(proficy_peer.url + "/tags", timeout=20).status_code == 401
    password = {"username": knobs["user"], "password": knobs["password"]}
    first = token(proficy_peer, grant_type="password", **password)
    again = token(proficy_peer, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert again["access_token"] != first["access_token"]
    proficy_peer.set(token_seconds=0.05)
    headers = {"Authorization": f"Bearer {token(proficy_peer)['access_token']}"}
    time.sleep(0.1)
    late = requests.get(proficy_peer.url + "/tags", headers=headers, timeout=20)
    assert late.status_code == 401
    url = f"{proficy_peer.origin}/uaa/oauth/token"
    wrong = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
    assert requests.post(url, data=wrong, timeout=20).status_code == 401


# --- the OIBus agent ---------------------------------------------------------------------


def oibus(
    peer: HistorianPeer, method: str, action: str, body: dict[str, Any] | None = None
) -> requests.Response:
    return requests.request(method, f"{peer.url}/api/opc/plant/{action}", json=body, timeout=20)


HDA = {"host": "localhost", "serverName": "OPC.PHDServerHDA.1", "mode": "hda"}
DA = {"host": "localhost", "serverName": "OPC.PHDServerDA.1", "mode": "da"}


def hda(names: list[str], aggregate: str, resampling: str, **more: Any) -> dict[str, Any]:
    """The body of a read as OIBus's connector writes it."""
    items = [{"name": f"my {name}", "nodeId": name} for name in names]
    pace = {"maxReadValues": 3600, "intervalReadDelay": 0}
    window = {"startTime": START, "endTime": END, "items": items}
    return {**HDA, **pace, "aggregate": aggregate, "resampling": resampling, **window, **more}


def test_the_agent_wants_a_connection_first(oibus_peer: HistorianPeer) -> None:
    refused = oibus(oibus_peer, "PUT", "read", hda(["Ramp"], "raw", "none"))
    assert (refused.status_code, refused.text) == (400, "Not connected")
    assert oibus(oibus_peer, "PUT", "connect", {**HDA, "serverName": "Other"}).status_code == 400
    assert oibus(oibus_peer, "PUT", "connect", {**HDA, "mode": "da"}).status_code == 400
    for _ in range(2):  # it does no harm to connect again
        assert oibus(oibus_peer, "PUT", "connect", HDA).status_code == 200
    assert oibus(oibus_peer, "GET", "status").json() == {"mode": "hda", "status": "running"}
    assert oibus(oibus_peer, "DELETE", "disconnect").status_code == 200
    assert oibus(oibus_peer, "GET", "status").status_code == 400
    oibus_peer.set(reconnects=True)
    assert oibus(oibus_peer, "PUT", "read", hda(["Ramp"], "raw", "none")).status_code == 200


def test_the_agent_reads_raw_values_and_averages(oibus_peer: HistorianPeer) -> None:
    oibus(oibus_peer, "PUT", "connect", HDA)
    found = oibus(oibus_peer, "PUT", "read", hda(["Ramp", "NoSuch", "Mixed"], "raw", "none")).json()
    assert found["recordCount"] == len(found["content"]) == 20
    assert found["maxInstantRetrieved"] == found["content"][-1]["timestamp"]
    assert found["content"][1] == {
        "pointId": "my Ramp",
        "timestamp": "2025-01-01T00:01:00.000Z",
        "data": {"value": "0.5", "quality": "0x400C0"},
    }
    bad = [one["data"] for one in found["content"] if one["data"]["quality"] == "0x40018"]
    assert bad == [{"value": "246", "quality": "0x40018"}]
    means = oibus(oibus_peer, "PUT", "read", hda(["Ramp"], "time-average", "1min")).json()
    assert [one["data"]["value"] for one in means["content"]][:2] == ["0.25", "0.75"]
    assert means["content"][0]["data"]["quality"] == "0x800C0"
    unknown = oibus(oibus_peer, "PUT", "read", hda(["Ramp"], "mean", "1min")).json()
    assert unknown["content"][1]["data"]["value"] == "0.5"  # raw, whatever it was called
    oibus_peer.set(unknown_item="400")
    refused = oibus(oibus_peer, "PUT", "read", hda(["NoSuch"], "raw", "none"))
    assert (refused.status_code, refused.text) == (400, "Item NoSuch was not found")


def test_the_agent_tells_no_point_without_a_value(oibus_peer: HistorianPeer) -> None:
    oibus(oibus_peer, "PUT", "connect", HDA)
    found = oibus(oibus_peer, "PUT", "read", hda(["Errors"], "raw", "none")).json()
    assert [one["data"]["value"] for one in found["content"]] == [
        str(n) for n in range(10) if n != 4
    ]


def test_the_agent_tells_again_what_it_read_before_a_page(oibus_peer: HistorianPeer) -> None:
    oibus(oibus_peer, "PUT", "connect", HDA)
    body = hda(["Ramp", "Single"], "raw", "none", maxReadValues=4)
    found = oibus(oibus_peer, "PUT", "read", body).json()["content"]
    values = [one["data"]["value"] for one in found if one["pointId"] == "my Ramp"]
    assert values == ["0", "0.5", "1", "1.5", "1.5", "2", "2.5", "3", "3", "3.5", "4", "4.5"]
    assert [one["data"]["value"] for one in found if one["pointId"] == "my Single"] == ["42.5"]


def test_the_agent_reads_current_values(oibus_peer: HistorianPeer) -> None:
    assert oibus(oibus_peer, "PUT", "connect", DA).status_code == 200
    items = [{"name": name, "nodeId": name} for name in ("Ramp", "NoSuch", "Empty")]
    body = {**DA, "startTime": START, "endTime": END, "items": items}
    (found,) = oibus(oibus_peer, "PUT", "read", body).json()["content"]
    assert found["timestamp"] == "2025-12-31T23:59:00.000Z"
    assert found["data"] == {"value": "262799.5", "quality": "0xC0"}


def test_the_agent_writes_values_as_dotnet_does() -> None:
    values = [1.0, 1 / 3, 1e-7, 1.5e20, 2**31, "007", True, None]
    told = ["1", "0.333333333333333", "1E-07", "1.5E+20", "2147483648", "007", "True", None]
    assert [value_text(value) for value in values] == told


# --- Honeywell's library -----------------------------------------------------------------


def probe(stub: Path, *words: str) -> list[str]:
    program = compile_with_phd_stub(PROBE)
    assert program.parent == stub.parent
    ran = subprocess.run(
        ["mono", str(program), *words], check=True, capture_output=True, text=True, timeout=60
    )
    return ran.stdout.splitlines()


def test_a_foreign_program_reads_the_stand_in(phd_stub: Path) -> None:
    rows = probe(phd_stub, "Mixed", "1/1/2025 1:00:00", "1/1/2025 1:06:00", "None")
    wanted = truth.recorded("Mixed", START, "2025-01-01T00:06:00Z")
    assert [row.split()[2] for row in rows] == ["100" if e.good else "0" for e in wanted]
    assert rows[3] == "2025-01-01T01:03:00 246 0"
    assert [float(row.split()[1]) for row in rows if row.endswith(" 100")] == [
        event.number for event in wanted if event.good
    ]


SERVER_SOURCE = """
using System;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Uniformance.PHD;

static class SmallServer
{
    static void Main(string[] words)
    {
        var listener = new TcpListener(IPAddress.Loopback, int.Parse(words[1]));
        listener.Start();
        Console.WriteLine("{\\"port\\": " + ((IPEndPoint)listener.LocalEndpoint).Port + "}");
        while (true)
            using (var client = listener.AcceptTcpClient())
            using (var historian = new PHDHistorian())
            {
                historian.DefaultServer = new PHDServer("phd.example");
                historian.StartTime = historian.EndTime = "NOW";
                double[] times = null, values = null;
                short[] confidences = null;
                historian.FetchData(new Tag("Ramp"), ref times, ref values, ref confidences);
                byte[] line = Encoding.ASCII.GetBytes(DateTime.FromOADate(times[0]).ToString("s"));
                client.GetStream().Write(line, 0, line.Length);
            }
    }
}
"""


@pytest.mark.usefixtures("phd_stub")
def test_a_server_under_mono_starts_and_stops(tmp_path: Path) -> None:
    source = tmp_path / "small_server.cs"
    source.write_text(SERVER_SOURCE, encoding="utf-8")
    program = compile_with_phd_stub(source)
    settings = {"zone": "America/New_York", "now": "2025-02-01T12:00:00Z", "log": tmp_path / "log"}
    with start_mono("small server", program, **settings) as peer:
        with socket.create_connection((peer.host, peer.port), timeout=20) as wire:
            assert wire.recv(100) == b"2025-02-01T07:00:00"
        assert (tmp_path / "log").read_text().startswith("FetchData\tRamp\tNOW\tNOW\tRaw\tNone\t")
    assert not peer.alive


def test_local_times_come_twice_when_the_clock_goes_back(phd_stub: Path) -> None:
    rows = probe(phd_stub, "Dst", "10/26/2025 1:00:00", "10/26/2025 3:00:00", "None")
    stamps = [row.split()[0] for row in rows]
    assert len(stamps) == 181
    assert len(set(stamps)) == 121


def test_many_tags_leave_an_empty_row_for_one_that_has_nothing(phd_stub: Path) -> None:
    rows = probe(phd_stub, "Ramp,NoSuch", "1/1/2025 1:00:00", "1/1/2025 1:01:00", "None")
    assert rows == [
        "Ramp|phd.example|2025-01-01T01:00:00|0|100|degC",
        "Ramp|phd.example|2025-01-01T01:01:00|0.5|100|degC",
        "NoSuch|phd.example||||",
    ]
    assert probe(phd_stub, "NoSuch", "NOW-1H", "NOW", "None") == ["error -14"]
