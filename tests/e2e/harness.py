"""Starts dondoc's real binaries for a test, with a real Redis and a real SMTP server beside them.

    class ThingTest(harness.TestCase):
        def test_does_what(self):
            stack = self.stack()            # everything running and ready
            stack.get("/v1/summary", {"from": "2023-01-01", "to": "2023-11-15"})

Ports are free ones, data lives in a temporary folder, civil time is the one of `stack.set_now`.
Everything is killed at the end, also when the test itself is killed. What a process logged is shown
when its test fails. Nothing sleeps blindly: `wait_until` looks until what it waits for is so, and
says what that was when it does not come.
"""

import ctypes
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

import mail_sink
import reflection

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEFAULT_NOW = "2023-11-21T09:00:00+07:00"
START_SECONDS_MAX = 60
WAIT_SECONDS_MAX = 60

BINARIES = {
    "ingestion": "services/ingestion/dondoc_ingestion",
    "aggregation": "services/aggregation/dondoc_aggregation",
    "alerting": "services/alerting/dondoc_alerting",
    "gateway": "gateway/dondoc_gateway",
    "ctl": "services/ctl/dondocctl",
}
SERVERS = ("ingestion", "aggregation", "alerting", "gateway")


def binary(name):
    """Path of a binary; DONDOC_BUILD_DIR says which build (default build/dev)."""
    folder = os.environ.get("DONDOC_BUILD_DIR", os.path.join(ROOT, "build", "dev"))
    path = os.path.join(folder, BINARIES[name])
    if not os.path.exists(path):
        raise FileNotFoundError("%s is not built (DONDOC_BUILD_DIR=%s)" % (path, folder))
    return path


def clean_environment():
    """This process's environment without what would set a flag of ours."""
    return {key: value for key, value in os.environ.items() if not key.startswith("DONDOC_")}


def wait_until(condition, what, seconds=WAIT_SECONDS_MAX):
    """The first true value of `condition()`; AssertionError naming `what` after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("after %d s still not so: %s" % (seconds, what))
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Process:
    """One child process with its log in a file."""

    def __init__(self, name, arguments, log_path):
        self.name = name
        self.log_path = log_path
        with open(log_path, "ab") as log:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=clean_environment(), preexec_fn=_die_with_parent)

    @property
    def pid(self):
        return self._process.pid

    def exit_code(self):
        """None while it runs."""
        return self._process.poll()

    def kill(self):
        """kill -9, and gone on return."""
        self._process.kill()
        self._process.wait()

    def terminate(self, seconds=30):
        """SIGTERM; its exit code."""
        self._process.terminate()
        return self._process.wait(seconds)

    def pause(self):
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()


class Answer:
    """What HTTP said."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "%d %s" % (self.status, self.body[:2000].decode("utf-8", "replace"))


class Stack:
    """The four services, Redis and a mail sink on this machine."""

    def __init__(self, now=DEFAULT_NOW, with_redis=True, alerting_flags=()):
        self.dir = tempfile.mkdtemp(prefix="dondoc-e2e-")
        self.with_redis = with_redis
        self.alerting_flags = list(alerting_flags)
        self.processes = {}
        self.ports = {}  # "ingestion" → {"grpc": 40001, "metrics": 40002}
        self.mail = mail_sink.MailSink()
        self.now_file = os.path.join(self.dir, "now")
        self.set_now(now)

    # --- life ---------------------------------------------------------------------------------

    def start(self):
        if self.with_redis:
            self.start_redis()
        for name in SERVERS:
            self.start_service(name)
        self.wait_ready()
        return self

    def start_redis(self):
        # Redis cannot say which free port it took, so one is chosen for it; another process may be
        # faster, then the next is tried.
        for _ in range(5):
            port = self.ports.get("redis", {}).get("redis") or free_port()
            folder = os.path.join(self.dir, "redis")
            os.makedirs(folder, exist_ok=True)
            process = Process("redis", [
                "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", folder,
                "--save", "", "--appendonly", "no"], os.path.join(self.dir, "redis.log"))
            self.processes["redis"] = process
            self.ports["redis"] = {"redis": port}
            if wait_until(lambda: self._redis_answers() or process.exit_code() is not None,
                          "Redis answers on port %d" % port) is True and process.exit_code() is None:
                return
            self.ports.pop("redis")
        raise AssertionError("Redis does not start:\n" + process.log())

    def _redis_answers(self):
        try:
            return self.redis("PING") == "PONG"
        except OSError:
            return False

    def arguments(self, name):
        own = self.ports.get(name, {})
        main_port = own.get("http" if name == "gateway" else "grpc", 0)
        arguments = [
            binary(name),
            "--listen=127.0.0.1:%d" % main_port,
            "--metrics_listen=127.0.0.1:%d" % own.get("metrics", 0),
            "--port_file=" + os.path.join(self.dir, name + ".ports"),
            "--now_file=" + self.now_file,
            "--drain_seconds=5",
        ]
        if name == "ingestion":
            arguments += ["--data_dir=" + os.path.join(self.dir, "ledger")]
        else:
            arguments += ["--ingestion_address=" + self.address("ingestion")]
        if name == "aggregation":
            arguments += ["--redis_address=" + (self.address("redis") if self.with_redis else "")]
        if name in ("alerting", "gateway"):
            arguments += ["--aggregation_address=" + self.address("aggregation")]
        if name == "alerting":
            arguments += [
                "--database=" + os.path.join(self.dir, "alerting.db"),
                "--smtp_address=127.0.0.1:%d" % self.mail.port,
                "--mail_from=dondoc@kontum.invalid",
                "--public_url=http://dondoc.invalid",
            ] + self.alerting_flags
        if name == "gateway":
            arguments += ["--alerting_address=" + self.address("alerting")]
        return arguments

    def start_service(self, name):
        """Starts it, on the ports it had before, and waits until it listens."""
        port_file = os.path.join(self.dir, name + ".ports")
        if os.path.exists(port_file):
            os.remove(port_file)
        process = Process(name, self.arguments(name), os.path.join(self.dir, name + ".log"))
        self.processes[name] = process
        wait_until(lambda: os.path.exists(port_file) or process.exit_code() is not None,
                   "%s listens" % name, START_SECONDS_MAX)
        if process.exit_code() is not None:
            raise AssertionError("%s ended with %d at start:\n%s" %
                                 (name, process.exit_code(), process.log()))
        with open(port_file, encoding="ascii") as file:
            self.ports[name] = {word: int(port) for word, port in
                                (line.split() for line in file if line.strip())}
        return process

    def wait_ready(self, seconds=START_SECONDS_MAX):
        for name in SERVERS:
            if name in self.processes:
                wait_until(lambda name=name: self.is_ready(name), "%s is ready" % name, seconds)

    def is_ready(self, name):
        if self.processes[name].exit_code() is not None:
            raise AssertionError("%s has ended with %s:\n%s" % (
                name, self.processes[name].exit_code(), self.processes[name].log()[-4000:]))
        if name == "gateway":
            try:
                return self.get("/readyz").status == 200
            except OSError:
                return False
        return reflection.is_serving(self.address(name))

    def restart(self, name):
        """Starts a service that has ended, and waits until it is ready."""
        self.start_service(name)
        wait_until(lambda: self.is_ready(name), "%s is ready again" % name)

    def kill(self, name):
        self.processes[name].kill()

    def close(self):
        for process in self.processes.values():
            if process.exit_code() is None:
                process.kill()
        self.mail.close()
        reflection.forget_channels()
        shutil.rmtree(self.dir, ignore_errors=True)

    def log_tails(self, lines=25):
        text = ""
        for name, process in self.processes.items():
            tail = process.log().splitlines()[-lines:]
            text += "\n--- %s (%s)\n%s\n" % (
                name, "running" if process.exit_code() is None
                else "ended with %s" % process.exit_code(), "\n".join(tail))
        return text

    # --- time ---------------------------------------------------------------------------------

    def set_now(self, instant):
        """Moves civil time of every process to an RFC 3339 instant, where it stands."""
        part = self.now_file + ".part"
        with open(part, "w", encoding="ascii") as file:
            file.write(instant + "\n")
        os.rename(part, self.now_file)
        # A process looks at the file at most every 20 ms; later than that all of them agree.
        time.sleep(0.05)

    # --- talking ------------------------------------------------------------------------------

    def address(self, name):
        ports = self.ports[name]
        return "127.0.0.1:%d" % next(ports[key] for key in ("grpc", "http", "redis") if key in ports)

    def request(self, method, path, query=None, body=None, headers=None, seconds=120):
        """One HTTP request to the gateway. `body`: bytes, or what json.dumps takes."""
        headers = dict(headers or {})
        if query:
            path += "?" + urllib.parse.urlencode(query, doseq=True)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode("utf-8")
            headers.setdefault("Content-Type", "application/json")
        host, port = self.address("gateway").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=seconds)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path, query=None, **more):
        return self.request("GET", path, query, **more)

    def post(self, path, body=None, query=None, **more):
        return self.request("POST", path, query, {} if body is None else body, **more)

    def ok(self, answer):
        """The JSON of an answer that must be 200."""
        if answer.status != 200:
            raise AssertionError("expected 200: %r" % answer)
        return answer.json

    def grpc(self, name):
        return reflection.Client(self.address(name))

    def redis(self, *words):
        """One Redis command; bulk strings as str, arrays as lists."""
        host, port = self.address("redis").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(b"*%d\r\n" % len(words) + b"".join(
                b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words))
            return _redis_reply(connection.makefile("rb"))

    def metrics(self, name):
        """name{labels} → value, of a service's metrics port."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[name]["metrics"], timeout=10)
        try:
            connection.request("GET", "/metrics")
            response = connection.getresponse()
            if response.status != 200:
                raise AssertionError("/metrics of %s: %d" % (name, response.status))
            text = response.read().decode("utf-8")
        finally:
            connection.close()
        return Metrics(text)

    def ctl(self, *arguments, expect=0, seconds=300):
        """Runs dondocctl against the gateway; its standard output."""
        return run_ctl("--server=http://" + self.address("gateway"), *arguments,
                       expect=expect, seconds=seconds)


def run_ctl(*arguments, expect=0, seconds=300):
    done = subprocess.run([binary("ctl"), *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds,
                          env=clean_environment(), check=False)
    if done.returncode != expect:
        raise AssertionError("dondocctl %s: exit %d, expected %d\n%s%s" % (
            " ".join(arguments), done.returncode, expect,
            done.stdout.decode("utf-8", "replace")[-4000:],
            done.stderr.decode("utf-8", "replace")[-4000:]))
    return done.stdout.decode("utf-8")


class Metrics:
    def __init__(self, text):
        self.text = text
        self.families = {}  # name → type
        self.values = {}
        for line in text.splitlines():
            words = line.split()
            if line.startswith("# TYPE "):
                self.families[words[2]] = words[3]
            elif line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                self.values[name] = float(value)

    def labels(self, family):
        """Names of its labels, "code,rpc", those of histogram buckets left out; "-" when it has none."""
        found = set()
        for name in self.values:
            base, _, labels = name.partition("{")
            if base in (family, family + "_count"):
                found.update(re.findall(r'([a-z_]+)="', labels))
        return ",".join(sorted(found)) or "-"

    def sum(self, family):
        """Over all label sets of a counter or gauge; 0 when there is none."""
        return sum(value for name, value in self.values.items()
                   if name == family or name.startswith(family + "{"))


def _redis_reply(file):
    line = file.readline().rstrip(b"\r\n")
    kind, rest = line[:1], line[1:]
    if kind == b"+":
        return rest.decode()
    if kind == b":":
        return int(rest)
    if kind == b"$":
        if rest == b"-1":
            return None
        data = file.read(int(rest) + 2)[:-2]
        return data.decode("utf-8", "replace")
    if kind == b"*":
        return [_redis_reply(file) for _ in range(int(rest))]
    raise OSError("Redis says: %r" % line)


class TestCase(unittest.TestCase):
    """Gives out stacks, closes them, and shows their logs when the test has failed."""

    maxDiff = None
    shared_stack = None

    def stack(self, **options):
        stack = Stack(**options)
        self.addCleanup(self._close, stack)
        try:
            return stack.start()
        except BaseException:
            print(stack.log_tails(), flush=True)
            raise

    @classmethod
    def class_stack(cls, **options):
        """For setUpClass: one stack for all tests of the class."""
        stack = Stack(**options)
        cls.addClassCleanup(stack.close)
        try:
            stack.start()
        except BaseException:
            print(stack.log_tails(), flush=True)
            raise
        cls.shared_stack = stack
        return stack

    def tearDown(self):
        if self.shared_stack is not None and self._has_failed():
            print(self.shared_stack.log_tails(), flush=True)

    def _close(self, stack):
        if self._has_failed():
            print(stack.log_tails(), flush=True)
        stack.close()

    def _has_failed(self):
        outcome = getattr(self, "_outcome", None)
        result = getattr(outcome, "result", None)
        failed = list(getattr(result, "failures", [])) + list(getattr(result, "errors", []))
        return any(test is self for test, _ in failed) or not getattr(outcome, "success", True)
