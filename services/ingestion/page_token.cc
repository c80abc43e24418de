#include "services/ingestion/page_token.h"

#include <openssl/evp.h>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace dondoc::ingestion {
namespace {

constexpr size_t kSealBytes = 12;
constexpr size_t kTokenBytesMax = 512;

std::string Sha256(absl::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  return std::string(reinterpret_cast<const char*>(digest), size);
}

// Ties a position to its query. No secret: a token opens nothing that the query itself does not; it
// only must not be mixed up with another query's.
std::string Seal(const google::protobuf::Message& query, absl::string_view position) {
  const std::string fields = query.SerializeAsString();
  return Sha256(absl::StrCat(query.GetTypeName(), "\n", fields.size(), "\n", fields, position))
      .substr(0, kSealBytes);
}

}  // namespace

std::string MakePageToken(const google::protobuf::Message& query, absl::string_view position) {
  return absl::WebSafeBase64Escape(absl::StrCat(Seal(query, position), position));
}

absl::StatusOr<std::string> ReadPageToken(const google::protobuf::Message& query,
                                          absl::string_view token) {
  std::string bytes;
  if (token.size() <= kTokenBytesMax && absl::WebSafeBase64Unescape(token, &bytes) &&
      bytes.size() >= kSealBytes) {
    const absl::string_view position = absl::string_view(bytes).substr(kSealBytes);
    if (absl::StartsWith(bytes, Seal(query, position))) return std::string(position);
  }
  return absl::InvalidArgumentError(
      "page_token: not from an answer to this query; repeat the other fields unchanged");
}

absl::StatusOr<int> CheckPageSize(int page_size, int otherwise, int most) {
  if (page_size == 0) return otherwise;
  if (page_size < 0 || page_size > most) {
    return absl::InvalidArgumentError(
        absl::StrCat("page_size: ", page_size, " is not within 1 and ", most));
  }
  return page_size;
}

std::string Sha256Hex(absl::string_view bytes) { return absl::BytesToHexString(Sha256(bytes)); }

}  // namespace dondoc::ingestion
