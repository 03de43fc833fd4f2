"""Somebody with a browser: a page of their own, and an eye on everything that must not happen on it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

PATIENCE = 15_000
"""Milliseconds that something may take to appear, on a machine that has much else to do."""
ANSWERED = re.compile(r"Failed to load resource: the server responded with a status of (\d{3})")
WATCH_POLICY = """
addEventListener("securitypolicyviolation", (event) =>
  reportViolation(`${event.violatedDirective}: ${event.blockedURI} ${event.sample} in ${event.sourceFile}`));
"""


class Visit:
    """One person's browser window, with its own cookies.

    Whatever a browser complains of is kept in ``problems``, and fails the test in the end: warnings and
    errors on the console, uncaught errors, violations of the content policy, requests that fail, requests
    to anybody but the server.
    """

    def __init__(
        self, chromium: Browser, house: str, *, address: str = "192.0.2.10", **options: object
    ) -> None:
        self.house = house
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.elsewhere: tuple[str, ...] = ()
        """Beginnings of addresses on other sites that the test leads to."""
        self._expected: set[int] = set()
        self._answers: dict[Request, int] = {}
        options = {"viewport": {"width": 1360, "height": 900}, "reduced_motion": "reduce"} | options
        headers = {"X-Forwarded-For": address}
        self.context = chromium.new_context(base_url=house, extra_http_headers=headers, **options)
        self.context.set_default_timeout(PATIENCE)
        self.context.expose_binding("reportViolation", lambda _source, words: self.problems.append(words))
        self.context.add_init_script(WATCH_POLICY)
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.problems.append(f"uncaught: {error.error}"))
        self.context.on("request", self._see)
        self.context.on("response", lambda answer: self._answers.update({answer.request: answer.status}))
        self.context.on("requestfailed", self._see_failed)
        self.page: Page = self.context.new_page()

    def open(self, path: str) -> Page:
        """Go to *path* on the server."""
        self.page.goto(path)
        return self.page

    def sign_in(self, token: str) -> Page:
        """Sign in through the form."""
        self.open("/sign-in")
        self.page.get_by_label("Access token").fill(token)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        expect(self.page.get_by_role("button", name="Account menu")).to_be_visible()
        return self.page

    @contextmanager
    def answered(self, *statuses: int):
        """Within this the test wants answers with *statuses*, each of which Chromium notes on the console."""
        self._expected |= set(statuses)
        yield
        # What is still under way comes with the next turn of the browser's own loop.
        self.page.evaluate("() => null")
        self._expected -= set(statuses)

    def allow_clipboard(self) -> None:
        """Let pages of the server use the clipboard, as somebody who clicks does."""
        self.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=self.house)

    def pasted(self) -> str:
        """Return what the clipboard holds: paste it into the search field, and empty that again."""
        words = self.page.get_by_role("searchbox", name="Search")
        words.focus()
        self.page.keyboard.press("ControlOrMeta+V")
        text = words.input_value()
        words.fill("")
        return text

    def close(self) -> None:
        self.context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning", "assert"}:
            return
        answered = ANSWERED.match(message.text)
        if answered and int(answered[1]) in self._expected:
            return
        self.problems.append(f"console {message.type}: {message.text} at {message.location.get('url')}")

    def _see(self, request: Request) -> None:
        self.requests.append(request.url)
        if not request.url.startswith((self.house + "/", "data:", "blob:", *self.elsewhere)):
            self.problems.append(f"request to {urlsplit(request.url).netloc}: {request.url}")

    def _see_failed(self, request: Request) -> None:
        # A page that is left because of an answer need not read the rest of it, nor load its last picture.
        # So does one that is left for the next page before a busy machine has read it to its end.
        gone = request.method == "GET" and request.is_navigation_request()
        left = gone or self._answers.get(request) in self._expected or "/static/" in request.url
        if left and request.failure == "net::ERR_ABORTED":
            return
        self.problems.append(f"failed request: {request.method} {request.url}: {request.failure}")
