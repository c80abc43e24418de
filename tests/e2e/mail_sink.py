"""A real SMTP server inside the test, whose answers the test decides.

    sink.hold()                       the next messages are taken in, but not answered…
    sink.wait_for_held(3)             …until so many wait…
    sink.let_go()                     …and then all are answered
    sink.answer_with("451 4.3.0 …")   the next messages are refused

`sink.messages` are those taken in (also those whose sender was killed before it heard so), each the
bytes as they came, with envelope sender and recipients.
"""

import asyncio
import collections
import email
import email.policy
import threading

from aiosmtpd.smtp import SMTP

Message = collections.namedtuple("Message", "sender recipients data")


def parsed(message):
    """The message as Python's own reader understands it."""
    return email.message_from_bytes(message.data, policy=email.policy.default)


def message_id(message):
    return str(message["Message-ID"]).strip("<>")


class MailSink:
    def __init__(self):
        self._lock = threading.Lock()
        self._messages = []
        self._answer = None  # None = take it
        self._held = 0
        self._gate = None
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self.port = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._started.wait(10)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._gate = asyncio.Event()
        self._gate.set()
        self._server = self._loop.run_until_complete(self._loop.create_server(
            lambda: SMTP(self, enable_SMTPUTF8=True, hostname="sink.invalid", loop=self._loop),
            "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        self._loop.close()

    async def handle_DATA(self, server, session, envelope):
        with self._lock:
            answer = self._answer
            if answer is None or answer.startswith("2"):
                self._messages.append(Message(envelope.mail_from, tuple(envelope.rcpt_tos),
                                              envelope.original_content))
            self._held += 1
        await self._gate.wait()
        return answer or "250 2.0.0 Message taken"

    @property
    def messages(self):
        with self._lock:
            return list(self._messages)

    def message_ids(self):
        """Without the angle brackets, as the API has them."""
        return [message_id(parsed(message)) for message in self.messages]

    def held(self):
        """How many messages have come since hold()."""
        with self._lock:
            return self._held

    def hold(self):
        with self._lock:
            self._held = 0
        self._loop.call_soon_threadsafe(self._gate.clear)

    def let_go(self):
        self._loop.call_soon_threadsafe(self._gate.set)

    def answer_with(self, line):
        """None = take messages again."""
        with self._lock:
            self._answer = line

    def close(self):
        self._loop.call_soon_threadsafe(self._gate.set)
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
