#include "services/ingestion/reading/statement_columns.h"

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/metric/ratio.h"
#include "services/ingestion/reading/cell_forms.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr size_t kHeaderBytesMax = 200;

struct PartKey {
  const char* key;
  StatementPart part;
};
constexpr PartKey kPartKeys[] = {
    {"don vi", StatementPart::kUnit},
    {"ten don vi", StatementPart::kUnit},
    {"don vi tiep nhan", StatementPart::kUnit},
    {"co quan", StatementPart::kUnit},
    {"ten co quan", StatementPart::kUnit},
    {"co quan don vi", StatementPart::kUnit},
    {"ten co quan don vi", StatementPart::kUnit},
    {"co quan thuc hien", StatementPart::kUnit},
    {"dia phuong", StatementPart::kUnit},
    {"don vi dia phuong", StatementPart::kUnit},

    {"tong", StatementPart::kTotal},
    {"tong so", StatementPart::kTotal},
    {"tong cong", StatementPart::kTotal},
    {"tong so ho so", StatementPart::kTotal},
    {"tong ho so", StatementPart::kTotal},
    {"tong so ho so tiep nhan", StatementPart::kTotal},
    {"tong tiep nhan", StatementPart::kTotal},
    {"so ho so tiep nhan", StatementPart::kTotal},
    {"tong so ho so giai quyet", StatementPart::kTotal},

    {"truc tuyen", StatementPart::kOnline},
    {"nop truc tuyen", StatementPart::kOnline},
    {"so ho so truc tuyen", StatementPart::kOnline},
    {"ho so truc tuyen", StatementPart::kOnline},
    {"tiep nhan truc tuyen", StatementPart::kOnline},
    {"ho so nop truc tuyen", StatementPart::kOnline},
    {"so ho so nop truc tuyen", StatementPart::kOnline},
    {"qua mang", StatementPart::kOnline},

    {"truc tiep", StatementPart::kCounter},
    {"nop truc tiep", StatementPart::kCounter},
    {"so ho so truc tiep", StatementPart::kCounter},
    {"ho so truc tiep", StatementPart::kCounter},
    {"tiep nhan truc tiep", StatementPart::kCounter},
    {"tai quay", StatementPart::kCounter},

    {"bcci", StatementPart::kPostal},
    {"qua bcci", StatementPart::kPostal},
    {"buu chinh", StatementPart::kPostal},
    {"qua buu chinh", StatementPart::kPostal},
    {"buu chinh cong ich", StatementPart::kPostal},
    {"qua buu chinh cong ich", StatementPart::kPostal},
    {"so ho so bcci", StatementPart::kPostal},

    {"chua ro", StatementPart::kUnknown},
    {"khong ro", StatementPart::kUnknown},
    {"khac", StatementPart::kUnknown},
    {"chua ro kenh", StatementPart::kUnknown},
};

std::optional<StatementPart> PartOf(absl::string_view key) {
  for (const PartKey& known : kPartKeys) {
    if (key == known.key) return known.part;
  }
  return std::nullopt;
}

// A column of these holds something else, whatever stands under it: a ratio, a target, a remark.
bool IsOther(absl::string_view key) {
  static constexpr absl::string_view kStarts[] = {
      "ty le", "ti le", "chi tieu", "ghi chu", "con thieu", "so tuan truoc", "danh gia"};
  static constexpr absl::string_view kHolds[] = {"ky truoc", "da giai quyet", "dang giai quyet",
                                                 "qua han",  "truoc han",     "dung han"};
  for (const absl::string_view start : kStarts) {
    if (absl::StartsWith(key, start)) return true;
  }
  for (const absl::string_view held : kHolds) {
    if (absl::StrContains(key, held)) return true;
  }
  return false;
}

}  // namespace

StatementPlan MapStatementHeader(absl::Span<const std::vector<std::string>> header_rows) {
  static constexpr absl::string_view kNames[kStatementPartCount] = {"unit",    "total",  "online",
                                                                    "counter", "postal", "unknown"};
  StatementPlan plan;
  size_t width = 0;
  for (const auto& row : header_rows) width = std::max(width, row.size());
  for (size_t column = 0; column < width; ++column) {
    std::vector<std::string> keys;
    std::string label;
    bool other = false;
    for (const auto& row : header_rows) {
      if (column >= row.size()) continue;
      const std::string key = TextKey(absl::string_view(row[column]).substr(0, kHeaderBytesMax));
      if (key.empty() || (!keys.empty() && keys.back() == key)) continue;
      absl::StrAppend(&label, label.empty() ? "" : " / ", row[column]);
      other = other || IsOther(key);
      keys.push_back(key);
    }
    v1::ColumnMapping& mapping = plan.columns.emplace_back();
    mapping.set_header(ToUtf8(label, kHeaderBytesMax));
    mapping.set_meaning("ignored");
    if (other) continue;
    // The lowest row says what a column is; one above it only what it belongs to.
    for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
      const std::optional<StatementPart> part = PartOf(*key);
      if (!part.has_value()) continue;
      int& at = plan.column_of[static_cast<size_t>(*part)];
      if (at < 0) {
        at = static_cast<int>(column);
        mapping.set_meaning(std::string(kNames[static_cast<size_t>(*part)]));
      }
      break;
    }
  }
  return plan;
}

StatementRow ReadStatementRow(const StatementPlan& plan, absl::Span<const absl::string_view> cells,
                              int64_t row_number) {
  StatementRow row;
  row.row_number = row_number;
  const auto cell = [&](StatementPart part) {
    const int column = plan.column(part);
    return column >= 0 && static_cast<size_t>(column) < cells.size()
               ? cells[static_cast<size_t>(column)]
               : absl::string_view();
  };
  row.unit = std::string(cell(StatementPart::kUnit));
  struct Field {
    StatementPart part;
    int64_t StatementRow::*value;
    const char* name;
  };
  static constexpr Field kFields[] = {
      {StatementPart::kTotal, &StatementRow::total, "Tổng số"},
      {StatementPart::kOnline, &StatementRow::online, "Trực tuyến"},
      {StatementPart::kCounter, &StatementRow::counter, "Trực tiếp"},
      {StatementPart::kPostal, &StatementRow::postal, "BCCI"},
      {StatementPart::kUnknown, &StatementRow::unknown, "Chưa rõ kênh"},
  };
  for (const Field& field : kFields) {
    const std::optional<int64_t> count = ParseCount(cell(field.part));
    row.*field.value = count.value_or(0);
    if (!count.has_value() && row.message.empty()) {
      row.reason = v1::RejectReason::BAD_NUMBER;
      row.message = absl::StrCat(field.name, " \"", ToUtf8(cell(field.part), 80),
                                 "\" không phải một số nguyên không âm.");
    }
  }
  if (!row.message.empty()) return row;
  const int64_t parts = row.online + row.counter + row.postal + row.unknown;
  const bool all_parts =
      plan.column(StatementPart::kCounter) >= 0 && plan.column(StatementPart::kPostal) >= 0;
  if (row.online > row.total) {
    row.reason = v1::RejectReason::PARTS_MISMATCH;
    row.message = absl::StrCat("Trực tuyến ", NumberVi(row.online), " lớn hơn tổng số ",
                               NumberVi(row.total), ".");
  } else if (parts > row.total || (all_parts && parts != row.total)) {
    row.reason = v1::RejectReason::PARTS_MISMATCH;
    row.message = absl::StrCat("Các phần cộng lại ", NumberVi(parts), ", không bằng tổng số ",
                               NumberVi(row.total), ".");
  } else {
    // A sheet without all parts says nothing of the rest.
    row.unknown += row.total - parts;
  }
  return row;
}

}  // namespace dondoc::ingestion
