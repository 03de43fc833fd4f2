"""Taking credentials out: who may, what comes along, what is left out and said, what is recorded first."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from crypto import sealed_file
from errors import Invalid, Unavailable
from policy import Right
from services import export_files, export_rules, export_versions, exports, grants, item_versions, items
from services.contents import Contents, Field, ItemType, Kind
from services.item_versions import Place
from tests.attached import PEM, attach
from tests.exporters.opened import PASSPHRASE, opened
from tests.pages.conftest import MISSING
from tests.world import PASSWORD, SEED, files_of, past_the_program

EXPORT = "/o/northwind/export"


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """Seal at the least cost that a file may have."""
    monkeypatch.setattr(sealed_file, "COST", sealed_file.LEAST)


def export(person, status=200, **given):
    person.open(EXPORT)
    asked = {"format": "chatelaine", "passphrase": PASSPHRASE, "again": PASSPHRASE, "reason": "Moving"}
    return person.submit("export-form", status, **{**asked, **given})


def protect(browser, primary, **marks):
    alice = browser("alice")
    alice.open(primary + "/access")
    alice.submit("protection-form", **marks)


def names_in(page):
    return [one["name"] for one in opened(page.answer.get_data())[1]]


def lines(page):
    return {
        row.th.get_text(strip=True): " ".join(row.get_text(" ", strip=True).split()[1:])
        for row in page.select("tbody tr")
    }


def test_what_one_may_reveal_comes_out_whole(browser, world):
    page = export(browser("mia"), vault=str(world.vaults["Production"]))

    head, items_ = opened(page.answer.get_data())
    assert (head["organization"], head["made_by"], head["credentials"]) == ("Northwind", "Mia", 2)
    [primary] = [one for one in items_ if one["name"] == "prod/db primary"]
    assert {field["name"]: field["value"] for field in primary["fields"]} == {
        "Password": PASSWORD,
        "TOTP": SEED,
        "Notes": "Ask Ops before you change it.",
    }
    assert (primary["vault"], primary["type"], primary["tags"]) == ("Production", "login", ["prod"])
    assert (primary["user_name"], primary["urls"]) == ("vault_rw", ["https://db.northwind.example/login"])


def test_the_answer_is_a_file_that_nobody_keeps(browser):
    answer = export(browser("mia")).answer
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="northwind-')
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert PASSWORD.encode() not in answer.get_data()


def test_the_export_and_each_credential_in_it_are_recorded(browser, trail, world):
    export(browser("mia"), vault=str(world.vaults["Production"]), reason="Quarterly copy")

    made = trail.one("item.exported")
    assert (made["target_type"], made["target"], made["actor"]) == ("vault", "Production", "Mia")
    told = {name: made["extra"][name] for name in ("format", "reason", "exported")}
    assert told == {"format": "chatelaine", "reason": "Quarterly copy", "exported": 2}
    revealed = trail.events("item.revealed")
    assert {event["target"] for event in revealed} == {"prod/db primary", "Stripe dashboard"}
    assert {event["extra"]["export"] for event in revealed} == {made["extra"]["export"]}
    assert revealed[0]["extra"]["fields"] == ["Password", "TOTP seed", "Notes"]
    assert made["seq"] < revealed[0]["seq"]
    assert PASSWORD not in repr(trail.events())


def test_who_answers_for_leavers_sees_what_was_exported(browser, world):
    export(browser("rhea"), reason="A copy for the road")
    alice = browser("alice")
    opened_by_her = alice.open(f"/o/northwind/people/{world.members['rhea']}/opened").words
    assert "prod/db primary" in opened_by_her
    assert "Stripe dashboard" in opened_by_her
    row = alice.open("/o/northwind/audit?action=exports").select_one("tbody tr").get_text(" ", strip=True)
    assert "exported credentials of" in row
    assert "A copy for the road" in row


def test_somebody_without_any_vault_is_told_so(browser):
    noah = browser("noah")
    assert "Nobody has given you access" in noah.open(EXPORT).words
    assert "There is nothing here that you may reveal" in export(noah, 422).words


def test_nothing_is_sent_when_the_events_cannot_be_stored(browser, runtime, monkeypatch):
    mia = browser("mia")
    mia.open(EXPORT)

    def refuse(*_):
        raise Unavailable("the audit log cannot be written")

    monkeypatch.setattr(runtime.committer, "submit", refuse)
    asked = {"passphrase": PASSPHRASE, "again": PASSPHRASE, "reason": "Moving"}
    page = mia.submit("export-form", 503, **asked)
    assert b"CHLSEAL" not in page.answer.get_data()


def test_it_asks_again_who_one_is(browser, clock):
    mia = browser("mia")
    mia.open("/account")
    clock.shift(timedelta(minutes=6))
    assert "confirm" in mia.open(EXPORT).words.lower()
    assert mia.path.startswith("/account/confirm")


def test_an_auditor_exports_nothing(refuses):
    refuses(EXPORT, "audrey", 403)
    refuses(EXPORT, "audrey", 403, posting=True)


def test_what_one_may_only_use_is_left_out_and_said(browser, world, trail):
    ula = browser("ula")
    assert lines(ula.open(EXPORT)) == {"Production": "0 2: you may use, but not reveal"}
    page = export(ula, 422)
    assert "There is nothing here that you may reveal" in page.words
    assert trail.events("item.exported") == []


def test_seeds_come_along_only_for_those_who_may_edit(browser, trail):
    page = export(browser("rhea"))
    head, found = opened(page.answer.get_data())
    assert {field["name"] for one in found for field in one["fields"]} == {"Password", "Notes"}
    assert head["left_out"] == {"seed": 2}
    assert SEED not in repr(found)
    assert trail.one("item.exported")["extra"]["left_out_seed"] == 2


def test_what_waits_for_a_second_person_is_left_out_until_somebody_approves(browser, primary):
    protect(browser, primary, approval_minutes="60")
    mia = browser("mia")
    assert lines(mia.open(EXPORT)) == {"Production": "1 1: a second person has to approve first"}
    assert names_in(export(mia)) == ["Stripe dashboard"]
    assert "Left out: 1 (a second person has to approve first)." in mia.open(EXPORT).words

    mia.open(primary)
    mia.submit("ask-approval", reason="Moving")
    alice = browser("alice")
    alice.open("/o/northwind/requests")
    alice.press("Approve")
    assert lines(mia.open(EXPORT)) == {"Production": "2 Nothing"}
    assert set(names_in(export(mia))) == {"prod/db primary", "Stripe dashboard"}


def test_what_is_marked_to_be_confirmed_comes_along_after_the_confirmation(browser, primary):
    protect(browser, primary, confirm=["y"])
    assert len(names_in(export(browser("mia")))) == 2


def test_a_credential_that_is_shared_alone_comes_along_without_the_name_of_its_vault(browser, world, runtime):
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        item = items.find(uow, world.items["Board portal"])
        grants.grant(uow, item, world.people["rhea"], Right.REVEAL)
    rhea = browser("rhea")
    page = rhea.open(EXPORT)
    assert "Shared with you, without their vaults" in page.words
    found = opened(export(rhea).answer.get_data())[1]
    assert ("", "Board portal") in {(one["vault"], one["name"]) for one in found}
    assert "Board" not in {one["vault"] for one in found}

    alice = browser("alice")
    alice.open(f"/o/northwind/items/{world.items['Board portal']}")
    alice.submit("trash")
    assert "Board portal" not in names_in(export(rhea))


def test_what_is_shared_in_both_ways_comes_along_once(browser, world, runtime):
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        item = items.find(uow, world.items["Stripe dashboard"])
        grants.grant(uow, item, world.people["mia"], Right.MANAGE)
    mia = browser("mia")
    assert lines(mia.open(EXPORT)) == {"Production": "2 Nothing"}
    assert sorted(names_in(export(mia))) == ["Stripe dashboard", "prod/db primary"]


def test_what_lies_in_the_trash_stays_there(browser, world):
    mia = browser("mia")
    mia.open(f"/o/northwind/items/{world.items['Stripe dashboard']}")
    mia.submit("trash")
    assert names_in(export(mia)) == ["prod/db primary"]


def test_what_cannot_be_decrypted_is_left_out_and_recorded(browser, world, database, trail):
    spoil = "UPDATE item_version SET details = zeroblob(120) WHERE item_id = ?"
    past_the_program(database, spoil, world.items["Stripe dashboard"].hex)
    head, found = opened(export(browser("mia")).answer.get_data())
    assert [one["name"] for one in found] == ["prod/db primary"]
    assert head["left_out"] == {"broken": 1}
    assert trail.one("decryption.failed")["extra"]["part"] == "details"


def test_what_a_program_has_deleted_is_left_out(browser, world, database):
    gone = "UPDATE item_version SET deleted_at = 1 WHERE item_id = ?"
    past_the_program(database, gone, world.items["Stripe dashboard"].hex)
    head, found = opened(export(browser("mia")).answer.get_data())
    assert [one["name"] for one in found] == ["prod/db primary"]
    assert head["left_out"] == {"deleted": 1}


def test_a_reference_comes_out_as_the_name_of_its_variable(browser, world, runtime, monkeypatch):
    monkeypatch.setenv("VAULT_REF_MAIL", "never exported")
    reference = Field("key", Kind.REFERENCE, "VAULT_REF_MAIL", custom=True)
    contents = Contents("Mail", ItemType.SECRET, fields=(reference,))
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        item_versions.insert_item(uow, Place(world.vaults["Board"], "Board", None), contents, None, "")
    found = opened(export(browser("alice"), vault=str(world.vaults["Board"])).answer.get_data())[1]
    [mail] = [one for one in found if one["name"] == "Mail"]
    assert mail["fields"] == [{"name": "key", "kind": "reference", "value": "VAULT_REF_MAIL", "custom": True}]


@pytest.fixture
def attached(runtime, world):
    """A file on the credential prod/db primary; return its id."""
    actor = world.actor("alice", {world.vaults["Production"]: Right.MANAGE})
    return attach(runtime, actor, world.items["prod/db primary"])


def test_files_come_along_where_they_are_asked_for(browser, attached, trail):
    mia = browser("mia")
    assert [one["files"] for one in opened(export(mia).answer.get_data())[1]] == [[], []]
    found = {one["name"]: one["files"] for one in opened(export(mia, files="y").answer.get_data())[1]}
    content = base64.b64encode(PEM).decode()
    assert found["prod/db primary"] == [{"name": "server.pem", "type": "text/plain", "content": content}]
    assert "Exported: 2 credentials, 1 file." in mia.open(EXPORT).words

    first, second = trail.events("item.exported")
    assert (first["extra"]["files"], second["extra"]["files"]) == (0, 1)
    event = trail.one("file.downloaded")
    assert (event["target"], event["extra"]["export"]) == ("prod/db primary", second["extra"]["export"])
    assert (event["extra"]["file"], event["extra"]["size"]) == (str(attached), len(PEM))


def edit(person, primary, *passwords):
    for password in passwords:
        person.open(f"{primary}/edit")
        person.submit("item-form", password=password)


def test_earlier_versions_come_along_where_they_are_asked_for(browser, primary, trail):
    mia = browser("mia")
    edit(mia, primary, "second-geheim", "third-geheim")
    assert [one["versions"] for one in opened(export(mia).answer.get_data())[1]] == [[], []]
    found = {one["name"]: one["versions"] for one in opened(export(mia, versions="y").answer.get_data())[1]}
    held = [one["fields"][0]["value"] for one in found["prod/db primary"]]
    assert held == ["second-geheim", PASSWORD]
    assert found["Stripe dashboard"] == []
    assert "Exported: 2 credentials, 2 earlier versions." in mia.open(EXPORT).words

    second = trail.events("item.exported")[1]["extra"]
    assert second["versions"] == 2
    revealed = [event["extra"] for event in trail.events("item.revealed")]
    mine = [each["version"] for each in revealed if each["export"] == second["export"]]
    assert sorted(mine) == [1, 1, 2, 3]


def test_an_earlier_version_keeps_its_seed_from_those_who_may_not_edit(browser, primary):
    edit(browser("mia"), primary, "second-geheim")
    assert SEED not in repr(opened(export(browser("rhea"), versions="y").answer.get_data()))


def test_versions_that_are_gone_or_do_not_open_are_left_out(browser, primary, world, database):
    mia = browser("mia")
    edit(mia, primary, "second-geheim", "third-geheim", "fourth-geheim")
    item_id = world.items["prod/db primary"].hex
    for number, spoil in ((1, "details = zeroblob(120)"), (2, "deleted_at = 1")):
        past_the_program(
            database, f"UPDATE item_version SET {spoil} WHERE item_id = ? AND number = {number}", item_id
        )
    head, found = opened(export(mia, versions="y").answer.get_data())
    [held] = [one["versions"] for one in found if one["name"] == "prod/db primary"]
    assert [one["fields"][0]["value"] for one in held] == ["third-geheim"]
    assert head["left_out"] == {"version": 1}


def test_earlier_versions_are_refused_where_they_have_no_place(browser, primary, monkeypatch, trail):
    mia = browser("mia")
    edit(mia, primary, "second-geheim")
    page = export(mia, 422, versions="y", format="csv", passphrase="", again="")
    assert "This format holds no earlier versions" in page.select_one("#versions-error").get_text()
    monkeypatch.setattr(export_versions, "VERSIONS_MAX", 0)
    page = export(mia, 422, versions="y")
    assert "one by one, or leave the versions out" in page.select_one("#versions-error").get_text()
    assert trail.events("item.exported") == []


def test_files_are_refused_where_they_have_no_place(browser, attached, monkeypatch, trail):
    mia = browser("mia")
    page = export(mia, 422, files="y", format="csv", passphrase="", again="")
    assert "This format holds no files" in page.select_one("#files-error").get_text()
    monkeypatch.setattr(export_files, "BYTES_MAX", len(PEM) - 1)
    page = export(mia, 422, files="y")
    assert "one by one, or leave the files out" in page.select_one("#files-error").get_text()
    assert trail.events("item.exported") == []


def test_a_file_that_does_not_open_is_left_out_and_said(browser, database, attached, trail):
    [stored] = [path for path in files_of(database).rglob("*") if path.is_file()]
    stored.unlink()
    head, found = opened(export(browser("mia"), files="y").answer.get_data())
    assert head["left_out"] == {"file": 1}
    assert [one["files"] for one in found] == [[], []]
    assert trail.events("file.downloaded") == []


CLEAR = {"bitwarden-json": "application/json", "csv": "text/csv", "csv-guarded": "text/csv"}


def test_the_formats_of_others_are_sent_without_a_passphrase(browser, trail):
    mia = browser("mia")
    for key, media_type in CLEAR.items():
        answer = export(mia, format=key, passphrase="", again="").answer
        assert answer.headers["Content-Type"].startswith(media_type)
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.get_data().count(PASSWORD.encode()) == 2
    assert [event["extra"]["format"] for event in trail.events("item.exported")] == list(CLEAR)
    assert len(trail.events("item.revealed")) == 6


def test_nobody_is_left_to_believe_that_a_passphrase_protects_what_is_in_the_clear(browser, trail):
    mia = browser("mia")
    for given in ({}, {"again": ""}, {"passphrase": ""}):
        page = export(mia, 422, format="csv", **given)
        assert "This format is not encrypted" in page.select_one("#passphrase-error").get_text()
    assert trail.events("item.exported") == []


def test_an_organization_can_allow_encrypted_formats_only(browser, trail):
    mia, alice = browser("mia"), browser("alice")
    before = mia.open(EXPORT)
    assert len(before.select("#format option")) == 5
    assert "Allowed" in alice.open("/o/northwind/settings").words
    assert "Exports are encrypted from now on." in alice.submit("clear-exports").words

    mia.page = before
    page = mia.submit("export-form", 422, format="csv", reason="Moving")
    assert "Choose one from the list." in page.select_one("#format-error").get_text()
    assert [option["value"] for option in page.select("#format option")] == ["chatelaine", "keepass"]
    assert "switched off in the settings of Northwind" in page.words
    assert trail.events("item.exported") == []
    assert len(names_in(export(mia))) == 2

    alice.open("/o/northwind/settings")
    alice.submit("clear-exports")
    changed = [(event["target"], event["extra"]["value"]) for event in trail.events("setting.changed")]
    assert changed == [
        ("Exports that are not encrypted", "not allowed"),
        ("Exports that are not encrypted", "allowed"),
    ]
    assert export(mia, format="csv", passphrase="", again="").answer.mimetype == "text/csv"


def test_a_service_lets_nothing_through_that_the_page_does_not_offer(runtime, world, trail):
    actor = world.actor("mia", {world.vaults["Production"]: Right.EDIT})
    with runtime.work(writing=True, actor=actor) as uow:
        export_rules.allow_clear(uow, allowed=False)
        export_rules.allow_clear(uow, allowed=False)
        assert export_rules.find_format(uow, "keepass").sealed
        with pytest.raises(Invalid):
            export_rules.find_format(uow, "csv")
        for vault_id in (world.vaults["Board"], world.vaults["Harbor"], MISSING):
            with pytest.raises(Invalid):
                exports.gather(uow, vault_id)
    trail.one("setting.changed")


@pytest.mark.parametrize("which", ["Harbor", "Board", "missing"])
def test_only_a_vault_that_one_sees_can_be_chosen(browser, world, which, trail):
    vault_id = world.vaults.get(which, MISSING)
    page = export(browser("mia"), 422, vault=str(vault_id))
    assert "Choose one from the list." in page.words
    assert "Harbor" not in page.words
    assert "Board" not in page.words
    assert trail.events("item.exported") == []


WRONG = (
    ({"passphrase": "", "again": ""}, "passphrase", "Use 15 to 256 characters"),
    ({"passphrase": "x" * 14, "again": "x" * 14}, "passphrase", "Use 15 to 256 characters"),
    ({"passphrase": "x" * 257, "again": "x" * 257}, "passphrase", "Use 15 to 256 characters"),
    ({"passphrase": "a" * 20, "again": "a" * 20}, "passphrase", "That is easy to guess"),
    ({"again": PASSPHRASE + "x"}, "again", "This differs from the passphrase above"),
    ({"reason": " "}, "reason", "Say why"),
    ({"reason": "x" * 201}, "reason", "Use at most 200 characters"),
    ({"format": "zip"}, "format", "Choose one from the list."),
)


def test_what_is_wrong_is_said_beside_its_field(browser, trail):
    mia = browser("mia")
    for given, field, words in WRONG:
        page = export(mia, 422, **given)
        assert words in page.select_one(f"#{field}-error").get_text()
    assert trail.events("item.exported") == []


def test_three_files_an_hour_are_enough_and_mistakes_do_not_count(browser, trail):
    mia = browser("mia")
    for _ in range(4):
        export(mia, 422, again="something else")
    for _ in range(3):
        export(mia)
    page = export(mia, 429)
    assert int(page.answer.headers["Retry-After"]) > 600
    assert len(trail.events("item.exported")) == 3
    assert trail.one("request.throttled")["extra"] == {"limit": "3 per 1 hour"}


def test_the_page_of_a_vault_leads_to_its_export(browser, production, world):
    page = browser("rhea").open(production)
    link = page.select_one('a[href*="/export"]')
    assert link["href"] == f"{EXPORT}?vault={world.vaults['Production']}"
    page = browser("rhea").open(link["href"])
    assert page.select_one("option[selected]").get_text() == "Production"
    assert browser("ula").open(production).select_one('a[href*="/export"]') is None
