"""Files that something else opens go in through the page: a passphrase and a key file, or an old key."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from tests.importers import origins

VECTORS = Path(__file__).parent.parent / "vectors" / "kdbx"
PASSPHRASE = "Müsli & hot milk"


def upload(data, name):
    return (BytesIO(data), name)


@pytest.fixture
def choose(browser, production):
    """Choose a file of another program, with what opens it."""
    mia = browser("mia")

    def choose(file, status=200, **given):
        mia.open(f"{production}/import")
        return mia.submit("import-form", status, file=file, **given)

    choose.mia = mia
    return choose


def test_a_keepass_file_goes_in_with_its_passphrase_and_key_file(choose):
    data = (VECTORS / "key-two.kdbx").read_bytes()
    key_file = (VECTORS / "two.keyfile").read_bytes()
    page = choose(upload(data, "a.kdbx"), passphrase=PASSPHRASE, key_file=upload(key_file, "a.keyx"))
    assert "5 new" in page.words
    assert "recycle bin" in page.words
    assert "S3cret" not in str(page)

    page = choose.mia.press(" ".join(page.select_one("#apply button").get_text().split()))
    assert "5 of 5 credentials were stored" in page.words


def test_a_wrong_passphrase_is_said_beside_its_field_and_nothing_is_kept(choose, trail):
    data = (VECTORS / "argon2id-chacha20.kdbx").read_bytes()
    page = choose(upload(data, "a.kdbx"), status=422, passphrase="cold milk")
    assert "does not open this file" in page.select_one("#passphrase-error").get_text()
    assert trail.events("import.previewed") == []


def test_a_database_of_an_old_program_goes_in_with_its_key(choose):
    page = choose(upload(origins.score(), "db.sqlite3"), passphrase=origins.SCORE_KEY)
    assert "2 new" in page.words
    assert origins.SECRET not in str(page)
