#include <deque>
#include <fstream>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "dondoc/v1/dossiers.grpc.pb.h"
#include "dondoc/v1/imports.grpc.pb.h"
#include "dondoc/v1/units.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/server_builder.h"
#include "tests/bench/ingest/contenders.h"

namespace dondoc::bench {
namespace {

// Batches sent before the first of them is acknowledged.
constexpr size_t kWindow = 8;
constexpr size_t kPieceBytes = 64 << 10;

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

grpc::ByteBuffer ToBuffer(const google::protobuf::Message& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

// One stream of ready bytes: its writes and reads go on at the same time, with at most kWindow
// batches between them.
class ByteStream {
 public:
  explicit ByteStream(const std::shared_ptr<grpc::Channel>& channel) : stub_(channel) {}

  // `next` gives a batch to send; false at the end. Acknowledgements are handed to `answered`.
  template <typename Next, typename Answered>
  absl::Status Run(const Next& next, const Answered& answered) {
    call_ = stub_.PrepareCall(&context_, "/dondoc.v1.DossierService/StreamWriteDossiers", &queue_);
    call_->StartCall(Tag(kStart));
    bool more = true, writing = true, reading = false, closed = false;
    size_t open = 0;
    grpc::ByteBuffer batch, answer;
    while (true) {
      void* tag = nullptr;
      bool ok = false;
      if (!queue_.Next(&tag, &ok) || !ok) break;
      switch (static_cast<Event>(reinterpret_cast<intptr_t>(tag))) {
        case kStart:
        case kWrite:
          writing = false;
          break;
        case kRead:
          reading = false;
          --open;
          answered(answer);
          answer.Clear();
          break;
        case kClose:
          closed = true;
          break;
      }
      if (more && !writing && open < kWindow) {
        batch.Clear();
        more = next(batch);
        if (more) {
          ++open;
          writing = true;
          call_->Write(batch, Tag(kWrite));
        }
      }
      if (!reading && open > 0) {
        reading = true;
        call_->Read(&answer, Tag(kRead));
      }
      if (!more && !writing && open == 0) {
        if (closed) break;
        writing = true;  // nothing else is to be written
        call_->WritesDone(Tag(kClose));
      }
      if (closed && open == 0) break;
    }
    grpc::Status status;
    void* tag = nullptr;
    bool ok = false;
    call_->Finish(&status, Tag(kClose));
    queue_.Next(&tag, &ok);
    return FromGrpc(status);
  }

 private:
  enum Event : intptr_t { kStart = 1, kWrite, kRead, kClose };
  static void* Tag(Event event) { return reinterpret_cast<void*>(static_cast<intptr_t>(event)); }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

int64_t CountChanged(std::vector<grpc::ByteBuffer>& answers) {
  int64_t changed = 0;
  for (grpc::ByteBuffer& answer : answers) {
    v1::BatchWriteDossiersResponse response;
    if (!grpc::SerializationTraits<v1::BatchWriteDossiersResponse>::Deserialize(&answer, &response)
             .ok()) {
      continue;
    }
    for (const v1::DossierOutcome& outcome : response.outcomes()) {
      changed +=
          outcome.outcome() == v1::Outcome::CREATED || outcome.outcome() == v1::Outcome::UPDATED;
    }
  }
  return changed;
}

class NothingService final : public v1::DossierService::Service {
 public:
  grpc::Status StreamWriteDossiers(
      grpc::ServerContext*,
      grpc::ServerReaderWriter<v1::BatchWriteDossiersResponse, v1::BatchWriteDossiersRequest>*
          stream) override {
    v1::BatchWriteDossiersRequest request;
    v1::BatchWriteDossiersResponse response;
    while (stream->Read(&request)) {
      response.set_sequence(response.sequence() + request.dossiers_size());
      if (!stream->Write(response)) break;
    }
    return grpc::Status::OK;
  }
};

}  // namespace

absl::Status PutUnits(const Source& source, const std::string& address) {
  const auto stub = v1::UnitService::NewStub(Connect(address));
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  v1::ImportUnitsRequest request;
  v1::ImportUnitsResponse response;
  request.mutable_units()->Assign(source.units().begin(), source.units().end());
  return FromGrpc(stub->ImportUnits(&context, request, &response));
}

absl::StatusOr<Result> RunStream(Source source, const std::string& address) {
  Result result;
  std::deque<grpc::ByteBuffer> batches;
  v1::BatchWriteDossiersRequest request;
  ExportRow row;
  for (bool more = true; more;) {
    more = source.Next(row);
    if (more) *request.add_dossiers() = ToDossier(source, row);
    if (request.dossiers_size() == kBatchRows || (!more && request.dossiers_size() > 0)) {
      result.rows += request.dossiers_size();
      batches.push_back(ToBuffer(request));
      request.Clear();
    }
  }
  std::vector<grpc::ByteBuffer> answers;
  answers.reserve(batches.size());
  const size_t sent = batches.size();
  const absl::Time start = absl::Now();
  absl::Time end = start;
  const absl::Status status = ByteStream(Connect(address))
                                  .Run(
                                      [&](grpc::ByteBuffer& batch) {
                                        if (batches.empty()) return false;
                                        batch.Swap(&batches.front());
                                        batches.pop_front();
                                        return true;
                                      },
                                      [&](const grpc::ByteBuffer& answer) {
                                        answers.push_back(answer);
                                        end = absl::Now();
                                      });
  if (!status.ok()) return status;
  if (answers.size() != sent) {
    return absl::InternalError(absl::StrCat(answers.size(), " answers to ", sent, " batches"));
  }
  result.seconds = absl::ToDoubleSeconds(end - start);
  result.changed = CountChanged(answers);
  return result;
}

absl::StatusOr<Result> RunImport(const std::string& file, const std::string& address) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return absl::NotFoundError(file);
  const auto stub = v1::ImportService::NewStub(Connect(address));
  grpc::ClientContext context;
  v1::Import import;
  v1::CreateImportRequest request;
  const absl::Time start = absl::Now();
  const auto writer = stub->CreateImport(&context, &import);
  std::string piece(kPieceBytes, '\0');
  while (in) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    request.mutable_body()->set_data(piece.data(), static_cast<size_t>(in.gcount()));
    if (!writer->Write(request)) break;
    request.Clear();
  }
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  const absl::Duration taken = absl::Now() - start;
  if (!status.ok()) return FromGrpc(status);
  if (import.state() != v1::ImportState::APPLIED) {
    return absl::FailedPreconditionError(
        absl::StrCat(v1::ImportState::Value_Name(import.state()), ": ", import.error()));
  }
  return Result{absl::ToDoubleSeconds(taken), import.rows(), import.counted()};
}

absl::Status ServeNothing(const std::string& port_file) {
  NothingService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(-1);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return absl::UnavailableError("cannot listen");
  std::ofstream(port_file) << "grpc " << port << "\n";
  server->Wait();
  return absl::OkStatus();
}

}  // namespace dondoc::bench
