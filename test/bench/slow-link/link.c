// SPDX-License-Identifier: Apache-2.0
// A slow link between two network namespaces, in user space, for kernels that have no netem: a TUN device in the namespace
// that the program was started in, another in a fresh one that it makes. Each direction is a drop-tail queue that is
// served at a rate, then a constant delay; a packet may be lost before it gets into the queue.
//   link <device of this namespace> <device of the other>
// Prints "ready" once both devices are there; this process is then in the other namespace. Obeys lines on standard input:
//   set <round trip in microseconds> <kbit/s> <bytes of queue> <packets lost of a million> <seed>
//   count
// and answers each with "done <packets> <dropped by the queue> <lost>", both directions together, since the start.
// What is on its way when the rate changes keeps its time. Ends with its standard input.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 65536, MAX_PACKET = 65600, PACKETS_A_TURN = 64, MILLION = 1000000 };

static const int64_t SECOND_NS = 1000000000LL;

struct packet {
  int64_t sent;     // when its last bit has left the queue
  int64_t arrives;  // when it is at the other end
  int size;
  uint8_t *bytes;
};

struct direction {
  struct packet slots[SLOTS];
  unsigned head, queued, tail;  // head to queued: under way; queued to tail: waiting for the line
  int64_t line_free;
  int64_t queue_bytes;
};

static struct direction directions[2];
static int devices[2];
static int64_t delay_ns, kbits = 1000000, queue_limit = 1 << 20;
static unsigned loss;
static uint64_t random_state = 1;
static uint64_t packets, dropped, lost;

static void fail(const char *what) {
  fprintf(stderr, "link: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static unsigned random_of_million(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (unsigned)(random_state >> 20) % MILLION;
}

static int open_device(const char *name) {
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) fail("/dev/net/tun");
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  if (ioctl(fd, TUNSETIFF, &request) < 0) fail(name);
  return fd;
}

static struct packet *slot(struct direction *d, unsigned at) { return &d->slots[at % SLOTS]; }

// Takes out of the queue what the line has sent by now.
static void advance(struct direction *d, int64_t now) {
  while (d->queued != d->tail && slot(d, d->queued)->sent <= now) d->queue_bytes -= slot(d, d->queued++)->size;
}

static void deliver(struct direction *d, int to, int64_t now) {
  advance(d, now);
  while (d->head != d->queued && slot(d, d->head)->arrives <= now) {
    struct packet *p = slot(d, d->head++);
    // A receiver that cannot take it loses it, as on any network.
    if (write(to, p->bytes, (size_t)p->size) < 0) dropped++;
    free(p->bytes);
  }
}

static void enqueue(struct direction *d, const uint8_t *bytes, int size, int64_t now) {
  advance(d, now);
  packets++;
  if (loss > 0 && random_of_million() < loss) {
    lost++;
    return;
  }
  uint8_t *copy = NULL;
  if (d->queue_bytes + size > queue_limit || d->tail - d->head >= SLOTS || (copy = malloc((size_t)size)) == NULL) {
    dropped++;
    return;
  }
  memcpy(copy, bytes, (size_t)size);
  int64_t start = d->line_free > now ? d->line_free : now;
  d->line_free = start + size * 8 * 1000000LL / kbits;
  *slot(d, d->tail++) = (struct packet){d->line_free, d->line_free + delay_ns, size, copy};
  d->queue_bytes += size;
}

static void receive(int from, struct direction *d) {
  static uint8_t bytes[MAX_PACKET];
  for (int i = 0; i < PACKETS_A_TURN; i++) {
    ssize_t size = read(from, bytes, sizeof bytes);
    if (size <= 0) return;
    enqueue(d, bytes, (int)size, now_ns());
  }
}

static void obey(const char *line) {
  long long round_trip_us, rate, queue, loss_of_million, seed;
  if (sscanf(line, "set %lld %lld %lld %lld %lld", &round_trip_us, &rate, &queue, &loss_of_million, &seed) == 5) {
    delay_ns = round_trip_us * 500;
    kbits = rate > 0 ? rate : 1;
    queue_limit = queue;
    loss = (unsigned)loss_of_million;
    if (seed > 0) random_state = (uint64_t)seed * 0x9E3779B97F4A7C15ull;
  }
  printf("done %llu %llu %llu\n", (unsigned long long)packets, (unsigned long long)dropped, (unsigned long long)lost);
  fflush(stdout);
}

static void read_orders(void) {
  static char text[4096];
  static size_t used;
  ssize_t size = read(STDIN_FILENO, text + used, sizeof text - 1 - used);
  if (size <= 0) exit(0);
  used += (size_t)size;
  text[used] = 0;
  for (char *end; (end = strchr(text, '\n')) != NULL;) {
    *end = 0;
    obey(text);
    used -= (size_t)(end + 1 - text);
    memmove(text, end + 1, used + 1);
  }
  if (used == sizeof text - 1) exit(1);
}

// When something next becomes due, at most a second from now.
static int64_t next_event(int64_t now) {
  int64_t next = now + SECOND_NS;
  for (int i = 0; i < 2; i++) {
    struct direction *d = &directions[i];
    if (d->head != d->tail && slot(d, d->head)->arrives < next) next = slot(d, d->head)->arrives;
  }
  return next;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: link <device of this namespace> <device of the other>\n");
    return 2;
  }
  // The bench may be killed without a chance to close our standard input.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  devices[0] = open_device(argv[1]);
  if (unshare(CLONE_NEWNET) < 0) fail("a network namespace");
  devices[1] = open_device(argv[2]);
  // Keeps its times under load where it may.
  struct sched_param priority = {.sched_priority = 10};
  sched_setscheduler(0, SCHED_RR, &priority);
  printf("ready\n");
  fflush(stdout);
  for (;;) {
    int64_t now = now_ns();
    for (int i = 0; i < 2; i++) deliver(&directions[i], devices[1 - i], now);
    int64_t left = next_event(now) - now_ns();
    if (left < 0) left = 0;
    struct timespec wait = {left / SECOND_NS, left % SECOND_NS};
    struct pollfd ready[3] = {{devices[0], POLLIN, 0}, {devices[1], POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    if (ppoll(ready, 3, &wait, NULL) <= 0) continue;
    for (int i = 0; i < 2; i++)
      if (ready[i].revents & POLLIN) receive(devices[i], &directions[i]);
    if (ready[2].revents) read_orders();
  }
}
