#include "services/common/log/log.h"

#include <cstddef>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/common/mutex/mutex.h"
#include "services/common/status/quote.h"
#include "spdlog/logger.h"
#include "spdlog/sinks/stdout_sinks.h"

namespace dondoc::log {
namespace {

// Whatever a caller puts into a field, a line stays one that log collectors take.
constexpr size_t kValueBytesMax = 4096;
constexpr size_t kFieldsMax = 32;

spdlog::level::level_enum ToSpdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

absl::string_view LevelName(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "error";
}

struct Log {
  Log() : logger("dondoc", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    // The line is ready JSON; spdlog adds nothing, keeps lines whole and filters by level.
    logger.set_pattern("%v");
    logger.set_level(spdlog::level::info);
    logger.flush_on(spdlog::level::trace);
  }

  spdlog::logger logger;
  Mutex mutex;
  std::string service ABSL_GUARDED_BY(mutex) = "dondoc";
};

// Never destroyed: threads that outlive main may still log.
Log& TheLog() {
  static Log* const log = new Log;
  return *log;
}

void Write(Level level, absl::string_view message, Fields fields) {
  Log& log = TheLog();
  if (!log.logger.should_log(ToSpdlog(level))) return;
  std::string service;
  {
    MutexLock lock(log.mutex);
    service = log.service;
  }
  std::string line = absl::StrCat(
      "{\"time\":\"", absl::FormatTime("%E4Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone()),
      "\",\"level\":\"", LevelName(level), "\",\"service\":", JsonQuoted(service, kValueBytesMax),
      ",\"message\":", JsonQuoted(message, kValueBytesMax));
  size_t written = 0;
  for (const Field& field : fields) {
    if (++written > kFieldsMax) break;
    absl::StrAppend(&line, ",", JsonQuoted(field.first, kValueBytesMax), ":",
                    JsonQuoted(field.second.Piece(), kValueBytesMax));
  }
  line += '}';
  log.logger.log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

void Start(absl::string_view service, Level least) {
  Log& log = TheLog();
  {
    MutexLock lock(log.mutex);
    log.service = std::string(service);
  }
  log.logger.set_level(ToSpdlog(least));
}

bool ParseLevel(absl::string_view text, Level& level) {
  for (const Level candidate : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
    if (text == LevelName(candidate)) {
      level = candidate;
      return true;
    }
  }
  return false;
}

void Debug(absl::string_view message, Fields fields) { Write(Level::kDebug, message, fields); }
void Info(absl::string_view message, Fields fields) { Write(Level::kInfo, message, fields); }
void Warning(absl::string_view message, Fields fields) { Write(Level::kWarning, message, fields); }
void Error(absl::string_view message, Fields fields) { Write(Level::kError, message, fields); }

}  // namespace dondoc::log
