"""Settings from the environment (prefix TRIAGE_) and .env. A wrong value stops the start, naming the setting."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

Region = Literal["us", "eu", "china", "other", "unknown"]


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
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    log_format: Literal["console", "json"] = "console"
    region: Region | None = None

    @property
    def log_file(self) -> Path:
        """The log of turns."""
        return self.data_dir / "triage.sqlite3"


def read_settings() -> Settings:
    """The settings. Raises SettingsError naming the first that cannot be used."""
    try:
        settings = Settings()
        return settings.model_copy(update={"data_dir": settings.data_dir.expanduser()})
    except RuntimeError as error:  # no home directory
        raise SettingsError(f"TRIAGE_DATA_DIR: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f".env: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        name = "TRIAGE_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{name}: {first['msg']}") from None
