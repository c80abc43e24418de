"""kill -9 of each part at bad moments, and right again without a hand."""

import http.client
import os
import random
import shutil
import threading
import unittest

import fixtures
import harness
import mail_sink
from fixtures import counts, dossier, push, ratio

ROWS = 30000
ONLINE = sum(1 for i in range(ROWS) if i // 3 % 3 == 0)


def year_file(rows=ROWS):
    """Every third one online; spread over the year and three units."""
    units = ["Sở A", "Sở B", "Xã Một"]
    return fixtures.csv_file([
        ["H34.14-2303-%06d" % i, units[i % 3], "%02d/%02d/2023" % (i % 28 + 1, i // 28 % 10 + 1),
         "Trực tuyến" if i // 3 % 3 == 0 else "Trực tiếp", "Đã trả kết quả"] for i in range(rows)])


COVER = dict(covers_from="2023-01-01", covers_to="2023-11-15", complete="true",
             extracted_at="2023-11-16T00:00:00+07:00")


class IngestionTest(harness.TestCase):
    def test_killed_while_a_file_is_on_its_way_nothing_of_it_counts_and_the_next_upload_does(self):
        stack = self.stack(with_redis=False)
        fixtures.put_units(stack)
        head = push(stack, [dossier("X-1", "t.huyen.xa-2")])["sequence"]
        data = year_file()
        half = len(data) // 2
        host, port = stack.address("gateway").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        self.addCleanup(connection.close)
        connection.putrequest(
            "POST", "/v1/imports?import_id=halfway&covers_from=2023-01-01&covers_to=2023-11-15&complete=true")
        connection.putheader("Content-Type", "text/csv")
        connection.putheader("Content-Length", str(len(data)))
        connection.endheaders()
        connection.send(data[:half])
        harness.wait_until(lambda: stack.get("/v1/imports/halfway").status == 200 and
                           stack.get("/v1/imports/halfway").json["state"] == "RUNNING",
                           "the import is RUNNING")
        stack.kill("ingestion")
        try:
            connection.send(data[half:])
            status = connection.getresponse().status
        except OSError:
            status = 503  # the gateway may close as soon as it knows
        self.assertIn(status, (500, 502, 503))

        stack.restart("ingestion")
        stack.wait_ready()
        left = stack.get("/v1/imports/halfway")
        self.assertTrue(left.status == 404 or left.json["state"] in ("FAILED", "CANCELLED"), repr(left))
        fixtures.wait_sequence(stack, head)
        self.assertEqual(counts(ratio(stack, "t.so-a")), (0, 0))
        self.assertEqual(counts(ratio(stack, "t.huyen.xa-2")), (1, 0))

        done = stack.ok(fixtures.upload(stack, data, confirm_withdrawals="true", **COVER))
        self.assertEqual((done["state"], int(done["sequence"])), ("APPLIED", int(head) + 1))
        fixtures.wait_sequence(stack, done["sequence"])
        self.assertEqual(counts(ratio(stack, "t.so-a")), (ROWS // 3, ONLINE // 3))

    def test_killed_at_any_moment_of_an_import_it_counts_wholly_or_not_at_all(self):
        seed = int(os.environ.get("TEST_SEED", random.SystemRandom().randrange(1 << 32)))
        print("seed %d (TEST_SEED)" % seed, flush=True)
        chance = random.Random(seed)
        stack = self.stack(with_redis=False)
        fixtures.put_units(stack)
        data = year_file()
        for number in range(4):
            answers = []
            upload = threading.Thread(target=self._upload, args=(stack, data, "r%d" % number, answers))
            upload.start()
            harness.wait_until(
                lambda number=number: not upload.is_alive() or stack.processes["ingestion"].exit_code()
                or self._import_state(stack, "r%d" % number), "the import has begun")
            upload.join(chance.uniform(0, 0.6))
            stack.kill("ingestion")
            upload.join(60)
            stack.restart("ingestion")
            stack.wait_ready()
            state = self._import_state(stack, "r%d" % number)
            seen = counts(stack.ok(stack.get("/v1/summary", dict(
                fixtures.WINDOW, min_sequence=self._head(stack))))["overall"])
            self.assertIn(seen, ((0, 0), (ROWS, ONLINE)), "round %d, state %s" % (number, state))
            if answers and answers[0].status == 200 and answers[0].json["state"] == "APPLIED":
                self.assertEqual(seen, (ROWS, ONLINE), "acknowledged and lost in round %d" % number)
            if seen != (0, 0):
                self.assertEqual(state, "APPLIED")
        done = stack.ok(fixtures.upload(stack, data, **COVER))
        self.assertEqual(done["state"], "APPLIED")
        fixtures.wait_sequence(stack, done["sequence"])
        self.assertEqual(counts(stack.ok(stack.get("/v1/summary", fixtures.WINDOW))["overall"]),
                         (ROWS, ONLINE))

    def _upload(self, stack, data, import_id, answers):
        try:
            answers.append(fixtures.upload(stack, data, import_id=import_id, **COVER))
        except OSError:
            pass

    def _import_state(self, stack, import_id):
        answer = stack.get("/v1/imports/" + import_id)
        return answer.json["state"] if answer.status == 200 else ""

    def _head(self, stack):
        return stack.grpc("ingestion").call("dondoc.v1.FeedService", "GetHead")["sequence"]


class AggregationTest(harness.TestCase):
    def test_killed_and_started_again_it_answers_the_same(self):
        stack = self.stack()
        fixtures.put_units(stack)
        push(stack, [dossier("A-%d" % i) for i in range(100)], fixtures.covers_year())
        head = push(stack, [dossier("B-%d" % i, "t.so-b", channel="ONLINE") for i in range(50)])["sequence"]
        fixtures.wait_sequence(stack, head)
        asked = [("/v1/summary", fixtures.TARGET), ("/v1/ratios", fixtures.TARGET),
                 ("/v1/units/t.so-b/trend", fixtures.TARGET), ("/v1/freshness", {}),
                 ("/v1/summary", dict(fixtures.TARGET, as_of_sequence=int(head) - 1))]
        before = [stack.ok(stack.get(path, query)) for path, query in asked]
        stack.kill("aggregation")
        down = stack.get("/v1/summary", fixtures.TARGET)
        self.assertEqual((down.status, down.headers["Content-Type"]), (503, "application/problem+json"))
        stack.restart("aggregation")
        stack.wait_ready()
        self.assertEqual([stack.ok(stack.get(path, query)) for path, query in asked], before)

    def test_it_follows_on_after_ingestion_was_away(self):
        stack = self.stack(with_redis=False)
        fixtures.put_units(stack)
        fixtures.wait_sequence(stack, push(stack, [dossier("A-1")])["sequence"])
        stack.kill("ingestion")
        # Memory goes on answering.
        self.assertEqual(counts(ratio(stack, "t.so-a")), (1, 0))
        stack.restart("ingestion")
        stack.wait_ready()
        fixtures.wait_sequence(stack, push(stack, [dossier("A-2", channel="ONLINE")])["sequence"])
        self.assertEqual(counts(ratio(stack, "t.so-a")), (2, 1))

    def test_another_ledger_replaces_the_one_it_knew(self):
        stack = self.stack()
        fixtures.put_units(stack)
        fixtures.wait_sequence(stack, push(stack, [dossier("A-%d" % i) for i in range(9)])["sequence"])
        before = stack.ok(stack.get("/v1/summary", fixtures.TARGET))
        stack.processes["ingestion"].terminate()
        os.rename(os.path.join(stack.dir, "ledger"), os.path.join(stack.dir, "ledger-lost"))
        stack.restart("ingestion")
        stack.wait_ready()
        fixtures.put_units(stack)
        push(stack, [dossier("A-1", channel="ONLINE")])

        def replaced():
            answer = stack.get("/v1/summary", fixtures.TARGET)
            return (answer.status == 200 and answer.json["ledger_id"] != before["ledger_id"]
                    and answer.json["overall"]["total"] == "1" and answer.json)
        after = harness.wait_until(replaced, "the figures are the other ledger's")
        self.assertEqual(counts(after["overall"]), (1, 1))
        self.assertEqual(after["ledger_id"], stack.grpc("ingestion").call(
            "dondoc.v1.FeedService", "GetHead")["ledger_id"])


    def test_a_restored_ledger_is_followed_from_where_it_is_and_takes_what_it_lacks_again(self):
        stack = self.stack()
        fixtures.put_units(stack)
        ledger, copy = (os.path.join(stack.dir, name) for name in ("ledger", "backup"))
        kept = push(stack, [dossier("A-%d" % i) for i in range(5)])["sequence"]
        fixtures.wait_sequence(stack, kept)
        self.assertEqual(stack.processes["ingestion"].terminate(), 0)
        shutil.copytree(ledger, copy)
        stack.restart("ingestion")
        lost = [dossier("B-%d" % i, "t.so-b", channel="ONLINE") for i in range(7)]
        for each in lost:
            last = push(stack, [each])["sequence"]
        fixtures.wait_sequence(stack, last)
        self.assertEqual(stack.processes["ingestion"].terminate(), 0)
        shutil.rmtree(ledger)
        shutil.copytree(copy, ledger)
        stack.restart("ingestion")
        harness.wait_until(
            lambda: stack.get("/v1/summary", fixtures.WINDOW).json.get("sequence") == kept,
            "aggregation is where the restored ledger is")
        self.assertEqual(counts(ratio(stack, "t.so-b")), (0, 0))
        again = push(stack, lost)
        self.assertEqual({each["outcome"] for each in again["outcomes"]}, {"CREATED"})
        fixtures.wait_sequence(stack, again["sequence"])
        self.assertEqual((counts(ratio(stack, "t.so-a")), counts(ratio(stack, "t.so-b"))), ((5, 0), (7, 7)))


class RedisTest(harness.TestCase):
    def test_killed_answers_go_on_and_started_again_it_is_filled_again(self):
        stack = self.stack()
        fixtures.put_units(stack)
        fixtures.wait_sequence(stack, push(stack, [dossier("A-%d" % i) for i in range(4)],
                                           fixtures.covers_year())["sequence"])
        stack.grpc("aggregation").call("dondoc.v1.RatioService", "RegisterWindow", dict(
            fixtures.WINDOW, definition_id="received", lease_seconds=3600))
        before = harness.wait_until(lambda: self._hashes(stack), "the window is published")
        stack.kill("redis")
        self.assertEqual(counts(ratio(stack, "t.so-a")), (4, 0))
        push_answer = push(stack, [dossier("A-9", channel="ONLINE")])
        fixtures.wait_sequence(stack, push_answer["sequence"])
        self.assertEqual(counts(ratio(stack, "t.so-a")), (5, 1))
        stack.start_redis()
        self.assertEqual(stack.redis("DBSIZE") >= 0, True)
        after = harness.wait_until(
            lambda: self._hashes(stack).keys() == before.keys() and self._hashes(stack),
            "the window is published again")
        self.assertNotEqual(after, before)

        def holds_new_position():
            return any(push_answer["sequence"] in "".join(values) for values in self._hashes(stack).values())
        harness.wait_until(holds_new_position, "Redis holds sequence %s" % push_answer["sequence"])

    def _hashes(self, stack):
        return {key: stack.redis("HGETALL", key) for key in stack.redis("KEYS", "*")
                if stack.redis("TYPE", key) == "hash"}


class AlertingTest(harness.TestCase):
    def setUp(self):
        self.running = self.stack(with_redis=False, alerting_flags=["--mail_retry_seconds=2"])
        fixtures.put_units(self.running)
        rows = [dossier("%s-%d" % (unit["unit_id"].upper(), i), unit["unit_id"])
                for unit in fixtures.UNITS for i in range(10)]
        fixtures.wait_sequence(self.running, push(self.running, rows, fixtures.covers_year())["sequence"])
        fixtures.start_campaign(self.running)

    def test_killed_mid_delivery_each_reminder_arrives_and_twice_only_under_its_own_message_id(self):
        stack = self.running
        evaluation = fixtures.evaluate(stack, "crash")
        self.assertEqual(evaluation["flagged"], str(len(fixtures.UNITS)))
        stack.mail.hold()
        fixtures.release(stack, evaluation["evaluation_id"])
        harness.wait_until(lambda: stack.mail.held() >= 1, "a message is in the relay's hands")
        stack.kill("alerting")
        held = stack.mail.held()
        stack.mail.let_go()
        stack.restart("alerting")
        sent = fixtures.wait_all_sent(stack, evaluation["evaluation_id"])
        wanted = {each["message_id"] for each in sent}
        self.assertEqual(len(wanted), len(fixtures.UNITS))
        arrived = stack.mail.message_ids()
        self.assertEqual(set(arrived), wanted)
        self.assertLessEqual(len(arrived), len(wanted) + held)
        self.assertGreater(len(arrived), len(wanted), "the held message had no answer and is sent again")
        by_id = {}
        for message in stack.mail.messages:
            by_id.setdefault(mail_sink.message_id(mail_sink.parsed(message)), set()).add(message.recipients)
        self.assertTrue(all(len(recipients) == 1 for recipients in by_id.values()), by_id)

    def test_killed_between_evaluation_and_release_nothing_is_lost_or_sent_early(self):
        stack = self.running
        evaluation = fixtures.evaluate(stack, "early")
        stack.kill("alerting")
        stack.restart("alerting")
        again = fixtures.evaluate(stack, "early")
        self.assertEqual(again["evaluation_id"], evaluation["evaluation_id"])
        self.assertEqual(again["state"], "AWAITING_RELEASE")
        self.assertEqual(stack.mail.messages, [])
        fixtures.release(stack, evaluation["evaluation_id"])
        fixtures.wait_all_sent(stack, evaluation["evaluation_id"])
        self.assertEqual(len(stack.mail.messages), len(fixtures.UNITS))
        fixtures.release(stack, evaluation["evaluation_id"])
        fixtures.evaluate(stack, "early")
        stack.kill("alerting")
        stack.restart("alerting")
        self.assertEqual(len(stack.mail.messages), len(fixtures.UNITS))

    def test_a_relay_that_says_not_now_gets_it_later_and_one_that_says_never_is_not_asked_again(self):
        stack = self.running
        stack.mail.answer_with("451 4.3.0 Try again later")
        evaluation = fixtures.evaluate(stack, "later")
        fixtures.release(stack, evaluation["evaluation_id"])
        harness.wait_until(lambda: all(
            each["state"] == "DEFERRED" for each in fixtures.reminders(stack, evaluation["evaluation_id"])),
            "all are DEFERRED")
        self.assertIn("451", fixtures.reminders(stack, evaluation["evaluation_id"])[0]["last_reply"])
        stack.mail.answer_with(None)
        fixtures.wait_all_sent(stack, evaluation["evaluation_id"])
        self.assertEqual(len(set(stack.mail.message_ids())), len(fixtures.UNITS))

        stack.mail.answer_with("550 5.1.1 No such mailbox")
        never = fixtures.evaluate(stack, "never")
        fixtures.release(stack, never["evaluation_id"])
        harness.wait_until(lambda: all(
            each["state"] == "FAILED" for each in fixtures.reminders(stack, never["evaluation_id"])),
            "all are FAILED")


class EverythingTest(harness.TestCase):
    def test_all_killed_at_once_and_started_in_any_order_the_figures_are_the_same(self):
        stack = self.stack()
        fixtures.put_units(stack)
        fixtures.wait_sequence(stack, push(stack, [dossier("A-%d" % i) for i in range(40)],
                                           fixtures.covers_year())["sequence"])
        fixtures.start_campaign(stack)
        evaluation = fixtures.evaluate(stack, "one")
        before = [stack.ok(stack.get("/v1/summary", fixtures.TARGET)),
                  stack.ok(stack.get("/v1/evaluations/" + evaluation["evaluation_id"]))]
        for name in ("redis",) + harness.SERVERS:
            stack.kill(name)
        for name in reversed(harness.SERVERS):
            stack.start_service(name)
        stack.start_redis()
        stack.wait_ready()
        self.assertEqual([stack.ok(stack.get("/v1/summary", fixtures.TARGET)),
                          stack.ok(stack.get("/v1/evaluations/" + evaluation["evaluation_id"]))], before)


if __name__ == "__main__":
    unittest.main()
