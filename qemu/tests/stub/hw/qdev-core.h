/* SPDX-License-Identifier: GPL-2.0-or-later */

#ifndef STUB_QDEV_CORE_H
#define STUB_QDEV_CORE_H

#include "qom/object.h"

#define TYPE_DEVICE "device"
#define TYPE_BUS "bus"

typedef struct BusState { Object parent_obj; } BusState;

typedef struct DeviceState {
    Object parent_obj;
    char *id;
    BusState *parent_bus;
} DeviceState;

typedef struct DeviceClass {
    ObjectClass parent_class;
    const char *bus_type, *desc;
    unsigned long categories;
    void (*realize)(DeviceState *dev, Error **errp);
    void (*unrealize)(DeviceState *dev);
} DeviceClass;

typedef struct BusClass {
    ObjectClass parent_class;
    char *(*get_dev_path)(DeviceState *dev);
} BusClass;

static inline BusClass *BUS_CLASS(void *klass) { return klass; }
static inline DeviceState *DEVICE(void *obj) { return obj; }
static inline DeviceClass *DEVICE_CLASS(void *klass) { return klass; }
enum { DEVICE_CATEGORY_MISC };
#define set_bit(bit, bits) ((bits) |= 1ul << (bit))
#define qdev_get_parent_bus(dev) ((dev)->parent_bus)

#endif
