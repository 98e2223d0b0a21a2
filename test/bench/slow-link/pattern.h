// SPDX-License-Identifier: Apache-2.0
// What the guest draws, and where: shared by the guest that draws it and the client that checks it. Every pixel of the
// animated area is a function of the frame's number and of its place, and each block of 32 pixels, the width of the
// columns that QEMU cuts an update into, tells its frame in its first pixels. Whoever sees a block can compute all of it.
#ifndef SLOW_LINK_PATTERN_H
#define SLOW_LINK_PATTERN_H
#include <stdint.h>

enum {
  SCREEN_WIDTH = 1024,
  SCREEN_HEIGHT = 768,
  AREA_X = 352,  // whole blocks, so that no column has pixels of somebody else
  AREA_Y = 160,
  AREA_WIDTH = 640,
  AREA_HEIGHT = 480,
  BLOCK = 32,
  BLOCKS = AREA_WIDTH / BLOCK,
  KEY_BOX_X = 64,
  KEY_BOX_Y = 288,
  KEY_BOX_SIZE = 96,
  MAX_CODE_PIXELS = 24,
  FRAMES_A_SECOND = 30,
};

// A frame's number has this many bits; at 30 frames a second it lasts for six days.
#define FRAME_MASK 0xFFFFFFu
// An odd multiplier spreads the number over all bits, so that the pixels that tell it are as random as the others; the
// inverse modulo 2^24 gives the number back.
#define FRAME_MULTIPLIER 0x9E3779u
#define FRAME_INVERSE 0xB382C9u

struct pattern {
  int bits;         // of noise for each colour; 0: a smooth moving gradient
  int code_pixels;  // that tell the frame at the start of a block
  uint32_t mask;    // of the bits of a pixel that are noise
  uint32_t base[AREA_HEIGHT][AREA_WIDTH];
};

// Fills in a pattern with `bits` bits of noise for each colour, 0 to 8.
static inline void pattern_make(struct pattern *p, int bits) {
  uint32_t one = (1u << bits) - 1, random = 0x2545F491u;
  p->bits = bits;
  p->mask = one << 16 | one << 8 | one;
  p->code_pixels = bits == 0 ? 1 : (24 + 3 * bits - 1) / (3 * bits);
  for (int y = 0; y < AREA_HEIGHT; y++)
    for (int x = 0; x < AREA_WIDTH; x++) {
      random ^= random << 13;
      random ^= random >> 17;
      random ^= random << 5;
      uint32_t smooth = (uint32_t)(x & 255) | (uint32_t)(y & 255) << 8 | (uint32_t)((x + y) & 255) << 16;
      p->base[y][x] = (smooth & ~p->mask) | (random & p->mask);
    }
}

// Two pixels' worth of noise that belong to one row of one frame. Another one for each row of each frame: an encoder
// that remembers what it has sent finds nothing of it again.
static inline uint64_t pattern_row(const struct pattern *p, uint32_t frame, int y) {
  uint64_t z = ((uint64_t)frame << 16 | (uint32_t)y) * 0x9E3779B97F4A7C15ull;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ z >> 27) * 0x94D049BB133111EBull;
  z ^= z >> 31;
  return z & ((uint64_t)p->mask << 32 | p->mask);
}

// The share of pixel `at` of a block in telling `frame`: 3 times `bits` bits of the number, as noise of the three colours.
static inline uint32_t pattern_code(const struct pattern *p, uint32_t frame, int at) {
  uint32_t code = (frame * FRAME_MULTIPLIER) & FRAME_MASK;
  if (p->bits == 0) return code;
  uint32_t one = (1u << p->bits) - 1, piece = code >> (at * 3 * p->bits);
  return (piece & one) | (piece >> p->bits & one) << 8 | (piece >> 2 * p->bits & one) << 16;
}

// The frame that the first pixels of a block tell.
static inline uint32_t pattern_frame(const struct pattern *p, const uint32_t *block, const uint32_t *base) {
  if (p->bits == 0) return (block[0] * FRAME_INVERSE) & FRAME_MASK;
  uint32_t one = (1u << p->bits) - 1, code = 0;
  for (int at = 0; at < p->code_pixels; at++) {
    uint32_t noise = block[at] ^ base[at];
    uint32_t piece = (noise & one) | (noise >> 8 & one) << p->bits | (noise >> 16 & one) << 2 * p->bits;
    code |= piece << (at * 3 * p->bits);
  }
  return (code * FRAME_INVERSE) & FRAME_MASK;
}

// The smooth gradient of a pattern without noise.
static inline uint32_t pattern_smooth(uint32_t frame, int x, int y) {
  uint32_t red = (uint32_t)x + 3 * frame, green = (uint32_t)y + 2 * frame, blue = (uint32_t)(x + y) + frame;
  return (red & 255) | (green & 255) << 8 | (blue & 255) << 16;
}

// The pixel at (x, y) of the animated area in `frame`; `row` is pattern_row() of it.
static inline uint32_t pattern_pixel(const struct pattern *p, uint32_t frame, uint64_t row, int x, int y) {
  int at = x % BLOCK;
  if (p->bits == 0) return at == 0 ? pattern_code(p, frame, 0) : pattern_smooth(frame, x, y);
  if (at < p->code_pixels) return p->base[y][x] ^ pattern_code(p, frame, at);
  return p->base[y][x] ^ (uint32_t)(x & 1 ? row >> 32 : row);
}
#endif
