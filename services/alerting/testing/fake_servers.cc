#include "services/alerting/testing/fake_servers.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/server_builder.h"
#include "services/common/clock/civil.h"
#include "services/common/rpc/status_conversion.h"

namespace dondoc::alerting::testing {
namespace {

template <typename Message>
grpc::Status Answer(absl::StatusOr<Message> result, Message* response) {
  if (!result.ok()) return ToGrpc(result.status());
  *response = *std::move(result);
  return grpc::Status::OK;
}

// Keeps the page's one item of `items`; answers the next page's token.
template <typename Items>
std::string CutPage(const std::string& token, Items& items) {
  int index = 0;
  if (!token.empty() && !absl::SimpleAtoi(token, &index)) index = 0;
  const int size = items.size();
  if (size == 0) return "";
  const auto kept = items.Get(index);
  items.Clear();
  *items.Add() = kept;
  return index + 1 < size ? absl::StrCat(index + 1) : "";
}

}  // namespace

struct FakeServers::Ratios final : public v1::RatioService::Service {
  explicit Ratios(FakeFigureSource& fake) : source(fake) {}
  grpc::Status GetFreshness(grpc::ServerContext*, const v1::GetFreshnessRequest*,
                            v1::GetFreshnessResponse* response) override {
    return Answer(source.GetFreshness({}), response);
  }
  grpc::Status GetSummary(grpc::ServerContext*, const v1::GetSummaryRequest* request,
                          v1::GetSummaryResponse* response) override {
    return Answer(source.GetSummary({}, *request), response);
  }
  grpc::Status ListRatios(grpc::ServerContext*, const v1::ListRatiosRequest* request,
                          v1::ListRatiosResponse* response) override {
    const grpc::Status status = Answer(source.ListRatios({}, *request), response);
    if (status.ok()) {
      response->set_next_page_token(CutPage(request->page_token(), *response->mutable_ratios()));
    }
    return status;
  }
  grpc::Status ListDailyCounts(grpc::ServerContext*, const v1::ListDailyCountsRequest* request,
                               v1::ListDailyCountsResponse* response) override {
    return Answer(source.ListDailyCounts({}, *request), response);
  }
  grpc::Status RegisterWindow(grpc::ServerContext*, const v1::RegisterWindowRequest* request,
                              v1::RegisterWindowResponse*) override {
    return ToGrpc(source.RegisterWindow({}, *request));
  }
  FakeFigureSource& source;
};

struct FakeServers::Units final : public v1::UnitService::Service {
  explicit Units(FakeDirectorySource& fake) : source(fake) {}
  grpc::Status ListUnits(grpc::ServerContext*, const v1::ListUnitsRequest* request,
                         v1::ListUnitsResponse* response) override {
    const auto day = ParseDay(request->valid_on());
    if (!day.ok()) return ToGrpc(day.status());
    const auto units = source.ListUnits({}, *day);
    if (!units.ok()) return ToGrpc(units.status());
    response->mutable_units()->Assign(units->begin(), units->end());
    response->set_next_page_token(CutPage(request->page_token(), *response->mutable_units()));
    return grpc::Status::OK;
  }
  FakeDirectorySource& source;
};

struct FakeServers::Imports final : public v1::ImportService::Service {
  explicit Imports(FakeDirectorySource& fake) : source(fake) {}
  grpc::Status ListImports(grpc::ServerContext*, const v1::ListImportsRequest*,
                           v1::ListImportsResponse* response) override {
    const auto running = source.ListRunningImports({});
    if (!running.ok()) return ToGrpc(running.status());
    for (const std::string& import_id : *running) {
      v1::Import* import = response->add_imports();
      import->set_import_id(import_id);
      import->set_state(v1::ImportState::RUNNING);
    }
    return grpc::Status::OK;
  }
  FakeDirectorySource& source;
};

struct FakeServers::Definitions final : public v1::DefinitionService::Service {
  explicit Definitions(FakeDirectorySource& fake) : source(fake) {}
  grpc::Status ListDefinitions(grpc::ServerContext*, const v1::ListDefinitionsRequest*,
                               v1::ListDefinitionsResponse* response) override {
    const auto definitions = source.ListDefinitions({});
    if (!definitions.ok()) return ToGrpc(definitions.status());
    response->mutable_definitions()->Assign(definitions->begin(), definitions->end());
    return grpc::Status::OK;
  }
  FakeDirectorySource& source;
};

FakeServers::FakeServers(FakeFigureSource& figures, FakeDirectorySource& directory)
    : ratios_(std::make_unique<Ratios>(figures)),
      units_(std::make_unique<Units>(directory)),
      definitions_(std::make_unique<Definitions>(directory)),
      imports_(std::make_unique<Imports>(directory)) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(ratios_.get());
  builder.RegisterService(units_.get());
  builder.RegisterService(definitions_.get());
  builder.RegisterService(imports_.get());
  server_ = builder.BuildAndStart();
}

FakeServers::~FakeServers() {
  if (server_ != nullptr) server_->Shutdown(absl::ToChronoTime(absl::Now() + absl::Seconds(1)));
}

std::string FakeServers::address() const { return absl::StrCat("127.0.0.1:", port_); }

}  // namespace dondoc::alerting::testing
