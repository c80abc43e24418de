// Procedures, definitions, changes of the directory, and what changes one unit.

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "dondoc/v1/definitions.pb.h"
#include "dondoc/v1/directory.pb.h"
#include "dondoc/v1/procedures.pb.h"
#include "dondoc/v1/units.pb.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/common/status/macros.h"
#include "services/ctl/commands.h"
#include "services/ctl/files.h"
#include "services/ctl/text.h"
#include "services/ctl/words.h"

namespace dondoc::ctl {
namespace {

constexpr int64_t kProcedurePageMax = 20'000;
constexpr int64_t kChangePageMax = 1'000;
constexpr size_t kListBytesMax = 16 << 20;
constexpr size_t kDefinitionBytesMax = 64 << 10;
constexpr char kJson[] = "application/json";

std::string DaysText(const std::string& from, const std::string& to) {
  if (from.empty() && to.empty()) return "";
  return absl::StrCat(DayText(from), " – ", DayText(to));
}

std::string ChannelsText(const google::protobuf::RepeatedField<int>& channels) {
  std::vector<std::string> words;
  for (const int channel : channels) {
    words.push_back(ChannelWord(static_cast<v1::Channel::Value>(channel)));
  }
  return absl::StrJoin(words, ", ");
}

absl::StatusOr<int> RunProceduresList(Context& context) {
  Query query;
  AddQuery(context.arguments, {"field", "online_on"}, query);
  if (context.arguments.Bool("json")) {
    return PrintPage(context, "/v1/procedures", query, kProcedurePageMax);
  }
  Table table({{"Mã TTHC"},
               {"Tên"},
               {"Lĩnh vực"},
               {"Mức độ"},
               {"Giảm lệ phí", Align::kRight},
               {"Cắt thời gian", Align::kRight},
               {"Hiệu lực"}});
  ASSIGN_OR_RETURN(
      const bool more,
      ForEachPage<v1::ListProceduresResponse>(
          context.api, "/v1/procedures", query, context.arguments.Integer("limit"),
          kProcedurePageMax, [&](const v1::ListProceduresResponse& page) {
            for (const v1::Procedure& procedure : page.procedures()) {
              for (const v1::ProcedureOffer& offer : procedure.offers()) {
                table.AddRow({procedure.procedure_code(), procedure.name(), procedure.field(),
                              ServiceLevelWord(offer.service_level()),
                              absl::StrCat(offer.fee_cut_percent(), "%"),
                              absl::StrCat(offer.time_cut_percent(), "%"),
                              DaysText(offer.valid_from(), offer.valid_to())});
              }
              if (procedure.offers().empty()) {
                table.AddRow({procedure.procedure_code(), procedure.name(), procedure.field(), "",
                              "", "", ""});
              }
            }
            return page.procedures_size();
          }));
  context.out << (table.empty() ? "Danh mục thủ tục còn trống.\n" : table.Render());
  if (more) context.out << "… còn nữa: thêm --limit\n";
  return kExitOk;
}

absl::StatusOr<int> RunProceduresImport(Context& context) {
  HttpRequest request;
  request.method = "POST";
  request.path = "/v1/procedures:importFile";
  AddQuery(context.arguments, {"valid_from", "valid_to"}, request.query);
  request.content_type = "application/octet-stream";
  ASSIGN_OR_RETURN(request.body, ReadFile(context.arguments.words[0], kListBytesMax));
  ASSIGN_OR_RETURN(const auto answer, context.api.Ask<v1::ImportProceduresFileResponse>(request));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  const v1::ImportProceduresFileResponse& result = answer.message;
  context.out << "Danh mục thủ tục: " << CountText(result.rows()) << " dòng; "
              << CountText(result.created()) << " thủ tục mới + " << CountText(result.updated())
              << " thay đổi + " << CountText(result.unchanged()) << " không đổi (sequence "
              << result.sequence() << ")\n";
  PrintColumns(context, result.columns());
  return kExitOk;
}

absl::StatusOr<int> RunDefinitionsList(Context& context) {
  Query query;
  AddQuery(context.arguments, {"all_versions", "definition_id", "as_of_sequence"}, query);
  ASSIGN_OR_RETURN(const auto answer,
                   context.api.Get<v1::ListDefinitionsResponse>("/v1/definitions", query));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  Table table({{"Mã"},
               {"Bản", Align::kRight},
               {"Tử số"},
               {"Mẫu số"},
               {"Bỏ trạng thái"},
               {"Chỉ có DVCTT"},
               {"Tên"}});
  for (const v1::MetricDefinition& definition : answer.message.definitions()) {
    std::vector<std::string> statuses;
    for (const int status : definition.excluded_statuses()) {
      statuses.push_back(StatusWord(static_cast<v1::Status::Value>(status)));
    }
    table.AddRow({definition.definition_id(), absl::StrCat(definition.version()),
                  ChannelsText(definition.numerator_channels()),
                  ChannelsText(definition.denominator_channels()), absl::StrJoin(statuses, ", "),
                  definition.only_online_services() ? "có" : "", definition.name()});
  }
  context.out << (table.empty() ? "Không có định nghĩa nào.\n" : table.Render());
  return kExitOk;
}

absl::StatusOr<int> RunDefinitionsPut(Context& context) {
  for (const std::string& path : context.arguments.words) {
    ASSIGN_OR_RETURN(const std::string json, ReadFile(path, kDefinitionBytesMax));
    v1::MetricDefinition definition;
    RETURN_IF_ERROR(FromJson(json, path, true, definition));
    ASSIGN_OR_RETURN(const auto answer,
                     context.api.Post<v1::PutDefinitionResponse>("/v1/definitions", definition));
    if (context.arguments.Bool("json")) {
      PrintJson(context, answer.json);
      continue;
    }
    const v1::MetricDefinition& stands = answer.message.definition();
    context.out << stands.definition_id() << ": bản " << stands.version() << " (sequence "
                << answer.message.sequence() << ")\n";
  }
  return kExitOk;
}

std::string KindWord(v1::DirectoryKind::Value kind) {
  switch (kind) {
    case v1::DirectoryKind::UNIT:
      return "đơn vị";
    case v1::DirectoryKind::PROCEDURE:
      return "thủ tục";
    case v1::DirectoryKind::DEFINITION:
      return "định nghĩa";
    default:
      return "";
  }
}

// The fields in which the two differ; "mới" when there was nothing before.
std::string DifferenceText(const v1::DirectoryChange& change) {
  if (!change.has_before()) return "mới";
  std::vector<std::string> fields;
  const auto compare = [&](const google::protobuf::Message& before,
                           const google::protobuf::Message& after) {
    const google::protobuf::Descriptor& type = *before.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      google::protobuf::util::MessageDifferencer differencer;
      const google::protobuf::FieldDescriptor* const field = type.field(i);
      if (!differencer.CompareWithFields(before, after, {field}, {field})) {
        fields.push_back(field->name());
      }
    }
  };
  compare(change.before().unit(), change.after().unit());
  compare(change.before().procedure(), change.after().procedure());
  compare(change.before().definition(), change.after().definition());
  return absl::StrJoin(fields, ", ");
}

absl::StatusOr<int> RunDirectoryChanges(Context& context) {
  Query query;
  AddQuery(context.arguments, {"kind", "id", "from_sequence", "to_sequence"}, query);
  if (context.arguments.Bool("json")) {
    return PrintPage(context, "/v1/directory/changes", query, kChangePageMax);
  }
  Table table(
      {{"Sequence", Align::kRight}, {"Lúc"}, {"Người làm"}, {"Loại"}, {"Mã"}, {"Thay đổi"}});
  ASSIGN_OR_RETURN(
      const bool more,
      ForEachPage<v1::ListDirectoryChangesResponse>(
          context.api, "/v1/directory/changes", query, context.arguments.Integer("limit"),
          kChangePageMax, [&](const v1::ListDirectoryChangesResponse& page) {
            for (const v1::DirectoryChange& change : page.changes()) {
              table.AddRow({absl::StrCat(change.sequence()),
                            InstantText(change.has_commit_time(), change.commit_time()),
                            change.author().empty() ? "(không rõ)" : change.author(),
                            KindWord(change.kind()), change.id(), DifferenceText(change)});
            }
            return page.changes_size();
          }));
  context.out << (table.empty() ? "Không có thay đổi nào.\n" : table.Render());
  if (more) context.out << "… còn nữa: thêm --limit\n";
  return kExitOk;
}

absl::StatusOr<int> RunUnitsPatch(Context& context) {
  const Arguments& arguments = context.arguments;
  v1::Unit unit;
  std::vector<std::string> mask;
  const auto text = [&](const char* flag, std::string* field) {
    if (!arguments.Has(flag)) return;
    *field = arguments.Text(flag);
    mask.push_back(flag);
  };
  const auto list = [&](const char* flag, auto* field) {
    if (!arguments.Has(flag)) return;
    for (const absl::string_view value :
         absl::StrSplit(arguments.Text(flag), ',', absl::SkipWhitespace())) {
      *field->Add() = std::string(value);
    }
    mask.push_back(flag);
  };
  text("name", unit.mutable_name());
  text("valid_from", unit.mutable_valid_from());
  text("valid_to", unit.mutable_valid_to());
  list("emails", unit.mutable_emails());
  list("successor_ids", unit.mutable_successor_ids());
  HttpRequest request;
  request.method = "PATCH";
  request.path = absl::StrCat("/v1/units/", EscapeSegment(arguments.words[0]));
  request.query = {{"update_mask", absl::StrJoin(mask, ",")}};
  AddQuery(arguments, {"renamed_on"}, request.query);
  request.content_type = kJson;
  request.body = ToJson(unit);
  ASSIGN_OR_RETURN(const auto answer, context.api.Ask<v1::UpdateUnitResponse>(request));
  if (arguments.Bool("json")) return PrintJson(context, answer.json);
  context.out << Printable(answer.message.unit().name()) << " ("
              << Printable(answer.message.unit().unit_id()) << "): đã sửa "
              << absl::StrJoin(mask, ", ") << " (sequence " << answer.message.sequence() << ")\n";
  return kExitOk;
}

CommandSpec UnitsPatch() {
  CommandSpec patch;
  patch.name = "units patch";
  patch.words = "MÃ_ĐƠN_VỊ";
  patch.words_min = patch.words_max = 1;
  patch.summary = "sửa tên, hộp thư, hiệu lực hoặc đơn vị kế thừa của một đơn vị";
  patch.details =
      "Đổi tên thì giữ mã: với --renamed_on, tên cũ vẫn đúng trong tệp của các ngày trước ngày "
      "ấy.\n"
      "Đổi cấp, đơn vị cấp trên hoặc địa giới là một đơn vị mới: kết thúc đơn vị cũ bằng\n"
      "--valid_to và --successor_ids rồi nạp đơn vị mới.";
  patch.examples = {"dondocctl units patch kontum.so-y-te --emails=soyte@example.invalid",
                    "dondocctl units patch kontum.so-y-te --name='Sở Sức khỏe' "
                    "--renamed_on=2024-01-01"};
  patch.flags = {
      {.name = "name", .help = "tên mới"},
      {.name = "renamed_on",
       .type = FlagType::kDay,
       .help = "ngày đầu của tên mới; không có là sửa tên ghi sai"},
      {.name = "emails", .help = "các hộp thư, cách nhau bằng dấu phẩy; rỗng là bỏ hết"},
      {.name = "valid_from", .help = "ngày đầu có đơn vị, dạng 2023-11-15"},
      {.name = "valid_to", .help = "ngày cuối có đơn vị, dạng 2023-11-15"},
      {.name = "successor_ids", .help = "mã các đơn vị kế thừa, cách nhau bằng dấu phẩy"}};
  patch.check = [](const Arguments& arguments) {
    for (const char* flag : {"name", "emails", "valid_from", "valid_to", "successor_ids"}) {
      if (arguments.Has(flag)) return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        "cần ít nhất một trong --name, --emails, --valid_from, --valid_to, --successor_ids");
  };
  patch.run = &RunUnitsPatch;
  return patch;
}

void AddProcedureCommands(std::vector<CommandSpec>& commands) {
  CommandSpec import;
  import.name = "procedures import";
  import.words = "TỆP";
  import.words_min = import.words_max = 1;
  import.summary = "nạp danh mục DVCTT từ CSV hoặc XLSX";
  import.details =
      "Cột: Mã TTHC, Tên TTHC, Lĩnh vực, Mức độ, Giảm lệ phí, Cắt giảm thời gian, Từ ngày, Đến "
      "ngày;\n"
      "Mã TTHC và Mức độ bắt buộc. Mỗi dòng đúng cho những ngày của nó, ngày khác giữ nguyên.";
  import.examples = {"dondocctl procedures import qd-539.xlsx --valid_from=2023-11-01"};
  import.flags = {{.name = "valid_from",
                   .type = FlagType::kDay,
                   .help = "cho dòng không ghi từ ngày nào: ngày của quyết định"},
                  {.name = "valid_to",
                   .type = FlagType::kDay,
                   .help = "cho dòng không ghi đến ngày nào" }};
  import.run = &RunProceduresImport;
  commands.push_back(std::move(import));

  CommandSpec list;
  list.name = "procedures list";
  list.summary = "danh mục thủ tục: mức độ theo ngày, giảm lệ phí, cắt thời gian";
  list.examples = {"dondocctl procedures list --online_on=2023-11-15"};
  list.flags = {
      {.name = "field", .help = "chỉ một lĩnh vực, viết đúng như trong danh mục"},
      {.name = "online_on", .type = FlagType::kDay, .help = "chỉ thủ tục có DVCTT vào ngày ấy"},
      LimitFlag("1000"),
      PageTokenFlag()};
  list.run = &RunProceduresList;
  commands.push_back(std::move(list));
}

void AddDefinitionCommands(std::vector<CommandSpec>& commands) {
  CommandSpec list;
  list.name = "definitions list";
  list.summary = "các định nghĩa tỷ lệ";
  list.examples = {"dondocctl definitions list --all_versions"};
  list.flags = {{.name = "all_versions", .type = FlagType::kBool, .help = "cả các bản cũ"},
                {.name = "definition_id", .help = "chỉ một định nghĩa"},
                {.name = "as_of_sequence", .help = "như sổ ở vị trí ấy"}};
  list.run = &RunDefinitionsList;
  commands.push_back(std::move(list));

  CommandSpec put;
  put.name = "definitions put";
  put.words = "TỆP…";
  put.words_min = 1;
  put.words_max = 50;
  put.summary = "thêm định nghĩa, hoặc bản mới của nó, từ tệp JSON";
  put.details = "Mẫu: deploy/data/definitions/*.json. Nạp lại không đổi gì; bản cũ vẫn còn.";
  put.examples = {"dondocctl definitions put deploy/data/definitions/emc.json"};
  put.run = &RunDefinitionsPut;
  commands.push_back(std::move(put));
}

}  // namespace

void PrintColumns(Context& context,
                  const google::protobuf::RepeatedPtrField<v1::FileColumn>& columns) {
  std::vector<std::string> read;
  std::vector<std::string> ignored;
  for (const v1::FileColumn& column : columns) {
    if (column.meaning() == "ignored") {
      ignored.push_back(Printable(column.header()));
    } else {
      read.push_back(absl::StrCat(Printable(column.header()), " → ", column.meaning()));
    }
  }
  context.out << "Cột: " << absl::StrJoin(read, "; ") << "\n";
  if (!ignored.empty()) context.out << "Cột không đọc: " << absl::StrJoin(ignored, "; ") << "\n";
}

void AddDirectoryCommands(std::vector<CommandSpec>& commands) {
  commands.push_back(UnitsPatch());
  AddProcedureCommands(commands);
  AddDefinitionCommands(commands);

  CommandSpec changes;
  changes.name = "directory changes";
  changes.summary = "ai đã sửa đơn vị, thủ tục, định nghĩa nào, lúc nào";
  changes.examples = {"dondocctl directory changes --kind=UNIT --id=kontum.so-y-te"};
  changes.flags = {{.name = "kind",
                    .type = FlagType::kOneOf,
                    .help = "chỉ một loại",
                    .choices = {"UNIT", "PROCEDURE", "DEFINITION"}},
                   {.name = "id", .help = "chỉ một mã"},
                   {.name = "from_sequence", .help = "từ vị trí ấy trong sổ"},
                   {.name = "to_sequence", .help = "đến vị trí ấy trong sổ"},
                   LimitFlag("100"),
                   PageTokenFlag()};
  changes.run = &RunDirectoryChanges;
  commands.push_back(std::move(changes));
}

}  // namespace dondoc::ctl
