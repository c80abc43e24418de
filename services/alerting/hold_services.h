#pragma once

#include <string>

#include "dondoc/v1/disputes.grpc.pb.h"
#include "dondoc/v1/silences.grpc.pb.h"
#include "services/alerting/calls.h"
#include "services/alerting/store/alert_store.h"
#include "services/common/clock/clock.h"

namespace dondoc::alerting {

inline constexpr int kSilenceDaysMax = 366;
inline constexpr size_t kDisputeBytesMax = 4000;

// The API of silences: decode and check, call, encode. Thread-safe.
class SilenceServiceHandler final : public v1::SilenceService::Service {
 public:
  SilenceServiceHandler(AlertStore& store, const Clock& clock) : store_(store), clock_(clock) {}

  grpc::Status CreateSilence(grpc::ServerContext* context, const v1::CreateSilenceRequest* request,
                             v1::Silence* response) override;
  grpc::Status ListSilences(grpc::ServerContext* context, const v1::ListSilencesRequest* request,
                            v1::ListSilencesResponse* response) override;
  grpc::Status EndSilence(grpc::ServerContext* context, const v1::EndSilenceRequest* request,
                          v1::Silence* response) override;

 private:
  absl::StatusOr<v1::Silence> Create(const v1::Silence& wanted);
  absl::StatusOr<v1::ListSilencesResponse> List(const v1::ListSilencesRequest& request) const;

  AlertStore& store_;
  const Clock& clock_;
  IdSource ids_;
};

// The API of disputes. Thread-safe.
class DisputeServiceHandler final : public v1::DisputeService::Service {
 public:
  DisputeServiceHandler(AlertStore& store, const Clock& clock) : store_(store), clock_(clock) {}

  grpc::Status OpenDispute(grpc::ServerContext* context, const v1::OpenDisputeRequest* request,
                           v1::Dispute* response) override;
  grpc::Status GetDispute(grpc::ServerContext* context, const v1::GetDisputeRequest* request,
                          v1::Dispute* response) override;
  grpc::Status ListDisputes(grpc::ServerContext* context, const v1::ListDisputesRequest* request,
                            v1::ListDisputesResponse* response) override;
  grpc::Status ResolveDispute(grpc::ServerContext* context,
                              const v1::ResolveDisputeRequest* request,
                              v1::Dispute* response) override;

 private:
  absl::StatusOr<v1::Dispute> Open(const v1::OpenDisputeRequest& request);
  absl::StatusOr<v1::Dispute> Resolve(const v1::ResolveDisputeRequest& request);
  absl::StatusOr<v1::ListDisputesResponse> List(const v1::ListDisputesRequest& request) const;
  // Our figure of the unit in the campaign's newest evaluation.
  absl::Status AddOurs(v1::Dispute& dispute) const;

  AlertStore& store_;
  const Clock& clock_;
  IdSource ids_;
};

}  // namespace dondoc::alerting
