#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "dondoc/v1/definitions.pb.h"
#include "dondoc/v1/procedures.pb.h"

// What an entry of the directory, of the catalogue or a definition must be, whoever puts it. Every
// error is kInvalidArgument and begins with the field path: "procedures[3].name: …".

namespace dondoc::ingestion {

inline constexpr int kProceduresPutMax = 20'000;
inline constexpr int kProceduresMax = 100'000;  // in the catalogue
inline constexpr int kOffersMax = 100;
inline constexpr int kDefinitionsMax = 200;

absl::Status BadEntry(absl::string_view path, absl::string_view what);

// 1 to `bytes_max` bytes of UTF-8 without control characters.
absl::Status CheckText(const std::string& path, absl::string_view text, size_t bytes_max);
// [a-z0-9.-], 1 to `bytes_max`.
absl::Status CheckId(const std::string& path, absl::string_view id, size_t bytes_max);
// `path`.valid_from and `path`.valid_to: ISO days in order, or empty.
absl::Status CheckDays(const std::string& path, const std::string& from, const std::string& to);
absl::Status CheckCount(const std::string& path, int count, int count_max);

// As procedures.proto has it, its code by ProcedureKey.
absl::Status CheckProcedure(const std::string& path, const v1::Procedure& procedure);
// As definitions.proto has it; `version` is not looked at.
absl::Status CheckDefinition(const std::string& path, const v1::MetricDefinition& definition);

}  // namespace dondoc::ingestion
