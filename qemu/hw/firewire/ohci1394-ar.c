/*
 * OHCI 1394: asynchronous receive contexts (OHCI 1.1 clause 8), buffer-fill
 * mode: packets lie one after the other and may straddle buffers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "ohci1394.h"
#include "trace.h"

/* Buffers that one packet may stretch over, at the most */
#define MAX_BUFFERS     64

/* Header, payload and trailer of the longest packet */
#define MAX_RECORD      (16 + FW_MAX_PAYLOAD + 4)

static bool ar_is_running(const OHCIReceive *r)
{
    return (r->ctx.control & (OHCI_CTX_RUN | OHCI_CTX_DEAD)) == OHCI_CTX_RUN;
}

/* Read the current buffer's descriptor anew: software may have appended */
static bool ar_load(OHCIReceive *r)
{
    uint32_t address = r->ctx.command & ~0xfu;
    uint16_t res_count = r->desc.res_count;
    bool loaded = r->loaded;

    if (!(r->ctx.command & 0xf)) {
        return false;
    }
    if (!ohci_descriptor_read(r->ctx.ohci, address, &r->desc)) {
        ohci_context_dead(&r->ctx, OHCI_EVT_DESCRIPTOR_READ);
        return false;
    }
    if (OHCI_DESC_CMD(r->desc.control) != OHCI_CMD_INPUT_MORE ||
        r->desc.req_count & 3) {
        ohci_context_dead(&r->ctx, OHCI_EVT_UNKNOWN);
        return false;
    }
    r->desc.res_count = loaded ? res_count : r->desc.req_count;
    r->loaded = true;
    return true;
}

/* Bytes free in the current buffer and in those linked to it */
static bool ar_has_room(OHCIReceive *r, size_t needed)
{
    OHCIDescriptor desc;
    size_t room;
    unsigned i;

    if (!ar_load(r)) {
        return false;
    }
    desc = r->desc;
    room = desc.res_count;
    for (i = 0; room < needed && i < MAX_BUFFERS; i++) {
        uint32_t branch = desc.branch;

        if (!(branch & 0xf) ||
            !ohci_descriptor_read(r->ctx.ohci, branch & ~0xfu, &desc)) {
            return false;
        }
        room += desc.req_count;
    }
    return room >= needed;
}

static uint16_t ar_status(const OHCIReceive *r)
{
    return r->ctx.control & 0xffff;
}

static bool ar_next_buffer(OHCIReceive *r)
{
    if (!(r->desc.branch & 0xf)) {
        return false;
    }
    r->ctx.command = r->desc.branch;
    r->loaded = false;
    return ar_load(r);
}

/* A buffer that a packet was stored in, and what is left of it then */
typedef struct ARFilled {
    uint32_t descriptor;
    uint16_t res_count;
} ARFilled;

/* Store all of it, and note which buffers it took; how many, or 0 on failure */
static unsigned ar_store_data(OHCIReceive *r, const uint8_t *record,
                              size_t length, ARFilled *filled)
{
    OHCI1394State *s = r->ctx.ohci;
    unsigned count = 0;

    while (length) {
        size_t n = MIN(length, r->desc.res_count);
        uint32_t at = r->desc.data + r->desc.req_count - r->desc.res_count;

        if (n && !ohci_dma_write(s, at, record, n)) {
            ohci_context_dead(&r->ctx, OHCI_EVT_DATA_WRITE);
            return 0;
        }
        r->desc.res_count -= n;
        record += n;
        length -= n;
        filled[count++] = (ARFilled) {
            .descriptor = r->ctx.command & ~0xfu,
            .res_count = r->desc.res_count,
        };
        if (!r->desc.res_count && !ar_next_buffer(r)) {
            break;
        }
    }
    return count;
}

/*
 * A driver may look at any moment. It takes what lies before the end of the
 * last buffer that was begun for whole packets: so the statuses come after all
 * of the data, and that of the last buffer comes first.
 */
static void ar_store(OHCIReceive *r, const uint8_t *record, size_t length)
{
    ARFilled filled[MAX_BUFFERS + 1];
    unsigned count = ar_store_data(r, record, length, filled);

    while (count--) {
        /* before it: the data, and the statuses of later buffers */
        smp_wmb();
        ohci_descriptor_write_status(r->ctx.ohci, filled[count].descriptor,
                                     filled[count].res_count, ar_status(r));
    }
}

static size_t ar_header(const FWPacket *p, uint8_t *record)
{
    stl_le_p(record, (uint32_t)p->dest_id << 16 | p->tlabel << 10 |
                     p->rt << 8 | p->tcode << 4);
    if (fw_packet_is_response(p)) {
        stl_le_p(record + 4, (uint32_t)p->source_id << 16 | p->rcode << 12);
        stl_le_p(record + 8, 0);
    } else {
        stl_le_p(record + 4, (uint32_t)p->source_id << 16 |
                             (p->offset >> 32 & 0xffff));
        stl_le_p(record + 8, p->offset);
    }
    switch (p->tcode) {
    case FW_TCODE_READ_QUADLET:
    case FW_TCODE_WRITE_RESPONSE:
        return 12;
    case FW_TCODE_WRITE_QUADLET:
    case FW_TCODE_READ_QUADLET_RESPONSE:
        stl_be_p(record + 12, p->data);
        return 16;
    default:
        stl_le_p(record + 12, (uint32_t)p->length << 16 | p->ext_tcode);
        return 16;
    }
}

static void ar_finish(OHCIReceive *r, uint8_t *record, size_t length,
                      unsigned event, unsigned speed)
{
    OHCI1394State *s = r->ctx.ohci;

    r->ctx.control = (r->ctx.control & ~0xffu) | speed << 5 | event;
    stl_le_p(record + length,
             (uint32_t)ar_status(r) << 16 | ohci_timestamp(s));
    ar_store(r, record, length + 4);
    ohci_raise(s, r->ctx.interrupt);
}

FWAck ohci_ar_packet(OHCIReceive *r, const FWPacket *p, FWAck ack)
{
    uint8_t record[MAX_RECORD];
    size_t length;

    length = ar_header(p, record);
    if (fw_packet_has_payload(p)) {
        size_t padded = ROUND_UP(p->length, 4);

        memcpy(record + length, p->payload, p->length);
        memset(record + length + p->length, 0, padded - p->length);
        length += padded;
    }
    if (!ar_is_running(r) || !ar_has_room(r, length + 4)) {
        trace_ohci1394_ar_busy(r->ctx.name, p->tcode, p->tlabel);
        return FW_ACK_BUSY_X;
    }
    trace_ohci1394_ar_packet(r->ctx.name, p->tcode, p->tlabel, length);
    ar_finish(r, record, length, OHCI_EVT_ACK | ack, p->speed);
    return ack;
}

void ohci_ar_phy_packet(OHCIReceive *r, uint32_t q1, uint32_t q2,
                        unsigned event)
{
    uint8_t record[16];

    if (!ar_is_running(r) || !ar_has_room(r, sizeof(record))) {
        return;
    }
    stl_le_p(record, OHCI_TCODE_PHY << 4);
    stl_le_p(record + 4, q1);
    stl_le_p(record + 8, q2);
    ar_finish(r, record, 12, event, 0);
}

void ohci_ar_control(OHCIReceive *r, uint32_t set, uint32_t clear)
{
    if (clear & OHCI_CTX_RUN) {
        r->ctx.control &= ~(OHCI_CTX_RUN | OHCI_CTX_ACTIVE | OHCI_CTX_DEAD);
    }
    if (set & OHCI_CTX_RUN && !(r->ctx.control & OHCI_CTX_RUN)) {
        r->loaded = false;
        r->ctx.control |= OHCI_CTX_RUN | OHCI_CTX_ACTIVE;
    }
    /* A wake needs no action: room is looked for when a packet comes */
}

void ohci_ar_soft_reset(OHCIReceive *r)
{
    r->ctx.control = 0;
    r->ctx.command = 0;
    r->loaded = false;
}

void ohci_ar_init(OHCI1394State *s, OHCIReceive *r, const char *name,
                  uint32_t interrupt)
{
    r->ctx.ohci = s;
    r->ctx.name = name;
    r->ctx.interrupt = interrupt;
}
