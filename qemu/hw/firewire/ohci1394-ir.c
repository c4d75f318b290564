/*
 * OHCI 1394: isochronous receive contexts (OHCI 1.1 clause 10), in
 * packet-per-buffer mode: each packet of the context's channel takes one block
 * of its program, INPUT_MORE and at last INPUT_LAST. The packets are
 * asynchronous streams, for nobody transmits isochronous ones; so there are no
 * cycles to match, and none to be lost.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/log.h"
#include "ohci1394.h"
#include "trace.h"

/* ContextControl */
#define IR_BUFFER_FILL      (1u << 31)
#define IR_ISOCH_HEADER     (1u << 30)
#define IR_CYCLE_MATCH      (1u << 29)
#define IR_MULTI_CHANNEL    (1u << 28)
#define IR_DUAL_BUFFER      (1u << 27)
#define IR_MODES            (IR_BUFFER_FILL | IR_ISOCH_HEADER | \
                             IR_CYCLE_MATCH | IR_MULTI_CHANNEL | IR_DUAL_BUFFER)

/* ContextMatch */
#define MATCH_TAGS(m)       extract32(m, 28, 4)
#define MATCH_SYNC_TAG_1    (1u << 6)
#define MATCH_CHANNEL(m)    extract32(m, 0, 6)

#define STATUS_WANTED       (1u << 11)      /* s of a descriptor */
#define HEADER_LENGTH       8
/* Z is four bits, 1 to 8 descriptors a block, OHCI 10.2.1 */
#define Z_MAX               8

/* A packet as it lies in memory, and what is left of it */
typedef struct IRRecord {
    uint8_t data[HEADER_LENGTH + FW_MAX_PAYLOAD];
    const uint8_t *at;
    size_t left;
} IRRecord;

/* What becomes of the block's descriptors */
typedef struct IRBlock {
    uint32_t address;
    unsigned count;
    OHCIDescriptor desc[Z_MAX];
} IRBlock;

static bool ir_is_running(const OHCIIsoReceive *r)
{
    return (r->ctx.control & (OHCI_CTX_RUN | OHCI_CTX_DEAD)) == OHCI_CTX_RUN;
}

/* tag1SyncFilter lets packets with tag 1 pass only where sy begins with 00 */
static bool ir_accepts(const OHCIIsoReceive *r, const FWPacket *p)
{
    return ir_is_running(r) && MATCH_CHANNEL(r->match) == p->channel &&
           MATCH_TAGS(r->match) & (1u << p->tag) &&
           !(r->match & MATCH_SYNC_TAG_1 && p->tag == 1 && p->sy & 0xc);
}

/* Timestamp and packet header, if they are wanted, and the payload */
static void ir_record(const OHCIIsoReceive *r, const FWPacket *p,
                      IRRecord *record)
{
    bool header = r->ctx.control & IR_ISOCH_HEADER;

    stl_le_p(record->data, ohci_timestamp(r->ctx.ohci));
    stl_le_p(record->data + 4, (uint32_t)p->length << 16 | p->tag << 14 |
                               p->channel << 8 | p->tcode << 4 | p->sy);
    memcpy(record->data + HEADER_LENGTH, p->payload, p->length);
    record->at = record->data + (header ? 0 : HEADER_LENGTH);
    record->left = p->length + (header ? HEADER_LENGTH : 0);
}

/* A block is good if it ends with its only INPUT_LAST */
static bool ir_load(OHCIIsoReceive *r, uint32_t branch, IRBlock *block)
{
    unsigned i;

    block->address = branch & ~0xfu;
    block->count = branch & 0xf;
    if (!block->count || block->count > Z_MAX) {
        ohci_context_dead(&r->ctx, OHCI_EVT_UNKNOWN);
        return false;
    }
    for (i = 0; i < block->count; i++) {
        OHCIDescriptor *desc = &block->desc[i];
        bool last = i == block->count - 1;

        if (!ohci_descriptor_read(r->ctx.ohci,
                                  block->address + i * OHCI_DESC_SIZE, desc)) {
            ohci_context_dead(&r->ctx, OHCI_EVT_DESCRIPTOR_READ);
            return false;
        }
        if (OHCI_DESC_CMD(desc->control) !=
            (last ? OHCI_CMD_INPUT_LAST : OHCI_CMD_INPUT_MORE) ||
            OHCI_DESC_WAIT(desc->control)) {
            break;
        }
    }
    if (i < block->count) {
        ohci_context_dead(&r->ctx, OHCI_EVT_UNKNOWN);
        return false;
    }
    return true;
}

static bool ir_scatter(OHCIIsoReceive *r, IRBlock *block, IRRecord *record)
{
    unsigned i;

    for (i = 0; i < block->count; i++) {
        OHCIDescriptor *desc = &block->desc[i];
        size_t n = MIN(record->left, desc->req_count);

        if (n && !ohci_dma_write(r->ctx.ohci, desc->data, record->at, n)) {
            ohci_context_dead(&r->ctx, OHCI_EVT_DATA_WRITE);
            return false;
        }
        desc->res_count = desc->req_count - n;
        record->at += n;
        record->left -= n;
    }
    return true;
}

/* Who sees one status may take the whole block: they come after all data */
static void ir_finish(OHCIIsoReceive *r, const IRBlock *block, unsigned speed,
                      unsigned event)
{
    unsigned last = block->count - 1, i;

    r->ctx.control = (r->ctx.control & ~0xffu) | speed << 5 | event;
    /* before it: the data */
    smp_wmb();
    for (i = 0; i <= last; i++) {
        if (i == last || block->desc[i].control & STATUS_WANTED) {
            ohci_descriptor_write_status(r->ctx.ohci,
                                         block->address + i * OHCI_DESC_SIZE,
                                         block->desc[i].res_count,
                                         r->ctx.control);
        }
    }
    ohci_block_done(&r->ctx, block->address + last * OHCI_DESC_SIZE);
    if (OHCI_DESC_IRQ(block->desc[last].control) == 3) {
        ohci_raise_ir(r->ctx.ohci, r->index);
    }
}

static void ir_receive(OHCIIsoReceive *r, const FWPacket *p)
{
    uint32_t branch = ohci_block_next(&r->ctx);
    IRRecord record;
    IRBlock block;

    if (!branch) {
        trace_ohci1394_ir_lost(r->ctx.name, p->channel);
        return;
    }
    ir_record(r, p, &record);
    if (!ir_load(r, branch, &block) || !ir_scatter(r, &block, &record)) {
        return;
    }
    trace_ohci1394_ir_packet(r->ctx.name, p->channel, p->length);
    ir_finish(r, &block, p->speed, record.left ? OHCI_EVT_LONG_PACKET :
                                   OHCI_EVT_ACK | FW_ACK_COMPLETE);
}

void ohci_ir_packet(OHCI1394State *s, const FWPacket *p)
{
    unsigned i;

    for (i = 0; i < OHCI_ISO_CONTEXTS; i++) {
        if (ir_accepts(&s->ir[i], p)) {
            ir_receive(&s->ir[i], p);
        }
    }
}

/* Registers */

static void ir_set(OHCIIsoReceive *r, uint32_t value)
{
    bool starts = value & OHCI_CTX_RUN && !(r->ctx.control & OHCI_CTX_RUN);

    r->ctx.control |= value & (IR_MODES | OHCI_CTX_RUN);
    if (!starts) {
        /* A wake needs no action: blocks are looked for when a packet comes */
        return;
    }
    r->ctx.waiting = 0;
    r->ctx.control |= OHCI_CTX_ACTIVE;
    if (r->ctx.control & IR_MODES & ~IR_ISOCH_HEADER) {
        qemu_log_mask(LOG_UNIMP, "ohci1394: %s: only packet-per-buffer mode\n",
                      r->ctx.name);
        ohci_context_dead(&r->ctx, OHCI_EVT_UNKNOWN);
    }
}

static void ir_clear(OHCIIsoReceive *r, uint32_t value)
{
    r->ctx.control &= ~(value & IR_MODES);
    if (value & OHCI_CTX_RUN) {
        r->ctx.control &= ~(OHCI_CTX_RUN | OHCI_CTX_ACTIVE | OHCI_CTX_DEAD);
    }
}

static OHCIIsoReceive *ir_at(OHCI1394State *s, unsigned offset)
{
    unsigned index = (offset - OHCI_IR_CONTEXT) / 0x20;

    return index < OHCI_ISO_CONTEXTS ? &s->ir[index] : NULL;
}

void ohci_ir_write(OHCI1394State *s, unsigned offset, uint32_t value)
{
    OHCIIsoReceive *r = ir_at(s, offset);

    if (!r) {
        return;
    }
    trace_ohci1394_context_write(r->ctx.name, offset & 0x1f, value);
    switch (offset & 0x1f) {
    case 0x00:
        ir_set(r, value);
        break;
    case 0x04:
        ir_clear(r, value);
        break;
    case 0x0c:
        if (!(r->ctx.control & (OHCI_CTX_RUN | OHCI_CTX_ACTIVE))) {
            r->ctx.command = value;
        }
        break;
    case 0x10:
        r->match = value;
        break;
    default:
        break;
    }
}

uint32_t ohci_ir_read(OHCI1394State *s, unsigned offset)
{
    OHCIIsoReceive *r = ir_at(s, offset);

    if (!r) {
        return 0;
    }
    switch (offset & 0x1f) {
    case 0x00:
    case 0x04:
        return r->ctx.control;
    case 0x0c:
        return r->ctx.command;
    case 0x10:
        return r->match;
    default:
        return 0;
    }
}

void ohci_ir_soft_reset(OHCI1394State *s)
{
    unsigned i;

    for (i = 0; i < OHCI_ISO_CONTEXTS; i++) {
        s->ir[i].ctx.control = 0;
        s->ir[i].ctx.command = 0;
        s->ir[i].ctx.waiting = 0;
        s->ir[i].match = 0;
    }
}

void ohci_ir_init(OHCI1394State *s)
{
    static const char *const names[OHCI_ISO_CONTEXTS] = {
        "IR 0", "IR 1", "IR 2", "IR 3",
    };
    unsigned i;

    for (i = 0; i < OHCI_ISO_CONTEXTS; i++) {
        s->ir[i].ctx.ohci = s;
        s->ir[i].ctx.name = names[i];
        s->ir[i].index = i;
    }
}
