"""Some of the simulated people answer as real ones do: with a code, over HTTP, to the running server."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from evaluator.settings import Settings

HOST = "127.0.0.1"
AT_ONCE = 8
SLIP = 'action="/receipt/withdraw"'  # what only a page with a slip has
VISIT = re.compile(r'name="visit" value="([^"]+)"')
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def environment(settings: Settings, port: int) -> dict[str, str]:
    """What a server of this demo needs to know."""
    return os.environ | {
        "EVALUATOR_DATA_DIR": str(settings.data_dir.resolve()),
        "EVALUATOR_BASE_URL": f"http://{HOST}:{port}",
    }


def command(port: int) -> list[str]:
    """How the site is served, by this very Python."""
    run = "from evaluator.cli import main; main()"
    return [sys.executable, "-c", run, "serve", "--host", HOST, "--port", str(port)]


@contextmanager
def server(settings: Settings, port: int, log: Path) -> Iterator[None]:
    """The site on `port` while the demo is made.

    Raises
    ------
    RuntimeError
        It did not come up; with what it said.
    """
    with log.open("wb") as said:
        process = subprocess.Popen(  # noqa: S603 our own Python, no shell
            command(port), env=environment(settings, port), stdout=said, stderr=subprocess.STDOUT
        )
        try:
            for _ in range(600):
                if process.poll() is not None or _answers(port):
                    break
                time.sleep(0.1)
            if process.poll() is not None or not _answers(port):
                raise RuntimeError(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")
            yield
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _post(connection: http.client.HTTPConnection, path: str, fields: Sequence[tuple[str, str]]) -> tuple[int, str]:
    connection.request("POST", path, urlencode(fields), FORM)
    answer = connection.getresponse()
    return answer.status, answer.read().decode("utf-8", "replace")


def _shared(
    port: int, work: Callable[[http.client.HTTPConnection, int], str], count: int, progress: Callable[[int], None]
) -> list[str]:
    """`work` for every number below `count`, by several connections at once; what it gave, in order."""
    results = [""] * count

    def worker(first: int) -> None:
        connection = http.client.HTTPConnection(HOST, port, timeout=60)
        try:
            for at in range(first, count, AT_ONCE):
                results[at] = work(connection, at)
                if first == 0:
                    progress(at)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(worker, first) for first in range(min(AT_ONCE, count))]:
            done.result()
    return results


def open_forms(port: int, codes: Sequence[str], progress: Callable[[int], None]) -> list[str]:
    """Enter every code; the signed visit of each form that opened.

    Raises
    ------
    RuntimeError
        The server refused a code.
    """

    def enter(connection: http.client.HTTPConnection, at: int) -> str:
        status, page = _post(connection, "/code", [("code", codes[at])])
        found = VISIT.search(page)
        if status != 200 or found is None:
            raise RuntimeError(f"the server refused a code with status {status}")
        return found[1]

    return _shared(port, enter, len(codes), progress)


def send_forms(
    port: int, visits: Sequence[str], answers: Sequence[dict[str, list[str]]], progress: Callable[[int], None]
) -> int:
    """Send the answers of every opened form; how many the server counted.

    Raises
    ------
    RuntimeError
        The server did not count one of them.
    """

    def send(connection: http.client.HTTPConnection, at: int) -> str:
        fields = [("visit", visits[at]), ("at", ":review"), ("to", "next")]
        fields += [(f"a-{question}", code) for question, codes in answers[at].items() for code in codes]
        status, page = _post(connection, "/code/send", fields)
        if status != 200 or SLIP not in page:  # these clients keep no cookies: the slip is the answer
            raise RuntimeError(f"the server did not count a form, status {status}: {page[:300]}")
        return "counted"

    return _shared(port, send, len(visits), progress).count("counted")
