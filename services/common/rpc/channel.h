#pragma once

#include <memory>
#include <string>

#include "grpcpp/channel.h"

namespace dondoc {

// A client channel to another service of ours: plain text, reconnecting with backoff of at most 2
// s, messages up to 64 MiB, keepalive that matches RunServer's.
std::shared_ptr<grpc::Channel> DialService(const std::string& address);

}  // namespace dondoc
