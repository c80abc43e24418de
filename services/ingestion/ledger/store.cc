#include "services/ingestion/ledger/store.h"

#include <cstddef>

#include "absl/strings/str_cat.h"

namespace dondoc::ingestion::keys {
namespace {

constexpr int kNumberBytes = 8;

std::string BigEndian(int64_t number) {
  std::string bytes(kNumberBytes, '\0');
  auto rest = static_cast<uint64_t>(number);
  for (int i = kNumberBytes - 1; i >= 0; --i) {
    bytes[static_cast<size_t>(i)] = static_cast<char>(rest & 0xff);
    rest >>= 8;
  }
  return bytes;
}

}  // namespace

std::string Log(int64_t sequence) { return absl::StrCat(kLogs, BigEndian(sequence)); }

std::string StagedOf(absl::string_view import_id) { return absl::StrCat(kStaged, import_id, "/"); }

std::string StagedOf(absl::string_view import_id, int64_t application) {
  return absl::StrCat(StagedOf(import_id), BigEndian(application), "/");
}

std::string Staged(absl::string_view import_id, int64_t application, int64_t chunk) {
  return absl::StrCat(StagedOf(import_id, application), BigEndian(chunk));
}

std::string StagedStatementsOf(absl::string_view import_id) {
  return absl::StrCat(kStagedStatements, import_id, "/");
}

std::string StagedStatementsOf(absl::string_view import_id, int64_t application) {
  return absl::StrCat(StagedStatementsOf(import_id), BigEndian(application), "/");
}

std::string StagedStatements(absl::string_view import_id, int64_t application, int64_t chunk) {
  return absl::StrCat(StagedStatementsOf(import_id, application), BigEndian(chunk));
}

std::string Withdrawn(int64_t sequence, int64_t chunk) {
  return absl::StrCat("withdrawn/", BigEndian(sequence), "/", BigEndian(chunk));
}

std::string Delta(int64_t sequence, int64_t chunk) {
  return absl::StrCat("delta/", BigEndian(sequence), "/", BigEndian(chunk));
}

std::string CheckpointOf(int64_t generation) {
  return absl::StrCat(kCheckpoints, BigEndian(generation), "/");
}

std::string Checkpoint(int64_t generation, int64_t chunk) {
  return absl::StrCat(CheckpointOf(generation), BigEndian(chunk));
}

std::string Import(absl::string_view import_id) { return absl::StrCat(kImports, import_id); }

std::string RejectsOf(absl::string_view import_id) {
  return absl::StrCat("reject/", import_id, "/");
}

std::string Reject(absl::string_view import_id, int64_t row_number) {
  return absl::StrCat(RejectsOf(import_id), BigEndian(row_number));
}

std::string After(absl::string_view prefix) {
  // Prefixes end in '/', so the last byte can always go up by one.
  std::string after(prefix);
  after.back() = static_cast<char>(after.back() + 1);
  return after;
}

int64_t LastNumber(absl::string_view key) {
  if (key.size() < kNumberBytes) return 0;
  uint64_t number = 0;
  for (const char byte : key.substr(key.size() - kNumberBytes)) {
    number = (number << 8) | static_cast<unsigned char>(byte);
  }
  return static_cast<int64_t>(number);
}

}  // namespace dondoc::ingestion::keys
