"""The README's sources of emissions: its configuration is read, listed, checked and answered."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import greenlang_data as gd
from greenlang_data.cli import main
from tests.drivers.dahs.test_dahs import lines, write
from tests.peers.campd_server import KEY
from tests.peers.ecmps_truth import report, xml_of
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch_analyser import ModbusAnalyser

README = Path(__file__).resolve().parent.parent.parent / "README.md"
MAP = """tag,table,address,type,word_order,unit
SO2.ppb,input,34,float32,ABCD,[ppb]
Flow,input,300,float32,ABCD,m3/h
SpanCalibration,discrete,17,bool,,
SystemOK,discrete,19,bool,,
"""


@pytest.fixture
def file(
    tmp_path: Path,
    modbus_analyser: ModbusAnalyser,
    campd_peer: HistorianPeer,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The README's greenlang.toml, with the addresses of the peers, and the files beside it."""
    section = README.read_text().split("### Sources of emissions")[1]
    text = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)[0]
    text = text.replace("192.168.1.70:502", f"127.0.0.1:{modbus_analyser.port}")
    text = text.replace("facility_id = 3", f'facility_id = 3\nserver_url = "{campd_peer.url}"')
    monkeypatch.setenv("EPA_API_KEY", KEY)
    (tmp_path / "analyser.csv").write_text(MAP)
    for folder in ("reports", "export"):
        (tmp_path / folder).mkdir()
    (tmp_path / "reports" / "2021q1.xml").write_bytes(xml_of(report(2021, 1)))
    plain = [line.replace("NOx [mg/Nm3]", "NOx") for line in lines()]
    write(tmp_path / "export" / "minutes_1.csv", plain)
    path = tmp_path / "greenlang.toml"
    path.write_text(text)
    return path


def test_every_source_answers(file: Path) -> None:
    with gd.Session.from_toml(file) as s:
        now = datetime.now(UTC)
        live = s.cems(["SO2"], now, now + timedelta(seconds=0.5), source="stack1")
        assert set(live["quality_flag"]) == {"measured"}
        window = ("2021-02-01", "2021-02-02")
        epa = s.cems(["SO2", "NOx_rate", "operating_time"], *window, source="epa", shape="wide")
        assert (len(epa), epa.isna().sum().sum()) == (24, 0)
        hours = s.cems(["SO2C", "FLOW", "derived:CO2C"], *window, source="part75")
        assert len(hours) == 72
        assert "modc" in hours.columns
        day = ("2025-01-09T23:00Z", "2025-01-10T01:00Z")
        minutes = s.cems(["NOx"], *day, source="dahs")
        assert len(minutes) == 120
        with pytest.raises(gd.UnsupportedError, match="no recording"):
            s.cems(["SO2"], "*-8h", "*-1h", source="stack1")


def test_every_source_tells_its_tags_and_is_checked(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with gd.Session.from_toml(file) as s:
        first = {name: s.tags(name).find()["tag_id"].iloc[0] for name in s.sources}
    assert first == {"stack1": "SO2", "epa": "SO2", "part75": "SO2C", "dahs": "NOx"}
    assert main(["check", str(file)]) == 0
    assert capsys.readouterr().out.count(" ok ") == 4


def test_a_wrong_key_is_told_with_the_nearest(file: Path) -> None:
    text = file.read_text()
    for right, wrong, message in (
        ("moisture =", "moistur =", "measurands.0.moistur is no key here. Did you mean 'moisture'"),
        ('means = "fault"', 'means = "falt"', "did you mean 'fault'"),
        ("flag_column =", "flagcolumn =", "Did you mean 'flag_column'"),
        ('stamp = "end"', 'stamp = "midle"', "stamp"),
    ):
        file.write_text(text.replace(right, wrong, 1))
        with pytest.raises(gd.ConfigurationError, match=re.escape(message)):
            gd.Session.from_toml(file)
