#pragma once

#include <memory>
#include <string>

#include "dondoc/v1/definitions.grpc.pb.h"
#include "dondoc/v1/imports.grpc.pb.h"
#include "dondoc/v1/ratios.grpc.pb.h"
#include "dondoc/v1/units.grpc.pb.h"
#include "grpcpp/server.h"
#include "services/alerting/testing/fake_sources.h"

namespace dondoc::alerting::testing {

// The fakes as gRPC services on a free port: aggregation and ingestion for a real client.
class FakeServers {
 public:
  // Lists are answered in pages of one, so that paging is always at work.
  FakeServers(FakeFigureSource& figures, FakeDirectorySource& directory);
  ~FakeServers();
  std::string address() const;

 private:
  struct Ratios;
  struct Units;
  struct Definitions;
  struct Imports;
  const std::unique_ptr<Ratios> ratios_;
  const std::unique_ptr<Units> units_;
  const std::unique_ptr<Definitions> definitions_;
  const std::unique_ptr<Imports> imports_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace dondoc::alerting::testing
