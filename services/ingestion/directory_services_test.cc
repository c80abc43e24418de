// Units, procedures, definitions and the record of their changes through the real gRPC services.

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "services/common/clock/civil.h"
#include "services/common/rpc/status_conversion.h"
#include "services/common/testing/status_matchers.h"
#include "services/ingestion/reading/text_key.h"
#include "services/ingestion/reading/unit_matcher.h"
#include "services/ingestion/testing/ingestion_server.h"

namespace dondoc::ingestion {
namespace {

using ::dondoc::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IngestionServer;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kUnitId[] = "kontum.so-y-te";

std::string ReadData(const std::string& name) {
  std::ifstream file(absl::StrCat(DONDOC_SOURCE_DIR, "/deploy/data/", name));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The match key of a commune's name without its type word.
std::string BareKey(const std::string& name) {
  std::string key = TextKey(name);
  for (const char* type_word : {"xa ", "phuong ", "thi tran "}) {
    if (key.rfind(type_word, 0) == 0) return key.substr(std::string(type_word).size());
  }
  return key;
}

class DirectoryServicesTest : public ::testing::Test {
 protected:
  explicit DirectoryServicesTest(IngestionServer::Open open = testing::InMemory())
      : server_(std::move(open)) {}

  // Calls a unary method of a stub.
  template <typename Response, typename Stub, typename Method, typename Request>
  absl::StatusOr<Response> Call(const Stub& stub, Method method, const Request& request,
                                const std::string& principal = "") {
    grpc::ClientContext context;
    if (!principal.empty()) context.AddMetadata("x-dondoc-principal", principal);
    Response response;
    const grpc::Status status = ((*stub).*method)(&context, request, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  }
  absl::StatusOr<v1::UpdateUnitResponse> Update(const v1::UpdateUnitRequest& request,
                                                const std::string& principal = "") {
    return Call<v1::UpdateUnitResponse>(server_.units(), &v1::UnitService::Stub::UpdateUnit,
                                        request, principal);
  }
  absl::StatusOr<v1::UpdateUnitResponse> Teach(const std::string& unit_id, const std::string& alias,
                                               const std::string& principal = "") {
    v1::AddAliasRequest request;
    request.set_unit_id(unit_id);
    request.set_alias(alias);
    return Call<v1::UpdateUnitResponse>(server_.units(), &v1::UnitService::Stub::AddAlias, request,
                                        principal);
  }
  v1::Unit Get(const std::string& unit_id) {
    v1::GetUnitRequest request;
    request.set_unit_id(unit_id);
    auto unit = Call<v1::Unit>(server_.units(), &v1::UnitService::Stub::GetUnit, request);
    EXPECT_OK(unit);
    return unit.ok() ? *unit : v1::Unit();
  }
  // Uploads a file in small pieces.
  absl::StatusOr<v1::ImportUnitsFileResponse> UploadUnits(const std::string& file,
                                                          bool correct_structure = false) {
    const auto stub = server_.units();
    grpc::ClientContext context;
    v1::ImportUnitsFileResponse response;
    const auto writer = stub->ImportUnitsFile(&context, &response);
    v1::ImportUnitsFileRequest request;
    request.set_correct_structure(correct_structure);
    return Send(file, std::move(request), *writer, response);
  }
  absl::StatusOr<v1::ImportProceduresFileResponse> UploadProcedures(
      const std::string& file, const std::string& valid_from = "") {
    const auto stub = server_.procedures();
    grpc::ClientContext context;
    v1::ImportProceduresFileResponse response;
    const auto writer = stub->ImportProceduresFile(&context, &response);
    v1::ImportProceduresFileRequest request;
    request.set_valid_from(valid_from);
    return Send(file, std::move(request), *writer, response);
  }
  v1::ListDirectoryChangesResponse Changes(const v1::ListDirectoryChangesRequest& request) {
    auto changes = Call<v1::ListDirectoryChangesResponse>(
        server_.directory_service(), &v1::DirectoryService::Stub::ListDirectoryChanges, request);
    EXPECT_OK(changes);
    return changes.ok() ? *changes : v1::ListDirectoryChangesResponse();
  }
  int64_t head() { return server_.ledger().Head().sequence(); }

  IngestionServer server_;

 private:
  template <typename Request, typename Response>
  absl::StatusOr<Response> Send(const std::string& file, Request request,
                                grpc::ClientWriter<Request>& writer, Response& response) {
    constexpr size_t kPieceBytes = 1000;
    for (size_t at = 0; at == 0 || at < file.size(); at += kPieceBytes) {
      request.mutable_body()->set_data(file.substr(at, kPieceBytes));
      if (!writer.Write(request)) break;
      request.Clear();
    }
    writer.WritesDone();
    const grpc::Status status = writer.Finish();
    if (!status.ok()) return FromGrpc(status);
    return response;
  }
};

TEST_F(DirectoryServicesTest, APatchChangesTheFieldsOfTheMaskAndNoOthers) {
  v1::UpdateUnitRequest request;
  request.mutable_unit()->set_unit_id(kUnitId);
  request.mutable_unit()->set_name("Không đổi");
  request.mutable_unit()->add_emails("so-y-te@example.invalid");
  request.mutable_update_mask()->add_paths("emails");
  const auto changed = Update(request);
  ASSERT_OK(changed);
  EXPECT_EQ(changed->unit().name(), "Sở Y tế");
  EXPECT_THAT(Get(kUnitId).emails(), ElementsAre("so-y-te@example.invalid"));
  EXPECT_EQ(changed->sequence(), head());
  // The same again takes no sequence.
  const int64_t before = head();
  ASSERT_OK(Update(request));
  EXPECT_EQ(head(), before);
}

TEST_F(DirectoryServicesTest, AnotherLevelOrParentIsRefusedAndSaysWhatToDo) {
  for (const char* path : {"level", "parent_id", "unit_id"}) {
    v1::UpdateUnitRequest request;
    request.mutable_unit()->set_unit_id(kUnitId);
    request.mutable_update_mask()->add_paths(path);
    EXPECT_THAT(Update(request),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("update_mask: "), HasSubstr("is a new unit"),
                               HasSubstr("successor_ids"))));
  }
  v1::UpdateUnitRequest request;
  request.mutable_unit()->set_unit_id(kUnitId);
  EXPECT_THAT(Update(request), StatusIs(absl::StatusCode::kInvalidArgument,
                                        HasSubstr("update_mask: names no field")));
  request.mutable_update_mask()->add_paths("colour");
  EXPECT_THAT(Update(request), StatusIs(absl::StatusCode::kInvalidArgument,
                                        HasSubstr("update_mask: 'colour' is no field")));
  request.mutable_unit()->set_unit_id("khong-co");
  EXPECT_THAT(Update(request), StatusIs(absl::StatusCode::kNotFound, HasSubstr("khong-co")));
  request.mutable_unit()->set_unit_id(kUnitId);
  request.mutable_update_mask()->set_paths(0, "valid_from");
  request.mutable_unit()->set_valid_from("2023");
  EXPECT_THAT(Update(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("unit.valid_from: ")));
}

TEST_F(DirectoryServicesTest, ARenamedUnitKeepsItsIdAndItsFormerNameInFilesOfItsTime) {
  v1::UpdateUnitRequest request;
  request.mutable_unit()->set_unit_id(kUnitId);
  request.mutable_unit()->set_name("Sở Sức khỏe");
  request.mutable_update_mask()->add_paths("name");
  request.set_renamed_on("2023-07-01");
  ASSERT_OK(Update(request));
  UnitMatcher matcher(server_.ledger().CurrentDirectory(), "Kon Tum");
  const absl::CivilDay last_day(2023, 6, 30);
  ASSERT_NE(matcher.Match("Sở Y tế", last_day).unit, nullptr);
  EXPECT_EQ(matcher.Match("Sở Y tế", last_day).unit->unit_id(), kUnitId);
  EXPECT_EQ(matcher.Match("SỞ Y TẾ tỉnh Kon Tum", last_day).unit->unit_id(), kUnitId);
  EXPECT_EQ(matcher.Match("Sở Y tế", last_day + 1).unit, nullptr);
  EXPECT_THAT(matcher.Match("Sở Y tế", last_day + 1).message, HasSubstr("tên cũ"));
  // The name of now is good for every day: files are exported later.
  EXPECT_EQ(matcher.Match("Sở Sức khoẻ", last_day).unit->unit_id(), kUnitId);
  // Renamed once more, the name before begins where the one before it ended.
  request.mutable_unit()->set_name("Sở Y tế và Sức khỏe");
  request.set_renamed_on("2023-09-01");
  const auto again = Update(request);
  ASSERT_OK(again);
  ASSERT_THAT(again->unit().former_names(), SizeIs(2));
  EXPECT_EQ(again->unit().former_names(1).name(), "Sở Sức khỏe");
  EXPECT_EQ(again->unit().former_names(1).valid_from(), "2023-07-01");
  EXPECT_EQ(again->unit().former_names(1).valid_to(), "2023-08-31");
  request.mutable_unit()->set_name("Sở Khác");
  request.set_renamed_on("2023-08-01");
  EXPECT_THAT(Update(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("renamed_on: 2023-08-01")));
}

TEST_F(DirectoryServicesTest, ATaughtNameIsRefusedWhenItMayMeanAnotherUnit) {
  const auto taught = Teach(kUnitId, " Sở  Y tế (mới) ");
  ASSERT_OK(taught);
  EXPECT_THAT(taught->unit().aliases(), ElementsAre("Sở  Y tế (mới)"));
  const int64_t before = head();
  ASSERT_OK(Teach(kUnitId, "Sở  Y tế (mới)"));
  EXPECT_EQ(head(), before);
  EXPECT_THAT(Teach("kontum.so-tu-phap", "SO Y TE (MOI)"),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       AllOf(HasSubstr("alias: "), HasSubstr(kUnitId), HasSubstr("Sở Y tế"))));
  // An ambiguous name is no better for being taught.
  EXPECT_THAT(Teach("kontum.dak-ha", "Đăk Hà"),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("kontum.dak-ha.dak-ha")));
  EXPECT_THAT(Teach("khong-co", "Tên"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("unit_id")));
  EXPECT_THAT(Teach(kUnitId, " … "),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("alias: ")));
}

TEST_F(DirectoryServicesTest, AFileOfUnitsAddsToWhatIsThere) {
  ASSERT_OK(Teach(kUnitId, "Sở Sức khỏe"));
  const std::string registry = ReadData("kontum/units.csv");
  auto uploaded = UploadUnits(registry);
  ASSERT_OK(uploaded);
  EXPECT_EQ(uploaded->rows(), 129);
  EXPECT_EQ(uploaded->created(), 0);
  // Codes were not there; the file has no column of names, so the taught one stays.
  EXPECT_EQ(uploaded->updated(), 112);
  EXPECT_THAT(Get(kUnitId).aliases(), ElementsAre("Sở Sức khỏe"));
  uploaded = UploadUnits(registry);
  ASSERT_OK(uploaded);
  EXPECT_EQ(uploaded->unchanged(), 129);
  uploaded = UploadUnits(ReadData("kontum/unit_aliases.csv"));
  ASSERT_OK(uploaded);
  EXPECT_EQ(uploaded->rows(), 68);
  EXPECT_EQ(uploaded->updated(), 0);
  // Vietnamese headers, below a title, with semicolons and a total of what is wrong at one row.
  uploaded = UploadUnits(
      "DANH MỤC ĐƠN VỊ;;;\nMã đơn vị;Tên đơn vị;Cấp;Hộp thư\n"
      "kontum.so-y-te;Sở Y tế;tỉnh;a@example.invalid\n");
  ASSERT_OK(uploaded);
  EXPECT_EQ(uploaded->updated(), 1);
  EXPECT_EQ(uploaded->columns(3).meaning(), "emails");
}

TEST_F(DirectoryServicesTest, WhatIsWrongInAFileIsNamedWithItsRow) {
  const struct {
    const char* file;
    const char* says;
  } table[] = {
      {"", "body: Tệp rỗng"},
      {"a,b\n1,2\n", "body: không tìm thấy dòng tiêu đề"},
      {"unit_id,name,level\n", "không có dòng nào"},
      {"unit_id,name,level\nx,X,commune\nx,X,commune\n", "body: dòng 3: unit_id 'x' hai lần"},
      {"unit_id,name,level\nx,X,làng\n", "body: dòng 2: cấp 'làng'"},
      {"unit_id,name,level\nX,X,commune\n", "body: dòng 2: unit_id: 'X' is not"},
      {"unit_id,name,level\nx,,commune\n", "body: dòng 2: thiếu name"},
      {"unit_id,name,level\n,X,commune\n", "body: dòng 2: thiếu unit_id"},
      {"unit_id,name,level,parent_id\nx,X,commune,y\n", "body: dòng 2: parent_id: no unit 'y'"},
      {"unit_id,name,level\nkontum.so-y-te,Sở Y tế,commune\n", "a new unit"},
      {"unit_id,alias\nkhong-co,X\n", "body: dòng 2: không có đơn vị 'khong-co'"},
      {"old_unit_id,new_unit_id,new_name,valid_to,valid_from\nkontum.so-y-te,n,N,2025-07-01,"
       "2025-07-01\n",
       "body: dòng 2: cần valid_to"},
  };
  const int64_t before = head();
  for (const auto& [file, says] : table) {
    EXPECT_THAT(UploadUnits(file), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(says)));
  }
  EXPECT_EQ(head(), before);
  EXPECT_OK(UploadUnits("unit_id,name,level\nkontum.so-y-te,Sở Y tế,district\n", true));
  EXPECT_THAT(UploadUnits(std::string(17 << 20, 'a')),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("16 MiB")));
}

// Names by which rows of the real reform have to find their unit.
TEST_F(DirectoryServicesTest, TheReformOf2025GivesEachOf102CommunesItsSuccessor) {
  ASSERT_OK(UploadUnits(ReadData("kontum/units.csv")));
  const auto uploaded = UploadUnits(ReadData("kontum/units_2025.csv"));
  ASSERT_OK(uploaded);
  EXPECT_EQ(uploaded->rows(), 102);
  EXPECT_EQ(uploaded->created(), 40);
  EXPECT_EQ(uploaded->updated(), 102);
  const auto directory = server_.ledger().CurrentDirectory();
  UnitMatcher matcher(directory, "Kon Tum");
  const absl::CivilDay before(2025, 6, 30);
  const absl::CivilDay after(2025, 7, 1);
  int reused = 0;
  int communes = 0;
  std::set<std::string> seen;
  const std::vector<std::string> lines =
      absl::StrSplit(ReadData("kontum/units_2025.csv"), '\n', absl::SkipEmpty());
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> cells = absl::StrSplit(lines[i], ',');
    const v1::Unit& old = *directory->Find(cells[0]);
    const std::string by_name =
        absl::StrCat("UBND ", old.name(), ", ", directory->Find(old.parent_id())->name());
    for (const std::string& text : {old.unit_id(), by_name}) {
      ASSERT_NE(matcher.Match(text, before).unit, nullptr) << text;
      EXPECT_EQ(matcher.Match(text, before).unit->unit_id(), old.unit_id()) << text;
      EXPECT_FALSE(matcher.Match(text, before).by_succession);
      ASSERT_NE(matcher.Match(text, after).unit, nullptr) << text;
      EXPECT_EQ(matcher.Match(text, after).unit->unit_id(), cells[3]) << text;
      EXPECT_TRUE(matcher.Match(text, after).by_succession) << text;
    }
    ++communes;
    // What the code named before is another unit by name, however it is spelled.
    if (seen.insert(cells[3]).second && BareKey(cells[4]) != BareKey(cells[9])) ++reused;
  }
  EXPECT_EQ(communes, 102);
  EXPECT_EQ(seen.size(), 40U);
  EXPECT_EQ(reused, 22);
  // A code that was reused names one unit on a day.
  const auto by_code = [&](const std::string& day) {
    v1::ListUnitsRequest request;
    request.set_identifier_scheme("gso");
    request.set_identifier_code("23332");
    request.set_valid_on(day);
    auto units =
        Call<v1::ListUnitsResponse>(server_.units(), &v1::UnitService::Stub::ListUnits, request);
    EXPECT_OK(units);
    return units.ok() && units->units_size() == 1 ? units->units(0).name() : std::string();
  };
  EXPECT_EQ(by_code("2025-06-30"), "Xã Chư Hreng");
  EXPECT_EQ(by_code("2025-07-01"), "Xã Đăk Rơ Wa");
  // Again, it changes nothing.
  const int64_t head_before = head();
  EXPECT_OK(UploadUnits(ReadData("kontum/units_2025.csv")));
  EXPECT_EQ(head(), head_before);
}

TEST_F(DirectoryServicesTest, AFileOfProceduresHoldsForItsDays) {
  const char kList[] =
      "DANH MỤC DỊCH VỤ CÔNG TRỰC TUYẾN,,,,,,,\n"
      "STT,Mã TTHC,Tên TTHC,Lĩnh vực,Mức độ,Giảm lệ phí (%),Cắt giảm thời gian (%),Từ ngày,Đến "
      "ngày\n"
      "(1),(2),(3),(4),(5),(6),(7),(8),(9)\n"
      "I. Hộ tịch,,,,,,,,\n"
      "1,1.000656.000.00.00.H34,Đăng ký khai tử,Hộ tịch,Toàn trình,50%,20,01/11/2023,\n"
      "2,1.001193,Đăng ký khai sinh,Hộ tịch,Một phần,-,không,01/11/2023,31/12/2023\n";
  auto uploaded = UploadProcedures(kList);
  ASSERT_OK(uploaded);
  EXPECT_EQ(uploaded->rows(), 2);
  EXPECT_EQ(uploaded->created(), 2);
  v1::GetProcedureRequest get;
  get.set_procedure_code("1.000656.000.00.00.H34");
  auto procedure =
      Call<v1::Procedure>(server_.procedures(), &v1::ProcedureService::Stub::GetProcedure, get);
  ASSERT_OK(procedure);
  EXPECT_EQ(procedure->procedure_code(), "1.000656");
  ASSERT_THAT(procedure->offers(), SizeIs(1));
  EXPECT_EQ(procedure->offers(0).service_level(), v1::ServiceLevel::FULL);
  EXPECT_EQ(procedure->offers(0).fee_cut_percent(), 50);
  EXPECT_EQ(procedure->offers(0).time_cut_percent(), 20);
  EXPECT_EQ(procedure->offers(0).valid_from(), "2023-11-01");
  EXPECT_EQ(procedure->offers(0).valid_to(), "");
  EXPECT_EQ(UploadProcedures(kList)->unchanged(), 2);
  // A later list cuts what it lies over.
  uploaded = UploadProcedures("Mã TTHC;Mức độ\n1.000656;2\n", "2024-03-01");
  ASSERT_OK(uploaded);
  EXPECT_EQ(uploaded->updated(), 1);
  procedure =
      Call<v1::Procedure>(server_.procedures(), &v1::ProcedureService::Stub::GetProcedure, get);
  ASSERT_OK(procedure);
  ASSERT_THAT(procedure->offers(), SizeIs(2));
  EXPECT_EQ(procedure->offers(0).valid_to(), "2024-02-29");
  EXPECT_EQ(procedure->offers(1).service_level(), v1::ServiceLevel::INFORMATION);
  EXPECT_EQ(procedure->name(), "Đăng ký khai tử");
  v1::ListProceduresRequest list;
  list.set_online_on("2023-12-31");
  const auto online = [&] {
    auto listed = Call<v1::ListProceduresResponse>(
        server_.procedures(), &v1::ProcedureService::Stub::ListProcedures, list);
    EXPECT_OK(listed);
    return listed.ok() ? listed->procedures_size() : -1;
  };
  EXPECT_EQ(online(), 2);
  list.set_online_on("2024-01-01");
  EXPECT_EQ(online(), 1);
  list.set_online_on("2024-03-01");
  EXPECT_EQ(online(), 0);
}

TEST_F(DirectoryServicesTest, WhatIsWrongInAListOfProceduresIsNamedWithItsRow) {
  const struct {
    const char* file;
    const char* says;
  } table[] = {
      {"Mã TTHC;Mức độ\n1.000656;5\n", "body: dòng 2: service_level '5'"},
      {"Mã TTHC;Mức độ\n1.000656;\n", "body: dòng 2: service_level ''"},
      {"Mã TTHC;Mức độ\n1.00065;4\n", "body: dòng 2: procedure_code '1.00065': mã có 6 chữ số"},
      {"Mã TTHC;Mức độ\n1.000656;4\n", "body: dòng 2: name: is empty"},
      {"Mã TTHC;Tên TTHC;Mức độ;Giảm lệ phí\n1.000656;A;4;150%\n", "fee_cut_percent '150%'"},
      {"Mã TTHC;Tên TTHC;Mức độ;Từ ngày\n1.000656;A;4;32/01/2023\n", "valid_from '32/01/2023'"},
      {"Mã TTHC;Tên TTHC;Mức độ;Từ ngày;Đến ngày\n1.000656;A;4;02/01/2023;01/01/2023\n",
       "body: dòng 2: valid_to"},
      {"Mã TTHC;Tên TTHC;Mức độ\n1.000656;A;4\n1.000656.000.00.00.H34;A;3\n",
       "body: dòng 3: khác với dòng 2"},
  };
  const int64_t before = head();
  for (const auto& [file, says] : table) {
    EXPECT_THAT(UploadProcedures(file),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(says)));
  }
  EXPECT_EQ(head(), before);
}

TEST_F(DirectoryServicesTest, DefinitionsAreVersionsAndDossiersAreCountedByThatOfTheirPosition) {
  v1::BatchWriteDossiersRequest batch;
  for (const auto channel : {v1::Channel::ONLINE, v1::Channel::COUNTER, v1::Channel::POSTAL}) {
    v1::Dossier& dossier = *batch.add_dossiers();
    dossier.set_code(absl::StrCat("A-", static_cast<int>(channel)));
    dossier.set_unit_id(kUnitId);
    dossier.set_channel(channel);
    dossier.set_status(v1::Status::PROCESSING);
    *dossier.mutable_received_time() = ToProto(*ParseInstant("2023-11-15T08:00:00+07:00"));
  }
  ASSERT_OK(Call<v1::BatchWriteDossiersResponse>(
      server_.dossiers(), &v1::DossierService::Stub::BatchWriteDossiers, batch));
  v1::PutDefinitionRequest put;
  v1::MetricDefinition& definition = *put.mutable_definition();
  definition.set_definition_id("khong-bcci");
  definition.set_version(9);
  definition.set_name("Không tính BCCI");
  definition.add_numerator_channels(v1::Channel::ONLINE);
  definition.add_denominator_channels(v1::Channel::ONLINE);
  definition.add_denominator_channels(v1::Channel::COUNTER);
  const auto call = [&] {
    return Call<v1::PutDefinitionResponse>(server_.definitions(),
                                           &v1::DefinitionService::Stub::PutDefinition, put);
  };
  const auto first = call();
  ASSERT_OK(first);
  EXPECT_EQ(first->definition().version(), 1);
  EXPECT_EQ(call()->sequence(), first->sequence());
  definition.add_numerator_channels(v1::Channel::POSTAL);
  EXPECT_THAT(call(), StatusIs(absl::StatusCode::kInvalidArgument,
                               HasSubstr("definition.numerator_channels[1]: POSTAL")));
  definition.add_denominator_channels(v1::Channel::POSTAL);
  const auto second = call();
  ASSERT_OK(second);
  EXPECT_EQ(second->definition().version(), 2);
  v1::ListDossiersRequest list;
  list.set_from("2023-11-15");
  list.set_to("2023-11-15");
  list.set_definition_id("khong-bcci");
  const auto total = [&] {
    auto page = Call<v1::ListDossiersResponse>(server_.dossiers(),
                                               &v1::DossierService::Stub::ListDossiers, list);
    EXPECT_OK(page);
    return page.ok() ? page->total_size() : -1;
  };
  EXPECT_EQ(total(), 3);
  // The numerator is what the figure shows as online.
  list.set_channel(v1::Channel::ONLINE);
  EXPECT_EQ(total(), 2);
  list.set_as_of_sequence(first->sequence());
  EXPECT_EQ(total(), 1);
  list.clear_channel();
  EXPECT_EQ(total(), 2);
  list.set_as_of_sequence(first->sequence() - 1);
  EXPECT_THAT(Call<v1::ListDossiersResponse>(server_.dossiers(),
                                             &v1::DossierService::Stub::ListDossiers, list),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("definition_id: 'khong-bcci'")));
  v1::ListDefinitionsRequest all;
  all.set_all_versions(true);
  all.set_definition_id("khong-bcci");
  const auto versions = Call<v1::ListDefinitionsResponse>(
      server_.definitions(), &v1::DefinitionService::Stub::ListDefinitions, all);
  ASSERT_OK(versions);
  ASSERT_THAT(versions->definitions(), SizeIs(2));
  EXPECT_EQ(versions->definitions(0).version(), 1);
}

TEST_F(DirectoryServicesTest, ChangesSayWhoDidThem) {
  const int64_t before = head();
  ASSERT_OK(Teach(kUnitId, "Sở Sức khỏe", "can-bo@kontum"));
  v1::UpdateUnitRequest request;
  request.mutable_unit()->set_unit_id(kUnitId);
  request.mutable_update_mask()->add_paths("aliases");
  ASSERT_OK(Update(request));
  v1::ListDirectoryChangesRequest query;
  query.set_id(kUnitId);
  query.set_from_sequence(before + 1);
  const auto changes = Changes(query);
  ASSERT_THAT(changes.changes(), SizeIs(2));
  EXPECT_EQ(changes.changes(0).author(), "can-bo@kontum");
  EXPECT_EQ(changes.changes(0).kind(), v1::DirectoryKind::UNIT);
  EXPECT_THAT(changes.changes(0).before().unit().aliases(), IsEmpty());
  EXPECT_THAT(changes.changes(0).after().unit().aliases(), ElementsAre("Sở Sức khỏe"));
  EXPECT_EQ(changes.changes(1).author(), "");
  EXPECT_THAT(changes.changes(1).after().unit().aliases(), IsEmpty());
  // In pages, each once.
  query.Clear();
  query.set_page_size(50);
  std::set<std::string> seen;
  int pages = 0;
  do {
    const auto page = Changes(query);
    ++pages;
    for (const auto& change : page.changes()) {
      EXPECT_TRUE(seen.insert(absl::StrCat(change.sequence(), change.id())).second);
    }
    query.set_page_token(page.next_page_token());
  } while (!query.page_token().empty());
  EXPECT_EQ(seen.size(), 1U + 129U + 2U);
  EXPECT_EQ(pages, 3);
  query.set_from_sequence(3);
  query.set_to_sequence(2);
  EXPECT_THAT(
      Call<v1::ListDirectoryChangesResponse>(
          server_.directory_service(), &v1::DirectoryService::Stub::ListDirectoryChanges, query),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("to_sequence: ")));
}

}  // namespace
}  // namespace dondoc::ingestion
