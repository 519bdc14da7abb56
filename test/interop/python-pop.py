"""Reads and removes messages with poplib: over TLS and over STLS, every method that the library has.

Reads its settings as JSON from standard input; ends with 0 when everything was as asserted.
"""

import json
import poplib
import ssl
import sys

poplib._MAXLINE = 100_000
world = json.load(sys.stdin)
context = ssl.create_default_context(cafile=world["ca"])
bob = world["bob"]
ports = world["ports"]
count = len(world["subjects"])


def stls():
    client = poplib.POP3("localhost", ports["pop3"], timeout=10)
    capabilities = client.capa()
    assert "STLS" in capabilities and "USER" not in capabilities, capabilities
    client.stls(context=context)
    return client


def tls():
    return poplib.POP3_SSL("localhost", ports["pop3s"], timeout=10, context=context)


def refused(call, *args):
    try:
        call(*args)
    except poplib.error_proto as error:
        assert error.args[0].startswith(b"-ERR"), error
        return
    raise AssertionError(f"not refused: {args}")


names = []
for door in (tls, stls):
    client = door()
    capabilities = client.capa()
    for capability in ("USER", "UIDL", "TOP", "SASL", "PIPELINING", "RESP-CODES"):
        assert capability in capabilities, capabilities
    client.user(bob["address"])
    client.pass_(bob["password"])
    messages, octets = client.stat()
    assert messages == count, messages
    sizes = [int(line.split()[1]) for line in client.list()[1]]
    assert sum(sizes) == octets
    for number, size in enumerate(sizes, 1):
        _, lines, _ = client.retr(number)
        assert sum(len(line) + 2 for line in lines) == size, number
        head = client.top(number, 0)[1]
        assert lines[: len(head)] == head and head[-1] == b"", head
    names.append([line.split()[1] for line in client.uidl()[1]])
    refused(client.retr, count + 1)
    client.dele(1)
    refused(client.retr, 1)
    refused(client.dele, 1)
    assert client.stat()[0] == count - 1
    client.rset()
    assert client.stat() == (count, octets)
    client.noop()
    client.quit()
assert names[0] == names[1] and len(set(names[0])) == count, names

# A connection that ends without QUIT removes nothing; QUIT does.
client = tls()
client.user(bob["address"])
client.pass_(bob["password"])
client.dele(1)
client.close()
client = tls()
client.user(bob["address"])
client.pass_(bob["password"])
assert client.stat()[0] == count
client.dele(1)
client.quit()
client = tls()
client.user(bob["address"])
client.pass_(bob["password"])
assert [line.split()[1] for line in client.uidl()[1]] == names[0][1:]
client.quit()

client = tls()
client.user(bob["address"])
refused(client.pass_, "wrong")
client.close()
