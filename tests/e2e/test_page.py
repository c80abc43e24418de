"""The page at /, as an officer's browser shows it (a real Chromium, see browser.py)."""

import csv
import io
import json
import os
import tempfile
import unittest

import browser
import fixtures
import harness

UNITS = os.path.join(harness.ROOT, "deploy/data/kontum/units.csv")
HOSTILE = '<script>document.title="taken"</script><img src=x onerror="document.title=\'taken\'">'
ROWS = "Array.from(document.querySelectorAll('#units tbody tr'), row => Array.from(row.cells, cell => cell.innerText))"
NAME, PERCENT, VERDICT, MISSING, ONLINE, TOTAL = 0, 1, 2, 3, 4, 8


def number(text):
    """"1.234" → 1234."""
    return int(text.replace(".", ""))


class PageCase(harness.TestCase):
    """A browser for each test; no test may leave an error in its console."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dondoc-page-", ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.chromium = browser.Browser(folder.name)
        self.addCleanup(self.chromium.__exit__)
        self.chromium.__enter__()

    def open(self, stack, query=""):
        self.chromium.open("http://%s/%s" % (stack.address("gateway"), query))

    def rows(self, expected=None):
        """The cells of the table of units, once it has so many rows."""
        if expected is not None:
            self.chromium.wait("document.querySelectorAll('#units tbody tr').length === %d" % expected)
        return self.chromium.value(ROWS)

    def text(self, selector):
        return self.chromium.value("document.querySelector(%s).innerText" % json.dumps(selector))

    def wait_shown(self, selector):
        self.chromium.wait("!document.querySelector(%s).hidden" % json.dumps(selector))

    def sort_of(self, key):
        return self.chromium.value("document.querySelector('#units th[data-key=%s]').ariaSort" % key)

    def click(self, selector):
        self.chromium.value("document.querySelector(%s).click()" % json.dumps(selector))

    def assert_quiet(self):
        self.assertEqual(self.chromium.problems, [])


class SampleYearTest(PageCase):
    @classmethod
    def setUpClass(cls):
        stack = cls.class_stack()
        folder = os.path.join(stack.dir, "sample")
        harness.run_ctl("sample", "--seed=4067", "--out=" + folder, "--units=" + UNITS)
        stack.ctl("units", "import", os.path.join(folder, "units.csv"))
        # 3: imported, and the few bad rows of the sample were rejected.
        stack.ctl("import", os.path.join(folder, "mot-cua-2023.csv"), "--covers_from=2023-01-01",
                  "--covers_to=2023-11-15", "--complete", "--extracted_at=2023-11-16T00:00:00+07:00", expect=3)
        fixtures.wait_sequence(stack, stack.ok(stack.get("/v1/imports"))["imports"][0]["sequence"])

    def test_shows_the_letters_figures_of_the_newest_datas_year(self):
        self.open(self.shared_stack)
        rows = self.rows(129)
        self.assertEqual(self.text("#percent"), "26,77\u00a0%")
        self.assertIn("Chưa đạt", self.text("#province-verdict"))
        self.assertIn("01/01/2023 – 15/11/2023", self.text("#facts"))
        self.assertEqual([line.split("\t")[1] for line in self.text("#levels tbody").splitlines()],
                         ["10/17", "4/10", "6/102"])
        ratios = self.shared_stack.ok(self.shared_stack.get("/v1/ratios", fixtures.TARGET))["ratios"]
        self.assertEqual(
            sorted((row[NAME].split("\n")[0], row[PERCENT].strip(), number(row[ONLINE]), number(row[TOTAL]))
                   for row in rows),
            sorted((each["name"], each["ratio"]["percent"].replace(".", ",") + "\u00a0%",
                    *reversed(fixtures.counts(each["ratio"]))) for each in ratios))
        for row in rows:
            online, total = number(row[ONLINE]), number(row[TOTAL])
            self.assertEqual(number(row[MISSING]), max(0, total - 2 * online), row)
            self.assertIn("Đạt" if 2 * online >= total else "Chưa đạt", row[VERDICT])
        self.assertIn("from=2023-01-01&to=2023-11-15", self.chromium.value("location.search"))
        self.assert_quiet()

    def test_finds_and_sorts_units_by_keyboard(self):
        self.open(self.shared_stack)
        self.rows(129)
        self.chromium.type("#search", "dak ha")
        found = [row[NAME].split("\n") for row in self.rows(3)]
        self.assertEqual(found, [["Huyện Đắk Hà"], ["Thị trấn Đắk Hà", "Huyện Đắk Hà"],
                                 ["Xã Đắk Hà", "Huyện Tu Mơ Rông"]])
        self.chromium.type("#search", "IA HDRAI")
        self.assertEqual([row[NAME] for row in self.rows(1)], ["Huyện Ia H' Drai"])
        self.chromium.type("#search", "không có nơi này")
        self.wait_shown("#empty")
        self.click("#clear")
        self.rows(129)

        for order, sign in (("descending", -1), ("ascending", 1)):
            self.chromium.value("document.querySelector('#units th[data-key=percent] button').focus()")
            self.chromium.press("Enter")
            self.assertEqual(self.sort_of("percent"), order)
            self.assertIsNone(self.sort_of("level"))
            shares = [number(row[ONLINE]) / number(row[TOTAL]) for row in self.rows(129)]
            self.assertEqual(shares, sorted(shares, key=lambda share: sign * share))
        self.assertIn("order_by=percent", self.chromium.value("location.search"))
        self.assert_quiet()

    def test_a_link_shows_the_same_filters_target_and_position_to_others(self):
        sequence = self.shared_stack.ok(self.shared_stack.get("/v1/summary", fixtures.TARGET))["sequence"]
        self.open(self.shared_stack, "?level=DISTRICT&verdict=below&order_by=missing%20desc&target_percent=60.5"
                                     "&target_operator=GT&as_of_sequence=" + sequence)
        self.chromium.wait("document.querySelectorAll('#units tbody tr').length > 0")
        rows = self.rows()
        for row in rows:
            online, total = number(row[ONLINE]), number(row[TOTAL])
            self.assertLessEqual(1000 * online, 605 * total)
            missing = number(row[MISSING])
            self.assertGreater(1000 * (online + missing), 605 * (total + missing))
            self.assertLessEqual(1000 * (online + missing - 1), 605 * (total + missing - 1))
        missing = [number(row[MISSING]) for row in rows]
        self.assertEqual(missing, sorted(missing, reverse=True))
        self.wait_shown("#pinned")
        self.assertEqual(self.chromium.value("document.querySelector('#target').value"), "60,5")
        self.assert_quiet()

    def test_asks_for_units_at_the_summarys_position_only(self):
        self.open(self.shared_stack)
        self.rows(129)
        asked = self.chromium.value("performance.getEntriesByType('resource').map(each => each.name)")
        sequence = self.shared_stack.ok(self.shared_stack.get("/v1/summary", fixtures.TARGET))["sequence"]
        ratios = [url for url in asked if "/v1/ratios" in url]
        self.assertTrue(ratios)
        for url in ratios:
            self.assertIn("as_of_sequence=" + sequence, url)
        for link in ("#summary-json", "#ratios-json", "#permalink"):
            self.assertIn("as_of_sequence=" + sequence,
                          self.chromium.value("document.querySelector('%s').href" % link))

    def test_fits_a_phone(self):
        self.chromium.resize(390, 844)
        self.open(self.shared_stack)
        self.rows(129)
        self.assertLessEqual(self.chromium.value("document.documentElement.scrollWidth"), 390)
        self.assert_quiet()

    def test_an_answer_that_is_an_error_is_shown_with_its_request_id(self):
        self.open(self.shared_stack, "?from=2023-12-01&to=2023-01-01")
        self.wait_shown("#error")
        self.assertIn("Yêu cầu không hợp lệ", self.text("#error"))
        self.assertIn("Mã yêu cầu: ", self.text("#error"))
        self.assertTrue(self.chromium.value("document.querySelector('#content').hidden"))


class SmallDirectoryTest(PageCase):
    def test_nothing_yet_then_units_in_every_state_then_hostile_names(self):
        stack = self.stack()
        self.open(stack)
        self.wait_shown("#no-data")
        self.assertIn("dondocctl import", self.text("#no-data"))

        fixtures.put_units(stack, [dict(unit) for unit in fixtures.UNITS] + [
            {"unit_id": "t.so-ac", "name": HOSTILE, "level": "PROVINCE"},
            {"unit_id": "t.so-cong-thuc", "name": "=1+1", "level": "PROVINCE"}])
        covered = ["t.so-a", "t.so-b", "t.so-ac", "t.so-cong-thuc", "t.huyen"]
        done = fixtures.push(stack, [
            fixtures.dossier("A-1", channel="ONLINE"), fixtures.dossier("A-2"), fixtures.dossier("A-3"),
            fixtures.dossier("C-1", "t.so-ac", channel="ONLINE"), fixtures.dossier("D-1", "t.so-cong-thuc"),
        ], fixtures.covers_year(unit_ids=covered))
        fixtures.wait_sequence(stack, done["sequence"])
        # The newest data's year, though the page stood at another before.
        self.click("#no-data-refresh")
        rows = {row[NAME].split("\n")[0]: row for row in self.rows(7)}
        self.assertEqual({name: row[VERDICT].split(" ", 1)[1] for name, row in rows.items()}, {
            "Sở A": "Chưa đạt", "Sở B": "Không phát sinh hồ sơ", "Huyện Đắk Thử": "Không phát sinh hồ sơ",
            "Xã Một": "Chưa có số liệu", "Xã Hai": "Chưa có số liệu", HOSTILE: "Đạt", "=1+1": "Chưa đạt"})
        self.assertEqual(rows["Sở A"][PERCENT].strip(), "33,33\u00a0%")
        self.assertEqual((rows["Sở A"][MISSING], rows["Sở B"][MISSING], rows["Xã Một"][MISSING]), ("1", "—", "—"))
        self.assertEqual(rows["Xã Một"][NAME], "Xã Một\nHuyện Đắk Thử")

        self.assertNotEqual(self.chromium.value("document.title"), "taken")
        self.assertEqual(self.chromium.value("document.querySelectorAll('main script, main img').length"), 0)
        self._check_csv(rows)
        self.assert_quiet()

    def _check_csv(self, rows):
        text = self.chromium.value("csvText()")
        self.assertTrue(text.startswith("\ufeff"))
        table = list(csv.reader(io.StringIO(text[1:])))
        self.assertEqual(len(table), 1 + len(rows))
        names = {line[1]: line[3] for line in table[1:]}
        self.assertEqual((names["t.so-ac"], names["t.so-cong-thuc"]), (HOSTILE, "'=1+1"))

    def test_services_that_are_away_are_an_error_and_trying_again_mends_it(self):
        stack = self.stack(with_redis=False)
        stack.kill("aggregation")
        self.open(stack)
        self.wait_shown("#error")
        self.assertIn("Dịch vụ chưa sẵn sàng", self.text("#error"))
        stack.restart("aggregation")
        harness.wait_until(lambda: stack.is_ready("gateway"), "the gateway reaches aggregation again")
        self.click("#retry")
        self.wait_shown("#no-data")


if __name__ == "__main__":
    unittest.main()
