// SPDX-License-Identifier: Apache-2.0
// What the load generator's two programs (backend.c, client.c) share: little-endian fields, the SPICE constants
// they need, and the command by which a client tells the backend what to do with a channel.
#ifndef KERBSIDE_BENCH_WIRE_H
#define KERBSIDE_BENCH_WIRE_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  LINK_HEADER = 16,        // magic, major, minor, size
  LINK_MESS = 18,          // connection_id, type, id, caps counts, caps offset
  LINK_REPLY = 178,        // error, public key, caps counts, caps offset
  PUBLIC_KEY = 162,        // DER SubjectPublicKeyInfo of RSA-1024
  TICKET = 128,            // one RSA-1024 block
  MINI_HEADER = 6,         // u16 type, u32 size
  MAX_BODY = 1 << 20,      // largest body either side accepts
  CHANNEL_MAIN = 1,
  CHANNEL_USBREDIR = 9,
  MSG_MAIN_INIT = 103,
  MSG_DATA = 101,          // spicevmc data, the same number both ways
  CAP_AUTH_SELECTION = 1,  // bit 0
  CAP_AUTH_SPICE = 2,      // bit 1
  CAP_MINI_HEADER = 8,     // bit 3
  COMMAND_BYTES = 16       // magic, operation, body bytes, bytes a second (0: as fast as it goes)
};

#define LINK_MAGIC 0x51444552u     // "REDQ"
#define COMMAND_MAGIC 0x4b42454eu  // a DATA body that starts so is a command, any other is echoed

static inline void put16(uint8_t *p, uint32_t v) { p[0] = (uint8_t)v; p[1] = (uint8_t)(v >> 8); }
static inline void put32(uint8_t *p, uint32_t v) { put16(p, v); put16(p + 2, v >> 16); }
static inline uint32_t get16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static inline uint32_t get32(const uint8_t *p) { return get16(p) | get16(p + 2) << 16; }

static inline void put_message(uint8_t *p, uint32_t type, uint32_t size) {
  put16(p, type);
  put32(p + 2, size);
}

static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void no_delay(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

// Byte i of every body after its 8-byte sequence number: what a verifying client compares with.
static inline uint8_t pattern(uint32_t i) { return (uint8_t)(i * 7 + 3); }

#endif
