"""Searching: by name, prefix, word and address, the best match first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services import item_changes, vaults
from services.index_entries import fold, host_of
from services.index_search import read_query
from tests.world import login

NAMES = (
    ("mail", "ops@north.example", ("https://mail.example.com/inbox",), ("mail",)),
    ("mailbox admin", "root", ("https://admin.example.com",), ()),
    ("prod/mail relay", "relay", ("smtp://relay.example.net:25",), ("prod",)),
    ("Old mail archive", "archive", (), ()),
    ("webmail", "", ("webmail.example.org/login?next=1",), ()),
    ("Café Zürich", "josé", ("https://cafe.example.ch",), ("Größe",)),
    ("GitHub", "bot_user", ("https://github.com/login",), ("ci", "code")),
    ("Gist", "bot", ("https://gist.github.com",), ("ci",)),
    ("wiki", "", ("http://intranet/",), ()),
    ("router", "admin", ("http://10.0.0.1:8080/ui", "http://localhost:3000"), ()),
)


@pytest.fixture
def find(runtime, work, world):
    """Search in a vault that holds the names above, and return what is found in order."""
    with work("alice", writing=True) as uow:
        vault = vaults.create(uow, "Search", "")
        for name, user_name, urls, tags in NAMES:
            contents = login(name, user_name=user_name, urls=urls, tags=tags)
            item_changes.create(uow, vault, contents if name == "mail" else replace(contents, fields=()))
        vault_id = vault.id

    def find(query, **filters):
        with work("alice") as uow:
            page = runtime.indexes.of(uow).page([vault_id], query=query, **filters)
        assert page.total >= len(page.entries)
        return [entry.name for entry in page.entries]

    return find


def test_the_best_match_comes_first(find):
    assert find("mail") == ["mail", "mailbox admin", "prod/mail relay", "Old mail archive", "webmail"]


def test_the_part_after_the_last_slash_counts_as_a_name(find):
    assert find("mail relay")[0] == "prod/mail relay"
    assert find("prod/mail relay")[0] == "prod/mail relay"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("GITHUB", ["GitHub", "Gist"]),
        ("  github  ", ["GitHub", "Gist"]),
        ("bot_user", ["GitHub"]),
        ("user", ["GitHub"]),
        ("ops@north", ["mail"]),
        ("ci", ["Gist", "GitHub"]),
        ("code", ["GitHub"]),
        ("cafe zurich", ["Café Zürich"]),
        ("CAFÉ", ["Café Zürich"]),
        ("jose", ["Café Zürich"]),
        ("grosse", ["Café Zürich"]),
        ("admin mail", ["mailbox admin"]),
        ("mail admin", ["mailbox admin"]),
        ("mail nothing", []),
        ("nothing", []),
        ("correct horse", []),
        ("%", []),
        (".*", []),
    ],
)
def test_words_are_looked_for_in_names_user_names_addresses_and_tags(find, query, expected):
    assert find(query) == expected


def test_no_query_is_the_whole_list(find):
    assert len(find("")) == len(find("   ")) == len(NAMES)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("https://github.com/settings/keys?x=1#y", ["GitHub", "Gist"]),
        ("https://gist.github.com/", ["Gist", "GitHub"]),
        ("gist.github.com", ["Gist", "GitHub"]),
        ("GitHub.com", ["GitHub", "Gist"]),
        ("https://user:pw@mail.example.com:8443/", ["mail"]),
        ("https://imap.mail.example.com", ["mail"]),
        ("example.com", ["mail", "mailbox admin"]),
        ("https://org/", ["webmail"]),
        ("https://mail.intranet/", []),
        ("http://intranet/x", ["wiki"]),
        ("https://hub.com/", []),
        ("https://notgithub.com/", []),
        ("http://10.0.0.1/", ["router"]),
        ("10.0.0.1:8080", ["router"]),
        ("https://10.0.0.2/", []),
        ("http://localhost:3000/", ["router"]),
        ("https://nowhere.example/mail", []),
        ("webmail.example.org/login", ["webmail"]),
    ],
)
def test_a_pasted_address_or_host_finds_what_belongs_to_the_host(find, query, expected):
    assert find(query) == expected


def test_a_search_and_filters_narrow_together(find):
    assert find("mail", tag="prod") == ["prod/mail relay"]


def test_ranked_matches_come_in_pages_too(runtime, work, world, find):
    whole = find("a")
    with work("alice") as uow:
        index = runtime.indexes.of(uow)
        vault_id = next(line.vault.id for line in vaults.visible(uow) if line.vault.name == "Search")
    seen, after = [], None
    while True:
        page = index.page([vault_id], query="a", after=after, limit=2)
        seen += [entry.name for entry in page.entries]
        after = page.next_cursor
        if after is None:
            break

    assert seen == whole
    assert len(seen) == page.total


def test_many_matches_are_all_found(runtime, work, world):
    with work("alice", writing=True) as uow:
        vault = vaults.create(uow, "Many", "")
        for number in range(520):
            item_changes.create(uow, vault, login(f"x{number:03}abc", urls=(), tags=(), fields=()))
        item_changes.create(uow, vault, login("zz abc", urls=(), tags=()))
        item_changes.create(uow, vault, login("zzz/abc", urls=(), tags=()))
        vault_id = vault.id

    with work("alice") as uow:
        page = runtime.indexes.of(uow).page([vault_id], query="abc", limit=1000)

    assert page.total == len(page.entries) == 522
    assert page.entries[0].name == "zzz/abc"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://a.example/b", "a.example"),
        ("a.example", "a.example"),
        ("a.example:443/x", "a.example"),
        ("ssh://git@a.example:22/x", "a.example"),
        ("https://u:p@a.example?x", "a.example"),
        ("https://[::1]:8000/", "[::1]"),
        ("a.example.", "a.example"),
        ("", ""),
        ("https://", ""),
        ("jdbc:postgresql://db.example:5432/x", "db.example"),
        ("/path", ""),
    ],
)
def test_the_host_of_an_address(url, host):
    assert host_of(url) == host


def test_folding_and_reading_a_query():
    assert fold("ÄrgerNIS ﬁ ß") == "argernis fi ss"
    assert read_query("  ") is None
    assert read_query("a  B").words == ("a", "b")
    assert read_query("a b.example.com").host == ""
    assert read_query("https://a.example/x y").host == ""


def test_an_accent_alone_asks_for_nothing():
    assert read_query("\u00b4") is None
    assert read_query(" \u00a8 ") is None
