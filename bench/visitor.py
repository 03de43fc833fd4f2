"""What a browser does, as far as the bench needs it: cookies, forms, and the files that a page names."""

from __future__ import annotations

import gzip
import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlencode

from bench.load import HOST

FORM = "application/x-www-form-urlencoded"
BOUNDARY = "----bench7f2d1c"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came.

    Args:
        size: bytes of head and body as they were sent.
    """

    status: int
    body: str
    location: str
    size: int


class Visitor:
    """One person's browser, behind the proxy in front of the server."""

    def __init__(self, port: int, host: str, address: str) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=60)
        self._headers = {
            "Host": host,
            "User-Agent": "bench/1",
            "X-Forwarded-For": address,
            "X-Forwarded-Proto": "https",
            "Accept-Encoding": "gzip",
            "Referer": f"https://{host}/",
        }
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self._ask("GET", path, None)

    def post(self, path: str, fields: dict[str, str]) -> Answer:
        """Send a form."""
        return self._ask("POST", path, fields)

    def sign_in(self, token: str) -> Answer:
        """Sign in through the form, and open the page that it leads to."""
        form = form_of(self.get("/sign-in").body, "sign-in")
        answer = self.post("/sign-in", {**form.fields, "token": token})
        if answer.status not in {302, 303}:
            raise RuntimeError(f"the sign-in was refused ({answer.status}): {answer.body[:300]}")
        return self.get(answer.location)

    def request(
        self, method: str, path: str, fields: Mapping[str, str] | None = None, *, files: bool = False
    ) -> bytes:
        """Return the bytes of a request as this browser would send it.

        Args:
            files: whether the form is one that may carry files.
        """
        if fields is None:
            return request(method, path, self._sent())
        body = multipart(fields) if files else urlencode(fields).encode()
        return request(method, path, self._sent(), body, kind=MULTIPART if files else FORM)

    def move_to(self, address: str) -> None:
        """Go on from another address."""
        self._headers["X-Forwarded-For"] = address

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _sent(self) -> dict[str, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {**self._headers, "Cookie": cookie} if cookie else self._headers

    def _ask(self, method: str, path: str, fields: dict[str, str] | None) -> Answer:
        headers = self._sent() | ({"Content-Type": FORM} if fields is not None else {})
        self._connection.request(method, path, urlencode(fields) if fields is not None else None, headers)
        answer = self._connection.getresponse()
        body = answer.read()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                cookie, _, content = value.partition(";")[0].partition("=")
                self.cookies[cookie] = content
        head = sum(len(name) + len(value) + 4 for name, value in answer.getheaders())
        opened = gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body
        location = answer.headers.get("Location", "")
        return Answer(answer.status, opened.decode(errors="replace"), location, head + len(body))


def request(
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    kind: str = "",
) -> bytes:
    """Return the bytes of a request.

    Args:
        kind: of the body.
    """
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if method == "POST":
        lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join((*lines, "", "")).encode() + body


def multipart(fields: Mapping[str, str]) -> bytes:
    """Return the body of a form that may carry files, as browsers send it."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return "".join((*parts, f"--{BOUNDARY}--\r\n")).encode()


@dataclass(frozen=True, slots=True)
class Form:
    """A form on a page, filled in as it came."""

    action: str
    fields: dict[str, str]


def form_of(page: str, form_id: str) -> Form:
    """Return a form of a page by its id.

    Raises:
        RuntimeError: there is none.
    """
    forms = _Forms()
    forms.feed(page)
    try:
        return forms.found[form_id]
    except KeyError:
        raise RuntimeError(f"the page has no form {form_id}; it has {sorted(forms.found)}") from None


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Form] = {}
        self._form: Form | None = None
        self._choice = ""
        self._text: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""), {})
            self.found[given.get("id", f"form {len(self.found)}")] = self._form
        elif self._form is not None:
            self._field(self._form, tag, given)

    def _field(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name = given.get("name", "")
        if tag == "input" and name:
            box = given.get("type") in {"checkbox", "radio"}
            if not box or "checked" in given:
                form.fields[name] = given.get("value", "on" if box else "")
        elif tag == "textarea" and name:
            self._text = (name, [])
        elif tag == "select":
            self._choice = name
        elif tag == "option" and self._choice and ("selected" in given or self._choice not in form.fields):
            form.fields[self._choice] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._text is not None and self._form is not None:
            self._form.fields[self._text[0]] = "".join(self._text[1]).removeprefix("\n")
            self._text = None
        elif tag == "select":
            self._choice = ""
        elif tag == "form":
            self._form = None


def files_of(page: str) -> list[str]:
    """Return the addresses of the files that a browser loads for a page, each once."""
    found = re.findall(r'<(?:link|script|img|use)\b[^>]*?\b(?:href|src)="([^"#]+)', page)
    return list(dict.fromkeys(found))
