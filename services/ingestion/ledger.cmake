# dondoc::ledger: the log, its views and the stores they live in.
set(ledger_out ${CMAKE_CURRENT_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${ledger_out})
add_custom_command(
  OUTPUT ${ledger_out}/services/ingestion/ledger_log.pb.cc ${ledger_out}/services/ingestion/ledger_log.pb.h
  COMMAND protobuf::protoc --cpp_out=${ledger_out}
          -I ${PROJECT_SOURCE_DIR} -I ${PROJECT_SOURCE_DIR}/proto -I ${DONDOC_GOOGLEAPIS_DIR}
          services/ingestion/ledger_log.proto
  DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/ledger_log.proto
          ${PROJECT_SOURCE_DIR}/proto/dondoc/v1/common.proto
          ${PROJECT_SOURCE_DIR}/proto/dondoc/v1/definitions.proto
          ${PROJECT_SOURCE_DIR}/proto/dondoc/v1/feed.proto
          ${PROJECT_SOURCE_DIR}/proto/dondoc/v1/units.proto
  VERBATIM)
add_library(dondoc_ledger_log STATIC ${ledger_out}/services/ingestion/ledger_log.pb.cc)
target_include_directories(dondoc_ledger_log SYSTEM PUBLIC ${ledger_out})
target_link_libraries(dondoc_ledger_log PUBLIC dondoc::proto)

add_library(dondoc_ledger STATIC
    cells.cc directory.cc dossier_check.cc log_ledger.cc log_ledger_read.cc planner.cc revision_block.cc
    rocksdb_ledger.cc rocksdb_store.cc store.cc stored_imports.cc views.cc views_checkpoint.cc views_query.cc)
add_library(dondoc::ledger ALIAS dondoc_ledger)
target_link_libraries(dondoc_ledger
    PUBLIC dondoc::proto dondoc::status dondoc::clock dondoc::mutex dondoc_ledger_log
           absl::flat_hash_map absl::flat_hash_set absl::inlined_vector absl::span absl::time
    PRIVATE dondoc::log dondoc::metric absl::random_random RocksDB::rocksdb-shared dondoc::warnings)

if(DONDOC_TESTS)
  # Never linked into a shipped binary.
  add_library(dondoc_fake_ledger STATIC fake_ledger.cc)
  add_library(dondoc::fake_ledger ALIAS dondoc_fake_ledger)
  target_link_libraries(dondoc_fake_ledger PUBLIC dondoc::ledger PRIVATE dondoc::warnings)
endif()

if(DONDOC_TESTS)
  add_library(dondoc_ledger_testing STATIC testing/ledger_testing.cc testing/unsynced_discard_fs.cc)
  target_link_libraries(dondoc_ledger_testing
      PUBLIC dondoc::ledger dondoc::fake_ledger dondoc::testing dondoc::metric GTest::gtest
             RocksDB::rocksdb-shared
      PRIVATE dondoc::warnings)
  dondoc_test(ledger_contract_test unit
      SOURCES ledger_contract_test.cc import_contract_test.cc LIBRARIES dondoc_ledger_testing)
  dondoc_test(ledger_parts_test unit
      SOURCES directory_test.cc dossier_check_test.cc views_test.cc LIBRARIES dondoc_ledger_testing)
  dondoc_test(log_ledger_test unit
      SOURCES log_ledger_test.cc LIBRARIES dondoc_ledger_testing dondoc::log)
  dondoc_test(rocksdb_ledger_test unit
      SOURCES rocksdb_ledger_test.cc LIBRARIES dondoc_ledger_testing dondoc::log)
  dondoc_test(ledger_property_test integration
      SOURCES ledger_property_test.cc LIBRARIES dondoc_ledger_testing dondoc::log)
  dondoc_test(durability_test integration
      SOURCES durability_test.cc LIBRARIES dondoc_ledger_testing dondoc::log)
endif()

# Measures, asserts nothing; built when it is asked for.
add_executable(ledger_bench EXCLUDE_FROM_ALL ledger_bench.cc)
target_link_libraries(ledger_bench PRIVATE dondoc::ledger dondoc::warnings)
