# dondoc::ingestion: what reads files and answers calls; and the binary.
add_library(dondoc_ingestion_service STATIC
    config.cc coverage_check.cc definition_service.cc directory_service.cc dossier_service.cc entry_file.cc feed_service.cc import_job.cc
    import_service.cc imports.cc imports_upload.cc metrics.cc page_token.cc principal.cc procedure_file.cc procedure_service.cc rejects_csv.cc statement_mapper.cc statement_service.cc
    unit_file.cc unit_service.cc)
add_library(dondoc::ingestion ALIAS dondoc_ingestion_service)
target_include_directories(dondoc_ingestion_service SYSTEM PUBLIC ${CSV_INCLUDE_DIR})
target_link_libraries(dondoc_ingestion_service
    PUBLIC dondoc::ledger dondoc::proto dondoc::clock dondoc::metrics dondoc::mutex dondoc::rpc dondoc::server
           dondoc::status absl::flat_hash_map absl::span absl::time
    PRIVATE dondoc::config dondoc::log dondoc::metric absl::flags absl::strings ICU::uc OpenSSL::Crypto
            ${CSV_LIBRARY} dondoc::warnings)
include(reading/reading.cmake)

add_executable(dondoc_ingestion main.cc)
target_link_libraries(dondoc_ingestion PRIVATE dondoc::ingestion dondoc::config dondoc::log dondoc::warnings)

if(DONDOC_TESTS)
  # Never linked into a shipped binary.
  add_library(dondoc_ingestion_testing STATIC testing/ingestion_server.cc testing/kontum_units.cc)
  target_compile_definitions(dondoc_ingestion_testing PRIVATE DONDOC_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(dondoc_ingestion_testing
      PUBLIC dondoc::ingestion dondoc::fake_ledger dondoc::testing
      PRIVATE dondoc::warnings)
endif()

dondoc_test(ingestion_reading_test unit
    SOURCES config_test.cc page_token_test.cc rejects_csv_test.cc reading/cell_values_test.cc
            reading/csv_reader_test.cc reading/header_map_test.cc reading/row_mapper_test.cc
            reading/text_key_test.cc reading/unit_matcher_test.cc
    LIBRARIES dondoc::ingestion dondoc_ingestion_testing dondoc::server dondoc::testing absl::flags
              absl::flags_reflection ICU::uc)
dondoc_test(ingestion_service_test integration
    SOURCES directory_services_test.cc imports_test.cc services_test.cc statements_test.cc
    LIBRARIES dondoc::ingestion dondoc_ingestion_testing dondoc::metric dondoc::testing)
if(TARGET ingestion_service_test)
  target_compile_definitions(ingestion_service_test PRIVATE DONDOC_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
endif()
