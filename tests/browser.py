"""A browser without pictures: opens pages, fills in the forms that stand on them, follows redirects."""

from __future__ import annotations

from typing import Any

from bs4 import BeautifulSoup, Tag
from flask import Flask
from werkzeug.test import TestResponse

AGENT = "Test browser/1.0"


class Page(BeautifulSoup):
    """An answer: its status, headers and parsed document."""

    def __init__(self, answer: TestResponse) -> None:
        # A file that is sent has bytes of its own, and nothing to read.
        data = answer.get_data()
        text = "" if answer.mimetype == "application/octet-stream" else data.decode("utf-8", "replace")
        super().__init__(text, "html.parser")
        # A static file stays open until somebody says that it was read.
        answer.close()
        self.answer = answer
        self.status = answer.status_code

    @property
    def words(self) -> str:
        """The page's text, with white space folded."""
        return " ".join(self.get_text(" ").split())


class Browser:
    """One person's browser, with its own cookies, going through real forms with their CSRF tokens.

    Every request states the status that it expects; a 200 is expected when none is said.
    """

    def __init__(self, app: Flask, address: str = "192.0.2.10", base_url: str = "http://localhost") -> None:
        self.client = app.test_client()
        self.address = address
        self.base_url = base_url
        self.page: Page | None = None
        self.path = "/"

    def open(self, path: str, status: int = 200, **headers: str) -> Page:
        """GET *path*, following redirects within the site."""
        return self._keep(path, self._send("GET", path, headers=headers), status)

    def submit(self, form: str, status: int = 200, **values: Any) -> Page:
        """Fill in the form with the id *form* on the present page and send it.

        Args:
            values: by field name; None takes a field out; a list sends a field several times.

        Raises:
            AssertionError: there is no such form or no such field on the page.
        """
        element = self._form(form)
        data = _fields_of(element)
        for name, value in values.items():
            known = name in data or element.select_one(f'[name="{name}"]') is not None
            assert known, f"the form {form} has no field {name}; it has {sorted(data)}"
            if value is None:
                data.pop(name, None)
            else:
                data[name] = value
        action = str(element.get("action") or self.path)
        for area in element.select("textarea[name]"):
            # Browsers send every line break of a text area as CR LF.
            if isinstance(text := data.get(str(area["name"])), str):
                data[str(area["name"])] = text.replace("\r\n", "\n").replace("\n", "\r\n")
        return self._keep(action, self._send("POST", action, data=data), status)

    def press(self, label: str, status: int = 200) -> Page:
        """Send the form that the first button which reads *label* stands in, or names by its id."""
        sending = self._shown().select('form button:not([type="button"]), button[form]')
        found = [b for b in sending if " ".join(b.get_text(" ").split()) == label]
        assert found, f"no button {label!r} on {self.path}"
        button = found[0]
        form = self._form(str(button["form"])) if button.get("form") else button.find_parent("form")
        assert form is not None
        data = _fields_of(form)
        if button.get("name"):
            data[str(button["name"])] = button.get("value", "")
        action = str(button.get("formaction") or form.get("action") or self.path)
        return self._keep(action, self._send("POST", action, data=data), status)

    def post(self, path: str, data: dict[str, Any], status: int, **headers: str) -> Page:
        """POST without any form, as a forger would."""
        return self._keep(path, self._send("POST", path, data=data, headers=headers), status)

    def json(self, form: str, status: int = 200, **values: Any) -> Any:
        """Send the form with the id *form* as the page's script does; return the JSON."""
        element = self._form(form)
        data = {**_fields_of(element), **values}
        action = str(element.get("action") or self.path)
        answer = self._send("POST", action, data=data, headers={"Accept": "application/json"})
        assert answer.status_code == status, answer.get_data(as_text=True)[:500]
        return answer.get_json()

    def csrf(self) -> str:
        """Return the CSRF token of the present page."""
        field = self._shown().select_one('input[name="csrf_token"]')
        assert field is not None
        return str(field["value"])

    def _shown(self) -> Page:
        """Return the present page; where it only leads to another, go there first."""
        assert self.page is not None, "no page is open"
        if location := self.page.answer.headers.get("Location"):
            return self.open(location)
        return self.page

    def _form(self, form_id: str) -> Tag:
        page = self._shown()
        element = page.select_one(f"form#{form_id}")
        assert element is not None, (
            f"no form {form_id} on {self.path}; there are {[f.get('id') for f in page.select('form')]}"
        )
        return element

    def _send(self, method: str, path: str, **arguments: Any) -> TestResponse:
        headers = {"User-Agent": AGENT, "Referer": f"{self.base_url}{self.path}"}
        headers.update(arguments.pop("headers", {}))
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(
            path,
            method=method,
            headers=headers,
            base_url=self.base_url,
            environ_base={"REMOTE_ADDR": self.address},
            **arguments,
        )

    def _keep(self, path: str, answer: TestResponse, status: int) -> Page:
        self.path = path
        for _ in range(5):
            location = answer.headers.get("Location")
            if not location or not 300 < answer.status_code < 309 or status == answer.status_code:
                break
            self.path = location
            answer = self._send("GET", location)
        self.page = Page(answer)
        assert self.page.status == status, f"{self.path}: {self.page.status}: {self.page.words[:400]}"
        return self.page


def _fields_of(form: Tag) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for field in form.select("input[name], textarea[name], select[name]"):
        name = str(field["name"])
        if field.name == "select":
            chosen = field.select("option[selected]") or field.select("option")[:1]
            data[name] = str(chosen[0].get("value", chosen[0].get_text())) if chosen else ""
        elif field.name == "textarea":
            # A browser drops the first line break of a text area, and so does this.
            data[name] = field.get_text().replace("\r\n", "\n").removeprefix("\n")
        elif field.get("type") in {"checkbox", "radio"}:
            if field.has_attr("checked"):
                data.setdefault(name, [])
                data[name] = [*data[name], str(field.get("value", "on"))]
        else:
            data[name] = str(field.get("value", ""))
    return data
