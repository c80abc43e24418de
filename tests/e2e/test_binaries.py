"""What every binary of ours does: flags, ports, signals, metrics, reflection; and that docs say so."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import unittest

import grpc

import fixtures
import harness
import reflection

# name | arguments beside the ones that keep it from starting for real | what the one line must say
BAD_FLAGS = [
    ("unknown flag", ["--colour=red"], "--colour"),
    ("address without a port", ["--listen=127.0.0.1"], "--listen"),
    ("port above 65535", ["--listen=127.0.0.1:70000"], "--listen"),
    ("log level that is none", ["--log_level=loud"], "--log_level"),
    ("drain time that is no number", ["--drain_seconds=soon"], "--drain_seconds"),
    ("negative drain time", ["--drain_seconds=-1"], "--drain_seconds"),
    ("civil time that cannot be read", ["--now=today"], "--now"),
    ("two civil times", ["--now=2023-11-21T09:00:00+07:00", "--now_file=/dev/null"], "now_file"),
    ("civil time file that is not there", ["--now_file=/nowhere/now"], "/nowhere/now"),
    ("flag file that is not there", ["--flagfile=/nowhere/flags"], "/nowhere/flags"),
    ("a word that is no flag", ["start"], "start"),
]
OWN_BAD_FLAGS = {
    "ingestion": [("no data folder", ["--data_dir="], "--data_dir")],
    "aggregation": [("ingestion nowhere", ["--ingestion_address=nowhere"], "--ingestion_address"),
                    ("Redis without a port", ["--redis_address=localhost"], "--redis_address")],
    "alerting": [("no database", ["--database="], "--database"),
                 ("sender that is no address", ["--mail_from=nobody"], "--mail_from"),
                 ("SMTP without a port", ["--smtp_address=localhost"], "--smtp_address"),
                 ("public URL that is none", ["--public_url=ftp://x"], "--public_url")],
    "gateway": [("aggregation without a port", ["--aggregation_address=x"], "--aggregation_address")],
}


def run(name, arguments, environment=None, seconds=15):
    """Runs a binary that should end by itself; (exit code, standard error)."""
    with tempfile.TemporaryDirectory() as folder:
        base = ["--listen=127.0.0.1:0", "--metrics_listen=127.0.0.1:0"]
        base += {"ingestion": ["--data_dir=" + folder + "/ledger"],
                 "alerting": ["--database=" + folder + "/alerting.db"]}.get(name, [])
        done = subprocess.run(
            [harness.binary(name), *base, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
            env=dict(harness.clean_environment(), **(environment or {})), timeout=seconds, check=False)
        return done.returncode, done.stderr.decode("utf-8", "replace")


class ConfigurationTest(unittest.TestCase):
    def test_bad_configuration_exits_2_with_one_line_that_names_it(self):
        for name in harness.SERVERS:
            for what, arguments, says in BAD_FLAGS + OWN_BAD_FLAGS[name]:
                with self.subTest(what, binary=name):
                    code, said = run(name, arguments)
                    self.assertEqual(code, 2, said)
                    self.assertIn(says, said)
                    self.assertEqual(said.count("\n"), 1, said)

    def test_a_variable_that_is_no_flag_is_refused_and_one_that_is_counts(self):
        for name in harness.SERVERS:
            with self.subTest(binary=name):
                code, said = run(name, [], {"DONDOC_LISTENN": "127.0.0.1:0"})
                self.assertEqual((code, "DONDOC_LISTENN" in said), (2, True), said)
                code, said = run(name, [], {"DONDOC_LOG_LEVEL": "loud"})
                self.assertEqual((code, "loud" in said), (2, True), said)

    def test_help_and_version_exit_0(self):
        for name in harness.BINARIES:
            for flag in ("--help", "--version"):
                with self.subTest(binary=name, flag=flag):
                    done = subprocess.run([harness.binary(name), flag], stdin=subprocess.DEVNULL,
                                          capture_output=True, env=harness.clean_environment(),
                                          timeout=30, check=False)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertTrue(done.stdout)

    def test_a_taken_port_exits_1_and_names_it(self):
        for name in harness.SERVERS:
            for flag in ("--listen", "--metrics_listen"):
                with self.subTest(binary=name, flag=flag), socket.socket() as taken:
                    taken.bind(("127.0.0.1", 0))
                    taken.listen()
                    port = taken.getsockname()[1]
                    code, said = run(name, ["%s=127.0.0.1:%d" % (flag, port)])
                    self.assertEqual(code, 1, said)
                    self.assertIn(str(port), said)

    def test_a_folder_that_cannot_be_used_exits_1(self):
        code, said = run("ingestion", ["--data_dir=/proc/dondoc"])
        self.assertEqual((code, "/proc/dondoc" in said), (1, True), said)
        code, said = run("alerting", ["--database=/proc/dondoc.db"])
        self.assertEqual((code, "/proc/dondoc.db" in said), (1, True), said)


class LifeTest(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = cls.class_stack()
        fixtures.put_units(stack)
        done = fixtures.push(stack, [fixtures.dossier("A-%d" % i) for i in range(10)], fixtures.covers_year())
        fixtures.wait_sequence(stack, done["sequence"])
        # Metrics with labels appear with their first event: one import, too.
        stack.ok(fixtures.upload(stack, fixtures.csv_file([
            ["I-1", "Sở B", "01/03/2023", "Trực tuyến", "Đã trả kết quả"]])))
        fixtures.start_campaign(stack)
        evaluation = fixtures.evaluate(stack, "life")
        fixtures.release(stack, evaluation["evaluation_id"])
        fixtures.wait_all_sent(stack, evaluation["evaluation_id"])

    def test_each_service_is_called_by_a_client_that_learns_it_by_reflection(self):
        stack = self.shared_stack
        expected = {
            "ingestion": {"DossierService", "ImportService", "UnitService", "ProcedureService", "DirectoryService",
                          "DefinitionService", "StatementService", "FeedService"},
            "aggregation": {"RatioService"},
            "alerting": {"CampaignService", "MailService", "SilenceService", "DisputeService", "HolidayService"},
        }
        for name, services in expected.items():
            found = stack.grpc(name).services()
            self.assertEqual({each.rsplit(".", 1)[1] for each in found if each.startswith("dondoc.v1.")}, services)
            for service in services:
                self.assertEqual(reflection.health(stack.address(name), "dondoc.v1." + service), "SERVING")

        ingestion = stack.grpc("ingestion")
        self.assertEqual(len(ingestion.call("dondoc.v1.UnitService", "ListUnits")["units"]), len(fixtures.UNITS))
        self.assertEqual(ingestion.call("dondoc.v1.DossierService", "GetDossier", {"code": "A-1"})["dossier"]["unit_id"],
                         "t.so-a")
        self.assertIn("received", [each["definition_id"] for each in ingestion.call(
            "dondoc.v1.DefinitionService", "ListDefinitions")["definitions"]])
        self.assertEqual(ingestion.call("dondoc.v1.ImportService", "ListImports")["imports"][0]["state"], "APPLIED")
        head = ingestion.call("dondoc.v1.FeedService", "GetHead")
        feed = ingestion.stream("dondoc.v1.FeedService", "Follow", [{"ledger_id": head["ledger_id"],
                                                                     "after_sequence": 0}])
        self.assertEqual(next(feed)["sequence"], "1")
        summary = stack.grpc("aggregation").call("dondoc.v1.RatioService", "GetSummary", fixtures.TARGET)
        self.assertEqual(summary, stack.ok(stack.get("/v1/summary", fixtures.TARGET)))
        self.assertEqual([each["campaign_id"] for each in stack.grpc("alerting").call(
            "dondoc.v1.CampaignService", "ListCampaigns")["campaigns"]], ["dvctt-2023"])
        with self.assertRaises(grpc.RpcError) as refused:
            stack.grpc("aggregation").call("dondoc.v1.RatioService", "GetSummary", {"from": "x", "to": "2023-11-15"})
        self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertTrue(refused.exception.details().startswith("from:"), refused.exception.details())

    def test_a_stream_of_batches_is_acknowledged_in_order(self):
        answers = list(self.shared_stack.grpc("ingestion").stream(
            "dondoc.v1.DossierService", "StreamWriteDossiers",
            ({"dossiers": [fixtures.dossier("S-%d-%d" % (batch, i), "t.so-b") for i in range(100)]}
             for batch in range(5))))
        sequences = [int(answer["sequence"]) for answer in answers]
        self.assertEqual(sequences, list(range(sequences[0], sequences[0] + 5)))
        self.assertTrue(all(each["outcome"] == "CREATED" for answer in answers for each in answer["outcomes"]))

    def test_metrics_are_those_of_the_golden_list(self):
        lines = []
        for name in harness.SERVERS:
            metrics = self.shared_stack.metrics(name)
            self.assertEqual(metrics.sum("dondoc_build_info"), 1)
            lines += ["%s %s %s %s" % (name, family, kind, metrics.labels(family))
                      for family, kind in sorted(metrics.families.items()) if family.startswith("dondoc_")]
            for family, kind in metrics.families.items():
                if family.startswith("dondoc_") and kind == "counter":
                    self.assertTrue(family.endswith("_total"), family)
        path = os.path.join(harness.ROOT, "tests/golden/metrics.txt")
        if os.environ.get("DONDOC_UPDATE_GOLDEN"):
            with open(path, "w", encoding="ascii") as file:
                file.write("\n".join(lines) + "\n")
        with open(path, encoding="ascii") as file:
            self.assertEqual(lines, file.read().splitlines(), "DONDOC_UPDATE_GOLDEN=1 writes the list anew")

    def test_the_metrics_page_names_every_metric(self):
        with open(os.path.join(harness.ROOT, "tests/golden/metrics.txt"), encoding="ascii") as file:
            golden = {line.split()[1] for line in file}
        with open(os.path.join(harness.ROOT, "docs/metrics.md"), encoding="utf-8") as file:
            documented = set(re.findall(r"^\| `(dondoc_[a-z0-9_]+)`", file.read(), re.MULTILINE))
        self.assertEqual(documented, golden)

    def test_logs_are_one_json_object_a_line_without_dossier_codes(self):
        import json
        for name in harness.SERVERS:
            lines = self.shared_stack.processes[name].log().splitlines()
            self.assertTrue(lines)
            for line in lines:
                entry = json.loads(line)
                self.assertTrue({"time", "level", "service"} <= entry.keys(), line)
                self.assertEqual(entry["service"], name)
                self.assertNotIn("S-1-1", line)


class SignalTest(harness.TestCase):
    def test_sigterm_and_sigint_drain_and_exit_0(self):
        stack = self.stack()
        fixtures.put_units(stack)
        for name in reversed(harness.SERVERS):
            with self.subTest(binary=name):
                self.assertEqual(stack.processes[name].terminate(), 0, stack.processes[name].log()[-3000:])
        for name in harness.SERVERS:
            stack.start_service(name)
        stack.wait_ready()
        for name in reversed(harness.SERVERS):
            with self.subTest(binary=name, signal="SIGINT"):
                os.kill(stack.processes[name].pid, signal.SIGINT)
                harness.wait_until(lambda name=name: stack.processes[name].exit_code() is not None, name + " ends")
                self.assertEqual(stack.processes[name].exit_code(), 0)

    def test_services_that_wait_for_others_listen_say_so_and_end_on_sigterm(self):
        stack = harness.Stack(with_redis=False)
        self.addCleanup(stack.close)
        stack.ports["ingestion"] = {"grpc": harness.free_port(), "metrics": harness.free_port()}
        for name in ("aggregation", "alerting", "gateway"):
            stack.start_service(name)
        self.assertEqual(reflection.health(stack.address("aggregation")), "NOT_SERVING")
        self.assertEqual(stack.get("/readyz").status, 503)
        self.assertEqual(stack.get("/healthz").status, 200)
        for name in ("gateway", "alerting", "aggregation"):
            self.assertEqual(stack.processes[name].terminate(), 0, stack.processes[name].log()[-3000:])


class ConfigurationPageTest(unittest.TestCase):
    def test_the_configuration_page_has_each_flag_of_each_binary_with_its_default(self):
        with open(os.path.join(harness.ROOT, "docs/configuration.md"), encoding="utf-8") as file:
            page = file.read()
        sections = {title.strip("` "): body for title, body in
                    re.findall(r"^## `?(\w+)`?\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)}
        common = self._documented(sections["common"])
        for name in harness.SERVERS:
            with self.subTest(binary=name):
                flags = dict(re.findall(r"^  --([a-z0-9_]+)=(.*)$", self._help(name), re.MULTILINE))
                self.assertTrue(flags)
                documented = self._documented(sections["dondoc_" + name])
                documented.update(common)
                self.assertEqual(set(documented), set(flags))
                for flag, default in flags.items():
                    self.assertEqual(documented[flag], default.strip('"'), flag)
        commands = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ?", self._help("ctl").split("Cờ chung")[0], re.MULTILINE)
        self.assertGreater(len(commands), 10)
        self.assertEqual(set(re.findall(r"^\| `([a-z]+(?: [a-z]+)?)` \|", sections["dondocctl"], re.MULTILINE)),
                         set(commands))

    def _help(self, name):
        return subprocess.run([harness.binary(name), "--help"], capture_output=True, check=True,
                              env=harness.clean_environment(), timeout=30).stdout.decode("utf-8")

    def _documented(self, section):
        return dict(re.findall(r"^\| `--([a-z0-9_]+)` \| (?:`([^`]*)`)?", section, re.MULTILINE))


if __name__ == "__main__":
    unittest.main()
