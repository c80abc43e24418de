#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "dondoc/v1/dossiers.pb.h"
#include "dondoc/v1/imports.pb.h"
#include "services/ingestion/ledger/directory.h"
#include "services/ingestion/ledger/ledger.h"
#include "services/ingestion/reading/cell_values.h"
#include "services/ingestion/reading/header_map.h"
#include "services/ingestion/reading/unit_matcher.h"

namespace dondoc::ingestion {

// A row's cells by meaning; empty where the file has no such column.
using MeaningCells = std::array<absl::string_view, kMeaningCount>;

// A kept cell of a reject is cut to this; the longest value that can be right is shorter.
inline constexpr size_t kRejectCellBytesMax = 400;

// Turns rows of an export into dossiers. The same mapping reads a file and, later, its rejects. Not
// thread-safe.
class RowMapper {
 public:
  struct Options {
    // The channel of every row; absent = the column decides.
    std::optional<v1::Channel::Value> channel;
    std::string province;
    absl::Time now;  // civil; its day is today
  };

  RowMapper(std::shared_ptr<const Directory> directory, Options options);

  // The row as a valid dossier, or why it cannot be counted.
  std::variant<Row, v1::Reject> Map(const MeaningCells& cells, int64_t row_number);

  // What was odd about the rows mapped so far; first rows as row_place.h numbers them.
  std::vector<v1::ImportWarning> Warnings() const;

 private:
  struct Tally {
    int64_t rows = 0;
    int64_t first_row_number = 0;
  };
  // What is odd about one row, by ImportWarning.Kind.
  using Oddities = std::bitset<v1::ImportWarning::Kind::Value_ARRAYSIZE>;
  // Why a row is a reject.
  struct Refusal {
    v1::RejectReason::Value reason = v1::RejectReason::UNSPECIFIED;
    std::string message;
  };

  std::optional<Refusal> ReadTimes(const MeaningCells& cells, v1::Dossier& dossier) const;
  std::optional<Refusal> ReadUnits(const MeaningCells& cells, v1::Dossier& dossier, Oddities& odd);
  std::optional<Refusal> ReadEnums(const MeaningCells& cells, v1::Dossier& dossier, Oddities& odd);
  void LookAtEnd(const MeaningCells& cells, const v1::Dossier& dossier, Oddities& odd);

  const Options options_;
  const absl::CivilDay today_;
  UnitMatcher units_;
  absl::flat_hash_map<std::string, CellValue<v1::Channel::Value>> channels_;
  absl::flat_hash_map<std::string, CellValue<v1::ServiceLevel::Value>> service_levels_;
  absl::flat_hash_map<std::string, CellValue<v1::Status::Value>> statuses_;
  // A row with an end day was seen: the file has a column for it.
  bool has_end_days_ = false;
  std::array<Tally, v1::ImportWarning::Kind::Value_ARRAYSIZE> tallies_;
};

// The reject of a row: its reason and its mapped, non-personal cells. As MakeBadRow when a cell
// looks like several, which quotes in wrong places make: no one knows what is in it.
v1::Reject MakeReject(const MeaningCells& cells, int64_t row_number, v1::RejectReason::Value reason,
                      std::string message);
// The reject of a row whose cells may stand in wrong columns: `message`, and the code if it is one.
v1::Reject MakeBadRow(const MeaningCells& cells, int64_t row_number, std::string message);
// The cells that a reject keeps, to map them again; they point into `reject`.
MeaningCells CellsOf(const v1::Reject& reject);

}  // namespace dondoc::ingestion
