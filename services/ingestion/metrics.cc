#include "services/ingestion/metrics.h"

#include <string>

#include "services/common/rpc/status_conversion.h"

namespace dondoc::ingestion {
namespace {

prometheus::Family<prometheus::Counter>& CounterFamily(prometheus::Registry& registry,
                                                       const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Counter& MakeCounter(prometheus::Registry& registry, const char* name,
                                 const char* help) {
  return CounterFamily(registry, name, help).Add({});
}

prometheus::Gauge& MakeGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

const prometheus::Histogram::BucketBoundaries& CommitBuckets() {
  static const auto* const buckets = new prometheus::Histogram::BucketBoundaries{
      0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
  return *buckets;
}

}  // namespace

Metrics::Metrics(prometheus::Registry& registry)
    : import_bytes(
          MakeCounter(registry, "dondoc_ingestion_import_bytes_total", "Bytes of files read.")),
      import_rows(MakeCounter(registry, "dondoc_ingestion_import_rows_total",
                              "Rows of files read to their end.")),
      import_rejects(MakeCounter(registry, "dondoc_ingestion_import_rejects_total",
                                 "Rows of those that could not be counted.")),
      imports_running(
          MakeGauge(registry, "dondoc_ingestion_imports_running", "Files on their way.")),
      feed_followers(
          MakeGauge(registry, "dondoc_ingestion_feed_followers", "Open streams of the feed.")),
      feed_events(MakeCounter(registry, "dondoc_ingestion_feed_events_total",
                              "Feed events written, heartbeats left out.")),
      feed_bytes(MakeCounter(registry, "dondoc_ingestion_feed_bytes_total",
                             "Bytes of feed events and snapshot chunks written.")),
      feed_followers_cut(MakeCounter(registry, "dondoc_ingestion_feed_followers_cut_total",
                                     "Followers cut because they read too slowly.")),
      head_sequence(
          MakeGauge(registry, "dondoc_ingestion_head_sequence", "The ledger's last sequence.")),
      calls_(CounterFamily(registry, "dondoc_ingestion_calls_total", "Calls by RPC and code.")),
      dossiers_(CounterFamily(registry, "dondoc_ingestion_dossiers_total",
                              "Pushed dossiers by outcome.")),
      imports_(CounterFamily(registry, "dondoc_ingestion_imports_total",
                             "Imports by the state they came to.")),
      commit_seconds_(prometheus::BuildHistogram()
                          .Name("dondoc_ingestion_commit_seconds")
                          .Help("Time of a commit, by kind of change.")
                          .Register(registry)) {}

grpc::Status Metrics::Answer(absl::string_view rpc, const absl::Status& status) {
  calls_.Add({{"rpc", std::string(rpc)}, {"code", absl::StatusCodeToString(status.code())}})
      .Increment();
  return ToGrpc(status);
}

void Metrics::ObserveCommit(absl::string_view kind, absl::Duration duration) {
  commit_seconds_.Add({{"kind", std::string(kind)}}, CommitBuckets())
      .Observe(absl::ToDoubleSeconds(duration));
}

void Metrics::CountDossiers(absl::string_view outcome, int64_t count) {
  if (count > 0) {
    dossiers_.Add({{"outcome", std::string(outcome)}}).Increment(static_cast<double>(count));
  }
}

void Metrics::CountImport(absl::string_view state) {
  imports_.Add({{"state", std::string(state)}}).Increment();
}

}  // namespace dondoc::ingestion
