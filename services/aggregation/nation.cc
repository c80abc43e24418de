#include "services/aggregation/nation.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/aggregation/answer_parts.h"
#include "services/aggregation/questions.h"
#include "services/common/status/macros.h"

namespace dondoc::aggregation {
namespace {

Figure FigureOf(const v1::Ratio& ratio) {
  Figure figure;
  figure.counts = {ratio.online(), ratio.counter(), ratio.postal(), ratio.unknown()};
  figure.basis = ratio.basis();
  return figure;
}

}  // namespace

absl::StatusOr<v1::GetNationResponse> AnswerNation(const Ledgers& ledgers,
                                                   const NationQuestion& question,
                                                   absl::Time deadline) {
  v1::GetNationResponse response;
  const std::map<std::string, Ledgers::Finder> provinces = ledgers.All();
  for (const auto& [province_id, sequence] : question.at) {
    if (!provinces.contains(province_id)) {
      return absl::NotFoundError(absl::StrCat("at: there is no province ", Quoted(province_id)));
    }
  }
  RollUp overall;
  for (const auto& [province_id, finder] : provinces) {
    v1::ProvinceRatio& province = *response.add_provinces();
    province.set_province_id(province_id);
    Asked asked;
    const auto at = question.at.find(province_id);
    if (at != question.at.end()) asked.as_of_sequence = at->second;
    if (at == question.at.end() && finder->Live() == nullptr) {
      response.set_missing(response.missing() + 1);
      continue;
    }
    const absl::StatusOr<PositionFinder::View> view =
        finder->Find(asked, question.common.PlaneIds(), deadline);
    if (!view.ok()) {
      return absl::Status(view.status().code(),
                          absl::StrCat(view.status().message(), " (province ", province_id, ")"));
    }
    const DefinitionPlane& plane = *(*view)->FindPlane(question.common.definition_id);
    v1::GetSummaryResponse summary = AnswerSummary(**view, plane, question.common);
    overall.Add(FigureOf(summary.overall()));
    province.set_loaded(true);
    *province.mutable_ratio() = std::move(*summary.mutable_overall());
    province.mutable_levels()->Swap(summary.mutable_levels());
    province.set_definition_version(summary.definition_version());
    v1::ProvincePosition& position = *response.add_positions();
    position.set_province_id(province_id);
    SetPosition(**view, position);
  }
  *response.mutable_overall() = ToRatio(overall.Result(), question.common.target);
  *response.mutable_window() = ToWindow(question.common.window);
  response.set_definition_id(question.common.definition_id);
  return response;
}

}  // namespace dondoc::aggregation
