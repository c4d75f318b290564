/*
 * OHCI 1394: requests that hardware serves without software: physical memory
 * (OHCI 1.1 clause 12), bus management CSRs (5.5.1), configuration ROM (5.5.6).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/timer.h"
#include "ohci1394.h"
#include "fw-node.h"
#include "trace.h"

#define CSR_BUS_MANAGER_ID  0x21c
#define CSR_CHANNELS_LO     0x228

/* Responses that may wait at a time; beyond, requests are acked busy */
#define MAX_RESPONSES       64
#define RETRY_NS            125000

struct OHCIResponse {
    OHCI1394State *ohci;
    FWPacket packet;
    unsigned retries;
    bool sending;
    QEMUTimer *timer;
    QTAILQ_ENTRY(OHCIResponse) next;
};

/* Responses */

static void response_free(OHCIResponse *r)
{
    QTAILQ_REMOVE(&r->ohci->responses, r, next);
    timer_free(r->timer);
    g_free(r);
}

static void response_sent(FWNode *node, FWPacket *packet, FWAck ack,
                          void *opaque)
{
    OHCIResponse *r = opaque;
    unsigned limit = extract32(ohci_reg(r->ohci, OHCI_AT_RETRIES), 8, 4);
    bool busy = ack == FW_ACK_BUSY_X || ack == FW_ACK_BUSY_A ||
                ack == FW_ACK_BUSY_B;

    r->sending = false;
    if (busy && r->retries++ < limit) {
        timer_mod(r->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + RETRY_NS);
        return;
    }
    response_free(r);
}

static void response_send(void *opaque)
{
    OHCIResponse *r = opaque;

    r->sending = true;
    fw_bus_send(&r->ohci->node, &r->packet, response_sent, r);
}

static unsigned responses_waiting(const OHCI1394State *s)
{
    const OHCIResponse *r;
    unsigned count = 0;

    QTAILQ_FOREACH(r, &s->responses, next) {
        count++;
    }
    return count;
}

static uint8_t response_tcode(const FWPacket *request)
{
    switch (request->tcode) {
    case FW_TCODE_READ_QUADLET:
        return FW_TCODE_READ_QUADLET_RESPONSE;
    case FW_TCODE_READ_BLOCK:
        return FW_TCODE_READ_BLOCK_RESPONSE;
    case FW_TCODE_LOCK_REQUEST:
        return FW_TCODE_LOCK_RESPONSE;
    default:
        return FW_TCODE_WRITE_RESPONSE;
    }
}

/* A response to @request, addressed; data and length are the caller's */
static OHCIResponse *response_new(OHCI1394State *s, const FWPacket *request,
                                  int rcode)
{
    OHCIResponse *r = g_new0(OHCIResponse, 1);

    r->ohci = s;
    r->packet.tcode = response_tcode(request);
    r->packet.tlabel = request->tlabel;
    r->packet.speed = request->speed;
    r->packet.dest_id = request->source_id;
    r->packet.source_id = s->node_id;
    r->packet.ext_tcode = request->ext_tcode;
    r->packet.rcode = rcode;
    r->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, response_send, r);
    QTAILQ_INSERT_TAIL(&s->responses, r, next);
    timer_mod(r->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    return r;
}

static void respond_quadlet(OHCI1394State *s, const FWPacket *request,
                            uint32_t value)
{
    response_new(s, request, FW_RCODE_COMPLETE)->packet.data = value;
}

/* Those of the old generation are not sent; the bus gives back the others */
void ohci_physical_bus_reset(OHCI1394State *s)
{
    OHCIResponse *r, *next;

    QTAILQ_FOREACH_SAFE(r, &s->responses, next, next) {
        if (!r->sending) {
            response_free(r);
        }
    }
}

/* The node is off the bus: nothing is with the bus any more */
void ohci_physical_drop(OHCI1394State *s)
{
    OHCIResponse *r, *next;

    QTAILQ_FOREACH_SAFE(r, &s->responses, next, next) {
        response_free(r);
    }
}

/* Physical memory */

static uint64_t upper_bound(const OHCI1394State *s)
{
    uint32_t bound = ohci_reg(s, OHCI_PHYS_UPPER_BOUND);

    return bound ? (uint64_t)bound << 16 : 1ull << 32;
}

static bool filter_passes(const OHCI1394State *s, unsigned hi, unsigned lo,
                          uint16_t source)
{
    uint32_t all = ohci_reg(s, hi);
    unsigned phy_id = source & 0x3f;

    if ((source & 0xffc0) != FW_LOCAL_BUS) {
        return all & (1u << 31);
    }
    return phy_id < 32 ? ohci_reg(s, lo) & (1u << phy_id) :
                         all & (1u << (phy_id - 32));
}

static bool is_physical(const OHCI1394State *s, const FWPacket *p)
{
    bool quadlet = p->tcode == FW_TCODE_WRITE_QUADLET ||
                   p->tcode == FW_TCODE_READ_QUADLET;

    return p->tcode != FW_TCODE_LOCK_REQUEST &&
           p->offset + (quadlet ? 4 : p->length) <= upper_bound(s) &&
           filter_passes(s, OHCI_PHYS_FILTER_HI, OHCI_PHYS_FILTER_LO,
                         p->source_id);
}

/* The model's DMA reaches as far as the register can say: 32 address bits */
static bool memory_read(OHCI1394State *s, const FWPacket *p, void *data,
                        size_t length)
{
    return pci_dma_read(PCI_DEVICE(s), p->offset, data, length) == MEMTX_OK;
}

static bool memory_write(OHCI1394State *s, const FWPacket *p, const void *data,
                         size_t length)
{
    return pci_dma_write(PCI_DEVICE(s), p->offset, data, length) == MEMTX_OK;
}

static FWAck physical_read(OHCI1394State *s, const FWPacket *p)
{
    OHCIResponse *r = response_new(s, p, FW_RCODE_COMPLETE);
    uint8_t quadlet[4];
    bool fine;

    if (p->tcode == FW_TCODE_READ_QUADLET) {
        fine = memory_read(s, p, quadlet, 4);
        r->packet.data = fine ? ldl_be_p(quadlet) : 0;
    } else {
        fine = p->length <= FW_MAX_PAYLOAD &&
               memory_read(s, p, r->packet.payload, p->length);
        r->packet.length = fine ? p->length : 0;
    }
    if (!fine) {
        r->packet.rcode = FW_RCODE_DATA_ERROR;
    }
    return FW_ACK_PENDING;
}

static FWAck physical_write(OHCI1394State *s, const FWPacket *p)
{
    bool posted = ohci_reg(s, OHCI_HC_CONTROL) & OHCI_HC_POSTED_WRITE;
    uint8_t quadlet[4];
    bool fine;

    if (p->tcode == FW_TCODE_WRITE_QUADLET) {
        stl_be_p(quadlet, p->data);
        fine = memory_write(s, p, quadlet, 4);
    } else {
        fine = memory_write(s, p, p->payload, p->length);
    }
    if (!posted) {
        response_new(s, p, fine ? FW_RCODE_COMPLETE : FW_RCODE_DATA_ERROR);
        return FW_ACK_PENDING;
    }
    if (!fine) {
        s->regs[OHCI_POSTED_WRITE_HI / 4] = (uint32_t)p->source_id << 16 |
                                            (p->offset >> 32 & 0xffff);
        s->regs[OHCI_POSTED_WRITE_LO / 4] = p->offset;
        ohci_raise(s, OHCI_INT_POSTED_WRITE);
    }
    return FW_ACK_COMPLETE;
}

static FWAck physical_serve(OHCI1394State *s, const FWPacket *p)
{
    trace_ohci1394_physical(p->source_id, p->tcode, p->offset, p->length);
    if (p->tcode == FW_TCODE_READ_QUADLET || p->tcode == FW_TCODE_READ_BLOCK) {
        return physical_read(s, p);
    }
    return physical_write(s, p);
}

/* Bus management CSRs */

uint32_t ohci_csr_compare_swap(OHCI1394State *s, unsigned select,
                               uint32_t compare, uint32_t value)
{
    uint32_t old = s->csr[select];

    if (old == compare) {
        s->csr[select] = value;
    }
    return old;
}

static bool csr_serves(OHCI1394State *s, const FWPacket *p, uint64_t csr)
{
    unsigned select = (csr - CSR_BUS_MANAGER_ID) / 4;
    OHCIResponse *r;

    if (csr < CSR_BUS_MANAGER_ID || csr > CSR_CHANNELS_LO || csr & 3) {
        return false;
    }
    if (p->tcode == FW_TCODE_READ_QUADLET) {
        respond_quadlet(s, p, s->csr[select]);
    } else if (p->tcode == FW_TCODE_LOCK_REQUEST && p->length == 8 &&
               p->ext_tcode == FW_EXT_COMPARE_SWAP) {
        r = response_new(s, p, FW_RCODE_COMPLETE);
        r->packet.length = 4;
        stl_be_p(r->packet.payload,
                 ohci_csr_compare_swap(s, select, ldl_be_p(p->payload),
                                       ldl_be_p(p->payload + 4)));
    } else {
        response_new(s, p, FW_RCODE_TYPE_ERROR);
    }
    return true;
}

/* Configuration ROM: the bus information block is in registers */

static bool rom_quadlet(OHCI1394State *s, unsigned index, uint32_t *value)
{
    static const unsigned info[] = {
        OHCI_CONFIG_ROM_HDR, OHCI_BUS_ID, OHCI_BUS_OPTIONS, OHCI_GUID_HI,
        OHCI_GUID_LO,
    };
    uint8_t quadlet[4];

    if (index < ARRAY_SIZE(info)) {
        *value = ohci_reg(s, info[index]);
        return true;
    }
    if (!ohci_dma_read(s, s->rom_map + 4 * index, quadlet, 4)) {
        return false;
    }
    *value = ldl_be_p(quadlet);
    return true;
}

static void rom_read_block(OHCI1394State *s, const FWPacket *p, unsigned at)
{
    OHCIResponse *r = response_new(s, p, FW_RCODE_COMPLETE);
    unsigned i;

    if (at + p->length > OHCI_ROM_SIZE || p->length & 3) {
        r->packet.rcode = FW_RCODE_ADDRESS_ERROR;
        return;
    }
    for (i = 0; i < p->length; i += 4) {
        uint32_t value = 0;

        if (!rom_quadlet(s, (at + i) / 4, &value)) {
            r->packet.rcode = FW_RCODE_DATA_ERROR;
            return;
        }
        stl_be_p(r->packet.payload + i, value);
    }
    r->packet.length = p->length;
}

bool ohci_accesses_rom(const FWPacket *p)
{
    uint64_t at = p->offset - FW_CSR_BASE - FW_CSR_CONFIG_ROM;

    return at < OHCI_ROM_SIZE;
}

static bool rom_serves(OHCI1394State *s, const FWPacket *p, uint64_t csr)
{
    unsigned at = csr - FW_CSR_CONFIG_ROM;
    uint32_t value;

    if (!ohci_accesses_rom(p) || csr & 3 ||
        !(ohci_reg(s, OHCI_HC_CONTROL) & OHCI_HC_BIB_VALID)) {
        return false;
    }
    if (p->tcode == FW_TCODE_READ_QUADLET) {
        if (rom_quadlet(s, at / 4, &value)) {
            respond_quadlet(s, p, value);
        } else {
            response_new(s, p, FW_RCODE_DATA_ERROR);
        }
        return true;
    }
    if (p->tcode == FW_TCODE_READ_BLOCK) {
        rom_read_block(s, p, at);
        return true;
    }
    return false;
}

bool ohci_physical_serves(OHCI1394State *s, const FWPacket *p, FWAck *ack)
{
    uint64_t csr = p->offset - FW_CSR_BASE;
    bool full = responses_waiting(s) >= MAX_RESPONSES;
    bool physical = is_physical(s, p);

    *ack = FW_ACK_PENDING;
    if (physical && full) {
        *ack = FW_ACK_BUSY_X;
    } else if (physical) {
        *ack = physical_serve(s, p);
    } else if (p->offset < FW_CSR_BASE ||
               (p->dest_id & 0x3f) == FW_BROADCAST_PHY || full) {
        return false;
    } else {
        return csr_serves(s, p, csr) || rom_serves(s, p, csr);
    }
    return true;
}
