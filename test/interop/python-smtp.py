"""Sends one message by each way that smtplib has, and tries what must be refused.

Reads its settings as JSON from standard input; ends with 0 when everything was as asserted.
"""

import json
import smtplib
import ssl
import sys
from email.message import EmailMessage

world = json.load(sys.stdin)
context = ssl.create_default_context(cafile=world["ca"])
alice, bob = world["alice"], world["bob"]
ports = world["ports"]


def starttls():
    client = smtplib.SMTP("localhost", ports["msa"], timeout=10)
    client.ehlo()
    assert not client.has_extn("auth"), "a login is offered before TLS"
    client.starttls(context=context)
    client.ehlo()
    return client


def tls():
    client = smtplib.SMTP_SSL("localhost", ports["msas"], timeout=10, context=context)
    client.ehlo()
    return client


def letter(subject):
    message = EmailMessage()
    message["From"] = alice["address"]
    message["To"] = bob["address"]
    message["Bcc"] = "alice@red.test"
    message["Subject"] = subject
    message.set_content("Grüße aus Python.\n.\n..\n")
    message.add_attachment(bytes(range(256)), maintype="application", subtype="octet-stream", filename="ä.bin")
    return message


def refused(code, enhanced, call, *args):
    try:
        call(*args)
    except smtplib.SMTPResponseException as error:
        assert error.smtp_code == code and error.smtp_error.startswith(enhanced), error
        return
    raise AssertionError(f"not refused: {args}")


for name, door in (("starttls", starttls), ("tls", tls)):
    with door() as client:
        assert "PLAIN" in client.esmtp_features["auth"] and "LOGIN" in client.esmtp_features["auth"], client.esmtp_features
        for extension in ("size", "8bitmime", "pipelining", "enhancedstatuscodes"):
            assert client.has_extn(extension), extension
        refused(535, b"5.7.8", client.login, alice["address"], "wrong")
    with door() as client:
        client.login(alice["address"], alice["password"])
        assert client.send_message(letter(f"by {name}")) == {}

# One of two recipients is unknown: the other gets the message, and the reply is per recipient.
with tls() as client:
    client.login(alice["address"], alice["password"])
    answer = client.sendmail(alice["address"], [bob["address"], "nobody@blue.test"], letter("to two").as_bytes())
    assert list(answer) == ["nobody@blue.test"] and answer["nobody@blue.test"][0] == 550, answer
    assert answer["nobody@blue.test"][1].startswith(b"5.1.1"), answer

# The connection goes on after a refusal, a NOOP, a RSET and a VRFY.
with tls() as client:
    client.login(alice["address"], alice["password"])
    assert client.noop()[0] == 250
    assert client.mail(alice["address"])[0] == 250
    assert client.rset()[0] == 250
    assert client.verify(bob["address"])[0] in (250, 252)
    assert client.docmd("XYZZY")[0] == 500
    assert client.send_message(letter("after all that")) == {}

# Port 25: without a login, opportunistic TLS, and nothing for elsewhere.
with smtplib.SMTP("localhost", ports["mx"], timeout=10) as client:
    client.starttls(context=context)
    client.sendmail("stranger@slow.test", [bob["address"]], b"From: stranger@slow.test\r\nSubject: from outside\r\n\r\nHello.\r\n")
    client.mail("stranger@slow.test")
    code, text = client.rcpt("somebody@elsewhere.example")
    assert code in (550, 554) and text.startswith(b"5.7.1"), (code, text)
