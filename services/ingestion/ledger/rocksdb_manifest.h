#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace dondoc::ingestion {

// RocksDB's MANIFEST says which files hold the data. RocksDB reads past an end that a crash cut
// off, but not past one that the file system left as zeros (the length came to the disk, the bytes
// did not) and then refuses to open. Such an end was never synced, and RocksDB drops a log file
// only after the MANIFEST that stands in for it is synced, so leaving it out loses nothing.

// Cuts the MANIFEST of the closed database in `folder` after its last whole record, if what follows
// is one torn record and nothing but zeros after its damage; keeps the uncut one as
// <name>.torn. Answers the MANIFEST's path, nullopt when there is no such end: the damage, if there
// is any, is of another kind and nothing was changed. kUnavailable: cannot be read or written.
absl::StatusOr<std::optional<std::string>> CutTornManifest(rocksdb::Env& env,
                                                           const std::string& folder);

// The length of `manifest` without a torn end of zeros; its whole length when it has none. The
// format: https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format
size_t WholeManifestBytes(const std::string& manifest);

}  // namespace dondoc::ingestion
