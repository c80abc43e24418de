#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>

#include "absl/random/random.h"
#include "absl/strings/string_view.h"
#include "gateway/backend.h"
#include "gateway/exchange.h"
#include "gateway/http_stream.h"

namespace dondoc::gateway {

// Serves one client's requests, one after the other. All members are for the thread of the socket's
// executor.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, Backend& backend)
      : backend_(backend),
        stream_(std::make_shared<HttpStream>(std::move(socket), backend.limits)) {}

  boost::asio::awaitable<void> Run();
  // Goes away after the request under way, or now when there is none.
  void Drain() { stream_->EndIdle(); }
  // Goes away now; the call under way is cancelled.
  void Abort();

 private:
  // Reads and answers one request. False when the connection is to be closed without more words.
  boost::asio::awaitable<bool> ServeOne();
  boost::asio::awaitable<void> Dispatch(Exchange& exchange);
  // What is wrong with the header as such.
  std::optional<Problem> CheckHeader() const;
  std::string RequestId();
  void Record(const Exchange& exchange);

  Backend& backend_;
  const std::shared_ptr<HttpStream> stream_;
  absl::BitGen random_;
  std::function<void()> cancel_;
  bool aborted_ = false;
  // `route` label of the request under way.
  std::string label_;
  bool keep_alive_ = true;
};

// `id` when it is one we would have made or a caller may choose: [A-Za-z0-9._-]{1,64}.
bool IsRequestId(absl::string_view id);

// 128 random bits in hex.
std::string NewRequestId(absl::BitGen& random);

// Splits a request target into path and query; the absolute form ("http://host/path") too. False
// for what is neither.
bool SplitTarget(absl::string_view target, absl::string_view& path, absl::string_view& query);

}  // namespace dondoc::gateway
