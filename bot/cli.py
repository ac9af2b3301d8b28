"""The `triage` command. Exit codes: 0 done, 1 a check or script failed, 2 unusable input (one line on stderr)."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from flows import VERSION

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # none is used, and looking for them takes its time

if TYPE_CHECKING:
    from bot.log import Engine
    from flows.knowledge.load import Knowledge
    from messages.message import Message

F = TypeVar("F", bound=Callable[..., Any])
REGIONS = ("us", "eu", "china", "other", "unknown")


def _fail(reason: object, code: int = 2) -> NoReturn:
    click.echo(" ".join(str(reason).split()), err=True)
    sys.exit(code)


def _one_line_errors(command: F) -> F:
    """Unusable input is one line on stderr and exit code 2; a broken pipe is silence."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        from bot.documents import UnusableInput
        from flows.knowledge.load import KnowledgeError

        try:
            return command(*args, **kwargs)
        except (UnusableInput, KnowledgeError) as error:
            _fail(error)
        except BrokenPipeError:
            sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  (the interpreter flushes it at exit)
            sys.exit(0)
        except OSError as error:  # a full disk, for one
            sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
            _fail(f"{error.filename or 'the output'}: {error.strerror or error}")

    return run  # type: ignore[return-value]


def _region_of_env_file() -> str | None:
    """The region a .env file sets, where there is one: reading settings is paid for only then."""
    if not Path(".env").is_file():
        return None
    from bot.settings import SettingsError, read_settings

    try:
        return read_settings().region
    except SettingsError as error:
        _fail(error)


def _knowledge(named: str | None = None) -> Knowledge:
    """The shipped knowledge, or that of a folder or a git revision."""
    from flows.knowledge.load import shipped

    if named is None:
        return shipped()
    from bot.revisions import read_version

    return read_version(named).knowledge


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="triage")
def main() -> None:
    """Decision support for clinicians: the next line in HER2-positive metastatic breast cancer."""


@main.command()
@_one_line_errors
def chat() -> None:
    """Hold the conversation in this terminal. It resumes where it stopped; /quit leaves it."""
    import asyncio

    from bot.app import App
    from bot.channels import terminal
    from bot.log import LogError
    from bot.log.opening import open_log
    from bot.logs import configure
    from bot.retention import sweep_all
    from bot.settings import SettingsError, read_settings

    try:
        settings = read_settings()
        configure(settings.log_level, settings.log_format)
        log = open_log(settings)
    except (SettingsError, LogError) as error:
        _fail(error)
    try:
        app = App(_knowledge(), log, region=settings.region, keep_records=settings.keep_records)
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")  # bytes that are no text are words nobody understands
        asyncio.run(sweep_all(app, settings.retention_hours))  # nothing else does it where nothing serves
        terminal.run(app, "terminal", sys.stdin, sys.stdout)
    except LogError as error:
        _fail(error)
    except KeyboardInterrupt:
        click.echo()
    finally:
        log.close()


@main.command()
@click.option("--open", "opens", is_flag=True, help="Open the chat in this machine's browser.")
@_one_line_errors
def serve(opens: bool) -> None:
    """Serve the web chat, its API and, with a token, Telegram. Settings: TRIAGE_... (see .env.example)."""
    import asyncio

    from bot.log import LogError
    from bot.logs import configure
    from bot.serve import serve as run_service
    from bot.settings import SettingsError, read_settings

    try:
        settings = read_settings()
        configure(settings.log_level, settings.log_format)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(
                run_service(
                    settings, _knowledge(), said=lambda line: click.echo(line, err=True),
                    ready=_show if opens else lambda address: None,
                )
            )  # fmt: skip
    except (SettingsError, LogError) as error:
        _fail(error)


def _show(address: str) -> None:
    """Open a page where there is a screen to open it on."""
    import webbrowser

    if sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(address)
    else:
        click.echo(f"Open {address} in a browser.", err=True)


def _loop_factory() -> Callable[[], Any] | None:
    try:
        from uvloop import new_event_loop
    except ImportError:  # not on this platform: the standard loop serves
        return None
    return new_event_loop


@main.group()
def admin() -> None:
    """Look after the log of turns, also while the service runs: erase, count, back up, restore."""


@admin.command("forget")
@click.argument("conversation")
@_one_line_errors
def admin_forget(conversation: str) -> None:
    """Erase everything of CONVERSATION: `terminal`, or a channel and its id, for example `telegram:12345`."""
    from bot import admin as administration

    with _administered() as engine:
        administration.forget(engine, conversation)
    click.echo("Everything kept of that conversation was erased.")


@admin.command("stats")
@click.option("--format", "form", type=click.Choice(["json", "text"]), default="text", show_default=True)
@_one_line_errors
def admin_stats(form: str) -> None:
    """Counts over the whole log; nothing of any conversation."""
    import json

    with _administered() as engine:
        counted = engine.stats()._asdict()
    if form == "json":
        click.echo(json.dumps(counted, indent=2))
    else:
        click.echo("\n".join(f"{name:<14} {value}" for name, value in counted.items()))


@admin.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_one_line_errors
def admin_backup(file: Path) -> None:
    """Write a consistent copy of the whole log to FILE (SQLite, for either engine), while it is in use."""
    with _administered() as engine:
        engine.backup(file)
    click.echo(f"{file}: written. It holds what is kept of every conversation; keep it as safe as the log itself.")


@admin.command("restore")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_one_line_errors
def admin_restore(file: Path) -> None:
    """Bring back what `admin backup` wrote, into a log that is still empty. Also moves a log to another engine."""
    from bot import admin as administration

    with _administered(alone=True) as engine:
        conversations = administration.restore(engine, file)
    click.echo(f"{file}: restored, {conversations} conversations")


@contextmanager
def _administered(*, alone: bool = False) -> Iterator[Engine]:
    """The log's engine, beside whatever serves; what fails is said in one line."""
    from bot.log import LogError
    from bot.log.opening import open_engine
    from bot.settings import SettingsError, read_settings

    try:
        engine = open_engine(read_settings(), alone=alone)
        try:
            yield engine
        finally:
            engine.close()
    except (SettingsError, LogError) as error:
        _fail(error)


@main.command()
@click.argument("file", required=False)
@click.option("--text", help="A whole case in the words of a clinician instead of a document; - reads standard input.")
@click.option("--format", "form", type=click.Choice(["json", "text", "html"]), default="text", show_default=True)
@click.option("--region", type=click.Choice(REGIONS), help="Where the profile names none (or TRIAGE_REGION).")
@click.option("--knowledge", "named", help="A folder of knowledge, or a git revision, other than the shipped one.")
@click.option("--record", help="Only the answer with this record id, byte for byte; exit 1 where it is another.")
@_one_line_errors
def recommend(
    file: str | None, text: str | None, form: str, region: str | None, named: str | None, record: str | None
) -> None:
    """Advice for one profile document, from FILE or standard input (-), or for a typed case. Nothing is stored."""
    import gc

    gc.disable()  # one answer and out: collecting while modules load costs more than it frees
    from bot.documents import UnusableInput, read_profile
    from flows.sequencing.recommend import recommend as advise
    from messages.words import english

    if (file is None) == (text is None):
        both = "" if file is None else ", not both"
        raise UnusableInput(f"recommend: name a profile document, - for standard input, or --text{both}")
    if text is not None:
        if record is not None:
            raise UnusableInput("--record: needs the profile document that was recorded, not a text")
        _recommend_for_text(text, form, region, named)
        return
    assert file is not None
    profile = read_profile(file)
    region = _region(region)
    if region is not None and profile.region is None:
        profile = profile.model_copy(update={"region": region})
    knowledge = _knowledge(named)
    advice = advise(profile, knowledge)
    if record is not None:
        from bot.records import AnotherAnswer, recorded

        try:
            advice = recorded(advice, record)
        except AnotherAnswer as error:
            _fail(error, 1)
    words = english(knowledge)
    if form == "json":
        from messages.document import advice_document

        click.echo(advice_document(advice, words).model_dump_json(indent=2))
    else:
        from messages.render import full_answer

        _show_messages(full_answer(advice, words), form)


def _region(named: str | None) -> str | None:
    """The region named, or the setting's."""
    from bot.documents import UnusableInput

    region = named or os.environ.get("TRIAGE_REGION") or _region_of_env_file()
    if region not in (None, *REGIONS):
        raise UnusableInput(f"TRIAGE_REGION: {region!r} is not one of {', '.join(REGIONS)}")
    return region


def _recommend_for_text(given: str, form: str, region: str | None, folder: str | None) -> None:
    from bot.documents import UnusableInput, read_typed
    from messages.free_text import LONGEST, HoldsIdentifier, answer_messages, answer_to
    from messages.words import english

    text = read_typed(given, LONGEST)
    knowledge = _knowledge(folder)
    words = english(knowledge)
    try:
        answer = answer_to(text, knowledge, words, _region(region))
    except HoldsIdentifier:
        raise UnusableInput(words.vocabulary.notices["identifier"]) from None
    if form == "json":
        from messages.document import text_advice_document

        click.echo(text_advice_document(answer, words).model_dump_json(indent=2, ensure_ascii=True))
    else:
        _show_messages(answer_messages(answer, words), form)


def _show_messages(messages: Iterable[Message], form: str) -> None:
    """Messages as plain text or as a page, each loading only what it needs."""
    if form == "html":
        from bot.page import page

        click.echo(page(messages), nl=False)
    else:
        from bot.plain import plain_text

        click.echo(plain_text(messages), nl=False)


@main.command()
@click.argument("text")
@click.option("--field", help="The question the text answers, by the field's name, for example brain_metastases.")
@click.option("--format", "form", type=click.Choice(["json", "text"]), default="text", show_default=True)
@_one_line_errors
def understand(text: str, field: str | None, form: str) -> None:
    """What is understood of TEXT (- reads standard input): fields, the words each came from, the words left over."""
    import gc

    gc.disable()  # as above
    from bot.documents import UnusableInput, read_typed
    from messages.free_text import ASKED_AT, LONGEST, understanding_message
    from messages.free_text import understand as read
    from messages.words import english

    if field is not None and field not in ASKED_AT:
        raise UnusableInput(f"--field: expected one of {', '.join(ASKED_AT)}")
    typed = read_typed(text, LONGEST)
    knowledge = _knowledge()
    found = read(typed, knowledge, question=field)
    if found.identifier:
        raise UnusableInput(english(knowledge).vocabulary.notices["identifier"])
    if form == "json":
        from messages.document import understanding_document

        click.echo(understanding_document(found).model_dump_json(indent=2, ensure_ascii=True))
    else:
        _show_messages([understanding_message(found, english(knowledge))], form)


@main.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--channel", type=click.Choice(["core", "web", "telegram"]), help="Instead of the script's own.")
@click.option("--record", type=click.Path(dir_okay=False), help="Write the scripts with what was said filled in.")
@click.option("--junit", "junit_file", type=click.Path(dir_okay=False), help="Write a JUnit report.")
@_one_line_errors
def replay(paths: tuple[str, ...], channel: str | None, record: str | None, junit_file: str | None) -> None:
    """Run scripted conversations and check them turn by turn."""
    import logging

    from bot.channels import replay as scripts
    from bot.logs import configure

    configure("error", "console")
    logging.disable(logging.INFO)
    knowledge = _knowledge()
    loaded = [(path, script) for path in scripts.find_scripts(paths) for script in scripts.read_scripts(path)]
    reports = []
    for path, script in loaded:
        report = scripts.replay(path, script, knowledge, _stage(channel or script.channel))
        reports.append(report)
        click.echo(scripts.describe(report))
    failed = sum(report.failed for report in reports)
    click.echo(f"{len(reports) - failed} passed, {failed} failed")
    try:
        if record:
            Path(record).write_text(scripts.recorded(reports), "utf-8")
        if junit_file:
            scripts.junit(reports).write(junit_file, pretty=True)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}")
    sys.exit(1 if failed else 0)


def _stage(channel: str | None) -> Any:
    """What a script is played on. The stand-in server is loaded only where it is needed."""
    if channel == "telegram":
        from bot.rehearsal import TelegramStage

        return TelegramStage
    if channel == "web":
        from bot.browsing import WebStage

        return WebStage
    return None


@main.command()
@click.option("--report", "report_file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--knowledge", "folder", help="A folder of knowledge, or a git revision, other than the shipped one.")
@_one_line_errors
def verify(report_file: Path | None, folder: str | None) -> None:
    """Check the invariants over the whole profile space. Exit 1 where one does not hold, naming a profile."""
    from bot.verification import report, summary
    from flows.verification.verify import verify as run_checks

    read = _knowledge(folder)
    if report_file is not None:
        _to_be_written(report_file)
    with click.progressbar(length=100, label="profile space", file=sys.stderr) as bar:
        found = run_checks(read, lambda done, of: bar.update(done * 100 // of - bar.pos))
    click.echo(summary(found, read), nl=False)
    if report_file is not None:
        report_file.write_text(report(found, read), "utf-8")
    if found.broken:
        sys.exit(1)


def _to_be_written(file: Path) -> None:
    """Say that a report cannot be written before the work it is of is done."""
    if not file.parent.is_dir() or (file.exists() and not os.access(file, os.W_OK)):
        _fail(f"{file}: cannot be written")


@main.group()
def knowledge() -> None:
    """Read and check the knowledge."""


@knowledge.command()
@click.argument("folder", required=False)
@_one_line_errors
def check(folder: str | None) -> None:
    """Validate the shipped knowledge, or the one in FOLDER, and the words that go with it."""
    from flows.knowledge.load import SHIPPED, load
    from messages.words import ENGLISH, read_words

    loaded = load(Path(folder) if folder else SHIPPED)  # read anew, whatever was kept
    read_words(ENGLISH, loaded)
    click.echo(
        f"{loaded.manifest.title}: {len(loaded.facts)} facts, {len(loaded.sources)} sources, "
        f"{len(loaded.regimens)} regimens, {len(loaded.rules)} safety rules, "
        f"{len(loaded.recommendations)} decision rows, {len(loaded.stops)} stops"
    )
    click.echo(f"{loaded.manifest.date} {loaded.digest}")


@knowledge.command()
@click.argument("identifier", metavar="ID")
@_one_line_errors
def show(identifier: str) -> None:
    """An entry by its id: its sources, who cites it, the questions it hangs on, the classes it decides."""
    from bot.documents import UnusableInput
    from bot.entries import describe_entry, describe_use

    read = _knowledge()
    said = describe_entry(identifier, read)
    if said is None:
        raise UnusableInput(f"{identifier}: there is no such entry in the knowledge")
    click.echo(said, nl=False)
    if used := describe_use(identifier, read):
        click.echo(f"\n{used}", nl=False)


@knowledge.command("diff")
@click.argument("old")
@click.argument("new")
@click.option("--cases", "cases_file", help="Example cases, in the form of tests/examples.yaml.")
@click.option("--report", "report_file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--groups", type=click.IntRange(1), default=10, show_default=True, help="How many are written out.")
@click.option("--one-in", type=click.IntRange(1), help="Only so many of the short treatment histories: a quick look.")
@_one_line_errors
def diff(old: str, new: str, cases_file: str | None, report_file: Path | None, groups: int, one_in: int | None) -> None:
    """What a change of the knowledge does to advice. OLD and NEW: folders, or git revisions of this repository.

    Exit 1 where an invariant that held does not hold any more, naming a profile.
    """
    from bot.impact import read_cases, report, unchanged
    from bot.revisions import read_version
    from flows.explanation.impact import SHARES, Share, compare

    versions = read_version(old), read_version(new)
    named = cases_file or "tests/examples.yaml"
    text = _cases_text(cases_file) or versions[1].cases or versions[0].cases
    cases = read_cases(text, named) if text else ()
    if versions[0].knowledge.digest == versions[1].knowledge.digest:
        said, broken = unchanged(*versions), False
    else:
        shares = SHARES if one_in is None else (Share("close", 0, one_in),)
        with _progress() as progress:
            found = compare(versions[0].knowledge, versions[1].knowledge, progress, shares)
        said, broken = report(*versions, found, cases, shares, groups), bool(found.broken)
    click.echo(said, nl=False)
    if report_file is not None:
        try:
            report_file.write_text(said, "utf-8")
        except OSError as error:
            _fail(f"{report_file}: {error.strerror}")
    if broken:
        sys.exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """A bar for long work where somebody watches: called with how many parts are done, of how many."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=100, label="profile space", file=sys.stderr) as bar:
        yield lambda done, of: bar.update(done * 100 // of - bar.pos)


def _cases_text(file: str | None) -> str | None:
    from bot.documents import read_text

    return read_text(file) if file is not None else None


@knowledge.command()
@_one_line_errors
def sources() -> None:
    """Every source, with the facts read in it."""
    from bot.entries import describe_sources

    click.echo(describe_sources(_knowledge()), nl=False)


@main.command()
@click.option("--format", "form", type=click.Choice(["mermaid", "text"]), default="text", show_default=True)
@_one_line_errors
def flow(form: str) -> None:
    """The dialogue's diagram, from the definition that runs."""
    from flows.diagram import as_text, mermaid

    click.echo((mermaid if form == "mermaid" else as_text)(_knowledge()), nl=False)


def run() -> None:
    """The command as the shell calls it: wrong usage is one line too."""
    try:
        main(prog_name="triage", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(1)
    except click.ClickException as error:
        _fail(f"triage: {error.format_message()}")


if __name__ == "__main__":
    run()
