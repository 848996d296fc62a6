"""The network that an address is in: what attempts are counted by, so that nothing of an address is kept."""

from __future__ import annotations

import ipaddress


def network(address: str) -> str:
    """The network that an address is in: 256 addresses of IPv4, a site's of IPv6; blank for none.

    >>> network("203.0.113.77"), network("2001:db8:1:2::3"), network("::ffff:203.0.113.9"), network("testclient")
    ('203.0.113.0/24', '2001:db8:1::/48', '203.0.113.0/24', '')
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network(f"{found}/{24 if found.version == 4 else 48}", strict=False))
