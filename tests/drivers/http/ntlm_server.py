"""A web server that lets in whoever proves a password by NTLM, after [MS-NLMP] and [MS-NTHT].

Each connection is asked for itself: the answer to a challenge counts on the connection on which the
challenge was given, and nowhere else. Paths: ``/data`` is what there is to read, ``/slow`` the same
after a while, ``/garbled``, ``/silent``, ``/deaf`` and ``/basic`` break off the handshake in
different ways, ``/much`` asks who it is with a body that is large once it is decompressed, and
``/seen`` (for anybody) tells what has arrived.

With a certificate it speaks TLS, and the proof has to be bound to that channel: [MS-NLMP] 2.2.2.1,
RFC 5929 and RFC 2744 for what is hashed.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import hmac
import json
import os
import ssl
import struct
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SIGNATURE = b"NTLMSSP\0"
UNICODE, TARGET, SIGN, SEAL, NTLM, ALWAYS_SIGN = 0x1, 0x4, 0x10, 0x20, 0x200, 0x8000
SERVER_TARGET, EXTENDED, TARGET_INFO, VERSION = 0x20000, 0x80000, 0x800000, 0x2000000
KEY_128, KEY_EXCHANGE, KEY_56 = 0x20000000, 0x40000000, 0x80000000
FLAGS = (
    UNICODE | TARGET | SIGN | SEAL | NTLM | ALWAYS_SIGN | SERVER_TARGET | EXTENDED | TARGET_INFO
    | VERSION | KEY_128 | KEY_EXCHANGE | KEY_56
)  # fmt: skip
COMPUTER, DOMAIN, AV_FLAGS, TIMESTAMP, BINDINGS, END = 1, 2, 6, 7, 10, 0
MIC_IS_THERE = 2
MIC = slice(72, 88)


def md4(message: bytes) -> bytes:
    """RFC 1320, which OpenSSL no longer has."""
    mask = 0xFFFFFFFF
    padded = (
        message + b"\x80" + bytes(-(len(message) + 9) % 64) + struct.pack("<Q", len(message) * 8)
    )
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    rounds = (
        (lambda x, y, z: (x & y) | (~x & z), 0, (3, 7, 11, 19), range(16)),
        (lambda x, y, z: (x & y) | (x & z) | (y & z), 0x5A827999, (3, 5, 9, 13),
         [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]),
        (lambda x, y, z: x ^ y ^ z, 0x6ED9EBA1, (3, 9, 11, 15),
         [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15]),
    )  # fmt: skip
    for start in range(0, len(padded), 64):
        words = struct.unpack("<16I", padded[start : start + 64])
        a, b, c, d = state
        for mix, constant, shifts, order in rounds:
            for step, place in enumerate(order):
                turned = (a + mix(b, c, d) + words[place] + constant) & mask
                shift = shifts[step % 4]
                a, b, c, d = d, (turned << shift | turned >> (32 - shift)) & mask, b, c
        state = [(old + new) & mask for old, new in zip(state, (a, b, c, d), strict=True)]
    return struct.pack("<4I", *state)


def rc4(key: bytes, message: bytes) -> bytes:
    box = list(range(256))
    j = 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    i = j = 0
    out = bytearray()
    for byte in message:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) % 256])
    return bytes(out)


def hmac_md5(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.md5).digest()


def response_key(user: str, domain: str, password: str) -> bytes:
    """NTOWFv2, 3.3.2."""
    return hmac_md5(md4(password.encode("utf-16-le")), (user.upper() + domain).encode("utf-16-le"))


def proof(key: bytes, challenge: bytes, temp: bytes) -> bytes:
    """NTProofStr, 3.3.2."""
    return hmac_md5(key, challenge + temp)


def pair(kind: int, value: bytes) -> bytes:
    return struct.pack("<HH", kind, len(value)) + value


def challenge_message(challenge: bytes) -> bytes:
    """2.2.1.2, with the time, so that the client has to prove what it said before as well."""
    target = "PLANT".encode("utf-16-le")
    filetime = int((time.time() + 11_644_473_600) * 10_000_000)
    info = pair(DOMAIN, target) + pair(COMPUTER, "PISERVER".encode("utf-16-le"))
    info += pair(TIMESTAMP, struct.pack("<Q", filetime)) + pair(END, b"")
    head = 56
    return (
        SIGNATURE + struct.pack("<I", 2)
        + struct.pack("<HHI", len(target), len(target), head)
        + struct.pack("<I", FLAGS) + challenge + bytes(8)
        + struct.pack("<HHI", len(info), len(info), head + len(target))
        + bytes([10, 0, 0, 0, 0, 0, 0, 15]) + target + info
    )  # fmt: skip


def field(message: bytes, place: int) -> bytes:
    length, _, offset = struct.unpack_from("<HHI", message, place)
    return message[offset : offset + length]


def told(temp: bytes, wanted: int) -> bytes:
    """Out of the client's copy of the target information, 2.2.2.7 and 2.2.2.1; or nothing."""
    place = 28
    while True:
        kind, length = struct.unpack_from("<HH", temp, place)
        if kind == wanted:
            return temp[place + 4 : place + 4 + length]
        if kind == END:
            return b""
        place += 4 + length


def bindings(certificate: bytes) -> bytes:
    """Of a channel whose end point has this certificate (DER), signed with SHA-256."""
    data = b"tls-server-end-point:" + hashlib.sha256(certificate).digest()
    # No addresses of either end, and the length before what the application adds.
    return hashlib.md5(bytes(16) + struct.pack("<I", len(data)) + data).digest()


def refused(
    messages: list[bytes], challenge: bytes, people: dict[str, str], bound: bytes
) -> str | None:
    """Why the third message does not prove a password, or None."""
    third = messages[2]
    domain, user = (field(third, place).decode("utf-16-le") for place in (28, 36))
    answer = field(third, 20)
    password = people.get(f"{domain}\\{user}")
    if password is None:
        return f"nobody is called {domain}\\{user}"
    key = response_key(user, domain, password)
    temp = answer[16:]
    if proof(key, challenge, temp) != answer[:16]:
        return "another password"
    if bound and told(temp, BINDINGS) != bound:
        return "bound to another channel"
    flags_told = told(temp, AV_FLAGS)
    if not (flags_told and struct.unpack("<I", flags_told)[0] & MIC_IS_THERE):
        return "no integrity code, although the time was told"
    session = hmac_md5(key, answer[:16])
    (flags,) = struct.unpack_from("<I", third, 60)
    if flags & KEY_EXCHANGE and flags & (SIGN | SEAL):
        session = rc4(session, field(third, 52))
    blank = third[: MIC.start] + bytes(16) + third[MIC.stop :]
    whole = messages[0] + messages[1] + blank
    return None if hmac_md5(session, whole) == third[MIC] else "a wrong integrity code"


class Handler(BaseHTTPRequestHandler):
    """One for each connection, so what it knows is of that connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.messages: list[bytes] = []
        self.challenge = b""
        self.known = False

    def log_message(self, *_: object) -> None: ...

    @property
    def scheme(self) -> str:
        """What the messages come as; Windows takes them bare in Negotiate too."""
        return "Negotiate" if self.path == "/negotiated" else "NTLM"

    def do_GET(self) -> None:
        if self.path == "/seen":
            return self.answer(200, self.server.seen)
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        seen = {
            "path": self.path,
            "connection": self.client_address[1],
            "headers": dict(self.headers),
        }
        self.server.seen.append(seen)
        if scheme == self.scheme:
            seen["outcome"] = self.handshake(base64.b64decode(token))
        elif self.known:
            seen["outcome"] = self.serve()
        else:
            offers = {"/basic": "Basic", "/negotiated": "Negotiate"}
            seen["outcome"] = self.ask(offers.get(self.path, "Negotiate, NTLM"))
        return None

    def handshake(self, message: bytes) -> str:
        (kind,) = struct.unpack_from("<I", message, 8)
        if message[:8] != SIGNATURE or kind not in (1, 3):
            return self.ask(self.scheme)
        if kind == 1:
            self.known = False
            self.challenge = os.urandom(8)
            question = challenge_message(self.challenge)
            self.messages = [message, question]
            if self.path == "/silent":
                return self.ask(None)
            if self.path == "/deaf":
                return self.ask("NTLM")
            if self.path == "/garbled":
                question = question[:20]
            return self.ask(f"{self.scheme} {base64.b64encode(question).decode()}")
        if not self.challenge:
            self.ask(self.scheme)
            return "an answer on a connection that was asked nothing"
        people, bound = self.server.people, self.server.bound
        why = refused([*self.messages, message], self.challenge, people, bound)
        self.challenge = b""
        if why is not None:
            self.ask(self.scheme)
            return why
        self.known = True
        return self.serve()

    def serve(self) -> str:
        if self.path == "/slow":
            time.sleep(0.1)
        self.answer(200, {"value": 42})
        return "served"

    def ask(self, scheme: str | None) -> str:
        if self.path == "/much":
            self.send_much()
        else:
            self.answer(401, {"Errors": ["who are you?"]}, scheme)
        return "asked"

    def send_much(self) -> None:
        bomb = gzip.compress(bytes(10_000_000), 1) * 30
        self.send_response(401)
        self.send_header("WWW-Authenticate", "NTLM")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(bomb)))
        self.end_headers()
        self.wfile.write(bomb)

    def answer(self, status: int, value: object, scheme: str | None = None) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        if scheme:
            self.send_header("WWW-Authenticate", scheme)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """Knows ``people``: passwords by ``DOMAIN\\user``."""

    daemon_threads = True

    def __init__(self, people: dict[str, str], bound: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.people = people
        self.bound = bound
        self.seen: list[dict[str, object]] = []


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=json.loads, required=True)
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--key", type=Path)
    options = parser.parse_args()
    bound = b""
    if options.certificate:
        der = ssl.PEM_cert_to_DER_cert(options.certificate.read_text())
        bound = bindings(der)
    server = Server(options.people, bound)
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(json.dumps({"port": server.server_address[1], "other": 0}), flush=True)
    server.serve_forever()
