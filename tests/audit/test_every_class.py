"""Each class of things that must be recorded, provoked through the real pages, and its thirteen facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pyotp
import pytest

from policy import Scope
from services import api_tokens, audit_reading, tokens
from services.audit_reading import Line
from services.database import EVERY_ORGANIZATION, see_organization
from services.events import SYSTEM_CHAIN
from tests.browser import AGENT, Browser
from tests.pages import passkeys
from tests.world import LAKESIDE, NORTHWIND

ADDRESS = "192.0.2.77"
EARLIEST = datetime.now(UTC) - timedelta(days=1)
ANY: Any = object()
"""A fact whose value is made up while the thing happens."""


@dataclass
class Expected:
    """What the event must say; the rest of the thirteen facts is the same for all."""

    action: str
    who: str
    target_type: str
    target_id: Any
    target: Any
    path: str
    method: str = "POST"
    success: bool = True
    extra: dict[str, Any] = field(default_factory=dict)
    slug: str = ""
    """The organization whose log is meant, where it is not that of whoever acts."""


class Stage:
    """The fixed world, with people at their browsers."""

    def __init__(self, browser: Callable[..., Browser], world: Any, runtime: Any) -> None:
        self.world = world
        self.runtime = runtime
        self._browser = browser

    def of(self, name: str | None = None) -> Browser:
        """Open somebody's browser."""
        return self._browser(name, address=ADDRESS)

    def with_app(self, name: str) -> list[str]:
        """Give somebody an authenticator app; return their recovery codes."""
        browser = self.of(name)
        browser.open("/account/factor")
        page = browser.submit("set-up")
        app = pyotp.TOTP(page.select_one("#seed").get_text().replace(" ", ""))
        page = browser.submit("confirm-app", code=app.now())
        return [line.get_text() for line in page.select(".codes li")]

    def with_passkey(self, name: str) -> Browser:
        """Give somebody a passkey; return their browser, with the ``device`` that keeps it."""
        browser = self.of(name)
        browser.device = passkeys.add(browser)
        return browser

    def allowing_passkeys(self, name: str) -> Browser:
        """Let a passkey be the whole sign-in; return somebody at the door, with theirs."""
        alice = self.of("alice")
        alice.open("/o/northwind/settings")
        alice.submit("passkey-sign-in")
        device = self.with_passkey(name).device
        browser = self.of()
        browser.open("/sign-in")
        browser.device = device
        return browser

    def item(self, name: str = "Stripe dashboard") -> str:
        """Return the address of a credential."""
        return f"/o/northwind/items/{self.world.items[name]}"


@pytest.fixture
def runtime(app):
    """The application's own parts: pages are what acts here."""
    return app.extensions["chatelaine"]


@pytest.fixture
def stage(browser, world, runtime):
    return Stage(browser, world, runtime)


def signing_in(stage):
    stage.of("mia")
    return Expected("session.started", "mia", "session", ANY, "", "/sign-in")


def signing_out(stage):
    mia = stage.of("mia")
    mia.submit("sign-out")
    return Expected("session.ended", "mia", "session", ANY, "", "/sign-out")


def failing_to_sign_in(stage):
    stranger = stage.of()
    stranger.open("/sign-in")
    wrong = stage.world.tokens["mia"][:-8] + "A" * 8
    stranger.submit("sign-in", 422, token=wrong)
    extra = {"reason": "unknown"}
    return Expected("signin.failed", "", "token", ANY, ANY, "/sign-in", success=False, extra=extra)


def being_locked_out(stage):
    stranger = stage.of()
    wrong = stage.world.tokens["mia"]
    wrong = f"{wrong[:23]}{'A' * 43}{wrong[66:]}"
    for _ in range(6):
        stranger.open("/sign-in")
        stranger.submit("sign-in", 422, token=wrong)
    extra = {"reason": "locked"}
    return Expected("signin.locked", "", "token", ANY, ANY, "/sign-in", success=False, extra=extra)


def setting_up_a_second_factor(stage):
    stage.with_app("mia")
    return Expected(
        "factor.added", "mia", "person", stage.world.people["mia"], "Mia", "/account/factor/confirm"
    )


def making_recovery_codes(stage):
    stage.with_app("mia")
    path = "/account/factor/confirm"
    extra = {"codes": 10}
    return Expected("recovery.made", "mia", "person", stage.world.people["mia"], "Mia", path, extra=extra)


def giving_a_good_code(stage):
    codes = stage.with_app("mia")
    stage.of("mia").submit("second-factor", code=codes[0])
    return Expected("factor.passed", "mia", "person", stage.world.people["mia"], "Mia", "/sign-in/code")


def giving_a_wrong_code(stage):
    stage.with_app("mia")
    stage.of("mia").submit("second-factor", 422, code="000000x")
    extra = {"reason": "wrong"}
    who = stage.world.people["mia"]
    return Expected("factor.failed", "mia", "person", who, "Mia", "/sign-in/code", success=False, extra=extra)


def using_a_recovery_code(stage):
    codes = stage.with_app("mia")
    stage.of("mia").submit("second-factor", code=codes[3])
    extra = {"left": 9}
    return Expected(
        "recovery.used", "mia", "person", stage.world.people["mia"], "Mia", "/sign-in/code", extra=extra
    )


def removing_a_second_factor(stage):
    stage.with_app("mia")
    adam = stage.of("adam")
    page = f"/o/northwind/people/{stage.world.members['mia']}"
    adam.open(page)
    adam.submit("remove-factor")
    mail = "mia@northwind.example"
    return Expected(
        "factor.removed", "adam", "person", stage.world.people["mia"], mail, f"{page}/factor/remove"
    )


def adding_a_passkey(stage):
    stage.with_passkey("mia")
    path, extra = "/account/factor/passkeys/new", {"kind": "passkey", "name": "Telephone"}
    return Expected("factor.added", "mia", "person", stage.world.people["mia"], "Mia", path, extra=extra)


def using_a_passkey(stage):
    device = stage.with_passkey("mia").device
    passkeys.use(stage.of("mia"), device)
    path, extra = "/sign-in/code/passkey", {"kind": "passkey", "name": "Telephone"}
    return Expected("factor.passed", "mia", "person", stage.world.people["mia"], "Mia", path, extra=extra)


def using_a_passkey_whose_counter_went_back(stage):
    device = stage.with_passkey("mia").device
    passkeys.use(stage.of("mia"), device)
    passkeys.use(stage.of("mia"), device, 422, counter=1)
    extra = {"kind": "passkey", "name": "Telephone", "reason": "the counter went back"}
    who, path = stage.world.people["mia"], "/sign-in/code/passkey"
    return Expected("factor.failed", "mia", "person", who, "Mia", path, success=False, extra=extra)


def renaming_a_passkey(stage):
    mia = stage.with_passkey("mia")
    path = mia.open("/account/factor").select_one(".keys a")["href"]
    mia.open(path)
    mia.submit("rename", name="Old telephone")
    who, extra = stage.world.people["mia"], {"name": "Old telephone", "was": "Telephone"}
    return Expected("factor.changed", "mia", "person", who, "Mia", path, extra=extra)


def removing_a_passkey(stage):
    mia = stage.with_passkey("mia")
    path = mia.open("/account/factor").select_one(".keys a")["href"]
    mia.open(path)
    mia.submit("remove-passkey")
    who, extra = stage.world.people["mia"], {"kind": "passkey", "name": "Telephone"}
    return Expected("factor.removed", "mia", "person", who, "Mia", f"{path}/remove", extra=extra)


def failing_to_sign_in_with_a_passkey(stage):
    door = stage.allowing_passkeys("mia")
    passkeys.use(door, door.device, 422, origin="https://evil.example")
    extra = {"kind": "passkey", "reason": "made for another site"}
    path = "/sign-in/passkey"
    return Expected("signin.failed", "", "passkey", ANY, "Telephone", path, success=False, extra=extra)


def allowing_passkeys_alone(stage):
    stage.allowing_passkeys("mia")
    name, path = "Sign-in with a passkey alone", "/o/northwind/settings/passkey-sign-in"
    return Expected("setting.changed", "alice", "setting", None, name, path, extra={"value": "allowed"})


def creating_a_token(stage):
    mia = stage.of("mia")
    mia.open("/o/northwind/tokens/new")
    mia.submit("issue", name="Deploy", scopes=["items:list"])
    return Expected(
        "token.created", "mia", "token", ANY, ANY, "/o/northwind/tokens/new", extra={"kind": "api"}
    )


def revoking_a_token(stage):
    mia = creating_a_token(stage) and stage.of("mia")
    page = mia.open("/o/northwind/tokens?kind=api")
    form = page.select_one('form[id^="revoke-"]')
    mia.submit(form["id"])
    return Expected("token.revoked", "mia", "token", ANY, ANY, form["action"])


def making_a_service_account(stage):
    adam = stage.of("adam")
    adam.open("/o/northwind/people/new-service")
    adam.submit("service-form", name="Deployment", role="member")
    path, mail = "/o/northwind/people/new-service", "deployment@northwind.service.internal"
    return Expected("service.created", "adam", "person", ANY, mail, path, extra={"role": "member"})


def presenting_a_dead_token(stage):
    with stage.runtime.work(writing=True, actor=stage.world.actor("mia")) as uow:
        minted = api_tokens.issue(uow, "nightly job", [Scope.ITEMS_LIST], timedelta(days=1))
        tokens.revoke(uow, tokens.find(uow, minted.id))
    stage.of().client.get(
        "/api/v1/items",
        headers={"Authorization": f"Bearer {minted.text}", "User-Agent": AGENT},
        environ_base={"REMOTE_ADDR": ADDRESS},
    )
    extra = {"reason": "revoked"}
    return Expected(
        "token.misused",
        "",
        "token",
        minted.id,
        ANY,
        "/api/v1/items",
        method="GET",
        success=False,
        extra=extra,
    )


def replacing_ones_own_token(stage):
    mia = stage.of("mia")
    mia.open("/account/token")
    mia.submit("replace-token")
    return Expected("token.replaced", "mia", "token", stage.world.token_ids["mia"], ANY, "/account/token")


def inviting_a_person(stage):
    alice = stage.of("alice")
    alice.open("/o/northwind/people/invite")
    alice.submit("invite", email="new@northwind.example", role="member")
    return Expected(
        "person.invited",
        "alice",
        "invitation",
        ANY,
        "new@northwind.example",
        "/o/northwind/people/invite",
        extra={"role": "member"},
    )


def changing_a_role(stage):
    alice = stage.of("alice")
    address = f"/o/northwind/people/{stage.world.members['mia']}"
    alice.open(address)
    alice.submit("role", role="admin")
    return Expected(
        "person.changed",
        "alice",
        "person",
        stage.world.people["mia"],
        "mia@northwind.example",
        f"{address}/role",
    )


def disabling_a_person(stage):
    alice = stage.of("alice")
    address = f"/o/northwind/people/{stage.world.members['mia']}"
    alice.open(address)
    alice.submit("disable")
    return Expected(
        "person.disabled",
        "alice",
        "person",
        stage.world.people["mia"],
        "mia@northwind.example",
        f"{address}/disable",
    )


def giving_a_right(stage):
    alice = stage.of("alice")
    address = f"/o/northwind/vaults/{stage.world.vaults['Board']}/access"
    alice.open(address)
    alice.submit("grant-form", holder_id=str(stage.world.people["mia"]), right="2")
    extra = {"user": str(stage.world.people["mia"]), "right": "reveal"}
    return Expected(
        "grant.given", "alice", "vault", stage.world.vaults["Board"], "Board", address, extra=extra
    )


def making_a_group(stage):
    adam = stage.of("adam")
    adam.open("/o/northwind/groups/new")
    adam.submit("group-form", name="Ops")
    return Expected("group.created", "adam", "group", ANY, "Ops", "/o/northwind/groups/new")


def putting_somebody_into_a_group(stage):
    making_a_group(stage)
    adam = stage.of("adam")
    address = adam.open("/o/northwind/groups").select_one("tbody a")["href"]
    adam.open(address)
    adam.submit("join-form", user_id=str(stage.world.people["mia"]))
    extra = {"user": str(stage.world.people["mia"]), "email": "mia@northwind.example"}
    return Expected("group.joined", "adam", "group", ANY, "Ops", f"{address}/add", extra=extra)


def protecting_a_credential(stage):
    alice = stage.of("alice")
    alice.open(f"{stage.item()}/access")
    alice.submit("protection-form", approval_minutes="60")
    item = stage.world.items["Stripe dashboard"]
    extra = {"confirm": False, "approval_minutes": 60}
    path = f"{stage.item()}/access/protection"
    return Expected("item.protected", "alice", "item", item, "Stripe dashboard", path, extra=extra)


def asking_for_approval(stage):
    protecting_a_credential(stage)
    rhea = stage.of("rhea")
    rhea.open(stage.item())
    rhea.submit("ask-approval", reason="Urgent")
    item = stage.world.items["Stripe dashboard"]
    path = f"{stage.item()}/approval"
    extra = {"reason": "Urgent"}
    return Expected("reveal.requested", "rhea", "item", item, "Stripe dashboard", path, extra=extra)


def approving_a_reveal(stage):
    asking_for_approval(stage)
    adam = stage.of("adam")
    page = adam.open("/o/northwind/requests")
    path = page.select_one('form[id^="approve-"]')["action"]
    adam.press("Approve")
    item = stage.world.items["Stripe dashboard"]
    extra = {"user": str(stage.world.people["rhea"]), "minutes": 60}
    return Expected("reveal.approved", "adam", "item", item, "Stripe dashboard", path, extra=extra)


def asking_for_access(stage):
    ula = stage.of("ula")
    vault = stage.world.vaults["Production"]
    path = f"/o/northwind/vaults/{vault}/ask"
    ula.open(path)
    ula.submit("ask-form", reason="On call")
    extra = {"right": "reveal", "reason": "On call"}
    return Expected("grant.requested", "ula", "vault", vault, "Production", path, extra=extra)


def declining_a_request(stage):
    asking_for_access(stage)
    adam = stage.of("adam")
    page = adam.open("/o/northwind/requests")
    path = page.select_one('form[id^="decline-"]')["action"]
    adam.press("Decline")
    vault = stage.world.vaults["Production"]
    extra = {"user": str(stage.world.people["ula"])}
    return Expected("grant.declined", "adam", "vault", vault, "Production", path, extra=extra)


def taking_a_right_away(stage):
    alice = stage.of("alice")
    address = f"/o/northwind/vaults/{stage.world.vaults['Production']}/access"
    page = alice.open(address)
    person = str(stage.world.people["mia"])
    form = next(
        form for form in page.select('form[id^="take-"]') if form.select_one(f'input[value="{person}"]')
    )
    alice.submit(form["id"])
    vault = stage.world.vaults["Production"]
    return Expected("grant.taken", "alice", "vault", vault, "Production", f"{address}/take")


def making_a_vault(stage):
    mia = stage.of("mia")
    mia.open("/o/northwind/vaults/new")
    mia.submit("vault-form", name="New one")
    return Expected("vault.created", "mia", "vault", ANY, "New one", "/o/northwind/vaults/new")


def changing_a_vault(stage):
    alice = stage.of("alice")
    address = f"/o/northwind/vaults/{stage.world.vaults['Board']}/edit"
    alice.open(address)
    alice.submit("vault-form", name="Boardroom")
    vault = stage.world.vaults["Board"]
    return Expected(
        "vault.changed", "alice", "vault", vault, "Boardroom", address, extra={"fields": ["name"]}
    )


def changing_a_credential(stage):
    mia = stage.of("mia")
    mia.open(f"{stage.item()}/edit")
    mia.submit("item-form", user_name="somebody else")
    return Expected(
        "item.changed",
        "mia",
        "item",
        stage.world.items["Stripe dashboard"],
        "Stripe dashboard",
        f"{stage.item()}/edit",
        extra={"fields": ["User name"], "version": 2},
    )


def trashing_a_credential(stage):
    mia = stage.of("mia")
    mia.open(stage.item())
    mia.submit("trash")
    return Expected(
        "item.trashed",
        "mia",
        "item",
        stage.world.items["Stripe dashboard"],
        "Stripe dashboard",
        f"{stage.item()}/trash",
    )


def revealing(stage):
    rhea = stage.of("rhea")
    rhea.open(stage.item())
    rhea.submit("reveal-password")
    return Expected(
        "item.revealed",
        "rhea",
        "item",
        stage.world.items["Stripe dashboard"],
        "Stripe dashboard",
        f"{stage.item()}/reveal",
        extra={"field": "Password", "version": 1},
    )


def copying(stage):
    rhea = stage.of("rhea")
    rhea.open(stage.item())
    rhea.json("copy-password")
    return Expected(
        "item.copied",
        "rhea",
        "item",
        stage.world.items["Stripe dashboard"],
        "Stripe dashboard",
        f"{stage.item()}/copy",
        extra={"field": "Password", "version": 1},
    )


def exporting_the_log(stage):
    audrey = stage.of("audrey")
    audrey.open("/o/northwind/audit/export")
    audrey.submit("export", format="csv")
    chain = stage.world.organizations[NORTHWIND]
    return Expected(
        "audit.exported",
        "audrey",
        "chain",
        chain,
        "",
        "/o/northwind/audit/export",
        extra={"format": "csv"},
    )


def exporting_the_tokens(stage):
    audrey = stage.of("audrey")
    audrey.open("/o/northwind/tokens")
    audrey.submit("export")
    return Expected("token.exported", "audrey", ANY, ANY, ANY, "/o/northwind/tokens/export")


def being_denied(stage):
    ula = stage.of("ula")
    ula.open(f"{stage.item()}/edit", 403)
    return Expected(
        "access.denied",
        "ula",
        "item",
        stage.world.items["Stripe dashboard"],
        ANY,
        f"{stage.item()}/edit",
        method="GET",
        success=False,
        extra={"permission": "item:edit"},
    )


def reaching_into_another_organization(stage):
    """What was tried stands in the log of the organization that the person belongs to."""
    mallory = stage.of("mallory")
    mallory.open(stage.item(), 404)
    return Expected(
        "access.denied",
        "mallory",
        "item",
        stage.world.items["Stripe dashboard"],
        ANY,
        stage.item(),
        method="GET",
        success=False,
        extra={"organization": NORTHWIND},
    )


def telling_the_operator_of_it(stage):
    """That the thing exists elsewhere stands in the system's log alone."""
    mallory = stage.of("mallory")
    mallory.open(stage.item(), 404)
    return Expected(
        "access.crossed",
        "mallory",
        "item",
        stage.world.items["Stripe dashboard"],
        ANY,
        stage.item(),
        method="GET",
        success=False,
        extra={"reached": str(stage.world.organizations[NORTHWIND])},
    )


def meeting_what_cannot_be_decrypted(stage):
    with stage.runtime.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE item_version SET details = zeroblob(120) WHERE item_id = ?",
            (stage.world.items["Stripe dashboard"].hex,),
        )
    rhea = stage.of("rhea")
    rhea.open(stage.item())
    rhea.submit("reveal-password", 409)
    return Expected(
        "decryption.failed",
        "rhea",
        "item",
        stage.world.items["Stripe dashboard"],
        ANY,
        f"{stage.item()}/reveal",
        success=False,
        extra={"part": "details", "version": 1},
    )


def changing_a_setting(stage):
    alice = stage.of("alice")
    alice.open("/o/northwind/")
    alice.submit("key-proof", key_id=stage.runtime.masters.primary_id)
    return Expected(
        "setting.changed",
        "alice",
        "setting",
        None,
        "Copy of the master key",
        "/o/northwind/key-proof",
        extra={"key": stage.runtime.masters.primary_id},
    )


def reviewing_the_log(stage):
    audrey = stage.of("audrey")
    audrey.open("/o/northwind/audit")
    audrey.submit("review")
    chain = stage.world.organizations[NORTHWIND]
    return Expected("audit.reviewed", "audrey", "chain", chain, "", "/o/northwind/audit/review")


def previewing(stage):
    mia = stage.of("mia")
    vault = stage.world.vaults["Production"]
    mia.open(f"/o/northwind/vaults/{vault}/import")
    mia.submit("import-form", file=(BytesIO(b"name,password\nMoved in,geheim\n"), "moved.csv"))
    return mia, vault


def previewing_an_import(stage):
    vault = previewing(stage)[1]
    path = f"/o/northwind/vaults/{vault}/import"
    extra = {"format": "csv", "new": 1, "duplicate": 0, "refused": 0}
    return Expected("import.previewed", "mia", "vault", vault, "Production", path, extra=extra)


def importing(stage):
    mia, vault = previewing(stage)
    path = f"{mia.path}/apply"
    mia.submit("apply")
    extra = {"format": "csv", "file": "moved.csv", "new": 1, "duplicate": 0, "refused": 0}
    return Expected("import.started", "mia", "vault", vault, "Production", path, extra=extra)


def undoing_an_import(stage):
    mia, vault = previewing(stage)
    path = f"{mia.path}/undo"
    mia.submit("apply")
    mia.submit("undo")
    return Expected("import.undone", "mia", "vault", vault, "Production", path, extra={"made": 1})


def ticking_off(stage):
    rhea, adam = stage.of("rhea"), stage.of("adam")
    rhea.open(stage.item())
    rhea.submit("reveal-password")
    page = f"/o/northwind/people/{stage.world.members['rhea']}/opened"
    adam.open(page)
    adam.submit("tick-1", note="Told the bank")
    return Expected(
        "leaver.ticked",
        "adam",
        "item",
        stage.world.items["Stripe dashboard"],
        "Stripe dashboard",
        f"{page}/tick",
        extra={"about": "rhea@northwind.example", "reason": "changed"},
    )


def taking_a_tick_back(stage):
    ticked = ticking_off(stage)
    adam = stage.of("adam")
    adam.open(ticked.path.removesuffix("/tick"))
    adam.submit("untick-1")
    return Expected(
        "leaver.unticked",
        "adam",
        "item",
        ticked.target_id,
        "Stripe dashboard",
        ticked.path.removesuffix("tick") + "untick",
        extra={"about": "rhea@northwind.example"},
    )


def naming_who_is_responsible(stage):
    mia = stage.of("mia")
    mia.open(f"{stage.item()}/responsible")
    mia.submit("responsible", user_id=str(stage.world.people["rhea"]))
    return Expected(
        "responsible.changed",
        "mia",
        "item",
        stage.world.items["Stripe dashboard"],
        "Stripe dashboard",
        f"{stage.item()}/responsible",
        extra={"from": "Alice", "to": "Rhea"},
    )


def letting_somebody_start_anew(stage):
    path = resetting_everybody(stage).path
    sam = stage.world.people["sam"]
    extra = {"factor": False, "sessions": 0, "tokens": 1}
    return Expected("person.reset", "mallory", "person", sam, "sam@lakeside.example", path, extra=extra)


def resetting_everybody(stage):
    mallory = stage.of("mallory")
    path = "/o/lakeside/people/reset-factors"
    mallory.open(path)
    mallory.submit("reset-all", name="Lakeside")
    lakeside = stage.world.organizations[LAKESIDE]
    extra = {"people": 1, "left": 0}
    return Expected("factor.reset_all", "mallory", "organization", lakeside, "Lakeside", path, extra=extra)


def changing_ones_name(stage):
    mia = stage.of("mia")
    mia.open("/account/profile")
    mia.submit("profile", name="Mia Müller")
    extra = {"fields": ["name"], "to": "Mia Müller"}
    who = stage.world.people["mia"]
    mail = "mia@northwind.example"
    return Expected("person.changed", "mia", "person", who, mail, "/account/profile", extra=extra)


def instance_address(stage):
    return f"/instance/organizations/{stage.world.organizations[LAKESIDE]}"


def by_the_operator(stage, action, form, **values):
    """Let the operator do something to Lakeside; it stands in Lakeside's own log, and in the system's."""
    alice = stage.of("alice")
    address = instance_address(stage)
    page = alice.open(address)
    path = page.select_one(f"form#{form}")["action"]
    alice.submit(form, **values)
    lakeside = stage.world.organizations[LAKESIDE]
    return Expected(action, "alice", "organization", lakeside, ANY, path, slug=LAKESIDE)


def joining_an_organization(stage):
    mallory = stage.of("mallory")
    mallory.open("/o/lakeside/people/invite")
    page = mallory.submit("invite", email="rhea@northwind.example", role="member")
    rhea = stage.of("rhea")
    rhea.open(page.select_one("input[readonly]")["value"].removeprefix("http://127.0.0.1:8000"))
    rhea.submit("join")
    mail, extra = "rhea@northwind.example", {"role": "member"}
    who = stage.world.people["rhea"]
    return Expected("person.joined", "rhea", "person", who, mail, "/enrol/…", extra=extra, slug=LAKESIDE)


def renaming_an_organization(stage):
    expected = by_the_operator(stage, "organization.changed", "rename", name="Lake District")
    expected.extra = {"fields": ["name"], "was": "Lakeside"}
    return expected


def suspending_an_organization(stage):
    return by_the_operator(stage, "organization.suspended", "suspend")


def resuming_an_organization(stage):
    by_the_operator(stage, "organization.suspended", "suspend")
    return by_the_operator(stage, "organization.resumed", "resume")


def setting_a_deletion(stage):
    return by_the_operator(stage, "deletion.set", "deletion", name="Lakeside")


def undoing_a_deletion(stage):
    by_the_operator(stage, "deletion.set", "deletion", name="Lakeside")
    return by_the_operator(stage, "deletion.undone", "keep")


ACTS = (
    signing_in,
    signing_out,
    failing_to_sign_in,
    being_locked_out,
    setting_up_a_second_factor,
    making_recovery_codes,
    giving_a_good_code,
    giving_a_wrong_code,
    using_a_recovery_code,
    removing_a_second_factor,
    adding_a_passkey,
    using_a_passkey,
    using_a_passkey_whose_counter_went_back,
    renaming_a_passkey,
    removing_a_passkey,
    failing_to_sign_in_with_a_passkey,
    allowing_passkeys_alone,
    creating_a_token,
    revoking_a_token,
    making_a_service_account,
    presenting_a_dead_token,
    replacing_ones_own_token,
    inviting_a_person,
    changing_a_role,
    disabling_a_person,
    giving_a_right,
    making_a_group,
    putting_somebody_into_a_group,
    protecting_a_credential,
    asking_for_approval,
    approving_a_reveal,
    asking_for_access,
    declining_a_request,
    taking_a_right_away,
    making_a_vault,
    changing_a_vault,
    changing_a_credential,
    trashing_a_credential,
    revealing,
    copying,
    exporting_the_log,
    exporting_the_tokens,
    being_denied,
    reaching_into_another_organization,
    telling_the_operator_of_it,
    meeting_what_cannot_be_decrypted,
    changing_a_setting,
    reviewing_the_log,
    previewing_an_import,
    importing,
    undoing_an_import,
    ticking_off,
    taking_a_tick_back,
    naming_who_is_responsible,
    letting_somebody_start_anew,
    resetting_everybody,
    changing_ones_name,
    joining_an_organization,
    renaming_an_organization,
    suspending_an_organization,
    resuming_an_organization,
    setting_a_deletion,
    undoing_a_deletion,
)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_it_is_recorded_with_its_thirteen_facts(stage, world, runtime, trail, act):
    expected = act(stage)
    seen = [
        event
        for event in trail.events(expected.action)
        if not expected.slug or event["chain"] == world.organizations[expected.slug]
    ]
    assert len(seen) == 1, trail.actions()
    line = line_of(runtime, world, seen[0])
    told = line.details
    who = expected.who
    slug = expected.slug or (LAKESIDE if who == "mallory" else NORTHWIND)
    organization = None if line_is_system(seen[0]) else str(world.organizations[slug])
    assert line.actor_id == (world.people[who] if who else SYSTEM_CHAIN)
    assert line.who == (who.title() if who else "Somebody")
    assert line.action == expected.action
    assert told.organization == organization
    assert (told.address, told.agent) == (ADDRESS, AGENT)
    assert (told.method, told.path) == (expected.method, expected.path)
    assert EARLIEST < line.at < EARLIEST + timedelta(days=2)
    assert line.success is expected.success
    assert expected.extra.items() <= dict(told.extra).items()
    for found, wanted in (
        (line.target_type, expected.target_type),
        (line.target_id, expected.target_id),
        (line.target, expected.target),
    ):
        assert wanted is ANY or found == wanted


def line_is_system(event):
    return event["chain"] == SYSTEM_CHAIN


def line_of(runtime, world, event) -> Line:
    """Read the event as the page does."""
    with runtime.work(writing=False, actor=world.actor("audrey")) as uow:
        see_organization(uow.session, EVERY_ORGANIZATION)
        return audit_reading.find(uow, event["chain"], event["seq"])
