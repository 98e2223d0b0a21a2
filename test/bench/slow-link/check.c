// SPDX-License-Identifier: Apache-2.0
// Checks the animated area block by block: 32 pixels of a row have to be those of one frame, that of their first pixels,
// and never of an older frame than the block has shown before. Until its first frame a block has to be what it was when
// the activity began. The guest draws while QEMU reads, so a block may hold pieces of several frames; that is a state that
// the server had, and is counted apart.
#include "check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pattern.h"

// A busy host may hold QEMU up for a moment in the middle of a block, while the guest draws on.
enum { NEARBY = 3 * FRAMES_A_SECOND, MAX_PIECES = 3, COMPLAINTS = 8, MANY = 2000 };

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

// How many pixels of the block, from `start`, are what they were before the first frame.
static int unchanged(const struct check *check, const uint32_t *block, int x, int y, int start) {
  int i = start;
  while (i < BLOCK && ((block[i] ^ check->before[y][x + i]) & COLOURS) == 0) i++;
  return i - start;
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

// The longest run of pixels from `start` that a frame near `frame` explains, or what was there before all frames; tells
// the frame, NOT_DRAWN for what was there before.
static int longest(const struct check *check, const uint32_t *block, int x, int y, uint32_t frame, int start,
                   uint32_t *found) {
  int most = 0;
  for (uint32_t near = frame - NEARBY; near != frame + NEARBY + 1; near++) {
    int run = matching(check, block, near & FRAME_MASK, x, y, start);
    if (run <= most) continue;
    most = run;
    *found = near & FRAME_MASK;
  }
  if (check->frames[y][x / BLOCK] == NOT_DRAWN && unchanged(check, block, x, y, start) > most) {
    most = unchanged(check, block, x, y, start);
    *found = NOT_DRAWN;
  }
  return most;
}

// Whether few pieces of frames near `frame` explain a block. The oldest of them counts, so that the rest of the newer
// ones may follow.
static bool is_torn(struct check *check, const uint32_t *block, int x, int y, uint32_t frame) {
  uint32_t oldest = NOT_DRAWN, piece = NOT_DRAWN;
  bool started = true;
  for (int at = 0, pieces = 0; at < BLOCK; pieces++) {
    int run = longest(check, block, x, y, frame, at, &piece);
    if (run == 0 || pieces == MAX_PIECES) return false;
    if (piece == NOT_DRAWN) started = false;
    else if (piece < oldest) oldest = piece;
    at += run;
  }
  check->result.torn++;
  if (started) newest_is(check, x, y, oldest);
  return true;
}

// The pixels that tell the frame may themselves be of two, so the row above is asked as well.
static bool look_at_torn(struct check *check, const uint32_t *block, int x, int y, uint32_t frame) {
  if (is_torn(check, block, x, y, frame)) return true;
  uint32_t above = y > 0 ? check->frames[y - 1][x / BLOCK] : NOT_DRAWN;
  return above != NOT_DRAWN && is_torn(check, block, x, y, above);
}

// Says what a wrong block is made of, for whoever has to find out why.
static void describe(const struct check *check, const uint32_t *block, int x, int y, uint32_t frame) {
  if (check->result.wrong > COMPLAINTS) return;
  fprintf(stderr, "check: its pixels:");
  for (int at = 0, pieces = 0; at < BLOCK && pieces <= 2 * MAX_PIECES; pieces++) {
    uint32_t piece = NOT_DRAWN;
    int run = longest(check, block, x, y, frame, at, &piece);
    if (run > 0 && piece != NOT_DRAWN) fprintf(stderr, " %d of frame %u", run, piece);
    else if (run > 0) fprintf(stderr, " %d of before", run);
    else
      fprintf(stderr, " unknown %06x", block[at] & COLOURS);
    at += run > 0 ? run : 1;
  }
  fprintf(stderr, "\n");
}

static void look_at_block(struct check *check, const uint32_t *block, int x, int y) {
  uint32_t *last = &check->frames[y][x / BLOCK];
  check->result.blocks++;
  if (*last == NOT_DRAWN && unchanged(check, block, x, y, 0) == BLOCK) return;
  uint32_t frame = pattern_frame(&check->pattern, block, &check->pattern.base[y][x]);
  if (matching(check, block, frame, x, y, 0) == BLOCK) {
    newest_is(check, x, y, frame);
    return;
  }
  // Pictures that are approximate all over are not searched for pieces; that would keep the client from its work.
  if (check->result.wrong < MANY && look_at_torn(check, block, x, y, frame)) return;
  check->result.wrong++;
  complain(check, "wrong", x, y, frame, *last);
  describe(check, block, x, y, frame);
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
