#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "services/common/clock/civil.h"
#include "services/common/testing/status_matchers.h"
#include "services/ingestion/reading/sheet_reader.h"
#include "services/ingestion/reading/table_finder.h"
#include "services/ingestion/testing/kontum_units.h"

// Every file of tests/fixtures/exports against the table beside it.

namespace dondoc::ingestion {
namespace {

namespace fs = std::filesystem;
using google::protobuf::ListValue;
using google::protobuf::Struct;
using google::protobuf::Value;

constexpr size_t kFixturesMin = 60;
const absl::CivilSecond kNow(2023, 11, 21, 9, 0, 0);

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::shared_ptr<const Directory> Units() {
  static const auto directory = [] {
    std::map<std::string, v1::Unit> by_id;
    for (const v1::Unit& unit : testing::KontumUnits()) by_id[unit.unit_id()] = unit;
    return std::make_shared<const Directory>(std::move(by_id));
  }();
  return directory;
}

// What the reader makes of a file, in the form of the expected tables.
class Reading {
 public:
  Reading(const std::string& bytes, const std::string& unit_column, size_t piece_bytes)
      : mapper_(Units(), {std::nullopt, "Kon Tum", absl::FromCivil(kNow, VietNamTime())}),
        finder_({nullptr, unit_column},
                {[](const ColumnPlan&) { return absl::OkStatus(); },
                 [this](const MeaningCells& cells, int64_t number, CsvRow::Problem problem) {
                   return OnDossier(cells, number, problem);
                 },
                 [this](const StatementRow& row) { return OnStatement(row); }}),
        reader_([this](absl::Span<const absl::string_view> cells) { return finder_.Score(cells); },
                [this](const SheetRow& row) { return finder_.OnRow(row); }, {}) {
    absl::string_view rest = bytes;
    while (!rest.empty() && status.ok()) {
      status = reader_.Feed(rest.substr(0, piece_bytes));
      rest.remove_prefix(std::min(piece_bytes, rest.size()));
    }
    if (status.ok()) status = reader_.Finish();
    if (status.ok()) status = finder_.Finish();
    if (status.ok() && !finder_.found()) status = absl::InvalidArgumentError("no header");
  }

  const TableFinder::Notes& notes() const { return finder_.notes(); }
  const SheetReader& reader() const { return reader_; }

  absl::Status status;
  std::vector<std::string> dossiers;
  std::vector<std::string> statements;
  std::vector<std::string> rejects;

 private:
  // The expected tables name the sheet of rows beyond the first one's.
  std::string Place(int64_t number) const {
    return number < kSheetRowNumbers ? absl::StrCat(number)
                                     : RowName(finder_.notes().sheets, number);
  }
  void Refuse(int64_t number, v1::RejectReason::Value reason) {
    rejects.push_back(absl::StrCat(Place(number), "|", v1::RejectReason::Value_Name(reason)));
  }
  absl::Status OnDossier(const MeaningCells& cells, int64_t number, CsvRow::Problem problem) {
    if (problem != CsvRow::Problem::kNone && problem != CsvRow::Problem::kShifted) {
      Refuse(number, v1::RejectReason::BAD_ROW);
      return absl::OkStatus();
    }
    std::variant<Row, v1::Reject> mapped = mapper_.Map(cells, number);
    if (const auto* reject = std::get_if<v1::Reject>(&mapped)) {
      Refuse(number, reject->reason());
      return absl::OkStatus();
    }
    const v1::Dossier& dossier = std::get<Row>(mapped).dossier;
    dossiers.push_back(absl::StrCat(
        Place(number), "|", dossier.code(), "|", dossier.unit_id(), "|",
        absl::FormatTime("%Y-%m-%d %H:%M:%S", FromProto(dossier.received_time()), VietNamTime()),
        "|", v1::Channel::Value_Name(dossier.channel())));
    return absl::OkStatus();
  }
  absl::Status OnStatement(const StatementRow& row) {
    if (row.reason != v1::RejectReason::UNSPECIFIED) {
      Refuse(row.row_number, row.reason);
    } else {
      statements.push_back(absl::StrCat(Place(row.row_number), "|", row.unit, "|", row.total, "|",
                                        row.online, "|", row.counter, "|", row.postal, "|",
                                        row.unknown));
    }
    return absl::OkStatus();
  }

  RowMapper mapper_;
  TableFinder finder_;
  SheetReader reader_;
};

std::vector<std::string> Rows(const Struct& expected, const std::string& name) {
  std::vector<std::string> rows;
  const auto found = expected.fields().find(name);
  if (found == expected.fields().end()) return rows;
  for (const Value& row : found->second.list_value().values()) {
    std::string text;
    for (const Value& cell : row.list_value().values()) {
      absl::StrAppend(&text, text.empty() ? "" : "|");
      if (cell.kind_case() == Value::kNumberValue) {
        absl::StrAppend(&text, static_cast<int64_t>(cell.number_value()));
      } else {
        absl::StrAppend(&text, cell.string_value());
      }
    }
    rows.push_back(text);
  }
  return rows;
}

std::vector<std::string> Words(const Struct& expected, const std::string& name) {
  std::vector<std::string> words;
  const auto found = expected.fields().find(name);
  if (found == expected.fields().end()) return words;
  for (const Value& word : found->second.list_value().values()) {
    words.push_back(word.string_value());
  }
  return words;
}

void CheckNotes(const Struct& expected, const Reading& reading) {
  const auto text = [&](const std::string& name) {
    const auto found = expected.fields().find(name);
    return found == expected.fields().end() ? std::string() : found->second.string_value();
  };
  const auto number = [&](const std::string& name) {
    const auto found = expected.fields().find(name);
    return found == expected.fields().end() ? 0.0 : found->second.number_value();
  };
  const TableFinder::Notes& notes = reading.notes();
  std::vector<std::string> window;
  if (notes.title.from.has_value()) {
    window = {FormatDay(*notes.title.from), FormatDay(*notes.title.to)};
  }
  EXPECT_EQ(window, Words(expected, "window"));
  std::string extracted;
  if (notes.title.extracted.has_value()) {
    extracted = absl::FormatTime(
        "%Y-%m-%d %H:%M:%S", absl::FromCivil(*notes.title.extracted, VietNamTime()), VietNamTime());
  }
  EXPECT_EQ(extracted, text("extracted"));
  EXPECT_EQ(LegacyName(notes.legacy), text("legacy"));
  EXPECT_EQ(notes.month_first, expected.fields().count("month_first") > 0);
  EXPECT_EQ(static_cast<double>(notes.hidden_rows), number("hidden_rows"));
  EXPECT_EQ(static_cast<double>(reading.reader().xlsx_notes().formulas_without_value),
            number("formulas"));
  const std::vector<std::string> further(notes.sheets.begin() + (notes.sheets.empty() ? 0 : 1),
                                         notes.sheets.end());
  EXPECT_EQ(further, Words(expected, "sheets_read"));
  EXPECT_EQ(notes.sheets_skipped, Words(expected, "sheets_skipped"));
  EXPECT_EQ(reading.reader().xlsx_notes().hidden_sheets, Words(expected, "hidden_sheets"));
  if (!text("encoding").empty()) {
    EXPECT_EQ(EncodingName(reading.reader().encoding().value_or(Encoding::kUtf8)),
              text("encoding"));
  }
}

class FixtureTest : public ::testing::TestWithParam<std::string> {};

TEST_P(FixtureTest, IsReadAsTheTableBesideItSays) {
  const fs::path path = fs::path(DONDOC_SOURCE_DIR) / "tests/fixtures/exports" / GetParam();
  Struct expected;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(ReadFile(path.string() + ".json"), &expected)
          .ok());
  const std::string bytes = ReadFile(path);
  const auto unit_column = expected.fields().find("unit_column");
  const std::string unit =
      unit_column == expected.fields().end() ? "" : unit_column->second.string_value();
  // Whole, and cut where no format expects it.
  for (const size_t piece_bytes : {bytes.size() + 1, size_t{7}}) {
    if (piece_bytes == 7 && bytes.size() > (1 << 20)) continue;
    SCOPED_TRACE(absl::StrCat("pieces of ", piece_bytes));
    Reading reading(bytes, unit, piece_bytes);
    const auto error = expected.fields().find("error");
    if (error != expected.fields().end()) {
      EXPECT_THAT(reading.status,
                  dondoc::testing::StatusIs(absl::StatusCode::kInvalidArgument,
                                            ::testing::HasSubstr(error->second.string_value())));
      continue;
    }
    ASSERT_TRUE(reading.status.ok()) << reading.status;
    EXPECT_EQ(reading.dossiers, Rows(expected, "dossiers"));
    EXPECT_EQ(reading.statements, Rows(expected, "statements"));
    EXPECT_EQ(reading.rejects, Rows(expected, "rejects"));
    CheckNotes(expected, reading);
  }
}

std::vector<std::string> Fixtures() {
  std::vector<std::string> names;
  for (const auto& entry :
       fs::directory_iterator(fs::path(DONDOC_SOURCE_DIR) / "tests/fixtures/exports")) {
    const std::string name = entry.path().filename();
    if (absl::EndsWith(name, ".json")) names.push_back(name.substr(0, name.size() - 5));
  }
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, FixtureTest, ::testing::ValuesIn(Fixtures()), [](const auto& param) {
  std::string name = param.param;
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
});

TEST(FixturesTest, ThereAreAtLeastSixty) { EXPECT_GE(Fixtures().size(), kFixturesMin); }

}  // namespace
}  // namespace dondoc::ingestion
