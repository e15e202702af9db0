"""A sync iterator over an async one."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from greenlang_data.errors import SessionClosedError
from greenlang_data.runtime.background import Background, Outcome

if TYPE_CHECKING:
    from greenlang_data.runtime.loop import Runtime

T = TypeVar("T")


class SyncIterator(Iterator[T]):
    """Pulls an async iterator item by item, from whichever thread asks; see `Runtime.iterate`.

    The iterator lives in one task, so it may hold scopes that are bound to their task. Closing,
    abandoning or interrupting this cancels that task and closes the async iterator.
    """

    def __init__(self, runtime: Runtime, factory: Callable[[], AsyncIterator[T]]) -> None:
        self._runtime = runtime
        self._factory = factory
        self._context = contextvars.copy_context()
        self._requests: asyncio.Queue[Outcome[T]] = asyncio.Queue()
        self._pump: Background[None] | None = None
        self._generation = runtime.generation
        self._exhausted = False
        self._closed = False

    def __next__(self) -> T:
        """Return the next item, or raise what the async iterator raised.

        Raises
        ------
        SessionClosedError : closed before the last item, inherited by a forked process, or called
            on the loop's own thread.
        """
        if self._exhausted:
            raise StopIteration
        if self._closed or self._generation != self._runtime.generation:
            # Not StopIteration: what came so far would look whole.
            raise SessionClosedError("the iterator was closed before its end")
        try:
            return self._pull()
        except StopAsyncIteration:
            self._exhausted = True
            raise StopIteration from None
        except BaseException:
            self.close()
            raise

    def _pull(self) -> T:
        runtime, reply = self._runtime, Outcome[T]()
        if runtime.on_loop_thread:
            runtime.refuse(None, "would wait for itself: its event loop pulled from an iterator")
        if self._pump is None:
            # Not a method: the task would keep this object alive, and never see it abandoned.
            serve = functools.partial(serve_items, self._factory, self._requests)
            self._pump = self._context.run(runtime.spawn, serve)
        if self._pump.done:
            runtime.refuse(None, "was closed during the iteration")
        self._pump.post(functools.partial(self._requests.put_nowait, reply))
        runtime.wait_for(reply, self._pump, None)
        return reply.result()

    def close(self) -> None:
        """Stop and close the async iterator, also while another thread waits for an item."""
        self._closed = True
        if self._pump is not None and self._generation == self._runtime.generation:
            self._runtime.stop(self._pump)

    def __del__(self) -> None:
        """Close it."""
        # Collected on any thread at any moment: ask, do not wait.
        if self._pump is not None and self._generation == self._runtime.generation:
            self._pump.cancel()


async def serve_items(
    factory: Callable[[], AsyncIterator[T]], requests: asyncio.Queue[Outcome[T]]
) -> None:
    """Answer each request with the next item, until the last, an error or a cancellation."""
    items: AsyncIterator[T] | None = None
    error: BaseException | None = None
    try:
        while error is None:
            reply = await requests.get()
            try:
                items = items or aiter(factory())
                reply.value.append(await anext(items))
            except BaseException as caught:
                error = caught
            reply.settle(error)
    finally:
        if items is not None and hasattr(items, "aclose"):
            await items.aclose()
