#include "train/events.h"

#include <string.h>

static uint32_t table[256];

uint32_t events_crc32c(const void *data, size_t n) {
    if (!table[1])
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int k = 0; k < 8; k++) c = c >> 1 ^ (c & 1 ? 0x82F63B78u : 0);
            table[i] = c;
        }
    const uint8_t *p = data;
    uint32_t c = 0xFFFFFFFFu;
    for (size_t i = 0; i < n; i++) c = table[(c ^ p[i]) & 255] ^ c >> 8;
    return ~c;
}

static uint32_t masked(const void *data, size_t n) {
    uint32_t c = events_crc32c(data, n);
    return (c >> 15 | c << 17) + 0xA282EAD8u;
}

/* A record; every machine this runs on is little-endian, as the format is. */
static void put_record(struct str *out, const struct str *event) {
    uint64_t n = event->n;
    uint32_t crc = masked(&n, sizeof n);
    str_put(out, &n, sizeof n);
    str_put(out, &crc, sizeof crc);
    str_put(out, event->at, event->n);
    crc = masked(event->at, event->n);
    str_put(out, &crc, sizeof crc);
}

enum wire { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

static void put_varint(struct str *s, uint64_t x) {
    do {
        uint8_t b = (uint8_t)(x & 127) | (x > 127 ? 128 : 0);
        str_put(s, &b, 1);
        x >>= 7;
    } while (x);
}

static void put_key(struct str *s, int field, enum wire wire) {
    put_varint(s, (uint64_t)(field << 3 | (int)wire));
}

static void put_bytes(struct str *s, int field, const void *p, size_t n) {
    put_key(s, field, BYTES);
    put_varint(s, n);
    str_put(s, p, n);
}

static void put_wall(struct str *s, double wall) {
    put_key(s, 1, FIXED64);
    str_put(s, &wall, sizeof wall);
}

void events_header(struct str *out, double wall) {
    struct str e = {0};
    put_wall(&e, wall);
    put_bytes(&e, 3, "brain.Event:2", 13);
    put_record(out, &e);
    str_free(&e);
}

void events_scalar(struct str *out, double wall, int64_t step, const char *tag, float value) {
    struct str v = {0}, summary = {0}, e = {0};
    put_bytes(&v, 1, tag, strlen(tag));
    put_key(&v, 2, FIXED32);
    str_put(&v, &value, sizeof value);
    put_bytes(&summary, 1, v.at, v.n);
    put_wall(&e, wall);
    put_key(&e, 2, VARINT);
    put_varint(&e, (uint64_t)step);
    put_bytes(&e, 5, summary.at, summary.n);
    put_record(out, &e);
    str_free(&v);
    str_free(&summary);
    str_free(&e);
}
