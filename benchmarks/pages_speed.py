"""Public pages of an edition against the no-op route of the same server, by HTTP, one process, in one run.

    python -m benchmarks.pages_speed DATA_DIR [SECONDS]

DATA_DIR is one that `evaluator demo --no-serve` made. Each page is asked for with what a browser sends: conditionally
(304) and in full (200, gzip). Of both the rate and the server's processor time an answer are printed, since a busy
machine halves the one and not the other; then the first rendering of each page, and the ranking's weight.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

CONNECTIONS = 16


async def asked(port: int, path: str, headers: str, seconds: float) -> tuple[int, float]:
    """Answers in so many seconds over kept connections, and the size of one."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\nAccept-Language: zh-CN\r\n{headers}\r\n"
    sent = request.encode()
    until, size = time.monotonic() + seconds, 0.0

    async def one() -> int:
        nonlocal size
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        number = 0
        while time.monotonic() < until:
            writer.write(sent)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
            )
            if length:
                await reader.readexactly(length)
            size = float(length)
            number += 1
        writer.close()
        return number

    return sum(await asyncio.gather(*(one() for _ in range(CONNECTIONS)))), size


def processor(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def got(port: int, path: str) -> tuple[float, str, int]:
    """Seconds, ETag and packed size of one answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        headers={"Accept": "text/html", "Accept-Language": "zh-CN", "Accept-Encoding": "gzip"},
    )
    start = time.monotonic()
    with urllib.request.urlopen(request) as answer:
        body = answer.read()
        return time.monotonic() - start, answer.headers.get("ETag", ""), len(body)


def main() -> None:
    data, seconds = Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 3.0
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"EVALUATOR_DATA_DIR": str(data)}
    command = "import sys; from evaluator.cli import main; sys.argv[0] = 'evaluator'; main()"
    server = subprocess.Popen([sys.executable, "-c", command, "serve", "--port", str(port)], env=environment)
    try:
        for _ in range(600):
            try:
                got(port, "/health")
                break
            except OSError:
                time.sleep(0.1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/editions.json") as answer:
            edition = f"/editions/{json.load(answer)['editions'][0]['identifier']}"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{edition}.json") as answer:
            levels = json.load(answer)["units"]
        largest = max(levels, key=levels.__getitem__)
        pages = {
            "home": "/", "edition": edition, f"ranking, 50 of {levels[largest]:,}": f"{edition}/ranking/{largest}",
            f"ranking, all {levels[largest]:,} on one page": f"{edition}/ranking/{largest}?show=all",
            "method": f"{edition}/method", "map": f"{edition}/map",
        }  # fmt: skip
        unit = next((data / edition.strip("/")).glob("units.csv")).read_text(encoding="utf-8-sig").split("\n")[2]
        pages["unit"] = f"{edition}/units/{unit.split(',')[0]}"
        got(port, edition)  # reads the edition
        first = {name: got(port, path) for name, path in pages.items()}

        def measured(path: str, headers: str) -> tuple[float, float]:
            before = processor(server.pid)
            number, _size = asyncio.run(asked(port, path, headers, seconds))
            return number / seconds, (processor(server.pid) - before) / number * 1e6

        noop = [measured("/health", "")]
        rows = []
        for name, path in pages.items():
            known = measured(path, f"Accept-Encoding: gzip\r\nIf-None-Match: {first[name][1]}\r\n")
            full = measured(path, "Accept-Encoding: gzip\r\n")
            rows.append((name, first[name], known, full))
            noop.append(measured("/health", ""))
        rate, cost = (sum(values) / len(noop) for values in zip(*noop, strict=True))
        print(f"no-op route: {rate:,.0f}/s, {cost:.0f} us of processor time")
        print("| page | first rendering | gzip | 304: rate, us, ratio by time | 200: rate, us, ratio by time |")
        print("| --- | --- | --- | --- | --- |")
        for name, (took, _tag, size), known, full in rows:
            cells = [f"{r:,.0f}/s, {c:.0f}, {cost / c:.2f}" for r, c in (known, full)]
            print(f"| {name} | {took * 1000:.0f} ms | {size / 1000:.1f} kB | {cells[0]} | {cells[1]} |")
    finally:
        server.terminate()
        server.wait(30)


if __name__ == "__main__":
    main()
