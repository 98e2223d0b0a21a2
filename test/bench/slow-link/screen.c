// SPDX-License-Identifier: Apache-2.0
// Opens the guest's screens, without a library: a VESA framebuffer as the boot loader left it, or the heads of DRM devices
// (virtio-gpu, qxl, bochs) by the kernel's mode-setting calls, which is what a desktop with the native driver uses.
#include <libdrm/drm.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fb.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pattern.h"
#include "screen.h"

enum { TRIES = 50, TRY_US = 100000, MAX_CARDS = 4, MAX_IDS = 16 };

static int open_patiently(const char *path, int tries) {
  for (int i = 0; i < tries; i++) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0) return fd;
    usleep(TRY_US);
  }
  return -1;
}

int screens_of_framebuffer(struct screen *screens) {
  struct fb_var_screeninfo variable;
  struct fb_fix_screeninfo fixed;
  int fd = open_patiently("/dev/fb0", TRIES);
  if (fd < 0 || ioctl(fd, FBIOGET_VSCREENINFO, &variable) < 0 || ioctl(fd, FBIOGET_FSCREENINFO, &fixed) < 0) return 0;
  printf("framebuffer %.16s %ux%u, %u bits\n", fixed.id, variable.xres, variable.yres, variable.bits_per_pixel);
  if (variable.xres != SCREEN_WIDTH || variable.yres != SCREEN_HEIGHT || variable.bits_per_pixel != 32) return 0;
  void *pixels = mmap(NULL, (size_t)fixed.line_length * SCREEN_HEIGHT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (pixels == MAP_FAILED) return 0;
  *screens = (struct screen){pixels, (int)fixed.line_length / 4, -1, 0};
  return 1;
}

// A buffer of one screen's size that the processor can draw into, known to the device as a framebuffer.
static int make_buffer(int card, struct screen *screen) {
  struct drm_mode_create_dumb dumb = {.width = SCREEN_WIDTH, .height = SCREEN_HEIGHT, .bpp = 32};
  if (ioctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &dumb) < 0) return -1;
  struct drm_mode_fb_cmd frame = {.width = SCREEN_WIDTH,
                                  .height = SCREEN_HEIGHT,
                                  .pitch = dumb.pitch,
                                  .bpp = 32,
                                  .depth = 24,
                                  .handle = dumb.handle};
  struct drm_mode_map_dumb map = {.handle = dumb.handle};
  if (ioctl(card, DRM_IOCTL_MODE_ADDFB, &frame) < 0 || ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map) < 0) return -1;
  void *pixels = mmap(NULL, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t)map.offset);
  if (pixels == MAP_FAILED) return -1;
  *screen = (struct screen){pixels, (int)dumb.pitch / 4, card, frame.fb_id};
  return 0;
}

// The VESA timing of 1024x768 at 60 Hz. Given in full, since a head that nobody looks at yet offers no modes.
static struct drm_mode_modeinfo standard_mode(void) {
  struct drm_mode_modeinfo mode = {.clock = 65000,
                                   .hdisplay = 1024,
                                   .hsync_start = 1048,
                                   .hsync_end = 1184,
                                   .htotal = 1344,
                                   .vdisplay = 768,
                                   .vsync_start = 771,
                                   .vsync_end = 777,
                                   .vtotal = 806,
                                   .vrefresh = 60,
                                   .flags = DRM_MODE_FLAG_NHSYNC | DRM_MODE_FLAG_NVSYNC};
  strcpy(mode.name, "1024x768");
  return mode;
}

static int set_head(int card, uint32_t crtc, uint32_t connector, struct screen *screen) {
  if (make_buffer(card, screen) < 0) return -1;
  struct drm_mode_crtc set = {.set_connectors_ptr = (uintptr_t)&connector,
                              .count_connectors = 1,
                              .crtc_id = crtc,
                              .fb_id = screen->framebuffer,
                              .mode_valid = 1,
                              .mode = standard_mode()};
  if (ioctl(card, DRM_IOCTL_MODE_SETCRTC, &set) < 0) return -1;
  // qxl makes its surface as large as the mode that was set before, so that the first time gives 64x64.
  return ioctl(card, DRM_IOCTL_MODE_SETCRTC, &set);
}

static int heads_of_card(int card, struct screen *screens, int wanted) {
  uint32_t crtcs[MAX_IDS], connectors[MAX_IDS];
  struct drm_mode_card_res resources = {.crtc_id_ptr = (uintptr_t)crtcs,
                                        .connector_id_ptr = (uintptr_t)connectors,
                                        .count_crtcs = MAX_IDS,
                                        .count_connectors = MAX_IDS};
  if (ioctl(card, DRM_IOCTL_MODE_GETRESOURCES, &resources) < 0) return 0;
  int heads = 0;
  for (unsigned i = 0; i < resources.count_crtcs && i < resources.count_connectors && heads < wanted; i++) {
    int failed = set_head(card, crtcs[i], connectors[i], &screens[heads]);
    printf("head %u: %s\n", i, failed ? strerror(errno) : "set");
    if (!failed) heads++;
  }
  return heads;
}

int screens_of_drm(struct screen *screens, int wanted) {
  int heads = 0;
  for (int i = 0; i < MAX_CARDS && heads < wanted; i++) {
    char path[32];
    snprintf(path, sizeof path, "/dev/dri/card%d", i);
    int card = open_patiently(path, i == 0 ? TRIES : 1);
    if (card >= 0) heads += heads_of_card(card, screens + heads, wanted - heads);
  }
  return heads;
}

void screen_changed(const struct screen *screen, int x, int y, int width, int height) {
  static int faults;
  if (screen->card < 0) return;
  struct drm_clip_rect clip = {(uint16_t)x, (uint16_t)y, (uint16_t)(x + width), (uint16_t)(y + height)};
  struct drm_mode_fb_dirty_cmd dirty = {.fb_id = screen->framebuffer, .num_clips = 1, .clips_ptr = (uintptr_t)&clip};
  if (ioctl(screen->card, DRM_IOCTL_MODE_DIRTYFB, &dirty) == 0 || faults++ > 0) return;
  printf("a change was not taken: %s\n", strerror(errno));
}
