#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "dondoc/v1/units.pb.h"
#include "services/common/status/macros.h"
#include "services/ctl/commands.h"
#include "services/ctl/text.h"

namespace dondoc::ctl {
namespace {

absl::StatusOr<int> RunAliasTeach(Context& context) {
  const std::string& alias = context.arguments.words[0];
  const std::string& unit_id = context.arguments.words[1];
  v1::AddAliasRequest request;
  request.set_unit_id(unit_id);
  request.set_alias(alias);
  ASSIGN_OR_RETURN(const auto answer,
                   context.api.Post<v1::UpdateUnitResponse>(
                       absl::StrCat("/v1/units/", EscapeSegment(unit_id), ":addAlias"), request));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  context.out << "Từ nay \"" << Printable(alias) << "\" là "
              << Printable(answer.message.unit().name()) << " (" << Printable(unit_id)
              << "), sequence " << answer.message.sequence() << "\n"
              << "Đọc lại các dòng bị loại: dondocctl replay MÃ_LẦN_NẠP\n";
  return kExitOk;
}

}  // namespace

void AddAliasCommand(std::vector<CommandSpec>& commands) {
  CommandSpec teach;
  teach.name = "alias teach";
  teach.words = "TÊN_TRONG_TỆP MÃ_ĐƠN_VỊ";
  teach.words_min = teach.words_max = 2;
  teach.summary = "dạy rằng một tên trong tệp là đơn vị nào";
  teach.details =
      "Tên được nhớ trong danh mục đơn vị; không phân biệt hoa thường, dấu và khoảng trắng. Tên "
      "có\n"
      "thể là đơn vị khác thì bị từ chối. Sau đó replay tính lại các dòng bị loại vì tên ấy.";
  teach.examples = {"dondocctl alias teach \"TTHCC huyện Đăk Tô\" kontum.dak-to"};
  teach.run = &RunAliasTeach;
  commands.push_back(std::move(teach));
}

}  // namespace dondoc::ctl
