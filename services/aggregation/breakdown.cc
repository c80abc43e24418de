#include "services/aggregation/breakdown.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/aggregation/answer_parts.h"
#include "services/aggregation/selection.h"
#include "services/common/status/macros.h"

namespace dondoc::aggregation {
namespace {

void AddTo(Counts& counts, Column column, int64_t count) {
  switch (column) {
    case Column::kOnline:
      counts.online += count;
      break;
    case Column::kCounter:
      counts.counter += count;
      break;
    case Column::kPostal:
      counts.postal += count;
      break;
    case Column::kUnknown:
      counts.unknown += count;
      break;
  }
}

struct Part {
  std::string key;
  const ProcedureFacts* procedure = nullptr;  // of a procedure
  int rank = 0;                               // where the order is not by size
  Counts all;
  Counts online_services;
};

// Parts by a small number first, because a text for each of millions of cells would be slow.
using PartsByNumber = std::vector<Part>;

// The number of the part that a cell belongs to.
uint32_t PartOf(uint64_t key, v1::ServiceLevel::Value level, v1::Dimension::Value dimension) {
  switch (dimension) {
    case v1::Dimension::CHANNEL:
      return static_cast<uint32_t>(ChannelOf(key));
    case v1::Dimension::SERVICE_LEVEL:
      return static_cast<uint32_t>(level);
    default:
      return ProcedureOf(key);
  }
}

PartsByNumber Collect(const CubeView& view, const DefinitionPlane& plane,
                      const Selection& selection, const DayRange& window,
                      v1::Dimension::Value dimension) {
  const Classifier classifier(plane.definition);
  const ProcedureTable& procedures = view.procedures();
  // Channels are below 4, service levels below 8.
  constexpr size_t kEnumParts = 8;
  PartsByNumber parts(std::max(procedures.size(), kEnumParts));
  for (const int unit : selection.members()) {
    view.ForEachCell(unit, [&](uint64_t key, int64_t count) {
      const int32_t day = DayOfKey(key);
      if (day < window.first || day > window.last) return;
      const ProcedureOffers& offers = procedures[ProcedureOf(key)].offers;
      const std::optional<Column> column = classifier(key, offers);
      if (!column.has_value()) return;
      const v1::ServiceLevel::Value level = offers.LevelOn(day, LevelOf(key));
      Part& part = parts[PartOf(key, level, dimension)];
      AddTo(part.all, *column, count);
      if (HasOnlineService(level)) AddTo(part.online_services, *column, count);
    });
  }
  return parts;
}

void Name(const CubeView& view, v1::Dimension::Value dimension, PartsByNumber& parts) {
  for (size_t number = 0; number < parts.size(); ++number) {
    Part& part = parts[number];
    part.rank = static_cast<int>(number);
    if (dimension == v1::Dimension::CHANNEL) {
      part.key = v1::Channel::Value_Name(static_cast<v1::Channel::Value>(number));
    } else if (dimension == v1::Dimension::SERVICE_LEVEL) {
      part.key = v1::ServiceLevel::Value_Name(static_cast<v1::ServiceLevel::Value>(number));
    } else if (number < view.procedures().size()) {
      const ProcedureFacts& facts = view.procedures()[number];
      part.key = dimension == v1::Dimension::FIELD ? facts.field : facts.key;
      if (dimension == v1::Dimension::PROCEDURE) part.procedure = &facts;
    }
  }
}

// One part for each key that has dossiers: a procedure is written with and without its place.
std::vector<Part> Merge(PartsByNumber parts) {
  std::vector<Part> merged;
  absl::flat_hash_map<std::string, size_t> by_key;
  for (Part& part : parts) {
    if (part.all == Counts()) continue;
    const auto [found, added] = by_key.try_emplace(part.key, merged.size());
    if (added) {
      merged.push_back(std::move(part));
      continue;
    }
    merged[found->second].all += part.all;
    merged[found->second].online_services += part.online_services;
  }
  // Counts that a definition puts into different columns may come to nothing together.
  merged.erase(std::remove_if(merged.begin(), merged.end(),
                              [](const Part& part) { return part.all == Counts(); }),
               merged.end());
  return merged;
}

// A figure of the dossiers alone: a statement says nothing of parts.
v1::Ratio PartRatio(const Selection& selection, const Counts& counts, const Question& question) {
  return ToProto(counts, question.target, selection.DossierBasis(counts, question.window));
}

v1::BreakdownPart ToProtoPart(const Selection& selection, const Part& part,
                              const Question& question) {
  v1::BreakdownPart proto;
  proto.set_key(part.key);
  if (part.procedure != nullptr) {
    proto.set_name(part.procedure->name);
    proto.set_field(part.procedure->field);
  }
  *proto.mutable_ratio() = PartRatio(selection, part.all, question);
  *proto.mutable_online_services() = PartRatio(selection, part.online_services, question);
  return proto;
}

bool IsEnum(v1::Dimension::Value dimension) {
  return dimension == v1::Dimension::CHANNEL || dimension == v1::Dimension::SERVICE_LEVEL;
}

std::vector<Part> PartsOf(const CubeView& view, const DefinitionPlane& plane,
                          const Selection& selection, const BreakdownQuestion& question) {
  PartsByNumber parts = Collect(view, plane, selection, question.common.window, question.dimension);
  Name(view, question.dimension, parts);
  return Merge(std::move(parts));
}

}  // namespace

absl::StatusOr<v1::GetBreakdownResponse> AnswerBreakdown(const CubeView& view,
                                                         const DefinitionPlane& plane,
                                                         const BreakdownQuestion& question) {
  std::optional<Selection> selection;
  if (question.unit_id.empty()) {
    selection = Selection::Pooled(view, question.common, question.level);
  } else {
    ASSIGN_OR_RETURN(selection, Selection::OfUnit(view, question.common, question.unit_id));
  }
  std::vector<Part> parts = PartsOf(view, plane, *selection, question);
  std::sort(parts.begin(), parts.end(), [&question](const Part& a, const Part& b) {
    if (IsEnum(question.dimension)) return a.rank < b.rank;
    if (a.all.total() != b.all.total()) return a.all.total() > b.all.total();
    return a.key < b.key;
  });
  v1::GetBreakdownResponse response;
  Counts overall;
  Counts rest;
  const auto limit = static_cast<size_t>(question.limit);
  for (size_t i = 0; i < parts.size(); ++i) {
    overall += parts[i].all;
    if (i < limit) {
      *response.add_parts() = ToProtoPart(*selection, parts[i], question.common);
    } else {
      rest += parts[i].all;
    }
  }
  if (parts.size() > limit) *response.mutable_rest() = PartRatio(*selection, rest, question.common);
  response.set_total_parts(static_cast<int64_t>(parts.size()));
  *response.mutable_overall() = PartRatio(*selection, overall, question.common);
  response.set_rolled_up(question.common.roll_up);
  SetSource(view, plane, question.common, response);
  return response;
}

absl::StatusOr<v1::ListUnitProceduresResponse> AnswerUnitProcedures(
    const CubeView& view, const DefinitionPlane& plane, const BreakdownQuestion& question) {
  ASSIGN_OR_RETURN(const Selection selection,
                   Selection::OfUnit(view, question.common, question.unit_id));
  std::vector<Part> parts = PartsOf(view, plane, selection, question);
  std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    return std::make_tuple(-a.all.counter, -a.all.total(), absl::string_view(a.key)) <
           std::make_tuple(-b.all.counter, -b.all.total(), absl::string_view(b.key));
  });
  v1::ListUnitProceduresResponse response;
  const size_t shown = std::min(parts.size(), static_cast<size_t>(question.limit));
  for (size_t i = 0; i < shown; ++i) {
    *response.add_procedures() = ToProtoPart(selection, parts[i], question.common);
  }
  response.set_total_procedures(static_cast<int64_t>(parts.size()));
  const UnitEntry& entry = view.units()[*view.units().Find(question.unit_id)];
  response.set_unit_id(entry.unit_id);
  response.set_name(entry.name);
  response.set_rolled_up(question.common.roll_up);
  SetSource(view, plane, question.common, response);
  return response;
}

}  // namespace dondoc::aggregation
