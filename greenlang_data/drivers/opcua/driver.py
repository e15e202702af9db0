"""The OPC UA driver: one session to one server."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from greenlang_data.drivers.base import (
    AGGREGATIONS,
    Driver,
    ReadLog,
    Request,
    Snapshot,
    Watch,
    Window,
    no_records,
)
from greenlang_data.drivers.opcua import quiet
from greenlang_data.drivers.opcua.aggregates import AGGREGATES
from greenlang_data.drivers.opcua.binary import MalformedAnswerError, numeric_node_id
from greenlang_data.drivers.opcua.bulk import NEITHER, ReadPlan, read_all
from greenlang_data.drivers.opcua.connection import Connection
from greenlang_data.drivers.opcua.faults import ServiceFaultError, refused
from greenlang_data.drivers.opcua.history import read_window
from greenlang_data.drivers.opcua.limits import LIMIT_NODES
from greenlang_data.drivers.opcua.login import access_of, log_in
from greenlang_data.drivers.opcua.meanings import Meanings
from greenlang_data.drivers.opcua.metadata import Metadata
from greenlang_data.drivers.opcua.nodes import TagMap, read_value_id
from greenlang_data.drivers.opcua.publishing import Publisher
from greenlang_data.drivers.opcua.snapshot import SnapshotPlan, read_snapshot
from greenlang_data.drivers.opcua.taglist import TagLister
from greenlang_data.drivers.opcua.walk import OBJECTS_FOLDER
from greenlang_data.drivers.opcua.watching import NoSubscriptionError, Watcher
from greenlang_data.errors import ProtocolError, SourceUnreachable

if TYPE_CHECKING:
    import pyarrow as pa

    from greenlang_data.settings import ConnectorConfig

_NAMESPACE_ARRAY: Final = 2255
_PLANS_KEPT: Final = 16


class OpcUaDriver(Driver):
    """Reads an OPC UA server; nothing is ever written to it or called on it.

    Values of bad quality are null, whatever the server sent beside their status. Times are UTC
    in steps of 100 ns or finer, as sent.
    """

    name: ClassVar[str] = "opcua"
    kinds: ClassVar[frozenset[str]] = AGGREGATIONS | AGGREGATES.keys() | {"modified", "times"}

    def __init__(self, config: ConnectorConfig) -> None:
        super().__init__(config)
        self._settings: Any = config
        self._session: _Session | None = None
        self._connecting = asyncio.Lock()

    @property
    def connected(self) -> bool:
        return self._session is not None and self._session.connection.alive

    async def connect(self) -> None:
        """Log in and learn the server's limits.

        Raises ConfigurationError, AuthenticationError, SourceUnreachable, SourceTimeout,
        SourceBusy or ProtocolError.
        """
        async with self._connecting:
            if self.connected:
                return
            await self._discard()
            access = access_of(self._settings)
            quiet.install()
            client = await quiet.quietly(log_in(access))
            connection = Connection(client, access.timeout, self.source)
            tags = TagMap(
                getattr(self._settings, "tags", ()),
                getattr(self._settings, "namespace_index", 2),
                self.source,
            )
            session = _Session(connection, tags)
            try:
                await session.learn_limits()
            except MalformedAnswerError as error:
                connection.drop()
                raise self._nonsense(error) from error
            except BaseException:
                connection.drop()
                raise
            self._session = session

    async def close(self) -> None:
        """Log out, within about a second; never raises."""
        await self._discard()

    async def ping(self) -> None:
        """Read the server's state. Raises SourceUnreachable when it is not running."""
        session = self._usable()
        try:
            await session.connection.ping()
        except ServiceFaultError as fault:
            raise refused(fault.code, self.source) from fault
        except MalformedAnswerError as error:
            raise self._nonsense(error) from error

    async def read(self, request: Request, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches of a Snapshot or Window.

        Raises QueryError for a malformed node id, UnsupportedError for Records, and what the
        contract says for the rest.
        """
        session = self._usable()
        async with (
            self._explained(session),
            aclosing(session.read(request, log)) as batches,
        ):
            async for batch in batches:
                yield batch

    async def watch(self, request: Watch, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """What the server reports of the tags, through a subscription that ends with the watch.

        Where the server gives no subscription the tags are polled, and a note says so. A value
        marked ``(Overflow)`` in its status follows others that were lost in the server's queue.
        """
        session = self._usable()
        async with self._explained(session):
            try:
                async with aclosing(session.watch(request, log)) as batches:
                    async for batch in batches:
                        yield batch
            except NoSubscriptionError as error:
                log.note(f"the server gives no subscription ({error}), so the tags were polled")
        polling = cast("AsyncGenerator[pa.RecordBatch, None]", super().watch(request, log))
        async with aclosing(polling) as polled:
            async for batch in polled:
                yield batch

    async def list_tags(self, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        """Batches of all variables below ``browse_root``, whose default is the Objects folder.

        Properties of variables and the server's own diagnostics are no tags. What could not be
        listed is said in the notes. Raises QueryError for a malformed ``browse_root``, and what
        the contract says for the rest.
        """
        session = self._usable()
        root = getattr(self._settings, "browse_root", None)
        node = session.tags.encoded([root])[0] if root is not None else OBJECTS_FOLDER
        async with self._explained(session):
            lister = TagLister(session.connection, session.tags, log)
            async with aclosing(lister.batches(node)) as batches:
                async for batch in batches:
                    yield batch

    @asynccontextmanager
    async def _explained(self, session: _Session) -> AsyncIterator[None]:
        """Prove the line before a request, and give what goes wrong the contract's errors."""
        try:
            await session.connection.reassure()
            yield
        except ServiceFaultError as fault:
            raise refused(fault.code, self.source) from fault
        except MalformedAnswerError as error:
            raise self._nonsense(error) from error

    def _usable(self) -> _Session:
        session = self._session
        if session is None or not session.connection.alive:
            raise SourceUnreachable("not connected, or the connection was lost", source=self.source)
        return session

    def _nonsense(self, error: MalformedAnswerError) -> ProtocolError:
        return ProtocolError(
            f"the server's answer cannot be understood ({error}), so none of it is used",
            source=self.source,
        )

    async def _discard(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.connection.close()


class _Session:
    """A connection with what is known about the server."""

    def __init__(self, connection: Connection, tags: TagMap) -> None:
        self.connection = connection
        self.tags = tags
        self.metadata = Metadata(connection, tags)
        self.meanings = Meanings(connection)
        self._publisher = Publisher(connection)
        self._plans: OrderedDict[tuple[str, ...], SnapshotPlan] = OrderedDict()

    async def learn_limits(self) -> None:
        """Read the operation limits and the namespaces, as far as the server tells them."""
        nodes = [*LIMIT_NODES.values(), _NAMESPACE_ARRAY]
        plan = ReadPlan([read_value_id(numeric_node_id(node)) for node in nodes], NEITHER)
        try:
            told = await read_all(self.connection, plan, ReadLog())
        except ServiceFaultError:
            return
        rows = [row for row in range(len(LIMIT_NODES)) if told.valid[row]]
        kinds = list(LIMIT_NODES)
        self.connection.limits.learn({kinds[row]: float(told.numbers[row]) for row in rows})
        namespaces = told.texts.get(len(LIMIT_NODES))
        if namespaces and told.type_names.get(len(LIMIT_NODES), "").startswith("String["):
            self.tags.namespaces = json.loads(namespaces)

    async def read(self, request: Request, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        if isinstance(request, Snapshot):
            if request.tags:
                plan = self._plan(request.tags)
                yield await read_snapshot(self.connection, plan, self.metadata, self.meanings, log)
        elif isinstance(request, Window):
            window = read_window(
                self.connection, self.tags, self.metadata, self.meanings, request, log
            )
            async with aclosing(window) as batches:
                async for batch in batches:
                    yield batch
        else:
            raise no_records(self.connection.source)

    async def watch(self, request: Watch, log: ReadLog) -> AsyncGenerator[pa.RecordBatch, None]:
        plan = self._plan(request.tags)
        watcher = Watcher(self.connection, self._publisher, plan, request, log)
        async with aclosing(watcher.batches(self.metadata, self.meanings)) as batches:
            async for batch in batches:
                yield batch

    def _plan(self, tags: tuple[str, ...]) -> SnapshotPlan:
        """The plan for these tags, kept because they are likely to be asked for again."""
        plan = self._plans.pop(tags, None) or SnapshotPlan(tags, self.tags)
        self._plans[tags] = plan
        if len(self._plans) > _PLANS_KEPT:
            self._plans.popitem(last=False)
        return plan
