// The holidays' API over a real gRPC server.

#include "services/alerting/holiday_service.h"

#include <atomic>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "services/alerting/store/sqlite_alert_store.h"
#include "services/common/clock/civil.h"
#include "services/common/rpc/channel.h"
#include "services/common/testing/fake_clock.h"
#include "services/common/testing/status_matchers.h"
#include "services/common/testing/temp_dir.h"

namespace dondoc::alerting {
namespace {

constexpr char kTet[] =
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:tet\r\n"
    "DTSTART;VALUE=DATE:20240208\r\nDTEND;VALUE=DATE:20240215\r\nSUMMARY:Tết\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n";

class HolidayServiceTest : public ::testing::Test {
 protected:
  HolidayServiceTest() : clock_(StartOf(absl::CivilDay(2023, 11, 21))) {
    auto store = SqliteAlertStore::Open(folder_.File("alerting.db"));
    EXPECT_OK(store);
    store_ = *std::move(store);
    handler_ =
        std::make_unique<HolidayServiceHandler>(*store_, calendar_, clock_, [this] { ++changed_; });
    grpc::ServerBuilder builder;
    builder.RegisterService(handler_.get());
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    server_ = builder.BuildAndStart();
    stub_ = v1::HolidayService::NewStub(DialService(absl::StrCat("127.0.0.1:", port)));
  }

  static v1::ImportHolidaysRequest Piece(absl::string_view text) {
    v1::ImportHolidaysRequest piece;
    piece.set_author("Lan");
    piece.mutable_body()->set_data(std::string(text));
    return piece;
  }
  int Stored() {
    grpc::ClientContext context;
    v1::ListHolidaysResponse response;
    EXPECT_TRUE(stub_->ListHolidays(&context, {}, &response).ok());
    return response.holidays_size();
  }

  dondoc::testing::TempDir folder_;
  dondoc::testing::FakeClock clock_;
  CalendarSource calendar_;
  std::atomic<int> changed_ = 0;
  std::unique_ptr<SqliteAlertStore> store_;
  std::unique_ptr<HolidayServiceHandler> handler_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::HolidayService::Stub> stub_;
};

TEST_F(HolidayServiceTest, AFileInPiecesIsTakenWhole) {
  const absl::string_view tet = kTet;
  grpc::ClientContext context;
  v1::ImportHolidaysResponse response;
  const auto writer = stub_->ImportHolidays(&context, &response);
  ASSERT_TRUE(writer->Write(Piece(tet.substr(0, 70))));
  ASSERT_TRUE(writer->Write(Piece(tet.substr(70))));
  ASSERT_TRUE(writer->WritesDone());
  const grpc::Status status = writer->Finish();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.holidays_size(), 7);
  EXPECT_EQ(Stored(), 7);
  EXPECT_EQ(changed_, 1);
}

TEST_F(HolidayServiceTest, AnUploadThatBreaksOffChangesNothing) {
  {
    grpc::ClientContext context;
    v1::ImportHolidaysResponse response;
    const auto writer = stub_->ImportHolidays(&context, &response);
    // What came so far would be a whole file by itself.
    ASSERT_TRUE(writer->Write(Piece(kTet)));
    context.TryCancel();
    EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  // Ends when the handlers have.
  server_->Shutdown();
  EXPECT_EQ(changed_, 0);
  const auto holidays = store_->ListHolidays();
  ASSERT_OK(holidays);
  EXPECT_TRUE(holidays->empty());
}

}  // namespace
}  // namespace dondoc::alerting
