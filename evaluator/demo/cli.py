"""`evaluator demo`: a simulated province, clearly marked so, rated, published and served."""

from __future__ import annotations

import os
import socket
import sys
from datetime import datetime

import click

PORT = 8000


@click.command()
@click.option("--responses", type=click.IntRange(100, 20_000_000), help="How many answers, 300,000 if not given.")
@click.option("--seed", type=click.IntRange(0), help="The same seed gives the same province, 1 if not given.")
@click.option("--fresh", is_flag=True, help="Take away the demo that is there and make a new one.")
@click.option("--no-serve", is_flag=True, help="Stop when the edition is published.")
@click.option(
    "--port", type=click.IntRange(1, 65535), help=f"Port of the site; {PORT} or the next free one if not given."
)
def demo(responses: int | None, seed: int | None, fresh: bool, no_serve: bool, port: int | None) -> None:
    """Make a simulated province in EVALUATOR_DATA_DIR (./var), collect, assess, rate, publish and serve it.

    Where a demo is there already, it is served as it is; --fresh makes a new one in its place.
    """
    from evaluator import language
    from evaluator.demo import place
    from evaluator.demo.steps import Steps
    from evaluator.language import gettext as _
    from evaluator.rating.stopping import stoppable
    from evaluator.settings import read_settings

    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    language.current.set("zh-CN" if spoken.startswith("zh") else "en")
    settings, steps = read_settings(), Steps()
    place.check(settings)
    port = port or _free_port(PORT)
    if not _is_free(port):
        raise click.UsageError(_("port %(port)d is taken; name another one with --port") % {"port": port})
    stopped = _("Stopped. The next `evaluator demo` starts over.")
    with stoppable(lambda: steps.say(stopped)), place.alone(settings):
        mark = place.read_mark(settings)
        if mark is not None and not fresh and mark.edition:
            _say_what_is_there(steps, mark, responses, seed)
        else:
            if mark is not None:
                steps.say(
                    _("Taking away the demo that is there.")
                    if mark.edition
                    else _("A demo was begun here and not finished; starting over.")
                )
                place.wipe(settings)
            _make(settings, steps, responses or 300_000, 1 if seed is None else seed, port)
    _farewell(settings, steps, None if no_serve else port)
    if not no_serve:
        _serve(settings, port)


def _make(settings, steps, responses: int, seed: int, port: int) -> None:  # type: ignore[no-untyped-def]
    from evaluator.demo.calendar import calendar_of
    from evaluator.demo.making import Plan, make_demo
    from evaluator.demo.steps import peak_memory
    from evaluator.language import gettext as _

    steps.say(_("SIMULATED: everything that follows is invented; no name, number or answer is real."))
    plan = Plan(seed, responses, calendar_of(datetime.now(settings.zone).date()), port)
    made = make_demo(settings, plan, steps)
    rows = ", ".join(f"{name} {number:,}" for name, number in made.counts.items())
    steps.say(_("Snapshot: %(rows)s") % {"rows": rows})
    total = sum(steps.seconds.values())
    own, children = peak_memory()
    steps.say(
        _("Made in %(seconds).0f s; most memory: %(own).0f MB, the server beside it %(server).0f MB")
        % {"seconds": total, "own": own, "server": children}
    )


def _say_what_is_there(steps, mark, responses: int | None, seed: int | None) -> None:  # type: ignore[no-untyped-def]
    from evaluator.language import gettext as _

    steps.say(
        _("A demo of %(day)s is here: %(responses)d responses, seed %(seed)d, edition %(edition)s.")
        % {"day": mark.made_on, "responses": mark.responses, "seed": mark.seed, "edition": mark.edition}
    )
    if (responses or mark.responses, mark.seed if seed is None else seed) != (mark.responses, mark.seed):
        steps.say(_("It is not what you asked for and stays as it is; with --fresh a new one is made as you ask."))
    else:
        steps.say(_("It stays as it is; `evaluator demo --fresh` makes a new one."))


def _farewell(settings, steps, port: int | None) -> None:  # type: ignore[no-untyped-def]
    from evaluator.demo import accounts, place
    from evaluator.language import gettext as _

    path = place.folder(settings) / accounts.FILE
    steps.say()
    steps.say(_("Accounts to sign in with, and unused invitation codes (kept in %(path)s):") % {"path": path})
    for line in path.read_text(encoding="utf-8").splitlines():
        steps.say(f"  {line}")
    if port is None:
        steps.say(_("Serve it with `evaluator demo`."))
        return
    address = f"http://127.0.0.1:{port}"
    steps.say()
    steps.say(
        _("Open %(address)s (sign in: %(address)s/sign-in, with a code: %(address)s/code)") % {"address": address}
    )
    steps.say(_("Stop with Ctrl-C."))


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port(first: int) -> int:
    return next((port for port in range(first, first + 100) if _is_free(port)), first)


def _serve(settings, port: int) -> None:  # type: ignore[no-untyped-def]
    """Become the server: what the making of the demo held in memory is given back."""
    from evaluator.demo import online

    sys.stdout.flush()
    arguments = online.command(port)
    os.execve(arguments[0], arguments, online.environment(settings, port))  # noqa: S606 our own Python, no shell
