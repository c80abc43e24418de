#include "services/ingestion/ledger/directory_view.h"

#include "services/common/clock/civil.h"
#include "services/ingestion/ledger/revision.h"

namespace dondoc::ingestion {
namespace {

// A page of changes ends at about this much.
constexpr size_t kPageBytesMax = 1 << 20;

void Set(const v1::Unit& unit, v1::DirectoryEntry& entry) { *entry.mutable_unit() = unit; }
void Set(const v1::Procedure& procedure, v1::DirectoryEntry& entry) {
  *entry.mutable_procedure() = procedure;
}
void Set(const v1::MetricDefinition& definition, v1::DirectoryEntry& entry) {
  *entry.mutable_definition() = definition;
}

template <typename Entry>
void SetBoth(const Versions<Entry>& versions, v1::DirectoryChange& change) {
  const Entry* const before = versions.At(change.id(), change.sequence() - 1);
  const Entry* const after = versions.At(change.id(), change.sequence());
  if (before != nullptr) Set(*before, *change.mutable_before());
  if (after != nullptr) Set(*after, *change.mutable_after());
}

}  // namespace

DirectoryView::DirectoryView()
    : directory_(std::make_shared<const Directory>()),
      catalogue_(std::make_shared<const Catalogue>()) {}

template <typename Entry>
void DirectoryView::Take(const google::protobuf::RepeatedPtrField<Entry>& entries,
                         const std::string& (Entry::*id)() const, v1::DirectoryKind::Value kind,
                         int64_t sequence, Versions<Entry>& versions) {
  for (const Entry& entry : entries) {
    versions.Put(sequence, (entry.*id)(), entry);
    changes_.push_back({sequence, kind, (entry.*id)()});
  }
}

void DirectoryView::Apply(const ledger::LogRecord& record) {
  const int64_t sequence = record.sequence();
  const size_t changes_before = changes_.size();
  Take(record.units(), &v1::Unit::unit_id, v1::DirectoryKind::UNIT, sequence, units_);
  Take(record.procedures(), &v1::Procedure::procedure_code, v1::DirectoryKind::PROCEDURE, sequence,
       procedures_);
  Take(record.definitions(), &v1::MetricDefinition::definition_id, v1::DirectoryKind::DEFINITION,
       sequence, definitions_);
  if (changes_.size() == changes_before) return;
  if (!record.author().empty()) authors_[sequence] = record.author();
  if (record.units_size() > 0) {
    std::map<std::string, v1::Unit> current;
    for (v1::Unit& unit : units_.AllAt(sequence)) {
      std::string unit_id = unit.unit_id();
      current.emplace(std::move(unit_id), std::move(unit));
    }
    directory_ = std::make_shared<const Directory>(std::move(current), sequence);
  }
  if (record.procedures_size() > 0) {
    auto current = std::make_shared<Catalogue>();
    for (v1::Procedure& procedure : procedures_.AllAt(sequence)) {
      std::string code = procedure.procedure_code();
      current->procedures.emplace(std::move(code), std::move(procedure));
    }
    current->sequence = sequence;
    catalogue_ = std::move(current);
  }
}

ProcedureCatalogue DirectoryView::CatalogueAt(int64_t sequence) const {
  ProcedureCatalogue catalogue;
  for (const v1::Procedure& procedure : procedures_.AllAt(sequence)) {
    // Their days were checked before they were put.
    (void)catalogue.Put(procedure);
  }
  return catalogue;
}

v1::DirectoryChange DirectoryView::Describe(const Change& change,
                                            const std::vector<int64_t>& commit_us) const {
  v1::DirectoryChange proto;
  proto.set_sequence(change.sequence);
  *proto.mutable_commit_time() =
      dondoc::ToProto(FromUs(commit_us[static_cast<size_t>(change.sequence) - 1]));
  const auto author = authors_.find(change.sequence);
  if (author != authors_.end()) proto.set_author(author->second);
  proto.set_kind(change.kind);
  proto.set_id(change.id);
  if (change.kind == v1::DirectoryKind::UNIT) SetBoth(units_, proto);
  if (change.kind == v1::DirectoryKind::PROCEDURE) SetBoth(procedures_, proto);
  if (change.kind == v1::DirectoryKind::DEFINITION) SetBoth(definitions_, proto);
  return proto;
}

DirectoryChangePage DirectoryView::Changes(const DirectoryChangeQuery& query,
                                           const std::vector<int64_t>& commit_us) const {
  DirectoryChangePage page;
  size_t bytes = 0;
  size_t place = static_cast<size_t>(std::max<int64_t>(query.after_place, 0));
  for (; place < changes_.size(); ++place) {
    const Change& change = changes_[place];
    if (change.sequence < query.from_sequence || change.sequence > query.to_sequence ||
        (query.kind != v1::DirectoryKind::UNSPECIFIED && change.kind != query.kind) ||
        (!query.id.empty() && change.id != query.id)) {
      continue;
    }
    if (page.changes.size() >= static_cast<size_t>(query.page_size) || bytes >= kPageBytesMax) {
      page.more = true;
      break;
    }
    bytes += page.changes.emplace_back(Describe(change, commit_us)).ByteSizeLong();
  }
  page.next_place = static_cast<int64_t>(place);
  return page;
}

}  // namespace dondoc::ingestion
