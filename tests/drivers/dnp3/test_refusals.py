"""A read that an outstation refuses is an error that says so, and never an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

import greenlang_data as gd
from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.dnp3 import Dnp3Driver
from greenlang_data.errors import ProtocolError
from tests.drivers.dnp3.helpers import Watched, config, snapshot, with_driver
from tests.peers.dnp3_outstation.lies import Lie, Target
from tests.peers.dnp3_truth import Kind
from tests.peers.launch_dnp3 import Dnp3Peer

TAGS = ["analog:30", "analog:31", "analog:32"]
TRUTH = [-85.0, -84.5, -84.0]
REASONS = {
    Lie.NO_OBJECT: "refused to tell analog:30: it does not know such objects",
    Lie.NO_RANGE: "refused to tell analog:30: it has nothing in that range",
}


@pytest.mark.parametrize("lie", REASONS, ids=lambda lie: lie.value)
def test_a_refused_read_fails_by_tag_and_the_next_one_is_right(
    outstation: Dnp3Peer, lie: Lie
) -> None:
    with gd.Session(sources=[config(outstation.port)]) as session:
        for _ in range(3):
            assert session.scada(TAGS)["value"].tolist() == TRUTH
            outstation.lie(lie)
            frame = session.scada(TAGS, errors="report")
            failures = frame.attrs["provenance"]["failures"]
            assert list(failures) == TAGS
            assert REASONS[lie] in failures["analog:30"]
            assert frame["value"].isna().all()
            assert session.scada(TAGS)["value"].tolist() == TRUTH
            outstation.lie(lie)
            with pytest.raises(gd.ReadFailed, match=REASONS[lie]):
                session.scada(TAGS)


def test_an_outstation_that_does_not_read_at_all_is_an_error(outstation: Dnp3Peer) -> None:
    with gd.Session(sources=[config(outstation.port)]) as session:
        assert session.scada(TAGS)["value"].tolist() == TRUTH
        outstation.lie(Lie.NO_FUNCTION)
        with pytest.raises(ProtocolError, match=r"refused to be read: .*function \(IIN2\.0\)"):
            session.scada(TAGS)
        assert session.scada(TAGS)["value"].tolist() == TRUTH


def test_a_refusal_belongs_to_the_answer_that_carries_it(outstation: Dnp3Peer) -> None:
    # The library tells the indications after the end of the task, where they are easily taken
    # for those of the next answer.
    async def use(driver: Dnp3Driver) -> None:
        await snapshot(driver, TAGS)
        for step in range(30):
            refused = step % 3 == 1
            if refused:
                outstation.lie(Lie.NO_RANGE)
            rows = await snapshot(driver, TAGS)
            reasons = {row["failure"] for row in rows.values()}
            assert (reasons != {None}) == refused
            assert all("it has nothing in that range" in one for one in reasons if one)
            assert [row["value"] for row in rows.values()] == ([None] * 3 if refused else TRUTH)

    with_driver(config(outstation.port), use)


def test_a_configured_variation_that_is_refused_is_named_as_refused(outstation: Dnp3Peer) -> None:
    settings = config(outstation.port, static_variations={"analog": 6})
    with gd.Session(sources=[settings]) as session:
        session.scada(["binary:1"])
        outstation.lie(Lie.NO_OBJECT)
        with pytest.raises(gd.ReadFailed, match=REASONS[Lie.NO_OBJECT]):
            session.scada(TAGS)
        assert session.scada(TAGS)["value"].tolist() == TRUTH


def test_a_type_that_the_outstation_does_not_have_is_an_unknown_tag(
    dnp3_factory: Callable[..., Dnp3Peer],
) -> None:
    peer = dnp3_factory(points={Kind.ANALOG_OUTPUT: 0})
    with gd.Session(sources=[config(peer.port)]) as session:
        with pytest.raises(gd.UnknownTagError, match="no point analog_output_status:0"):
            session.scada([*TAGS, "analog_output_status:0"])
        assert session.scada(TAGS)["value"].tolist() == TRUTH


def test_nothing_without_a_refusal_is_no_proof_that_a_point_is_not_there(
    outstation: Dnp3Peer,
) -> None:
    outstation.configure(Kind.ANALOG_INPUT, 40, event_class="none")  # outside class 0

    async def use(driver: Dnp3Driver) -> None:
        outstation.lie(Lie.EMPTY)
        row = (await snapshot(driver, ["analog:40"]))["analog:40"]
        assert (row["value"], row["quality"]) == (None, "bad")
        assert "answered without analog:40, and did not say why" in row["failure"]
        assert (await snapshot(driver, ["analog:40"]))["analog:40"]["value"] == -80.0

    with_driver(config(outstation.port), use)


def test_a_list_of_points_that_is_refused_is_not_an_empty_list(outstation: Dnp3Peer) -> None:
    async def use(driver: Dnp3Driver) -> None:
        outstation.lie(Lie.NO_OBJECT)
        with pytest.raises(ProtocolError, match=r"refused to list.*(?s:.*)Name the points"):
            async for _ in driver.list_tags(ReadLog()):
                pass
        assert [batch.num_rows async for batch in driver.list_tags(ReadLog())] > [100]

    with_driver(config(outstation.port), use)


def test_a_watch_without_events_is_refused_and_not_silent(outstation: Dnp3Peer) -> None:
    async def use(driver: Dnp3Driver) -> None:
        await snapshot(driver, TAGS)
        # Each way to ask for events; the rows at the start come before them.
        outstation.lie(Lie.NO_OBJECT, target=Target.SOLICITED, skip=1, count=3)
        watched = Watched(driver, TAGS)
        with pytest.raises(ProtocolError, match="refused to tell its events"):
            await asyncio.wait_for(watched.task, 8)
        await watched.stop()
        assert [row["value"] for row in watched.rows] == TRUTH

    with_driver(config(outstation.port), use)


def test_an_outstation_that_cannot_report_by_itself_is_asked(
    dnp3_factory: Callable[..., Dnp3Peer],
) -> None:
    peer = dnp3_factory(no_unsolicited=True)

    async def use(driver: Dnp3Driver) -> None:
        rows = await snapshot(driver, TAGS)  # what was refused at the start is not held against it
        assert [row["value"] for row in rows.values()] == TRUTH
        watched = Watched(driver, TAGS)
        await watched.until(lambda one: len(one.batches) >= 2)
        peer.set(Kind.ANALOG_INPUT, 31, 7.5)
        await watched.until(lambda one: len(one.rows) >= 4)
        await watched.stop()
        assert (watched.rows[3]["tag_id"], watched.rows[3]["value"]) == ("analog:31", 7.5)
        assert "the outstation does not report by itself; asked every 0.2 s" in watched.log.notes

    with_driver(config(peer.port), use)
