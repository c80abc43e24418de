#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dondoc::ingestion {

// Writes that take effect together.
class WriteBatch {
 public:
  struct Put {
    std::string key;
    std::string value;
  };
  struct Delete {
    std::string key;
  };
  // Every key from `from` on and before `to`.
  struct DeleteRange {
    std::string from;
    std::string to;
  };
  using Write = std::variant<Put, Delete, DeleteRange>;

  WriteBatch& Add(Write write) {
    writes_.push_back(std::move(write));
    return *this;
  }
  const std::vector<Write>& writes() const { return writes_; }
  bool empty() const { return writes_.empty(); }

 private:
  std::vector<Write> writes_;
};

// Ordered durable bytes: all that the ledger's log, the imports and the checkpoints need of a
// database. Thread-safe.
//
// Errors: kResourceExhausted when there is no room, kUnavailable when it cannot be written or read,
// kDataLoss when what is there is damaged.
class Store {
 public:
  virtual ~Store() = default;

  // All of `batch` or nothing. With `sync`, durable on OK together with everything written before;
  // without, a crash may take it back, but only together with all that was written after it. On an
  // error nothing took effect in this process, though after a crash the batch may be found.
  virtual absl::Status Write(const WriteBatch& batch, bool sync) = 0;

  // nullopt when there is no such key.
  virtual absl::StatusOr<std::optional<std::string>> Read(const std::string& key) const = 0;

  // Calls `visit` for the keys from `from` on and before `to`, in order, until it returns false.
  // `visit` does not call the store.
  virtual absl::Status Scan(
      const std::string& from, const std::string& to,
      absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) const = 0;
};

// The keys of ledger_log.proto.
namespace keys {

inline constexpr char kMeta[] = "meta";
inline constexpr char kCheckpoint[] = "checkpoint";

// Ids in keys have no '/'; see imports.proto.
std::string Log(int64_t sequence);
std::string StagedOf(absl::string_view import_id);                       // a prefix
std::string StagedOf(absl::string_view import_id, int64_t application);  // a prefix
std::string Staged(absl::string_view import_id, int64_t application, int64_t chunk);
std::string StagedStatementsOf(absl::string_view import_id);                       // a prefix
std::string StagedStatementsOf(absl::string_view import_id, int64_t application);  // a prefix
std::string StagedStatements(absl::string_view import_id, int64_t application, int64_t chunk);
std::string Withdrawn(int64_t sequence, int64_t chunk);
std::string Delta(int64_t sequence, int64_t chunk);
std::string CheckpointOf(int64_t generation);  // a prefix
std::string Checkpoint(int64_t generation, int64_t chunk);
std::string Import(absl::string_view import_id);
std::string RejectsOf(absl::string_view import_id);  // a prefix
std::string Reject(absl::string_view import_id, int64_t row_number);

inline constexpr char kLogs[] = "log/";
inline constexpr char kStaged[] = "stage/";
inline constexpr char kStagedStatements[] = "statements/";
inline constexpr char kCheckpoints[] = "checkpoint/";
inline constexpr char kImports[] = "import/";

// The first key after all that begin with `prefix`.
std::string After(absl::string_view prefix);

// The number in the last eight bytes of `key`; 0 when it is shorter.
int64_t LastNumber(absl::string_view key);

}  // namespace keys
}  // namespace dondoc::ingestion
