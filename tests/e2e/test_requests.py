"""Bad requests and bad rows: each has its own clear answer, and changes nothing."""

import json
import socket
import unittest

import fixtures
import harness
from fixtures import dossier

# What | method | path | query | body | headers | status | what the answer must say
WINDOW = fixtures.WINDOW
BATCH = "/v1/dossiers:batchWrite"
JSON = {"Content-Type": "application/json"}
REQUESTS = [
    # Paths and verbs.
    ("unknown path", "GET", "/v1/nothing", {}, None, {}, 404, "/v1/nothing"),
    ("path of a neighbour", "GET", "/v2/summary", WINDOW, None, {}, 404, ""),
    ("wrong verb", "POST", "/v1/summary", {}, {}, {}, 405, ""),
    ("wrong verb on a custom method", "GET", BATCH, {}, None, {}, 405, ""),
    ("unknown custom verb", "POST", "/v1/dossiers:burn", {}, {}, {}, 404, ""),
    ("bad percent-encoding", "GET", "/v1/units/%zz/ratio", WINDOW, None, {}, 400, ""),
    ("path that is not UTF-8", "GET", "/v1/units/%ff%fe/ratio", WINDOW, None, {}, 400, ""),
    # Query.
    ("no window", "GET", "/v1/summary", {}, None, {}, 400, "from"),
    ("no end of the window", "GET", "/v1/summary", {"from": "2023-01-01"}, None, {}, 400, "to"),
    ("window backwards", "GET", "/v1/summary", {"from": "2023-11-15", "to": "2023-01-01"}, None, {}, 400, "from"),
    ("day that does not exist", "GET", "/v1/summary", {"from": "2023-02-30", "to": "2023-11-15"}, None, {}, 400,
     "2023-02-30"),
    ("day in another form", "GET", "/v1/summary", {"from": "01/01/2023", "to": "2023-11-15"}, None, {}, 400,
     "01/01/2023"),
    ("unknown query field", "GET", "/v1/summary", dict(WINDOW, colour="red"), None, {}, 400, "colour"),
    ("query field twice", "GET", "/v1/summary", {"from": ["2023-01-01", "2023-01-02"], "to": "2023-11-15"}, None,
     {}, 400, "from"),
    ("target that is no number", "GET", "/v1/summary", dict(WINDOW, target_percent="half"), None, {}, 400,
     "target_percent"),
    ("target above 100", "GET", "/v1/summary", dict(WINDOW, target_percent="101"), None, {}, 400, "target_percent"),
    ("target below 0", "GET", "/v1/summary", dict(WINDOW, target_percent="-1"), None, {}, 400, "target_percent"),
    ("target with seven decimals", "GET", "/v1/summary", dict(WINDOW, target_percent="50.1234567"), None, {}, 400,
     "target_percent"),
    ("unknown operator", "GET", "/v1/summary", dict(WINDOW, target_percent="50", target_operator="LIKE"), None, {},
     400, "target_operator"),
    ("unknown definition", "GET", "/v1/summary", dict(WINDOW, definition_id="mine"), None, {}, 404, "mine"),
    ("position after the head", "GET", "/v1/summary", dict(WINDOW, as_of_sequence="999999"), None, {}, 400, ""),
    ("position that is no number", "GET", "/v1/summary", dict(WINDOW, as_of_sequence="last"), None, {}, 400,
     "as_of_sequence"),
    ("negative position", "GET", "/v1/summary", dict(WINDOW, as_of_sequence="-5"), None, {}, 400, "as_of_sequence"),
    ("position and instant", "GET", "/v1/summary",
     dict(WINDOW, as_of_sequence="1", known_at="2023-11-20T00:00:00Z"), None, {}, 400, "known_at"),
    ("instant without offset", "GET", "/v1/summary", dict(WINDOW, known_at="2023-11-20"), None, {}, 400, "known_at"),
    ("newer than there is", "GET", "/v1/summary", dict(WINDOW, min_sequence="999999"), None, {}, 503, ""),
    ("unknown unit", "GET", "/v1/units/t.nowhere/ratio", WINDOW, None, {}, 404, "t.nowhere"),
    ("unknown level", "GET", "/v1/ratios", dict(WINDOW, level="VILLAGE"), None, {}, 400, "level"),
    ("unknown order", "GET", "/v1/ratios", dict(WINDOW, order_by="mood"), None, {}, 400, "order_by"),
    ("page too large", "GET", "/v1/ratios", dict(WINDOW, page_size="20001"), None, {}, 400, "page_size"),
    ("page token of ours never", "GET", "/v1/ratios", dict(WINDOW, page_token="x!"), None, {}, 400, "page_token"),
    ("unknown step", "GET", "/v1/units/t.so-a/trend", dict(WINDOW, step="HOUR"), None, {}, 400, "step"),
    ("too many steps", "GET", "/v1/units/t.so-a/trend", {"from": "2014-01-01", "to": "2023-11-15", "step": "DAY"},
     None, {}, 400, "step"),
    # Bodies.
    ("body that is not JSON", "POST", BATCH, {}, b"{not json", JSON, 400, ""),
    ("body of another type", "POST", BATCH, {}, b"<a/>", {"Content-Type": "application/xml"}, 415, ""),
    ("unknown JSON field", "POST", BATCH, {}, {"dosiers": []}, {}, 400, "dosiers"),
    ("unknown nested field", "POST", BATCH, {}, {"dossiers": [dict(dossier("A-1"), owner="Nguyễn Văn A")]}, {}, 400,
     "owner"),
    ("field twice", "POST", BATCH, {}, b'{"dossiers":[],"dossiers":[]}', JSON, 400, "dossiers"),
    ("scalar where a list belongs", "POST", BATCH, {}, {"dossiers": 5}, {}, 400, "dossiers"),
    ("list as the whole body", "POST", BATCH, {}, [], {}, 400, ""),
    ("too deep", "POST", BATCH, {}, b'{"dossiers":' + b"[" * 500 + b"]" * 500 + b"}", JSON, 400, ""),
    ("unknown enum word", "POST", BATCH, {}, {"dossiers": [dossier("A-1", channel="PIGEON")]}, {}, 400, "channel"),
    ("instant that cannot be read", "POST", BATCH, {},
     {"dossiers": [dict(dossier("A-1"), received_time="hôm qua")]}, {}, 400, "received_time"),
    ("too many dossiers", "POST", BATCH, {}, {"dossiers": [dossier("A-%d" % i) for i in range(10001)]}, {}, 429,
     "10000"),
    ("coverage without days", "POST", BATCH, {}, {"dossiers": [], "covers": {"extent": "COMPLETE"}}, {}, 400,
     "covers"),
    ("coverage of an unknown unit", "POST", BATCH, {},
     {"dossiers": [], "covers": fixtures.covers_year(unit_ids=["t.nowhere"])}, {}, 400, "t.nowhere"),
    # Units.
    ("unit without a level", "POST", "/v1/units:import", {}, {"units": [{"unit_id": "t.x", "name": "X"}]}, {}, 400,
     "units[0].level"),
    ("unit id with a space", "POST", "/v1/units:import", {},
     {"units": [{"unit_id": "t x", "name": "X", "level": "COMMUNE"}]}, {}, 400, "units[0].unit_id"),
    ("unit with an unknown parent", "POST", "/v1/units:import", {},
     {"units": [{"unit_id": "t.x", "name": "X", "level": "COMMUNE", "parent_id": "t.nowhere"}]}, {}, 400,
     "units[0].parent_id"),
    ("unit without a name", "POST", "/v1/units:import", {},
     {"units": [{"unit_id": "t.x", "level": "COMMUNE"}]}, {}, 400, "units[0].name"),
    # Imports.
    ("empty file", "POST", "/v1/imports", {"filename": "a.csv"}, b"", {"Content-Type": "text/csv"}, None, ""),
    ("complete without its days", "POST", "/v1/imports", {"complete": "true"}, b"x", {"Content-Type": "text/csv"},
     400, "covers_from"),
    ("one covered day missing", "POST", "/v1/imports", {"covers_from": "2023-01-01"}, b"x",
     {"Content-Type": "text/csv"}, 400, "covers_to"),
    ("import id with capitals", "POST", "/v1/imports", {"import_id": "ABC"}, b"x", {"Content-Type": "text/csv"}, 400,
     "import_id"),
    ("unknown import option", "POST", "/v1/imports", {"force": "true"}, b"x", {"Content-Type": "text/csv"}, 400,
     "force"),
    ("unknown import", "GET", "/v1/imports/never", {}, None, {}, 404, "never"),
    ("apply an unknown import", "POST", "/v1/imports/never:apply", {}, {}, {}, 404, "never"),
    ("unknown dossier", "GET", "/v1/dossiers/H34-NONE", {}, None, {}, 404, ""),
    ("dossiers without a window", "GET", "/v1/dossiers", {"unit_id": "t.so-a"}, None, {}, 400, "from"),
    # Campaigns.
    ("campaign without a deadline", "POST", "/v1/campaigns", {},
     {key: value for key, value in fixtures.CAMPAIGN.items() if key != "deadline_day"}, {}, 400, "deadline_day"),
    ("campaign with a rule finer than a day", "POST", "/v1/campaigns", {},
     dict(fixtures.CAMPAIGN, schedule={"rules": [{"rrule": "FREQ=SECONDLY", "time": "08:00"}]}), {}, 400, "rrule"),
    ("campaign with a target of 0", "POST", "/v1/campaigns", {},
     dict(fixtures.CAMPAIGN, targets=[{"level": "COMMUNE", "percent": "0"}]), {}, 400, "percent"),
    ("campaign with two targets for a level", "POST", "/v1/campaigns", {},
     dict(fixtures.CAMPAIGN, targets=[{"level": "COMMUNE", "percent": "50"}] * 2), {}, 400, "targets"),
    ("unknown campaign", "GET", "/v1/campaigns/never", {}, None, {}, 404, "never"),
    ("evaluation with neither slot nor id", "POST", "/v1/campaigns/known:evaluate", {}, {}, {}, 400, "request_id"),
    ("evaluation with both", "POST", "/v1/campaigns/known:evaluate", {},
     {"slot": "2023-11-20T08:00:00+07:00", "request_id": "a"}, {}, 400, "slot"),
    ("slot that is none of the campaign", "POST", "/v1/campaigns/known:evaluate", {},
     {"slot": "2023-11-21T03:33:00+07:00"}, {}, 404, "slot"),
    ("unknown evaluation", "POST", "/v1/evaluations/never:release", {}, {}, {}, 404, "never"),
    ("unknown reminder", "GET", "/v1/reminders/never/preview", {}, None, {}, 404, "never"),
]

# Cells of a row | reason | what the message must name.
ROWS = [
    (["A-1", "Sở Không Có", "01/03/2023", "Trực tuyến", "Đã trả kết quả"], "UNKNOWN_UNIT", "Sở Không Có"),
    (["A-2", "", "01/03/2023", "Trực tuyến", "Đã trả kết quả"], "NO_UNIT", ""),
    (["", "Sở A", "01/03/2023", "Trực tuyến", "Đã trả kết quả"], "MISSING_CODE", ""),
    (["A 3", "Sở A", "01/03/2023", "Trực tuyến", "Đã trả kết quả"], "BAD_CODE", ""),
    (["A" * 65, "Sở A", "01/03/2023", "Trực tuyến", "Đã trả kết quả"], "BAD_CODE", ""),
    (["A-4", "Sở A", "", "Trực tuyến", "Đã trả kết quả"], "NO_DATE", ""),
    (["A-5", "Sở A", "32/01/2023", "Trực tuyến", "Đã trả kết quả"], "BAD_DATE", "32/01/2023"),
    (["A-6", "Sở A", "hôm qua", "Trực tuyến", "Đã trả kết quả"], "BAD_DATE", "hôm qua"),
    (["A-7", "Sở A", "22/11/2023", "Trực tuyến", "Đã trả kết quả"], "FUTURE_DATE", "22/11/2023"),
]


class BadRequestTest(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = cls.class_stack(with_redis=False)
        fixtures.put_units(stack)
        fixtures.wait_sequence(stack, fixtures.push(stack, [dossier("A-1")])["sequence"])
        fixtures.start_campaign(stack, campaign_id="known")

    def _head(self):
        return self.shared_stack.grpc("ingestion").call("dondoc.v1.FeedService", "GetHead")["sequence"]

    def test_each_bad_request_has_its_answer_and_changes_nothing(self):
        stack = self.shared_stack
        head = self._head()
        for what, method, path, query, body, headers, status, says in REQUESTS:
            with self.subTest(what):
                answer = stack.request(method, path, query, body, headers)
                if status is None:  # an import that is read and found bad: FAILED, or refused at once
                    self.assertTrue(answer.status == 400 or answer.json["state"] == "FAILED", repr(answer))
                    continue
                self.assertEqual(answer.status, status, repr(answer))
                self.assertEqual(answer.headers["Content-Type"], "application/problem+json", repr(answer))
                problem = answer.json
                self.assertEqual(problem["status"], status)
                self.assertTrue(problem["request_id"])
                self.assertIn(says, problem["detail"] + problem.get("field", "") + str(
                    answer.headers.get("Allow", "")), repr(answer))
        self.assertEqual(self._head(), head)
        for name in harness.SERVERS:
            self.assertIsNone(stack.processes[name].exit_code(), name)

    def test_each_bad_row_has_its_reason_and_the_good_one_counts(self):
        stack = self.shared_stack
        good = ["G-1", "Sở B", "01/03/2023", "Trực tuyến", "Đã trả kết quả"]
        done = stack.ok(fixtures.upload(stack, fixtures.csv_file([row for row, _, _ in ROWS] + [good])))
        self.assertEqual((done["counted"], done["rejected"]), ("1", str(len(ROWS))))
        rejects = stack.ok(stack.get("/v1/imports/%s/rejects" % done["import_id"]))["rejects"]
        for number, ((_, reason, names), reject) in enumerate(zip(ROWS, rejects)):
            with self.subTest(reason=reason, row=number + 2):
                self.assertEqual((reject["row_number"], reject["reason"]), (str(number + 2), reason))
                self.assertIn(names, reject["message"])
                self.assertTrue(reject["message"])

    def test_each_bad_dossier_of_a_batch_is_rejected_alone(self):
        stack = self.shared_stack
        bad = [dossier("W-1", "t.nowhere"), dossier("W 2"), dossier(""), dossier("W-3", day="1999-12-31"),
               dossier("W-4", day="2023-11-22"), dossier("W-5", procedure_code="x" * 65), dossier("W-6", "")]
        answer = fixtures.push(stack, bad + [dossier("W-9", "t.so-b")])
        self.assertEqual([each["outcome"] for each in answer["outcomes"]], ["REJECTED"] * len(bad) + ["CREATED"])
        self.assertEqual([each["reason"] for each in answer["outcomes"][:-1]], [
            "UNKNOWN_UNIT", "BAD_CODE", "MISSING_CODE", "BAD_DATE", "FUTURE_DATE", "BAD_VALUE", "NO_UNIT"])

    def test_files_that_are_no_export_fail_with_a_word(self):
        stack = self.shared_stack
        for what, data in [
                ("no known header", b"a,b,c\n1,2,3\n"),
                ("binary", bytes(range(256)) * 20),
                ("header only, of nothing we know", "Họ tên,Ghi chú\n".encode()),
                ("a line without end", b'"' + b"x" * (9 << 20))]:
            with self.subTest(what):
                answer = fixtures.upload(stack, data)
                if answer.status == 200:
                    self.assertEqual(answer.json["state"], "FAILED", repr(answer))
                    self.assertTrue(answer.json["error"])
                else:
                    self.assertEqual(answer.status, 400, repr(answer))
                    self.assertTrue(answer.json["detail"])

    # --- below HTTP ---------------------------------------------------------------------------

    def _raw(self, data, close_write=False):
        host, port = self.shared_stack.address("gateway").split(":")
        with socket.create_connection((host, int(port)), timeout=40) as connection:
            try:
                connection.sendall(data)
            except OSError:
                pass  # it may answer and close before it has read all
            if close_write:
                connection.shutdown(socket.SHUT_WR)
            received = b""
            try:
                while chunk := connection.recv(65536):
                    received += chunk
                    if b"\r\n\r\n" in received:
                        break
            except OSError:
                pass
            return received

    def test_malformed_http_is_answered_or_closed_and_never_hurts(self):
        for what, data, statuses in [
                ("not HTTP", b"HELO mail\r\n\r\n", (b"400", b"")),
                ("header too large", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (1 << 20) + b"\r\n\r\n",
                 (b"431", b"400", b"")),
                ("bad length", b"POST /v1/units:import HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", (b"400", b"")),
                ("length and chunks", b"POST /v1/units:import HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (b"400", b"")),
                ("body too large", b"POST /v1/dossiers:batchWrite HTTP/1.1\r\nHost: a\r\nContent-Type: application/json"
                 b"\r\nContent-Length: 99999999999\r\n\r\n", (b"413",)),
                ("body cut off", b"POST /v1/dossiers:batchWrite HTTP/1.1\r\nHost: a\r\nContent-Type: application/json"
                 b"\r\nContent-Length: 100\r\n\r\n{", (b"400", b""))]:
            with self.subTest(what):
                received = self._raw(data, close_write=what == "body cut off")
                status = received.split(b" ")[1] if received else b""
                self.assertIn(status, statuses, received[:300])
        self.assertEqual(self.shared_stack.get("/readyz").status, 200)

    def test_hostile_request_ids_come_back_harmless(self):
        answer = self.shared_stack.get("/v1/nothing", headers={"X-Request-Id": "abc-123"})
        self.assertEqual(answer.json["request_id"], "abc-123")
        answer = self.shared_stack.get("/v1/nothing", headers={"X-Request-Id": "<script>" + "x" * 500})
        self.assertNotIn("<script>", json.dumps(answer.json))


if __name__ == "__main__":
    unittest.main()
