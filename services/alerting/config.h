#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/alerting/delivery.h"
#include "services/alerting/evaluation.h"
#include "services/alerting/smtp.h"
#include "services/alerting/webhook.h"
#include "services/common/rpc/server.h"

namespace dondoc::alerting {

// The flags of this binary, checked once.
struct Config {
  ServerConfig server;
  std::string metrics_address;
  std::string ingestion_address;
  std::string aggregation_address;
  std::string database;
  MailSettings mail;
  DeliveryOptions delivery;
  SmtpOptions smtp;
  WebhookOptions webhooks;
  std::string bounce_maildir;  // empty = none
};

// From the flags as ParseFlags left them. kInvalidArgument names the flag and its value.
absl::StatusOr<Config> ConfigFromFlags();

}  // namespace dondoc::alerting
