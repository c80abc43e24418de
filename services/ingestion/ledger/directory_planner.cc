#include "services/ingestion/ledger/directory_planner.h"

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"
#include "services/ingestion/ledger/entry_checks.h"

namespace dondoc::ingestion {
namespace {

constexpr int64_t kHead = std::numeric_limits<int64_t>::max();

// Adds the entries that differ from what stands to `changed`.
template <typename Entry>
void TakeDifferent(const Versions<Entry>& versions, const std::vector<Entry>& entries,
                   const std::string& (Entry::*id)() const,
                   google::protobuf::RepeatedPtrField<Entry>& changed, CommitResult& result) {
  std::map<std::string, const Entry*> by_id;
  for (const Entry& entry : entries) {
    const Entry* const known = versions.At((entry.*id)(), kHead);
    if (known == nullptr) {
      ++result.entries_created;
    } else if (google::protobuf::util::MessageDifferencer::Equals(*known, entry)) {
      ++result.entries_unchanged;
      continue;
    } else {
      ++result.entries_updated;
    }
    by_id[(entry.*id)()] = &entry;
  }
  for (const auto& [entry_id, entry] : by_id) *changed.Add() = *entry;
}

template <typename Entry>
absl::Status CheckMadeFrom(const Versions<Entry>& versions, const std::optional<int64_t>& made_from,
                           absl::string_view what) {
  if (!made_from || *made_from == versions.last_sequence()) return absl::OkStatus();
  return absl::AbortedError(
      absl::StrCat(what, " changed with sequence ", versions.last_sequence(), " meanwhile"));
}

}  // namespace

absl::Status PlanDirectory(const DirectoryView& view, const UnitsPut& put,
                           ledger::LogRecord& record, CommitResult& result) {
  RETURN_IF_ERROR(CheckMadeFrom(view.units(), put.made_from, "the directory"));
  RETURN_IF_ERROR(view.directory()->Check(put.units, put.correct_structure));
  TakeDifferent(view.units(), put.units, &v1::Unit::unit_id, *record.mutable_units(), result);
  record.set_author(put.author);
  return absl::OkStatus();
}

absl::Status PlanDirectory(const DirectoryView& view, const ProceduresPut& put,
                           ledger::LogRecord& record, CommitResult& result) {
  RETURN_IF_ERROR(CheckMadeFrom(view.procedures(), put.made_from, "the catalogue"));
  RETURN_IF_ERROR(
      CheckCount("procedures", static_cast<int>(put.procedures.size()), kProceduresPutMax));
  absl::flat_hash_set<std::string> given;
  for (size_t i = 0; i < put.procedures.size(); ++i) {
    const std::string path = absl::StrCat("procedures[", i, "]");
    RETURN_IF_ERROR(CheckProcedure(path, put.procedures[i]));
    const std::string& code = put.procedures[i].procedure_code();
    if (!given.insert(code).second) {
      return BadEntry(absl::StrCat(path, ".procedure_code"),
                      absl::StrCat(Quoted(code), " is given twice"));
    }
  }
  TakeDifferent(view.procedures(), put.procedures, &v1::Procedure::procedure_code,
                *record.mutable_procedures(), result);
  record.set_author(put.author);
  return CheckCount(
      "procedures",
      static_cast<int>(view.procedures().size()) + static_cast<int>(result.entries_created),
      kProceduresMax);
}

absl::Status PlanDirectory(const DirectoryView& view, const DefinitionsPut& put,
                           ledger::LogRecord& record, CommitResult& result) {
  std::vector<v1::MetricDefinition> numbered = put.definitions;
  absl::flat_hash_set<std::string> given;
  for (size_t i = 0; i < numbered.size(); ++i) {
    const std::string path =
        numbered.size() == 1 ? "definition" : absl::StrCat("definitions[", i, "]");
    v1::MetricDefinition& definition = numbered[i];
    RETURN_IF_ERROR(CheckDefinition(path, definition));
    if (!given.insert(definition.definition_id()).second) {
      return BadEntry(absl::StrCat(path, ".definition_id"),
                      absl::StrCat(Quoted(definition.definition_id()), " is given twice"));
    }
    const v1::MetricDefinition* const known =
        view.definitions().At(definition.definition_id(), kHead);
    // Equal but for the version: the version that stands.
    definition.set_version(known == nullptr ? 1 : known->version());
    if (known != nullptr &&
        !google::protobuf::util::MessageDifferencer::Equals(*known, definition)) {
      definition.set_version(known->version() + 1);
    }
  }
  TakeDifferent(view.definitions(), numbered, &v1::MetricDefinition::definition_id,
                *record.mutable_definitions(), result);
  record.set_author(put.author);
  return CheckCount(
      "definitions",
      static_cast<int>(view.definitions().size()) + static_cast<int>(result.entries_created),
      kDefinitionsMax);
}

}  // namespace dondoc::ingestion
