"""Connections to DuckDB: a signal that comes while a query runs stops it as it stops Python."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from threading import Timer
from types import FrameType

import duckdb
import pytest

from methods.queries import connected, interrupt_queries

MINUTES = "SELECT count(*) FROM range(100000000000) WHERE hash(range) % 7 = 0"


@pytest.fixture(params=[KeyboardInterrupt, SystemExit])
def signalled(request: pytest.FixtureRequest) -> Iterator[None]:
    """A signal whose handler raises, after 0.2 s of this process's own work: surely within the query that follows."""

    def stop(_: int, __: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        interrupt_queries()
        raise request.param

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, 0.2)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)


@pytest.mark.usefixtures("signalled")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_signal_during_a_query_is_a_keyboard_interrupt_at_once(threads: int) -> None:
    begun = time.process_time()
    with pytest.raises(KeyboardInterrupt) as stopped, connected(threads=threads) as connection:
        connection.execute(MINUTES)
    assert isinstance(stopped.value.__cause__, RuntimeError)  # DuckDB's: it was not Python that was interrupted
    assert time.process_time() - begun < 10  # and not when the other thread has done the rest


def test_a_query_on_another_thread_ends_too() -> None:
    """As an exporter's: the signal comes to the main thread, the query runs elsewhere."""
    begun = time.process_time()
    Timer(0.5, interrupt_queries).start()
    with pytest.raises(KeyboardInterrupt) as stopped, connected() as connection:
        connection.execute(MINUTES)
    assert isinstance(stopped.value.__cause__, duckdb.InterruptException)
    assert time.process_time() - begun < 10


def test_mistakes_stay_what_they_are() -> None:
    with pytest.raises(duckdb.Error), connected() as connection:
        connection.execute("SELECT FROM WHERE")
    with pytest.raises(RuntimeError, match="of another kind"), connected():
        raise RuntimeError("of another kind")


def test_the_connection_is_closed_and_its_settings_are_kept() -> None:
    with connected(threads=1, preserve_insertion_order=True) as connection:
        found = connection.execute("SELECT current_setting('threads'), current_setting('preserve_insertion_order')")
        assert found.fetchone() == (1, True)
    with pytest.raises(duckdb.ConnectionException):
        connection.execute("SELECT 1")
