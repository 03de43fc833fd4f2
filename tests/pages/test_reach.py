"""Who can see this, and why; what can they see."""

from __future__ import annotations


def row(page, name):
    return next(row for row in page.select("tbody tr") if name in row.select_one("th").get_text())


def test_who_can_see_a_vault_and_why(browser, production):
    page = browser("alice").open(production + "/who")
    mia = row(page, "Mia").get_text(" ")
    assert "Edit on the vault" in mia
    assert "by Alice" in mia


def test_who_can_see_a_credential_by_itself(browser, world, primary):
    alice = browser("alice")
    alice.open(primary + "/access")
    alice.submit("grant-form", holder_id=str(world.people["noah"]), right="2", reason="Migration")
    page = alice.open(primary + "/who")
    noah = row(page, "Noah").get_text(" ")
    assert "Reveal on this credential" in noah
    assert "“Migration”" in noah


def test_an_auditor_sees_who_has_what_and_opens_nothing(browser, world, production, primary, refuses):
    audrey = browser("audrey")
    page = audrey.open(primary + "/who")
    assert "Mia" in str(page)
    assert page.select(f'a[href="{primary}"]') == []
    audrey.open(production + "/who")
    refuses(primary, "audrey", 404)
    refuses(production + "/who", "mia", 403)
    refuses(production + "/who", "noah", 404)


def test_what_a_person_can_see(browser, world, refuses):
    address = f"/o/northwind/people/{world.members['mia']}/reach"
    page = browser("adam").open(address)
    assert "Production" in row(page, "Production").get_text()
    assert "Edit" in row(page, "Production").get_text()
    assert page.select_one("tbody a") is None, "Adam cannot see into it"
    assert browser("mia").open(address).select_one("tbody a") is not None
    refuses(address, "ula", 404)


def test_what_a_token_can_see_is_what_its_owner_can(browser, world):
    rhea = browser("rhea")
    rhea.open("/o/northwind/tokens/new")
    rhea.submit("issue", name="Job", scopes=["items:list"])
    page = rhea.open("/o/northwind/tokens?kind=api")
    page = rhea.open(page.select_one('a[href$="/reach"]')["href"])
    assert "good for items:list only" in page.words
    assert "Production" in page.select_one("tbody").get_text()


def test_what_somebody_who_was_disabled_could_see(browser, world):
    alice = browser("alice")
    alice.open(f"/o/northwind/people/{world.members['mia']}")
    alice.submit("disable")
    page = alice.open(f"/o/northwind/people/{world.members['mia']}/reach")
    assert "They see nothing now" in page.words
    assert "Production" in page.select_one("tbody").get_text()
