#pragma once

#include <string>

#include "grpcpp/server_context.h"

namespace dondoc::ingestion {

// Who a call is for, as the gateway vouches in its metadata "x-dondoc-principal"; "" = not known,
// or nothing that fits a log (1 to 128 printable bytes).
std::string PrincipalOf(const grpc::ServerContext& context);

}  // namespace dondoc::ingestion
