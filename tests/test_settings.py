"""Settings: unknown or wrong variables are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluator.settings import Settings, SettingsError, read_settings


def test_defaults_need_nothing() -> None:
    assert read_settings({"HOME": "/root"}) == Settings()
    assert Settings().database == "sqlite:///var/evaluator.sqlite"


def test_values_are_read_and_typed() -> None:
    settings = read_settings(
        {"EVALUATOR_DATA_DIR": "/x", "EVALUATOR_QUEUE_DEPTH": "7", "EVALUATOR_BASE_URL": "https://a.b"}
    )
    assert (settings.data_dir, settings.queue_depth, settings.secure_cookies) == (Path("/x"), 7, True)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("EVALUATOR_DATABSE_URL", "x", "did you mean EVALUATOR_DATABASE_URL"),
        ("EVALUATOR_QUEUE_DEPTH", "many", "EVALUATOR_QUEUE_DEPTH"),
        ("EVALUATOR_QUEUE_DEPTH", "0", "EVALUATOR_QUEUE_DEPTH"),
        ("EVALUATOR_DATABASE_URL", "mysql://x", "'mysql' is not known"),
        ("EVALUATOR_SECRET_KEY", "short", "EVALUATOR_SECRET_KEY"),
        ("EVALUATOR_BASE_URL", "example.org", "EVALUATOR_BASE_URL"),
        ("EVALUATOR_TIME_ZONE", "Mars/Olympus", "EVALUATOR_TIME_ZONE"),
    ],
)
def test_wrong_ones_are_refused_by_name(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read_settings({name: value})


PROVIDER = {
    "EVALUATOR_OIDC_ISSUER": "https://id.example.org/realm",
    "EVALUATOR_OIDC_CLIENT_ID": "evaluator",
    "EVALUATOR_OIDC_NAME_ZH": "N-zh",
    "EVALUATOR_OIDC_NAME_EN": "Province ID",
}


def test_a_provider_of_accounts_may_do_without_a_secret() -> None:
    assert read_settings(PROVIDER).oidc_client_secret == ""
    assert read_settings(PROVIDER | {"EVALUATOR_OIDC_CLIENT_SECRET": "s"}).oidc_client_secret == "s"
    for local in ("http://localhost:3000", "http://127.0.0.1:3000/a", "http://[::1]:3000"):
        assert read_settings(PROVIDER | {"EVALUATOR_OIDC_ISSUER": local}).oidc_issuer == local


@pytest.mark.parametrize("missing", sorted(PROVIDER))
def test_half_a_provider_is_refused_by_the_name_of_what_is_missing(missing: str) -> None:
    given = {name: value for name, value in PROVIDER.items() if name != missing}
    with pytest.raises(SettingsError, match=f"{missing}: missing"):
        read_settings(given)


@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.example.org", "http://localhost.example.org", "id.example.org", "https://", "https://a?b=c",
        "https://a#b", "https://user@a", "https://[a",
    ],
)  # fmt: skip
def test_a_provider_without_tls_or_without_an_address_is_refused(issuer: str) -> None:
    with pytest.raises(SettingsError, match="EVALUATOR_OIDC_ISSUER"):
        read_settings(PROVIDER | {"EVALUATOR_OIDC_ISSUER": issuer})


def test_the_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert settings.secret() == settings.secret()
    assert len(settings.secret()) >= 32
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
