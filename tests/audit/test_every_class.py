"""Each class of things that must be recorded, provoked through the real pages, and its thirteen facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest

from services import audit_reading
from services.audit_reading import Line
from services.events import SYSTEM_CHAIN
from tests.browser import AGENT, Browser
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
    alice.submit("grant-form", user_id=str(stage.world.people["mia"]), right="2")
    extra = {"user": str(stage.world.people["mia"]), "right": "reveal"}
    return Expected(
        "grant.given", "alice", "vault", stage.world.vaults["Board"], "Board", address, extra=extra
    )


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
    creating_a_token,
    revoking_a_token,
    replacing_ones_own_token,
    inviting_a_person,
    changing_a_role,
    disabling_a_person,
    giving_a_right,
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
    meeting_what_cannot_be_decrypted,
    changing_a_setting,
    reviewing_the_log,
)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_it_is_recorded_with_its_thirteen_facts(stage, world, runtime, trail, act):
    expected = act(stage)
    seen = trail.events(expected.action)
    assert len(seen) == 1, trail.actions()
    line = line_of(runtime, world, seen[0])
    told = line.details
    who = expected.who
    slug = LAKESIDE if who == "mallory" else NORTHWIND
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
        return audit_reading.find(uow, event["chain"], event["seq"])
