/*
 * The hostile node: what it learns from what it hears, and what it does then.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/* To see what it knows */
#include "../hw/firewire/fw-intruder.c"
#include "test.h"

#define TYPE_HEARD      "test-heard"
#define MS              1000000ll
#define ORB             0x10000
#define PAGE_TABLE      0x20000
#define DATA            0x30000
#define RESPONSE        0x40000
#define FIFO            (FW_CSR_BASE + 0x02340000)

/* A host and a disk: both serve reads, and note writes */
typedef struct Heard {
    FWDevice device;
    int rcode;
    unsigned writes;
    uint64_t written_at;
    uint8_t written[64];
    size_t length;
    uint16_t written_by;
} Heard;

static FWBus *bus;
static Heard *host, *disk;
static FWIntruder *intruder_node;

static void memory(uint64_t offset, uint8_t *data)
{
    memset(data, 0, 64);
    switch (offset) {
    case ORB:
        stq_be_p(data, 1ull << 63);
        stq_be_p(data + 8, 0xffc0ull << 48 | PAGE_TABLE);
        stl_be_p(data + 16, PAGE_TABLE_PRESENT | 2);
        break;
    case ORB + 0x100:
        stq_be_p(data + 8, RESPONSE);
        stq_be_p(data + 24, FIFO);
        break;
    case PAGE_TABLE:
        stq_be_p(data, 0x1000ull << 48 | DATA);
        break;
    default:
        memset(data, 0x5a, 64);
        break;
    }
}

static void heard_read(FWDevice *dev, FWRequest *req, uint64_t offset,
                       size_t length)
{
    uint8_t data[64];

    memory(offset, data);
    fw_device_respond(dev, req, FW_RCODE_COMPLETE, data, length);
}

static void heard_write(FWDevice *dev, FWRequest *req, uint64_t offset,
                        const uint8_t *data, size_t length)
{
    Heard *node = container_of(dev, Heard, device);

    node->writes++;
    node->written_at = offset;
    node->length = MIN(length, sizeof(node->written));
    memcpy(node->written, data, node->length);
    node->written_by = fw_request_source(req);
    fw_device_respond(dev, req, node->rcode, NULL, 0);
}

static void heard_class_init(ObjectClass *klass, void *data)
{
    FW_DEVICE_CLASS(klass)->write = heard_write;
    FW_DEVICE_CLASS(klass)->read = heard_read;
}

static void set_up(void)
{
    bus = object_new(TYPE_FW_BUS);
    host = test_node_new(bus, TYPE_HEARD, FW_S400);
    disk = test_node_new(bus, TYPE_HEARD, FW_S400);
    intruder_node = test_node_new(bus, TYPE_FW_INTRUDER, FW_S400);
    stub_run(MS);
}

static void tear_down(void)
{
    test_node_free(intruder_node);
    test_node_free(disk);
    test_node_free(host);
    stub_run(MS);
    object_unref(bus);
}

static void write_pointer(uint64_t offset, uint64_t orb)
{
    FWDevice *dev = &host->device;
    uint8_t pointer[8];

    /* Some drivers put the node ID there, some do not */
    stq_be_p(pointer, 0xffc0ull << 48 | orb);
    fw_device_write(dev, disk->device.node_id, dev->generation, offset,
                    pointer, 8, FW_S400, NULL, NULL);
    stub_run(MS);
}

static void fetch(uint64_t offset, size_t length)
{
    FWDevice *dev = &disk->device;

    fw_device_read(dev, host->device.node_id, dev->generation, offset, length,
                   FW_S400, NULL, NULL);
    stub_run(MS);
}

static void send_status(uint64_t orb)
{
    FWDevice *dev = &disk->device;
    uint8_t block[8];

    stq_be_p(block, 0x41000000ull << 32 | orb);
    fw_device_write(dev, host->device.node_id, dev->generation, FIFO, block, 8,
                    FW_S400, NULL, NULL);
    stub_run(MS);
}

/* A command with a page table gets under way, after a login */
static void begin(void)
{
    write_pointer(MANAGEMENT_AGENT, ORB + 0x100);
    fetch(ORB + 0x100, MANAGEMENT_ORB);
    send_status(ORB + 0x100);
    write_pointer(COMMAND_AGENTS + 8, ORB);
    fetch(ORB, 36);
    fetch(PAGE_TABLE, 16);
    host->writes = 0;
}

/* As its property does it */
static Attempts *attack(IntruderKind kind, unsigned times)
{
    Attempts *a = &intruder_node->attempts[kind];

    *a = (Attempts) { .left = times };
    tick_again(intruder_node);
    stub_run(1000 * MS);
    return a;
}

static void forges_what_is_under_way(void)
{
    Attempts *a;

    set_up();
    a = attack(FORGE_STATUS, 3);
    g_assert_cmpuint(a->done, ==, 0);
    begin();
    stub_run(MS);
    g_assert_cmpuint(a->done, ==, 3);
    g_assert_cmpuint(a->taken, ==, 3);
    g_assert_cmpuint(host->writes, ==, 0);      /* begin() came after it */
    a = attack(FORGE_STATUS, 5);
    g_assert_cmpuint(a->taken, ==, 5);
    g_assert_cmpuint(host->writes, ==, 5);
    g_assert_cmphex(host->written_at, ==, FIFO);
    g_assert_cmphex(ldl_be_p(host->written + 4), ==, ORB);
    g_assert_cmphex(host->written_by, ==,
                    FW_DEVICE(intruder_node)->node_id);
    /* The command is over, so there is none to forge a status for */
    send_status(ORB);
    a = attack(FORGE_STATUS, 1);
    g_assert_cmpuint(a->done, ==, 0);
    tear_down();
}

static void counts_refusals(void)
{
    Attempts *a;

    set_up();
    begin();
    host->rcode = FW_RCODE_ADDRESS_ERROR;
    a = attack(FORGE_STATUS, 4);
    g_assert_cmpuint(a->refused, ==, 4);
    g_assert_cmpuint(a->taken, ==, 0);
    host->rcode = FW_RCODE_COMPLETE;
    host->device.fault[FW_FAULT_ACK_BUSY].left = 1;
    a = attack(FORGE_RANDOM, 2);
    g_assert_cmpuint(a->refused, ==, 1);
    g_assert_cmpuint(a->taken, ==, 1);
    tear_down();
}

static void knows_where_things_are(void)
{
    static const struct {
        IntruderKind kind;
        uint64_t address;
    } places[] = {
        { WRITE_ORB, ORB }, { WRITE_PAGE_TABLE, PAGE_TABLE },
        { WRITE_DATA, DATA },
    };
    unsigned i;

    set_up();
    begin();
    for (i = 0; i < ARRAY_SIZE(places); i++) {
        g_assert_cmpuint(attack(places[i].kind, 1)->taken, ==, 1);
        g_assert_cmphex(host->written_at, ==, places[i].address);
    }
    tear_down();
}

static void reads_memory(void)
{
    set_up();
    begin();
    intruder_node->memory_address = 0x50000;
    g_assert_cmpuint(attack(READ_MEMORY, 1)->taken, ==, 1);
    g_assert_cmpuint(intruder_node->looted, ==, LOOT);
    g_assert_cmphex(intruder_node->loot[LOOT - 1], ==, 0x5a);
    tear_down();
}

/* In the disk's name: the answer goes to the disk, and is heard on its way */
static void pretends(void)
{
    set_up();
    begin();
    intruder_node->spoof = disk->device.node_id & 0x3f;
    intruder_node->memory_address = 0x50000;
    g_assert_cmpuint(attack(READ_MEMORY, 2)->taken, ==, 2);
    g_assert_cmphex(intruder_node->loot[0], ==, 0x5a);
    g_assert_cmpuint(attack(FORGE_STATUS, 1)->taken, ==, 1);
    g_assert_cmphex(host->written_by, ==, disk->device.node_id);
    tear_down();
}

static void forgets_at_a_bus_reset(void)
{
    set_up();
    begin();
    fw_bus_reset(bus, NULL, true);
    stub_run(MS);
    g_assert_cmpuint(attack(WRITE_ORB, 1)->done, ==, 0);
    begin();
    stub_run(MS);
    g_assert_cmpuint(intruder_node->attempts[WRITE_ORB].done, ==, 1);
    tear_down();
}

static const TypeInfo heard_info = {
    .name = TYPE_HEARD,
    .parent = TYPE_FW_DEVICE,
    .instance_size = sizeof(Heard),
    .class_init = heard_class_init,
};

void intruder_tests(void)
{
    type_register_static(&heard_info);
    g_test_add_func("/intruder/under-way", forges_what_is_under_way);
    g_test_add_func("/intruder/refusals", counts_refusals);
    g_test_add_func("/intruder/places", knows_where_things_are);
    g_test_add_func("/intruder/memory", reads_memory);
    g_test_add_func("/intruder/pretends", pretends);
    g_test_add_func("/intruder/bus-reset", forgets_at_a_bus_reset);
}
