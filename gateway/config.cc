#include "gateway/config.h"

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <thread>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/config/server_flags.h"
#include "services/common/status/macros.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:8080", "Address of the HTTP port.");
ABSL_FLAG(std::string, metrics_listen, "127.0.0.1:9204", "Address of the metrics port.");
ABSL_FLAG(std::string, ingestion_address, "127.0.0.1:9101", "Where ingestion listens.");
ABSL_FLAG(std::string, aggregation_address, "127.0.0.1:9102", "Where aggregation listens.");
ABSL_FLAG(std::string, alerting_address, "127.0.0.1:9103", "Where alerting listens.");
ABSL_FLAG(bool, allow_insecure_listen, false,
          "Listen where other machines can reach, though there is no TLS and nobody is asked who "
          "they are: behind a proxy that does both, or in a trial.");
ABSL_FLAG(int32_t, threads, 0, "Threads that serve connections, 0 to 256; 0 = one per core.");
ABSL_FLAG(int64_t, header_bytes_max, 16 << 10,
          "Most bytes of a request line with its headers, 1024 to 1048576.");
ABSL_FLAG(int64_t, target_bytes_max, 8 << 10,
          "Most bytes of a path with its query, 256 to 1048576.");
ABSL_FLAG(int64_t, json_body_bytes_max, 8 << 20, "Most bytes of a JSON body, 1024 to 67108864.");
ABSL_FLAG(int64_t, upload_bytes_max, int64_t{1} << 30,
          "Most bytes of an uploaded file, 1024 to 1099511627776.");
ABSL_FLAG(int64_t, connections_max, 4096, "Most open connections, 1 to 1000000.");
ABSL_FLAG(double, idle_seconds, 75, "How long a connection may wait between requests.");
ABSL_FLAG(double, header_seconds, 30, "How long the headers of a request may take, at most 30.");
ABSL_FLAG(double, body_seconds, 30, "How long a JSON body may take, at most 30.");
ABSL_FLAG(double, upload_idle_seconds, 30, "How long an upload may stand still.");
ABSL_FLAG(double, stall_seconds, 60, "How long a service may take nothing of an upload.");
ABSL_FLAG(double, write_idle_seconds, 30, "How long a client may take nothing of its answer.");
ABSL_FLAG(double, call_seconds, 30, "How long a call to a service may take.");
ABSL_FLAG(double, stream_seconds, 1800, "How long an upload or download may take in all.");

namespace dondoc::gateway {
namespace {

// Absl prints flags by reference; reading a flag by pointer keeps name and value together.
absl::StatusOr<int64_t> Bounded(absl::string_view name, int64_t value, int64_t least,
                                int64_t most) {
  if (value >= least && value <= most) return value;
  return absl::InvalidArgumentError(
      absl::StrCat("--", name, "=", value, ": want ", least, " to ", most));
}

absl::StatusOr<absl::Duration> Seconds(absl::string_view name, double value, double most) {
  constexpr double kLeast = 0.001;
  // Written so that NaN is refused.
  if (value >= kLeast && value <= most) return absl::Seconds(value);
  return absl::InvalidArgumentError(
      absl::StrCat("--", name, "=", value, ": want ", kLeast, " to ", most, " seconds"));
}

absl::StatusOr<Limits> LimitsFromFlags() {
  constexpr int64_t kMi = 1 << 20;
  constexpr double kDay = 86400;
  constexpr double kReadSecondsMax = 30;  // the contract's promise against slow senders
  Limits limits;
  ASSIGN_OR_RETURN(const int64_t header_bytes,
                   Bounded("header_bytes_max", absl::GetFlag(FLAGS_header_bytes_max), 1024, kMi));
  limits.header_bytes_max = static_cast<uint32_t>(header_bytes);
  ASSIGN_OR_RETURN(const int64_t target_bytes,
                   Bounded("target_bytes_max", absl::GetFlag(FLAGS_target_bytes_max), 256, kMi));
  limits.target_bytes_max = static_cast<size_t>(target_bytes);
  ASSIGN_OR_RETURN(
      const int64_t json_bytes,
      Bounded("json_body_bytes_max", absl::GetFlag(FLAGS_json_body_bytes_max), 1024, 64 * kMi));
  limits.json_body_bytes_max = static_cast<uint64_t>(json_bytes);
  ASSIGN_OR_RETURN(
      const int64_t upload_bytes,
      Bounded("upload_bytes_max", absl::GetFlag(FLAGS_upload_bytes_max), 1024, kMi * kMi));
  limits.upload_bytes_max = static_cast<uint64_t>(upload_bytes);
  ASSIGN_OR_RETURN(const int64_t connections,
                   Bounded("connections_max", absl::GetFlag(FLAGS_connections_max), 1, 1000000));
  limits.connections_max = static_cast<size_t>(connections);
  ASSIGN_OR_RETURN(limits.idle_time,
                   Seconds("idle_seconds", absl::GetFlag(FLAGS_idle_seconds), kDay));
  ASSIGN_OR_RETURN(limits.header_time,
                   Seconds("header_seconds", absl::GetFlag(FLAGS_header_seconds), kReadSecondsMax));
  ASSIGN_OR_RETURN(limits.body_time,
                   Seconds("body_seconds", absl::GetFlag(FLAGS_body_seconds), kReadSecondsMax));
  ASSIGN_OR_RETURN(limits.upload_idle_time,
                   Seconds("upload_idle_seconds", absl::GetFlag(FLAGS_upload_idle_seconds), kDay));
  ASSIGN_OR_RETURN(limits.stall_time,
                   Seconds("stall_seconds", absl::GetFlag(FLAGS_stall_seconds), kDay));
  ASSIGN_OR_RETURN(limits.write_idle_time,
                   Seconds("write_idle_seconds", absl::GetFlag(FLAGS_write_idle_seconds), kDay));
  ASSIGN_OR_RETURN(limits.call_time,
                   Seconds("call_seconds", absl::GetFlag(FLAGS_call_seconds), kDay));
  ASSIGN_OR_RETURN(limits.stream_time,
                   Seconds("stream_seconds", absl::GetFlag(FLAGS_stream_seconds), kDay));
  return limits;
}

}  // namespace

bool IsLoopback(absl::string_view address) {
  absl::string_view host = address.substr(0, address.rfind(':'));
  if (absl::EqualsIgnoreCase(host, "localhost")) return true;
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  const auto ip = boost::asio::ip::make_address(std::string(host), error);
  return !error && ip.is_loopback();
}

absl::StatusOr<GatewayConfig> ConfigFromFlags() {
  GatewayConfig config;
  config.options.listen_address = absl::GetFlag(FLAGS_listen);
  ASSIGN_OR_RETURN(config.server, ServerConfigFromFlags("gateway", config.options.listen_address));
  if (!IsLoopback(config.options.listen_address) && !absl::GetFlag(FLAGS_allow_insecure_listen)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--listen=", config.options.listen_address,
                     ": other machines could reach this port, and it has neither TLS nor keys yet; "
                     "listen on 127.0.0.1, or say --allow_insecure_listen"));
  }
  config.metrics_address = absl::GetFlag(FLAGS_metrics_listen);
  config.ingestion_address = absl::GetFlag(FLAGS_ingestion_address);
  config.aggregation_address = absl::GetFlag(FLAGS_aggregation_address);
  config.alerting_address = absl::GetFlag(FLAGS_alerting_address);
  RETURN_IF_ERROR(CheckAddress("metrics_listen", config.metrics_address));
  RETURN_IF_ERROR(CheckAddress("ingestion_address", config.ingestion_address));
  RETURN_IF_ERROR(CheckAddress("aggregation_address", config.aggregation_address));
  RETURN_IF_ERROR(CheckAddress("alerting_address", config.alerting_address));
  constexpr int64_t kThreadsMax = 256;
  ASSIGN_OR_RETURN(const int64_t threads,
                   Bounded("threads", absl::GetFlag(FLAGS_threads), 0, kThreadsMax));
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  config.options.threads = static_cast<int>(threads == 0 ? cores : threads);
  ASSIGN_OR_RETURN(config.limits, LimitsFromFlags());
  return config;
}

}  // namespace dondoc::gateway
