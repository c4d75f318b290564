/*
 * Tests of the bus model: one function a file adds its cases.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TEST_H
#define TEST_H

#include "fw-bus.h"

/* A node of @type at @bus, realized; and its end */
void *test_node_new(FWBus *bus, const char *type, FWSpeed speed);
void test_node_free(void *node);

void topology_tests(void);
void rom_tests(void);
void bus_tests(void);
void node_tests(void);
void fetch_tests(void);
void fuzz_tests(void);
void timing_tests(void);
void intruder_tests(void);
void link_tests(void);
void capture_tests(void);

#endif
