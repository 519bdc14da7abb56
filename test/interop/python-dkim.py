"""python3-dkim as another signer and verifier of DKIM: `verify RECORDS` or `sign`.

One message a line of stdin, in base64, and a line of the answer for each. To verify: RECORDS is a JSON file of names to
texts, in the place of DNS. To sign: before the message stand the key's file, selector, domain and algorithm.
"""
import base64
import json
import sys

import dkim


def verify(path):
    with open(path) as file:
        records = json.load(file)

    def lookup(name, timeout=5):
        text = records.get(name.decode().rstrip("."))
        return None if text is None else text.encode()

    for line in sys.stdin:
        message = base64.b64decode(line)
        names = [name.lower() for name, _ in dkim.DKIM(message).headers]
        results = []
        for index in range(names.count(b"dkim-signature")):
            try:
                good = dkim.DKIM(message).verify(idx=index, dnsfunc=lookup)
                results.append("pass" if good else "fail")
            except dkim.DKIMException as error:
                results.append(f"error: {error}")
        print(json.dumps(results))


def sign():
    for line in sys.stdin:
        path, selector, domain, algorithm, octets = line.split()
        with open(path, "rb") as file:
            key = file.read()
        if algorithm == "ed25519-sha256":
            # The seed alone, in base64: the last 32 octets of PKCS #8.
            key = base64.b64encode(base64.b64decode(b"".join(key.split(b"\n")[1:-2]))[-32:])
        field = dkim.sign(
            base64.b64decode(octets),
            selector.encode(),
            domain.encode(),
            key,
            canonicalize=(b"relaxed", b"simple"),
            signature_algorithm=algorithm.encode(),
        )
        print(base64.b64encode(field).decode())


{"verify": verify, "sign": sign}[sys.argv[1]](*sys.argv[2:])
