// SPDX-License-Identifier: Apache-2.0
// The guest's screens as memory: see screen.c.
#ifndef SLOW_LINK_SCREEN_H
#define SLOW_LINK_SCREEN_H
#include <stdint.h>

enum { MAX_SCREENS = 2 };

struct screen {
  uint32_t *pixels;
  int stride;  // in pixels
  int card;    // file descriptor of the DRM device that wants to hear of changes; -1: none
  uint32_t framebuffer;
};

// Opens the VESA framebuffer, which QEMU watches by itself. Returns the number of screens: 1, or 0 when there is none.
int screens_of_framebuffer(struct screen *screens);

// Sets SCREEN_WIDTH x SCREEN_HEIGHT on up to `wanted` heads of all DRM devices. Returns how many it has set.
int screens_of_drm(struct screen *screens, int wanted);

// Tells the driver that a rectangle was drawn; nothing to do for a framebuffer that is watched.
void screen_changed(const struct screen *screen, int x, int y, int width, int height);
#endif
