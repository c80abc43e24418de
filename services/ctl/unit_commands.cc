#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dondoc/v1/units.pb.h"
#include "services/common/status/macros.h"
#include "services/ctl/commands.h"
#include "services/ctl/files.h"
#include "services/ctl/text.h"
#include "services/ctl/unit_registry.h"
#include "services/ctl/words.h"

namespace dondoc::ctl {
namespace {

constexpr int64_t kUnitPageMax = 20'000;
constexpr char kAliasesName[] = "unit_aliases.csv";

absl::StatusOr<Answer<v1::ImportUnitsFileResponse>> UploadUnits(Context& context,
                                                                const std::string& path) {
  HttpRequest request;
  request.method = "POST";
  request.path = "/v1/units:importFile";
  AddQuery(context.arguments, {"correct_structure"}, request.query);
  request.content_type = "application/octet-stream";
  ASSIGN_OR_RETURN(request.body, ReadFile(path, kRegistryBytesMax));
  return context.api.Ask<v1::ImportUnitsFileResponse>(request);
}

// The file of other names to read after `path`; "" = none.
std::string AliasesPath(const Arguments& arguments, const std::string& path) {
  if (arguments.Has("aliases")) return arguments.Text("aliases");
  const std::filesystem::path file(path);
  const std::filesystem::path beside = file.parent_path() / kAliasesName;
  std::error_code error;
  const bool there = file.filename() != kAliasesName && std::filesystem::exists(beside, error);
  return there ? beside.string() : "";
}

absl::StatusOr<int> RunUnitsImport(Context& context) {
  const std::string& units_path = context.arguments.words[0];
  std::vector<std::string> paths = {units_path};
  if (const std::string aliases = AliasesPath(context.arguments, units_path); !aliases.empty()) {
    paths.push_back(aliases);
  }
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const auto answer, UploadUnits(context, path));
    if (context.arguments.Bool("json")) {
      PrintJson(context, answer.json);
      continue;
    }
    const v1::ImportUnitsFileResponse& result = answer.message;
    context.out << (path == units_path ? "Danh mục đơn vị: " : "Tên gọi khác: ")
                << CountText(result.rows()) << " dòng trong tệp; " << CountText(result.created())
                << " đơn vị mới + " << CountText(result.updated()) << " thay đổi + "
                << CountText(result.unchanged()) << " không đổi (sequence " << result.sequence()
                << ")\n";
    PrintColumns(context, result.columns());
  }
  return kExitOk;
}

absl::StatusOr<int> RunUnitsList(Context& context) {
  Query query;
  AddQuery(context.arguments, {"level", "parent_id", "valid_on"}, query);
  if (context.arguments.Bool("json")) return PrintPage(context, "/v1/units", query, kUnitPageMax);
  Table table({{"Mã đơn vị"}, {"Tên"}, {"Cấp"}, {"Trực thuộc"}, {"Hộp thư"}, {"Hiệu lực"}});
  ASSIGN_OR_RETURN(const bool more,
                   ForEachPage<v1::ListUnitsResponse>(
                       context.api, "/v1/units", query, context.arguments.Integer("limit"),
                       kUnitPageMax, [&](const v1::ListUnitsResponse& page) {
                         for (const v1::Unit& unit : page.units()) {
                           const bool open = unit.valid_from().empty() && unit.valid_to().empty();
                           table.AddRow({unit.unit_id(), unit.name(), LevelWord(unit.level()),
                                         unit.parent_id(), absl::StrJoin(unit.emails(), " "),
                                         open ? ""
                                              : absl::StrCat(DayText(unit.valid_from()), " – ",
                                                             DayText(unit.valid_to()))});
                         }
                         return page.units_size();
                       }));
  context.out << (table.empty() ? "Không có đơn vị nào.\n" : table.Render());
  if (more) context.out << "… còn nữa: thêm --limit\n";
  return kExitOk;
}

}  // namespace

void AddUnitCommands(std::vector<CommandSpec>& commands) {
  CommandSpec import;
  import.name = "units import";
  import.words = "TỆP";
  import.words_min = import.words_max = 1;
  import.summary = "nạp danh mục đơn vị từ CSV hoặc XLSX";
  import.details =
      "Cột: unit_id, name, level (province, district, commune), parent_id, gso_code, agency_code,\n"
      "emails, valid_from, valid_to, successor_ids, aliases; ba cột đầu bắt buộc, cột khác có thể\n"
      "thiếu và khi ấy giữ nguyên. Nhiều giá trị trong một ô cách nhau bằng ';'. Tên gọi khác đọc\n"
      "thêm từ unit_aliases.csv (unit_id, alias) cùng thư mục, nếu có. Tệp sáp nhập có các cột\n"
      "old_unit_id, new_unit_id, new_name, valid_to, valid_from. Nạp lại không đổi gì.";
  import.examples = {"dondocctl units import deploy/data/kontum/units.csv",
                     "dondocctl units import units.csv --aliases=ten-khac.csv"};
  import.flags = {{.name = "aliases", .help = "tệp tên gọi khác; --aliases= là không đọc tệp nào"},
                  {.name = "correct_structure",
                   .type = FlagType::kBool,
                   .help = "danh mục đang có ghi sai: cho sửa cấp và đơn vị cấp trên" }};
  import.run = &RunUnitsImport;
  commands.push_back(std::move(import));

  CommandSpec list;
  list.name = "units list";
  list.summary = "danh mục đơn vị";
  list.examples = {"dondocctl units list --level=DISTRICT",
                   "dondocctl units list --parent_id=kontum.dak-ha"};
  list.flags = {{.name = "level",
                 .type = FlagType::kOneOf,
                 .help = "chỉ một cấp",
                 .choices = {"PROVINCE", "DISTRICT", "COMMUNE"}},
                {.name = "parent_id", .help = "chỉ đơn vị trực thuộc"},
                {.name = "valid_on", .type = FlagType::kDay, .help = "chỉ đơn vị có vào ngày ấy"},
                LimitFlag("20000"),
                PageTokenFlag()};
  list.run = &RunUnitsList;
  commands.push_back(std::move(list));
}

}  // namespace dondoc::ctl
