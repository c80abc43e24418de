"""A real SMTP server for tests, with faults on request.

Usage: /usr/bin/python3 smtp_sink.py FOLDER [RULE...]

Prints "port N" once it listens on a free port of 127.0.0.1, and stops when its standard input ends.
Every message taken is written whole to FOLDER/<number>-<recipient>.eml, as it came after dot-unstuffing, with
X-Envelope-From and X-Envelope-To lines before it. A rule is PLACE:ADDRESS:ACTION[:TIMES]

  PLACE    mail (ADDRESS is the sender) | rcpt | data | body (in the midst of DATA) | dot
  ADDRESS  an address, or * for every one
  ACTION   a reply code and text ("450 4.2.0 later"), or "drop": close the connection without an answer,
           or "take-and-drop" (dot only): write the message, then close without an answer,
           or "hang" (dot only): write the message, print "hanging" and never answer,
           or "hold": print "holding PLACE" and never answer; at dot the message is not taken,
           or "hold-taken" (dot only): the same, but the message is taken,
           or "drip" (dot only): answer after a second for each of three pieces of the answer
  TIMES    how often; absent = always

A rule "auth:USER:PASSWORD" asks everybody for them (AUTH PLAIN or LOGIN, without TLS).

FOLDER/log holds one line per command seen, so that tests see connections and attempts.
"""
import asyncio
import pathlib
import sys

from aiosmtpd.smtp import AuthResult, SMTP


class Rule:
    def __init__(self, text):
        parts = text.split(":")
        self.place, self.address, self.action = parts[:3]
        self.left = int(parts[3]) if len(parts) > 3 else -1

    def applies(self, place, address):
        if self.place != place or self.address not in ("*", address) or self.left == 0:
            return False
        if self.left > 0:
            self.left -= 1
        return True


class Handler:
    def __init__(self, folder, rules):
        self.folder = folder
        self.rules = rules
        self.count = 0
        self.log = open(folder / "log", "a", buffering=1)

    def note(self, *words):
        print(*words, file=self.log)

    def action(self, place, address):
        for rule in self.rules:
            if rule.applies(place, address):
                return rule.action
        return None

    @staticmethod
    def drop(server):
        server.transport.abort()
        raise ConnectionResetError("told to drop")

    @staticmethod
    async def hold(place):
        print("holding", place, flush=True)
        await asyncio.Event().wait()

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.note("ehlo", hostname)
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.note("mail", address)
        action = self.action("mail", address)
        if action == "drop":
            self.drop(server)
        if action == "hold":
            await self.hold("mail")
        if action:
            return action
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.note("rcpt", address)
        action = self.action("rcpt", address)
        if action == "drop":
            self.drop(server)
        if action == "hold":
            await self.hold("rcpt")
        if action:
            return action
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        recipient = envelope.rcpt_tos[0]
        action = self.action("dot", recipient)
        self.note("dot", recipient)
        if action == "drop":
            self.drop(server)
        if action == "hold":
            await self.hold("dot")
        if action and action not in ("take-and-drop", "hang", "hold-taken", "drip"):
            return action
        self.count += 1
        path = self.folder / f"{self.count:05d}-{recipient}.eml"
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {recipient}\r\n"
        path.write_bytes(head.encode() + envelope.original_content)
        if action == "take-and-drop":
            self.drop(server)
        if action == "hold-taken":
            await self.hold("dot")
        if action == "drip":
            for piece in (b"250-2.0.0 wait\r\n", b"250-2.0.0 wai", b"t\r\n"):
                server._writer.write(piece)
                await server._writer.drain()
                await asyncio.sleep(1)
        if action == "hang":
            print("hanging", flush=True)
            await asyncio.Event().wait()
        return f"250 2.0.0 taken as {self.count}"


class Server(SMTP):
    async def smtp_DATA(self, arg):
        recipient = self.envelope.rcpt_tos[0] if self.envelope.rcpt_tos else ""
        action = self.event_handler.action("data", recipient)
        if action == "drop":
            self.event_handler.drop(self)
        if action == "hold":
            await self.event_handler.hold("data")
        if action:
            await self.push(action)
            return
        if self.event_handler.action("body", recipient) == "hold":
            await self.push("354 go on")
            await self._reader.readline()
            await self.event_handler.hold("body")
        await super().smtp_DATA(arg)

    async def handle_exception(self, error):
        return "421 4.3.0 going away"


async def main():
    folder = pathlib.Path(sys.argv[1])
    secrets = [text.split(":")[1:] for text in sys.argv[2:] if text.startswith("auth:")]
    handler = Handler(folder, [Rule(text) for text in sys.argv[2:] if not text.startswith("auth:")])

    def check(server, session, envelope, mechanism, data):
        known = [data.login.decode(), data.password.decode()] in secrets
        return AuthResult(success=known, handled=known)

    options = {"authenticator": check, "auth_required": True, "auth_require_tls": False} if secrets else {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Server(handler, hostname="sink.invalid", enable_SMTPUTF8=False, **options), "127.0.0.1", 0
    )
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
