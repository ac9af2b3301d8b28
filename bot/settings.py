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
_ORIGIN = re.compile(r"(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([0-9]{1,5}))?/?", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}
NOT_A_USER = frozenset({
    "accept", "authorization", "connection", "content-length", "content-type", "cookie", "forwarded", "host", "origin",
    "referer", "user-agent", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto",
    "x-real-ip",
})  # fmt: skip
"""Headers that browsers or proxies send with every request: none of them can say who somebody is."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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
    web_trusted_proxies: str | None = None
    web_user_header: str | None = None
    web_rate_limit: Annotated[int, Field(ge=0, le=1_000_000)] = 1200
    web_embed_origins: str | None = None
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

    @field_validator("web_trusted_proxies")
    @classmethod
    def _networks(cls, proxies: str | None) -> str | None:
        for part in _parts(proxies):
            try:
                network = ipaddress.ip_network(part)
            except ValueError:
                raise ValueError("expected addresses or networks with commas between: 10.0.0.5, 10.1.0.0/16") from None
            if network.prefixlen == 0:
                raise ValueError("would trust what anybody says of themselves; name the proxy's address or network")
        return proxies

    @field_validator("web_user_header")
    @classmethod
    def _user_header(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Za-z0-9-]{2,64}", name):
            raise ValueError("expected the name of a header, such as X-Forwarded-User")
        if name is not None and name.lower() in NOT_A_USER:
            raise ValueError("is a header every request may have; expected one only the proxy sets")
        return name

    @field_validator("web_embed_origins")
    @classmethod
    def _origins(cls, origins: str | None) -> str | None:
        for part in _parts(origins):
            if _origin(part) is None:
                raise ValueError(
                    "expected origins with commas between, without a path: https://portal.example.org (http for "
                    "localhost only)"
                )
        return origins

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
    def trusted_proxies(self) -> tuple[Network, ...]:
        """The proxies whose word on a client's address, on TLS and on the user is taken."""
        return tuple(ipaddress.ip_network(part) for part in _parts(self.web_trusted_proxies))

    @property
    def embed_origins(self) -> tuple[str, ...]:
        """The origins of the pages that may show the chat in a frame, as browsers write them."""
        return tuple(origin for part in _parts(self.web_embed_origins) if (origin := _origin(part)))

    @property
    def public_origin(self) -> str | None:
        """The origin browsers see this service under, where it is known."""
        if self.public_url is None:
            return None
        parts = urlsplit(self.public_url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        usual = parts.port in (None, _PORTS[parts.scheme])
        return f"{parts.scheme}://{host}" + ("" if usual else f":{parts.port}")

    @property
    def access_token(self) -> bytes | None:
        """The access token, where one is set."""
        token = self.web_access_token
        return token.get_secret_value().strip().encode(errors="surrogateescape") if token is not None else None

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
        return is_loopback(self.web_host)

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
        """Refuse to be reached from elsewhere by just anybody. Raises SettingsError."""
        if self.web_user_header is not None and not self.trusted_proxies:
            raise SettingsError(
                "TRIAGE_WEB_USER_HEADER: anybody could send it; name the proxy that sets it in "
                "TRIAGE_WEB_TRUSTED_PROXIES (its address or network)"
            )
        token = self.web_access_token
        if token is not None and len(token.get_secret_value().strip()) < 16:
            raise SettingsError("TRIAGE_WEB_ACCESS_TOKEN: needs at least 16 characters")
        if not self.loopback and token is None and self.web_user_header is None:
            raise SettingsError(
                f"TRIAGE_WEB_HOST: {self.web_host} can be reached from other machines; set TRIAGE_WEB_ACCESS_TOKEN "
                "(16 or more characters: typed once in a browser, sent by programs as 'Authorization: Bearer ...'), or "
                "TRIAGE_WEB_USER_HEADER with TRIAGE_WEB_TRUSTED_PROXIES (a proxy in front signs people in), or bind "
                "127.0.0.1"
            )

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


def _parts(text: str | None) -> list[str]:
    return re.findall(r"[^\s,]+", text or "")


def _origin(text: str) -> str | None:
    """An origin as browsers write it; None where the text is none that may embed the chat."""
    found = _ORIGIN.fullmatch(text)
    if found is None:
        return None
    scheme, host, port = found[1].lower(), found[2].lower(), int(found[3] or 0)
    if port > 65535 or ".." in host or (found[3] and not port):
        return None
    if scheme == "http" and not is_loopback(host):
        return None
    return f"{scheme}://{host}" + (f":{port}" if port not in (0, _PORTS[scheme]) else "")


def is_loopback(host: str) -> bool:
    """Whether a host's name or address means the machine itself, whatever a name server says."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


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
