"""The air between the board and the rest of the network: a TCP relay on the loopback that can go silent.

While it is down, nothing passes in either direction and new connections hang, as with a board out of reach;
nobody is told. When it is up again, connections of before are gone (the board's network stack gave them
up), and new ones work.
"""

from __future__ import annotations

import selectors
import socket
import struct
import threading

_CHUNK = 65536
_LISTEN = 64
_CONNECT_TIMEOUT = 2.0  # seconds; the board is on this computer
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with 0 s: close() sends a reset


class Radio:
    """Relays connections to `port` at `address` to the board's own port, `target`. Raises OSError when
    `port` is taken.
    """

    def __init__(self, port: int, target: int, address: str = "127.0.0.1") -> None:
        self._target = target
        self._is_up = True
        self._done = threading.Event()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind((address, port))
        except OSError:
            self._listener.close()
            raise
        self._listener.listen(_LISTEN)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._bell, self._bell_end = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._bell_end, selectors.EVENT_READ)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._peers: dict[socket.socket, socket.socket] = {}
        self._unsent: dict[socket.socket, bytes] = {}
        self._ended: set[socket.socket] = set()  # sockets whose peer has sent all that it will
        self._thread = threading.Thread(target=self._run, name="board-radio", daemon=True)
        self._thread.start()

    def set_up(self, is_up: bool) -> None:
        """Switch the air on or off. Returns when it is so."""
        self._command(b"+" if is_up else b"-")

    def close(self) -> None:
        """Drop every connection and the port."""
        if self._thread.is_alive():
            self._command(b"x")
            self._thread.join()

    def _command(self, command: bytes) -> None:
        self._done.clear()
        self._bell.send(command)
        self._done.wait()

    def _run(self) -> None:
        command = b""
        while command != b"x":
            for key, events in self._selector.select():
                if key.fileobj is self._bell_end:
                    command = self._bell_end.recv(1)
                    self._switch(command == b"+")
                    self._done.set()
                    break  # what else was ready may be gone now
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj in self._peers:
                    self._relay(key.fileobj, events)  # type: ignore[arg-type]
        for end in list(self._peers):
            if end in self._peers:
                self._drop(end)
        for end in (self._listener, self._bell, self._bell_end):
            end.close()
        self._selector.close()

    def _switch(self, is_up: bool) -> None:
        if is_up and not self._is_up:
            # What tried to reach the board meanwhile never did, and what was connected is no longer.
            for end in list(self._peers):
                if end in self._peers:  # its peer may have taken it along
                    self._drop(end)
            while self._accept(refuse=True):
                pass
            self._selector.register(self._listener, selectors.EVENT_READ)
        elif not is_up and self._is_up:
            self._selector.unregister(self._listener)
            for end in self._peers:
                if end in self._selector.get_map():
                    self._selector.unregister(end)
        self._is_up = is_up

    def _accept(self, refuse: bool = False) -> bool:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return False
        board = None
        if not refuse:
            try:
                board = socket.create_connection(("127.0.0.1", self._target), _CONNECT_TIMEOUT)
            except OSError:
                board = None  # the board is off, or does not listen yet
        if board is None:
            _reset(client)
            return True
        for end, peer in ((client, board), (board, client)):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers[end] = peer
            self._unsent[end] = b""
            self._selector.register(end, selectors.EVENT_READ)
        return True

    def _relay(self, end: socket.socket, events: int) -> None:
        """Move what has come to `end` to its peer, no faster than the peer takes it."""
        peer = self._peers[end]
        try:
            if events & selectors.EVENT_READ:
                data = end.recv(_CHUNK)
                if data:
                    self._unsent[peer] += data
                else:
                    self._ended.add(peer)
                self._flush(peer)
            if end in self._peers and events & selectors.EVENT_WRITE:
                self._flush(end)
        except OSError:
            self._drop(end)
            return
        for one in (end, peer):
            if one in self._peers:
                self._watch(one)

    def _flush(self, end: socket.socket) -> None:
        while self._unsent[end]:
            try:
                sent = end.send(self._unsent[end])
            except BlockingIOError:
                return
            self._unsent[end] = self._unsent[end][sent:]
        if end in self._ended:
            end.shutdown(socket.SHUT_WR)
            if self._peers[end] in self._ended:
                self._drop(end, reset=False)

    def _watch(self, end: socket.socket) -> None:
        """Ask the selector for what `end` can do next."""
        events = selectors.EVENT_WRITE if self._unsent[end] else 0
        peer = self._peers[end]
        if peer not in self._ended and not self._unsent[peer]:
            events |= selectors.EVENT_READ
        if end in self._selector.get_map():
            if events:
                self._selector.modify(end, events)
            else:
                self._selector.unregister(end)
        elif events:
            self._selector.register(end, events)

    def _drop(self, end: socket.socket, reset: bool = True) -> None:
        for one in (end, self._peers[end]):
            if one in self._selector.get_map():
                self._selector.unregister(one)
            del self._peers[one], self._unsent[one]
            self._ended.discard(one)
            if reset:
                _reset(one)
            else:
                one.close()


def _reset(end: socket.socket) -> None:
    """Close a connection so that the other side is told of a reset, not of an orderly end."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    end.close()
