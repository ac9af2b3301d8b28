"""The chat inside a page of another site, in a real browser: the tag of the guide, over plain HTTP and over TLS."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.async_api import Browser, expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.browser import Service, Site, Visit, a_browser, chromium, need_chromium, visit  # noqa: F401  (fixtures)
from tests.conftest import NOW
from tests.test_web_accessibility import TAGS, axe

pytestmark = pytest.mark.asyncio(loop_scope="session")

GUIDE = Path(__file__).parent.parent / "docs" / "how-to" / "embed.md"
TOKEN = "an access token of the tests"
CASE = ("oncologist", "in_scope", "none", "done", "none", "none", "negative", "available", "none", "confirm")
"""The shortest case that is answered with drugs."""


def portal_page(service: str, **data: str) -> str:
    """The page of the guide, with the service's own address; `data`: other attributes of the tag."""
    page = re.search(r"```html\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert page is not None
    text = page[1].replace("https://triage.example.org", service)
    if data:
        attributes = "".join(f' data-{name}="{value}"' for name, value in data.items())
        text = re.sub(r' data-.*" async', f"{attributes} async", text)
    return text


def site_of(page: str, **headers: str) -> Starlette:
    """A site that has this page, and nothing else."""

    async def at_root(_: object) -> HTMLResponse:
        return HTMLResponse(page, headers=headers)

    async def no_icon(_: object) -> Response:
        return Response(status_code=204)

    return Starlette(routes=[Route("/", at_root), Route("/favicon.ico", no_icon)])


class Embedded(NamedTuple):
    """The page of a portal, and the chat in it."""

    portal: Visit
    chat: Visit


FRAME = 'iframe[title="HER2 next-line triage"]'


@asynccontextmanager
async def embedded(browser: Browser, service: Service, *others: Site, **options: Any) -> AsyncIterator[Embedded]:
    """A visit of a portal, the first of the other sites, once the chat in it stands there."""
    async with visit(browser, service, origins=[other.origin for other in others], **options) as at:
        await at.page.goto(f"{others[0].origin}/")
        frame = await (await at.page.wait_for_selector(FRAME)).content_frame()
        assert frame is not None
        await frame.wait_for_selector("#asked, #sign-in")
        yield Embedded(at, at.in_tab(frame))


@pytest_asyncio.fixture(loop_scope="session")
async def portal() -> AsyncIterator[Site]:
    """Another origin, with nothing on it yet."""
    site = Site()
    await site.serve(site_of(""))
    yield site
    await site.stop()


@pytest_asyncio.fixture(name="service", loop_scope="session")
async def embeddable_service(tmp_path: Path, portal: Site) -> AsyncIterator[Service]:
    """A service that lets the portal show it."""
    made = Service(tmp_path, web_embed_origins=portal.origin)
    await made.start()
    yield made
    await made.stop()


async def frame_height(at: Visit) -> float:
    """How high the portal shows the chat."""
    return float(await at.page.locator(FRAME).evaluate("frame => frame.getBoundingClientRect().height"))


async def follows(here: Embedded) -> None:
    """The frame is as high as what is in it, within a pixel."""
    for _ in range(100):
        body = await here.chat.page.evaluate("document.body.getBoundingClientRect().height")
        if abs(await frame_height(here.portal) - body) <= 1:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{await frame_height(here.portal)} for {body}")


async def in_view(here: Embedded) -> None:
    """The answer begins near the top of the window."""
    top = "part => part.getBoundingClientRect().top"
    frame = await here.portal.page.locator(FRAME).evaluate(top)
    assert 0 <= frame + await here.chat.page.locator("#end").evaluate(top) < 200


async def another_case(here: Embedded, number: int) -> None:
    """Open a further case in the frame, on a page of its own."""
    await here.chat.page.get_by_role("button", name="Another case beside this one").click()
    await here.chat.page.locator(f'#log[data-at^="/embed/case/{number}/"]').wait_for()


async def test_a_consult_in_another_page(browser: Browser, service: Service, portal: Site) -> None:
    """On a portal's page the chat could not be used, had a scroll bar of its own, or told the portal about the case."""
    await portal.show(site_of(portal_page(service.origin)))
    async with embedded(browser, service, portal, width=390) as here:
        await here.portal.page.evaluate(
            "addEventListener('message', ({ data }) => { (window.heard ??= []).push(JSON.stringify(data)); })"
        )
        await follows(here)
        assert await axe(here.chat.page, tags=TAGS) == []
        for said in CASE:
            await here.chat.answer(said)
            await follows(here)
        assert await here.chat.here() == "answer"
        assert service.turns()[-1] == "review:confirm"
        at_top = await here.portal.page.evaluate("document.querySelector('iframe').getBoundingClientRect().top")
        assert (
            0 <= at_top + await here.chat.page.locator("#end").evaluate("end => end.getBoundingClientRect().top") < 200
        )
        heard = await here.portal.page.evaluate("window.heard")
        assert heard
        assert all(re.fullmatch(r'{"triageHeight":\d+}', said) for said in heard)
        await here.portal.fits()


async def test_a_theme(browser: Browser, service: Service, portal: Site) -> None:
    """A portal's colours are not taken, are lost on the way, or reach further than the frame."""
    await portal.show(site_of(portal_page(service.origin, accent="#7a1f5c", radius="2px", font="Georgia, serif")))
    async with embedded(browser, service, portal) as here:
        for number in (2, 3):  # on a page that is led to from the first, too
            root = here.chat.page.locator(":root")
            style = await root.evaluate("root => root.style.cssText")
            assert "--accent: #7a1f5c" in style
            assert "--radius: 2px" in style
            assert "--font: Georgia, serif" in style
            await another_case(here, number)
        assert await axe(here.chat.page, tags=TAGS) == []
        await here.portal.page.emulate_media(color_scheme="dark")  # as at nightfall: this accent is too dark for it
        # not wait_for_function: it evaluates in the page, where the policy forbids that
        await expect(here.chat.page.locator(":root")).not_to_have_attribute("style", re.compile("--accent"))
        assert await axe(here.chat.page, tags=TAGS) == []
        here.portal.expect("warning: The theme was not taken")


@pytest.mark.parametrize(("accent", "scheme"), [("#cfe8ef", "light"), ("#767676", "light"), ("#7a1f5c", "dark")])
async def test_a_theme_nobody_can_read(
    browser: Browser, service: Service, portal: Site, accent: str, scheme: str
) -> None:  # fmt: skip
    """A portal's colours leave text that cannot be read: on the page, on what is raised from it, or in the dark."""
    await portal.show(site_of(portal_page(service.origin, accent=accent)))
    async with embedded(browser, service, portal, color_scheme=scheme) as here:
        here.portal.expect("warning: The theme was not taken")
        assert await here.chat.page.locator(":root").evaluate("root => root.style.cssText") == ""
        assert await axe(here.chat.page, tags=TAGS) == []


async def test_another_site_may_not(browser: Browser, service: Service) -> None:
    """A site the operator did not name could show the chat under its own words."""
    stranger = Site()
    await stranger.serve(site_of(""))
    await stranger.show(site_of(portal_page(service.origin)))
    try:
        async with visit(browser, service, origins=[stranger.origin]) as at:
            await at.page.goto(f"{stranger.origin}/")
            await at.page.wait_for_selector("iframe")
            await at.page.wait_for_load_state("networkidle")
            at.expect("frame-ancestors")
            assert await at.page.frames[-1].locator("#asked").count() == 0
            at.troubles = [said for said in at.troubles if "ERR_BLOCKED_BY_RESPONSE" not in said]
    finally:
        await stranger.stop()


async def test_messages_of_others_are_not_heard(browser: Browser, service: Service, portal: Site) -> None:
    """Any page in reach could change the height of the chat."""
    other = f'<iframe src="{service.origin}/embed" title="other"></iframe></body>'
    await portal.show(site_of(portal_page(service.origin).replace("</body>", other)))
    async with embedded(browser, service, portal) as here:
        await follows(here)
        before = await frame_height(here.portal)
        own = here.chat.page
        beside = next(frame for frame in here.portal.page.frames if frame not in (own, here.portal.page.main_frame))
        await here.portal.page.evaluate("window.postMessage({ triageHeight: 9000 }, '*')")
        await beside.evaluate("parent.postMessage({ triageHeight: 9000 }, '*')")
        for said in ("{ triageHeight: 'calc(9000px)' }", "{ triageWidth: 9000 }", "null"):
            await own.evaluate(f"parent.postMessage({said}, '*')")
        await own.evaluate("new Promise((done) => setTimeout(done, 50))")
        assert await frame_height(here.portal) == before
        await own.evaluate("parent.postMessage({ triageHeight: 900000 }, '*')")  # its own, but out of bounds
        await expect(here.portal.page.locator(FRAME)).to_have_css("height", "30000px")


# Really different sites


def certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """A certificate for these names that nobody signed but itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    built = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(NOW - timedelta(days=3650)).not_valid_after(NOW + timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(built.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    return files


async def test_over_tls_where_third_party_cookies_are_blocked(tmp_path: Path) -> None:
    """Inside another site's page a browser that blocks third-party cookies forgot who signed in, or the case."""
    need_chromium()
    names = ("portal.test", "triage.test", "tracker.test")
    tls = certificate(tmp_path, *names)
    portal, tracker = Site("portal.test", tls), Site("tracker.test", tls)
    await portal.serve(site_of(""))
    await tracker.serve(site_of("seen", **{"Set-Cookie": "tracked=yes; SameSite=None; Secure"}))
    service = Service(
        tmp_path, host="triage.test", tls=tls, public_url="https://triage.test", web_embed_origins=portal.origin,
        web_access_token=TOKEN,
    )  # fmt: skip
    await service.start()
    beside = f'<iframe src="{tracker.origin}/" title="tracker"></iframe></body>'
    await portal.show(site_of(portal_page(service.origin).replace("</body>", beside)))
    mapped = ", ".join(f"MAP {name} 127.0.0.1" for name in names)
    try:
        async with (
            chromium(f"--host-resolver-rules={mapped}", "--test-third-party-cookie-phaseout") as browser,
            embedded(browser, service, portal, tracker, ignore_https_errors=True, width=390) as here,
        ):
            await follows(here)
            await here.chat.page.get_by_label("Access token").fill(TOKEN)
            await here.chat.page.get_by_role("button", name="Sign in").click()
            for said in CASE:
                await here.chat.answer(said)
                await follows(here)
            assert await here.chat.here() == "answer"
            assert service.turns()[-1] == "review:confirm"
            await another_case(here, 2)
            await follows(here)
            assert "--accent: #7a1f5c" in await here.chat.page.locator(":root").evaluate("root => root.style.cssText")
            kept = {cookie["name"]: cookie for cookie in await here.portal.context.cookies()}
            assert kept.keys() == {"__Host-triage_embedded", "__Host-triage_access_embedded"}  # not the tracker's
            for cookie in kept.values():
                assert (cookie["sameSite"], cookie["secure"], cookie["httpOnly"]) == ("None", True, True)
                assert cookie["partitionKey"] == "https://portal.test"
            await here.portal.page.goto(f"{tracker.origin}/")  # nothing blocks its cookie on its own page
            assert "tracked" in {cookie["name"] for cookie in await here.portal.context.cookies()}
    finally:
        for site in (service, portal, tracker):
            await site.stop()
