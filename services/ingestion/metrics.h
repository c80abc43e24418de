#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/support/status.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace dondoc::ingestion {

// Every metric of ingestion, registered once at start. Listed in README.md. Thread-safe.
class Metrics {
 public:
  // Throws on names that are taken; called at start-up only.
  explicit Metrics(prometheus::Registry& registry);

  // Counts a call of `rpc` by its code and returns the code as gRPC wants it. `rpc` is a literal.
  grpc::Status Answer(absl::string_view rpc, const absl::Status& status);

  // A commit's kind: one of the literals "push", "import", "replay", "liveness", "units",
  // "procedures", "definitions".
  void ObserveCommit(absl::string_view kind, absl::Duration duration);
  // `outcome` is a name of Outcome.Value.
  void CountDossiers(absl::string_view outcome, int64_t count);
  // `state` is a name of ImportState.Value.
  void CountImport(absl::string_view state);

  prometheus::Counter& import_bytes;
  prometheus::Counter& import_rows;
  prometheus::Counter& import_rejects;
  prometheus::Gauge& imports_running;
  prometheus::Gauge& feed_followers;
  prometheus::Counter& feed_events;
  prometheus::Counter& feed_bytes;
  prometheus::Counter& feed_followers_cut;
  prometheus::Gauge& head_sequence;

 private:
  prometheus::Family<prometheus::Counter>& calls_;
  prometheus::Family<prometheus::Counter>& dossiers_;
  prometheus::Family<prometheus::Counter>& imports_;
  prometheus::Family<prometheus::Histogram>& commit_seconds_;
};

}  // namespace dondoc::ingestion
