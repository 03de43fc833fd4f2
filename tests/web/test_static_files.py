"""Static files: compressed for those who take it, whole for the others; pages never compressed."""

import gzip

import pytest

from app import ROOT

FILES = ["app.css", "app.js", "vault.js", "icons.svg"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_goes_out_compressed_to_whoever_takes_it(app, name):
    answer = app.test_client().get(f"/static/{name}", headers={"Accept-Encoding": "gzip, br"}, buffered=True)

    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert gzip.decompress(answer.data) == (ROOT / "static" / name).read_bytes()
    assert len(answer.data) < 0.6 * (ROOT / "static" / name).stat().st_size


@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip;q=0"}])
def test_a_file_goes_out_whole_to_the_others(app, headers):
    answer = app.test_client().get("/static/app.css", headers=headers, buffered=True)

    assert "Content-Encoding" not in answer.headers
    assert answer.data == (ROOT / "static" / "app.css").read_bytes()
    assert "Accept-Encoding" in answer.headers["Vary"]


def test_the_two_forms_have_tags_of_their_own(app):
    client = app.test_client()
    whole = client.get("/static/app.css", buffered=True)
    packed = client.get("/static/app.css", headers={"Accept-Encoding": "gzip"}, buffered=True)

    assert whole.headers["ETag"] != packed.headers["ETag"]


def test_a_page_is_never_compressed(app):
    answer = app.test_client().get("/sign-in", headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in answer.headers


def test_a_part_of_a_file_is_a_part_of_the_whole_one(app):
    headers = {"Accept-Encoding": "gzip", "Range": "bytes=0-9"}
    answer = app.test_client().get("/static/app.css", headers=headers, buffered=True)

    assert answer.status_code == 206
    assert answer.data == (ROOT / "static" / "app.css").read_bytes()[:10]
    assert "Content-Encoding" not in answer.headers
