#include "services/ctl/import_text.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/ctl/text.h"
#include "services/ctl/words.h"

namespace dondoc::ctl {
namespace {

constexpr int kChangesShown = 10;

// "3 đơn vị không có trong danh mục" by reason, the most frequent first.
std::string RejectsByReason(const v1::Import& import) {
  std::string text;
  for (const v1::RejectCount& count : import.rejects_by_reason()) {
    absl::StrAppend(&text, "  ", PadLeft(CountText(count.rows()), 9), "  ",
                    RejectReasonWord(count.reason()), "\n");
  }
  return text;
}

// What the changes listed are, now.
std::string ChangesTitle(const v1::Import& import) {
  const std::string units = absl::StrCat(CountText(import.changes_size()), " đơn vị:\n");
  switch (import.state()) {
    case v1::ImportState::PREVIEWED:
      return absl::StrCat("Sẽ thay đổi ", units);
    case v1::ImportState::APPLIED:
      return absl::StrCat("Đã thay đổi ", units);
    case v1::ImportState::REVERTED:
      return absl::StrCat("Đã hoàn tác thay đổi ở ", units);
    default:
      return "";
  }
}

Table ChangesTable(const std::string& first) {
  return Table({{first},
                {"Hồ sơ trước", Align::kRight},
                {"sau", Align::kRight},
                {"Trực tuyến trước", Align::kRight},
                {"sau", Align::kRight},
                {"Tỷ lệ trước", Align::kRight},
                {"sau", Align::kRight}});
}

std::vector<std::string> ChangeCells(const std::string& name, const v1::Ratio& before,
                                     const v1::Ratio& after) {
  return {name,
          CountText(before.total()),
          CountText(after.total()),
          CountText(before.online()),
          CountText(after.online()),
          PercentText(before.percent()),
          PercentText(after.percent())};
}

std::string ChangesText(const v1::Import& import) {
  const std::string title = ChangesTitle(import);
  if (title.empty()) return "";
  if (import.changes_size() == 0) return "Không đơn vị nào đổi số.\n";
  // The units that change most first.
  std::vector<const v1::UnitChange*> changes;
  for (const v1::UnitChange& change : import.changes()) changes.push_back(&change);
  const auto size_of = [](const v1::UnitChange* change) {
    const int64_t difference = change->after().total() - change->before().total();
    return difference < 0 ? -difference : difference;
  };
  std::stable_sort(changes.begin(), changes.end(),
                   [&](const auto* a, const auto* b) { return size_of(a) > size_of(b); });
  Table table = ChangesTable("Đơn vị");
  const size_t shown = std::min<size_t>(changes.size(), kChangesShown);
  for (size_t i = 0; i < shown; ++i) {
    const v1::UnitChange& change = *changes[i];
    table.AddRow(ChangeCells(change.name().empty() ? change.unit_id() : change.name(),
                             change.before(), change.after()));
  }
  std::string text = absl::StrCat(title, table.Render());
  if (shown < changes.size()) {
    absl::StrAppend(&text, "… và ", CountText(static_cast<int64_t>(changes.size() - shown)),
                    " đơn vị nữa (--json có đủ)\n");
  }
  return text;
}

// The same by level; one unit alone needs no sum.
std::string LevelsText(const v1::Import& import) {
  if (import.changes_size() < 2 || ChangesTitle(import).empty()) return "";
  Table table = ChangesTable("Cộng các đơn vị ấy");
  for (const v1::LevelChange& change : import.level_changes()) {
    const bool all = change.level() == v1::Level::UNSPECIFIED;
    table.AddRow(ChangeCells(absl::StrCat(all ? "Tất cả" : LevelWord(change.level()), " (",
                                          CountText(change.units()), ")"),
                             change.before(), change.after()));
  }
  return table.empty() ? "" : table.Render();
}

std::string ColumnsText(const v1::Import& import) {
  std::vector<std::string> read;
  std::vector<std::string> personal;
  std::vector<std::string> ignored;
  for (const v1::ColumnMapping& column : import.columns()) {
    const std::string header = Printable(column.header());
    if (column.meaning() == "personal") {
      personal.push_back(header);
    } else if (column.meaning() == "ignored") {
      ignored.push_back(header);
    } else {
      read.push_back(absl::StrCat(header, " → ", MeaningWord(column.meaning())));
    }
  }
  std::string text;
  if (!read.empty()) absl::StrAppend(&text, "Cột đã hiểu: ", absl::StrJoin(read, ", "), "\n");
  if (!personal.empty()) {
    absl::StrAppend(&text, "Cột cá nhân, đã bỏ: ", absl::StrJoin(personal, ", "), "\n");
  }
  if (!ignored.empty()) {
    absl::StrAppend(&text, "Cột không dùng: ", absl::StrJoin(ignored, ", "), "\n");
  }
  return text;
}

std::string WarningsText(const v1::Import& import) {
  std::string text;
  for (const v1::ImportWarning& warning : import.warnings()) {
    // The message says how many rows, and which is the first.
    absl::StrAppend(&text, "Lưu ý: ", Printable(warning.message()), "\n");
  }
  return text;
}

std::string CountsText(const v1::Import& import) {
  std::string text = absl::StrCat(
      "Dòng: ", CountText(import.rows()), " = ", CountText(import.counted()), " đã tính + ",
      CountText(import.unchanged()), " không đổi + ", CountText(import.stale()), " cũ hơn + ",
      CountText(import.rejected()), " bị loại");
  if (import.statements() > 0) {
    absl::StrAppend(&text, " + ", CountText(import.statements()), " dòng số liệu tổng");
  }
  text += "\n";
  if (import.withdrawn() > 0) {
    absl::StrAppend(&text, "Rút khỏi số liệu vì tệp không còn: ", CountText(import.withdrawn()),
                    " hồ sơ\n");
  }
  if (import.has_coverage()) {
    const v1::Coverage& coverage = import.coverage();
    absl::StrAppend(
        &text, "Phạm vi: ", DayText(coverage.from()), " – ", DayText(coverage.to()),
        coverage.extent() == v1::Coverage::Extent::COMPLETE ? ", đủ mọi hồ sơ" : ", một phần",
        coverage.unit_ids_size() == 0 ? ", mọi đơn vị"
                                      : absl::StrCat(", ", coverage.unit_ids_size(), " đơn vị"),
        "\n");
  }
  return text;
}

}  // namespace

void PrintImport(Context& context, const v1::Import& import) {
  std::ostream& out = context.out;
  out << (import.filename().empty() ? import.import_id() : Printable(import.filename())) << ": "
      << ImportStateWord(import.state());
  if (import.sequence() > 0) out << ", sequence " << import.sequence();
  out << "  [" << import.import_id() << "]\n";
  if (!import.error().empty()) out << "Lỗi: " << Printable(import.error()) << "\n";
  if (import.rows() > 0) out << CountsText(import);
  out << ColumnsText(import) << WarningsText(import);
  if (import.rejected() > 0) {
    out << "Bị loại:\n"
        << RejectsByReason(import) << "Xem từng dòng: dondocctl rejects " << import.import_id()
        << "\n";
  }
  out << ChangesText(import) << LevelsText(import);
  if (import.state() == v1::ImportState::PREVIEWED) {
    bool withdraws_many = false;
    for (const v1::ImportWarning& warning : import.warnings()) {
      withdraws_many |= warning.kind() == v1::ImportWarning::Kind::WITHDRAWS_MANY;
    }
    out << "Để có hiệu lực: dondocctl apply " << import.import_id()
        << (withdraws_many ? " --confirm_withdrawals" : "") << "\n";
  }
}

int ImportExitCode(const v1::Import& import) {
  switch (import.state()) {
    case v1::ImportState::APPLIED:
      return import.rejected() == 0 ? kExitOk : kExitAttention;
    case v1::ImportState::PREVIEWED:
      return kExitAttention;
    default:
      return kExitFailed;
  }
}

}  // namespace dondoc::ctl
