/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "qemu/osdep.h"
#include "test.h"

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    topology_tests();
    rom_tests();
    bus_tests();
    node_tests();
    fetch_tests();
    fuzz_tests();
    timing_tests();
    intruder_tests();
    link_tests();
    capture_tests();
    return g_test_run();
}
