/*
 * A hostile node. It hears every packet on the bus, as each node could, and so
 * knows where ORBs, page tables, data and status FIFOs are; and it writes and
 * reads there when its properties say so.
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

#define TYPE_FW_INTRUDER "fw-intruder"
OBJECT_DECLARE_SIMPLE_TYPE(FWIntruder, FW_INTRUDER)

/* Registers of the lab's targets, where initiators write addresses of ORBs */
#define MANAGEMENT_AGENT    (FW_CSR_BASE + 0x10000)
#define COMMAND_AGENTS      (FW_CSR_BASE + 0x20000)
#define COMMAND_AGENTS_END  (FW_CSR_BASE + 0x30000)
#define POINTER             0x0000fffffffffffcull
#define POINTER_NULL        (1ull << 63)

#define ORB_MIN             20
#define MANAGEMENT_ORB      32
#define PAGE_TABLE_PRESENT  (1u << 19)
#define MAX_ORBS            32
#define MAX_READS           64
#define LOOT                64
#define TLABELS             64
#define MAX_LENGTH          512         /* at any speed */
#define ANSWER_NS           (2000ll * SCALE_MS)
#define NOBODY              FW_BROADCAST_PHY

/* What it does */
typedef enum IntruderKind {
    FORGE_STATUS,               /* for an ORB that is being executed */
    FORGE_RANDOM,               /* for an ORB that there is not */
    FORGE_MANAGEMENT,           /* for a management ORB, and its response */
    WRITE_ORB,
    WRITE_PAGE_TABLE,
    WRITE_DATA,
    READ_MEMORY,
    WRITE_MEMORY,
    FLOOD,
    KINDS
} IntruderKind;

static const char *const kind_names[KINDS] = {
    [FORGE_STATUS]      = "forge-status",
    [FORGE_RANDOM]      = "forge-random",
    [FORGE_MANAGEMENT]  = "forge-management",
    [WRITE_ORB]         = "write-orb",
    [WRITE_PAGE_TABLE]  = "write-page-table",
    [WRITE_DATA]        = "write-data",
    [READ_MEMORY]       = "read-memory",
    [WRITE_MEMORY]      = "write-memory",
    [FLOOD]             = "flood",
};

/* How often it is still to be done; what came of it */
typedef struct Attempts {
    uint32_t left, done, taken, refused;
} Attempts;

/* An ORB that a target has fetched and not yet told the end of */
typedef struct SeenORB {
    uint64_t address;           /* 0: no entry */
    bool known;                 /* its content was seen */
    bool management;
    uint64_t data, page_table, response;
} SeenORB;

/* A read request whose response is of interest */
typedef struct SeenRead {
    bool used;
    uint16_t source, dest;
    uint8_t tlabel;
    uint64_t offset;
    uint16_t length;
} SeenRead;

struct FWIntruder {
    FWDevice parent_obj;

    uint64_t memory_address;
    uint32_t memory_length, interval_us;
    uint32_t spoof;             /* physical ID that it pretends to have */
    FWRandom random;
    Attempts attempts[KINDS];
    uint8_t loot[LOOT];
    size_t looted;

    uint16_t victim;
    uint8_t last_tlabel;        /* of the node that it pretends to be */
    uint64_t status_fifo;
    SeenORB orb[MAX_ORBS];
    unsigned next_orb;
    SeenRead read[MAX_READS];
    unsigned next_read;

    IntruderKind turn;
    QEMUTimer *tick, *answer;
    FWPacket packet;
    IntruderKind kind;          /* of the packet */
    bool sending, waiting;
};

/* What it hears */

static SeenORB *seen_orb(FWIntruder *n, uint64_t address)
{
    unsigned i;

    for (i = 0; i < MAX_ORBS; i++) {
        if (n->orb[i].address == address) {
            return &n->orb[i];
        }
    }
    return NULL;
}

static void learn_orb(FWIntruder *n, uint64_t pointer, bool management)
{
    uint64_t address = pointer & POINTER;
    SeenORB *orb = seen_orb(n, address);

    if (!address) {
        return;
    }
    if (!orb) {
        orb = &n->orb[n->next_orb++ % MAX_ORBS];
    }
    memset(orb, 0, sizeof(*orb));
    orb->address = address;
    orb->management = management;
}

static void learn_next(FWIntruder *n, uint64_t next_orb)
{
    if (!(next_orb & POINTER_NULL)) {
        learn_orb(n, next_orb, false);
    }
}

static void learn_content(FWIntruder *n, SeenORB *orb, const uint8_t *data,
                          size_t length)
{
    uint64_t descriptor = ldq_be_p(data + 8) & 0xffffffffffffull;
    uint32_t control = ldl_be_p(data + 16);

    if (length < ORB_MIN) {
        return;
    }
    orb->known = true;
    if (orb->management) {
        orb->response = descriptor;
        n->status_fifo = length == MANAGEMENT_ORB ?
                         ldq_be_p(data + 24) & POINTER : n->status_fifo;
        return;
    }
    if (control & PAGE_TABLE_PRESENT) {
        orb->page_table = descriptor;
    } else {
        orb->data = descriptor;
    }
    learn_next(n, ldq_be_p(data));
}

static void learn_page_table(FWIntruder *n, uint64_t address,
                             const uint8_t *data, size_t length)
{
    unsigned i;

    for (i = 0; i < MAX_ORBS && length >= 8; i++) {
        if (n->orb[i].known && n->orb[i].page_table == address) {
            n->orb[i].data = ldq_be_p(data) & 0xffffffffffffull;
        }
    }
}

static void hear_pointer(FWIntruder *n, const FWPacket *p)
{
    bool management = p->offset == MANAGEMENT_AGENT;
    bool command = p->offset >= COMMAND_AGENTS &&
                   p->offset < COMMAND_AGENTS_END;

    if (p->length == 8 && (management || command)) {
        n->victim = p->source_id;
        learn_orb(n, ldq_be_p(p->payload), management);
    }
}

/* The end of an ORB: its address is in a status block */
static void hear_status(FWIntruder *n, const FWPacket *p)
{
    SeenORB *orb;

    if (p == &n->packet || p->dest_id != n->victim ||
        p->offset < FW_CSR_BASE || p->length < 8) {
        return;
    }
    orb = seen_orb(n, ldq_be_p(p->payload) & POINTER);
    if (orb && orb->address) {
        n->status_fifo = p->offset;
        memset(orb, 0, sizeof(*orb));
    }
}

static void hear_read(FWIntruder *n, const FWPacket *p)
{
    n->read[n->next_read++ % MAX_READS] = (SeenRead) {
        .used = true, .source = p->source_id, .dest = p->dest_id,
        .tlabel = p->tlabel, .offset = p->offset, .length = p->length,
    };
}

static void hear_data(FWIntruder *n, const FWPacket *p)
{
    unsigned i;

    for (i = 0; i < MAX_READS; i++) {
        SeenRead *read = &n->read[i];
        SeenORB *orb;

        if (!read->used || read->source != p->dest_id ||
            read->dest != p->source_id || read->tlabel != p->tlabel) {
            continue;
        }
        read->used = false;
        orb = seen_orb(n, read->offset);
        if (orb && p->length == 8) {
            learn_next(n, ldq_be_p(p->payload));
        } else if (orb) {
            learn_content(n, orb, p->payload, p->length);
        } else {
            learn_page_table(n, read->offset, p->payload, p->length);
        }
    }
}

/* What comes of what it sent */

static void tick_again(FWIntruder *n)
{
    timer_mod(n->tick, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                       MAX(n->interval_us, 1) * (int64_t)SCALE_US);
}

static void attempt_end(FWIntruder *n, int rcode)
{
    Attempts *a = &n->attempts[n->kind];

    n->waiting = false;
    timer_del(n->answer);
    trace_fw_intruder(kind_names[n->kind], n->packet.offset, rcode);
    if (rcode == FW_RCODE_COMPLETE) {
        a->taken++;
    } else {
        a->refused++;
    }
    tick_again(n);
}

static void hear_answer(FWIntruder *n, const FWPacket *p)
{
    uint8_t quadlet[4];

    if (!n->waiting || p->source_id != n->packet.dest_id ||
        p->dest_id != n->packet.source_id || p->tlabel != n->packet.tlabel) {
        return;
    }
    if (p->tcode == FW_TCODE_READ_BLOCK_RESPONSE) {
        n->looted = MIN(p->length, LOOT);
        memcpy(n->loot, p->payload, n->looted);
    } else if (p->tcode == FW_TCODE_READ_QUADLET_RESPONSE) {
        stl_be_p(quadlet, p->data);
        n->looted = sizeof(quadlet);
        memcpy(n->loot, quadlet, n->looted);
    }
    attempt_end(n, p->rcode);
}

static void intruder_snoop(FWDevice *dev, const FWPacket *p)
{
    FWIntruder *n = FW_INTRUDER(dev);

    if (fw_packet_is_response(p)) {
        hear_answer(n, p);
    } else if (p != &n->packet && (p->source_id & 0x3f) == n->spoof) {
        n->last_tlabel = p->tlabel;
    }
    switch (p->tcode) {
    case FW_TCODE_WRITE_BLOCK:
        hear_pointer(n, p);
        hear_status(n, p);
        break;
    case FW_TCODE_READ_BLOCK:
        hear_read(n, p);
        break;
    case FW_TCODE_READ_BLOCK_RESPONSE:
        hear_data(n, p);
        break;
    default:
        break;
    }
}

static void no_answer(void *opaque)
{
    attempt_end(opaque, FW_RCODE_TIMEOUT);
}

static void attempt_sent(FWNode *node, FWPacket *packet, FWAck ack,
                         void *opaque)
{
    FWIntruder *n = opaque;

    n->sending = false;
    if (!n->waiting) {
        return;                 /* the answer was faster than this */
    }
    if (ack == FW_ACK_PENDING) {
        timer_mod(n->answer,
                  qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + ANSWER_NS);
    } else {
        attempt_end(n, ack == FW_ACK_COMPLETE ? FW_RCODE_COMPLETE :
                                                FW_RCODE_NO_ACK);
    }
}

/* What it sends */

static void strike(FWIntruder *n, IntruderKind kind, unsigned tcode,
                   uint64_t offset, size_t length)
{
    FWDevice *dev = FW_DEVICE(n);
    FWPacket *p = &n->packet;

    p->speed = MIN(dev->node.speed,
                   fw_bus_path_speed(dev->node.bus, &dev->node,
                                     n->victim & 0x3f));
    p->tcode = tcode;
    p->dest_id = n->victim;
    if (n->spoof == NOBODY) {
        p->source_id = dev->node_id;
        p->tlabel = (p->tlabel + 1) % TLABELS;
    } else {
        /* One that the other does not use, or it may take our answer for its */
        p->source_id = FW_LOCAL_BUS | (n->spoof & 0x3f);
        p->tlabel = (n->last_tlabel + TLABELS / 2) % TLABELS;
    }
    p->offset = offset;
    p->length = length;
    n->kind = kind;
    n->sending = true;
    n->waiting = true;
    n->attempts[kind].left--;
    n->attempts[kind].done++;
    fw_bus_send(&dev->node, p, attempt_sent, n);
}

static void random_bytes(FWIntruder *n, uint8_t *data, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        data[i] = fw_random(&n->random);
    }
}

/* One that is being executed, any of them */
static SeenORB *live_orb(FWIntruder *n, bool management)
{
    unsigned start = fw_random(&n->random), i;

    for (i = 0; i < MAX_ORBS; i++) {
        SeenORB *orb = &n->orb[(start + i) % MAX_ORBS];

        if (orb->known && orb->management == management) {
            return orb;
        }
    }
    return NULL;
}

/* Any source, response, code; mostly one that says that all went well */
static void forge(FWIntruder *n, IntruderKind kind, uint64_t orb)
{
    uint8_t *block = n->packet.payload;
    uint32_t dice = fw_random(&n->random);
    unsigned quadlets = dice & 1 ? 2 : 2 + (dice >> 1) % 7;
    bool fine = dice & 0x30;

    random_bytes(n, block, 4 * quadlets);
    stl_be_p(block, (dice >> 8 & 1) << 30 | (fine ? 0 : dice & 0x38ff0000) |
                    (quadlets - 1) << 24 | (orb >> 32 & 0xffff));
    stl_be_p(block + 4, orb);
    if (fine && quadlets > 2) {
        block[8] = 0;           /* GOOD */
    }
    strike(n, kind, FW_TCODE_WRITE_BLOCK, n->status_fifo, 4 * quadlets);
}

static bool forge_status(FWIntruder *n, IntruderKind kind)
{
    SeenORB *orb = live_orb(n, kind == FORGE_MANAGEMENT);

    if (!orb || !n->status_fifo) {
        return false;
    }
    if (orb->response && fw_random(&n->random) & 1) {
        random_bytes(n, n->packet.payload, 16);
        strike(n, kind, FW_TCODE_WRITE_BLOCK, orb->response, 16);
    } else {
        forge(n, kind, orb->address);
    }
    return true;
}

static bool forge_random(FWIntruder *n)
{
    if (!n->status_fifo) {
        return false;
    }
    forge(n, FORGE_RANDOM, fw_random(&n->random) & ~3u);
    return true;
}

/* Into what the host has prepared for the target */
static bool write_live(FWIntruder *n, IntruderKind kind)
{
    SeenORB *orb = live_orb(n, false);
    uint64_t address = !orb ? 0 : kind == WRITE_ORB ? orb->address :
                       kind == WRITE_DATA ? orb->data : orb->page_table;

    if (!address) {
        return false;
    }
    random_bytes(n, n->packet.payload, 16);
    strike(n, kind, FW_TCODE_WRITE_BLOCK, address, 16);
    return true;
}

static bool access_memory(FWIntruder *n, IntruderKind kind)
{
    size_t length = MIN(n->memory_length, MAX_LENGTH);

    random_bytes(n, n->packet.payload, length);
    strike(n, kind, kind == READ_MEMORY ? FW_TCODE_READ_BLOCK :
                                          FW_TCODE_WRITE_BLOCK,
           n->memory_address, length);
    return true;
}

/* Anything, anywhere in the host's address space; mostly where software is */
static bool flood(FWIntruder *n)
{
    uint32_t dice = fw_random(&n->random);
    uint64_t offset = dice & 3 && n->status_fifo ? n->status_fifo :
                      FW_CSR_BASE + (fw_random(&n->random) & 0xffffffc);

    random_bytes(n, n->packet.payload, 64);
    n->packet.data = dice;
    strike(n, FLOOD,
           dice & 4 ? FW_TCODE_WRITE_QUADLET : FW_TCODE_WRITE_BLOCK, offset,
           dice & 4 ? 4 : 1 + (dice >> 8) % 64);
    return true;
}

static bool attempt(FWIntruder *n, IntruderKind kind)
{
    if (!n->attempts[kind].left || !n->victim) {
        return false;
    }
    switch (kind) {
    case FORGE_STATUS:
    case FORGE_MANAGEMENT:
        return forge_status(n, kind);
    case FORGE_RANDOM:
        return forge_random(n);
    case READ_MEMORY:
    case WRITE_MEMORY:
        return access_memory(n, kind);
    case FLOOD:
        return flood(n);
    default:
        return write_live(n, kind);
    }
}

/*
 * One packet, of the next kind that is wanted and possible. What is wanted and
 * not possible may be so later.
 */
static void tick(void *opaque)
{
    FWIntruder *n = opaque;
    bool wanted = false;
    unsigned i;

    if (n->sending || n->waiting) {
        return;
    }
    for (i = 0; i < KINDS; i++) {
        n->turn = (n->turn + 1) % KINDS;
        wanted |= n->attempts[n->turn].left;
        if (attempt(n, n->turn)) {
            return;
        }
    }
    if (wanted) {
        tick_again(n);
    }
}

/* As a node */

static void intruder_write(FWDevice *dev, FWRequest *req, uint64_t offset,
                           const uint8_t *data, size_t length)
{
    fw_device_respond(dev, req, FW_RCODE_ADDRESS_ERROR, NULL, 0);
}

static void intruder_read(FWDevice *dev, FWRequest *req, uint64_t offset,
                          size_t length)
{
    fw_device_respond(dev, req, FW_RCODE_ADDRESS_ERROR, NULL, 0);
}

/* Node IDs are new, and logins are suspended: all that it knew is void */
static void intruder_bus_reset(FWDevice *dev)
{
    FWIntruder *n = FW_INTRUDER(dev);

    memset(n->orb, 0, sizeof(n->orb));
    memset(n->read, 0, sizeof(n->read));
    n->victim = 0;
    if (n->waiting) {
        attempt_end(n, FW_RCODE_BUS_RESET);
    }
}

/* qdev */

static char *get_loot(Object *obj, Error **errp)
{
    FWIntruder *n = FW_INTRUDER(obj);
    GString *text = g_string_new(NULL);
    size_t i;

    for (i = 0; i < n->looted; i++) {
        g_string_append_printf(text, "%02x", n->loot[i]);
    }
    return g_string_free(text, false);
}

static void intruder_realize(DeviceState *qdev, Error **errp)
{
    FWDeviceClass *parent = FW_DEVICE_CLASS(
        object_class_get_parent(object_get_class(OBJECT(qdev))));
    FWRomDir *root;
    Error *err = NULL;

    /* It has its GUID then */
    DEVICE_CLASS(parent)->realize(qdev, &err);
    if (err) {
        error_propagate(errp, err);
        return;
    }
    root = fw_rom_dir_new();
    fw_rom_add_immediate(root, 0x03, 0x0030e0);
    fw_rom_add_text(root, "Intruder");
    fw_rom_add_immediate(root, 0x0c, 0x0083c0);
    fw_device_set_rom(FW_DEVICE(qdev), root);
    fw_rom_dir_free(root);
}

static void get_left(Object *obj, Visitor *v, const char *name, void *opaque,
                     Error **errp)
{
    visit_type_uint32(v, name, opaque, errp);
}

static void set_left(Object *obj, Visitor *v, const char *name, void *opaque,
                     Error **errp)
{
    FWIntruder *n = FW_INTRUDER(obj);

    if (visit_type_uint32(v, name, opaque, errp) && !n->sending &&
        !n->waiting) {
        tick_again(n);
    }
}

static void add_counter(Object *obj, const char *kind, const char *what,
                        uint32_t *value)
{
    g_autofree char *name = g_strconcat(kind, what, NULL);

    object_property_add_uint32_ptr(obj, name, value, OBJ_PROP_FLAG_READ);
}

static void intruder_init(Object *obj)
{
    FWIntruder *n = FW_INTRUDER(obj);
    unsigned i;

    for (i = 0; i < KINDS; i++) {
        Attempts *a = &n->attempts[i];

        object_property_add(obj, kind_names[i], "uint32", get_left, set_left,
                            NULL, &a->left);
        add_counter(obj, kind_names[i], "-done", &a->done);
        add_counter(obj, kind_names[i], "-taken", &a->taken);
        add_counter(obj, kind_names[i], "-refused", &a->refused);
    }
    n->tick = timer_new_ns(QEMU_CLOCK_VIRTUAL, tick, n);
    n->answer = timer_new_ns(QEMU_CLOCK_VIRTUAL, no_answer, n);
    n->memory_length = LOOT;
    n->interval_us = 100;
    n->spoof = NOBODY;
    object_property_add_uint64_ptr(obj, "memory-address", &n->memory_address,
                                   OBJ_PROP_FLAG_READWRITE);
    object_property_add_uint32_ptr(obj, "memory-length", &n->memory_length,
                                   OBJ_PROP_FLAG_READWRITE);
    object_property_add_uint32_ptr(obj, "spoof", &n->spoof,
                                   OBJ_PROP_FLAG_READWRITE);
    object_property_add_uint32_ptr(obj, "interval-us", &n->interval_us,
                                   OBJ_PROP_FLAG_READWRITE);
    object_property_add_uint64_ptr(obj, "seed", &n->random.state,
                                   OBJ_PROP_FLAG_READWRITE);
    object_property_add_str(obj, "loot", get_loot, NULL);
}

static void intruder_finalize(Object *obj)
{
    timer_free(FW_INTRUDER(obj)->tick);
    timer_free(FW_INTRUDER(obj)->answer);
}

static void intruder_class_init(ObjectClass *klass, FW_CLASS_DATA data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    FWDeviceClass *fc = FW_DEVICE_CLASS(klass);

    dc->desc = "Hostile FireWire node";
    dc->realize = intruder_realize;
    fc->write = intruder_write;
    fc->read = intruder_read;
    fc->snoop = intruder_snoop;
    fc->bus_reset = intruder_bus_reset;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo intruder_info = {
    .name = TYPE_FW_INTRUDER,
    .parent = TYPE_FW_DEVICE,
    .instance_size = sizeof(FWIntruder),
    .instance_init = intruder_init,
    .instance_finalize = intruder_finalize,
    .class_init = intruder_class_init,
};

static void intruder_register_types(void)
{
    type_register_static(&intruder_info);
}

type_init(intruder_register_types)
