import pytest

from capture.readers.headers import ipv6_header_length, link_length


@pytest.mark.parametrize(
    ("protocols", "length"),
    [
        ("eth:ethertype:ip:tcp", 14),
        ("eth:ethertype:ip:tcp:data", 14),
        ("eth:ethertype:ip:tcp:tls:x509sat", 14),
        ("eth:ethertype:vlan:ethertype:ip:tcp", 18),
        ("eth:ethertype:vlan:ethertype:vlan:ethertype:ipv6:tcp", 22),
        ("eth:ethertype:ipv6:ipv6.hopopts:ipv6.dstopts:tcp:tls", 14),
        ("null:ip:tcp", 4),
        ("sll:ethertype:ip:tcp", 16),
        ("raw:ip:tcp", 0),
        ("ip:tcp:data", 0),
        ("ipv6:ipv6.fraghdr:tcp", 0),
        ("eth:ethertype:ieee8021ad:ethertype:vlan:ethertype:ip:tcp", 22),
        ("eth:ethertype:vlan:ethertype:ieee8021ad:ethertype:ip:tcp", 22),
    ],
)
def test_plain_tcp(protocols: str, length: int) -> None:
    assert link_length(protocols) == length


@pytest.mark.parametrize(
    "protocols",
    [
        "eth:ethertype:ip:icmp:ip:tcp",
        "eth:ethertype:ip:ip:tcp",
        "eth:ethertype:ipv6:ip:tcp",
        "eth:ethertype:ip:ipv6:tcp",
        "eth:ethertype:ip:udp:data",
        "eth:ethertype:ip",
        "eth:ethertype:arp",
        "eth:ethertype:ieee8021ad:ethertype:ieee8021ad:ethertype:ip:tcp",
        "eth:ethertype:ipv6:ah:tcp",
        "ip:ipv6:tcp",
        "ipv6:ip:tcp",
        "eth",
        "unknown:ip:tcp",
        "",
    ],
)
def test_everything_else(protocols: str) -> None:
    assert link_length(protocols) is None


def test_what_the_names_do_not_tell() -> None:
    assert link_length("sll:ethertype:ip:tcp", sll_ifindex=True) == 20
    assert link_length("sll:ethertype:vlan:ethertype:ip:tcp", sll_ifindex=True) == 24
    assert link_length("eth:ethertype:ieee8021ad:ethertype:ip:tcp", cvid=True) is None


def test_ipv6_header_length() -> None:
    assert ipv6_header_length(40 + 27, 27, 27) == 40
    assert ipv6_header_length(40 + 8 + 27, 8 + 27, 27) == 48, "with an extension header"
    assert ipv6_header_length(40 + 27 + 6, 27, 27) == 40, "padding after the packet"
    assert ipv6_header_length(40 + 27, 0, 27) == 40, "a length that the network card was to fill in"
    assert ipv6_header_length(40 + 27, 0xFFFF, 27) == 40, "a length longer than the frame"
