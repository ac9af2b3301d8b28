"""Telegram in trouble: taps twice, late and by others, updates twice and out of order, crashes, a server that fails,
what is not text, groups, uninvited users. The bot talks HTTP to the stand-in; all that it sent is checked in the end.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from bot.channels.telegram import channel, service
from bot.channels.telegram.channel import BURST
from bot.log import LogError
from bot.settings import SettingsError
from bot.standin import Chat, Fault, Json, StandIn
from flows.knowledge.load import shipped
from messages.words import chat_words, english
from tests.conftest import Place
from tests.oracle import CHECK, consult_oracle, line_of
from tests.telegram_bot import (
    ADVICE,
    CONSULT,
    OTHER,
    USER,
    Bot,
    Faults,
    bot_on,
    count,
    do,
    eventually,
    final,
    find,
    forgive_twice,
    go,
    of_bot,
    open_questions,
    refused,
    sent,
    shows,
    tap,
    texts,
    too_many,
    until,
    wire_of,
)
from tests.test_serve import Service

CALLS: list[Json] = []
SAYS = chat_words().says
NOTICE = english(shipped()).vocabulary.notices


@pytest.fixture(scope="module", autouse=True)
def everything_sent() -> Iterator[None]:
    """Were it to fail, the bot sent what the Bot API does not know."""
    yield
    if CALLS and CHECK.exists():
        consult_oracle(CALLS)


@pytest.fixture
async def server() -> AsyncIterator[StandIn]:
    """Telegram's server. Were its end to fail, a documented limit was broken (T1-T3, T6)."""
    async with StandIn() as server:
        yield server
    CALLS.extend(map(line_of, server.calls))
    assert server.violations == []


@pytest.fixture
def here(make_place: Callable[[str], Place]) -> Place:
    """An empty log on SQLite, where the engine makes no difference."""
    return make_place("sqlite")


@pytest.fixture
async def bot(here: Place, server: StandIn) -> AsyncIterator[Bot]:
    async with bot_on(here, server) as bot:
        yield bot


@pytest.fixture
def chat(server: StandIn) -> Chat:
    return server.chat(USER)


# Buttons pressed twice, late, by somebody else

LINE = until("early_stage_agents:none")[:-1]
BUTTONS = {
    "option": (until("gate:in_scope"), "gate:in_scope"),
    "first option": (("/start",), "role:oncologist"),
    "line": (until("prior_lines:tch"), "prior_lines:tch"),
    "tick": (until("safety+ild_history"), "safety+lvef"),
    "done": (until("safety="), "safety="),
    "none": (until("red_flags:none"), "red_flags:none"),
    "remove last line": (LINE, "prior_lines:undo"),
    "back": (until("hr_status:negative"), "/back"),
    "why is this asked": (until("hr_status:negative"), "/why"),
    "edit under an answer": (until("hr_status:negative"), "/edit gate"),
    "edit at the review": (until("review:confirm"), "/edit hr_status"),
    "confirm": (until("review:confirm"), "review:confirm"),
    "new case": (("/start", *CONSULT), "/restart"),
    "section": (("/start", *CONSULT), "/evidence"),
}
READS = ("/why", "/evidence")
"""Buttons that only read: twice pressed, it may be said twice."""


@pytest.mark.parametrize("name", BUTTONS)
async def test_a_double_tap_counts_once(bot: Bot, server: StandIn, name: str) -> None:
    """T12, S24: were it to fail, a finger that trembles answers the next question too, or an answer comes twice."""
    before, turn = BUTTONS[name]
    once, twice, slowly = (server.chat(user) for user in (USER, OTHER, OTHER + 1))
    for chat in (once, twice, slowly):
        await go(bot, chat, *before)
    await go(bot, once, turn)
    for chat in (twice, slowly):
        button, shown = find(chat, turn)
        await chat.press_data(button.data, shown.message_id)
        if chat is slowly:
            await bot.quiet()
        await chat.press_data(button.data, shown.message_id)
        await bot.quiet()
        assert not chat.unanswered
        assert await bot.stands(chat.user) == await bot.stands(once.user)
        assert await bot.ticked(chat.user) == await bot.ticked(once.user)
        if turn in READS:
            assert dict.fromkeys(final(chat)).keys() == dict.fromkeys(final(once)).keys()
        else:
            assert final(chat) == final(once), chat.screen()
        # one edit a turn (T9): the line being changed takes it, and what was open above is refused when it is pressed
        assert len(open_questions(chat)) <= (2 if name == "edit under an answer" else 1), chat.screen()


async def test_a_button_of_an_earlier_question_changes_nothing(bot: Bot, chat: Chat) -> None:
    """P3: were it to fail, a late tap on an old message answers something it was not asked."""
    await go(bot, chat, *until("red_flags:none"))
    button, shown = find(chat, "red_flags:none")
    await go(bot, chat, "red_flags:none")
    seen = len(of_bot(chat))
    await chat.press_data(button.data.replace("none", "unknown"), shown.message_id)
    await bot.quiet()
    assert await bot.stands() == "prior_lines"
    assert "earlier question" in chat.toasts[-1][0]
    assert len(of_bot(chat)) == seen + 1
    assert of_bot(chat)[-1].text.startswith("Question 3 of")
    assert len(open_questions(chat)) == 1, chat.screen()


async def test_a_button_of_an_earlier_case_changes_nothing(bot: Bot, chat: Chat) -> None:
    """P3: were it to fail, Edit under an answer of the last patient changes the next one's."""
    await go(bot, chat, "/start", *CONSULT)
    old = [find(chat, turn) for turn in ("/edit gate", "/evidence")]
    confirmed = find(chat, "/edit red_flags")[1]
    await go(bot, chat, "/restart", "role:trainee", "gate:in_scope")
    turns = bot.place.turns()
    for button, shown in old:
        await chat.press_data(button.data, shown.message_id)
        await bot.quiet()
        assert "earlier question" in chat.toasts[-1][0]
        assert bot.place.turns() == turns
        assert len(open_questions(chat)) == 1
    assert confirmed.text.startswith("Emergencies: None")
    assert count(chat, ADVICE) == 1


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("gone", ["forgotten", "not kept any longer"])
async def test_what_is_no_longer_kept_begins_afresh_with_one_sentence(
    bot: Bot, chat: Chat, gone: str, typed: bool
) -> None:
    """S32, P4: were it to fail, an old button brings back what was erased, or leads nowhere without a word."""
    await go(bot, chat, *until("hr_status:negative"))
    button, shown = find(chat, "hr_status:negative")
    if gone == "forgotten":
        await go(bot, chat, "say /forget")
        assert count(chat, "was erased") == 1
    else:
        bot.place.now += timedelta(hours=100)
        before = int((bot.place.now - timedelta(hours=72)).timestamp())
        bot.app.drop_idle(before)
        assert await bot.app.log.sweep(before, 100) == 1
    assert bot.place.turns() == []
    if typed:
        await go(bot, chat, "say negative")
        said = of_bot(chat)[-1].text
    else:
        await chat.press_data(button.data, shown.message_id)
        await bot.quiet()
        said = chat.toasts[-1][0]
    assert "this is a fresh start" in said
    assert shows(chat, "role:oncologist")
    assert of_bot(chat)[-1].buttons
    assert bot.place.turns() == []
    assert open_questions(chat)[-1:] == [of_bot(chat)[-1].text.partition("\n")[0]]
    await go(bot, chat, "role:oncologist")
    assert await bot.stands() == "gate"


async def test_options_ticked_faster_than_they_are_shown_are_all_taken(bot: Bot, chat: Chat, server: StandIn) -> None:
    """Were it to fail, of four cautions ticked quickly one is missing, and a drug is ranked that must not be (S8)."""
    await go(bot, chat, *until("safety+ild_history"))
    server.fault = Faults(editMessageText=[Fault.stall(0.1)])
    wanted = ("ild_history", "lvef", "hepatic_impairment", "platelets")
    pressed = [find(chat, f"safety+{option}") for option in wanted]
    for button, shown in pressed:
        await chat.press_data(button.data, shown.message_id)
    await bot.quiet()
    assert await bot.ticked() == wanted
    ticks = [button.text for button in pressed[0][1].buttons if button.text.startswith("\N{CHECK MARK}")]
    assert len(ticks) == 4, chat.screen()
    assert any("4" in button.text for button in pressed[0][1].buttons if wire_of(button) == "safety=")
    await go(bot, chat, "safety=")
    assert await bot.stands() == "hepatic_impairment"


async def test_ticks_and_done_in_one_go_are_all_taken(bot: Bot, chat: Chat) -> None:
    """Were it to fail, Done pressed at once after the last tick drops that tick, or is refused as out of date."""
    await go(bot, chat, *until("safety+ild_history"))
    for turn in ("safety+ild_history", "safety+lvef"):
        await tap(chat, turn)
    await tap(chat, "safety=")
    await bot.quiet()
    assert await bot.stands() == "review"
    assert re.search(r"ILD or pneumonitis: present.*LVEF: reduced", texts(chat)[-1], re.DOTALL), chat.screen()


async def test_nobody_else_presses(bot: Bot, chat: Chat, server: StandIn) -> None:
    """T13: were it to fail, somebody else answers for the clinician, in a group or by a forwarded button."""
    await go(bot, chat, *until("red_flags:none"))
    turns, screen = bot.place.turns(), final(chat)
    button, shown = find(chat, "red_flags:none")
    await chat.press_data(button.data, shown.message_id, by=OTHER)
    group = server.chat(USER, kind="group")
    await group.press_data(button.data, 3)
    await group.press_data(button.data, 3, by=OTHER)
    await bot.quiet()
    assert [text for text, _ in chat.toasts] == [SAYS["not_yours"]]
    assert [text for text, _ in group.toasts] == [SAYS["not_yours"]] * 2
    assert (bot.place.turns(), final(chat)) == (turns, screen)
    assert not chat.unanswered | group.unanswered


JUNK = ("", " ", "x" * 64, "1.....", "1.1.1.1.", "2.1.1.1.role:oncologist", "1.zz.1.1.gate:in_scope", "1.1.1.-.",
        "1.-1.-1.-1.gate:in_scope", "\N{CLINKING BEER MUGS}" * 16, "1.1.1.1.gate:" + "a" * 51, "1.1.1.1.nonsense:x",
        "1.1.1.1./edit nonsense", "1.1.1.1.gate+in_scope", "1.1.1.1.gate=", "\x00" * 64,
        "1.1.1.1.gate:in_scope+her2_low")  # fmt: skip


async def test_a_button_nobody_made_changes_nothing(bot: Bot, chat: Chat) -> None:
    """T2, P3: were it to fail, data a client made up answers a question or ends the bot's work."""
    await go(bot, chat, *until("gate:in_scope"))
    turns = bot.place.turns()
    for data in JUNK:
        await chat.press_data(data, of_bot(chat)[-1].message_id)
        await bot.quiet()
        assert not chat.unanswered, data
        assert bot.place.turns() == turns, data
        assert len(open_questions(chat)) == 1, chat.screen()
    inline = {"id": "1", "from": chat.person(), "chat_instance": "1", "data": "1.1.1.1.gate:in_scope",
              "inline_message_id": "1"}  # fmt: skip
    await bot.telegram.process({"update_id": 10**6, "callback_query": inline})
    await bot.quiet()
    assert bot.place.turns() == turns


# Updates twice, out of order, from two devices


async def test_every_update_twice_makes_the_same_chat(place: Place, server: StandIn) -> None:
    """T12: were it to fail, an update that Telegram delivers again answers again, or its answer comes twice."""
    once, twice = server.chat(OTHER), server.chat(USER)
    turns = ("/start", *CONSULT[:1], "say in scope", *CONSULT[2:5], "say /help", *CONSULT[5:], "/evidence", "/restart")
    async with bot_on(place, server, mode="webhook") as bot:
        await go(bot, once, *turns)
        server.duplicate = True
        await go(bot, twice, *turns)
        assert final(twice) == final(once)
        server.duplicate = False
        for update in [one for one in server.updates if "callback_query" in one or "message" in one]:
            server.again(update)
        await bot.quiet()
        assert final(twice) == final(once)
    forgive_twice(server)


async def test_an_update_that_comes_again_after_a_kill_is_not_taken_again(place: Place, server: StandIn) -> None:
    """T12, S24: were it to fail, what was taken just before a crash is taken once more after it."""
    chat = server.chat(USER)
    async with bot_on(place, server) as bot:
        await go(bot, chat, *until("prior_lines:done"))
        seen = final(chat)
        await bot.restart(kill=True)
        for update in server.updates[-4:]:
            server.again(update)
        await bot.quiet()
        assert final(chat) == seen
    forgive_twice(server)


async def test_what_comes_again_after_an_erasure_brings_nothing_back(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T12, S32: were it to fail, what was erased stands in the log again after a crash."""
    await go(bot, chat, "/start", "role:oncologist", "say /forget")
    assert bot.place.turns() == []
    await bot.restart(kill=True)
    for update in server.updates[-2:]:  # taken, but not confirmed before the crash
        server.again(update)
    await bot.quiet()
    forgive_twice(server)
    assert bot.place.turns() == []


async def test_a_block_that_is_told_again_erases_nothing_newer(here: Place, server: StandIn, chat: Chat) -> None:
    """T8, T12: were it to fail, who comes back after a block loses the answers given since."""
    async with bot_on(here, server, mode="webhook") as bot:
        await go(bot, chat, "/start", "role:oncologist")
        await chat.block()
        blocked = server.updates[-1]
        await bot.quiet()
        await chat.unblock()
        await go(bot, chat, "/start", "role:trainee", "gate:in_scope")
        server.again(blocked)
        await bot.quiet()
        assert bot.place.turns() == ["role:trainee", "gate:in_scope"]


@pytest.mark.parametrize("turn", ["red_flags:none", "/back"])
async def test_a_double_tap_is_not_said_to_be_out_of_date(bot: Bot, server: StandIn, chat: Chat, turn: str) -> None:
    """T12: were it to fail, who taps twice reads that nothing was changed, though the answer was taken."""
    await go(bot, chat, *until("red_flags:none"))
    button, shown = find(chat, turn)
    for _ in range(2):
        await chat.press_data(button.data, shown.message_id)
    await bot.quiet()
    assert chat.toasts == [("That was taken already.", False)]


async def test_texts_out_of_order_answer_no_question_they_did_not_see(place: Place, server: StandIn) -> None:
    """T12: were it to fail, an older text that arrives late answers the question that came after it."""
    chat = server.chat(USER)
    async with bot_on(place, server, mode="webhook") as bot:
        await go(bot, chat, *until("hr_status:negative"))
        server.reverse_next = 2
        await chat.say("unknown")
        await chat.say("positive")
        await bot.quiet()
        assert bot.place.turns()[-1] == "hr_status:positive"
        assert of_bot(chat)[-1].text.startswith(NOTICE["late"]), "and the question it stands at follows"


async def test_a_text_sent_before_the_question_was_shown_is_not_its_answer(
    bot: Bot, server: StandIn, chat: Chat
) -> None:
    """T12: were it to fail, "not known", typed twice in haste, also answers a question nobody had read."""
    await go(bot, chat, *until("hr_status:negative"))
    await chat.say("unknown")
    await chat.say("unknown")
    await bot.quiet()
    assert await bot.stands() == "tdxd_access"
    assert bot.place.turns()[-1] == "hr_status:unknown"
    assert count(chat, NOTICE["late"]) == 1
    await go(bot, chat, "say unknown")
    assert await bot.stands() == "safety"


async def test_a_text_sent_while_the_question_is_held_up_is_not_its_answer(
    bot: Bot, server: StandIn, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T9, T12: were it to fail, under flood control a text answers a question that is not on the screen yet."""
    monkeypatch.setattr(channel, "SHOWN_WITHIN", 0.2)
    await go(bot, chat, *until("hr_status:negative"))
    server.fault = Faults(sendMessage=[too_many(3)])
    await go(bot, chat, "hr_status:negative")
    assert await bot.stands() == "tdxd_access"
    await go(bot, chat, "say unknown")
    assert await bot.stands() == "tdxd_access"
    await bot.all_sent()
    assert count(chat, NOTICE["late"]) == 1
    assert count(chat, "Question 6 of") == 2, "once as it was asked, once after the notice"
    assert len(open_questions(chat)) == 1


async def test_no_role_is_taken_from_whoever_was_not_shown_the_terms(bot: Bot, chat: Chat) -> None:
    """S1, S2: were it to fail, a word typed into an empty chat attests to a statement that was never on the screen."""
    await go(bot, chat, "say oncologist")
    assert await bot.stands() == "role"
    assert "Not for patients, not for emergencies" in of_bot(chat)[-1].text
    await go(bot, chat, "say oncologist")
    assert await bot.stands() == "gate"
    await go(bot, chat, "say /forget")
    await chat.send("photo")
    await bot.quiet()
    await go(bot, chat, "say nurse")
    assert await bot.stands() == "role"


async def test_a_text_typed_while_the_question_changes_under_it_is_not_taken(
    bot: Bot, server: StandIn, chat: Chat
) -> None:
    """T12: were it to fail, "not known", meant for the lines, says why a line stopped."""
    await go(bot, chat, *until("prior_lines:tch"))
    server.fault = Faults(editMessageText=[Fault.stall(0.3)])
    await tap(chat, "prior_lines:tch")
    await eventually(lambda: bot.letters() == ["sending"])
    await chat.say("unknown")
    await bot.quiet()
    assert await bot.stands() == "line_outcome"
    assert count(chat, NOTICE["late"]) == 1


async def test_a_question_that_was_lost_takes_no_text(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T10: were it to fail, "none", typed once more in vain, says that there was no line of therapy."""
    await go(bot, chat, *until("red_flags:none"))
    server.fault = Faults(sendMessage=[Fault.drop_before()])
    await tap(chat, "red_flags:none")
    await eventually(lambda: bot.letters() == ["unsure"])
    await go(bot, chat, "say none")
    assert await bot.stands() == "prior_lines"
    assert "Which therapy was given" in of_bot(chat)[-1].text


async def test_a_document_says_what_the_chat_says(bot: Bot, chat: Chat) -> None:
    """S3: were it to fail, the document of a refused case asks for what is missing instead of refusing."""
    await go(bot, chat, *until("gate:in_scope"))
    await go(bot, chat, "gate:under_18", "say /export json")
    (document,) = [shown.document for shown in of_bot(chat) if shown.document]
    assert b'"status": "decline"' in document[1]


async def test_a_message_that_cannot_be_edited_for_whatever_reason_is_sent_anew(
    bot: Bot, server: StandIn, chat: Chat
) -> None:
    """T7: were it to fail, the next question of a line never comes, and every button is out of date."""
    await go(bot, chat, *until("prior_lines:tch"))
    server.fault = Faults(editMessageText=[Fault.refuse(400, "Bad Request: MESSAGE_ID_INVALID")])
    await go(bot, chat, "prior_lines:tch")
    assert of_bot(chat)[-1].text.startswith("Question 3 of")
    await go(bot, chat, "line_outcome:progression")
    assert await bot.stands() == "prior_lines"


async def test_of_two_devices_the_first_wins_and_the_second_is_told(bot: Bot, chat: Chat) -> None:
    """Were it to fail, two colleagues on one account overwrite one another's answer without a word."""
    await go(bot, chat, *until("hr_status:negative"))
    await tap(chat, "hr_status:negative")
    await tap(chat, "hr_status:positive")
    await bot.quiet()
    assert bot.place.turns()[-1] == "hr_status:negative"
    assert "earlier question" in chat.toasts[-1][0]
    assert await bot.stands() == "tdxd_access"
    assert len(open_questions(chat)) == 1, chat.screen()


# Stops and crashes


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
async def test_a_restart_between_any_two_turns_goes_unnoticed(place: Place, server: StandIn, kill: bool) -> None:
    """S24: were it to fail, a deployment loses answers, or shows a question again that was shown."""
    through, at_once = server.chat(USER), server.chat(OTHER)
    async with bot_on(place, server) as bot:
        await go(bot, at_once, "/start", *CONSULT, "/evidence")
        for turn in ("/start", *CONSULT, "/evidence"):
            await go(bot, through, turn)
            await bot.restart(kill=kill)
        await bot.quiet()
        assert final(through) == final(at_once)
    if kill:
        forgive_twice(server)


async def test_a_stop_right_after_each_turn_loses_nothing(place: Place, server: StandIn) -> None:
    """S24: were it to fail, a deployment loses what was pressed in that second, or shows it twice."""
    through, at_once = server.chat(USER), server.chat(OTHER)
    async with bot_on(place, server) as bot:
        await go(bot, at_once, "/start", *CONSULT)
        for turn in ("/start", *CONSULT):
            await do(through, turn)
            await bot.restart()
            await bot.quiet()
        assert final(through) == final(at_once)


@pytest.mark.parametrize("turn", ["gate:in_scope", "safety+ild_history", "review:confirm"])
async def test_a_kill_before_the_reply_arrived_shows_it_once(place: Place, server: StandIn, turn: str) -> None:
    """S24, T10: were it to fail, after a crash the question never comes, or the result comes twice."""
    chat = server.chat(USER)
    async with bot_on(place, server) as bot:
        await go(bot, chat, *until(turn))
        seen, tick = len(of_bot(chat)), turn.startswith("safety")
        server.fault = faults = Faults(sendMessage=[Fault.stall(5)], editMessageText=[Fault.stall(5)] * tick)
        await tap(chat, turn)
        await eventually(lambda: "sending" in bot.letters() and bool(faults.met))
        await bot.kill()
        server.fault = None
        assert len(of_bot(chat)) == seen
        await bot.start()
        await bot.quiet()
        if tick:
            assert bot.letters() == []
            assert shows(chat, "safety-ild_history")
        else:
            assert len(of_bot(chat)) == seen
        await go(bot, chat, "say /here")
        shown = "Options for the next line" if "review" in turn else "Question 7 of" if tick else "Emergencies"
        assert len(of_bot(chat)) == seen + 1, chat.screen()
        if turn == "gate:in_scope":
            assert shows(chat, "red_flags:none")
        else:
            assert shown in texts(chat)[-1]
        assert bot.letters() == []
        assert len(open_questions(chat)) <= 1
        await bot.later()
        assert len(of_bot(chat)) == seen + 1
    forgive_twice(server)


async def test_a_kill_after_the_reply_arrived_sends_nothing_blindly(place: Place, server: StandIn) -> None:
    """S24, T10: were it to fail, the result, already on the screen, is sent again after a crash."""
    chat = server.chat(USER)
    async with bot_on(place, server) as bot:
        await go(bot, chat, *until("review:confirm"))
        server.fault = Faults(sendMessage=[Fault.hang(5)])
        await tap(chat, "review:confirm")
        await eventually(lambda: count(chat, ADVICE) == 1)
        await bot.restart(kill=True)
        server.fault = None
        await bot.quiet()
        assert count(chat, ADVICE) == 1
        assert await bot.stands() == "advice"
        await go(bot, chat, "say /evidence")
        assert count(chat, ADVICE) == 2  # whether it had arrived cannot be known: said again at the next touch
        await go(bot, chat, "say /evidence")
        assert count(chat, ADVICE) == 2
    forgive_twice(server)


@pytest.mark.parametrize("seed", range(3))
async def test_kills_at_any_moment_lose_and_repeat_nothing(place: Place, server: StandIn, seed: int) -> None:
    """S24: were it to fail, an answer is lost or counted twice in a crash, or the result is sent twice."""
    chance, chat = random.Random(seed), server.chat(USER)
    touched = 0
    async with bot_on(place, server) as bot:
        for turn in ("/start", *CONSULT):
            await do(chat, turn)
            await asyncio.sleep(chance.uniform(0, 0.03))
            await bot.restart(kill=True)
            await bot.quiet()
            if "unsure" in bot.letters():
                await go(bot, chat, "say /here")
                touched += turn == "review:confirm"
            assert "unsure" not in bot.letters()
        assert bot.place.turns() == list(CONSULT)
        assert 1 <= count(chat, ADVICE) <= 1 + touched
    forgive_twice(server)


async def test_two_workers_take_each_update_once(make_place: Callable[[str], Place], server: StandIn) -> None:
    """T12: were it to fail, an update delivered to two workers at once is answered by both."""
    place, once, twice = make_place("postgresql"), server.chat(OTHER), server.chat(USER)
    turns = tuple(turn for turn in CONSULT if "ild" not in turn)
    async with bot_on(place, server, mode="webhook") as one, bot_on(place, server, mode="webhook") as two:
        await go(two, once, "/start", *turns)
        for turn in ("/start", *turns):
            await do(twice, turn)
            await one.telegram.process(server.updates[-1])
            await two.quiet()
            await one.quiet()
        assert final(twice) == final(once)
    forgive_twice(server)


# A server that fails


async def test_flood_control_delays_and_loses_nothing(place: Place, server: StandIn) -> None:
    """T9: were it to fail, under flood control messages are lost, come twice, or a question before its notice."""
    calm, storm = server.chat(OTHER), server.chat(USER)
    turns = ("/start", *CONSULT[:6], "say /help", *CONSULT[6:], "/evidence", "/summary", "say /export html")
    async with bot_on(place, server) as bot:
        await go(bot, calm, *turns)
        chance, refusals = random.Random(7), itertools.count()

        def stormy(method: str, params: Json) -> Fault | None:
            return too_many(1 + next(refusals) % 40) if "chat_id" in params and chance.random() < 0.4 else None

        server.fault = stormy
        for turn in turns:
            await do(storm, turn)
            await bot.all_sent()
        assert final(storm) == final(calm)
        assert next(refusals) > 20


async def test_flood_control_is_known_to_have_delivered_nothing(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T9: were it to fail, what was refused for now counts as perhaps arrived, and waits for the next touch."""
    server.fault = Faults(sendMessage=[too_many(1)])
    await go(bot, chat, "/start")
    assert bot.letters() == ["waiting"]
    await bot.all_sent()
    assert shows(chat, "role:oncologist")


async def test_flood_control_on_a_press_still_takes_it(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T6, T9: were it to fail, an answer is lost because the spinner of its button could not be stopped."""
    await go(bot, chat, *until("gate:in_scope"))
    server.fault = Faults(answerCallbackQuery=[too_many(1), Fault.drop_before(), Fault.garbage(), Fault.drop_after()])
    await go(bot, chat, *CONSULT[1:5])
    assert await bot.stands() == "prior_lines"
    assert server.fault.met == 4


async def test_a_press_that_is_too_old_to_be_answered_is_taken(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T6: were it to fail, what was pressed while the service was away is lost, or fails."""
    server.query_lives = 0.0
    await go(bot, chat, "/start", *CONSULT)
    assert count(chat, ADVICE) == 1
    assert all("query is too old" in one for one in server.refusals)
    assert server.refusals


UNKNOWN = {
    "dropped before": [Fault.drop_before()],
    "dropped after": [Fault.drop_after()],
    "bad gateway": [Fault.garbage()],
    "bad gateway after": [Fault.garbage_after()],
    "server error": [refused("Internal Server Error", 500)],
    "hangs": [Fault.hang(3)],
}
"""Answers after which it is not known whether a message arrived, and those where it did."""


@pytest.mark.parametrize("name", UNKNOWN)
async def test_what_may_have_arrived_is_not_sent_again_but_shown_at_the_next_touch(
    bot: Bot, server: StandIn, chat: Chat, name: str
) -> None:
    """T10: were it to fail, a message comes twice, or the question never comes and nobody can go on."""
    await go(bot, chat, *until("brain_metastases:none"))
    bot.telegram.request._wait = 0.1  # type: ignore[attr-defined]
    server.fault = Faults(sendMessage=UNKNOWN[name])
    arrives = "after" in name or name == "hangs"
    await go(bot, chat, "brain_metastases:none")
    assert bot.letters() == ["unsure"]
    await bot.later()
    assert count(chat, "Hormone-receptor status?") == arrives
    assert await bot.stands() == "hr_status"
    await go(bot, chat, "say /here")
    assert count(chat, "Hormone-receptor status?") == 1 + arrives
    assert bot.letters() == []
    await bot.later()
    await go(bot, chat, "say negative")
    assert await bot.stands() == "tdxd_access"
    assert count(chat, "HR status: HR-negative") == 1


async def test_what_may_have_arrived_can_be_answered(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T10: were it to fail, the answer to a question that did arrive is refused, or the question comes again."""
    await go(bot, chat, *until("brain_metastases:none"))
    server.fault = Faults(sendMessage=[Fault.drop_after()])
    await go(bot, chat, "brain_metastases:none", "hr_status:negative")
    assert await bot.stands() == "tdxd_access"
    assert count(chat, "Hormone-receptor status?") == 0  # closed with its answer
    assert count(chat, "HR status: HR-negative") == 1
    assert len(open_questions(chat)) == 1, chat.screen()


@pytest.mark.parametrize("typed", ["negative", "/here"])
async def test_what_may_have_arrived_costs_no_answer_shown_above_it(
    bot: Bot, server: StandIn, chat: Chat, typed: str
) -> None:
    """T10: were it to fail, the message of an earlier answer is overwritten with another question's."""
    await go(bot, chat, *until("brain_metastases:none"))
    server.fault = Faults(sendMessage=[Fault.drop_after()])
    await go(bot, chat, "brain_metastases:none")
    closed = answered(chat)
    assert closed[-1][1] == ["/edit brain_metastases"]
    await go(bot, chat, f"say {typed}")
    assert answered(chat)[: len(closed)] == closed, chat.screen()


@pytest.mark.parametrize("turn", ["hr_status:negative", "/edit brain_metastases"])
async def test_what_comes_next_is_offered_only_while_it_is_missing(
    bot: Bot, server: StandIn, chat: Chat, turn: str
) -> None:
    """T10: were it to fail, a line that is being changed, or long answered, gets buttons nobody needs."""
    await go(bot, chat, *until("brain_metastases:none"))
    server.fault = Faults(sendMessage=[Fault.drop_after()])
    await tap(chat, "brain_metastases:none")
    await eventually(lambda: bot.letters() == ["unsure"])
    await tap(chat, turn)
    await asyncio.sleep(0.8)
    await bot.quiet()
    assert not shows(chat, "/here"), chat.screen()
    assert shows(chat, "/edit brain_metastases")


def answered(chat: Chat) -> list[tuple[str, list[str]]]:
    """The lines of questions that were answered, each with its Edit."""
    edits = [(text, [wire for wire in wires if wire.startswith("/edit")]) for text, wires in final(chat)]
    return [(text, wires) for text, wires in edits if wires]


@pytest.mark.parametrize("name", [*UNKNOWN, "gone"])
async def test_an_edit_that_fails_holds_up_no_question(bot: Bot, server: StandIn, chat: Chat, name: str) -> None:
    """T7, T9: were it to fail, the next question waits for the decoration of the last one."""
    await go(bot, chat, *until("brain_metastases:none"))
    bot.telegram.request._wait = 0.1  # type: ignore[attr-defined]
    server.fault = Faults(editMessageText=UNKNOWN.get(name, [refused("Bad Request: message to edit not found")]))
    await go(bot, chat, "brain_metastases:none")
    assert count(chat, "Hormone-receptor status?") == 1
    assert await bot.stands() == "hr_status"
    assert bot.letters() == []
    await go(bot, chat, "hr_status:negative")
    assert await bot.stands() == "tdxd_access"


@pytest.mark.parametrize("name", UNKNOWN)
async def test_a_tick_whose_edit_fails_is_shown_later(bot: Bot, server: StandIn, chat: Chat, name: str) -> None:
    """T10: were it to fail, a tick that was taken is never shown: edits are safe to repeat."""
    await go(bot, chat, *until("safety+ild_history"))
    bot.telegram.request._wait = 0.1  # type: ignore[attr-defined]
    server.fault = Faults(editMessageText=UNKNOWN[name])
    await go(bot, chat, "safety+ild_history")
    await bot.later()
    assert bot.letters() == []
    assert shows(chat, "safety-ild_history")
    assert count(chat, "Question 7 of") == 1


async def test_a_server_out_of_reach_gets_everything_later(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T10: were it to fail, what certainly did not arrive is lost, or ends the service."""
    await go(bot, chat, *until("brain_metastases:none"))
    await server.stop()
    await tap(chat, "brain_metastases:none")
    await bot.telegram.process(server.updates[-1])
    await eventually(lambda: bot.letters() == ["waiting"])
    assert await bot.stands() == "hr_status"
    await server.start()
    await bot.all_sent()
    assert count(chat, "Brain metastases: None on imaging") == count(chat, "Hormone-receptor status?") == 1
    forgive_twice(server)


async def test_a_message_deleted_under_the_bot_stops_nothing(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T7: were it to fail, who tidies up the chat is stuck in it."""
    await go(bot, chat, *until("brain_metastases:none"))
    chat.delete(of_bot(chat)[-1].message_id)
    await go(bot, chat, "say none")
    assert count(chat, "Hormone-receptor status?") == 1
    await go(bot, chat, *CONSULT[8:10])
    button, shown = find(chat, "safety+ild_history")
    chat.delete(shown.message_id)
    await chat.press_data(button.data, shown.message_id)
    await bot.quiet()
    assert count(chat, "Question 7 of") == 1
    assert shows(chat, "safety-ild_history")
    await go(bot, chat, "safety+lvef")
    assert count(chat, "Question 7 of") == 1
    assert {"safety-ild_history", "safety-lvef"} < set(map(wire_of, of_bot(chat)[-1].buttons))
    await go(bot, chat, "safety=")
    assert await bot.stands() == "review"
    assert bot.letters() == []


async def test_a_message_sent_anew_is_not_sent_again_blindly(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T7, T10: were it to fail, a question whose message was deleted comes again and again where answers get lost."""
    await go(bot, chat, *until("safety+ild_history"))
    button, shown = find(chat, "safety+ild_history")
    chat.delete(shown.message_id)
    server.fault = Faults(sendMessage=[Fault.drop_after()] * 3)
    await chat.press_data(button.data, shown.message_id)
    await bot.all_sent()
    assert count(chat, "Question 7 of") == 1, chat.screen()


async def test_nothing_to_modify_is_success(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T7: were it to fail, an edit that changes nothing is tried for hours, and what follows it waits."""
    await go(bot, chat, *until("safety+ild_history"))
    unmodified = (
        "Bad Request: message is not modified: specified new message content and reply markup are exactly the same"
    )
    server.fault = Faults(editMessageText=[refused(unmodified)] * 3)
    await go(bot, chat, "safety+ild_history", "safety+lvef", "safety=")
    assert await bot.stands() == "review"
    assert count(chat, "Please check what you entered") == 1
    assert bot.letters() == []


UNPARSED = 'Bad Request: can\'t parse entities: Unsupported start tag "b" at byte offset 0'


async def test_a_text_the_server_cannot_read_goes_out_plain(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T3: were it to fail, a sign in a regimen's name keeps the whole answer from arriving."""
    await go(bot, chat, *until("review:confirm"))
    server.fault = Faults(sendMessage=[refused(UNPARSED)])
    await go(bot, chat, "review:confirm")
    first, second = sent(server)[-2:]
    assert (first["parse_mode"], "parse_mode" in second) == ("HTML", False)
    assert count(chat, ADVICE) == 1
    assert "<b>" not in texts(chat)[-1]
    assert shows(chat, "/evidence")


async def test_an_edit_the_server_cannot_read_goes_out_plain(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T3: were it to fail, a question shown in the place of another one never comes."""
    await go(bot, chat, *until("prior_lines:tch"))
    server.fault = Faults(editMessageText=[refused(UNPARSED)])
    await go(bot, chat, "prior_lines:tch")
    assert await bot.stands() == "line_outcome"
    assert shows(chat, "line_outcome:progression"), chat.screen()


@pytest.mark.parametrize("told", [False, True], ids=["by a refusal", "by an update"])
async def test_of_who_blocks_the_bot_everything_is_erased(place: Place, server: StandIn, told: bool) -> None:
    """T8, S32: were it to fail, answers of somebody who is gone are kept, or the bot goes on writing to them."""
    chat, other = server.chat(USER), server.chat(OTHER)
    async with bot_on(place, server) as bot:
        await go(bot, other, "/start", "role:trainee")
        await go(bot, chat, *until("review:confirm"))
        if told:
            await chat.block()
            await bot.quiet()
        else:
            chat.blocked = True
            await go(bot, chat, "review:confirm")
        assert bot.place.turns() == ["role:trainee"]
        assert bot.letters() == []
        calls = len(server.calls)
        await bot.later()
        assert len(server.calls) == calls
        assert count(chat, ADVICE) == 0
        await chat.unblock()
        await go(bot, chat, "/start")
        assert await bot.stands() == "role"
        assert texts(chat)[-1].startswith("Question 1 of")
        await go(bot, other, "gate:in_scope")
        assert await bot.stands(OTHER) == "red_flags"


async def test_a_chat_that_is_gone_holds_up_nobody(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T8: were it to fail, one dead chat keeps the outbox busy, and others wait."""
    other = server.chat(OTHER)
    await go(bot, other, "/start")
    await go(bot, chat, "/start")
    server.fault = lambda method, params: (
        refused("Bad Request: chat not found") if params.get("chat_id") == USER else None
    )
    await go(bot, chat, "role:oncologist", "say /help")
    await go(bot, other, "role:oncologist")
    assert await bot.stands(OTHER) == "gate"
    assert texts(other)[-1].startswith("Question 2 of")
    calls = len(server.calls)
    await bot.later()
    assert (bot.letters(), len(server.calls)) == ([], calls)


async def test_a_tick_delivered_again_does_not_hide_a_newer_one(here: Place, server: StandIn) -> None:
    """T12: were it to fail, an option is shown ticked that no longer is, or the other way round."""
    chat = server.chat(USER)
    async with bot_on(here, server, mode="webhook") as bot:
        await go(bot, chat, *until("safety+ild_history"))
        await go(bot, chat, "safety+ild_history")
        tick = server.updates[-1]
        server.fault = Faults(editMessageText=[too_many(3)])
        await go(bot, chat, "safety-ild_history")
        assert bot.letters() == ["waiting"]
        server.again(tick)
        await bot.all_sent()
        forgive_twice(server)
        assert await bot.ticked() == ()
        assert not shows(chat, "safety-ild_history"), chat.screen()


async def test_a_tick_that_was_not_kept_does_not_hide_one_that_was(
    bot: Bot, server: StandIn, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S25: were it to fail, a failure of the log leaves a tick unshown that was taken."""
    await go(bot, chat, *until("safety+ild_history"))
    server.fault = Faults(editMessageText=[too_many(3)])
    await go(bot, chat, "safety+ild_history")
    with monkeypatch.context() as broken:
        broken.setattr(bot.app.log, "append", _fails(LogError("the disk is full")))
        await go(bot, chat, "safety+lvef")
    await bot.all_sent()
    assert await bot.ticked() == ("ild_history",)
    assert shows(chat, "safety-ild_history"), chat.screen()


async def test_two_workers_show_the_newest_ticks(make_place: Callable[[str], Place], server: StandIn) -> None:
    """T11: were it to fail, with two workers a tick that was taken is not shown."""
    place, chat = make_place("postgresql"), server.chat(USER)
    async with bot_on(place, server, mode="webhook") as one:
        await go(one, chat, *until("safety+ild_history"))
        await go(one, chat, "safety+ild_history")
        two = Bot(place, server, mode="webhook")
        two.sends = False
        await two.start()
        try:
            await tap(chat, "safety+lvef")  # it is delivered to the second worker; the first one sends
            await two.quiet()
            one.outbox.wake()
            await one.all_sent()
            assert await one.ticked() == ("ild_history", "lvef")
            assert shows(chat, "safety-lvef"), chat.screen()
        finally:
            await two.stop()


# What is not text

KINDS = ("photo", "voice", "sticker", "venue", "location", "contact", "poll", "video", "audio", "animation",
         "video_note", "dice", "story", "document")  # fmt: skip
FORWARDED = {"forward_origin": {"type": "hidden_user", "sender_user_name": "Zz", "date": 1}}
SOMEBODY = {"id": 99, "is_bot": True, "first_name": "Inline", "username": "inline_bot"}


async def test_everything_but_text_gets_one_friendly_reply(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T14: were it to fail, a photograph of a letter is downloaded, or goes unanswered, or changes the case."""
    await go(bot, chat, *until("hr_status:negative"))
    turns = bot.place.turns()
    for kind in KINDS:
        seen = len(of_bot(chat))
        await chat.send(kind, caption="negative") if kind in ("photo", "video", "document") else await chat.send(kind)
        await bot.quiet()
        assert [shown.text for shown in of_bot(chat)[seen:]] == [NOTICE["unsupported"]], kind
    assert bot.place.turns() == turns
    assert {call.method for call in server.calls if "get" in call.method} <= {
        "getMe", "getMyCommands", "getMyName", "getMyDescription", "getMyShortDescription"
    }  # fmt: skip
    await go(bot, chat, "hr_status:negative")
    assert await bot.stands() == "tdxd_access"


async def test_an_album_gets_one_reply(place: Place, server: StandIn) -> None:
    """T14: were it to fail, five photographs are answered five times, also where the bot restarts between them."""
    chat = server.chat(USER)
    async with bot_on(place, server) as bot:
        await go(bot, chat, "/start")
        for number in range(5):
            await chat.send("photo", media_group_id="13000000000000001")
            if number == 2:
                await bot.quiet()
                await bot.restart()
        await bot.quiet()
        assert count(chat, NOTICE["unsupported"]) == 1


async def test_an_edited_message_changes_nothing(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T14: were it to fail, an answer corrected in place changes the profile in silence, or seems to."""
    await go(bot, chat, *until("hr_status:negative"), "say negative", "say /help")
    turns = bot.place.turns()
    mine = [shown.message_id for shown in chat.messages if not shown.from_bot]
    for place, (message_id, text) in enumerate(zip(mine[-2:], ("positive", "/forget"), strict=True)):
        await chat.edit(message_id, text)
        await bot.quiet()
        assert count(chat, NOTICE["edited"]) == place + 1
        assert texts(chat)[-1] == NOTICE["edited"]
        assert bot.place.turns() == turns
    await chat.send("location", live_period=600)
    await bot.quiet()
    seen = len(of_bot(chat))
    server.send_update({"edited_message": {**chat.messages[-2].raw, "edit_date": 1}})
    await bot.quiet()
    assert chat.messages[-2].raw["location"]
    assert len(of_bot(chat)) == seen


async def test_words_of_others_are_not_read(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T14, S30: were it to fail, a forwarded letter with a patient's name is read, or another bot answers."""
    await go(bot, chat, *until("hr_status:negative"))
    turns = bot.place.turns()
    await go(bot, chat)
    for more in (FORWARDED, {"via_bot": SOMEBODY}):
        for text in ("negative", "/forget"):
            await chat.say(text, **more)
            await bot.quiet()
            assert texts(chat)[-1] == NOTICE["unsupported"]
    assert bot.place.turns() == turns


async def test_a_text_of_any_length_and_kind_is_answered(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T1, S25: were it to fail, a long paste or an emoji ends in silence."""
    await go(bot, chat, *until("hr_status:negative"))
    turns = bot.place.turns()
    eye = "\N{MICROSCOPE}"
    strange = ("a" * 4096, eye * 2048, eye, "\u202e\u200b", "<b>&amp;", "\n", "\x00", "/", "/ ", "/" + "a" * 4000,
               "@stand_in_bot", "\ud83d")  # fmt: skip
    for text in strange:
        seen = len(of_bot(chat))
        await chat.say(text)
        await bot.quiet()
        assert 1 <= len(of_bot(chat)) - seen <= 3, text[:20]
        assert bot.place.turns() == turns
    await go(bot, chat, "say /back@stand_in_bot")
    assert await bot.stands() == "brain_metastases"


SERVICE: tuple[Json, ...] = (
    {"pinned_message": {"message_id": 1, "date": 0, "chat": {"id": USER, "type": "private"}}},
    {"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}},
    {"write_access_allowed": {"from_request": True}},
    {"forum_topic_created": {"name": "Case", "icon_color": 7322096}},
    {"forum_topic_edited": {"name": "Case"}},
    {"chat_background_set": {"type": {"type": "chat_theme", "theme_name": "x"}}},
    {"proximity_alert_triggered": {"traveler": SOMEBODY, "watcher": SOMEBODY, "distance": 1}},
)


async def test_what_telegram_itself_says_is_ignored(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T14: were it to fail, pinning a message is answered as if it were one."""
    await go(bot, chat, "/start")
    seen = final(chat)
    for fields in SERVICE:
        server.send_update({"message": chat.add({"from": chat.person(), **fields}).raw})
        await bot.quiet()
        assert final(chat) == seen, fields


ELSEWHERE: tuple[Json, ...] = (
    {"inline_query": {"id": "1", "from": {"id": USER, "is_bot": False, "first_name": "A"}, "query": "x", "offset": ""}},
    {"poll_answer": {"poll_id": "1", "user": {"id": USER, "is_bot": False, "first_name": "A"}, "option_ids": [0]}},
    {"poll": {"id": "1", "question": "?", "options": [], "total_voter_count": 0, "is_closed": True, "type": "regular",
              "is_anonymous": True, "allows_multiple_answers": False}},
    {"a_kind_of_next_year": {"from": {"id": USER}}},
    {"message": {"message_id": 1}},
    {"message": None},
    {"message": 7},
    {"callback_query": {"id": "1"}},
    {"callback_query": []},
    {"my_chat_member": {}},
    {"edited_message": {"message_id": 1, "date": 1, "chat": {"id": USER, "type": "a new type"}}},
    {},
)  # fmt: skip


async def test_updates_of_other_kinds_and_shapes_are_ignored(bot: Bot, server: StandIn, chat: Chat) -> None:
    """S25, S33: were it to fail, an update of a kind not asked for, or malformed, ends the service."""
    await go(bot, chat, *until("gate:in_scope"))
    seen, turns, calls = final(chat), bot.place.turns(), len(server.calls)
    for number, update in enumerate(ELSEWHERE):
        await bot.telegram.process({"update_id": 10**6 + number, **update})
    await bot.quiet()
    assert (final(chat), bot.place.turns(), len(server.calls)) == (seen, turns, calls)
    await go(bot, chat, "gate:in_scope")
    assert await bot.stands() == "red_flags"


async def test_a_topic_is_answered_in_the_topic(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T14: were it to fail, who writes in a topic of the chat finds the questions in another one."""
    topic = {"message_thread_id": 77, "is_topic_message": True}
    await chat.say("/start", **topic)
    await bot.quiet()
    await go(bot, chat, "role:oncologist")
    await chat.say("in scope", **topic)
    await bot.quiet()
    await go(bot, chat, *CONSULT[2:5], "/why")
    await chat.send("photo", **topic)
    await bot.quiet()
    await chat.say("/summary", **topic)
    await bot.quiet()
    assert {shown.thread for shown in of_bot(chat)} == {77}
    await chat.say("/here")
    await bot.quiet()
    assert of_bot(chat)[-1].thread is None


async def test_an_erasure_is_confirmed_in_the_topic(bot: Bot, server: StandIn, chat: Chat) -> None:
    """S32, T14: were it to fail, who erases in a topic is told so in another one."""
    await chat.say("/forget", message_thread_id=77, is_topic_message=True)
    await bot.quiet()
    assert [shown.thread for shown in of_bot(chat)] == [77]


async def test_a_topic_that_is_gone_loses_no_question(bot: Bot, server: StandIn, chat: Chat) -> None:
    """T7: were it to fail, who deletes a topic gets no question any more."""
    server.fault = Faults(sendMessage=[refused("Bad Request: message thread not found")])
    await chat.say("/start", message_thread_id=77, is_topic_message=True)
    await bot.all_sent()
    assert shows(chat, "role:oncologist"), chat.screen()


# Groups


def nothing_to_press(server: StandIn) -> bool:
    """Whether no call to a group or channel had a button that can be pressed there."""
    return not any(
        "callback_data" in json.dumps(call.params) for call in server.calls if call.params.get("chat_id", 0) < 0
    )


@pytest.mark.parametrize("kind", ["group", "supergroup"])
async def test_a_group_is_pointed_to_a_private_chat_and_nothing_more(bot: Bot, server: StandIn, kind: str) -> None:
    """S33: were it to fail, a case is taken, or an answer shown, where others read along."""
    group = server.chat(USER, kind=kind)
    await group.join()
    await bot.quiet()
    (pointed,) = of_bot(group)
    assert pointed.text == SAYS["group"]
    assert [(button.data, button.url) for button in pointed.buttons] == [
        (None, "https://t.me/stand_in_bot?start=group")
    ]
    for text in ("/start", "/start@stand_in_bot", "Hello @Stand_In_Bot", "/restart"):
        await group.say(text, by=OTHER)
    await bot.quiet()
    assert len(of_bot(group)) == 1
    for number, text in enumerate(("/start", "/help@stand_in_bot", "Hello @Stand_In_Bot, HER2-positive"), 2):
        bot.telegram._groups.clear()  # a minute later
        await group.say(text, by=OTHER)
        await bot.quiet()
        assert [shown.text for shown in of_bot(group)] == [SAYS["group"]] * number
    bot.telegram._groups.clear()
    for text in ("oncologist", "active", "/start@another_bot", "an e-mail to a@b.org"):
        await group.say(text, by=OTHER)
    await group.send("photo", caption="x")
    mine = await group.edit(group.messages[-2].message_id, "/start")
    await bot.quiet()
    assert mine
    assert len(of_bot(group)) == 4
    await group.leave()
    await group.say("/start")
    await bot.quiet()
    assert len(of_bot(group)) == 4
    assert nothing_to_press(server)
    assert bot.place.execute("SELECT count(*) FROM conversation") == [(0,)]


async def test_a_group_that_moved_is_answered_where_it_is(bot: Bot, server: StandIn) -> None:
    """T8: were it to fail, a group that became a supergroup is written to at an address that is gone."""
    group = server.chat(USER, kind="group")
    moved = await group.migrate(-1_000_000_004_711)
    await bot.quiet()
    assert of_bot(group) == of_bot(moved) == []
    await group.say("/start")  # sent before, delivered late
    await bot.quiet()
    assert texts(moved) == [SAYS["group"]]
    assert nothing_to_press(server)


async def test_a_channel_is_ignored(bot: Bot, server: StandIn) -> None:
    """S33: were it to fail, the bot writes into a channel it was added to."""
    channel_chat = server.chat(USER, kind="channel")
    await channel_chat.join()
    await channel_chat.say("/start")
    await bot.quiet()
    posted = server.updates[-1]
    assert "channel_post" in posted
    await bot.telegram.process(posted)
    await bot.telegram.process({"update_id": 10**6, "message": posted["channel_post"]})
    await bot.quiet()
    assert of_bot(channel_chat) == []
    assert sent(server) == []


# Access, load, start and stop


async def test_who_is_not_invited_is_told_so_and_nothing_is_kept(here: Place, server: StandIn) -> None:
    """S32, S33: were it to fail, strangers use the service, or it keeps something of them."""
    stranger, invited = server.chat(74711), server.chat(OTHER)
    async with bot_on(here, server, allowed=f"{OTHER}, 5") as bot:
        await go(bot, stranger, "/start", "say zzcanaryzz")
        assert texts(stranger) == [SAYS["refused"].format(user=74711)] * 2
        assert "74711" in texts(stranger)[0]
        await stranger.send("photo")
        await stranger.press_data("1.0.1.0.role:oncologist", 2)
        await stranger.edit(stranger.messages[0].message_id, "/forget")
        await bot.quiet()
        assert stranger.toasts == [(SAYS["refused"].format(user=74711), False)]
        await go(bot, stranger, "say /privacy", "say /privacy@stand_in_bot")
        assert texts(stranger)[-1] == texts(stranger)[-2] != texts(stranger)[0]
        assert texts(stranger)[-1].startswith("Privacy")
        await go(bot, stranger, "say /forget")
        assert "erased" in texts(stranger)[-1]
        assert not stranger.unanswered
        assert not any(shown.buttons for shown in of_bot(stranger))
        assert here.execute("SELECT count(*) FROM conversation") == [(0,)]
        await go(bot, invited, "/start", "role:oncologist")
        assert await bot.stands(OTHER) == "gate"
        for trace in ("74711", "zzcanaryzz"):
            assert trace not in here.everything()


async def test_who_is_no_longer_invited_can_still_erase(here: Place, server: StandIn) -> None:
    """S32: were it to fail, who is taken off the list cannot have erased what was kept before."""
    chat = server.chat(USER)
    async with bot_on(here, server) as bot:
        await go(bot, chat, *until("hr_status:negative"))
    async with bot_on(here, server, allowed="5") as bot:
        await go(bot, chat, "hr_status:negative")
        assert here.turns()[-1] == "brain_metastases:none"
        await go(bot, chat, "say /forget")
        assert here.turns() == []
        assert "erased" in texts(chat)[-1]


async def test_more_than_a_service_takes_is_told_once(
    here: Place, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S33: were it to fail, one user who floods the bot slows down all others, or is flooded in turn."""
    noisy, other = server.chat(USER), server.chat(OTHER)
    async with bot_on(here, server, paced=True) as bot:
        for _ in range(BURST + 20):
            await noisy.say("/privacy")
        await other.say("/start")
        await bot.quiet()
        assert texts(other)[-1].startswith("Question 1 of")
        assert count(noisy, SAYS["too_fast"]) == 1
        assert len(sent(server, chat=USER)) <= 2 * BURST + 1
        for _ in range(3):
            await noisy.press_data("junk", of_bot(noisy)[0].message_id)
        await bot.quiet()
        assert not noisy.unanswered
        assert SAYS["too_fast"] in [text for text, _ in noisy.toasts]
        await go(bot, other, "role:oncologist", "gate:in_scope")
        assert await bot.stands(OTHER) == "red_flags"


def telegram_settings(place: Place, server: StandIn, **more: str) -> dict[str, str]:
    return {**place.settings, "TRIAGE_TELEGRAM_TOKEN": server.token, "TRIAGE_TELEGRAM_BASE_URL": server.url, **more}


async def ends(settings: dict[str, str], folder: Path) -> str:
    """The last line of a service that ends by itself with exit code 2, in no more lines than it has to say."""
    service_of = Service(settings, folder)
    service_of.start()
    try:
        assert await asyncio.to_thread(service_of.ended) == 2, service_of.lines
    finally:
        await asyncio.to_thread(service_of.__exit__)
    said = "\n".join(service_of.lines)
    assert "Traceback" not in said
    assert settings["TRIAGE_TELEGRAM_TOKEN"].partition(":")[2] not in said
    return service_of.lines[-1]


async def test_a_token_nobody_knows_ends_the_service_by_name(here: Place, server: StandIn) -> None:
    """T11: were it to fail, a wrong token is found out by silence."""
    wrong = server.token[:-3] + "xyz"
    line = await ends(telegram_settings(here, server) | {"TRIAGE_TELEGRAM_TOKEN": wrong}, here.folder)
    assert "TRIAGE_TELEGRAM_TOKEN" in line


async def test_another_poller_ends_the_service_by_name(here: Place, server: StandIn) -> None:
    """T11: were it to fail, two programs take one another's updates and nobody learns of it."""
    conflict = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    server.fault = lambda method, _: refused(conflict, 409) if method == "getUpdates" else None
    line = await ends(telegram_settings(here, server), here.folder)
    assert "TRIAGE_TELEGRAM_TOKEN" in line
    assert "another program" in line


@pytest.mark.parametrize(
    "busy",
    [
        pytest.param(False, id="at rest"),
        pytest.param(True, id="in use"),
    ],
)
async def test_of_two_pollers_one_ends(
    make_place: Callable[[str], Place], server: StandIn, monkeypatch: pytest.MonkeyPatch, busy: bool
) -> None:
    """T11: were it to fail, two programs take one another's updates for ever."""
    monkeypatch.setattr(service, "_wait", lambda *_: 0.02)
    async with bot_on(make_place("sqlite"), server) as one, bot_on(make_place("sqlite"), server) as two:
        polling = [one._parts[0], two._parts[0]]
        until_then = asyncio.get_running_loop().time() + 20  # ends as soon as one has ended
        while not any(part.done() for part in polling) and asyncio.get_running_loop().time() < until_then:
            if busy:
                await server.chat(USER).say("/privacy")
            await asyncio.sleep(0.02)
        ended = [part for part in polling if part.done()]
        assert ended, server.conflicts
        with pytest.raises(SettingsError, match="TRIAGE_TELEGRAM_TOKEN: another program"):
            await ended[0]


async def test_a_webhook_left_over_is_removed_when_polling_begins(here: Place, server: StandIn) -> None:
    """T11: were it to fail, a bot that once had a webhook never gets an update."""
    server.settings["webhook"] = {"url": "https://old.example.org/hook"}
    chat = server.chat(USER)
    await chat.say("/start")  # kept meanwhile: not dropped
    async with bot_on(here, server) as bot:
        await bot.quiet()
        assert server.settings["webhook"] is None
        assert count(chat, "Question 1 of") == 1


async def test_a_server_that_is_down_at_the_start_is_waited_for(here: Place, server: StandIn) -> None:
    """T10: were it to fail, the service does not start while Telegram is out of reach."""
    chat = server.chat(USER)
    await server.stop()
    bot = Bot(here, server)
    starting = asyncio.create_task(bot.start())
    await asyncio.sleep(0.2)
    assert not starting.done()
    await server.start()
    await starting
    await go(bot, chat, "/start")
    assert count(chat, "Question 1 of") == 1
    await bot.stop()


async def test_only_who_knows_the_secret_delivers(here: Place, server: StandIn) -> None:
    """S33, T12: were it to fail, anybody who finds the address speaks in a clinician's name."""
    chat = server.chat(USER)
    await chat.say("/start")
    update = {**server.updates[-1], "update_id": 10**6}
    async with bot_on(here, server, mode="webhook") as bot:
        await bot.quiet()
        url, name = f"http://127.0.0.1:{bot._port}{service.WEBHOOK}", "X-Telegram-Bot-Api-Secret-Token"
        right = {name: bot.secret}
        calls, kept = len(server.calls), here.turns()
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            for headers in ({}, {name: ""}, {name: "x" * 64}, {name: bot.secret[:-1]}, {name: bot.secret + "a"},
                            {name: "\N{MICROSCOPE}".encode()}):  # fmt: skip
                assert (await client.post(url, json=update, headers=headers)).status_code == 401
            for content, status in (
                (b"", 400), (b"{", 400), (b"[]", 400), (b"7", 400), (b'{"update_id": "1"}', 400), (b"\xff", 400),
                (b"x" * (service.LARGEST + 1), 413), (b'{"update_id": 1}', 200),
            ):  # fmt: skip
                assert (await client.post(url, content=content, headers=right)).status_code == status, content[:20]
            assert (await client.get(url, headers=right)).status_code == 405
        reader, writer = await asyncio.open_connection("127.0.0.1", bot._port)
        writer.write(f"POST {service.WEBHOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n".encode())
        assert b" 401 " in await asyncio.wait_for(reader.readline(), 5)  # before anything of it was read
        writer.close()
        await bot.quiet()
        assert (len(server.calls), here.turns()) == (calls, kept)


async def test_a_webhook_is_set_with_a_secret_and_taken_down_at_the_stop(place: Place, server: StandIn) -> None:
    """T11, T12: were it to fail, updates go to a service that has stopped, or come from anybody."""
    settings = telegram_settings(
        place, server, TRIAGE_TELEGRAM_MODE="webhook", TRIAGE_PUBLIC_URL="https://bot.example.org",
        TRIAGE_WEB_ACCESS_TOKEN="a token of the web channel",
    )  # fmt: skip
    running = Service(settings, place.folder, token="a token of the web channel")
    chat = server.chat(USER)
    await asyncio.to_thread(running.__enter__)
    try:
        server.behind = running.url
        await eventually(lambda: server.settings["webhook"] is not None)
        hook = server.settings["webhook"]
        assert hook["url"] == f"https://bot.example.org{service.WEBHOOK}"
        assert re.fullmatch(r"[\w-]{32,256}", hook["secret_token"])
        assert set(hook["allowed_updates"]) == {"message", "edited_message", "callback_query", "my_chat_member"}
        await chat.say("/start")
        await server.quiet(0.3)
        await tap(chat, "role:oncologist")
        await server.quiet(0.3)
        assert texts(chat)[-1].startswith("Question 2 of")
        await asyncio.to_thread(running.stop)
        assert (server.settings["webhook"] is None) == (place.url is None)  # other workers may go on with PostgreSQL
    finally:
        server.settings["webhook"] = None
        await asyncio.to_thread(running.__exit__)


async def test_the_menu_and_the_descriptions_are_set_once(here: Place, server: StandIn) -> None:
    """T5: were it to fail, the bot has no menu, or sets it at each start until it is refused."""
    words = chat_words()
    async with bot_on(here, server) as bot:
        await bot.quiet()
        set_up = [call.method for call in server.calls if call.method.startswith("setMy")]
        assert sorted(set_up) == ["setMyCommands"] * 2 + ["setMyDescription", "setMyName", "setMyShortDescription"]
        menus = {scope: [one["command"] for one in menu] for (scope, _), menu in server.settings["commands"].items()}
        assert menus == {"all_private_chats": list(words.commands), "all_group_chats": ["start", "help"]}
        assert {"start", "help", "privacy"} <= set(words.commands)
        assert server.settings["name"][""] == words.name
        await bot.restart()
        assert [call.method for call in server.calls if call.method.startswith("setMy")] == set_up


async def test_a_menu_that_cannot_be_set_stops_nothing(
    here: Place, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T9: were it to fail, a name that may be set only now and then keeps the bot from starting."""
    monkeypatch.setattr(service, "_wait", lambda *_: 0.02)
    server.fault = lambda method, _: too_many(80_000) if method == "setMyName" else None
    chat = server.chat(USER)
    async with bot_on(here, server) as bot:
        await go(bot, chat, "/start")
        assert count(chat, "Question 1 of") == 1


async def test_a_token_that_is_revoked_ends_the_service_by_name(bot: Bot, server: StandIn) -> None:
    """T11: were it to fail, a bot whose token was changed is silent for ever."""
    server.fault = lambda method, _: refused("Unauthorized", 401) if method == "getUpdates" else None
    server.chat(USER)
    await server.chat(USER).say("/start")
    with pytest.raises(SettingsError, match="TRIAGE_TELEGRAM_TOKEN"):
        await asyncio.wait_for(bot._parts[0], 5)
    server.fault = None


async def test_a_body_nested_too_deep_is_turned_away(here: Place, server: StandIn) -> None:
    """S33: were it to fail, a malformed delivery counts as a failure of the service, and is delivered again."""
    async with bot_on(here, server, mode="webhook") as bot:
        url, headers = f"http://127.0.0.1:{bot._port}{service.WEBHOOK}", {"X-Telegram-Bot-Api-Secret-Token": bot.secret}
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            assert (await client.post(url, content=b"[" * 100_000, headers=headers)).status_code == 400


async def test_what_comes_during_a_stop_is_delivered_again(here: Place, server: StandIn) -> None:
    """T12, S24: were it to fail, a press during a deployment is lost."""
    chat = server.chat(USER)
    async with bot_on(here, server, mode="webhook") as bot:
        await go(bot, chat, "/start")
        bot.app.stopping = True
        await tap(chat, "role:oncologist")
        await eventually(lambda: 503 in [status for _, status in server.webhook_posts])
        bot.app.stopping = False
        await bot.quiet()
        assert await bot.stands() == "gate"


# Failures of its own


@pytest.mark.parametrize("kind", ["log", "words"])
async def test_a_failure_of_its_own_is_said_and_changes_nothing(
    bot: Bot, chat: Chat, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """S25: were it to fail, who answers while the disk is full waits for a question that never comes."""
    await go(bot, chat, *until("hr_status:negative"))
    turns = bot.place.turns()
    with monkeypatch.context() as broken:
        if kind == "log":
            broken.setattr(bot.app.log, "append", _fails(LogError("the disk is full")))
        else:
            broken.setattr(type(bot.telegram.writer), "letters", _fails(ValueError("zz")))
        await go(bot, chat, "hr_status:negative", "say negative")
    said = NOTICE["unavailable" if kind == "log" else "error"]
    assert said in [text for text, _ in chat.toasts]
    assert texts(chat)[-1] == said
    assert bot.place.turns() == turns
    await go(bot, chat, "hr_status:negative")
    assert await bot.stands() == "tdxd_access"


def _fails(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any) -> Any:
        raise error

    return fail


async def test_an_erasure_is_confirmed_in_the_end(bot: Bot, server: StandIn, chat: Chat) -> None:
    """S32, T9: were it to fail, who erases is left in doubt whether it was done."""
    await go(bot, chat, *until("hr_status:negative"))
    server.fault = Faults(sendMessage=[too_many(1)])
    await go(bot, chat, "say /forget")
    await bot.later()
    await asyncio.sleep(1.6)
    assert bot.place.turns() == []
    assert "erased" in texts(chat)[-1], chat.screen()


# What is never written down

CANARY = "Zzcanaryzz"
CANARY_USER = 912_345_678_987


async def test_nothing_of_a_user_stands_in_logs_or_in_the_database(place: Place, server: StandIn) -> None:
    """S30, S31: were it to fail, a name, a user's number or the bot's token stands where operators read."""
    settings = telegram_settings(place, server, TRIAGE_LOG_LEVEL="debug", TRIAGE_LOG_FORMAT="json")
    chat = server.chat(CANARY_USER, first_name=CANARY)
    group = server.chat(CANARY_USER, kind="group", first_name=CANARY)
    running = Service(settings, place.folder)
    await asyncio.to_thread(running.__enter__)
    try:
        await chat.say("/start")
        await server.quiet(0.3)
        await tap(chat, "role:oncologist")
        await server.quiet(0.2)
        faults = [Fault.drop_after(), Fault.garbage(), refused(f"Bad Request: {CANARY}"), refused(CANARY, 500),
                  too_many(1), Fault.refuse(418, CANARY), Fault.drop_before()]  # fmt: skip
        server.fault = Faults(sendMessage=faults, answerCallbackQuery=list(faults), editMessageText=list(faults),
                              getUpdates=[refused(CANARY, 500), Fault.garbage()])  # fmt: skip
        for text in (CANARY, f"Mrs {CANARY} born 1.2.1960", f"/{CANARY}", f"/start p_{CANARY}", f"/edit {CANARY}",
                     f"/export {CANARY}", f"/why {CANARY}", CANARY * 300):  # fmt: skip
            await chat.say(text)
            await chat.press_data(f"1.1.1.1.gate:{CANARY}", 2)
        await chat.send("document", caption=CANARY)
        await group.join()
        await group.say(f"/start {CANARY}")
        await bot_unreadable(server)
        await server.quiet(0.6, 20)
        metrics = await asyncio.to_thread(lambda: running.client.get("/metrics").text)
        kept = place.everything()
        await asyncio.to_thread(running.stop)
    finally:
        await asyncio.to_thread(running.__exit__)
    said = "\n".join(running.lines)
    assert "letter_unsure" in said
    for trace in (CANARY, CANARY.lower(), str(CANARY_USER), server.token, server.token.partition(":")[2]):
        for where, text in (("logs", said), ("metrics", metrics), ("database", kept), ("database", place.everything())):
            assert trace not in text, (trace, where, said[:2000])


async def bot_unreadable(server: StandIn) -> None:
    """An update the library cannot read, with the canary in it."""
    server.send_update({"message": {"message_id": CANARY, "chat": {"id": CANARY_USER}, "text": CANARY}})
    server.send_update({"callback_query": {"id": CANARY, "data": CANARY}})


# What is typed

TYPED = "ER negative zzcanaryzz, kAdCyLa then a HER2 TKI, pRoGrEsSiOn of both, EF 55, eNhErTu not reimbursed <b>&"
SAID = ("kAdCyLa", "pRoGrEsSiOn", "eNhErTu", "zzcanaryzz")
"""Words of it that stand nowhere else."""
SIGNS = re.compile("[\ue000-\uf8ff]")


@pytest.mark.parametrize("killed", [False, True], ids=["sent", "started-anew"])
async def test_typed_words_reach_the_chat_and_are_kept_nowhere(place: Place, server: StandIn, killed: bool) -> None:
    """S30: were it to fail, typed words stand in the database while a letter waits, or the letter without them does
    not read."""
    chat = server.chat(USER)
    with capture_logs() as logged:
        async with bot_on(place, server) as bot:
            await go(bot, chat, "/start", "role:oncologist", "gate:in_scope", "red_flags:none")
            server.fault = Faults(sendMessage=[too_many(1)])
            await go(bot, chat, f"say {TYPED}")
            assert bot.letters() == ["waiting"]
            waiting = place.everything()
            if killed:
                await bot.restart(kill=True)
            await bot.all_sent()
            asked = texts(chat)[-1]
            await tap(chat, "understood:tucatinib")
            await bot.quiet()
            listed = texts(chat)[-1]
            await go(bot, chat, "understood:accept")
            done = place.everything()
    for kept in (waiting, done, repr(logged)):
        assert not any(word in kept for word in SAID)
    for shown in (asked, listed):
        assert not SIGNS.search(shown), shown
        assert ("Not used: " in shown) == (shown == asked or not killed), shown
        assert ("\N{LEFT DOUBLE QUOTATION MARK}" in shown) == (not killed), shown
        assert all((word in shown) != killed for word in ("eNhErTu", "zzcanaryzz")), shown
    assert (SAYS["words_gone"] in asked) == killed
    assert wire_of(find(chat, "understood:undo")[0]), chat.screen()


async def test_what_was_understood_is_asked_and_confirmed_in_one_message(here: Place, server: StandIn) -> None:
    """Were it to fail, a reading leaves a trail of messages, an old list can be confirmed, or Undo is not at hand."""
    chat = server.chat(USER)
    async with bot_on(here, server) as bot:
        await go(bot, chat, "/start", "role:oncologist", "say " + TYPED)
        before = len(of_bot(chat))
        shown = await tap(chat, "understood:tucatinib")
        await bot.quiet()
        assert [len(of_bot(chat)), texts(chat)[-1]] == [before, shown.text]
        assert [wire_of(button) for button in shown.buttons] == ["understood:accept", "understood:discard"]
        await go(bot, chat, "say brain mets stable")  # more of it: one list, the one before cannot be pressed any more
        assert not shown.buttons
        await go(bot, chat, "understood:accept")
        assert not shows(chat, "understood:accept")
        assert await bot.stands() != "understood"
        await go(bot, chat, "understood:undo")
        assert await bot.stands() == "gate"
        assert chat.toasts[-1][0] == NOTICE["taken_back"]
        assert len(open_questions(chat)) == 1, chat.screen()
