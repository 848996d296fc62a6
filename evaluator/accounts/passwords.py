"""Passwords: argon2id with the library's current parameters."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from evaluator.problems import Problem

SHORTEST, LONGEST = 12, 200
_hasher = PasswordHasher()
_nobody = _hasher.hash("nobody's password, so that an unknown name takes as long as a wrong password")


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


def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one; as slow for a name that does not exist."""
    try:
        return _hasher.verify(password_hash or _nobody, password) and password_hash is not None
    except (Argon2Error, InvalidHashError):
        return False
