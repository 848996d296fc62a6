"""How passwords are kept."""

from __future__ import annotations

from argon2 import PasswordHasher, Type

from evaluator.accounts import passwords


def test_the_product_keeps_passwords_as_rfc_9106_recommends(usual_passwords: PasswordHasher) -> None:
    # section 4, second recommended option: argon2id, 3 passes, 4 lanes, 64 MiB, 128-bit salt, 256-bit tag
    assert usual_passwords.type is Type.ID
    assert usual_passwords.time_cost >= 3
    assert usual_passwords.parallelism >= 4
    assert usual_passwords.memory_cost >= 64 * 1024
    assert usual_passwords.salt_len >= 16
    assert usual_passwords.hash_len >= 32


def test_a_password_is_known_again_and_no_other_is() -> None:
    kept = passwords.hashed("correct horse battery")
    assert passwords.matches(kept, "correct horse battery")
    assert not passwords.matches(kept, "correct horse batterY")
    assert not passwords.matches(None, "nobody's password")
    assert not passwords.matches("no hash at all", "correct horse battery")
