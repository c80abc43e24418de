#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// As much of SQLite as the store needs, with Status instead of result codes. Not thread-safe: the
// owner locks.

namespace dondoc::alerting {

// One prepared statement. Bind, then Step until false; columns are valid until the next Step.
class Statement {
 public:
  Statement& BindText(int index, absl::string_view text);
  Statement& BindBlob(int index, absl::string_view bytes);
  Statement& BindInt(int index, int64_t number);
  Statement& BindNull(int index);
  // True when there is a row. The first error of a Bind is returned here.
  absl::StatusOr<bool> Step();
  // For statements without rows.
  absl::Status Run();

  std::string Text(int column) const;
  int64_t Int(int column) const;
  bool IsNull(int column) const;

 private:
  friend class Database;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  Statement(sqlite3* database, sqlite3_stmt* statement, int result)
      : database_(database), statement_(statement), result_(result) {}
  void Note(int result);

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
  int result_;  // the first failure of prepare or bind
};

class Database {
 public:
  // Creates the file when there is none.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path);

  // A failure to prepare shows at the first Step.
  Statement Prepare(absl::string_view sql);
  // Several statements without parameters.
  absl::Status Execute(const std::string& sql);
  int64_t Changes() const { return sqlite3_changes64(database_.get()); }

 private:
  struct Closer {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  explicit Database(sqlite3* database) : database_(database) {}
  std::unique_ptr<sqlite3, Closer> database_;
};

// Rolls back at the end of its scope unless committed.
class Transaction {
 public:
  // BEGIN IMMEDIATE.
  static absl::StatusOr<Transaction> Begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(other.database_) {
    other.database_ = nullptr;
  }
  ~Transaction();
  absl::Status Commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace dondoc::alerting
