"""The first start, and the checks of every later one."""

import pytest
from sqlalchemy import select, text

from app import create_app, open_runtime, prepare
from errors import StartRefused
from models import AccessToken, Invitation, Membership, Organization, User
from services.database import EVERY_ORGANIZATION, see_organization
from services.instance import slug_of
from tests.browser import Browser
from tests.world import settings_for

OTHER_KEY = "_____wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxw"
ADMIN_TOKEN = "b0f6d1c24e8a49d3a7c5e1f29b8d7c6a5e4f3d2c1b0a9f8e7d6c5b4a39281706"


@pytest.fixture
def settings(tmp_path):
    return lambda **changes: settings_for(tmp_path / "new.db", **changes)


def count(settings, model):
    with open_runtime(settings) as runtime, runtime.work(writing=False) as uow:
        see_organization(uow.session, EVERY_ORGANIZATION)
        return len(uow.session.scalars(select(model)).all())


def test_the_first_start_makes_one_organization_and_one_link_and_no_credential(settings):
    link = prepare(settings(ORGANIZATION_NAME="Northwind Traders", OWNER_EMAIL="olga@northwind.example"))
    assert link is not None
    assert count(settings(), Organization) == 1
    assert count(settings(), Invitation) == 1
    assert count(settings(), AccessToken) == 0
    assert count(settings(), User) == 0


def test_the_second_start_changes_nothing(settings):
    prepare(settings())
    assert prepare(settings()) is None
    assert count(settings(), Invitation) == 1
    assert count(settings(), Organization) == 1


def test_the_admin_token_signs_in_once_and_must_be_replaced_before_all_else(settings):
    assert prepare(settings(ADMIN_TOKEN=ADMIN_TOKEN)) is None
    app = create_app(settings(ADMIN_TOKEN=ADMIN_TOKEN))
    owner = Browser(app)
    owner.open("/sign-in")
    page = owner.submit("sign-in", token=ADMIN_TOKEN)
    assert "Make your own" in page.words
    owner.open("/o/my-team/")
    assert "Make your own" in owner.page.words
    own = owner.submit("replace-token").select_one("#token")["value"]
    owner.open("/o/my-team/")
    again = Browser(app)
    again.open("/sign-in")
    again.submit("sign-in", 422, token=ADMIN_TOKEN)
    again.submit("sign-in", token=own)
    app.extensions["chatelaine"].close()


def test_a_later_start_with_an_admin_token_lets_nobody_in(settings):
    prepare(settings())
    prepare(settings(ADMIN_TOKEN=ADMIN_TOKEN))
    assert count(settings(), AccessToken) == 0
    assert count(settings(), Membership) == 0


def test_a_start_without_a_needed_master_key_is_refused_and_names_its_id(settings):
    prepare(settings())
    with pytest.raises(StartRefused, match=r"lacks a master key .* [0-9a-f]{8} \(\d+ rows\)"):
        create_app(settings(ENCRYPTION_KEYS=OTHER_KEY))


def test_the_needed_master_key_may_stand_behind_another(settings):
    prepare(settings())
    old = settings().encryption_keys
    create_app(settings(ENCRYPTION_KEYS=f"{OTHER_KEY}:{old}")).extensions["chatelaine"].close()


def test_an_altered_wrapped_key_stops_the_start(settings):
    prepare(settings())
    with open_runtime(settings()) as runtime, runtime.engine.begin() as connection:
        connection.execute(text("UPDATE data_key SET wrapped = zeroblob(200)"))
    with pytest.raises(StartRefused, match="does not open"):
        create_app(settings())


@pytest.mark.sqlite
def test_a_command_on_a_database_that_does_not_exist_says_so(settings, tmp_path):
    with pytest.raises(StartRefused, match="There is no database"), open_runtime(settings()):
        pass
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Northwind Traders", "northwind-traders"),
        ("Café Zürich", "cafe-zurich"),
        ("株式会社", "team"),
        ("a" * 99, "a" * 60),
    ],
)
def test_a_name_becomes_an_address(name, slug):
    assert slug_of(name) == slug
