"""The directory, the catalogue of procedures and definitions, through the gateway."""

import json
import os
import unittest

import fixtures
import harness
from fixtures import counts, dossier, push, ratio

DEFINITIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/data/definitions")

PROCEDURES = """Mã TTHC,Tên TTHC,Lĩnh vực,Mức độ,Giảm lệ phí,Cắt giảm thời gian,Từ ngày,Đến ngày
1.000656.000.00.00.H34,Đăng ký khai tử,Hộ tịch,Toàn trình,50%,20,01/03/2023,31/03/2023
"""


class DirectoryTest(harness.TestCase):
    def setUp(self):
        self.running = self.stack(with_redis=False)
        fixtures.put_units(self.running)

    def send_file(self, path, text, **query):
        return self.running.request("POST", path, query, text.encode("utf-8"),
                                    {"Content-Type": "application/octet-stream"})

    def changes(self, **query):
        return self.running.ok(self.running.get("/v1/directory/changes", query))["changes"]

    def test_a_taught_name_counts_exactly_the_row_that_was_rejected_for_it(self):
        stack = self.running
        imported = stack.ok(fixtures.upload(stack, fixtures.csv_file([
            ["H34-230301-0001", "Sở A", "01/03/2023 08:00", "Trực tiếp", "Đã trả kết quả"],
            ["H34-230301-0002", "Chi cục A", "01/03/2023 08:00", "Trực tuyến", "Đã trả kết quả"],
            ["H34-230301-0003", "Chi cục C", "01/03/2023 08:00", "Trực tuyến", "Đã trả kết quả"]])))
        self.assertEqual(imported["rejected"], "2")
        fixtures.wait_sequence(stack, imported["sequence"])
        self.assertEqual(counts(ratio(stack, "t.so-a")), (1, 0))

        taught = stack.ok(stack.post("/v1/units/t.so-a:addAlias", {"alias": "Chi cục A"}))
        self.assertEqual(taught["unit"]["aliases"], ["Chi cục A"])
        refused = stack.post("/v1/units/t.so-b:addAlias", {"alias": "CHI CUC A"})
        self.assertEqual(refused.status, 409)
        self.assertIn("t.so-a", refused.text)

        replayed = stack.ok(stack.post("/v1/imports/%s:replay" % imported["import_id"], {}))
        self.assertEqual(replayed["rejected"], "1")
        fixtures.wait_sequence(stack, replayed["replay_sequences"][-1])
        self.assertEqual(counts(ratio(stack, "t.so-a")), (2, 1))
        self.assertEqual(counts(ratio(stack, "t.so-b")), (0, 0))

    def test_a_patch_names_its_fields_and_a_new_parent_is_a_new_unit(self):
        stack = self.running
        before = self.changes()
        answer = stack.request("PATCH", "/v1/units/t.so-a", {"update_mask": "name", "renamed_on": "2023-06-01"},
                               json.dumps({"name": "Sở A Mới", "emails": ["x@y.invalid"]}).encode("utf-8"),
                               {"Content-Type": "application/json"})
        unit = stack.ok(answer)["unit"]
        self.assertEqual((unit["name"], unit["emails"]), ("Sở A Mới", ["so-a@kontum.invalid"]))
        self.assertEqual([(each["name"], each["valid_to"]) for each in unit["former_names"]],
                         [("Sở A", "2023-05-31")])
        imported = stack.ok(fixtures.upload(stack, fixtures.csv_file([
            ["H34-230301-0001", "Sở A", "31/05/2023 08:00", "Trực tiếp", "Đã trả kết quả"],
            ["H34-230301-0002", "Sở A", "01/06/2023 08:00", "Trực tiếp", "Đã trả kết quả"]])))
        self.assertEqual((imported["counted"], imported["rejected"]), ("1", "1"))

        refused = stack.request("PATCH", "/v1/units/t.huyen.xa-1", {"update_mask": "parent_id"},
                                json.dumps({"parent_id": ""}).encode("utf-8"), {"Content-Type": "application/json"})
        self.assertEqual(refused.status, 400)
        self.assertIn("new unit", refused.text)

        after = self.changes()
        self.assertEqual(len(after), len(before) + 1)
        self.assertEqual((after[-1]["kind"], after[-1]["id"], after[-1]["before"]["unit"]["name"],
                          after[-1]["after"]["unit"]["name"]), ("UNIT", "t.so-a", "Sở A", "Sở A Mới"))

    def test_files_of_units_and_procedures(self):
        stack = self.running
        answer = stack.ok(self.send_file("/v1/units:importFile", "unit_id,alias\nt.so-a,Tên riêng\n"))
        self.assertEqual((answer["rows"], answer["updated"]), ("1", "1"))
        answer = stack.ok(self.send_file(
            "/v1/units:importFile",
            "old_unit_id,new_unit_id,new_name,valid_to,valid_from\n"
            "t.huyen.xa-1,t.xa-moi,Xã Mới,2025-06-30,2025-07-01\n"
            "t.huyen.xa-2,t.xa-moi,Xã Mới,2025-06-30,2025-07-01\n"))
        self.assertEqual((answer["created"], answer["updated"]), ("1", "2"))
        self.assertEqual(stack.ok(stack.get("/v1/units/t.huyen.xa-1"))["successor_ids"], ["t.xa-moi"])
        refused = self.send_file("/v1/units:importFile", "unit_id,name,level\nx,X,làng\n")
        self.assertEqual(refused.status, 400)
        self.assertIn("body: dòng 2", refused.text)

        answer = stack.ok(self.send_file("/v1/procedures:importFile", PROCEDURES))
        self.assertEqual((answer["rows"], answer["created"]), ("1", "1"))
        procedure = stack.ok(stack.get("/v1/procedures/1.000656"))
        self.assertEqual(procedure["offers"], [{
            "service_level": "FULL", "fee_cut_percent": 50, "time_cut_percent": 20,
            "valid_from": "2023-03-01", "valid_to": "2023-03-31"}])
        listed = stack.ok(stack.get("/v1/procedures", {"online_on": "2023-04-01"}))
        self.assertEqual(listed["procedures"], [])

    def put_definition(self, name, **more):
        with open(os.path.join(DEFINITIONS, name + ".json"), encoding="utf-8") as file:
            return self.running.ok(self.running.post("/v1/definitions", dict(json.load(file), **more)))

    def test_the_shipped_definitions_are_taken_and_say_what_they_cannot_express(self):
        for name in sorted(os.listdir(DEFINITIONS)):
            if name.endswith(".json"):
                put = self.put_definition(name[:-len(".json")])
                self.assertEqual(put["definition"]["version"], 1)
                self.assertNotEqual(put["definition"]["legal_basis"], "")
                self.assertNotEqual(put["definition"]["note"], "")
        listed = self.running.ok(self.running.get("/v1/definitions"))["definitions"]
        self.assertEqual(len(listed), 7)

    def test_two_versions_and_the_catalogue_decide_what_is_counted(self):
        stack = self.running
        push(stack, [dossier("A-1", channel="ONLINE", procedure_code="1.000656"),
                     dossier("A-2", channel="POSTAL", procedure_code="1.000656"),
                     dossier("A-3", channel="COUNTER", procedure_code="1.000656", day="2023-04-01")],
             fixtures.covers_year())
        first = self.put_definition("emc", numerator_channels=["ONLINE"])
        second = self.put_definition("emc")
        self.assertEqual((first["definition"]["version"], second["definition"]["version"]), (1, 2))
        only = self.put_definition("cong-van-4067")
        fixtures.wait_sequence(stack, only["sequence"])
        self.assertEqual(counts(ratio(stack, "t.so-a", definition_id="emc")), (3, 2))
        self.assertEqual(counts(ratio(stack, "t.so-a", definition_id="emc", as_of_sequence=first["sequence"])), (3, 1))
        # Nobody said which level; then the catalogue does, for March.
        self.assertEqual(counts(ratio(stack, "t.so-a", definition_id="cong-van-4067")), (0, 0))
        imported = stack.ok(self.send_file("/v1/procedures:importFile", PROCEDURES))
        fixtures.wait_sequence(stack, imported["sequence"])
        self.assertEqual(counts(ratio(stack, "t.so-a", definition_id="cong-van-4067")), (2, 1))
        self.assertEqual(counts(ratio(stack, "t.so-a", definition_id="cong-van-4067",
                                      as_of_sequence=only["sequence"])), (0, 0))
        page = stack.ok(stack.get("/v1/dossiers", dict(fixtures.WINDOW, unit_id="t.so-a",
                                                       definition_id="cong-van-4067")))
        self.assertEqual([each["code"] for each in page["dossiers"]], ["A-1", "A-2"])


if __name__ == "__main__":
    unittest.main()
