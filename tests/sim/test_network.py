"""The network: the mapped port, the Wi-Fi that goes and comes back, and connections that die with it."""

from __future__ import annotations

import socket

import pytest

from pinwarden_sim import Board, BoardError

SERVER = """
import asyncio, network, socket

sta = network.WLAN(network.STA_IF)
sta.active(True)
network.hostname("door")
sta.connect("home", "a password")

async def accept():
    listener = socket.socket()
    listener.setblocking(False)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    address = socket.getaddrinfo("0.0.0.0", 80)[0][-1]
    listener.bind(address)
    listener.listen(4)
    waiting = asyncio.StreamReader(listener)
    while True:
        await waiting.readinto(bytearray(0))
        client, _ = listener.accept()
        client.setblocking(False)
        asyncio.create_task(echo(client))

async def echo(client):
    stream = asyncio.StreamReader(client)
    try:
        while True:
            await stream.readinto(bytearray(0))
            data = client.recv(100000)
            if not data:
                break
            stream.write(data)
            await stream.drain()
    except OSError:
        pass
    finally:
        await stream.wait_closed()

async def watch():
    last = None
    while True:
        now = sta.isconnected()
        if now != last:
            print("connected", now, sta.ifconfig()[0], sta.status() == network.STAT_GOT_IP)
            last = now
        await asyncio.sleep_ms(5)

async def main():
    asyncio.create_task(watch())
    await accept()

asyncio.run(main())
"""


def connect(board: Board, timeout: float = 5) -> socket.socket:
    return socket.create_connection(("127.0.0.1", board.port), timeout)


def exchange(client: socket.socket, data: bytes) -> bytes:
    client.sendall(data)
    got = b""
    while len(got) < len(data):
        part = client.recv(65536)
        if not part:
            break
        got += part
    return got


@pytest.mark.parametrize(
    "radio", [pytest.param(False, id="directly"), pytest.param(True, id="through the radio")]
)
def test_port_80_is_reached_at_the_hosts_port(board, radio):
    made = board(SERVER, http=True, radio=radio)
    assert made.url == f"http://127.0.0.1:{made.port}"
    with connect(made) as client:
        assert exchange(client, b"hello") == b"hello"
        big = bytes(range(256)) * 2000
        assert exchange(client, big) == big


def test_a_chosen_port(board):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = board(SERVER, http=True, port=port)
    assert made.port == port
    connect(made).close()


def test_wifi_down_and_up(board):
    made = board(SERVER, http=True, radio=True)
    made.wait(lambda: "connected True 127.0.0.1 True" in made.serial)
    old = connect(made)
    assert exchange(old, b"before") == b"before"

    made.wifi.down()
    made.wait(lambda: "connected False 0.0.0.0 False" in made.serial)
    old.settimeout(0.2)
    old.sendall(b"lost")
    with pytest.raises(TimeoutError):
        old.recv(1)
    with connect(made, 0.2) as late:  # the host's kernel takes it, the board does not
        late.sendall(b"anyone?")
        with pytest.raises(TimeoutError):
            late.recv(1)

    made.wifi.up()
    made.wait(lambda: made.serial.count("connected True 127.0.0.1 True") == 2)
    with old, pytest.raises(ConnectionResetError):
        old.recv(1)
    with connect(made) as client:
        assert exchange(client, b"again") == b"again"


def test_wifi_survives_a_reset_of_the_board(board):
    made = board(SERVER, http=True, radio=True)
    port = made.port
    made.wifi.down()
    made.reset()
    made.wait(lambda: made.serial[-1].startswith("connected False"))
    made.wifi.up()
    made.wait(lambda: made.serial[-1].startswith("connected True"))
    with connect(made) as client:
        assert exchange(client, b"same port") == b"same port"
    assert made.port == port


def test_orderly_ends_pass_the_radio(board):
    """A client that shuts down its side still gets the rest, then the end."""
    made = board(SERVER, http=True, radio=True)
    with connect(made) as client:
        client.sendall(b"last words")
        client.shutdown(socket.SHUT_WR)
        got = b""
        while part := client.recv(100):
            got += part
        assert got == b"last words"


def test_a_board_without_radio_says_how(board):
    made = board(SERVER, http=True)
    with pytest.raises(BoardError, match="radio=True"):
        made.wifi.down()


def test_the_driver_refuses_a_second_connect_while_it_is_at_the_first(board, idle):
    made = board(
        """
        import network
        sta = network.WLAN(network.STA_IF)
        try:
            sta.connect("home", "x")
        except OSError as error:
            print(error)
        sta.active(True)
        sta.connect("home", "x")
        sta.connect("home", "x")
        print(sta.isconnected(), sta.config("ssid"), network.WLAN(network.STA_IF) is sta)
        sta.disconnect()
        print(sta.isconnected())
        try:
            network.hostname("x" * 33)
        except ValueError:
            print("too long")
        """
    )
    made.wait(lambda: made.state == "repl")
    assert made.serial[:4] == ["Wifi Not Started", "True home True", "False", "too long"]


def test_the_boards_own_access_point(board, idle):
    """It is open until the firmware says otherwise, as ESP-IDF's is. The host sees what is on the air."""
    made = board(
        """
        import network
        ap = network.WLAN(network.AP_IF)
        print(ap.active(), ap.config("security") == network.WLAN.SEC_OPEN)
        ap.config(ssid="door-setup", key="k7mw-3hfp", security=network.WLAN.SEC_WPA2, max_clients=4)
        print(ap.config("ssid"), ap.config("security"), ap.ifconfig()[0], ap.isconnected())
        """
    )
    made.wait(lambda: made.state == "repl")
    assert made.serial[:2] == ["False True", "door-setup 3 192.168.4.1 False"]
    assert made.wifi.access_point is None
    made = board("import network\nnetwork.WLAN(network.AP_IF).active(True)\n" + idle)
    made.wait(lambda: made.wifi.access_point)
    assert made.wifi.access_point["security"] == 0
    made.power_cut()
    assert made.wifi.access_point is None


OWN = """
import network
ap = network.WLAN(network.AP_IF)
ap.config(ssid="door-setup", key="k7mw-3hfp", security=3)
ap.active(True)
"""


def test_the_boards_own_access_point_reaches_it_when_the_other_does_not(board):
    made = board(OWN + SERVER, http=True, radio=True)
    made.wait(lambda: made.wifi.access_point)
    made.wifi.down()
    made.wait(lambda: "connected False 0.0.0.0 False" in made.serial)
    with connect(made) as client:
        assert exchange(client, b"from a phone nearby") == b"from a phone nearby"
    made.reset()
    made.wait(lambda: made.wifi.access_point)
    made.start()
    with connect(made) as client:
        assert exchange(client, b"again") == b"again"
    made.power_cut()
    assert made.wifi.access_point is None
    with connect(made, 0.2) as late, pytest.raises(TimeoutError):  # the host's kernel takes it, nobody else
        late.recv(1)


def test_the_boards_own_access_point_is_gone_when_it_is_switched_off(board, idle):
    made = board(OWN + "ap.active(False)\nprint('off')\n" + idle)
    made.wait(lambda: "off" in made.serial)
    assert made.wifi.access_point is None
