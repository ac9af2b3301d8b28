"""The bot's life: what it says of itself is set, then updates are fetched (polling) or taken as they come (webhook)."""

from __future__ import annotations

import asyncio
import hmac
import json
import random
from collections import deque
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from telegram import BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError

from bot.app import IN_HAND, App
from bot.body import TooLarge, body_of
from bot.channels.telegram.channel import BURST, UPDATES, Telegram, seconds_of
from bot.channels.telegram.request import Prepared
from bot.settings import Settings, SettingsError

logger = structlog.get_logger()
WEBHOOK = "/telegram/webhook"
LARGEST = 1024 * 1024
"""Bytes an update may have."""
SLOWEST = 10.0
"""Seconds it may take to arrive."""
AT_ONCE = 40
"""Updates Telegram may deliver at once."""
POLL = 25
"""Seconds a poll waits for updates."""
FETCHED = 100
"""Updates a poll fetches: with those under way, what waits in memory at the most."""
GATHER = 0.25
"""Seconds the next poll waits for updates under way."""
CONFLICTS, CONFLICTS_WITHIN = 3, 60.0
"""Refusals in so many seconds after which another poller is taken for granted: one that is stopping ends before."""
LONGEST_WAIT = 30.0
REMOVED = 1.5
"""Seconds a stop waits for the webhook to be taken back."""
GROUP_COMMANDS = ("start", "help")


def _nothing(line: str) -> None:
    """Nobody is to be told."""


def create(app: App, settings: Settings, *, burst: int = BURST) -> Telegram:
    """The bot of these settings. `burst`: updates one user may send at once. Raises SettingsError."""
    assert settings.telegram_token is not None
    settings.check_telegram()
    return Telegram(
        app, settings.telegram_token.get_secret_value(), base_url=settings.telegram_base_url,
        allowed=settings.telegram_users, burst=burst,
    )  # fmt: skip


def secret_of(app: App, settings: Settings) -> str:
    """What Telegram shows when it calls: the setting, or one made from the key, the same for every worker."""
    given = settings.telegram_webhook_secret
    return given.get_secret_value() if given is not None else app.log.keys.webhook_secret


def routes(telegram: Telegram, secret: str) -> Sequence[BaseRoute]:
    """Where Telegram delivers updates. Whoever does not know the secret is turned away before anything is read."""
    expected = secret.encode()

    async def delivered(request: Request) -> Response:
        given = request.headers.get("x-telegram-bot-api-secret-token", "").encode()
        if not hmac.compare_digest(given, expected):
            return Response(status_code=401)
        if telegram.app.stopping or telegram.app.in_hand >= IN_HAND or not telegram.ready:
            return Response(status_code=503)  # Telegram delivers it again, to another worker or later
        try:
            update = json.loads(await body_of(request, LARGEST, SLOWEST))
        except TooLarge:
            return Response(status_code=413)
        except (TimeoutError, ClientDisconnect):
            return Response(status_code=408)
        except (ValueError, RecursionError):
            return Response(status_code=400)
        if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
            return Response(status_code=400)
        await telegram.process(update)
        return Response()

    return [Route(WEBHOOK, delivered, methods=["POST"])]


async def run(telegram: Telegram, settings: Settings, secret: str, said: Callable[[str], None] = _nothing) -> None:
    """Serve this bot until cancelled. Raises SettingsError where it never can; what passes is waited for."""
    await _begin(telegram, settings, secret)
    said(f"Telegram: https://t.me/{telegram.bot.username} answers ({settings.telegram_mode}).")
    if settings.telegram_mode == "webhook":
        await asyncio.Event().wait()
    else:
        await Poller(telegram).run()


async def _begin(telegram: Telegram, settings: Settings, secret: str) -> None:
    """Ask who the bot is, say how updates come, and set what it shows of itself. Waits for a server out of reach."""
    steps = (
        telegram.initialize,
        lambda: _reached(telegram, settings, secret),
        lambda: _introduce(telegram),
    )
    for step in steps:
        tries = 0
        while True:
            try:
                await step()
                break
            except (InvalidToken, Forbidden):
                raise SettingsError(
                    "TRIAGE_TELEGRAM_TOKEN: Telegram does not know this token; BotFather shows the current one (/token)"
                ) from None
            except BadRequest as error:
                if step is steps[1]:
                    raise SettingsError(
                        f"TRIAGE_PUBLIC_URL: Telegram does not take this address: {error.message}"
                    ) from None
                logger.warning("introduction_not_set", kind="BadRequest")
                break
            except TelegramError as error:
                tries += 1
                if step is steps[2] and tries > 2:  # the menu and the description are set at the next start
                    logger.warning("introduction_not_set", kind=type(error).__name__)
                    break
                logger.warning("telegram_awaited", kind=type(error).__name__)
                await asyncio.sleep(_wait(tries, error))
    telegram.ready = True


def _wait(tries: int, error: TelegramError | None = None) -> float:
    """Seconds before the next try: what the server asks, or longer each time, spread so that not all come at once."""
    if isinstance(error, RetryAfter):
        return seconds_of(error) + random.uniform(0.1, 1.0)
    return min(0.5 * 2.0 ** (tries - 1), LONGEST_WAIT) * random.uniform(0.8, 1.2)


async def _reached(telegram: Telegram, settings: Settings, secret: str) -> None:
    """Set the webhook, or remove one that is left: polling and webhook exclude each other."""
    if settings.telegram_mode == "polling":
        await telegram.bot.delete_webhook()
        return
    await telegram.bot.set_webhook(
        f"{settings.public_url}{WEBHOOK}", secret_token=secret, allowed_updates=UPDATES,
        max_connections=AT_ONCE,
    )  # fmt: skip


async def remove_webhook(telegram: Telegram) -> None:
    """Tell Telegram to keep updates until this bot is back."""
    try:
        async with asyncio.timeout(REMOVED):
            await telegram.bot.delete_webhook()
    except (TelegramError, TimeoutError) as error:
        logger.warning("webhook_not_removed", kind=type(error).__name__)


async def _introduce(telegram: Telegram) -> None:
    """The command menu, the name and the descriptions: set only where they are not as they should be."""
    bot, words = telegram.bot, telegram.chat
    menu = [BotCommand(name, text) for name, text in words.commands.items()]
    for scope, commands in (
        (BotCommandScopeAllPrivateChats(), menu),
        (BotCommandScopeAllGroupChats(), [command for command in menu if command.command in GROUP_COMMANDS]),
    ):
        if await bot.get_my_commands(scope=scope) != tuple(commands):
            await bot.set_my_commands(commands, scope=scope)
    if (await bot.get_my_name()).name != words.name:
        await bot.set_my_name(words.name)
    if (await bot.get_my_description()).description != words.description:
        await bot.set_my_description(words.description)
    if (await bot.get_my_short_description()).short_description != words.short_description:
        await bot.set_my_short_description(words.short_description)


class Poller:
    """Fetches updates. One is confirmed only once it was taken, so that a kill loses none: it comes again."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._taken: set[int] = set()
        """Updates taken that cannot be confirmed yet, because an older one is under way."""
        self._next = 0
        """One more than the highest id begun."""
        self._conflicts: deque[float] = deque(maxlen=CONFLICTS)
        """When fetching was refused lately: another poller gets its share in between, so they need not be in a row."""

    async def run(self) -> None:
        """Fetch until cancelled. Raises SettingsError where somebody else fetches with the same token."""
        tries = 0
        try:
            while not self._telegram.app.stopping:
                try:
                    await self._fetch()
                    tries = 0
                except Conflict as error:
                    await self._contested(error)
                except InvalidToken:
                    raise SettingsError(
                        "TRIAGE_TELEGRAM_TOKEN: Telegram no longer knows this token; BotFather shows the current one"
                    ) from None
                except TelegramError as error:
                    tries += 1
                    logger.warning("poll_failed", kind=type(error).__name__)
                    await asyncio.sleep(_wait(tries, error))
        finally:
            await asyncio.shield(self._confirm())

    async def _contested(self, error: Conflict) -> None:
        if "webhook" in error.message.lower():
            raise SettingsError(
                "TRIAGE_TELEGRAM_TOKEN: another program set a webhook for this bot, which has one way to get updates: "
                "stop it, or serve with TRIAGE_TELEGRAM_MODE=webhook"
            )
        now = asyncio.get_running_loop().time()
        self._conflicts.append(now)
        if len(self._conflicts) == CONFLICTS and now - self._conflicts[0] < CONFLICTS_WITHIN:
            raise SettingsError(
                "TRIAGE_TELEGRAM_TOKEN: another program fetches this bot's updates, and only one can: stop it; "
                "several workers need TRIAGE_TELEGRAM_MODE=webhook"
            )
        logger.warning("poll_contested", count=len(self._conflicts))
        await asyncio.sleep(_wait(len(self._conflicts) + 1))

    async def _fetch(self) -> None:
        wait = 0 if self._under_way else POLL
        for raw in sorted(await self._updates(wait), key=itemgetter("update_id")):
            number = raw["update_id"]
            if number in self._under_way or number in self._taken:
                continue
            self._next = max(self._next, number + 1)
            self._under_way[number] = asyncio.get_running_loop().create_task(self._telegram.process(raw))
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=GATHER)
        self._note_taken()

    def _note_taken(self) -> None:
        done = {number for number, task in self._under_way.items() if task.done()}
        self._under_way = {number: task for number, task in self._under_way.items() if number not in done}
        self._taken = self._taken | done if self._under_way else set()

    async def _updates(self, wait: int) -> list[dict[str, Any]]:
        """Updates from the oldest that is not taken yet."""
        offset = min(self._under_way, default=self._next)
        parameters = {"offset": offset, "limit": FETCHED, "timeout": wait, "allowed_updates": UPDATES}
        data: Any = Prepared(json.dumps(parameters).encode())
        request = self._telegram.poll_request
        found: Any = await request.post(
            self._telegram.url_of("getUpdates"), request_data=data, read_timeout=wait + (request.read_timeout or 0)
        )
        return list(found)

    async def _confirm(self) -> None:
        """Finish what is under way and tell the server what was taken, so that it does not come again."""
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=2.0)
            self._note_taken()
        if self._next:
            try:
                async with asyncio.timeout(2.0):
                    await self._updates(0)
            except (TelegramError, TimeoutError) as error:
                logger.debug("not_confirmed", kind=type(error).__name__)
