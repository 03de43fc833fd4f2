"""Every field of every form, with values that programs stumble over: refused, or taken, never a fault."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from tests.addresses import fill
from tests.matrix.house import House
from tests.matrix.table import TABLE
from tests.matrix.test_access import form_of, nothing_kept, routes

ODD = {
    "nothing": "",
    "a NUL": "a\0b",
    "only spaces": " \t\r\n",
    "a huge number": "9" * 30,
    "a number for floats": "1e309",
    "a negative number": "-1",
    "digits of another script": "١٢٣",
    "markup": "<script>alert(1)</script>\"'>",
    "a template": "{{7*7}}${7*7}{item.__init__.__globals__}%(secret)s%n",
    "SQL": "' OR 1=1; DROP TABLE item;--",
    "a pattern": "(.*)+[",
    "a path": "../../etc/passwd",
    "turned letters": "\u202eabc\u2066",
    "half a character": "\ufffd\ud83d".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    "emoji": "👩‍👩‍👧‍👦",
    "a combining flood": "e" + "\u0301" * 200,
    "long": "x" * 3000,
    "a formula": "=1+1",
    "a false date": "2026-02-31",
    "a far date": "99999-01-01",
    "no id": "00000000-0000-4000-8000-00000000dead",
    "an address without end": "https://[::1",
    "a line break": "a\r\nSet-Cookie: x=1",
}


def fields_on_pages(house: House) -> dict[str, set[str]]:
    """Return the names of the fields of all forms, by the path that the form is sent to."""
    found: dict[str, set[str]] = {}
    for rule, method in routes(house).values():
        if method != "GET" or rule.endpoint in {"static", "health.live"}:
            continue
        for name in ("alice", "mona"):
            path = fill(rule, house.world, **house.own, session_id=house.everybody[name].session_id)
            page = BeautifulSoup(house.send(name, "GET", path).get_data(as_text=True), "html.parser")
            for form in page.select('form[method="post"]'):
                fields = {field["name"] for field in form.select("[name]")}
                found.setdefault(form.get("action") or path, set()).update(fields)
    return found


def test_odd_values_never_break_a_form(house):
    shown = fields_on_pages(house)
    assert len(shown) > 20
    tried = 0
    faults = []
    for line, (rule, method) in routes(house).items():
        if method != "POST":
            continue
        name = "mona" if rule.arguments & {"vault_id", "item_id"} else "alice"
        path = fill(rule, house.world, **house.own, session_id=house.everybody[name].session_id)
        fields = {"field", "version", "value", "next", *shown.get(path, ())} - {"csrf_token"}
        for what, odd in ODD.items():
            good = form_of(house, line)
            forms = [dict.fromkeys(fields, odd), *({**good, field: odd} for field in good)]
            forms.append({**good, "version": odd})
            for form in forms:
                with nothing_kept():
                    answer = house.send(name, method, path, form)
                # Some always say that a provider does not answer, and nothing else above.
                if answer.status_code >= 500 and answer.status_code != TABLE[line].ok:
                    faults.append((line, what, sorted(form)))
                assert "x=1" not in answer.headers.getlist("Set-Cookie")
                tried += 1
    assert faults == []
    assert tried > 1000


@pytest.mark.parametrize("what", ["markup", "a template"])
def test_what_was_typed_comes_back_as_text(house, what):
    odd = ODD[what]
    path = fill(routes(house)["POST vaults.new"][0], house.world, **house.own)
    with nothing_kept():
        answer = house.send("mona", "POST", path, {"name": odd, "description": odd * 200})
    page = BeautifulSoup(answer.get_data(as_text=True), "html.parser")

    assert answer.status_code == 422
    assert page.select_one('[name="name"]')["value"] == odd
    assert not page.select("script:not([src])")
