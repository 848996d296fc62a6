"""Accounts: made by the operator, each with a role and a scope."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from evaluator.accounts import passwords
from evaluator.accounts.tables import ROLES, Account
from evaluator.problems import Problem

PATIENCE = 100  # wrong passwords in a row, from wherever: `accounts.browsers` stops each network much earlier
LOCKED_FOR = timedelta(minutes=15)  # for browsers that never signed in as this account


def _(message: str) -> str:
    return message


async def create_account(
    name: str, password: str, role: str, *, unit: str | None = None, round_id: int | None = None
) -> Account:
    """A new account.

    Raises
    ------
    Problem
        An unknown role, a scope that the role needs and is missing, a weak password.
    AlreadyExists, StillReferenced
        The name is taken; there is no such unit or round.
    """
    if role not in ROLES:
        raise Problem(422, _("Unknown role"), _("A role is one of: %(roles)s."), roles=", ".join(ROLES))
    if role in ("representative", "superior") and unit is None:
        raise Problem(422, _("A scope is missing"), _("An account of this role needs a unit."))
    if role == "assessor" and round_id is None:
        raise Problem(422, _("A scope is missing"), _("An assessor needs a round."))
    account = Account(name=name.strip(), password_hash=passwords.hashed(password), role=role, unit=unit, round=round_id)
    await account.save()
    return account


async def authenticate(name: str, password: str, *, known: bool = False) -> Account | None:
    """The account, if the password is right and it is not locked.

    Counts wrong passwords from browsers that are not known, and after a hundred in a row lets only known ones in for a
    quarter of an hour: who guesses from many networks is slowed down, and the owner is not locked out.

    Parameters
    ----------
    known : bool
        Whether the browser signed in under this name before.
    """
    account = await Account.objects().get((Account.name == name.strip()) & Account.active.eq(True))
    now = datetime.now(UTC)
    if account is not None and not known and account.locked_until is not None and account.locked_until > now:
        passwords.matches(None, password)  # takes as long, so that being locked does not show
        return None
    right = passwords.matches(account.password_hash if account else None, password)
    if account is None:
        return None
    if right:
        await Account.update({Account.failures: 0, Account.locked_until: None}).where(Account.id == account.id)
        return account
    if not known:
        await Account.update({Account.failures: Account.failures + 1}).where(Account.id == account.id)
        await Account.update({Account.failures: 0, Account.locked_until: now + LOCKED_FOR}).where(
            (Account.id == account.id) & (Account.failures >= PATIENCE)
        )
    return None
