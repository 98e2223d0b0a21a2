// SPDX-License-Identifier: Apache-2.0
// The server behind every proxy of the benchmark: plain TCP on loopback, one thread a connection.
// A connection that opens with "REDQ" gets the whole SPICE link (ticket read, not checked) and, on main, a MAIN_INIT;
// any other starts with messages at once. From there both are the same: DATA messages are echoed, except a command,
// which starts a flood of DATA messages of a given size, paced or not.
//   backend PORT...     listens on 127.0.0.1 at every PORT, prints "ready", ends when its standard input ends
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <arpa/inet.h>

#include "wire.h"

static uint8_t public_key[PUBLIC_KEY];
static uint32_t first_session, last_session;
static pthread_mutex_t session_lock = PTHREAD_MUTEX_INITIALIZER;

static int read_all(int fd, void *buffer, size_t n) {
  uint8_t *p = buffer;
  while (n > 0) {
    ssize_t got = read(fd, p, n);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return -1;
    p += got;
    n -= (size_t)got;
  }
  return 0;
}

static int write_all(int fd, const void *buffer, size_t n) {
  const uint8_t *p = buffer;
  while (n > 0) {
    ssize_t put = send(fd, p, n, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return -1;
    p += put;
    n -= (size_t)put;
  }
  return 0;
}

static uint32_t new_session(void) {
  pthread_mutex_lock(&session_lock);
  uint32_t id = ++last_session;
  pthread_mutex_unlock(&session_lock);
  return id;
}

static int known_session(uint32_t id) {
  pthread_mutex_lock(&session_lock);
  int known = id >= first_session && id <= last_session;
  pthread_mutex_unlock(&session_lock);
  return known;
}

static int send_main_init(int fd, uint32_t session) {
  uint8_t message[MINI_HEADER + 32] = {0};
  put_message(message, MSG_MAIN_INIT, 32);
  put32(message + MINI_HEADER, session);
  put32(message + MINI_HEADER + 4, 1);   // display channels hint
  put32(message + MINI_HEADER + 8, 3);   // supported mouse modes: server, client
  put32(message + MINI_HEADER + 12, 1);  // current mouse mode: server
  return write_all(fd, message, sizeof message);
}

// The link stage after its first four bytes. Returns 0 when messages may follow.
static int link_stage(int fd) {
  uint8_t head[LINK_HEADER - 4], mess[4096], reply[LINK_HEADER + LINK_REPLY + 8] = {0}, ticket[4 + TICKET], result[4] = {0};
  if (read_all(fd, head, sizeof head)) return -1;
  uint32_t size = get32(head + 8);
  if (size < LINK_MESS || size > sizeof mess || read_all(fd, mess, size)) return -1;
  uint32_t connection_id = get32(mess), caps_offset = get32(mess + 14);
  uint32_t caps = get32(mess + 6) > 0 && caps_offset <= size - 4 ? get32(mess + caps_offset) : 0;
  int is_main = mess[4] == CHANNEL_MAIN;
  put32(reply, LINK_MAGIC);
  put32(reply + 4, 2);
  put32(reply + 8, 2);
  put32(reply + 12, LINK_REPLY + 8);
  memcpy(reply + LINK_HEADER + 4, public_key, PUBLIC_KEY);
  put32(reply + LINK_HEADER + 166, 1);
  put32(reply + LINK_HEADER + 170, 1);
  put32(reply + LINK_HEADER + 174, LINK_REPLY);
  put32(reply + LINK_HEADER + LINK_REPLY, CAP_AUTH_SELECTION | CAP_AUTH_SPICE | CAP_MINI_HEADER);
  put32(reply + LINK_HEADER + LINK_REPLY + 4, is_main ? 15 : 1);  // all main capabilities; LZ4 for the others
  if (write_all(fd, reply, sizeof reply)) return -1;
  if (read_all(fd, ticket, (caps & CAP_AUTH_SELECTION ? 4 : 0) + TICKET)) return -1;
  if (!is_main && !known_session(connection_id)) put32(result, 8);  // BAD_CONNECTION_ID
  if (write_all(fd, result, sizeof result) || get32(result)) return -1;
  return is_main ? send_main_init(fd, new_session()) : 0;
}

static void wait_until(uint64_t ns) {
  struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) continue;
}

// Sends messages of `body` bytes until the peer goes. Unpaced small ones are joined into writes of about 64 KiB.
static void flood(int fd, uint32_t body, uint32_t rate) {
  uint32_t message = MINI_HEADER + body, count = rate > 0 || message > 65536 ? 1 : 65536 / message;
  uint8_t *buffer = malloc((size_t)message * count);
  uint64_t sequence = 0, due = now_ns(), step = rate > 0 ? (uint64_t)message * 1000000000u / rate : 0;
  if (!buffer) return;
  for (uint32_t m = 0; m < count; m++) {
    uint8_t *p = buffer + (size_t)m * message;
    put_message(p, MSG_DATA, body);
    for (uint32_t i = 0; i < body; i++) p[MINI_HEADER + i] = pattern(i);
  }
  prctl(PR_SET_TIMERSLACK, 1000);
  for (;;) {
    for (uint32_t m = 0; m < count; m++, sequence++) memcpy(buffer + (size_t)m * message + MINI_HEADER, &sequence, body < 8 ? body : 8);
    if (write_all(fd, buffer, (size_t)message * count)) break;
    if (step == 0) continue;
    due += step;
    uint64_t now = now_ns();
    if (now > due + 50000000u) due = now;  // never more than 50 ms of arrears
    if (now < due) wait_until(due);
  }
  free(buffer);
}

static void messages(int fd, const uint8_t *first, size_t have) {
  size_t room = MINI_HEADER + MAX_BODY;
  uint8_t *buffer = malloc(4096);
  size_t size = 4096;
  if (!buffer) return;
  memcpy(buffer, first, have);
  while (read_all(fd, buffer + have, MINI_HEADER - have) == 0) {
    uint32_t body = get32(buffer + 2), type = get16(buffer);
    have = 0;
    if (MINI_HEADER + (size_t)body > room) break;
    if (MINI_HEADER + (size_t)body > size) {
      uint8_t *bigger = realloc(buffer, size = MINI_HEADER + body);
      if (!bigger) break;
      buffer = bigger;
    }
    if (read_all(fd, buffer + MINI_HEADER, body)) break;
    if (type != MSG_DATA) continue;
    if (body == COMMAND_BYTES && get32(buffer + MINI_HEADER) == COMMAND_MAGIC) {
      flood(fd, get32(buffer + MINI_HEADER + 8), get32(buffer + MINI_HEADER + 12));
      break;
    }
    if (write_all(fd, buffer, MINI_HEADER + body)) break;
  }
  free(buffer);
}

static void *serve(void *argument) {
  int fd = (int)(intptr_t)argument;
  uint8_t first[4];
  no_delay(fd);
  if (read_all(fd, first, sizeof first) == 0) {
    if (get32(first) != LINK_MAGIC) messages(fd, first, sizeof first);
    else if (link_stage(fd) == 0) messages(fd, first, 0);
  }
  close(fd);
  return NULL;
}

static int listen_on(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) {
    fprintf(stderr, "backend: port %d: %s\n", port, strerror(errno));
    exit(1);
  }
  return fd;
}

static void *accept_loop(void *argument) {
  int fd = (int)(intptr_t)argument;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 128 * 1024);
  pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
  for (;;) {
    pthread_t thread;
    int connection = accept(fd, NULL, NULL);
    if (connection < 0) continue;
    if (pthread_create(&thread, &small, serve, (void *)(intptr_t)connection)) close(connection);
  }
  return NULL;
}

int main(int argc, char **argv) {
  uint8_t *der = public_key;
  EVP_PKEY *key = EVP_RSA_gen(1024);
  if (!key || i2d_PUBKEY(key, NULL) != PUBLIC_KEY || i2d_PUBKEY(key, &der) != PUBLIC_KEY) return 1;
  signal(SIGPIPE, SIG_IGN);
  first_session = 1 + ((uint32_t)now_ns() & 0x3fffffff);
  last_session = first_session - 1;
  for (int i = 1; i < argc; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, accept_loop, (void *)(intptr_t)listen_on(atoi(argv[i])))) return 1;
  }
  printf("ready\n");
  fflush(stdout);
  while (getchar() != EOF) continue;
  return 0;
}
