/*
 * The tree of ports.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "fw-topology.h"

/* Port status in self-ID packets */
enum { PORT_ABSENT, PORT_UNCONNECTED, PORT_PARENT, PORT_CHILD };

unsigned fw_topology_free_port(const FWNode *node)
{
    unsigned port;

    for (port = 0; port < node->ports; port++) {
        if (!node->port_peer[port]) {
            return port;
        }
    }
    return FW_MAX_PORTS;
}

void fw_topology_collect(FWNode *start, FWTree *tree)
{
    unsigned i, port;

    tree->count = 0;
    tree->node[tree->count++] = start;
    start->visited = true;
    for (i = 0; i < tree->count; i++) {
        FWNode *node = tree->node[i];

        for (port = 0; port < node->ports; port++) {
            FWNode *peer = node->port_peer[port];

            if (peer && !peer->visited && tree->count < FW_MAX_NODES) {
                peer->visited = true;
                tree->node[tree->count++] = peer;
            }
        }
    }
    for (i = 0; i < tree->count; i++) {
        tree->node[i]->visited = false;
    }
}

bool fw_topology_plug(FWNode *node, FWNode *upstream)
{
    unsigned own = fw_topology_free_port(node);
    FWTree tree;
    unsigned i;

    fw_topology_collect(upstream, &tree);
    if (tree.count == FW_MAX_NODES || own == FW_MAX_PORTS) {
        return false;
    }
    /* Collected breadth first: the nearest one comes first */
    for (i = 0; i < tree.count; i++) {
        unsigned port = fw_topology_free_port(tree.node[i]);

        if (port != FW_MAX_PORTS) {
            node->upstream = tree.node[i];
            node->upstream_port = port;
            node->port_peer[own] = tree.node[i];
            tree.node[i]->port_peer[port] = node;
            return true;
        }
    }
    return false;
}

void fw_topology_unplug(FWNode *node)
{
    unsigned port;

    if (!node->upstream) {
        return;
    }
    node->upstream->port_peer[node->upstream_port] = NULL;
    for (port = 0; port < node->ports; port++) {
        if (node->port_peer[port] == node->upstream) {
            node->port_peer[port] = NULL;
        }
    }
    node->upstream = NULL;
}

/* Children in the order of their ports, then the node itself */
static void identify_node(FWNode *node, FWNode *parent, FWTree *tree)
{
    unsigned port;

    node->parent_port = FW_MAX_PORTS;
    for (port = 0; port < node->ports; port++) {
        FWNode *peer = node->port_peer[port];

        if (!peer) {
            continue;
        }
        if (peer == parent) {
            node->parent_port = port;
        } else {
            identify_node(peer, node, tree);
        }
    }
    node->phy_id = tree->count;
    tree->node[tree->count++] = node;
}

static unsigned port_status(const FWNode *node, unsigned port)
{
    if (port >= node->ports) {
        return PORT_ABSENT;
    }
    if (!node->port_peer[port]) {
        return PORT_UNCONNECTED;
    }
    return port == node->parent_port ? PORT_PARENT : PORT_CHILD;
}

/* Self-ID packet zero holds ports 0 to 2, each further one eight more */
static unsigned self_id_packets(const FWNode *node)
{
    return node->ports <= 3 ? 1 : 1 + DIV_ROUND_UP(node->ports - 3, 8);
}

static uint32_t self_id_packet_zero(const FWNode *node, bool more)
{
    return 2u << 30 | node->phy_id << 24 | node->link_active << 22 |
           node->gap_count << 16 | node->speed << 14 |
           node->contender << 11 | node->power_class << 8 |
           port_status(node, 0) << 6 | port_status(node, 1) << 4 |
           port_status(node, 2) << 2 | node->initiated_reset << 1 | more;
}

static uint32_t self_id_packet_more(const FWNode *node, unsigned n, bool more)
{
    uint32_t quadlet = 2u << 30 | node->phy_id << 24 | 1u << 23 | n << 20;
    unsigned i;

    for (i = 0; i < 8; i++) {
        quadlet |= port_status(node, 3 + 8 * n + i) << (16 - 2 * i);
    }
    return quadlet | more;
}

static void self_id_append(const FWNode *node, FWSelfIDs *ids)
{
    unsigned packets = self_id_packets(node);
    unsigned n;

    ids->self_id[ids->quadlets++] = self_id_packet_zero(node, packets > 1);
    for (n = 1; n < packets; n++) {
        ids->self_id[ids->quadlets++] =
            self_id_packet_more(node, n - 1, n + 1 < packets);
    }
}

static FWNode *elect_root(const FWTree *tree, FWNode *default_root)
{
    FWNode *root = tree->node[0];
    unsigned i;

    for (i = 0; i < tree->count; i++) {
        if (tree->node[i]->force_root) {
            return tree->node[i];
        }
        if (tree->node[i] == default_root) {
            root = default_root;
        }
    }
    return root;
}

void fw_topology_identify(FWTree *tree, FWNode *default_root, FWSelfIDs *ids)
{
    FWNode *root = elect_root(tree, default_root);
    unsigned i;

    memset(ids, 0, sizeof(*ids));
    tree->count = 0;
    identify_node(root, NULL, tree);

    ids->nodes = tree->count;
    ids->root_id = root->phy_id;
    ids->irm_id = FW_BROADCAST_PHY;
    ids->gap_count = root->gap_count;
    for (i = 0; i < tree->count; i++) {
        FWNode *node = tree->node[i];

        self_id_append(node, ids);
        node->initiated_reset = false;
        if (node->link_active && node->contender) {
            ids->irm_id = node->phy_id;
        }
    }
}

/* Depth first; UINT_MAX: not below @node */
static unsigned speed_below(FWNode *node, FWNode *parent, FWNode *to)
{
    unsigned port;

    if (node == to) {
        return node->speed;
    }
    for (port = 0; port < node->ports; port++) {
        FWNode *peer = node->port_peer[port];
        unsigned speed;

        if (!peer || peer == parent) {
            continue;
        }
        speed = speed_below(peer, node, to);
        if (speed != UINT_MAX) {
            return MIN(speed, node->speed);
        }
    }
    return UINT_MAX;
}

FWSpeed fw_topology_speed(FWNode *from, FWNode *to)
{
    unsigned speed = speed_below(from, NULL, to);

    return speed == UINT_MAX ? FW_S100 : speed;
}
