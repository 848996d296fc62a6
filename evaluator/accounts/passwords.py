"""Passwords: argon2id with the library's current parameters."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from evaluator.problems import Problem

SHORTEST, LONGEST = 12, 200
_hasher = PasswordHasher()


def _(message: str) -> str:
    return message


def hashed(password: str) -> str:
    """The hash to keep.

    Raises
    ------
    Problem
        Shorter than 12 characters, or longer than anybody types.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise Problem(
            422,
            _("Choose another password"),
            _("A password has %(least)d to %(most)d characters."),
            least=SHORTEST,
            most=LONGEST,
        )
    return _hasher.hash(password)


@cache
def _nobody() -> str:
    """What an unknown name's password is held against, so that it takes as long as a wrong password."""
    return _hasher.hash("nobody's password")


def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one; as slow for a name that does not exist."""
    nobody = _nobody()  # also for a name that exists: the first one asked for waits for it
    try:
        return _hasher.verify(password_hash or nobody, password) and password_hash is not None
    except (Argon2Error, InvalidHashError):
        return False
