"""Settings from the environment (prefix TRIAGE_), secret files and .env. A wrong value stops the start, naming it.

A secret file is `triage_<setting>` in /run/secrets (or TRIAGE_SECRETS_DIR): how container platforms hand them over.
"""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.log.keys import Keys, UnusableKey, kept_secret

Region = Literal["us", "eu", "china", "other", "unknown"]
SECRETS = "/run/secrets"
WEBHOOK_PORTS = (443, 80, 88, 8443)
"""Ports Telegram delivers to."""
_PART = r"(?:[^\s:@/?#%,\[\]]|%[0-9A-Fa-f]{2})*"
_HOST = rf"(?:\[[0-9A-Fa-f:.]+\]|{_PART})(?::\d+)?"
_POSTGRESQL = re.compile(
    rf"postgres(?:ql)?://(?:{_PART}(?::{_PART})?@)?{_HOST}(?:,{_HOST})*(?:/{_PART})?(?:\?[\w=&%./:+-]*)?"
)


class SettingsError(ValueError):
    """A setting cannot be used. The message names it on one line."""


def _data_home() -> Path:
    home = os.environ.get("XDG_DATA_HOME", "")
    return (Path(home) if home else Path.home() / ".local" / "share") / "triage"


class Settings(BaseSettings):
    """What can be set today. Every field has a line in .env.example."""

    model_config = SettingsConfigDict(
        env_prefix="TRIAGE_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    data_dir: Path = Field(default_factory=_data_home)
    database_url: str | None = None
    database_password: SecretStr | None = None
    secret_key: SecretStr | None = None
    retention_hours: Annotated[int, Field(ge=1, le=24 * 365)] = 72
    keep_records: bool = False
    web_host: str = "127.0.0.1"
    web_port: Annotated[int, Field(ge=0, le=65535)] = 8000
    web_access_token: SecretStr | None = None
    public_url: str | None = None
    telegram_token: SecretStr | None = None
    telegram_base_url: str = "https://api.telegram.org"
    telegram_mode: Literal["polling", "webhook"] = "polling"
    telegram_webhook_secret: SecretStr | None = None
    telegram_allowed_users: str | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    log_format: Literal["console", "json"] = "console"
    region: Region | None = None

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str | None) -> str | None:
        if url is None or (url.startswith("sqlite:") and url.removeprefix("sqlite:").strip("/")):
            return url
        if not url.startswith(("postgresql://", "postgres://")):
            raise ValueError("expected sqlite:PATH or postgresql://USER@HOST/DATABASE")
        if not _POSTGRESQL.fullmatch(url):  # its parts are never said: one of them may be a password
            raise ValueError(
                "is not an address such as postgresql://USER@HOST:5432/DATABASE; odd characters in a password are "
                "written as %XX, or the password is given as TRIAGE_DATABASE_PASSWORD"
            )
        return url

    @field_validator("public_url", "telegram_base_url")
    @classmethod
    def _web_address(cls, url: str | None) -> str | None:
        if url is None:
            return url
        expected = ValueError("expected an address such as https://triage.example.org")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise expected from None
        more = parts.query or parts.fragment or parts.username or parts.password or port == 0
        if parts.scheme not in ("http", "https") or not parts.hostname or more or re.search(r"\s", url):
            raise expected
        return url.rstrip("/")

    @field_validator("telegram_token")
    @classmethod
    def _token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not re.fullmatch(r"\d+:[A-Za-z0-9_-]{20,}", token.get_secret_value()):
            raise ValueError("is not a bot's token; BotFather gives one like 123456789:AAF...")
        return token

    @field_validator("telegram_webhook_secret")
    @classmethod
    def _webhook_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not re.fullmatch(r"[A-Za-z0-9_-]{16,256}", secret.get_secret_value()):
            raise ValueError("needs 16 to 256 characters of A-Z a-z 0-9 _ -")
        return secret

    @field_validator("telegram_allowed_users")
    @classmethod
    def _user_ids(cls, users: str | None) -> str | None:
        if users is not None and not re.fullmatch(r"\s*[0-9]+(?:[\s,]+[0-9]+)*\s*,?\s*", users):
            raise ValueError("expected Telegram user ids with commas between: 12345678, 23456789")
        return users

    @property
    def telegram_users(self) -> frozenset[int] | None:
        """The users who may use the bot; None: everybody."""
        found = re.findall(r"\d+", self.telegram_allowed_users or "")
        return frozenset(map(int, found)) if found else None

    @property
    def postgresql(self) -> str | None:
        """The address of the PostgreSQL database, where one is set."""
        url = self.database_url
        return url if url is not None and not url.startswith("sqlite:") else None

    @property
    def log_file(self) -> Path:
        """The SQLite log of turns."""
        if self.database_url is not None and self.postgresql is None:
            path = self.database_url.removeprefix("sqlite:").removeprefix("//")
            return Path("/" + path.lstrip("/") if path.startswith("/") else path).expanduser()
        return self.data_dir / "triage.sqlite3"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the web port."""
        try:
            return ipaddress.ip_address(self.web_host).is_loopback
        except ValueError:
            return self.web_host == "localhost"

    def keys(self) -> Keys:
        """The keys of the log: those set, or the one kept in the data folder. Raises SettingsError."""
        try:
            if self.secret_key is not None:
                return Keys(self.secret_key.get_secret_value())
            if self.postgresql is not None:
                raise SettingsError(
                    "TRIAGE_SECRET_KEY: is needed with PostgreSQL, the same for every worker (32 random characters)"
                )
            return Keys(kept_secret(self.data_dir))
        except UnusableKey as error:
            raise SettingsError(f"TRIAGE_SECRET_KEY: {error}") from None
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"TRIAGE_DATA_DIR: {error}") from None

    def check_reach(self) -> None:
        """Refuse to be reached from elsewhere without a token. Raises SettingsError."""
        if not self.loopback and self.web_access_token is None:
            raise SettingsError(
                f"TRIAGE_WEB_HOST: {self.web_host} can be reached from other machines; set TRIAGE_WEB_ACCESS_TOKEN "
                "(16 or more characters, sent as 'Authorization: Bearer ...'), or bind 127.0.0.1"
            )
        if self.web_access_token is not None and len(self.web_access_token.get_secret_value()) < 16:
            raise SettingsError("TRIAGE_WEB_ACCESS_TOKEN: needs at least 16 characters")

    def check_telegram(self) -> None:
        """Refuse a webhook that cannot be called. Raises SettingsError."""
        if self.telegram_token is None or self.telegram_mode == "polling":
            return
        if self.public_url is None:
            raise SettingsError(
                "TRIAGE_PUBLIC_URL: is needed with TRIAGE_TELEGRAM_MODE=webhook: the https address this service has "
                "from outside, for example https://triage.example.org"
            )
        local = urlsplit(self.telegram_base_url).scheme == "http"  # a Bot API server of one's own, within reach
        if local:
            return
        if not self.public_url.lower().startswith("https://"):
            raise SettingsError("TRIAGE_PUBLIC_URL: Telegram calls https addresses only")
        if urlsplit(self.public_url).port not in (None, *WEBHOOK_PORTS):
            raise SettingsError("TRIAGE_PUBLIC_URL: Telegram calls the ports 443, 80, 88 and 8443 only")


def read_settings() -> Settings:
    """The settings. Raises SettingsError naming the first that cannot be used."""
    folder = os.environ.get("TRIAGE_SECRETS_DIR", SECRETS)
    if "TRIAGE_SECRETS_DIR" in os.environ and not Path(folder).is_dir():
        raise SettingsError(f"TRIAGE_SECRETS_DIR: {folder} is not a folder")
    try:
        settings = Settings(_secrets_dir=folder if Path(folder).is_dir() else None)
        return settings.model_copy(update={"data_dir": settings.data_dir.expanduser()})
    except RuntimeError as error:  # no home directory
        raise SettingsError(f"TRIAGE_DATA_DIR: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f".env or {folder}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        name = "TRIAGE_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
