/*
 * OHCI 1394: asynchronous transmit contexts (OHCI 1.1 clause 7).
 *
 * A context walks its descriptor program block by block. A block is one
 * packet: OUTPUT_MORE_IMMEDIATE with the header and OUTPUT_LAST with payload
 * (further OUTPUT_MORE in between), or OUTPUT_LAST_IMMEDIATE alone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/timer.h"
#include "ohci1394.h"
#include "trace.h"

#define RETRY_NS        125000
/* Z is four bits, 2 to 8 descriptors a block, OHCI 7.1.5 */
#define Z_MIN           2
#define Z_MAX           8

static void at_run(OHCITransmit *t);

static uint32_t block_address(uint32_t branch)
{
    return branch & ~0xfu;
}

static unsigned retry_limit(const OHCITransmit *t)
{
    return extract32(ohci_reg(t->ctx.ohci, OHCI_AT_RETRIES),
                     t->ctx.response ? 4 : 0, 4);
}

/* The block is done: status into its last descriptor, go to the next one */
static void at_complete(OHCITransmit *t, unsigned event)
{
    OHCI1394State *s = t->ctx.ohci;
    uint32_t status = (t->ctx.control & ~0xffu) | t->packet.speed << 5 | event;

    t->busy = false;
    t->ctx.control = status;
    trace_ohci1394_at_complete(t->ctx.name, t->packet.tcode, t->packet.tlabel,
                               event);
    ohci_descriptor_write_status(s, t->last, ohci_timestamp(s), status);
    ohci_block_done(&t->ctx, t->last);
    if (t->irq || event != (OHCI_EVT_ACK | FW_ACK_COMPLETE)) {
        ohci_raise(s, t->ctx.interrupt);
    }
    if (!(t->ctx.control & OHCI_CTX_RUN)) {
        t->ctx.control &= ~OHCI_CTX_ACTIVE;
    }
}

static unsigned ack_event(FWAck ack)
{
    switch (ack) {
    case FW_ACK_MISSING:
        return OHCI_EVT_MISSING_ACK;
    case FW_ACK_BUS_RESET:
        return OHCI_EVT_FLUSHED;
    default:
        return OHCI_EVT_ACK | ack;
    }
}

static void at_sent(FWNode *node, FWPacket *packet, FWAck ack, void *opaque)
{
    OHCITransmit *t = opaque;
    bool busy = ack == FW_ACK_BUSY_X || ack == FW_ACK_BUSY_A ||
                ack == FW_ACK_BUSY_B;

    if (busy && t->retries < retry_limit(t)) {
        t->retries++;
        timer_mod(t->retry,
                  qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + RETRY_NS);
        return;
    }
    at_complete(t, ack_event(ack));
    at_run(t);
}

static void at_retry(void *opaque)
{
    OHCITransmit *t = opaque;

    fw_bus_send(&t->ctx.ohci->node, &t->packet, at_sent, t);
}

/* The header as it lies in memory, OHCI 7.8 */
static bool at_parse_header(OHCITransmit *t, const uint8_t *h, size_t length)
{
    OHCI1394State *s = t->ctx.ohci;
    FWPacket *p = &t->packet;
    uint32_t q0 = ldl_le_p(h);
    uint32_t q1 = ldl_le_p(h + 4);
    uint32_t q3 = ldl_le_p(h + 12);

    p->tcode = extract32(q0, 4, 4);
    p->tlabel = extract32(q0, 10, 6);
    p->rt = extract32(q0, 8, 2);
    p->speed = MIN(extract32(q0, 16, 3), FW_S800);
    p->source_id = s->node_id;
    p->dest_id = q1 >> 16;
    p->offset = (uint64_t)(q1 & 0xffff) << 32 | (uint32_t)ldl_le_p(h + 8);
    p->rcode = extract32(q1, 12, 4);
    p->length = 0;
    p->ext_tcode = 0;

    switch (p->tcode) {
    case FW_TCODE_WRITE_QUADLET:
    case FW_TCODE_READ_QUADLET_RESPONSE:
        p->data = ldl_be_p(h + 12);
        return length == 16;
    case FW_TCODE_READ_QUADLET:
    case FW_TCODE_WRITE_RESPONSE:
        return length >= 12;
    case FW_TCODE_READ_BLOCK:
    case FW_TCODE_WRITE_BLOCK:
    case FW_TCODE_READ_BLOCK_RESPONSE:
    case FW_TCODE_LOCK_REQUEST:
    case FW_TCODE_LOCK_RESPONSE:
        p->length = q3 >> 16;
        p->ext_tcode = q3 & 0xffff;
        return length == 16 && p->length <= FW_MAX_PAYLOAD;
    case FW_TCODE_STREAM:
        p->sy = extract32(q0, 0, 4);
        p->channel = extract32(q0, 8, 6);
        p->tag = extract32(q0, 14, 2);
        p->length = q1 >> 16;
        return length == 8 && p->length <= FW_MAX_PAYLOAD;
    default:
        return false;
    }
}

/* PHY packets carry their two quadlets instead of a header */
static void at_send_phy(OHCITransmit *t, const uint8_t *h)
{
    fw_bus_send_phy(&t->ctx.ohci->node, ldl_le_p(h + 4));
    at_complete(t, OHCI_EVT_ACK | FW_ACK_COMPLETE);
}

/* Gather payload from OUTPUT_MORE and OUTPUT_LAST. Zero: fine, else an event */
static unsigned at_gather(OHCITransmit *t, uint32_t address, unsigned count)
{
    OHCI1394State *s = t->ctx.ohci;
    size_t used = 0;
    unsigned i;

    for (i = 0; i < count; i++, address += OHCI_DESC_SIZE) {
        OHCIDescriptor desc;

        if (!ohci_descriptor_read(s, address, &desc)) {
            return OHCI_EVT_DESCRIPTOR_READ;
        }
        if (OHCI_DESC_KEY(desc.control) != OHCI_KEY_NORMAL ||
            used + desc.req_count > FW_MAX_PAYLOAD) {
            return OHCI_EVT_UNKNOWN;
        }
        if (!ohci_dma_read(s, desc.data, t->packet.payload + used,
                           desc.req_count)) {
            return OHCI_EVT_DATA_READ;
        }
        used += desc.req_count;
        t->last = address;
        t->branch = desc.branch;
        t->irq = OHCI_DESC_IRQ(desc.control) == 3;
        if (OHCI_DESC_CMD(desc.control) == OHCI_CMD_OUTPUT_LAST) {
            return used == t->packet.length ? 0 : OHCI_EVT_UNKNOWN;
        }
    }
    return OHCI_EVT_UNKNOWN;
}

/* While IntEvent.busReset is set nothing is sent, OHCI 7.2.3.1 */
static bool at_must_flush(const OHCITransmit *t)
{
    return ohci_reg(t->ctx.ohci, OHCI_INT_EVENT) & OHCI_INT_BUS_RESET;
}

/* One block. False if the context came to a halt. */
static bool at_block(OHCITransmit *t, uint32_t branch)
{
    OHCI1394State *s = t->ctx.ohci;
    uint32_t address = block_address(branch);
    unsigned z = branch & 0xf, event = 0;
    OHCIDescriptor first;
    uint8_t header[16];
    bool phy;

    if (z < Z_MIN || z > Z_MAX || !ohci_descriptor_read(s, address, &first) ||
        !ohci_dma_read(s, address + OHCI_DESC_SIZE, header, sizeof(header))) {
        ohci_context_dead(&t->ctx, OHCI_EVT_DESCRIPTOR_READ);
        return false;
    }
    if (OHCI_DESC_KEY(first.control) != OHCI_KEY_IMMEDIATE) {
        ohci_context_dead(&t->ctx, OHCI_EVT_UNKNOWN);
        return false;
    }
    t->last = address;
    t->branch = first.branch;
    t->irq = OHCI_DESC_IRQ(first.control) == 3;
    t->retries = 0;
    t->packet.tcode = extract32(ldl_le_p(header), 4, 4);
    phy = t->packet.tcode == OHCI_TCODE_PHY;

    if (!phy && !at_parse_header(t, header, first.req_count)) {
        event = OHCI_EVT_TCODE_ERR;
    }
    if (OHCI_DESC_CMD(first.control) == OHCI_CMD_OUTPUT_MORE && !event) {
        event = at_gather(t, address + 2 * OHCI_DESC_SIZE, z - 2);
    }
    if (event) {
        ohci_context_dead(&t->ctx, event);
        return false;
    }
    if (at_must_flush(t)) {
        at_complete(t, OHCI_EVT_FLUSHED);
        return true;
    }
    if (phy) {
        at_send_phy(t, header);
        return true;
    }
    t->busy = true;
    fw_bus_send(&s->node, &t->packet, at_sent, t);
    return true;
}

static void at_run(OHCITransmit *t)
{
    unsigned guard;

    /* PHY and flushed packets complete at once; bound what one call does */
    for (guard = 0; guard < 1024 && !t->busy; guard++) {
        uint32_t branch;

        if (!(t->ctx.control & OHCI_CTX_RUN) ||
            t->ctx.control & OHCI_CTX_DEAD) {
            return;
        }
        branch = ohci_block_next(&t->ctx);
        if (!branch) {
            t->ctx.control &= ~(OHCI_CTX_ACTIVE | OHCI_CTX_WAKE);
            return;
        }
        t->ctx.control |= OHCI_CTX_ACTIVE;
        t->ctx.control &= ~OHCI_CTX_WAKE;
        if (!at_block(t, branch)) {
            return;
        }
    }
}

void ohci_at_control(OHCITransmit *t, uint32_t set, uint32_t clear)
{
    set &= OHCI_CTX_RUN | OHCI_CTX_WAKE;
    clear &= OHCI_CTX_RUN;
    if (clear) {
        t->ctx.control &= ~(OHCI_CTX_RUN | OHCI_CTX_DEAD);
        if (!t->busy) {
            t->ctx.control &= ~OHCI_CTX_ACTIVE;
        }
    }
    if (set & OHCI_CTX_RUN && !(t->ctx.control & OHCI_CTX_RUN)) {
        /* A program starts at CommandPtr */
        t->ctx.waiting = 0;
    }
    t->ctx.control |= set;
    if (set) {
        at_run(t);
    }
}

/* What waits for a retry is not with the bus, so it is not given back by it */
void ohci_at_bus_reset(OHCITransmit *t)
{
    if (t->busy && timer_pending(t->retry)) {
        timer_del(t->retry);
        at_complete(t, OHCI_EVT_FLUSHED);
    }
    if (!t->busy) {
        at_run(t);
    }
}

void ohci_at_soft_reset(OHCITransmit *t)
{
    timer_del(t->retry);
    t->busy = false;
    t->ctx.waiting = 0;
    t->ctx.control = 0;
    t->ctx.command = 0;
}

void ohci_at_init(OHCI1394State *s, OHCITransmit *t, const char *name,
                  uint32_t interrupt, bool response)
{
    t->ctx.ohci = s;
    t->ctx.name = name;
    t->ctx.interrupt = interrupt;
    t->ctx.response = response;
    t->retry = timer_new_ns(QEMU_CLOCK_VIRTUAL, at_retry, t);
}
