#include "services/ctl/testing/fake_api.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "services/common/mutex/mutex.h"

namespace dondoc::ctl::testing {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;

constexpr uint64_t kBodyBytesMax = 256 << 20;
constexpr int kThreads = 4;

// One connection; keeps itself alive while something is under way.
class Session : public std::enable_shared_from_this<Session> {
 public:
  using Handler = std::function<ApiResponse(const ApiRequest&)>;
  Session(Tcp::socket socket, Handler handler)
      : socket_(std::move(socket)), handler_(std::move(handler)) {}

  void Read() {
    parser_.emplace();
    parser_->body_limit(kBodyBytesMax);
    http::async_read_header(socket_, buffer_, *parser_,
                            [self = shared_from_this()](boost::system::error_code error, size_t) {
                              if (!error) self->ReadBody();
                            });
  }

 private:
  void ReadBody() {
    if (parser_->get()[http::field::expect] == "100-continue") {
      http::response<http::empty_body> go_on(http::status::continue_, 11);
      boost::system::error_code ignored;
      http::write(socket_, go_on, ignored);
    }
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](boost::system::error_code error, size_t) {
                       if (!error) self->Answer();
                     });
  }

  void Answer() {
    const auto& message = parser_->get();
    const ApiResponse answer =
        handler_({std::string(message.method_string()), std::string(message.target()),
                  std::string(message[http::field::content_type]), message.body()});
    if (answer.hang_up) {
      boost::system::error_code ignored;
      socket_.close(ignored);
      return;
    }
    response_ = {};
    response_.result(static_cast<unsigned>(answer.status));
    response_.set(http::field::content_type, answer.content_type);
    if (!answer.request_id.empty()) response_.set("X-Request-Id", answer.request_id);
    response_.body() = answer.body;
    response_.prepare_payload();
    http::async_write(socket_, response_,
                      [self = shared_from_this()](boost::system::error_code error, size_t) {
                        if (!error) self->Read();
                      });
  }

  Tcp::socket socket_;
  Handler handler_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
};

}  // namespace

struct FakeApi::Core {
  explicit Core(std::function<ApiResponse(const ApiRequest&)> handle) : handler(std::move(handle)) {
    const Tcp::endpoint loopback(asio::ip::make_address("127.0.0.1"), 0);
    acceptor.open(loopback.protocol());
    acceptor.bind(loopback);
    acceptor.listen();
    Accept();
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([this] { context.run(); });
    }
  }
  ~Core() {
    context.stop();
    for (std::thread& thread : threads) thread.join();
  }

  void Accept() {
    acceptor.async_accept([this](boost::system::error_code error, Tcp::socket socket) {
      if (error) return;
      std::make_shared<Session>(std::move(socket), [this](const ApiRequest& request) {
        {
          MutexLock lock(mutex);
          requests.push_back(request);
        }
        return handler(request);
      })->Read();
      Accept();
    });
  }

  std::function<ApiResponse(const ApiRequest&)> handler;
  mutable Mutex mutex;
  std::vector<ApiRequest> requests ABSL_GUARDED_BY(mutex);
  asio::io_context context;
  Tcp::acceptor acceptor{context};
  std::vector<std::thread> threads;
};

FakeApi::FakeApi(std::function<ApiResponse(const ApiRequest&)> handler)
    : core_(std::make_unique<Core>(std::move(handler))) {}
FakeApi::~FakeApi() = default;

std::string FakeApi::url() const {
  return "http://127.0.0.1:" + std::to_string(core_->acceptor.local_endpoint().port());
}

std::vector<ApiRequest> FakeApi::requests() const {
  MutexLock lock(core_->mutex);
  return core_->requests;
}

}  // namespace dondoc::ctl::testing
