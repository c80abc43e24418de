#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/ingestion/ledger/ledger_log.pb.h"

namespace dondoc::ingestion {

// An import that was applied, as the log tells it.
struct ImportView {
  struct Application {
    int64_t sequence = 0;
    ledger::RowCounts counts;
  };
  std::string import_id;
  int64_t default_effective_us = 0;
  std::optional<int64_t> extracted_at_us;
  std::vector<Application> applications;  // the first is its application, the others its replays
  std::vector<std::pair<int64_t, bool>> liveness;  // from which sequence on, in order

  bool live() const { return liveness.back().second; }
  bool LiveAt(int64_t sequence) const {
    bool live_then = false;
    for (const auto& [from, live_from_there] : liveness) {
      if (from > sequence) break;
      live_then = live_from_there;
    }
    return live_then;
  }
};

}  // namespace dondoc::ingestion
