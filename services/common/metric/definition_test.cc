#include "services/common/metric/definition.h"

#include "gtest/gtest.h"

namespace dondoc {
namespace {

using v1::Channel;
using v1::ServiceLevel;
using v1::Status;

TEST(DefaultDefinitionTest, CountsEveryReceivedDossierOfEveryChannel) {
  const DefinitionPredicate predicate(DefaultDefinition());
  for (int channel = 0; channel <= 3; ++channel) {
    for (const int level : {0, 2, 3, 4}) {
      for (int status = 0; status <= 10; ++status) {
        EXPECT_EQ(predicate.Counts(static_cast<Channel::Value>(channel),
                                   static_cast<ServiceLevel::Value>(level),
                                   static_cast<Status::Value>(status)),
                  status != Status::NEW && status != Status::REFUSED)
            << channel << " " << level << " " << status;
      }
    }
  }
}

TEST(DefaultDefinitionTest, OnlyTheOnlineChannelIsOnline) {
  const DefinitionPredicate predicate(DefaultDefinition());
  EXPECT_TRUE(predicate.Online(Channel::ONLINE));
  EXPECT_FALSE(predicate.Online(Channel::UNKNOWN));
  EXPECT_FALSE(predicate.Online(Channel::COUNTER));
  EXPECT_FALSE(predicate.Online(Channel::POSTAL));
}

TEST(DefaultDefinitionTest, NamesItself) {
  const v1::MetricDefinition definition = DefaultDefinition();
  EXPECT_EQ(definition.definition_id(), kDefaultDefinitionId);
  EXPECT_EQ(definition.version(), 1);
  EXPECT_FALSE(definition.name().empty());
  EXPECT_FALSE(definition.legal_basis().empty());
}

// Other definitions in use (domain.md §2.2).
TEST(DefinitionPredicateTest, CanLeavePostalOut) {
  v1::MetricDefinition definition = DefaultDefinition();
  definition.clear_denominator_channels();
  definition.add_denominator_channels(Channel::COUNTER);
  definition.add_denominator_channels(Channel::ONLINE);
  const DefinitionPredicate predicate(definition);
  EXPECT_TRUE(predicate.Counts(Channel::COUNTER, ServiceLevel::UNKNOWN, Status::RECEIVED));
  EXPECT_TRUE(predicate.Counts(Channel::ONLINE, ServiceLevel::UNKNOWN, Status::RECEIVED));
  EXPECT_FALSE(predicate.Counts(Channel::POSTAL, ServiceLevel::UNKNOWN, Status::RECEIVED));
  EXPECT_FALSE(predicate.Counts(Channel::UNKNOWN, ServiceLevel::UNKNOWN, Status::RECEIVED));
}

TEST(DefinitionPredicateTest, CanCountPostalAsOnline) {
  v1::MetricDefinition definition = DefaultDefinition();
  definition.add_numerator_channels(Channel::POSTAL);
  const DefinitionPredicate predicate(definition);
  EXPECT_TRUE(predicate.Online(Channel::ONLINE));
  EXPECT_TRUE(predicate.Online(Channel::POSTAL));
  EXPECT_FALSE(predicate.Online(Channel::COUNTER));
}

TEST(DefinitionPredicateTest, CanCountOnlyProceduresWithAnOnlineService) {
  v1::MetricDefinition definition = DefaultDefinition();
  definition.set_only_online_services(true);
  const DefinitionPredicate predicate(definition);
  EXPECT_TRUE(predicate.Counts(Channel::COUNTER, ServiceLevel::PARTIAL, Status::RECEIVED));
  EXPECT_TRUE(predicate.Counts(Channel::COUNTER, ServiceLevel::FULL, Status::RECEIVED));
  EXPECT_FALSE(predicate.Counts(Channel::ONLINE, ServiceLevel::INFORMATION, Status::RECEIVED));
  EXPECT_FALSE(predicate.Counts(Channel::ONLINE, ServiceLevel::UNKNOWN, Status::RECEIVED));
  EXPECT_FALSE(predicate.Counts(Channel::ONLINE, ServiceLevel::FULL, Status::NEW));
}

TEST(DefinitionPredicateTest, AnEmptyDefinitionCountsNothing) {
  const DefinitionPredicate predicate{v1::MetricDefinition()};
  EXPECT_FALSE(predicate.Counts(Channel::ONLINE, ServiceLevel::FULL, Status::RECEIVED));
  EXPECT_FALSE(predicate.Online(Channel::ONLINE));
}

TEST(DefinitionPredicateTest, CodesOfANewerWriterAreInNoSet) {
  const DefinitionPredicate predicate(DefaultDefinition());
  for (const int code : {-1, 4, 31, 32, 34, 1 << 30}) {
    const auto channel = static_cast<Channel::Value>(code);
    EXPECT_FALSE(predicate.Online(channel)) << code;
    EXPECT_FALSE(predicate.Counts(channel, ServiceLevel::FULL, Status::RECEIVED)) << code;
  }
  EXPECT_TRUE(
      predicate.Counts(Channel::ONLINE, ServiceLevel::FULL, static_cast<Status::Value>(33)));
}

}  // namespace
}  // namespace dondoc
