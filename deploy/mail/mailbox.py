#!/usr/bin/python3
"""A local mailbox: a real SMTP server that keeps every message as a file and sends nothing on.

    deploy/mail/mailbox.py --listen 127.0.0.1:9125 --dir var/quickstart/data/mail

Each message becomes one .eml file (the bytes as they came, readable in any mail program) named
after when it came, its recipient and a part of its Message-ID. It is written under another name,
synced and renamed, so that a .eml that exists is whole, and only then is the sender told that the
message was taken. For trials and tests: it refuses nothing, so never let it listen in public.

With --port_file, the file gets "smtp PORT" once the server listens. SIGTERM ends it with 0.
"""

import argparse
import asyncio
import datetime
import email
import email.policy
import hashlib
import os
import re
import signal
import sys

from aiosmtpd.smtp import SMTP

MESSAGE_BYTES_MAX = 32 << 20


def readable(text, length_max):
    """`text` as a part of a file name: ASCII letters, digits and dots, at most `length_max`."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")[:length_max] or "none"


def write_whole(path, data):
    """Writes `data` so that `path` is there whole or not at all, also after a power cut."""
    folder = os.path.dirname(path)
    temporary = os.path.join(folder, ".part-" + os.path.basename(path))
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, path)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Mailbox:
    """aiosmtpd handler that stores each message in `folder`."""

    def __init__(self, folder):
        self.folder = folder
        self.stored = 0
        os.makedirs(folder, exist_ok=True)

    def file_name(self, data, recipients):
        now = datetime.datetime.now()
        message_id = email.message_from_bytes(data, policy=email.policy.compat32).get("Message-ID", "")
        # The same message twice is two files: what was received is what is shown.
        self.stored += 1
        return "%s-%06d-%s-%s.eml" % (
            now.strftime("%Y%m%d-%H%M%S-%f"),
            self.stored,
            readable(recipients[0] if recipients else "", 64),
            hashlib.sha256(str(message_id).encode()).hexdigest()[:8],
        )

    def store(self, envelope, name):
        data = envelope.original_content or b""
        trace = "X-Mailbox-From: %s\r\n" % readable_header(envelope.mail_from)
        for recipient in envelope.rcpt_tos:
            trace += "X-Mailbox-To: %s\r\n" % readable_header(recipient)
        path = os.path.join(self.folder, name)
        write_whole(path, trace.encode("ascii", "replace") + data)
        return path

    async def handle_DATA(self, server, session, envelope):
        name = self.file_name(envelope.original_content or b"", envelope.rcpt_tos)
        try:
            await asyncio.get_running_loop().run_in_executor(None, self.store, envelope, name)
        except OSError as error:
            print("mailbox: not stored: %s" % error, file=sys.stderr, flush=True)
            return "452 4.3.1 Not stored: insufficient system storage"
        return "250 2.0.0 Message taken"


def readable_header(address):
    return re.sub(r"[\r\n]", "", address or "")


def address_of(text):
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError("'%s' is not host:port" % text)
    return host.strip("[]"), int(port)


async def serve(options):
    loop = asyncio.get_running_loop()
    mailbox = Mailbox(options.dir)
    host, port = options.listen

    def conversation():
        return SMTP(mailbox, data_size_limit=MESSAGE_BYTES_MAX, enable_SMTPUTF8=True,
                    hostname="mailbox.invalid", ident="dondoc mailbox", loop=loop)

    try:
        server = await loop.create_server(conversation, host, port)
    except OSError as error:
        print("mailbox: cannot listen on %s:%d: %s" % (host, port, error.strerror), file=sys.stderr)
        return 1
    bound = server.sockets[0].getsockname()[1]
    if options.port_file:
        write_whole(os.path.abspath(options.port_file), b"smtp %d\n" % bound)
    print("mailbox: listening on %s:%d, messages go to %s" % (host, bound, options.dir), flush=True)

    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
    server.close()
    return 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", type=address_of, default=("127.0.0.1", 9125), metavar="HOST:PORT")
    parser.add_argument("--dir", required=True, help="folder for the messages; made when missing")
    parser.add_argument("--port_file", help="gets 'smtp PORT' once the server listens")
    sys.exit(asyncio.run(serve(parser.parse_args())))


if __name__ == "__main__":
    main()
