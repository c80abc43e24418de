#pragma once

// What DialService sends and RunServer allows; a server answers pings that come more often with
// GOAWAY, so the two are kept in one place.

namespace dondoc {

inline constexpr int kKeepaliveTimeMs = 10'000;
inline constexpr int kKeepaliveTimeoutMs = 5'000;
inline constexpr int kKeepaliveLeastMs = kKeepaliveTimeMs / 2;

}  // namespace dondoc
