#include "services/alerting/workbook.h"

#include <sys/mman.h>
#include <unistd.h>
#include <xlsxwriter.h>

#include <algorithm>
#include <array>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/alerting/message_view.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/ratio.h"

namespace dondoc::alerting {
namespace {

constexpr std::array<const char*, 12> kHeaders = {
    "STT",       "Đơn vị",       "Tổng số hồ sơ", "Trực tuyến",    "Trực tiếp", "BCCI",
    "Tỷ lệ (%)", "Chỉ tiêu (%)", "Còn thiếu",     "So tuần trước", "Đánh giá",  "Ghi chú"};
constexpr std::array<double, 12> kWidths = {6, 36, 12, 12, 12, 10, 10, 11, 11, 12, 22, 34};
constexpr size_t kCellBytesMax = 2000;

struct Styles {
  lxw_format* title;
  lxw_format* header;
  lxw_format* block;
  lxw_format* text;
  lxw_format* count;
  lxw_format* percent;
  lxw_format* low;  // a percentage below its target
  lxw_format* total_text;
  lxw_format* total_count;
  lxw_format* total_percent;
};

lxw_format* Bordered(lxw_workbook* book, const char* number_format, bool bold) {
  lxw_format* format = workbook_add_format(book);
  format_set_font_name(format, "Times New Roman");
  format_set_border(format, LXW_BORDER_THIN);
  format_set_align(format, LXW_ALIGN_VERTICAL_CENTER);
  if (number_format != nullptr) format_set_num_format(format, number_format);
  if (bold) format_set_bold(format);
  return format;
}

Styles MakeStyles(lxw_workbook* book) {
  Styles styles;
  styles.title = workbook_add_format(book);
  format_set_font_name(styles.title, "Times New Roman");
  format_set_font_size(styles.title, 14);
  format_set_bold(styles.title);
  format_set_align(styles.title, LXW_ALIGN_CENTER);
  format_set_align(styles.title, LXW_ALIGN_VERTICAL_CENTER);
  format_set_text_wrap(styles.title);
  styles.header = Bordered(book, nullptr, /*bold=*/true);
  format_set_align(styles.header, LXW_ALIGN_CENTER);
  format_set_text_wrap(styles.header);
  format_set_bg_color(styles.header, 0xDCE6F1);
  styles.block = Bordered(book, nullptr, /*bold=*/true);
  format_set_bg_color(styles.block, 0xEEF2F6);
  styles.text = Bordered(book, nullptr, /*bold=*/false);
  format_set_text_wrap(styles.text);
  styles.count = Bordered(book, "#,##0", /*bold=*/false);
  styles.percent = Bordered(book, "0.00", /*bold=*/false);
  styles.low = Bordered(book, "0.00", /*bold=*/true);
  format_set_font_color(styles.low, 0xB3261E);
  styles.total_text = Bordered(book, nullptr, /*bold=*/true);
  styles.total_count = Bordered(book, "#,##0", /*bold=*/true);
  styles.total_percent = Bordered(book, "0.00", /*bold=*/true);
  return styles;
}

// Writes the sheet from its top; remembers the next row.
class Table {
 public:
  Table(lxw_worksheet* sheet, const Styles& styles) : sheet_(sheet), styles_(styles) {}

  void Head(const ReminderFacts& facts) {
    for (size_t i = 0; i < kWidths.size(); ++i) {
      const auto column = static_cast<lxw_col_t>(i);
      worksheet_set_column(sheet_, column, column, kWidths[i], nullptr);
    }
    const lxw_col_t last = kHeaders.size() - 1;
    worksheet_merge_range(sheet_, 0, 0, 0, last, Clean(facts.campaign.title()).c_str(),
                          styles_.title);
    worksheet_merge_range(sheet_, 1, 0, 1, last,
                          absl::StrCat("(Từ ngày ", Day(facts.window.from()), " đến hết ngày ",
                                       Day(facts.window.to()), ")")
                              .c_str(),
                          styles_.title);
    worksheet_set_row(sheet_, 0, 36, nullptr);
    row_ = 3;
    for (size_t i = 0; i < kHeaders.size(); ++i) {
      worksheet_write_string(sheet_, row_, static_cast<lxw_col_t>(i), kHeaders[i], styles_.header);
    }
    worksheet_freeze_panes(sheet_, row_ + 1, 2);
    worksheet_repeat_rows(sheet_, row_, row_);
    ++row_;
  }

  void Block(const char* name) {
    worksheet_merge_range(sheet_, row_, 0, row_, kHeaders.size() - 1, name, styles_.block);
    ++row_;
  }

  void Unit(int number, const DigestRow& row) {
    const v1::Flag& flag = row.flag;
    worksheet_write_number(sheet_, row_, 0, number, styles_.count);
    Text(1, flag.name());
    Counts(flag.ratio(), styles_.count);
    Percent(6, flag.ratio().percent(), flag.flagged() ? styles_.low : styles_.percent);
    Percent(7, flag.target_percent(), styles_.percent);
    if (flag.flagged() && flag.has_missing()) {
      worksheet_write_number(sheet_, row_, 8, static_cast<double>(flag.missing()), styles_.count);
    } else {
      Text(8, flag.flagged() ? "Không thể đạt" : "");
    }
    Percent(9, row.week_change_points.value_or(""), styles_.percent);
    Text(10, OutlookName(flag.outlook()));
    Text(11, row.note);
    ++row_;
  }

  void Total(const v1::Ratio& ratio) {
    worksheet_write_string(sheet_, row_, 0, "", styles_.total_text);
    worksheet_write_string(sheet_, row_, 1, "Tổng cộng", styles_.total_text);
    Counts(ratio, styles_.total_count);
    Percent(6, ratio.percent(), styles_.total_percent);
    for (lxw_col_t column = 7; column < kHeaders.size(); ++column) {
      worksheet_write_string(sheet_, row_, column, "", styles_.total_text);
    }
    row_ += 2;
  }

  void Foot(const ReminderFacts& facts) {
    worksheet_write_string(
        sheet_, row_, 1,
        Clean(absl::StrCat("Số hiệu số liệu: ", facts.sequence, " (", facts.ledger_id, "); ",
                           facts.definition_name, " (", facts.definition_id, ", phiên bản ",
                           facts.definition_version, ")"))
            .c_str(),
        nullptr);
  }

 private:
  static std::string Day(const std::string& iso) {
    const auto day = ParseDay(iso);
    return day.ok() ? FormatDayVi(*day) : iso;
  }
  // worksheet_write_string never makes a formula; a leading sign is still kept from becoming one
  // when the sheet is saved as CSV and opened again.
  static std::string Clean(const std::string& text) {
    // Never within a character.
    size_t bytes = std::min(text.size(), kCellBytesMax);
    while (bytes > 0 && bytes < text.size() &&
           (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80)
      --bytes;
    const bool formula = bytes > 0 && absl::StrContains("=+-@", text[0]);
    std::string clean = absl::StrCat(formula ? "'" : "", absl::string_view(text).substr(0, bytes));
    for (char& c : clean) {
      if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    }
    return clean;
  }
  void Text(lxw_col_t column, const std::string& text) {
    worksheet_write_string(sheet_, row_, column, Clean(text).c_str(), styles_.text);
  }
  void Counts(const v1::Ratio& ratio, lxw_format* format) {
    worksheet_write_number(sheet_, row_, 2, static_cast<double>(ratio.total()), format);
    worksheet_write_number(sheet_, row_, 3, static_cast<double>(ratio.online()), format);
    worksheet_write_number(sheet_, row_, 4, static_cast<double>(ratio.counter()), format);
    worksheet_write_number(sheet_, row_, 5, static_cast<double>(ratio.postal()), format);
  }
  void Percent(lxw_col_t column, const std::string& percent, lxw_format* format) {
    double value = 0;
    if (absl::SimpleAtod(percent, &value)) {
      worksheet_write_number(sheet_, row_, column, value, format);
    } else {
      worksheet_write_string(sheet_, row_, column, "", styles_.text);
    }
  }

  lxw_worksheet* const sheet_;
  const Styles styles_;
  lxw_row_t row_ = 0;
};

void Fill(lxw_workbook* book, const ReminderFacts& facts) {
  lxw_worksheet* sheet = workbook_add_worksheet(book, "Bảng số liệu");
  worksheet_set_landscape(sheet);
  worksheet_set_paper(sheet, 9);  // A4
  worksheet_fit_to_pages(sheet, 1, 0);
  Table table(sheet, MakeStyles(book));
  table.Head(facts);
  struct Level {
    v1::Level::Value level;
    const char* name;
  };
  for (const Level& level :
       {Level{v1::Level::PROVINCE, "I. Cấp tỉnh"}, Level{v1::Level::DISTRICT, "II. Cấp huyện"},
        Level{v1::Level::COMMUNE, "III. Cấp xã"}}) {
    int number = 0;
    for (const DigestRow& row : facts.rows) {
      if (row.flag.level() != level.level) continue;
      if (number == 0) table.Block(level.name);
      table.Unit(++number, row);
    }
  }
  table.Total(facts.overall);
  table.Foot(facts);
}

}  // namespace

absl::StatusOr<std::string> WriteWorkbook(const ReminderFacts& facts) {
  // The library writes to a named file only; this one has no place on a disk.
  const int file = memfd_create("workbook", MFD_CLOEXEC);
  if (file < 0) return absl::InternalError("workbook: no memory file");
  const absl::Cleanup close_file = [file] { close(file); };
  lxw_workbook* book = workbook_new(absl::StrCat("/proc/self/fd/", file).c_str());
  if (book == nullptr) return absl::InternalError("workbook: cannot be made");
  lxw_doc_properties properties = {};
  // Otherwise the library writes the machine's time, and the same facts would give other bytes.
  properties.created =
      static_cast<time_t>(absl::ToUnixSeconds(absl::FromCivil(facts.today, VietNamTime())));
  workbook_set_properties(book, &properties);
  Fill(book, facts);
  const lxw_error error = workbook_close(book);
  if (error != LXW_NO_ERROR) {
    return absl::InternalError(absl::StrCat("workbook: ", lxw_strerror(error)));
  }
  std::string workbook;
  std::array<char, 65536> piece;
  lseek(file, 0, SEEK_SET);
  for (ssize_t bytes = 0; (bytes = read(file, piece.data(), piece.size())) > 0;) {
    workbook.append(piece.data(), static_cast<size_t>(bytes));
  }
  return workbook;
}

}  // namespace dondoc::alerting
