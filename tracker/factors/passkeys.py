"""The two ceremonies of passkeys: what a browser is asked, and whether what it answers holds. It writes no row."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from tracker.factors.models import Passkey
from tracker.factors.rules import Site

#: Longest answer of a browser that is read: those of real devices stay under a tenth of it.
ANSWER_MAX = 40_000


@dataclass(frozen=True, slots=True)
class Made:
    """A passkey that a device has made."""

    credential_id: str
    public_key: str
    sign_count: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A passkey has signed what it was asked."""

    passkey_id: int
    sign_count_before: int
    sign_count: int


def ask_to_make(site: Site, house: str, owner: bytes, name: str, known: Sequence[Passkey]) -> tuple[str, str]:
    """What a browser is asked so that a device makes a passkey, as JSON, and the challenge in it. `owner`: a number for
    the account that says nothing; `known`: those it has, which are not made twice."""
    options = generate_registration_options(
        rp_id=site.host,
        rp_name=house,
        user_id=owner,
        user_name=name,
        exclude_credentials=_named(known),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )
    return options_to_json(options), bytes_to_base64url(options.challenge)


def read_made(answer: str, challenge: str, site: Site) -> Made | None:
    """The passkey in a browser's answer; None when it is none, or was made for another challenge or site."""
    if len(answer) > ANSWER_MAX:
        return None
    try:
        made = verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
        )
    except Exception:  # what somebody made up may fail anywhere in the library; whatever fails is no passkey
        return None
    key = bytes_to_base64url(made.credential_public_key)
    return Made(bytes_to_base64url(made.credential_id), key, made.sign_count)


def ask_to_show(site: Site, known: Sequence[Passkey]) -> tuple[str, str]:
    """What a browser is asked so that one of these passkeys signs, as JSON, and the challenge in it."""
    options = generate_authentication_options(
        rp_id=site.host, allow_credentials=_named(known), user_verification=UserVerificationRequirement.PREFERRED
    )
    return options_to_json(options), bytes_to_base64url(options.challenge)


def read_shown(answer: str, challenge: str, site: Site, known: Sequence[Passkey]) -> Shown | None:
    """Which of these passkeys has signed; None when none has, or for another challenge or site, or when it counts
    backwards, as a copy of it would."""
    if len(answer) > ANSWER_MAX:
        return None
    try:
        said = str(json.loads(answer)["id"])
        passkey = next((p for p in known if p.credential_id == said), None)
        if passkey is None:
            return None
        shown = verify_authentication_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
        )
    except Exception:  # as above: whatever fails has shown nothing
        return None
    return Shown(passkey.id, passkey.sign_count, shown.new_sign_count)


def _named(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(p.credential_id)) for p in passkeys]
