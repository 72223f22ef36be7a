"""Which addresses a webhook may lead to: forty that are forbidden, in eight families, and the exceptions."""

import pytest

from shared.errors import Invalid
from shared.webhooks.addresses import AddressRules, ForbiddenAddress

OUTSIDE = AddressRules()
FAMILIES = {
    "private": ["10.0.0.1", "10.255.255.254", "172.16.0.1", "172.31.255.254", "192.168.1.1", "fc00::1", "fd12:3456::1"],
    "loopback": ["127.0.0.1", "127.8.8.8", "0.0.0.0", "::1", "::"],  # forbidden, not listened at
    "link-local": ["169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1"],
    "shared (CGNAT)": ["100.64.0.1", "100.100.100.200", "100.127.255.254"],
    "IPv4-mapped": [
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:192.168.0.1",
        "::127.0.0.1",
    ],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1"],
    "6to4": ["2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::1", "2002:a9fe:a9fe::"],
    "Teredo": ["2001:0:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:0:a00:1::1"],
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1", "ff05::1:3"],
}
FORBIDDEN = [(family, address) for family, addresses in FAMILIES.items() for address in addresses]


def test_there_are_at_least_forty_in_eight_families() -> None:
    assert len(FORBIDDEN) >= 40
    assert len(FAMILIES) >= 8


@pytest.mark.parametrize(("family", "address"), FORBIDDEN)
def test_an_address_that_is_not_public_is_not_called(family: str, address: str) -> None:
    with pytest.raises(ForbiddenAddress):
        OUTSIDE.require(address, tls=True)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "114.114.114.114", "2400:3200::1", "64:ff9b::101:101", "::ffff:1.1.1.1"]
)
def test_a_public_address_may_be_called(address: str) -> None:
    assert OUTSIDE.require(address, tls=True)


def test_no_address_outside_is_called_without_tls() -> None:
    with pytest.raises(ForbiddenAddress):
        OUTSIDE.require("1.1.1.1", tls=False)
    with pytest.raises(ForbiddenAddress):
        AddressRules.of("10.1.0.0/16").require("1.1.1.1", tls=False)


def test_a_network_of_the_county_may_be_called_also_without_tls_and_no_other() -> None:
    rules = AddressRules.of("10.1.0.0/16")

    assert rules.require("10.1.2.3", tls=False) == "10.1.2.3"
    with pytest.raises(ForbiddenAddress):
        rules.require("10.2.2.3", tls=True)
    with pytest.raises(ForbiddenAddress):
        rules.require("127.0.0.1", tls=True)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("ftp://a.example/", "form"),
        ("https:///x", "form"),
        ("https://user@a.example/", "form"),
        ("https://a.example/#x", "form"),
        ("https://a.example/中", "form"),
        ("https://a.example:x/", "form"),
        ("https://a.example/13812345678", "personal"),
        ("http://a.example/", "tls"),
        ("https://127.0.0.1/", "address"),
        ("https://[::ffff:10.0.0.1]/", "address"),
        ("https://a.example/" + "x" * 300, "length"),
    ],
)
def test_a_wrong_url_is_refused_with_its_rule(url: str, rule: str) -> None:
    with pytest.raises(Invalid) as refused:
        OUTSIDE.require_url(url)

    assert [violation.rule for violation in refused.value.violations] == [rule]
