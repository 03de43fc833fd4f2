"""What the five programs have encrypted opens, by the worked examples that were made with each of them."""

from __future__ import annotations

import base64

import pytest
from cryptography.fernet import Fernet

from crypto.origins import ClientStorKey, PinakesKeys, Unopened, open_score

V0_KEY = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="
V0 = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=="
SCORE_KEY = "test-master-key-for-unit-tests"
TENANTS = {
    "11111111-1111-1111-1111-111111111111": "_U3y4_zvtXarhvrJHHvXvoasuD6Ud2_BtGtxbMKeW_g=",
    "22222222-2222-2222-2222-222222222222": "uKStQ51wjwCaR8uB0gWSwUsP-OX2T8G86cEz9wMHV-0=",
}
WRONG_TENANT_KEY = "EU7-i_UKmSktxTJnZ9tf9FXQ-WyGOmYcntgKI6ctctA="
MASTER = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
V2 = (
    "Z0FBQUFBQm83WktBQUFFQ0F3UUZCZ2NJQ1FvTERBME9EOGUwQmlrbDFrVUZjSnFYRXNqaHFqeF9TM21Ibmo5anVpamxHdmZJ"
    "bHlUM0VEYkFGN0dab1FrbEFkMFMwVHJjOHc9PQ=="
)
V3 = "AAECAwQFBgcICQoLFDG1aaCR4zofd9Fo0LHz9MhLE9pc+cak"
V4_PASSWORD = "AgABAgMEBQYHCAkKC/96P0mzHJtlm6pNKGwpQYb/24RYRDhWvw=="
V4_TOTP = "AgABAgMEBQYHCAkKCy+NYlm0WKKhVukiHj13Qnqd+hmk7qlAFTXV9LPjfpAu"
PASSWORD = ("password_vault_v1", "org:1||type:password")
TOTP = ("totp_secrets_v1", "org:1||type:totp")
V5_KEYS = f"{MASTER}:VEVTVFRFU1RURVNUVEVTVFRFU1RURVNUVEVTVFRFU1Q="
V5_OLD = (
    "gAAAAABo7ZKAAAECAwQFBgcICQoLDA0ODysHt-1W84jXhRZmWXVRHwNMT-PCG3piqzQ2PHfazwoWWQ1rhKhXobF9h5ORcn_hR6W8"
    "ne8NvAnf96ulBGpKzeQ="
)
V5_NEW = (
    "gAAAAABo7ZKAAAECAwQFBgcICQoLDA0ODxzI5BvaFRbOP0c04rFxcdyohCbVc51lfEe5MymdE4rWzRHVgN5zUEH4m4HbZrbD2Ri9"
    "6jCBEAUDl9n9kzK5jUM="
)


def test_the_token_of_the_fernet_specification_opens():
    assert PinakesKeys(V0_KEY).open(V0) == "hello"


@pytest.mark.parametrize("tenant", TENANTS)
def test_score_has_a_key_for_each_tenant(tenant):
    token = Fernet(TENANTS[tenant]).encrypt(b"my-super-secret-api-key").decode()
    assert open_score(SCORE_KEY, tenant, token) == "my-super-secret-api-key"
    for other in {*TENANTS, tenant.replace("-", "")} - {tenant}:
        with pytest.raises(Unopened):
            open_score(SCORE_KEY, other, token)
    with pytest.raises(Unopened):
        open_score(f"{SCORE_KEY}\n", tenant, token)


def test_the_key_of_score_takes_the_tenant_with_its_hyphens():
    token = Fernet(WRONG_TENANT_KEY).encrypt(b"x").decode()
    assert open_score(SCORE_KEY, "1" * 32, token) == "x"


@pytest.mark.parametrize("key", [MASTER, MASTER.rstrip("=")])
def test_client_stor_opens_its_three_ways(key):
    opened = ClientStorKey(key)
    assert opened.open(V3, *PASSWORD) == "S3cret!!"
    assert opened.open(V4_PASSWORD, *PASSWORD) == "S3cret!!"
    assert opened.open(V4_TOTP, *TOTP) == "JBSWY3DPEHPK3PXP"


def test_client_stor_opens_what_its_documents_describe():
    assert ClientStorKey(MASTER).open(V2, *PASSWORD) == "S3cret!!"


def test_a_first_way_that_looks_like_the_second_opens_too():
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = b"\x02" + bytes(11)
    sealed = nonce + AESGCM(bytes(range(32))).encrypt(nonce, b"first", None)
    assert ClientStorKey(MASTER).open(base64.b64encode(sealed).decode(), *PASSWORD) == "first"


@pytest.mark.parametrize(
    ("text", "context", "bound"),
    [
        (V4_PASSWORD, *TOTP),
        (V4_PASSWORD, PASSWORD[0], "org:2||type:password"),
        (V4_TOTP, *PASSWORD),
        (V3[:-4] + "AAAA", *PASSWORD),
        ("AAECAwQFBgcICQoLFDG1", *PASSWORD),
        ("Z0FBQUFB", *PASSWORD),
        ("Z0FBQUFB////", *PASSWORD),
        ("not base64", *PASSWORD),
        ("ü", *PASSWORD),
        ("", *PASSWORD),
    ],
)
def test_what_does_not_belong_does_not_open(text, context, bound):
    with pytest.raises(Unopened):
        ClientStorKey(MASTER).open(text, context, bound)


@pytest.mark.parametrize("text", ["", "abc", MASTER[:-4], MASTER * 2, "-_" * 22, "a" * 43 + "!", "ü" * 44])
def test_a_key_that_client_stor_never_had_is_refused_unseen(text):
    with pytest.raises(ValueError, match="32 bytes") as refused:
        ClientStorKey(text)
    assert not text or text not in str(refused.value)


@pytest.mark.parametrize("token", [V5_OLD, V5_NEW])
def test_pinakes_opens_with_any_of_its_keys(token):
    assert PinakesKeys(V5_KEYS).open(token) == '{"param": "val"}'
    (wrong,) = {"VEVTVFRFU1RURVNUVEVTVFRFU1RURVNUVEVTVFRFU1Q=", MASTER} - {
        key for key in V5_KEYS.split(":") if _opens(key, token)
    }
    with pytest.raises(Unopened):
        PinakesKeys(wrong).open(token)


def _opens(key: str, token: str) -> bool:
    try:
        PinakesKeys(key).open(token)
    except Unopened:
        return False
    return True


@pytest.mark.parametrize("text", ["", ":", f"{MASTER}:", "abc", ":".join([MASTER] * 33)])
def test_keys_that_pinakes_never_had_are_refused(text):
    with pytest.raises(ValueError, match="key"):
        PinakesKeys(text)
