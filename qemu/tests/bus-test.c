/*
 * The medium and bus resets, with nodes that note what they are told.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "fw-bus.h"
#include "test.h"

#define MS 1000000ll

typedef struct Probe {
    FWNode node;
    FWSelfIDs ids;
    unsigned begun, ended, received, streams, phy_packets;
    uint32_t phy_quadlet;
    FWAck answer;
    bool busy;                  /* inside an operation: none may be entered */
    FWNode *cancels;            /* when it receives */
    /* As a sender */
    FWPacket packet[4];
    unsigned sent;
    FWAck ack;
} Probe;

static FWBus *bus;
static Probe probe[4];

static Probe *probe_of(FWNode *node)
{
    return container_of(node, Probe, node);
}

static FWAck receive(FWNode *node, const FWPacket *p)
{
    Probe *to = probe_of(node);

    g_assert_false(to->busy);
    to->received++;
    if (to->cancels) {
        fw_bus_cancel(to->cancels);
        memset(probe_of(to->cancels)->packet, 0xff, sizeof(to->packet));
    }
    return to->answer;
}

static void stream_packet(FWNode *node, const FWPacket *p)
{
    g_assert_false(probe_of(node)->busy);
    g_assert_cmphex(p->channel, ==, 31);
    probe_of(node)->streams++;
}

static void phy_packet(FWNode *node, uint32_t quadlet)
{
    probe_of(node)->phy_packets++;
    probe_of(node)->phy_quadlet = quadlet;
}

static void reset_begin(FWNode *node)
{
    g_assert_false(probe_of(node)->busy);
    probe_of(node)->begun++;
}

static void reset_end(FWNode *node, const FWSelfIDs *ids)
{
    Probe *p = probe_of(node);

    g_assert_false(p->busy);
    p->ended++;
    g_assert_cmpuint(p->begun, ==, p->ended);
    g_assert_true(!p->ids.nodes || ids->generation != p->ids.generation);
    p->ids = *ids;
}

static const FWNodeOps probe_ops = {
    .receive = receive,
    .stream = stream_packet,
    .phy_packet = phy_packet,
    .reset_begin = reset_begin,
    .reset_end = reset_end,
};

static void sent(FWNode *node, FWPacket *packet, FWAck ack, void *opaque)
{
    Probe *p = probe_of(node);

    g_assert_true(opaque == p);
    g_assert_false(p->busy);
    p->sent++;
    p->ack = ack;
}

/* A block write of 2048 bytes at S400 */
static void send_to(Probe *from, unsigned n, uint16_t dest_id)
{
    FWPacket *p = &from->packet[n];

    *p = (FWPacket) {
        .tcode = FW_TCODE_WRITE_BLOCK, .speed = FW_S400, .length = 2048,
        .dest_id = dest_id, .source_id = FW_LOCAL_BUS | from->node.phy_id,
    };
    from->busy = true;
    fw_bus_send(&from->node, p, sent, from);
    from->busy = false;
}

static uint16_t id(const Probe *p)
{
    return FW_LOCAL_BUS | p->node.phy_id;
}

static void set_up(unsigned nodes)
{
    unsigned i;

    memset(probe, 0, sizeof(probe));
    bus = object_new(TYPE_FW_BUS);
    for (i = 0; i < nodes; i++) {
        probe[i].answer = FW_ACK_COMPLETE;
        probe[i].node = (FWNode) {
            .ops = &probe_ops, .name = "probe", .speed = FW_S400, .ports = 3,
            .link_active = true, .contender = i == 0, .connected = true,
        };
        g_assert_true(fw_bus_attach(bus, &probe[i].node, NULL, NULL));
    }
    stub_run(MS);
}

static void tear_down(void)
{
    unsigned i;

    for (i = 0; i < G_N_ELEMENTS(probe); i++) {
        fw_bus_detach(&probe[i].node);
    }
    stub_run(MS);
    object_unref(bus);
}

static void reset(bool is_short)
{
    fw_bus_reset(bus, &probe[0].node, is_short);
    stub_run(MS);
}

/* All attached at once: one reset, and all are told the same */
static void attach(void)
{
    unsigned i;

    set_up(3);
    for (i = 0; i < 3; i++) {
        g_assert_cmpuint(probe[i].ended, ==, 1);
        g_assert_cmpuint(probe[i].ids.nodes, ==, 3);
        g_assert_cmpuint(probe[i].ids.root_id, ==, 2);
        g_assert_cmpuint(probe[i].ids.irm_id, ==, probe[0].node.phy_id);
        g_assert_cmpuint(probe[i].ids.phy_id, ==, probe[i].node.phy_id);
        g_assert_cmpuint(probe[i].ids.generation, ==,
                         probe[0].ids.generation);
    }
    /* Where nobody is told to be root, the newest is */
    g_assert_cmpuint(probe[2].ids.phy_id, ==, 2);
    tear_down();
}

static void resets_coalesce(void)
{
    set_up(2);
    fw_bus_reset(bus, &probe[0].node, false);
    fw_bus_reset(bus, &probe[0].node, false);
    fw_bus_reset(bus, &probe[1].node, true);
    g_assert_true(fw_bus_in_reset(bus));
    g_assert_cmpuint(probe[1].begun, ==, 1);
    stub_run(0);
    g_assert_cmpuint(probe[1].begun, ==, 2);
    g_assert_cmpuint(probe[1].ended, ==, 1);
    fw_bus_reset(bus, &probe[1].node, true);
    stub_run(MS);
    g_assert_cmpuint(probe[1].ended, ==, 2);
    g_assert_false(fw_bus_in_reset(bus));
    tear_down();
}

/* The i bit tells who: the initiator, in this reset only */
static void initiator(void)
{
    set_up(2);
    fw_bus_reset(bus, &probe[1].node, false);
    stub_run(MS);
    g_assert_cmphex(probe[0].ids.self_id[0] & 2, ==, 0);
    g_assert_cmphex(probe[0].ids.self_id[1] & 2, ==, 2);
    fw_bus_reset(bus, NULL, false);
    stub_run(MS);
    g_assert_cmphex(probe[0].ids.self_id[1] & 2, ==, 0);
    fw_bus_reset_kind(bus, &probe[1].node, "short", NULL);
    stub_run(MS);
    g_assert_cmphex(probe[0].ids.self_id[1] & 2, ==, 2);
    tear_down();
}

/* Holds through one reset, IEEE 1394a-2000 4.3.5.2 */
static void gap_count(void)
{
    set_up(2);
    fw_bus_send_phy(&probe[0].node, 1u << 22 | 5u << 16);
    g_assert_cmphex(probe[1].phy_quadlet, ==, 0x00450000);
    reset(true);
    g_assert_cmpuint(probe[1].ids.gap_count, ==, 5);
    g_assert_cmpuint(probe[1].ids.self_id[0] >> 16 & 0x3f, ==, 5);
    fw_bus_send_phy(&probe[0].node, 1u << 22 | 7u << 16);
    reset(true);
    g_assert_cmpuint(probe[1].ids.gap_count, ==, 7);
    reset(true);
    g_assert_cmpuint(probe[1].ids.gap_count, ==, 63);
    tear_down();
}

static void force_root(void)
{
    unsigned i;

    set_up(3);
    g_assert_cmpuint(probe[0].ids.phy_id, ==, 1);
    fw_bus_send_phy(&probe[2].node, probe[0].node.phy_id << 24 | 1u << 23);
    for (i = 0; i < 3; i++) {
        reset(i & 1);
        g_assert_cmpuint(probe[0].ids.phy_id, ==, 2);
        g_assert_cmpuint(probe[1].ids.root_id, ==, 2);
    }
    /* Neither R nor T: an extended packet, not a configuration */
    fw_bus_send_phy(&probe[2].node, probe[1].node.phy_id << 24);
    reset(false);
    g_assert_cmpuint(probe[0].ids.phy_id, ==, 2);
    tear_down();
}

/* Each part identifies itself and is deaf to the other */
static void partition(void)
{
    set_up(3);
    fw_bus_set_connected(&probe[2].node, false);
    stub_run(MS);
    g_assert_cmpuint(probe[2].ids.nodes, ==, 1);
    g_assert_cmpuint(probe[2].ids.phy_id, ==, 0);
    g_assert_cmpuint(probe[0].ids.nodes, ==, 2);
    g_assert_cmpuint(probe[1].ids.nodes, ==, 2);

    send_to(&probe[2], 0, FW_LOCAL_BUS | 1);
    stub_run(MS);
    g_assert_cmphex(probe[2].ack, ==, FW_ACK_MISSING);
    send_to(&probe[1], 0, id(&probe[0]));
    stub_run(MS);
    g_assert_cmphex(probe[1].ack, ==, FW_ACK_COMPLETE);

    fw_bus_reset(bus, &probe[0].node, false);
    stub_run(MS);
    g_assert_cmpuint(probe[2].ended, ==, 2);
    g_assert_cmpuint(probe[1].ended, ==, 3);

    fw_bus_set_connected(&probe[2].node, true);
    stub_run(MS);
    g_assert_cmpuint(probe[2].ids.nodes, ==, 3);
    g_assert_cmpuint(probe[0].ids.nodes, ==, 3);
    tear_down();
}

static void unplug_before_attach(void)
{
    set_up(1);
    probe[1].node = probe[0].node;
    probe[1].node = (FWNode) {
        .ops = &probe_ops, .name = "probe", .speed = FW_S400, .ports = 1,
        .link_active = true,
    };
    g_assert_true(fw_bus_attach(bus, &probe[1].node, NULL, NULL));
    stub_run(MS);
    g_assert_cmpuint(probe[0].ids.nodes, ==, 1);
    g_assert_cmpuint(probe[0].ended, ==, 1);
    fw_bus_set_connected(&probe[1].node, true);
    stub_run(MS);
    g_assert_cmpuint(probe[0].ids.nodes, ==, 2);
    tear_down();
}

static void detach(void)
{
    set_up(2);
    send_to(&probe[1], 0, id(&probe[0]));
    fw_bus_detach(&probe[1].node);
    stub_run(MS);
    g_assert_cmpuint(probe[0].received, ==, 0);
    g_assert_cmpuint(probe[1].sent, ==, 0);
    g_assert_cmpuint(probe[0].ids.nodes, ==, 1);
    tear_down();
}

static void no_free_port(void)
{
    Probe one_port = { .node = { .ports = 0, .name = "probe", .connected = true,
                                 .ops = &probe_ops } };

    set_up(1);
    g_assert_false(fw_bus_attach(bus, &one_port.node, NULL, NULL));
    fw_bus_detach(&one_port.node);
    tear_down();
}

static void acknowledge(void)
{
    static const FWAck answers[] = {
        FW_ACK_COMPLETE, FW_ACK_PENDING, FW_ACK_BUSY_X, FW_ACK_DATA_ERROR,
    };
    unsigned i;

    set_up(2);
    for (i = 0; i < G_N_ELEMENTS(answers); i++) {
        probe[1].answer = answers[i];
        send_to(&probe[0], 0, id(&probe[1]));
        g_assert_cmpuint(probe[1].received, ==, i);
        stub_run(MS);
        g_assert_cmpuint(probe[1].received, ==, i + 1);
        g_assert_cmpuint(probe[0].sent, ==, i + 1);
        g_assert_cmphex(probe[0].ack, ==, answers[i]);
    }
    tear_down();
}

static void nobody_answers(void)
{
    set_up(2);
    send_to(&probe[0], 0, FW_LOCAL_BUS | 5);
    stub_run(MS);
    g_assert_cmphex(probe[0].ack, ==, FW_ACK_MISSING);
    send_to(&probe[0], 0, 0x0040 | probe[1].node.phy_id);
    stub_run(MS);
    g_assert_cmphex(probe[0].ack, ==, FW_ACK_MISSING);
    send_to(&probe[0], 0, id(&probe[1]));
    probe[0].packet[0].speed = FW_S800;
    stub_run(MS);
    g_assert_cmphex(probe[0].ack, ==, FW_ACK_MISSING);
    probe[1].node.link_active = false;
    send_to(&probe[0], 0, id(&probe[1]));
    stub_run(MS);
    g_assert_cmphex(probe[0].ack, ==, FW_ACK_MISSING);
    g_assert_cmpuint(probe[1].received, ==, 0);
    tear_down();
}

static void broadcast(void)
{
    set_up(3);
    probe[1].answer = FW_ACK_BUSY_X;
    send_to(&probe[0], 0, FW_LOCAL_BUS | FW_BROADCAST_PHY);
    stub_run(MS);
    g_assert_cmphex(probe[0].ack, ==, FW_ACK_COMPLETE);
    g_assert_cmpuint(probe[0].received, ==, 0);
    g_assert_cmpuint(probe[1].received, ==, 1);
    g_assert_cmpuint(probe[2].received, ==, 1);
    tear_down();
}

/* For everybody but the sender, at a speed that the path allows */
static void stream(void)
{
    set_up(3);
    probe[2].node.speed = FW_S200;
    send_to(&probe[0], 0, 0);
    probe[0].packet[0].tcode = FW_TCODE_STREAM;
    probe[0].packet[0].channel = 31;
    g_assert_cmpuint(fw_packet_wire_length(&probe[0].packet[0]), ==,
                     4 + 4 + 2048 + 4);
    stub_run(MS);
    g_assert_cmpuint(probe[0].sent, ==, 1);
    g_assert_cmphex(probe[0].ack, ==, FW_ACK_COMPLETE);
    g_assert_cmpuint(probe[0].streams, ==, 0);
    g_assert_cmpuint(probe[1].streams, ==, 1);
    g_assert_cmpuint(probe[2].streams, ==, 0);
    g_assert_cmpuint(probe[1].received, ==, 0);
    tear_down();
}

/* Queued, under way, and given to a bus in reset: all come back, none twice */
static void flushed(gconstpointer timing)
{
    set_up(2);
    object_property_set_bool(OBJECT(bus), "timing", timing != NULL, NULL);
    if (timing) {
        send_to(&probe[0], 0, id(&probe[1]));
        stub_run(30000);
    }
    send_to(&probe[0], 1, id(&probe[1]));
    fw_bus_reset(bus, &probe[1].node, false);
    /* The reset comes before the packet on a bus that takes time */
    stub_run(1);
    send_to(&probe[0], 2, id(&probe[1]));
    stub_run(MS);
    g_assert_cmpuint(probe[0].sent, ==, timing ? 3 : 2);
    g_assert_cmphex(probe[0].ack, ==, FW_ACK_BUS_RESET);
    g_assert_cmpuint(probe[1].received, ==, timing ? 0 : 1);
    g_assert_cmpuint(probe[0].ended, ==, 2);
    send_to(&probe[0], 3, id(&probe[1]));
    stub_run(MS);
    g_assert_cmphex(probe[0].ack, ==, FW_ACK_COMPLETE);
    tear_down();
}

/* Received, but the reset comes before the acknowledge */
static void acknowledge_lost(void)
{
    set_up(2);
    object_property_set_bool(OBJECT(bus), "timing", true, NULL);
    send_to(&probe[0], 0, id(&probe[1]));
    while (!probe[1].received) {
        stub_run(10);
    }
    g_assert_cmpuint(probe[0].sent, ==, 0);
    fw_bus_reset(bus, &probe[1].node, false);
    stub_run(MS);
    g_assert_cmpuint(probe[0].sent, ==, 1);
    g_assert_cmphex(probe[0].ack, ==, FW_ACK_BUS_RESET);
    tear_down();
}

/* The packets are the sender's again at once, whenever it cancels */
static void cancel(gconstpointer timing)
{
    set_up(2);
    object_property_set_bool(OBJECT(bus), "timing", timing != NULL, NULL);
    send_to(&probe[0], 0, id(&probe[1]));
    send_to(&probe[0], 1, id(&probe[1]));
    fw_bus_cancel(&probe[0].node);
    stub_run(MS);
    g_assert_cmpuint(probe[1].received, ==, 0);

    probe[1].cancels = &probe[0].node;
    send_to(&probe[0], 0, id(&probe[1]));
    send_to(&probe[0], 1, id(&probe[1]));
    stub_run(MS);
    g_assert_cmpuint(probe[1].received, ==, 1);
    g_assert_cmpuint(probe[0].sent, ==, 0);

    probe[1].cancels = NULL;
    send_to(&probe[0], 0, id(&probe[1]));
    stub_run(MS);
    g_assert_cmpuint(probe[0].sent, ==, 1);
    tear_down();
}

/* Bytes per second of 2048-byte writes at S400, one after the other */
static unsigned throughput(void)
{
    int64_t start = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    unsigned i;

    for (i = 0; i < 1000; i++) {
        unsigned before = probe[0].sent;

        send_to(&probe[0], 0, id(&probe[1]));
        while (probe[0].sent == before) {
            stub_run(20);
        }
    }
    return 1000 * 2048 * 1000000000ll /
           (qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) - start);
}

static void timing(void)
{
    unsigned rate;

    set_up(2);
    object_property_set_bool(OBJECT(bus), "timing", true, NULL);
    rate = throughput();
    g_assert_cmpuint(rate, >, 31000000);
    g_assert_cmpuint(rate, <, 32500000);
    fw_bus_send_phy(&probe[0].node, 1u << 22 | 5u << 16);
    rate = throughput();
    g_assert_cmpuint(rate, >, 44500000);
    g_assert_cmpuint(rate, <, 46000000);
    tear_down();
}

/* One request per fairness interval: two senders take turns */
static void fairness(void)
{
    unsigned i;

    set_up(3);
    object_property_set_bool(OBJECT(bus), "timing", true, NULL);
    for (i = 0; i < 4; i++) {
        send_to(&probe[0], i, id(&probe[2]));
    }
    for (i = 0; i < 4; i++) {
        send_to(&probe[1], i, id(&probe[2]));
    }
    for (i = 0; i < 100; i++) {
        stub_run(10000);
        g_assert_cmpint(abs((int)probe[0].sent - (int)probe[1].sent), <=, 1);
    }
    g_assert_cmpuint(probe[0].sent, ==, 4);
    g_assert_cmpuint(probe[1].sent, ==, 4);
    tear_down();
}

void bus_tests(void)
{
    g_test_add_func("/bus/attach", attach);
    g_test_add_func("/bus/resets-coalesce", resets_coalesce);
    g_test_add_func("/bus/initiator", initiator);
    g_test_add_func("/bus/gap-count", gap_count);
    g_test_add_func("/bus/force-root", force_root);
    g_test_add_func("/bus/partition", partition);
    g_test_add_func("/bus/unplug-before-attach", unplug_before_attach);
    g_test_add_func("/bus/detach", detach);
    g_test_add_func("/bus/no-free-port", no_free_port);
    g_test_add_func("/bus/acknowledge", acknowledge);
    g_test_add_func("/bus/nobody-answers", nobody_answers);
    g_test_add_func("/bus/broadcast", broadcast);
    g_test_add_func("/bus/stream", stream);
    g_test_add_data_func("/bus/flushed", NULL, flushed);
    g_test_add_data_func("/bus/flushed-timing", "on", flushed);
    g_test_add_func("/bus/acknowledge-lost", acknowledge_lost);
    g_test_add_data_func("/bus/cancel", NULL, cancel);
    g_test_add_data_func("/bus/cancel-timing", "on", cancel);
    g_test_add_func("/bus/timing", timing);
    g_test_add_func("/bus/fairness", fairness);
}
