/*
 * Two ends of a link, each with a bus and a node that notes what it is told.
 * What one end writes the other one reads when a test says so.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "fw-link.h"
#include "test.h"

#define MS      1000000ll
#define CHUNK   7               /* messages come in pieces */

typedef struct End {
    FWLink link;
    FWNode node;
    FWSelfIDs ids;
    unsigned begun, ended, received, streams, phy_packets;
    FWAck answer;
    FWPacket packet;
    unsigned sent;
    FWAck ack;
    GByteArray *out;
} End;

static End near, far;

static End *end_of(FWNode *node)
{
    return container_of(node, End, node);
}

static FWAck receive(FWNode *node, const FWPacket *p)
{
    g_assert_cmpuint(p->length, ==, 100);
    g_assert_cmphex(p->payload[99], ==, 0x5a);
    end_of(node)->received++;
    return end_of(node)->answer;
}

static void stream(FWNode *node, const FWPacket *p)
{
    end_of(node)->streams++;
}

static void phy_packet(FWNode *node, uint32_t quadlet)
{
    end_of(node)->phy_packets++;
}

static void reset_begin(FWNode *node)
{
    end_of(node)->begun++;
}

static void reset_end(FWNode *node, const FWSelfIDs *ids)
{
    End *end = end_of(node);

    end->ended++;
    g_assert_cmpuint(end->begun, ==, end->ended);
    end->ids = *ids;
}

static const FWNodeOps end_ops = {
    .receive = receive,
    .stream = stream,
    .phy_packet = phy_packet,
    .reset_begin = reset_begin,
    .reset_end = reset_end,
};

static void sent(FWNode *node, FWPacket *packet, FWAck ack, void *opaque)
{
    end_of(node)->sent++;
    end_of(node)->ack = ack;
}

static void send_to(End *from, uint16_t dest_id, unsigned tcode)
{
    from->packet = (FWPacket) {
        .tcode = tcode, .speed = FW_S400, .length = 100,
        .dest_id = dest_id, .source_id = FW_LOCAL_BUS | from->node.phy_id,
    };
    from->packet.payload[99] = 0x5a;
    fw_bus_send(&from->node, &from->packet, sent, from);
}

static uint16_t id(const End *end)
{
    return FW_LOCAL_BUS | end->ids.phy_id;
}

static void end_write(FWLink *link, const void *data, size_t length)
{
    g_byte_array_append(container_of(link, End, link)->out, data, length);
}

/* Give to @to what @from has written so far */
static bool pass_on(End *from, End *to)
{
    bool any = from->out->len;

    while (from->out->len) {
        unsigned n = MIN(from->out->len, CHUNK);
        uint8_t chunk[CHUNK];

        memcpy(chunk, from->out->data, n);
        g_byte_array_remove_range(from->out, 0, n);
        fw_link_receive(&to->link, chunk, n);
    }
    return any;
}

static void settle(void)
{
    do {
        stub_run(MS);
    } while (pass_on(&near, &far) | pass_on(&far, &near));
}

static void end_set_up(End *end, bool is_far)
{
    *end = (End) {
        .link = { .write = end_write, .far = is_far,
                  .bus = object_new(TYPE_FW_BUS), .node.name = "link" },
        .node = { .ops = &end_ops, .name = is_far ? "far" : "near",
                  .speed = FW_S400, .ports = 3, .link_active = true,
                  .contender = true, .connected = true },
        .answer = FW_ACK_COMPLETE,
        .out = g_byte_array_new(),
    };
    g_assert_true(fw_bus_attach(end->link.bus, &end->node, NULL, NULL));
    g_assert_true(fw_link_init(&end->link, NULL));
}

static void set_up(void)
{
    end_set_up(&near, false);
    end_set_up(&far, true);
    fw_link_open(&near.link);
    fw_link_open(&far.link);
    settle();
}

static void end_tear_down(End *end)
{
    fw_link_destroy(&end->link);
    fw_bus_detach(&end->node);
    stub_run(MS);
    object_unref(end->link.bus);
    g_byte_array_free(end->out, true);
}

static void tear_down(void)
{
    end_tear_down(&near);
    end_tear_down(&far);
}

static void joined(void)
{
    set_up();
    g_assert_cmpuint(near.ids.nodes, ==, 2);
    g_assert_cmpuint(far.ids.nodes, ==, 2);
    g_assert_cmpuint(far.ids.generation, ==, near.ids.generation);
    g_assert_cmpuint(far.ids.phy_id + near.ids.phy_id, ==, 1);
    g_assert_cmpuint(far.node.phy_id, ==, far.ids.phy_id);
    tear_down();
}

static void packets(void)
{
    set_up();
    far.answer = FW_ACK_PENDING;
    send_to(&near, id(&far), FW_TCODE_WRITE_BLOCK);
    stub_run(MS);
    g_assert_cmpuint(near.sent, ==, 0);
    settle();
    g_assert_cmpuint(far.received, ==, 1);
    g_assert_cmpuint(near.sent, ==, 1);
    g_assert_cmphex(near.ack, ==, FW_ACK_PENDING);

    near.answer = FW_ACK_BUSY_X;
    send_to(&far, id(&near), FW_TCODE_WRITE_BLOCK);
    settle();
    g_assert_cmpuint(near.received, ==, 1);
    g_assert_cmpuint(far.sent, ==, 1);
    g_assert_cmphex(far.ack, ==, FW_ACK_BUSY_X);

    send_to(&far, FW_LOCAL_BUS | 5, FW_TCODE_WRITE_BLOCK);
    settle();
    g_assert_cmphex(far.ack, ==, FW_ACK_MISSING);
    tear_down();
}

static void streams_and_phy_packets(void)
{
    set_up();
    send_to(&near, 0, FW_TCODE_STREAM);
    send_to(&far, 0, FW_TCODE_STREAM);
    settle();
    g_assert_cmpuint(near.streams, ==, 1);
    g_assert_cmpuint(far.streams, ==, 1);
    g_assert_cmphex(far.ack, ==, FW_ACK_COMPLETE);

    fw_bus_send_phy(&far.node, 1u << 22 | 5u << 16);
    settle();
    g_assert_cmpuint(near.phy_packets, ==, 1);
    g_assert_cmpuint(far.phy_packets, ==, 1);
    fw_bus_reset(far.link.bus, &far.node, true);
    settle();
    g_assert_cmpuint(near.ids.gap_count, ==, 5);
    g_assert_cmpuint(far.ids.gap_count, ==, 5);
    tear_down();
}

/* Whoever asks for it, both see each reset once */
static void resets(void)
{
    unsigned before;

    set_up();
    before = far.ended;
    fw_bus_reset(near.link.bus, NULL, true);
    settle();
    fw_bus_reset(far.link.bus, &far.node, false);
    settle();
    g_assert_cmpuint(far.ended, ==, before + 2);
    g_assert_cmpuint(far.ids.generation, ==, near.ids.generation);
    tear_down();
}

/* Sent by one that has not yet heard of the reset */
static void packet_of_the_past(void)
{
    set_up();
    fw_bus_reset(near.link.bus, NULL, true);
    stub_run(MS);
    send_to(&far, id(&near), FW_TCODE_WRITE_BLOCK);
    settle();
    g_assert_cmpuint(near.received, ==, 0);
    g_assert_cmpuint(far.sent, ==, 1);
    g_assert_cmphex(far.ack, ==, FW_ACK_BUS_RESET);
    send_to(&far, id(&near), FW_TCODE_WRITE_BLOCK);
    settle();
    g_assert_cmpuint(near.received, ==, 1);
    g_assert_cmphex(far.ack, ==, FW_ACK_COMPLETE);
    tear_down();
}

/* A reset while an acknowledge is under way, which counts for nothing then */
static void acknowledge_of_the_past(void)
{
    set_up();
    send_to(&near, id(&far), FW_TCODE_WRITE_BLOCK);
    stub_run(MS);
    pass_on(&near, &far);
    g_assert_cmpuint(far.received, ==, 1);
    fw_bus_reset(near.link.bus, NULL, true);
    stub_run(MS);
    g_assert_cmpuint(near.sent, ==, 1);
    g_assert_cmphex(near.ack, ==, FW_ACK_BUS_RESET);

    far.answer = FW_ACK_BUSY_X;
    send_to(&near, id(&far), FW_TCODE_WRITE_BLOCK);
    stub_run(MS);
    pass_on(&far, &near);
    stub_run(MS);
    g_assert_cmpuint(near.sent, ==, 1);
    settle();
    g_assert_cmpuint(near.sent, ==, 2);
    g_assert_cmphex(near.ack, ==, FW_ACK_BUSY_X);
    tear_down();
}

static void cancel(void)
{
    set_up();
    send_to(&far, id(&near), FW_TCODE_WRITE_BLOCK);
    fw_bus_cancel(&far.node);
    settle();
    g_assert_cmpuint(far.sent, ==, 0);
    tear_down();
}

/* The other process ends: nobody waits for it, and each is alone */
static void closed(void)
{
    set_up();
    send_to(&near, id(&far), FW_TCODE_WRITE_BLOCK);
    stub_run(MS);
    send_to(&far, id(&near), FW_TCODE_WRITE_BLOCK);
    fw_link_close(&near.link);
    fw_link_close(&far.link);
    stub_run(MS);
    g_assert_cmpuint(near.sent, ==, 1);
    g_assert_cmpuint(far.sent, ==, 1);
    g_assert_cmphex(far.ack, ==, FW_ACK_BUS_RESET);
    g_assert_cmpuint(near.ids.nodes, ==, 1);
    g_assert_cmpuint(far.ids.nodes, ==, 1);
    tear_down();
}

/* What is no message ends it */
static void nonsense(void)
{
    static const uint8_t bytes[] = "GET / HTTP/1.0\r\n\r\n";

    set_up();
    fw_link_receive(&near.link, bytes, sizeof(bytes));
    settle();
    g_assert_cmpuint(near.ids.nodes, ==, 1);
    tear_down();
}

void link_tests(void)
{
    g_test_add_func("/link/joined", joined);
    g_test_add_func("/link/packets", packets);
    g_test_add_func("/link/streams-and-phy-packets", streams_and_phy_packets);
    g_test_add_func("/link/resets", resets);
    g_test_add_func("/link/packet-of-the-past", packet_of_the_past);
    g_test_add_func("/link/acknowledge-of-the-past", acknowledge_of_the_past);
    g_test_add_func("/link/cancel", cancel);
    g_test_add_func("/link/closed", closed);
    g_test_add_func("/link/nonsense", nonsense);
}
