/*
 * Software nodes: transactions that go wrong because they were told to.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "fw-node.h"
#include "test.h"

#define TYPE_TEST_NODE "test-node"
#define REGISTER (FW_CSR_BASE + 0x10000)
#define MS 1000000ll

typedef struct TestNode {
    FWDevice device;
    unsigned written;
} TestNode;

typedef struct Outcome {
    unsigned ends;
    int rcode;
} Outcome;

static FWBus *bus;
static TestNode *sender, *receiver;

static void node_write(FWDevice *dev, FWRequest *req, uint64_t offset,
                       const uint8_t *data, size_t length)
{
    container_of(dev, TestNode, device)->written++;
    fw_device_respond(dev, req, FW_RCODE_COMPLETE, NULL, 0);
}

static void node_class_init(ObjectClass *klass, void *data)
{
    FW_DEVICE_CLASS(klass)->write = node_write;
}

static void set_up(void)
{
    bus = object_new(TYPE_FW_BUS);
    sender = test_node_new(bus, TYPE_TEST_NODE, FW_S400);
    receiver = test_node_new(bus, TYPE_TEST_NODE, FW_S400);
    stub_run(MS);
}

static void tear_down(void)
{
    test_node_free(receiver);
    test_node_free(sender);
    stub_run(MS);
    object_unref(bus);
}

static void done(FWDevice *dev, int rcode, const uint8_t *data, size_t length,
                 void *opaque)
{
    Outcome *outcome = opaque;

    outcome->ends++;
    outcome->rcode = rcode;
}

/* A block write; how it ends */
static int send(void)
{
    FWDevice *dev = &sender->device;
    uint8_t data[8] = { 0 };
    Outcome outcome = { 0 };

    receiver->written = 0;
    fw_device_write(dev, receiver->device.node_id, dev->generation, REGISTER,
                    data, sizeof(data), FW_S400, done, &outcome);
    g_assert_cmpuint(outcome.ends, ==, 0);
    stub_run(5000 * MS);
    g_assert_cmpuint(outcome.ends, ==, 1);
    return outcome.rcode;
}

static void arm(FWNodeFault kind, unsigned times)
{
    receiver->device.fault[kind].left = times;
}

static void check(FWNodeFault kind, unsigned left, unsigned happened)
{
    g_assert_cmpuint(receiver->device.fault[kind].left, ==, left);
    g_assert_cmpuint(receiver->device.fault[kind].done, ==, happened);
}

static void no_fault(void)
{
    unsigned i;

    set_up();
    g_assert_cmpint(send(), ==, FW_RCODE_COMPLETE);
    g_assert_cmpuint(receiver->written, ==, 1);
    for (i = 0; i < FW_FAULTS; i++) {
        check(i, 0, 0);
    }
    tear_down();
}

static void ack_busy(void)
{
    set_up();
    arm(FW_FAULT_ACK_BUSY, 3);
    g_assert_cmpint(send(), ==, FW_RCODE_COMPLETE);
    g_assert_cmpuint(receiver->written, ==, 1);
    check(FW_FAULT_ACK_BUSY, 0, 3);

    /* One attempt and fifteen more, IEEE 1394-1995 8.3.2.3.5 */
    arm(FW_FAULT_ACK_BUSY, 20);
    g_assert_cmpint(send(), ==, FW_RCODE_BUSY);
    g_assert_cmpuint(receiver->written, ==, 0);
    check(FW_FAULT_ACK_BUSY, 4, 19);
    tear_down();
}

static void ack_lost(void)
{
    set_up();
    arm(FW_FAULT_ACK_LOST, 1);
    g_assert_cmpint(send(), ==, FW_RCODE_NO_ACK);
    g_assert_cmpuint(receiver->written, ==, 1);
    check(FW_FAULT_ACK_LOST, 0, 1);
    g_assert_cmpint(send(), ==, FW_RCODE_COMPLETE);
    tear_down();
}

/* The response that comes nevertheless is nobody's */
static void ack_lost_split(void)
{
    set_up();
    receiver->device.split_writes = true;
    arm(FW_FAULT_ACK_LOST, 1);
    g_assert_cmpint(send(), ==, FW_RCODE_NO_ACK);
    g_assert_cmpuint(receiver->written, ==, 1);
    g_assert_cmpint(send(), ==, FW_RCODE_COMPLETE);
    tear_down();
}

static void response_lost(void)
{
    set_up();
    arm(FW_FAULT_RESPONSE_LOST, 1);
    g_assert_cmpint(send(), ==, FW_RCODE_COMPLETE);
    check(FW_FAULT_RESPONSE_LOST, 1, 0);

    receiver->device.split_writes = true;
    g_assert_cmpint(send(), ==, FW_RCODE_TIMEOUT);
    g_assert_cmpuint(receiver->written, ==, 1);
    check(FW_FAULT_RESPONSE_LOST, 0, 1);
    g_assert_cmpint(send(), ==, FW_RCODE_COMPLETE);
    tear_down();
}

/* There are 64 labels; what finds none free waits for one, in its turn */
static void labels(void)
{
    FWDevice *dev;
    uint8_t data[8] = { 0 };
    Outcome outcome[200] = { 0 };
    unsigned i;

    set_up();
    dev = &sender->device;
    receiver->device.split_writes = true;
    receiver->written = 0;
    for (i = 0; i < G_N_ELEMENTS(outcome); i++) {
        fw_device_write(dev, receiver->device.node_id, dev->generation,
                        REGISTER, data, sizeof(data), FW_S400, done,
                        &outcome[i]);
    }
    fw_device_cancel(dev, &outcome[100]);
    stub_run(5000 * MS);
    for (i = 0; i < G_N_ELEMENTS(outcome); i++) {
        g_assert_cmpuint(outcome[i].ends, ==, i != 100);
        g_assert_cmpint(outcome[i].rcode, ==, FW_RCODE_COMPLETE);
    }
    g_assert_cmpuint(receiver->written, ==, G_N_ELEMENTS(outcome) - 1);
    tear_down();
}

/* Those that wait for a label end at a bus reset like all others */
static void labels_bus_reset(void)
{
    FWDevice *dev;
    uint8_t data[8] = { 0 };
    Outcome outcome[100] = { 0 };
    unsigned i;

    set_up();
    dev = &sender->device;
    for (i = 0; i < G_N_ELEMENTS(outcome); i++) {
        fw_device_write(dev, receiver->device.node_id, dev->generation,
                        REGISTER, data, sizeof(data), FW_S400, done,
                        &outcome[i]);
    }
    fw_bus_reset(bus, NULL, true);
    stub_run(5000 * MS);
    for (i = 0; i < G_N_ELEMENTS(outcome); i++) {
        g_assert_cmpuint(outcome[i].ends, ==, 1);
    }
    g_assert_cmpint(outcome[99].rcode, ==, FW_RCODE_BUS_RESET);
    tear_down();
}

/* The first outputs of SplitMix64 are 0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4 */
static void random_numbers(void)
{
    FWRandom random = { 0 };

    g_assert_cmphex(fw_random(&random), ==, 0xe220a839);
    g_assert_cmphex(fw_random(&random), ==, 0x6e789e6a);
}

static const TypeInfo node_info = {
    .name = TYPE_TEST_NODE,
    .parent = TYPE_FW_DEVICE,
    .instance_size = sizeof(TestNode),
    .class_init = node_class_init,
};

void node_tests(void)
{
    type_register_static(&node_info);
    g_test_add_func("/node/random-numbers", random_numbers);
    g_test_add_func("/node/no-fault", no_fault);
    g_test_add_func("/node/ack-busy", ack_busy);
    g_test_add_func("/node/ack-lost", ack_lost);
    g_test_add_func("/node/ack-lost-split", ack_lost_split);
    g_test_add_func("/node/response-lost", response_lost);
    g_test_add_func("/node/labels", labels);
    g_test_add_func("/node/labels-bus-reset", labels_bus_reset);
}
