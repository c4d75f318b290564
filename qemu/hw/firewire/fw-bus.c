/*
 * IEEE 1394 serial bus.
 *
 * One packet is on the medium at a time: arbitration and packet, then the
 * receiver decides on its acknowledge, then the acknowledge. With timing off
 * each of these takes no time, and many packets go in one timer callback. With
 * timing on a packet waits for its gap first; whoever comes up meanwhile and
 * has to wait for less goes first. Cycle start packets are not modelled.
 *
 * Where cables are pulled the bus falls into several trees; resets and packets
 * stay within theirs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "compat-qemu.h"
#include "fw-capture.h"
#include "fw-node.h"
#include "fw-topology.h"
#include "trace.h"

/* Bus reset: IEEE 1394-1995 RESET_TIME 166.6 us, 1394a short reset 1.3 us */
#define LONG_RESET_NS           166600
#define SHORT_RESET_NS          1300
#define SELF_ID_NS_PER_NODE     3000

/* Packets in one timer callback, so that nothing else starves */
#define BATCH                   256

/* Timing of one packet, IEEE 1394a-2000 table 4-32 and annex; in ns */
#define DATA_PREFIX_NS          160
#define DATA_END_NS             260
#define ACK_GAP_NS              81
#define BASE_RATE_KHZ           98304

typedef struct FWTransmission {
    FWNode *node;
    FWPacket *packet;
    FWSent *sent;
    void *opaque;
    bool flushed;               /* by a bus reset, or given to a bus in reset */
    QTAILQ_ENTRY(FWTransmission) next;
} FWTransmission;

typedef enum FWPhase {
    PHASE_IDLE,
    PHASE_PACKET,
    PHASE_WAIT,                 /* for fw_bus_acknowledge() */
    PHASE_ACK,
} FWPhase;

struct FWBus {
    BusState parent_obj;

    QTAILQ_HEAD(, FWNode) nodes;
    unsigned count;
    unsigned attached;          /* ever */
    FWCapture *capture;
    GByteArray *captured;       /* until its acknowledge is known */

    QTAILQ_HEAD(, FWTransmission) queue;
    FWTransmission *current;
    FWPhase phase;
    int64_t idle_since;
    uint64_t busy_ns;           /* with packets and acknowledges, ever */
    FWAck ack;
    int64_t ack_ns;             /* how long it takes */
    QEMUTimer *medium;
    const FWMedium *far;        /* the medium is elsewhere */
    void *far_medium;

    QEMUTimer *reset_begin;
    QEMUTimer *reset_end;
    bool short_reset;
    unsigned generation;
    FWSelfIDs last;

    QEMUTimer *interval;
    uint32_t reset_interval_ms;
    bool timing;
};

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

/* How long things take */

static int64_t bits_ns(size_t bytes, FWSpeed speed)
{
    return bytes * 8 * 1000000 / (BASE_RATE_KHZ << speed);
}

static int64_t subaction_gap_ns(const FWBus *bus)
{
    return (27 + 16 * bus->last.gap_count) * 1000000ll / BASE_RATE_KHZ;
}

static int64_t arbitration_reset_gap_ns(const FWBus *bus)
{
    return (51 + 32 * bus->last.gap_count) * 1000000ll / BASE_RATE_KHZ;
}

static int64_t packet_ns(const FWBus *bus, const FWPacket *p)
{
    if (!bus->timing) {
        return 0;
    }
    return DATA_PREFIX_NS + bits_ns(fw_packet_wire_length(p), p->speed) +
           DATA_END_NS;
}

static int64_t ack_ns(const FWBus *bus, const FWPacket *p)
{
    if (!bus->timing) {
        return 0;
    }
    return ACK_GAP_NS + DATA_PREFIX_NS + bits_ns(1, p->speed) + DATA_END_NS;
}

/* The medium */

static void transmission_end(FWBus *bus, FWTransmission *t, FWAck ack)
{
    trace_fw_bus_sent(t->node->name, t->packet->tcode, t->packet->tlabel, ack);
    t->sent(t->node, t->packet, ack, t->opaque);
    g_free(t);
}

/* Lower ones win arbitration. Who had its turn waits for a fairness interval */
static unsigned rank(const FWTransmission *t)
{
    return fw_packet_is_response(t->packet) ? 0 : t->node->fair ? 2 : 1;
}

/*
 * Responses go as soon as the bus is idle; of requests each node sends one per
 * fairness interval, which ends with an arbitration reset gap.
 *
 * Returns who is next, and in @wait how long the bus has yet to be idle for it.
 */
static FWTransmission *arbitrate(FWBus *bus, int64_t *wait)
{
    int64_t idle = now_ns() - bus->idle_since;
    FWTransmission *t, *best = QTAILQ_FIRST(&bus->queue);
    FWNode *node;

    *wait = 0;
    if (!bus->timing) {
        return best;
    }
    if (idle >= arbitration_reset_gap_ns(bus)) {
        QTAILQ_FOREACH(node, &bus->nodes, next) {
            node->fair = false;
        }
    }
    QTAILQ_FOREACH(t, &bus->queue, next) {
        if (rank(t) < rank(best)) {
            best = t;
        }
    }
    *wait = MAX(0, (rank(best) < 2 ? subaction_gap_ns(bus) :
                                     arbitration_reset_gap_ns(bus)) - idle);
    return best;
}

static FWNode *node_by_phy(FWNode *from, unsigned phy_id)
{
    FWTree tree;
    unsigned i;

    fw_topology_collect(from, &tree);
    for (i = 0; i < tree.count; i++) {
        if (tree.node[i]->phy_id == phy_id) {
            return tree.node[i];
        }
    }
    return NULL;
}

static FWAck broadcast(FWNode *from, const FWPacket *p)
{
    FWTree tree;
    unsigned i;

    fw_topology_collect(from, &tree);
    for (i = 0; i < tree.count; i++) {
        if (tree.node[i] != from && tree.node[i]->link_active) {
            tree.node[i]->ops->receive(tree.node[i], p);
        }
    }
    return FW_ACK_COMPLETE;
}

/* There is no acknowledge: who sends it cannot know who listens */
static FWAck stream(FWNode *from, const FWPacket *p)
{
    FWTree tree;
    unsigned i;

    fw_topology_collect(from, &tree);
    for (i = 0; i < tree.count; i++) {
        FWNode *to = tree.node[i];

        if (to != from && to->link_active && to->ops->stream &&
            p->speed <= fw_topology_speed(from, to)) {
            to->ops->stream(to, p);
        }
    }
    return FW_ACK_COMPLETE;
}

/* Nodes repeat what they receive, so each that is connected could hear it */
static void let_snoop(FWNode *from, const FWPacket *p)
{
    FWBus *bus = from->bus;
    FWNode *node;

    QTAILQ_FOREACH(node, &bus->nodes, next) {
        if (node->snoops && node->connected && !node->in_reset) {
            node->ops->snoop(node, p);
        }
    }
}

static FWAck deliver(FWTransmission *t)
{
    FWPacket *p = t->packet;
    unsigned phy_id = p->dest_id & 0x3f;
    FWNode *to;

    let_snoop(t->node, p);
    if (p->tcode == FW_TCODE_STREAM) {
        return stream(t->node, p);
    }
    if ((p->dest_id & 0xffc0) != FW_LOCAL_BUS) {
        return FW_ACK_MISSING;
    }
    if (phy_id == FW_BROADCAST_PHY) {
        return broadcast(t->node, p);
    }
    to = node_by_phy(t->node, phy_id);
    if (!to || to == t->node || !to->link_active || to->in_reset ||
        p->speed > fw_topology_speed(t->node, to)) {
        return FW_ACK_MISSING;
    }
    return to->ops->receive(to, p);
}

/*
 * For so long nothing else happens on the medium. To be called before anybody
 * is told of anything: with -icount time jumps to the earliest timer that is
 * set while the guest idles, and a receiver sets some.
 */
static bool occupy(FWBus *bus, int64_t ns)
{
    if (ns) {
        timer_mod(bus->medium, now_ns() + ns);
    }
    return ns;
}

/* Send what is next. True where it takes time, or has to wait */
static bool packet_begin(FWBus *bus)
{
    int64_t wait, duration;
    FWTransmission *t = arbitrate(bus, &wait);

    if (wait) {
        return occupy(bus, wait);
    }
    t->node->fair |= !fw_packet_is_response(t->packet);
    QTAILQ_REMOVE(&bus->queue, t, next);
    bus->current = t;
    bus->phase = PHASE_PACKET;
    trace_fw_bus_packet(t->node->name, t->packet->source_id,
                        t->packet->dest_id, t->packet->tcode,
                        t->packet->tlabel, t->packet->offset,
                        t->packet->length);
    duration = packet_ns(bus, t->packet);
    bus->busy_ns += duration;
    return occupy(bus, duration);
}

static void packet_captured(FWBus *bus)
{
    if (bus->captured) {
        fw_capture_acknowledge(bus->capture, bus->captured, bus->ack);
        g_byte_array_unref(bus->captured);
        bus->captured = NULL;
    }
}

static bool ack_begin(FWBus *bus)
{
    FWTransmission *t = bus->current;
    bool occupied;

    bus->ack_ns = ack_ns(bus, t->packet);
    occupied = occupy(bus, bus->ack_ns);
    bus->busy_ns += bus->ack_ns;
    bus->phase = PHASE_ACK;
    if (t->flushed) {
        bus->ack = FW_ACK_BUS_RESET;
        return occupied;
    }
    bus->captured = fw_capture_packet(bus->capture, t->node, t->packet);
    bus->ack = deliver(t);
    if (bus->ack == FW_ACK_LATER) {
        timer_del(bus->medium);
        bus->phase = PHASE_WAIT;
        return true;
    }
    packet_captured(bus);
    return occupied;
}

void fw_bus_acknowledge(FWBus *bus, FWAck ack)
{
    if (bus->phase == PHASE_WAIT) {
        bus->ack = ack;
        packet_captured(bus);
        bus->phase = PHASE_ACK;
        timer_mod(bus->medium, now_ns() + bus->ack_ns);
    }
}

static bool ack_end(FWBus *bus)
{
    FWTransmission *t = bus->current;
    bool occupied = occupy(bus, bus->timing);

    bus->current = NULL;
    bus->phase = PHASE_IDLE;
    bus->idle_since = now_ns();
    if (t->sent) {
        transmission_end(bus, t, t->flushed ? FW_ACK_BUS_RESET : bus->ack);
    } else {
        g_free(t);
    }
    return occupied;
}

/* One phase of the transmission of a packet. True: what comes next will tell */
static bool medium_step(FWBus *bus)
{
    switch (bus->phase) {
    case PHASE_IDLE:
        return packet_begin(bus);
    case PHASE_PACKET:
        return ack_begin(bus);
    case PHASE_WAIT:
        return true;
    default:
        return ack_end(bus);
    }
}

static void medium_run(void *opaque)
{
    FWBus *bus = opaque;
    unsigned i;

    for (i = 0; i < 3 * BATCH; i++) {
        if (!bus->current && QTAILQ_EMPTY(&bus->queue)) {
            return;
        }
        if (medium_step(bus)) {
            return;
        }
    }
    timer_mod(bus->medium, now_ns());
}

/*
 * Something to send: to be sent at once, it may win against what waits now.
 *
 * A timer that is due when a processor of the guest starts it may be seen first
 * by that processor's thread or by another one. With a nanosecond to go only
 * the former can be the first, and a run with -icount is the same each time.
 */
static void medium_kick(FWBus *bus)
{
    if (bus->phase == PHASE_IDLE &&
        (bus->timing || !timer_pending(bus->medium))) {
        timer_mod(bus->medium, now_ns() + bus->timing);
    }
}

void fw_bus_send(FWNode *node, FWPacket *packet, FWSent *sent, void *opaque)
{
    FWTransmission *t;

    if (node->bus->far) {
        node->bus->far->send(node->bus->far_medium, node, packet, sent,
                             opaque);
        return;
    }
    t = g_new0(FWTransmission, 1);
    t->node = node;
    t->packet = packet;
    t->sent = sent;
    t->opaque = opaque;
    t->flushed = node->in_reset;
    QTAILQ_INSERT_TAIL(&node->bus->queue, t, next);
    medium_kick(node->bus);
}

/* Take the transmissions of @node out of the queue */
static void take_transmissions(FWNode *node, GPtrArray *taken)
{
    FWBus *bus = node->bus;
    FWTransmission *t, *next;

    if (bus->current && bus->current->node == node &&
        bus->phase == PHASE_PACKET) {
        g_ptr_array_add(taken, bus->current);
        bus->current = NULL;
        bus->phase = PHASE_IDLE;
        bus->idle_since = now_ns();
        timer_del(bus->medium);
    }
    QTAILQ_FOREACH_SAFE(t, &bus->queue, next, next) {
        if (t->node == node) {
            QTAILQ_REMOVE(&bus->queue, t, next);
            g_ptr_array_add(taken, t);
        }
    }
    if (!QTAILQ_EMPTY(&bus->queue)) {
        medium_kick(bus);
    }
}

void fw_bus_cancel(FWNode *node)
{
    g_autoptr(GPtrArray) taken = g_ptr_array_new_with_free_func(g_free);
    FWBus *bus = node->bus;

    if (bus->far) {
        bus->far->cancel(bus->far_medium, node);
    }
    take_transmissions(node, taken);
    if (bus->current && bus->current->node == node) {
        bus->current->sent = NULL;
    }
}

/* A PHY configuration packet sets the root, the gap count, or both */
static bool phy_sets_gap(uint32_t quadlet)
{
    return !extract32(quadlet, 30, 2) && extract32(quadlet, 22, 1);
}

void fw_bus_phy_configure(FWNode *node, uint32_t quadlet)
{
    if (!extract32(quadlet, 30, 2) && extract32(quadlet, 23, 1)) {
        node->force_root = node->phy_id == extract32(quadlet, 24, 6);
    }
    if (phy_sets_gap(quadlet)) {
        node->gap_count = extract32(quadlet, 16, 6);
        node->gap_count_kept = true;
    }
}

void fw_bus_send_phy(FWNode *node, uint32_t quadlet)
{
    FWTree tree;
    unsigned i;

    trace_fw_bus_phy_packet(node->name, quadlet);
    if (node->bus->far) {
        node->bus->far->send_phy(node->bus->far_medium, node, quadlet);
        return;
    }
    fw_capture_phy_packet(node->bus->capture, node, quadlet);
    fw_topology_collect(node, &tree);
    for (i = 0; i < tree.count; i++) {
        FWNode *to = tree.node[i];

        fw_bus_phy_configure(to, quadlet);
        if (to->ops->phy_packet) {
            to->ops->phy_packet(to, quadlet);
        }
    }
    if (phy_sets_gap(quadlet)) {
        node->bus->last.gap_count = extract32(quadlet, 16, 6);
    }
}

/* Bus reset */

bool fw_bus_in_reset(FWBus *bus)
{
    FWNode *node;

    QTAILQ_FOREACH(node, &bus->nodes, next) {
        if (node->in_reset || node->reset_wanted) {
            return true;
        }
    }
    return false;
}

static void node_reset_begin(FWNode *node)
{
    g_autoptr(GPtrArray) taken = g_ptr_array_new();
    unsigned i;

    if (node->in_reset) {
        return;
    }
    node->in_reset = true;
    take_transmissions(node, taken);
    for (i = 0; i < taken->len; i++) {
        transmission_end(node->bus, g_ptr_array_index(taken, i),
                         FW_ACK_BUS_RESET);
    }
    /* Its acknowledge is lost */
    if (node->bus->current && node->bus->current->node == node) {
        node->bus->current->flushed = true;
    }
    /* A gap count holds through one bus reset, 1394a-2000 4.3.5.2 */
    if (!node->gap_count_kept) {
        node->gap_count = 63;
    }
    node->gap_count_kept = false;
    node->ops->reset_begin(node);
}

static int64_t reset_duration_ns(const FWBus *bus)
{
    return (bus->short_reset ? SHORT_RESET_NS : LONG_RESET_NS) +
           bus->count * SELF_ID_NS_PER_NODE;
}

/* Every node of the trees that hold a node which wants a reset */
static void bus_reset_begin(void *opaque)
{
    FWBus *bus = opaque;
    FWNode *node;
    FWTree tree;
    unsigned i;

    QTAILQ_FOREACH(node, &bus->nodes, next) {
        if (!node->reset_wanted) {
            continue;
        }
        fw_capture_reset(bus->capture, node->initiated_reset ? node : NULL,
                         bus->short_reset);
        fw_topology_collect(node, &tree);
        for (i = 0; i < tree.count; i++) {
            tree.node[i]->reset_wanted = false;
            node_reset_begin(tree.node[i]);
        }
    }
    timer_mod(bus->reset_end, now_ns() + reset_duration_ns(bus));
}

/* Where none is forced, the node that was attached last becomes root */
static FWNode *default_root(FWBus *bus, FWTree *tree)
{
    FWNode *node, *root = tree->node[0];
    unsigned i;

    QTAILQ_FOREACH(node, &bus->nodes, next) {
        for (i = 0; i < tree->count; i++) {
            if (tree->node[i] == node) {
                root = node;
            }
        }
    }
    return root;
}

static void tree_reset_end(FWBus *bus, FWNode *start)
{
    FWSelfIDs ids;
    FWTree tree;
    unsigned i;

    fw_topology_collect(start, &tree);
    for (i = 0; i < tree.count; i++) {
        node_reset_begin(tree.node[i]);
    }
    fw_topology_identify(&tree, default_root(bus, &tree), &ids);
    ids.generation = ++bus->generation;
    if (start == QTAILQ_FIRST(&bus->nodes)) {
        bus->last = ids;
    }
    trace_fw_bus_self_id(ids.generation, ids.nodes, ids.root_id, ids.irm_id,
                         ids.gap_count);
    fw_capture_self_id(bus->capture, &tree, &ids);
    for (i = 0; i < tree.count; i++) {
        tree.node[i]->in_reset = false;
    }
    for (i = 0; i < tree.count; i++) {
        ids.phy_id = tree.node[i]->phy_id;
        tree.node[i]->ops->reset_end(tree.node[i], &ids);
    }
}

static void bus_reset_end(void *opaque)
{
    FWBus *bus = opaque;
    FWNode *node;

    bus->idle_since = now_ns();
    QTAILQ_FOREACH(node, &bus->nodes, next) {
        if (node->in_reset) {
            tree_reset_end(bus, node);
        }
    }
}

void fw_bus_reset(FWBus *bus, FWNode *node, bool short_reset)
{
    bool initiated = node != NULL;

    node = node ?: QTAILQ_FIRST(&bus->nodes);
    if (node && bus->far) {
        bus->far->reset(bus->far_medium, node, short_reset);
        return;
    }
    if (!node || node->reset_wanted) {
        return;
    }
    /* While the bus is in reset, one more reset changes nothing */
    if (node->in_reset) {
        timer_mod(bus->reset_end, now_ns() + reset_duration_ns(bus));
        return;
    }
    trace_fw_bus_reset(initiated ? node->name : "bus", short_reset);
    node->initiated_reset = initiated;
    node->reset_wanted = true;
    bus->short_reset = short_reset;
    timer_mod(bus->reset_begin, now_ns());
}

void fw_bus_reset_kind(FWBus *bus, FWNode *node, const char *kind,
                       Error **errp)
{
    if (strcmp(kind, "short") && strcmp(kind, "long")) {
        error_setg(errp, "reset takes 'short' or 'long'");
        return;
    }
    fw_bus_reset(bus, node, !strcmp(kind, "short"));
}

/* Where the medium is elsewhere */

FWNode *fw_bus_first_node(FWBus *bus)
{
    return QTAILQ_FIRST(&bus->nodes);
}

void fw_bus_far_reset_begin(FWNode *node)
{
    node_reset_begin(node);
}

void fw_bus_far_reset_end(FWNode *node, const FWSelfIDs *ids)
{
    FWBus *bus = node->bus;

    node->phy_id = ids->phy_id;
    node->gap_count = ids->gap_count;
    node->initiated_reset = false;
    node->in_reset = false;
    bus->generation++;
    bus->last = *ids;
    node->ops->reset_end(node, ids);
}

void fw_bus_set_medium(FWBus *bus, const FWMedium *ops, void *medium)
{
    FWNode *node;

    timer_del(bus->reset_begin);
    timer_del(bus->reset_end);
    bus->far = ops;
    bus->far_medium = medium;
    QTAILQ_FOREACH(node, &bus->nodes, next) {
        node->reset_wanted = false;
        if (!ops && node->in_reset) {
            timer_mod(bus->reset_end, now_ns() + reset_duration_ns(bus));
        }
    }
    fw_bus_reset(bus, NULL, false);
}

/* Nodes and cables */

bool fw_bus_attach(FWBus *bus, FWNode *node, FWNode *upstream, Error **errp)
{
    if (bus->count == FW_MAX_NODES) {
        error_setg(errp, "a FireWire bus has no more than %d nodes",
                   FW_MAX_NODES);
        return false;
    }
    upstream = upstream ?: QTAILQ_FIRST(&bus->nodes);
    node->bus = bus;
    node->gap_count = 63;
    if (upstream && node->connected && !fw_topology_plug(node, upstream)) {
        error_setg(errp, "no free port for %s on the FireWire bus",
                   node->name);
        node->bus = NULL;
        return false;
    }
    QTAILQ_INSERT_TAIL(&bus->nodes, node, next);
    bus->count++;
    node->number = bus->attached++;
    fw_capture_node(bus->capture, node);
    trace_fw_bus_attach(node->name, bus->count);
    fw_bus_reset(bus, node, false);
    return true;
}

void fw_bus_set_connected(FWNode *node, bool connected)
{
    FWNode *upstream = node->upstream;
    FWBus *bus = node->bus;

    if (node->connected == connected) {
        return;
    }
    node->connected = connected;
    if (!bus) {
        return;
    }
    trace_fw_bus_connected(node->name, connected);
    fw_capture_cable(bus->capture, node);
    if (connected) {
        FWNode *first = QTAILQ_FIRST(&bus->nodes);

        if (first != node) {
            fw_topology_plug(node, first);
        }
        fw_bus_reset(bus, node, false);
    } else if (upstream) {
        fw_topology_unplug(node);
        fw_bus_reset(bus, node, false);
        fw_bus_reset(bus, upstream, false);
    }
}

void fw_bus_detach(FWNode *node)
{
    FWBus *bus = node->bus;
    unsigned port;

    if (!bus) {
        return;
    }
    fw_bus_cancel(node);
    for (port = 0; port < node->ports; port++) {
        FWNode *peer = node->port_peer[port];

        if (peer) {
            fw_topology_unplug(node->upstream == peer ? node : peer);
            fw_bus_reset(bus, peer, false);
        }
    }
    QTAILQ_REMOVE(&bus->nodes, node, next);
    bus->count--;
    node->bus = NULL;
}

bool fw_bus_is_timed(const FWBus *bus)
{
    return bus->timing;
}

FWSpeed fw_bus_path_speed(FWBus *bus, FWNode *from, uint8_t phy_id)
{
    FWNode *to = node_by_phy(from, phy_id);

    return to ? fw_topology_speed(from, to) : FW_S100;
}

/* Properties */

static void interval_start(FWBus *bus)
{
    timer_mod(bus->interval,
              now_ns() + (int64_t)bus->reset_interval_ms * SCALE_MS);
}

static void interval_fn(void *opaque)
{
    FWBus *bus = opaque;

    if (!bus->reset_interval_ms) {
        return;
    }
    fw_bus_reset(bus, NULL, true);
    interval_start(bus);
}

static void set_reset(Object *obj, const char *value, Error **errp)
{
    fw_bus_reset_kind(FW_BUS(obj), NULL, value, errp);
}

static void set_reset_interval(Object *obj, Visitor *v, const char *name,
                               void *opaque, Error **errp)
{
    FWBus *bus = FW_BUS(obj);

    if (visit_type_uint32(v, name, &bus->reset_interval_ms, errp)) {
        interval_start(bus);
    }
}

static void get_reset_interval(Object *obj, Visitor *v, const char *name,
                               void *opaque, Error **errp)
{
    visit_type_uint32(v, name, &FW_BUS(obj)->reset_interval_ms, errp);
}

static void get_gap_count(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    uint32_t value = FW_BUS(obj)->last.gap_count;

    visit_type_uint32(v, name, &value, errp);
}

/* As many as the first node can reach: what was unplugged does not count */
static void get_nodes(Object *obj, Visitor *v, const char *name,
                      void *opaque, Error **errp)
{
    FWNode *first = QTAILQ_FIRST(&FW_BUS(obj)->nodes);
    uint32_t value = 0;
    FWTree tree;

    if (first) {
        fw_topology_collect(first, &tree);
        value = tree.count;
    }
    visit_type_uint32(v, name, &value, errp);
}

static void get_root_id(Object *obj, Visitor *v, const char *name,
                        void *opaque, Error **errp)
{
    uint32_t value = FW_BUS(obj)->last.root_id;

    visit_type_uint32(v, name, &value, errp);
}

static bool get_timing(Object *obj, Error **errp)
{
    return FW_BUS(obj)->timing;
}

static void set_timing(Object *obj, bool value, Error **errp)
{
    FW_BUS(obj)->timing = value;
}

/* The tree that the last self-IDs were of, if it is still as it was */
static void capture_last(FWBus *bus)
{
    FWNode *first = QTAILQ_FIRST(&bus->nodes);
    FWTree found, ordered;
    unsigned i;

    if (!first || !bus->generation || fw_bus_in_reset(bus)) {
        return;
    }
    fw_topology_collect(first, &found);
    ordered.count = found.count;
    for (i = 0; i < found.count; i++) {
        ordered.node[found.node[i]->phy_id] = found.node[i];
    }
    fw_capture_self_id(bus->capture, &ordered, &bus->last);
}

static void set_capture(Object *obj, const char *path, Error **errp)
{
    FWBus *bus = FW_BUS(obj);
    FWNode *node;

    fw_capture_close(bus->capture);
    bus->capture = *path ? fw_capture_open(path, errp) : NULL;
    QTAILQ_FOREACH(node, &bus->nodes, next) {
        fw_capture_node(bus->capture, node);
    }
    capture_last(bus);
}

static char *get_capture(Object *obj, Error **errp)
{
    return g_strdup(fw_capture_path(FW_BUS(obj)->capture));
}

/* One line a node: physical ID, name, what it is connected to */
static char *get_topology(Object *obj, Error **errp)
{
    FWBus *bus = FW_BUS(obj);
    GString *text = g_string_new(NULL);
    FWNode *node;
    unsigned port;

    QTAILQ_FOREACH(node, &bus->nodes, next) {
        g_string_append_printf(text, "%u %s%s:", node->phy_id, node->name,
                               node->phy_id == bus->last.root_id ?
                               " (root)" : "");
        for (port = 0; port < node->ports; port++) {
            g_string_append_printf(text, " %s", node->port_peer[port] ?
                                   node->port_peer[port]->name : "-");
        }
        g_string_append_c(text, '\n');
    }
    return g_string_free(text, false);
}

static void fw_bus_init(Object *obj)
{
    FWBus *bus = FW_BUS(obj);

    QTAILQ_INIT(&bus->nodes);
    QTAILQ_INIT(&bus->queue);
    bus->last.gap_count = 63;
    bus->medium = timer_new_ns(QEMU_CLOCK_VIRTUAL, medium_run, bus);
    bus->reset_begin = timer_new_ns(QEMU_CLOCK_VIRTUAL, bus_reset_begin, bus);
    bus->reset_end = timer_new_ns(QEMU_CLOCK_VIRTUAL, bus_reset_end, bus);
    bus->interval = timer_new_ns(QEMU_CLOCK_VIRTUAL, interval_fn, bus);
    object_property_add_uint32_ptr(obj, "reset-count", &bus->generation,
                                   OBJ_PROP_FLAG_READ);
    object_property_add_uint64_ptr(obj, "busy-ns", &bus->busy_ns,
                                   OBJ_PROP_FLAG_READ);
}

static void fw_bus_finalize(Object *obj)
{
    FWBus *bus = FW_BUS(obj);

    timer_free(bus->medium);
    timer_free(bus->reset_begin);
    timer_free(bus->reset_end);
    timer_free(bus->interval);
    if (bus->captured) {
        g_byte_array_unref(bus->captured);
    }
    fw_capture_close(bus->capture);
}

/* So that the disks of two targets can be told apart */
static char *get_dev_path(DeviceState *dev)
{
    return g_strdup_printf("%016" PRIx64, FW_DEVICE(dev)->guid);
}

static void fw_bus_class_init(ObjectClass *klass, FW_CLASS_DATA data)
{
    BUS_CLASS(klass)->get_dev_path = get_dev_path;
    object_class_property_add_str(klass, "reset", NULL, set_reset);
    object_class_property_add(klass, "reset-interval", "uint32",
                              get_reset_interval, set_reset_interval,
                              NULL, NULL);
    object_class_property_add(klass, "nodes", "uint32", get_nodes, NULL, NULL,
                              NULL);
    object_class_property_add(klass, "gap-count", "uint32", get_gap_count,
                              NULL, NULL, NULL);
    object_class_property_add(klass, "root-id", "uint32", get_root_id,
                              NULL, NULL, NULL);
    object_class_property_add_str(klass, "topology", get_topology, NULL);
    object_class_property_add_str(klass, "capture", get_capture, set_capture);
    object_class_property_add_bool(klass, "timing", get_timing, set_timing);
}

static const TypeInfo fw_bus_info = {
    .name = TYPE_FW_BUS,
    .parent = TYPE_BUS,
    .instance_size = sizeof(FWBus),
    .instance_init = fw_bus_init,
    .instance_finalize = fw_bus_finalize,
    .class_init = fw_bus_class_init,
};

static void fw_bus_register_types(void)
{
    type_register_static(&fw_bus_info);
}

type_init(fw_bus_register_types)
