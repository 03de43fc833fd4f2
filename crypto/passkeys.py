"""Passkeys (W3C Web Authentication, level 3): what is asked of a browser, and whether its answer is good.

The computing is the library's (webauthn); this says what must hold besides: user verification always, one
host, listed origins, never inside another site's page. Attestation is neither asked for nor looked at: whose
make a device is says nothing that anybody here would act on. Whether a challenge is open, and whether a
counter went back, is for the caller to know.

Import this where it is needed, not at the top: the library takes a tenth of a second and 17 MB, which a
process that never sees a passkey can do without.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    bytes_to_base64url,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    encode_cbor,
    options_to_json_dict,
    parse_authenticator_data,
    parse_cbor,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import InvalidAuthenticationResponse, WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from crypto.passkey_answers import Answer, Fault, Known, Refused, Site

ALGORITHMS = (
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
)
SITE_NAME = "Chatelaine"
_UNREADABLE = (
    *(WebAuthnException, UnsupportedAlgorithm, ArithmeticError, AttributeError, LookupError, TypeError),
    *(ValueError, RecursionError),
)
"""What the library raises for what is no answer at all: its own errors where it looks, else Python's."""


@dataclass(frozen=True, slots=True)
class Made:
    """A new passkey.

    Args:
        counter: how often it was used; devices that do not count say 0 for ever.
        synced: whether it may be copied to other devices.
        copied: whether it has been.
    """

    public_key: bytes
    counter: int
    synced: bool
    copied: bool


@dataclass(frozen=True, slots=True)
class Used:
    """What a good answer says of its passkey; see :class:`Made`."""

    counter: int
    synced: bool
    copied: bool


def ask_for_new(
    site: Site,
    challenge: bytes,
    *,
    handle: bytes,
    account: str,
    name: str,
    known: Iterable[Known],
    lasts: int,
) -> dict[str, Any]:
    """Return what ``navigator.credentials.create`` is called with, as JSON.

    Args:
        handle: by which the device tells people apart; nothing that names anybody.
        account: what the device shows, such as the e-mail address.
        known: the person's passkeys; a device that holds one of them makes no other.
        lasts: milliseconds.
    """
    options = generate_registration_options(
        rp_id=site.host,
        rp_name=SITE_NAME,
        user_id=handle,
        user_name=account,
        user_display_name=name,
        challenge=challenge,
        timeout=lasts,
        # Found without a name being typed, so that each can also be the whole sign-in.
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_described(known),
        supported_pub_key_algs=list(ALGORITHMS),
    )
    return options_to_json_dict(options)


def ask_for_use(site: Site, challenge: bytes, *, known: Iterable[Known], lasts: int) -> dict[str, Any]:
    """Return what ``navigator.credentials.get`` is called with, as JSON.

    Args:
        known: which may answer; none: any that the device holds for this site.
        lasts: milliseconds.
    """
    options = generate_authentication_options(
        rp_id=site.host,
        challenge=challenge,
        timeout=lasts,
        allow_credentials=_described(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def check_new(answer: Answer, site: Site) -> Made:
    """Return the passkey that *answer* brings.

    Raises:
        Refused: it is not one that can be used here.
    """
    try:
        data = parse_cbor(answer.data)["authData"]
        _check(answer, site, data)
        # Without its attestation, which nobody asked for: what is not looked at cannot be got wrong.
        bare = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        found = verify_registration_response(
            credential=RegistrationCredential(
                id=bytes_to_base64url(answer.credential_id),
                raw_id=answer.credential_id,
                response=AuthenticatorAttestationResponse(
                    client_data_json=answer.client_data, attestation_object=bare
                ),
            ),
            expected_challenge=answer.challenge,
            expected_rp_id=site.host,
            expected_origin=list(site.origins),
            require_user_verification=True,
            supported_pub_key_algs=list(ALGORITHMS),
        )
        # The library only splits the key: one that is no point on its curve would fail at every use.
        decoded_public_key_to_cryptography(decode_credential_public_key(found.credential_public_key))
    except _UNREADABLE:
        raise Refused(Fault.MALFORMED) from None
    if found.credential_id != answer.credential_id:
        raise Refused(Fault.MALFORMED)
    return Made(
        public_key=found.credential_public_key,
        counter=found.sign_count,
        synced=found.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        copied=found.credential_backed_up,
    )


def check_use(answer: Answer, site: Site, public_key: bytes) -> Used:
    """Return what *answer* says, which the passkey with *public_key* has signed.

    Raises:
        Refused: it has not, or not for this site, or nobody was verified.
    """
    try:
        _check(answer, site, answer.data)
        found = verify_authentication_response(
            credential=AuthenticationCredential(
                id=bytes_to_base64url(answer.credential_id),
                raw_id=answer.credential_id,
                response=AuthenticatorAssertionResponse(
                    client_data_json=answer.client_data,
                    authenticator_data=answer.data,
                    signature=answer.signature,
                ),
            ),
            expected_challenge=answer.challenge,
            expected_rp_id=site.host,
            expected_origin=list(site.origins),
            credential_public_key=public_key,
            # It would be compared before the signature, and so could be anybody's word.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except InvalidAuthenticationResponse:
        raise Refused(Fault.SIGNATURE) from None
    except _UNREADABLE:
        raise Refused(Fault.MALFORMED) from None
    return Used(
        counter=found.new_sign_count,
        synced=found.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        copied=found.credential_backed_up,
    )


def _check(answer: Answer, site: Site, data: bytes) -> None:
    """Refuse by its name what the audit log should tell apart; the library looks at most of it again."""
    found = parse_authenticator_data(data)
    here = hashlib.sha256(site.host.encode()).digest()
    if answer.origin not in site.origins or answer.embedded or found.rp_id_hash != here:
        raise Refused(Fault.ORIGIN)
    if not found.flags.uv:
        raise Refused(Fault.UNVERIFIED)


def _described(known: Iterable[Known]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=each.credential_id,
            transports=[AuthenticatorTransport(name) for name in each.transports] or None,
        )
        for each in known
    ]
