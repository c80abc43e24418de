#include "services/alerting/key_hash.h"

#include <openssl/sha.h>

#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace dondoc::alerting {

std::string KeyHash(std::initializer_list<absl::string_view> fields) {
  constexpr size_t kHashBytes = 16;
  std::string key;
  for (const absl::string_view field : fields) absl::StrAppend(&key, field.size(), ":", field);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), kHashBytes));
}

}  // namespace dondoc::alerting
