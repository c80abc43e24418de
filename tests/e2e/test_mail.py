"""Reminders as they arrive: read by Python's own mail reader."""

import re
import unittest

import fixtures
import harness
import mail_sink

HOSTILE = [
    {"unit_id": "t.so-phay", "name": "Sở Văn hóa, Thể thao và Du lịch", "level": "PROVINCE",
     "emails": ["so-vhttdl@kontum.invalid"]},
    {"unit_id": "t.so-html", "name": "Sở <script>alert(1)</script> & \"Em\"", "level": "PROVINCE",
     "emails": ["so-html@kontum.invalid"]},
    {"unit_id": "t.so-bang", "name": "=HYPERLINK(\"http://x\") Sở", "level": "PROVINCE",
     "emails": ["so-bang@kontum.invalid"]},
    {"unit_id": "t.so-dai", "name": "Sở " + "Đắk Ơ " * 18 + "Ư", "level": "PROVINCE",
     "emails": ["so-dai@kontum.invalid"]},
    {"unit_id": "t.so-cam", "name": "Sở Không Hộp Thư", "level": "PROVINCE"},
]


def start(case, units, alerting_flags=(), **campaign):
    """A stack whose units all have 10 dossiers, 2 of them online, under an active campaign."""
    stack = case.stack(with_redis=False, alerting_flags=alerting_flags)
    fixtures.put_units(stack, units)
    rows = [fixtures.dossier("%s-%d" % (unit["unit_id"].upper(), i), unit["unit_id"],
                             channel="ONLINE" if i < 2 else "COUNTER")
            for unit in units for i in range(10)]
    done = fixtures.push(stack, rows, fixtures.covers_year())
    fixtures.wait_sequence(stack, done["sequence"])
    fixtures.start_campaign(stack, **campaign)
    return stack


class MailTest(harness.TestCase):
    def test_each_flagged_unit_gets_one_readable_message(self):
        stack = start(self, fixtures.UNITS)
        evaluation = fixtures.evaluate(stack, "mail")
        self.assertEqual(evaluation["state"], "AWAITING_RELEASE")
        fixtures.release(stack, evaluation["evaluation_id"])
        sent = fixtures.wait_all_sent(stack, evaluation["evaluation_id"])
        by_recipient = {message.recipients: mail_sink.parsed(message) for message in stack.mail.messages}
        self.assertEqual(set(by_recipient), {(unit["emails"][0],) for unit in fixtures.UNITS})
        self.assertEqual(len(stack.mail.messages), len(fixtures.UNITS))
        ids = [mail_sink.message_id(each) for each in by_recipient.values()]
        self.assertEqual(len(set(ids)), len(ids))
        self.assertEqual(set(ids), {each["message_id"] for each in sent})
        for unit in fixtures.UNITS:
            message = by_recipient[(unit["emails"][0],)]
            subject = str(message["Subject"])
            for part in (unit["name"], "20,00", "50"):
                self.assertIn(part, subject)
            self.assertEqual(str(message["To"].addresses[0].addr_spec), unit["emails"][0])
            self.assertEqual(str(message["From"].addresses[0].addr_spec), "dondoc@kontum.invalid")
            self.assertEqual(message["Date"].datetime.strftime("%Y-%m-%d %z"), "2023-11-21 +0700")
            self.assertIn(str(message["Auto-Submitted"]), ("auto-generated",))
            text = message.get_body(("plain",)).get_content()
            html = message.get_body(("html",)).get_content()
            for part in (unit["name"], "20,00", "15/11/2023", "25/12/2023", "4067/UBND-TTHCC"):
                self.assertIn(part, text)
                self.assertIn(part, html)
            # x = N − 2K further dossiers, all online, for a target of one half.
            self.assertRegex(text, r"\b6\b")

    def test_lines_are_short_and_headers_are_ascii(self):
        stack = start(self, HOSTILE)
        evaluation = fixtures.evaluate(stack, "form")
        fixtures.release(stack, evaluation["evaluation_id"])
        fixtures.wait_all_sent(stack, evaluation["evaluation_id"])
        self.assertEqual(len(stack.mail.messages), len(HOSTILE) - 1)
        for message in stack.mail.messages:
            head = message.data.split(b"\r\n\r\n", 1)[0]
            self.assertTrue(head.isascii())
            for line in message.data.split(b"\r\n"):
                self.assertLessEqual(len(line), 998)
                self.assertNotIn(b"\n", line)
                self.assertNotIn(b"\r", line)
            for line in head.split(b"\r\n"):
                self.assertLessEqual(len(line), 78 * 4)
            self.assertEqual(mail_sink.parsed(message).defects, [])

    def test_hostile_names_do_no_harm(self):
        stack = start(self, HOSTILE)
        evaluation = fixtures.evaluate(stack, "hostile")
        fixtures.release(stack, evaluation["evaluation_id"])
        fixtures.wait_all_sent(stack, evaluation["evaluation_id"])
        messages = {message.recipients[0]: mail_sink.parsed(message) for message in stack.mail.messages}
        html = messages["so-html@kontum.invalid"].get_body(("html",)).get_content()
        self.assertNotIn("<script>", html)
        self.assertIn("&lt;script&gt;", html)
        self.assertIn("<script>alert(1)</script>",
                      messages["so-html@kontum.invalid"].get_body(("plain",)).get_content())
        self.assertIn("Sở Văn hóa, Thể thao và Du lịch", str(messages["so-vhttdl@kontum.invalid"]["Subject"]))
        long_name = next(unit["name"] for unit in HOSTILE if unit["unit_id"] == "t.so-dai")
        # RFC 2047 words may be cut anywhere between characters; the reader joins them again.
        self.assertIn(long_name[:20], str(messages["so-dai@kontum.invalid"]["Subject"]))
        page = stack.get("/")
        self.assertEqual(page.status, 200)
        self.assertNotIn("<script>alert(1)", page.text)
        flags = stack.ok(stack.get("/v1/evaluations/%s/flags" % evaluation["evaluation_id"]))["flags"]
        writing = {each["unit_id"]: each["writing"] for each in flags}
        self.assertEqual(writing["t.so-cam"], "NO_CONTACT")
        self.assertEqual(writing["t.so-phay"], "WRITTEN")

    def test_preview_is_the_message_that_is_sent(self):
        stack = start(self, fixtures.UNITS[:1])
        evaluation = fixtures.evaluate(stack, "preview")
        reminder = fixtures.reminders(stack, evaluation["evaluation_id"])[0]
        preview = stack.get("/v1/reminders/%s/preview" % reminder["reminder_id"])
        self.assertEqual((preview.status, preview.headers["Content-Type"].split(";")[0]), (200, "message/rfc822"))
        fixtures.release(stack, evaluation["evaluation_id"])
        fixtures.wait_all_sent(stack, evaluation["evaluation_id"])
        shown = mail_sink.parsed(mail_sink.Message("", (), preview.body))
        sent = mail_sink.parsed(stack.mail.messages[0])
        self.assertEqual(str(shown["Message-ID"]), str(sent["Message-ID"]))
        self.assertEqual(str(shown["Subject"]), str(sent["Subject"]))
        for kind in ("plain", "html"):
            self.assertEqual(shown.get_body((kind,)).get_content().splitlines(),
                             sent.get_body((kind,)).get_content().splitlines())

    def test_draft_sends_nothing_and_automatic_sends_at_once(self):
        stack = start(self, fixtures.UNITS, campaign_id="draft", send_mode="DRAFT")
        drafted = fixtures.evaluate(stack, "d", "draft")
        self.assertEqual((drafted["state"], drafted["reminders"]["drafted"]), ("DRAFTED", str(len(fixtures.UNITS))))
        self.assertEqual(stack.post("/v1/evaluations/%s:release" % drafted["evaluation_id"]).status, 400)
        fixtures.start_campaign(stack, campaign_id="auto", send_mode="AUTOMATIC")
        automatic = fixtures.evaluate(stack, "a", "auto")
        fixtures.wait_all_sent(stack, automatic["evaluation_id"])
        self.assertEqual(len(stack.mail.messages), len(fixtures.UNITS))
        self.assertEqual({each["state"] for each in fixtures.reminders(stack, drafted["evaluation_id"])}, {"DRAFTED"})

    def test_a_dry_run_keeps_nothing(self):
        stack = start(self, fixtures.UNITS)
        dry = fixtures.evaluate(stack, "dry", dry_run=True)
        self.assertEqual((dry["state"], dry["flagged"]), ("DRY_RUN", str(len(fixtures.UNITS))))
        self.assertEqual(stack.ok(stack.get("/v1/campaigns/dvctt-2023/evaluations"))["evaluations"], [])

    def test_a_redirect_and_an_allow_list_guard_trials(self):
        stack = start(self, fixtures.UNITS, ["--mail_redirect_to=thu-nghiem@office.invalid"])
        evaluation = fixtures.evaluate(stack, "redirect")
        fixtures.release(stack, evaluation["evaluation_id"])
        fixtures.wait_all_sent(stack, evaluation["evaluation_id"])
        self.assertEqual({message.recipients for message in stack.mail.messages}, {("thu-nghiem@office.invalid",)})
        self.assertEqual(len(set(stack.mail.message_ids())), len(fixtures.UNITS))

        other = [dict(fixtures.UNITS[0]), dict(fixtures.UNITS[1], emails=["so-b@elsewhere.invalid"])]
        stack = start(self, other, ["--mail_domains_allowed=kontum.invalid"])
        evaluation = fixtures.evaluate(stack, "allowed")
        fixtures.release(stack, evaluation["evaluation_id"])
        fixtures.wait_all_sent(stack, evaluation["evaluation_id"])
        self.assertEqual({message.recipients for message in stack.mail.messages}, {("so-a@kontum.invalid",)})
        flags = stack.ok(stack.get("/v1/evaluations/%s/flags" % evaluation["evaluation_id"]))["flags"]
        self.assertEqual({each["unit_id"]: each["writing"] for each in flags},
                         {"t.so-a": "WRITTEN", "t.so-b": "RECIPIENT_REFUSED"})

    def test_slots_run_by_themselves_as_civil_time_goes_on_and_once_each(self):
        stack = start(self, fixtures.UNITS, send_mode="AUTOMATIC")
        slots = [each["slot"] for each in
                 stack.ok(stack.get("/v1/campaigns/dvctt-2023/slots"))["slots"]]
        self.assertEqual(slots[0], "2023-11-27T08:00:00+07:00")
        self.assertEqual(slots, sorted(set(slots)))
        stack.set_now("2023-11-27T07:59:00+07:00")
        self.assertEqual(stack.ok(stack.get("/v1/campaigns/dvctt-2023/evaluations"))["evaluations"], [])
        stack.set_now("2023-11-27T08:00:30+07:00")

        def evaluations():
            return stack.ok(stack.get("/v1/campaigns/dvctt-2023/evaluations"))["evaluations"]
        first = harness.wait_until(evaluations, "the Monday slot is evaluated")
        self.assertEqual(first[0]["slot"], slots[0])
        fixtures.wait_all_sent(stack, first[0]["evaluation_id"])
        stack.kill("alerting")
        stack.restart("alerting")
        # Two slots passed while it was away: the newest runs once, marked late.
        stack.kill("alerting")
        stack.set_now("2023-12-12T10:00:00+07:00")
        stack.restart("alerting")
        late = harness.wait_until(lambda: len(evaluations()) == 2 and evaluations(), "the missed slot is evaluated")
        self.assertTrue(late[0]["late"])
        self.assertEqual(late[0]["slot"], max(slot for slot in slots if slot < "2023-12-12"))
        fixtures.wait_all_sent(stack, late[0]["evaluation_id"])
        self.assertEqual(len(stack.mail.messages), 2 * len(fixtures.UNITS))
        self.assertEqual(len(set(stack.mail.message_ids())), 2 * len(fixtures.UNITS))


if __name__ == "__main__":
    unittest.main()
