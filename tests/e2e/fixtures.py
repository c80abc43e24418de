"""Small directories, files and dossiers for tests."""

import csv
import os

import harness

WINDOW = {"from": "2023-01-01", "to": "2023-11-15"}
TARGET = dict(WINDOW, target_percent="50")

# Two departments, a district and its two communes.
UNITS = [
    {"unit_id": "t.so-a", "name": "Sở A", "level": "PROVINCE", "emails": ["so-a@kontum.invalid"]},
    {"unit_id": "t.so-b", "name": "Sở B", "level": "PROVINCE", "emails": ["so-b@kontum.invalid"]},
    {"unit_id": "t.huyen", "name": "Huyện Đắk Thử", "level": "DISTRICT", "emails": ["huyen@kontum.invalid"]},
    {"unit_id": "t.huyen.xa-1", "name": "Xã Một", "level": "COMMUNE", "parent_id": "t.huyen",
     "emails": ["xa-1@kontum.invalid"]},
    {"unit_id": "t.huyen.xa-2", "name": "Xã Hai", "level": "COMMUNE", "parent_id": "t.huyen",
     "emails": ["xa-2@kontum.invalid"]},
]

HEADER = "Mã hồ sơ,Đơn vị tiếp nhận,Ngày tiếp nhận,Hình thức tiếp nhận,Trạng thái"


def put_units(stack, units=None):
    return stack.ok(stack.post("/v1/units:import", {"units": UNITS if units is None else units}))


def dossier(code, unit_id="t.so-a", day="2023-03-01", channel="COUNTER", **more):
    return dict({"code": code, "unit_id": unit_id, "received_time": day + "T08:00:00+07:00",
                 "channel": channel, "status": "FINISHED"}, **more)


def push(stack, dossiers, covers=None):
    body = {"dossiers": dossiers}
    if covers:
        body["covers"] = covers
    return stack.ok(stack.post("/v1/dossiers:batchWrite", body))


def covers_year(**more):
    return dict({"from": "2023-01-01", "to": "2023-11-15", "extent": "COMPLETE"}, **more)


def csv_file(rows, header=HEADER):
    """rows: lists of cells."""
    lines = [header] + [",".join('"%s"' % cell.replace('"', '""') for cell in row) for row in rows]
    return "\n".join(lines).encode("utf-8") + b"\n"


def upload(stack, data, **query):
    """POST /v1/imports; the Answer."""
    query.setdefault("filename", "xuat.csv")
    return stack.request("POST", "/v1/imports", query, data, {"Content-Type": "text/csv"})


def ratio(stack, unit_id, **query):
    """The ratio of one unit in the year's window."""
    return stack.ok(stack.get("/v1/units/%s/ratio" % unit_id, dict(TARGET, **query)))["ratio"]


def counts(value):
    """(total, online) of a ratio."""
    return int(value["total"]), int(value["online"])


def wait_sequence(stack, sequence):
    """Waits until aggregation answers at `sequence` or later."""
    return harness.wait_until(
        lambda: stack.get("/v1/summary", dict(WINDOW, min_sequence=sequence)).status == 200,
        "aggregation answers at sequence %s" % sequence)


def kontum_units():
    """The 129 units of deploy/data as the directory takes them, with mailboxes that end in .invalid."""
    with open(os.path.join(harness.ROOT, "deploy/data/kontum/units.csv"), encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [{"unit_id": row["unit_id"], "name": row["name"], "level": row["level"].upper(),
             "parent_id": row["parent_id"],
             "emails": [row["unit_id"].split(".", 1)[1].replace(".", "-") + "@kontum.invalid"]}
            for row in rows]


CAMPAIGN = {
    "campaign_id": "dvctt-2023",
    "title": "Đôn đốc hoàn thành chỉ tiêu sử dụng DVCTT năm 2023",
    "window_from": "2023-01-01",
    "deadline_day": "2023-12-25",
    "targets": [{"level": level, "percent": "50", "operator": "GE",
                 "legal_basis": "Quyết định số 17/QĐ-UBCĐSQG ngày 04/04/2023"}
                for level in ("PROVINCE", "DISTRICT", "COMMUNE")],
    "legal_basis": "Công văn số 4067/UBND-TTHCC ngày 21/11/2023",
    # What most tests count; those of digests and doubtful data say otherwise.
    "kinds": ["REMINDER", "CONFIRMATION", "EXPLANATION"],
    "stale_after_days": 366,
}


def start_campaign(stack, **more):
    campaign = dict(CAMPAIGN, **more)
    stack.ok(stack.post("/v1/campaigns", campaign))
    return stack.ok(stack.post("/v1/campaigns/%s:activate" % campaign["campaign_id"]))


def evaluate(stack, request_id, campaign_id="dvctt-2023", **more):
    return stack.ok(stack.post("/v1/campaigns/%s:evaluate" % campaign_id,
                               dict({"request_id": request_id}, **more)))


def release(stack, evaluation_id):
    return stack.ok(stack.post("/v1/evaluations/%s:release" % evaluation_id))


def reminders(stack, evaluation_id):
    """All reminders of an evaluation, page by page."""
    found, token = [], ""
    while True:
        answer = stack.ok(stack.get("/v1/evaluations/%s/reminders" % evaluation_id,
                                    {"page_size": 50, "page_token": token} if token else {"page_size": 50}))
        found += answer["reminders"]
        token = answer["next_page_token"]
        if not token:
            return found


def wait_all_sent(stack, evaluation_id, seconds=harness.WAIT_SECONDS_MAX):
    def all_sent():
        found = reminders(stack, evaluation_id)
        return found and all(each["state"] == "SENT" for each in found) and found
    return harness.wait_until(all_sent, "all reminders of %s are SENT" % evaluation_id, seconds)
