"""A provider that is down, slow or lies: one clear page, one line, one event, and nobody is let in."""

from __future__ import annotations

import base64
import hmac
import json
import socket
import threading
import time
import warnings
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from crypto.id_tokens import ALGORITHMS
from errors import ProviderFailed
from services.provider_client import AT_ONCE, _may_be_asked
from services.provider_requests import BODY_MAX, Line
from tests.browser import Page
from tests.sso.conftest import NEW
from tests.sso.provider import CLIENT_SECRET, KEYS

VERIFIED = {"email": NEW, "email_verified": True}
DISCOVERY = "/.well-known/openid-configuration"
SLOW = 0.8
"""Seconds that a provider gets in these tests."""


@pytest.fixture(autouse=True)
def _short_patience(app):
    app.extensions["chatelaine"].providers.find("work")._line = Line(SLOW)


@pytest.fixture
def fails(visitor, trail, caplog, runtime):
    """Go through the whole way and check that it ends as it must when the provider is at fault."""

    def fails(status, reason, **claims):
        before = len(trail.events("session.started"))
        caplog.clear()
        stranger = visitor()
        stranger.open("/sign-in")
        page = Page(stranger._send("POST", "/sign-in/work/start", data={"csrf_token": stranger.csrf()}))
        if page.status == 200:
            page = stranger.open(stranger.provider.answer(stranger.onward(page), **claims), status)
        assert page.status == status
        assert "Work & Co" in page.select_one("h1").get_text()
        assert page.select_one('a[href="/sign-in"]') is not None
        told = trail.one("signin.failed")
        assert told["extra"] == {"provider": "work", "purpose": "signin", "reason": reason}
        assert not told["success"]
        lines = [r for r in caplog.records if r.name == "chatelaine.sso"]
        assert [line.getMessage() for line in lines] == [f"single sign-on through work failed: {reason}"]
        assert not [r for r in caplog.records if r.levelname == "ERROR"]
        assert len(trail.events("session.started")) == before
        assert not stranger.is_in()

    return fails


def text(status, body, kind="application/json", **headers):
    return lambda handler: handler.send(status, body.encode(), kind, **headers)


def endless(handler):
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" " * 65536)
    except OSError:
        handler.close_connection = True


def dripping(handler):
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    drip(handler)


def dripping_headers(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-A: ")
    drip(handler)


def drip(handler):
    """Send a byte now and then, always in time for the next timeout of the socket."""
    over = threading.Event()
    try:
        for _ in range(1500):
            handler.wfile.write(b" ")
            over.wait(0.02)
    except OSError:
        pass
    handler.close_connection = True


def silent(handler):
    handler.connection.settimeout(5)
    with suppress(OSError):
        handler.rfile.read(1)
    handler.close_connection = True


def hanging_up(handler):
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


ANSWERS = {
    "an error of its own": (text(500, "{}"), 503, "status"),
    "no permission": (text(403, "{}"), 502, "status"),
    "another page": (text(302, "", Location="http://127.0.0.1:1/"), 502, "redirect"),
    "HTML": (text(200, "<html>Maintenance</html>", "text/html"), 502, "{}: no JSON"),
    "HTML that says it is JSON": (text(200, "<html>Maintenance</html>"), 502, "{}: no JSON"),
    "JSON that says it is HTML": (text(200, "{}", "text/html"), 502, "{}: no JSON"),
    "a list": (text(200, "[]"), 502, "{}: no JSON"),
    "a number": (text(200, "1e999"), 502, "{}: no JSON"),
    "nesting without end": (text(200, "[" * 50_000), 502, "{}: no JSON"),
    "broken letters": (
        lambda handler: handler.send(200, b'{"a": "\xff"}', "application/json"),
        502,
        "{}: no JSON",
    ),
    "nothing": (text(200, ""), 502, "{}: no JSON"),
    "a body without end": (endless, 502, "too large"),
    "a body byte by byte": (dripping, 503, "slow"),
    "headers byte by byte": (dripping_headers, 503, "slow"),
    "silence": (silent, 503, "slow"),
    "the line cut": (hanging_up, 503, "unreachable"),
}
PLACES = {DISCOVERY: "discovery", "/keys": "keys", "/token": "token", "/userinfo": "userinfo"}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("what", ANSWERS)
def test_instead_of_an_answer_comes(fails, provider, place, what):
    lie, status, reason = ANSWERS[what]
    provider.userinfo = {"sub": "1001"} if place == "/userinfo" else None
    provider.lies[place] = lie
    reason = reason.format(PLACES[place])
    if (place == "/token" and reason.startswith("token")) or (place, what) == ("/token", "no permission"):
        status, reason = 502, "token"
    began = time.monotonic()
    fails(status, reason)
    assert time.monotonic() - began < 20


def test_of_a_body_without_end_no_more_is_read_than_counts(visitor, provider):
    sent = []

    def count(handler):
        own = handler.wfile
        handler.wfile = SimpleNamespace(write=lambda part: (own.write(part), sent.append(len(part))))
        endless(handler)
        handler.wfile = own

    provider.lies[DISCOVERY] = count
    nobody = visitor()
    nobody.open("/sign-in")
    nobody.submit("with-work", 502)
    # The rest lies in the buffers of the two machines.
    assert sum(sent) < BODY_MAX + 16 * 1024 * 1024


def test_a_provider_that_is_not_there(fails, provider):
    provider._server.server_close()
    provider._server.shutdown()
    fails(503, "unreachable")


METADATA = {
    "another issuer": ({"issuer": "https://evil.example"}, "issuer"),
    "an issuer with a slash too many": ({"issuer": "{}/"}, "issuer"),
    "no issuer": ({"issuer": None}, "issuer"),
    "no endpoint": ({"token_endpoint": None}, "token_endpoint"),
    "an endpoint that is no text": (
        {"authorization_endpoint": ["http://127.0.0.1/"]},
        "authorization_endpoint",
    ),
    "plain http elsewhere": ({"token_endpoint": "http://evil.example/token"}, "token_endpoint"),
    "keys on plain http": ({"jwks_uri": "http://192.0.2.1/keys"}, "jwks_uri"),
    "a script": ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint"),
    "a file": ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri"),
    "a name and a password": ({"token_endpoint": "https://a:b@evil.example/"}, "token_endpoint"),
    "a line break": ({"token_endpoint": "https://evil.example/\r\nX: y"}, "token_endpoint"),
    "a false port": ({"token_endpoint": "https://evil.example:99999/"}, "token_endpoint"),
}


@pytest.mark.parametrize("what", METADATA)
def test_the_provider_publishes(fails, provider, what):
    changed, member = METADATA[what]
    provider.metadata = {
        name: value.format(provider.issuer) if isinstance(value, str) else value
        for name, value in changed.items()
    }
    fails(502, f"discovery: {member}")


def test_a_provider_that_is_reached_by_tls_names_no_plain_endpoint():
    """Not even on this machine."""
    assert _may_be_asked("http://127.0.0.1:1/", plain=True)
    assert not _may_be_asked("http://127.0.0.1:1/", plain=False)


CLAIMS = {
    "another issuer": ({"iss": "https://evil.example"}, "iss"),
    "no issuer": ({"iss": None}, "iss"),
    "another audience": ({"aud": "somebody else"}, "aud"),
    "no audience": ({"aud": None}, "aud"),
    "an audience that is no text": ({"aud": 7}, "aud"),
    "several audiences and no authorized party": ({"aud": ["chatelaine client", "other"]}, "azp"),
    "another authorized party": ({"azp": "other"}, "azp"),
    "several audiences and another authorized party": (
        {"aud": ["chatelaine client", "other"], "azp": "other"},
        "azp",
    ),
    "another nonce": ({"nonce": "x" * 43}, "nonce"),
    "no nonce": ({"nonce": None}, "nonce"),
    "an empty nonce": ({"nonce": ""}, "nonce"),
    "an end in the past": ({"exp": 1}, "exp"),
    "no end": ({"exp": None}, "exp"),
    "an end that is no number": ({"exp": "tomorrow"}, "exp"),
    "an end that never comes": ({"exp": float("nan")}, "exp"),
    "a beginning in the future": ({"iat": 99999999999}, "iat"),
    "no beginning": ({"iat": None}, "iat"),
    "a time before which it does not count": ({"nbf": 99999999999}, "nbf"),
    "no subject": ({"sub": None}, "sub"),
    "an empty subject": ({"sub": ""}, "sub"),
    "a subject that is no text": ({"sub": 1001}, "sub"),
    "a subject too long": ({"sub": "x" * 256}, "sub"),
    "a subject with a line break": ({"sub": "1001\n"}, "sub"),
    "methods that are no list": ({"amr": "mfa"}, "amr"),
    "an access token that it is not for": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at_hash"),
}


@pytest.mark.parametrize("what", CLAIMS)
def test_the_id_token_says(fails, invite, what):
    invite()
    claims, named = CLAIMS[what]
    fails(502, f"id_token: {named}", **VERIFIED, **claims)


def test_a_token_is_good_up_to_a_minute_after_its_end(visitor, invite):
    """The clocks of two machines differ."""
    invite()
    visitor().come_in(**VERIFIED, exp=int(time.time()) - 50)


def test_a_token_is_good_for_several_audiences_where_we_are_the_authorized_party(visitor, invite):
    invite()
    visitor().come_in(**VERIFIED, aud=["other", "chatelaine client"], azp="chatelaine client")


# Signatures


def test_a_signature_of_another_key(fails, provider):
    provider.key = RSAKey.generate_key(2048, {"kid": KEYS[0].kid})
    fails(502, "id_token: signature")


def test_a_signature_that_was_tampered_with(fails, provider):
    sign = provider.id_token
    provider.id_token = lambda granted: sign(granted)[:-6] + "AAAAAA"
    fails(502, "id_token: signature")


def test_claims_that_were_tampered_with(fails, provider):
    sign = provider.id_token

    def tamper(granted):
        head, _, tail = sign(granted).split(".")
        granted.claims["sub"] = "2002"
        return ".".join((head, sign(granted).split(".")[1], tail))

    provider.id_token = tamper
    fails(502, "id_token: signature")


def test_no_signature_at_all(fails, provider):
    sign = provider.id_token

    def strip(granted):
        _, body, _ = sign(granted).split(".")
        return f"eyJhbGciOiJub25lIn0.{body}."

    provider.id_token = strip
    fails(502, "id_token: alg")


@pytest.mark.parametrize("secret", [CLIENT_SECRET.encode(), KEYS[0].as_pem(private=False)])
def test_a_signature_with_a_shared_secret(fails, provider, secret):
    """Neither with the client's secret nor with the public key taken for one."""
    sign = provider.id_token

    def sign_alike(granted):
        head = encode(json.dumps({"alg": "HS256", "kid": KEYS[0].kid}).encode())
        body = sign(granted).split(".")[1]
        return f"{head}.{body}.{encode(hmac.digest(secret, f'{head}.{body}'.encode(), 'sha256'))}"

    provider.id_token = sign_alike
    fails(502, "id_token: alg")


def encode(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def test_a_secret_among_the_published_keys_is_never_used(fails, provider):
    secret = OctKey.import_key("x" * 43, {"kid": KEYS[0].kid})
    provider.lies["/keys"] = lambda handler: handler.json({"keys": [secret.as_dict(private=True)]})
    fails(502, "id_token: kid")


def test_a_key_for_encryption_is_never_used(fails, provider):
    published = {**KEYS[0].as_dict(private=False), "use": "enc"}
    provider.lies["/keys"] = lambda handler: handler.json({"keys": [published]})
    fails(502, "id_token: kid")


@pytest.mark.parametrize(("published", "status"), [(KEYS[:1], 403), (KEYS, 502)])
def test_a_token_that_names_no_key_is_read_where_there_is_one_alone(visitor, provider, published, status):
    provider.published = published
    provider.header = {"kid": None}
    visitor().come_in(status, **VERIFIED)


@pytest.mark.parametrize(
    "published", [{}, {"keys": {}}, {"keys": [{}, 7, None, {"kty": "odd"}]}, {"keys": [{}] * 51}]
)
def test_a_set_of_keys_that_is_none(fails, provider, published):
    provider.lies["/keys"] = lambda handler: handler.json(published)
    listed = published.get("keys")
    fails(502, "id_token: kid" if isinstance(listed, list) and len(listed) < 50 else "keys")


def test_a_short_key_is_never_used(fails, provider):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        provider.key = RSAKey.generate_key(1024, {"kid": "short"})
        provider.published = [provider.key]
        fails(502, "id_token: kid")


def test_a_key_that_is_meant_for_another_algorithm_is_never_used(fails, provider):
    published = {**KEYS[0].as_dict(private=False), "alg": "PS256"}
    provider.lies["/keys"] = lambda handler: handler.json({"keys": [published]})
    fails(502, "id_token: kid")


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": KEYS[1].as_dict(private=False)},
        {"jku": "http://127.0.0.1:1/"},
        {"x5u": "http://127.0.0.1:1/"},
    ],
)
def test_a_key_that_the_token_brings_along_is_never_used(fails, provider, header):
    provider.key = KEYS[1]
    provider.header = {**header, "kid": KEYS[0].kid}
    fails(502, "id_token: signature")


def test_a_part_of_the_header_that_must_be_understood(fails, provider):
    sign = provider.id_token

    def sign_more(granted):
        head = {"alg": "RS256", "kid": KEYS[0].kid, "crit": ["more"], "more": True}
        signed = f"{encode(json.dumps(head).encode())}.{sign(granted).split('.')[1]}"
        made = KEYS[0].private_key.sign(signed.encode(), PKCS1v15(), SHA256())
        return f"{signed}.{encode(made)}"

    provider.id_token = sign_more
    fails(502, "id_token: signature")


@pytest.mark.parametrize("sent", ["", "a.b", "a.b.c", "é.b.c", "x" * 40_000, None, 7, ["a"], "W10.e30.AA"])
def test_no_token_at_all(fails, provider, sent):
    provider.token = {"id_token": sent}
    reason = "header" if sent in ("", "a.b", "a.b.c", "W10.e30.AA") else "id_token"
    fails(502, f"id_token: {reason}")


@pytest.mark.parametrize(
    "token", [{"access_token": None}, {"access_token": 7}, {"token_type": "mac"}, {"token_type": None}]
)
def test_an_answer_of_the_token_endpoint_that_is_none(fails, provider, token):
    provider.token = token
    fails(502, "token")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_with_a_public_key_is_good(visitor, provider, invite, algorithm):
    invite()
    if algorithm.startswith("ES"):
        curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[algorithm]
        provider.key = ECKey.generate_key(curve, {"kid": "curve"})
        provider.published = [provider.key]
    if algorithm == "Ed25519":
        provider.key = OKPKey.generate_key("Ed25519", {"kid": "curve"})
        provider.published = [provider.key]
    provider.header = {"alg": algorithm}
    visitor().come_in(**VERIFIED)


# Keys that change


def test_a_new_key_is_looked_for_once_a_minute(visitor, provider, invite):
    with time_machine.travel("2027-01-15T12:00:00Z", tick=False) as clock:
        invite(email="first@northwind.example")
        visitor().come_in(email="first@northwind.example", email_verified=True)
        asked = provider.requests.count("/keys")
        provider.key, provider.published = KEYS[1], KEYS[1:]
        visitor().come_in(502, sub="2002", **VERIFIED)
        assert provider.requests.count("/keys") == asked
        clock.shift(timedelta(seconds=61))
        invite(email="third@northwind.example")
        visitor().come_in(sub="3003", email="third@northwind.example", email_verified=True)
        assert provider.requests.count("/keys") == asked + 1
        provider.published = KEYS
        visitor().come_in(sub="3003")
        assert provider.requests.count("/keys") == asked + 1


def test_a_key_that_was_taken_back_counts_for_an_hour_at_most(visitor, provider, invite):
    with time_machine.travel("2027-01-15T12:00:00Z", tick=False) as clock:
        invite(email="first@northwind.example")
        visitor().come_in(email="first@northwind.example", email_verified=True)
        provider.published = KEYS[1:]
        clock.shift(timedelta(minutes=59))
        visitor().come_in()
        clock.shift(timedelta(minutes=2))
        visitor().come_in(502)


def test_what_is_published_is_fetched_once_an_hour(visitor, provider):
    with time_machine.travel("2027-01-15T12:00:00Z", tick=False) as clock:
        for _ in range(3):
            visitor().set_out()
        assert provider.requests.count(DISCOVERY) == 1
        clock.shift(timedelta(minutes=61))
        visitor().set_out()
        assert provider.requests.count(DISCOVERY) == 2


def test_a_lie_is_not_remembered(visitor, provider):
    provider.lies[DISCOVERY] = text(500, "")
    nobody = visitor()
    nobody.open("/sign-in")
    nobody.submit("with-work", 503)
    provider.lies.clear()
    nobody.set_out()


# What comes back with the person


def test_somebody_who_does_not_agree_gets_a_friendly_page(visitor, trail):
    page = visitor().come_in(403, error="access_denied")
    assert "did not agree" in page.words
    assert trail.one("signin.failed")["extra"]["reason"] == "declined"


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        ("temporarily_unavailable", 503, "error: temporarily_unavailable"),
        ("server_error", 503, "error: server_error"),
        ("invalid_scope", 502, "error: invalid_scope"),
        ("<script>alert(1)</script>", 502, "error: other"),
        ("", 502, "code"),
    ],
)
def test_another_error_of_the_provider(fails, error, status, reason):
    if error:
        fails(status, reason, error=error)
    else:
        # An error without a name is one all the same.
        fails(502, "error: other", error="")


def test_an_answer_of_another_provider_is_refused(visitor, provider, trail):
    """Mix-up: an attempt at one provider must not be ended by another (RFC 9207)."""
    stranger = visitor()
    back = provider.answer(stranger.set_out(), sender="https://evil.example", **VERIFIED)
    stranger.open(back, 502)
    assert trail.one("signin.failed")["extra"]["reason"] == "iss"
    assert "/token" not in provider.requests


def test_an_answer_that_names_its_sender_is_taken(visitor, provider, invite):
    invite()
    stranger = visitor()
    stranger.open(provider.answer(stranger.set_out(), sender=provider.issuer, **VERIFIED))
    assert stranger.path.startswith("/o/northwind")


def test_a_provider_that_says_it_names_itself_has_to(visitor, provider, trail):
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    visitor().come_in(502, **VERIFIED)
    assert trail.one("signin.failed")["extra"]["reason"] == "iss"
    assert "/token" not in provider.requests


@pytest.mark.parametrize("code", ["", "x" * 5000, "a%00b", "%C3%A9"])
def test_a_code_that_cannot_be_one_is_not_sent_on(visitor, provider, trail, code):
    stranger = visitor()
    back = provider.answer(stranger.set_out(), **VERIFIED)
    head, _, _ = back.partition("code=")
    status = 400 if code == "a%00b" else 502
    stranger.open(f"{head}code={code}", status)
    assert "/token" not in provider.requests


def test_the_code_of_another_attempt_is_worth_nothing(visitor, provider, invite, trail):
    """PKCE: the code of one attempt with the state of another, in the same browser."""
    invite()
    mallory, victim = visitor(), visitor(address="198.51.100.7")
    stolen = provider.answer(victim.set_out(), **VERIFIED).partition("code=")[2].partition("&")[0]
    back = provider.answer(mallory.set_out(), **VERIFIED)
    own = back.partition("code=")[2].partition("&")[0]
    mallory.open(back.replace(own, stolen), 502)
    assert trail.one("signin.failed")["extra"]["reason"] == "token"


def test_nothing_that_passes_by_is_written_down(visitor, provider, invite, caplog, runtime, trail, database):
    caplog.set_level("DEBUG")
    invite()
    stranger = visitor()
    back = provider.answer(stranger.set_out(), **VERIFIED)
    asked = dict(pair.split("=") for pair in back.partition("?")[2].split("&"))
    verifier_and_nonce = provider.granted[asked["code"]].asked
    stranger.open(back)
    assert stranger.is_in()
    secrets = [asked["state"], asked["code"], verifier_and_nonce["nonce"], "access-code", CLIENT_SECRET]
    said = "\n".join(record.getMessage() + str(record.__dict__) for record in caplog.records)
    content = b"".join(path.read_bytes() for path in database.parent.glob("chatelaine.db*")).decode("latin1")
    events = str(trail.events())
    assert not [secret for secret in secrets if secret in said or secret in content or secret in events]


# Many at once


def test_a_slow_provider_holds_a_few_threads_at_most(app, runtime):
    providers = runtime.providers
    asked, go_on = threading.Barrier(AT_ONCE + 1), threading.Event()

    def wait():
        asked.wait(10)
        go_on.wait(10)

    threads = [threading.Thread(target=providers.ask, args=(wait,)) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    asked.wait(10)
    with pytest.raises(ProviderFailed, match="busy"):
        providers.ask(lambda: None)
    go_on.set()
    for thread in threads:
        thread.join()
    assert providers.ask(lambda: 7) == 7


def test_nobody_waits_for_the_database_while_a_provider_is_slow(visitor, provider, runtime, app):
    """No transaction, connection or turn is held."""
    held = []
    slow = app.extensions["chatelaine"].providers.find("work")
    address = slow.address

    def look(*args, **options):
        held.append(runtime.turns.held)
        with runtime.work(writing=True):
            held.append(False)
        return address(*args, **options)

    slow.address = look
    visitor().set_out()
    assert held == [False, False]


def test_a_body_of_the_largest_size_is_read(visitor, provider):
    provider.metadata = {"padding": "x" * (BODY_MAX - 2000)}
    visitor().set_out()
