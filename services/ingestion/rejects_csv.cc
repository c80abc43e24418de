#include "services/ingestion/rejects_csv.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "services/ingestion/reading/row_place.h"

namespace dondoc::ingestion {
namespace {

// The columns after row number, reason and message: a reject's cell and its header.
struct Column {
  const char* meaning;
  const char* header;
};
constexpr Column kColumns[] = {
    {"code", "Mã hồ sơ"},
    {"unit", "Đơn vị tiếp nhận"},
    {"handling_unit", "Đơn vị giải quyết"},
    {"procedure_code", "Mã TTHC"},
    {"field", "Lĩnh vực"},
    {"received", "Ngày tiếp nhận"},
    {"updated", "Ngày cập nhật"},
    {"channel", "Kênh thực hiện"},
    {"service_level", "Mức độ"},
    {"status", "Trạng thái hồ sơ"},
};

}  // namespace

std::string SafeCsvCell(absl::string_view text) {
  const bool formula = !text.empty() && absl::StrContains("=+-@\t\r", text.front());
  return absl::StrCat("\"", formula ? "'" : "", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

std::string RejectsCsvHeader() {
  std::string line = "\xEF\xBB\xBF\"Trang\",\"Dòng\",\"Lý do\",\"Giải thích\"";
  for (const Column& column : kColumns) absl::StrAppend(&line, ",", SafeCsvCell(column.header));
  return absl::StrCat(line, "\r\n");
}

std::string RejectsCsvRow(const v1::Reject& reject) {
  std::string line = absl::StrCat(SafeCsvCell(reject.sheet()), ",\"", ShownRow(reject.row_number()),
                                  "\",", SafeCsvCell(v1::RejectReason::Value_Name(reject.reason())),
                                  ",", SafeCsvCell(reject.message()));
  for (const Column& column : kColumns) {
    const auto cell = reject.cells().find(column.meaning);
    absl::StrAppend(&line, ",", SafeCsvCell(cell == reject.cells().end() ? "" : cell->second));
  }
  return absl::StrCat(line, "\r\n");
}

}  // namespace dondoc::ingestion
