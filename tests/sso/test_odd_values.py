"""Whatever kinds of values a provider sends: refused or taken, and never a fault of ours."""

from __future__ import annotations

import base64
import json
import time

import pytest
from joserfc import jws

from crypto.id_tokens import BadIdToken, Expected, read_id_token, read_keys
from errors import ProviderFailed
from services.provider_client import ProviderClient
from services.provider_requests import Answer
from services.providers import Provider, Secrets
from tests.sso.provider import KEYS

ODD = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        10**400,
        1e308,
        float("nan"),
        float("inf"),
        "",
        " ",
        "x",
        "9" * 30,
        "\0",
    ),
    *(
        "\ud800",
        "é",
        "x" * 5000,
        [],
        [[]],
        [None],
        ["x"],
        [10**400],
        {},
        {"x": {}},
        "javascript:x",
        "http://[",
    ),
)
ISSUER = "https://login.example"
SECRETS = Secrets("s" * 43, "n" * 43, "v" * 43)
EXPECTED = Expected(ISSUER, "client", "n" * 43, int(time.time()), "access")
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
    "userinfo_endpoint": f"{ISSUER}/userinfo",
    "token_endpoint_auth_methods_supported": ["client_secret_post"],
    "authorization_response_iss_parameter_supported": False,
}
KEY = KEYS[0].as_dict(private=False)


def good_claims():
    now = int(time.time())
    return {
        "iss": ISSUER,
        "sub": "1001",
        "aud": "client",
        "iat": now,
        "exp": now + 300,
        "nbf": now,
        "nonce": "n" * 43,
        "azp": "client",
        "auth_time": now,
        "acr": "x",
        "amr": ["pwd"],
        "jti": "x",
        "email": "a@b.example",
        "email_verified": True,
        "name": "A",
        "hd": "b.example",
        "at_hash": None,
    }


def id_token(claims, **header):
    signed = {"alg": "RS256", "kid": KEYS[0].kid} | header
    return jws.serialize_compact(signed, json.dumps(claims), KEYS[0])


class Answers:
    """Stands in the place of the line: says what it was given, by the end of the address."""

    def __init__(self, **said):
        self.said = {"configuration": DOCUMENT, "keys": {"keys": [KEY]}} | said

    def get(self, url, _headers=None):
        return self._answer(url)

    def post(self, url, data, headers, auth):
        auth.prepare("POST", url, dict(headers), "")
        return self._answer(url)

    def _answer(self, url):
        body = json.dumps(self.said[url.rpartition("/")[2].rpartition("-")[2]])
        return Answer(200, "application/json", body.encode("utf-8", "surrogatepass"))


def client(**said):
    return ProviderClient(Provider("work", "Work", ISSUER, "client", "secret"), Answers(**said))


def settle(work):
    """Whether *work* was done, or refused as it should be; anything else is a fault."""
    try:
        work()
    except (ProviderFailed, BadIdToken):
        return False
    return True


@pytest.mark.parametrize("name", DOCUMENT)
def test_in_the_discovery_document(name):
    for odd in ODD:
        asked = client(configuration=DOCUMENT | {name: odd})
        settle(lambda asked=asked: asked.address("https://here.example/", SECRETS))
    assert settle(lambda: client().address("https://here.example/", SECRETS))


@pytest.mark.parametrize("name", [*KEY, "use", "alg", "key_ops", "x5c", "crv", "x", "d"])
def test_in_a_published_key(name):
    for odd in ODD:
        keys = read_keys({"keys": [KEY | {name: odd}]})
        settle(lambda keys=keys: read_id_token(id_token(good_claims()), keys, EXPECTED))


@pytest.mark.parametrize("name", good_claims())
def test_in_the_claims(name):
    taken = 0
    for odd in ODD:
        if name == "at_hash" and odd is None:
            continue
        token = {
            "access_token": "access",
            "token_type": "Bearer",
            "id_token": id_token(good_claims() | {name: odd}),
        }
        asked = client(token=token)
        taken += settle(lambda asked=asked: asked.redeem("code", "https://here.example/", SECRETS))
    assert taken < len(ODD) or name not in {"iss", "sub", "aud", "iat", "exp", "nonce"}


@pytest.mark.parametrize("name", ["alg", "kid", "typ", "cty", "jku", "jwk", "x5c", "crit", "b64", "zip"])
def test_in_the_header(name):
    body = id_token(good_claims()).partition(".")[2]
    keys = read_keys({"keys": [KEY]})
    for odd in ODD:
        head = json.dumps({"alg": "RS256", "kid": KEYS[0].kid, name: odd})
        made = encode(head)
        settle(lambda made=made: read_id_token(f"{made}.{body}", keys, EXPECTED))


def encode(text):
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


TOKEN = (
    *("error", "error_description", "error_uri", "access_token", "token_type", "id_token", "scope"),
    *("expires_in", "expires_at", "refresh_token"),
)


@pytest.mark.parametrize("name", TOKEN)
def test_in_the_answer_of_the_token_endpoint(name):
    good = {"access_token": "access", "token_type": "Bearer", "id_token": id_token(good_claims())}
    for odd in ODD:
        asked = client(token=good | {name: odd})
        settle(lambda asked=asked: asked.redeem("code", "https://here.example/", SECRETS))
    assert settle(lambda: client(token=good).redeem("code", "https://here.example/", SECRETS))


@pytest.mark.parametrize("name", ["sub", "email", "email_verified", "name"])
def test_in_userinfo(name):
    claims = {key: value for key, value in good_claims().items() if not key.startswith("email")}
    good = {"access_token": "access", "token_type": "Bearer", "id_token": id_token(claims)}
    said = {"sub": "1001", "email": "a@b.example", "email_verified": True, "name": "A"}
    for odd in ODD:
        asked = client(token=good, userinfo=said | {name: odd})
        settle(lambda asked=asked: asked.redeem("code", "https://here.example/", SECRETS))
    vouched = client(token=good, userinfo=said).redeem("code", "https://here.example/", SECRETS)
    assert (vouched.email, vouched.verified) == ("a@b.example", True)
