#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/struct.pb.h"
#include "services/common/status/macros.h"
#include "services/ctl/commands.h"
#include "services/ctl/files.h"
#include "services/ctl/progress.h"
#include "services/ctl/sample/export.h"
#include "services/ctl/sample/year.h"
#include "services/ctl/unit_registry.h"
#include "services/ctl/words.h"

namespace dondoc::ctl {
namespace {

absl::StatusOr<int> RunSample(Context& context) {
  const auto seed = static_cast<uint64_t>(context.arguments.Integer("seed"));
  const std::filesystem::path folder(context.arguments.Text("out"));
  ASSIGN_OR_RETURN(std::vector<v1::Unit> units,
                   ReadRegistry(context.arguments.Text("units"), std::nullopt));
  ASSIGN_OR_RETURN(const sample::Year year,
                   sample::MakeYear(sample::WithSampleMailboxes(std::move(units)), seed));

  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return FileError(error.value(), "không tạo được thư mục", folder.string());
  std::ostringstream rows;
  sample::WriteExport(year, seed, rows);
  const std::string export_path = (folder / "mot-cua-2023.csv").string();
  const std::string units_path = (folder / "units.csv").string();
  RETURN_IF_ERROR(WriteFile(export_path, rows.str()));
  RETURN_IF_ERROR(WriteFile(units_path, UnitsCsv(year.units)));

  const auto row_count = static_cast<int64_t>(year.rows.size());
  if (context.arguments.Bool("json")) {
    // Paths may hold quotes: let the JSON printer escape them.
    google::protobuf::Struct document;
    auto& fields = *document.mutable_fields();
    fields["export"].set_string_value(export_path);
    fields["units"].set_string_value(units_path);
    fields["rows"].set_number_value(static_cast<double>(row_count));
    return PrintJson(context, ToJson(document));
  }
  context.out << "Dữ liệu mô phỏng, không phải số liệu thật (seed " << seed << "):\n  "
              << export_path << "  " << CountText(row_count) << " dòng, "
              << SizeText(static_cast<int64_t>(rows.str().size())) << "\n  " << units_path << "  "
              << CountText(static_cast<int64_t>(year.units.size())) << " đơn vị\n";
  return kExitOk;
}

}  // namespace

void AddSampleCommand(std::vector<CommandSpec>& commands) {
  CommandSpec sample;
  sample.name = "sample";
  sample.summary = "tạo một năm hồ sơ mô phỏng để thử (không cần máy chủ)";
  sample.details =
      "Ghi mot-cua-2023.csv (như tệp trích xuất của hệ thống một cửa, 01/01–15/11/2023) và\n"
      "units.csv (danh mục đơn vị với hộp thư .invalid). Cùng seed thì cùng tệp, trên mọi máy; "
      "seed\n"
      "khác thì đơn vị và khối lượng khác, nhưng đếm ra vẫn đúng bốn con số của Công văn 4067.";
  sample.examples = {"dondocctl sample --seed=1 --out=mau"};
  sample.flags = {{.name = "seed",
                   .type = FlagType::kInteger,
                   .help = "số gốc",
                   .default_value = "1",
                   .maximum = INT64_MAX},
                  {.name = "out", .help = "thư mục ghi vào", .required = true},
                  {.name = "units",
                   .help = "danh mục đơn vị",
                   .default_value = "deploy/data/kontum/units.csv"}};
  sample.run = &RunSample;
  commands.push_back(std::move(sample));
}

}  // namespace dondoc::ctl
