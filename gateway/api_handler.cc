#include "gateway/api_handler.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "dondoc/v1/options.pb.h"
#include "gateway/json_writer.h"
#include "gateway/transcoder.h"
#include "google/protobuf/message.h"
#include "services/common/log/log.h"

namespace dondoc::gateway {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using google::protobuf::Message;

// A document from a service is data, also when it is HTML: it gets no scripts, no network and no
// part of our origin. Its forms may post to us: the button that confirms a reminder does.
constexpr char kRawBodyPolicy[] =
    "sandbox allow-forms; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "form-action 'self'";

std::string MediaType(absl::string_view content_type) {
  const absl::string_view type = content_type.substr(0, content_type.find(';'));
  return absl::AsciiStrToLower(absl::StripAsciiWhitespace(type));
}

Problem TypeProblem(std::string detail) {
  return {415, absl::StatusCode::kInvalidArgument, std::move(detail), "", "", 0};
}

// Serves one request; split by what the route needs.
class ApiRequest {
 public:
  ApiRequest(Backend& backend, const RouteMatch& match, Exchange& exchange,
             std::function<void()>& on_cancel)
      : backend_(backend),
        match_(match),
        route_(*match.route),
        exchange_(exchange),
        stream_(exchange.stream()),
        on_cancel_(on_cancel) {}

  asio::awaitable<void> Serve(absl::string_view query) {
    if (std::optional<Problem> problem = CheckBody()) {
      co_await exchange_.Fail(*std::move(problem));
      co_return;
    }
    auto request = BindUrl(route_, match_.values, query);
    if (!request.ok()) {
      co_await Fail(request.status());
      co_return;
    }
    if (!co_await exchange_.ContinueIfExpected()) {
      exchange_.Abandon();
    } else if (route_.rpc->client_streaming()) {
      co_await Upload(**request);
    } else {
      if (!co_await BindBody(**request)) co_return;
      if (route_.rpc->server_streaming()) {
        co_await Download(**request);
      } else {
        co_await Unary(**request);
      }
    }
  }

 private:
  std::string HeaderText(http::field field) const { return std::string(stream_.header()[field]); }
  std::uint64_t BodyBytesMax() const {
    return route_.rpc->client_streaming() ? backend_.limits.upload_bytes_max
                                          : backend_.limits.json_body_bytes_max;
  }

  // What can be refused before a byte of the body is read.
  std::optional<Problem> CheckBody() const {
    if (stream_.body_done()) return std::nullopt;  // there is none
    if (route_.body == Route::Body::kNone) {
      return Problem{400, absl::StatusCode::kInvalidArgument, "this call takes no body", "", "", 0};
    }
    if (const std::string coding = HeaderText(http::field::content_encoding);
        !coding.empty() && !absl::EqualsIgnoreCase(coding, "identity")) {
      return TypeProblem("bodies with a Content-Encoding are not taken");
    }
    const std::string type = MediaType(HeaderText(http::field::content_type));
    if (route_.raw_request) {
      if (absl::StartsWith(type, "multipart/")) {
        return TypeProblem(
            "the body has to be the file itself, not a form: curl --data-binary @FILE");
      }
    } else if (type != "application/json") {
      return TypeProblem("the body has to be JSON: Content-Type: application/json");
    }
    if (const auto length = stream_.content_length(); length && *length > BodyBytesMax()) {
      return Problem{413,
                     absl::StatusCode::kResourceExhausted,
                     absl::StrCat("the body is larger than ", BodyBytesMax(), " bytes"),
                     "",
                     "",
                     0};
    }
    return std::nullopt;
  }

  asio::awaitable<void> Fail(const absl::Status& status) {
    if (HidesText(status.code())) {
      log::Error("request failed", {{"route", route_.label},
                                    {"code", absl::StatusCodeToString(status.code())},
                                    {"error", status.message()},
                                    {"request_id", exchange_.request_id()}});
    }
    co_await exchange_.Fail(ProblemOf(status, route_.rpc->input_type()));
  }

  CallOptions Options(absl::Duration time) const {
    return {route_.rpc_path, absl::Now() + time, exchange_.request_id()};
  }

  // Reads the whole body into `request`. False when the answer has been given.
  asio::awaitable<bool> BindBody(Message& request) {
    if (route_.body == Route::Body::kNone) co_return true;
    std::string body;
    stream_.StartBody(BodyBytesMax(), backend_.limits.body_time, /*total_time=*/true);
    std::vector<char> piece(stream_.body_done() ? 0 : kPieceBytesMax);
    while (!stream_.body_done()) {
      std::size_t bytes = 0;
      auto outcome = co_await stream_.ReadBody(piece.data(), piece.size(), bytes);
      if (!co_await Readable(outcome)) co_return false;
      body.append(piece.data(), bytes);
    }
    backend_.metrics.request_body_bytes.Increment(static_cast<double>(body.size()));
    if (route_.raw_request) {
      SetRawBody(route_, HeaderText(http::field::content_type), body, request);
      co_return true;
    }
    const absl::Status status = BindJsonBody(route_, match_.values, body, request);
    if (status.ok()) co_return true;
    co_await Fail(status);
    co_return false;
  }

  // Answers a read that failed; false then.
  asio::awaitable<bool> Readable(HttpStream::Outcome& outcome) {
    if (outcome.kind == HttpStream::Outcome::kOk) co_return true;
    if (outcome.kind == HttpStream::Outcome::kProblem) {
      co_await exchange_.Fail(std::move(outcome.problem));
    } else {
      exchange_.Abandon();
    }
    co_return false;
  }

  // Ends the call when the client leaves, or the process has no more time.
  template <typename Call>
  void CancelWhenGone(const std::shared_ptr<Call>& call) {
    stream_.Watch([this, call] {
      client_gone_ = true;
      backend_.metrics.upstream_cancelled.Increment();
      call->Cancel();
    });
    on_cancel_ = [call] { call->Cancel(); };
  }
  void StopWatching() {
    stream_.StopWatching();
    on_cancel_ = nullptr;
  }

  asio::awaitable<void> Unary(const Message& request) {
    auto call = std::make_shared<UnaryCall>(stream_.executor());
    call->Start(*backend_.upstreams[route_.upstream], Options(backend_.limits.call_time),
                Serialize(request));
    CancelWhenGone(call);
    const absl::Status status = co_await call->Wait();
    StopWatching();
    co_await Answer(status, call->response());
  }

  // Answers with a call's one message.
  asio::awaitable<void> Answer(absl::Status status, const grpc::ByteBuffer& bytes) {
    if (client_gone_) {
      exchange_.Abandon();
      co_return;
    }
    std::unique_ptr<Message> message(route_.response->New());
    if (status.ok()) status = Parse(bytes, *message);
    if (!status.ok()) {
      co_await Fail(status);
      co_return;
    }
    Response response;
    if (route_.raw_response) {
      const Message& raw = route_.response_field == nullptr ? *message
                                                            : message->GetReflection()->GetMessage(
                                                                  *message, route_.response_field);
      const auto& body = static_cast<const dondoc::v1::RawBody&>(raw);
      response = RawHead(body);
      response.body = body.data();
    } else {
      response.content_type = "application/json";
      if (route_.response_field == nullptr) {
        WriteJson(*message, response.body);
      } else {
        WriteJsonField(*message, *route_.response_field, response.body);
      }
      response.body += '\n';
    }
    backend_.metrics.response_body_bytes.Increment(static_cast<double>(response.body.size()));
    co_await exchange_.Respond(std::move(response));
  }

  static Response RawHead(const dondoc::v1::RawBody& first) {
    Response head{200, SafeContentType(first.content_type()), "", {}};
    head.headers.emplace_back("Content-Disposition", ContentDisposition(first.filename()));
    head.headers.emplace_back("Content-Security-Policy", kRawBodyPolicy);
    return head;
  }

  // The body goes up piece by piece; the next piece is read from the socket when gRPC has taken the
  // one before, so that a slow service slows the client down and nothing piles up here.
  asio::awaitable<void> Upload(Message& first) {
    auto call = std::make_shared<StreamCall>(stream_.executor());
    call->Start(*backend_.upstreams[route_.upstream], Options(backend_.limits.stream_time),
                [this] { stream_.StopReading(); });
    on_cancel_ = [call] { call->Cancel(); };
    stream_.StartBody(BodyBytesMax(), backend_.limits.upload_idle_time, /*total_time=*/false);
    HttpStream::Outcome outcome = co_await SendPieces(*call, first);
    grpc::ByteBuffer bytes;
    bool answered = false;
    if (outcome.kind == HttpStream::Outcome::kOk) {
      CancelWhenGone(call);
      co_await call->WritesDone();
    } else if (!call->ended()) {
      // The body did not come whole: the service must not take it for whole.
      call->Cancel();
    }
    while (co_await call->Read(bytes)) answered = true;
    absl::Status status = co_await call->Finish();
    StopWatching();
    if (status.ok() && !answered) status = absl::InternalError("the service gave no answer");
    if (outcome.kind == HttpStream::Outcome::kProblem) {
      co_await exchange_.Fail(std::move(outcome.problem));
    } else if (outcome.kind == HttpStream::Outcome::kGone) {
      exchange_.Abandon();
    } else {
      co_await Answer(std::move(status), bytes);
    }
  }

  // kOk when the whole body was sent, or when the service ended the call before and its answer
  // counts.
  asio::awaitable<HttpStream::Outcome> SendPieces(StreamCall& call, Message& first) {
    std::unique_ptr<Message> later(route_.request->New());
    std::vector<char> piece(kPieceBytesMax);
    Message* message = &first;
    do {
      std::size_t bytes = 0;
      auto outcome = co_await stream_.ReadBody(piece.data(), piece.size(), bytes);
      if (call.ended()) break;
      if (outcome.kind != HttpStream::Outcome::kOk) co_return outcome;
      if (bytes == 0 && message != &first) break;
      backend_.metrics.request_body_bytes.Increment(static_cast<double>(bytes));
      SetRawBody(route_, message == &first ? HeaderText(http::field::content_type) : std::string(),
                 absl::string_view(piece.data(), bytes), *message);
      if (!co_await call.Write(Serialize(*message), backend_.limits.stall_time)) break;
      message = later.get();
    } while (!stream_.body_done());
    co_return HttpStream::Outcome{};
  }

  // Pieces come down as the client takes them.
  asio::awaitable<void> Download(const Message& request) {
    auto call = std::make_shared<StreamCall>(stream_.executor());
    call->Start(*backend_.upstreams[route_.upstream], Options(backend_.limits.stream_time),
                nullptr);
    CancelWhenGone(call);
    if (co_await call->Write(Serialize(request), backend_.limits.stall_time)) {
      co_await call->WritesDone();
    }
    bool begun = false;
    bool taken = true;
    absl::Status status;
    grpc::ByteBuffer bytes;
    while (taken && status.ok() && co_await call->Read(bytes)) {
      dondoc::v1::RawBody piece;
      status = Parse(bytes, piece);
      if (!status.ok()) break;
      if (!begun) taken = co_await exchange_.Begin(RawHead(piece));
      begun = true;
      if (taken) taken = co_await exchange_.Piece(piece.data());
      backend_.metrics.response_body_bytes.Increment(static_cast<double>(piece.data().size()));
    }
    if (!call->ended()) call->Cancel();
    const absl::Status end = co_await call->Finish();
    StopWatching();
    if (status.ok()) status = end;
    co_await EndDownload(status, begun, taken);
  }

  asio::awaitable<void> EndDownload(absl::Status status, bool begun, bool taken) {
    if (client_gone_ || !taken) {
      exchange_.Abandon();
    } else if (!begun && status.ok()) {
      co_await Fail(absl::InternalError("the service sent no piece"));
    } else if (!begun) {
      co_await Fail(status);
    } else if (!status.ok()) {
      log::Error("download broken off", {{"route", route_.label},
                                         {"error", status.message()},
                                         {"request_id", exchange_.request_id()}});
      exchange_.Break();
    } else {
      co_await exchange_.End();
    }
  }

  Backend& backend_;
  const RouteMatch& match_;
  const Route& route_;
  Exchange& exchange_;
  HttpStream& stream_;
  std::function<void()>& on_cancel_;
  bool client_gone_ = false;
};

}  // namespace

asio::awaitable<void> ServeApi(Backend& backend, const RouteMatch& match, std::string query,
                               Exchange& exchange, std::function<void()>& on_cancel) {
  ApiRequest request(backend, match, exchange, on_cancel);
  co_await request.Serve(query);
}

}  // namespace dondoc::gateway
