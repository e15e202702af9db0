"""Metadata that are none, are dangerous, or lead nowhere."""

from __future__ import annotations

import asyncio

import pytest

from greenlang_data.drivers.base import ReadLog, Records
from greenlang_data.drivers.odata.choosing import choose
from greenlang_data.drivers.odata.edm import Service
from greenlang_data.drivers.odata.metadata import read_metadata
from greenlang_data.drivers.places import Place
from greenlang_data.errors import ProtocolError

_EDMX = (
    '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">'
    '<edmx:DataServices><Schema Namespace="N" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
    '<EntityType Name="Row"><Property Name="&e;" Type="Edm.String"/></EntityType>'
    '<EntityType Name="A" BaseType="N.B"/><EntityType Name="B" BaseType="N.A"/>'
    '<EntityType Name="C" BaseType="N.Elsewhere"/><EntityContainer Name="All">'
    '<EntitySet Name="Rows" EntityType="N.Row"/><EntitySet Name="As" EntityType="N.A"/>'
    '<EntitySet Name="Cs" EntityType="N.C"/>'
    "</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"
)
_BOMB = '<!DOCTYPE x [<!ENTITY e "ha"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
_LONG = f"<!--{'-  ' * 4000}-->"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("before", ["", _LONG])
def test_a_document_type_is_not_read_wherever_it_stands(encoding: str, before: str) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding}"?>'
    text = f"{declared}{before}{_BOMB}{_EDMX}"
    with pytest.raises(ValueError, match="document type"):
        read_metadata(text.encode(encoding))
    big_endian = text.replace("utf-16", "UTF-16BE").encode("utf-16-be")
    with pytest.raises(ValueError, match="document type"):
        read_metadata(big_endian)


@pytest.mark.parametrize("name", ["As", "Cs"])
def test_a_set_whose_types_lead_nowhere_is_told_and_the_others_are_read(name: str) -> None:
    model = read_metadata(_EDMX.replace("&e;", "ID").encode())
    assert list(model.sets["Rows"].properties) == ["ID"]

    class One:
        barred: dict[str, str] = {}  # noqa: RUF012 - a catalogue has one

        def path(self, name: str) -> str:
            return f"/{name}"

        async def model(self, name: str, log: ReadLog) -> Service:
            return model

    asked = Records("thing", places=(Place("S", name),))
    with pytest.raises(ProtocolError, match=f"tells no columns of {name}"):
        asyncio.run(choose(One(), asked, ReadLog(), "s4"))
