/*
 * The tree of ports: who is connected to whom, and how the nodes identify
 * themselves after a bus reset (IEEE 1394-1995 4.3.4, annex E.3; 1394a-2000).
 * Pure: no timers, no devices.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_FIREWIRE_FW_TOPOLOGY_H
#define HW_FIREWIRE_FW_TOPOLOGY_H

#include "fw-bus.h"

/* A tree of connected nodes, in the order of their physical IDs */
typedef struct FWTree {
    unsigned count;
    FWNode *node[FW_MAX_NODES];
} FWTree;

/* Connect @node to a port of @upstream, or of the nearest node with one free */
bool fw_topology_plug(FWNode *node, FWNode *upstream);
void fw_topology_unplug(FWNode *node);

/* First free port, or FW_MAX_PORTS */
unsigned fw_topology_free_port(const FWNode *node);

/* Nodes reachable from @start, in no particular order */
void fw_topology_collect(FWNode *start, FWTree *tree);

/**
 * Tree identification and self-identification
 * @tree: as collected; ordered by physical ID afterwards
 * @default_root: becomes root where no node has force_root set
 * @ids: everything but phy_id and generation is filled in
 */
void fw_topology_identify(FWTree *tree, FWNode *default_root, FWSelfIDs *ids);

/* Slowest node on the way between two nodes of one tree */
FWSpeed fw_topology_speed(FWNode *from, FWNode *to);

#endif
