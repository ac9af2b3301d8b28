"""The pictures of the web chat in docs/images, taken anew: `.venv/bin/python -m tests.screenshots`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.async_api import Browser, Locator, Page

from tests.browser import Service, chromium, visit

IMAGES = Path(__file__).parent.parent / "docs" / "images"
LINES = ("oncologist", "in_scope", "none", "thp", "progression", "t_dxd", "toxicity")
REST = ("done", "none", "active", "absent", "progressing", "negative", "none", "confirm")
CASE = "52F HER2 3+ MBC, ER-/PR-. THP, then PD in liver; two new brain mets. EF 58. Enhertu not funded. Plays chess."


async def take(what: Page | Locator, name: str) -> None:
    """A picture of it, in as few colours as it takes."""
    file = IMAGES / f"{name}.png"
    await what.screenshot(path=file, animations="disabled")
    with Image.open(file) as taken:
        taken.convert("RGB").quantize(96, dither=Image.Dither.NONE).save(file, optimize=True)


async def on_a_phone(browser: Browser, service: Service) -> None:
    """A question, and the one with a list of lines."""
    async with visit(browser, service, width=390, height=780, device_scale_factor=2) as at:
        await at.open()
        await at.answer(*LINES)
        await take(at.page, "lines")
        await at.answer("done", "none")
        await take(at.page, "question")


async def typed(browser: Browser, service: Service) -> None:
    """A case that was typed, as it was understood."""
    async with visit(browser, service, width=390, height=780, device_scale_factor=2) as at:
        await at.open()
        await at.type(CASE)
        await at.page.evaluate("document.activeElement.blur()")
        await take(at.page.locator("main"), "understood")


async def on_a_desk(browser: Browser, service: Service) -> None:
    """The answer, and a plot in the dark."""
    async with visit(browser, service, width=1200, height=750) as at:
        await at.open()
        await at.answer(*LINES, *REST)
        await take(at.page, "answer")
        await at.page.emulate_media(color_scheme="dark")
        evidence = at.page.locator("#o-t_dm1 details:has(figure)")
        await evidence.locator("summary").click()
        await take(evidence.locator("figure"), "evidence")


async def main() -> None:
    """Take all of them."""
    IMAGES.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        service = Service(Path(folder))
        await service.start()
        async with chromium("--force-color-profile=srgb") as browser:
            await on_a_phone(browser, service)
            await typed(browser, service)
            await on_a_desk(browser, service)
        await service.stop()


if __name__ == "__main__":
    asyncio.run(main())
