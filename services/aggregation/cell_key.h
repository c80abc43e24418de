#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "dondoc/v1/common.pb.h"
#include "services/aggregation/day_plane.h"
#include "services/common/metric/catalogue.h"
#include "services/common/metric/definition.h"

// A cell's key: 24 bits of procedure, 23 of day, and the 9 bits that a definition looks at.

namespace dondoc::aggregation {

// What a cell key has room for. More procedures than that is kDataLoss: the catalogue of the whole
// country has some 6,300.
inline constexpr uint32_t kProceduresMax = 1u << 24;
inline constexpr int32_t kDayBias = 1 << 22;  // days ±4,194,304: the years −9500 to 13400

inline constexpr int kDayShift = 9;
inline constexpr int kProcedureShift = 32;
inline constexpr uint64_t kFactsMask = (uint64_t{1} << kDayShift) - 1;

inline uint64_t CellKey(uint32_t procedure, int32_t day, uint32_t channel, uint32_t level,
                        uint32_t status) {
  return (uint64_t{procedure} << kProcedureShift) |
         (uint64_t{static_cast<uint32_t>(day + kDayBias)} << kDayShift) | (channel << 7) |
         (level << 4) | status;
}
inline uint32_t ProcedureOf(uint64_t key) { return static_cast<uint32_t>(key >> kProcedureShift); }
inline int32_t DayOfKey(uint64_t key) {
  return static_cast<int32_t>((key >> kDayShift) & 0x7fffff) - kDayBias;
}
inline v1::Channel::Value ChannelOf(uint64_t key) {
  return static_cast<v1::Channel::Value>((key >> 7) & 3);
}
inline v1::ServiceLevel::Value LevelOf(uint64_t key) {
  return static_cast<v1::ServiceLevel::Value>((key >> 4) & 7);
}
inline v1::Status::Value StatusOf(uint64_t key) { return static_cast<v1::Status::Value>(key & 15); }
// The same key with another service level.
inline uint64_t WithLevel(uint64_t key, v1::ServiceLevel::Value level) {
  return (key & ~(uint64_t{7} << 4)) | (static_cast<uint64_t>(level) << 4);
}

// What a cell is worth under a definition.
class Classifier {
 public:
  explicit Classifier(const v1::MetricDefinition& definition)
      : only_online_services_(definition.only_online_services()) {
    const DefinitionPredicate predicate(definition);
    for (uint64_t key = 0; key < columns_.size(); ++key) {
      columns_[key] = static_cast<int8_t>(ColumnOf(predicate, key));
    }
  }
  // The column of the cell; nullopt = not counted. `offers` are those of its procedure.
  std::optional<Column> operator()(uint64_t key, const ProcedureOffers& offers) const {
    // Only such a definition looks at the level, and few do.
    if (only_online_services_) {
      key = WithLevel(key, offers.LevelOn(DayOfKey(key), LevelOf(key)));
    }
    const int8_t column = columns_[key & kFactsMask];
    if (column < 0) return std::nullopt;
    return static_cast<Column>(column);
  }

 private:
  // The numerator is `online` whatever channels make it up (one definition in use counts the post
  // as online); an ONLINE dossier that a definition leaves out of its numerator but counts has no
  // column of its own and is shown as unknown.
  static int ColumnOf(const DefinitionPredicate& predicate, uint64_t key) {
    const v1::Channel::Value channel = ChannelOf(key);
    if (!predicate.Counts(channel, LevelOf(key), StatusOf(key))) return -1;
    if (predicate.Online(channel)) return static_cast<int>(Column::kOnline);
    if (channel == v1::Channel::COUNTER) return static_cast<int>(Column::kCounter);
    if (channel == v1::Channel::POSTAL) return static_cast<int>(Column::kPostal);
    return static_cast<int>(Column::kUnknown);
  }

  bool only_online_services_;
  std::array<int8_t, 1 << kDayShift> columns_;
};

}  // namespace dondoc::aggregation
