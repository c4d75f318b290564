/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "qemu/osdep.h"
#include "fw-node.h"
#include "test.h"

void *test_node_new(FWBus *bus, const char *type, FWSpeed speed)
{
    FWDevice *dev = object_new(type);

    dev->node.speed = speed;
    dev->node.ports = 3;
    DEVICE(dev)->parent_bus = (BusState *)bus;
    DEVICE_CLASS(OBJECT(dev)->klass)->realize(DEVICE(dev), NULL);
    return dev;
}

void test_node_free(void *node)
{
    DEVICE_CLASS(OBJECT(node)->klass)->unrealize(DEVICE(node));
    object_unref(node);
}
