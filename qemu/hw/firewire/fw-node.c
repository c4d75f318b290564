/*
 * IEEE 1394 node in software: transaction layer and core CSRs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/bswap.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "compat-qemu.h"
#include "fw-node.h"
#include "trace.h"

#define CYCLE_NS                125000
#define TLABELS                 64
#define DEFAULT_RETRY_LIMIT     15
#define RETRY_PAUSE_MAX_NS      (100 * SCALE_MS)

/*
 * Seconds: more than the usual 100 ms, for the other end may be the software of
 * a guest that is emulated on a busy machine
 */
#define DEFAULT_SPLIT_TIMEOUT_HI    2

/* What a node in software has waiting to be answered at the most */
#define MAX_REQUESTS            64

/* An outgoing transaction; lives until done was called or it is cancelled */
struct FWTransaction {
    FWDevice *dev;
    FWPacket packet;
    unsigned generation;
    FWTransactionDone *done;
    void *opaque;
    unsigned retries;
    bool unlabelled;            /* until one of the others ends */
    bool sending;               /* the bus has the packet */
    bool waiting;               /* ack_pending came, the response has not */
    bool over;                  /* done was called or is not wanted */
    int rcode;                  /* for an end that is deferred */
    QEMUTimer *timer;
    QTAILQ_ENTRY(FWTransaction) next;
};

/* A request that came in, and the response to it */
struct FWRequest {
    FWDevice *dev;
    FWPacket packet;
    unsigned generation;
    FWAck ack;                  /* what the receive handler will return */
    bool immediate;             /* still inside the receive handler */
    unsigned retries;
    QEMUTimer *timer;
    QTAILQ_ENTRY(FWRequest) next;
};

static FWDevice *node_device(FWNode *node)
{
    return container_of(node, FWDevice, node);
}

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static unsigned retry_limit(const FWDevice *dev)
{
    return extract32(dev->busy_timeout, 0, 4) ?: DEFAULT_RETRY_LIMIT;
}

/*
 * With timing off a packet takes no time, but the computer that has no room
 * for it takes some: the pauses grow, so that as many tries last longer.
 */
static int64_t retry_pause_ns(const FWDevice *dev, unsigned retries)
{
    if (fw_bus_is_timed(dev->node.bus)) {
        return CYCLE_NS;
    }
    return MIN(CYCLE_NS << MIN(retries, 15), RETRY_PAUSE_MAX_NS);
}

static int64_t split_timeout_ns(const FWDevice *dev)
{
    uint64_t cycles = (dev->split_timeout_hi & 7) * 8000ull +
                      extract32(dev->split_timeout_lo, 19, 13);

    /* 100 ms at least, IEEE 1394-1995 8.3.2.2.6 */
    return MAX(cycles, 800) * CYCLE_NS;
}

/* SplitMix64 of Steele, Lea and Flood: any seed will do, zero too */
uint32_t fw_random(FWRandom *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return (z ^ z >> 31) >> 32;
}

/* Faults */

static const FWFaultName fault_names[FW_FAULTS] = {
    [FW_FAULT_ACK_BUSY]         = { "ack-busy", "ack-busy-done" },
    [FW_FAULT_ACK_LOST]         = { "ack-lost", "ack-lost-done" },
    [FW_FAULT_RESPONSE_LOST]    = { "response-lost", "response-lost-done" },
};

void fw_faults_add_properties(Object *obj, FWFault *faults,
                              const FWFaultName *names, unsigned count)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        faults[i].name = names[i].left ?: names[i].done;
        if (names[i].left) {
            object_property_add_uint32_ptr(obj, names[i].left, &faults[i].left,
                                           OBJ_PROP_FLAG_READWRITE);
        }
        object_property_add_uint32_ptr(obj, names[i].done, &faults[i].done,
                                       OBJ_PROP_FLAG_READ);
    }
}

void fw_fault_note(FWFault *fault)
{
    fault->done++;
    trace_fw_fault(fault->name, fault->left, fault->done);
}

bool fw_fault(FWFault *fault)
{
    if (!fault->left) {
        return false;
    }
    fault->left--;
    fw_fault_note(fault);
    return true;
}

/* Outgoing transactions */

static FWTransaction *first_unlabelled(FWDevice *dev)
{
    FWTransaction *t;

    QTAILQ_FOREACH(t, &dev->transactions, next) {
        if (t->unlabelled) {
            return t;
        }
    }
    return NULL;
}

/* Its label is free: the one that has waited longest gets it, soon */
static void transaction_free(FWTransaction *t)
{
    FWDevice *dev = t->dev;
    FWTransaction *heir;

    QTAILQ_REMOVE(&dev->transactions, t, next);
    timer_free(t->timer);
    g_free(t);
    heir = first_unlabelled(dev);
    if (heir) {
        timer_mod(heir->timer, now_ns());
    }
}

static void transaction_end(FWTransaction *t, int rcode, const uint8_t *data,
                            size_t length)
{
    bool over = t->over;

    t->over = true;
    trace_fw_node_transaction_end(t->dev->node.name, t->packet.tlabel, rcode);
    if (!over) {
        if (t->done) {
            t->done(t->dev, rcode, data, length, t->opaque);
        }
    }
    /* The bus still has the packet: transaction_sent() frees it */
    if (!t->sending) {
        transaction_free(t);
    } else {
        timer_del(t->timer);
    }
}

static void transaction_sent(FWNode *node, FWPacket *packet, FWAck ack,
                             void *opaque);

static void transaction_send(FWTransaction *t)
{
    if (t->generation != t->dev->generation || t->dev->node.in_reset) {
        transaction_end(t, FW_RCODE_BUS_RESET, NULL, 0);
        return;
    }
    t->sending = true;
    t->packet.source_id = t->dev->node_id;
    fw_bus_send(&t->dev->node, &t->packet, transaction_sent, t);
}

static bool tlabel_get(FWDevice *dev, uint8_t *tlabel);

static void transaction_label(FWTransaction *t)
{
    FWTransaction *heir;
    uint8_t tlabel;

    if (!tlabel_get(t->dev, &tlabel)) {
        return;
    }
    t->packet.tlabel = tlabel;
    t->unlabelled = false;
    heir = first_unlabelled(t->dev);
    if (heir) {
        timer_mod(heir->timer, now_ns());
    }
    transaction_send(t);
}

/*
 * One timer for all: take a label, try again, give up, and an end that is due
 */
static void transaction_timer(void *opaque)
{
    FWTransaction *t = opaque;

    if (t->unlabelled) {
        transaction_label(t);
    } else if (t->waiting) {
        transaction_end(t, FW_RCODE_TIMEOUT, NULL, 0);
    } else if (t->rcode != FW_RCODE_COMPLETE) {
        transaction_end(t, t->rcode, NULL, 0);
    } else {
        transaction_send(t);
    }
}

static void transaction_sent(FWNode *node, FWPacket *packet, FWAck ack,
                             void *opaque)
{
    FWTransaction *t = opaque;

    t->sending = false;
    if (t->over) {
        transaction_free(t);
        return;
    }
    switch (ack) {
    case FW_ACK_COMPLETE:
        transaction_end(t, FW_RCODE_COMPLETE, NULL, 0);
        break;
    case FW_ACK_PENDING:
        t->waiting = true;
        timer_mod(t->timer, now_ns() + split_timeout_ns(t->dev));
        break;
    case FW_ACK_BUSY_X:
    case FW_ACK_BUSY_A:
    case FW_ACK_BUSY_B:
        if (t->retries++ < retry_limit(t->dev)) {
            timer_mod(t->timer,
                      now_ns() + retry_pause_ns(t->dev, t->retries - 1));
        } else {
            transaction_end(t, FW_RCODE_BUSY, NULL, 0);
        }
        break;
    case FW_ACK_BUS_RESET:
        transaction_end(t, FW_RCODE_BUS_RESET, NULL, 0);
        break;
    case FW_ACK_DATA_ERROR:
        transaction_end(t, FW_RCODE_DATA_ERROR, NULL, 0);
        break;
    case FW_ACK_TYPE_ERROR:
        transaction_end(t, FW_RCODE_TYPE_ERROR, NULL, 0);
        break;
    default:
        transaction_end(t, FW_RCODE_NO_ACK, NULL, 0);
        break;
    }
}

static FWTransaction *transaction_by_tlabel(FWDevice *dev, unsigned tlabel)
{
    FWTransaction *t;

    QTAILQ_FOREACH(t, &dev->transactions, next) {
        if (t->packet.tlabel == tlabel) {
            return t;
        }
    }
    return NULL;
}

/* Labels are used in turn, so that a late response hardly meets a new one */
static bool tlabel_get(FWDevice *dev, uint8_t *tlabel)
{
    unsigned i;

    for (i = 0; i < TLABELS; i++) {
        *tlabel = (dev->next_tlabel + i) % TLABELS;
        if (!transaction_by_tlabel(dev, *tlabel)) {
            dev->next_tlabel = (*tlabel + 1) % TLABELS;
            return true;
        }
    }
    return false;
}

static void transaction_start(FWDevice *dev, FWTransaction *t)
{
    t->dev = dev;
    t->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, transaction_timer, t);
    t->rcode = FW_RCODE_COMPLETE;
    if (t->generation != dev->generation || dev->node.in_reset) {
        t->rcode = FW_RCODE_BUS_RESET;
    } else {
        t->unlabelled = first_unlabelled(dev) ||
                        !tlabel_get(dev, &t->packet.tlabel);
    }
    QTAILQ_INSERT_TAIL(&dev->transactions, t, next);
    if (t->rcode != FW_RCODE_COMPLETE || t->unlabelled) {
        t->packet.tlabel = TLABELS;     /* none */
    }
    if (t->rcode != FW_RCODE_COMPLETE) {
        timer_mod(t->timer, now_ns());
    } else if (!t->unlabelled) {
        transaction_send(t);
    }
}

static FWTransaction *transaction_new(uint16_t dest_id, unsigned generation,
                                      uint64_t offset, size_t length,
                                      FWSpeed speed, FWTransactionDone *done,
                                      void *opaque)
{
    FWTransaction *t = g_new0(FWTransaction, 1);

    assert(length <= FW_MAX_PAYLOAD);
    t->generation = generation;
    t->done = done;
    t->opaque = opaque;
    t->packet.dest_id = dest_id;
    t->packet.offset = offset & 0xffffffffffffull;
    t->packet.length = length;
    t->packet.speed = speed;
    return t;
}

static bool is_quadlet(uint64_t offset, size_t length)
{
    return length == 4 && !(offset & 3);
}

void fw_device_read(FWDevice *dev, uint16_t dest_id, unsigned generation,
                    uint64_t offset, size_t length, FWSpeed speed,
                    FWTransactionDone *done, void *opaque)
{
    FWTransaction *t = transaction_new(dest_id, generation, offset, length,
                                       speed, done, opaque);

    t->packet.tcode = is_quadlet(offset, length) ? FW_TCODE_READ_QUADLET :
                                                   FW_TCODE_READ_BLOCK;
    transaction_start(dev, t);
}

void fw_device_write(FWDevice *dev, uint16_t dest_id, unsigned generation,
                     uint64_t offset, const uint8_t *data, size_t length,
                     FWSpeed speed, FWTransactionDone *done, void *opaque)
{
    FWTransaction *t = transaction_new(dest_id, generation, offset, length,
                                       speed, done, opaque);

    if (is_quadlet(offset, length)) {
        t->packet.tcode = FW_TCODE_WRITE_QUADLET;
        t->packet.data = ldl_be_p(data);
    } else {
        t->packet.tcode = FW_TCODE_WRITE_BLOCK;
        memcpy(t->packet.payload, data, length);
    }
    transaction_start(dev, t);
}

void fw_device_cancel(FWDevice *dev, void *opaque)
{
    FWTransaction *t, *next;

    QTAILQ_FOREACH_SAFE(t, &dev->transactions, next, next) {
        if (t->opaque != opaque || t->over) {
            continue;
        }
        t->over = true;
        if (!t->sending) {
            transaction_free(t);
        } else {
            timer_del(t->timer);
        }
    }
}

static unsigned response_tcode(unsigned tcode)
{
    switch (tcode) {
    case FW_TCODE_READ_QUADLET:
        return FW_TCODE_READ_QUADLET_RESPONSE;
    case FW_TCODE_READ_BLOCK:
        return FW_TCODE_READ_BLOCK_RESPONSE;
    default:
        return FW_TCODE_WRITE_RESPONSE;
    }
}

static FWAck receive_response(FWDevice *dev, const FWPacket *p)
{
    FWTransaction *t = transaction_by_tlabel(dev, p->tlabel);
    uint8_t quadlet[4];

    if (!t || t->over || !t->waiting || t->packet.dest_id != p->source_id ||
        p->tcode != response_tcode(t->packet.tcode)) {
        return FW_ACK_COMPLETE;
    }
    t->waiting = false;
    if (p->rcode != FW_RCODE_COMPLETE) {
        transaction_end(t, p->rcode, NULL, 0);
    } else if (p->tcode == FW_TCODE_READ_QUADLET_RESPONSE) {
        stl_be_p(quadlet, p->data);
        transaction_end(t, p->rcode, quadlet, 4);
    } else if (p->tcode == FW_TCODE_READ_BLOCK_RESPONSE &&
               p->length != t->packet.length) {
        transaction_end(t, FW_RCODE_DATA_ERROR, NULL, 0);
    } else {
        transaction_end(t, p->rcode, p->payload,
                        fw_packet_has_payload(p) ? p->length : 0);
    }
    return FW_ACK_COMPLETE;
}

/* Requests that come in */

static void request_free(FWRequest *req)
{
    QTAILQ_REMOVE(&req->dev->requests, req, next);
    timer_free(req->timer);
    g_free(req);
}

static void response_sent(FWNode *node, FWPacket *packet, FWAck ack,
                          void *opaque)
{
    FWRequest *req = opaque;
    bool busy = ack == FW_ACK_BUSY_X || ack == FW_ACK_BUSY_A ||
                ack == FW_ACK_BUSY_B;

    if (busy && req->retries++ < retry_limit(req->dev)) {
        timer_mod(req->timer,
                  now_ns() + retry_pause_ns(req->dev, req->retries - 1));
        return;
    }
    request_free(req);
}

static void response_send(void *opaque)
{
    FWRequest *req = opaque;

    if (req->generation != req->dev->generation || req->dev->node.in_reset) {
        request_free(req);
        return;
    }
    if (fw_fault(&req->dev->fault[FW_FAULT_RESPONSE_LOST])) {
        request_free(req);
        return;
    }
    fw_bus_send(&req->dev->node, &req->packet, response_sent, req);
}

static void response_fill(FWRequest *req, int rcode, const uint8_t *data,
                          size_t length)
{
    FWPacket *p = &req->packet;

    switch (p->tcode) {
    case FW_TCODE_READ_QUADLET:
        p->tcode = FW_TCODE_READ_QUADLET_RESPONSE;
        p->data = length == 4 ? ldl_be_p(data) : 0;
        break;
    case FW_TCODE_READ_BLOCK:
        p->tcode = FW_TCODE_READ_BLOCK_RESPONSE;
        break;
    case FW_TCODE_LOCK_REQUEST:
        p->tcode = FW_TCODE_LOCK_RESPONSE;
        break;
    default:
        p->tcode = FW_TCODE_WRITE_RESPONSE;
        break;
    }
    p->dest_id = p->source_id;
    p->source_id = req->dev->node_id;
    p->rcode = rcode;
    assert(length <= FW_MAX_PAYLOAD);
    p->length = length;
    if (length && fw_packet_has_payload(p)) {
        memcpy(p->payload, data, length);
    }
}

uint16_t fw_request_source(const FWRequest *req)
{
    return req->packet.source_id;
}

FWSpeed fw_request_speed(const FWRequest *req)
{
    return req->packet.speed;
}

bool fw_request_is_quadlet(const FWRequest *req)
{
    return req->packet.tcode == FW_TCODE_WRITE_QUADLET ||
           req->packet.tcode == FW_TCODE_READ_QUADLET;
}

static bool request_is_write(const FWRequest *req)
{
    return req->packet.tcode == FW_TCODE_WRITE_QUADLET ||
           req->packet.tcode == FW_TCODE_WRITE_BLOCK;
}

void fw_device_respond(FWDevice *dev, FWRequest *req, int rcode,
                       const uint8_t *data, size_t length)
{
    bool broadcast = (req->packet.dest_id & 0x3f) == FW_BROADCAST_PHY;

    trace_fw_node_respond(dev->node.name, req->packet.tlabel, rcode, length);
    /* An unsplit transaction: the acknowledge says it all */
    if (broadcast || (req->immediate && request_is_write(req) &&
                      rcode == FW_RCODE_COMPLETE && !dev->split_writes)) {
        req->ack = FW_ACK_COMPLETE;
        if (!req->immediate) {
            request_free(req);
        }
        return;
    }
    response_fill(req, rcode, data, length);
    timer_mod(req->timer, now_ns());
}

/* Core CSRs */

static bool csr_read_quadlet(FWDevice *dev, uint64_t csr, uint32_t *value)
{
    switch (csr) {
    case FW_CSR_STATE_CLEAR:
    case FW_CSR_STATE_SET:
        *value = 0;
        return true;
    case FW_CSR_NODE_IDS:
        *value = (uint32_t)dev->node_id << 16;
        return true;
    case FW_CSR_SPLIT_TIMEOUT_HI:
        *value = dev->split_timeout_hi;
        return true;
    case FW_CSR_SPLIT_TIMEOUT_LO:
        *value = dev->split_timeout_lo;
        return true;
    case FW_CSR_BUSY_TIMEOUT:
        *value = dev->busy_timeout;
        return true;
    default:
        return false;
    }
}

static bool csr_write_quadlet(FWDevice *dev, uint64_t csr, uint32_t value)
{
    switch (csr) {
    case FW_CSR_STATE_CLEAR:
    case FW_CSR_STATE_SET:
    case FW_CSR_NODE_IDS:
        return true;
    case FW_CSR_SPLIT_TIMEOUT_HI:
        dev->split_timeout_hi = value & 7;
        return true;
    case FW_CSR_SPLIT_TIMEOUT_LO:
        dev->split_timeout_lo = value & 0xfff80000;
        return true;
    case FW_CSR_BUSY_TIMEOUT:
        dev->busy_timeout = value & 0x000fffff;
        return true;
    default:
        return false;
    }
}

static bool in_rom(uint64_t csr, size_t length)
{
    return csr >= FW_CSR_CONFIG_ROM && csr + length <= FW_CSR_CONFIG_ROM_END;
}

static bool csr_serves_read(FWDevice *dev, FWRequest *req, uint64_t csr)
{
    uint16_t length = fw_request_is_quadlet(req) ? 4 : req->packet.length;
    uint8_t quadlet[4];
    uint32_t value;

    if (in_rom(csr, length)) {
        fw_device_respond(dev, req, FW_RCODE_COMPLETE,
                          &dev->rom[csr - FW_CSR_CONFIG_ROM], length);
        return true;
    }
    if (!csr_read_quadlet(dev, csr, &value)) {
        return false;
    }
    if (!fw_request_is_quadlet(req)) {
        fw_device_respond(dev, req, FW_RCODE_TYPE_ERROR, NULL, 0);
        return true;
    }
    stl_be_p(quadlet, value);
    fw_device_respond(dev, req, FW_RCODE_COMPLETE, quadlet, 4);
    return true;
}

static bool csr_serves_write(FWDevice *dev, FWRequest *req, uint64_t csr)
{
    uint32_t value;

    if (in_rom(csr, 4) || (csr_read_quadlet(dev, csr, &value) &&
                           !fw_request_is_quadlet(req))) {
        fw_device_respond(dev, req, FW_RCODE_TYPE_ERROR, NULL, 0);
        return true;
    }
    if (!csr_write_quadlet(dev, csr, req->packet.data)) {
        return false;
    }
    fw_device_respond(dev, req, FW_RCODE_COMPLETE, NULL, 0);
    return true;
}

static void request_dispatch(FWDevice *dev, FWRequest *req)
{
    FWDeviceClass *class = FW_DEVICE_GET_CLASS(dev);
    const FWPacket *p = &req->packet;
    uint64_t csr = p->offset - FW_CSR_BASE;
    bool in_csrs = p->offset >= FW_CSR_BASE && csr < FW_CSR_CONFIG_ROM_END;
    uint8_t quadlet[4];

    switch (p->tcode) {
    case FW_TCODE_READ_QUADLET:
    case FW_TCODE_READ_BLOCK:
        if (p->length > FW_MAX_PAYLOAD) {
            fw_device_respond(dev, req, FW_RCODE_TYPE_ERROR, NULL, 0);
        } else if (!in_csrs || !csr_serves_read(dev, req, csr)) {
            class->read(dev, req, p->offset,
                        fw_request_is_quadlet(req) ? 4 : p->length);
        }
        break;
    case FW_TCODE_WRITE_QUADLET:
        if (!in_csrs || !csr_serves_write(dev, req, csr)) {
            stl_be_p(quadlet, p->data);
            class->write(dev, req, p->offset, quadlet, 4);
        }
        break;
    case FW_TCODE_WRITE_BLOCK:
        if (!in_csrs || !csr_serves_write(dev, req, csr)) {
            class->write(dev, req, p->offset, p->payload, p->length);
        }
        break;
    default:
        if (class->lock) {
            class->lock(dev, req, p->offset, p->ext_tcode, p->payload,
                        p->length);
        } else {
            fw_device_respond(dev, req, FW_RCODE_TYPE_ERROR, NULL, 0);
        }
        break;
    }
}

/* Those of earlier generations take no room: nobody waits for their answer */
static unsigned requests_waiting(const FWDevice *dev)
{
    const FWRequest *req;
    unsigned count = 0;

    QTAILQ_FOREACH(req, &dev->requests, next) {
        count += req->generation == dev->generation;
    }
    return count;
}

/* Because somebody wants it to be */
static bool is_busy(FWDevice *dev)
{
    if (now_ns() < dev->busy_until) {
        fw_fault_note(&dev->fault[FW_FAULT_ACK_BUSY]);
        return true;
    }
    return fw_fault(&dev->fault[FW_FAULT_ACK_BUSY]);
}

static FWAck receive_request(FWDevice *dev, const FWPacket *p)
{
    bool broadcast = (p->dest_id & 0x3f) == FW_BROADCAST_PHY;
    FWRequest *req;
    FWAck ack;

    if (requests_waiting(dev) >= MAX_REQUESTS ||
        (!broadcast && is_busy(dev))) {
        return FW_ACK_BUSY_X;
    }
    req = g_new0(FWRequest, 1);
    req->dev = dev;
    req->packet = *p;
    req->generation = dev->generation;
    req->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, response_send, req);
    req->ack = FW_ACK_PENDING;
    req->immediate = true;
    QTAILQ_INSERT_TAIL(&dev->requests, req, next);

    request_dispatch(dev, req);

    req->immediate = false;
    ack = req->ack;
    if (ack == FW_ACK_COMPLETE) {
        request_free(req);
    }
    if (!broadcast && fw_fault(&dev->fault[FW_FAULT_ACK_LOST])) {
        return FW_ACK_MISSING;
    }
    return ack;
}

/* What the bus asks of the node */

static FWAck device_receive(FWNode *node, const FWPacket *p)
{
    FWDevice *dev = node_device(node);

    if (fw_packet_is_request(p)) {
        return receive_request(dev, p);
    }
    if (fw_packet_is_response(p)) {
        return receive_response(dev, p);
    }
    return FW_ACK_TYPE_ERROR;
}

static void device_snoop(FWNode *node, const FWPacket *p)
{
    FWDevice *dev = node_device(node);

    FW_DEVICE_GET_CLASS(dev)->snoop(dev, p);
}

static void device_reset_begin(FWNode *node)
{
}

static FWTransaction *transaction_of_old_generation(FWDevice *dev)
{
    FWTransaction *t;

    QTAILQ_FOREACH(t, &dev->transactions, next) {
        if (!t->sending && !t->over && t->generation != dev->generation) {
            return t;
        }
    }
    return NULL;
}

/*
 * Open transactions end, with the new node ID and generation in place. Each
 * end may cancel others, so the search starts anew.
 */
static void device_reset_end(FWNode *node, const FWSelfIDs *ids)
{
    FWDevice *dev = node_device(node);
    FWDeviceClass *class = FW_DEVICE_GET_CLASS(dev);
    FWTransaction *t;

    dev->node_id = FW_LOCAL_BUS | ids->phy_id;
    dev->generation = ids->generation;
    dev->alone = ids->nodes == 1;
    while ((t = transaction_of_old_generation(dev))) {
        t->waiting = false;
        transaction_end(t, FW_RCODE_BUS_RESET, NULL, 0);
    }
    /* A response of the old generation is dropped when it is to be sent */
    if (class->bus_reset) {
        class->bus_reset(dev);
    }
}

static const FWNodeOps device_ops = {
    .receive = device_receive,
    .snoop = device_snoop,
    .reset_begin = device_reset_begin,
    .reset_end = device_reset_end,
};

/* qdev */

static bool device_get_connected(Object *obj, Error **errp)
{
    return FW_DEVICE(obj)->node.connected;
}

static void device_set_connected(Object *obj, bool value, Error **errp)
{
    FWDevice *dev = FW_DEVICE(obj);

    timer_del(dev->replug);
    fw_bus_set_connected(&dev->node, value);
}

static void device_replug(void *opaque)
{
    FWDevice *dev = opaque;

    fw_bus_set_connected(&dev->node, true);
}

static void device_set_replug_after(Object *obj, Visitor *v, const char *name,
                                    void *opaque, Error **errp)
{
    FWDevice *dev = FW_DEVICE(obj);
    uint32_t ms;

    if (visit_type_uint32(v, name, &ms, errp)) {
        fw_bus_set_connected(&dev->node, false);
        timer_mod(dev->replug, now_ns() + (int64_t)ms * SCALE_MS);
    }
}

/* A bus reset that this device initiates */
static void device_set_reset(Object *obj, const char *value, Error **errp)
{
    FWDevice *dev = FW_DEVICE(obj);

    if (dev->node.bus) {
        fw_bus_reset_kind(dev->node.bus, &dev->node, value, errp);
    }
}

static bool device_get_split_writes(Object *obj, Error **errp)
{
    return FW_DEVICE(obj)->split_writes;
}

static void device_set_split_writes(Object *obj, bool value, Error **errp)
{
    FW_DEVICE(obj)->split_writes = value;
}

static void device_init(Object *obj)
{
    FWDevice *dev = FW_DEVICE(obj);

    QTAILQ_INIT(&dev->transactions);
    QTAILQ_INIT(&dev->requests);
    dev->node.connected = true;
    dev->replug = timer_new_ns(QEMU_CLOCK_VIRTUAL, device_replug, dev);
    fw_faults_add_properties(obj, dev->fault, fault_names, FW_FAULTS);
}

static void device_finalize(Object *obj)
{
    timer_free(FW_DEVICE(obj)->replug);
}

static void device_realize(DeviceState *qdev, Error **errp)
{
    FWDevice *dev = FW_DEVICE(qdev);
    static unsigned serial;

    if (!dev->guid) {
        dev->guid = 0x0030e00000000000ull | ++serial;
    }
    if (dev->node.ports < 1 || dev->node.ports > FW_MAX_PORTS ||
        dev->node.speed > FW_S800) {
        error_setg(errp, "ports is 1 to %d, speed 0 (S100) to 3 (S800)",
                   FW_MAX_PORTS);
        return;
    }
    dev->split_timeout_hi = DEFAULT_SPLIT_TIMEOUT_HI;
    dev->node.ops = &device_ops;
    dev->node.name = qdev->id ?: object_get_typename(OBJECT(dev));
    dev->node.link_active = true;
    dev->node.snoops = FW_DEVICE_GET_CLASS(dev)->snoop != NULL;
    fw_bus_attach(FW_BUS(qdev_get_parent_bus(qdev)), &dev->node, NULL, errp);
}

static void device_unrealize(DeviceState *qdev)
{
    FWDevice *dev = FW_DEVICE(qdev);
    FWTransaction *t, *next;
    FWRequest *req, *next_req;

    timer_del(dev->replug);
    fw_bus_detach(&dev->node);
    QTAILQ_FOREACH_SAFE(t, &dev->transactions, next, next) {
        transaction_free(t);
    }
    QTAILQ_FOREACH_SAFE(req, &dev->requests, next, next_req) {
        request_free(req);
    }
}

static FW_PROPERTY device_properties[] = {
    DEFINE_PROP_UINT64("guid", FWDevice, guid, 0),
    DEFINE_PROP_UINT32("speed", FWDevice, node.speed, FW_S400),
    DEFINE_PROP_UINT8("ports", FWDevice, node.ports, 2),
    DEFINE_PROP_UINT8("power-class", FWDevice, node.power_class, 0),
    DEFINE_PROP_BOOL("contender", FWDevice, node.contender, false),
    DEFINE_PROP_BOOL("cmc", FWDevice, cmc, false),
    DEFINE_PROP_BOOL("irmc", FWDevice, irmc, false),
    DEFINE_PROP_BOOL("bmc", FWDevice, bmc, false),
    DEFINE_PROP_UINT8("max-rec", FWDevice, max_rec, 10),
    FW_PROPERTIES_END
};

static void device_class_init(ObjectClass *klass, FW_CLASS_DATA data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->bus_type = TYPE_FW_BUS;
    dc->realize = device_realize;
    dc->unrealize = device_unrealize;
    device_class_set_props(dc, device_properties);
    object_class_property_add_bool(klass, "connected", device_get_connected,
                                   device_set_connected);
    object_class_property_add_bool(klass, "split-writes",
                                   device_get_split_writes,
                                   device_set_split_writes);
    object_class_property_add(klass, "replug-after", "uint32", NULL,
                              device_set_replug_after, NULL, NULL);
    object_class_property_add_str(klass, "reset", NULL, device_set_reset);
}

static const TypeInfo device_info = {
    .name = TYPE_FW_DEVICE,
    .parent = TYPE_DEVICE,
    .abstract = true,
    .instance_size = sizeof(FWDevice),
    .instance_init = device_init,
    .instance_finalize = device_finalize,
    .class_size = sizeof(FWDeviceClass),
    .class_init = device_class_init,
};

static void fw_node_register_types(void)
{
    type_register_static(&device_info);
}

type_init(fw_node_register_types)
