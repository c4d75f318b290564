/*
 * A bus that two processes share: the device. On a bus it is one end of the
 * link, and its character device leads to the other end:
 *
 *   -chardev socket,id=l,path=/tmp/bus,server=on
 *   -device fw-link,bus=fw0.0,chardev=l
 *
 *   -chardev socket,id=l,path=/tmp/bus
 *   -device fw-link,bus=fw0.0,chardev=l,far=on
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "chardev/char-fe.h"
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#include "migration/vmstate.h"
#include "compat-qemu.h"
#include "fw-link.h"

#define TYPE_FW_LINK "fw-link"
OBJECT_DECLARE_SIMPLE_TYPE(FWLinkDevice, FW_LINK)

/* What can be taken at a time; messages that are longer come in pieces */
#define RECEIVE_SIZE    65536

struct FWLinkDevice {
    DeviceState parent_obj;
    CharBackend chardev;
    FWLink link;
};

static void device_write(FWLink *link, const void *data, size_t length)
{
    FWLinkDevice *dev = container_of(link, FWLinkDevice, link);

    qemu_chr_fe_write_all(&dev->chardev, data, length);
}

static int device_can_receive(void *opaque)
{
    return RECEIVE_SIZE;
}

static void device_receive(void *opaque, const uint8_t *data, int length)
{
    FWLinkDevice *dev = opaque;

    fw_link_receive(&dev->link, data, length);
}

static void device_event(void *opaque, QEMUChrEvent event)
{
    FWLinkDevice *dev = opaque;

    if (event == CHR_EVENT_OPENED) {
        fw_link_open(&dev->link);
    } else if (event == CHR_EVENT_CLOSED) {
        fw_link_close(&dev->link);
    }
}

static void device_realize(DeviceState *qdev, Error **errp)
{
    FWLinkDevice *dev = FW_LINK(qdev);
    FWLink *link = &dev->link;

    if (!qemu_chr_fe_backend_connected(&dev->chardev)) {
        error_setg(errp, "fw-link wants a chardev");
        return;
    }
    link->bus = FW_BUS(qdev_get_parent_bus(qdev));
    if (link->far && !fw_bus_first_node(link->bus)) {
        error_setg(errp, "the far end of a link needs a node on its bus");
        return;
    }
    link->write = device_write;
    link->node.name = qdev->id ?: TYPE_FW_LINK;
    if (fw_link_init(link, errp)) {
        qemu_chr_fe_set_handlers(&dev->chardev, device_can_receive,
                                 device_receive, device_event, NULL, dev,
                                 NULL, true);
    }
}

static void device_unrealize(DeviceState *qdev)
{
    FWLinkDevice *dev = FW_LINK(qdev);

    qemu_chr_fe_deinit(&dev->chardev, false);
    fw_link_destroy(&dev->link);
}

static const VMStateDescription device_vmstate = {
    .name = TYPE_FW_LINK,
    .unmigratable = 1,
};

static FW_PROPERTY device_properties[] = {
    DEFINE_PROP_CHR("chardev", FWLinkDevice, chardev),
    DEFINE_PROP_BOOL("far", FWLinkDevice, link.far, false),
    FW_PROPERTIES_END
};

static void device_class_init(ObjectClass *klass, FW_CLASS_DATA data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->realize = device_realize;
    dc->unrealize = device_unrealize;
    dc->bus_type = TYPE_FW_BUS;
    dc->desc = "IEEE 1394 bus that two processes share";
    dc->vmsd = &device_vmstate;
    device_class_set_props(dc, device_properties);
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo device_info = {
    .name = TYPE_FW_LINK,
    .parent = TYPE_DEVICE,
    .instance_size = sizeof(FWLinkDevice),
    .class_init = device_class_init,
};

static void device_register_types(void)
{
    type_register_static(&device_info);
}

type_init(device_register_types)
