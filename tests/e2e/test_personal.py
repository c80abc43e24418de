"""No personal data stays: names, numbers, addresses and mailboxes of people are in what is sent, and afterwards in no
file, log, Redis key or answer. Canaries are looked for in every form they could be written in; a word that has to be
there proves that looking finds something."""

import io
import os
import unittest
import zipfile

import fixtures
import harness

# Each is somebody's; none may be found again.
CANARIES = {
    "name": "Canarỳ Văn Thỏ",
    "applicant": "Canarỳ Thị Sóc",
    "id": "062099887766",
    "phone": "0905887766",
    "address": "77 đường Chim Yến",
    "mail": "chim.yen.77@example.invalid",
    "unknown column": "Canarỳ Ghi Chú",
    "free text": "Khai sinh cho Canarỳ Bé",
    "signature": "Canarỳ Người Ký",
    "title": "Canarỳ Người Lập",
}
UNIT_SEEN = "Sở Không Ai Biết"  # in a reject, which is kept
HEADER = ["STT", "Mã hồ sơ", "Chủ hồ sơ", "Người nộp", "Số CCCD", "Số điện thoại", "Địa chỉ", "Email", "Nội dung hồ sơ",
          "Sở thích", "Đơn vị tiếp nhận", "Ngày tiếp nhận", "Hình thức tiếp nhận"]


def row(number, unit="Sở A", day="01/03/2023"):
    personal = [CANARIES[key] for key in ("name", "applicant", "id", "phone", "address", "mail", "free text",
                                          "unknown column")]
    return [str(number), "H34.14-230301-%04d" % number, *personal, unit, day, "Trực tuyến"]


def csv_bytes(rows):
    quoted = lambda cells: ",".join('"%s"' % cell for cell in cells)  # noqa: E731
    lines = ["Người lập biểu: " + CANARIES["title"], quoted(HEADER)] + [quoted(cells) for cells in rows]
    # Quotes in wrong places: a cell that swallows the row, two rows in one cell, a comma that moves the cells.
    swallowed = ",".join(row(7001))
    lines += ['"H34.14-230301-7002,%s' % swallowed, ",".join(row(7003)) + '"', '7004,"' + swallowed,
              swallowed + '",Sở A,01/03/2023,1', ",".join(row(7005)[:6]) + ",77 đường Chim Yến, phường Canarỳ Văn Thỏ," +
              ",".join(row(7005)[7:]), "Tổng cộng: 9", "Người ký: " + CANARIES["signature"]]
    return "\r\n".join(lines).encode("utf-8")


def xlsx_bytes(rows):
    """A small workbook with inline strings, by hand."""
    def cell(column, number, text):
        return '<c r="%s%d" t="inlineStr"><is><t>%s</t></is></c>' % (chr(65 + column), number, text)
    lines = [["Người lập biểu: " + CANARIES["title"]], HEADER] + rows + [["Người ký: " + CANARIES["signature"]]]
    sheet = "".join('<row r="%d">%s</row>' % (number, "".join(cell(i, number, text) for i, text in enumerate(cells)))
                    for number, cells in enumerate(lines, 1))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": '<Relationships xmlns="%s"><Relationship Id="r1" Type="%s/officeDocument" '
                       'Target="xl/workbook.xml"/></Relationships>' % (package, relations),
        "xl/workbook.xml": '<workbook xmlns="%s" xmlns:r="%s"><sheets><sheet name="Xuất" sheetId="1" r:id="r1"/>'
                           '</sheets></workbook>' % (main, relations),
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="%s"><Relationship Id="r1" Type="%s/worksheet" '
                                      'Target="worksheets/sheet1.xml"/></Relationships>' % (package, relations),
        "xl/worksheets/sheet1.xml": '<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (main, sheet),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in parts.items():
            book.writestr(name, text)
    return out.getvalue()


def forms(text):
    """The bytes that `text` may be written as."""
    yield text.encode("utf-8")
    yield text.encode("utf-16-le")
    if not text.isascii():
        yield text.encode("unicode_escape")


class PersonalTest(harness.TestCase):
    def setUp(self):
        self.running = self.stack()
        fixtures.put_units(self.running)

    def found(self, words):
        """(file, word) for each word that is in a file of the stack: data, logs, spool."""
        found = []
        for folder, _, names in os.walk(self.running.dir):
            for name in names:
                path = os.path.join(folder, name)
                try:
                    with open(path, "rb") as file:
                        data = file.read()
                except FileNotFoundError:
                    continue  # a file of RocksDB that it has put away
                found += [(os.path.relpath(path, self.running.dir), word) for word in words
                          if any(form in data for form in forms(word))]
        return found

    def check(self, *answers):
        self.assertEqual(self.found(CANARIES.values()), [])
        self.assertTrue(self.found([UNIT_SEEN]), "looking through the files finds nothing at all")
        for key in self.running.redis("KEYS", "*"):
            kind = self.running.redis("TYPE", key)
            value = self.running.redis("HGETALL", key) if kind == "hash" else self.running.redis("DUMP", key)
            for word in CANARIES.values():
                self.assertNotIn(word, str(key) + str(value))
        for answer in answers:
            for word in CANARIES.values():
                self.assertNotIn(word, answer.text)

    def test_nothing_personal_is_left_of_a_file_whatever_becomes_of_it(self):
        stack = self.running
        rows = [row(i) for i in range(1, 30)] + [row(30, UNIT_SEEN), row(31, day="31/02/2023"), row(32, "")]
        preview = fixtures.upload(stack, csv_bytes(rows), preview="true")
        self.assertEqual((preview.json["state"], preview.json["counted"]), ("PREVIEWED", "29"))
        self.assertGreaterEqual(int(preview.json["rejected"]), 6)
        path = "/v1/imports/" + preview.json["import_id"]
        personal = [column["header"] for column in preview.json["columns"] if column["meaning"] == "personal"]
        self.assertEqual(personal, ["Chủ hồ sơ", "Người nộp", "Số CCCD", "Số điện thoại", "Địa chỉ", "Email"])
        answers = [preview, stack.get(path), stack.get(path + "/rejects"), stack.get(path + "/rejects:download")]
        self.check(*answers)

        applied = stack.post(path + ":apply")
        self.assertEqual(applied.json["state"], "APPLIED")
        fixtures.put_units(stack, [{"unit_id": "t.so-c", "name": UNIT_SEEN, "level": "PROVINCE"}])
        replayed = stack.post(path + ":replay")
        self.assertEqual(replayed.json["counted"], "30")
        reverted = stack.post(path + ":revert")
        self.assertEqual(reverted.json["state"], "REVERTED")
        self.check(applied, replayed, reverted, stack.get(path + "/rejects"),
                   stack.get("/v1/dossiers/H34.14-230301-0001"))

        book = fixtures.upload(stack, xlsx_bytes(rows), filename="xuat.xlsx")
        self.assertEqual(book.json["state"], "APPLIED", book)
        failed = fixtures.upload(stack, ("Họ tên,CCCD\n%s,%s\n" % (CANARIES["name"], CANARIES["id"])).encode())
        self.assertEqual(failed.json["state"], "FAILED")
        self.check(book, failed)

    def test_nothing_personal_is_left_of_a_file_that_a_crash_cut_off(self):
        stack = self.running
        fixtures.upload(stack, csv_bytes([row(1, UNIT_SEEN)]))
        data = csv_bytes([row(i) for i in range(1, 4000)])
        for name, bytes_there in (("giua.csv", len(data) // 2), ("so.xlsx", None)):
            body = data if bytes_there else xlsx_bytes([row(i) for i in range(1, 4000)])
            part = body[:bytes_there or len(body) - 10]
            begun = stack.ok(stack.request("POST", "/v1/imports", {
                "import_id": name.split(".")[0], "filename": name, "total_bytes": len(body)}, part,
                {"Content-Type": "application/octet-stream"}))
            self.assertEqual((begun["state"], begun["bytes"]), ("RUNNING", str(len(part))))
            self.check()
        stack.kill("ingestion")
        self.check()
        stack.restart("ingestion")
        for import_id in ("giua", "so"):
            self.assertEqual(stack.ok(stack.get("/v1/imports/" + import_id))["state"], "FAILED")
        # At the start RocksDB has packed what was there: the word to be found must be written anew.
        fixtures.upload(stack, csv_bytes([row(2, UNIT_SEEN)]))
        self.check()


class UploadTest(harness.TestCase):
    def test_a_file_comes_in_parts_through_the_gateway(self):
        stack = self.stack(with_redis=False)
        fixtures.put_units(stack)
        data = fixtures.csv_file([["A-%04d" % i, "Sở A", "01/03/2023", "Trực tuyến", "Đã trả kết quả"]
                                  for i in range(5000)])
        cut = len(data) // 3
        query = {"import_id": "phan", "filename": "a.csv", "total_bytes": len(data)}
        part = stack.ok(stack.request("POST", "/v1/imports", query, data[:cut], {"Content-Type": "text/csv"}))
        self.assertEqual((part["state"], part["bytes"]), ("RUNNING", str(cut)))
        wrong = stack.request("POST", "/v1/imports", dict(query, offset=cut + 1), data[cut + 1:],
                              {"Content-Type": "text/csv"})
        self.assertEqual((wrong.status, wrong.json["code"]), (400, "OUT_OF_RANGE"))
        self.assertIn(str(cut), wrong.json["detail"])
        whole = stack.ok(stack.request("POST", "/v1/imports", dict(query, offset=cut), data[cut:],
                                       {"Content-Type": "text/csv"}))
        self.assertEqual((whole["state"], whole["counted"]), ("APPLIED", "5000"))
        again = stack.ok(fixtures.upload(stack, data))
        self.assertEqual(again["import_id"], "phan")
        self.assertEqual(len(stack.ok(stack.get("/v1/imports"))["imports"]), 1)


if __name__ == "__main__":
    unittest.main()
