// SPDX-License-Identifier: Apache-2.0
// Whether what a client sees of the animated area is something that the guest has drawn: see check.c.
#ifndef SLOW_LINK_CHECK_H
#define SLOW_LINK_CHECK_H
#include <stdint.h>

struct check;

struct check_result {
  uint64_t looks;   // how often the whole area was looked at
  uint64_t blocks;  // looked at: 32 pixels of one row each
  uint64_t wrong;   // that are no part of any frame
  uint64_t older;   // that show an older frame than before
  uint64_t torn;    // that QEMU read while the guest was drawing them: pieces of several frames
  uint64_t mixed;   // columns whose rows are more than two frames apart
  uint32_t widest;  // most frames between two rows of one column
};

// Begins to check an area that shows whatever an earlier activity has left. `area` has `stride` pixels a row.
struct check *check_make(int bits, const uint32_t *area, int stride);

// Looks at all of the area.
void check_look(struct check *check, const uint32_t *area, int stride);

void check_add(struct check_result *sum, const struct check *check);

// Prints the members of a result as members of a JSON object, each with a comma behind it.
void check_print(const struct check_result *result);
#endif
