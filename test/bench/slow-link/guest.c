// SPDX-License-Identifier: Apache-2.0
// The first and only program of the guest: a desktop's worth of drawing that the keys of a client choose, so that one
// virtual machine serves a whole run of the benchmark.
//   A       changes the colour of the key box: what key-to-draw is measured with
//   0 to 8  animates the area at 30 frames a second, with that many bits of noise for each colour
//   T       scrolls lines that look like text, ten a second
//   E       from now on A also writes a character, as an editor does
//   D       what is animated is animated on every screen
//   S       stops all of it; the last frame stays
// The words of the kernel's command line after "--" are its arguments: "framebuffer", or "drm" and a number of screens.
// It reports on the serial port, and ends with a line "READY <screens>" or "FAILED <why>".
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <linux/kd.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "pattern.h"
#include "screen.h"

enum {
  MAX_INPUTS = 16,
  TEXT_X = 16,
  TEXT_Y = 416,
  TEXT_WIDTH = 320,
  TEXT_HEIGHT = 240,
  LINE = 12,  // pixels of a line of text, and 7 of a character
  CHARACTER = 7,
  EDITOR_X = 32,
  EDITOR_Y = 680,
  EDITOR_COLUMNS = 40,
  TICKS_A_LINE = 3,
};

static const uint32_t PAPER = 0xF4F4F0, INK = 0x202020;
static const int64_t TICK_NS = 1000000000LL / FRAMES_A_SECOND, LATE_NS = 200000000LL;

static struct screen screens[MAX_SCREENS];
static int screen_count;
static struct pattern *pattern;
static bool animated, scrolling, echoing, everywhere;
static uint32_t frame, lines, presses;

static uint32_t *at(const struct screen *screen, int x, int y) { return screen->pixels + (size_t)y * screen->stride + x; }

static void fill(const struct screen *screen, int x, int y, int width, int height, uint32_t colour) {
  for (int j = 0; j < height; j++)
    for (int i = 0; i < width; i++) at(screen, x, y + j)[i] = colour;
}

// One of forty shapes that are as dense as letters; some are blank.
static void character(const struct screen *screen, int x, int y, uint32_t which) {
  uint32_t shape = which % 40 < 7 ? 0 : (which % 40) * 0x9E3779B1u;
  for (int j = 0; j < 9; j++)
    for (int i = 0; i < 5; i++)
      if (shape >> (i + j * 5) % 31 & 1) *at(screen, x + i, y + j) = INK;
}

static void text(const struct screen *screen, int x, int y, int width, int height, uint32_t seed) {
  uint32_t state = seed * 2654435761u + 1;
  for (int line = 0; line + LINE <= height; line += LINE)
    for (int column = 0; column + CHARACTER <= width; column += CHARACTER) {
      state = state * 1664525u + 1013904223u;
      character(screen, x + column, y + line, state >> 24);
    }
}

static void paint_key_box(void) {
  // Never the same colour twice in a row, and never one of the paper.
  uint32_t colour = presses % 2 ? 0xC00000u + presses % 64 * 0x000100u : 0x0000C0u + presses % 64 * 0x000100u;
  fill(&screens[0], KEY_BOX_X, KEY_BOX_Y, KEY_BOX_SIZE, KEY_BOX_SIZE, colour);
  screen_changed(&screens[0], KEY_BOX_X, KEY_BOX_Y, KEY_BOX_SIZE, KEY_BOX_SIZE);
}

static void type_character(void) {
  int column = (int)(presses % EDITOR_COLUMNS), x = EDITOR_X + column * CHARACTER;
  if (column == 0) {
    fill(&screens[0], EDITOR_X, EDITOR_Y, EDITOR_COLUMNS * CHARACTER, LINE, PAPER);
    screen_changed(&screens[0], EDITOR_X, EDITOR_Y, EDITOR_COLUMNS * CHARACTER, LINE);
  }
  character(&screens[0], x, EDITOR_Y, presses * 31 % 33 + 7);
  screen_changed(&screens[0], x, EDITOR_Y, CHARACTER, LINE);
}

static void scroll(const struct screen *screen) {
  for (int j = 0; j < TEXT_HEIGHT - LINE; j++)
    memmove(at(screen, TEXT_X, TEXT_Y + j), at(screen, TEXT_X, TEXT_Y + j + LINE), TEXT_WIDTH * 4);
  fill(screen, TEXT_X, TEXT_Y + TEXT_HEIGHT - LINE, TEXT_WIDTH, LINE, PAPER);
  text(screen, TEXT_X, TEXT_Y + TEXT_HEIGHT - LINE, TEXT_WIDTH, LINE, lines);
  screen_changed(screen, TEXT_X, TEXT_Y, TEXT_WIDTH, TEXT_HEIGHT);
}

// A row of noise is a copy of the prepared one under a mask that repeats, so that an emulated processor keeps up: the
// masks of one block's words fit all blocks of the row.
static void noisy_row(uint64_t *to, int y) {
  uint64_t row = pattern_row(pattern, frame, y), masks[BLOCK / 2];
  for (int i = 0; i < BLOCK; i++) {
    uint64_t mask = i < pattern->code_pixels ? pattern_code(pattern, frame, i) : (uint32_t)(i & 1 ? row >> 32 : row);
    masks[i / 2] = i & 1 ? masks[i / 2] | mask << 32 : mask;
  }
  const uint64_t *from = (const uint64_t *)pattern->base[y];
  for (int block = 0; block < BLOCKS; block++, to += BLOCK / 2, from += BLOCK / 2)
    for (int i = 0; i < BLOCK / 2; i++) to[i] = from[i] ^ masks[i];
}

static void animate(const struct screen *screen) {
  for (int y = 0; y < AREA_HEIGHT; y++) {
    uint32_t *to = at(screen, AREA_X, AREA_Y + y);
    if (pattern->bits > 0) noisy_row((uint64_t *)to, y);
    else
      for (int x = 0; x < AREA_WIDTH; x++) to[x] = pattern_pixel(pattern, frame, 0, x, y);
  }
  screen_changed(screen, AREA_X, AREA_Y, AREA_WIDTH, AREA_HEIGHT);
}

static void tick(uint32_t ticks) {
  int count = everywhere ? screen_count : 1;
  if (animated) {
    frame = (frame + 1) & FRAME_MASK;
    for (int i = 0; i < count; i++) animate(&screens[i]);
  }
  if (scrolling && ticks % TICKS_A_LINE == 0) {
    lines++;
    for (int i = 0; i < count; i++) scroll(&screens[i]);
  }
}

static void press(int code) {
  // Linux numbers the digits as the keyboard has them: 1 to 9, then 0.
  if (code == KEY_0 || (code >= KEY_1 && code <= KEY_8)) {
    int bits = code == KEY_0 ? 0 : code - KEY_1 + 1;
    if (pattern->bits != bits) pattern_make(pattern, bits);
    animated = true;
    return;
  }
  switch (code) {
    case KEY_A:
      presses++;
      paint_key_box();
      if (echoing) type_character();
      return;
    case KEY_T: scrolling = true; return;
    case KEY_E: echoing = true; return;
    case KEY_D: everywhere = true; return;
    case KEY_S: animated = scrolling = echoing = everywhere = false; return;
    default: return;
  }
}

static void read_keys(int fd) {
  struct input_event events[32];
  ssize_t bytes = read(fd, events, sizeof events);
  for (ssize_t i = 0; i < bytes / (ssize_t)sizeof events[0]; i++)
    if (events[i].type == EV_KEY && events[i].value == 1) press(events[i].code);
}

// The host lists the modules in the order that they need: a line "<file> <parameters>" for each.
static void load_modules(void) {
  FILE *list = fopen("/modules/list", "r");
  char line[256];
  if (list == NULL) return;
  while (fgets(line, sizeof line, list) != NULL) {
    char path[300], *parameters = strchr(line, ' ');
    line[strcspn(line, "\n")] = 0;
    if (parameters == NULL) parameters = "";
    else
      *parameters++ = 0;
    snprintf(path, sizeof path, "/modules/%s", line);
    int fd = open(path, O_RDONLY);
    long status = fd < 0 ? -1 : syscall(SYS_finit_module, fd, parameters, 0);
    if (status != 0 && errno != EEXIST) printf("module %s: %s\n", line, strerror(errno));
    if (fd >= 0) close(fd);
  }
  fclose(list);
}

static void start_system(void) {
  mkdir("/proc", 0755);
  mkdir("/sys", 0755);
  mkdir("/dev", 0755);
  mount("none", "/proc", "proc", 0, NULL);
  mount("none", "/sys", "sysfs", 0, NULL);
  mount("none", "/dev", "devtmpfs", 0, NULL);
  int serial = open("/dev/ttyS0", O_WRONLY);
  if (serial >= 0) {
    dup2(serial, STDOUT_FILENO);
    dup2(serial, STDERR_FILENO);
  }
  setvbuf(stdout, NULL, _IONBF, 0);
  load_modules();
  // Keeps the kernel's console from drawing over what we draw.
  int terminal = open("/dev/tty0", O_RDWR);
  if (terminal >= 0) ioctl(terminal, KDSETMODE, KD_GRAPHICS);
}

static void halt(const char *why) {
  printf("FAILED %s\n", why);
  for (;;) pause();
}

static int open_inputs(struct pollfd *inputs) {
  int count = 0;
  for (int i = 0; i < MAX_INPUTS; i++) {
    char path[64];
    snprintf(path, sizeof path, "/dev/input/event%d", i);
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    if (fd >= 0) inputs[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
  }
  return count;
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void run(struct pollfd *inputs, int count) {
  int64_t next = now_ns();
  for (uint32_t ticks = 0;;) {
    int64_t left = next - now_ns();
    if (left <= 0) {
      // A guest that was held up goes on from here; it does not catch up.
      next = left < -LATE_NS ? now_ns() + TICK_NS : next + TICK_NS;
      tick(++ticks);
      left = 0;
    }
    struct timespec wait = {left / 1000000000LL, left % 1000000000LL};
    if (ppoll(inputs, (nfds_t)count, &wait, NULL) <= 0) continue;
    for (int i = 0; i < count; i++)
      if (inputs[i].revents & POLLIN) read_keys(inputs[i].fd);
  }
}

int main(int argc, char **argv) {
  struct pollfd inputs[MAX_INPUTS];
  start_system();
  bool drm = argc > 1 && strcmp(argv[1], "drm") == 0;
  int wanted = argc > 2 ? atoi(argv[2]) : 1;
  if (wanted < 1 || wanted > MAX_SCREENS) halt("the number of screens must be 1 or 2");
  screen_count = drm ? screens_of_drm(screens, wanted) : screens_of_framebuffer(screens);
  if (screen_count < wanted) halt("not as many screens as asked for");
  pattern = malloc(sizeof *pattern);
  if (pattern == NULL) halt("no memory");
  pattern_make(pattern, 8);
  int count = open_inputs(inputs);
  if (count == 0) halt("no keyboard");
  for (int i = 0; i < screen_count; i++) {
    fill(&screens[i], 0, 0, SCREEN_WIDTH, SCREEN_HEIGHT, PAPER);
    text(&screens[i], 0, 0, SCREEN_WIDTH, SCREEN_HEIGHT, 7 + (uint32_t)i);
    screen_changed(&screens[i], 0, 0, SCREEN_WIDTH, SCREEN_HEIGHT);
  }
  paint_key_box();
  printf("READY %d\n", screen_count);
  run(inputs, count);
}
