"""greenlang.toml: read whole, or an error that names the file, the key and the nearest right one."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import greenlang_data as gd
from greenlang_data.settings.toml import Settings, read_settings
from greenlang_data.sources import config_classes

WHOLE = """
tz = "Europe/Berlin"

[defaults]
timeout_seconds = 20

[sources.plant1]
kind = "scada"
protocol = "OPCUA"
endpoint = "opc.tcp://plant1:4840"
username = "reader"
password = { env = "PLANT1_PASSWORD" }
server_certificate_path = "plant1.der"
tags = "tags.csv"

[sources.boiler]
kind = "scada"
protocol = "modbus"
endpoint = "192.168.1.50:502"
timeout_seconds = 5
registers = "boiler.csv"

[[sources.meter.registers]]
tag = "Power"
table = "input"
address = 0
type = "float32"
word_order = "CDAB"
unit = "kW"

[sources.meter]
kind = "scada"
protocol = "modbus"
endpoint = "meter:502"

[sources.books]
kind = "erp"
mock_mode = true
"""


def write(folder: Path, text: str) -> Path:
    (folder / "tags.csv").write_text("tag,node_id,unit\nSteam,ns=2;s=Steam.Flow,t/h\n")
    (folder / "boiler.csv").write_text(
        "tag,table,address,type,word_order,scale,unit,bit\n"
        "SteamFlow,holding,0,float32,CDAB,,t/h,\nFeedTemp,input,12,int16,,0.1,Cel,\n"
        "BurnerOn,holding,20,bool,,,,3\n"
    )
    file = folder / "greenlang.toml"
    file.write_text(text)
    return file


def read(folder: Path, text: str) -> Settings:
    return read_settings(write(folder, text), config_classes())


def test_a_whole_file(tmp_path: Path) -> None:
    settings = read(tmp_path, WHOLE)
    assert settings.zone == ZoneInfo("Europe/Berlin")
    plant, boiler, meter, books = settings.configs
    assert isinstance(plant, gd.SCADAConfig)
    assert (plant.connector_id, plant.connector_type) == ("plant1", "scada")
    assert (plant.protocol, plant.timeout_seconds, plant.username) == ("opcua", 20, "reader")
    assert plant.server_certificate_path == str(tmp_path / "plant1.der")
    assert [(one.tag, one.node_id, one.unit) for one in plant.tags] == [
        ("Steam", "ns=2;s=Steam.Flow", "t/h")
    ]
    assert isinstance(boiler, gd.SCADAConfig)
    assert boiler.timeout_seconds == 5
    assert [one.tag for one in boiler.registers] == ["SteamFlow", "FeedTemp", "BurnerOn"]
    assert isinstance(meter, gd.SCADAConfig)
    assert meter.registers[0].word_order == "CDAB"
    assert isinstance(books, gd.ERPConfig)
    assert books.mock_mode


def test_a_session_reads_the_file_and_answers(tmp_path: Path) -> None:
    file = write(tmp_path, '[sources.books]\nkind = "erp"\nmock_mode = true\n')
    with gd.Session.from_toml(file) as session:
        assert len(session.erp("plant")) == 2
    assert read_settings(file, config_classes()).zone is UTC


SOURCE = '[sources.a]\nkind = "scada"\nprotocol = "modbus"\nendpoint = "h:502"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["sources", "there are none"]),
        ("x = \ny = 1", ["is not TOML", "line 1"]),
        ('timezone = "UTC"\n' + SOURCE, ["timezone", "no key", "'tz'|Known"]),
        ('tz = "Europe/Berln"\n' + SOURCE, ["tz", "Europe/Berln"]),
        ("sources = 5", ["sources", "not a table"]),
        ("[sources]\na = 5", ["a is not a table|a", "table"]),
        ("[defaults]\ntimeout = 5\n" + SOURCE, ["defaults.timeout", "timeout_seconds"]),
        ('[defaults]\nendpoint = "x"\n' + SOURCE, ["defaults.endpoint"]),
        ("[sources.a]\nx = 1", ["sources.a.kind", "missing"]),
        ('[sources.a]\nkind = ["scada"]', ["sources.a.kind", "'scada'"]),
        ('[sources.a]\nkind = "scda"', ["sources.a.kind", "'scda'", "'scada'"]),
        (SOURCE + "timeout_second = 5", ["sources.a.timeout_second", "'timeout_seconds'"]),
        (SOURCE + 'timeout_seconds = "soon"', ["sources.a.timeout_seconds", "valid number"]),
        (SOURCE + "timeout_seconds = 900", ["sources.a.timeout_seconds", "300"]),
        (SOURCE.replace("modbus", "modbuss"), ["sources.a.protocol", "did you mean 'modbus'?"]),
        (
            SOURCE + '[[sources.a.registers]]\ntag = "T"\ntable = "holding"\nadress = 0\n'
            'type = "flaot32"',
            ["registers.0.adress", "Did you mean 'address'? Correct", "did you mean 'float32'?"],
        ),
        (
            SOURCE.replace("modbus", "opcua")
            + '[[sources.a.tags]]\ntag = "T"\nnode_id = "ns=2;s=a"\n'
            '[[sources.a.tags]]\ntag = "T"\nnode_id = "ns=2;s=b"',
            ["sources.a.tags", "'T'", "twice"],
        ),
        (SOURCE + 'endpoint2 = "x"', ["sources.a.endpoint2", "'endpoint'"]),
        (SOURCE + 'registers = "none.csv"', ["registers is 'none.csv'", "no such file"]),
        (SOURCE + "password = { file = 'x' }", ["sources.a.password", "env"]),
        (
            SOURCE + '[[sources.a.registers]]\ntag = "T"\ntable = "holding"\naddress = 0\n'
            'type = "int16"\nunit = "degC"',
            ["sources.a.registers.0.unit", "'degC'", "'Cel'"],
        ),
        (
            SOURCE + '[[sources.a.registers]]\ntag = "T"\ntable = "holding"\naddress = 0\n'
            'type = "float32"',
            ["sources.a.registers.0", "word_order"],
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, says: list[str]) -> None:
    with pytest.raises(gd.ConfigurationError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert "greenlang.toml" in message or "none.csv" in message
    for words in says:
        assert any(word in message for word in words.split("|")), message
    assert caught.value.remedy


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(gd.ConfigurationError, match=r"absent\.toml"):
        gd.Session.from_toml(tmp_path / "absent.toml")


def test_a_file_beside_that_is_missing_names_its_key_and_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "boiler.csv").touch()
    found = r"greenlang\.toml: sources\.a\.registers is 'boilr\.csv'.*boiler\.csv"
    with pytest.raises(gd.ConfigurationError, match=found):
        read(tmp_path, SOURCE + 'registers = "boilr.csv"')


def test_an_unknown_protocol_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(gd.ConfigurationError, match="opcua"):
        read(tmp_path, SOURCE.replace("modbus", "opc-ua"))


def test_no_secret_in_the_message(tmp_path: Path) -> None:
    secret = "correct horse"
    for line in (f'pasword = "{secret}"', f'password = "{secret}"\ntimeout_seconds = 900'):
        with pytest.raises(gd.ConfigurationError) as caught:
            read(tmp_path, SOURCE + line)
        assert secret not in str(caught.value)


LEDGER = """
[sources.books]
kind = "erp"
erp_system = "sap"
base_url = "https://s4.example"
checkpoint_path = "reads"

[sources.books.entities.meter_reading]
service = "Z_METERS_SRV"
name = "ReadingSet"
columns = { meter = "MeterId", posting_date = "ReadOn" }
date = "posting_date"
"""


def test_entities_of_the_users_own(tmp_path: Path) -> None:
    (books,) = read(tmp_path, LEDGER).configs
    assert isinstance(books, gd.ERPConfig)
    assert books.entities["meter_reading"].columns["meter"] == "MeterId"
    assert books.places["meter_reading"][0].date == "posting_date"
    assert books.checkpoint_path == str(tmp_path / "reads")
    with pytest.raises(gd.ConfigurationError, match=r"servce.*service"):
        read(tmp_path, LEDGER.replace("service =", "servce ="))
