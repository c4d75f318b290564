/* SPDX-License-Identifier: GPL-2.0-or-later */

#define trace_fw_bus_attach(...)            ((void)0)
#define trace_fw_bus_connected(...)         ((void)0)
#define trace_fw_bus_reset(...)             ((void)0)
#define trace_fw_bus_self_id(...)           ((void)0)
#define trace_fw_bus_packet(...)            ((void)0)
#define trace_fw_bus_sent(...)              ((void)0)
#define trace_fw_bus_phy_packet(...)        ((void)0)
#define trace_fw_node_transaction_end(...)  ((void)0)
#define trace_fw_node_respond(...)          ((void)0)
#define trace_fw_fault(...)                 ((void)0)
