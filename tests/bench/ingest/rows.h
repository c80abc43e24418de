#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "dondoc/v1/dossiers.pb.h"
#include "dondoc/v1/units.pb.h"

// The rows that every contender of tests/bench/run ingest gets: a made-up one-stop export over real
// units. The same count and seed give the same rows.

namespace dondoc::bench {

struct Procedure {
  std::string code;
  std::string name;
  std::string field;
  int service_level = 0;
};

struct ExportRow {
  std::string code;
  size_t unit = 0;       // in Source::units()
  size_t procedure = 0;  // in Source::procedures()
  int channel = 0;       // 0 = the cell is empty
  int status = 0;
  absl::CivilMinute received;
  absl::CivilSecond updated;
};

// Rows by received day, as systems export them. One in twenty states a dossier of the rows before
// again, later and at another step.
class Source {
 public:
  // `units_csv` names a registry, see services/ctl/unit_registry.h.
  static absl::StatusOr<Source> Open(const std::string& units_csv, int64_t rows, uint64_t seed);

  // False at the end.
  bool Next(ExportRow& row);

  const std::vector<v1::Unit>& units() const { return units_; }
  // As exports write them: "UBND xã Đắk Long, huyện Đắk Hà".
  const std::vector<std::string>& unit_names() const { return unit_names_; }
  const std::vector<Procedure>& procedures() const { return procedures_; }

 private:
  uint64_t Random();
  size_t Below(size_t n) { return static_cast<size_t>(Random() % n); }
  void MakeProcedures();

  int64_t rows_ = 0;
  int64_t made_ = 0;
  uint64_t state_ = 0;
  std::vector<v1::Unit> units_;
  std::vector<std::string> unit_names_;
  std::vector<Procedure> procedures_;
  std::vector<size_t> unit_draws_;  // a unit as often as it is big
  int day_ = 0;
  std::vector<int> serials_;  // the day's last of each unit
  std::vector<ExportRow> recent_;
};

v1::Dossier ToDossier(const Source& source, const ExportRow& row);

// export.csv as an office has it, headers in Vietnamese, personal columns included; and clean.csv
// for databases, the same rows with nothing left to map: ids, ISO times, numbers, no header.
absl::Status WriteFiles(Source source, const std::string& folder);

}  // namespace dondoc::bench
