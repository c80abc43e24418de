#!/usr/bin/python3
"""Holds a gateway's figures against recount.py: `compare.py EXPORT.csv UNITS.csv http://127.0.0.1:8080`.

Exits 0 when every unit has the same total and online count, 1 with the differences otherwise.
"""
import csv
import json
import os
import subprocess
import sys
import urllib.request


def recount(export, units):
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recount.py")
    output = subprocess.run([sys.executable, script, export, units], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    lines = output.splitlines()
    rows = csv.reader(lines[:-1])
    return {name: (int(total), int(online)) for name, total, online in rows}, lines[-1]


def export_names(units):
    """unit_id of each unit by the name that the export gives it."""
    lower = {unit["unit_id"]: unit["name"][0].lower() + unit["name"][1:] for unit in units}
    names = {}
    for unit in units:
        parts = [lower[unit_id] for unit_id in (unit["unit_id"], unit["parent_id"]) if unit_id]
        name = unit["name"] if unit["level"] == "PROVINCE" else "UBND " + ", ".join(parts)
        names[name] = unit["unit_id"]
    return names


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    export, units_path, server = sys.argv[1:]
    counted, figures = recount(export, units_path)
    url = server.rstrip("/") + "/v1/ratios?from=2023-01-01&to=2023-11-15&page_size=20000"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=60) as response:
        ratios = json.load(response)["ratios"]
    names = export_names(ratios)
    served = {r["unit_id"]: (int(r["ratio"]["total"]), int(r["ratio"]["online"])) for r in ratios}
    differences = [
        f"{name}: recounted {counts}, served {served.get(names.get(name))}"
        for name, counts in counted.items()
        if served.get(names.get(name)) != counts
    ]
    if len(served) != len(counted):
        differences.append(f"recounted {len(counted)} units, served {len(served)}")
    print("\n".join(differences) or f"{len(counted)} units the same")
    print(figures)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
