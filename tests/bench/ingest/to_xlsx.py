"""to_xlsx.py EXPORT.csv WORKBOOK.xlsx ROWS: the first rows of an export as a workbook, days and numbers as
spreadsheets keep them."""

import csv
import datetime
import sys

import xlsxwriter

export, workbook_name, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
workbook = xlsxwriter.Workbook(workbook_name, {"constant_memory": True})
sheet = workbook.add_worksheet("Hồ sơ")
instant = workbook.add_format({"num_format": "dd/mm/yyyy hh:mm:ss"})
with open(export, encoding="utf-8-sig", newline="") as file:
    for number, cells in enumerate(csv.reader(file)):
        if number > rows:
            break
        for column, text in enumerate(cells):
            if number > 0 and column in (8, 12):
                form = "%d/%m/%Y %H:%M:%S" if text.count(":") == 2 else "%d/%m/%Y %H:%M"
                sheet.write_datetime(number, column, datetime.datetime.strptime(text, form), instant)
            else:
                sheet.write_string(number, column, text)
workbook.close()
