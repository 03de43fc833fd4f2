"""The other organization's ids wherever an id can stand besides the path: query, form, list, header.

The path has its own test, tests/matrix/test_access.py. The places are found by going through the pages; there
is no import yet. Each must answer as for the id of nothing, and change nothing.
"""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

import pytest
from sqlalchemy import func, select

from extensions import limiter
from models import Action, AuditEvent
from tests.addresses import NOWHERE
from tests.isolation.conftest import Two
from tests.isolation.crawl import Place, crawl, places_on
from tests.matrix.house import without_accidents
from tests.web.dump import dump
from tests.world import LAKESIDE, NORTHWIND

KNOWN = {
    ("GET", "access.show", "holder"),
    ("GET", "audit.export", "actor"),
    ("GET", "audit.export", "target"),
    ("GET", "audit.index", "actor"),
    ("GET", "audit.index", "target"),
    ("GET", "exports.new", "vault"),
    ("GET", "search.show", "vault"),
    ("GET", "tokens.index", "owner"),
    ("POST", "access.give", "holder_id"),
    ("POST", "access.take", "holder_id"),
    ("POST", "audit.submit_export", "actor"),
    ("POST", "audit.submit_export", "target"),
    ("POST", "exports.make", "vault"),
    ("POST", "groups.add", "user_id"),
    ("POST", "groups.remove", "user_id"),
    ("GET", "item_access.show", "holder"),
    ("POST", "item_access.give", "holder_id"),
    ("POST", "item_access.take", "holder_id"),
    ("POST", "leavers.tick_person", "item_id"),
    ("POST", "moves.move", "vault_id"),
    ("POST", "responsible.change_item", "user_id"),
    ("POST", "responsible.change_vault", "user_id"),
    ("POST", "responsible.hand_over", "user_id"),
    ("POST", "responsible.hand_over", "vault_id"),
    ("POST", "token_profiles.new", "vaults"),
    ("POST", "tokens.issue", "vaults"),
}
"""Every place that there is, by the route's name: whoever adds one adds it here, and it is tried."""
BY_HAND = (
    Place("GET", "/o/northwind/search", "after", ()),
    Place("GET", "/o/northwind/trash", "after", ()),
    Place("GET", "/o/northwind/tokens", "after", ()),
    Place("GET", "/o/northwind/audit", "chain", ()),
    Place("GET", "/o/northwind/audit/proof", "chain", ()),
)
"""Places that are shown only where a list has a second page, or to nobody."""
WRITTEN = ((str(NOWHERE),), (NOWHERE.hex,), (str(NOWHERE), str(NOWHERE)))
"""Ways to write an id: as usual, without dashes, and in a list."""
HEADERS = (
    "X-Organization",
    "X-Organization-Id",
    "X-Tenant",
    "X-Original-URL",
    "X-Rewrite-URL",
    "Referer",
    "Cookie",
)


def all_places(two: Two) -> dict[tuple[str, str, str], Place]:
    """Return one of each place, by method, route and name."""
    adapter = two.app.url_map.bind("localhost")
    found = {}
    for name in ("alice", "rhea"):
        for seen in crawl(two.open_browser(name), "/o/northwind/", "/account"):
            for place in places_on(seen):
                endpoint = adapter.match(place.path, method=place.method)[0]
                found[place.method, endpoint, place.name] = place
    return found


def send(person, place: Place, *values: str):
    """Put *values* in the place, once or several times; nothing is throttled, however often one asks."""
    limiter.storage.reset()
    given = [*place.others, *((place.name, value) for value in values)]
    if place.method == "GET":
        return person._send("GET", f"{place.path}?{urlencode(given)}")
    data: dict[str, list[str]] = {"csrf_token": [person.csrf()]}
    for name, value in given:
        data.setdefault(name, []).append(value)
    return person._send("POST", place.path, data=data)


def denials(two: Two) -> int:
    with two.runtime.engine.connect() as connection:
        return connection.execute(
            select(func.count()).where(AuditEvent.action == Action.ACCESS_DENIED.value)
        ).scalar_one()


def answers(two: Two, person, place: Place, *values: str) -> tuple[str, int]:
    """Return what is said, without the values themselves, and how many refusals were recorded."""
    before = denials(two)
    answer = send(person, place, *values)
    text = without_accidents(answer)
    for value in values:
        text = text.replace(str(UUID(value)), "").replace(UUID(value).hex, "")
    return text, denials(two) - before


def test_the_places_are_all_known(two):
    assert set(all_places(two)) == KNOWN


@pytest.mark.parametrize("name", ["alice", "rhea"])
def test_a_foreign_id_is_as_good_as_that_of_nothing(two, name):
    """Alice is the owner; Rhea belongs to both, and manages the foreign vault."""
    person = two.open_browser(name)
    person.open("/account")
    # The first look may count what later ones find counted.
    places = [*all_places(two).values(), *BY_HAND]
    foreign = two.things[LAKESIDE]
    # Alice operates the instance, whose own log names every organization.
    tried = foreign.keys() - ({"organization_id"} if name == "alice" else set())
    before = dump(two.runtime)
    faults = []
    for place in places:
        nothing = {once: answers(two, person, place, *once) for once in WRITTEN}
        for kind in tried:
            thing = foreign[kind]
            for once in WRITTEN if kind in place.name or kind == "vault_id" else WRITTEN[:1]:
                written = [thing.hex if "-" not in text else str(thing) for text in once]
                got = answers(two, person, place, *written)
                what = (place.method, place.path, place.name, kind, once)
                if got != nothing[once]:
                    faults.append((*what, "differs"))
                if got[0].startswith("404 ") and got[1] != 1:
                    faults.append((*what, "no event"))
                if two.strangers_words(NORTHWIND, got[0]):
                    faults.append((*what, "words"))
    assert faults == []
    assert dump(two.runtime) == before


def test_it_would_see_a_difference(two):
    """A person of one's own in the same place is another thing altogether."""
    alice = two.open_browser("alice")
    alice.open("/account")
    place = all_places(two)["POST", "access.give", "holder_id"]
    foreign = str(two.things[LAKESIDE]["user_id"])
    refused = answers(two, alice, place, foreign)
    assert refused == answers(two, alice, place, str(NOWHERE))
    own = answers(two, alice, place, str(two.things[NORTHWIND]["user_id"]))
    assert own != refused


@pytest.mark.parametrize("header", HEADERS)
def test_no_header_says_which_organization_is_meant(two, header):
    rhea = two.open_browser("rhea")
    plain = rhea._send("GET", "/o/northwind/vaults")
    own_cookie = f"chatelaine={rhea.client.get_cookie('chatelaine').value}"
    for value in (str(two.things[LAKESIDE]["organization_id"]), LAKESIDE, "/o/lakeside/vaults"):
        sent = f"{own_cookie}; organization={value}" if header == "Cookie" else value
        answer = rhea._send("GET", "/o/northwind/vaults", headers={header: sent})
        assert without_accidents(answer) == without_accidents(plain)


def test_a_program_s_token_says_which_organization_is_meant_and_nothing_else_does(two):
    client = two.app.test_client()
    own = {"Authorization": f"Bearer {two.programs[NORTHWIND]}"}
    plain = client.get("/api/v1/items", headers=own).get_json()
    for header in HEADERS:
        more = own | {header: str(two.things[LAKESIDE]["organization_id"])}
        assert client.get("/api/v1/items", headers=more).get_json() == plain
    body = {"fields": ["Password"], "organization": LAKESIDE, "organization_id": str(NOWHERE)}
    answer = client.post(f"/api/v1/items/{two.things[NORTHWIND]['item_id']}/reveal", json=body, headers=own)
    assert answer.status_code in {200, 400, 422}
    assert not two.strangers_words(NORTHWIND, answer.get_data(as_text=True))
