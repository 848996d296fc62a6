"""Guessing codes is braked; people with a right code are not, whoever else is behind their address."""

from __future__ import annotations

import pickle
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from evaluator.app import Site
from evaluator.collection.admission import issue_codes, new_code
from evaluator.collection.throttle import FROM_ALL, FROM_ONE_NETWORK, WINDOW, Throttle
from evaluator.networks import network
from evaluator.settings import Settings


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_one_network_is_braked_after_its_share_and_let_go_when_the_window_ends() -> None:
    clock = Hands()
    throttle = Throttle(3, 100, clock)
    assert [throttle.unknown("203.0.113.5") for _ in range(3)] == [0, 0, 0]
    clock.at += 100
    assert throttle.unknown("203.0.113.99") == WINDOW - 100  # the same network of 256
    assert throttle.unknown("203.0.114.5") == 0
    clock.at += WINDOW - 100
    assert throttle.unknown("203.0.113.5") == 0


def test_many_networks_are_braked_together() -> None:
    throttle = Throttle(30, 100, Hands())
    waits = [throttle.unknown(f"10.{n}.0.1") for n in range(130)]
    assert waits == [0] * 100 + [WINDOW] * 30


def test_memory_is_bounded_and_holds_nothing_of_an_address() -> None:
    throttle = Throttle()
    for n in range(5 * FROM_ALL):
        throttle.unknown(f"10.{n % 250}.{n // 250}.1")
    assert len(throttle.brake) <= FROM_ALL + 1
    kept = pickle.dumps(throttle.brake._counts)
    assert b"10." not in kept
    other = Throttle()
    other.unknown("10.0.0.1")
    assert not set(other.brake._counts) & set(throttle.brake._counts)  # another process's hashes are others


@given(st.ip_addresses())
def test_addresses_of_one_network_count_together_and_others_apart(address: Any) -> None:
    name = network(str(address))
    assert name.endswith("/24" if "." in name else "/48")
    if address.version == 4:
        neighbour = address.__class__(int(address) ^ 0xFF)
        stranger = address.__class__(int(address) ^ 0x100)
    else:
        neighbour = address.__class__(int(address) ^ (2**79 - 1))
        stranger = address.__class__(int(address) ^ 2**80)
        if address.ipv4_mapped or neighbour.ipv4_mapped or stranger.ipv4_mapped:
            return
    assert network(str(neighbour)) == name
    assert network(str(stranger)) != name


async def test_a_right_code_passes_where_guesses_are_braked(
    small_campaign: Callable[..., Awaitable[None]],
    settings: Settings,
    app_on: Callable[[str], Site],
    serving: Callable[[Site], AbstractAsyncContextManager[httpx.AsyncClient]],
    database_url: str,
) -> None:
    await small_campaign()
    [code] = await issue_codes(settings, "spring", "3701", 1)
    async with serving(app_on(database_url)) as client:
        headers = {"accept-language": "en", "accept": "text/html"}

        async def enter(text: str) -> httpx.Response:
            return await client.post("/code", data={"code": text}, headers=headers)

        for _ in range(40):  # slips of the hand are not counted
            assert (await enter("0000-0000-0000-0001")).status_code == 422
        for _ in range(FROM_ONE_NETWORK):
            answer = await enter(new_code())
            assert (answer.status_code, "retry-after" in answer.headers) == (422, False)
        braked = await enter(new_code())
        assert braked.status_code == 429
        assert 0 < int(braked.headers["retry-after"]) <= WINDOW
        assert "Too many codes that belong to no invitation" in braked.text
        assert 'id="code"' in braked.text  # what was typed can be mended there and then
        assert (await enter(code)).status_code in (200, 303)
