"""Imports, corrections and positions, through the gateway."""

import unittest

import fixtures
import harness
from fixtures import counts, dossier, push, ratio


class LedgerTest(harness.TestCase):
    def setUp(self):
        self.running = self.stack(with_redis=False)
        fixtures.put_units(self.running)

    def test_an_import_takes_one_sequence_and_the_same_file_again_none(self):
        stack = self.running
        data = fixtures.csv_file([
            ["H34-230301-%04d" % i, "Sở A", "01/03/2023 08:00", "Trực tuyến" if i % 2 else "Trực tiếp",
             "Đã trả kết quả"] for i in range(40)])
        options = dict(covers_from="2023-01-01", covers_to="2023-11-15", complete="true",
                       extracted_at="2023-11-16T00:00:00+07:00")
        head = fixtures.push(stack, [dossier("H34-1")])["sequence"]
        first = stack.ok(fixtures.upload(stack, data, **options))
        self.assertEqual((first["state"], first["rows"], first["counted"], first["rejected"]),
                         ("APPLIED", "40", "40", "0"))
        self.assertEqual(int(first["sequence"]), int(head) + 1)
        fixtures.wait_sequence(stack, first["sequence"])
        before = stack.ok(stack.get("/v1/summary", fixtures.TARGET))

        again = stack.ok(fixtures.upload(stack, data, **options))
        self.assertEqual(again["import_id"], first["import_id"])
        self.assertEqual(again["sequence"], first["sequence"])
        self.assertEqual(stack.ok(stack.get("/v1/summary", fixtures.TARGET)), before)
        self.assertEqual(int(push(stack, [dossier("H34-2", day="2022-01-01")])["sequence"]),
                         int(first["sequence"]) + 1)

    def test_a_correction_changes_exactly_what_it_corrects_and_the_earlier_figure_stays(self):
        stack = self.running
        first = push(stack, [dossier("A-%d" % i) for i in range(10)] +
                     [dossier("B-%d" % i, "t.so-b") for i in range(10)], fixtures.covers_year())
        second = push(stack, [dossier("A-3", channel="ONLINE")])
        self.assertEqual(second["outcomes"][0]["outcome"], "UPDATED")
        self.assertEqual(int(second["sequence"]), int(first["sequence"]) + 1)
        fixtures.wait_sequence(stack, second["sequence"])

        self.assertEqual(counts(ratio(stack, "t.so-a")), (10, 1))
        self.assertEqual(counts(ratio(stack, "t.so-b")), (10, 0))
        self.assertEqual(counts(ratio(stack, "t.so-a", as_of_sequence=first["sequence"])), (10, 0))
        old = stack.ok(stack.get("/v1/summary", dict(fixtures.TARGET, as_of_sequence=first["sequence"])))
        self.assertEqual(counts(old["overall"]), (20, 0))
        self.assertEqual(old["sequence"], first["sequence"])

        page = stack.ok(stack.get("/v1/dossiers", dict(fixtures.WINDOW, unit_id="t.so-a", channel="ONLINE")))
        self.assertEqual([each["code"] for each in page["dossiers"]], ["A-3"])
        page = stack.ok(stack.get("/v1/dossiers", dict(
            fixtures.WINDOW, unit_id="t.so-a", channel="ONLINE", as_of_sequence=first["sequence"])))
        self.assertEqual(page["dossiers"], [])
        history = stack.ok(stack.get("/v1/dossiers/A-3"))
        self.assertEqual([each["dossier"]["channel"] for each in history["revisions"]],
                         ["COUNTER", "ONLINE"])

    def test_known_at_answers_what_was_known_by_then(self):
        stack = self.running
        push(stack, [dossier("A-1")], fixtures.covers_year())
        stack.set_now("2023-11-22T09:00:00+07:00")
        second = push(stack, [dossier("A-2", channel="ONLINE")])
        fixtures.wait_sequence(stack, second["sequence"])
        self.assertEqual(counts(ratio(stack, "t.so-a")), (2, 1))
        self.assertEqual(counts(ratio(stack, "t.so-a", known_at="2023-11-21T23:00:00+07:00")), (1, 0))

    def test_a_late_revision_is_stale_and_the_same_again_is_unchanged(self):
        stack = self.running
        newest = dossier("A-1", channel="ONLINE", update_time="2023-05-02T08:00:00+07:00")
        push(stack, [newest])
        stale = push(stack, [dossier("A-1", update_time="2023-05-01T08:00:00+07:00")])
        self.assertEqual(stale["outcomes"][0]["outcome"], "STALE")
        again = push(stack, [newest])
        self.assertEqual(again["outcomes"][0]["outcome"], "UNCHANGED")
        fixtures.wait_sequence(stack, again["sequence"])
        self.assertEqual(counts(ratio(stack, "t.so-a")), (1, 1))

    def test_preview_changes_nothing_apply_does_and_revert_leaves_what_was(self):
        stack = self.running
        head = push(stack, [dossier("A-%d" % i) for i in range(5)])["sequence"]
        rows = [["A-%d" % i, "Sở A", "01/03/2023", "Trực tuyến", "Đã trả kết quả"] for i in range(8)]
        preview = stack.ok(fixtures.upload(stack, fixtures.csv_file(rows), preview="true",
                                           extracted_at="2023-11-21T09:00:00+07:00"))
        self.assertEqual((preview["state"], preview["sequence"]), ("PREVIEWED", "0"))
        change = next(each for each in preview["changes"] if each["unit_id"] == "t.so-a")
        self.assertEqual((counts(change["before"]), counts(change["after"])), ((5, 0), (8, 8)))
        fixtures.wait_sequence(stack, head)
        self.assertEqual(counts(ratio(stack, "t.so-a")), (5, 0))

        path = "/v1/imports/" + preview["import_id"]
        applied = stack.ok(stack.post(path + ":apply"))
        self.assertEqual((applied["state"], int(applied["sequence"])), ("APPLIED", int(head) + 1))
        fixtures.wait_sequence(stack, applied["sequence"])
        self.assertEqual(counts(ratio(stack, "t.so-a")), (8, 8))
        again = stack.ok(stack.post(path + ":apply"))
        self.assertEqual(again["sequence"], applied["sequence"], "a retry takes no second sequence")

        reverted = stack.ok(stack.post(path + ":revert"))
        self.assertEqual(reverted["state"], "REVERTED")
        fixtures.wait_sequence(stack, int(applied["sequence"]) + 1)
        self.assertEqual(counts(ratio(stack, "t.so-a")), (5, 0))
        self.assertEqual(counts(ratio(stack, "t.so-a", as_of_sequence=applied["sequence"])), (8, 8))

        stack.ok(stack.post(path + ":apply"))
        fixtures.wait_sequence(stack, int(applied["sequence"]) + 2)
        self.assertEqual(counts(ratio(stack, "t.so-a")), (8, 8))

    def test_rejected_rows_are_kept_with_their_place_and_replayed_once_the_unit_is_known(self):
        stack = self.running
        rows = [["A-1", "Sở A", "01/03/2023", "Trực tuyến", "Đã trả kết quả"],
                ["C-1", "Sở Chưa Có", "01/03/2023", "Trực tuyến", "Đã trả kết quả"],
                ["", "Sở A", "01/03/2023", "Trực tuyến", "Đã trả kết quả"],
                ["A-2", "Sở A", "31/02/2023", "Trực tuyến", "Đã trả kết quả"],
                ["A-3", "Sở A", "01/03/2024", "Trực tuyến", "Đã trả kết quả"]]
        done = stack.ok(fixtures.upload(stack, fixtures.csv_file(rows)))
        self.assertEqual((done["counted"], done["rejected"]), ("1", "4"))
        path = "/v1/imports/" + done["import_id"]
        rejects = stack.ok(stack.get(path + "/rejects"))["rejects"]
        self.assertEqual([(each["row_number"], each["reason"]) for each in rejects], [
            ("3", "UNKNOWN_UNIT"), ("4", "MISSING_CODE"), ("5", "BAD_DATE"), ("6", "FUTURE_DATE")])
        self.assertIn("Sở Chưa Có", rejects[0]["message"])
        download = stack.get(path + "/rejects:download")
        self.assertEqual(download.status, 200)
        self.assertIn("Sở Chưa Có", download.text)

        fixtures.put_units(stack, [{"unit_id": "t.so-c", "name": "Sở Chưa Có", "level": "PROVINCE"}])
        replayed = stack.ok(stack.post(path + ":replay"))
        self.assertEqual((replayed["counted"], replayed["rejected"]), ("2", "3"))
        self.assertEqual(len(replayed["replay_sequences"]), 1)
        fixtures.wait_sequence(stack, replayed["replay_sequences"][0])
        self.assertEqual(counts(ratio(stack, "t.so-c")), (1, 1))

    def test_a_complete_import_withdraws_what_it_lacks_and_asks_above_five_percent(self):
        stack = self.running
        row = lambda i: ["A-%03d" % i, "Sở A", "01/03/2023", "Trực tiếp", "Đã trả kết quả"]  # noqa: E731
        cover = dict(covers_from="2023-01-01", covers_to="2023-11-15", complete="true")
        stack.ok(fixtures.upload(stack, fixtures.csv_file([row(i) for i in range(100)]),
                                 extracted_at="2023-11-16T00:00:00+07:00", **cover))
        fewer = stack.ok(fixtures.upload(stack, fixtures.csv_file([row(i) for i in range(95)]),
                                         extracted_at="2023-11-17T00:00:00+07:00", **cover))
        self.assertEqual((fewer["state"], fewer["withdrawn"]), ("APPLIED", "5"))
        fixtures.wait_sequence(stack, fewer["sequence"])
        self.assertEqual(counts(ratio(stack, "t.so-a")), (95, 0))

        held = stack.ok(fixtures.upload(stack, fixtures.csv_file([row(i) for i in range(50)]),
                                        extracted_at="2023-11-18T00:00:00+07:00", **cover))
        self.assertEqual((held["state"], held["withdrawn"]), ("PREVIEWED", "45"))
        self.assertIn("WITHDRAWS_MANY", [each["kind"] for each in held["warnings"]])
        path = "/v1/imports/" + held["import_id"]
        self.assertEqual(stack.post(path + ":apply").status, 400)
        self.assertEqual(counts(ratio(stack, "t.so-a")), (95, 0))
        applied = stack.ok(stack.post(path + ":apply", {"confirm_withdrawals": True}))
        fixtures.wait_sequence(stack, applied["sequence"])
        self.assertEqual(counts(ratio(stack, "t.so-a")), (50, 0))

    def test_covered_and_empty_is_no_dossiers_and_not_covered_is_no_data(self):
        stack = self.running
        done = push(stack, [dossier("A-1", channel="ONLINE")],
                    fixtures.covers_year(unit_ids=["t.so-a", "t.so-b"]))
        fixtures.wait_sequence(stack, done["sequence"])
        levels = {each["level"]: each for each in
                  stack.ok(stack.get("/v1/summary", fixtures.TARGET))["levels"]}
        province = levels["PROVINCE"]
        self.assertEqual([province[key] for key in ("units", "reached", "below", "no_dossiers", "no_data")],
                         ["2", "1", "0", "1", "0"])
        self.assertEqual(levels["COMMUNE"]["no_data"], "2")

    def test_a_pending_dossier_is_stored_and_not_counted(self):
        stack = self.running
        done = push(stack, [{"code": "P-1", "unit_id": "t.so-a", "channel": "ONLINE", "status": "NEW"},
                            dossier("P-2")])
        fixtures.wait_sequence(stack, done["sequence"])
        self.assertEqual(counts(ratio(stack, "t.so-a")), (1, 0))
        self.assertEqual(stack.ok(stack.get("/v1/dossiers/P-1"))["dossier"]["status"], "NEW")


if __name__ == "__main__":
    unittest.main()
