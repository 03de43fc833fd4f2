"""Words that stand in one organization only, looked for in everything that people of the other can get."""

from __future__ import annotations

import pytest

from services import item_queries
from tests.isolation import walls
from tests.isolation.conftest import BOTH, OTHER, Two
from tests.isolation.crawl import crawl
from tests.world import LAKESIDE, NORTHWIND

VISITORS = {
    "alice": NORTHWIND,
    "adam": NORTHWIND,
    "audrey": NORTHWIND,
    "mia": NORTHWIND,
    "mallory": LAKESIDE,
    "sam": LAKESIDE,
}


def everything_for(two: Two, name: str, slug: str) -> dict[str, str]:
    """Return every answer that somebody gets in an organization, by what was asked."""
    person = two.open_browser(name)
    answers = {seen.path: seen.text for seen in crawl(person, f"/o/{slug}/", "/account")}
    answers |= exports(two, name, slug)
    return answers


def exports(two: Two, name: str, slug: str) -> dict[str, str]:
    """Return what leaves as a file, with everything that can be asked for."""
    person = two.open_browser(name)
    member = two.things[slug]["member_id"]
    person.open("/account")
    forms = {
        "audit/export": [{"format": "csv", "names": "y"}, {"format": "jsonl", "names": "y"}],
        "tokens/export": [{}],
        f"people/{member}/opened/export": [{}],
    }
    found = {}
    for path, wanted in forms.items():
        for form in wanted:
            data = {"csrf_token": person.csrf(), **form}
            answer = person._send("POST", f"/o/{slug}/{path}", data=data)
            found[f"{path} {form}"] = answer.get_data(as_text=True)
    return found


def leaks(two: Two, slug: str, answers: dict[str, str]) -> dict[str, set[str]]:
    """Return the other organization's words, by where they stand."""
    found = {path: two.strangers_words(slug, text) for path, text in answers.items()}
    return {path: places for path, places in found.items() if places}


@pytest.mark.parametrize("name", VISITORS)
def test_nobody_gets_a_word_of_the_other_organization(two, name):
    slug = VISITORS[name]
    answers = everything_for(two, name, slug)
    assert leaks(two, slug, answers) == {}


def test_the_owner_gets_nearly_all_words_of_their_own(two):
    """So the search above looks where the words are."""
    two.open_browser(BOTH)
    text = "".join(everything_for(two, BOTH, NORTHWIND).values())
    text += "".join(everything_for(two, "alice", NORTHWIND).values())
    unseen = {place for word, place in two.words[NORTHWIND].items() if word not in text}
    assert unseen <= {"password", "notes", "text of a field", "content of a file"}


@pytest.mark.sqlite
def test_without_the_automatic_filter_the_search_finds_them(two):
    with walls.automatic_filter():
        alice = leaks(two, NORTHWIND, everything_for(two, "alice", NORTHWIND))
    assert {"name of a person", "vault", "token", "address of a link"} <= set.union(*alice.values())


@pytest.mark.parametrize("slug", OTHER)
def test_who_belongs_to_both_sees_each_by_itself(two, slug):
    assert leaks(two, slug, {s.path: s.text for s in crawl(two.open_browser(BOTH), f"/o/{slug}/")}) == {}


@pytest.mark.parametrize("slug", OTHER)
def test_a_program_lists_and_reveals_what_is_its_organization_s(two, slug):
    client = two.app.test_client()
    headers = {"Authorization": f"Bearer {two.programs[slug]}"}
    answers = {}
    own = client.get("/api/v1/items", headers=headers)
    assert own.get_json()["total"] > 0
    answers["list"] = own.get_data(as_text=True)
    for other in OTHER:
        for kind in ("vault_id", "item_id"):
            thing = two.things[other][kind]
            for path in (f"/api/v1/items?vault={thing}", f"/api/v1/items?cursor={thing.hex}"):
                answers[path] = client.get(path, headers=headers).get_data(as_text=True)
            answers[f"reveal {thing}"] = client.post(
                f"/api/v1/items/{thing}/reveal", json={}, headers=headers
            ).get_data(as_text=True)
    assert leaks(two, slug, answers) == {}


@pytest.mark.parametrize("slug", OTHER)
def test_a_search_for_their_words_is_a_search_for_nothing(two, slug):
    """The same page, with the same counts, as for a word that stands nowhere."""
    owner = {NORTHWIND: "alice", LAKESIDE: "mallory"}[slug]
    person = two.open_browser(owner)
    program = {"Authorization": f"Bearer {two.programs[slug]}"}

    def asked(word: str) -> list[str]:
        pages = [
            person.open(f"/o/{slug}/search?q={word}").select_one("main").get_text(),
            person.open(f"/o/{slug}/search?tag={word}").select_one("main").get_text(),
            person.open(f"/o/{slug}/search?folder={word}").select_one("main").get_text(),
            two.app.test_client().get(f"/api/v1/items?q={word}", headers=program).get_data(as_text=True),
            two.app.test_client().get(f"/api/v1/items?vault={word}", headers=program).get_json()["detail"],
        ]
        return [page.replace(word, "") for page in pages]

    nothing = asked("canaryofnobodyatall")
    for word, place in two.words[OTHER[slug]].items():
        assert asked(word) == nothing, place


@pytest.mark.parametrize("slug", OTHER)
def test_their_names_are_free_here(two, slug):
    """No error text says that a name is taken elsewhere: vaults, credentials, tokens, folders."""
    owner = {NORTHWIND: "alice", LAKESIDE: "mallory"}[slug]
    person = two.open_browser(owner)
    named = {place: word for word, place in two.words[OTHER[slug]].items()}
    person.open(f"/o/{slug}/vaults/new")
    person.submit("vault-form", name=named["vault"])
    vault = person.path
    person.open(f"{vault}/items/new")
    person.submit("item-form", name=f"{named['folder']}/{named['name of a credential']}")
    person.open(f"/o/{slug}/tokens/new")
    person.submit("issue", name=named["token"], scopes=["items:list"])


def test_counts_are_those_of_one_s_own(two, runtime):
    """The figures of the first page and of lists do not change with what the other organization does."""
    alice = two.open_browser("alice")

    def figures() -> list[str]:
        pages = ("", "vaults", "people", "tokens", "trash", "audit", "lockouts")
        texts = [alice.open(f"/o/northwind/{page}") for page in pages]
        return [number.get_text() for page in texts for number in page.select(".num, td.end, .count")]

    def fill_the_other() -> None:
        mallory = two.open_browser("mallory")
        for number in range(3):
            mallory.open("/o/lakeside/vaults/new")
            mallory.submit("vault-form", name=f"More {number}")
            mallory.open(f"{mallory.path}/items/new")
            mallory.submit("item-form", name=f"More {number}")

    figures()
    before = figures()
    fill_the_other()
    after = figures()
    assert before == after
    with walls.bind(item_queries, "CHANGED_SINCE"):
        two.runtime.indexes.forget(two.world.organizations[NORTHWIND])
        assert two.open_browser("alice").open("/o/northwind/").status == 200


def test_the_operator_sees_no_word_of_either(two):
    alice = two.open_browser("alice")
    text = "".join(seen.text for seen in crawl(alice, "/instance"))
    assert text.count("Lakeside")
    words = {**two.words[NORTHWIND], **two.words[LAKESIDE]}
    assert {place for word, place in words.items() if word in text} == set()
