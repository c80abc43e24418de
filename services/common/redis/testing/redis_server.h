#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "services/common/redis/redis_client.h"
#include "services/common/testing/temp_dir.h"

namespace dondoc::testing {

// A real redis-server of this test's own: a free port of this machine, a folder of its own, gone
// with the test. Started when constructed; the constructor fails the test when it does not answer.
class RedisServer {
 public:
  RedisServer();
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  int port() const { return port_; }
  RedisClientOptions options() const;

  // SIGKILL, as a crash.
  void Kill();
  // On the same port, with what its folder holds. Also after Kill.
  void Restart();
  // Stopped it keeps its connections and answers nothing.
  void Stop();
  void Continue();

  // One command through a client of its own; fails the test on an error.
  RedisReply Command(const RedisCommand& command);

 private:
  bool Start();

  TempDir folder_;
  int port_ = 0;
  pid_t process_ = -1;
};

// A port of 127.0.0.1 that nobody used a moment ago, and that port 0 does not hand out.
int FreePort();

}  // namespace dondoc::testing
