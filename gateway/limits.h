#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace dondoc::gateway {

// Everything a stranger can make us hold or wait for. Times are real time.
struct Limits {
  std::uint32_t header_bytes_max = 16 << 10;    // request line and all headers; beyond: 431
  std::size_t target_bytes_max = 8 << 10;       // path and query; beyond: 414
  std::uint64_t json_body_bytes_max = 8 << 20;  // also a raw body of a unary call; beyond: 413
  std::uint64_t upload_bytes_max = std::uint64_t{1} << 30;  // a streamed raw body; beyond: 413
  std::size_t connections_max = 4096;                       // beyond: 503 and closed

  absl::Duration idle_time = absl::Seconds(75);         // between requests; then closed
  absl::Duration header_time = absl::Seconds(30);       // first byte to end of headers; then 408
  absl::Duration body_time = absl::Seconds(30);         // a body that is read as a whole; then 408
  absl::Duration upload_idle_time = absl::Seconds(30);  // without a byte of an upload; then 408
  absl::Duration stall_time = absl::Seconds(60);        // a service takes no piece; then 504
  absl::Duration write_idle_time = absl::Seconds(30);   // the client takes nothing; then closed
  absl::Duration call_time = absl::Seconds(30);         // deadline of a call; then 504
  absl::Duration stream_time = absl::Minutes(30);       // deadline of an upload or download

  // What a refused request may still send before we close, so that it can read why.
  std::uint64_t linger_bytes_max = 4 << 20;
  absl::Duration linger_time = absl::Seconds(3);
};

// Pieces of a raw body on their way up (dondoc.v1.RawBody).
inline constexpr std::size_t kPieceBytesMax = 64 << 10;

}  // namespace dondoc::gateway
