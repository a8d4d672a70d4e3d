"""What every state of every page has to stand: axe, wide and narrow, light and dark."""

from typing import Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.e2e.browser import Visitor

WIDTHS = (360, 1280)
Scheme = Literal["light", "dark"]

RULES: dict[Scheme, dict[str, object]] = {
    "light": {},
    # The elements are the same; axe takes a second of a processor for all of its rules.
    "dark": {"runOnly": ["color-contrast"]},
}

VIOLATIONS = {"resultTypes": ["violations"]}

PAPER: dict[Scheme, str] = {
    "light": "rgb(250, 247, 242)",
    "dark": "rgb(20, 18, 15)",
}
"""The ground of each theme, from web/ui/design.py."""


async def expect_good_for_everybody(visitor: Visitor) -> None:
    """Nothing for axe to find and nothing to scroll sideways; wide and narrow, light and dark."""
    found: list[str] = []
    for width in WIDTHS:
        await visitor.expect_no_sideways_scroll(width)
        for scheme, rules in RULES.items():
            await visitor.page.emulate_media(color_scheme=scheme)
            await expect(visitor.page.locator("body")).to_have_css(
                "background-color", PAPER[scheme]
            )
            results = await Axe().run(visitor.page, options=VIOLATIONS | rules)
            for violation in results.response["violations"]:
                nodes = [node["html"][:300] for node in violation["nodes"]]
                found.append(f"{width} {scheme}: {violation['id']}: {nodes}")
    assert found == []
