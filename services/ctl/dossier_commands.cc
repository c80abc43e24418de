#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "dondoc/v1/dossiers.pb.h"
#include "services/common/status/macros.h"
#include "services/ctl/commands.h"
#include "services/ctl/text.h"
#include "services/ctl/words.h"

namespace dondoc::ctl {
namespace {

constexpr int64_t kDossierPageMax = 1000;

absl::StatusOr<int> RunDossiers(Context& context) {
  const Arguments& arguments = context.arguments;
  Query query;
  AddQuery(arguments,
           {"unit_id", "from", "to", "channel", "definition_id", "as_of_sequence", "known_at"},
           query);
  if (arguments.Bool("json")) return PrintPage(context, "/v1/dossiers", query, kDossierPageMax);
  Table table({{"Mã hồ sơ"},
               {"Đơn vị"},
               {"Thủ tục"},
               {"Tiếp nhận"},
               {"Kênh"},
               {"Mức độ"},
               {"Trạng thái"},
               {"Cập nhật"}});
  int64_t total = 0;
  int64_t sequence = 0;
  ASSIGN_OR_RETURN(
      const bool more,
      ForEachPage<v1::ListDossiersResponse>(
          context.api, "/v1/dossiers", query, arguments.Integer("limit"), kDossierPageMax,
          [&](const v1::ListDossiersResponse& page) {
            total = page.total_size();
            sequence = page.sequence();
            for (const v1::Dossier& dossier : page.dossiers()) {
              table.AddRow({dossier.code(), dossier.unit_id(), dossier.procedure_code(),
                            InstantText(dossier.has_received_time(), dossier.received_time()),
                            ChannelWord(dossier.channel()),
                            ServiceLevelWord(dossier.service_level()), StatusWord(dossier.status()),
                            InstantText(dossier.has_update_time(), dossier.update_time())});
            }
            return page.dossiers_size();
          }));
  context.out << CountText(total) << " hồ sơ (sequence " << sequence << ")\n";
  if (!table.empty()) context.out << "\n" << table.Render();
  if (more) context.out << "… còn nữa: thêm --limit\n";
  return kExitOk;
}

absl::StatusOr<int> RunDossier(Context& context) {
  const std::string path = absl::StrCat("/v1/dossiers/", EscapeSegment(context.arguments.words[0]));
  Query query;
  AddQuery(context.arguments, {"as_of_sequence"}, query);
  ASSIGN_OR_RETURN(const auto answer, context.api.Get<v1::DossierHistory>(path, query));
  if (context.arguments.Bool("json")) return PrintJson(context, answer.json);
  const v1::DossierHistory& history = answer.message;
  if (history.has_dossier() && !history.dossier().withdrawn()) {
    const v1::Dossier& dossier = history.dossier();
    context.out << dossier.code() << ": " << dossier.unit_id() << ", "
                << (dossier.has_received_time()
                        ? absl::StrCat("tiếp nhận ", InstantText(true, dossier.received_time()))
                        : "chưa tiếp nhận")
                << ", " << ChannelWord(dossier.channel()) << ", " << StatusWord(dossier.status())
                << "\n";
  } else {
    context.out << "Hồ sơ không (còn) được tính.\n";
  }
  Table table({{"Thời điểm"},
               {"Sequence", Align::kRight},
               {"Dòng", Align::kRight},
               {"Lần nạp"},
               {"Đơn vị"},
               {"Tiếp nhận"},
               {"Kênh"},
               {"Trạng thái"},
               {"Còn tính"}});
  for (const v1::DossierRevision& revision : history.revisions()) {
    const v1::Dossier& dossier = revision.dossier();
    table.AddRow({InstantText(revision.has_effective_time(), revision.effective_time()),
                  absl::StrCat(revision.sequence()), CountText(revision.row_number()),
                  revision.import_id().empty() ? "(đẩy qua API)" : revision.import_id(),
                  dossier.unit_id(),
                  InstantText(dossier.has_received_time(), dossier.received_time()),
                  ChannelWord(dossier.channel()),
                  dossier.withdrawn() ? "(rút)" : StatusWord(dossier.status()),
                  revision.live() ? "có" : "đã hoàn tác"});
  }
  context.out << "\n" << table.Render();
  return kExitOk;
}

absl::Status CheckDossiers(const Arguments& arguments) {
  if (arguments.Text("from") > arguments.Text("to")) {
    return absl::InvalidArgumentError("--from sau --to");
  }
  if (arguments.Has("as_of_sequence") && arguments.Has("known_at")) {
    return absl::InvalidArgumentError("chỉ một trong --as_of_sequence và --known_at");
  }
  return absl::OkStatus();
}

}  // namespace

void AddDossierCommands(std::vector<CommandSpec>& commands) {
  const FlagSpec as_of_sequence = {.name = "as_of_sequence",
                                   .type = FlagType::kInteger,
                                   .help = "như tại sequence ấy",
                                   .maximum = INT64_MAX};
  CommandSpec dossiers;
  dossiers.name = "dossiers";
  dossiers.summary = "các hồ sơ đứng sau một con số";
  dossiers.examples = {
      "dondocctl dossiers --unit_id=kontum.so-tu-phap --from=2023-11-01 --to=2023-11-15 "
      "--channel=COUNTER"};
  dossiers.flags = {
      {.name = "from", .type = FlagType::kDay, .help = "ngày tiếp nhận đầu", .required = true},
      {.name = "to", .type = FlagType::kDay, .help = "ngày tiếp nhận cuối", .required = true},
      {.name = "unit_id", .help = "chỉ một đơn vị"},
      {.name = "channel",
       .type = FlagType::kOneOf,
       .help = "chỉ một kênh",
       .choices = {"UNKNOWN", "COUNTER", "ONLINE", "POSTAL"}},
      {.name = "definition_id", .help = "cách tính; không có = mặc định"},
      as_of_sequence,
      {.name = "known_at", .type = FlagType::kInstant, .help = "như đã biết vào lúc ấy"},
      LimitFlag("100"),
      PageTokenFlag()};
  dossiers.check = &CheckDossiers;
  dossiers.run = &RunDossiers;
  commands.push_back(std::move(dossiers));

  CommandSpec dossier;
  dossier.name = "dossier";
  dossier.words = "MÃ_HỒ_SƠ";
  dossier.words_min = dossier.words_max = 1;
  dossier.summary = "một hồ sơ và mọi lần nó được nói tới";
  dossier.examples = {"dondocctl dossier H34.14-231115-0001"};
  dossier.flags = {as_of_sequence};
  dossier.run = &RunDossier;
  commands.push_back(std::move(dossier));
}

}  // namespace dondoc::ctl
