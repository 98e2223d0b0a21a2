// SPDX-License-Identifier: Apache-2.0
// The load of the benchmark: opens channels through a proxy over TLS 1.3 AES-128-GCM and works on them, one thread each.
//   client --port P --dialect tls|ws|spice|wsspice [--token T]... --work flood|verify|ping|setup|idle
//          [--channels N] [--body BYTES] [--rate BYTES-A-SECOND] [--limit BYTES]
// tls: messages start at once; ws: the same inside binary WebSocket frames; spice: the SPICE link first (the token is the
// ticket; a main channel per token, then usbredir channels that carry the session id of its MAIN_INIT).
// Prints "ready"; then obeys lines on its standard input: "go" starts the work, "mark" prints
// "mark <monotonic ns> <bytes received> <operations>", "quit" (or the end of input) prints "samples <count> <p50> <p99> <max>"
// in nanoseconds and ends. A failure prints "error <what>" and ends with status 1.
// Floods are counted by TLS record length without decrypting, so that the load costs the machine little.
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <arpa/inet.h>

#include "wire.h"

enum { MAX_TOKENS = 64, CHANNELS_A_SESSION = 250, MAX_SAMPLES = 1 << 20, RAW_READ = 262144 };
enum dialect { TLS, WS, SPICE, WS_SPICE };
enum work { FLOOD, VERIFY, PING, SETUP, IDLE };

struct channel {
  int fd;
  SSL *ssl;
  uint64_t frame_left;  // payload bytes left of the WebSocket frame that is being read
};

static int port, channels = 1, tokens;
static enum dialect dialect;
static enum work work;
static uint32_t body = 65530, rate;
static uint64_t limit;
static const char *token[MAX_TOKENS];
static uint32_t session_id[MAX_TOKENS];
static SSL_CTX *context;
static atomic_ullong bytes, operations;
static atomic_int verified;
static uint32_t *samples;
static atomic_uint sample_count;
static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate = PTHREAD_COND_INITIALIZER;
static int gate_open;

static void fail(const char *what) {
  printf("error %s\n", what);
  fflush(stdout);
  _exit(1);
}

static void sample(uint64_t ns) {
  unsigned i = atomic_fetch_add(&sample_count, 1);
  if (i < MAX_SAMPLES) samples[i] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
}

static int framed(void) {
  return dialect == WS || dialect == WS_SPICE;
}

static int linked(void) {
  return dialect == SPICE || dialect == WS_SPICE;
}

static int tls_read(struct channel *c, void *buffer, size_t n) {
  uint8_t *p = buffer;
  while (n > 0) {
    int got = SSL_read(c->ssl, p, n > 1 << 20 ? 1 << 20 : (int)n);
    if (got <= 0) return -1;
    p += got;
    n -= (size_t)got;
  }
  return 0;
}

static int tls_write(struct channel *c, const void *buffer, size_t n) {
  return SSL_write(c->ssl, buffer, (int)n) == (int)n ? 0 : -1;
}

static int next_frame(struct channel *c) {
  uint8_t head[10];
  if (tls_read(c, head, 2)) return -1;
  c->frame_left = head[1] & 0x7f;
  unsigned extra = c->frame_left == 126 ? 2 : c->frame_left == 127 ? 8 : 0;
  if (extra == 0) return 0;
  if (tls_read(c, head + 2, extra)) return -1;
  c->frame_left = 0;
  for (unsigned i = 0; i < extra; i++) c->frame_left = c->frame_left << 8 | head[2 + i];
  return 0;
}

static int channel_read(struct channel *c, void *buffer, size_t n) {
  uint8_t *p = buffer;
  if (!framed()) return tls_read(c, buffer, n);
  while (n > 0) {
    while (c->frame_left == 0) {
      if (next_frame(c)) return -1;
    }
    size_t part = n < c->frame_left ? n : (size_t)c->frame_left;
    if (tls_read(c, p, part)) return -1;
    p += part;
    n -= part;
    c->frame_left -= part;
  }
  return 0;
}

// A client's frames are masked; the key 0 leaves the payload as it is. Only short messages go this way.
static int channel_write(struct channel *c, const void *buffer, size_t n) {
  uint8_t frame[8 + 512] = {0x82, (uint8_t)(0x80 | (n > 125 ? 126 : n))};
  size_t head = n > 125 ? 8 : 6;
  if (!framed()) return tls_write(c, buffer, n);
  if (n > sizeof frame - head) return -1;
  if (n > 125) {
    frame[2] = (uint8_t)(n >> 8);
    frame[3] = (uint8_t)n;
  }
  memcpy(frame + head, buffer, n);
  return tls_write(c, frame, head + n);
}

static int upgrade(struct channel *c) {
  static const char request[] =
      "GET /websockify HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: a2VyYnNpZGUtYmVuY2gtMQ==\r\nSec-WebSocket-Protocol: binary\r\nSec-WebSocket-Version: 13\r\n\r\n";
  char answer[2048];
  size_t have = 0;
  if (tls_write(c, request, sizeof request - 1)) return -1;
  while (have < 4 || memcmp(answer + have - 4, "\r\n\r\n", 4)) {
    if (have == sizeof answer || tls_read(c, answer + have++, 1)) return -1;
  }
  return memcmp(answer, "HTTP/1.1 101", 12) ? -1 : 0;
}

static int encrypt_ticket(const uint8_t *der, const char *password, uint8_t *out) {
  EVP_PKEY *key = d2i_PUBKEY(NULL, &der, PUBLIC_KEY);
  EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
  size_t n = TICKET;
  int ok = ctx && EVP_PKEY_encrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_encrypt(ctx, out, &n, (const uint8_t *)password, strlen(password) + 1) == 1 && n == TICKET;
  EVP_PKEY_CTX_free(ctx);
  EVP_PKEY_free(key);
  return ok ? 0 : -1;
}

static int link_channel(struct channel *c, const char *password, uint32_t connection_id, int type, int id) {
  uint8_t mess[LINK_HEADER + LINK_MESS + 4], reply[LINK_HEADER], rest[4096], auth[4 + TICKET], result[4];
  put32(mess, LINK_MAGIC);
  put32(mess + 4, 2);
  put32(mess + 8, 2);
  put32(mess + 12, LINK_MESS + 4);
  put32(mess + 16, connection_id);
  mess[20] = (uint8_t)type;
  mess[21] = (uint8_t)id;
  put32(mess + 22, 1);
  put32(mess + 26, 0);
  put32(mess + 30, LINK_MESS);
  put32(mess + 34, CAP_AUTH_SELECTION | CAP_MINI_HEADER);
  if (channel_write(c, mess, sizeof mess) || channel_read(c, reply, sizeof reply)) return -1;
  uint32_t size = get32(reply + 12);
  if (get32(reply) != LINK_MAGIC || size < LINK_REPLY || size > sizeof rest) return -1;
  if (channel_read(c, rest, size) || get32(rest) != 0) return -1;
  put32(auth, 1);  // SPICE ticket
  if (encrypt_ticket(rest + 4, password, auth + 4) || channel_write(c, auth, sizeof auth)) return -1;
  return channel_read(c, result, 4) || get32(result) ? -1 : 0;
}

// As spice-gtk does: no close_notify, the socket is closed. A browser says so before that, and waits for the answer: without it
// the channel counts as lost, and its session with it.
static void hang_up(struct channel *c) {
  static const uint8_t closing[] = {0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8};
  uint8_t rest[512];
  if (dialect == WS_SPICE && tls_write(c, closing, sizeof closing) == 0) {
    while (SSL_read(c->ssl, rest, sizeof rest) > 0) continue;
  }
  SSL_free(c->ssl);
  close(c->fd);
}

// TLS, and the WebSocket within it where the dialect has one.
static int connect_door(struct channel *c) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  memset(c, 0, sizeof *c);
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address)) return -1;
  no_delay(c->fd);
  c->ssl = SSL_new(context);
  if (SSL_set_fd(c->ssl, c->fd) != 1 || SSL_connect(c->ssl) != 1) return -1;
  return framed() ? upgrade(c) : 0;
}

// Opens the n-th channel; 0 when messages may flow.
static int open_channel(struct channel *c, int n) {
  if (connect_door(c)) return -1;
  if (!linked()) return 0;
  int session = n / CHANNELS_A_SESSION % tokens;
  return link_channel(c, token[session], session_id[session], CHANNEL_USBREDIR, n % CHANNELS_A_SESSION);
}

static void *drain_main(void *argument) {
  struct channel *c = argument;
  uint8_t byte[512];
  while (SSL_read(c->ssl, byte, sizeof byte) > 0) continue;
  if (work != SETUP && work != IDLE) fail("a main channel ended");
  return NULL;
}

static void open_sessions(void) {
  static struct channel mains[MAX_TOKENS];
  uint8_t head[MINI_HEADER], init[4096];
  for (int i = 0; i < tokens; i++) {
    pthread_t thread;
    if (connect_door(&mains[i])) fail("main: no way in");
    if (link_channel(&mains[i], token[i], 0, CHANNEL_MAIN, 0)) fail("main: link refused");
    do {
      if (channel_read(&mains[i], head, sizeof head) || get32(head + 2) > sizeof init) fail("main: no MAIN_INIT");
      if (channel_read(&mains[i], init, get32(head + 2))) fail("main: no MAIN_INIT");
    } while (get16(head) != MSG_MAIN_INIT);
    session_id[i] = get32(init);
    pthread_create(&thread, NULL, drain_main, &mains[i]);
  }
}

static int echo(struct channel *c, uint32_t size) {
  uint8_t out[MINI_HEADER + 119], in[sizeof out];
  put_message(out, MSG_DATA, size);
  for (uint32_t i = 0; i < size; i++) out[MINI_HEADER + i] = pattern(i);
  if (channel_write(c, out, MINI_HEADER + size) || channel_read(c, in, MINI_HEADER + size)) return -1;
  return memcmp(in, out, MINI_HEADER + size);
}

static void start_flood(struct channel *c) {
  uint8_t message[MINI_HEADER + COMMAND_BYTES];
  put_message(message, MSG_DATA, COMMAND_BYTES);
  put32(message + 6, COMMAND_MAGIC);
  put32(message + 10, 1);
  put32(message + 14, body);
  put32(message + 18, rate);
  if (channel_write(c, message, sizeof message)) fail("flood: write");
}

// Counts the payload of TLS 1.3 application records (16 bytes of tag and 1 of type less) without decrypting them.
static void count_records(struct channel *c) {
  uint8_t *buffer = malloc(RAW_READ), head[5];
  size_t have = 0, left = 0;
  for (;;) {
    ssize_t n = read(c->fd, buffer, RAW_READ);
    if (n <= 0) fail("flood: the channel ended");
    uint64_t payload = 0;
    for (size_t at = 0; at < (size_t)n;) {
      if (left > 0) {
        size_t part = left < (size_t)n - at ? left : (size_t)n - at;
        left -= part;
        at += part;
        continue;
      }
      head[have++] = buffer[at++];
      if (have < sizeof head) continue;
      have = 0;
      left = (size_t)head[3] << 8 | head[4];
      if (head[0] != 23 || left < 17) fail("flood: not an application record");
      payload += left - 17;
    }
    atomic_fetch_add(&bytes, payload);
  }
}

// Decrypts `limit` bytes and compares sequence numbers and contents.
static void verify(struct channel *c) {
  uint8_t *message = malloc(MINI_HEADER + body), *expected = malloc(body);
  for (uint32_t i = 0; i < body; i++) expected[i] = pattern(i);
  for (uint64_t sequence = 0, seen = 0; seen < limit; sequence++, seen += MINI_HEADER + body) {
    uint32_t stamp = body < 8 ? body : 8;
    if (channel_read(c, message, MINI_HEADER + body)) fail("verify: the channel ended");
    memcpy(expected, &sequence, stamp);
    if (get16(message) != MSG_DATA || get32(message + 2) != body || memcmp(message + MINI_HEADER, expected, body)) fail("verify: corrupt");
    atomic_fetch_add(&bytes, MINI_HEADER + body);
  }
  if (atomic_fetch_add(&verified, 1) + 1 == channels) {
    printf("verified %llu\n", (unsigned long long)atomic_load(&bytes));
    fflush(stdout);
  }
}

static void wait_for_go(void) {
  pthread_mutex_lock(&gate_lock);
  while (!gate_open) pthread_cond_wait(&gate, &gate_lock);
  pthread_mutex_unlock(&gate_lock);
}

static void set_up_again_and_again(int n) {
  for (int turn = n;; turn += channels) {
    struct channel c;
    uint64_t start = now_ns();
    if (open_channel(&c, turn % CHANNELS_A_SESSION) || echo(&c, 58)) fail("setup: a channel failed");
    sample(now_ns() - start);
    hang_up(&c);
    atomic_fetch_add(&operations, 1);
  }
}

static void ping_again_and_again(struct channel *c) {
  for (;;) {
    uint64_t start = now_ns();
    if (echo(c, 58)) fail("ping: no echo");
    sample(now_ns() - start);
    atomic_fetch_add(&operations, 1);
  }
}

struct job {
  int n;
  struct channel channel;
};

static void *run(void *argument) {
  struct job *job = argument;
  wait_for_go();
  if (work == SETUP) set_up_again_and_again(job->n);
  if (work == PING) ping_again_and_again(&job->channel);
  start_flood(&job->channel);
  if (work == VERIFY) verify(&job->channel);
  else count_records(&job->channel);
  return NULL;
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static void obey(void) {
  char line[64];
  while (fgets(line, sizeof line, stdin) && strncmp(line, "quit", 4)) {
    if (!strncmp(line, "go", 2)) {
      pthread_mutex_lock(&gate_lock);
      gate_open = 1;
      pthread_cond_broadcast(&gate);
      pthread_mutex_unlock(&gate_lock);
    } else {
      printf("mark %llu %llu %llu\n", (unsigned long long)now_ns(), (unsigned long long)atomic_load(&bytes),
             (unsigned long long)atomic_load(&operations));
      fflush(stdout);
    }
  }
  unsigned n = atomic_load(&sample_count);
  if (n > MAX_SAMPLES) n = MAX_SAMPLES;
  qsort(samples, n, sizeof *samples, by_size);
  printf("samples %u %u %u %u\n", n, n ? samples[n / 2] : 0, n ? samples[(uint64_t)n * 99 / 100] : 0, n ? samples[n - 1] : 0);
}

static int one_of(const char *value, const char *const *names) {
  for (int i = 0; names[i]; i++) {
    if (!strcmp(value, names[i])) return i;
  }
  fail(value);
  return -1;
}

static void parse(int argc, char **argv) {
  static const char *const dialects[] = {"tls", "ws", "spice", "wsspice", NULL}, *const works[] = {"flood", "verify", "ping", "setup", "idle", NULL};
  for (int i = 1; i + 1 < argc; i += 2) {
    const char *name = argv[i], *value = argv[i + 1];
    if (!strcmp(name, "--port")) port = atoi(value);
    else if (!strcmp(name, "--dialect")) dialect = (enum dialect)one_of(value, dialects);
    else if (!strcmp(name, "--work")) work = (enum work)one_of(value, works);
    else if (!strcmp(name, "--channels")) channels = atoi(value);
    else if (!strcmp(name, "--body")) body = (uint32_t)atoi(value);
    else if (!strcmp(name, "--rate")) rate = (uint32_t)atoi(value);
    else if (!strcmp(name, "--limit")) limit = strtoull(value, NULL, 10);
    else if (!strcmp(name, "--token") && tokens < MAX_TOKENS) token[tokens++] = value;
    else fail(name);
  }
  if (port == 0 || (linked() && tokens == 0)) fail("usage: --port and, for spice, --token");
}

int main(int argc, char **argv) {
  pthread_attr_t small;
  parse(argc, argv);
  signal(SIGPIPE, SIG_IGN);
  samples = malloc(sizeof *samples * MAX_SAMPLES);
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (linked()) open_sessions();
  struct job *jobs = calloc((size_t)channels, sizeof *jobs);
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 256 * 1024);
  for (int i = 0; i < channels; i++) {
    pthread_t thread;
    jobs[i].n = i;
    if (work != SETUP && open_channel(&jobs[i].channel, i)) fail("a channel could not be opened");
    if (work == IDLE && echo(&jobs[i].channel, 58)) fail("idle: no echo");
    if (work != IDLE && pthread_create(&thread, &small, run, &jobs[i])) fail("no thread");
  }
  printf("ready\n");
  fflush(stdout);
  obey();
  fflush(stdout);
  _exit(0);
}
