"""Totals that units declare: a sheet through the gateway, what counts, and back."""

import io
import unittest
import zipfile

import fixtures
import harness
from fixtures import counts, dossier, push, ratio

ROWS = [
    ["PHỤ LỤC 1"],
    ["BẢNG THỐNG KÊ TIẾP NHẬN HỒ SƠ TRỰC TUYẾN TRÊN ĐỊA BÀN TỈNH"],
    ["(Từ ngày 01/01/2023 đến ngày 15/11/2023)"],
    ["STT", "Đơn vị", "Tổng số hồ sơ", "Trực tuyến", "Trực tiếp", "BCCI"],
    [1, "Sở A", 1000, 400, 580, 20],
    [2, "Sở B", 500, 300, 200, 0],
    ["", "Tổng cộng", 1500, 700, 780, 20],
]


def workbook(rows):
    """The smallest XLSX with these rows."""
    def cell(value, column, row):
        place = "%s%d" % ("ABCDEF"[column], row)
        if isinstance(value, int):
            return '<c r="%s"><v>%d</v></c>' % (place, value)
        return '<c r="%s" t="inlineStr"><is><t>%s</t></is></c>' % (place, value)

    sheet = "".join('<row r="%d">%s</row>' % (number, "".join(
        cell(value, column, number) for column, value in enumerate(row) if value != ""))
        for number, row in enumerate(rows, 1))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/"
    parts = {
        "[Content_Types].xml": '<Types xmlns="%scontent-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
            'ContentType="application/xml"/></Types>' % package,
        "_rels/.rels": '<Relationships xmlns="%srelationships"><Relationship Id="r1" Type="%s/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>' % (package, relations),
        "xl/workbook.xml": '<workbook xmlns="%s" xmlns:r="%s"><sheets><sheet name="PL1" sheetId="1" r:id="r1"/>'
            '</sheets></workbook>' % (main, relations),
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="%srelationships"><Relationship Id="r1" '
            'Type="%s/worksheet" Target="worksheets/sheet1.xml"/></Relationships>' % (package, relations),
        "xl/worksheets/sheet1.xml": '<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (main, sheet),
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    return data.getvalue()


class StatementsTest(harness.TestCase):
    def setUp(self):
        self.running = self.stack(with_redis=False)
        fixtures.put_units(self.running)

    def reconciled(self, stack):
        answer = stack.ok(stack.get("/v1/reconciliation", fixtures.WINDOW))
        return {unit["unit_id"]: unit for unit in answer["units"]}

    def test_a_sheet_of_totals_counts_where_dossiers_do_not_and_a_revert_takes_it_back(self):
        stack = self.running
        push(stack, [dossier("A-1"), dossier("B-1", "t.so-b")],
             fixtures.covers_year(unit_ids=["t.so-b"]))
        imported = stack.ok(fixtures.upload(stack, workbook(ROWS), filename="phu-luc-1.xlsx"))
        self.assertEqual((imported["state"], imported["statements"], imported["rejected"]), ("APPLIED", "2", "0"),
                         imported["error"])
        self.assertEqual(imported["statement_window"], fixtures.WINDOW)
        fixtures.wait_sequence(stack, imported["sequence"])

        declared = ratio(stack, "t.so-a")
        self.assertEqual((counts(declared), declared["basis"]), ((1000, 400), "STATEMENT"))
        covered = ratio(stack, "t.so-b")
        self.assertEqual((counts(covered), covered["basis"]), ((1, 0), "DOSSIERS"))
        summary = stack.ok(stack.get("/v1/summary", fixtures.TARGET))
        by_basis = summary["levels"][0]["ratio"]["by_basis"]
        self.assertEqual((by_basis["statement_units"], by_basis["statement_total"], by_basis["dossiers_units"]),
                         ("1", "1000", "1"))

        units = self.reconciled(stack)
        self.assertEqual((units["t.so-a"]["reason"], units["t.so-a"]["total_difference"]), ("DECLARED", "999"))
        self.assertEqual((units["t.so-b"]["reason"], units["t.so-b"]["online_difference"]), ("COVERED", "300"))
        self.assertEqual(units["t.huyen"]["reason"], "NOT_DECLARED")

        reverted = stack.ok(stack.post("/v1/imports/%s:revert" % imported["import_id"], {}))
        self.assertEqual(reverted["state"], "REVERTED")
        harness.wait_until(lambda: ratio(stack, "t.so-a")["basis"] == "PARTIAL_DOSSIERS", "the revert arrived")
        self.assertEqual(counts(ratio(stack, "t.so-a")), (1, 0))
        self.assertEqual(ratio(stack, "t.so-a", as_of_sequence=imported["sequence"])["basis"], "STATEMENT")
        self.assertNotIn("declared", self.reconciled(stack)["t.so-a"])

    def test_statements_are_pushed_and_listed(self):
        stack = self.running
        body = {"statements": [dict(fixtures.WINDOW, unit_id="t.so-a", total="10", online="4")]}
        written = stack.ok(stack.post("/v1/statements:batchWrite", body))
        self.assertEqual(written["counted"], "1")
        listed = stack.ok(stack.get("/v1/statements", {"unit_id": "t.so-a"}))
        self.assertEqual([each["statement"]["online"] for each in listed["statements"]], ["4"])
        refused = stack.post("/v1/statements:batchWrite", {"statements": [
            dict(fixtures.WINDOW, unit_id="t.so-a", total="10", online="11")]})
        self.assertEqual(refused.status, 400)
        self.assertIn("statements[0].online", refused.text)


if __name__ == "__main__":
    unittest.main()
