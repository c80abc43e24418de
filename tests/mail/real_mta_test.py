"""Our mail through a real MTA: Postfix with TLS, in a folder and on ports of its own.

    /usr/bin/python3 tests/mail/real_mta_test.py BUILD_FOLDER

Needs root, as Postfix does. Each case sends with the real outbox and SMTP client (outbox_sender) and reads the mailbox
that Postfix delivered to with Python's email package. A right password is tried against the SMTP sink
(delivery_test): Postfix here reads no SASL configuration outside /etc, so that it only refuses one.
"""
import email
import email.policy
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else "build").resolve()
SENDER = BUILD / "services/alerting/outbox_sender"
WAIT_SECONDS = 60


def free_ports(count):
    """Taken for a moment and given back: Postfix cannot be asked for port 0."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **options)


class Postfix:
    def __init__(self, folder):
        self.folder = folder
        self.config = folder / "config"
        for name in ("config", "data", "queue", "mail", "sasl"):
            (folder / name).mkdir()
        folder.chmod(0o755)
        self.make_certificates()
        self.make_user()
        for attempt in range(5):
            self.starttls_port, self.implicit_port = free_ports(2)
            self.write_config()
            try:
                run("/usr/sbin/postfix", "-c", self.config, "start", env=self.environment())
                break
            except subprocess.CalledProcessError as error:
                print(error.stdout, error.stderr, file=sys.stderr)
                if attempt == 4:
                    raise
        self.wait_until_it_listens()

    @staticmethod
    def environment():
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

    def make_certificates(self):
        f = self.folder
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test CA",
            "-keyout", f / "ca.key", "-out", f / "ca.pem")
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", f / "mta.key",
            "-out", f / "mta.csr")
        (f / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        run("openssl", "x509", "-req", "-in", f / "mta.csr", "-CA", f / "ca.pem", "-CAkey", f / "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", f / "names", "-out", f / "mta.pem")
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=other CA",
            "-keyout", f / "other.key", "-out", f / "other.pem")

    def make_user(self):
        database = self.folder / "sasl/sasldb2"
        run("saslpasswd2", "-p", "-c", "-f", database, "-u", "kontum.invalid", "dondoc", input="mật khẩu 1")
        shutil.chown(database, "postfix")
        (self.folder / "sasl/smtpd.conf").write_text(
            f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: {database}\n")
        (self.folder / "sasl/smtpd.conf").chmod(0o644)
        (self.folder / "sasl").chmod(0o755)

    def write_config(self):
        f = self.folder
        shutil.chown(f / "data", "postfix")
        (f / "mail").chmod(0o777)
        settings = {
            "compatibility_level": "3.6", "config_directory": self.config, "queue_directory": f / "queue",
            "data_directory": f / "data", "mail_owner": "postfix", "setgid_group": "postdrop",
            "myhostname": "mta.invalid", "mydestination": "", "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4",
            "default_database_type": "texthash", "alias_maps": "", "alias_database": "", "mynetworks": "127.0.0.0/8",
            "maillog_file": f / "data/log", "maillog_file_prefixes": f,
            "virtual_mailbox_domains": "x.invalid", "virtual_mailbox_base": f / "mail",
            "virtual_mailbox_maps": "static:all/", "virtual_uid_maps": "static:65534",
            "virtual_gid_maps": "static:65534", "virtual_minimum_uid": "1000", "default_transport": "error",
            "smtpd_tls_cert_file": f / "mta.pem", "smtpd_tls_key_file": f / "mta.key",
            "smtpd_tls_auth_only": "yes", "smtpd_sasl_auth_enable": "yes", "cyrus_sasl_config_path": f / "sasl", "smtpd_sasl_path": "smtpd",
            "smtpd_sasl_local_domain": "kontum.invalid", "smtpd_client_restrictions": "",
            "smtpd_recipient_restrictions": "permit_sasl_authenticated, permit_mynetworks, reject",
            "smtpd_relay_restrictions": "permit_sasl_authenticated, permit_mynetworks, reject",
        }
        (self.config / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
        services = """cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""
        (self.config / "master.cf").write_text(
            f"127.0.0.1:{self.starttls_port} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt\n"
            f"127.0.0.1:{self.implicit_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n" + services)

    def wait_until_it_listens(self):
        give_up = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.starttls_port), timeout=5) as connection:
                    if connection.recv(100).startswith(b"220"):
                        return
            except OSError:
                pass
            if time.monotonic() > give_up:
                raise AssertionError("Postfix does not listen:\n" + (self.folder / "data/log").read_text())
            time.sleep(0.05)

    def mailbox(self, count):
        """The messages delivered, once there are `count`."""
        give_up = time.monotonic() + WAIT_SECONDS
        while True:
            files = sorted((self.folder / "mail/all/new").glob("*")) if (self.folder / "mail/all/new").exists() else []
            if len(files) >= count or time.monotonic() > give_up:
                return [email.message_from_bytes(each.read_bytes(), policy=email.policy.default) for each in files]
            time.sleep(0.05)

    def empty(self):
        shutil.rmtree(self.folder / "mail/all", ignore_errors=True)

    def log(self):
        return (self.folder / "data/log").read_text()

    def stop(self):
        subprocess.run(["/usr/sbin/postfix", "-c", self.config, "stop"], env=self.environment(), capture_output=True)


class RealMtaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory(prefix="dondoc_mta_")
        cls.addClassCleanup(cls.holder.cleanup)
        cls.mta = Postfix(pathlib.Path(cls.holder.name))
        cls.addClassCleanup(cls.mta.stop)

    def send(self, port, *flags, deadline=60, count=3):
        with tempfile.TemporaryDirectory() as folder:
            database = f"--database={folder}/alerting.db"
            run(SENDER, database, f"--queue={count}")
            done = run(SENDER, database, f"--smtp_address=localhost:{port}", f"--deadline_seconds={deadline}", *flags)
            return dict(line.split() for line in done.stdout.splitlines())

    def secure(self, tls, ca="ca.pem"):
        return f"--smtp_tls={tls}", f"--smtp_ca_file={self.mta.folder / ca}"

    def check_mailbox(self):
        messages = self.mta.mailbox(3)
        self.assertEqual(sorted(each["message-id"] for each in messages),
                         ["<r%d@kontum.invalid>" % i for i in range(3)])
        for message in messages:
            name = message["message-id"][1:].split("@")[0]
            self.assertEqual(message.defects, [])
            self.assertEqual(message["subject"], "[Kon Tum DVCTT] Sở Tư pháp: 41,20 % (chỉ tiêu 50 %), còn 12 ngày")
            self.assertEqual(message["to"].addresses[0].addr_spec, f"{name}@x.invalid")
            self.assertEqual(message["to"].addresses[0].display_name, "Sở Tư pháp")
            self.assertEqual(message["from"].addresses[0].addr_spec, "dondoc@kontum.invalid")
            self.assertEqual(message["return-path"], "<dondoc@kontum.invalid>")
            self.assertEqual(message["delivered-to"], f"{name}@x.invalid")
            self.assertEqual(message["auto-submitted"], "auto-generated")
            self.assertEqual(message["list-id"], "<c.dondoc.kontum.invalid>")
            self.assertEqual(message["in-reply-to"], "<thread-c@kontum.invalid>")
            self.assertIn("ESMTPS", message["received"])  # over TLS
            text = message.get_body(("plain",)).get_content()
            self.assertEqual(text, "Kính gửi: Sở Tư pháp\n.dấu chấm\n..\n" + "x" * 4000 + "\n" +
                             "Số liệu của đơn vị trong kỳ báo cáo này.\n" * 40)
            self.assertIn("<b>Sở Tư pháp</b>", message.get_body(("html",)).get_content())
        self.mta.empty()

    def test_starttls(self):
        facts = self.send(self.mta.starttls_port, *self.secure("starttls"))
        self.assertEqual(facts, {"SENT": "3", "resent_unknown": "0"}, self.mta.log())
        self.check_mailbox()

    def test_implicit_tls(self):
        facts = self.send(self.mta.implicit_port, *self.secure("implicit"))
        self.assertEqual(facts, {"SENT": "3", "resent_unknown": "0"}, self.mta.log())
        self.check_mailbox()

    def test_a_certificate_of_another_authority_gets_no_mail_and_no_password(self):
        for tls, port in (("starttls", self.mta.starttls_port), ("implicit", self.mta.implicit_port)):
            facts = self.send(port, *self.secure(tls, ca="other.pem"), deadline=2)
            self.assertNotIn("SENT", facts)
            self.assertNotIn("FAILED", facts)
        self.assertEqual(self.mta.mailbox(0), [])

    def test_a_wrong_password_is_about_the_relay_and_fails_no_reminder(self):
        facts = self.send(self.mta.starttls_port, *self.secure("starttls"), "--smtp_user=dondoc@kontum.invalid",
                          "--smtp_password=sai", deadline=2)
        self.assertNotIn("SENT", facts)
        self.assertNotIn("FAILED", facts)
        self.assertEqual(self.mta.mailbox(0), [])

    def test_without_tls_the_relay_refuses_and_nothing_is_lost(self):
        facts = self.send(self.mta.starttls_port, deadline=2)
        self.assertNotIn("SENT", facts)


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("Postfix has to be started by root")
    unittest.main(verbosity=2)
