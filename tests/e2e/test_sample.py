"""The sample year: from a one-stop export to a reminder in a mailbox, counted again by other code."""

import csv
import os
import subprocess
import sys
import unittest

import fixtures
import harness
import mail_sink

UNITS = os.path.join(harness.ROOT, "deploy/data/kontum/units.csv")
CAMPAIGN = os.path.join(harness.ROOT, "deploy/data/kontum/campaign-2023.json")
# The letter's figures: 26,77 % of all dossiers, and how many units of each level reached 50 %.
LETTER = {"PROVINCE": (10, 17), "DISTRICT": (4, 10), "COMMUNE": (6, 102)}


def recount(export, units):
    """unit_id → (total, online), by tests/recount, which shares no code with the services."""
    done = subprocess.run([sys.executable, os.path.join(harness.ROOT, "tests/recount/recount.py"), export, units],
                          capture_output=True, check=True, timeout=120)
    rows = csv.reader(line for line in done.stdout.decode("utf-8").splitlines() if not line.startswith("#"))
    counted = {row[0]: (int(row[1]), int(row[2])) for row in rows}
    with open(units, encoding="utf-8-sig") as file:
        return {unit_id: counted[name] for unit_id, name in names_in_exports(list(csv.DictReader(file))).items()}


def names_in_exports(units):
    """As a one-stop system writes them: "UBND xã Đắk Hà, huyện Tu Mơ Rông"."""
    lower = {unit["unit_id"]: unit["name"][0].lower() + unit["name"][1:] for unit in units}
    return {unit["unit_id"]: unit["name"] if unit["level"] == "province" else "UBND " + ", ".join(
        lower[unit_id] for unit_id in (unit["unit_id"], unit["parent_id"]) if unit_id) for unit in units}


class SampleTest(harness.TestCase):
    def test_the_year_counts_to_the_letters_figures_and_each_unit_below_gets_its_message(self):
        self._run(seed=4067)

    def test_another_seed_gives_other_units_and_the_same_four_figures(self):
        self._run(seed=7)

    def _run(self, seed):
        stack = self.stack()
        folder = os.path.join(stack.dir, "sample")
        harness.run_ctl("sample", "--seed=%d" % seed, "--out=" + folder, "--units=" + UNITS)
        export, units = os.path.join(folder, "mot-cua-2023.csv"), os.path.join(folder, "units.csv")
        counted = recount(export, units)
        self.assertEqual(len(counted), 129)

        stack.ctl("units", "import", units)
        # 3: imported, and the few bad rows that the sample has on purpose were rejected.
        stack.ctl("import", export, "--covers_from=2023-01-01", "--covers_to=2023-11-15", "--complete",
                  "--extracted_at=2023-11-16T00:00:00+07:00", expect=3)
        done = stack.ok(stack.get("/v1/imports"))["imports"][0]
        self.assertEqual(int(done["rows"]), sum(int(done[key]) for key in (
            "counted", "unchanged", "stale", "statements", "rejected")))
        self.assertGreater(int(done["rejected"]), 0)
        fixtures.wait_sequence(stack, done["sequence"])

        self._check_figures(stack, counted)
        self._check_same_file_again(stack, export, done)
        self._check_reminders(stack, counted)

    def _check_figures(self, stack, counted):
        summary = stack.ok(stack.get("/v1/summary", fixtures.TARGET))
        self.assertEqual(set(summary), {"overall", "levels", "window", "definition_id", "definition_version",
                                        "ledger_id", "sequence", "commit_time", "structure", "compare_definition_id",
                                        "compare_definition_version"})
        self.assertEqual(set(summary["overall"]), {"total", "online", "counter", "postal", "unknown", "percent",
                                                   "reached", "basis", "by_basis"})
        self.assertEqual(summary["overall"]["percent"], "26.77")
        self.assertEqual(summary["overall"]["basis"], "DOSSIERS")
        self.assertIs(summary["overall"]["reached"], False)
        self.assertEqual({each["level"]: (int(each["reached"]), int(each["units"])) for each in summary["levels"]},
                         LETTER)
        for level in summary["levels"]:
            self.assertEqual(int(level["units"]), sum(int(level[key]) for key in (
                "reached", "below", "no_dossiers", "no_data")))
        self.assertEqual(fixtures.counts(summary["overall"]),
                         tuple(map(sum, zip(*counted.values()))))

        ratios = stack.ok(stack.get("/v1/ratios", dict(fixtures.TARGET, page_size=1000)))["ratios"]
        self.assertEqual({each["unit_id"]: fixtures.counts(each["ratio"]) for each in ratios}, counted)
        for each in ratios:
            ratio = each["ratio"]
            self.assertEqual(int(ratio["total"]), sum(int(ratio[key]) for key in (
                "online", "counter", "postal", "unknown")))
            total, online = counted[each["unit_id"]]
            self.assertEqual(ratio["reached"], 2 * online >= total, each)
            self.assertNotEqual(2 * online, total, "no unit is at exactly one half")
        table = stack.ctl("summary", "--from=2023-01-01", "--to=2023-11-15", "--target_percent=50")
        for text in ("26,77", "10/17", "4/10", "6/102"):
            self.assertIn(text, table)

    def _check_same_file_again(self, stack, export, done):
        stack.ctl("import", export, "--covers_from=2023-01-01", "--covers_to=2023-11-15", "--complete",
                  "--extracted_at=2023-11-16T00:00:00+07:00", expect=3)
        head = stack.grpc("ingestion").call("dondoc.v1.FeedService", "GetHead")
        self.assertEqual(head["sequence"], done["sequence"])
        self.assertEqual([each["state"] for each in stack.ok(stack.get("/v1/imports"))["imports"]],
                         ["APPLIED"], "the second upload leaves no line of its own")

    def _check_reminders(self, stack, counted):
        stack.ctl("campaigns", "create", CAMPAIGN)
        stack.ctl("campaigns", "activate", "dvctt-2023")
        evaluation = fixtures.evaluate(stack, "sample")
        below = {unit_id for unit_id, (total, online) in counted.items() if total and 2 * online < total}
        self.assertEqual(len(below), 109)
        self.assertEqual(int(evaluation["flagged"]), len(below))
        flags = stack.ok(stack.get("/v1/evaluations/%s/flags" % evaluation["evaluation_id"]))["flags"]
        self.assertEqual({each["unit_id"] for each in flags if each["flagged"]}, below)
        for each in flags:
            total, online = counted[each["unit_id"]]
            if each["flagged"]:
                self.assertEqual(int(each["missing"]), total - 2 * online, each)

        stack.ctl("release", evaluation["evaluation_id"])
        fixtures.wait_all_sent(stack, evaluation["evaluation_id"], seconds=120)
        mailbox = {unit["unit_id"]: unit["emails"][0] for unit in
                   stack.ok(stack.get("/v1/units", {"page_size": 1000}))["units"]}
        names = {mailbox[each["unit_id"]]: each["name"] for each in flags if each["flagged"]}
        messages = stack.mail.messages
        self.assertEqual(sorted(recipient for message in messages for recipient in message.recipients),
                         sorted(names))
        self.assertEqual(len(set(stack.mail.message_ids())), len(messages))
        for message in messages:
            parsed = mail_sink.parsed(message)
            name = names[message.recipients[0]]
            self.assertTrue(message.recipients[0].endswith(".invalid"))
            self.assertIn(name.split(",")[0], str(parsed["Subject"]))
            self.assertIn(name, parsed.get_body(("plain",)).get_content())
            self.assertTrue(parsed.get_body(("html",)))
            self.assertEqual(parsed.defects, [])


if __name__ == "__main__":
    unittest.main()
