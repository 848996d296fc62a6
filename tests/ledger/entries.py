"""A campaign's log and what could stand in it."""

from __future__ import annotations

from evaluator.ledger.leaves import entry

SPRING = "campaign/spring"


def responses(low: int, high: int, campaign: str = "spring") -> list[str]:
    """Entries of responses that never happened."""
    return [entry("response", campaign=campaign, commitment=f"{number:064x}") for number in range(low, high)]
