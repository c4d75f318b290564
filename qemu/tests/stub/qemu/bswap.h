/* SPDX-License-Identifier: GPL-2.0-or-later */

#ifndef STUB_BSWAP_H
#define STUB_BSWAP_H

static inline void stw_be_p(void *p, uint16_t value)
{
    value = GUINT16_TO_BE(value);
    memcpy(p, &value, 2);
}

static inline void stl_be_p(void *p, uint32_t value)
{
    value = GUINT32_TO_BE(value);
    memcpy(p, &value, 4);
}

static inline uint32_t ldl_be_p(const void *p)
{
    uint32_t value;

    memcpy(&value, p, 4);
    return GUINT32_FROM_BE(value);
}

static inline void stq_be_p(void *p, uint64_t value)
{
    value = GUINT64_TO_BE(value);
    memcpy(p, &value, 8);
}

static inline uint64_t ldq_be_p(const void *p)
{
    uint64_t value;

    memcpy(&value, p, 8);
    return GUINT64_FROM_BE(value);
}

#endif
