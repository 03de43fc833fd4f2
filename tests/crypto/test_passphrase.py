"""Codes are hashed with Argon2id, two at a time."""

from __future__ import annotations

import threading
import unicodedata

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from crypto import passphrase
from crypto.passphrase import PassphraseHasher

CODE = "7K4Q-W2ZP-8M3N-XR5T"


@pytest.fixture
def hasher():
    return PassphraseHasher()


def test_a_code_verifies_against_its_own_hash_only(hasher):
    phc = hasher.hash_code(CODE)
    assert hasher.verify_code(CODE, phc)
    for other in ("", CODE.lower(), CODE + " ", CODE[:-1]):
        assert not hasher.verify_code(other, phc)


def test_the_hash_names_its_parameters_and_has_its_own_salt(hasher):
    one, two = hasher.hash_code(CODE), hasher.hash_code(CODE)
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert one.split("$")[4] != two.split("$")[4]
    assert CODE not in one


def test_both_spellings_of_an_accent_are_the_same_passphrase(hasher):
    decomposed = unicodedata.normalize("NFD", "crème brûlée")
    assert decomposed != "crème brûlée"
    assert hasher.verify_code(decomposed, hasher.hash_code("crème brûlée"))


def test_hashes_of_other_parameters_or_shapes_never_verify(hasher):
    cheap = Argon2id(salt=bytes(16), length=32, iterations=1, lanes=1, memory_cost=8)
    costly = hasher.hash_code(CODE).replace("m=19456", "m=4194304")
    short = Argon2id(salt=bytes(16), length=4, iterations=2, lanes=1, memory_cost=19456)
    good = hasher.hash_code(CODE)
    for phc in (
        cheap.derive_phc_encoded(CODE.encode()),
        short.derive_phc_encoded(CODE.encode()),
        costly,
        good.replace("argon2id", "argon2i"),
        good + "\n",
        good[:-1],
        "",
        CODE,
    ):
        assert not hasher.verify_code(CODE, phc)


def test_text_beyond_the_limit_is_refused_before_any_work(hasher):
    with pytest.raises(ValueError, match="at most 1024 characters"):
        hasher.hash_code("x" * 1025)
    made_elsewhere = Argon2id(salt=bytes(16), length=32, iterations=2, lanes=1, memory_cost=19456)
    assert not hasher.verify_code("x" * 1025, made_elsewhere.derive_phc_encoded(b"x" * 1025))
    assert hasher.verify_code("x" * 1024, hasher.hash_code("x" * 1024))


def test_two_run_at_once_and_never_more(hasher, monkeypatch):
    lock, running, highest = threading.Lock(), 0, 0

    class Counted:
        """The real Argon2id, counted while it works."""

        @staticmethod
        def verify_phc_encoded(material, phc):
            nonlocal running, highest
            with lock:
                running += 1
                highest = max(highest, running)
            try:
                Argon2id.verify_phc_encoded(material, phc)
            finally:
                with lock:
                    running -= 1

    phc = hasher.hash_code(CODE)
    monkeypatch.setattr(passphrase, "Argon2id", Counted)
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(hasher.verify_code(CODE, phc))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 8
    assert highest == 2


def test_a_place_is_given_back_after_a_wrong_code(hasher):
    phc = hasher.hash_code(CODE)
    for _ in range(3):
        assert not hasher.verify_code("wrong", phc)
    assert hasher.verify_code(CODE, phc)
