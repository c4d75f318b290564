/*
 * Self-ID packets as IEEE 1394a-2000 4.3.4.1 draws them, literally:
 *
 *   10 phy_ID(6) 0 L gap_cnt(6) sp(2) 00 c pwr(3) p0 p1 p2 i m
 *   10 phy_ID(6) 1 n(3) 00 pa pb pc pd pe pf pg ph r m
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "fw-topology.h"
#include "test.h"

/* S400, link on, gap count 63 */
static FWNode node(unsigned ports, bool contender)
{
    return (FWNode) {
        .ports = ports, .speed = FW_S400, .link_active = true,
        .contender = contender, .gap_count = 63,
    };
}

static FWSelfIDs identify(FWNode *start, FWNode *root)
{
    FWSelfIDs ids;
    FWTree tree;

    fw_topology_collect(start, &tree);
    fw_topology_identify(&tree, root, &ids);
    return ids;
}

static void expect(const FWSelfIDs *ids, const uint32_t *quadlets,
                   unsigned count)
{
    unsigned i;

    g_assert_cmpuint(ids->quadlets, ==, count);
    for (i = 0; i < count; i++) {
        g_assert_cmphex(ids->self_id[i], ==, quadlets[i]);
    }
}

static void one_node(void)
{
    FWNode a = node(3, true);
    FWSelfIDs ids = identify(&a, &a);

    expect(&ids, (uint32_t[]) { 0x807f8854 }, 1);
    g_assert_cmpuint(ids.nodes, ==, 1);
    g_assert_cmpuint(ids.root_id, ==, 0);
    g_assert_cmpuint(ids.irm_id, ==, 0);
}

/* a - b, b is root */
static void chain_of_two(void)
{
    FWNode a = node(3, true), b = node(1, false);
    FWSelfIDs ids;

    g_assert_true(fw_topology_plug(&b, &a));
    ids = identify(&a, &b);
    expect(&ids, (uint32_t[]) { 0x807f8894, 0x817f80c0 }, 2);
    g_assert_cmpuint(ids.root_id, ==, 1);
    g_assert_cmpuint(ids.irm_id, ==, 0);
}

/* a - b - c, a is root */
static void chain_of_three(void)
{
    FWNode a = node(3, true), b = node(2, false), c = node(1, false);
    FWSelfIDs ids;

    g_assert_true(fw_topology_plug(&b, &a));
    g_assert_true(fw_topology_plug(&c, &b));
    ids = identify(&c, &a);
    expect(&ids, (uint32_t[]) { 0x807f8080, 0x817f80b0, 0x827f88d4 }, 3);
    g_assert_cmpuint(a.phy_id, ==, 2);
    g_assert_cmpuint(c.phy_id, ==, 0);
}

/*
 *      a
 *    / | \
 *   b  c  d      children in the order of their ports, then the parent
 *      |
 *      e
 */
static void tree_order(void)
{
    FWNode a = node(3, true), b = node(1, false), c = node(2, false);
    FWNode d = node(1, false), e = node(1, true);
    FWSelfIDs ids;

    g_assert_true(fw_topology_plug(&b, &a));
    g_assert_true(fw_topology_plug(&c, &a));
    g_assert_true(fw_topology_plug(&d, &a));
    g_assert_true(fw_topology_plug(&e, &c));
    ids = identify(&a, &a);
    expect(&ids, (uint32_t[]) { 0x807f8080, 0x817f8880, 0x827f80b0,
                                0x837f8080, 0x847f88fc }, 5);
}

static void nearest_free_port(void)
{
    FWNode a = node(1, true), b = node(2, false), c = node(1, false);
    FWNode d = node(1, false);

    g_assert_true(fw_topology_plug(&b, &a));
    g_assert_true(fw_topology_plug(&c, &a));
    g_assert_true(c.upstream == &b);
    g_assert_false(fw_topology_plug(&d, &a));
    fw_topology_unplug(&c);
    g_assert_true(fw_topology_plug(&d, &a));
    g_assert_true(d.upstream == &b);
}

static void more_ports(void)
{
    FWNode five = node(5, true), sixteen = node(16, true);
    FWNode most = node(FW_MAX_PORTS, true);
    FWSelfIDs ids;

    ids = identify(&five, &five);
    expect(&ids, (uint32_t[]) { 0x807f8855, 0x80814000 }, 2);
    ids = identify(&sixteen, &sixteen);
    expect(&ids, (uint32_t[]) { 0x807f8855, 0x80815555, 0x80915500 }, 3);
    ids = identify(&most, &most);
    expect(&ids, (uint32_t[]) { 0x807f8855, 0x80815555, 0x80915555,
                                0x80a15554 }, 4);
}

/* Every field that is not a port */
static void fields(void)
{
    FWNode a = node(1, false);
    FWSelfIDs ids;

    a.link_active = false;
    a.gap_count = 5;
    a.speed = FW_S800;
    a.power_class = 4;
    a.initiated_reset = true;
    ids = identify(&a, &a);
    expect(&ids, (uint32_t[]) { 0x8005c442 }, 1);
    /* i says who began this reset, not an earlier one */
    ids = identify(&a, &a);
    expect(&ids, (uint32_t[]) { 0x8005c440 }, 1);
}

static void root_moves(void)
{
    FWNode a = node(3, true), b = node(1, false);
    FWSelfIDs ids;

    g_assert_true(fw_topology_plug(&b, &a));
    a.force_root = true;
    ids = identify(&a, &b);
    expect(&ids, (uint32_t[]) { 0x807f8080, 0x817f88d4 }, 2);
    g_assert_cmpuint(a.phy_id, ==, 1);
    g_assert_cmpuint(ids.root_id, ==, 1);
}

static void irm_election(void)
{
    FWNode a = node(3, true), b = node(1, true), c = node(1, false);
    FWSelfIDs ids;

    g_assert_true(fw_topology_plug(&b, &a));
    g_assert_true(fw_topology_plug(&c, &a));
    ids = identify(&a, &a);
    g_assert_cmpuint(ids.irm_id, ==, a.phy_id);
    ids = identify(&a, &b);
    g_assert_cmpuint(ids.irm_id, ==, b.phy_id);
    b.link_active = false;
    ids = identify(&a, &b);
    g_assert_cmpuint(ids.irm_id, ==, a.phy_id);
    a.contender = false;
    ids = identify(&a, &b);
    g_assert_cmpuint(ids.irm_id, ==, FW_BROADCAST_PHY);
}

static void path_speed(void)
{
    FWNode a = node(1, true), b = node(2, false), c = node(1, false);

    g_assert_true(fw_topology_plug(&b, &a));
    g_assert_true(fw_topology_plug(&c, &b));
    c.speed = FW_S800;
    g_assert_cmpuint(fw_topology_speed(&a, &c), ==, FW_S400);
    b.speed = FW_S100;
    g_assert_cmpuint(fw_topology_speed(&a, &c), ==, FW_S100);
    g_assert_cmpuint(fw_topology_speed(&c, &c), ==, FW_S800);
}

/* What a receiver does: each node takes its children from the stack */
static void expect_tree(const FWSelfIDs *ids)
{
    unsigned i, port, phy_id = 0, stack = 0;

    for (i = 0; i < ids->quadlets; i++, phy_id++) {
        uint32_t q = ids->self_id[i];
        unsigned parents = 0, children = 0, status;

        g_assert_cmpuint(extract32(q, 24, 6), ==, phy_id);
        g_assert_cmpuint(extract32(q, 23, 1), ==, 0);
        for (port = 0; port < 3; port++) {
            status = extract32(q, 6 - 2 * port, 2);
            parents += status == 2;
            children += status == 3;
        }
        while (q & 1) {
            q = ids->self_id[++i];
            g_assert_cmpuint(extract32(q, 24, 6), ==, phy_id);
            for (port = 0; port < 8; port++) {
                status = extract32(q, 16 - 2 * port, 2);
                parents += status == 2;
                children += status == 3;
            }
        }
        g_assert_cmpuint(parents, ==, phy_id != ids->root_id);
        g_assert_cmpuint(children, <=, stack);
        stack = stack - children + 1;
    }
    g_assert_cmpuint(phy_id, ==, ids->nodes);
    g_assert_cmpuint(stack, ==, 1);
}

static void full_bus(const unsigned ports)
{
    static FWNode nodes[FW_MAX_NODES];
    FWNode one_more = node(1, false);
    FWSelfIDs ids;
    unsigned i;

    for (i = 0; i < FW_MAX_NODES; i++) {
        nodes[i] = node(ports, i == 0);
        g_assert_true(!i || fw_topology_plug(&nodes[i], &nodes[0]));
    }
    g_assert_false(fw_topology_plug(&one_more, &nodes[0]));
    for (i = 0; i < FW_MAX_NODES; i += 31) {
        ids = identify(&nodes[0], &nodes[i]);
        g_assert_cmpuint(ids.nodes, ==, 63);
        g_assert_cmpuint(ids.root_id, ==, 62);
        g_assert_cmpuint(nodes[i].phy_id, ==, 62);
        expect_tree(&ids);
    }
}

static void full_bus_chain(void)
{
    full_bus(2);
}

static void full_bus_tree(void)
{
    full_bus(3);
}

static void full_bus_star(void)
{
    full_bus(FW_MAX_PORTS);
}

void topology_tests(void)
{
    g_test_add_func("/topology/one-node", one_node);
    g_test_add_func("/topology/chain-of-two", chain_of_two);
    g_test_add_func("/topology/chain-of-three", chain_of_three);
    g_test_add_func("/topology/tree-order", tree_order);
    g_test_add_func("/topology/nearest-free-port", nearest_free_port);
    g_test_add_func("/topology/more-ports", more_ports);
    g_test_add_func("/topology/fields", fields);
    g_test_add_func("/topology/root-moves", root_moves);
    g_test_add_func("/topology/irm-election", irm_election);
    g_test_add_func("/topology/path-speed", path_speed);
    g_test_add_func("/topology/63-nodes-chain", full_bus_chain);
    g_test_add_func("/topology/63-nodes-tree", full_bus_tree);
    g_test_add_func("/topology/63-nodes-star", full_bus_star);
}
