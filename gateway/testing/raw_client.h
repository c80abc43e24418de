#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace dondoc::gateway::testing {

struct RawResponse {
  int status = 0;  // 0 = the connection ended before a whole answer came
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // chunks put together
  bool complete = false;                       // the body came to its declared end
};

// A blocking client that sends exactly the bytes it is given: also what no HTTP library would.
class RawClient {
 public:
  explicit RawClient(int port);
  // False when the server has closed.
  bool Send(absl::string_view bytes);
  // Reads one answer; skips "100 Continue". `head`: the answer has no body whatever it says.
  RawResponse Read(bool head = false);
  // Reads up to the end of a header block, e.g. a 100 Continue.
  std::string ReadHead();
  // True when the server closes the connection (within a generous time) without sending more.
  bool IsClosed();
  void Close();
  void ShutdownSend();
  boost::asio::ip::tcp::socket& socket() { return socket_; }

 private:
  // Appends what comes to buffer_; false at the end.
  bool Fill();

  boost::asio::io_context context_;
  boost::asio::ip::tcp::socket socket_;
  std::string buffer_;
};

// "METHOD TARGET HTTP/1.1" with Host and, with a body, its length and type.
std::string Request(absl::string_view method, absl::string_view target, absl::string_view body = "",
                    absl::string_view content_type = "application/json",
                    absl::string_view more_headers = "");

// One request on a connection of its own.
RawResponse Fetch(int port, absl::string_view request, bool head = false);

}  // namespace dondoc::gateway::testing
