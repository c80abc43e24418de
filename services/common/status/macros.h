#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function when `expression`, an absl::Status, is not OK.
#define RETURN_IF_ERROR(expression)                           \
  do {                                                        \
    if (absl::Status status_ = (expression); !status_.ok()) { \
      return status_;                                         \
    }                                                         \
  } while (false)

// Assigns the value of `expression`, an absl::StatusOr, to `declaration`, or returns its status.
// `declaration` with a comma in it needs an alias or parentheses.
#define ASSIGN_OR_RETURN(declaration, expression) \
  DONDOC_ASSIGN_OR_RETURN_(DONDOC_CONCAT_(status_or_, __LINE__), declaration, expression)

#define DONDOC_CONCAT_INNER_(a, b) a##b
#define DONDOC_CONCAT_(a, b) DONDOC_CONCAT_INNER_(a, b)
#define DONDOC_ASSIGN_OR_RETURN_(variable, declaration, expression) \
  auto variable = (expression);                                     \
  if (!variable.ok()) return std::move(variable).status();          \
  declaration = *std::move(variable)
