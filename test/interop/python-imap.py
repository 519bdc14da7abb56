"""Reads and arranges a mailbox with imaplib: over TLS and over STARTTLS, every method that the library has.

Reads its settings as JSON from standard input; ends with 0 when everything was as asserted.
"""

import email
import email.policy
import imaplib
import json
import ssl
import sys

world = json.load(sys.stdin)
context = ssl.create_default_context(cafile=world["ca"])
bob = world["bob"]
ports = world["ports"]


def ok(answer):
    status, data = answer
    assert status == "OK", answer
    return data


def no(answer):
    assert answer[0] == "NO", answer


def starttls():
    client = imaplib.IMAP4("localhost", ports["imap"])
    assert "LOGINDISABLED" in client.capabilities, client.capabilities
    try:
        client.login(bob["address"], bob["password"])
        raise AssertionError("a login in clear was taken")
    except imaplib.IMAP4.error:
        pass
    client.starttls(ssl_context=context)
    return client


def tls():
    return imaplib.IMAP4_SSL("localhost", ports["imaps"], ssl_context=context)


expected = world["subjects"]
for door, authenticate in ((tls, False), (starttls, True)):
    with door() as client:
        assert "IMAP4REV1" in client.capabilities, client.capabilities
        if authenticate:
            plain = f"\0{bob['address']}\0{bob['password']}".encode()
            ok(client.authenticate("PLAIN", lambda _: plain))
        else:
            ok(client.login(bob["address"], bob["password"]))
        (count,) = ok(client.select("INBOX", readonly=True))
        assert int(count) == len(expected), count
        numbers = ok(client.search(None, "ALL"))[0].split()
        subjects = []
        for number in numbers:
            ((_, octets), _) = ok(client.fetch(number, "(BODY.PEEK[])"))
            message = email.message_from_bytes(octets, policy=email.policy.default)
            subjects.append(message["Subject"])
            if message.is_multipart():
                assert message.get_body().get_content().replace("\r\n", "\n") == "Grüße aus Python.\n.\n..\n", octets
                (attachment,) = message.iter_attachments()
                assert attachment.get_content() == bytes(range(256)), octets
                assert attachment.get_filename() == "ä.bin"
            assert message["Bcc"] is None, octets
            assert message["Date"] is not None or message["Subject"] == "from outside", octets
        assert sorted(subjects) == sorted(expected), subjects

with tls() as client:
    ok(client.login(bob["address"], bob["password"]))
    # Mailboxes.
    name = '"Python &- &AOQ-"'
    ok(client.create(name))
    no(client.create(name))
    ok(client.subscribe(name))
    assert any(b"Python" in line for line in ok(client.lsub()))
    assert any(b"Python" in line for line in ok(client.list('""', '"Py*"')))
    ok(client.unsubscribe(name))
    ok(client.rename(name, "Python"))
    no(client.select(name))
    ok(client.namespace())
    assert b"UIDNEXT 1" in ok(client.status("Python", "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN RECENT)"))[0]

    # APPEND with flags and a date, FETCH of parts, STORE of all kinds.
    draft = b"From: bob@blue.test\r\nSubject: Draft\r\n\r\nline\r\n" + b"x" * 100_000 + b"\r\n"
    when = '"17-Jul-1996 02:44:25 -0700"'
    ok(client.append("Python", r"(\Draft \Seen $Label1)", when, draft))
    no(client.append("Nowhere", None, None, draft))
    ok(client.select("Python"))
    (line,) = [line for line in ok(client.fetch("1", "(UID FLAGS INTERNALDATE RFC822.SIZE)"))]
    assert rb"\Draft" in line and rb"\Seen" in line and b"$Label1" in line, line
    assert imaplib.Internaldate2tuple(line) == imaplib.Internaldate2tuple(b'INTERNALDATE ' + when.encode()), line
    assert f"RFC822.SIZE {len(draft)}".encode() in line, line
    ((_, octets), _) = ok(client.fetch("1", "(RFC822)"))
    assert octets == draft
    ((_, part), _) = ok(client.fetch("1", "(BODY.PEEK[TEXT]<4.10>)"))
    assert part == draft.split(b"\r\n\r\n", 1)[1][4:14], part
    ok(client.store("1", "-FLAGS", r"(\Draft)"))
    ok(client.store("1", "+FLAGS.SILENT", r"(\Flagged)"))
    assert rb"\Draft" not in ok(client.fetch("1", "(FLAGS)"))[0]
    assert ok(client.search(None, "FLAGGED", "KEYWORD", "$Label1", "LARGER", "100000")) == [b"1"]
    client.literal = "Entwürfe".encode()
    assert ok(client.uid("SEARCH", "CHARSET", "UTF-8", "SUBJECT")) == [b""]
    client.literal = b"Draft"
    assert ok(client.uid("SEARCH", "CHARSET", "UTF-8", "SUBJECT")) == [b"1"]

    # COPY, MOVE, EXPUNGE.
    ok(client.copy("1", "INBOX"))
    no(client.copy("1", "Nowhere"))
    ok(client.store("1", "+FLAGS", r"(\Deleted)"))
    assert ok(client.expunge()) == [b"1"]
    ok(client.select("INBOX"))
    (copy,) = ok(client.search(None, "SUBJECT", "Draft"))
    assert "MOVE" in client.capabilities or "MOVE" in ok(client.capability())[0].decode().split()
    ok(client.uid("COPY", ok(client.fetch(copy, "(UID)"))[0].split()[-1].rstrip(b")").decode(), "Python"))
    ok(client.store(copy, "+FLAGS", r"(\Deleted)"))
    ok(client.check())
    ok(client.noop())
    ok(client.close())
    ok(client.select("INBOX"))
    assert ok(client.search(None, "SUBJECT", "Draft")) == [b""]
    ok(client.unselect())
    ok(client.delete("Python"))
    no(client.select("Python"))
