// SPDX-License-Identifier: Apache-2.0
// The native ceiling: the least that a relay of this shape can cost on this machine, for the distance of the others to it.
// TLS in front, plain TCP behind, one thread with epoll, no SPICE, no limits, no log: a yardstick, nothing to deploy.
// Up to 128 KiB are read from the backend at once and leave as one write of up to eight TLS records; a connection stops
// reading only while a write of it is unfinished.
//   native PORT BACKEND-PORT CERTIFICATE KEY     listens on 127.0.0.1, ends with SIGTERM
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>

#include "wire.h"

enum { SCRATCH = 128 * 1024, RECORDS = SCRATCH + 16 * 1024, EVENTS = 512 };
enum side { LISTENER, CLIENT, BACKEND };

struct pair;

// One socket: what an epoll event points to.
struct leg {
  enum side side;
  int fd;           // -1: not open
  uint32_t events;  // what epoll watches for
  uint8_t *rest;    // bytes that the socket did not take yet; NULL: none
  size_t rest_at, rest_size;
  struct pair *pair;
};

struct pair {
  struct leg client, backend;
  SSL *ssl;
  int closed;
  struct pair *next_closed;
};

static int poll_fd, backend_port;
static SSL_CTX *context;
static BIO_METHOD *collector;
static struct pair *closed;  // freed after the events of one turn, because a later one may still point there
static uint8_t scratch[SCRATCH], records[RECORDS];
static size_t recorded;  // bytes of `records` that wait for their write

static void die(const char *what) {
  fprintf(stderr, "native: %s: %s\n", what, strerror(errno));
  exit(1);
}

// OpenSSL writes its records here, so that one write takes all of a chunk.
static int collect(BIO *bio, const char *data, int n) {
  (void)bio;
  if (recorded + (size_t)n > sizeof records) return -1;
  memcpy(records + recorded, data, (size_t)n);
  recorded += (size_t)n;
  return n;
}

static long control(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH;
}

static void watch(struct leg *leg, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = leg};
  if (leg->events == events) return;
  if (epoll_ctl(poll_fd, leg->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, leg->fd, &event)) die("epoll_ctl");
  leg->events = events;
}

// A leg is read while the other has nothing left to write; EPOLLRDHUP keeps the watch when it is not.
static void watch_both(struct pair *pair) {
  struct leg *client = &pair->client, *backend = &pair->backend;
  watch(client, EPOLLRDHUP | (backend->rest ? 0 : EPOLLIN) | (client->rest ? EPOLLOUT : 0));
  if (backend->fd >= 0) watch(backend, EPOLLRDHUP | (client->rest ? 0 : EPOLLIN) | (backend->rest ? EPOLLOUT : 0));
}

static void close_pair(struct pair *pair) {
  if (pair->closed) return;
  pair->closed = 1;
  // Neither its errors nor its last alert may be taken for another pair's.
  ERR_clear_error();
  recorded = 0;
  close(pair->client.fd);
  if (pair->backend.fd >= 0) close(pair->backend.fd);
  pair->next_closed = closed;
  closed = pair;
}

static void free_closed(void) {
  while (closed) {
    struct pair *pair = closed;
    closed = pair->next_closed;
    SSL_free(pair->ssl);
    free(pair->client.rest);
    free(pair->backend.rest);
    free(pair);
  }
}

// Writes; what the socket does not take is kept.
static int send_or_keep(struct leg *leg, const uint8_t *data, size_t n) {
  if (leg->rest == NULL) {
    ssize_t put = send(leg->fd, data, n, MSG_NOSIGNAL);
    if (put < 0 && errno != EAGAIN) return -1;
    if (put == (ssize_t)n) return 0;
    if (put > 0) data += put, n -= (size_t)put;
  }
  uint8_t *grown = realloc(leg->rest, leg->rest_size + n);
  if (grown == NULL) return -1;
  memcpy(grown + leg->rest_size, data, n);
  leg->rest = grown;
  leg->rest_size += n;
  return 0;
}

static int send_kept(struct leg *leg) {
  if (leg->rest == NULL) return 0;
  ssize_t put = send(leg->fd, leg->rest + leg->rest_at, leg->rest_size - leg->rest_at, MSG_NOSIGNAL);
  if (put < 0) return errno == EAGAIN ? 0 : -1;
  leg->rest_at += (size_t)put;
  if (leg->rest_at < leg->rest_size) return 0;
  free(leg->rest);
  leg->rest = NULL;
  leg->rest_at = leg->rest_size = 0;
  return 0;
}

static int send_records(struct pair *pair) {
  size_t n = recorded;
  recorded = 0;
  return n == 0 ? 0 : send_or_keep(&pair->client, records, n);
}

static void non_blocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  no_delay(fd);
}

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

// After the handshake, as HAProxy does. On loopback a blocking connect does not wait.
static int connect_backend(struct leg *backend) {
  struct sockaddr_in address = loopback(backend_port);
  backend->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (backend->fd < 0 || connect(backend->fd, (struct sockaddr *)&address, sizeof address)) return -1;
  non_blocking(backend->fd);
  return 0;
}

static int shake_hands(struct pair *pair) {
  int done = SSL_do_handshake(pair->ssl);
  int waits = done != 1 && SSL_get_error(pair->ssl, done) == SSL_ERROR_WANT_READ;
  if (send_records(pair)) return -1;
  if (done == 1) return connect_backend(&pair->backend);
  return waits ? 0 : -1;
}

static int from_client(struct pair *pair) {
  if (pair->backend.fd < 0 && shake_hands(pair)) return -1;
  if (pair->backend.fd < 0) return 0;
  do {
    int n = SSL_read(pair->ssl, scratch, sizeof scratch);
    if (n <= 0) return SSL_get_error(pair->ssl, n) == SSL_ERROR_WANT_READ ? send_records(pair) : -1;
    if (send_or_keep(&pair->backend, scratch, (size_t)n)) return -1;
  } while (SSL_has_pending(pair->ssl));
  return send_records(pair);
}

static int from_backend(struct pair *pair) {
  ssize_t n = read(pair->backend.fd, scratch, sizeof scratch);
  if (n < 0 && errno == EAGAIN) return 0;
  if (n <= 0 || SSL_write(pair->ssl, scratch, (int)n) != (int)n) return -1;
  return send_records(pair);
}

static void handle(struct leg *leg, uint32_t events) {
  struct pair *pair = leg->pair;
  int failed = (events & EPOLLOUT) && send_kept(leg);
  if (!failed && (events & EPOLLIN)) failed = leg->side == CLIENT ? from_client(pair) : from_backend(pair);
  if (failed || ((events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) && !(events & EPOLLIN))) close_pair(pair);
  else watch_both(pair);
}

static void accept_client(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0) return;
  struct pair *pair = calloc(1, sizeof *pair);
  BIO *out = BIO_new(collector);
  if (pair == NULL || out == NULL || (pair->ssl = SSL_new(context)) == NULL) die("accept");
  non_blocking(fd);
  BIO_set_init(out, 1);
  SSL_set0_rbio(pair->ssl, BIO_new_socket(fd, BIO_NOCLOSE));
  SSL_set0_wbio(pair->ssl, out);
  SSL_set_accept_state(pair->ssl);
  pair->client = (struct leg){.side = CLIENT, .fd = fd, .pair = pair};
  pair->backend = (struct leg){.side = BACKEND, .fd = -1, .pair = pair};
  watch_both(pair);
}

static void prepare_tls(const char *certificate, const char *key) {
  context = SSL_CTX_new(TLS_server_method());
  if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1) die(certificate);
  if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) die(key);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);  // a record in one read, not in two
  collector = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "collector");
  BIO_meth_set_write(collector, collect);
  BIO_meth_set_ctrl(collector, control);
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: native PORT BACKEND-PORT CERTIFICATE KEY\n");
    return 1;
  }
  signal(SIGPIPE, SIG_IGN);
  prepare_tls(argv[3], argv[4]);
  backend_port = atoi(argv[2]);
  poll_fd = epoll_create1(EPOLL_CLOEXEC);
  struct sockaddr_in address = loopback(atoi(argv[1]));
  struct leg listener = {.side = LISTENER, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (bind(listener.fd, (struct sockaddr *)&address, sizeof address) || listen(listener.fd, 4096)) die("listen");
  watch(&listener, EPOLLIN);
  for (;;) {
    struct epoll_event events[EVENTS];
    int n = epoll_wait(poll_fd, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
      struct leg *leg = events[i].data.ptr;
      if (leg->side == LISTENER) accept_client(leg->fd);
      else if (!leg->pair->closed) handle(leg, events[i].events);
    }
    free_closed();
  }
}
