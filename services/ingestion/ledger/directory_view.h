#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "dondoc/v1/definitions.pb.h"
#include "dondoc/v1/directory.pb.h"
#include "dondoc/v1/procedures.pb.h"
#include "dondoc/v1/units.pb.h"
#include "services/common/metric/catalogue.h"
#include "services/ingestion/ledger/directory.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/ledger/ledger_log.pb.h"

namespace dondoc::ingestion {

// Everything an entry has been, by id and sequence. Not thread-safe; const methods may run at the
// same time as each other.
template <typename Entry>
class Versions {
 public:
  // Sequences never go back.
  void Put(int64_t sequence, const std::string& id, const Entry& entry) {
    versions_[id].emplace_back(sequence, entry);
    last_sequence_ = sequence;
  }
  // What stood at `sequence`; nullptr = nothing. Valid until the next Put of this id.
  const Entry* At(const std::string& id, int64_t sequence) const {
    const auto found = versions_.find(id);
    return found == versions_.end() ? nullptr : Standing(found->second, sequence);
  }
  // In the order of ids.
  std::vector<Entry> AllAt(int64_t sequence) const {
    std::vector<Entry> entries;
    for (const auto& [id, versions] : versions_) {
      const Entry* const entry = Standing(versions, sequence);
      if (entry != nullptr) entries.push_back(*entry);
    }
    return entries;
  }
  // Every version up to `sequence`, by id, then in order.
  std::vector<Entry> HistoryUpTo(int64_t sequence) const {
    std::vector<Entry> entries;
    for (const auto& [id, versions] : versions_) {
      for (const auto& [from, entry] : versions) {
        if (from <= sequence) entries.push_back(entry);
      }
    }
    return entries;
  }
  size_t size() const { return versions_.size(); }
  // 0 = nothing was ever put.
  int64_t last_sequence() const { return last_sequence_; }

 private:
  using OfOne = std::vector<std::pair<int64_t, Entry>>;

  static const Entry* Standing(const OfOne& versions, int64_t sequence) {
    const auto after =
        std::partition_point(versions.begin(), versions.end(),
                             [sequence](const auto& version) { return version.first <= sequence; });
    return after == versions.begin() ? nullptr : &std::prev(after)->second;
  }

  std::map<std::string, OfOne> versions_;
  int64_t last_sequence_ = 0;
};

// Units, procedures and definitions as the log tells them, at every sequence. Not thread-safe;
// const methods may run at the same time as each other.
class DirectoryView {
 public:
  DirectoryView();

  // Takes in what the record puts; records come in the order of their sequences.
  void Apply(const ledger::LogRecord& record);

  const Versions<v1::Unit>& units() const { return units_; }
  const Versions<v1::Procedure>& procedures() const { return procedures_; }
  const Versions<v1::MetricDefinition>& definitions() const { return definitions_; }
  // At the head; never change once returned.
  std::shared_ptr<const Directory> directory() const { return directory_; }
  std::shared_ptr<const Catalogue> catalogue() const { return catalogue_; }
  // What counting and drill-down ask, as of a sequence.
  ProcedureCatalogue CatalogueAt(int64_t sequence) const;

  // The changes of `query`; `commit_us` are the commit times of sequences 1, 2, …
  DirectoryChangePage Changes(const DirectoryChangeQuery& query,
                              const std::vector<int64_t>& commit_us) const;

 private:
  struct Change {
    int64_t sequence = 0;
    v1::DirectoryKind::Value kind = v1::DirectoryKind::UNSPECIFIED;
    std::string id;
  };

  template <typename Entry>
  void Take(const google::protobuf::RepeatedPtrField<Entry>& entries,
            const std::string& (Entry::*id)() const, v1::DirectoryKind::Value kind,
            int64_t sequence, Versions<Entry>& versions);
  v1::DirectoryChange Describe(const Change& change, const std::vector<int64_t>& commit_us) const;

  Versions<v1::Unit> units_;
  Versions<v1::Procedure> procedures_;
  Versions<v1::MetricDefinition> definitions_;
  std::vector<Change> changes_;             // in order
  std::map<int64_t, std::string> authors_;  // of sequences that have one
  std::shared_ptr<const Directory> directory_;
  std::shared_ptr<const Catalogue> catalogue_;
};

}  // namespace dondoc::ingestion
