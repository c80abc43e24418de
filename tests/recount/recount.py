#!/usr/bin/python3
"""Counts a one-stop export again, by the sentences of README.md beside this file, for `recount.py EXPORT.csv UNITS.csv`."""
import csv, datetime, sys
day = lambda text: datetime.datetime.strptime(text.split(" ")[0], "%d/%m/%Y").date()
units = list(csv.DictReader(open(sys.argv[2], encoding="utf-8-sig")))
lower = lambda name: name[0].lower() + name[1:]
names = {unit["unit_id"]: lower(unit["name"]) for unit in units}
shown = {unit["name"] if unit["level"] == "province" else "UBND " + ", ".join(names[i] for i in (unit["unit_id"], unit["parent_id"]) if i): unit for unit in units}
newest = {}
for row in csv.DictReader(open(sys.argv[1], encoding="utf-8-sig").readlines()[1:]):
    updated = datetime.datetime.strptime(row["Ngày cập nhật"], "%d/%m/%Y %H:%M:%S")
    if row["Mã hồ sơ"] and (row["Mã hồ sơ"] not in newest or updated >= newest[row["Mã hồ sơ"]][0]):
        newest[row["Mã hồ sơ"]] = updated, row
counts = {name: [0, 0] for name in shown}
for _, row in newest.values():
    try: received = day(row["Ngày tiếp nhận"])
    except ValueError: continue
    in_window = datetime.date(2023, 1, 1) <= received <= datetime.date(2023, 11, 15)
    if in_window and row["Đơn vị tiếp nhận"] in counts and row["Trạng thái"] not in ("Mới đăng ký", "Không được tiếp nhận"):
        counts[row["Đơn vị tiếp nhận"]][0] += 1
        counts[row["Đơn vị tiếp nhận"]][1] += row["Hình thức nộp"] == "Trực tuyến"
sys.stdout.reconfigure(encoding="utf-8")
writer = csv.writer(sys.stdout, lineterminator="\n")
writer.writerows((name, total, online) for name, (total, online) in counts.items())
total, online = (sum(column) for column in zip(*counts.values()))
print("# tỷ lệ %d,%02d %%" % divmod((online * 20000 + total) // (2 * total), 100), end="")
for level in ("province", "district", "commune"):
    own = [count for name, count in counts.items() if shown[name]["level"] == level]
    print("; %s %d/%d" % (level, sum(2 * online >= total > 0 for total, online in own), len(own)), end="")
print()
