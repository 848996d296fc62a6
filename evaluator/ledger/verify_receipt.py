#!/usr/bin/env python3
"""Does a receipt prove that its entry stands in a log? Needs Python 3.8 and nothing else: python3 verify_receipt.py
RECEIPT KEY, where KEY is NAME+ID+KEY from somewhere else than the receipt. Exit codes: 0 yes, 1 no, 2 wrong input."""

import base64
import re
import sys
from hashlib import sha256, sha512

P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def check(holds, otherwise):
    if not holds:
        raise ValueError(otherwise)


def decoded(text):
    data = base64.b64decode(text, validate=True)
    check(base64.b64encode(data).decode() == text, "base64 in a second spelling")
    return data


def point(data):  # Ed25519, RFC 8032, 5.1.3: x, y, z, x*y/z
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y % 2**255
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    check(len(data) == 32 and y < P and (x * x - square) % P == 0 and (x or not sign), "no point of the curve")
    x = x if x % 2 == sign else P - x
    return x, y, 1, x * y % P


def times(number, p):  # 5.1.4
    total = (0, 1, 1, 0)
    for bit in bin(number)[2:]:
        for q in (total, p)[: 1 + int(bit)]:  # double, and add if the digit is 1
            total = add(total, q)
    return total


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * p[3] * q[3] * D, 2 * p[2] * q[2]
    return (b - a) * (d - c) % P, (d + c) * (b + a) % P, (d - c) * (d + c) % P, (b - a) * (b + a) % P


def check_signature(key, text, signature):
    public, base = point(key), point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    check(times(8, public)[0] % P, "the key is of small order: anybody can sign with it")
    s = int.from_bytes(signature[32:], "little")
    challenge = int.from_bytes(sha512(signature[:32] + key + text).digest(), "little") % ORDER
    p, q = times(s, base), add(point(signature[:32]), times(challenge, public))
    same = (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0
    check(len(signature) == 64 and s < ORDER and same, "the signature is wrong")


def verify(receipt, name, ident, key):
    head, _, note = receipt.partition("\n\n")
    text, _, end = note.rpartition("\n\n")
    parts = re.fullmatch(r"c2sp\.org/tlog-proof@v1\nextra (\S+)\nindex (0|[1-9]\d{0,18})((?:\n\S+)*)", head, re.A)
    signed = re.fullmatch(r"([^\n]+)\n(0|[1-9]\d{0,18})\n(\S+)(?:\n[^\n]+)*", text, re.A)
    lines = re.findall("\u2014 (\\S+) (\\S+)\n", end)
    check(parts and signed and "".join(f"\u2014 {who} {data}\n" for who, data in lines) == end, "this is no receipt")
    ours = [data for who, data in ((who, decoded(data)) for who, data in lines) if who == name and data[:4] == ident]
    check(ours and signed[1] == name, f"the head is not signed with the key of {name}")
    for signature in ours:
        check_signature(key, f"{text}\n".encode(), signature[4:])
    entry, place, size = decoded(parts[1]), int(parts[2]), int(signed[2])
    root, at, last = sha256(b"\0" + entry).digest(), place, size - 1
    check(at <= last, "the entry is outside the log")
    for one in map(decoded, parts[3].split()):  # RFC 9162, 2.1.3.2
        check(len(one) == 32 and last, "the proof is too long")
        right = at % 2 or at == last
        root = sha256(b"\1" + (one + root if right else root + one)).digest()
        while right and at and not at % 2:
            at, last = at // 2, last // 2
        at, last = at // 2, last // 2
    check(last == 0 and root == decoded(signed[3]), "the entry does not stand at this place of the log")
    return f"{name}, entry {place} of {size}\n{entry.decode()}"


if __name__ == "__main__":
    try:
        name, ident, key = sys.argv[2].split("+", 2)
        check(sha256(f"{name}\n".encode() + decoded(key)).digest()[:4].hex() == ident, "the key was mistyped")
        receipt = open(sys.argv[1], "rb").read().decode()  # noqa: SIM115
    except (OSError, ValueError, IndexError) as error:
        sys.exit(print("WRONG INPUT:", error, "\n" + __doc__) or 2)
    try:
        print("VERIFIED:", verify(receipt, name, bytes.fromhex(ident), decoded(key)[1:]))
    except ValueError as error:
        sys.exit(print("NOT VERIFIED:", error) or 1)
