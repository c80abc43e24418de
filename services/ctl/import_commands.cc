#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/status/macros.h"
#include "services/ctl/commands.h"
#include "services/ctl/import_text.h"
#include "services/ctl/import_upload.h"
#include "services/ctl/text.h"
#include "services/ctl/words.h"

namespace dondoc::ctl {
namespace {

constexpr int64_t kRejectPageMax = 1000;

std::string ImportPath(const std::string& import_id, const std::string& more = "") {
  return absl::StrCat("/v1/imports/", EscapeSegment(import_id), more);
}

absl::StatusOr<int> RunImport(Context& context) {
  int exit_code = kExitOk;
  const auto done = [&](const std::string& path, const UploadAnswer& answer) {
    if (!answer.ok()) {
      context.err << "dondocctl: import " << Printable(path) << ": "
                  << Printable(answer.status().message()) << "\n";
      exit_code = kExitFailed;
      return absl::OkStatus();
    }
    if (context.arguments.Bool("json")) {
      PrintJson(context, answer->json);
    } else {
      PrintImport(context, answer->message);
    }
    const int own = ImportExitCode(answer->message);
    if (exit_code != kExitFailed && own != kExitOk) exit_code = own;
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(UploadFiles(context, context.arguments.words,
                              static_cast<size_t>(context.arguments.Integer("jobs")), done));
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
      "Dòng không tính được thì bị loại kèm lý do; các dòng khác vẫn được tính.\n"
      "Nhiều tệp được gửi cùng lúc (--jobs). Kết nối đứt thì gửi tiếp từ chỗ đứt.\n\n"
      "Mã thoát cho kịch bản:\n"
      "  0  mọi tệp đã có hiệu lực, không dòng nào bị loại\n"
      "  1  có tệp không nạp được (không đọc được tệp, máy chủ từ chối, lần nạp hỏng)\n"
      "  2  dòng lệnh sai, chưa gửi gì\n"
      "  3  mọi tệp đã được nhận, nhưng có dòng bị loại hoặc có lần nạp chờ cho phép (--preview,\n"
      "     hoặc tệp rút quá 5 % hồ sơ)";
  command.examples = {
      "dondocctl import thang-*.xlsx --jobs=4",
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
      {.name = "import_id", .help = "tự đặt mã lần nạp [a-z0-9-]{1,63}"},
      {.name = "jobs",
       .type = FlagType::kInteger,
       .help = "gửi cùng lúc nhiều nhất bao nhiêu tệp",
       .default_value = "2",
       .minimum = 1,
       .maximum = 8}};
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

// "12", or "Tháng 10: 12" in a workbook.
std::string RowText(const v1::Reject& reject) {
  const std::string row = CountText(reject.row_number());
  return reject.sheet().empty() ? row : absl::StrCat(reject.sheet(), ": ", row);
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
  ASSIGN_OR_RETURN(const bool more,
                   ForEachPage<v1::ListRejectsResponse>(
                       context.api, path, {}, context.arguments.Integer("limit"), kRejectPageMax,
                       [&](const v1::ListRejectsResponse& page) {
                         for (const v1::Reject& reject : page.rejects()) {
                           const auto cell = [&](const char* meaning) {
                             const auto found = reject.cells().find(meaning);
                             return found == reject.cells().end() ? std::string() : found->second;
                           };
                           table.AddRow({RowText(reject), RejectReasonWord(reject.reason()),
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
  PrintImport(context, answer.message);
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
