#pragma once

#include <string>
#include <vector>

namespace dondoc::alerting {

// Where mail may go; guards trials.
struct MailGuard {
  std::string redirect_to;           // every message goes here instead; empty = to its recipient
  std::vector<std::string> domains;  // lower case; empty = every domain

  // The envelope recipient for a stored one.
  const std::string& Envelope(const std::string& recipient) const;
  // Whether mail to `recipient` may leave (its envelope recipient's domain is allowed).
  bool Allows(const std::string& recipient) const;
  // `message` as it goes to `envelope`: with a header that names the recipient it was written for,
  // when that is another.
  static std::string Addressed(const std::string& message, const std::string& recipient,
                               const std::string& envelope);
};

}  // namespace dondoc::alerting
