#include "services/ingestion/ledger/rocksdb_manifest.h"

#include <algorithm>
#include <cstdint>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "boost/crc.hpp"
#include "rocksdb/env.h"

namespace dondoc::ingestion {
namespace {

constexpr size_t kBlockBytes = 32 << 10;
constexpr size_t kHeaderBytes = 7;  // masked CRC-32C (4), length (2), type (1)
constexpr uint8_t kTypeMax = 4;     // FULL, FIRST, MIDDLE, LAST; no others in a MANIFEST

uint32_t Byte(const std::string& text, size_t at) { return static_cast<uint8_t>(text[at]); }

size_t PayloadBytes(const std::string& manifest, size_t at) {
  return Byte(manifest, at + 4) | Byte(manifest, at + 5) << 8;
}

bool IsWholeRecord(const std::string& manifest, size_t at) {
  if (manifest.size() - at < kHeaderBytes) return false;
  const size_t payload_bytes = PayloadBytes(manifest, at);
  const uint32_t type = Byte(manifest, at + 6);
  if (type == 0 || type > kTypeMax) return false;
  if (at % kBlockBytes + kHeaderBytes + payload_bytes > kBlockBytes) return false;
  if (manifest.size() - at < kHeaderBytes + payload_bytes) return false;
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(manifest.data() + at + 6, 1 + payload_bytes);
  const uint32_t plain = crc.checksum();
  const uint32_t masked = ((plain >> 15) | (plain << 17)) + 0xa282ead8;
  const uint32_t stored = Byte(manifest, at) | Byte(manifest, at + 1) << 8 |
                          Byte(manifest, at + 2) << 16 | Byte(manifest, at + 3) << 24;
  return masked == stored;
}

absl::Status ToAbsl(const rocksdb::Status& status, const std::string& path) {
  if (status.ok()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(path, ": ", status.ToString()));
}

}  // namespace

size_t WholeManifestBytes(const std::string& manifest) {
  size_t at = 0;
  while (at < manifest.size()) {
    // A block's last bytes, too few for a header, are filled with zeros.
    const size_t left_in_block = kBlockBytes - at % kBlockBytes;
    if (left_in_block < kHeaderBytes) {
      at = std::min(at + left_in_block, manifest.size());
    } else if (IsWholeRecord(manifest, at)) {
      at += kHeaderBytes + PayloadBytes(manifest, at);
    } else {
      break;
    }
  }
  if (at == manifest.size()) return at;
  // The damage is the zeros at the end only when they begin within this very record.
  const size_t last_written = manifest.find_last_not_of('\0');
  const size_t zeros_from = last_written == std::string::npos ? 0 : last_written + 1;
  const size_t record_end = manifest.size() - at < kHeaderBytes || zeros_from < at + kHeaderBytes
                                ? at + kHeaderBytes
                                : at + kHeaderBytes + PayloadBytes(manifest, at);
  const bool torn = zeros_from < manifest.size() && zeros_from < record_end;
  return torn ? at : manifest.size();
}

absl::StatusOr<std::optional<std::string>> CutTornManifest(rocksdb::Env& env,
                                                           const std::string& folder) {
  std::string name;
  std::string manifest;
  const std::string current = absl::StrCat(folder, "/CURRENT");
  if (auto read = ToAbsl(rocksdb::ReadFileToString(&env, current, &name), current); !read.ok()) {
    return read;
  }
  absl::StripAsciiWhitespace(&name);
  const std::string path = absl::StrCat(folder, "/", name);
  if (auto read = ToAbsl(rocksdb::ReadFileToString(&env, path, &manifest), path); !read.ok()) {
    return read;
  }
  const size_t whole_bytes = WholeManifestBytes(manifest);
  if (whole_bytes == manifest.size()) return std::nullopt;
  // Both files are durable before the cut one takes the name.
  const std::string cut = absl::StrCat(path, ".cut");
  std::unique_ptr<rocksdb::Directory> directory;
  rocksdb::Status done =
      rocksdb::WriteStringToFile(&env, manifest, path + ".torn", /*should_sync=*/true);
  if (done.ok()) {
    manifest.resize(whole_bytes);
    done = rocksdb::WriteStringToFile(&env, manifest, cut, /*should_sync=*/true);
  }
  if (done.ok()) done = env.RenameFile(cut, path);
  if (done.ok()) done = env.NewDirectory(folder, &directory);
  if (done.ok()) done = directory->Fsync();
  if (!done.ok()) return ToAbsl(done, path);
  return path;
}

}  // namespace dondoc::ingestion
