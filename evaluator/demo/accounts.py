"""Who can sign in to the demo: one account of every role, with passwords made for this demo alone."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from evaluator.accounts.register import create_account
from evaluator.demo.province import Province

FILE = "accounts.txt"


@dataclass(frozen=True, slots=True)
class Login:
    """An account and where it may look."""

    name: str
    password: str
    role: str
    number: int  # in the database
    scope: str  # name of the unit or round, "" for all


async def make_accounts(province: Province, round_id: int, round_code: str) -> list[Login]:
    """An operator, an assessor of the round, the representative of a county and the superior of a city."""
    city = int(province.of_level("C")[0])
    county = int(province.of_level("K")[0])
    wanted = [
        ("operator", None, None, ""),
        ("assessor", None, round_id, round_code),
        ("representative", str(province.code[county]), None, str(province.name_zh[county])),
        ("superior", str(province.code[city]), None, str(province.name_zh[city])),
    ]
    made = []
    for role, unit, of_round, scope in wanted:
        password = "-".join(secrets.token_hex(3) for _ in range(3))
        account = await create_account(role, password, role, unit=unit, round_id=of_round)
        made.append(Login(role, password, role, int(account.id), scope))
    return made


def write_logins(path: Path, logins: list[Login], codes: list[str]) -> None:
    """Keep names and passwords, readable by nobody else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        for one in logins:
            file.write(f"{one.name:16s} {one.password:24s} {one.scope}\n")
        file.writelines(f"code             {code}\n" for code in codes)
