/*
 * OHCI 1394: the PHY behind the link, seen through PhyControl
 * (OHCI 1.1 5.12, IEEE 1394a-2000 table 5B-1).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "ohci1394.h"
#include "trace.h"

#define CTL_RD_DONE     (1u << 31)
#define CTL_RD_REG      (1u << 15)
#define CTL_WR_REG      (1u << 14)

/* Register 1 */
#define PHY_RHB         0x80
#define PHY_IBR         0x40
/* Register 4 */
#define PHY_LCTRL       0x80
#define PHY_CONTENDER   0x40
/* Register 5; the status bits are cleared by writing ones */
#define PHY_ISBR        0x40
#define PHY_STATUS      0x3c
#define PHY_ENABLES     0x83
/* Register 7 */
#define PHY_PAGE(r)     ((r) >> 5)
#define PHY_PORT(r)     ((r) & 0xf)
/* Port status page */
#define PORT_CHILD      0x08
#define PORT_CONNECTED  0x04
#define PORT_BIAS       0x02

#define EXTENDED        (7 << 5)
#define COMPLIANCE_1394A 1

static uint8_t port_register(const OHCI1394State *s, unsigned reg)
{
    unsigned port = PHY_PORT(s->phy[7]);

    if (port >= s->node.ports || !s->node.port_peer[port]) {
        return 0;
    }
    switch (reg) {
    case 8:
        return PORT_CONNECTED | PORT_BIAS |
               (port != s->node.parent_port ? PORT_CHILD : 0);
    case 9:
        return s->node.port_peer[port]->speed << 5;
    default:
        return 0;
    }
}

static uint8_t phy_read(const OHCI1394State *s, unsigned reg)
{
    switch (reg) {
    case 0:
        return s->node.phy_id << 2 |
               (ohci_reg(s, OHCI_NODE_ID) & OHCI_NODE_ROOT ? 2 : 0) | 1;
    case 1:
        return (s->node.force_root ? PHY_RHB : 0) | s->node.gap_count;
    case 2:
        return EXTENDED | s->node.ports;
    case 3:
        return s->node.speed << 5;
    case 8 ... 15:
        if (PHY_PAGE(s->phy[7]) == 0) {
            return port_register(s, reg);
        }
        return PHY_PAGE(s->phy[7]) == 1 && reg == 8 ? COMPLIANCE_1394A : 0;
    default:
        return s->phy[reg];
    }
}

/* What the PHY reports in its self-ID packet follows from its registers */
void ohci_phy_update_node(OHCI1394State *s)
{
    bool lps = ohci_reg(s, OHCI_HC_CONTROL) & OHCI_HC_LPS;

    s->node.link_active = lps && s->phy[4] & PHY_LCTRL;
    s->node.contender = s->phy[4] & PHY_CONTENDER;
    s->node.power_class = s->phy[4] & 7;
}

static void phy_write(OHCI1394State *s, unsigned reg, uint8_t value)
{
    trace_ohci1394_phy_write(reg, value);
    switch (reg) {
    case 1:
        s->node.force_root = value & PHY_RHB;
        s->node.gap_count = value & 0x3f;
        s->node.gap_count_kept = true;
        if (value & PHY_IBR) {
            fw_bus_reset(s->bus, &s->node, false);
        }
        break;
    case 4:
        s->phy[4] = (value & 0xc7) | (s->phy[4] & 0x38);
        ohci_phy_update_node(s);
        break;
    case 5:
        s->phy[5] = (value & PHY_ENABLES) |
                    (s->phy[5] & PHY_STATUS & ~value);
        if (value & PHY_ISBR) {
            fw_bus_reset(s->bus, &s->node, true);
        }
        break;
    case 7:
        s->phy[7] = value;
        break;
    default:
        break;
    }
}

/* The PHY answers at once */
void ohci_phy_control(OHCI1394State *s, uint32_t value)
{
    unsigned reg = extract32(value, 8, 4);
    uint32_t *control = &s->regs[OHCI_PHY_CONTROL / 4];

    if (value & CTL_WR_REG) {
        phy_write(s, reg, value & 0xff);
        *control = (*control & ~0x8fffu) | (value & 0xfff);
    } else if (value & CTL_RD_REG) {
        *control = CTL_RD_DONE | reg << 24 | phy_read(s, reg) << 16 |
                   (value & 0xfff);
        ohci_raise(s, OHCI_INT_PHY_REG);
    }
}

void ohci_phy_init(OHCI1394State *s)
{
    memset(s->phy, 0, sizeof(s->phy));
    s->phy[4] = PHY_LCTRL;
    ohci_phy_update_node(s);
}
