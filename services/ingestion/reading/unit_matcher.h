#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "dondoc/v1/dossiers.pb.h"
#include "dondoc/v1/units.pb.h"
#include "services/ingestion/ledger/directory.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {

// What a name in a file stands for.
struct UnitMatch {
  // nullptr when it is none; then `reason` and `message` (Vietnamese, naming the value) say why.
  const v1::Unit* unit = nullptr;
  // The unit named ended before the day, and `unit` is its only successor on it.
  bool by_succession = false;
  v1::RejectReason::Value reason = v1::RejectReason::UNSPECIFIED;
  std::string message;
};

// Finds units by id or by name as files write it, never guessing: a name that may be two units is
// AMBIGUOUS_UNIT. In order: the id; the whole name by match key with its type word (names and
// aliases); "xã X, huyện Y" within the district; last, without the type word. Not thread-safe; it
// remembers names, as files repeat them.
class UnitMatcher {
 public:
  // `province` is the name dropped from names ("Sở Tư pháp tỉnh Kon Tum"), without its type word.
  UnitMatcher(std::shared_ptr<const Directory> directory, absl::string_view province);

  // The unit named `text` on `day`.
  const UnitMatch& Match(absl::string_view text, absl::CivilDay day);

  // The units that `text` may name on some day, each once: with more than one it is ambiguous
  // unless they are of different times.
  std::vector<const v1::Unit*> Candidates(absl::string_view text) const;

  const Directory& directory() const { return *directory_; }

 private:
  // A unit under its name and aliases or, `former`, under a name that it had.
  struct Entry {
    const v1::Unit* unit = nullptr;
    absl::CivilDay from;
    absl::CivilDay to;
    bool former = false;
  };
  // Indexes into entries_, sorted, each once.
  using Found = std::vector<size_t>;
  using Index = absl::flat_hash_map<std::string, Found>;

  const UnitMatch& MatchAnew(absl::string_view text, absl::CivilDay day);
  std::vector<Word> CleanWords(absl::string_view text) const;
  void AddName(size_t entry, absl::string_view name, const std::string& type_word);
  Found FindNamed(absl::string_view text) const;
  Found FindWithinDistrict(const std::vector<Word>& words) const;
  Found FindIn(const Index& index, const std::string& key) const;
  UnitMatch Choose(absl::string_view text, const Found& found, absl::CivilDay day) const;
  // What a name means whose only unit did not have it, or did not exist, on the day.
  UnitMatch ChooseOther(absl::string_view text, const Entry& entry, absl::CivilDay day) const;
  UnitMatch FollowSuccessors(absl::string_view text, const v1::Unit& ended,
                             absl::CivilDay day) const;
  Found UnitsOf(const Found& found) const;
  bool ExistsOn(size_t entry, absl::CivilDay day) const;
  std::string Describe(const v1::Unit& unit) const;

  const std::shared_ptr<const Directory> directory_;
  const std::string province_key_;
  std::vector<Entry> entries_;
  Index by_full_key_;  // with the type word
  Index by_bare_key_;  // without
  absl::flat_hash_map<std::string, Found> remembered_;
  // The answers, by day within a name.
  absl::flat_hash_map<std::pair<std::string, absl::CivilDay>, UnitMatch> answers_;
  // The last answer under each name: rows of a file come in runs of a day.
  absl::flat_hash_map<std::string, std::pair<absl::CivilDay, UnitMatch>> last_answers_;
};

}  // namespace dondoc::ingestion
