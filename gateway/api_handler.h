#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "gateway/backend.h"
#include "gateway/exchange.h"
#include "gateway/routes.h"

namespace dondoc::gateway {

// Serves one request to an annotated route: binds it, calls the service, answers. `match.route` is
// set; `query` is the URL's, without '?'. `on_cancel` gets what ends the call under way when the
// whole process has no more time for it; it is empty again on return.
boost::asio::awaitable<void> ServeApi(Backend& backend, const RouteMatch& match, std::string query,
                                      Exchange& exchange, std::function<void()>& on_cancel);

}  // namespace dondoc::gateway
