#pragma once

#include <boost/asio/error.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
// A macro of netdb.h, which Asio includes and uses in error.hpp; Outlook has a value of that name.
#undef NO_DATA
#include "dondoc/v1/campaigns.grpc.pb.h"
#include "dondoc/v1/dossiers.grpc.pb.h"
#include "dondoc/v1/imports.grpc.pb.h"
#include "dondoc/v1/ratios.grpc.pb.h"
#include "grpcpp/server.h"
#include "services/common/mutex/mutex.h"

namespace dondoc::gateway::testing {

// A real gRPC server on a free port with some services of the contract, which do what a test says.
// It plays all upstreams at once. Thread-safe.
class FakeUpstream {
 public:
  FakeUpstream();
  ~FakeUpstream();
  std::string address() const { return address_; }

  // What every call answers from now on; OK at first.
  void SetStatus(grpc::Status status);
  void SetServing(bool serving);
  // Makes unary calls and uploads wait until Release, or until they are cancelled.
  void Hold();
  void Release();

  // The last request of each kind, as text, and what came with it.
  std::string last_request() const;
  std::string last_request_id() const;
  absl::Duration last_time_left() const;
  int calls() const;
  // Bytes and messages of the last upload; the largest piece.
  std::int64_t upload_bytes() const;
  std::int64_t upload_messages() const;
  std::int64_t largest_piece() const;

  // True once `count` calls have begun, have been seen cancelled; false after a while without.
  bool WaitForCalls(int count);
  bool WaitForCancelled(int count);

  // Pieces of the next download, and the status after them.
  void SetPieces(std::vector<v1::RawBody> pieces, grpc::Status end);
  // The reminder preview that is answered.
  void SetPreview(v1::RawBody preview);
  // The summary that is answered.
  void SetSummary(v1::GetSummaryResponse summary);
  // After this many messages of an upload, answers without reading on; 0 = reads all.
  void SetUploadStopsAfter(std::int64_t messages);

 private:
  class Services;
  std::unique_ptr<Services> services_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace dondoc::gateway::testing
