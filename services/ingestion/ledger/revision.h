#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// What a revision is in memory. Instants are microseconds since 1970-01-01Z; finer parts are cut
// off on the way in, so that what is sent again compares equal.

namespace dondoc::ingestion {

inline constexpr int64_t kNoTime = std::numeric_limits<int64_t>::min();

// Texts kept once; each has a number, and 0 is the empty text.
class TextTable {
 public:
  TextTable() { Add(""); }
  TextTable(const TextTable&) = delete;
  TextTable& operator=(const TextTable&) = delete;

  uint32_t Add(absl::string_view text) {
    const auto found = numbers_.find(text);
    if (found != numbers_.end()) return found->second;
    const auto number = static_cast<uint32_t>(texts_.size());
    texts_.emplace_back(text);
    numbers_.emplace(texts_.back(), number);
    return number;
  }
  std::optional<uint32_t> Find(absl::string_view text) const {
    const auto found = numbers_.find(text);
    if (found == numbers_.end()) return std::nullopt;
    return found->second;
  }
  const std::string& Text(uint32_t number) const { return texts_[number]; }
  uint32_t size() const { return static_cast<uint32_t>(texts_.size()); }

 private:
  std::deque<std::string> texts_;  // a deque, so that the keys below stay where they are
  absl::flat_hash_map<absl::string_view, uint32_t> numbers_;
};

// What a revision states, beside its code. A withdrawal states nothing else.
struct Facts {
  int64_t received_us = kNoTime;
  uint32_t unit = 0;
  uint32_t handling_unit = 0;
  uint32_t procedure = 0;
  uint32_t field = 0;
  uint8_t channel = 0;
  uint8_t service_level = 0;
  uint8_t status = 0;
  bool withdrawn = false;

  // In a cell: received and not withdrawn.
  bool counted() const { return !withdrawn && received_us != kNoTime; }
  friend bool operator==(const Facts&, const Facts&) = default;
};

// The number that a push has in place of an import.
inline constexpr uint32_t kPush = 0;

struct Revision {
  Facts facts;
  int64_t effective_us = 0;
  int64_t update_us = kNoTime;
  int64_t sequence = 0;
  int64_t row_number = 0;
  uint32_t import = kPush;
};

// The order of revisions (docs/adr/0006).
inline bool Before(const Revision& a, const Revision& b) {
  return std::tie(a.effective_us, a.sequence, a.row_number) <
         std::tie(b.effective_us, b.sequence, b.row_number);
}

// The +07:00 day of an instant, as days since 1970-01-01.
inline int32_t ReceivedDay(int64_t received_us) {
  constexpr int64_t kOffsetUs = int64_t{7} * 3600 * 1'000'000;
  constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;
  const int64_t local = received_us + kOffsetUs;
  return static_cast<int32_t>(local >= 0 ? local / kDayUs : -((-local + kDayUs - 1) / kDayUs));
}

inline int64_t ToUs(absl::Time instant) { return absl::ToUnixMicros(instant); }
inline absl::Time FromUs(int64_t us) { return absl::FromUnixMicros(us); }

}  // namespace dondoc::ingestion
