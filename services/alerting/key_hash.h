#pragma once

#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"

namespace dondoc::alerting {

// 32 hex digits (the first 128 bits of SHA-256) that stand for the fields in their order. Fields
// are delimited by their lengths, so no two different keys run together.
std::string KeyHash(std::initializer_list<absl::string_view> fields);

}  // namespace dondoc::alerting
