#include "services/ingestion/principal.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "services/ingestion/reading/text_key.h"

namespace dondoc::ingestion {
namespace {

constexpr char kPrincipalKey[] = "x-dondoc-principal";
constexpr size_t kPrincipalBytesMax = 128;

}  // namespace

std::string PrincipalOf(const grpc::ServerContext& context) {
  const auto found = context.client_metadata().find(kPrincipalKey);
  if (found == context.client_metadata().end()) return "";
  const std::string principal(found->second.data(), found->second.size());
  const bool fits = principal.size() <= kPrincipalBytesMax && IsUtf8(principal) &&
                    std::none_of(principal.begin(), principal.end(), [](char c) {
                      return absl::ascii_iscntrl(static_cast<unsigned char>(c));
                    });
  return fits ? principal : "";
}

}  // namespace dondoc::ingestion
