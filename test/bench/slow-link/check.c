// SPDX-License-Identifier: Apache-2.0
// Checks the animated area block by block: 32 pixels of a row have to be those of one frame, that of their first pixels,
// and never of an older frame than the block has shown before. Until its first frame a block has to be what it was when
// the activity began. The guest draws while QEMU reads, so a block may hold the end of one frame and the beginning of the
// next; that is a state that the server had, and is counted apart.
#include "check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pattern.h"

enum { NEIGHBOURS = 3, COMPLAINTS = 8 };

#define COLOURS 0xFFFFFFu
static const uint32_t NOT_DRAWN = UINT32_MAX;

struct check {
  struct pattern pattern;
  uint32_t before[AREA_HEIGHT][AREA_WIDTH];
  uint32_t frames[AREA_HEIGHT][BLOCKS];
  struct check_result result;
};

struct check *check_make(int bits, const uint32_t *area, int stride) {
  struct check *check = calloc(1, sizeof *check);
  if (check == NULL) abort();
  pattern_make(&check->pattern, bits);
  for (int y = 0; y < AREA_HEIGHT; y++) memcpy(check->before[y], area + (size_t)y * (size_t)stride, AREA_WIDTH * 4);
  memset(check->frames, 0xFF, sizeof check->frames);
  return check;
}

// How many pixels of the block, from `start`, are those of `frame`.
static int matching(const struct check *check, const uint32_t *block, uint32_t frame, int x, int y, int start) {
  uint64_t row = pattern_row(&check->pattern, frame, y);
  int i = start;
  while (i < BLOCK && (block[i] & COLOURS) == (pattern_pixel(&check->pattern, frame, row, x + i, y) & COLOURS)) i++;
  return i - start;
}

static bool unchanged(const struct check *check, const uint32_t *block, int x, int y, int start) {
  for (int i = start; i < BLOCK; i++)
    if ((block[i] ^ check->before[y][x + i]) & COLOURS) return false;
  return true;
}

static void complain(const struct check *check, const char *what, int x, int y, uint32_t frame, uint32_t last) {
  if (check->result.wrong + check->result.older > COMPLAINTS) return;
  fprintf(stderr, "check: a block at %d,%d is %s: frame %u, before %u\n", x, y, what, frame, last);
}

static void newest_is(struct check *check, int x, int y, uint32_t frame) {
  uint32_t *last = &check->frames[y][x / BLOCK];
  if (*last != NOT_DRAWN && frame < *last) {
    check->result.older++;
    complain(check, "older", x, y, frame, *last);
  }
  *last = frame;
}

// Two frames in one block, both near `frame`. The older of them counts, so that the rest of the newer one may follow.
// Returns whether the block is such.
static bool is_torn(struct check *check, const uint32_t *block, int x, int y, uint32_t frame) {
  for (uint32_t left = frame - NEIGHBOURS; left != frame + NEIGHBOURS + 1; left++) {
    int whole = matching(check, block, left & FRAME_MASK, x, y, 0);
    for (uint32_t right = left - NEIGHBOURS; whole > 0 && right != left + NEIGHBOURS + 1; right++) {
      if (right == left || matching(check, block, right & FRAME_MASK, x, y, whole) < BLOCK - whole) continue;
      check->result.torn++;
      newest_is(check, x, y, (left < right ? left : right) & FRAME_MASK);
      return true;
    }
  }
  return false;
}

// Whether two frames, or a frame and what was there before all frames, explain a block that is not of one frame. The
// pixels that tell the frame may themselves be of two, so the row above is asked as well.
static bool look_at_torn(struct check *check, const uint32_t *block, int x, int y, uint32_t frame) {
  int whole = matching(check, block, frame, x, y, 0);
  if (check->frames[y][x / BLOCK] == NOT_DRAWN && whole > 0 && unchanged(check, block, x, y, whole)) {
    check->result.torn++;
    return true;
  }
  if (is_torn(check, block, x, y, frame)) return true;
  uint32_t above = y > 0 ? check->frames[y - 1][x / BLOCK] : NOT_DRAWN;
  return above != NOT_DRAWN && is_torn(check, block, x, y, above);
}

static void look_at_block(struct check *check, const uint32_t *block, int x, int y) {
  uint32_t *last = &check->frames[y][x / BLOCK];
  check->result.blocks++;
  if (*last == NOT_DRAWN && unchanged(check, block, x, y, 0)) return;
  uint32_t frame = pattern_frame(&check->pattern, block, &check->pattern.base[y][x]);
  if (matching(check, block, frame, x, y, 0) == BLOCK) {
    newest_is(check, x, y, frame);
    return;
  }
  if (look_at_torn(check, block, x, y, frame)) return;
  check->result.wrong++;
  complain(check, "wrong", x, y, frame, *last);
}

// How far apart the rows of a column are; 0 until all of it is drawn.
static uint32_t spread(const struct check *check, int column) {
  uint32_t least = UINT32_MAX, most = 0;
  for (int y = 0; y < AREA_HEIGHT; y++) {
    uint32_t frame = check->frames[y][column];
    if (frame == NOT_DRAWN) return 0;
    if (frame < least) least = frame;
    if (frame > most) most = frame;
  }
  return most - least;
}

void check_look(struct check *check, const uint32_t *area, int stride) {
  check->result.looks++;
  for (int y = 0; y < AREA_HEIGHT; y++)
    for (int x = 0; x < AREA_WIDTH; x += BLOCK) look_at_block(check, area + (size_t)y * (size_t)stride + x, x, y);
  for (int column = 0; column < BLOCKS; column++) {
    uint32_t apart = spread(check, column);
    if (apart > 2) check->result.mixed++;
    if (apart > check->result.widest) check->result.widest = apart;
  }
}

void check_add(struct check_result *sum, const struct check *check) {
  sum->looks += check->result.looks;
  sum->blocks += check->result.blocks;
  sum->wrong += check->result.wrong;
  sum->older += check->result.older;
  sum->torn += check->result.torn;
  sum->mixed += check->result.mixed;
  if (check->result.widest > sum->widest) sum->widest = check->result.widest;
}

void check_print(const struct check_result *result) {
  printf("\"looks\":%llu,\"blocks\":%llu,\"wrong\":%llu,\"older\":%llu,\"torn\":%llu,\"mixed\":%llu,\"widest\":%u,",
         (unsigned long long)result->looks, (unsigned long long)result->blocks, (unsigned long long)result->wrong,
         (unsigned long long)result->older, (unsigned long long)result->torn, (unsigned long long)result->mixed,
         result->widest);
}
