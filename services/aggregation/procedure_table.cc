#include "services/aggregation/procedure_table.h"

#include <utility>

#include "services/common/status/macros.h"

namespace dondoc::aggregation {

uint32_t ProcedureBook::Intern(const std::string& code) {
  const auto [found, added] = index_.try_emplace(code, static_cast<uint32_t>(facts_.size()));
  if (added) {
    ProcedureFacts facts;
    facts.code = code;
    facts.key = std::string(ProcedureKey(code));
    Describe(facts);
    by_key_[facts.key].push_back(found->second);
    facts_.push_back(std::move(facts));
    table_ = nullptr;
  }
  return found->second;
}

void ProcedureBook::Describe(ProcedureFacts& facts) const {
  const ProcedureCatalogue::Entry* entry = catalogue_.Find(facts.key);
  if (entry == nullptr) return;
  facts.name = entry->name;
  facts.field = entry->field;
  facts.offers = entry->offers;
}

absl::Status ProcedureBook::Put(const v1::Procedure& procedure) {
  RETURN_IF_ERROR(catalogue_.Put(procedure));
  const auto met = by_key_.find(ProcedureKey(procedure.procedure_code()));
  if (met == by_key_.end()) return absl::OkStatus();
  for (const uint32_t index : met->second) Describe(facts_[index]);
  table_ = nullptr;
  return absl::OkStatus();
}

std::shared_ptr<const ProcedureTable> ProcedureBook::Table() {
  if (table_ == nullptr) table_ = std::make_shared<const ProcedureTable>(facts_);
  return table_;
}

}  // namespace dondoc::aggregation
