"""The oracle accepts what the Bot API has, refuses what it has not, and knows every update the stand-in makes."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import httpx
import pytest

from bot.standin import _THINGS, Chat, StandIn
from tests.oracle import MISSING, ask_oracle, consult_oracle, line_of, lines_of, need_oracle

Json = dict[str, Any]
ME = 7


def call(method: str, /, files: list[str] | None = None, **params: Any) -> Json:
    return {"method": method, "params": params, **({"files": files} if files else {})}


def said(**params: Any) -> Json:
    return call("sendMessage", **{"chat_id": 1, "text": "x", **params})


def pressed(**button: Any) -> Json:
    return said(reply_markup={"inline_keyboard": [[{"text": "a", "callback_data": "a"}], [button]]})


def commands(scope: Json) -> Json:
    return call("setMyCommands", commands=[{"command": "a", "description": "b"}], scope=scope)


def message(**fields: Any) -> Json:
    return {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private", "first_name": "A"}, **fields}


def update(**what: Any) -> Json:
    return {"update": {"update_id": 1, **what}}


def query(of: Json) -> Json:
    person = {"id": 1, "is_bot": False, "first_name": "A"}
    return update(callback_query={"id": "1", "from": person, "chat_instance": "1", "data": "a", "message": of})


def member(status: str, **more: Any) -> Json:
    person = {"id": 1, "is_bot": False, "first_name": "A"}
    old, new = {"status": "left", "user": person}, {"status": status, "user": person, **more}
    return update(my_chat_member={"chat": {"id": 1, "type": "private"}, "from": person, "date": 1,
                                  "old_chat_member": old, "new_chat_member": new})  # fmt: skip


RIGHT_CALLS = [
    call("getMe"),
    call("getUpdates", offset=-1, limit=100, timeout=10, allowed_updates=["message", "callback_query"]),
    call("setWebhook", url="https://a.org/x", secret_token="s", max_connections=40, drop_pending_updates=True),
    call("setWebhook", files=["certificate"], url="https://a.org/x"),
    call("deleteWebhook", drop_pending_updates=False),
    call("getWebhookInfo"),
    said(parse_mode="HTML", link_preview_options={"is_disabled": True}, disable_notification=True),
    said(chat_id="@a_channel", entities=[{"type": "bold", "offset": 0, "length": 1}]),
    said(reply_parameters={"message_id": 1, "allow_sending_without_reply": True}, message_thread_id=1),
    said(reply_markup={"keyboard": [[{"text": "a"}]], "resize_keyboard": True}),
    said(reply_markup={"remove_keyboard": True}),
    said(reply_markup={"force_reply": True}),
    pressed(text="b", url="https://a.org", style="primary"),
    pressed(text="b", copy_text={"text": "c"}),
    call("sendDocument", files=["document"], chat_id=1, caption="x"),
    call("sendDocument", files=["a", "b"], chat_id=1, document="attach://a", thumbnail="attach://b"),
    call("sendDocument", chat_id=1, document="BQACAgIAAxkD"),
    call("sendMediaGroup", files=["a"], chat_id=1, media=[{"type": "document", "media": "attach://a"}]),
    call("editMessageText", chat_id=1, message_id=2, text="x", reply_markup={"inline_keyboard": []}),
    call("editMessageReplyMarkup", chat_id=1, message_id=2),
    call("deleteMessage", chat_id=1, message_id=2),
    call("answerCallbackQuery", callback_query_id="1", text="x", show_alert=True),
    commands({"type": "all_private_chats"}),
    commands({"type": "chat_member", "chat_id": -1, "user_id": 1}),
    call("setChatMenuButton", menu_button={"type": "commands"}),
    call("setMyDescription", description="x", language_code="en"),
    call("sendChatAction", chat_id=1, action="typing"),
    call("leaveChat", chat_id=-1),
]
RIGHT_UPDATES = [
    update(message=message(text="x")),
    query(message(text="x", reply_markup={"inline_keyboard": [[{"text": "a", "callback_data": "a"}]]})),
    query({"message_id": 1, "date": 0, "chat": {"id": 1, "type": "private"}}),
    member("kicked", until_date=0),
]
WRONG: dict[str, tuple[Json, str]] = {
    "no such method": (call("sendMessages", chat_id=1, text="x"), "there is no such method"),
    "a method in another case": (call("sendmessage", chat_id=1, text="x"), "there is no such method"),
    "a parameter missing": (call("sendMessage", chat_id=1), "text: missing, SendMessage needs it"),
    "a parameter unknown": (said(txt="x"), "txt: not known to SendMessage"),
    "a parameter deprecated": (said(reply_to_message_id=1), "reply_to_message_id: deprecated in SendMessage"),
    "a parameter as aiogram calls it": (query(message(from_user={"id": 1, "is_bot": False, "first_name": "A"})),
                                        "callback_query.message.from_user: not known to Message"),
    "text that is a number": (said(text=1), "text: 1 is not str"),
    "text that is null": (said(text=None), "text: None is not str"),
    "a chat by a number in text": (said(chat_id="1"), "chat_id: '1' is not int or str"),
    "a number that is a truth": (call("deleteMessage", chat_id=1, message_id=True), "message_id: True is not int"),
    "a number with a fraction": (call("deleteMessage", chat_id=1, message_id=1.0), "message_id: 1.0 is not int"),
    "a number in text": (call("deleteMessage", chat_id=1, message_id="2"), "message_id: '2' is not int"),
    "a truth that is a number": (said(disable_notification=1), "disable_notification: 1 is not bool"),
    "a truth in text": (said(protect_content="true"), "protect_content: 'true' is not bool"),
    "a style of text there is not": (said(parse_mode="html5"), "parse_mode: 'html5' is not 'MarkdownV2'"),
    "a list that is none": (said(entities={"type": "bold"}), "entities: {'type': 'bold'} is not a list"),
    "an entity there is not": (said(entities=[{"type": "blink", "offset": 0, "length": 1}]),
                               "entities[0].type: 'blink' is not"),
    "a key in a button": (pressed(text="b", calback_data="b"),
                          "reply_markup.inline_keyboard[1][0].calback_data: not known to InlineKeyboardButton"),
    "a button without a label": (pressed(callback_data="b"),
                                 "reply_markup.inline_keyboard[1][0].text: missing, InlineKeyboardButton needs it"),
    "a number in a button": (pressed(text="b", callback_data=1), "[1][0].callback_data: 1 is not str"),
    "a style of button there is not": (pressed(text="b", callback_data="b", style="loud"), "[1][0].style: 'loud'"),
    "a key in what a button copies": (pressed(text="b", copy_text={"txt": "c", "text": "c"}),
                                      "[1][0].copy_text.txt: not known to CopyTextButton"),
    "buttons without rows": (said(reply_markup={"inline_keyboard": [{"text": "b", "callback_data": "b"}]}),
                             "reply_markup.inline_keyboard[0]: {'text': 'b', 'callback_data': 'b'} is not a list"),
    "a key in a keyboard": (said(reply_markup={"inline_keyboard": [], "resize_keyboard": True}),
                            "reply_markup.resize_keyboard: not known to InlineKeyboardMarkup"),
    "a keyboard in text": (said(reply_markup='{"inline_keyboard": []}'), "reply_markup: '{\"inline_keyboard\": []}'"),
    "a key in the link preview": (said(link_preview_options={"disabled": True}),
                                  "link_preview_options.disabled: not known to LinkPreviewOptions"),
    "a key in a command": (call("setMyCommands", commands=[{"command": "a", "description": "b", "text": "c"}]),
                           "commands[0].text: not known to BotCommand"),
    "a command without a description": (call("setMyCommands", commands=[{"command": "a"}]),
                                        "commands[0].description: missing, BotCommand needs it"),
    "a scope there is not": (commands({"type": "all"}), "scope: with type 'all' it is none of BotCommandScopeDefault"),
    "a scope without a type": (commands({"chat_id": 1}), "scope: with type None it is none of"),
    "a scope without its chat": (commands({"type": "chat"}), "scope.chat_id: missing, BotCommandScopeChat needs it"),
    "a key in a scope": (commands({"type": "default", "chat_id": 1}),
                         "scope.chat_id: not known to BotCommandScopeDefault"),
    "a menu button there is not": (call("setChatMenuButton", menu_button={"type": "menu"}), "with type 'menu'"),
    "an action there is not": (call("sendChatAction", chat_id=1, action="thinking"), "action: 'thinking' is not"),
    "updates there are not": (call("getUpdates", allowed_updates=["messages"]), "allowed_updates[0]: 'messages'"),
    "no file": (call("sendDocument", chat_id=1), "document: missing, SendDocument needs it"),
    "a file that did not come": (call("sendDocument", chat_id=1, document="attach://a"), "document: 'attach://a'"),
    "a file that nothing takes": (call("sendDocument", files=["a"], chat_id=1, document="X"),
                                  "nothing takes the uploaded file 'a'"),
    "a file in place of a text": (call("sendMessage", files=["text"], chat_id=1), "text: 'attach://text' is not str"),
    "an update without an id": ({"update": {"message": message(text="x")}}, "update_id: missing, Update needs it"),
    "an update of nothing": (update(), "one thing is expected to have happened, not 0"),
    "an update of two things": (update(message=message(), edited_message=message()), "not 2: edited_message, message"),
    "an update there is not": (update(mesage=message()), "mesage: not known to Update"),
    "a message without a chat": (update(message={"message_id": 1, "date": 1}), "message.chat: missing"),
    "a date in text": (update(message=message(date="2026-11-26")), "message.date: '2026-11-26' is not int"),
    "a key in a message": (update(message=message(txt="x")), "message.txt: not known to Message"),
    "a key deep in a message": (update(message=message(venue={"location": {"latitude": 1, "longitude": 1, "x": 1},
                                                              "title": "a", "address": "b"})),
                                "message.venue.location.x: not known to Location"),
    "a chat there is not": (update(message=message(chat={"id": 1, "type": "room"})), "message.chat.type: 'room'"),
    "a text in a message that is gone": (query(message(date=0, text="x")),
                                         "callback_query.message.text: not known to InaccessibleMessage"),
    "a member there is not": (member("gone"), "my_chat_member.new_chat_member: with status 'gone' it is none of"),
    "a member without what it has": (member("kicked"), "until_date: missing, ChatMemberBanned needs it"),
}  # fmt: skip


@pytest.fixture(scope="module")
def refused() -> subprocess.CompletedProcess[str]:
    return ask_oracle(line for line, _ in WRONG.values())


def test_what_is_right_is_accepted() -> None:
    """Otherwise a correct call fails, and the oracle gets bent until it says nothing."""
    answer = ask_oracle(RIGHT_CALLS + RIGHT_UPDATES)
    *problems, total = answer.stdout.splitlines()
    assert problems == []
    assert re.fullmatch(
        rf"{len(RIGHT_CALLS)} calls, {len(RIGHT_UPDATES)} updates checked against aiogram [\d.]+ "
        r"\(Bot API \d+\.\d+\): 0 problems", total
    )  # fmt: skip
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused(refused: subprocess.CompletedProcess[str], name: str) -> None:
    """Otherwise the oracle accepts what the real server refuses or ignores. It is refused once, for what it is."""
    number = list(WRONG).index(name) + 1
    line, why = WRONG[name]
    found = [one for one in refused.stdout.splitlines() if one.startswith(f"line {number}: ")]
    assert len(found) == 1, found
    assert found[0].startswith(f"line {number}: {line.get('method', 'update')}: ")
    assert why in found[0]


def test_what_is_wrong_is_counted(refused: subprocess.CompletedProcess[str]) -> None:
    """Otherwise the run passes whatever was found."""
    assert refused.returncode == 1
    *problems, total = refused.stdout.splitlines()
    assert len(problems) == len(WRONG)
    updates = sum("update" in line for line, _ in WRONG.values())
    assert total.startswith(f"{len(WRONG) - updates} calls, {updates} updates checked")
    assert total.endswith(f": {len(WRONG)} problems")


def test_no_call_is_no_success() -> None:
    """Otherwise a recorder that records nothing passes for a bot that does all well."""
    with pytest.raises(AssertionError, match=rf"^0 calls, {len(RIGHT_UPDATES)} updates checked .*: 0 problems"):
        consult_oracle(RIGHT_UPDATES)


@pytest.mark.parametrize("line", ["sendMessage", '{"method": "getMe"}'])
def test_what_cannot_be_read_is_said(line: str) -> None:
    """Otherwise lines written wrongly are passed over, and what they carry is never checked."""
    answer = ask_oracle([call("getMe"), line])
    assert answer.returncode == 2
    assert answer.stderr.startswith("line 2: ")
    assert answer.stdout == ""


@pytest.mark.parametrize(("ci", "end"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_without_its_environment(monkeypatch: pytest.MonkeyPatch, ci: str, end: type[BaseException]) -> None:
    """Otherwise CI is green although nobody asked the oracle, or a first `pytest` is red for want of it."""
    monkeypatch.setenv("TRIAGE_ORACLE_PYTHON", "/nonexistent/python")
    monkeypatch.setenv("CI", ci)
    with pytest.raises(end, match=re.escape(MISSING)):
        need_oracle()


class Bot:
    """Calls the stand-in as a library would: each call is to be accepted."""

    def __init__(self, server: StandIn, client: httpx.AsyncClient) -> None:
        self._url = f"{server.url}/bot{server.token}/"
        self._client = client

    async def do(self, method: str, /, file: str = "", **params: Any) -> Any:
        if file:
            answer = await self._client.post(self._url + method, data=params, files={file: ("a.txt", b"a")})
        else:
            answer = await self._client.post(self._url + method, json=params)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]


BUTTONS = {"inline_keyboard": [[{"text": "A", "callback_data": "a"}, {"text": "B", "url": "https://a.org"}],
                               [{"text": "C", "copy_text": {"text": "c"}}]]}  # fmt: skip


async def talk(bot: Bot, chat: Chat) -> None:
    """All that people and bot can do in a chat, whatever its kind."""
    mine = await chat_message(chat, "/start a 😀 https://a.org")
    await chat.edit(mine, "changed")
    for kind in _THINGS:
        await chat.send(kind)
    await chat.send("photo", caption="x", caption_entities=[{"type": "bold", "offset": 0, "length": 1}])
    html = "<b>x</b> <a href='https://a.org'>y</a>"
    shown = await bot.do("sendMessage", chat_id=chat.id, text=html, parse_mode="HTML",
                         link_preview_options={"is_disabled": True}, reply_parameters={"message_id": mine},
                         reply_markup=BUTTONS)  # fmt: skip
    await bot.do("answerCallbackQuery", callback_query_id=await chat.press("A"), text="seen")
    await bot.do("editMessageText", chat_id=chat.id, message_id=shown["message_id"], text="z", reply_markup=BUTTONS)
    await chat.press("A", by=8)
    await bot.do("sendDocument", "document", chat_id=str(chat.id), caption="x")
    attached = f'{{"inline_keyboard": [[{{"text": "D", "callback_data": "{chat.id}"}}]]}}'
    await bot.do("sendDocument", "held", chat_id=str(chat.id), document="attach://held", reply_markup=attached)
    await chat.press("D")
    await bot.do("deleteMessage", chat_id=chat.id, message_id=shown["message_id"])
    await chat.press_data("a", shown["message_id"])
    await chat.say("y", by=9, reply_to_message=chat.messages[-1].raw)
    await bot.do("sendChatAction", chat_id=chat.id, action="typing")


async def chat_message(chat: Chat, text: str) -> int:
    """What a person says, by the id of its message."""
    await chat.say(text)
    return chat.messages[-1].message_id


async def test_what_the_stand_in_makes_is_of_the_bot_api() -> None:
    """Otherwise the bot is tested with updates that Telegram never sends."""
    async with StandIn() as server, httpx.AsyncClient(timeout=5) as client:
        bot = Bot(server, client)
        private = server.chat(ME)
        await talk(bot, private)
        await private.block()
        await private.unblock()
        for user, kind in enumerate(("group", "supergroup", "channel"), 20):
            chat = server.chat(user, kind=kind, first_name="Ward")
            await chat.join()
            await talk(bot, chat)
            await chat.leave()
        group = server.chat(10, kind="group", first_name="Ward")
        await group.join()
        moved = await group.migrate(-1_000_000_000_010)
        await moved.say("x", message_thread_id=3, is_topic_message=True)
        await bot.do("sendMessage", chat_id=moved.id, text="x", message_thread_id=3, reply_markup=BUTTONS)
        await moved.press("A")
        assert server.violations == []
        assert len(server.updates) > 4 * len(_THINGS)
        kinds = {kind for one in server.updates for kind in one if kind != "update_id"}
        assert kinds == {"message", "edited_message", "channel_post", "edited_channel_post", "callback_query",
                         "my_chat_member"}  # fmt: skip
        assert line_of(next(one for one in server.calls if one.files))["files"] == ["document"]
        consult_oracle(lines_of(server))
