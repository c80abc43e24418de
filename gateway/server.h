#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/backend.h"

namespace dondoc::gateway {

struct ServerOptions {
  std::string listen_address;  // host:port; port 0 picks a free one
  int threads = 1;
};

// Listens and serves until Stop. The backend outlives it.
class Server {
 public:
  // kUnavailable when the address cannot be bound (names it).
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       Backend& backend);
  ~Server();
  int port() const;

  // No new connections, idle ones closed; requests under way may end within `drain_time`, then they
  // are broken off. Returns when all threads have ended. Not to be called twice at once.
  void Stop(absl::Duration drain_time);

 private:
  class Shared;
  explicit Server(std::unique_ptr<Shared> shared);
  std::unique_ptr<Shared> shared_;
};

}  // namespace dondoc::gateway
