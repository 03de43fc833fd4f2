"""Every page, with everything that strains one: nothing breaks, nothing sticks out, everybody can use it.

The list comes from the URL map, so that a new page is looked at without anybody adding it here.
"""

from __future__ import annotations

from itertools import product

import pytest

from tests import world as worlds
from tests.addresses import fill
from tests.journeys import looks
from tests.journeys.crowded import crowd
from tests.journeys.house import House
from tests.world import PASSWORD, SEED

pytestmark = pytest.mark.browser

NOT_PAGES = {
    "static",
    "api_pages.document",
    "health.live",
    "health.ready",
    "health.security_text",
    "health.show_metrics",
    "keys.progress",
}
"""Endpoints that answer a GET with something else than a page."""
OF_PROGRAMS = ("/api/", "/v1/")
ELSEWHERE = {
    "signin.home",
    "signin.show",
    "enrolment.open_link",
    "enrolment.show",
    "enrolment.ask_to_join",
    "passkeys.edit",
    "sso.arrive",
}
"""Pages of people who are not signed in, or have a second factor, and addresses that only lead on; they have
their own test."""
FIRST_PAGE_REQUESTS = 6
SEEN_SHIFT = 0.0005
"""Of the layout-shift score; what is less moves by a part of a pixel. Browsers call 0.1 good."""
SHIFTS = """
() => new Promise((done) => {
  let sum = 0;
  const add = (entries) => { for (const entry of entries) sum += entry.value; };
  const observer = new PerformanceObserver((list) => add(list.getEntries()));
  observer.observe({type: "layout-shift", buffered: true});
  requestAnimationFrame(() => requestAnimationFrame(() => { add(observer.takeRecords()); done(sum); }));
})
"""


@pytest.fixture(scope="module")
def crowded(template, tmp_path_factory):
    """The crowded world, and a server on it: the house for the tests of this file."""
    path, world = template
    database = tmp_path_factory.mktemp("crowded") / "chatelaine.db"
    worlds.copy(path, database)
    return database, crowd(database, world)


@pytest.fixture(scope="module")
def house(crowded):
    with House(crowded[0], SECURITY_CONTACT="mailto:security@example.org") as house:
        yield house


@pytest.fixture
def pages(app, world, crowded):
    """The address of every page of Northwind, with each kind of thing in it."""
    added = crowded[1]
    whole = [world.items["Stripe dashboard"], added.strained, added.trashed]
    variants = {
        "item_id": [*whole, added.broken],
        "vault_id": [world.vaults["Production"], world.vaults["Board"], added.vault],
        "group_id": [added.group],
        "run_id": list(added.imports),
        "member_id": [world.members["mia"], added.disabled],
        "profile_id": [added.profile],
    }
    only = {
        # What cannot be decrypted has no values to edit and no past to look at, and the answer says so.
        "items.edit": {"item_id": whole},
        "history.show": {"item_id": whole},
        "trash.ask": {"item_id": [added.trashed]},
        "leavers.token": {"token_id": [added.api_token]},
        "tokens.replace": {"token_id": [added.api_token]},
        "tokens.show": {"token_id": [world.token_ids["mia"], added.api_token]},
    }
    addresses = set()
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint in NOT_PAGES | ELSEWHERE:
            continue
        if str(rule).startswith(OF_PROGRAMS):
            continue
        wanted = {name: variants.get(name, [None]) for name in rule.arguments} | only.get(rule.endpoint, {})
        for values in product(*wanted.values()):
            given = {name: value for name, value in zip(wanted, values, strict=True) if value is not None}
            addresses.add(fill(rule, world, **given))
    return sorted(addresses)


@pytest.fixture
def asked(world):
    """Pages whose address asks for something particular."""
    production = f"/o/northwind/vaults/{world.vaults['Production']}"
    return [
        "/o/northwind/search?q=nothing+like+that",
        "/o/northwind/search?q=donau",
        "/o/northwind/search?favorite=1",
        f"{production}?folder=prod",
        f"/o/northwind/people/{world.members['rhea']}/opened?show=todo",
        f"/o/northwind/people/{world.members['rhea']}/opened?show=done",
        f"{production}/items/new?type=certificate",
        "/o/northwind/audit?result=failed",
        "/o/northwind/audit?chain=system",
        "/o/northwind/audit?saved=secrets",
        "/o/northwind/audit/proof?chain=system",
    ]


def least_shift(page):
    """Look a second and a third time: where parts jump because of the page, they do so each time.

    On a busy machine the browser may show the first half of a page while it reads the second, and a table
    that has more rows by then has wider columns.
    """
    shift = page.evaluate(SHIFTS)
    for _ in range(2):
        if shift <= SEEN_SHIFT:
            break
        page.reload()
        shift = min(shift, page.evaluate(SHIFTS))
    return shift


PARTS = 4
"""One test for all pages might take longer on a busy machine than any test may."""


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_works_for_an_owner(visit, world, pages, asked, part):
    window = visit("alice")
    page = window.page
    faults = []
    assert len(pages) > 40
    for path in [*pages, *asked][part::PARTS]:
        page.set_viewport_size(looks.WIDE)
        status = page.goto(path).status
        found = [f"status {status}"] if status != 200 else []
        found += words_of(page, world)
        if (shift := least_shift(page)) > SEEN_SHIFT:
            found.append(f"parts jump by {shift}")
        found += looks.wide_and_light(page) + looks.narrow_and_dark(page)
        faults += [f"{path}: {fault}" for fault in found + window.problems]
        window.problems.clear()
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", ["audrey", "noah"])
def test_every_page_works_for_those_who_may_less(visit, world, pages, name):
    """Pages with less on them, lists with nothing in them, and refusals."""
    window = visit(name)
    faults = []
    statuses = set()
    with window.answered(403, 404, 409):
        for path in pages:
            statuses.add(status := window.page.goto(path).status)
            found = words_of(window.page, world)
            found += looks.narrow_and_dark(window.page) if status == 200 else []
            faults += [f"{path}: {fault}" for fault in found]
    assert not faults, "\n".join(faults)
    assert statuses <= {200, 403, 404, 409}
    assert 200 in statuses


def test_pages_of_strangers_and_refusals_work_for_everybody(visit, world, crowded):
    stranger, alice = visit(), visit("alice")
    broken = f"/o/northwind/items/{crowded[1].broken}"
    for window, path, status in [
        (stranger, "/sign-in", 200),
        (stranger, "/sign-in?next=/o/northwind/", 200),
        (stranger, "/security", 200),
        (stranger, "/enrol", 410),
        (stranger, "/nowhere", 404),
        (alice, "/o/lakeside/", 404),
        (alice, f"{broken}/edit", 409),
        (alice, f"{broken}/versions/1", 409),
        (alice, "/o/northwind/audit?since=yesterday", 422),
        (alice, "/o/northwind/search?q=a&q=b", 400),
    ]:
        with window.answered(status):
            assert window.page.goto(path).status == status, path
            looks.assert_everybody_can_use(window.page)
            assert words_of(window.page, world) == []


def test_the_first_page_asks_for_little(visit):
    """Counted with nothing in the browser's cache, before and after the sign-in."""
    window = visit("alice")
    devtools = window.context.new_cdp_session(window.page)
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    for path in ("/o/northwind/", "/account"):
        window.requests.clear()
        window.page.goto(path, wait_until="networkidle")
        # The browser asks for the icon when it likes, for the page before as well: it counts as one.
        asked = [url for url in window.requests if "/favicon" not in url]
        assert len(asked) + 1 <= FIRST_PAGE_REQUESTS, asked


def words_of(page, world) -> list[str]:
    """Return what is wrong with the page's title, and which secrets stand in the page."""
    title, content = page.title(), page.content()
    faults = []
    if not title.endswith(" · Chatelaine") or title.startswith(" "):
        faults.append(f"the title {title!r}")
    secrets = [PASSWORD, SEED, *world.tokens.values()]
    return faults + [f"the secret {secret!r} stands in the page" for secret in secrets if secret in content]
