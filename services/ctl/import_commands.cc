#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/common/status/macros.h"
#include "services/ctl/commands.h"
#include "services/ctl/import_upload.h"
#include "services/ctl/progress.h"
#include "services/ctl/text.h"
#include "services/ctl/words.h"

namespace dondoc::ctl {
namespace {

constexpr int64_t kRejectsCountedMax = 20'000;
constexpr int64_t kRejectPageMax = 1000;
constexpr int kChangesShown = 10;

std::string ImportPath(const std::string& import_id, const std::string& more = "") {
  return absl::StrCat("/v1/imports/", EscapeSegment(import_id), more);
}

int ExitCodeOf(const v1::Import& import) {
  switch (import.state()) {
    case v1::ImportState::APPLIED:
      return import.rejected() == 0 ? kExitOk : kExitAttention;
    case v1::ImportState::PREVIEWED:
      return kExitAttention;
    default:
      return kExitFailed;
  }
}

// "3 đơn vị không có trong danh mục" by reason, the most frequent first.
absl::StatusOr<std::string> RejectsByReason(Context& context, const v1::Import& import) {
  std::map<v1::RejectReason::Value, int64_t> by_reason;
  ASSIGN_OR_RETURN(const bool more, ForEachPage<v1::ListRejectsResponse>(
                                        context.api, ImportPath(import.import_id(), "/rejects"), {},
                                        kRejectsCountedMax, kRejectPageMax,
                                        [&](const v1::ListRejectsResponse& page) {
                                          for (const v1::Reject& reject : page.rejects())
                                            ++by_reason[reject.reason()];
                                          return page.rejects_size();
                                        }));
  std::vector<std::pair<int64_t, std::string>> parts;
  for (const auto& [reason, count] : by_reason) {
    parts.emplace_back(-count, absl::StrCat("  ", PadLeft(CountText(count), 9), "  ",
                                            RejectReasonWord(reason), "\n"));
  }
  std::sort(parts.begin(), parts.end());
  std::string text;
  for (const auto& part : parts) text += part.second;
  if (more) absl::StrAppend(&text, "  (mới đếm ", CountText(kRejectsCountedMax), " dòng đầu)\n");
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
  Table table({{"Đơn vị"},
               {"Hồ sơ trước", Align::kRight},
               {"sau", Align::kRight},
               {"Trực tuyến trước", Align::kRight},
               {"sau", Align::kRight},
               {"Tỷ lệ trước", Align::kRight},
               {"sau", Align::kRight}});
  const size_t shown = std::min<size_t>(changes.size(), kChangesShown);
  for (size_t i = 0; i < shown; ++i) {
    const v1::UnitChange& change = *changes[i];
    table.AddRow({change.name().empty() ? change.unit_id() : change.name(),
                  CountText(change.before().total()), CountText(change.after().total()),
                  CountText(change.before().online()), CountText(change.after().online()),
                  PercentText(change.before().percent()), PercentText(change.after().percent())});
  }
  std::string text = absl::StrCat(title, table.Render());
  if (shown < changes.size()) {
    absl::StrAppend(&text, "… và ", CountText(static_cast<int64_t>(changes.size() - shown)),
                    " đơn vị nữa (--json có đủ)\n");
  }
  return text;
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

absl::Status PrintImport(Context& context, const v1::Import& import) {
  std::ostream& out = context.out;
  out << (import.filename().empty() ? import.import_id() : Printable(import.filename())) << ": "
      << ImportStateWord(import.state());
  if (import.sequence() > 0) out << ", sequence " << import.sequence();
  out << "  [" << import.import_id() << "]\n";
  if (!import.error().empty()) out << "Lỗi: " << Printable(import.error()) << "\n";
  if (import.rows() > 0) out << CountsText(import);
  out << ColumnsText(import) << WarningsText(import);
  if (import.rejected() > 0) {
    ASSIGN_OR_RETURN(const std::string reasons, RejectsByReason(context, import));
    out << "Bị loại:\n"
        << reasons << "Xem từng dòng: dondocctl rejects " << import.import_id() << "\n";
  }
  out << ChangesText(import);
  if (import.state() == v1::ImportState::PREVIEWED) {
    bool withdraws_many = false;
    for (const v1::ImportWarning& warning : import.warnings()) {
      withdraws_many |= warning.kind() == v1::ImportWarning::Kind::WITHDRAWS_MANY;
    }
    out << "Để có hiệu lực: dondocctl apply " << import.import_id()
        << (withdraws_many ? " --confirm_withdrawals" : "") << "\n";
  }
  return absl::OkStatus();
}

absl::StatusOr<int> RunImport(Context& context) {
  int exit_code = kExitOk;
  for (const std::string& path : context.arguments.words) {
    const absl::StatusOr<Answer<v1::Import>> answer = UploadFile(context, path);
    if (!answer.ok()) {
      context.err << "dondocctl: import " << Printable(path) << ": " << answer.status().message()
                  << "\n";
      exit_code = kExitFailed;
      continue;
    }
    if (context.arguments.Bool("json")) {
      PrintJson(context, answer->json);
    } else {
      RETURN_IF_ERROR(PrintImport(context, answer->message));
    }
    const int own = ExitCodeOf(answer->message);
    if (exit_code != kExitFailed && own != kExitOk) exit_code = own;
  }
  return exit_code;
}

absl::Status CheckImport(const Arguments& arguments) {
  if (arguments.Has("covers_from") != arguments.Has("covers_to")) {
    return absl::InvalidArgumentError("--covers_from và --covers_to phải đi cùng nhau");
  }
  if (arguments.Text("covers_from") > arguments.Text("covers_to")) {
    return absl::InvalidArgumentError("--covers_from sau --covers_to");
  }
  if (arguments.Bool("complete") && !arguments.Has("covers_from")) {
    return absl::InvalidArgumentError("--complete cần --covers_from và --covers_to");
  }
  if (arguments.Has("covers_units") && !arguments.Has("covers_from")) {
    return absl::InvalidArgumentError("--covers_units cần --covers_from và --covers_to");
  }
  if (arguments.Has("import_id") && arguments.words.size() > 1) {
    return absl::InvalidArgumentError("--import_id chỉ dùng với một tệp");
  }
  return absl::OkStatus();
}

CommandSpec ImportCommand() {
  CommandSpec command;
  command.name = "import";
  command.words = "TỆP…";
  command.words_min = 1;
  command.words_max = 1000;
  command.summary = "nạp tệp trích xuất của hệ thống một cửa";
  command.details =
      "Có hiệu lực ngay thành một sequence, trừ khi --preview hoặc máy chủ thấy cần hỏi lại.\n"
      "Nạp lại đúng tệp ấy không thay đổi gì. --complete nói rằng tệp có mọi hồ sơ của những ngày\n"
      "--covers_from … --covers_to: hồ sơ mà tệp không còn sẽ rút khỏi số liệu.\n"
      "Dòng không tính được thì bị loại kèm lý do; các dòng khác vẫn được tính.";
  command.examples = {
      "dondocctl import mot-cua.csv --covers_from=2023-01-01 --covers_to=2023-11-15 --complete",
      "dondocctl import tuan-46.csv --preview",
      "dondocctl import truc-tuyen.csv --channel=ONLINE --extracted_at=2023-11-16T07:00:00+07:00"};
  command.flags = {
      {.name = "channel",
       .type = FlagType::kOneOf,
       .help = "kênh của mọi dòng, khi tệp không có cột ấy",
       .choices = {"COUNTER", "ONLINE", "POSTAL"}},
      {.name = "covers_from", .type = FlagType::kDay, .help = "ngày tiếp nhận đầu mà tệp nói tới"},
      {.name = "covers_to", .type = FlagType::kDay, .help = "ngày tiếp nhận cuối"},
      {.name = "covers_units",
       .help = "các unit_id mà tệp nói tới, cách nhau bằng dấu phẩy; không có = mọi đơn vị",
       .repeated = true},
      {.name = "complete",
       .type = FlagType::kBool,
       .help = "tệp có đủ mọi hồ sơ của phạm vi",
       .default_value = "false"},
      {.name = "extracted_at", .type = FlagType::kInstant, .help = "lúc trích xuất tệp"},
      {.name = "preview",
       .type = FlagType::kBool,
       .help = "chỉ xem trước, chưa có hiệu lực",
       .default_value = "false"},
      {.name = "confirm_withdrawals",
       .type = FlagType::kBool,
       .help = "đồng ý rút quá 5 % hồ sơ của phạm vi",
       .default_value = "false"},
      {.name = "unit_column",
       .help = "đơn vị nào được tính khi tệp có cả hai: receiving, handling hoặc tiêu đề của cột"},
      {.name = "import_id", .help = "tự đặt mã lần nạp [a-z0-9-]{1,63}"}};
  command.check = &CheckImport;
  command.run = &RunImport;
  return command;
}

absl::StatusOr<int> RunImports(Context& context) {
  if (context.arguments.Bool("json")) return PrintPage(context, "/v1/imports", {}, 1000);
  Table table({{"Mã"},
               {"Trạng thái"},
               {"Tệp"},
               {"Lúc"},
               {"Dòng", Align::kRight},
               {"Đã tính", Align::kRight},
               {"Loại", Align::kRight},
               {"Sequence", Align::kRight}});
  ASSIGN_OR_RETURN(
      const bool more,
      ForEachPage<v1::ListImportsResponse>(
          context.api, "/v1/imports", {}, context.arguments.Integer("limit"), 1000,
          [&](const v1::ListImportsResponse& page) {
            for (const v1::Import& import : page.imports()) {
              table.AddRow({import.import_id(), ImportStateWord(import.state()), import.filename(),
                            InstantText(import.has_create_time(), import.create_time()),
                            CountText(import.rows()), CountText(import.counted()),
                            CountText(import.rejected()), absl::StrCat(import.sequence())});
            }
            return page.imports_size();
          }));
  context.out << (table.empty() ? "Chưa nạp tệp nào.\n" : table.Render());
  if (more) context.out << "… còn nữa: thêm --limit\n";
  return kExitOk;
}

absl::StatusOr<int> PrintRejectsCsv(Context& context, const std::string& import_id) {
  HttpRequest request;
  request.path = ImportPath(import_id, "/rejects:download");
  ASSIGN_OR_RETURN(const std::string csv, context.api.Call(request));
  context.out << csv;
  return kExitOk;
}

absl::StatusOr<int> RunRejects(Context& context) {
  const std::string& import_id = context.arguments.words[0];
  if (context.arguments.Bool("csv")) return PrintRejectsCsv(context, import_id);
  const std::string path = ImportPath(import_id, "/rejects");
  if (context.arguments.Bool("json")) return PrintPage(context, path, {}, kRejectPageMax);
  Table table(
      {{"Dòng", Align::kRight}, {"Lý do"}, {"Mã hồ sơ"}, {"Đơn vị trong tệp"}, {"Giải thích"}});
  ASSIGN_OR_RETURN(
      const bool more,
      ForEachPage<v1::ListRejectsResponse>(
          context.api, path, {}, context.arguments.Integer("limit"), kRejectPageMax,
          [&](const v1::ListRejectsResponse& page) {
            for (const v1::Reject& reject : page.rejects()) {
              const auto cell = [&](const char* meaning) {
                const auto found = reject.cells().find(meaning);
                return found == reject.cells().end() ? std::string() : found->second;
              };
              table.AddRow({CountText(reject.row_number()), RejectReasonWord(reject.reason()),
                            cell("code"), CutTo(cell("unit"), 50), reject.message()});
            }
            return page.rejects_size();
          }));
  context.out << (table.empty() ? "Không dòng nào bị loại.\n" : table.Render());
  if (more) context.out << "… còn nữa: thêm --limit, hoặc --csv để lấy đủ mọi dòng và mọi ô\n";
  return kExitOk;
}

// apply, revert, replay and cancel differ only in the verb.
template <typename Request>
absl::StatusOr<int> ActOnImport(Context& context, const std::string& verb, Request request) {
  const std::string path = ImportPath(context.arguments.words[0], absl::StrCat(":", verb));
  ASSIGN_OR_RETURN(const auto answer, context.api.Post<v1::Import>(path, request));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  RETURN_IF_ERROR(PrintImport(context, answer.message));
  return kExitOk;
}

absl::StatusOr<int> RunApply(Context& context) {
  v1::ApplyImportRequest request;
  request.set_confirm_withdrawals(context.arguments.Bool("confirm_withdrawals"));
  return ActOnImport(context, "apply", std::move(request));
}

CommandSpec OneImportCommand(const std::string& name, const std::string& summary,
                             std::function<absl::StatusOr<int>(Context&)> run) {
  CommandSpec command;
  command.name = name;
  command.words = "MÃ_LẦN_NẠP";
  command.words_min = command.words_max = 1;
  command.summary = summary;
  command.examples = {absl::StrCat("dondocctl ", name, " ctl-5f0c2a9be1d44c7a90aa1b2c")};
  command.run = std::move(run);
  return command;
}

}  // namespace

void AddImportCommands(std::vector<CommandSpec>& commands) {
  commands.push_back(ImportCommand());

  CommandSpec imports;
  imports.name = "imports";
  imports.summary = "các lần nạp, mới nhất trước";
  imports.examples = {"dondocctl imports --limit=5"};
  imports.flags = {LimitFlag("20"), PageTokenFlag()};
  imports.run = &RunImports;
  commands.push_back(std::move(imports));

  CommandSpec rejects =
      OneImportCommand("rejects", "các dòng bị loại của một lần nạp", &RunRejects);
  rejects.flags = {LimitFlag("200"),
                   PageTokenFlag(),
                   {.name = "csv",
                    .type = FlagType::kBool,
                    .help = "in thành CSV để sửa rồi nạp lại",
                    .default_value = "false"}};
  rejects.examples.push_back("dondocctl rejects ctl-5f0c2a9be1d44c7a90aa1b2c --csv > loai.csv");
  commands.push_back(std::move(rejects));

  CommandSpec apply = OneImportCommand(
      "apply", "cho một lần nạp đang chờ (hoặc đã hoàn tác) có hiệu lực", &RunApply);
  apply.flags = {{.name = "confirm_withdrawals",
                  .type = FlagType::kBool,
                  .help = "đồng ý rút quá 5 % hồ sơ của phạm vi",
                  .default_value = "false"}};
  commands.push_back(std::move(apply));
  commands.push_back(OneImportCommand(
      "revert", "hoàn tác một lần nạp: như chưa từng có nó",
      [](Context& context) { return ActOnImport(context, "revert", v1::RevertImportRequest()); }));
  commands.push_back(OneImportCommand(
      "replay", "đọc lại các dòng bị loại theo danh mục đơn vị hôm nay",
      [](Context& context) { return ActOnImport(context, "replay", v1::ReplayImportRequest()); }));
  commands.push_back(OneImportCommand(
      "cancel", "bỏ một lần nạp đang chạy hoặc đang chờ",
      [](Context& context) { return ActOnImport(context, "cancel", v1::CancelImportRequest()); }));
}

}  // namespace dondoc::ctl
