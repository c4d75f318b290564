/*
 * The capture: what stands in the file, byte by byte.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "fw-bus.h"
#include "test.h"

#define MS 1000000ll

static FWBus *bus;
static FWNode node[2];
static FWPacket packet;
static char *path;
static FWAck answer;

/* A sender that cancels, and reuses its packet, while it is received */
static bool cancels;

static FWAck receive(FWNode *to, const FWPacket *p)
{
    if (cancels) {
        fw_bus_cancel(&node[0]);
        memset(&packet, 0xff, sizeof(packet));
    }
    return answer;
}

static void reset_begin(FWNode *of)
{
}

static void reset_end(FWNode *of, const FWSelfIDs *ids)
{
}

static void sent(FWNode *from, FWPacket *p, FWAck ack, void *opaque)
{
}

static const FWNodeOps ops = {
    .receive = receive,
    .reset_begin = reset_begin,
    .reset_end = reset_end,
};

static void attach(unsigned i, const char *name)
{
    node[i] = (FWNode) {
        .ops = &ops, .name = name, .speed = FW_S400, .ports = 1,
        .link_active = true, .contender = true, .connected = true,
    };
    g_assert_true(fw_bus_attach(bus, &node[i], NULL, NULL));
}

static void set_up(void)
{
    int fd = g_file_open_tmp("capture-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    bus = object_new(TYPE_FW_BUS);
    answer = FW_ACK_COMPLETE;
    cancels = false;
    attach(0, "fw0");
    object_property_set_str(OBJECT(bus), "capture", path, NULL);
}

static void tear_down(void)
{
    fw_bus_detach(&node[0]);
    fw_bus_detach(&node[1]);
    stub_run(MS);
    object_unref(bus);
    unlink(path);
    g_free(path);
}

static void send_write(unsigned length)
{
    packet = (FWPacket) {
        .tcode = FW_TCODE_WRITE_BLOCK, .speed = FW_S400, .tlabel = 0x21,
        .dest_id = 0xffc1, .source_id = 0xffc0, .offset = 0x123456789abc,
        .length = length, .payload = { 0xca, 0xfe, 0xba, 0xbe, 0x55 },
    };
    fw_bus_send(&node[0], &packet, sent, NULL);
    stub_run(MS);
}

/* The file as hexadecimal digits, a line for each block */
static char *blocks(void)
{
    g_autofree char *data = NULL;
    GString *text = g_string_new(NULL);
    size_t length, at = 0;

    g_assert_true(g_file_get_contents(path, &data, &length, NULL));
    while (at < length) {
        uint32_t n, i;

        memcpy(&n, data + at + 4, 4);
        n = GUINT32_FROM_LE(n);
        g_assert_cmpuint(at + n, <=, length);
        for (i = 0; i < n; i++) {
            g_string_append_printf(text, "%02x", (uint8_t)data[at + i]);
        }
        g_string_append_c(text, '\n');
        at += n;
    }
    return g_string_free(text, false);
}

/* A packet's block with its time as XX */
static void assert_line(unsigned number, const char *expected)
{
    g_autofree char *text = blocks();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    const char *packet_block = "06000000";

    g_assert_cmpuint(number, <, g_strv_length(lines));
    if (g_str_has_prefix(lines[number], packet_block)) {
        memset(lines[number] + 24, 'X', 16);
    }
    g_assert_cmpstr(lines[number], ==, expected);
}

static unsigned lines(void)
{
    g_autofree char *text = blocks();
    unsigned count = 0;
    const char *c;

    for (c = text; *c; c++) {
        count += *c == '\n';
    }
    return count;
}

static uint64_t time_of(unsigned number)
{
    g_autofree char *text = blocks();
    g_auto(GStrv) line = g_strsplit(text, "\n", -1);
    g_autofree char *hi = g_strndup(line[number] + 24, 8);
    g_autofree char *lo = g_strndup(line[number] + 32, 8);

    return (uint64_t)GUINT32_SWAP_LE_BE(strtoul(hi, NULL, 16)) << 32 |
           GUINT32_SWAP_LE_BE(strtoul(lo, NULL, 16));
}

static void file(void)
{
    set_up();
    /* Section header, pcapng 1.0, little endian */
    assert_line(0, "0a0d0d0a" "1c000000" "4d3c2b1a" "01000000"
                   "ffffffffffffffff" "1c000000");
    /* Interface: USER0; described; nanoseconds */
    assert_line(1, "01000000" "34000000" "93000000" "00000000"
                   "03000d00" "49454545203133393420627573000000"
                   "09000100" "09000000" "00000000" "34000000");
    /* The node that is there: "fw0" */
    assert_line(2, "06000000" "28000000" "00000000" "XXXXXXXXXXXXXXXX"
                   "07000000" "07000000" "01050000" "66773000" "28000000");
    g_assert_cmpuint(lines(), ==, 3);
    tear_down();
}

static void resets(void)
{
    set_up();
    stub_run(MS);
    attach(1, "t0");
    stub_run(MS);
    g_assert_cmpuint(lines(), ==, 8);
    /* By node 0, a long one; the self-ID of one node without a connection */
    assert_line(3, "06000000" "28000000" "00000000" "XXXXXXXXXXXXXXXX"
                   "08000000" "08000000" "01030000" "00000000" "28000000");
    assert_line(4, "06000000" "34000000" "00000000" "XXXXXXXXXXXXXXXX"
                   "14000000" "14000000" "0104ffff" "00000001" "00003f01"
                   "00000000" "807f8842" "34000000");
    /* Node 1 is root: it is told of 0 with a parent, then itself */
    assert_line(7, "06000000" "38000000" "00000000" "XXXXXXXXXXXXXXXX"
                   "18000000" "18000000" "0104ffff" "00000002" "01013f02"
                   "00000001" "807f8880" "817f88c2" "38000000");
    fw_bus_reset(bus, NULL, true);
    stub_run(MS);
    assert_line(8, "06000000" "28000000" "00000000" "XXXXXXXXXXXXXXXX"
                   "08000000" "08000000" "0103ffff" "00000001" "28000000");
    g_assert_cmpuint(time_of(9) - time_of(8), ==, 1300 + 2 * 3000);
    tear_down();
}

static void packets(void)
{
    set_up();
    attach(1, "t0");
    stub_run(MS);
    answer = FW_ACK_BUSY_X;
    send_write(5);
    /* Of the sender, S400, ack_busy_X; header; five bytes and three to pad */
    assert_line(lines() - 1,
                "06000000" "40000000" "00000000" "XXXXXXXXXXXXXXXX"
                "1d000000" "1d000000" "01010000" "00020004"
                "ffc18410" "ffc01234" "56789abc" "00050000"
                "cafebabe55000000" "40000000");
    cancels = true;
    answer = FW_ACK_COMPLETE;
    send_write(4);
    assert_line(lines() - 1,
                "06000000" "3c000000" "00000000" "XXXXXXXXXXXXXXXX"
                "1c000000" "1c000000" "01010000" "00020001"
                "ffc18410" "ffc01234" "56789abc" "00040000"
                "cafebabe" "3c000000");
    packet = (FWPacket) {
        .tcode = FW_TCODE_STREAM, .tag = 3, .channel = 31, .length = 4,
        .payload = { 0xca, 0xfe, 0xba, 0xbe },
    };
    fw_bus_send(&node[0], &packet, sent, NULL);
    stub_run(MS);
    /* S100, and nobody acknowledges it; length, tag 3, channel 31, tcode a */
    assert_line(lines() - 1,
                "06000000" "30000000" "00000000" "XXXXXXXXXXXXXXXX"
                "10000000" "10000000" "01010000" "00000001" "0004dfa0"
                "cafebabe" "30000000");
    fw_bus_send_phy(&node[1], 0x00c50000);
    assert_line(lines() - 1,
                "06000000" "2c000000" "00000000" "XXXXXXXXXXXXXXXX"
                "0c000000" "0c000000" "01020001" "00c50000" "ff3affff"
                "2c000000");
    fw_bus_set_connected(&node[1], false);
    assert_line(lines() - 1,
                "06000000" "28000000" "00000000" "XXXXXXXXXXXXXXXX"
                "08000000" "08000000" "01060001" "00000000" "28000000");
    tear_down();
}

/* Begun in the middle: the nodes, and the last self-IDs once more */
static void begun_late(void)
{
    set_up();
    attach(1, "t0");
    stub_run(MS);
    object_property_set_str(OBJECT(bus), "capture", path, NULL);
    g_assert_cmpuint(lines(), ==, 5);
    assert_line(4, "06000000" "38000000" "00000000" "XXXXXXXXXXXXXXXX"
                   "18000000" "18000000" "0104ffff" "00000001" "01013f02"
                   "00000001" "807f8882" "817f88c2" "38000000");
    object_property_set_str(OBJECT(bus), "capture", "", NULL);
    send_write(4);
    g_assert_cmpuint(lines(), ==, 5);
    tear_down();
}

/* Neither a file that cannot be opened nor a full disk hurts the bus */
static void no_room(void)
{
    unsigned errors = stub_errors, warnings = stub_warnings;

    set_up();
    object_property_set_str(OBJECT(bus), "capture", "/nonexistent/x", NULL);
    g_assert_cmpuint(stub_errors, ==, errors + 1);
    object_property_set_str(OBJECT(bus), "capture", "/dev/full", NULL);
    g_assert_cmpuint(stub_warnings, ==, warnings + 1);
    attach(1, "t0");
    stub_run(MS);
    g_assert_cmpuint(stub_warnings, ==, warnings + 1);
    tear_down();
}

void capture_tests(void)
{
    g_test_add_func("/capture/file", file);
    g_test_add_func("/capture/resets", resets);
    g_test_add_func("/capture/packets", packets);
    g_test_add_func("/capture/begun-late", begun_late);
    g_test_add_func("/capture/no-room", no_room);
}
