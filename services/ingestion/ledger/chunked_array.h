#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <vector>

namespace dondoc::ingestion {

// An array that grows by chunks of kChunk elements and never moves them: no copy, and no moment
// with twice the memory. For plain values; what is added is written, nothing else is.
template <typename T, size_t kChunk>
class ChunkedArray {
  static_assert(std::is_trivially_copyable_v<T> && (kChunk & (kChunk - 1)) == 0);

 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](size_t i) { return chunks_[i / kChunk][i % kChunk]; }
  const T& operator[](size_t i) const { return chunks_[i / kChunk][i % kChunk]; }
  const T& back() const { return (*this)[size_ - 1]; }

  void push_back(const T& value) {
    if (size_ == chunks_.size() * kChunk) chunks_.emplace_back(new T[kChunk]);
    (*this)[size_++] = value;
  }
  void pop_back() { Truncate(size_ - 1); }
  // Keeps the first `size` elements.
  void Truncate(size_t size) {
    size_ = size;
    // One chunk in reserve, so that going to and fro over a border costs nothing.
    const size_t kept = (size + kChunk - 1) / kChunk + 1;
    if (chunks_.size() > kept) chunks_.resize(kept);
  }

 private:
  std::vector<std::unique_ptr<T[]>> chunks_;
  size_t size_ = 0;
};

}  // namespace dondoc::ingestion
