/*
 * As much of QEMU as the bus model needs, so that it can be tested without.
 * Time stands still except in stub_run().
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef STUB_OSDEP_H
#define STUB_OSDEP_H

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>
#include <glib.h>

#define ARRAY_SIZE(a)       (sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(n, d)  (((n) + (d) - 1) / (d))
#define ROUND_UP(n, d)      (DIV_ROUND_UP(n, d) * (d))
#define container_of(ptr, type, member) \
    ((type *)((char *)(ptr) - offsetof(type, member)))

#define QTAILQ_HEAD         TAILQ_HEAD
#define QTAILQ_ENTRY        TAILQ_ENTRY
#define QTAILQ_INIT         TAILQ_INIT
#define QTAILQ_FIRST        TAILQ_FIRST
#define QTAILQ_EMPTY        TAILQ_EMPTY
#define QTAILQ_FOREACH      TAILQ_FOREACH
#define QTAILQ_REMOVE       TAILQ_REMOVE
#define QTAILQ_INSERT_TAIL  TAILQ_INSERT_TAIL
#define QTAILQ_FOREACH_SAFE(var, head, field, following)                    \
    for ((var) = TAILQ_FIRST(head);                                         \
         (var) && ((following) = TAILQ_NEXT(var, field), true);             \
         (var) = (following))

static inline uint32_t extract32(uint32_t value, int start, int length)
{
    return value >> start & (UINT32_MAX >> (32 - length));
}

static inline uint32_t deposit32(uint32_t value, int start, int length,
                                 uint32_t field)
{
    uint32_t mask = (UINT32_MAX >> (32 - length)) << start;

    return (value & ~mask) | (field << start & mask);
}

typedef struct Error Error;
typedef struct Visitor Visitor;
typedef struct QEMUTimer QEMUTimer;

#endif
