"""Somebody at a browser, who notices what goes wrong on the way."""

import re
from pathlib import Path
from typing import Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Response

__all__ = ["BROWSER", "DESK", "FLAGS", "PHONE", "Visitor"]

BROWSER: Final = "/usr/bin/chromium"
FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK: Final = (1280, 900)
PHONE: Final = (400, 800)
GRAVE: Final = ("serious", "critical")
AXE: Final = Axe()
VIOLATIONS: Final = "() => axe.run({resultTypes: ['violations']}).then((results) => results.violations)"
STICKING_OUT: Final = """() => {
  const scrolls = (element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1;
  const named = (element) => `${element.tagName.toLowerCase()}.${element.className} ` +
    `is ${element.scrollWidth} wide in ${element.clientWidth}`;
  const inside = [...document.body.querySelectorAll("*")]
    .filter((element) => ["auto", "scroll", "hidden"].includes(getComputedStyle(element).overflowX));
  return [document.documentElement, ...inside].filter(scrolls).map(named);
}"""
AT_REST: Final = """() => Promise.all(document.getAnimations()
  .filter((animation) => Number.isFinite(animation.effect.getComputedTiming().endTime))
  .map((animation) => animation.finished.catch(() => null)))
  .then(() => null)"""
FOCUS: Final = """() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  return {
    text: (element.innerText || element.getAttribute("aria-label") || element.labels?.[0]?.innerText || "").trim(),
    shows: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""


class Visitor:
    """A page, and every error, failed request and outside address that was met on it."""

    def __init__(self, page: Page, home: str) -> None:
        self.page = page
        self.home = home
        self.expected = 200
        self._noticed: list[str] = []
        self._requests: list[Request] = []
        self._given_up: list[str] = []
        self._files: set[str] = set()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._noticed.append(f"error: {error}"))
        page.on("download", lambda download: self._files.add(download.url))
        page.on("request", self._asked)
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        # What could not be loaded is known by its answer, which says whether it was to be expected.
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            self._noticed.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        self._requests.append(request)
        if not request.url.startswith((f"{self.home}/", "data:")):
            self._noticed.append(f"outside: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":
            self._noticed.append(f"failed: {request.url} {request.failure}")
        elif not self._was_left(request):
            self._given_up.append(request.url)

    def _was_left(self, request: Request) -> bool:
        """Say whether another page was asked for since: what was on its way to this one is let go of."""
        later = self._requests[self._requests.index(request) + 1 :]
        return any(other.is_navigation_request() and other.frame == self.page.main_frame for other in later)

    def _answered(self, response: Response) -> None:
        expected = self.expected if response.request.is_navigation_request() else 200
        if response.status >= 400 and response.status != expected:
            self._noticed.append(f"answer: {response.status} {response.url}")

    @property
    def complaints(self) -> list[str]:
        """What went wrong, each thing once, however often the browser tried.

        It gives up a page that turns out to be a file, and nothing else by itself.
        """
        given_up = (f"given up: {url}" for url in self._given_up if url not in self._files)
        return [*dict.fromkeys([*self._noticed, *given_up])]

    # --- going about ----------------------------------------------------------------------

    def leave(self) -> None:
        """Close the page; what is still on its way to it is let go of."""
        self.page.remove_listener("requestfailed", self._failed)
        self.page.close()

    def go(self, path: str, *, status: int = 200) -> None:
        """Open an address of the service."""
        self.expected = status
        answer = self.page.goto(f"{self.home}{path}")
        assert answer is not None
        assert answer.status == status, (path, answer.status)

    def sign_in(self, username: str, password: str, organization: str) -> None:
        """Fill in the sign-in page and send it."""
        self.page.get_by_label("E-mail or username").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_text("Another organization").click()
        self.page.get_by_label("Organization").fill(organization)
        self.press("Sign in")

    def press(self, name: str) -> None:
        """Click a button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str, *, inside: Locator | None = None) -> None:
        """Click a link."""
        (inside or self.page).get_by_role("link", name=name, exact=True).click()

    def take(self, what: Locator, folder: Path) -> Path:
        """Click what hands over a file, and keep it."""
        with self.page.expect_download() as awaited:
            what.click()
        kept = folder / awaited.value.suggested_filename
        awaited.value.save_as(kept)
        return kept

    def open(self, file: Path) -> None:
        """Open a file from the disk: there is no service behind it."""
        self.home = file.parent.as_uri()
        self.page.goto(file.as_uri())

    def tab_to(self, text: str) -> None:
        """Press Tab until something that begins with this has the focus; each stop has to be seen."""
        for _ in range(100):
            self.page.keyboard.press("Tab")
            stop = self.page.evaluate(FOCUS)
            assert stop["shows"], f"nobody sees that the focus is on {stop['text']!r}"
            assert stop["seen"], f"the focus is on {stop['text']!r}, which is out of sight"
            if stop["text"].startswith(text):
                return
        raise AssertionError(f"Tab never came to {text!r}")

    # --- judging --------------------------------------------------------------------------

    @property
    def heading(self) -> str:
        """What the page calls itself."""
        return self.page.locator("h1").inner_text()

    def main(self, *masked: str) -> str:
        """Give the text of the page, without what differs each time."""
        text = self.page.locator("body").inner_text()
        for word in masked:
            text = text.replace(word, "…")
        return re.sub(r"\s+", " ", text)

    def look(self, scheme: str, size: tuple[int, int]) -> None:
        """Look at the same page in light or dark, on a large or a small screen."""
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        self.page.set_viewport_size({"width": size[0], "height": size[1]})

    def barriers(self) -> list[str]:
        """Let axe look for what keeps people out; gives what is serious or critical.

        The script comes by the browser's own debugging channel, so the policy of the page (CSP) stays as it is.
        """
        self.page.evaluate(AT_REST)  # a colour on its way to another is nobody's fault
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.axe_script)
        found = self.page.evaluate(VIOLATIONS)
        return [
            f"{rule['id']} ({rule['impact']}): {node['target']} {node['html'][:160]} {node['failureSummary'][:400]}"
            for rule in found
            if rule["impact"] in GRAVE
            for node in rule["nodes"]
        ]

    def sticking_out(self) -> list[str]:
        """Give what scrolls sideways: the page, or a part of it."""
        found: list[str] = self.page.evaluate(STICKING_OUT)
        return found
