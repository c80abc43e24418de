#pragma once

#include "grpcpp/server_context.h"

namespace dondoc {

// Whether the caller broke a stream off rather than came to its end: half a file must never pass
// for a whole one. Asked once reading has ended; waits 50 ms at most, as a broken stream ends the
// reading a moment before it is known to be cancelled.
bool BrokeOff(const grpc::ServerContext& context);

}  // namespace dondoc
