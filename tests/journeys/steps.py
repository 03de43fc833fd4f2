"""What people do again and again, by the names that stand on the pages."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def new_vault(page: Page, name: str) -> None:
    """From any page: make a vault, and be in it."""
    page.get_by_role("link", name="Vaults", exact=True).first.click()
    page.get_by_role("link", name="New vault", exact=True).click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def new_credential(page: Page, name: str, **values: str) -> None:
    """From a vault's page: keep a credential, and be on its page.

    Args:
        values: by the label of the field, with _ for spaces.
    """
    page.get_by_role("link", name="New credential", exact=True).click()
    page.get_by_label("Name", exact=True).fill(name)
    for label, value in values.items():
        page.get_by_label(label.replace("_", " ")).first.fill(value)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def sign_out(page: Page) -> None:
    """From any page: open the account menu and leave."""
    page.get_by_role("button", name="Account menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def field(page: Page, name: str) -> Locator:
    """Return what shows the value of a field, by the field's name in lower case."""
    return page.locator(f'[data-field="{name}"]')


def confirm_if_asked(page: Page, token: str) -> None:
    """Confirm who one is, where the server asks for that before a dangerous step."""
    if page.get_by_role("heading", name="Confirm that it is you").count():
        page.get_by_label("Access token").fill(token)
        page.get_by_role("button", name="Confirm").click()
        expect(page.get_by_role("heading", name="Confirm that it is you")).to_have_count(0)


def choose(page: Page, label: str, beginning: str) -> None:
    """Choose the one option of a list that begins with these words."""
    options = page.get_by_label(label, exact=True).locator("option").all_text_contents()
    found = [words for words in options if words.startswith(beginning)]
    assert len(found) == 1, options
    page.get_by_label(label, exact=True).select_option(label=found[0])
