"""The table of tests/bench/run ingest: our service and its peers on the same rows, one after the
other, as often as asked; medians. See docs/performance.md.
"""

import argparse
import json
import os
import pwd
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
POSTGRES_BIN = "/usr/lib/postgresql/15/bin"
START_SECONDS_MAX = 120
# What a small machine can give; fsync and synchronous_commit stay on.
POSTGRES_SETTINGS = {
    "listen_addresses": "''", "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
    "shared_buffers": "'2GB'", "work_mem": "'256MB'", "maintenance_work_mem": "'256MB'",
    "max_wal_size": "'8GB'", "wal_buffers": "'64MB'", "checkpoint_timeout": "'30min'", "jit": "off",
}


def fail(what):
    raise SystemExit("ingest: " + what)


def load():
    with open("/proc/loadavg", encoding="ascii") as file:
        return float(file.read().split()[0])


def resident_bytes(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return 1024 * int(re.search(r"^VmRSS:\s+(\d+) kB", file.read(), re.M).group(1))


def wait_for(path, process):
    until = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < until:
        if process.poll() is not None:
            fail("%s ended with %d" % (process.args[0], process.returncode))
        if os.path.exists(path) and re.search(r"^grpc \d+$", open(path, encoding="ascii").read(), re.M):
            return
        time.sleep(0.02)
    fail("%s is not ready" % process.args[0])


class Postgres:
    """A cluster of its own in `folder`, on a socket there; ended by close()."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "postgres")
        os.mkdir(self.folder)
        # initdb refuses root.
        self.prefix = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.prefix = ["runuser", "-u", "postgres", "--"]
        self.data = os.path.join(self.folder, "data")
        self.run("initdb", "-D", self.data, "-U", "bench", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        settings = "".join("%s = %s\n" % item for item in POSTGRES_SETTINGS.items())
        settings += "unix_socket_directories = '%s'\n" % self.folder
        self.run_shell("cat >> postgresql.auto.conf", settings)
        self.run("pg_ctl", "-D", self.data, "-l", os.path.join(self.folder, "log"), "-w", "start")
        self.conninfo = "host=%s user=bench dbname=postgres" % self.folder

    def run(self, program, *arguments):
        subprocess.run(self.prefix + [os.path.join(POSTGRES_BIN, program), *arguments], check=True,
                       stdout=subprocess.DEVNULL, cwd=self.folder)

    def run_shell(self, command, text):
        subprocess.run(self.prefix + ["sh", "-c", command], check=True, input=text, text=True, cwd=self.data)

    def close(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.processes = []
        self.postgres = None
        self.counter = 0
        # Databases and services read it as other users.
        os.chmod(folder, 0o755)
        self.tool("generate", folder, rows=options.rows)
        self.export = os.path.join(folder, "export.csv")
        self.clean = os.path.join(folder, "clean.csv")

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
        if self.postgres is not None:
            self.postgres.close()

    def path(self, name):
        self.counter += 1
        return os.path.join(self.folder, "%d-%s" % (self.counter, name))

    def tool(self, *arguments, rows=None):
        command = [os.path.join(self.options.build, "tests/bench/ingest_bench"),
                   "--units=" + os.path.join(ROOT, "deploy/data/kontum/units.csv"),
                   "--seed=%d" % self.options.seed, "--rows=%d" % (rows or self.options.rows), *arguments]
        return self.read(command)

    def read(self, command, **keywords):
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, **keywords)
        if done.returncode != 0:
            fail("%s ended with %d" % (" ".join(command[:6]), done.returncode))
        return json.loads(done.stdout.strip().splitlines()[-1])

    def start(self, command, port_file):
        """Starts a server; what it writes to `port_file` gives its address."""
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.processes.append(process)
        wait_for(port_file, process)
        port = re.search(r"^grpc (\d+)$", open(port_file, encoding="ascii").read(), re.M).group(1)
        return process, "127.0.0.1:" + port

    def start_service(self, data):
        port_file = self.path("ports")
        return self.start([os.path.join(self.options.build, "services/ingestion/dondoc_ingestion"),
                           "--data_dir=" + data, "--listen=127.0.0.1:0", "--metrics_listen=127.0.0.1:0",
                           "--port_file=" + port_file, "--log_level=error"], port_file)

    def stop(self, process):
        process.terminate()
        process.wait()
        self.processes.remove(process)

    def with_service(self, body):
        data = self.path("data")
        os.mkdir(data)
        process, address = self.start_service(data)
        try:
            self.tool("units", address)
            return body(process, address)
        finally:
            self.stop(process)
            shutil.rmtree(data)

    # One run of each contender.

    def stream(self):
        return self.with_service(lambda _, address: self.tool("stream", address))

    def csv(self):
        return self.with_service(lambda _, address: self.tool("import", address, self.export))

    def nothing(self):
        port_file = self.path("ports")
        process, address = self.start([os.path.join(self.options.build, "tests/bench/ingest_bench"), "nothing",
                                       port_file], port_file)
        try:
            return self.tool("stream", address)
        finally:
            process.kill()
            process.wait()

    def postgres_batches(self, facts):
        return self.tool("postgres-batches", self.postgres.conninfo, facts)

    def postgres_file(self, facts):
        return self.tool("postgres-file", self.postgres.conninfo, facts, self.clean)

    def sqlite(self):
        file = self.path("sqlite")
        try:
            return self.tool("sqlite", file)
        finally:
            self.remove(file)

    def duckdb(self, mode):
        file = self.path("duckdb")
        try:
            return self.read(["node", os.path.join(HERE, "duckdb.mjs"), mode, self.clean, file])
        finally:
            self.remove(file)

    def remove(self, prefix):
        for name in os.listdir(self.folder):
            if os.path.join(self.folder, name).startswith(prefix):
                os.remove(os.path.join(self.folder, name))

    def contenders(self):
        """(key, what it is, how it is run), in the order of a run."""
        peers = set(self.options.peers.split(",")) if self.options.peers else set()
        all_of_them = [
            ("stream", "dondoc, gRPC stream", self.stream),
            ("pg_batch", "PostgreSQL, bare upsert, batches", lambda: self.postgres_batches("upsert")),
            ("facts_batch", "PostgreSQL, same facts, batches", lambda: self.postgres_batches("facts")),
            ("sqlite", "SQLite, WAL, FULL, batches", self.sqlite),
            ("duckdb_batch", "DuckDB, INSERT OR REPLACE, batches", lambda: self.duckdb("batches")),
            ("nothing", "gRPC stream that stores nothing", self.nothing),
            ("csv", "dondoc, CSV as exported", self.csv),
            ("pg_file", "PostgreSQL, bare upsert, whole file", lambda: self.postgres_file("upsert")),
            ("facts_file", "PostgreSQL, same facts, whole file", lambda: self.postgres_file("facts")),
            ("duckdb_file", "DuckDB, INSERT OR REPLACE, whole file", lambda: self.duckdb("file")),
        ]
        return [c for c in all_of_them
                if c[0] in ("stream", "csv") or "all" in peers or c[0].split("_")[0] in peers]


def measure(bench):
    """key → rows a second, the median of the runs; prints each row of the table."""
    contenders = bench.contenders()
    if any(key.startswith(("pg", "facts")) for key, _, _ in contenders):
        bench.postgres = Postgres(bench.folder)
    rates = {key: [] for key, _, _ in contenders}
    changed = {}
    for run in range(bench.options.runs):
        for key, what, start in contenders:
            print("  run %d/%d %-40s load %.1f" % (run + 1, bench.options.runs, what, load()), end="",
                  file=sys.stderr, flush=True)
            result = start()
            rates[key].append(result["rows"] / result["seconds"])
            changed[key] = result["changed"]
            print("  %9.0f rows/s" % rates[key][-1], file=sys.stderr, flush=True)
    print("| | rows/s, median of %d | least to most | holds or did |" % bench.options.runs)
    print("|---|---|---|---|")
    for key, what, _ in contenders:
        print("| %s | %d | %d to %d | %d |" % (what, statistics.median(rates[key]), min(rates[key]), max(rates[key]),
                                              changed[key]))
    return {key: statistics.median(values) for key, values in rates.items()}


def measure_memory(bench):
    """Bytes of resident memory a dossier, and how long the service takes to open again."""
    for millions in [float(text) for text in bench.options.memory.split(",") if text]:
        rows = int(millions * 1e6)
        data = bench.path("data")
        os.mkdir(data)
        process, address = bench.start_service(data)
        bench.tool("units", address)
        before = resident_bytes(process.pid)
        result = bench.tool("stream", address, rows=rows)
        grown = resident_bytes(process.pid) - before
        bench.stop(process)
        start = time.monotonic()
        process, address = bench.start_service(data)
        opened = time.monotonic() - start
        # What stays after opening has no garbage of the writing in it.
        reopened = resident_bytes(process.pid) - before
        bench.stop(process)
        shutil.rmtree(data)
        print("memory at %g M rows: %.1f bytes a row written, %.1f after opening again; opened in %.2f s; %d rows/s"
              % (millions, grown / rows, reopened / rows, opened, rows / result["seconds"]), flush=True)


def measure_xlsx(bench):
    """Rows a second of a workbook, and LibreOffice making a CSV of it."""
    rows = bench.options.xlsx_rows
    if rows == 0:
        return
    workbook = bench.path("export.xlsx")
    subprocess.run([sys.executable, os.path.join(HERE, "to_xlsx.py"), bench.export, workbook, str(rows)], check=True)
    ours = [bench.with_service(lambda _, address: bench.tool("import", address, workbook))["seconds"]
            for _ in range(min(3, bench.options.runs))]
    theirs = []
    for _ in ours:
        profile = bench.path("profile")
        start = time.monotonic()
        subprocess.run(["soffice", "-env:UserInstallation=file://" + profile, "--headless", "--convert-to", "csv",
                        "--outdir", bench.path("out"), workbook], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        theirs.append(time.monotonic() - start)
    print("xlsx: %d rows, ours %.0f rows/s (import, durable), LibreOffice to CSV %.0f rows/s (its start included)"
          % (rows, rows / statistics.median(ours), rows / statistics.median(theirs)), flush=True)


def headline(rates):
    def ratios(ours, theirs):
        return ["%.1f" % (rates[ours] / rates[peer]) if peer in rates else "–" for peer in theirs]
    return ("ingest: stream %s x postgresql, %s x postgresql-same-facts, %s x duckdb; "
            "csv %s x postgresql, %s x postgresql-same-facts, %s x duckdb"
            % (*ratios("stream", ("pg_batch", "facts_batch", "duckdb_batch")),
               *ratios("csv", ("pg_file", "facts_file", "duckdb_file"))))


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/run ingest", description="Ingestion beside its peers.")
    parser.add_argument("--build", required=True, help="the build folder; tests/bench/run gives it")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--peers", default="all", help="all, or some of pg,facts,sqlite,duckdb,nothing; empty = none")
    parser.add_argument("--memory", default="5,10,20", help="millions of rows to measure memory at; empty = not")
    parser.add_argument("--xlsx_rows", type=int, default=200_000, help="0 = not")
    parser.add_argument("--folder", default=None, help="on the disk to measure; a temporary folder if not given")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    folder = tempfile.mkdtemp(prefix="dondoc-bench-", dir=options.folder)
    # So that everything is ended and removed then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    bench = None
    try:
        print("%d rows, seed %d, in %s (%s)" % (options.rows, options.seed, folder, subprocess.run(
            ["stat", "-f", "-c", "%T", folder], check=True, capture_output=True, text=True).stdout.strip()))
        bench = Bench(options, folder)
        rates = measure(bench)
        measure_memory(bench)
        measure_xlsx(bench)
        print(headline(rates), flush=True)
    finally:
        if bench is not None:
            bench.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
