import pytest
from litestar.testing import RequestFactory

from api.auth import client_address
from domain.caller import network_of


@pytest.mark.parametrize(
    ("forwarded", "hops", "address"),
    [
        pytest.param("203.0.113.7", 0, "192.0.2.1", id="ignored without a trusted proxy"),
        pytest.param("", 1, "192.0.2.1", id="none given"),
        pytest.param("203.0.113.7", 1, "203.0.113.7", id="one proxy of ours"),
        pytest.param("198.51.100.1, 203.0.113.7", 1, "203.0.113.7", id="the client's own lie"),
        pytest.param("6.6.6.6, 198.51.100.1, 10.0.0.1", 2, "198.51.100.1", id="two of ours"),
        pytest.param("203.0.113.7", 2, "192.0.2.1", id="fewer hops than proxies"),
    ],
)
def test_only_trusted_proxies_say_where_a_request_is_from(forwarded, hops, address):
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().get("/", headers=headers)
    request.scope["client"] = ("192.0.2.1", 1)

    assert client_address(request.scope, hops) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("testclient", "testclient"),
    ],
)
def test_a_network_is_the_prefix_one_household_has(address, network):
    assert network_of(address) == network
