#include "services/aggregation/page_token.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace dondoc::aggregation {
namespace {

constexpr size_t kTokenBytesMax = 1024;

// FNV-1a: the same in every process and version, which std::hash and absl::Hash are not.
uint64_t Hash(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

}  // namespace

std::string EncodePageToken(const PageToken& token, const std::string& fingerprint) {
  return absl::WebSafeBase64Escape(absl::StrCat("1|", absl::Hex(Hash(fingerprint)), "|",
                                                token.sequence, "|", token.offset, "|",
                                                token.ledger_id));
}

absl::StatusOr<PageToken> DecodePageToken(const std::string& text, const std::string& fingerprint) {
  const absl::Status bad = absl::InvalidArgumentError("page_token: not one of ours");
  std::string plain;
  if (text.size() > kTokenBytesMax || !absl::WebSafeBase64Unescape(text, &plain)) return bad;
  const std::vector<std::string> parts = absl::StrSplit(plain, absl::MaxSplits('|', 4));
  PageToken token;
  if (parts.size() != 5 || parts[0] != "1" || !absl::SimpleAtoi(parts[2], &token.sequence) ||
      !absl::SimpleAtoi(parts[3], &token.offset) || token.sequence < 0 || token.offset < 0) {
    return bad;
  }
  if (parts[1] != absl::StrCat(absl::Hex(Hash(fingerprint)))) {
    return absl::InvalidArgumentError("page_token: belongs to another query");
  }
  token.ledger_id = parts[4];
  return token;
}

}  // namespace dondoc::aggregation
