// How fast the cube is at a size given. Prints what it measured; asserts nothing.
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "services/aggregation/live_cube.h"
#include "services/aggregation/questions.h"
#include "tests/bench/cube_bench_data.h"

ABSL_FLAG(int64_t, dossiers, 10'000'000, "size of the ledger");
ABSL_FLAG(int, units, 12'000, "units of the directory");
ABSL_FLAG(int, procedures, 6'000, "procedures of the catalogue");
ABSL_FLAG(int, days, 365, "days with dossiers, from 2023-01-01 on");
ABSL_FLAG(uint32_t, seed, 1, "of the random data and questions");

namespace dondoc::bench {
namespace {

using aggregation::Cube;
using aggregation::CubeView;
using aggregation::DayRange;
using aggregation::LiveCube;
using aggregation::Question;

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << status << "\n";
  std::exit(1);
}

double HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

// Of this thread: what the work costs when nobody else wants the core.
double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double Seconds(const std::function<void()>& work) {
  const absl::Time start = absl::Now();
  work();
  return absl::ToDoubleSeconds(absl::Now() - start);
}

struct Quantiles {
  double p50;
  double p99;
  double max;
};

Quantiles QuantilesOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return {values[n / 2], values[n * 99 / 100], values[n - 1]};
}

void Row(const char* what, const Quantiles& us) {
  absl::PrintF("%-42s p50 %9.1f us   p99 %9.1f us   max %9.1f us\n", what, us.p50, us.p99, us.max);
}

// Windows that people ask for: some days to the whole year, never two the same for long.
Question RandomQuestion(Data& data, const std::string& definition_id) {
  Question question;
  question.definition_id = definition_id;
  question.window.first = kFirstDay + data.Pick(360);
  question.window.last = question.window.first + data.Pick(365);
  question.target = Target{.p = 1 + data.Pick(99), .q = 100};
  return question;
}

Cube Load(Data& data, double& load_s, double& decode_s) {
  Cube cube;
  std::string text;
  load_s = decode_s = 0;
  while (data.NextChunk(text)) {
    v1::SnapshotChunk chunk;
    decode_s += Seconds([&] {
      if (!chunk.ParseFromString(text)) Check(absl::InternalError("not a chunk"));
    });
    load_s += Seconds([&] { Check(cube.LoadChunk(chunk)); });
  }
  load_s += Seconds([&] { Check(cube.FinishLoad()); });
  return cube;
}

Quantiles Summaries(const CubeView& view, Data& data, const std::string& id, int times) {
  std::vector<double> us;
  int64_t seen = 0;
  const double cpu = CpuSeconds();
  for (int i = 0; i < times; ++i) {
    const Question question = RandomQuestion(data, id);
    us.push_back(1e6 * Seconds([&] {
                   seen += AnswerSummary(view, *view.FindPlane(id), question).overall().total();
                 }));
  }
  absl::PrintF("%-42s %.1f us\n", "summary, processor time, mean",
               1e6 * (CpuSeconds() - cpu) / times);
  if (seen == 0) Check(absl::InternalError("no dossiers seen"));
  return QuantilesOf(us);
}

Quantiles Units(const CubeView& view, Data& data, int units, int times) {
  std::vector<double> us;
  for (int i = 0; i < times; ++i) {
    const Question question = RandomQuestion(data, "received");
    const std::string unit = data.UnitId(data.Pick(units));
    us.push_back(1e6 * Seconds([&] {
                   Check(
                       AnswerUnitRatio(view, *view.FindPlane("received"), question, unit).status());
                 }));
  }
  return QuantilesOf(us);
}

// Changes a second with sequences of a thousand, shown every 20 ms as the follower does.
void Follow(LiveCube& cube, Data& data, int sequences, bool recent) {
  constexpr int kChanges = 1000;
  std::vector<v1::FeedEvent> events;
  const int64_t at = cube.View()->position().sequence();
  for (int i = 1; i <= sequences; ++i) events.push_back(data.Sequence(at + i, kChanges, recent));
  absl::Time shown = absl::Now();
  const double cpu = CpuSeconds();
  const double seconds = Seconds([&] {
    for (const v1::FeedEvent& event : events) {
      const bool show = absl::Now() - shown > absl::Milliseconds(20);
      if (show) shown = absl::Now();
      Check(cube.Apply({&event, 1}, show));
    }
    cube.Show();
  });
  const double changes = sequences * double{kChanges} / 1e6;
  absl::PrintF("%-42s %.2f M changes/s; %.2f M in a second of processor time\n",
               recent ? "follow, nine of ten of the last 30 days" : "follow, any day of the year",
               changes / seconds, changes / (CpuSeconds() - cpu));
}

// From the moment a sequence is handed in to the end of a summary that has it, while another thread
// asks summaries without a pause.
Quantiles Visible(LiveCube& cube, Data& data, const DataOptions& options, int changes, int times) {
  std::atomic<bool> done = false;
  std::thread reader([&] {
    DataOptions other = options;
    other.dossiers = 0;
    Data questions(other);
    while (!done) {
      const auto view = cube.View();
      const Question question = RandomQuestion(questions, "received");
      AnswerSummary(*view, *view->FindPlane("received"), question);
    }
  });
  std::vector<double> us;
  for (int i = 0; i < times; ++i) {
    const int64_t sequence = cube.View()->position().sequence() + 1;
    const v1::FeedEvent event = data.Sequence(sequence, changes, true);
    const Question question = RandomQuestion(data, "received");
    us.push_back(1e6 * Seconds([&] {
                   Check(cube.Apply({&event, 1}, true));
                   const auto view = cube.View();
                   AnswerSummary(*view, *view->FindPlane("received"), question);
                 }));
  }
  done = true;
  reader.join();
  return QuantilesOf(us);
}

void Run(const DataOptions& options) {
  absl::PrintF("%d dossiers, %d units, %d procedures, %d days, seed %u\n\n", options.dossiers,
               options.units, options.procedures, options.days, options.seed);
  Data data(options);
  const double before = HeapBytes();
  double load_s = 0;
  double decode_s = 0;
  Cube loaded = Load(data, load_s, decode_s);
  const double cells = static_cast<double>(data.cells());
  LiveCube cube;
  cube.Replace(std::move(loaded));
  const double bytes = (HeapBytes() - before) / cells;
  absl::PrintF("%-42s %d\n", "cells", data.cells());
  absl::PrintF("%-42s %.1f M cells/s (decoding the messages: %.1f M cells/s, both: %.1f)\n", "load",
               cells / load_s / 1e6, cells / decode_s / 1e6, cells / (load_s + decode_s) / 1e6);
  absl::PrintF("%-42s %.1f\n", "bytes a cell, everything included", bytes);

  const double use_s = Seconds([&] { Check(cube.ViewFor("online-services").status()); });
  absl::PrintF("%-42s %.0f ms, then %.1f bytes a cell\n", "a second definition, first asked",
               1e3 * use_s, (HeapBytes() - before) / cells);

  const Quantiles summary = Summaries(*cube.View(), data, "received", 3000);
  Row("summary, each of another window", summary);
  const Quantiles unit = Units(*cube.View(), data, options.units, 100'000);
  Row("one unit", unit);
  for (const bool recent : {true, false}) Follow(cube, data, 1000, recent);
  const Quantiles one = Visible(cube, data, options, 1, 2000);
  Row("change -> summary has it, 1 change", one);
  const Quantiles visible = Visible(cube, data, options, 1000, 500);
  Row("change -> summary has it, 1000 changes", visible);
  absl::PrintF("%-42s %.1f\n", "bytes a cell after that", (HeapBytes() - before) / cells);
  absl::PrintF(
      "\nNot measured here: gRPC, the gateway, ingestion's side; PostgreSQL and DuckDB as "
      "peers.\n");
  absl::PrintF(
      "cube: %d dossiers, summary p99 %.1f us, unit p99 %.1f us, visible p99 %.2f ms, %.1f bytes "
      "per cell\n",
      options.dossiers, summary.p99, unit.p99, visible.p99 / 1e3, bytes);
}

}  // namespace
}  // namespace dondoc::bench

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  dondoc::bench::DataOptions options;
  options.dossiers = absl::GetFlag(FLAGS_dossiers);
  options.units = absl::GetFlag(FLAGS_units);
  options.procedures = absl::GetFlag(FLAGS_procedures);
  options.days = absl::GetFlag(FLAGS_days);
  options.seed = absl::GetFlag(FLAGS_seed);
  dondoc::bench::Run(options);
  return 0;
}
