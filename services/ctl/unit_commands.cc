#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dondoc/v1/units.pb.h"
#include "services/common/status/macros.h"
#include "services/ctl/commands.h"
#include "services/ctl/text.h"
#include "services/ctl/unit_registry.h"
#include "services/ctl/words.h"

namespace dondoc::ctl {
namespace {

constexpr int64_t kUnitPageMax = 20'000;

absl::StatusOr<int> RunUnitsImport(Context& context) {
  std::optional<std::string> aliases_path;
  if (context.arguments.Has("aliases")) aliases_path = context.arguments.Text("aliases");
  ASSIGN_OR_RETURN(const std::vector<v1::Unit> units,
                   ReadRegistry(context.arguments.words[0], aliases_path));
  v1::ImportUnitsRequest request;
  for (const v1::Unit& unit : units) *request.add_units() = unit;
  ASSIGN_OR_RETURN(const auto answer,
                   context.api.Post<v1::ImportUnitsResponse>("/v1/units:import", request));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  const v1::ImportUnitsResponse& result = answer.message;
  context.out << "Danh mục đơn vị: " << CountText(static_cast<int64_t>(units.size()))
              << " đơn vị trong tệp = " << CountText(result.created()) << " mới + "
              << CountText(result.updated()) << " thay đổi + " << CountText(result.unchanged())
              << " không đổi (sequence " << result.sequence() << ")\n";
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
  import.summary = "nạp danh mục đơn vị từ CSV";
  import.details =
      "Cột: unit_id, name, level (province, district, commune), parent_id, gso_code, agency_code,\n"
      "emails, valid_from, valid_to, successor_ids, aliases; ba cột đầu bắt buộc, cột khác có thể\n"
      "thiếu. Nhiều giá trị trong một ô cách nhau bằng ';'. Tên gọi khác của đơn vị đọc thêm từ\n"
      "unit_aliases.csv (unit_id, alias, source) cùng thư mục, nếu có. Nạp lại không đổi gì.";
  import.examples = {"dondocctl units import deploy/data/kontum/units.csv",
                     "dondocctl units import units.csv --aliases=ten-khac.csv"};
  import.flags = {
      {.name = "aliases",
       .help = "tệp tên gọi khác; --aliases= là không đọc tệp nào" }};
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
