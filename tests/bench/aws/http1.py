"""As much HTTP/1.1 as functions and stand-ins speak, at a small and constant cost."""

import socket
import threading
from contextlib import suppress


def requests(connection):
    """The HTTP/1.1 requests of a connection: method, path, headers (names in lower case), body."""
    buffer = b""

    def more() -> bytes:
        piece = connection.recv(65_536)
        if not piece:
            raise ConnectionError
        return piece

    while True:
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            buffer += more()
        first, *lines = buffer[:end].decode("latin-1").split("\r\n")
        buffer = buffer[end + 4 :]
        method, path, _ = first.split(" ")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while True:
                while (end := buffer.find(b"\r\n")) < 0:
                    buffer += more()
                size = int(buffer[:end].partition(b";")[0], 16)
                while len(buffer) < end + 2 + size + 2:
                    buffer += more()
                body += buffer[end + 2 : end + 2 + size]
                buffer = buffer[end + 4 + size :]
                if size == 0:
                    break
        else:
            length = int(headers.get("content-length", 0))
            while len(buffer) < length:
                buffer += more()
            body, buffer = buffer[:length], buffer[length:]
        yield method, path, headers, body


def response(status: int, body: bytes, head: str = "", content_type: str = "application/json") -> bytes:
    """A whole answer, to be sent in one write."""
    return (
        f"HTTP/1.1 {status} .\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n{head}\r\n"
    ).encode() + body


def serve(answer, tls=None) -> int:
    """Serves on a free port of 127.0.0.1 until this program ends; returns the port.

    `answer(method, path, headers, body)` returns the bytes to send; `tls` is an `ssl.SSLContext`.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def connection(raw: socket.socket):
        with suppress(OSError), raw:
            # Otherwise answers wait 40 ms for an acknowledgement.
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = tls.wrap_socket(raw, server_side=True) if tls else raw
            with stream:
                for request in requests(stream):
                    stream.sendall(answer(*request))

    def accept():
        while True:
            raw, _ = listener.accept()
            threading.Thread(target=connection, args=(raw,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]
