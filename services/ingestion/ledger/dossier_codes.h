#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace dondoc::ingestion {

// Prefixes that codes of the national form are packed with; codes of further ones are kept as text.
inline constexpr uint32_t kCodePrefixesMax = 1 << 17;
inline constexpr size_t kCodePrefixBytesMax = 64;

// A code as DossierCodes can look for it. `text` is the caller's.
struct LocatedCode {
  absl::string_view text;
  // Packed, or kNotPacked.
  uint64_t packed = 0;
  uint64_t hash = 0;
};

// Dossier codes in eight bytes each, exactly: a code of the national form (TT 01/2018 Art. 19,
// prefix-YYMMDD-serial) is the number of its prefix, its date and its serial with the number of its
// digits; any other code is the place where its text is kept. Equal codes have equal numbers only
// in the national form; see Is. Not thread-safe; const methods may run at the same time.
class DossierCodes {
 public:
  DossierCodes();
  DossierCodes(const DossierCodes&) = delete;
  DossierCodes& operator=(const DossierCodes&) = delete;

  static constexpr uint64_t kNotPacked = ~uint64_t{0};

  // nullopt when a code with this prefix was never located: it is not known.
  std::optional<LocatedCode> Find(absl::string_view code) const;
  // Remembers a new prefix.
  LocatedCode Locate(absl::string_view code);
  // The number to keep for a located code that is new.
  uint64_t Add(const LocatedCode& code);

  bool Is(uint64_t number, const LocatedCode& code) const {
    return code.packed != kNotPacked ? number == code.packed
                                     : IsText(number) && TextOf(number) == code.text;
  }
  std::string Code(uint64_t number) const;
  uint64_t Hash(uint64_t number) const;

  // Where kept texts end; what was added later can be forgotten, in reverse.
  uint64_t text_end() const { return text_end_; }
  void Truncate(uint64_t text_end);

  // --- For checkpoints.
  uint32_t prefix_count() const { return static_cast<uint32_t>(prefixes_.size()); }
  const std::string& prefix(uint32_t number) const { return prefixes_[number]; }
  // The next prefix gets the next number.
  void AddPrefix(absl::string_view prefix);
  static bool IsText(uint64_t number) { return (number >> 63) != 0; }
  // Whether a packed number can be one of this table.
  bool Fits(uint64_t number) const;

 private:
  struct NationalForm {
    absl::string_view prefix;
    uint64_t rest = 0;  // date, digits, serial
  };
  static bool Parse(absl::string_view code, NationalForm& form);
  absl::string_view TextOf(uint64_t number) const;
  uint64_t HashOfPacked(uint64_t number) const;
  uint64_t HashOfText(absl::string_view text) const;

  const uint64_t seed_;
  std::deque<std::string> prefixes_;  // a deque, so that the keys below stay where they are
  absl::flat_hash_map<absl::string_view, uint32_t> prefix_numbers_;
  // Texts with their lengths before them, in chunks; a place is (chunk, offset).
  std::vector<std::unique_ptr<char[]>> texts_;
  uint64_t text_end_ = 0;
};

}  // namespace dondoc::ingestion
