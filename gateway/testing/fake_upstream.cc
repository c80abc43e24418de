#include "gateway/testing/fake_upstream.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/server_builder.h"

namespace dondoc::gateway::testing {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);
constexpr absl::Duration kCancelPoll = absl::Milliseconds(5);

}  // namespace

class FakeUpstream::Services : public v1::RatioService::Service,
                               public v1::DossierService::Service,
                               public v1::ImportService::Service,
                               public v1::CampaignService::Service {
 public:
  // --- what tests set and see ---
  Mutex mutex;
  CondVar changed;
  grpc::Status status ABSL_GUARDED_BY(mutex);
  bool held ABSL_GUARDED_BY(mutex) = false;
  std::string request ABSL_GUARDED_BY(mutex);
  std::string request_id ABSL_GUARDED_BY(mutex);
  absl::Duration time_left ABSL_GUARDED_BY(mutex);
  int calls ABSL_GUARDED_BY(mutex) = 0;
  int cancelled ABSL_GUARDED_BY(mutex) = 0;
  std::int64_t upload_bytes ABSL_GUARDED_BY(mutex) = 0;
  std::int64_t upload_messages ABSL_GUARDED_BY(mutex) = 0;
  std::int64_t largest_piece ABSL_GUARDED_BY(mutex) = 0;
  std::int64_t upload_stops_after ABSL_GUARDED_BY(mutex) = 0;
  std::vector<v1::RawBody> pieces ABSL_GUARDED_BY(mutex);
  grpc::Status pieces_end ABSL_GUARDED_BY(mutex);
  v1::RawBody preview ABSL_GUARDED_BY(mutex);
  v1::GetSummaryResponse summary ABSL_GUARDED_BY(mutex);

  bool WaitFor(const std::function<bool()>& condition) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const absl::Time end = absl::Now() + kPatience;
    while (!condition()) {
      if (absl::Now() > end) return false;
      changed.WaitFor(mutex, absl::Milliseconds(100));
    }
    return true;
  }

  // --- the services ---
  grpc::Status GetSummary(grpc::ServerContext* context, const v1::GetSummaryRequest* asked,
                          v1::GetSummaryResponse* response) override {
    const grpc::Status end = Enter(*context, asked->ShortDebugString());
    MutexLock lock(mutex);
    *response = summary;
    return end;
  }
  grpc::Status ListRatios(grpc::ServerContext* context, const v1::ListRatiosRequest* asked,
                          v1::ListRatiosResponse* response) override {
    response->set_ledger_id("l");
    return Enter(*context, asked->ShortDebugString());
  }
  grpc::Status GetUnitRatio(grpc::ServerContext* context, const v1::GetUnitRatioRequest* asked,
                            v1::GetUnitRatioResponse* response) override {
    response->set_unit_id(asked->unit_id());
    return Enter(*context, asked->ShortDebugString());
  }
  grpc::Status GetDossier(grpc::ServerContext* context, const v1::GetDossierRequest* asked,
                          v1::DossierHistory*) override {
    return Enter(*context, asked->ShortDebugString());
  }
  grpc::Status ListDossiers(grpc::ServerContext* context, const v1::ListDossiersRequest* asked,
                            v1::ListDossiersResponse*) override {
    return Enter(*context, asked->ShortDebugString());
  }
  grpc::Status BatchWriteDossiers(grpc::ServerContext* context,
                                  const v1::BatchWriteDossiersRequest* asked,
                                  v1::BatchWriteDossiersResponse* response) override {
    for (const auto& dossier : asked->dossiers()) {
      response->add_outcomes()->set_code(dossier.code());
    }
    return Enter(*context, asked->ShortDebugString());
  }
  grpc::Status ApplyImport(grpc::ServerContext* context, const v1::ApplyImportRequest* asked,
                           v1::Import* response) override {
    response->set_import_id(asked->import_id());
    return Enter(*context, asked->ShortDebugString());
  }
  grpc::Status CreateCampaign(grpc::ServerContext* context, const v1::CreateCampaignRequest* asked,
                              v1::Campaign* response) override {
    *response = asked->campaign();
    return Enter(*context, asked->ShortDebugString());
  }
  grpc::Status PreviewReminder(grpc::ServerContext* context,
                               const v1::PreviewReminderRequest* asked,
                               v1::RawBody* response) override {
    const grpc::Status end = Enter(*context, asked->ShortDebugString());
    MutexLock lock(mutex);
    *response = preview;
    return end;
  }

  grpc::Status CreateImport(grpc::ServerContext* context,
                            grpc::ServerReader<v1::CreateImportRequest>* reader,
                            v1::Import* response) override {
    {
      MutexLock lock(mutex);
      upload_bytes = upload_messages = largest_piece = 0;
    }
    v1::CreateImportRequest message;
    bool entered = false;
    while (reader->Read(&message)) {
      const std::int64_t bytes = static_cast<std::int64_t>(message.body().data().size());
      message.mutable_body()->clear_data();
      grpc::Status end;
      if (!entered) end = Enter(*context, message.ShortDebugString());
      entered = true;
      MutexLock lock(mutex);
      upload_bytes += bytes;
      largest_piece = std::max(largest_piece, bytes);
      ++upload_messages;
      changed.SignalAll();
      if (!end.ok()) return end;
      if (upload_messages == upload_stops_after) {
        return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "import_id: stop right there");
      }
    }
    MutexLock lock(mutex);
    if (context->IsCancelled()) {
      ++cancelled;
      changed.SignalAll();
    }
    response->set_import_id("i-1");
    response->set_bytes(upload_bytes);
    return status;
  }

  grpc::Status DownloadRejects(grpc::ServerContext* context,
                               const v1::DownloadRejectsRequest* asked,
                               grpc::ServerWriter<v1::RawBody>* writer) override {
    grpc::Status end = Enter(*context, asked->ShortDebugString());
    if (!end.ok()) return end;
    std::vector<v1::RawBody> sent;
    {
      MutexLock lock(mutex);
      sent = pieces;
      end = pieces_end;
    }
    bool taken = true;
    for (const auto& piece : sent) taken = taken && writer->Write(piece);
    MutexLock lock(mutex);
    // A write fails a moment before the context knows why.
    if (!taken || context->IsCancelled()) {
      ++cancelled;
      changed.SignalAll();
    }
    return end;
  }

 private:
  // Notes the call, waits while calls are held, and returns what to answer.
  grpc::Status Enter(grpc::ServerContext& context, const std::string& text) {
    MutexLock lock(mutex);
    ++calls;
    request = text;
    const auto& metadata = context.client_metadata();
    const auto id = metadata.find("x-request-id");
    request_id = id == metadata.end() ? "" : std::string(id->second.data(), id->second.size());
    time_left = absl::FromChrono(context.deadline()) - absl::Now();
    changed.SignalAll();
    while (held && !context.IsCancelled()) changed.WaitFor(mutex, kCancelPoll);
    if (context.IsCancelled()) {
      ++cancelled;
      changed.SignalAll();
    }
    return status;
  }
};

FakeUpstream::FakeUpstream() : services_(std::make_unique<Services>()) {
  grpc::EnableDefaultHealthCheckService(true);
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(16 << 20);
  builder.RegisterService(static_cast<v1::RatioService::Service*>(services_.get()));
  builder.RegisterService(static_cast<v1::DossierService::Service*>(services_.get()));
  builder.RegisterService(static_cast<v1::ImportService::Service*>(services_.get()));
  builder.RegisterService(static_cast<v1::CampaignService::Service*>(services_.get()));
  server_ = builder.BuildAndStart();
  address_ = absl::StrCat("127.0.0.1:", port);
}

FakeUpstream::~FakeUpstream() {
  Release();
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

void FakeUpstream::SetStatus(grpc::Status status) {
  MutexLock lock(services_->mutex);
  services_->status = std::move(status);
}
void FakeUpstream::SetServing(bool serving) {
  server_->GetHealthCheckService()->SetServingStatus(serving);
}
void FakeUpstream::Hold() {
  MutexLock lock(services_->mutex);
  services_->held = true;
}
void FakeUpstream::Release() {
  MutexLock lock(services_->mutex);
  services_->held = false;
  services_->changed.SignalAll();
}
std::string FakeUpstream::last_request() const {
  MutexLock lock(services_->mutex);
  return services_->request;
}
std::string FakeUpstream::last_request_id() const {
  MutexLock lock(services_->mutex);
  return services_->request_id;
}
absl::Duration FakeUpstream::last_time_left() const {
  MutexLock lock(services_->mutex);
  return services_->time_left;
}
int FakeUpstream::calls() const {
  MutexLock lock(services_->mutex);
  return services_->calls;
}
std::int64_t FakeUpstream::upload_bytes() const {
  MutexLock lock(services_->mutex);
  return services_->upload_bytes;
}
std::int64_t FakeUpstream::upload_messages() const {
  MutexLock lock(services_->mutex);
  return services_->upload_messages;
}
std::int64_t FakeUpstream::largest_piece() const {
  MutexLock lock(services_->mutex);
  return services_->largest_piece;
}
bool FakeUpstream::WaitForCalls(int count) {
  MutexLock lock(services_->mutex);
  return services_->WaitFor([&] { return services_->calls >= count; });
}
bool FakeUpstream::WaitForCancelled(int count) {
  MutexLock lock(services_->mutex);
  return services_->WaitFor([&] { return services_->cancelled >= count; });
}
void FakeUpstream::SetPieces(std::vector<v1::RawBody> pieces, grpc::Status end) {
  MutexLock lock(services_->mutex);
  services_->pieces = std::move(pieces);
  services_->pieces_end = std::move(end);
}
void FakeUpstream::SetPreview(v1::RawBody preview) {
  MutexLock lock(services_->mutex);
  services_->preview = std::move(preview);
}
void FakeUpstream::SetSummary(v1::GetSummaryResponse summary) {
  MutexLock lock(services_->mutex);
  services_->summary = std::move(summary);
}
void FakeUpstream::SetUploadStopsAfter(std::int64_t messages) {
  MutexLock lock(services_->mutex);
  services_->upload_stops_after = messages;
}

}  // namespace dondoc::gateway::testing
