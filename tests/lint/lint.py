"""Rules of the tree that no compiler checks. Each check is a function from files to findings; each has
a test that the tree is clean and tests that it finds a planted fault.

Run: /usr/bin/python3 tests/lint/lint.py [-v]
"""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from google.protobuf import descriptor_pb2

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOOGLEAPIS = "/usr/share/gocode/src/github.com/gogo/googleapis"
CLANG_FORMAT = "clang-format-14"

LINES_MAX = 700
CODE_FILE = re.compile(r"\.(h|cc|py|proto|cmake|js|css|html|sh|yml|yaml)$|(^|/)CMakeLists\.txt$")

# RPCs for our own services only: no route, so no door to them from outside.
INTERNAL_RPCS = {
    "dondoc.v1.DossierService.StreamWriteDossiers",
    "dondoc.v1.FeedService.*",
    "dondoc.v1.RatioService.ListDailyCounts",
    "dondoc.v1.RatioService.RegisterWindow",
}
HTTP_OPTION, ACCESS_OPTION, UNIT_FIELD_OPTION = 72295728, 50101, 50102  # field numbers of MethodOptions


# --- The tree ---------------------------------------------------------------------------------------


def tree_files():
    """Paths of the files that are or would be in git, relative to the root."""
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=False)
    if listed.returncode == 0:
        paths = set(listed.stdout.decode().split("\0"))
    else:  # a copy without .git
        paths = set()
        for folder, folders, names in os.walk(ROOT):
            folders[:] = [name for name in folders
                          if not re.match(r"build(-.*)?$|var$|node_modules$|__pycache__$|\.git$", name)]
            paths.update(os.path.relpath(os.path.join(folder, name), ROOT) for name in names)
    return sorted(path for path in paths if path and os.path.isfile(os.path.join(ROOT, path)))


def tree_texts():
    """path → text of every text file of the tree."""
    texts = {}
    for path in tree_files():
        with open(os.path.join(ROOT, path), "rb") as file:
            data = file.read()
        if b"\0" not in data:
            texts[path] = data.decode("utf-8", "replace")
    return texts


def without_comments(text):
    """C++ text with comments and the insides of literals blanked, so that prose is not taken for code."""
    pattern = r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    return re.sub(pattern, lambda found: "\n" * found.group().count("\n"), text, flags=re.S)


# --- Checks: path → text to findings ----------------------------------------------------------------


def is_test_code(path):
    stem = os.path.basename(path).rsplit(".", 1)[0]
    return (path.startswith("tests/") or "/testing/" in path or stem.startswith("fake_")
            or bool(re.search(r"(_test|_test_suite|_test_util|_contract|_benchmark|_fuzz)$", stem)))


def owner(path):
    """The part of the tree that a file belongs to; None where no arrows are drawn."""
    found = re.match(r"services/([^/]+)/|(gateway)/", path)
    return (found.group(1) or found.group(2)) if found else None


def check_includes(texts):
    """Services meet only in proto/: they include themselves and common; common includes itself."""
    findings = []
    for path, text in texts.items():
        if not path.endswith((".h", ".cc")):
            continue
        for line_number, line in enumerate(text.splitlines(), 1):
            found = re.match(r"\s*#\s*include\s*[\"<]([^\">]+)[\">]", line)
            if not found:
                continue
            included, place = found.group(1), f"{path}:{line_number}"
            target = owner(included)
            if owner(path) and target and target not in (owner(path), "common"):
                findings.append(f"{place}: {owner(path)} includes {included}; they meet only in proto/")
            if included.startswith(".") or "/../" in included:
                findings.append(f"{place}: {included}: include by the path from the root")
            if is_test_code(included) and target and not is_test_code(path):
                findings.append(f"{place}: {included} is for tests only")
    return findings


def check_lengths(texts):
    return [f"{path}: {text.count(chr(10))} lines, at most {LINES_MAX}"
            for path, text in texts.items()
            if (CODE_FILE.search(path) or text.startswith("#!")) and text.count("\n") > LINES_MAX]


def check_machine_paths(texts):
    """Nothing may name a folder of the machine it was written on."""
    pattern = re.compile(r"(?<![\w.~}*-])/(?:" + "|".join(["work", "root", "home", "Users"]) + r")/[\w.]")
    findings = []
    for path, text in texts.items():
        for line_number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                findings.append(f"{path}:{line_number}: names a folder of one machine: {line.strip()[:100]}")
    return findings


BANNED = [
    (r"\busing\s+namespace\b", "no `using namespace`", lambda path: True),
    (r"\bthrow\b", "no throw: absl::Status", lambda path: not is_test_code(path)),
    (r"\babsl::(Reader|Writer)?Mutex(Lock)?\b", "services/common/mutex, not absl::Mutex", lambda path: True),
    # Between two looks at another process a short pause is no sleep.
    (r"\b(SleepFor(?!\(absl::Milliseconds\(([1-9]|1\d|20)\)\))|sleep_for|sleep_until|usleep|nanosleep)\b",
     "a test waits on a condition, looking every 20 ms or more often", is_test_code),
]


def check_banned_words(texts):
    findings = []
    for path, text in texts.items():
        if not path.endswith((".h", ".cc")):
            continue
        code = without_comments(text)
        for pattern, reason, applies in BANNED:
            for found in re.finditer(pattern, code) if applies(path) else []:
                findings.append(f"{path}:{code[:found.start()].count(chr(10)) + 1}: {reason}")
        if path.endswith(".h") and not re.search(r"^#pragma once$", text, re.M):
            findings.append(f"{path}: no #pragma once")
    return findings


def check_format(root, paths):
    """The C++ files of `paths` that clang-format would change, and the first line it would."""
    sources = [path for path in paths if path.endswith((".h", ".cc"))]
    if not sources:
        return []
    done = subprocess.run([CLANG_FORMAT, "--dry-run", "-Werror", *sources],
                          cwd=root, capture_output=True, text=True, check=False)
    first_lines = {}
    for path, line in re.findall(r"^(\S+?):(\d+):\d+: error: ", done.stderr, re.M):
        first_lines.setdefault(path, line)
    if done.returncode != 0 and not first_lines:
        return [done.stderr]
    return [f"{path}:{line}: not as .clang-format says; .ci/lint --fix" for path, line in first_lines.items()]


# --- Checks of the contract -------------------------------------------------------------------------


def compile_protos(folder, paths):
    """The descriptors, with comments, of `paths` below `folder`; our own protos can be imported."""
    with tempfile.TemporaryDirectory() as out:
        file = os.path.join(out, "set")
        subprocess.run(
            ["protoc", "--include_source_info", f"--descriptor_set_out={file}", "-I", folder,
             "-I", os.path.join(ROOT, "proto"), "-I", GOOGLEAPIS, *paths],
            cwd=folder, check=True, capture_output=True, text=True)
        protos = descriptor_pb2.FileDescriptorSet()
        with open(file, "rb") as data:
            protos.ParseFromString(data.read())
        return protos


def wire_fields(data):
    """field number → value of the fields of a message on the wire, as extensions come unparsed."""
    fields, i = {}, 0

    def varint():
        nonlocal i
        value = shift = 0
        while True:
            byte = data[i]
            i += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while i < len(data):
        key = varint()
        if key & 7 == 0:
            fields[key >> 3] = varint()
        elif key & 7 == 2:
            length = varint()
            fields[key >> 3] = data[i:i + length]
            i += length
        else:
            i += {1: 8, 5: 4}[key & 7]
    return fields


def check_routes(protos):
    """Every RPC has a route and says who may call it, or is internal and has none."""
    findings, internal_found = [], set()
    requests = {f".{file.package}.{message.name}": {field.name for field in message.field}
                for file in protos.file for message in file.message_type}
    for file in protos.file:
        for service in file.service:
            for rpc in service.method:
                service_name = f"{file.package}.{service.name}"
                name = f"{service_name}.{rpc.name}"
                options = wire_fields(rpc.options.SerializeToString())
                entries = {name, service_name + ".*"} & INTERNAL_RPCS
                internal_found |= entries
                if entries and HTTP_OPTION in options:
                    findings.append(f"{name}: has a route and is on the list of internal RPCs")
                if not entries and HTTP_OPTION not in options:
                    findings.append(f"{name}: neither a google.api.http route nor on the list of internal RPCs")
                if HTTP_OPTION in options and not options.get(ACCESS_OPTION):
                    findings.append(f"{name}: does not say who may call it: option (access)")
                unit_field = options.get(UNIT_FIELD_OPTION, b"").decode()
                if unit_field and unit_field not in requests.get(rpc.input_type, set()):
                    findings.append(f"{name}: unit_field names {unit_field}, which the request has not")
    findings += [f"{name}: on the list of internal RPCs, but does not exist"
                 for name in sorted(INTERNAL_RPCS - internal_found)]
    return findings


def glossary(readme):
    """The field names that proto/README.md explains for all messages."""
    rows = re.findall(r"^\|([^|]*`[^|]*)\|", readme, re.M)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def check_comments(protos, known_names):
    """Every message and field says what it is, or bears a name that means the same everywhere."""
    findings = []
    for file in protos.file:
        commented = {tuple(location.path) for location in file.source_code_info.location
                     if (location.leading_comments + location.trailing_comments).strip()}

        def walk(message, path, name):
            if message.options.map_entry:
                return
            is_call = message.name.endswith(("Request", "Response"))
            if not is_call and path not in commented:
                findings.append(f"{name}: no comment says what it is")
            explained_by_rpc = message.name.endswith("Request") and len(message.field) == 1
            for i, field in enumerate(message.field):
                if path + (2, i) not in commented and field.name not in known_names and not explained_by_rpc:
                    findings.append(f"{name}.{field.name}: no comment says what it is")
            for i, nested in enumerate(message.nested_type):
                walk(nested, path + (3, i), f"{name}.{nested.name}")

        for i, message in enumerate(file.message_type):
            walk(message, (4, i), f"{file.package}.{message.name}")
    return findings


# --- Tests ------------------------------------------------------------------------------------------


class LintTest(unittest.TestCase):
    def assert_clean(self, findings):
        if findings:
            self.fail(f"{len(findings)} findings\n" + "\n".join(findings))

    def assert_finds(self, findings, *telling):
        self.assertEqual(len(findings), len(telling), findings)
        for finding, part in zip(findings, telling):
            self.assertIn(part, finding)


class IncludesTest(LintTest):
    def test_tree(self):
        self.assert_clean(check_includes(tree_texts()))

    def test_finds_a_service_that_includes_another(self):
        self.assert_finds(check_includes({
            "services/alerting/a.cc": '#include "services/aggregation/cube.h"\n#include "services/alerting/b.h"\n',
            "services/alerting/b.cc": '\n  #  include "gateway/problem.h"\n',
            "gateway/c.cc": '#include "services/ingestion/ledger/ledger.h"\n#include "services/common/log/log.h"\n',
            "services/ctl/d_test.cc": "#include <services/ingestion/ledger/ledger.h>\n",
        }), "services/alerting/a.cc:1: alerting includes services/aggregation/cube.h",
            "services/alerting/b.cc:2", "gateway/c.cc:1", "services/ctl/d_test.cc:1")

    def test_finds_a_service_in_common(self):
        self.assert_finds(check_includes({
            "services/common/log/log.h": '#include "services/ingestion/ledger/ledger.h"\n',
            "services/common/log/log.cc": '#include "gateway/problem.h"\n#include "services/common/x/y.h"\n',
        }), "log.h:1: common includes services/ingestion/ledger/ledger.h", "log.cc:1")

    def test_finds_testing_outside_tests(self):
        fake, matchers = '#include "services/ingestion/ledger/fake_ledger.h"\n', \
            '#include "services/common/testing/temp_dir.h"\n'
        self.assert_finds(check_includes({
            "services/ingestion/main.cc": fake, "services/ingestion/a.h": matchers,
            "services/ingestion/a_test.cc": fake + matchers, "services/ingestion/fake_ledger.cc": fake,
            "services/ingestion/testing/x.cc": fake, "tests/bench/x.cc": fake + matchers,
        }), "main.cc:1: services/ingestion/ledger/fake_ledger.h is for tests only", "a.h:1")

    def test_finds_relative_includes(self):
        self.assert_finds(check_includes({"gateway/a.cc": '#include "../services/x.h"\n#include "a.h"\n'}),
                          "gateway/a.cc:1")


class LengthsTest(LintTest):
    def test_tree(self):
        self.assert_clean(check_lengths(tree_texts()))

    def test_finds_a_file_that_is_too_long(self):
        long, longest = "x\n" * (LINES_MAX + 1), "x\n" * LINES_MAX
        self.assert_finds(check_lengths({
            "a.cc": long, "b.cc": longest, "c.csv": long, "deploy/run": "#!/bin/sh\n" + longest,
        }), "a.cc: 701 lines", "deploy/run: 701 lines")


class MachinePathsTest(LintTest):
    def test_tree(self):
        self.assert_clean(check_machine_paths(tree_texts()))

    def test_finds_folders_of_one_machine(self):
        work, root, home = "/" + "work/x", "/" + "root/x", "/" + "home/me"
        self.assert_finds(check_machine_paths({
            "a.md": f"see {work}\n", "b.cc": f'\n"{root}"\n', "c.sh": f"cd {home}\n",
            "d.md": f"https://example.com{home} and /usr/bin and $PWD{work} and ~{home}\n",
        }), "a.md:1", "b.cc:2", "c.sh:1")


class BannedWordsTest(LintTest):
    def test_tree(self):
        self.assert_clean(check_banned_words(tree_texts()))

    def test_finds_them_in_code_and_not_in_prose(self):
        self.assert_finds(check_banned_words({
            "a.cc": "int a;\nusing namespace std;\nvoid f() { throw 1; }\nabsl::MutexLock lock(&m);\n",
            "a_test.cc": "absl::SleepFor(absl::Seconds(1));\nabsl::SleepFor(absl::Milliseconds(20));\n"
                         "absl::SleepFor(absl::Milliseconds(21));\nthrow 1;\n",
            "b.cc": "// We throw nothing; using namespace\n/* absl::Mutex\n */ f(\"throw\"); absl::SleepFor(x);\n",
            "c.h": "int c;\n", "d.h": "#pragma once\n",
        }), "a.cc:2: no `using namespace`", "a.cc:3: no throw", "a.cc:4: services/common/mutex",
            "a_test.cc:1: a test waits", "a_test.cc:3: a test waits", "c.h: no #pragma once")


@unittest.skipUnless(shutil.which(CLANG_FORMAT), f"{CLANG_FORMAT} is not installed")
class FormatTest(LintTest):
    def test_tree(self):
        self.assert_clean(check_format(ROOT, tree_files()))

    def test_finds_what_is_not_formatted(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(os.path.join(ROOT, ".clang-format"), folder)
            for name, text in [("good.cc", "int a = 1;\n"), ("bad.cc", "int b=1;\nint   c;\n")]:
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(text)
            self.assert_clean(check_format(folder, ["good.cc"]))
            self.assert_finds(check_format(folder, ["good.cc", "bad.cc"]), "bad.cc:1: not as")


class ContractTest(LintTest):
    @classmethod
    def setUpClass(cls):
        cls.paths = [path[len("proto/"):] for path in tree_files()
                     if re.match(r"proto/dondoc/.*\.proto$", path)]
        cls.protos = compile_protos(os.path.join(ROOT, "proto"), cls.paths)
        with open(os.path.join(ROOT, "proto/README.md"), encoding="utf-8") as readme:
            cls.names = glossary(readme.read())

    def plant(self, text):
        """Our protos and one more file of the same package."""
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "planted.proto"), "w", encoding="utf-8") as file:
                file.write('syntax = "proto3";\npackage dondoc.v1;\nimport "dondoc/v1/options.proto";\n'
                           'import "google/api/annotations.proto";\n' + text)
            return compile_protos(folder, ["planted.proto", *self.paths])

    def test_tree_has_routes(self):
        self.assertGreater(sum(len(file.service) for file in self.protos.file), 5)
        self.assert_clean(check_routes(self.protos))

    def test_tree_is_commented(self):
        self.assertIn("next_page_token", self.names)
        self.assert_clean(check_comments(self.protos, self.names))

    def test_glossary_explains_no_name_that_nobody_uses(self):
        used = {field.name for file in self.protos.file for message in file.message_type for field in message.field}
        self.assertEqual(self.names - used, set())

    def test_finds_missing_routes_and_roles(self):
        planted = self.plant("""
            message ARequest { string unit_id = 1; }
            service PlantedService {
              rpc NoRoute(ARequest) returns (ARequest);
              rpc NoRole(ARequest) returns (ARequest) { option (google.api.http) = { get: "/v1/x" }; }
              rpc ZeroRole(ARequest) returns (ARequest) {
                option (google.api.http) = { get: "/v1/y" };
                option (access) = UNSPECIFIED;
              }
              rpc BadUnitField(ARequest) returns (ARequest) {
                option (google.api.http) = { get: "/v1/z" };
                option (access) = UNIT;
                option (unit_field) = "unit";
              }
              rpc Good(ARequest) returns (ARequest) {
                option (google.api.http) = { get: "/v1/a" };
                option (access) = UNIT;
                option (unit_field) = "unit_id";
              }
            }""")
        findings = [found for found in check_routes(planted) if "PlantedService" in found]
        self.assert_finds(findings, "PlantedService.NoRoute: neither", "NoRole: does not say who",
                          "ZeroRole: does not say who", "BadUnitField: unit_field names unit,")

    def test_finds_an_internal_rpc_with_a_route_or_gone(self):
        global INTERNAL_RPCS
        known = INTERNAL_RPCS
        try:
            INTERNAL_RPCS = known | {"dondoc.v1.RatioService.GetSummary", "dondoc.v1.Gone.*"}
            findings = [found for found in check_routes(self.protos) if "list of internal RPCs" in found]
            self.assert_finds(findings, "GetSummary: has a route and is on the list",
                              "dondoc.v1.Gone.*: on the list of internal RPCs, but does not exist")
        finally:
            INTERNAL_RPCS = known

    def test_finds_what_says_nothing_of_itself(self):
        planted = self.plant("""
            message Bare {
              string unit_id = 1;
              string colour = 2;
              // Commented.
              string taste = 3;
              string smell = 4;  // commented
              map<string, string> sounds = 5;
              message Inner { }
            }
            message OneRequest { string colour = 1; }
            message TwoRequest { string colour = 1; string taste = 2; }
            message OneResponse { string colour = 1; }""")
        alone = descriptor_pb2.FileDescriptorSet(file=[file for file in planted.file if file.name == "planted.proto"])
        self.assert_finds(check_comments(alone, self.names), "v1.Bare:", "Bare.colour:", "Bare.sounds:", "Bare.Inner:",
                          "TwoRequest.colour", "TwoRequest.taste", "OneResponse.colour")


if __name__ == "__main__":
    unittest.main()
