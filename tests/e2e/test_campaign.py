"""A campaign as an officer changes and releases it, through the gateway. The whole life of one is not here yet."""

import unittest

import fixtures
import harness

ICS = b"""BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//VI\r
BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20240208\r\nDTEND;VALUE=DATE:20240215\r\nSUMMARY:T\xe1\xba\xbft\r\nEND:VEVENT\r
BEGIN:VEVENT\r\nUID:2\r\nDTSTART;VALUE=DATE:20240504\r\nSUMMARY:L\xc3\xa0m b\xc3\xb9 29/4\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"""


def writing(stack, evaluation_id):
    flags = stack.ok(stack.get("/v1/evaluations/%s/flags" % evaluation_id))["flags"]
    return {each["unit_id"]: each["writing"] for each in flags}


class CampaignTest(harness.TestCase):
    def start(self, **campaign):
        stack = self.stack(with_redis=False)
        fixtures.put_units(stack)
        rows = [fixtures.dossier("%s-%d" % (unit["unit_id"].upper(), i), unit["unit_id"],
                                 channel="ONLINE" if i < 2 else "COUNTER")
                for unit in fixtures.UNITS for i in range(10)]
        done = fixtures.push(stack, rows, fixtures.covers_year())
        fixtures.wait_sequence(stack, done["sequence"])
        fixtures.start_campaign(stack, **campaign)
        return stack

    def test_an_officer_takes_units_out_and_holds_count_until_the_release(self):
        stack = self.start()
        made = fixtures.evaluate(stack, "a")
        path = "/v1/evaluations/%s" % made["evaluation_id"]
        self.assertEqual(made["state"], "AWAITING_RELEASE")
        stack.ok(stack.post(path + ":exclude", {"unit_ids": ["t.so-b"], "reason": "đã giải trình", "author": "Lan"}))
        stack.ok(stack.post("/v1/silences", {"unit_id": "t.huyen", "reason": "lũ", "author": "Lan",
                                             "expire_time": "2023-12-01T00:00:00+07:00"}))
        dispute = stack.ok(stack.post("/v1/disputes", {
            "campaign_id": "dvctt-2023", "unit_id": "t.huyen.xa-1", "reason": "thiếu hồ sơ", "author": "Xã Một",
            "claimed": {"total": 10, "online": 6}}))
        self.assertEqual((dispute["ours"], dispute["claimed"]),
                         ({"total": "10", "online": "2"}, {"total": "10", "online": "6"}))
        fixtures.release(stack, made["evaluation_id"])
        harness.wait_until(lambda: len(stack.mail.messages) == 2, "two reminders are sent")
        self.assertEqual(writing(stack, made["evaluation_id"]), {
            "t.so-a": "WRITTEN", "t.so-b": "EXCLUDED", "t.huyen": "SILENCED", "t.huyen.xa-1": "DISPUTED",
            "t.huyen.xa-2": "WRITTEN"})
        # The same day again: nothing twice.
        self.assertEqual(writing(stack, fixtures.evaluate(stack, "b")["evaluation_id"])["t.so-a"], "ALREADY_TODAY")
        stack.ok(stack.post("/v1/disputes/%s:resolve" % dispute["dispute_id"],
                            {"state": "DISMISSED", "resolution": "đã đối chiếu", "author": "Lan"}))
        stack.set_now("2023-11-22T09:00:00+07:00")
        self.assertEqual(writing(stack, fixtures.evaluate(stack, "c")["evaluation_id"])["t.huyen.xa-1"], "WRITTEN")

    def test_an_approval_expires_and_says_so(self):
        stack = self.start(approval_expires_hours=24)
        made = fixtures.evaluate(stack, "a")
        stack.set_now("2023-11-22T09:00:01+07:00")
        path = "/v1/evaluations/%s" % made["evaluation_id"]
        self.assertEqual(stack.ok(stack.get(path))["state"], "EXPIRED")
        self.assertEqual(stack.post(path + ":release").status, 400)
        self.assertEqual(stack.mail.messages, [])

    def test_a_change_is_on_record_and_leaves_what_was_evaluated(self):
        stack = self.start()
        made = fixtures.evaluate(stack, "a")
        changed = stack.ok(stack.request(
            "PATCH", "/v1/campaigns/dvctt-2023", {"update_mask": "min_volume", "author": "Lan", "reason": "ít hồ sơ"},
            {"min_volume": 11}))
        self.assertEqual((changed["min_volume"], changed["revision"]), ("11", 2))
        self.assertEqual(stack.ok(stack.get("/v1/campaigns/dvctt-2023/changes"))["changes"][0]["fields"], ["min_volume"])
        again = fixtures.evaluate(stack, "b")
        self.assertEqual((made["flagged"], again["flagged"], again["campaign_revision"]), ("5", "0", 2))
        self.assertEqual(stack.ok(stack.get("/v1/evaluations/" + made["evaluation_id"]))["flagged"], "5")

    def test_a_slot_on_a_holiday_moves_and_calendars_are_imported(self):
        stack = self.start()
        stack.ok(stack.request("PUT", "/v1/holidays/2023-11-27", None,
                               {"kind": "DAY_OFF", "name": "thử", "author": "Lan"}))
        slots = stack.ok(stack.get("/v1/campaigns/dvctt-2023/slots"))["slots"]
        self.assertEqual(slots[0], {"slot": "2023-11-28T08:00:00+07:00", "moved_from": "2023-11-27"})
        self.assertEqual(slots[-1]["slot"], "2023-12-25T08:00:00+07:00")
        stack.ok(stack.request("POST", "/v1/holidays:import", {"author": "Lan"}, ICS, {"Content-Type": "text/calendar"}))
        days = stack.ok(stack.get("/v1/holidays", {"from": "2024-01-01"}))["holidays"]
        self.assertEqual([(each["day"], each["kind"]) for each in days],
                         [("2024-02-%02d" % day, "DAY_OFF") for day in range(8, 15)] + [("2024-05-04", "WORKED")])

    def test_the_office_and_districts_get_digests(self):
        stack = self.start(kinds=[], office_emails=["vp@kontum.invalid"], send_mode="AUTOMATIC")
        made = fixtures.evaluate(stack, "a")
        found = fixtures.wait_all_sent(stack, made["evaluation_id"])
        self.assertEqual(sorted((each["kind"], each["unit_id"]) for each in found if each["kind"] != "reminder"),
                         [("district_digest", "t.huyen"), ("office_digest", "office")])


if __name__ == "__main__":
    unittest.main()
