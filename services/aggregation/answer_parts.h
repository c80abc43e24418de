#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "dondoc/v1/ratios.pb.h"
#include "services/aggregation/cube.h"
#include "services/aggregation/request.h"
#include "services/common/clock/civil.h"
#include "services/common/metric/ratio.h"
#include "services/common/metric/structure.h"
#include "services/common/status/quote.h"

// What every answer says of itself, in one place.

namespace dondoc::aggregation {

inline v1::Ratio ToRatio(const Figure& figure, const std::optional<Target>& target) {
  return ToProto(figure.counts, target, figure.basis);
}

inline v1::Window ToWindow(const DayRange& days) {
  v1::Window window;
  window.set_from(FormatDay(DayFromNumber(days.first)));
  window.set_to(FormatDay(DayFromNumber(days.last)));
  return window;
}

template <typename Response>
void SetPosition(const CubeView& view, Response& response) {
  response.set_ledger_id(view.position().ledger_id());
  response.set_sequence(view.position().sequence());
  if constexpr (requires { response.mutable_commit_time(); }) {
    if (view.position().has_commit_time()) {
      *response.mutable_commit_time() = view.position().commit_time();
    }
  }
}

template <typename Response>
void SetDefinition(const DefinitionPlane& plane, Response& response) {
  response.set_definition_id(plane.definition.definition_id());
  response.set_definition_version(plane.definition.version());
}

// Position, window, definitions and structure: with these the same question gives the same answer.
template <typename Response>
void SetSource(const CubeView& view, const DefinitionPlane& plane, const Question& question,
               Response& response) {
  SetPosition(view, response);
  SetDefinition(plane, response);
  if constexpr (requires { response.mutable_window(); }) {
    *response.mutable_window() = ToWindow(question.window);
  }
  response.set_structure(StructureText(question.structure_day));
  if constexpr (requires { response.set_compare_definition_id(""); }) {
    if (const DefinitionPlane* compared = view.FindPlane(question.compare_definition_id)) {
      response.set_compare_definition_id(compared->definition.definition_id());
      response.set_compare_definition_version(compared->definition.version());
    }
  }
}

// kNotFound.
inline absl::StatusOr<int> FindUnit(const CubeView& view, absl::string_view field,
                                    const std::string& unit_id) {
  const std::optional<int> unit = view.units().Find(unit_id);
  if (!unit.has_value()) {
    return absl::NotFoundError(absl::StrCat(field, ": there is no unit ", Quoted(unit_id)));
  }
  return *unit;
}

}  // namespace dondoc::aggregation
