#include "gateway/testing/raw_client.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace dondoc::gateway::testing {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// A read that takes longer has failed.
constexpr timeval kPatience{20, 0};

}  // namespace

RawClient::RawClient(int port) : socket_(context_) {
  error_code error;
  socket_.connect({asio::ip::address_v4::loopback(), static_cast<unsigned short>(port)}, error);
  setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
}

bool RawClient::Send(absl::string_view bytes) {
  error_code error;
  asio::write(socket_, asio::buffer(bytes.data(), bytes.size()), error);
  return !error;
}

bool RawClient::Fill() {
  std::array<char, 64 << 10> chunk;
  const ssize_t bytes = recv(socket_.native_handle(), chunk.data(), chunk.size(), 0);
  if (bytes <= 0) return false;
  buffer_.append(chunk.data(), static_cast<std::size_t>(bytes));
  return true;
}

std::string RawClient::ReadHead() {
  while (true) {
    const std::size_t end = buffer_.find("\r\n\r\n");
    if (end != std::string::npos) {
      std::string head = buffer_.substr(0, end + 2);
      buffer_.erase(0, end + 4);
      return head;
    }
    if (!Fill()) return "";
  }
}

RawResponse RawClient::Read(bool head) {
  RawResponse response;
  std::string text;
  do {
    text = ReadHead();
    if (text.empty()) return response;
    response.status = std::atoi(text.c_str() + std::string("HTTP/1.1 ").size());
  } while (response.status == 100);
  for (absl::string_view line : absl::StrSplit(text, "\r\n", absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(": ", 1));
    response.headers[absl::AsciiStrToLower(parts.first)] = std::string(parts.second);
  }
  if (head || response.status == 204 || response.status == 304) {
    response.complete = true;
    return response;
  }
  if (response.headers.count("content-length") != 0) {
    const std::size_t length =
        static_cast<std::size_t>(std::atoll(response.headers["content-length"].c_str()));
    while (buffer_.size() < length && Fill()) {
    }
    response.complete = buffer_.size() >= length;
    response.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return response;
  }
  if (response.headers["transfer-encoding"] != "chunked") {
    while (Fill()) {
    }
    response.body = std::move(buffer_);
    buffer_.clear();
    response.complete = true;
    return response;
  }
  while (true) {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n")) == std::string::npos) {
      if (!Fill()) return response;
    }
    std::size_t size = std::strtoull(buffer_.c_str(), nullptr, 16);
    buffer_.erase(0, end + 2);
    while (buffer_.size() < size + 2) {
      if (!Fill()) return response;
    }
    response.body.append(buffer_, 0, size);
    buffer_.erase(0, size + 2);
    if (size == 0) {
      response.complete = true;
      return response;
    }
  }
}

bool RawClient::IsClosed() {
  char next = 0;
  const ssize_t bytes = recv(socket_.native_handle(), &next, 1, 0);
  // A timeout is -1 with EAGAIN: still open.
  return bytes == 0 || (bytes < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

void RawClient::Close() {
  error_code ignored;
  socket_.close(ignored);
}
void RawClient::ShutdownSend() {
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

std::string Request(absl::string_view method, absl::string_view target, absl::string_view body,
                    absl::string_view content_type, absl::string_view more_headers) {
  std::string text = absl::StrCat(method, " ", target, " HTTP/1.1\r\nHost: test\r\n", more_headers);
  if (!body.empty() || method == "POST") {
    absl::StrAppend(&text, "Content-Length: ", body.size(), "\r\n");
  }
  if (!body.empty() && !content_type.empty()) {
    absl::StrAppend(&text, "Content-Type: ", content_type, "\r\n");
  }
  absl::StrAppend(&text, "\r\n", body);
  return text;
}

RawResponse Fetch(int port, absl::string_view request, bool head) {
  RawClient client(port);
  client.Send(request);
  return client.Read(head);
}

}  // namespace dondoc::gateway::testing
