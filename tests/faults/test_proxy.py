"""The network that fault tests break: what it does when it is told to."""

import socket
import threading
import time

import pytest

from tests.harness.proxy import Proxy
from tests.harness.rabbitmq import wait_until


@pytest.fixture
def echo():
    """Port of a server that answers every byte with itself and remembers what it heard."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        HEARD[port] = bytearray()
        threading.Thread(target=_accept, args=(server, port), daemon=True).start()
        yield port


@pytest.fixture
def network(echo):
    with Proxy(echo) as proxy:
        yield proxy


def test_what_is_sent_arrives_and_is_answered(network):
    with knock(network) as client:
        client.sendall(b"hello")
        assert heard(client, 5) == b"hello"
    wait_until(lambda: network.connections == 0, "the connection stays")


def test_a_slow_network_delays_both_ways(network):
    network.slow(delay=0.15)
    with knock(network) as client:
        since = time.monotonic()
        client.sendall(b"x")
        assert heard(client, 1) == b"x"
        assert time.monotonic() - since >= 0.3


def test_a_narrow_network_lets_so_many_bytes_a_second_pass(network):
    network.slow(rate=20_000)
    with knock(network) as client:
        since = time.monotonic()
        client.sendall(b"x" * 6_000)
        assert len(heard(client, 6_000)) == 6_000
        assert time.monotonic() - since >= 0.3


def test_a_frozen_network_says_nothing_and_loses_nothing(network):
    with knock(network) as client:
        network.freeze()
        client.sendall(b"patience")
        assert silent(client)
        network.resume()
        assert heard(client, 8) == b"patience"


def test_a_new_connection_to_a_frozen_network_is_accepted_and_hears_nothing(network):
    network.freeze()
    with knock(network) as client:
        client.sendall(b"x")
        assert silent(client)


def test_one_direction_can_be_frozen_alone(network, echo):
    with knock(network) as client:
        network.freeze("down")
        client.sendall(b"got")
        assert silent(client)
        wait_until(lambda: b"got" in HEARD[echo], "the other direction is frozen too")
        network.resume()
        assert heard(client, 3) == b"got"


def test_open_connections_are_reset_and_new_ones_pass(network):
    with knock(network) as client:
        client.sendall(b"x")
        assert heard(client, 1) == b"x"
        network.drop()
        with pytest.raises(ConnectionResetError):
            heard(client, 1)
    with knock(network) as client:
        client.sendall(b"x")
        assert heard(client, 1) == b"x"


def test_a_reset_can_come_in_the_middle_of_what_is_sent(network, echo):
    with knock(network) as client:
        network.drop_after(3)
        client.sendall(b"abcdef")
        with pytest.raises(ConnectionResetError):
            heard(client, 6)
    assert b"d" not in HEARD[echo]


def test_a_cut_network_breaks_every_connection_until_it_is_mended(network):
    with knock(network) as client:
        client.sendall(b"x")
        assert heard(client, 1) == b"x"
        network.cut()
        with pytest.raises(ConnectionResetError):
            heard(client, 1)
    with pytest.raises(ConnectionResetError), knock(network) as client:
        heard(client, 1)
    network.resume()
    with knock(network) as client:
        client.sendall(b"x")
        assert heard(client, 1) == b"x"


def test_behind_the_network_there_may_be_nobody():
    # Taken, so that nobody else is there meanwhile, and not listened on.
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with Proxy(nobody.getsockname()[1]) as network, pytest.raises(ConnectionResetError), knock(network) as client:
            heard(client, 1)


HEARD: dict[int, bytearray] = {}


def _accept(server, port):
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection, port), daemon=True).start()


def _answer(connection, port):
    with connection:
        try:
            while data := connection.recv(1024):
                HEARD[port] += data
                connection.sendall(data)
        except OSError:
            return


def knock(network):
    client = socket.create_connection(("127.0.0.1", network.port), timeout=10)
    client.settimeout(10)
    return client


def heard(client, count):
    got = b""
    while len(got) < count:
        data = client.recv(count - len(got))
        assert data, "the connection ended"
        got += data
    return got


def silent(client):
    client.settimeout(0.2)
    try:
        client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(10)
    return False
