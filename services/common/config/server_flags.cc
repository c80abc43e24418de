#include "services/common/config/server_flags.h"

#include <cmath>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/common/log/log.h"
#include "services/common/status/macros.h"
#include "services/common/status/quote.h"

ABSL_FLAG(std::string, port_file, "",
          "File that gets the bound ports once the server listens: lines \"grpc N\" and "
          "\"metrics N\". Empty = none.");
ABSL_FLAG(std::string, log_level, "info", "Least level logged: debug, info, warning or error.");
ABSL_FLAG(std::string, now, "",
          "Civil time at the start, e.g. 2023-11-21T09:00:00+07:00; it runs from there. Empty = "
          "the machine's clock.");
ABSL_FLAG(std::string, now_file, "",
          "File whose first line is the civil time, read again all the time. Empty = the machine's "
          "clock.");
ABSL_FLAG(double, drain_seconds, 10,
          "How long calls under way may take to end after SIGTERM or SIGINT, 0 to 600.");

namespace dondoc {
namespace {

constexpr double kDrainSecondsMax = 600;
constexpr size_t kHostBytesMax = 253;  // a DNS name
constexpr int kPortMax = 65535;

}  // namespace

absl::Status CheckAddress(const std::string& flag, const std::string& value) {
  const auto bad = [&](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("--", flag, "=", Quoted(value), ": ", why));
  };
  const size_t colon = value.rfind(':');
  if (colon == std::string::npos) return bad("want host:port");
  const absl::string_view host = absl::string_view(value).substr(0, colon);
  const absl::string_view port_text = absl::string_view(value).substr(colon + 1);
  int port = 0;
  const bool digits = port_text.find_first_not_of("0123456789") == absl::string_view::npos;
  if (port_text.empty() || port_text.size() > 5 || !digits || !absl::SimpleAtoi(port_text, &port) ||
      port > kPortMax) {
    return bad("the port is not a number from 0 to 65535");
  }
  if (host.empty()) return bad("the host is missing; want host:port");
  if (host.front() == '[') {
    const absl::string_view inside = host.substr(1, host.size() < 2 ? 0 : host.size() - 2);
    if (host.back() != ']' || inside.empty() ||
        inside.find_first_not_of("0123456789abcdefABCDEF:.") != absl::string_view::npos) {
      return bad("the host is not an IPv6 address in brackets");
    }
    return absl::OkStatus();
  }
  if (host.find(':') != absl::string_view::npos) {
    return bad("an IPv6 address goes in brackets: [::1]:port");
  }
  constexpr absl::string_view kHostCharacters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  if (host.size() > kHostBytesMax ||
      host.find_first_not_of(kHostCharacters) != absl::string_view::npos) {
    return bad("the host is neither a name nor an address");
  }
  return absl::OkStatus();
}

absl::StatusOr<ServerConfig> ServerConfigFromFlags(const std::string& service,
                                                   const std::string& listen_address) {
  const std::string level_text = absl::GetFlag(FLAGS_log_level);
  log::Level level = log::Level::kInfo;
  if (!log::ParseLevel(level_text, level)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--log_level=", Quoted(level_text), ": want debug, info, warning or error"));
  }
  RETURN_IF_ERROR(CheckAddress("listen", listen_address));
  const double drain_seconds = absl::GetFlag(FLAGS_drain_seconds);
  // Written so that NaN is refused.
  if (!(drain_seconds >= 0 && drain_seconds <= kDrainSecondsMax)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--drain_seconds=", drain_seconds, ": want 0 to ", kDrainSecondsMax));
  }
  log::Start(service, level);
  ServerConfig config;
  config.service = service;
  config.listen_address = listen_address;
  config.drain_time = absl::Seconds(drain_seconds);
  config.port_file = absl::GetFlag(FLAGS_port_file);
  return config;
}

absl::StatusOr<std::unique_ptr<Clock>> ClockFromFlags() {
  return MakeClock(absl::GetFlag(FLAGS_now), absl::GetFlag(FLAGS_now_file));
}

}  // namespace dondoc
