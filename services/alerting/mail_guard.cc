#include "services/alerting/mail_guard.h"

#include "absl/algorithm/container.h"
#include "services/alerting/mime.h"

namespace dondoc::alerting {
namespace {

constexpr char kRedirectedHeader[] = "X-Dondoc-Redirected-From";

}  // namespace

const std::string& MailGuard::Envelope(const std::string& recipient) const {
  return redirect_to.empty() ? recipient : redirect_to;
}

bool MailGuard::Allows(const std::string& recipient) const {
  return domains.empty() || absl::c_linear_search(domains, DomainOf(Envelope(recipient)));
}

std::string MailGuard::Addressed(const std::string& message, const std::string& recipient,
                                 const std::string& envelope) {
  if (envelope.empty() || envelope == recipient) return message;
  return WithHeader(kRedirectedHeader, recipient, message);
}

}  // namespace dondoc::alerting
