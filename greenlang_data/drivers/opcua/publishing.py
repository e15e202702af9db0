"""The Publish requests of a session, and which subscription each answer is for.

A server answers a Publish request with news of any subscription of the session, so they are sent
here for all of them together.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from asyncua.ua.status_codes import StatusCodes

from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.faults import ServiceFaultError
from greenlang_data.drivers.opcua.notifications import (
    Message,
    Publication,
    publish_body,
    read_publication,
)
from greenlang_data.drivers.opcua.services import PUBLISH
from greenlang_data.errors import SourceUnreachable

# A few keep the server supplied while an answer travels. A server that has more to tell than
# these can carry gets more of them, because some send only one message for each per interval.
_OUTSTANDING: Final = 3
_MOST_OUTSTANDING: Final = 60


class Subscriber(Protocol):
    """Where the news of one subscription go."""

    async def take(self, message: Message) -> None:
        """Accept a message, in the order of arrival; may wait."""

    def fail(self, error: BaseException) -> None:
        """No more messages will come."""


class Publisher:
    """Keeps Publish requests outstanding as long as there is a subscription."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._subscribers: dict[int, Subscriber] = {}
        self._acknowledged: list[tuple[int, int]] = []
        self._workers: set[asyncio.Task[None]] = set()
        self._most = _MOST_OUTSTANDING
        # Counts the subscriptions, to tell old refusals from new ones.
        self._added = 0
        self.held_up = False
        # Answers are taken one after the other although several requests are under way.
        self._order = asyncio.Lock()

    def add(self, subscription: int, subscriber: Subscriber) -> None:
        """Pass the messages of ``subscription`` on from now on."""
        self._subscribers[subscription] = subscriber
        self._added += 1
        for _ in range(_OUTSTANDING - len(self._workers)):
            self._start()

    def _start(self) -> None:
        if len(self._workers) < self._most:
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    def remove(self, subscription: int) -> None:
        """Pass no more on; without any subscription nothing more is asked.

        Requests under way are still waited for, because the server answers them when the
        subscription is deleted, and else might answer them with news of the next one.
        """
        self._subscribers.pop(subscription, None)
        self._acknowledged = [one for one in self._acknowledged if one[0] != subscription]

    async def _work(self) -> None:
        try:
            while self._subscribers and len(self._workers) <= self._most:
                await self._publish()
        except Exception as error:  # the watchers raise it
            for subscriber in list(self._subscribers.values()):
                subscriber.fail(error)

    async def _publish(self) -> None:
        acknowledged, self._acknowledged = self._acknowledged, []
        added = self._added
        try:
            reader = await self._connection.wait_for(PUBLISH, publish_body(acknowledged))
        except ServiceFaultError as fault:
            self._acknowledged += acknowledged
            if fault.code == StatusCodes.BadTooManyPublishRequests and len(self._workers) > 1:
                self._most = len(self._workers) - 1
                return
            if fault.code in (StatusCodes.BadTimeout, StatusCodes.BadRequestTimeout):
                return
            if fault.code == StatusCodes.BadNoSubscription:
                if added == self._added and self._subscribers:
                    raise SourceUnreachable(
                        "the server no longer knows the subscription",
                        source=self._connection.source,
                    ) from None
                return
            raise
        publication = read_publication(reader)
        if publication.more:
            self._start()
        async with self._order:
            self.held_up = True
            try:
                await self._deliver(publication)
            finally:
                self.held_up = False

    async def _deliver(self, publication: Publication) -> None:
        message = publication.message
        if not message.keeps_alive:
            self._acknowledged.append((publication.subscription, message.sequence))
        subscriber = self._subscribers.get(publication.subscription)
        if subscriber is not None:
            await subscriber.take(message)
