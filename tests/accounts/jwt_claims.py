"""IANA's registry "JSON Web Token Claims" (iana.org/assignments/jwt), as of 2026-06-29, by what defines each name.

Typed from two public copies of it that agree, name by name; 163 of them.
"""

from typing import Final

__all__ = ["JWT_CLAIMS"]

JWT_CLAIMS: Final = {
    "RFC 7519": "iss sub aud exp nbf iat jti",
    "OpenID Connect Core 1.0": (
        "name given_name family_name middle_name nickname preferred_username profile picture website email "
        "email_verified gender birthdate zoneinfo locale phone_number phone_number_verified address "
        "updated_at azp nonce auth_time at_hash c_hash acr amr sub_jwk _claim_names _claim_sources"
    ),
    "OpenID Connect Front-Channel Logout 1.0": "sid",
    "RFC 7800": "cnf",
    "RFC 8055": "sip_from_tag sip_date sip_callid sip_cseq_num sip_via_branch",
    "RFC 8225": "orig dest mky",
    "RFC 8417": "events toe txn",
    "RFC 8443": "rph",
    "RFC 8485": "vot vtm",
    "RFC 8588": "attest origid",
    "RFC 8693": "act scope client_id may_act",
    "RFC 8688": "jcard",
    "ETSI GS NFV-SEC 022": "at_use_nbr",
    "RFC 8946": "div opt",
    "W3C Verifiable Credentials 1.0": "vc vp",
    "RFC 9027": "sph",
    "RFC 9200": "ace_profile cnonce exi",
    "RFC 9068": "roles groups entitlements",
    "RFC 9701": "token_introspection",
    "RFC 9711": (
        "eat_nonce ueid sueids oemid hwmodel hwversion oemboot dbgstat location eat_profile submods uptime "
        "bootcount bootseed dloas swname swversion manifests measurements measres intuse"
    ),
    "RFC 9246": "cdniv cdnicrit cdniip cdniuc cdniets cdnistt cdnistd",
    "RFC 9321": "sig_val_claims",
    "RFC 9396": "authorization_details",
    "OpenID Connect for Identity Assurance": (
        "verified_claims place_of_birth nationalities birth_family_name birth_given_name birth_middle_name "
        "salutation title msisdn also_known_as"
    ),
    "RFC 9449": "htm htu ath",
    "RFC 9447": "atc",
    "RFC 9493": "sub_id",
    "RFC 9795": "rcd rcdi crn",
    "RFC 9475": "msgi",
    "RFC 9560": "rdap_allowed_purposes rdap_dnt_allowed",
    "CTA-5009": "geohash",
    "RFC 9901": "_sd ... _sd_alg sd_hash",
    "3GPP TS 29.510": (
        "consumerPlmnId consumerSnpnId producerPlmnId producerSnpnId producerSnssaiList producerNsiList "
        "producerNfSetId producerNfServiceSetId sourceNfInstanceId analyticsIdList"
    ),
    "3GPP TS 29.222": "resOwnerId",
    "RATS Conceptual Message Wrapper": "cmw",
    "OpenID Federation 1.0": (
        "jwks metadata constraints crit ref delegation logo_uri authority_hints trust_anchor_hints "
        "trust_marks trust_mark_issuers trust_mark_owners metadata_policy metadata_policy_crit "
        "source_endpoint keys trust_mark_type trust_chain trust_anchor"
    ),
    "Token Status List": "status status_list ttl",
    "STIR OCSP staple": "stpl",
}
