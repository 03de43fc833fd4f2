"""The generator: beside a password field, and on a page of its own."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys import looks, steps

pytestmark = pytest.mark.browser


@pytest.fixture
def form(visit, world):
    """Mia, about to keep a new credential."""
    return visit("mia").open(f"/o/northwind/vaults/{world.vaults['Production']}/items/new")


def test_a_generated_password_goes_into_the_field_and_the_vault(form):
    form.get_by_label("Name", exact=True).fill("generated")
    form.get_by_role("link", name="Generate").first.click()
    panel = form.get_by_role("dialog", name="Generate")
    made = panel.locator("[data-generated]")
    expect(made).to_have_text(re.compile(r"^\S{20}$"))
    first = made.text_content()
    expect(panel).to_contain_text(re.compile(r"About \d+ bits of randomness"))

    looks.assert_everybody_can_use(form)

    panel.get_by_role("button", name="Another").click()
    expect(made).not_to_have_text(first)
    panel.get_by_label("Length").fill("32")
    panel.get_by_label("Length").blur()
    expect(made).to_have_text(re.compile(r"^\S{32}$"))
    value = made.text_content()
    panel.get_by_role("button", name="Use this").click()

    expect(panel).to_be_hidden()
    expect(form.get_by_label("Password").first).to_have_value(value)
    form.get_by_role("button", name="Save", exact=True).click()
    form.get_by_role("button", name="Reveal Password").click()
    expect(steps.field(form, "password")).to_have_text(value)


def test_a_length_that_cannot_be_is_told_in_the_panel(form, visit):
    form.get_by_role("link", name="Generate").first.click()
    panel = form.get_by_role("dialog", name="Generate")
    expect(panel.locator("[data-generated]")).to_have_text(re.compile(r"^\S{20}$"))
    for box in ("Lower case", "Upper case", "Digits"):
        panel.get_by_label(box).uncheck()
    expect(panel.locator("[data-generated]")).to_have_text(re.compile(r"^[^A-Za-z0-9\s]{20}$"))


def test_the_page_makes_phrases_of_words(visit):
    page = visit("noah").open("/o/northwind/generator")
    page.get_by_role("radio", name="Words").check()
    expect(page.locator("#generated")).to_have_text(re.compile(r"^[a-z]+(-[a-z]+){5}$"))
    page.get_by_label("Capitalize").check()
    expect(page.locator("#generated")).to_have_text(re.compile(r"^[A-Z][a-z]+(-[A-Z][a-z]+){5}$"))
