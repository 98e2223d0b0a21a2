// SPDX-License-Identifier: Apache-2.0
// A SPICE client without a window, on the library that remote-viewer is made of. Chooses what the guest draws, presses
// keys and measures how long each takes until its box is drawn, and looks at the animated area ten times a second: see
// check.h. In the end it stops the guest, presses a last key, waits until nothing more comes, and writes each
// screen into a file.
//   client --host H --port P --ca FILE --subject S --heads N --activity idle|text|typing|0..8 --presses N --gap MS
//          --warm MS --patience MS --limit MS --picture FILE [--picture FILE] --seed N
// The ticket is SLOW_LINK_TICKET of the environment. --limit bounds the time of all presses together: fewer are made then.
// Prints "measuring" when the presses begin, and one line of JSON at the end; a failure is {"error": "..."} and status 1.
#include <spice-client.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pattern.h"

enum {
  MAX_HEADS = 2,
  MAX_PRESSES = 1000,
  QUIET_MS = 1500,  // without a byte: the picture is complete
  SETTLED_MS = 5000,
  START_PATIENCE_MS = 90000,
  SETTLE_PATIENCE_MS = 60000,
  CHECK_MS = 100,
  POLL_MS = 50,
  SCANCODE_0 = 0x0b,
  SCANCODE_1 = 0x02,
  SCANCODE_A = 0x1e,
  SCANCODE_D = 0x20,
  SCANCODE_E = 0x12,
  SCANCODE_S = 0x1f,
  SCANCODE_T = 0x14,
};

struct head {
  SpiceChannel *channel;
  const uint8_t *pixels;
  int width, height, stride;
  struct check *check;
  uint64_t animated_pixels, updates;
  gint64 column_drawn[BLOCKS];
};

static struct {
  const char *host, *port, *ca, *subject, *activity, *pictures[MAX_HEADS];
  int heads, bits, presses, gap, warm, patience, limit, seed, picture_count;
} options = {.heads = 1, .bits = -1, .presses = 12, .gap = 400, .warm = 4000, .patience = 20000, .limit = 60000};

static GMainLoop *loop;
static struct head heads[MAX_HEADS];
static SpiceInputsChannel *inputs;
static double latencies[MAX_PRESSES];
static int drawn, pressed, timeouts;
static bool waiting, measuring;
static uint32_t colour_before;
static guint patience_timer;
static gint64 connected_at, ready_at, pressed_at, last_draw, last_byte, measure_from, measure_to;
static uint64_t bytes_from, bytes_to, pixels_from, pixels_to;
static GArray *gaps;  // milliseconds between two draws of one column

static void fail(const char *what) {
  printf("{\"error\":\"%s\"}\n", what);
  fflush(stdout);
  _Exit(1);
}

static void type(guint scancode) {
  spice_inputs_channel_key_press(inputs, scancode);
  spice_inputs_channel_key_release(inputs, scancode);
}

static uint64_t display_bytes(void) {
  uint64_t sum = 0;
  for (int i = 0; i < options.heads; i++) {
    gulong bytes = 0;
    if (heads[i].channel != NULL) g_object_get(heads[i].channel, "total-read-bytes", &bytes, NULL);
    sum += bytes;
  }
  return sum;
}

static uint64_t animated_pixels(void) {
  uint64_t sum = 0;
  for (int i = 0; i < options.heads; i++) sum += heads[i].animated_pixels;
  return sum;
}

static const uint32_t *row_of(const struct head *head, int x, int y) {
  return (const uint32_t *)(head->pixels + (size_t)y * head->stride) + x;
}

// Milliseconds since something came, a part of a large picture included.
static double quiet_ms(void) {
  static uint64_t seen;
  uint64_t bytes = display_bytes();
  if (bytes != seen) last_byte = g_get_monotonic_time();
  seen = bytes;
  return (double)(g_get_monotonic_time() - last_byte) / 1000;
}

// The key box's colour; UINT32_MAX while it is not of one colour, which it is once drawn.
static uint32_t key_box(void) {
  if (heads[0].pixels == NULL) return UINT32_MAX;
  uint32_t colour = *row_of(&heads[0], KEY_BOX_X, KEY_BOX_Y) & 0xFFFFFF;
  for (int y = 0; y < KEY_BOX_SIZE; y++) {
    const uint32_t *row = row_of(&heads[0], KEY_BOX_X, KEY_BOX_Y + y);
    for (int x = 0; x < KEY_BOX_SIZE; x++)
      if ((row[x] & 0xFFFFFF) != colour) return UINT32_MAX;
  }
  return colour;
}

static double ms_since(gint64 from) { return (double)(g_get_monotonic_time() - from) / 1000; }

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double quantile(const double *sorted, int count, double share) {
  return count == 0 ? -1 : sorted[(int)((count - 1) * share + 0.5)];
}

static void report(void) {
  double sorted[MAX_PRESSES], seconds = (double)(measure_to - measure_from) / G_USEC_PER_SEC;
  memcpy(sorted, latencies, sizeof(double) * (size_t)drawn);
  qsort(sorted, (size_t)drawn, sizeof(double), compare);
  g_array_sort(gaps, compare);
  const double *gap = (const double *)(void *)gaps->data;
  int gap_count = (int)gaps->len;
  struct check_result checked = {0};
  for (int i = 0; i < options.heads; i++)
    if (heads[i].check != NULL) check_add(&checked, heads[i].check);
  printf("{\"presses\":%d,\"timeouts\":%d,\"p50_ms\":%.1f,\"p95_ms\":%.1f,\"max_ms\":%.1f,\"seconds\":%.2f,", drawn,
         timeouts, quantile(sorted, drawn, 0.5), quantile(sorted, drawn, 0.95), quantile(sorted, drawn, 1), seconds);
  printf("\"display_bytes\":%llu,\"mbit\":%.3f,\"frames\":%.3f,\"fps\":%.3f,",
         (unsigned long long)(bytes_to - bytes_from), (double)(bytes_to - bytes_from) * 8 / seconds / 1e6,
         (double)(pixels_to - pixels_from) / (AREA_WIDTH * AREA_HEIGHT),
         (double)(pixels_to - pixels_from) / (AREA_WIDTH * AREA_HEIGHT) / seconds);
  printf("\"gap_p50_ms\":%.0f,\"gap_p95_ms\":%.0f,\"gap_max_ms\":%.0f,", quantile(gap, gap_count, 0.5),
         quantile(gap, gap_count, 0.95), quantile(gap, gap_count, 1));
  printf("\"ready_ms\":%.0f,\"settle_ms\":%.0f,", (double)(ready_at - connected_at) / 1000,
         (double)(last_draw - measure_to) / 1000);
  check_print(&checked);
  printf("\"latencies_ms\":[");
  for (int i = 0; i < drawn; i++) printf("%s%.1f", i ? "," : "", latencies[i]);
  printf("]}\n");
  fflush(stdout);
}

static void write_picture(const struct head *head, const char *path) {
  FILE *file = fopen(path, "wb");
  if (file == NULL || head->pixels == NULL) fail("a picture cannot be written");
  fprintf(file, "P6\n%d %d\n255\n", head->width, head->height);
  for (int y = 0; y < head->height; y++) {
    const uint32_t *row = row_of(head, 0, y);
    for (int x = 0; x < head->width; x++) {
      uint8_t colour[3] = {(uint8_t)(row[x] >> 16), (uint8_t)(row[x] >> 8), (uint8_t)row[x]};
      fwrite(colour, 1, 3, file);
    }
  }
  if (fclose(file) != 0) fail("a picture cannot be written");
}

// A last key has to be answered as well: a link that is quiet because TCP waits to send again is not at its end.
static bool answered(void) {
  uint32_t colour = key_box();
  return colour != UINT32_MAX && colour != colour_before;
}

static gboolean settle(gpointer unused) {
  (void)unused;
  bool quiet = quiet_ms() > SETTLED_MS && ms_since(measure_to) > SETTLED_MS && answered();
  if (!quiet && ms_since(measure_to) < SETTLE_PATIENCE_MS) return G_SOURCE_CONTINUE;
  for (int i = 0; i < options.picture_count && i < options.heads; i++) write_picture(&heads[i], options.pictures[i]);
  g_main_loop_quit(loop);
  return G_SOURCE_REMOVE;
}

static void finish(void) {
  measuring = false;
  measure_to = g_get_monotonic_time();
  if (last_draw < measure_to) last_draw = measure_to;
  bytes_to = display_bytes();
  pixels_to = animated_pixels();
  type(SCANCODE_S);
  colour_before = key_box();
  type(SCANCODE_A);
  g_timeout_add(POLL_MS, settle, NULL);
}

static gboolean press(gpointer unused);

static void press_later(void) {
  // Spread over one period of whatever goes round in the guest, the same way in every run of one seed.
  int spread = (pressed * 7919 + options.seed * 10473) % options.gap;
  g_timeout_add((guint)(options.gap / 2 + spread), press, NULL);
}

static gboolean give_up(gpointer unused) {
  (void)unused;
  waiting = false;
  timeouts++;
  press_later();
  return G_SOURCE_REMOVE;
}

static gboolean press(gpointer unused) {
  (void)unused;
  if (pressed >= options.presses || ms_since(measure_from) > options.limit) {
    finish();
    return G_SOURCE_REMOVE;
  }
  pressed++;
  colour_before = key_box();
  waiting = true;
  pressed_at = g_get_monotonic_time();
  type(SCANCODE_A);
  patience_timer = g_timeout_add((guint)options.patience, give_up, NULL);
  return G_SOURCE_REMOVE;
}

static void look_for_key_box(void) {
  uint32_t colour = key_box();
  if (colour == UINT32_MAX || colour == colour_before) return;
  latencies[drawn++] = ms_since(pressed_at);
  waiting = false;
  g_source_remove(patience_timer);
  press_later();
}

static gboolean look(gpointer unused) {
  (void)unused;
  for (int i = 0; i < options.heads; i++)
    if (heads[i].check != NULL && heads[i].pixels != NULL)
      check_look(heads[i].check, row_of(&heads[i], AREA_X, AREA_Y), heads[i].stride / 4);
  return G_SOURCE_CONTINUE;
}

static gboolean begin(gpointer unused) {
  (void)unused;
  for (int i = 0; i < options.heads; i++) memset(heads[i].column_drawn, 0, sizeof heads[i].column_drawn);
  measuring = true;
  measure_from = g_get_monotonic_time();
  bytes_from = display_bytes();
  pixels_from = animated_pixels();
  printf("measuring\n");
  fflush(stdout);
  press(NULL);
  return G_SOURCE_REMOVE;
}

static void start_activity(void) {
  if (options.heads > 1) type(SCANCODE_D);
  if (options.bits >= 0) {
    for (int i = 0; i < options.heads; i++)
      heads[i].check = check_make(options.bits, row_of(&heads[i], AREA_X, AREA_Y), heads[i].stride / 4);
    type(options.bits == 0 ? SCANCODE_0 : (guint)(SCANCODE_1 + options.bits - 1));
    g_timeout_add(CHECK_MS, look, NULL);
  }
  if (strcmp(options.activity, "text") == 0) type(SCANCODE_T);
  if (strcmp(options.activity, "typing") == 0) type(SCANCODE_E);
  g_timeout_add((guint)options.warm, begin, NULL);
}

static bool complete(void) {
  for (int i = 0; i < options.heads; i++)
    if (heads[i].pixels == NULL || heads[i].width != SCREEN_WIDTH || heads[i].height != SCREEN_HEIGHT) return false;
  uint32_t colour = key_box();
  return inputs != NULL && colour != UINT32_MAX && colour != 0;
}

static gboolean await_picture(gpointer unused) {
  static bool stopped;
  (void)unused;
  if (ms_since(connected_at) > START_PATIENCE_MS) fail(complete() ? "the picture never rests" : "no picture");
  if (!complete()) return G_SOURCE_CONTINUE;
  if (!stopped) {
    // A run that was cut short may have left the guest busy.
    stopped = true;
    type(SCANCODE_S);
    last_byte = g_get_monotonic_time();
    return G_SOURCE_CONTINUE;
  }
  if (quiet_ms() < QUIET_MS) return G_SOURCE_CONTINUE;
  ready_at = g_get_monotonic_time();
  start_activity();
  return G_SOURCE_REMOVE;
}

static struct head *head_of(SpiceChannel *channel) {
  for (int i = 0; i < options.heads; i++)
    if (heads[i].channel == channel) return &heads[i];
  return NULL;
}

static void count_columns(struct head *head, int left, int right) {
  gint64 now = g_get_monotonic_time();
  for (int i = (left - AREA_X) / BLOCK; i <= (right - 1 - AREA_X) / BLOCK; i++) {
    if (measuring && head->column_drawn[i] != 0) {
      double gap = (double)(now - head->column_drawn[i]) / 1000;
      g_array_append_val(gaps, gap);
    }
    head->column_drawn[i] = now;
  }
}

static void on_draw(SpiceDisplayChannel *channel, gint x, gint y, gint width, gint height, gpointer unused) {
  struct head *head = head_of(SPICE_CHANNEL(channel));
  (void)unused;
  if (head == NULL) return;
  last_draw = g_get_monotonic_time();
  head->updates++;
  int left = MAX(x, AREA_X), right = MIN(x + width, AREA_X + AREA_WIDTH);
  int top = MAX(y, AREA_Y), bottom = MIN(y + height, AREA_Y + AREA_HEIGHT);
  if (right > left && bottom > top) {
    head->animated_pixels += (uint64_t)(right - left) * (uint64_t)(bottom - top);
    // The row in the middle stands for its column.
    if (top <= AREA_Y + AREA_HEIGHT / 2 && bottom > AREA_Y + AREA_HEIGHT / 2) count_columns(head, left, right);
  }
  bool box = x < KEY_BOX_X + KEY_BOX_SIZE && x + width > KEY_BOX_X && y < KEY_BOX_Y + KEY_BOX_SIZE && y + height > KEY_BOX_Y;
  if (waiting && box && head == &heads[0]) look_for_key_box();
}

static void on_primary(SpiceDisplayChannel *channel, gint format, gint width, gint height, gint stride, gint shmid,
                       gpointer pixels, gpointer unused) {
  struct head *head = head_of(SPICE_CHANNEL(channel));
  (void)format, (void)shmid, (void)unused;
  if (head == NULL) return;
  if (head->check != NULL) fail("the server made a new surface in the middle of a run");
  head->pixels = pixels;
  head->width = width;
  head->height = height;
  head->stride = stride;
}

static void on_primary_gone(SpiceDisplayChannel *channel, gpointer unused) {
  struct head *head = head_of(SPICE_CHANNEL(channel));
  (void)unused;
  if (head != NULL) head->pixels = NULL;
}

static void on_event(SpiceChannel *channel, SpiceChannelEvent event, gpointer unused) {
  int kind = 0;
  (void)unused;
  if (event == SPICE_CHANNEL_OPENED || event == SPICE_CHANNEL_SWITCHING) return;
  g_object_get(channel, "channel-type", &kind, NULL);
  const GError *error = spice_channel_get_error(channel);
  char text[256];
  snprintf(text, sizeof text, "channel of type %d: event %d%s%s", kind, (int)event, error ? ", " : "",
           error ? error->message : "");
  g_strdelimit(text, "\"\\\n", '\'');
  fail(text);
}

static void on_channel(SpiceSession *session, SpiceChannel *channel, gpointer unused) {
  int id = 0;
  (void)session, (void)unused;
  g_object_get(channel, "channel-id", &id, NULL);
  g_signal_connect(channel, "channel-event", G_CALLBACK(on_event), NULL);
  if (SPICE_IS_DISPLAY_CHANNEL(channel)) {
    if (id >= options.heads) return;
    heads[id].channel = channel;
    g_signal_connect(channel, "display-primary-create", G_CALLBACK(on_primary), NULL);
    g_signal_connect(channel, "display-primary-destroy", G_CALLBACK(on_primary_gone), NULL);
    g_signal_connect(channel, "display-invalidate", G_CALLBACK(on_draw), NULL);
    spice_channel_connect(channel);
  }
  if (SPICE_IS_INPUTS_CHANNEL(channel)) {
    inputs = SPICE_INPUTS_CHANNEL(channel);
    spice_channel_connect(channel);
  }
  if (SPICE_IS_CURSOR_CHANNEL(channel) && id < options.heads) spice_channel_connect(channel);
}

static int number(const char *name, const char *text, int least, int most) {
  char *end;
  long value = strtol(text, &end, 10);
  if (*text == 0 || *end != 0 || value < least || value > most) {
    fprintf(stderr, "client: %s must be a number from %d to %d\n", name, least, most);
    exit(2);
  }
  return (int)value;
}

static void read_option(const char *name, const char *value) {
  if (strcmp(name, "--host") == 0) options.host = value;
  else if (strcmp(name, "--port") == 0) options.port = value;
  else if (strcmp(name, "--ca") == 0) options.ca = value;
  else if (strcmp(name, "--subject") == 0) options.subject = value;
  else if (strcmp(name, "--activity") == 0) options.activity = value;
  else if (strcmp(name, "--heads") == 0) options.heads = number(name, value, 1, MAX_HEADS);
  else if (strcmp(name, "--presses") == 0) options.presses = number(name, value, 1, MAX_PRESSES);
  else if (strcmp(name, "--gap") == 0) options.gap = number(name, value, 20, 60000);
  else if (strcmp(name, "--warm") == 0) options.warm = number(name, value, 0, 60000);
  else if (strcmp(name, "--patience") == 0) options.patience = number(name, value, 100, 120000);
  else if (strcmp(name, "--limit") == 0) options.limit = number(name, value, 100, 600000);
  else if (strcmp(name, "--seed") == 0) options.seed = number(name, value, 0, 10000);
  else if (strcmp(name, "--picture") == 0 && options.picture_count < MAX_HEADS)
    options.pictures[options.picture_count++] = value;
  else {
    fprintf(stderr, "client: unknown option %s\n", name);
    exit(2);
  }
}

static void read_options(int argc, char **argv) {
  for (int i = 1; i + 1 < argc; i += 2) read_option(argv[i], argv[i + 1]);
  if (argc % 2 == 0 || !options.host || !options.port || !options.ca || !options.activity) {
    fprintf(stderr, "client: --host, --port, --ca and --activity are needed\n");
    exit(2);
  }
  bool words = !strcmp(options.activity, "idle") || !strcmp(options.activity, "text") || !strcmp(options.activity, "typing");
  if (!words) options.bits = number("--activity", options.activity, 0, 8);
}

int main(int argc, char **argv) {
  read_options(argc, argv);
  loop = g_main_loop_new(NULL, FALSE);
  gaps = g_array_new(FALSE, FALSE, sizeof(double));
  SpiceSession *session = spice_session_new();
  g_object_set(session, "host", options.host, "tls-port", options.port, "ca-file", options.ca, "cert-subject",
               options.subject, "password", getenv("SLOW_LINK_TICKET"), "enable-audio", FALSE, "enable-usbredir", FALSE,
               "enable-smartcard", FALSE, NULL);
  g_signal_connect(session, "channel-new", G_CALLBACK(on_channel), NULL);
  connected_at = g_get_monotonic_time();
  if (!spice_session_connect(session)) fail("cannot connect");
  g_timeout_add(POLL_MS, await_picture, NULL);
  g_main_loop_run(loop);
  report();
  _Exit(0);
}
