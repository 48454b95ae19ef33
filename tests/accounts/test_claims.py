"""Claims in words: names, types, values, and the words by which they are found."""

from typing import Any

import pytest

from accounts.claims import ClaimType, claim_filter, keys_of, name_checked, read, value_problem
from accounts.errors import Invalid
from tests.accounts.jwt_claims import JWT_CLAIMS


@pytest.mark.parametrize("name", ["department", "cost_center", "a", "x5", "acme.tier-2", "a" * 63])
def test_a_name(name: str) -> None:
    assert name_checked(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "Department", "5x", "_x", "x_", "a b", "a/b", "a=b", "a" * 64, "é", "clm_01h455vb4pex5vsknk084sn02q", "a\n",
     "sub", "ISS", "Email", "roles", "act", "claims", "org", "sid", "amr", "bio", "metadata", "cnf", "groups",
     "phone_number_verified", "birthdate"],
)  # fmt: skip
def test_what_is_no_name_or_taken_by_a_standard(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        name_checked(name)

    assert set(refusal.value.fields) == {"name"}


@pytest.mark.parametrize("source", JWT_CLAIMS)
def test_every_registered_name_is_refused(source: str) -> None:
    for name in JWT_CLAIMS[source].split():
        with pytest.raises(Invalid, match=r"used by a standard|lower-case letters") as refusal:
            name_checked(name.lower())

        # What begins with a letter could be a name, so that the list itself has to hold it.
        assert not name[0].isalpha() or "used by a standard" in refusal.value.message, name


def test_the_copy_of_the_registry_is_whole() -> None:
    names = [name for claims in JWT_CLAIMS.values() for name in claims.split()]

    assert len(names) == len(set(names)) == 163


@pytest.mark.parametrize(
    ("reader", "names"),
    [
        ("introspection, RFC 7662", "active scope client_id username token_type exp iat nbf sub aud iss jti"),
        ("token exchange, RFC 8693", "act may_act scope client_id"),
        ("access tokens, RFC 9068", "auth_time acr amr roles groups entitlements"),
        ("confirmation, RFC 7800, and DPoP, RFC 9449", "cnf htm htu ath nonce"),
        ("security events, RFC 8417, and back-channel logout", "events txn toe sid"),
        ("FAPI, Native SSO, SD-JWT VC", "s_hash ds_hash vct status"),
        ("Spring Security", "scope scp authorities"),
        ("Keycloak's adapters", "realm_access resource_access session_state"),
        ("MicroProfile JWT", "upn groups"),
        (".NET and Entra", "role roles unique_name nameid actort upn scp oid tid"),
        ("Cognito's libraries", "token_use"),
    ],
)
def test_what_others_read_is_refused(reader: str, names: str) -> None:
    for name in names.split():
        with pytest.raises(Invalid, match="used by a standard"):
            name_checked(name)


@pytest.mark.parametrize(
    ("kind", "given", "stored"),
    [
        ("string", "Zoe\u0308", "Zoë"),
        ("string", "", ""),
        ("integer", 5.0, 5),
        ("integer", -0.0, 0),
        ("integer", 2**53, 2**53),
        ("number", 1.5, 1.5),
        ("number", 3.0, 3),
        ("boolean", False, False),
        ("date", "2028-02-29", "2028-02-29"),
        ("strings", ["a", "b", "a"], ["a", "b", "a"]),
        ("strings", [], []),
        ("json", {"a": [1.0, -0.0, None]}, {"a": [1, 0, None]}),
        ("json", False, False),
    ],
)
def test_a_value_as_it_is_stored(kind: str, given: Any, stored: Any) -> None:
    value, problem = value_problem(kind, {}, given)

    assert problem is None
    assert (value, type(value)) == (stored, type(stored))


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("string", 5), ("string", None), ("string", "a\x00"), ("string", "\ud800"), ("string", "x" * 5_000),
        ("integer", True), ("integer", "5"), ("integer", 1.5), ("integer", 2**53 + 1), ("integer", 1e22),
        ("number", float("nan")), ("number", float("inf")), ("number", False), ("number", None),
        ("boolean", 1), ("boolean", "true"),
        ("date", "2027-02-29"), ("date", "20270228"), ("date", "2027-02-28T00:00"), ("date", "0000-01-01"), ("date", 5),
        ("strings", "a"), ("strings", ["a", 5]), ("strings", ["a", ["b"]]), ("strings", ["a"] * 201), ("strings", {}),
        ("json", None), ("json", {"a\x00": 1}), ("json", {"a": 1e22}), ("json", {"a": float("nan")}),
    ],
)  # fmt: skip
def test_what_is_no_value(kind: str, given: Any) -> None:
    assert value_problem(kind, {}, given)[1]


def test_depth_is_bounded() -> None:
    value: Any = 1
    for _ in range(3_000):
        value = [value]

    assert value_problem("json", {}, value)[1]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [("string", "5", "5"), ("date", "2026-12-31", "2026-12-31"), ("integer", "5", 5), ("strings", '["a"]', ["a"])],
)
def test_a_typed_value(kind: str, text: str, value: Any) -> None:
    assert read(kind, text) == value


@pytest.mark.parametrize("text", ["Sales", "{", "[" * 100_000, ""])
def test_typed_json_that_is_none(text: str) -> None:
    with pytest.raises(Invalid):
        read("json", text)


@pytest.mark.parametrize(
    ("kind", "value", "asked", "found"),
    [
        ("string", "Sales", "Sales", True),
        ("string", "Sales", "sales", False),
        ("string", "Zoë", "Zoe\u0308", True),
        ("string", "1", "1", True),
        ("string", "1", "1.0", False),
        ("integer", 1, "1.0", True),
        ("number", 1.5, "1.50", True),
        ("boolean", True, "true", True),
        ("integer", 1, "true", False),
        ("date", "2026-12-31", "2026-12-31", True),
        ("strings", ["en", "de"], "de", True),
        ("strings", ["en", "de"], "en,de", False),
        ("json", {"a": 1}, '{"a": 1}', False),
        ("string", "x" * 300, "x" * 300, False),
    ],
)
def test_what_a_filter_finds(kind: str, value: Any, asked: str, found: bool) -> None:
    application, name, wanted = claim_filter(f"crm/tier={asked}")

    assert (application, name) == ("crm", "tier")
    assert bool(set(wanted) & set(keys_of(ClaimType(kind), value))) is found


@pytest.mark.parametrize("text", ["", "department", "=x", "a b=x", "department=\x00", "crm/=x"])
def test_what_is_no_filter(text: str) -> None:
    with pytest.raises(Invalid):
        claim_filter(text)
