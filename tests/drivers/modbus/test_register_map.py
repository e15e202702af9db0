"""Register maps: what is right is read, what is not is named with its line and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from greenlang_data.errors import ConfigurationError
from greenlang_data.settings.register import Register
from greenlang_data.settings.register_map import read_register_map

HEADER = "tag,table,address,type"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "map.csv"


def read(file: Path, *lines: str) -> tuple[Register, ...]:
    file.write_text("\n".join(lines), encoding="utf-8")
    return read_register_map(file)


def problem(file: Path, *lines: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(file, *lines)
    prefix = f"{file}: "
    assert caught.value.what.startswith(prefix)
    return caught.value.what.removeprefix(prefix)


def test_all_columns_in_any_order(file: Path) -> None:
    got = read(
        file,
        "unit,tag,address,table,type,word_order,length,bit,scale,offset,unit_id",
        "kPa, Boiler.Pressure ,100,holding,float32,CDAB,,,0.1,-5,7",
        "",
        ",Pump.On,3,input,bool,,,15,,,",
        ',"Name, long",10,holding,string,,8,,,,',
        ",,,,,,,,,,",
        ",Coil,65535,coil,bool,,,,,,",
    )
    assert got == (
        Register(
            tag="Boiler.Pressure",
            table="holding",
            address=100,
            type="float32",
            word_order="CDAB",
            scale=0.1,
            offset=-5,
            unit="kPa",
            unit_id=7,
        ),
        Register(tag="Pump.On", table="input", address=3, type="bool", bit=15),
        Register(tag="Name, long", table="holding", address=10, type="string", length=8),
        Register(tag="Coil", table="coil", address=65535, type="bool"),
    )


def test_a_spreadsheets_byte_order_mark_and_line_ends(file: Path) -> None:
    file.write_bytes(f"\ufeff{HEADER}\r\nDruck_Größe,holding,1,int16\r\n".encode())
    assert read_register_map(file)[0].tag == "Druck_Größe"


def test_a_long_map_is_quick(file: Path) -> None:
    lines = [f"T{at},holding,{2 * at},float32,CDAB,0.1" for at in range(5000)]
    assert len(read(file, f"{HEADER},word_order,scale", *lines)) == 5000


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("tag;table;address;type", "line 1: cells are separated by semicolons"),
        ("tag\ttable\taddress\ttype", "line 1: cells are separated by tabs"),
        ("Tag,table,address,type", "line 1: there is no column 'Tag'; did you mean 'tag'?"),
        (f"{HEADER},scaling", "line 1: there is no column 'scaling'; did you mean 'scale'?"),
        (f"{HEADER},", "line 1: there is no column ''; write tag, table"),
        (f"{HEADER},tag", "line 1: column tag is there 2 times"),
        ("tag,table", "line 1: these columns are missing: address, type"),
        ("", "line 1: there is no column ''"),
        (HEADER, "there are no tags below the column names"),
    ],
)
def test_wrong_headers(file: Path, header: str, message: str) -> None:
    assert problem(file, header).startswith(message)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "A,Holding,1,int16,,,",
            "column table: there is no table 'Holding'; did you mean 'holding'?",
        ),
        (
            "A,register,1,int16,,,",
            "column table: there is no table 'register'; write holding, input",
        ),
        (
            "A,holding,1,float,ABCD,,",
            "column type: there is no type 'float'; did you mean 'float",
        ),
        ("A,holding,1,int32,abcd,,", "did you mean 'ABCD'?"),
        ("A,holding,1,int32,,,", "tag 'A': type int32 needs word_order"),
        ("A,holding,0x10,int16,,,", "column address: '0x10' is no whole number"),
        ("A,holding,-1,int16,,,", "column address: '-1' is no whole number"),
        ("A,holding,1.0,int16,,,", "column address: '1.0' is no whole number"),
        ("A,holding,1_0,int16,,,", "column address: '1_0' is no whole number"),
        ("A,holding,70000,int16,,,", "column address: '70000': input should be less than or equal"),
        ("A,,40001,int16,,,", "write table holding and address 0"),
        ("A,,30010,int16,,,", "write table input and address 9"),
        ("A,,10001,int16,,,", "write table discrete and address 0"),
        ("A,,00002,int16,,,", "write table coil and address 1"),
        ("A,holding,400101,int16,,,", "write table holding and address 100"),
        ("A,,17,int16,,,", "column table is empty; write holding, input, coil or discrete"),
        (",holding,1,int16,,,", "column tag is empty"),
        ("A,holding,,int16,,,", "column address is empty"),
        ('A,holding,1,int16,,"0,1",', "column scale: '0,1' has a decimal comma; write 0.1"),
        ("A,holding,1,int16,,0,1,", "8 cells for 7 columns; write a decimal point and no comma"),
        ("A,holding,1,int16,,tenth,", "column scale: 'tenth' is no number"),
        ("A,holding,1,int16,,nan,", "column scale: 'nan' is no number"),
        ("A,holding,1,int16,,1e999,", "column scale: '1e999': input should be a finite number"),
        ("A,holding,1,int16,,0,", "tag 'A': scale 0 would make every value the offset"),
        ("A,holding,1,int16", "4 cells for 7 columns"),
        ("A,holding,1,string,,,", "tag 'A': length (in registers) goes with type string"),
        ('A,holding,1,int16,,"1"x,', "',' expected after '\"'"),
    ],
)
def test_wrong_rows(file: Path, row: str, message: str) -> None:
    what = problem(file, f"{HEADER},word_order,scale,length", "Good,holding,1,int16,,,", row)
    assert what.startswith("line 3: ")
    assert message in what


def test_an_address_is_what_it_says_when_the_table_is_given(file: Path) -> None:
    assert read(file, HEADER, "A,holding,40001,int16")[0].address == 40001


def test_a_tag_twice_names_both_lines(file: Path) -> None:
    rows = ["A,holding,1,int16", "B,holding,2,int16", "", " A ,holding,3,int16"]
    assert problem(file, HEADER, *rows) == "line 5: tag 'A' is on line 2 already"


def test_ten_problems_are_named_at_once(file: Path) -> None:
    what = problem(file, HEADER, *[f"A{at},holding,x,int16" for at in range(14)])
    assert what.count("is no whole number") == 10
    assert what.endswith("and 4 more")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{HEADER}\nGr\xfcn,holding,1,int16".encode("latin-1"), "line 2: byte 0xFC is not UTF-8"),
        (HEADER.encode("utf-16"), "it is UTF-16; save it as CSV UTF-8"),
        (b"", "line 1: there is no column ''"),
    ],
)
def test_wrong_encodings(file: Path, content: bytes, message: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        read_register_map(file)
    assert message in str(caught.value)


def test_a_file_that_is_not_there(file: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        read_register_map(file)
