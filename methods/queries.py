"""DuckDB connections that a signal stops as it stops everything else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import duckdb

_open: set[duckdb.DuckDBPyConnection] = set()


@cache
def _instance(settings: tuple[tuple[str, bool | int], ...]) -> duckdb.DuckDBPyConnection:
    """A DuckDB for each choice of settings, since most of them hold for all of its connections.

    To make one takes 30 ms, a connection to it a sixtieth of that. Nothing is kept in it: tables are temporary.
    """
    return duckdb.connect()


@contextmanager
def connected(**settings: bool | int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to an in-memory DuckDB, closed at the end of the block. Tables must be temporary: the DuckDB stays.

    While a query runs, DuckDB calls Python's signal handlers, drops the exception that they raise and raises a bare
    RuntimeError in its place. Here it is KeyboardInterrupt again, whichever signal it was, so that no `except
    Exception` on the way takes it for a mistake of the query.

    Parameters
    ----------
    settings
        DuckDB's, by name.

    Examples
    --------
    >>> with connected(threads=1) as connection:
    ...     connection.execute("SELECT 6 * 7").fetchone()
    (42,)
    """
    with _instance(tuple(sorted(settings.items()))).cursor() as connection:
        _open.add(connection)
        try:
            for name, value in settings.items():
                connection.execute(f"SET {name} = {value}")
            yield connection
        except duckdb.InterruptException as error:
            raise KeyboardInterrupt from error
        except RuntimeError as error:
            if type(error) is RuntimeError and str(error) == "Query interrupted":  # all that DuckDB says of it
                raise KeyboardInterrupt from error
            raise
        finally:
            _open.discard(connection)


def interrupt_queries() -> None:
    """End the queries that run now, on any thread; for signal handlers, which then raise.

    Without it DuckDB would wait for the thread beside, which goes on to the end of the query.

    Examples
    --------
    >>> with connected() as connection:
    ...     interrupt_queries()                      # none runs: the next is not touched
    ...     connection.execute("SELECT 6 * 7").fetchone()
    (42,)
    """
    for connection in tuple(_open):
        connection.interrupt()
