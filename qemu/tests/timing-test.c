/*
 * What the timed bus carries, measured and compared with the formulas of
 * IEEE 1394: target to host and host to target, S100 to S800, gap counts 5
 * and 63.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "fw-node.h"
#include "test.h"

#define TYPE_TIMED      "test-timed"
#define MEMORY          0x1000
#define WINDOW          8
#define PACKETS         400
#define MS              1000000ll

static FWBus *bus;
static FWDevice *host, *target;

/* A stream of transactions, WINDOW of them under way at a time */
static struct {
    bool to_host;
    FWSpeed speed;
    unsigned left;
    unsigned done;
    int64_t first, last;
} stream;

/* The host's memory */
static void memory_write(FWDevice *dev, FWRequest *req, uint64_t offset,
                         const uint8_t *data, size_t length)
{
    fw_device_respond(dev, req, FW_RCODE_COMPLETE, NULL, 0);
}

static void memory_read(FWDevice *dev, FWRequest *req, uint64_t offset,
                        size_t length)
{
    static const uint8_t data[FW_MAX_PAYLOAD];

    fw_device_respond(dev, req, FW_RCODE_COMPLETE, data, length);
}

static void timed_class_init(ObjectClass *klass, void *data)
{
    FW_DEVICE_CLASS(klass)->write = memory_write;
    FW_DEVICE_CLASS(klass)->read = memory_read;
}

static void set_up(FWSpeed speed, unsigned gap)
{
    bus = object_new(TYPE_FW_BUS);
    host = test_node_new(bus, TYPE_TIMED, speed);
    target = test_node_new(bus, TYPE_TIMED, speed);
    stub_run(MS);
    fw_bus_send_phy(&host->node, 1u << 22 | gap << 16);
    object_property_set_bool(OBJECT(bus), "timing", true, NULL);
}

static void tear_down(void)
{
    test_node_free(target);
    test_node_free(host);
    stub_run(MS);
    object_unref(bus);
}

static size_t payload(FWSpeed speed)
{
    return 512u << speed;
}

static void stream_next(void);

static void stream_done(FWDevice *dev, int rcode, const uint8_t *data,
                        size_t length, void *opaque)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    g_assert_cmpint(rcode, ==, FW_RCODE_COMPLETE);
    stream.first = stream.done ? stream.first : now;
    stream.last = now;
    stream.done++;
    stream_next();
}

static void stream_next(void)
{
    static const uint8_t data[FW_MAX_PAYLOAD];

    if (!stream.left) {
        return;
    }
    stream.left--;
    if (stream.to_host) {
        fw_device_write(target, host->node_id, target->generation, MEMORY,
                        data, payload(stream.speed), stream.speed, stream_done,
                        NULL);
    } else {
        fw_device_read(target, host->node_id, target->generation, MEMORY,
                       payload(stream.speed), stream.speed, stream_done, NULL);
    }
}

/* Microseconds from one packet of data to the next */
static double measured(FWSpeed speed, unsigned gap, bool to_host)
{
    unsigned i;

    set_up(speed, gap);
    memset(&stream, 0, sizeof(stream));
    stream.to_host = to_host;
    stream.speed = speed;
    stream.left = PACKETS;
    for (i = 0; i < WINDOW; i++) {
        stream_next();
    }
    stub_run(1000 * MS);
    g_assert_cmpuint(stream.done, ==, PACKETS);
    tear_down();
    return (stream.last - stream.first) / 1000.0 / (PACKETS - 1);
}

/* A packet with its prefix and end, and the acknowledge that follows it */
static double packet_us(FWSpeed speed, size_t bytes)
{
    double bit_us = 1 / (98.304 * (1 << speed));
    double packet = 0.16 + 8 * bytes * bit_us + 0.26;
    double ack = 0.081 + 0.16 + 8 * bit_us + 0.26;

    return packet + ack;
}

/*
 * Of requests a node sends one per fairness interval, which an arbitration
 * reset gap ends: (51 + 32 G) / 98.304 us. A response waits for a subaction
 * gap: (27 + 16 G) / 98.304 us. Block write request and block read response
 * have 24 bytes beside the payload, a block read request is 20 bytes.
 */
static double computed(FWSpeed speed, unsigned gap, bool to_host)
{
    double reset_gap = (51 + 32.0 * gap) / 98.304;
    double subaction_gap = (27 + 16.0 * gap) / 98.304;
    double data = packet_us(speed, payload(speed) + 24);

    return to_host ? reset_gap + data :
           reset_gap + packet_us(speed, 20) + subaction_gap + data;
}

static void rate(const void *opaque)
{
    unsigned key = GPOINTER_TO_UINT(opaque);
    FWSpeed speed = key & 3;
    unsigned gap = key & 4 ? 63 : 5;
    bool to_host = key & 8;
    double ratio = measured(speed, gap, to_host) /
                   computed(speed, gap, to_host);

    g_assert_cmpfloat(ratio, >, 0.98);
    g_assert_cmpfloat(ratio, <, 1.02);
}

/* 45 and 31 to 32 MB/s at S400, and less the other way */
static void known_rates(void)
{
    g_assert_cmpfloat(2048 / measured(FW_S400, 5, true), >, 44.5);
    g_assert_cmpfloat(2048 / measured(FW_S400, 5, true), <, 46);
    g_assert_cmpfloat(2048 / measured(FW_S400, 63, true), >, 31);
    g_assert_cmpfloat(2048 / measured(FW_S400, 63, true), <, 32.5);
    g_assert_cmpfloat(2048 / measured(FW_S400, 5, false), <, 44);
}

/* The gap has passed when the bus was idle: a lone packet goes at once */
static void idle_bus(void)
{
    int64_t start;

    set_up(FW_S400, 63);
    memset(&stream, 0, sizeof(stream));
    stream.to_host = true;
    stream.speed = FW_S400;
    stream.left = 1;
    stub_run(MS);
    start = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    stream_next();
    stub_run(MS);
    g_assert_cmpfloat((stream.last - start) / 1000.0 / packet_us(FW_S400, 2072),
                      <, 1.001);
    tear_down();
}

static void add(FWSpeed speed, unsigned gap, bool to_host)
{
    unsigned key = speed | (gap == 63 ? 4 : 0) | (to_host ? 8 : 0);
    g_autofree char *path = g_strdup_printf("/timing/S%u/gap-%u/to-%s",
                                            100u << speed, gap,
                                            to_host ? "host" : "target");

    g_test_add_data_func(path, GUINT_TO_POINTER(key), rate);
}

static const TypeInfo timed_info = {
    .name = TYPE_TIMED,
    .parent = TYPE_FW_DEVICE,
    .instance_size = sizeof(FWDevice),
    .class_init = timed_class_init,
};

void timing_tests(void)
{
    unsigned speed;

    type_register_static(&timed_info);
    for (speed = FW_S100; speed <= FW_S800; speed++) {
        add(speed, 5, true);
        add(speed, 5, false);
        add(speed, 63, true);
        add(speed, 63, false);
    }
    g_test_add_func("/timing/known-rates", known_rates);
    g_test_add_func("/timing/idle-bus", idle_bus);
}
